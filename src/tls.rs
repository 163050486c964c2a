//! TLS: the certificate that is in force, for all doors of the process.
//!
//! TLS_CERT and TLS_KEY are read at the start, where a pair that cannot be used is refused, and looked at every few seconds
//! from then on: a new pair is taken over for the next connections, those that are open keep what they have. A new pair that
//! cannot be used leaves the old one in force and is told once.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};

use crate::config::Config;
use crate::error::{Context, Error, Result, codes};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Of a file that is read.
const LONGEST_FILE: u64 = 1 << 20;

/// The certificate in force, and how clients are met with it. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: Files,
    hasher: RandomState,
    /// What the files were at the start.
    opened: u64,
    current: Arc<Current>,
    http: Arc<ServerConfig>,
    postgres: Arc<ServerConfig>,
}

/// The pair that the next connection is met with.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// With the files of the settings; none when they name none.
    ///
    /// # Errors
    /// When they cannot be read, are none of their kind, or do not belong together, by the setting's name.
    pub fn open(config: &Config) -> Result<Option<Self>> {
        let Some((certificate, key)) = config.tls_files.clone() else { return Ok(None) };
        let (files, hasher) = (Files { certificate, key }, RandomState::new());
        let found = files.read();
        let opened = found.print(&hasher);
        let current = Arc::new(Current(RwLock::new(Arc::new(found.pair(&files)?))));
        let (http, postgres) = (met_with(&current, b"http/1.1")?, met_with(&current, b"postgresql")?);
        Ok(Some(Self(Arc::new(Inner { files, hasher, opened, current, http, postgres }))))
    }

    /// For connections of HTTP.
    #[must_use]
    pub fn http(&self) -> TlsAcceptor {
        Arc::clone(&self.0.http).into()
    }

    /// For connections of PostgreSQL's protocol, once they have asked for TLS.
    #[must_use]
    pub fn postgres(&self) -> TlsAcceptor {
        Arc::clone(&self.0.postgres).into()
    }

    /// Looks at the files again and again; never ready.
    pub async fn keep(self) {
        let Inner { files, hasher, opened, current, .. } = &*self.0;
        let (mut known, mut before) = (*opened, *opened);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let reading = files.clone();
            let Ok(found) = tokio::task::spawn_blocking(move || reading.read()).await else { continue };
            let print = found.print(hasher);
            // Who writes the files writes one behind the other: what is still changing is looked at later.
            if print != known && print == before {
                known = print;
                match found.pair(files) {
                    Ok(pair) => {
                        *current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                        tracing::info!("the new certificate in {} is in force", files.certificate.display());
                    }
                    Err(error) => tracing::error!("the old certificate stays in force: {error}"),
                }
            }
            before = print;
        }
    }
}

/// What clients of one protocol are met with: TLS 1.2 or 1.3.
fn met_with(current: &Arc<Current>, protocol: &[u8]) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let certificate: Arc<dyn ResolvesServerCert> = Arc::clone(current) as Arc<_>;
    let mut config = versions.internal("preparing TLS")?.with_no_client_auth().with_cert_resolver(certificate);
    // A client that says which protocol it speaks says this one, or it was sent to the wrong door.
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(Arc::new(config))
}

/// Where certificate and key are.
#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What is there.
struct Found {
    certificate: io::Result<Vec<u8>>,
    key: io::Result<Vec<u8>>,
}

impl Files {
    fn read(&self) -> Found {
        Found { certificate: read(&self.certificate), key: read(&self.key) }
    }
}

/// A file that is one: a pipe would keep its reader waiting.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LONGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Found {
    /// Tells it from what was there before.
    fn print(&self, hasher: &RandomState) -> u64 {
        hasher.hash_one((self.certificate.as_ref().ok(), self.key.as_ref().ok()))
    }

    /// A chain and the key that belongs to it.
    fn pair(self, files: &Files) -> Result<CertifiedKey> {
        let refused = |variable: &'static str, path: &Path, why: String| {
            let message = format!("{variable}='{}' cannot be used: {why}", path.display());
            Error::invalid(variable, codes::BAD_SETTING, message)
        };
        let of_certificate = |why: String| refused("TLS_CERT", &files.certificate, why);
        let of_key = |why: String| refused("TLS_KEY", &files.key, why);
        let unreadable = |error: io::Error| format!("it cannot be read ({error}); see to its path and rights");

        let text = self.certificate.map_err(|error| of_certificate(unreadable(error)))?;
        let chain = CertificateDer::pem_slice_iter(&text).collect::<std::result::Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| of_certificate(format!("it is no PEM ({error})")))?;
        if chain.is_empty() {
            let why = "it has no certificate in PEM (-----BEGIN CERTIFICATE-----); put the server's first, its issuers' behind it";
            return Err(of_certificate(why.to_owned()));
        }
        let text = self.key.map_err(|error| of_key(unreadable(error)))?;
        // What went wrong is not told: it may hold a part of the key.
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
            of_key("it has no private key in PEM (-----BEGIN PRIVATE KEY-----) that needs no passphrase".to_owned())
        })?;
        let provider = ring::default_provider();
        let unknown = |_| of_key("its key is of no kind that is known: RSA, ECDSA P-256 or P-384, Ed25519".to_owned());
        let key = provider.key_provider.load_private_key(key).map_err(unknown)?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
            Err(rustls::Error::InconsistentKeys(_)) => Err(of_key(format!(
                "it is not the key of the certificate in {} (TLS_CERT)",
                files.certificate.display()
            ))),
            Err(error) => Err(of_certificate(format!("its first certificate cannot be read ({error})"))),
        }
    }
}
