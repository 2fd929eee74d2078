//! The settings of a host that serves: `tidegate.toml` < `TIDEGATE_*` < flags, each known
//! with where it came from.

use crate::error::{Code, Error, Result};
use crate::model::nearest;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Front of the environment variables.
const FRONT: &str = "TIDEGATE_";
/// The file that is read where none is named.
const FILE: &str = "tidegate.toml";

/// One setting.
pub(super) struct Setting {
    /// Its key in the file. In the environment it is in capitals with `TIDEGATE_` in front.
    pub(super) key: &'static str,
    /// What it is where nobody says.
    pub(super) default: &'static str,
    /// What it does.
    pub(super) help: &'static str,
}

/// Every setting.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        default: "127.0.0.1:3003",
        help: "address and port of the API",
    },
    Setting {
        key: "store",
        default: ".tidegate/store",
        help: "folder of the store",
    },
    Setting {
        key: "key_file",
        default: ".tidegate/master-keys",
        help: "file of the keys that seal credentials; made if there is none. Keep a copy apart from the store",
    },
    Setting {
        key: "operator_key_file",
        default: ".tidegate/operator-key",
        help: "file of the operator's API key; made if there is none",
    },
    Setting {
        key: "runs",
        default: "32",
        help: "runs at once, of all environments together",
    },
    Setting {
        key: "memory_ceiling_mib",
        default: "512",
        help: "the most memory that one run may have, in MiB",
    },
    Setting {
        key: "allocation",
        default: "on-demand",
        help: "where the memory of runs comes from: `on-demand` (mapped fresh for each) or `pooled` (slots used one after another; faster)",
    },
    Setting {
        key: "api_requests_per_minute",
        default: "6000",
        help: "requests that the keys of one environment may make in a minute; 0 for no limit",
    },
    Setting {
        key: "stop_grace_seconds",
        default: "30",
        help: "how long runs may take to reach a checkpoint when the host is told to stop",
    },
    Setting {
        key: "keep_runs_days",
        default: "31",
        help: "how long runs are kept; the last of each sync stays",
    },
    Setting {
        key: "keep_logs_days",
        default: "15",
        help: "how long the logs of runs are kept",
    },
    Setting {
        key: "keep_runs_per_sync",
        default: "300",
        help: "how many runs of each sync are kept",
    },
    Setting {
        key: "webhook_allow_hosts",
        default: "",
        help: "private or loopback hosts that webhooks may go to, separated by commas",
    },
    Setting {
        key: "webhook_allow_http",
        default: "false",
        help: "whether webhooks may go over plain http",
    },
    Setting {
        key: "log",
        default: "info",
        help: "what is logged: a level, or a filter such as `tidegate=debug`",
    },
    Setting {
        key: "log_format",
        default: "json",
        help: "`json` (a line each) or `text`",
    },
    Setting {
        key: "otlp_endpoint",
        default: "",
        help: "OpenTelemetry collector that gets the traces of runs and requests, such as http://127.0.0.1:4318; of a program built with the feature `otlp`",
    },
];

/// Variables with the same front that are no settings.
const OTHER_VARIABLES: &[&str] = &[
    "TIDEGATE_HOST",
    "TIDEGATE_KEY",
    "TIDEGATE_NO_SKIPS",
    "TIDEGATE_SHARED",
];

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Variable(name) => f.write_str(name),
            Origin::Flag => f.write_str("flag"),
        }
    }
}

/// The settings as they are.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    values: BTreeMap<&'static str, (String, Origin)>,
    /// Remarks on variables that look like settings and are none.
    pub(super) warnings: Vec<String>,
}

