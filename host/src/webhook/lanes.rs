//! What is sent next: one lane for each environment and URL. Pure; no body is held here.
//!
//! Lanes take turns, and no lane or environment may have many attempts under way, so
//! that an app which hangs holds up only itself. A lane whose app is unwell several times
//! in a row is *closed*: it lets one attempt through from time to time, and the first
//! that succeeds opens it.
//!
//! A lane lists the ids of at most [`LISTED_MAX`] deliveries, those that are due first;
//! [`Lanes::wants_more`] tells when the store has to be looked through again for others.

use super::patience::{Answer, again, later};
use crate::model::{Delivery, DeliveryId, Environment};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

/// Attempts under way at once, of all environments; what else is due waits. Each may hold
/// a body and an answer of 64 KiB.
const AT_ONCE: usize = 64;
/// Attempts under way at once of one environment; what else is due waits. Eight
/// environments whose apps hang do not fill [`AT_ONCE`] with theirs alone.
const AT_ONCE_PER_ENVIRONMENT: usize = 8;
/// Attempts under way at once in one lane; what else is due waits.
const AT_ONCE_PER_LANE: usize = 4;
/// Failures in a row that close a lane.
const CLOSED_AFTER: u32 = 5;
/// The longest that a closed lane waits for its next probe: it is how much later than
/// need be an app that is back hears of things.
const CLOSED_MAX: Duration = Duration::from_secs(300);
/// Deliveries that a lane lists, at about 100 bytes each; the rest waits in the store.
const LISTED_MAX: usize = 4096;

/// What names a lane. Environments that share a URL do not share a lane.
pub(super) type LaneKey = (Environment, String);

/// All lanes.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: HashMap<LaneKey, Lane>,
    /// Attempts under way.
    flying: HashSet<DeliveryId>,
    of_environment: HashMap<Environment, usize>,
    turns: u64,
}

#[derive(Default)]
struct Lane {
    order: BTreeSet<(Timestamp, DeliveryId)>,
    due: HashMap<DeliveryId, Timestamp>,
    /// Whether the store has more that wait in this lane than are listed.
    more: bool,
    flying: usize,
    failures: u32,
    closed_until: Option<Timestamp>,
    last_turn: u64,
}

/// The lane of a delivery.
pub(super) fn key(delivery: &Delivery) -> LaneKey {
    let environment = delivery.connection.environment.clone();
    (environment, delivery.url.clone())
}

impl Lanes {
    /// Lists a delivery if it waits and is not under way.
    pub fn add(&mut self, delivery: &Delivery) {
        let Some(next) = delivery.next else { return };
        if !self.flying.contains(&delivery.id) {
            self.lanes
                .entry(key(delivery))
                .or_default()
                .list(delivery.id, next);
        }
    }

    /// Lists a delivery as the very next of its lane, and opens that.
    pub fn urge(&mut self, delivery: &Delivery) {
        let lane = self.lanes.entry(key(delivery)).or_default();
        lane.list(delivery.id, Timestamp::MIN);
        lane.closed_until = None;
    }

