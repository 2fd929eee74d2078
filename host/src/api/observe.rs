//! Each request as the operator sees it: its id, one line in the log, and its time in the
//! metrics.
//!
//! IMPORTANT: only the route's template is told, never the path, the query or a header:
//! those name customers and may hold what they keep secret.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::{Duration, Instant};
use tracing::{Instrument, field};

/// Names a request in the answer and in the log. Always this host's own: one that a client
/// sends is passed over, so that nobody writes into the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Upper bounds of the buckets of a request's time, in seconds: those that OpenTelemetry
/// advises for `http.server.request.duration`.
const DURATION_SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The template of what leads to no route.
const NO_ROUTE: &str = "";

/// How long requests took. Clones count together.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    duration: Family<Labels, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

impl HttpMetrics {
    /// No requests yet.
    pub fn new() -> Self {
        HttpMetrics {
            duration: Family::new_with_constructor(|| Histogram::new(DURATION_SECONDS)),
        }
    }

    /// Adds them to what is shown.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "http_server_request_duration",
            "From the headers of a request to those of its answer",
            Unit::Seconds,
            self.duration.clone(),
        );
    }

    fn observe(&self, method: &'static str, route: &str, status: StatusCode, time: Duration) {
        let labels = Labels {
            http_request_method: method,
            http_route: route.to_owned(),
            http_response_status_code: status.as_u16(),
        };
        self.duration
            .get_or_create(&labels)
            .observe(time.as_secs_f64());
    }
}

/// Gives a request its id, and tells of it when it is answered: at `debug`, and at `error`
/// where the host is to blame.
pub async fn observe(State(metrics): State<HttpMetrics>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let id = format!("{:032x}", rand::random::<u128>());
    // What handlers log carries the id too.
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let span =
        tracing::error_span!("request", request_id = %id, method, route, status = field::Empty);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, time) = (response.status(), started.elapsed());
    span.record("status", status.as_u16());
    metrics.observe(method, route, status, time);
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let code = status.as_u16();
    match status.is_server_error() {
        true => {
            tracing::error!(request_id = %id, method, route, status = code, ms, "request failed")
        }
        false => tracing::debug!(request_id = %id, method, route, status = code, ms, "request"),
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The method, or OpenTelemetry's word for one that a client made up.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE",
    ];
    let known = KNOWN.iter().find(|known| **known == method.as_str());
    known.copied().unwrap_or("_OTHER")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::extract::Path;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tower_service::Service;

    #[test]
    fn a_method_that_a_client_made_up_is_no_label() {
        for (given, label) in [("GET", "GET"), ("get", "_OTHER"), ("PROPFIND", "_OTHER")] {
            assert_eq!(method(&given.parse().unwrap()), label);
        }
    }

    /// What a subscriber wrote.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_request_is_one_line_without_what_a_customer_wrote() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let status = async |Path(code): Path<u16>| StatusCode::from_u16(code).unwrap();
        let mut router = Router::new()
            .route("/answers/{code}", get(status))
            .layer(from_fn_with_state(HttpMetrics::new(), observe));
        for (code, level) in [(200, "DEBUG"), (404, "DEBUG"), (503, "ERROR")] {
            lines.0.lock().unwrap().clear();
            let request = Request::get(format!("/answers/{code}?secret=hunter2"))
                .header("authorization", "Bearer hunter2")
                .header("x-request-id", "hunter2")
                .body(Body::empty());
            let answer = router.call(request.unwrap()).await.unwrap();
            let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(!text.contains("hunter2"), "{text}");
            let line: serde_json::Value = serde_json::from_str(&text).unwrap();
            let fields = &line["fields"];
            assert_eq!(line["level"], level);
            assert_eq!(fields["route"], "/answers/{code}");
            assert_eq!(
                (&fields["method"], &fields["status"]),
                (&"GET".into(), &code.into())
            );
            assert_eq!(
                fields["request_id"],
                answer.headers()[REQUEST_ID].to_str().unwrap()
            );
        }
    }
}
