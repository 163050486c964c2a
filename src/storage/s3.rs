//! An S3 server, or a compatible one, asked through the HTTP client that the program has anyway.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::TokioExecutor;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use object_store::{ClientOptions, RetryConfig};

use crate::config::Bucket;
use crate::error::{Context, Error, Result, codes};

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long the head of an answer may take, from the last byte of the question on: a copy of a large file takes long.
const ANSWERING: Duration = Duration::from_secs(60);

/// How long a question is asked again that failed for now.
const TRYING: Duration = Duration::from_secs(20);

/// The bucket that the settings name.
///
/// # Errors
/// `bad_setting` when they cannot be used.
pub(super) fn open(bucket: &Bucket) -> Result<AmazonS3> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(bucket.access_key_id.expose())
        .with_secret_access_key(bucket.secret_access_key.expose())
        // What one object takes is one question, which every server understands.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig { max_retries: 3, retry_timeout: TRYING, ..RetryConfig::default() })
        .with_http_connector(Connector);
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    // Its own words could repeat a secret.
    builder.build().map_err(|_| {
        let message =
            "FILES_S3_BUCKET and the settings beside it name no bucket that can be used; check FILES_S3_ENDPOINT";
        Error::invalid("FILES_S3_BUCKET", codes::BAD_SETTING, message)
    })
}

#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = client().map_err(|error| object_store::Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(HttpClient::new(Service(client)))
    }
}

fn client() -> Result<Client<HttpsConnector<Tcp>, HttpRequestBody>> {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECTING));
    tcp.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .internal("reading the system's certificates")?;
    let connector = builder.https_or_http().enable_http1().wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

#[derive(Debug)]
struct Service(Client<HttpsConnector<Tcp>, HttpRequestBody>);

type Answer<'a> = Pin<Box<dyn Future<Output = std::result::Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Service {
    fn call<'s: 'a, 'a>(&'s self, request: HttpRequest) -> Answer<'a>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let answer = tokio::time::timeout(ANSWERING, self.0.request(request)).await;
            let answer = answer.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?.map_err(|error| {
                let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
                HttpError::new(kind, error)
            })?;
            let (parts, body) = answer.into_parts();
            Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(Answered(Mutex::new(body)))))
        })
    }
}

/// The body of an answer, for whoever wants to share it: nobody does, so the lock is never waited for.
struct Answered(Mutex<Incoming>);

impl Body for Answered {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, HttpError>>> {
        let body = self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner);
        Pin::new(body).poll_frame(context).map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}
