//! `fetch`: requests by the one door out. The guest builds a request; the host joins,
//! checks, adds the credentials, sends, retries and waits. A response's body counts
//! against the run's memory until the guest has taken it.

use super::Context;
use super::bindings::tidegate::sync::fetch as wit;
use super::seam::{Answer, Reply};
use crate::egress::{IncomingResponse, OutgoingRequest, Sent, Waits};
use crate::error::{Code, Error, Result};
use crate::limits;
use crate::memory::Held;
use crate::model::LogLevel;
use bytes::{Buf, Bytes};
use futures_util::future::{Either, select};
use http::StatusCode;
use serde_json::{Value, json};
use std::pin::pin;
use std::time::Duration;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use wasmtime::component::Resource;

/// A request being built, its body counted against the run's memory.
pub struct Request {
    outgoing: OutgoingRequest,
    held: Option<Held>,
}

/// A request under way. Dropping it ends the exchange.
pub struct Pending {
    task: Option<Exchanging>,
    waits: Waits,
    url: String,
}

/// The task of an exchange, which must not outlive its run.
struct Exchanging(JoinHandle<Sent>);

impl Exchanging {
    /// Waits for its end. A wait in it longer than `longest` is not waited out: the request
    /// is given up, and the answer says until when it would have waited.
    async fn wait(
        &mut self,
        waits: &Waits,
        longest: Option<Duration>,
    ) -> (Result<Sent, JoinError>, Option<Instant>) {
        let Some(longest) = longest else {
            return ((&mut self.0).await, None);
        };
        let watching = pin!(waits.longer_than(longest));
        match select(&mut self.0, watching).await {
            Either::Left((sent, _)) => (sent, None),
            Either::Right((until, task)) => {
                waits.leave();
                (task.await, Some(until))
            }
        }
    }
}

impl Drop for Exchanging {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A response; `held` is what its body counts while the host has it.
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    url: String,
    body: Bytes,
    held: Option<Held>,
}

impl Response {
    fn take(&mut self) -> Bytes {
        self.held = None;
        std::mem::take(&mut self.body)
    }
}

