//! Page after page, until the provider says that there are no more.
//!
//! A page that comes twice is an error and not an end: ending there would leave out
//! records, and a delete pass would then take them for deleted.

use crate::error::{Error, Result};
use crate::fetch::{Request, Response, unexpected_body};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Range;

/// How a provider numbers its pages, and where in the body the items are.
///
/// | the provider says | use |
/// |---|---|
/// | "pass `next_cursor` as `cursor`" | [`Paging::cursor`] |
/// | `Link: <…>; rel="next"` in a header, as GitHub | [`Paging::link`] |
/// | the next URL in the body | [`Paging::link_at`] |
/// | "skip this many records" | [`Paging::offset`] |
/// | "page 1, 2, 3 …" | [`Paging::page`] |
///
/// A path in the body is field names with dots between, and numbers for places in a list:
/// `response_metadata.next_cursor`, `data.0.items`.
#[derive(Clone, Debug)]
pub struct Paging {
    kind: Kind,
    items: String,
    in_body: bool,
    short_is_last: Option<usize>,
}

#[derive(Clone, Debug)]
enum Kind {
    Cursor { param: String, next: String },
    LinkHeader,
    LinkInBody { next: String },
    Offset { param: String, at: u64 },
    Page { param: String, at: u64 },
}

impl Paging {
    fn new(kind: Kind) -> Self {
        Paging {
            kind,
            items: String::new(),
            in_body: false,
            short_is_last: None,
        }
    }

    /// By cursor: the next one stands at the path `next` of each page's body and is sent
    /// as the parameter `param`. Ends where it is absent, null, empty or `false`.
    pub fn cursor(param: &str, next: &str) -> Self {
        Paging::new(Kind::Cursor {
            param: param.into(),
            next: next.into(),
        })
    }

    /// By the `Link` header with `rel="next"`. Ends where there is none.
    pub fn link() -> Self {
        Paging::new(Kind::LinkHeader)
    }

    /// By the next page's URL at the path `next` of the body. Ends where there is none.
    pub fn link_at(next: &str) -> Self {
        Paging::new(Kind::LinkInBody { next: next.into() })
    }

    /// By how many records to skip, sent as `param` from 0 on; counts what really came.
    /// Ends at an empty page.
    pub fn offset(param: &str) -> Self {
        Paging::new(Kind::Offset {
            param: param.into(),
            at: 0,
        })
    }

    /// By the page's number, sent as `param` from 1 on. Ends at an empty page.
    pub fn page(param: &str) -> Self {
        Paging::new(Kind::Page {
            param: param.into(),
            at: 1,
        })
    }

    /// Where in the body the items are; without this, the body is the list.
    pub fn items_at(mut self, path: &str) -> Self {
        self.items = path.into();
        self
    }

    /// The offset or page number to begin with.
    pub fn starting_at(mut self, first: u64) -> Self {
        if let Kind::Offset { at, .. } | Kind::Page { at, .. } = &mut self.kind {
            *at = first;
        }
        self
    }

    /// Sends the cursor, offset or page number as a field of the JSON body instead of the
    /// query.
    pub fn in_body(mut self) -> Self {
        self.in_body = true;
        self
    }

    /// Ends an offset or page count at a page with fewer than `size` items, which saves
    /// the last request. Only where the provider surely never gives less than asked for:
    /// many cap the page size in silence, and then all but the first page is left out.
    pub fn short_page_is_last(mut self, size: usize) -> Self {
        self.short_is_last = Some(size);
        self
    }
}

/// A page: its body and where it came from.
#[derive(Debug)]
pub struct Page {
    number: u32,
    status: u16,
    headers: Vec<(String, String)>,
    call: String,
    body: String,
    items_path: String,
    /// Where the body's top-level fields are, found in one pass: walking through a large
    /// page again for each path would cost more than reading its items.
    fields: Vec<(String, Range<usize>)>,
}

