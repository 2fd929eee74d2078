//! How many bytes the log of each environment takes, as every commit leaves it.

use crate::model::Environment;
use std::collections::HashMap;

/// Bytes by stream and by environment.
#[derive(Default)]
pub(super) struct Room {
    streams: HashMap<u32, (Environment, u64)>,
    environments: HashMap<Environment, u64>,
}

impl Room {
    /// Takes in a stream of `environment`.
    pub(super) fn add(&mut self, stream: u32, environment: &Environment, bytes: u64) {
        let place = (environment.clone(), 0);
        self.streams.entry(stream).or_insert(place);
        self.set(stream, bytes);
    }

    /// Notes what a stream takes now.
    pub(super) fn set(&mut self, stream: u32, bytes: u64) {
        let Some((environment, before)) = self.streams.get_mut(&stream) else {
            return;
        };
        let all = self.environments.entry(environment.clone()).or_default();
        *all = all.saturating_sub(*before).saturating_add(bytes);
        *before = bytes;
    }

    /// What the streams of `environment` take together.
    pub(super) fn of(&self, environment: &Environment) -> u64 {
        self.environments.get(environment).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_add_up_by_environment() {
        let (a, b) = (
            Environment::new("a").unwrap(),
            Environment::new("b").unwrap(),
        );
        let mut room = Room::default();
        room.add(1, &a, 10);
        room.add(2, &a, 5);
        room.add(3, &b, 7);
        room.set(1, 4);
        room.set(9, 100);
        assert_eq!((room.of(&a), room.of(&b)), (9, 7));
        room.set(2, 0);
        assert_eq!(room.of(&a), 4);
    }
}