    /// Takes a delivery off the list.
    pub fn remove(&mut self, delivery: &Delivery) {
        let key = key(delivery);
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.unlist(delivery.id);
        }
        self.tidy(&key);
    }

    /// Whether an attempt is under way.
    pub fn is_flying(&self, id: DeliveryId) -> bool {
        self.flying.contains(&id)
    }

    /// Whether the app of a delivery was unwell in its last attempts.
    pub fn is_closed(&self, key: &LaneKey) -> bool {
        let lane = self.lanes.get(key);
        lane.is_some_and(|lane| lane.failures >= CLOSED_AFTER)
    }

    /// What is to be attempted now, if there is anything and room for it. The lane that
    /// had its turn longest ago comes first.
    pub fn next(&mut self, now: Timestamp) -> Option<(LaneKey, DeliveryId)> {
        let ready = self.lanes.iter().filter(|(key, lane)| {
            self.has_room(key, lane) && lane.ready_at().is_some_and(|at| at <= now)
        });
        let (key, _) = ready.min_by_key(|(_, lane)| lane.last_turn)?;
        let key = key.clone();
        self.turns += 1;
        let lane = self.lanes.get_mut(&key)?;
        let (_, id) = lane.order.pop_first()?;
        lane.due.remove(&id);
        lane.last_turn = self.turns;
        lane.flying += 1;
        self.flying.insert(id);
        *self.of_environment.entry(key.0.clone()).or_default() += 1;
        Some((key, id))
    }

    /// When something is due that there is room for. What waits for room alone is due
    /// when an attempt ends.
    pub fn next_at(&self) -> Option<Timestamp> {
        let lanes = self.lanes.iter();
        let open = lanes.filter(|(key, lane)| self.has_room(key, lane));
        open.filter_map(|(_, lane)| lane.ready_at()).min()
    }

    /// Takes in that an attempt ended; no answer means that nothing was sent. The lane
    /// is kept until it is [tidied](Lanes::tidy).
    pub fn ended(
        &mut self,
        key: &LaneKey,
        id: DeliveryId,
        answer: Option<&Answer>,
        now: Timestamp,
        random: f64,
    ) {
        self.flying.remove(&id);
        if let Some(count) = self.of_environment.get_mut(&key.0) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of_environment.remove(&key.0);
            }
        }
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.flying = lane.flying.saturating_sub(1);
            if let Some(answer) = answer {
                lane.learn(answer, now, random);
            }
        }
    }

    /// Whether a lane has run out of what is listed while the store has more.
    pub fn wants_more(&self) -> bool {
        self.lanes
            .values()
            .any(|lane| lane.more && lane.order.is_empty())
    }

    /// The store is looked through from its start: all that waits will be added.
    pub fn refill(&mut self) {
        self.lanes.values_mut().for_each(|lane| lane.more = false);
    }

    /// Drops a lane that has nothing to do.
    pub fn tidy(&mut self, key: &LaneKey) {
        let idle = |lane: &Lane| lane.order.is_empty() && lane.flying == 0 && !lane.more;
        if self.lanes.get(key).is_some_and(idle) {
            self.lanes.remove(key);
        }
    }

    fn has_room(&self, (environment, _): &LaneKey, lane: &Lane) -> bool {
        let here = self.of_environment.get(environment).copied().unwrap_or(0);
        let lane_max = match lane.failures >= CLOSED_AFTER {
            true => 1,
            false => AT_ONCE_PER_LANE,
        };
        self.flying.len() < AT_ONCE && here < AT_ONCE_PER_ENVIRONMENT && lane.flying < lane_max
    }
}

impl Lane {
    fn list(&mut self, id: DeliveryId, next: Timestamp) {
        self.unlist(id);
        self.due.insert(id, next);
        self.order.insert((next, id));
        if self.order.len() > LISTED_MAX {
            self.more = true;
            if let Some((_, last)) = self.order.pop_last() {
                self.due.remove(&last);
            }
        }
    }

    fn unlist(&mut self, id: DeliveryId) {
        if let Some(next) = self.due.remove(&id) {
            self.order.remove(&(next, id));
        }
    }

    fn ready_at(&self) -> Option<Timestamp> {
        let (next, _) = self.order.first()?;
        Some((*next).max(self.closed_until.unwrap_or(Timestamp::MIN)))
    }

