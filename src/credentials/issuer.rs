//! The keys of an issuer of tokens: one secret, or a key set (JWKS) in a file or at an address.
//!
//! A key set is kept and read again when it is some minutes old, and at once for a key that it does not have, but not more
//! often than once a minute: whoever makes up names of keys does not make this server ask. While it cannot be read, the
//! keys that are known hold for a day.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use url::Url;

use crate::config::TokenKeys;
use crate::error::{Context, Error, Result, codes};

/// How old a key set may be until it is read again.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How often it is read at most.
const SELDOM: Duration = Duration::from_secs(60);
/// How long its keys hold while it cannot be read.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long reading may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest key set, in bytes.
const LONGEST_SET: usize = 1 << 20;

/// A key, and the only algorithm that it is for.
#[derive(Debug)]
pub struct IssuerKey {
    /// What tokens call it.
    pub id: Option<String>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// Where a key set is read.
#[derive(Debug)]
enum Place {
    File(PathBuf),
    Url(Url),
}

/// The keys of an issuer. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Issuer {
    /// One that does not change.
    Secret(Arc<IssuerKey>),
    /// A key set.
    Set(Arc<KeySet>),
}

impl Issuer {
    /// By the settings.
    ///
    /// # Errors
    /// When a secret is none.
    pub fn new(keys: &TokenKeys) -> Result<Self> {
        Ok(match keys {
            TokenKeys::Secret(secret) => {
                let key =
                    DecodingKey::from_secret(secret.expose().as_bytes()).internal("taking JWT_SECRET for a key")?;
                Self::Secret(Arc::new(IssuerKey { id: None, algorithm: Algorithm::HS256, key }))
            }
            TokenKeys::File(path) => Self::Set(Arc::new(KeySet::at(Place::File(path.clone())))),
            TokenKeys::Url(url) => Self::Set(Arc::new(KeySet::at(Place::Url(url.clone())))),
        })
    }

    /// The key that a token names; of one that names none the only one.
    ///
    /// # Errors
    /// `issuer_unreachable` when no keys are known at all.
    pub async fn key(&self, id: Option<&str>) -> Result<Option<Arc<IssuerKey>>> {
        match self {
            // Issuers that share a secret call it what they like.
            Self::Secret(key) => Ok(Some(Arc::clone(key))),
            Self::Set(set) => set.key(id).await,
        }
    }
}

/// A key set, and what is known of it.
#[derive(Debug)]
pub struct KeySet {
    place: Place,
    kept: Mutex<Kept>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: Vec<Arc<IssuerKey>>,
    read_at: Option<Instant>,
    tried_at: Option<Instant>,
}

fn within(at: Option<Instant>, age: Duration) -> bool {
    at.is_some_and(|at| at.elapsed() < age)
}

impl KeySet {
    fn at(place: Place) -> Self {
        Self { place, kept: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: Option<&str>) -> Option<Arc<IssuerKey>> {
        let kept = self.kept();
        let found = match id {
            Some(id) => kept.keys.iter().find(|key| key.id.as_deref() == Some(id)),
            None => kept.keys.first().filter(|_| kept.keys.len() == 1),
        };
        found.filter(|_| within(kept.read_at, LONGEST)).cloned()
    }

    fn is_fresh(&self) -> bool {
        within(self.kept().read_at, FRESH)
    }

    fn was_tried(&self) -> bool {
        within(self.kept().tried_at, SELDOM)
    }

    async fn key(self: &Arc<Self>, id: Option<&str>) -> Result<Option<Arc<IssuerKey>>> {
        let found = self.find(id);
        if found.is_some() && !self.is_fresh() && !self.was_tried() {
            // Who shows a key that is known need not wait for the others.
            let set = Arc::clone(self);
            tokio::spawn(async move { set.renew().await });
        }
        if found.is_some() || self.was_tried() && within(self.kept().read_at, LONGEST) {
            return Ok(found);
        }
        self.renew().await;
        match self.find(id) {
            None if !within(self.kept().read_at, LONGEST) => {
                let message = "The keys that tokens are checked with cannot be read now; try again in a minute.";
                Err(Error::new(codes::ISSUER_UNREACHABLE, message).with_retry_after(60))
            }
            found => Ok(found),
        }
    }

    /// Reads the set, unless somebody just has.
    async fn renew(&self) {
        let _one_reads = self.turn.lock().await;
        if self.was_tried() {
            return;
        }
        self.kept().tried_at = Some(Instant::now());
        let read = tokio::time::timeout(PATIENCE, self.read()).await;
        let read = read.unwrap_or_else(|_| Err(Error::internal(format!("no answer in {} s", PATIENCE.as_secs()))));
        match read {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "read the keys of tokens");
                let mut kept = self.kept();
                (kept.keys, kept.read_at) = (keys, Some(Instant::now()));
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(place = %self.place(), %error, cause, "the keys of tokens (JWT_JWKS) cannot be read");
            }
        }
    }

    fn place(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            // What may be secret in an address stands behind its path.
            Place::Url(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        }
    }

    async fn read(&self) -> Result<Vec<Arc<IssuerKey>>> {
        let bytes = match &self.place {
            Place::File(path) => read_file(path).await?,
            Place::Url(url) => fetch(url).await?,
        };
        usable(&bytes)
    }
}

async fn read_file(path: &Path) -> Result<Vec<u8>> {
    let size = tokio::fs::metadata(path).await.internal("looking for the file")?.len();
    if size > LONGEST_SET as u64 {
        return Err(Error::internal(format!("the file has {size} bytes, which no key set has")));
    }
    tokio::fs::read(path).await.internal("reading the file")
}

/// Answers of others than the one that was asked are not taken: no redirection is followed.
async fn fetch(url: &Url) -> Result<Vec<u8>> {
    let connector = tokio::task::spawn_blocking(connector).await.internal("reading the system's certificates")??;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build(connector);
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("hvac-analytics/", env!("CARGO_PKG_VERSION")))
        .body(Body::empty())
        .internal("asking for the key set")?;
    let answer = client.request(request).await.internal("asking for the key set")?;
    if answer.status() != StatusCode::OK {
        return Err(Error::internal(format!("the server answered {}", answer.status())));
    }
    let body = axum::body::to_bytes(Body::new(answer.into_body()), LONGEST_SET).await;
    Ok(body.internal("reading the key set")?.to_vec())
}

fn connector() -> Result<HttpsConnector<HttpConnector>> {
    let builder = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .internal("reading the system's certificates")?;
    Ok(builder.https_or_http().enable_http1().build())
}

/// The keys of a set that signatures can be checked with here. What else there is – for other uses, algorithms and curves,
/// secrets – is left out.
fn usable(bytes: &[u8]) -> Result<Vec<Arc<IssuerKey>>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(bytes).internal("reading the key set, which is none")?;
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    Ok(keys.filter_map(|key| usable_key(&key)).map(Arc::new).collect())
}

fn usable_key(key: &Jwk) -> Option<IssuerKey> {
    let algorithm = match (&key.algorithm, key.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::EllipticCurve(key), None | Some(KeyAlgorithm::ES256))
            if key.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        _ => return None,
    };
    if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    Some(IssuerKey { id: key.common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(key).ok()? })
}
