//! Requests to the connection's provider. The host joins the URL, adds the credentials,
//! retries and waits.

use crate::error::{Code, Error, Result};
use crate::paginate::{Items, Pages, Paging};
use crate::run::Run;
use crate::sync::State;
use crate::sys::{self, RequestParts, ResponseParts};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{self, Display};
use std::io;
use std::time::Duration;

/// Bytes of an unsuccessful response's body that go into the error's message: enough for
/// the provider's own words, little enough for a log line.
const EXCERPT_BYTES: usize = 512;

/// Bytes asked of the host at once when a body is read as a stream.
const READ_BYTES: u32 = 64 * 1024;

impl<C: State, M: State> Run<C, M> {
    /// A `GET` to `url`: absolute, or relative to the connection's base URL.
    pub fn get(&self, url: impl Into<String>) -> Request {
        self.request("GET", url)
    }

    /// A `POST` to `url`.
    pub fn post(&self, url: impl Into<String>) -> Request {
        self.request("POST", url)
    }

    /// A request with any method.
    pub fn request(&self, method: &str, url: impl Into<String>) -> Request {
        Request::new(method, url.into())
    }
}

/// A request being built; it goes out with [`send`](Request::send),
/// [`start`](Request::start) or [`paginate`](Request::paginate).
///
/// ```
/// use tidegate_sdk::prelude::*;
/// use tidegate_sdk::testing::{Reply, TestHost};
///
/// #[derive(Deserialize)]
/// struct Team { name: String }
///
/// let sync = DataSync::new("team", "1", |run: &Run| {
///     let team: Team = run.get("/team").query("fields", "name").send()?.json()?;
///     assert_eq!(team.name, "Tide");
///
///     let error = run.get("/gone").send().unwrap_err();
///     assert_eq!(error.status(), Some(404));
///     assert_eq!(error.message(), "GET /gone answered 404: no such thing");
///     Ok(())
/// });
/// TestHost::new()
///     .reply("/team", Reply::json(json!({"name": "Tide"})))
///     .reply("/gone", Reply::status(404).text("no such thing"))
///     .run(&sync)
///     .unwrap();
/// ```
#[must_use = "a request goes out when it is sent"]
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) parts: RequestParts,
    /// Whether a status that is no success is an error.
    raises: bool,
    /// A mistake made while building, told when it is sent.
    mistake: Option<Error>,
}

impl Request {
    fn new(method: &str, url: String) -> Self {
        let parts = RequestParts {
            method: method.into(),
            url,
            base_url: None,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            retries: None,
            retry_on: Vec::new(),
        };
        Request {
            parts,
            raises: true,
            mistake: None,
        }
    }

    /// Adds a query parameter; the same name again adds another.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        self.parts.query.push((name.into(), value.to_string()));
        self
    }

    /// Adds a query parameter if there is a value for it.
    pub fn query_if(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets a header, in the place of one with the same name.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        self.parts
            .headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.parts.headers.push((name.into(), value.to_string()));
        self
    }

    /// Sets a JSON body, with its `content-type`.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => self.header("content-type", "application/json").body(json),
            Err(error) => {
                self.mistake = Some(Error::from(error).context("writing the body"));
                self
            }
        }
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.parts.body = Some(body.into());
        self
    }

    /// Time for one exchange: by default 2 minutes, at most 10.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.parts.timeout_ms = Some(u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
        self
    }

    /// Tries after the first: by default 3, at most 20.
    pub fn retries(mut self, retries: u32) -> Self {
        self.parts.retries = Some(retries);
        self
    }

    /// Statuses to try again beside 429 and 5xx.
    pub fn retry_on(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.parts.retry_on = statuses.into_iter().map(u32::from).collect();
        self
    }

    /// Takes the place of the connection's base URL. Credentials go along only if the
    /// origin is the connection's own.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.parts.base_url = Some(url.into());
        self
    }

    /// Takes every status as a response, also one that is no success.
    pub fn any_status(mut self) -> Self {
        self.raises = false;
        self
    }

    /// Sends it and waits for the response. A status that is no success is an error with
    /// [`status`](Error::status), unless [`any_status`](Request::any_status) was set.
    pub fn send(&self) -> Result<Response> {
        self.start()?.wait()
    }

    /// Sends it and comes back at once, so that several can be under way.
    ///
    /// ```
    /// # use tidegate_sdk::prelude::*;
    /// # use tidegate_sdk::testing::{Reply, TestHost};
    /// # let sync = DataSync::new("both", "1", |run: &Run| {
    /// let (a, b) = (run.get("/a").start()?, run.get("/b").start()?);
    /// let (a, b) = (a.wait()?.text()?, b.wait()?.text()?);
    /// # assert_eq!((a.as_str(), b.as_str()), ("1", "2"));
    /// # Ok(())
    /// # });
    /// # TestHost::new().reply("/a", Reply::json(1)).reply("/b", Reply::json(2)).run(&sync).unwrap();
    /// ```
    pub fn start(&self) -> Result<Pending> {
        if let Some(mistake) = &self.mistake {
            return Err(mistake.clone());
        }
        let call = format!("{} {}", self.parts.method, self.parts.url);
        Ok(Pending {
            inner: sys::send(&self.parts)?,
            call,
            raises: self.raises,
        })
    }

    /// Goes through the items of all pages: each step fetches a page and reads its items
    /// as `T`.
    ///
    /// ```
    /// # use tidegate_sdk::prelude::*;
    /// # use tidegate_sdk::testing::{Reply, TestHost};
    /// # #[derive(Serialize, Deserialize, JsonSchema)] struct User { id: String }
    /// # impl Model for User {}
    /// # let sync = DataSync::new("users", "1", |run: &Run| {
    /// let paging = Paging::cursor("cursor", "next").items_at("members");
    /// for users in run.get("/users").paginate::<User>(paging) {
    ///     run.save(users?)?;
    /// }
    /// # Ok(())
    /// # }).model::<User>();
    /// # let mut host = TestHost::new()
    /// #     .reply("/users", Reply::json(json!({"members": [{"id": "a"}], "next": "2"})))
    /// #     .reply("/users?cursor=2", Reply::json(json!({"members": [{"id": "b"}], "next": ""})));
    /// # host.run(&sync).unwrap();
    /// # assert_eq!(host.records::<User>().len(), 2);
    /// ```
    pub fn paginate<T: DeserializeOwned>(self, paging: Paging) -> Items<T> {
        Items::new(self.pages(paging))
    }

    /// Goes through all pages as they are, for what stands in them beside the items.
    pub fn pages(self, paging: Paging) -> Pages {
        Pages::new(self, paging)
    }
}

