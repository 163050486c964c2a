//! How traces get to their collector: HTTP/1.1 without TLS, from the thread that sends them, a connection for each batch.
//!
//! A collector that is down costs that thread its patience and nobody else anything: what does not fit into the queue
//! meanwhile is dropped. It is told once, and again when it has come back.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Uri, header};
use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use tokio::net::TcpStream;

/// How long a collector may take to accept a batch.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const ANSWER_BYTES: usize = 1024 * 1024;
const HTTP_PORT: u16 = 80;

/// Sends batches; knows whether the last one arrived.
#[derive(Debug, Default)]
pub(super) struct Collector {
    is_down: AtomicBool,
}

type Sending<'s> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 's>>;

impl HttpClient for Collector {
    fn send_bytes<'s: 'f, 'f>(&'s self, request: Request<Bytes>) -> Sending<'f>
    where
        Self: 'f,
    {
        Box::pin(async move {
            let uri = request.uri().clone();
            let sent = send(request);
            match &sent {
                Ok(response) if response.status().is_success() => {
                    if self.is_down.swap(false, Ordering::Relaxed) {
                        tracing::info!(collector = uri.authority().map(|a| a.as_str()), "traces arrive again");
                    }
                }
                Ok(response) => self.tell(&uri, &format!("it answered {}", response.status())),
                Err(error) => self.tell(&uri, &error.to_string()),
            }
            sent
        })
    }
}

impl Collector {
    fn tell(&self, uri: &Uri, why: &str) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                collector = uri.authority().map(|a| a.as_str()),
                why,
                "traces do not arrive at OTEL_EXPORTER_OTLP_ENDPOINT: they are dropped until they do"
            );
        }
    }
}

/// The thread that sends has no runtime; this one lasts as long as the batch.
fn send(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(PATIENCE, post(request)).await.map_err(|_| "it took too long")? })
}

async fn post(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut head, body) = request.into_parts();
    let host = head.uri.host().ok_or("it has no host")?;
    let address = (host.trim_matches(['[', ']']), head.uri.port_u16().unwrap_or(HTTP_PORT));
    let stream = TcpStream::connect(address).await?;
    let host = head.uri.authority().map_or(host, |authority| authority.as_str());
    head.headers.insert(header::HOST, host.rsplit('@').next().unwrap_or(host).parse()?);
    head.uri = head.uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(Request::from_parts(head, Body::from(body))).await?.into_parts();
    Ok(Response::from_parts(head, to_bytes(Body::new(body), ANSWER_BYTES).await?))
}
