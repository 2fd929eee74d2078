//! What waits for its time and then for its turn, fairly between environments.
//!
//! Each environment has a lane, sorted by due time. A lane whose first item is due
//! stands in a ring and the lane at the front is served next: one item, then it goes to
//! the back. So a lane with room waits at most as many turns as there are other lanes in
//! the ring, however many items those hold. A lane without room for its first item keeps
//! its place until it has, and nothing overtakes within a lane: a large run is not kept
//! waiting by a stream of small ones.
//!
//! Invariant: each lane holds an item, and stands exactly once, in the ring or among
//! those asleep. Nothing here reads a clock or waits.

use crate::model::Environment;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Items that wait, each with its environment, the memory it takes and when it is due.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    lanes: HashMap<Environment, Lane<T>>,
    /// Lanes whose first item was due when last looked at, by their turn.
    ring: BTreeMap<u64, Environment>,
    /// Lanes whose first item was not, by when it is.
    asleep: BTreeSet<(Timestamp, Environment)>,
    /// Counts turns and items; never goes back, so it tells both apart.
    counter: u64,
    items: usize,
}

#[derive(Debug)]
struct Lane<T> {
    /// By due time, those of one time in the order they came.
    items: BTreeMap<(Timestamp, u64), Waiting<T>>,
    /// The time it is entered under among those asleep; `None` in the ring.
    asleep_until: Option<Timestamp>,
}

#[derive(Debug)]
struct Waiting<T> {
    memory_bytes: u64,
    item: T,
}

impl<T> FairQueue<T> {
    /// A queue without items.
    pub(super) fn new() -> Self {
        FairQueue {
            lanes: HashMap::new(),
            ring: BTreeMap::new(),
            asleep: BTreeSet::new(),
            counter: 0,
            items: 0,
        }
    }

