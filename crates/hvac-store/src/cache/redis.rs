//! The second level: a Redis that several processes share. It may be slow, stop or vanish at any time.
//!
//! A request only ever uses a connection that stands, for at most [`OPERATION`]; connecting, writing and
//! reconnecting happen in the background. [`FAILURES`] in a row open the breaker: the connection is given up,
//! requests pass level 2 by, and after [`PAUSE`] the background tries again. One warning is logged each time
//! it goes, one line when it is back.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, RedisError, TlsCertificates};
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{CacheKey, Kind, RECORDS_LIFE_BEYOND};
use crate::error::{Error, Result, codes};
use crate::trust;

/// How long an operation of a request may take.
const OPERATION: Duration = Duration::from_millis(30);
/// How long connecting may take; nobody waits for it.
const CONNECTING: Duration = Duration::from_secs(1);
/// Failures in a row that open the breaker.
const FAILURES: u32 = 3;
/// How long the breaker stays open.
const PAUSE: Duration = Duration::from_secs(5);
/// Answers waiting to be written; more are dropped.
const QUEUE: usize = 64;
/// Longest compressed answer that is written: it has to fit through in [`OPERATION`].
const LONGEST_BYTES: usize = 4 * 1024 * 1024;
/// Longest answer that is unpacked.
const LONGEST_UNPACKED_BYTES: u64 = 256 * 1024 * 1024;

/// A Redis, as far as it is there.
pub(super) struct Redis {
    link: Arc<Link>,
    queue: mpsc::Sender<(CacheKey, Bytes)>,
    tasks: [AbortHandle; 2],
}

/// The connection that stands, if one does, and how it has been doing.
#[derive(Default)]
struct Link {
    connection: Mutex<Option<MultiplexedConnection>>,
    failures_in_a_row: AtomicU32,
    errors: AtomicU64,
    broken: Notify,
}

/// What connects to a Redis: by TLS when its address begins with `rediss`, to one whose certificate the system's
/// authorities have signed, or those of a PEM file.
///
/// # Errors
/// `bad_setting` by the setting's name, when the address or the file cannot be used.
pub fn client(variable: &'static str, url: &str, authorities: Option<&Path>) -> Result<Client> {
    let unusable = |_| {
        let message = format!(
            "{variable} cannot be used: it must be an address such as redis://127.0.0.1:6379/0, or rediss://… by TLS"
        );
        Error::invalid(variable, codes::BAD_SETTING, message)
    };
    // The parser's own words could repeat a password.
    let client = Client::open(url).map_err(unusable)?;
    let ConnectionAddr::TcpTls { insecure, .. } = client.get_connection_info().addr() else { return Ok(client) };
    if *insecure {
        let message =
            format!("{variable} ends with #insecure: whoever has no certificate that is trusted is not asked");
        return Err(Error::invalid(variable, codes::BAD_SETTING, message));
    }
    let Some(path) = authorities else { return Ok(client) };
    let root_cert = Some(trust::authorities("REDIS_CA_PATH", path)?);
    Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert }).map_err(unusable)
}

/// Whether this is the address of a Redis.
///
/// # Errors
/// `bad_setting`; it may hold a password, so it is not repeated.
pub fn check_url(variable: &'static str, url: &str) -> Result<()> {
    client(variable, url, None).map(drop)
}

impl Redis {
    /// Begins to connect.
    ///
    /// # Errors
    /// Outside the runtime.
    pub(super) fn new(client: Client, ttl: Duration) -> Result<Self> {
        let runtime = tokio::runtime::Handle::try_current()
            .map_err(|e| Error::internal("the cache was made outside the runtime").with_source(e))?;
        let link = Arc::new(Link::default());
        let (queue, queued) = mpsc::channel(QUEUE);
        let connecting = runtime.spawn(keep_connected(client, link.clone())).abort_handle();
        let writing = runtime.spawn(write_queued(queued, link.clone(), ttl)).abort_handle();
        Ok(Self { link, queue, tasks: [connecting, writing] })
    }

