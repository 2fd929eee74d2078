//! How names, ids and codes look in the document of the HTTP API (OpenAPI). The grammars
//! are those that check them; plain rows derive theirs where they stand.

use super::{
    ConnectionId, DeliveryId, Digest, Environment, Integration, ModelName, RunId, SyncName, Variant,
};
use crate::error::{Code, Error};
use crate::limits::NAME_BYTES_MAX;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// The grammar of a run's id: 26 digits of Crockford's base 32, at most 128 bits.
const RUN_ID: &str = "[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}";
/// The grammar of a digest.
const DIGEST: &str = "^[0-9A-Fa-f]{64}$";

macro_rules! texts {
    ($($type:ident $pattern:expr, $most:expr, $what:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                text($what, &$pattern, $most).into()
            }
        }

        impl ToSchema for $type {}
    )*};
}

texts! {
    SyncName SyncName::pattern(), Some(NAME_BYTES_MAX), "The name of a sync, as in its manifest";
    Variant Variant::pattern(), Some(NAME_BYTES_MAX), "A further copy of a sync on a connection; `base` is the plain one";
    ModelName ModelName::pattern(), Some(NAME_BYTES_MAX), "The name of a model: a kind of record";
    Environment Environment::pattern(), Some(NAME_BYTES_MAX), "The name of an environment: one customer of this host";
    Integration Integration::pattern(), Some(NAME_BYTES_MAX), "The name of an integration (`provider_config_key`)";
    ConnectionId ConnectionId::pattern(), Some(NAME_BYTES_MAX), "The app's own id for a connection";
    RunId format!("^{RUN_ID}$"), None, "The id of a run: a ULID, so that ids sort by time";
    DeliveryId format!("^{RUN_ID}-[0-9]+$"), None, "The id of a webhook: its run and a number";
    Digest DIGEST, None, "BLAKE3 of a component, in hex";
}

fn text(what: &str, pattern: &str, most: Option<usize>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(what))
        .pattern(Some(pattern))
        .max_length(most)
        .build()
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("What went wrong; further codes may be added"))
            .enum_values(Some(Code::ALL.iter().map(|code| code.as_str())))
            .into()
    }
}

impl ToSchema for Code {}

impl PartialSchema for Error {
    fn schema() -> RefOr<Schema> {
        let integer = ObjectBuilder::new().schema_type(Type::Integer);
        let text = ObjectBuilder::new().schema_type(Type::String);
        ObjectBuilder::new()
            .description(Some("Why a run ended as it did"))
            .property("code", Ref::from_schema_name("Code"))
            .property("message", text)
            .property("retry_after_ms", integer)
            .required("code")
            .required("message")
            .into()
    }
}

impl ToSchema for Error {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Code::name().into(), Code::schema()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Result;
    use std::str::FromStr;

    /// Whether the schema of `T` takes a text exactly where `T` does.
    fn agrees<T: PartialSchema>(texts: &[String], takes: impl Fn(&str) -> bool) {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for text in texts {
            let is_valid = schema.is_valid(&text.as_str().into());
            assert_eq!(is_valid, takes(text), "{text:?}");
        }
    }

    fn name<T: PartialSchema + FromStr<Err = Error>>() {
        let mut texts: Vec<String> = (0..=0x17f_u32)
            .filter_map(char::from_u32)
            .map(|c| format!("a{c}a"))
            .collect();
        texts.push(String::new());
        texts.extend([1, NAME_BYTES_MAX, NAME_BYTES_MAX + 1].map(|bytes| "a".repeat(bytes)));
        agrees::<T>(&texts, |text| text.parse::<T>().is_ok());
    }

    #[test]
    fn a_schema_takes_what_the_type_takes() {
        name::<SyncName>();
        name::<Variant>();
        name::<ModelName>();
        name::<Environment>();
        name::<Integration>();
        name::<ConnectionId>();
        assert_eq!(SyncName::pattern(), r"^[\-0-9A-Z_a-z]+$");
    }

    #[test]
    fn ids_are_taken_alike() -> Result<()> {
        let run = RunId::new(7, 9).to_string();
        let digits: Vec<String> = ('\0'..='\u{7f}')
            .map(|digit| format!("{digit}{}", &run[1..]))
            .chain(('\0'..='\u{7f}').map(|digit| format!("{}{digit}", &run[1..])))
            .chain([String::new(), run[1..].to_owned(), format!("{run}0")])
            .collect();
        agrees::<RunId>(&digits, |text| text.parse::<RunId>().is_ok());
        let ids: Vec<String> = ["0", "12", "", "x", "1-"]
            .map(|n| format!("{run}-{n}"))
            .into();
        agrees::<DeliveryId>(&ids, |text| text.parse::<DeliveryId>().is_ok());
        let digest = Digest::of(b"").to_string();
        let digests = [
            digest.clone(),
            digest.to_uppercase(),
            digest[1..].into(),
            format!("{digest}0"),
        ];
        agrees::<Digest>(&digests, |text| Digest::try_from(text.to_owned()).is_ok());
        Ok(())
    }
}
