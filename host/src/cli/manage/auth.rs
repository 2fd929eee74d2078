//! How an integration's requests prove who they are from, as flags: every scheme that the
//! host has. A scheme is no secret; what fills it are a connection's credentials.

use crate::cli::values::pair;
use crate::error::{Code, Error, Result};
use clap::Args;
use serde_json::{Map, Value, json};

/// What `--auth` may be.
const SCHEMES: &str = "none, bearer, basic, header:NAME, query:NAME, headers, \
                       oauth2-client-credentials or oauth2-refresh";

/// Flags of a scheme.
#[derive(Args)]
pub(super) struct AuthArgs {
    /// How requests prove who they are from: none, bearer, basic, header:NAME, query:NAME,
    /// headers, oauth2-client-credentials or oauth2-refresh
    #[arg(long, default_value = "none", value_name = "SCHEME")]
    auth: String,
    /// With `--auth headers`: a header as a template, such as
    /// 'Authorization=Token token={{key}}'
    #[arg(long, value_name = "NAME=TEMPLATE")]
    auth_header: Vec<String>,
    /// With OAuth 2: where the provider hands out tokens
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// With `--auth oauth2-client-credentials`: a scope to ask for
    #[arg(long, value_name = "SCOPE")]
    oauth_scope: Vec<String>,
}

impl AuthArgs {
    /// The scheme as the API has it. `usage` if a flag is missing, or belongs to another.
    pub(super) fn body(&self) -> Result<Value> {
        let (kind, name) = self.auth.split_once(':').unwrap_or((&self.auth, ""));
        self.refuse_foreign(kind)?;
        match (kind, name) {
            ("none" | "bearer" | "basic", "") => Ok(json!({ "type": kind })),
            ("header", name) if !name.is_empty() => {
                Ok(json!({ "type": "api_key_header", "header": name }))
            }
            ("query", name) if !name.is_empty() => {
                Ok(json!({ "type": "api_key_query", "parameter": name }))
            }
            ("headers", "") => Ok(json!({ "type": "headers", "headers": self.headers()? })),
            ("oauth2-client-credentials", "") => Ok(json!({
                "type": "oauth2_client_credentials",
                "token_url": self.token_url()?,
                "scope": self.oauth_scope.join(" "),
            })),
            ("oauth2-refresh", "") => {
                Ok(json!({ "type": "oauth2_refresh", "token_url": self.token_url()? }))
            }
            _ => Err(wrong(format!("--auth `{}`: write {SCHEMES}", self.auth))),
        }
    }

    fn refuse_foreign(&self, kind: &str) -> Result<()> {
        let given = [
            ("auth-header", !self.auth_header.is_empty(), "headers"),
            ("token-url", self.token_url.is_some(), "oauth2-"),
            (
                "oauth-scope",
                !self.oauth_scope.is_empty(),
                "oauth2-client-credentials",
            ),
        ];
        match given
            .iter()
            .find(|(_, is, of)| *is && !kind.starts_with(of))
        {
            None => Ok(()),
            Some((flag, _, of)) => {
                let of = if *of == "oauth2-" { "oauth2-…" } else { of };
                Err(wrong(format!(
                    "--{flag} belongs to `--auth {of}`, but --auth is `{}`",
                    self.auth
                )))
            }
        }
    }

    fn headers(&self) -> Result<Map<String, Value>> {
        if self.auth_header.is_empty() {
            return Err(wrong(
                "`--auth headers` needs an --auth-header, such as 'X-Api-Key={{key}}'".into(),
            ));
        }
        let pairs = self
            .auth_header
            .iter()
            .map(|text| pair("auth-header", "NAME=TEMPLATE", text));
        pairs
            .map(|pair| pair.map(|(name, template)| (name.to_owned(), template.into())))
            .collect()
    }

    fn token_url(&self) -> Result<&str> {
        self.token_url.as_deref().ok_or_else(|| {
            wrong(format!(
                "`--auth {}` needs --token-url, where the provider hands out tokens",
                self.auth
            ))
        })
    }
}

fn wrong(message: String) -> Error {
    Error::new(Code::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AuthScheme;

    fn scheme(auth: &str, headers: &[&str], url: Option<&str>, scopes: &[&str]) -> Result<Value> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let args = AuthArgs {
            auth: auth.to_owned(),
            auth_header: texts(headers),
            token_url: url.map(str::to_owned),
            oauth_scope: texts(scopes),
        };
        args.body()
    }

    #[test]
    fn every_scheme_is_one_that_the_host_reads() {
        let url = Some("https://login.example.com/token");
        for (auth, headers, url, scopes) in [
            ("none", &[][..], None, &[][..]),
            ("bearer", &[], None, &[]),
            ("basic", &[], None, &[]),
            ("header:X-Api-Key", &[], None, &[]),
            ("query:key", &[], None, &[]),
            ("headers", &["A=Token token={{key}}"], None, &[]),
            ("oauth2-client-credentials", &[], url, &[]),
            ("oauth2-client-credentials", &[], url, &["read", "list"]),
            ("oauth2-refresh", &[], url, &[]),
        ] {
            let body = scheme(auth, headers, url, scopes).unwrap();
            let read: AuthScheme = serde_json::from_value(body.clone()).unwrap();
            // Nothing of it is passed over: it comes back as it went in.
            assert_eq!(serde_json::to_value(read).unwrap(), body, "{auth}");
        }
    }

    #[test]
    fn a_flag_that_is_missing_or_out_of_place_is_named() {
        let url = Some("https://login.example.com/token");
        for (auth, headers, url, scopes, says) in [
            ("oauth", &[][..], None, &[][..], "oauth2-refresh"),
            ("header", &[], None, &[], "header:NAME"),
            ("bearer:x", &[], None, &[], "write none, bearer"),
            ("headers", &[], None, &[], "needs an --auth-header"),
            ("headers", &["nothing"], None, &[], "NAME=TEMPLATE"),
            ("oauth2-refresh", &[], None, &[], "needs --token-url"),
            ("bearer", &[], url, &[], "--token-url belongs to"),
            (
                "oauth2-refresh",
                &[],
                url,
                &["read"],
                "--oauth-scope belongs",
            ),
            ("bearer", &["a=b"], None, &[], "--auth-header belongs to"),
        ] {
            let error = scheme(auth, headers, url, scopes).unwrap_err();
            assert_eq!(error.code, Code::Usage);
            assert!(error.message.contains(says), "{auth}: {error}");
        }
    }
}
