//! Traces, received by a collector of the test's own.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as AnyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use tempfile::TempDir;

use super::REPORT;
use crate::helpers::{Client, Process};

/// A span with the attributes of its process.
#[derive(Debug, Clone)]
struct Received {
    span: Span,
    resource: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
struct Inbox {
    spans: Arc<Mutex<Vec<Received>>>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
}

/// Takes traces at a port of its own.
struct Collector {
    inbox: Inbox,
    address: SocketAddr,
}

impl Collector {
    async fn start() -> Self {
        Self::start_at(TcpListener::bind("127.0.0.1:0").unwrap()).await
    }

    async fn start_at(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).unwrap();
        let (inbox, address) = (Inbox::default(), listener.local_addr().unwrap());
        let routes = axum::Router::new().route("/v1/traces", post(receive)).with_state(inbox.clone());
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(async move { axum_serve(listener, routes).await });
        Self { inbox, address }
    }

    /// All spans, once those are among them.
    async fn with(&self, names: &[&str]) -> Vec<Received> {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let spans = self.inbox.spans.lock().unwrap().clone();
            let missing = names.iter().find(|name| !spans.iter().any(|received| received.span.name == **name));
            let Some(missing) = missing else { return spans };
            let known: Vec<&str> = spans.iter().map(|received| received.span.name.as_str()).collect();
            assert!(Instant::now() < patience, "no {missing} among {known:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// One connection after the other, each with as many requests as it has.
async fn axum_serve(listener: tokio::net::TcpListener, routes: axum::Router) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = hyper_util::service::TowerToHyperService::new(routes.clone());
        let io = hyper_util::rt::TokioIo::new(stream);
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
    }
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    inbox.headers.lock().unwrap().push(headers);
    for resource_spans in request.resource_spans {
        let resource = texts(&resource_spans.resource.unwrap().attributes);
        for span in resource_spans.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            inbox.spans.lock().unwrap().push(Received { span, resource: resource.clone() });
        }
    }
    StatusCode::OK
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.clone()?.value? {
        AnyValue::StringValue(text) => Some(text),
        AnyValue::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    };
    attributes.iter().filter_map(|attribute| Some((attribute.key.clone(), text(attribute)?))).collect()
}

