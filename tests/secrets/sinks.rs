//! Everything that something may have leaked into, and the search through it.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::io::Read;
use std::path::Path;

/// The first bytes of what zstd has compressed.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Characters at the end of base64 that depend on what follows the text.
const BASE64_TAIL: usize = 4;

/// Bytes with the name of where they were found.
#[derive(Default)]
pub struct Sinks(Vec<(String, Vec<u8>)>);

impl Sinks {
    pub fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((name.into(), bytes.into()));
    }

    /// Adds every file below a folder.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            match path.is_dir() {
                true => self.add_folder(&path)?,
                false => self.add(path.display().to_string(), std::fs::read(&path)?),
            }
        }
        Ok(())
    }

    /// Where a text is, in any form, also inside of what is compressed.
    pub fn find(&self, secret: &str) -> Vec<String> {
        let forms = forms(secret);
        let holds = |bytes: &[u8]| forms.iter().any(|form| contains(bytes, form));
        let found = self
            .0
            .iter()
            .filter(|(_, bytes)| holds(bytes) || unpacked(bytes).iter().any(|part| holds(part)));
        found.map(|(name, _)| name.clone()).collect()
    }

    /// The bytes of a sink.
    pub fn text(&self, name: &str) -> Result<String> {
        let found = self.0.iter().find(|(own, _)| own == name);
        let (_, bytes) = found.with_context(|| format!("no sink {name}"))?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// A text as it is, in hex, in base64 from each place of three, and percent-encoded.
pub fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let mut forms = vec![
        secret.to_owned(),
        hex.to_uppercase(),
        hex,
        percent.to_lowercase(),
        percent,
    ];
    for skipped in 0..3 {
        for engine in [STANDARD, URL_SAFE] {
            let mut text = engine.encode(&bytes[skipped..]);
            text.truncate(text.len() - BASE64_TAIL);
            forms.push(text);
        }
    }
    forms.into_iter().map(String::into_bytes).collect()
}

fn contains(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

/// What zstd has compressed anywhere in `bytes`.
fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    let starts = bytes
        .windows(ZSTD_MAGIC.len())
        .enumerate()
        .filter(|(_, window)| *window == ZSTD_MAGIC);
    let parts = starts.filter_map(|(at, _)| {
        let mut part = Vec::new();
        let decoder = zstd::stream::read::Decoder::new(bytes.get(at..)?).ok()?;
        // What cannot be read to its end may still begin with something.
        let _ = decoder.single_frame().read_to_end(&mut part);
        Some(part)
    });
    parts.collect()
}

#[test]
fn the_search_finds_every_form_and_looks_into_what_is_compressed() {
    let secret = "kanarie+/17";
    for form in forms(secret) {
        let mut text = b"some text ".to_vec();
        text.extend(form);
        let packed = zstd::stream::encode_all(text.as_slice(), 1).unwrap();
        let mut inside = b"front".to_vec();
        inside.extend(packed);
        let mut sinks = Sinks::default();
        sinks.add("plain", text);
        sinks.add("inside", inside);
        sinks.add("innocent", "some text kanarie");
        assert_eq!(sinks.find(secret), ["plain", "inside"]);
    }
}