impl Page {
    /// 1 for the first.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as it came.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// What stands at `path` in the body, `None` where there is nothing.
    pub fn at<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let Some(raw) = self.raw(path)? else {
            return Ok(None);
        };
        crate::decode::from_json(raw)
            .map(Some)
            .map_err(|why| self.unexpected(&why.context(format_args!("at `{path}`"))))
    }

    /// The items, read as `T`. An item that does not fit is named with its place.
    pub fn items<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let path = self.items_path.as_str();
        let Some(raw) = self.raw(path)? else {
            let why = Error::new(format_args!(
                "there is nothing at `{path}`, where the items should be"
            ));
            return Err(self.unexpected(&why));
        };
        crate::decode::from_json(raw).map_err(|why| {
            let place = if path.is_empty() {
                "in the items".into()
            } else {
                format!("in the items at `{path}`")
            };
            self.unexpected(&why.context(place))
        })
    }

    fn raw(&self, path: &str) -> Result<Option<&str>> {
        let mut keys = path.split('.').filter(|key| !key.is_empty());
        let found = match keys.next() {
            None => return Ok(Some(&self.body)),
            Some(first) if self.fields.is_empty() => {
                find(&self.body, [first].into_iter().chain(keys))
            }
            Some(first) => match self.fields.iter().rev().find(|(name, _)| name == first) {
                Some((_, range)) => find(self.body.get(range.clone()).unwrap_or_default(), keys),
                None => return Ok(None),
            },
        };
        found.map_err(|error| self.unexpected(&error))
    }

    /// Splits the body's top level, if it is an object.
    fn split(&mut self) -> Result<()> {
        if !self.body.trim_start().starts_with('{') {
            return Ok(());
        }
        let fields = serde_json::from_str::<BTreeMap<Cow<str>, &RawValue>>(&self.body)
            .map_err(|error| self.unexpected(&error.into()))?;
        let start = self.body.as_ptr().addr();
        let place = |raw: &RawValue| {
            let from = raw.get().as_ptr().addr() - start;
            from..from + raw.get().len()
        };
        self.fields = fields
            .into_iter()
            .map(|(name, raw)| (name.into_owned(), place(raw)))
            .collect();
        Ok(())
    }

    fn unexpected(&self, why: &Error) -> Error {
        unexpected_body(
            &format!("{} (page {})", self.call, self.number),
            why,
            &self.body,
        )
    }
}

/// The pages of a request, each fetched when it is asked for. After an error there are
/// no more.
pub struct Pages {
    /// The request for the next page, `None` after the last.
    next: Option<Request>,
    /// The request as the author built it, to which each page's place is added.
    base: Request,
    paging: Paging,
    number: u32,
    /// Hashes of where pages were fetched from, so that a cursor or a link that leads
    /// back is seen; 8 bytes a page.
    places: HashSet<u64>,
    /// Hash of the last page that had items.
    last_body: Option<u64>,
}

impl Pages {
    pub(crate) fn new(request: Request, paging: Paging) -> Self {
        let mut pages = Pages {
            next: None,
            base: request,
            paging,
            number: 0,
            places: HashSet::new(),
            last_body: None,
        };
        pages.next = Some(match &pages.paging.kind {
            Kind::Offset { param, at } | Kind::Page { param, at } => {
                pages.placed(param, &Value::from(*at))
            }
            _ => pages.base.clone(),
        });
        pages
    }

    fn fetch(&mut self, request: Request) -> Result<Page> {
        let response = request.send()?;
        self.number += 1;
        let mut page = Page {
            number: self.number,
            status: response.status(),
            headers: response.headers(),
            call: response.call().to_owned(),
            items_path: self.paging.items.clone(),
            body: Response::text(response)?,
            fields: Vec::new(),
        };
        page.split()?;
        let items = match page.raw(&page.items_path)? {
            Some(raw) => self.count_items(raw).map_err(|why| page.unexpected(&why))?,
            None => 0,
        };
        self.refuse_repeat(&page, items)?;
        self.next = self.follow(&page, items)?;
        Ok(page)
    }

    /// How many items there are at `raw`, as far as the way of paging asks: where it does
    /// not count, a list that is not empty has one.
    fn count_items(&self, raw: &str) -> Result<usize> {
        let counts = matches!(self.paging.kind, Kind::Offset { .. } | Kind::Page { .. });
        match raw.trim_start().strip_prefix('[') {
            Some(rest) if !counts => Ok(usize::from(!rest.trim_start().starts_with(']'))),
            _ => count(raw),
        }
    }

    /// The same body twice in a row means that the provider does not move on.
    fn refuse_repeat(&mut self, page: &Page, items: usize) -> Result<()> {
        let hash = hash_of_text(&page.body);
        if items > 0 && self.last_body.replace(hash) == Some(hash) {
            let (number, before) = (page.number, page.number - 1);
            return Err(Error::new(format_args!(
                "{}: page {number} is the same as page {before}; the provider seems not to know {}",
                page.call,
                self.paging.place()
            )));
        }
        Ok(())
    }

    /// The request for the page after `page`, if there is one.
    fn follow(&mut self, page: &Page, items: usize) -> Result<Option<Request>> {
        let short = self.paging.short_is_last.is_some_and(|size| items < size);
        let next = match &mut self.paging.kind {
            Kind::Cursor { param, next } => {
                let (param, cursor) = (param.clone(), page.at::<Value>(next)?);
                cursor
                    .filter(|cursor| !is_end(cursor))
                    .map(|cursor| self.placed(&param, &cursor))
            }
            Kind::LinkHeader => page
                .header("link")
                .and_then(next_link)
                .map(|url| self.linked(url)),
            Kind::LinkInBody { next } => {
                let url = page.at::<Option<String>>(next)?.flatten();
                url.filter(|url| !url.is_empty())
                    .map(|url| self.linked(&url))
            }
            _ if items == 0 || short => None,
            Kind::Offset { param, at } => {
                *at += items as u64;
                let (param, at) = (param.clone(), Value::from(*at));
                Some(self.placed(&param, &at))
            }
            Kind::Page { param, at } => {
                *at += 1;
                let (param, at) = (param.clone(), Value::from(*at));
                Some(self.placed(&param, &at))
            }
        };
        if let Some(request) = &next {
            let place = hash_of(&(
                &request.parts.url,
                &request.parts.query,
                &request.parts.body,
            ));
            if !self.places.insert(place) {
                return Err(Error::new(format_args!(
                    "{}: page {} leads back to a page that was fetched before, by {}",
                    page.call,
                    page.number,
                    self.paging.place()
                )));
            }
        }
        Ok(next)
    }