/// A request under way.
#[must_use = "wait for its response"]
pub struct Pending {
    inner: sys::Pending,
    call: String,
    raises: bool,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under way", self.call)
    }
}

impl Pending {
    /// Waits for the response.
    pub fn wait(self) -> Result<Response> {
        let inner = self
            .inner
            .wait()
            .map_err(|error| error.context(&self.call))?;
        let response = Response {
            inner,
            call: self.call,
        };
        if self.raises && !response.is_success() {
            return Err(response.into_error());
        }
        Ok(response)
    }
}

/// A response. Its body counts against the run's memory until it is taken or dropped.
pub struct Response {
    inner: sys::Response,
    call: String,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.call, self.status())
    }
}

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        u16::try_from(self.inner.status()).unwrap_or_default()
    }

    /// Whether the status is from 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// The first value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.inner.header(name)
    }

    /// All headers in the provider's order, names in lower case.
    pub fn headers(&self) -> Vec<(String, String)> {
        self.inner.headers()
    }

    /// The URL that answered, after redirects, without credentials.
    pub fn url(&self) -> String {
        self.inner.url()
    }

    /// The body as text.
    pub fn text(self) -> Result<String> {
        self.inner.text().map_err(|error| error.context(&self.call))
    }

    /// The body as bytes.
    pub fn bytes(self) -> Result<Vec<u8>> {
        self.inner.body().map_err(|error| error.context(&self.call))
    }

    /// The body read as JSON. What does not fit is named with its path in the document.
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        let call = self.call.clone();
        let text = self.text()?;
        crate::decode::from_json(&text).map_err(|why| unexpected_body(&call, &why, &text))
    }

    /// The body as a stream, for one that is too large to hold at once.
    pub fn reader(self) -> impl io::Read {
        BodyReader {
            inner: self.inner,
            chunk: io::Cursor::default(),
        }
    }

    /// The error that stands for this response.
    pub fn into_error(self) -> Error {
        let status = self.status();
        let said = self
            .inner
            .body()
            .map(|body| crate::decode::excerpt(&String::from_utf8_lossy(&body), EXCERPT_BYTES));
        let said = said
            .ok()
            .filter(|said| !said.is_empty())
            .map(|said| format!(": {said}"));
        Error::new(format_args!(
            "{} answered {status}{}",
            self.call,
            said.unwrap_or_default()
        ))
        .with_status(status)
    }

    pub(crate) fn call(&self) -> &str {
        &self.call
    }
}

/// The error for a body that is not what was expected, with the beginning of it.
pub(crate) fn unexpected_body(call: &str, why: &Error, text: &str) -> Error {
    let said = crate::decode::excerpt(text, EXCERPT_BYTES);
    Error::with_code(
        Code::GuestError,
        format_args!(
            "{call} answered something unexpected: {}; the body begins: {said}",
            why.message()
        ),
    )
}

/// The body in pieces; the host holds no more than it must.
struct BodyReader {
    inner: sys::Response,
    chunk: io::Cursor<Vec<u8>>,
}

impl io::Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.chunk.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        match self.inner.read(READ_BYTES) {
            Ok(Some(chunk)) => self.chunk = io::Cursor::new(chunk),
            Ok(None) => return Ok(0),
            Err(error) => return Err(io::Error::other(error.to_string())),
        }
        self.chunk.read(buffer)
    }
}
