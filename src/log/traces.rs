//! Traces over OTLP, when `OTEL_EXPORTER_OTLP_ENDPOINT` is set: the spans of requests and jobs, of the use cases within
//! them, of transactions, files and statements. Without it none of these spans is made but that of the request, which log
//! lines need: the others are of the level `debug`, which nothing then asks for.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;

use super::collector::{Collector, PATIENCE};
use super::json::SERVICE;
use crate::config::Config;
use crate::error::{Context as _, Result};

/// How long the end of the process waits for the last spans to be sent.
const LAST_WORD: Duration = Duration::from_secs(2);
/// How the targets of this program's own spans begin.
const OURS: &str = "hvac_";

/// There when traces are on.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Makes the layer that sends spans to the collector of the settings; none when there is none.
///
/// # Errors
/// When a variable that the exporter reads itself cannot be used.
pub(super) fn layer<S>(config: &Config) -> Result<Option<OpenTelemetryLayer<S, Conventions>>>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::default())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .internal("setting up traces: check the variables that begin with OTEL_")?;
    let resource = Resource::builder()
        .with_service_name(SERVICE)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", config.instance.clone()))
        .build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = Conventions(provider.tracer(SERVICE));
    // A second start (tests in one process) keeps the first.
    let _ = PROVIDER.set(provider);
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    Ok(Some(
        layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_context_activation(false),
    ))
}

/// Sends what is left. The last thing a process does.
pub(super) fn stop() {
    if let Some(provider) = PROVIDER.get() {
        // A collector that is down was told of.
        let _ = provider.shutdown_with_timeout(LAST_WORD);
    }
}

/// Whether it is a span of this program.
pub(super) fn is_our_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with(OURS)
}

/// Whether it belongs into a trace: a span of this program, or a line within one that tells of trouble.
pub(super) fn belongs(metadata: &Metadata<'_>) -> bool {
    is_our_span(metadata) || (*metadata.level() <= Level::WARN && metadata.target().starts_with(OURS))
}

/// Makes the span of a request part of the trace that its client began (`traceparent`, `tracestate`), and says which trace
/// that is to its log lines.
pub fn continue_trace(span: &Span, headers: &HeaderMap) {
    if PROVIDER.get().is_none() {
        return;
    }
    let begun = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    // A span that is off has no parent.
    let _ = span.set_parent(begun);
    let context = span.context();
    if context.span().span_context().is_valid() {
        span.record("trace_id", context.span().span_context().trace_id().to_string());
    }
}

/// Says in the span of a request how it was answered.
pub fn answered(span: &Span, status: u16) {
    if PROVIDER.get().is_none() {
        return;
    }
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}

/// Gives spans the names and kinds that tools know (OpenTelemetry's semantic conventions): the spans themselves have the
/// fields that log lines have.
#[derive(Debug)]
pub struct Conventions(SdkTracer);

impl Tracer for Conventions {
    type Span = <SdkTracer as Tracer>::Span;

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> Self::Span {
        let attributes = builder.attributes.get_or_insert_default();
        match &*builder.name {
            "request" => {
                let said = |name: &str| {
                    let found = attributes.iter().find(|attribute| attribute.key.as_str() == name);
                    found.map(|attribute| attribute.value.as_str().into_owned()).unwrap_or_default()
                };
                let (method, route) = (said("method"), said("endpoint"));
                builder.name = format!("{method} {route}").into();
                builder.span_kind = Some(SpanKind::Server);
                attributes.push(KeyValue::new("http.request.method", method));
                attributes.push(KeyValue::new("http.route", route));
                attributes.retain(|attribute| !["method", "endpoint"].contains(&attribute.key.as_str()));
            }
            "sql" => builder.span_kind = Some(SpanKind::Client),
            "job" => builder.span_kind = Some(SpanKind::Consumer),
            _ => {}
        }
        self.0.build_with_context(builder, parent)
    }
}
