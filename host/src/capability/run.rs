//! `run`: facts of the execution, sleeping, and progress.

use super::Context;
use super::bindings::tidegate::sync::run as wit;
use super::seam::{Answer, Reply};
use crate::error::{Code, Error};
use crate::limits::{KIB, SLEEP_MS_MAX};
use crate::model::Trigger;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

impl Context {
    fn fact<T: Reply>(
        &mut self,
        import: &'static str,
        fact: impl FnOnce(&Self) -> T,
    ) -> wasmtime::Result<T> {
        self.through_infallible(import, || Value::Null, |context| Ok(fact(context)))
    }
}

fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes / KIB).unwrap_or(u32::MAX)
}

impl wit::Host for Context {
    fn id(&mut self) -> wasmtime::Result<String> {
        self.fact("run.id", |context| context.fence.run.to_string())
    }

    fn connection_id(&mut self) -> wasmtime::Result<String> {
        self.fact("run.connection-id", |context| {
            context.fence.key.connection.connection.to_string()
        })
    }

    fn integration(&mut self) -> wasmtime::Result<String> {
        self.fact("run.integration", |context| {
            context.fence.key.connection.integration.to_string()
        })
    }

    fn sync_name(&mut self) -> wasmtime::Result<String> {
        self.fact("run.sync-name", |context| {
            context.fence.key.sync.to_string()
        })
    }

    fn variant(&mut self) -> wasmtime::Result<String> {
        self.fact("run.variant", |context| {
            context.fence.key.variant.to_string()
        })
    }

    fn trigger(&mut self) -> wasmtime::Result<String> {
        self.fact("run.trigger", |context| match context.facts.trigger {
            Trigger::Manual => "manual".to_owned(),
            Trigger::Schedule => "schedule".to_owned(),
            Trigger::Continuation => "continuation".to_owned(),
        })
    }

    fn attempt(&mut self) -> wasmtime::Result<u32> {
        self.fact("run.attempt", |context| context.facts.attempt)
    }

    fn started_at(&mut self) -> wasmtime::Result<String> {
        self.fact("run.started-at", |context| {
            context.facts.started.to_string()
        })
    }

    fn deadline(&mut self) -> wasmtime::Result<String> {
        self.fact("run.deadline", |context| context.facts.deadline.to_string())
    }

    fn memory_limit_kib(&mut self) -> wasmtime::Result<u32> {
        self.fact("run.memory-limit-kib", |context| kib(context.memory.cap()))
    }

    fn memory_used_kib(&mut self) -> wasmtime::Result<u32> {
        self.fact("run.memory-used-kib", |context| kib(context.memory.used()))
    }

    fn connection_config(&mut self) -> wasmtime::Result<String> {
        self.fact("run.connection-config", |context| {
            context.facts.connection_config.clone()
        })
    }

    async fn sleep(&mut self, milliseconds: u32) -> Answer<()> {
        let arguments = || json!({ "milliseconds": milliseconds });
        self.through("run.sleep", "", arguments, None, async |context| {
            if milliseconds > SLEEP_MS_MAX {
                let message =
                    format!("a sleep of {milliseconds} ms is longer than {SLEEP_MS_MAX} ms");
                return Err(Error::new(Code::InvalidArgument, message));
            }
            let time = Duration::from_millis(milliseconds.into());
            if context
                .leaving
                .longest_sleep()
                .is_some_and(|longest| time > longest)
            {
                return Err(context.left("asleep", Instant::now() + time));
            }
            context.clock.sleep(time).await;
            context.usage.waited_ms += u64::from(milliseconds);
            Ok(())
        })
        .await
    }

    fn progress(&mut self, message: String, done: u32, total: Option<u32>) -> wasmtime::Result<()> {
        let arguments = || json!({ "message": message, "done": done, "total": total });
        self.through_infallible("run.progress", arguments, |context| {
            context.observer.progress(&message, done, total);
            Ok(())
        })
    }
}
