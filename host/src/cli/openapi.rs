//! `tidegate openapi`: the document of the HTTP API, without a host.

use super::output::Output;
use crate::api;
use crate::error::{Code, Error, Result};
use clap::Args;

/// Options of `openapi`.
#[derive(Args)]
pub struct OpenapiArgs {}

/// Prints the document as a host serves it at `/openapi.json`.
pub fn openapi(_: &OpenapiArgs, output: &Output) -> Result<()> {
    let document = api::document();
    if output.is_json() {
        output.json(document);
        return Ok(());
    }
    let text = document.to_pretty_json();
    let text = text.map_err(|error| Error::new(Code::Internal, error.to_string()))?;
    output.data(&text);
    Ok(())
}
