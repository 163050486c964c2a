//! The composition root: opens the stores, builds the state, serves, and shuts down in order.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::doctor;
use crate::error::{Context, Error, Result, codes};
use crate::events::Events;
use crate::guessing::Guesses;
use crate::health;
use crate::http;
use crate::jobs::Jobs;
use crate::memory::Memory;
use crate::observability;
use crate::records::backend::Backends;
use crate::records::servers;
use crate::records::{OutboxLimits, RecordSettings, Records, Reserved};
use crate::sessions::manifest;
use crate::signals;
use crate::state::{AppState, Handles};
use crate::storage::{Storage, sweep};
use crate::tls::Tls;
use crate::worker;
use hvac_store::{Recovered, Store};

/// How long a shutdown waits for requests and for work that outlived its client.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(30);

/// How often the cache drops what is too old, also when nobody asks for anything.
const CACHE_TIDIED_EVERY: Duration = Duration::from_secs(10);

/// How often figures are put in order, also when nobody looks at them.
const FIGURES_TIDIED_EVERY: Duration = Duration::from_secs(5);

/// Opens the stores and builds the state.
///
/// # Errors
/// When a store cannot be opened, with the setting to change.
pub async fn build(config: Config) -> Result<AppState> {
    let tls = Tls::open(&config)?;
    let store = Box::pin(Store::open(&config.store)).await?;
    let Recovered { staging_removed, versions_abandoned, jobs_interrupted, alone } = store.recovered;
    if staging_removed + versions_abandoned + jobs_interrupted > 0 {
        tracing::warn!(
            staging_removed,
            versions_abandoned,
            jobs_interrupted,
            "tidied up what an earlier process left unfinished"
        );
    }
    let events = Events::new(store.db.clone(), &config);
    let jobs = Jobs::new(store.clone(), worker::ENDED, events.clone());
    let memory = Memory::new(&config);
    let credentials = Arc::new(Credentials::new(&config)?);
    let servers = Box::pin(servers::named(&config.record_servers, &store.cache)).await?;
    let records = Box::pin(Records::open(store.db.clone(), record_settings(&config, servers)?, events.clone())).await?;
    let storage = Arc::new(Box::pin(Storage::open(&config, &store)).await?);
    let (config, started_at, tasks) = (Arc::new(config), chrono::Utc::now(), TaskTracker::new());
    let state = AppState::new(Handles {
        config,
        store,
        events,
        jobs,
        memory,
        records,
        storage,
        credentials,
        tls,
        guesses: Guesses::default(),
        #[cfg(feature = "sql")]
        queries: Arc::default(),
        started_at,
        tasks,
    });
    if alone && let Err(error) = manifest::catch_up(&state).await {
        tracing::warn!(%error, "the session.json files could not be brought up to date");
    }
    Ok(state)
}

/// What records are opened with.
fn record_settings(config: &Config, backends: Backends) -> Result<RecordSettings> {
    let tables = crate::storage::table_names()?;
    #[cfg(feature = "sql")]
    let tables = [tables, crate::query::table_names()].concat();
    Ok(RecordSettings {
        declarations: config.collections_path.clone(),
        outbox: OutboxLimits {
            rows: config.outbox_max_rows,
            bytes: config.outbox_max_bytes,
            flush_rows: config.outbox_flush_rows,
            flush_after: config.outbox_flush_after,
        },
        zone: config.site_timezone,
        reserved: Reserved { paths: http::access::first_parts(), tables },
        backends,
    })
}

/// Every route, on that state.
pub fn router(state: AppState) -> Router {
    http::router::router(state)
}

/// Serves until SIGINT or SIGTERM; `prepare` comes before the first request, `on_ready` gets the address as
/// browsers write it, as soon as requests are answered.
///
/// # Errors
/// When a store cannot be opened, or the address is in use or not ours.
pub async fn serve(
    config: Config,
    prepare: impl AsyncFnOnce(&AppState) -> Result<()>,
    on_ready: impl FnOnce(&str),
) -> Result<()> {
    signals::outlive_terminal();
    // The address first: a second server on the same stores should fail before it touches them.
    let listener = bind(&config).await?;
    let postgres = bind_postgres(&config).await?;
    let state = Box::pin(build(config)).await?;
    check_data_dir(&state)?;
    accounts::known::refuse_open(&state).await?;
    Box::pin(prepare(&state)).await?;
    let address = listener.local_addr().internal("asking for the address")?;
    let stop = signals::stop();
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    let scheme = if state.tls.is_some() { "https" } else { "http" };
    on_ready(&format!("{scheme}://{address}"));
    // Not one of the tasks that a shutdown waits for: it may stop anywhere.
    tokio::spawn(doctor::keep(state.clone()));
    tokio::spawn(accounts::audit_log::keep(state.clone()));
    Box::pin(run_with(listener, postgres, state, stop)).await
}

/// Listens for PostgreSQL's clients where the settings say.
///
/// # Errors
/// When the port is in use, or this program was built without them.
pub async fn bind_postgres(config: &Config) -> Result<Option<TcpListener>> {
    #[cfg(feature = "pgwire")]
    let bound = crate::pg::bind(config).await?;
    #[cfg(not(feature = "pgwire"))]
    let bound = match config.pg_port {
        None => None,
        Some(_) => {
            let message = "PG_PORT is set, but this program was built without PostgreSQL's protocol: build it with \
                 `cargo build --release --features pgwire`, or leave PG_PORT unset";
            return Err(Error::invalid("PG_PORT", codes::BAD_SETTING, message));
        }
    };
    Ok(bound)
}

