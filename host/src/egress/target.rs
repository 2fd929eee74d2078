//! From the text of a URL to one [`Url`] that everything after agrees on.
//!
//! The `url` crate parses as browsers do and so accepts much that other parsers read
//! differently: `http:127.0.0.1`, backslashes, tabs, a name before `@`. Whatever two
//! parsers could disagree on is refused here in its raw form; what is left is parsed
//! once, made canonical, and never parsed again from text.

use super::denied::{Denied, Reason};
use crate::limits::URL_BYTES_MAX;
use url::{Host, Url};

/// Bytes of a host name, by the rules of DNS; a longer one is `invalid_url`.
const HOST_BYTES_MAX: usize = 253;

/// Joins `text` to `base` and makes the result canonical: no user, no fragment, no dot
/// after the host. The scheme is `http` or `https`.
///
/// A base whose path does not end in a slash is taken as a folder, so that a base of
/// `https://api.example.com/v3` and `contacts` meet in `/v3/contacts`.
pub fn resolve(base: Option<&Url>, text: &str) -> Result<Url, Denied> {
    check_length(text)?;
    check_characters(text)?;
    let url = match (scheme_of(text), base) {
        (Some(scheme), _) => {
            check_absolute(scheme, text)?;
            Url::parse(text).map_err(|error| invalid(format!("the URL ({error})")))?
        }
        (None, Some(base)) => as_folder(base)
            .join(text)
            .map_err(|error| invalid(format!("the relative URL ({error})")))?,
        (None, None) => {
            return Err(invalid(
                "a relative URL on a connection that has no base URL (--base-url)",
            ));
        }
    };
    canonical(url)
}

/// Where a `Location` leads from `from`. As [`resolve`], but the path that the
/// provider leaves out is that of `from` itself.
pub fn redirected(from: &Url, location: &str) -> Result<Url, Denied> {
    if scheme_of(location).is_some() {
        return resolve(None, location);
    }
    check_length(location)?;
    check_characters(location)?;
    let url = from
        .join(location)
        .map_err(|error| invalid(format!("a redirect's location ({error})")))?;
    canonical(url)
}

/// Refuses what no URL of this length can be; after parameters were added, too.
pub fn check_length(text: &str) -> Result<(), Denied> {
    if text.len() > URL_BYTES_MAX {
        let what = format!("a URL of {} bytes, limit {URL_BYTES_MAX},", text.len());
        return Err(Denied::new(Reason::UrlTooLong, what));
    }
    Ok(())
}

fn invalid(what: impl Into<String>) -> Denied {
    Denied::new(Reason::InvalidUrl, what)
}

/// Refuses control characters, which parsers drop in silence, and space at the ends.
fn check_characters(text: &str) -> Result<(), Denied> {
    if let Some(at) = text.bytes().position(|byte| byte.is_ascii_control()) {
        return Err(invalid(format!(
            "a URL with a control character at byte {at}"
        )));
    }
    if text.trim() != text {
        return Err(invalid("a URL with space at its start or end"));
    }
    Ok(())
}

/// The scheme that `text` starts with, if it is an absolute URL.
fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let fits = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    fits.then_some(scheme)
}

/// Checks the raw form of an absolute URL, up to the end of its authority.
fn check_absolute(scheme: &str, text: &str) -> Result<(), Denied> {
    let web = ["http", "https"];
    if !web.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(Denied::new(Reason::Scheme, format!("`{scheme}:`")));
    }
    let rest = text.get(scheme.len() + 1..).unwrap_or_default();
    let before_query = rest.split(['?', '#']).next().unwrap_or_default();
    if before_query.contains('\\') {
        return Err(invalid("a URL with a backslash"));
    }
    let after_slashes = before_query
        .strip_prefix("//")
        .ok_or_else(|| invalid(format!("a URL without `//` after `{scheme}:`")))?;
    let authority = after_slashes.split('/').next().unwrap_or_default();
    if authority.is_empty() {
        return Err(invalid("a URL without a host"));
    }
    if authority.contains(char::is_whitespace) {
        return Err(invalid("a URL with space in its host"));
    }
    match authority.rsplit_once('@') {
        Some((_, host)) => Err(Denied::new(Reason::Userinfo, shown(host))),
        None => Ok(()),
    }
}

/// Text of a guest for a message: short and without control characters.
fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 100;
    let short: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("`{}`", short.escape_debug())
}

fn as_folder(base: &Url) -> Url {
    let mut base = base.clone();
    if !base.path().ends_with('/') {
        let folder = format!("{}/", base.path());
        base.set_path(&folder);
    }
    base
}

fn canonical(mut url: Url) -> Result<Url, Denied> {
    if !["http", "https"].contains(&url.scheme()) {
        return Err(Denied::new(Reason::Scheme, format!("`{}:`", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Denied::new(
            Reason::Userinfo,
            shown(url.host_str().unwrap_or_default()),
        ));
    }
    url.set_fragment(None);
    let name = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(_) => return Ok(url),
        None => return Err(invalid("a URL without a host")),
    };
    let short = name.strip_suffix('.').unwrap_or(&name);
    if short.is_empty() || short.ends_with('.') || short.len() > HOST_BYTES_MAX {
        return Err(invalid(format!("the host {}", shown(&name))));
    }
    if short.len() != name.len() {
        url.set_host(Some(short))
            .map_err(|error| invalid(format!("the host {} ({error})", shown(&name))))?;
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn relative_urls_join_and_absolute_ones_replace() {
        for (base, text, expected) in [
            (
                "https://a.test/v3",
                "contacts",
                "https://a.test/v3/contacts",
            ),
            (
                "https://a.test/v3/",
                "contacts#x",
                "https://a.test/v3/contacts",
            ),
            ("https://a.test/v3/", "", "https://a.test/v3/"),
            ("https://a.test/v3/", "?page=2", "https://a.test/v3/?page=2"),
            (
                "https://a.test/v3/",
                "../contacts",
                "https://a.test/contacts",
            ),
            (
                "https://a.test/v3/",
                "s?q=a b",
                "https://a.test/v3/s?q=a%20b",
            ),
            ("https://a.test/", "https://B.test./x", "https://b.test/x"),
        ] {
            let base = Url::parse(base).unwrap();
            assert_eq!(resolve(Some(&base), text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_refusal_never_shows_path_or_query() {
        for text in [
            "https://user:canary@a.test/canary",
            "https:/a.test/?key=canary",
            "ftp://a.test/?key=canary",
            "https://a b.test/?key=canary",
            "https://a.test:1:1/?key=canary",
            "https://a.test\\?key=canary",
        ] {
            let message = resolve(None, text).unwrap_err().to_string();
            assert!(!message.contains("canary"), "{text}: {message}");
        }
    }

    proptest! {
        /// Whatever comes in, what goes out is canonical: it reads back as itself.
        #[test]
        fn what_passes_reads_back_as_itself(text in "(https?:)?[/\\\\]{0,3}[a-z0-9.@:%\\[\\]\\\\ -]{0,20}[/?#]?[ -~]{0,20}") {
            let base = Url::parse("https://api.example.com/v3/").unwrap();
            if let Ok(url) = resolve(Some(&base), &text) {
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
                prop_assert_eq!(resolve(None, url.as_str()).unwrap(), url);
            }
        }
    }
}
