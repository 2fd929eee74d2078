//! One question to a provider's token endpoint, and what its answer means.
//!
//! No message quotes what the provider answered: an answer may echo the secrets that it
//! was asked with. An OAuth error code is named only where it is one that is known here.

use super::connections::Fields;
use super::integrations::reach;
use crate::egress::policy::{EgressPolicy, HostRule, Reach};
use crate::egress::{
    Credentials, Egress, EgressScope, IncomingResponse, OutgoingRequest, Waits, policy, target,
};
use crate::error::{Code, Error, Result};
use crate::limits::KIB;
use crate::memory::MemoryBudget;
use crate::model::{AuthScheme, ConnectionKey, IntegrationRow};
use crate::vault::Secret;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Time for one question, its tries included; then it fails and no run starts. A run
/// waits for it in its slot, so it is far below what an exchange of a sync may take.
const TOKEN_TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer; with more the question fails. Tokens with claims have some 4 KiB.
const TOKEN_ANSWER_BYTES_MAX: u64 = 256 * KIB;
/// Tries after the first, where the provider answered 429 or 5xx. What may have reached
/// it without an answer is never tried again: it may have spent the refresh token.
const TOKEN_RETRIES: u32 = 2;
/// How long a token counts as good where the provider does not say; then it is replaced.
/// Most providers that say it give an hour.
const TOKEN_LIFETIME_ASSUMED: Duration = Duration::from_secs(3_600);

/// What to do about each error code that is named in messages: RFC 6749's and those of
/// large providers. Others may hold anything and are not named.
const KNOWN_ERRORS: &[(&str, Meaning)] = &[
    ("invalid_grant", Meaning::Grant),
    ("invalid_token", Meaning::Grant),
    ("invalid_refresh_token", Meaning::Grant),
    ("bad_refresh_token", Meaning::Grant),
    ("token_expired", Meaning::Grant),
    ("token_revoked", Meaning::Grant),
    ("access_denied", Meaning::Grant),
    ("invalid_client", Meaning::Client),
    ("unauthorized_client", Meaning::Client),
    ("bad_client_secret", Meaning::Client),
    ("incorrect_client_credentials", Meaning::Client),
    ("invalid_scope", Meaning::Scope),
    ("invalid_request", Meaning::Form),
    ("unsupported_grant_type", Meaning::Form),
    ("server_error", Meaning::Unwell),
    ("temporarily_unavailable", Meaning::Unwell),
];

/// What an error code says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// What was granted is spent or taken back.
    Grant,
    /// The client is not known.
    Client,
    /// The scope is not to be had.
    Scope,
    /// The provider wants to be asked in another way.
    Form,
    /// It is the provider's own trouble.
    Unwell,
}

/// What a provider gave.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) access: Secret,
    /// How long the access token is good, from when it was asked for.
    pub(super) lifetime: Duration,
    /// The refresh token of the next question, where the provider gave one.
    pub(super) refresh: Option<Secret>,
}

/// Where tokens of an integration are asked for; none if it asks for none.
pub(super) fn url_of(auth: &AuthScheme) -> Option<&str> {
    match auth {
        AuthScheme::Oauth2ClientCredentials { token_url, .. }
        | AuthScheme::Oauth2Refresh { token_url } => Some(token_url),
        _ => None,
    }
}

/// The names of the credentials that a question is asked with.
pub(super) fn needs(auth: &AuthScheme) -> &'static [&'static str] {
    match auth {
        AuthScheme::Oauth2ClientCredentials { .. } => &["client_id", "client_secret"],
        AuthScheme::Oauth2Refresh { .. } => &["client_id", "client_secret", "refresh_token"],
        _ => &[],
    }
}