/// Says that server-side reports will not be found; a folder may still be mounted later.
///
/// # Errors
/// When it is no folder.
fn check_data_dir(state: &AppState) -> Result<()> {
    let folder = &state.config.data_dir;
    if folder.is_dir() {
        return Ok(());
    }
    if folder.exists() {
        let message = format!("DATA_DIR='{}' cannot be used: it is no folder", folder.display());
        return Err(Error::invalid("DATA_DIR", codes::BAD_SETTING, message));
    }
    tracing::warn!(
        "DATA_DIR='{}' is not there: no report is found in it until the folder is made or the setting is changed",
        folder.display()
    );
    Ok(())
}

/// Listens where the settings say.
///
/// # Errors
/// When the address is in use, not ours, or no address.
pub async fn bind(config: &Config) -> Result<TcpListener> {
    let (host, port) = (config.host.as_str(), config.port);
    TcpListener::bind((host, port)).await.map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("port {port} of {host} is in use: stop the other program, or choose another with --port")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("port {port} may not be opened by this user: choose one above 1023 with --port")
            }
            _ => format!("cannot listen on {host}:{port}: give an address of this machine with --host"),
        };
        Error::new(codes::CANNOT_LISTEN, why).with_source(error)
    })
}

/// Serves and works on jobs until `stop` is ready, then shuts down in order: no new connections or jobs, requests
/// end, jobs and work that outlived its client end, the stores close.
///
/// # Errors
/// When the database cannot be closed.
pub async fn run(
    listener: TcpListener,
    state: AppState,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    run_with(listener, None, state, stop).await
}

/// As [`run`], for PostgreSQL's clients too where there is a listener for them.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    listener: TcpListener,
    postgres: Option<TcpListener>,
    state: AppState,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    observability::start();
    worker::start(&state);
    state.records.start();
    state.store.db.keep_spare().await;
    let ends = CancellationToken::new();
    let _end = ends.clone().drop_guard();
    let of_postgres = serve_postgres(postgres, state.clone(), ends.clone());
    let server_ended = ends.clone();
    let (jobs, ending) = (state.jobs.clone(), state.jobs.clone());
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        stop.await;
        tracing::info!("stopping: finishing requests");
        jobs.stop();
        ends.cancel();
        let _ = stopping.send(());
    };
    let connections = http::serve::Connections::new(&state.config);
    let server =
        http::serve::serve(listener, router(state.clone()), connections, state.tls.as_ref().map(Tls::http), stop);
    let out_of_time = async {
        // A sender that was dropped means that the server itself has ended.
        let _ = stopped.await;
        tokio::time::sleep(SHUTDOWN_GRACE).await;
    };
    let cache = state.store.cache.clone();
    let tidying = tokio::spawn(async move {
        loop {
            tokio::time::sleep(CACHE_TIDIED_EVERY).await;
            cache.tidy().await;
        }
    });
    let sweeping = tokio::spawn(sweep::keep(state.clone()));
    let keeping = state.tls.clone().map(|tls| tokio::spawn(tls.keep()));
    let counting = tokio::spawn(async {
        loop {
            tokio::time::sleep(FIGURES_TIDIED_EVERY).await;
            observability::tidy();
        }
    });
    let watching = tokio::spawn(health::watch(state.clone()));
    let tasks = state.tasks.clone();
    let all_work = async move {
        let server = async {
            server.await;
            server_ended.cancel();
        };
        tokio::join!(server, of_postgres);
        // Also when it ended without being asked to.
        ending.stop();
        tasks.close();
        tasks.wait().await;
    };
    tokio::select! {
        () = all_work => {}
        () = out_of_time => {
            tracing::warn!("requests were still running after {} s; they are cut off", SHUTDOWN_GRACE.as_secs());
        }
    }
    tidying.abort();
    sweeping.abort();
    keeping.inspect(tokio::task::JoinHandle::abort);
    counting.abort();
    watching.abort();
    state.records.stop().await;
    close(state).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Serves PostgreSQL's clients, where there is a listener for them.
async fn serve_postgres(listener: Option<TcpListener>, state: AppState, ends: CancellationToken) {
    #[cfg(feature = "pgwire")]
    if let Some(listener) = listener {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "listening for PostgreSQL's clients");
        }
        crate::pg::serve(listener, state, ends).await;
    }
    #[cfg(not(feature = "pgwire"))]
    let _ = (listener, state, ends);
}

/// Closes the stores. The last thing a process does with its state.
///
/// # Errors
/// When the database cannot be closed; nothing that was committed is lost then.
pub async fn close(state: AppState) -> Result<()> {
    state.store.close().await
}

/// The problem document of an error that no request made: neither path nor request id.
#[must_use]
pub fn problem(error: &Error) -> serde_json::Value {
    http::problem::document(error)
}

/// Makes the process kill itself at the named step, for crash tests.
#[cfg(debug_assertions)]
pub fn arm_crash_point(name: &str) {
    hvac_store::crash::arm(name);
}