    /// The answer, if it is there and comes in time.
    pub(super) async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let packed: Option<Vec<u8>> = self.link.ask(redis::cmd("GET").arg(key.in_redis())).await?;
        match unpack(&packed?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.link.errors.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(%error, "a cached answer in Redis cannot be unpacked");
                None
            }
        }
    }

    /// Keeps an answer, some time soon; not when too many wait already.
    pub(super) fn put(&self, key: &CacheKey, value: &Bytes) {
        if self.is_up() {
            let _ = self.queue.try_send((key.clone(), value.clone()));
        }
    }

    /// Removes the answers whose key begins like that, some time soon. Call it within the runtime.
    pub(super) fn forget(&self, prefix: &str) {
        let (link, pattern) = (Arc::clone(&self.link), format!("{prefix}*"));
        tokio::spawn(async move { link.unlink(&pattern).await });
    }

    /// Removes the answers whose key is like that pattern, and says how many; none when Redis does not answer.
    pub(super) async fn invalidate(&self, pattern: &str) -> Option<u64> {
        self.link.unlink(pattern).await
    }

    pub(super) fn errors(&self) -> u64 {
        self.link.errors.load(Ordering::Relaxed)
    }

    pub(super) fn is_up(&self) -> bool {
        self.link.connection().is_some()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Link {
    async fn unlink(&self, pattern: &str) -> Option<u64> {
        let (mut cursor, mut removed) = (0_u64, 0);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(1000);
            let (next, keys) = self.ask::<(u64, Vec<String>)>(&scan).await?;
            if !keys.is_empty() {
                removed += self.ask::<u64>(redis::cmd("UNLINK").arg(keys)).await?;
            }
            if next == 0 {
                return Some(removed);
            }
            cursor = next;
        }
    }

    fn connection(&self) -> Option<MultiplexedConnection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, connection: Option<MultiplexedConnection>) -> bool {
        let mut place = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, connection).is_some()
    }

    /// Runs a command on the standing connection. None: there is none, or it failed.
    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Option<T> {
        let mut connection = self.connection()?;
        match timeout(OPERATION, command.query_async::<T>(&mut connection)).await {
            Ok(Ok(value)) => {
                self.failures_in_a_row.store(0, Ordering::Relaxed);
                Some(value)
            }
            Ok(Err(error)) => {
                self.failed(&error.to_string());
                None
            }
            Err(_) => {
                self.failed("no answer in time");
                None
            }
        }
    }

    fn failed(&self, why: &str) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let failures = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if failures >= FAILURES && self.set(None) {
            tracing::warn!(why, "Redis does not answer: going on without it, trying again every {PAUSE:?}");
            self.broken.notify_one();
        }
    }
}

/// Connects; when the connection breaks, waits and connects again; for ever.
async fn keep_connected(client: Client, link: Arc<Link>) {
    let mut warned = false;
    loop {
        match connect(&client).await {
            Ok(connection) => {
                link.failures_in_a_row.store(0, Ordering::Relaxed);
                link.set(Some(connection));
                tracing::info!("the cache uses Redis");
                link.broken.notified().await;
                // Its end was logged by whoever found out.
                warned = true;
            }
            Err(error) => {
                link.errors.fetch_add(1, Ordering::Relaxed);
                if !warned {
                    tracing::warn!(%error, "Redis cannot be reached: going on without it, trying again every {PAUSE:?}");
                    warned = true;
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn connect(client: &Client) -> std::result::Result<MultiplexedConnection, RedisError> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECTING)).set_response_timeout(Some(OPERATION));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let _: String = redis::cmd("PING").query_async(&mut connection).await?;
    Ok(connection)
}

/// Writes what is queued, one after the other.
async fn write_queued(mut queued: mpsc::Receiver<(CacheKey, Bytes)>, link: Arc<Link>, ttl: Duration) {
    while let Some((key, value)) = queued.recv().await {
        let lives = if key.kind == Kind::Records { RECORDS_LIFE_BEYOND } else { ttl };
        let ttl_ms = u64::try_from(lives.as_millis()).unwrap_or(u64::MAX);
        let packing = tokio::task::spawn_blocking(move || zstd::bulk::compress(&value, 1));
        let Ok(Ok(packed)) = packing.await else { continue };
        if packed.len() <= LONGEST_BYTES && ttl_ms > 0 {
            let mut command = redis::cmd("SET");
            command.arg(key.in_redis()).arg(packed).arg("PX").arg(ttl_ms);
            let _: Option<String> = link.ask(&command).await;
        }
    }
}

fn unpack(packed: &[u8]) -> std::io::Result<Bytes> {
    let mut value = Vec::new();
    zstd::stream::read::Decoder::new(packed)?.take(LONGEST_UNPACKED_BYTES).read_to_end(&mut value)?;
    Ok(value.into())
}