    /// An app that answers is well, whatever it answers to one message: only silence and
    /// errors of its own close a lane. A wait that it asks for counts for the whole lane.
    fn learn(&mut self, answer: &Answer, now: Timestamp, random: f64) {
        match answer {
            Answer::Taken => (self.failures, self.closed_until) = (0, None),
            Answer::Gone(_) | Answer::Refused(_) => {}
            Answer::Unwell(_, asked) => {
                self.failures = self.failures.saturating_add(1);
                let closed = self.failures.saturating_add(1).checked_sub(CLOSED_AFTER);
                let probe = closed
                    .filter(|closed| *closed > 0)
                    .map(|closed| again(closed, random).min(CLOSED_MAX));
                let asked = asked.map(|asked| asked.min(CLOSED_MAX));
                let until = probe.max(asked).map(|wait| later(now, wait));
                // Others that were under way shorten no wait.
                self.closed_until = self.closed_until.max(until);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::patience::tests::delivery;
    use super::*;
    use crate::model::ConnectionKey;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn unwell() -> Answer {
        Answer::Unwell("x".into(), None)
    }

    fn of(environment: &str, number: u32, url: &str) -> Delivery {
        let mut delivery = delivery(number, url);
        delivery.connection = ConnectionKey::new(environment, "github", "acme").unwrap();
        delivery
    }

    fn all_ready(lanes: &mut Lanes, now: Timestamp) -> Vec<(LaneKey, DeliveryId)> {
        std::iter::from_fn(|| lanes.next(now)).collect()
    }

    #[test]
    fn an_app_that_hangs_holds_up_only_itself() {
        let mut lanes = Lanes::default();
        for number in 0..1000 {
            lanes.add(&of("slow", number, "https://hangs.test/"));
        }
        let first = all_ready(&mut lanes, NOW);
        assert_eq!(first.len(), AT_ONCE_PER_LANE);
        for number in 1000..1000 + 20 {
            lanes.add(&of("slow", number, &format!("https://{number}.test/")));
        }
        let more = all_ready(&mut lanes, NOW);
        assert_eq!(more.len(), AT_ONCE_PER_ENVIRONMENT - AT_ONCE_PER_LANE);
        lanes.add(&of("other", 5000, "https://hangs.test/"));
        let other = all_ready(&mut lanes, NOW);
        assert_eq!(other.len(), 1, "{other:?}");
        assert_eq!(other[0].0.0.as_str(), "other");
        assert!(lanes.next_at().is_none(), "nothing is due that has room");
        let (key, id) = &first[0];
        lanes.ended(key, *id, Some(&Answer::Taken), NOW, 1.0);
        assert_eq!(all_ready(&mut lanes, NOW).len(), 1);
    }

    #[test]
    fn all_together_keep_to_the_limit_and_take_turns() {
        let mut lanes = Lanes::default();
        for number in 0..400 {
            let environment = format!("e{:02}", number % 20);
            lanes.add(&of(&environment, number, "https://a.test/"));
        }
        let ready = all_ready(&mut lanes, NOW);
        assert_eq!(ready.len(), AT_ONCE);
        let firsts: BTreeSet<_> = ready.iter().take(20).map(|(key, _)| key.clone()).collect();
        assert_eq!(firsts.len(), 20, "each has a turn before any has two");
    }

    #[test]
    fn a_lane_closes_lets_probes_through_and_opens() {
        let mut lanes = Lanes::default();
        for number in 0..100 {
            lanes.add(&of("prod", number, "https://a.test/"));
        }
        let mut now = NOW;
        for failures in 1..=CLOSED_AFTER {
            let (key, id) = lanes.next(now).unwrap();
            lanes.ended(&key, id, Some(&unwell()), now, 1.0);
            assert_eq!(lanes.is_closed(&key), failures == CLOSED_AFTER);
        }
        let mut waits = Vec::new();
        for _ in 0..7 {
            assert!(lanes.next(now).is_none());
            let at = lanes.next_at().unwrap();
            waits.push(at.duration_since(now).as_secs());
            now = at;
            let ready = all_ready(&mut lanes, now);
            assert_eq!(ready.len(), 1, "one probe");
            lanes.ended(&ready[0].0, ready[0].1, Some(&unwell()), now, 1.0);
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300]);
        now = lanes.next_at().unwrap();
        let (key, id) = lanes.next(now).unwrap();
        lanes.ended(&key, id, Some(&Answer::Taken), now, 1.0);
        assert_eq!(all_ready(&mut lanes, now).len(), AT_ONCE_PER_LANE);
    }

    #[test]
    fn a_refusal_closes_nothing_and_an_asked_wait_holds_the_lane() {
        let mut lanes = Lanes::default();
        for number in 0..20 {
            lanes.add(&of("prod", number, "https://a.test/"));
        }
        for _ in 0..10 {
            let (key, id) = lanes.next(NOW).unwrap();
            lanes.ended(&key, id, Some(&Answer::Refused("x".into())), NOW, 1.0);
        }
        let (key, id) = lanes.next(NOW).unwrap();
        let asked = Answer::Unwell("x".into(), Some(Duration::from_secs(90)));
        lanes.ended(&key, id, Some(&asked), NOW, 1.0);
        assert!(lanes.next(NOW).is_none());
        assert_eq!(lanes.next_at().unwrap().as_second(), 90);
        let urged = of("prod", 15, "https://a.test/");
        lanes.urge(&urged);
        assert_eq!(
            lanes.next(NOW).unwrap().1,
            urged.id,
            "a replay waits for nothing"
        );
    }

    #[test]
    fn more_than_a_list_holds_is_asked_for_and_nothing_is_listed_twice() {
        let mut lanes = Lanes::default();
        let count = LISTED_MAX as u32 + 10;
        let mut waiting: Vec<Delivery> = (0..count)
            .map(|number| of("prod", number, "https://a.test/"))
            .collect();
        while !waiting.is_empty() {
            lanes.refill();
            // What is under way is still waiting in the store.
            let (key, flying) = match lanes.next(NOW) {
                Some(ready) => ready,
                None => {
                    waiting.iter().for_each(|delivery| lanes.add(delivery));
                    lanes.next(NOW).unwrap()
                }
            };
            waiting.iter().for_each(|delivery| lanes.add(delivery));
            waiting.retain(|delivery| delivery.id != flying);
            lanes.ended(&key, flying, Some(&Answer::Taken), NOW, 1.0);
            let mut done = BTreeSet::from([flying]);
            while !lanes.wants_more() {
                let Some((key, id)) = lanes.next(NOW) else {
                    break;
                };
                assert!(done.insert(id), "{id} is listed twice");
                waiting.retain(|delivery| delivery.id != id);
                lanes.ended(&key, id, Some(&Answer::Taken), NOW, 1.0);
            }
            assert!(lanes.wants_more() != waiting.is_empty());
        }
        let key = key(&of("prod", 0, "https://a.test/"));
        lanes.tidy(&key);
        assert!(lanes.lanes.is_empty() && lanes.of_environment.is_empty());
    }
}
