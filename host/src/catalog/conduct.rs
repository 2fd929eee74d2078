//! What an integration may say of how its provider is treated, checked when it is said:
//! what cannot be kept is refused before the first run.

use crate::egress::is_placeholder_name;
use crate::error::{Code, Error, Result};
use crate::limits::{
    NAME_BYTES_MAX, PLACEHOLDERS_MAX, RATE_REQUESTS_MAX, RATE_SECONDS_MAX, RETRIES_MAX,
    RETRY_HEADERS_MAX,
};
use crate::model::{IntegrationRow, Pagination, Place, RateLimit, RetryRules};
use http::{HeaderName, StatusCode};
use std::collections::BTreeSet;

/// Checks an integration's `retry`, `rate_limit`, `pagination` and `placeholders`. `invalid.argument`
/// names the one that cannot be used, and why.
pub(super) fn check(row: &IntegrationRow) -> Result<()> {
    if let Some(rules) = &row.retry {
        check_retry(rules)?;
    }
    if let Some(limit) = &row.rate_limit {
        check_rate(limit)?;
    }
    if let Some(defect) = row.pagination.as_ref().and_then(Pagination::defect) {
        return wrong(format!("`pagination`: {defect}"));
    }
    let placeholders = row.placeholders.len();
    if placeholders > PLACEHOLDERS_MAX {
        return wrong(format!(
            "`placeholders` has {placeholders} names, limit {PLACEHOLDERS_MAX}"
        ));
    }
    let mut all = row.placeholders.iter();
    all.try_for_each(|(name, places)| check_placeholder(row, name, places))
}

fn check_retry(rules: &RetryRules) -> Result<()> {
    for status in &rules.on {
        if StatusCode::from_u16(*status).map_or(true, |it| it.is_informational()) {
            return wrong(format!("`retry.on`: {status} is no status of a response"));
        }
    }
    if rules.header.len() > RETRY_HEADERS_MAX {
        let count = rules.header.len();
        return wrong(format!(
            "`retry.header` names {count} headers, limit {RETRY_HEADERS_MAX}"
        ));
    }
    for name in &rules.header {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return wrong(format!(
                "`retry.header`: `{}` is no header's name",
                name.escape_debug()
            ));
        }
    }
    let most = RETRIES_MAX + 1;
    match rules.attempts_max {
        Some(attempts) if !(1..=most).contains(&attempts) => wrong(format!(
            "`retry.attempts_max` is {attempts}; write 1 to {most}"
        )),
        _ => Ok(()),
    }
}

fn check_rate(limit: &RateLimit) -> Result<()> {
    for (name, number, most) in [
        ("requests", limit.requests, RATE_REQUESTS_MAX),
        ("per_seconds", limit.per_seconds, RATE_SECONDS_MAX),
    ] {
        if !(1..=most).contains(&number) {
            return wrong(format!(
                "`rate_limit.{name}` is {number}; write 1 to {most}"
            ));
        }
    }
    Ok(())
}

fn check_placeholder(row: &IntegrationRow, name: &str, places: &BTreeSet<Place>) -> Result<()> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len());
    if !fits || !name.bytes().all(is_placeholder_name) {
        return wrong(format!(
            "`placeholders`: `{}` is no name; write letters, digits, `_`, `-` and `.`",
            name.escape_debug()
        ));
    }
    if places.is_empty() {
        return wrong(format!(
            "`placeholders.{name}` names no place; write `body`, `query` or both"
        ));
    }
    if row.base_url.is_none() {
        return wrong(format!(
            "`placeholders.{name}` has no use without a `base_url`: secrets go to its origin only"
        ));
    }
    Ok(())
}

fn wrong<T>(message: String) -> Result<T> {
    Err(Error::new(Code::InvalidArgument, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn row(settings: Value) -> IntegrationRow {
        let mut row = json!({
            "environment": "prod", "name": "crm", "provider": "crm", "base_url": "https://a.test",
            "created": "2026-11-22T00:00:00Z", "updated": "2026-11-22T00:00:00Z",
        });
        for (key, value) in settings.as_object().unwrap() {
            row[key] = value.clone();
        }
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn what_cannot_be_kept_is_refused_by_its_name() {
        for (settings, says) in [
            (json!({}), ""),
            (
                json!({"retry": {"on": [403, 420], "header": ["X-Wait"], "attempts_max": 1}}),
                "",
            ),
            (
                json!({"rate_limit": {"requests": 1, "per_seconds": 86_400}}),
                "",
            ),
            (
                json!({"placeholders": {"client.secret_1": ["body", "query"]}}),
                "",
            ),
            (json!({"retry": {"on": [99]}}), "retry.on"),
            (json!({"retry": {"on": [100]}}), "retry.on"),
            (json!({"retry": {"header": "x wait"}}), "retry.header"),
            (json!({"retry": {"header": vec!["a"; 9]}}), "9 headers"),
            (json!({"retry": {"attempts_max": 0}}), "attempts_max"),
            (json!({"retry": {"attempts_max": 22}}), "1 to 21"),
            (
                json!({"rate_limit": {"requests": 0, "per_seconds": 1}}),
                "rate_limit.requests",
            ),
            (
                json!({"rate_limit": {"requests": 1, "per_seconds": 86_401}}),
                "rate_limit.per_seconds",
            ),
            (json!({"placeholders": {"a b": ["body"]}}), "no name"),
            (json!({"placeholders": {"": ["body"]}}), "no name"),
            (json!({"placeholders": {"a": []}}), "names no place"),
            (
                json!({"placeholders": {"a": ["body"]}, "base_url": null}),
                "without a `base_url`",
            ),
        ] {
            let outcome = check(&row(settings.clone()));
            match outcome {
                Ok(()) => assert_eq!(says, "", "{settings}"),
                Err(error) => assert!(
                    !says.is_empty() && error.message.contains(says),
                    "{settings}: {error}"
                ),
            }
        }
    }
}
