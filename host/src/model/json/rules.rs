//! What a model asks of the top level of its records.
//!
//! The check against the model's JSON Schema is *light* on purpose: required fields and
//! the `type` of a field where the schema states it outright. Deeper levels, and what
//! stands behind `$ref` or `anyOf`, are not checked: a full validator needs the record as
//! a tree of values, which was measured at up to 98 times the record's size, and the SDKs
//! check in full where the types are.

use super::canonical::{Member, prefix};
use super::scan::{Fault, Kind, Walked, fault};
use super::text;
use crate::model::ManifestModel;
use serde_json::Value;

/// What a model asks of its records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordRules {
    /// Top-level fields left out of the change hash.
    pub ignore: Vec<String>,
    /// All fields that something is asked of, in canonical order.
    fields: Vec<Field>,
    /// Whether a record that lacks what is asked is taken all the same.
    lenient: bool,
}

/// What is asked of one top-level field.
#[derive(Clone, Debug, PartialEq)]
struct Field {
    prefix: u64,
    /// In canonical spelling, without quotes.
    key: Box<[u8]>,
    ignored: bool,
    required: bool,
    /// The kinds it may have; none means any.
    kinds: Option<Kind>,
}

impl RecordRules {
    /// The rules of a manifest's model.
    pub fn of(model: &ManifestModel) -> Self {
        let mut rules = RecordRules::ignoring(model.ignore.iter().map(String::as_str));
        rules.lenient = !model.enforce;
        for name in required(&model.schema) {
            rules.ask(name, |field| field.required = true);
        }
        let properties = model.schema.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            if let Some(kinds) = stated_kinds(schema) {
                rules.ask(name, |field| field.kinds = Some(kinds));
            }
        }
        rules
    }

    /// Rules that ask nothing of a record and leave the top-level fields `names` out of
    /// its hash.
    pub fn ignoring<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rules = RecordRules::default();
        for name in names {
            rules.ignore.push(name.to_owned());
            rules.ask(name, |field| field.ignored = true);
        }
        rules
    }

    /// The same rules for patches, which need not have what a whole record must.
    pub fn of_patches(&self) -> Self {
        let mut rules = self.clone();
        for field in &mut rules.fields {
            field.required = false;
        }
        rules
    }

    /// Changes the entry for `name`, which is made where it is missing.
    fn ask(&mut self, name: &str, change: impl FnOnce(&mut Field)) {
        let key = text::canonical(name);
        let found = self.fields.binary_search_by(|field| (*field.key).cmp(&key));
        let at = found.unwrap_or_else(|at| {
            let field = Field {
                prefix: prefix(&key),
                key: key.into(),
                ignored: false,
                required: false,
                kinds: None,
            };
            self.fields.insert(at, field);
            at
        });
        if let Some(field) = self.fields.get_mut(at) {
            change(field);
        }
    }

    /// Writes the sorted top-level `members` of `text` to `out` as the object to be
    /// hashed. Errs with what a field lacks, at the byte where the field or the record
    /// (`start`) stands; where the rules are lenient, the first such fault is answered.
    pub(super) fn judge(
        &self,
        members: &[Member],
        text: &[u8],
        start: usize,
        out: &mut Vec<u8>,
    ) -> Walked<Option<Box<Fault>>> {
        let mut misfit = None;
        let mut take = |judged: Walked<()>| match judged {
            Err(fault) if self.lenient => {
                misfit.get_or_insert(fault);
                Ok(())
            }
            judged => judged,
        };
        out.clear();
        out.push(b'{');
        let mut fields = self.fields.iter().peekable();
        for member in members {
            let key = (member.prefix, member.key(text));
            while let Some(before) = fields.next_if(|field| (field.prefix, &*field.key) < key) {
                take(before.missing(start))?;
            }
            let field = fields.next_if(|field| (field.prefix, &*field.key) == key);
            if let Some(field) = field {
                take(field.admits(member))?;
                if field.ignored {
                    continue;
                }
            }
            out.extend_from_slice(member.text(text));
            out.push(b',');
        }
        if out.len() > 1 {
            out.pop();
        }
        out.push(b'}');
        fields.try_for_each(|field| take(field.missing(start)))?;
        Ok(misfit)
    }
}

impl Field {
    fn missing(&self, start: usize) -> Walked<()> {
        if !self.required {
            return Ok(());
        }
        let name = text::plain(&self.key);
        fault(
            start,
            format!(
                "lacks `{}`, which the model's schema requires",
                name.escape_debug()
            ),
        )
    }

    fn admits(&self, member: &Member) -> Walked<()> {
        match self.kinds {
            Some(kinds) if kinds.0 & member.kind.0 == 0 => Err(Box::new(Fault {
                at: member.at as usize,
                why: format!(
                    "`{}` is {}, but the model's schema says {}",
                    text::plain(&self.key).escape_debug(),
                    names(member.kind),
                    names(kinds),
                ),
            })),
            _ => Ok(()),
        }
    }
}

/// The names in a schema's `required`.
fn required(schema: &Value) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

/// The kinds that `schema` states outright in `type`. None beside a `$ref`, whose
/// neighbours older drafts ignore.
fn stated_kinds(schema: &Value) -> Option<Kind> {
    if schema.get("$ref").is_some() {
        return None;
    }
    match schema.get("type")? {
        Value::String(name) => kind(name),
        Value::Array(names) => {
            let mut kinds = names.iter().map(|name| kind(name.as_str()?));
            kinds.try_fold(Kind(0), |all, each| Some(Kind(all.0 | each?.0)))
        }
        _ => None,
    }
}

/// JSON Schema's names of kinds. `number` includes integers, and `7.0` is an integer.
const KINDS: [(&str, Kind); 7] = [
    ("null", Kind::NULL),
    ("boolean", Kind::BOOLEAN),
    ("number", Kind(Kind::INTEGER.0 | Kind::FRACTION.0)),
    ("integer", Kind::INTEGER),
    ("string", Kind::STRING),
    ("array", Kind::ARRAY),
    ("object", Kind::OBJECT),
];

fn kind(name: &str) -> Option<Kind> {
    let found = KINDS.iter().find(|(each, _)| *each == name);
    found.map(|(_, kind)| *kind)
}

/// The names of `kinds` for a message: `string or null`.
fn names(kinds: Kind) -> String {
    if kinds == Kind::FRACTION {
        return "a number with a fraction".into();
    }
    let mut left = kinds.0;
    let mut names = Vec::new();
    for (name, kind) in KINDS {
        if left & kind.0 == kind.0 {
            left &= !kind.0;
            names.push(name);
        }
    }
    names.join(" or ")
}
