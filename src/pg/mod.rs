//! The door for PostgreSQL's clients (feature `pgwire`): the same tables and statements as over HTTP, by their protocol.
//!
//! Where nobody need say who he is, any name is taken without a password; an account shows a key, over TLS only. A client
//! that asks for TLS gets it where there is a certificate, and others than this machine's are served only then. It
//! translates and nothing else: what a statement reads, and what it may take, is [`crate::query`]'s to say.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::error::{Error, Result, codes};
use crate::observability::{OpenConnection, refused};
use crate::state::AppState;

mod commands;
mod connection;
mod failure;
mod login;
mod portal;
mod settings;
mod startup;
mod values;
mod wire;

/// Where it listens without a certificate.
const LOOPBACK: &str = "127.0.0.1";
/// Connections at once.
const MOST_CONNECTIONS: usize = 32;
/// And those that are only told that there are as many.
const MOST_TASKS: usize = 2 * MOST_CONNECTIONS;
/// How long accepting rests when the system has no descriptor left.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Listens where the settings say: on `HOST` where there is a certificate, else on the loopback; nowhere when they say nothing.
///
/// # Errors
/// When the port is in use.
pub async fn bind(config: &Config) -> Result<Option<TcpListener>> {
    let Some(port) = config.pg_port else { return Ok(None) };
    // Nobody's key crosses a network readable.
    let host = if config.tls_files.is_some() { config.host.as_str() } else { LOOPBACK };
    let bound = TcpListener::bind((host, port)).await;
    bound.map(Some).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("port {port} of {host} is in use: stop the other program, or choose another with PG_PORT")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("port {port} may not be opened by this user: choose one above 1023 with PG_PORT")
            }
            _ => format!("cannot listen on {host}:{port} (PG_PORT)"),
        };
        Error::new(codes::CANNOT_LISTEN, why).with_source(error)
    })
}

/// What all connections share.
pub(crate) struct Shared {
    state: AppState,
    places: Arc<Semaphore>,
    next: AtomicI32,
    /// By process and secret, what ends the statement that a connection carries out now.
    open: Mutex<HashMap<(i32, i32), Arc<Running>>>,
    stopping: CancellationToken,
}

/// The statement that a connection carries out.
#[derive(Default)]
struct Running(Mutex<CancellationToken>);

impl Running {
    /// A new statement, which earlier requests to cancel do not mean.
    fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token.clone();
        token
    }

    fn cancel(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

/// A connection that can be told to cancel, for as long as it lasts.
struct Registered<'s> {
    shared: &'s Shared,
    key: (i32, i32),
    running: Arc<Running>,
}

impl Shared {
    fn register(&self) -> Registered<'_> {
        let process = self.next.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let random = uuid::Uuid::now_v7();
        let secret = random.as_bytes().last_chunk::<4>().map_or(0, |bytes| i32::from_be_bytes(*bytes));
        let (key, running) = ((process, secret), Arc::new(Running::default()));
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&running));
        Registered { shared: self, key, running }
    }

    fn cancel(&self, key: (i32, i32)) {
        if let Some(running) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            running.cancel();
        }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// Serves until `stopping`; then idle connections end, and statements under way go on to their ends.
pub async fn serve(listener: TcpListener, state: AppState, stopping: CancellationToken) {
    let tasks = TaskTracker::new();
    let shared = Arc::new(Shared {
        state,
        places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
        next: AtomicI32::new(1),
        open: Mutex::default(),
        stopping: stopping.clone(),
    });
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) if tasks.len() < MOST_TASKS => {
                let shared = Arc::clone(&shared);
                // A panic ends this task, and with it one connection.
                tasks.spawn(async move { one(stream, peer.ip(), &shared).await });
            }
            Ok(_) => refused("postgresql", "full"),
            Err(error) => {
                tracing::error!(%error, "no connection of a PostgreSQL client can be accepted; trying on");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn one(stream: TcpStream, address: IpAddr, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let _open = OpenConnection::of("postgresql");
    if startup::begin(stream, address, shared).await.is_err() {
        tracing::debug!("a PostgreSQL client's connection broke off");
    }
}
