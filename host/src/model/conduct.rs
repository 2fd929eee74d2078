//! How the host behaves towards a provider, as an integration says: what is tried again,
//! how many requests it bears, and where a guest may have a secret filled in.

use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What is tried again beyond what the host does for every provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRules {
    /// Statuses that are tried again beside 429 and 5xx.
    #[serde(default)]
    pub on: BTreeSet<u16>,
    /// Headers in which the provider says how long to wait, or until when. Of several the
    /// longest wait counts, and it counts before the headers that are known to all.
    #[serde(default, deserialize_with = "one_or_many")]
    #[schema(value_type = Names)]
    pub header: Vec<String>,
    /// Tries of one request at most, the first included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts_max: Option<u32>,
}

/// How many requests a provider bears. Who has more to ask waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// So many requests …
    pub requests: u32,
    /// … in any span of so many seconds.
    pub per_seconds: u32,
    /// Whose requests count together.
    #[serde(default)]
    pub shared_by: RateScope,
}

/// Whose requests count together towards a rate limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RateScope {
    /// Those of one connection: most providers count by token.
    #[default]
    Connection,
    /// Those of all connections of the integration: some count by app.
    Integration,
}

/// How a provider numbers its pages, for syncs that leave that to their integration. They
/// read it in their connection's config, as `pagination`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pagination {
    /// By what the next page is asked for.
    #[serde(rename = "type")]
    pub kind: PaginationKind,
    /// The parameter that carries the cursor, offset or page number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// Where in the body the next cursor or URL stands, names with dots between. A link
    /// without it is that of the `Link` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Where in the body the items are; the body itself if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<String>,
    /// The first offset or page number; 0 and 1 if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Whether the parameter goes into the JSON body instead of the query.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_body: bool,
}

/// By what the next page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaginationKind {
    /// What the page before said.
    Cursor,
    /// The next page's URL.
    Link,
    /// How many records to skip.
    Offset,
    /// The page's number.
    Page,
}

impl Pagination {
    /// What is wrong with it, in words; none if it can be used.
    pub fn defect(&self) -> Option<&'static str> {
        let Pagination {
            param, next, start, ..
        } = self;
        match self.kind {
            PaginationKind::Cursor if param.is_none() => Some("a cursor needs `param`"),
            PaginationKind::Cursor if next.is_none() => Some("a cursor needs `next`"),
            PaginationKind::Link if param.is_some() => Some("a link has no `param`"),
            PaginationKind::Cursor | PaginationKind::Link if start.is_some() => {
                Some("only an offset or a page number has a `start`")
            }
            PaginationKind::Offset | PaginationKind::Page if param.is_none() => {
                Some("an offset or a page number needs `param`")
            }
            PaginationKind::Offset | PaginationKind::Page if next.is_some() => {
                Some("only a cursor or a link has a `next`")
            }
            _ => None,
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A part of a request in which a placeholder may stand.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The body.
    Body,
    /// The values and names of the query.
    Query,
}

impl Place {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Place::Body => "body",
            Place::Query => "query",
        }
    }
}

/// One name, or a list of them.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_numbered_in_one_way() {
        for (json, defect) in [
            (r#"{"type":"cursor","param":"c","next":"meta.next"}"#, None),
            (r#"{"type":"link"}"#, None),
            (
                r#"{"type":"link","next":"links.next","items":"data"}"#,
                None,
            ),
            (r#"{"type":"offset","param":"skip","in_body":true}"#, None),
            (r#"{"type":"page","param":"page","start":0}"#, None),
            (
                r#"{"type":"cursor","next":"n"}"#,
                Some("a cursor needs `param`"),
            ),
            (
                r#"{"type":"cursor","param":"c"}"#,
                Some("a cursor needs `next`"),
            ),
            (
                r#"{"type":"link","param":"c"}"#,
                Some("a link has no `param`"),
            ),
            (
                r#"{"type":"link","start":1}"#,
                Some("only an offset or a page number has a `start`"),
            ),
            (
                r#"{"type":"page"}"#,
                Some("an offset or a page number needs `param`"),
            ),
            (
                r#"{"type":"page","param":"p","next":"n"}"#,
                Some("only a cursor or a link has a `next`"),
            ),
        ] {
            let read: Pagination = serde_json::from_str(json).unwrap();
            assert_eq!(read.defect(), defect, "{json}");
            let again = serde_json::to_string(&read).unwrap();
            assert_eq!(serde_json::from_str::<Pagination>(&again).unwrap(), read);
        }
        for json in [
            r#"{"type":"none"}"#,
            r#"{"param":"p"}"#,
            r#"{"type":"link","nxt":"a"}"#,
        ] {
            assert!(serde_json::from_str::<Pagination>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn rules_are_read_as_people_write_them() {
        for (json, on, header) in [
            ("{}", &[][..], &[][..]),
            (r#"{"on":[403],"header":"x-wait"}"#, &[403], &["x-wait"]),
            (r#"{"header":["a","b"]}"#, &[], &["a", "b"]),
        ] {
            let rules: RetryRules = serde_json::from_str(json).unwrap();
            assert_eq!(rules.on.into_iter().collect::<Vec<_>>(), on, "{json}");
            assert_eq!(rules.header, header, "{json}");
        }
        assert!(serde_json::from_str::<RetryRules>(r#"{"headers":["a"]}"#).is_err());
        let limit: RateLimit = serde_json::from_str(r#"{"requests":9,"per_seconds":1}"#).unwrap();
        assert_eq!(limit.shared_by, RateScope::Connection);
    }
}
