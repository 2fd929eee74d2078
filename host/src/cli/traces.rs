//! Traces of runs and requests, which a program that was built with the feature `otlp`
//! sends to an OpenTelemetry collector (OTLP over HTTP, in protobuf).
//!
//! IMPORTANT: only this program's own spans leave, with the fields that it names itself.
//! No event does: its words may be a sync's or a provider's.

use super::settings::Settings;
use crate::error::Result;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

/// The setting that says where traces go.
const SETTING: &str = "otlp_endpoint";
/// Where a collector takes traces, below its address.
const PATH: &str = "/v1/traces";

/// A subscriber's further layer.
type Layered<S> = Box<dyn Layer<S> + Send + Sync>;

/// The collector's URL for traces, if one is set. `config.invalid` if it is no URL, or if
/// this program cannot send traces.
pub(super) fn endpoint(settings: &Settings) -> Result<Option<String>> {
    let text = settings.text(SETTING).trim();
    if text.is_empty() {
        return Ok(None);
    }
    if !cfg!(feature = "otlp") {
        let why = "this program was built without the feature `otlp`; build it with \
                   `--features otlp`, or take the setting away";
        return Err(settings.refused(SETTING, why));
    }
    let is_url = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match is_url {
        true => Ok(Some(format!("{}{PATH}", text.trim_end_matches('/')))),
        false => Err(settings.refused(SETTING, "it is no http or https URL")),
    }
}

/// What sends traces, if a collector is set.
pub(super) struct Traces(Option<export::Exporter>);

impl Traces {
    /// By a service's settings. What is wrong with them is reported by the command itself.
    pub(super) fn of(settings: Option<&Settings>) -> Self {
        let endpoint = settings.and_then(|settings| endpoint(settings).ok()?);
        Traces(endpoint.and_then(|endpoint| export::Exporter::new(&endpoint)))
    }

    /// What takes the spans in.
    pub(super) fn layer<S>(&self) -> Option<Layered<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        self.0.as_ref().map(export::Exporter::layer)
    }

    /// Sends what is left.
    pub(super) fn end(self) {
        if let Some(exporter) = self.0 {
            exporter.end();
        }
    }
}

#[cfg(not(feature = "otlp"))]
mod export {
    //! Nothing is sent.

    use super::{Layered, LookupSpan, Subscriber};

    /// There is never one.
    pub(super) enum Exporter {}

    impl Exporter {
        pub(super) fn new(_: &str) -> Option<Self> {
            None
        }

        pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> Layered<S> {
            match *self {}
        }

        pub(super) fn end(self) {
            match self {}
        }
    }
}

#[cfg(feature = "otlp")]
mod export {
    //! By a thread of its own, a batch at a time. A collector that is away holds nothing
    //! up: what does not fit into the queue is dropped.

    use super::{Layered, LookupSpan, Subscriber};
    use async_trait::async_trait;
    use bytes::Bytes;
    use http::{Request, Response};
    use opentelemetry::KeyValue;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_http::{HttpClient, HttpError};
    use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::filter_fn;

    /// Time for a batch to be taken; then it is dropped.
    const BATCH_TIME: Duration = Duration::from_secs(10);
    /// Time for the last batch when the host stops; then what is left is dropped.
    const LAST_BATCH_TIME: Duration = Duration::from_secs(5);
    /// Bytes of a collector's answer that are read; one with more counts as a failure.
    const ANSWER_BYTES_MAX: u64 = 1 << 20;
    /// The service, as the collector knows it, and the front of its spans' targets.
    const NAME: &str = "tidegate";

    /// Takes spans in and sends them.
    pub(super) struct Exporter(SdkTracerProvider);

    impl Exporter {
        pub(super) fn new(endpoint: &str) -> Option<Self> {
            let exporter = SpanExporter::builder()
                .with_http()
                .with_http_client(Client::new())
                .with_protocol(Protocol::HttpBinary)
                .with_endpoint(endpoint)
                .with_timeout(BATCH_TIME)
                .build()
                .ok()?;
            let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
            let resource = Resource::builder().with_service_name(NAME);
            let provider = SdkTracerProvider::builder()
                .with_resource(resource.with_attribute(version).build())
                .with_batch_exporter(exporter)
                .build();
            Some(Exporter(provider))
        }

        pub(super) fn layer<S>(&self) -> Layered<S>
        where
            S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
        {
            let own =
                filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with(NAME));
            tracing_opentelemetry::layer()
                .with_tracer(self.0.tracer(NAME))
                .with_location(false)
                .with_threads(false)
                .with_tracked_inactivity(false)
                .with_filter(own)
                .boxed()
        }

        pub(super) fn end(self) {
            // A collector that is away has been told of already.
            let _ = self.0.shutdown_with_timeout(LAST_BATCH_TIME);
        }
    }

    /// The way to the collector. It blocks its thread, which is the exporter's own.
    #[derive(Debug)]
    struct Client {
        agent: ureq::Agent,
        /// Whether the last batch was not taken, so that one line tells of an outage.
        is_away: AtomicBool,
    }

    impl Client {
        fn new() -> Self {
            let config = ureq::Agent::config_builder()
                .timeout_global(Some(BATCH_TIME))
                .http_status_as_error(false)
                .max_redirects(0)
                .build();
            Client {
                agent: config.into(),
                is_away: AtomicBool::new(false),
            }
        }

        fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
            let (parts, body) = request.into_parts();
            let request = Request::from_parts(parts, body.to_vec());
            let mut answer = self.agent.run(request)?;
            let read = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
            let body = read.read_to_vec()?;
            let (parts, _) = answer.into_parts();
            Ok(Response::from_parts(parts, body.into()))
        }

        /// Tells of the first batch that was not taken, and of the first that was again.
        fn tell(&self, why: Option<String>) {
            let was_away = self.is_away.swap(why.is_some(), Ordering::Relaxed);
            match why {
                Some(why) if !was_away => {
                    tracing::warn!(why, "the collector takes no traces; they are dropped");
                }
                None if was_away => tracing::info!("the collector takes traces again"),
                _ => {}
            }
        }
    }

    #[async_trait]
    impl HttpClient for Client {
        async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
            let answer = self.send(request);
            self.tell(match &answer {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(format!("it answered {}", answer.status())),
                Err(error) => Some(error.to_string()),
            });
            Ok(answer?)
        }
    }
}