/// The way to the token endpoint: its origin, nothing else, and no redirects. It may be
/// private only where the integration's syncs may reach it too, and plain http only where
/// the integration allows that. Errors as the gate gives them.
pub(super) fn way(integration: &IntegrationRow, token_url: &str) -> Result<EgressPolicy> {
    let url = target::resolve(None, token_url)?;
    let (_, syncs) = reach(integration)?;
    let front = match syncs.admit(&url) {
        Ok(Reach::Private) => "private:",
        Ok(Reach::Public) | Err(_) => {
            let mut public = EgressPolicy::default().allow_any_host().allow_any_port();
            if integration.allow_http {
                public = public.allow_plain_http();
            }
            public.admit(&url)?;
            scheme(&url)
        }
    };
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let rule: HostRule = format!("{front}{host}:{port}").parse()?;
    Ok(EgressPolicy::default().allow(rule).without_redirects())
}

fn scheme(url: &Url) -> &'static str {
    match url.scheme() {
        "http" => "http://",
        _ => "",
    }
}

/// Asks for a token with a connection's credentials. Errors: `provider.…` where the
/// provider did not answer or is not well, `config.invalid` where it refused.
pub(super) async fn ask(
    key: &ConnectionKey,
    integration: &IntegrationRow,
    fields: &Fields,
    egress: &dyn Egress,
) -> Result<Granted> {
    let url = url_of(&integration.auth).unwrap_or_default();
    let context = |error: Error| error.context(format!("a token for connection `{key}`"));
    let scope = EgressScope {
        connection: format!("{key} token"),
        base_url: None,
        policy: Arc::new(way(integration, url).map_err(context)?),
        credentials: Arc::new(Credentials::default()),
        conduct: Arc::default(),
    };
    let memory = MemoryBudget::new(TOKEN_ANSWER_BYTES_MAX);
    let deadline = Instant::now() + TOKEN_TIME;
    let request = request(url, form(&integration.auth, fields));
    let sent = egress
        .send(&scope, request, &memory, deadline, &Waits::default())
        .await;
    let answered = sent.response.map_err(too_large).and_then(|response| {
        let host = target::resolve(None, url).map(|url| policy::authority(&url))?;
        read(&response).map_err(|why| why.error(&host, &integration.auth))
    });
    answered.map_err(context)
}

fn too_large(error: Error) -> Error {
    match error.code {
        Code::LimitMemory | Code::LimitResponse => Error::new(
            Code::ConfigInvalid,
            format!(
                "the answer has more than {TOKEN_ANSWER_BYTES_MAX} bytes; check the integration's `token_url`"
            ),
        ),
        _ => error,
    }
}

fn request(url: &str, form: String) -> OutgoingRequest {
    let headers = [
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    OutgoingRequest {
        method: "POST".into(),
        url: url.to_owned(),
        base_url: None,
        query: Vec::new(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        body: Some(form.into()),
        timeout: Some(TOKEN_TIME),
        retries: TOKEN_RETRIES,
        retry_on: Vec::new(),
    }
}

fn form(auth: &AuthScheme, fields: &Fields) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    match auth {
        AuthScheme::Oauth2ClientCredentials { scope, .. } => {
            form.append_pair("grant_type", "client_credentials");
            if !scope.is_empty() {
                form.append_pair("scope", scope);
            }
        }
        _ => {
            form.append_pair("grant_type", "refresh_token");
        }
    }
    for name in needs(auth) {
        let value = fields.0.get(*name).map(String::as_str);
        form.append_pair(name, value.unwrap_or_default());
    }
    form.finish()
}

/// Why an answer holds no token.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// The provider says so, by a code of [`KNOWN_ERRORS`] or by one that is not told.
    Named(Option<&'static str>),
    /// A status that says it, and perhaps a known code beside it.
    Status(u16, Option<&'static str>),
    /// A success without a token.
    NoToken,
    /// A token that is no bearer token.
    NoBearer,
}

/// An answer of a token endpoint, as far as it is read.
#[derive(Deserialize)]
struct Body {
    access_token: Option<String>,
    expires_in: Option<Value>,
    refresh_token: Option<String>,
    token_type: Option<String>,
    error: Option<Value>,
}

fn read(response: &IncomingResponse) -> Result<Granted, Refused> {
    let status = response.status;
    let body = serde_json::from_slice::<Body>(&response.body).ok();
    let named = body.as_ref().and_then(|body| body.error.as_ref());
    let known = named.and_then(Value::as_str).and_then(known);
    if status == 429 || status >= 500 {
        return Err(Refused::Status(status, known));
    }
    // Some providers refuse with 200.
    if named.is_some_and(|error| !error.is_null()) {
        return Err(Refused::Named(known));
    }
    if !(200..300).contains(&status) {
        return Err(Refused::Status(status, None));
    }
    let body = body.ok_or(Refused::NoToken)?;
    let access = body.access_token.map(Secret::from);
    let access = access.filter(can_be_sent).ok_or(Refused::NoToken)?;
    let is_other = |kind: &String| ["mac", "dpop"].contains(&kind.to_ascii_lowercase().as_str());
    if body.token_type.as_ref().is_some_and(is_other) {
        return Err(Refused::NoBearer);
    }
    Ok(Granted {
        access,
        lifetime: lifetime(body.expires_in.as_ref()),
        refresh: body
            .refresh_token
            .filter(|token| !token.is_empty())
            .map(Secret::from),
    })
}

fn known(error: &str) -> Option<&'static str> {
    let mut all = KNOWN_ERRORS.iter().map(|(code, _)| *code);
    all.find(|code| *code == error)
}

/// Whether a token can stand in a header.
fn can_be_sent(token: &Secret) -> bool {
    let bytes = token.as_bytes();
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)
}