    /// How many items wait, due or not.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.items
    }

    /// Whether nothing waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// When [`FairQueue::pop`] should be asked again though nothing ended and nothing was
    /// pushed: the next time that an environment with nothing due has. `None` when all
    /// that is left waits for room.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        self.asleep.first().map(|(due, _)| *due)
    }

    /// Adds an item that takes `memory_bytes` of its environment from `due` on. One that
    /// takes more than its environment has at all would hold the others of its lane for
    /// ever: the caller refuses those before. O(log n).
    pub(super) fn push(
        &mut self,
        environment: &Environment,
        memory_bytes: u64,
        due: Timestamp,
        item: T,
    ) {
        let order = (due, self.count());
        let waiting = Waiting { memory_bytes, item };
        self.items += 1;
        if let Some(lane) = self.lanes.get_mut(environment) {
            lane.items.insert(order, waiting);
            self.wake_earlier(environment, due);
            return;
        }
        let lane = Lane {
            items: BTreeMap::from([(order, waiting)]),
            asleep_until: Some(due),
        };
        self.asleep.insert((due, environment.clone()));
        self.lanes.insert(environment.clone(), lane);
    }

    /// Takes the item whose turn it is, with its environment: due at `now`, first of its
    /// environment, and with room there. `free_slots` are the runs that the host may
    /// still start, and `free_memory` says how many bytes an environment has left; 0 for
    /// one that may start no run at all. Beyond O(log n) it asks once for each
    /// environment that stands before the one served and has no room.
    pub(super) fn pop(
        &mut self,
        now: Timestamp,
        free_slots: usize,
        mut free_memory: impl FnMut(&Environment) -> u64,
    ) -> Option<(Environment, T)> {
        if free_slots == 0 {
            return None;
        }
        self.wake_all(now);
        let mut from = 0;
        // Not an iterator: a lane that is not due after all leaves the ring on the way.
        while let Some((turn, environment)) = self.standing_from(from) {
            from = turn + 1;
            let (due, memory_bytes) = self.first_of(&environment)?;
            if due > now {
                // The clock was set back since the lane woke.
                self.ring.remove(&turn);
                self.place(environment, due, now);
                continue;
            }
            let free = free_memory(&environment);
            if free > 0 && memory_bytes <= free {
                self.ring.remove(&turn);
                return self.serve(environment, now);
            }
        }
        None
    }

    /// Takes the first item of a lane that stands nowhere, and puts the lane at the back.
    fn serve(&mut self, environment: Environment, now: Timestamp) -> Option<(Environment, T)> {
        let lane = self.lanes.get_mut(&environment)?;
        let (_, waiting) = lane.items.pop_first()?;
        self.items -= 1;
        match self.first_of(&environment) {
            Some((due, _)) => self.place(environment.clone(), due, now),
            None => {
                self.lanes.remove(&environment);
            }
        }
        Some((environment, waiting.item))
    }

    /// Moves every lane that is due to the back of the ring, earliest due first.
    fn wake_all(&mut self, now: Timestamp) {
        while self.wakes_at().is_some_and(|due| due <= now) {
            if let Some((due, environment)) = self.asleep.pop_first() {
                self.place(environment, due, now);
            }
        }
    }

    /// Moves a sleeping lane to the time of an item that comes before its first.
    fn wake_earlier(&mut self, environment: &Environment, due: Timestamp) {
        let lane = self.lanes.get_mut(environment);
        let Some(until) = lane.and_then(|lane| lane.asleep_until.as_mut()) else {
            return;
        };
        if due < *until {
            self.asleep.remove(&(*until, environment.clone()));
            self.asleep.insert((due, environment.clone()));
            *until = due;
        }
    }

    /// Puts a lane that stands nowhere where it belongs: at the back of the ring when
    /// its first item is due, else asleep.
    fn place(&mut self, environment: Environment, due: Timestamp, now: Timestamp) {
        let asleep_until = (due > now).then_some(due);
        if let Some(lane) = self.lanes.get_mut(&environment) {
            lane.asleep_until = asleep_until;
        }
        if asleep_until.is_some() {
            self.asleep.insert((due, environment));
        } else {
            let turn = self.count();
            self.ring.insert(turn, environment);
        }
    }

    /// The lane at the first turn from `from` on.
    fn standing_from(&self, from: u64) -> Option<(u64, Environment)> {
        let (turn, environment) = self.ring.range(from..).next()?;
        Some((*turn, environment.clone()))
    }

    /// When the first item of a lane is due, and the memory that it takes.
    fn first_of(&self, environment: &Environment) -> Option<(Timestamp, u64)> {
        let lane = self.lanes.get(environment)?;
        let ((due, _), waiting) = lane.items.first_key_value()?;
        Some((*due, waiting.memory_bytes))
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        FairQueue::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Memory that is room enough for anything here.
    const PLENTY: u64 = 1_000;

    fn environment(name: &str) -> Environment {
        Environment::new(name).unwrap()
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Pushes `(environment, memory, due second)` rows; an item is the row's number.
    fn queue(rows: &[(&str, u64, i64)]) -> FairQueue<usize> {
        let mut queue = FairQueue::new();
        for (number, (name, memory, due)) in rows.iter().enumerate() {
            queue.push(&environment(name), *memory, second(*due), number);
        }
        queue
    }

    /// Everything that comes out at `now` where each environment has `free` bytes.
    fn popped(queue: &mut FairQueue<usize>, now: i64, free: u64) -> Vec<usize> {
        std::iter::from_fn(|| queue.pop(second(now), 1, |_| free))
            .map(|(_, item)| item)
            .collect()
    }

    #[test]
    fn environments_take_turns_and_the_oldest_due_goes_first() {
        let rows = [
            ("big", 1, 5),
            ("big", 1, 3),
            ("big", 1, 4),
            ("big", 1, 3),
            ("small", 1, 9),
            ("tiny", 1, 8),
        ];
        let mut queue = queue(&rows);
        assert!(popped(&mut queue, 2, PLENTY).is_empty());
        assert_eq!(popped(&mut queue, 10, PLENTY), [1, 5, 4, 3, 2, 0]);
        assert!(queue.is_empty() && queue.lanes.is_empty());
    }

    #[test]
    fn a_lane_wakes_at_its_earliest_item() {
        let mut queue = queue(&[("a", 1, 50), ("b", 1, 40), ("a", 1, 30)]);
        assert_eq!(queue.wakes_at(), Some(second(30)));
        assert_eq!(popped(&mut queue, 30, PLENTY), [2]);
        assert_eq!(queue.wakes_at(), Some(second(40)));
        assert!(popped(&mut queue, 45, 0).is_empty(), "no room is no run");
        assert_eq!(queue.wakes_at(), Some(second(50)));
        assert_eq!(popped(&mut queue, 60, PLENTY), [1, 0]);
        assert_eq!(queue.wakes_at(), None);
    }

    #[test]
    fn without_room_a_lane_keeps_its_place_and_holds_nobody_else() {
        let mut queue = queue(&[("full", 8, 1), ("full", 1, 2), ("b", 1, 3), ("c", 1, 4)]);
        let full = environment("full");
        let now = second(9);
        let mut pop = |free: u64| {
            let found = queue.pop(now, 1, |each| if *each == full { free } else { PLENTY });
            found.map(|(_, item)| item)
        };
        assert_eq!(pop(7), Some(2), "the small one does not overtake");
        assert_eq!(pop(8), Some(0), "room came: first again");
        assert_eq!(pop(0), Some(3));
        assert_eq!(pop(0), None);
        assert_eq!(pop(1), Some(1));
        assert_eq!(pop(PLENTY), None);
    }

    #[test]
    fn without_slots_and_before_its_time_nothing_comes_out() {
        let mut queue = queue(&[("a", 0, 10), ("b", 1, 10)]);
        assert_eq!(queue.pop(second(10), 0, |_| PLENTY), None);
        // The lanes woke; the clock is set back, then comes again.
        assert!(popped(&mut queue, 10, 0).is_empty());
        assert!(popped(&mut queue, 9, PLENTY).is_empty());
        assert_eq!(queue.wakes_at(), Some(second(10)));
        assert_eq!(queue.len(), 2);
        assert_eq!(popped(&mut queue, 10, PLENTY), [0, 1]);
    }

    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize, u64, i64),
        /// At a time, with so many bytes left in each environment.
        Pop(i64, [u64; NAMES.len()]),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let time = 0i64..20;
        prop_oneof![
            (0..NAMES.len(), 0u64..6, time.clone())
                .prop_map(|(name, memory, due)| Step::Push(name, memory, due)),
            (time, prop::array::uniform5(0u64..8)).prop_map(|(now, free)| Step::Pop(now, free)),
        ]
    }

    /// The plain truth about the queue: what waits, and who was served while an
    /// environment that could have been was not.
    #[derive(Default)]
    struct Truth {
        waiting: [BTreeMap<(i64, usize), u64>; NAMES.len()],
        served_since: [Vec<usize>; NAMES.len()],
    }

    impl Truth {
        fn may_be_served(&self, name: usize, now: i64, free: u64) -> bool {
            let first = self.waiting[name].first_key_value();
            first.is_some_and(|((due, _), memory)| *due <= now && free > 0 && *memory <= free)
        }

        fn check(&mut self, now: i64, free: [u64; NAMES.len()], found: Option<(usize, usize)>) {
            let able: Vec<usize> = (0..NAMES.len())
                .filter(|name| self.may_be_served(*name, now, free[*name]))
                .collect();
            let Some((served, item)) = found else {
                assert!(able.is_empty(), "{able:?} could have been served");
                self.served_since.iter_mut().for_each(Vec::clear);
                return;
            };
            assert!(able.contains(&served));
            let ((_, first), _) = self.waiting[served].pop_first().unwrap();
            assert_eq!(item, first, "not the oldest of its environment");
            for name in 0..NAMES.len() {
                if name == served || !able.contains(&name) {
                    self.served_since[name].clear();
                    continue;
                }
                let since = &mut self.served_since[name];
                assert!(!since.contains(&served), "{served} twice before {name}");
                since.push(served);
            }
        }
    }

    proptest! {
        /// Whoever has something due and room for it is served before any other is
        /// served twice, so within as many turns as there are environments; each item
        /// comes out once, in its environment's order.
        #[test]
        fn nobody_waits_longer_than_a_round(
            steps in prop::collection::vec(any_step(), 1..200),
        ) {
            let (mut queue, mut truth) = (FairQueue::new(), Truth::default());
            let drain = (0..steps.len()).map(|_| Step::Pop(20, [PLENTY; NAMES.len()]));
            for (number, step) in steps.iter().cloned().chain(drain).enumerate() {
                match step {
                    Step::Push(name, memory, due) => {
                        queue.push(&environment(NAMES[name]), memory, second(due), number);
                        truth.waiting[name].insert((due, number), memory);
                    }
                    Step::Pop(now, free) => {
                        let index = |each: &Environment| {
                            NAMES.iter().position(|name| *name == each.as_str()).unwrap()
                        };
                        let found = queue.pop(second(now), 1, |each| free[index(each)]);
                        let found = found.map(|(each, item)| (index(&each), item));
                        truth.check(now, free, found);
                    }
                }
                let waiting: usize = truth.waiting.iter().map(BTreeMap::len).sum();
                prop_assert_eq!(queue.len(), waiting);
                prop_assert_eq!(queue.ring.len() + queue.asleep.len(), queue.lanes.len());
            }
            prop_assert!(queue.is_empty() && queue.lanes.is_empty());
        }
    }
}