fn traced(folder: &TempDir, endpoint: &str) -> Process {
    let mut command = Process::command(folder.path(), &["serve"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "100");
    command
        .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=planted-key")
        .env("LOG_FORMAT", "json")
        .env("INSTANCE", "plant-7");
    Process::serve_by(folder.path(), command)
}

/// The one span of that name whose parent is the given.
#[track_caller]
fn child<'s>(spans: &'s [Received], parent: &Span, names: &[&str]) -> &'s Span {
    let is_it = |received: &&Received| {
        received.span.parent_span_id == parent.span_id && names.contains(&received.span.name.as_str())
    };
    let found = spans.iter().find(is_it);
    let below: Vec<&str> = spans
        .iter()
        .filter(|received| received.span.parent_span_id == parent.span_id)
        .map(|received| received.span.name.as_str())
        .collect();
    let span = &found.unwrap_or_else(|| panic!("none of {names:?} below {}: {below:?}", parent.name)).span;
    assert_eq!(span.trace_id, parent.trace_id);
    assert!(span.start_time_unix_nano >= parent.start_time_unix_nano, "{span:?} of {parent:?}");
    span
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_trace_down_to_its_statements_and_goes_on_with_its_clients() {
    let (collector, folder) = (Collector::start().await, TempDir::new().unwrap());
    let server = traced(&folder, &format!("http://{}/", collector.address));
    let client = Client::of(&server);
    let session = client.upload("a.csv", REPORT.to_vec()).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    let (trace, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let request = client.client.post(server.url("/api/parse")).json(&json!({"session_id": session}));
    let answer = request.header("traceparent", format!("00-{trace}-{parent}-01")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(client.get(&format!("/api/data/preview?session_id={session}")).await.0, 200);
    let spans = collector.with(&["POST /api/parse", "GET /api/data/preview"]).await;
    let of = |name: &str| &spans.iter().find(|received| received.span.name == name).unwrap().span;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();

    let parsing = of("POST /api/parse");
    assert_eq!((hex(&parsing.trace_id), hex(&parsing.parent_span_id)), (trace.to_owned(), parent.to_owned()));
    assert_eq!(parsing.kind, 2, "a server's");
    let said = texts(&parsing.attributes);
    let expected = [
        ("http.request.method", "POST"),
        ("http.route", "/api/parse"),
        ("http.response.status_code", "200"),
        ("session_id", &session),
    ];
    for (name, value) in expected {
        assert_eq!(said.get(name).map(String::as_str), Some(value), "{said:?}");
    }
    let parse = child(&spans, parsing, &["parse"]);
    let transaction = child(&spans, parse, &["transaction"]);
    let sql = child(&spans, transaction, &["sql"]);
    assert_eq!(sql.kind, 3, "a client's");
    child(&spans, parse, &["store.publish_file"]);
    child(&spans, child(&spans, parse, &["store.live_session"]), &["sql"]);

    let previewing = of("GET /api/data/preview");
    assert!(previewing.parent_span_id.is_empty() && previewing.trace_id != parsing.trace_id, "{previewing:?}");
    let preview = child(&spans, previewing, &["preview"]);
    let store = child(&spans, preview, &["store.session", "store.parsed"]);
    let statement = texts(&child(&spans, store, &["sql"]).attributes);
    assert_eq!(statement["db.system.name"], "sqlite");
    assert!(statement["db.query.text"].starts_with("SELECT "), "{statement:?}");
    for received in &spans {
        let text = texts(&received.span.attributes).get("db.query.text").cloned().unwrap_or_default();
        assert!(!text.contains(&session), "a value in {text}");
        assert_eq!(received.resource["service.name"], "hvac-analytics");
        assert_eq!(received.resource["service.instance.id"], "plant-7");
    }
    let headers = collector.inbox.headers.lock().unwrap().clone();
    assert!(headers.iter().all(|headers| headers["api-key"] == "planted-key"), "{headers:?}");
    assert!(headers.iter().all(|headers| headers["content-type"] == "application/x-protobuf"), "{headers:?}");
    // A line leads to its trace.
    let log = server.stderr_after(|log| log.contains("\"endpoint\":\"/api/data/preview\""));
    assert!(log.contains(&format!("\"trace_id\":\"{trace}\"")), "{log}");
    assert!(!log.contains("planted-key"), "{log}");
    assert!(server.terminate().success());
}

/// What a job does is a trace of its own, of whichever process does it.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_a_trace_and_the_last_spans_are_sent_at_the_end() {
    let (collector, folder) = (Collector::start().await, TempDir::new().unwrap());
    let mut command = Process::command(folder.path(), &["serve"]);
    // Nothing is sent before the end.
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address));
    command.env("OTEL_BSP_SCHEDULE_DELAY", "600000");
    let server = Process::serve_by(folder.path(), command);
    let client = Client::of(&server);
    let session = client.upload("a.csv", REPORT.to_vec()).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    client.post("/api/parse", &json!({"session_id": session})).await.unwrap();
    client.post("/api/clean", &json!({"session_id": session, "resample_interval": null})).await.unwrap();
    assert!(tokio::task::spawn_blocking(|| server.terminate().success()).await.unwrap());
    let spans = collector.with(&["job", "clean"]).await;
    let job = &spans.iter().find(|received| received.span.name == "job").unwrap().span;
    child(&spans, child(&spans, job, &["clean"]), &["transaction", "store.finish_file"]);
    assert_eq!(texts(&job.attributes)["kind"], "clean");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_costs_no_request_anything_and_is_told_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let folder = TempDir::new().unwrap();
    let server = traced(&folder, &format!("http://{address}"));
    let client = Client::of(&server);
    let told = |log: &str| log.matches("traces do not arrive").count();
    let patience = Instant::now() + Duration::from_secs(20);
    let mut slowest = Duration::ZERO;
    // Several batches fail meanwhile.
    while told(&server.stderr()) == 0 || patience - Instant::now() > Duration::from_secs(17) {
        let begun = Instant::now();
        assert_eq!(client.get("/api/sessions").await.0, 200);
        slowest = slowest.max(begun.elapsed());
        assert!(Instant::now() < patience, "never told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert_eq!(told(&server.stderr()), 1, "{}", server.stderr());
    let collector = Collector::start_at(TcpListener::bind(address).unwrap()).await;
    client.get("/api/sessions").await;
    collector.with(&["GET /api/sessions"]).await;
    server.stderr_after(|log| log.contains("traces arrive again"));
    assert!(server.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_everything_and_answers_nothing_holds_up_neither_requests_nor_the_end() {
    let (silent, folder) = (TcpListener::bind("127.0.0.1:0").unwrap(), TempDir::new().unwrap());
    let server = traced(&folder, &format!("http://{}", silent.local_addr().unwrap()));
    let client = Client::of(&server);
    for _ in 0..50 {
        let begun = Instant::now();
        assert_eq!(client.get("/api/sessions").await.0, 200);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    let begun = Instant::now();
    assert!(server.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
