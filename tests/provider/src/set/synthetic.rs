//! Records by formula: contacts, users and dated events.
//!
//! A record is a pure function of (seed, number, version), written straight into the
//! page, so that serving costs no more than formatting it.

use super::base::Base;
use super::mix::Mix;
use crate::dates;
use std::io::Write;

/// Records in a row that share a date, so that equal dates lie across page borders of
/// every common page length.
const TIED: u64 = 3;

/// Date of the first contact and user: 2024-01-01.
const FIRST_SECONDS: i64 = 1_704_067_200;

/// Seconds between one group of tied records and the next.
const GROUP_SECONDS: i64 = 60;

/// One event in so many shares its date.
const EVENT_TIED_EVERY: u64 = 7;

const FIRST_NAMES: [&str; 16] = [
    "Ada", "Björn", "Chloé", "Dmitri", "Emeka", "Fatima", "Grace", "Hana", "Ines", "Jürgen",
    "Kaito", "Łucja", "Mateo", "Nía", "Olumide", "Priya",
];
const LAST_NAMES: [&str; 16] = [
    "Abara",
    "Becker",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fournier",
    "Gupta",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Petrov",
];
const COMPANIES: [&str; 12] = [
    "Amberline Logistics",
    "Brightwater Foods",
    "Cobalt & Sons",
    "Driftwood Studio",
    "Eastgate Energy",
    "Fernhill Clinics",
    "Granite Insurance",
    "Harbour Bank",
    "Ironbridge Tools",
    "Juniper Schools",
    "Kestrel Air",
    "Lantern Media",
];
const TITLES: [&str; 8] = [
    "Buyer",
    "Accountant",
    "Head of Support",
    "Engineer",
    "Office Manager",
    "Director",
    "Analyst",
    "Sales Lead",
];
const STREETS: [&str; 8] = [
    "Harbour Lane",
    "Mill Road",
    "Rue des Tilleuls",
    "Lindenallee",
    "Station Street",
    "Calle Mayor",
    "Orchard Close",
    "Tidal Way",
];
const CITIES: [&str; 8] = [
    "Antwerp", "Bilbao", "Cork", "Dresden", "Gdańsk", "Lyon", "Porto", "Uppsala",
];
const TAGS: [&str; 6] = [
    "newsletter",
    "partner",
    "trial",
    "renewal",
    "priority",
    "dormant",
];
const NOTES: [&str; 4] = [
    "Prefers a call in the morning; asked twice for the new price list and for delivery in smaller lots.",
    "Met at the spring fair. Wants to compare our terms with the ones of the present supplier first.",
    "Contract runs until the end of the year, decision lies with the board; send the figures in March.",
    "Moved here from the Lisbon office, knows the product well, open questions are about invoicing only.",
];
const EVENTS: [&str; 5] = [
    "invoice.sent",
    "invoice.paid",
    "order.placed",
    "order.shipped",
    "refund.issued",
];
const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "PLN"];

/// Contacts of about 500 bytes.
pub(crate) struct Contacts {
    pub len: u64,
    pub seed: u64,
    /// The date of the first, in seconds since 1970.
    pub first: i64,
    /// Seconds between one group of tied contacts and the next.
    pub step: i64,
}

impl Contacts {
    /// A group each minute from 2024 on.
    pub fn new(len: u64, seed: u64) -> Self {
        Contacts {
            len,
            seed,
            first: FIRST_SECONDS,
            step: GROUP_SECONDS,
        }
    }

    /// The groups spread evenly from one date up to another, or as near to that as whole
    /// seconds are.
    pub fn spread(self, from: i64, to: i64) -> Self {
        let groups = self.len.div_ceil(TIED).max(1);
        let step = to.saturating_sub(from) / groups.cast_signed();
        Contacts {
            first: from,
            step: step.max(1),
            ..self
        }
    }

    fn tied(&self, n: u64) -> i64 {
        let passed = (n / TIED).cast_signed().saturating_mul(self.step);
        self.first.saturating_add(passed)
    }
}

impl Base for Contacts {
    fn len(&self) -> u64 {
        self.len
    }

    fn at(&self, n: u64) -> i64 {
        self.tied(n)
    }

    fn id(&self, n: u64) -> String {
        format!("contact-{n:07}")
    }