impl Settings {
    /// Reads them: the file (`tidegate.toml` if there is one and none is named), then
    /// `variables`, then `flags`. `config.invalid` for a key that there is not, with the
    /// nearest one.
    pub(super) fn read(
        file: Option<&Path>,
        variables: impl Iterator<Item = (String, String)>,
        flags: &[(&'static str, Option<String>)],
    ) -> Result<Self> {
        let defaults = SETTINGS.iter();
        let mut settings = Settings {
            values: defaults
                .map(|each| (each.key, (each.default.to_owned(), Origin::Default)))
                .collect(),
            warnings: Vec::new(),
        };
        settings.read_file(file)?;
        settings.read_variables(variables);
        for (key, value) in flags {
            if let Some(value) = value {
                settings.values.insert(key, (value.clone(), Origin::Flag));
            }
        }
        Ok(settings)
    }

    fn read_file(&mut self, named: Option<&Path>) -> Result<()> {
        let path = named.unwrap_or(Path::new(FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(());
            }
            Err(error) => return Err(wrong(format!("reading {}: {error}", path.display()))),
        };
        let table: toml::Table = text
            .parse()
            .map_err(|error| wrong(format!("{}: {error}", path.display())))?;
        for (key, value) in table {
            let Some(setting) = SETTINGS.iter().find(|each| each.key == key) else {
                let hint = nearest(&key, SETTINGS.iter().map(|each| each.key));
                return Err(wrong(format!(
                    "{}: there is no setting `{}`{hint}",
                    path.display(),
                    key.escape_debug()
                )));
            };
            let text = text_of(&value)
                .ok_or_else(|| wrong(format!("{}: `{key}` is no single value", path.display())))?;
            self.values
                .insert(setting.key, (text, Origin::File(path.to_owned())));
        }
        Ok(())
    }

    fn read_variables(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(FRONT) else {
                continue;
            };
            let key = rest.to_ascii_lowercase();
            match SETTINGS.iter().find(|each| each.key == key) {
                Some(setting) => {
                    self.values
                        .insert(setting.key, (value, Origin::Variable(name)));
                }
                None if OTHER_VARIABLES.contains(&name.as_str()) || rest.starts_with("BENCH_") => {}
                None => {
                    let hint = nearest(&key, SETTINGS.iter().map(|each| each.key));
                    self.warnings
                        .push(format!("the variable {name} sets nothing{hint}"));
                }
            }
        }
    }

    /// Every setting with its value and where that came from.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&'static Setting, &str, &Origin)> {
        SETTINGS.iter().filter_map(|setting| {
            let (value, origin) = self.values.get(setting.key)?;
            Some((setting, value.as_str(), origin))
        })
    }

    /// A value as text.
    pub(super) fn text(&self, key: &str) -> &str {
        self.values.get(key).map_or("", |(value, _)| value)
    }

    /// A value, read. `config.invalid` names where a wrong one came from.
    pub(super) fn get<T: FromStr>(&self, key: &str) -> Result<T>
    where
        T::Err: fmt::Display,
    {
        self.text(key)
            .parse()
            .map_err(|error| self.refused(key, error))
    }

    /// The error for a value that cannot be used.
    pub(super) fn refused(&self, key: &str, why: impl fmt::Display) -> Error {
        let origin = self.values.get(key).map(|(_, origin)| origin.to_string());
        let origin = origin.unwrap_or_default();
        wrong(format!("`{key}` = `{}` ({origin}): {why}", self.text(key)))
    }
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(_) | toml::Value::Boolean(_) | toml::Value::Float(_) => {
            Some(value.to_string())
        }
        toml::Value::Array(parts) => {
            let parts: Option<Vec<String>> = parts.iter().map(text_of).collect();
            Some(parts?.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn wrong(message: String) -> Error {
    Error::new(Code::ConfigInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        pairs.into_iter()
    }

    #[test]
    fn a_flag_beats_a_variable_and_that_beats_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.toml");
        std::fs::write(&file, "runs = 3\nlisten = \"[::1]:1\"\nlog = \"warn\"\nwebhook_allow_hosts = [\"a\", \"b\"]\n").unwrap();
        let settings = Settings::read(
            Some(&file),
            variables(&[
                ("TIDEGATE_RUNS", "4"),
                ("TIDEGATE_LISTEN", "[::1]:2"),
                ("HOME", "x"),
            ]),
            &[("listen", Some("[::1]:3".into())), ("log", None)],
        )
        .unwrap();
        assert_eq!(settings.get::<u32>("runs").unwrap(), 4);
        assert_eq!(settings.text("listen"), "[::1]:3");
        assert_eq!(settings.text("log"), "warn");
        assert_eq!(settings.text("webhook_allow_hosts"), "a,b");
        let origins: Vec<String> = settings
            .rows()
            .map(|(_, _, origin)| origin.to_string())
            .collect();
        assert!(origins.contains(&"TIDEGATE_RUNS".into()) && origins.contains(&"flag".into()));
        assert!(origins.contains(&"default".into()), "{origins:?}");
    }

    #[test]
    fn what_is_unknown_or_wrong_is_named_with_the_nearest_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t.toml");
        for (text, says) in [
            ("lisen = \"x\"", "did you mean `listen`?"),
            ("runs = ", "t.toml"),
            ("[runs]\na = 1", "no single value"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = Settings::read(Some(&file), variables(&[]), &[]).unwrap_err();
            assert_eq!(error.code, Code::ConfigInvalid);
            assert!(error.message.contains(says), "{error}");
        }
        std::fs::write(&file, "runs = \"many\"").unwrap();
        let settings =
            Settings::read(Some(&file), variables(&[("TIDEGATE_RUN", "1")]), &[]).unwrap();
        let error = settings.get::<u32>("runs").unwrap_err();
        assert!(
            error.message.contains("`runs` = `many`") && error.message.contains("t.toml"),
            "{error}"
        );
        assert!(
            settings.warnings[0].contains("did you mean `runs`?"),
            "{:?}",
            settings.warnings
        );
        assert!(Settings::read(Some(Path::new("/nowhere/t.toml")), variables(&[]), &[]).is_err());
    }
}