/// Seconds as a number or as text, as some providers write them.
fn lifetime(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.unwrap_or(TOKEN_LIFETIME_ASSUMED)
}

impl Refused {
    /// In words, with what to do.
    fn error(&self, host: &str, auth: &AuthScheme) -> Error {
        let config = |words: String| Error::new(Code::ConfigInvalid, words);
        match self {
            Refused::Named(Some(code)) => {
                let meaning = KNOWN_ERRORS.iter().find(|(known, _)| known == code);
                let meaning = meaning.map_or(Meaning::Form, |(_, meaning)| *meaning);
                let words = format!("{host} refused it with `{code}`; {}", meaning.advice(auth));
                match meaning {
                    Meaning::Unwell => Error::new(Code::ProviderConnect, words),
                    _ => config(words),
                }
            }
            Refused::Named(None) => config(format!(
                "{host} refused it with an error code that is not RFC 6749's; {}",
                Meaning::Grant.advice(auth)
            )),
            Refused::Status(status @ (429 | 500..), code) => {
                let code = code.map(|code| format!(" `{code}`")).unwrap_or_default();
                Error::new(
                    Code::ProviderConnect,
                    format!("{host} answered {status}{code}; the next run asks again"),
                )
            }
            Refused::Status(status @ 300..=399, _) => config(format!(
                "{host} answered {status}, and redirects are not followed with secrets; set the integration's `token_url` to where it leads"
            )),
            Refused::Status(status, _) => config(format!(
                "{host} answered {status}; check the integration's `token_url` and the connection's credentials"
            )),
            Refused::NoToken => config(format!(
                "{host} answered without an `access_token` that can be sent; check the integration's `token_url`"
            )),
            Refused::NoBearer => config(format!(
                "{host} gives tokens of a kind that is not supported; only bearer tokens are"
            )),
        }
    }
}