impl Context {
    fn push<T: Send + 'static>(&mut self, resource: T) -> Result<Resource<T>> {
        self.table.push(resource).map_err(|_| {
            let message = format!(
                "{} requests, responses and streams are live; drop them when done with them",
                limits::RESOURCES_MAX
            );
            Error::new(Code::LimitHandles, message)
        })
    }

    fn request(&mut self, handle: &Resource<Request>) -> Result<&mut Request> {
        self.table.get_mut(handle).map_err(gone)
    }

    fn response(&mut self, handle: &Resource<Response>) -> Result<&mut Response> {
        self.table.get_mut(handle).map_err(gone)
    }

    fn set(
        &mut self,
        import: &'static str,
        handle: Resource<Request>,
        change: impl FnOnce(&mut OutgoingRequest),
    ) -> wasmtime::Result<()> {
        self.through_infallible(
            import,
            || Value::Null,
            |context| {
                change(&mut context.request(&handle)?.outgoing);
                Ok(())
            },
        )
    }

    fn set_request_body(
        &mut self,
        import: &'static str,
        handle: Resource<Request>,
        body: Vec<u8>,
    ) -> wasmtime::Result<()> {
        self.through_infallible(
            import,
            || Value::Null,
            |context| {
                let bytes = body.len() as u64;
                let Some(held) = context.memory.hold(bytes) else {
                    return Err(context.out_of_memory("a request body", bytes));
                };
                let request = context.request(&handle)?;
                request.outgoing.body = Some(Bytes::from(body));
                request.held = Some(held);
                Ok(())
            },
        )
    }

    fn start_exchange(&mut self, handle: &Resource<Request>) -> Result<Resource<Pending>> {
        if self.usage.requests >= limits::REQUESTS_PER_RUN_MAX {
            let message = format!(
                "this run has made {} requests, which is its limit",
                limits::REQUESTS_PER_RUN_MAX
            );
            return Err(Error::new(Code::LimitRequests, message));
        }
        let request = self.request(handle)?.outgoing.clone();
        let bytes = request.body.as_ref().map_or(0, Bytes::len);
        if bytes > limits::REQUEST_BODY_BYTES_MAX {
            let message = format!(
                "a request body of {bytes} bytes is over the limit of {}",
                limits::REQUEST_BODY_BYTES_MAX
            );
            return Err(Error::new(Code::InvalidArgument, message));
        }
        let (egress, scope, memory) =
            (self.egress.clone(), self.scope.clone(), self.memory.clone());
        let deadline = self.control.hard_deadline();
        let url = request.url.clone();
        let waits = Waits::default();
        let told = waits.clone();
        let task = tokio::spawn(async move {
            let sending = egress.send(&scope, request, &memory, deadline, &told);
            sending.await
        });
        let pending = self.push(Pending {
            task: Some(Exchanging(task)),
            waits,
            url,
        })?;
        self.leaving.sent();
        Ok(pending)
    }

    async fn finish_exchange(&mut self, handle: &Resource<Pending>) -> Result<Resource<Response>> {
        let pending = self.table.get_mut(handle).map_err(gone)?;
        let (url, waits) = (pending.url.clone(), pending.waits.clone());
        let Some(mut task) = pending.task.take() else {
            return Err(Error::new(
                Code::InvalidArgument,
                "this request was waited for already; send it again",
            ));
        };
        let longest = self.leaving.longest_in_request();
        let (sent, left) = task.wait(&waits, longest).await;
        let mut sent = sent.map_err(|error| {
            Error::new(
                Code::Internal,
                format!("the exchange with {url} broke: {error}"),
            )
        })?;
        self.account(&url, &mut sent);
        self.flush_late_log().await?;
        self.leaving.over(sent.response.as_ref().is_ok_and(is_kept));
        if let (Some(until), Err(error)) = (left, &sent.response)
            && error.code == Code::RunInterrupted
        {
            return Err(self.left("waiting for the provider", until));
        }
        let IncomingResponse {
            status,
            headers,
            url,
            body,
            held,
        } = sent.response?;
        self.seam.trail().fetched(body.len() as u64);
        self.usage.pages += 1;
        self.usage.fetched_bytes += body.len() as u64;
        self.push(Response {
            status,
            headers,
            url,
            body,
            held: Some(held),
        })
    }

    fn account(&mut self, url: &str, sent: &mut Sent) {
        for exchange in std::mem::take(&mut sent.exchanges) {
            self.observer.exchanged(&exchange);
            self.log.exchanged(self.clock.now(), exchange);
        }
        let exchange = sent.exchange;
        self.usage.requests += u64::from(exchange.requests);
        self.usage.retries += u64::from(exchange.retries);
        let waited = u64::try_from(exchange.waited.as_millis()).unwrap_or(u64::MAX);
        self.usage.waited_ms += waited;
        if exchange.retries > 0 {
            let path = url.split('?').next().unwrap_or_default();
            self.note(
                LogLevel::Info,
                &format!(
                    "{path} took {} tries; waited {waited} ms between them",
                    exchange.retries + 1
                ),
            );
        }
    }

    fn take_part(&mut self, handle: &Resource<Response>, most: usize) -> Result<Option<Bytes>> {
        let response = self.response(handle)?;
        if !response.body.has_remaining() {
            response.take();
            return Ok(None);
        }
        let part = response.body.split_to(most.min(response.body.len()));
        if response.body.is_empty() {
            response.held = None;
        } else if let Some(held) = &mut response.held {
            held.shrink_to(response.body.len() as u64);
        }
        self.seam.trail().handed(part.len() as u64);
        Ok(Some(part))
    }
}