    fn write(&self, n: u64, version: u32, at: i64, out: &mut Vec<u8>) {
        // Who somebody is stays; what an update changes hangs on the version.
        let mut stable = Mix::new(self.seed, n, 0);
        let mut edited = Mix::new(self.seed, n, version);
        let _ = write!(
            out,
            r#"{{"id":"contact-{n:07}","name":"{} {}","email":"contact{n}@mail.example","company":"{}","title":"{}","#,
            stable.pick(&FIRST_NAMES),
            stable.pick(&LAST_NAMES),
            edited.pick(&COMPANIES),
            edited.pick(&TITLES),
        );
        let _ = write!(
            out,
            r#""phone":"+{:02}-555-{:07}","active":{},"address":{{"street":"{} {}","city":"{}","postcode":"{:05}"}},"#,
            10 + stable.below(90),
            edited.below(10_000_000),
            edited.below(8) > 0,
            1 + stable.below(200),
            stable.pick(&STREETS),
            stable.pick(&CITIES),
            stable.below(100_000),
        );
        let _ = write!(
            out,
            r#""tags":["{}","{}"],"note":"{}","owner":"{} {}","revision":{version},"created_at":""#,
            stable.pick(&TAGS),
            stable.pick(&TAGS),
            edited.pick(&NOTES),
            edited.pick(&FIRST_NAMES),
            edited.pick(&LAST_NAMES),
        );
        dates::write(self.tied(n), out);
        out.extend_from_slice(br#"","updated_at":""#);
        dates::write(at, out);
        out.extend_from_slice(br#""}"#);
    }
}

/// Users in the shape of Slack's member list, without a filter by date: what a full
/// refresh is for.
pub(crate) struct Users {
    pub len: u64,
    pub seed: u64,
}

impl Base for Users {
    fn len(&self) -> u64 {
        self.len
    }

    fn at(&self, n: u64) -> i64 {
        FIRST_SECONDS.saturating_add((n / TIED).cast_signed() * GROUP_SECONDS)
    }

    fn id(&self, n: u64) -> String {
        format!("U{n:07}")
    }

    fn write(&self, n: u64, version: u32, at: i64, out: &mut Vec<u8>) {
        let mut stable = Mix::new(self.seed, n, 0);
        let mut edited = Mix::new(self.seed, n, version);
        let _ = write!(
            out,
            r#"{{"id":"U{n:07}","team_id":"T0000001","name":"user{n}","real_name":"{} {}","deleted":false,"is_bot":{},"updated":{at},"#,
            stable.pick(&FIRST_NAMES),
            surname(stable.below(LAST_NAMES.len() as u64), version),
            stable.below(20) == 0,
        );
        let _ = write!(
            out,
            r#""profile":{{"email":"user{n}@mail.example","title":"{}","status_text":"shift {version}, until {:02}:00"}}}}"#,
            edited.pick(&TITLES),
            edited.below(24),
        );
    }
}

/// The surname in this version: a change of a user is one that every sync can see.
fn surname(first: u64, version: u32) -> &'static str {
    let at = (first as usize + version as usize) % LAST_NAMES.len();
    LAST_NAMES.get(at).copied().unwrap_or_default()
}

/// Dated events, spread evenly with a jitter over a span of time, one in
/// [`EVENT_TIED_EVERY`] at the very moment of the one before.
pub(crate) struct Events {
    pub len: u64,
    pub seed: u64,
    /// First moment, in seconds since 1970.
    pub from: i64,
    /// The moment after the last.
    pub to: i64,
}

impl Events {
    /// Where the slot of event `n` starts.
    fn slot(&self, n: u64) -> i64 {
        let span = i128::from(self.to.saturating_sub(self.from));
        let share = span * i128::from(n) / i128::from(self.len.max(1));
        self.from.saturating_add(share as i64)
    }
}

impl Base for Events {
    fn len(&self) -> u64 {
        self.len
    }

    fn at(&self, n: u64) -> i64 {
        let tied = n % EVENT_TIED_EVERY == EVENT_TIED_EVERY - 1;
        let n = if tied { n - 1 } else { n };
        let (start, end) = (self.slot(n), self.slot(n + 1));
        let room = end.saturating_sub(start).max(1);
        start + Mix::new(self.seed, n, 0).below(room as u64) as i64
    }

    fn id(&self, n: u64) -> String {
        format!("event-{n:07}")
    }

    fn write(&self, n: u64, version: u32, at: i64, out: &mut Vec<u8>) {
        let mut mix = Mix::new(self.seed, n, version);
        let _ = write!(
            out,
            r#"{{"id":"event-{n:07}","type":"{}","contact_id":"contact-{:07}","amount_cents":{},"currency":"{}","revision":{version},"occurred_at":""#,
            mix.pick(&EVENTS),
            mix.below(1_000),
            100 + mix.below(1_000_000),
            mix.pick(&CURRENCIES),
        );
        dates::write(at, out);
        out.extend_from_slice(br#""}"#);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn json(base: &dyn Base, n: u64, version: u32) -> Value {
        let mut out = Vec::new();
        base.write(n, version, base.at(n), &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn every_record_is_json_with_its_id_and_the_same_each_time() {
        let contacts = Contacts::new(500, 3);
        let users = Users { len: 500, seed: 3 };
        let (from, to) = (1_546_300_800, 1_577_836_800);
        let events = Events {
            len: 500,
            seed: 3,
            from,
            to,
        };
        for base in [&contacts as &dyn Base, &users, &events] {
            let mut last = i64::MIN;
            for n in 0..base.len() {
                let record = json(base, n, 0);
                assert_eq!(record["id"], base.id(n));
                assert_eq!(record, json(base, n, 0));
                assert_ne!(record, json(base, n, 1), "an update changes {n}");
                assert!(base.at(n) >= last, "{n} is in order");
                last = base.at(n);
            }
        }
        assert!(events.at(0) >= from && events.at(499) < to);
        assert_ne!(json(&contacts, 7, 0), json(&Contacts::new(1, 4), 7, 0));
    }

    #[test]
    fn a_contact_is_about_500_bytes() {
        let contacts = Contacts::new(1_000, 3);
        let mut out = Vec::new();
        (0..1_000).for_each(|n| contacts.write(n, 0, contacts.at(n), &mut out));
        assert!((470..530).contains(&(out.len() / 1_000)), "{}", out.len());
    }
}