impl Meaning {
    fn advice(self, auth: &AuthScheme) -> &'static str {
        match (self, auth) {
            (Meaning::Grant, AuthScheme::Oauth2Refresh { .. }) => {
                "its refresh token is spent, expired or revoked: have access granted again and set the connection's credentials anew"
            }
            (Meaning::Grant | Meaning::Client, _) => {
                "set the connection's `client_id` and `client_secret` anew"
            }
            (Meaning::Scope, _) => "mend the integration's `scope`",
            (Meaning::Form, _) => {
                "the provider wants to be asked in another way: check the integration's scheme and `token_url`"
            }
            (Meaning::Unwell, _) => "the next run asks again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "canary-5e1f";

    fn answer(status: u16, body: &str) -> Result<Granted, Refused> {
        read(&IncomingResponse {
            status,
            headers: Vec::new(),
            url: String::new(),
            body: body.to_owned().into(),
            held: MemoryBudget::new(0).hold(0).unwrap(),
        })
    }

    #[test]
    fn what_a_provider_gives() {
        let assumed = TOKEN_LIFETIME_ASSUMED.as_secs();
        for (body, seconds, refresh) in [
            (r#"{"access_token":"a","expires_in":300}"#, 300, None),
            (r#"{"access_token":"a","expires_in":"300"}"#, 300, None),
            (
                r#"{"access_token":"a","expires_in":300.0,"error":null}"#,
                300,
                None,
            ),
            (r#"{"access_token":"a"}"#, assumed, None),
            (r#"{"access_token":"a","expires_in":null}"#, assumed, None),
            (r#"{"access_token":"a","expires_in":-1}"#, assumed, None),
            (r#"{"access_token":"a","expires_in":"soon"}"#, assumed, None),
            (
                r#"{"access_token":"a","refresh_token":"r","token_type":"bearer"}"#,
                assumed,
                Some("r"),
            ),
            (
                r#"{"access_token":"a","refresh_token":"","token_type":"bot"}"#,
                assumed,
                None,
            ),
        ] {
            let granted = answer(200, body).unwrap();
            assert_eq!(granted.access.as_str(), Some("a"), "{body}");
            assert_eq!(granted.lifetime.as_secs(), seconds, "{body}");
            let found = granted.refresh.as_ref().and_then(Secret::as_str);
            assert_eq!(found, refresh, "{body}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do_and_quotes_nothing() {
        let auth = AuthScheme::Oauth2Refresh {
            token_url: String::new(),
        };
        for (status, body, code, says) in [
            (
                400,
                r#"{"error":"invalid_grant","error_description":"canary-5e1f"}"#,
                "config.invalid",
                "`invalid_grant`; its refresh token is spent",
            ),
            (
                401,
                r#"{"error":"invalid_client"}"#,
                "config.invalid",
                "`client_secret` anew",
            ),
            (
                200,
                r#"{"error":"bad_refresh_token"}"#,
                "config.invalid",
                "`bad_refresh_token`",
            ),
            (
                400,
                r#"{"error":"invalid_scope"}"#,
                "config.invalid",
                "`scope`",
            ),
            (
                400,
                r#"{"error":"invalid_request"}"#,
                "config.invalid",
                "`token_url`",
            ),
            (
                400,
                r#"{"error":"server_error"}"#,
                "provider.connect",
                "asks again",
            ),
            (
                400,
                r#"{"error":"canary-5e1f"}"#,
                "config.invalid",
                "is not RFC 6749's",
            ),
            (
                400,
                r#"{"error":{"message":"canary-5e1f"}}"#,
                "config.invalid",
                "is not RFC 6749's",
            ),
            (400, "canary-5e1f", "config.invalid", "answered 400"),
            (
                503,
                r#"{"error":"temporarily_unavailable"}"#,
                "provider.connect",
                "503 `temporarily_unavailable`",
            ),
            (
                429,
                r#"{"error":"canary-5e1f"}"#,
                "provider.connect",
                "answered 429;",
            ),
            (
                302,
                "canary-5e1f",
                "config.invalid",
                "redirects are not followed",
            ),
            (
                200,
                "<html>canary-5e1f",
                "config.invalid",
                "without an `access_token`",
            ),
            (
                200,
                r#"{"access_token":"canary-5e1f\n"}"#,
                "config.invalid",
                "that can be sent",
            ),
            (
                200,
                r#"{"access_token":""}"#,
                "config.invalid",
                "without an `access_token`",
            ),
            (
                200,
                r#"{"access_token":["canary-5e1f"]}"#,
                "config.invalid",
                "without an `access_token`",
            ),
            (
                200,
                r#"{"access_token":"canary-5e1f","token_type":"DPoP"}"#,
                "config.invalid",
                "only bearer tokens",
            ),
        ] {
            let error = answer(status, body).unwrap_err().error("a.test", &auth);
            assert_eq!(error.code.as_str(), code, "{status} {body}");
            assert!(error.message.contains(says), "{body}: {error}");
            assert!(error.message.contains("a.test"), "{error}");
            assert!(!error.message.contains(SECRET), "{error}");
        }
    }
}