/// Whether an answer is one that another run would have to fetch again: it says more than
/// that the provider has none now.
fn is_kept(response: &IncomingResponse) -> bool {
    let status = StatusCode::from_u16(response.status).ok();
    status.is_none_or(|status| status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error())
}

/// A handle that the table does not know: the guest cannot forge one, so this is ours.
fn gone(error: wasmtime::component::ResourceTableError) -> Error {
    Error::new(
        Code::Internal,
        format!("a handle of the guest is not in the table: {error}"),
    )
}

impl wit::Host for Context {
    fn send(&mut self, request: Resource<Request>) -> Answer<Resource<Pending>> {
        let label = self
            .request(&request)
            .map(|request| request.outgoing.url.clone())
            .unwrap_or_default();
        let path = label.split('?').next().unwrap_or_default();
        let shown = self.shown(&request);
        self.through_now(
            "fetch.send",
            path,
            || shown,
            |context| context.start_exchange(&request),
        )
    }
}

impl Context {
    /// A request as a tap sees it; null where nobody looks.
    fn shown(&mut self, handle: &Resource<Request>) -> Value {
        if !self.seam.is_tapped() {
            return Value::Null;
        }
        self.request(handle).map_or(Value::Null, |request| {
            let it = &request.outgoing;
            let body = it.body.as_ref().map(|body| super::seam::text(body));
            json!({ "method": it.method, "url": it.url, "query": it.query, "headers": it.headers, "body": body })
        })
    }
}

impl wit::HostRequest for Context {
    fn new(&mut self, method: String, url: String) -> wasmtime::Result<Resource<Request>> {
        self.through_infallible(
            "fetch.request",
            || Value::Null,
            |context| {
                let outgoing = OutgoingRequest {
                    method,
                    url,
                    base_url: None,
                    query: Vec::new(),
                    headers: Vec::new(),
                    body: None,
                    timeout: None,
                    retries: limits::RETRIES_DEFAULT,
                    retry_on: Vec::new(),
                };
                context.push(Request {
                    outgoing,
                    held: None,
                })
            },
        )
    }

    fn set_header(
        &mut self,
        it: Resource<Request>,
        name: String,
        value: String,
    ) -> wasmtime::Result<()> {
        self.set("fetch.set-header", it, |request| {
            request
                .headers
                .retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
            request.headers.push((name, value));
        })
    }

    fn set_query(
        &mut self,
        it: Resource<Request>,
        name: String,
        value: String,
    ) -> wasmtime::Result<()> {
        self.set("fetch.set-query", it, |request| {
            request.query.push((name, value))
        })
    }

    fn set_body(&mut self, it: Resource<Request>, body: Vec<u8>) -> wasmtime::Result<()> {
        self.set_request_body("fetch.set-body", it, body)
    }

    fn set_body_text(&mut self, it: Resource<Request>, body: String) -> wasmtime::Result<()> {
        self.set_request_body("fetch.set-body-text", it, body.into_bytes())
    }

    fn set_timeout_ms(&mut self, it: Resource<Request>, milliseconds: u32) -> wasmtime::Result<()> {
        let timeout = Duration::from_millis(milliseconds.into()).min(limits::EXCHANGE_TIME_MAX);
        self.set("fetch.set-timeout-ms", it, |request| {
            request.timeout = Some(timeout)
        })
    }

    fn set_retries(&mut self, it: Resource<Request>, retries: u32) -> wasmtime::Result<()> {
        self.set("fetch.set-retries", it, |request| {
            request.retries = retries.min(limits::RETRIES_MAX)
        })
    }

    fn set_retry_on(&mut self, it: Resource<Request>, statuses: Vec<u32>) -> wasmtime::Result<()> {
        let statuses = statuses
            .into_iter()
            .filter_map(|status| u16::try_from(status).ok())
            .collect();
        self.set("fetch.set-retry-on", it, |request| {
            request.retry_on = statuses
        })
    }