    /// The author's request with the parameter `name` set to `value`.
    fn placed(&self, name: &str, value: &Value) -> Request {
        let mut request = self.base.clone();
        let text = value
            .as_str()
            .map(str::to_owned)
            .unwrap_or_else(|| value.to_string());
        if !self.paging.in_body {
            request.parts.query.retain(|(known, _)| known != name);
            return request.query(name, text);
        }
        let body = request
            .parts
            .body
            .as_deref()
            .and_then(|body| serde_json::from_slice(body).ok());
        let mut fields: serde_json::Map<String, Value> = body.unwrap_or_default();
        fields.insert(name.into(), value.clone());
        request.json(&fields)
    }

    /// The author's request to `url`, which carries its own query.
    fn linked(&self, url: &str) -> Request {
        let mut request = self.base.clone();
        request.parts.url = url.into();
        request.parts.query.clear();
        request
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        let request = self.next.take()?;
        Some(self.fetch(request))
    }
}

/// The items of each page, read as `T`.
pub struct Items<T> {
    pages: Pages,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Items<T> {
    pub(crate) fn new(pages: Pages) -> Self {
        Items {
            pages,
            items: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Iterator for Items<T> {
    type Item = Result<Vec<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        let items = self.pages.next()?.and_then(|page| page.items());
        if items.is_err() {
            self.pages.next = None;
        }
        Some(items)
    }
}

impl Paging {
    /// What leads to the next page, for messages.
    fn place(&self) -> String {
        match &self.kind {
            Kind::Cursor { param, .. } => format!("the cursor `{param}`"),
            Kind::Offset { param, .. } => format!("the offset `{param}`"),
            Kind::Page { param, .. } => format!("the page number `{param}`"),
            Kind::LinkHeader => "the `link` header".into(),
            Kind::LinkInBody { next } => format!("the link at `{next}`"),
        }
    }
}

/// Whether a cursor says "no more".
fn is_end(cursor: &Value) -> bool {
    match cursor {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// What stands at the path `keys` in `json`. Each level is split into its raw parts only,
/// so that a page is never held as a tree of values.
fn find<'a, 'k>(json: &'a str, keys: impl Iterator<Item = &'k str>) -> Result<Option<&'a str>> {
    let mut at = json;
    for key in keys {
        let found = match at.trim_start().as_bytes().first() {
            Some(b'{') => serde_json::from_str::<BTreeMap<Cow<str>, &RawValue>>(at)?.remove(key),
            Some(b'[') => {
                let parts: Vec<&RawValue> = serde_json::from_str(at)?;
                key.parse::<usize>()
                    .ok()
                    .and_then(|place| parts.get(place).copied())
            }
            _ => {
                serde_json::from_str::<&RawValue>(at)?;
                None
            }
        };
        match found {
            Some(found) => at = found.get(),
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// How many items there are at `raw`; null counts as an empty list.
fn count(raw: &str) -> Result<usize> {
    let items: Option<Vec<&RawValue>> = serde_json::from_str(raw)?;
    Ok(items.map_or(0, |items| items.len()))
}

/// The URL with `rel="next"` of a `Link` header (RFC 8288).
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (url, after) = after.split_once('>')?;
        let params = after.split('<').next().unwrap_or_default();
        let is_next = params
            .split([';', ','])
            .filter_map(|param| param.split_once('='))
            .any(|(name, value)| {
                let value = value.trim().trim_matches('"');
                name.trim().eq_ignore_ascii_case("rel")
                    && value
                        .split_whitespace()
                        .any(|rel| rel.eq_ignore_ascii_case("next"))
            });
        if is_next {
            return Some(url);
        }
        rest = after;
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A hash of a page's text by words of eight bytes. std's hasher defends tables against
/// chosen keys, which nothing here needs, and costs as much as walking through the JSON.
fn hash_of_text(text: &str) -> u64 {
    /// 2^64 over the golden ratio, odd: spreads each word over all bits.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let hash = words.iter().fold(0_u64, |hash, word| {
        (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(SPREAD)
    });
    hash_of(&(hash, rest))
}
