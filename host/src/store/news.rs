//! Who waits for a stream's next change, and how they are woken.
//!
//! A reader asks for [`News::follow`] first and looks at the feed then: what is committed
//! before the look is seen by it, what comes later wakes it. So nothing is polled and
//! nothing is missed.

use crate::model::StreamKey;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The readers that wait, by stream.
#[derive(Default)]
pub(super) struct News {
    followed: Mutex<HashMap<StreamKey, watch::Sender<()>>>,
}

impl News {
    /// Changes when `stream` may have more. The stream need not exist yet.
    pub(super) fn follow(&self, stream: &StreamKey) -> watch::Receiver<()> {
        let mut followed = self.followed();
        // Whoever went away is forgotten when the next one comes.
        followed.retain(|_, sender| sender.receiver_count() > 0);
        let sender = followed
            .entry(stream.clone())
            .or_insert_with(|| watch::channel(()).0);
        sender.subscribe()
    }

    /// Wakes the readers of the streams that `has_more` names. Costs a lock where nobody
    /// waits, and one look for each stream that somebody follows.
    pub(super) fn tell(&self, has_more: impl Fn(&StreamKey) -> bool) {
        let followed = self.followed();
        let told = followed.iter().filter(|(stream, _)| has_more(stream));
        told.for_each(|(_, sender)| sender.send_replace(()));
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<StreamKey, watch::Sender<()>>> {
        // Nothing panics half way through a change of the map.
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConnectionKey, ModelName, Variant};

    fn stream(id: &str) -> StreamKey {
        StreamKey {
            connection: ConnectionKey::new("prod", "crm", id).unwrap(),
            model: ModelName::new("Item").unwrap(),
            variant: Variant::base(),
        }
    }

    #[test]
    fn only_those_who_follow_the_stream_are_told() {
        let news = News::default();
        let (one, two) = (stream("one"), stream("two"));
        let (first, second, other) = (news.follow(&one), news.follow(&one), news.follow(&two));
        news.tell(|key| *key == one);
        let heard = [&first, &second, &other].map(|each| each.has_changed().unwrap());
        assert_eq!(heard, [true, true, false]);
        // A newcomer has everything before it still to read, and is not woken for it.
        assert!(!news.follow(&one).has_changed().unwrap());
    }

    #[test]
    fn who_went_away_is_forgotten() {
        let news = News::default();
        drop(news.follow(&stream("one")));
        let _kept = news.follow(&stream("two"));
        assert_eq!(news.followed().len(), 1);
    }
}