    fn set_base_url(&mut self, it: Resource<Request>, url: String) -> wasmtime::Result<()> {
        self.set("fetch.set-base-url", it, |request| {
            request.base_url = Some(url)
        })
    }

    fn drop(&mut self, it: Resource<Request>) -> wasmtime::Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}

impl wit::HostPending for Context {
    async fn wait(&mut self, it: Resource<Pending>) -> Answer<Resource<Response>> {
        let label = self
            .table
            .get(&it)
            .map(|pending| pending.url.clone())
            .unwrap_or_default();
        let path = label.split('?').next().unwrap_or_default();
        let work = async |context: &mut Self| context.finish_exchange(&it).await;
        self.through("fetch.wait", path, || Value::Null, None, work)
            .await
    }

    fn drop(&mut self, it: Resource<Pending>) -> wasmtime::Result<()> {
        let pending = self.table.delete(it)?;
        // One that was waited for is over already.
        if pending.task.is_some() {
            self.leaving.over(false);
        }
        Ok(())
    }
}

impl Context {
    fn look<T: Reply>(
        &mut self,
        import: &'static str,
        it: Resource<Response>,
        look: impl FnOnce(&Response) -> T,
    ) -> wasmtime::Result<T> {
        self.through_infallible(
            import,
            || Value::Null,
            |context| Ok(look(context.response(&it)?)),
        )
    }
}

impl wit::HostResponse for Context {
    fn status(&mut self, it: Resource<Response>) -> wasmtime::Result<u32> {
        self.look("fetch.status", it, |response| response.status.into())
    }

    fn headers(&mut self, it: Resource<Response>) -> wasmtime::Result<Vec<(String, String)>> {
        self.look("fetch.headers", it, |response| response.headers.clone())
    }

    fn header(&mut self, it: Resource<Response>, name: String) -> wasmtime::Result<Option<String>> {
        self.look("fetch.header", it, |response| {
            let found = response
                .headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(&name));
            found.map(|(_, value)| value.clone())
        })
    }

    fn url(&mut self, it: Resource<Response>) -> wasmtime::Result<String> {
        self.look("fetch.url", it, |response| response.url.clone())
    }

    fn text(&mut self, it: Resource<Response>) -> Answer<String> {
        self.through_now(
            "fetch.text",
            "",
            || Value::Null,
            |context| {
                if let Err(error) = std::str::from_utf8(&context.response(&it)?.body) {
                    let message = format!(
                        "the body is not UTF-8 at byte {}; take it with `body`",
                        error.valid_up_to()
                    );
                    return Err(Error::new(Code::InvalidArgument, message));
                }
                let body = context.take_part(&it, usize::MAX)?.unwrap_or_default();
                String::from_utf8(body.into())
                    .map_err(|_| Error::new(Code::Internal, "a body changed while it was read"))
            },
        )
    }

    fn body(&mut self, it: Resource<Response>) -> Answer<Vec<u8>> {
        self.through_now(
            "fetch.body",
            "",
            || Value::Null,
            |context| {
                Ok(context
                    .take_part(&it, usize::MAX)?
                    .unwrap_or_default()
                    .into())
            },
        )
    }

    fn read(&mut self, it: Resource<Response>, max_bytes: u32) -> Answer<Option<Vec<u8>>> {
        let arguments = || json!({ "max-bytes": max_bytes });
        self.through_now("fetch.read", "", arguments, |context| {
            if max_bytes == 0 {
                return Err(Error::new(
                    Code::InvalidArgument,
                    "read of 0 bytes; ask for at least 1",
                ));
            }
            Ok(context.take_part(&it, max_bytes as usize)?.map(Vec::from))
        })
    }

    fn drop(&mut self, it: Resource<Response>) -> wasmtime::Result<()> {
        self.table.delete(it)?;
        Ok(())
    }
}
