//! The map of the benchmark, compiled into both of its halves: a provider's contact to a
//! model of our own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Contacts asked for in one page.
pub const PAGE: u32 = 1_000;

/// A page of the provider.
#[derive(Deserialize)]
pub struct Page {
    pub data: Vec<Contact>,
    pub next_cursor: Option<String>,
}

/// A contact as the provider has it.
#[derive(Deserialize)]
pub struct Contact {
    id: String,
    name: String,
    email: String,
    company: String,
    title: String,
    phone: String,
    active: bool,
    address: Address,
    tags: Vec<String>,
    note: String,
    owner: String,
    revision: u32,
    created_at: String,
    updated_at: String,
}

/// Where somebody is.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Address {
    street: String,
    city: String,
    postcode: String,
}

/// A contact as the app wants it: renamed, one field made, the rest kept.
#[derive(Serialize, JsonSchema)]
pub struct Person {
    id: String,
    full_name: String,
    email: String,
    employer: String,
    role: String,
    phone: String,
    status: String,
    address: Address,
    labels: Vec<String>,
    note: String,
    owner: String,
    version: u32,
    since: String,
    modified: String,
}

impl From<Contact> for Person {
    fn from(contact: Contact) -> Self {
        Person {
            id: contact.id,
            full_name: contact.name,
            email: contact.email.to_lowercase(),
            employer: contact.company,
            role: contact.title,
            phone: contact.phone,
            status: if contact.active { "active" } else { "left" }.to_owned(),
            address: contact.address,
            labels: contact.tags,
            note: contact.note,
            owner: contact.owner,
            version: contact.revision,
            since: contact.created_at,
            modified: contact.updated_at,
        }
    }
}
