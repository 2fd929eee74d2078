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
