//! What is known anyway, looked at when somebody asks: levels of queues, memories and stores, and counts that others keep.

use std::time::Duration;

use super::process;
use crate::jobs::{JobKind, JobStatus};
use crate::metric_names as names;
use crate::records::collection::BackendKind;
use crate::state::AppState;

/// How long the database may take to answer: figures are worth no waiting, and least when it is slow.
const PATIENCE: Duration = Duration::from_secs(2);

/// Brings every figure up to date that is not counted where it happens.
pub(super) async fn collect(state: &AppState) {
    of_process(state);
    of_budgets(state);
    of_cache(state).await;
    of_database(state);
    of_records(state);
    let looked = tokio::time::timeout(PATIENCE, of_catalogue(state)).await;
    match looked {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "the catalogue's figures could not be looked up: they are as they were")
        }
        Err(_) => tracing::warn!("the catalogue did not answer in time: its figures are as they were"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn set(name: &'static str, labels: &[(&'static str, &'static str)], value: u64) {
    metrics::gauge!(name, labels).set(value as f64);
}

/// A count that somebody else keeps.
fn count(name: &'static str, labels: &[(&'static str, &'static str)], value: u64) {
    metrics::counter!(name, labels).absolute(value);
}

fn of_process(state: &AppState) {
    let taken = process::taken();
    for (name, value) in [
        (names::RESIDENT_BYTES, taken.resident_bytes),
        (names::OPEN_DESCRIPTORS, taken.open_descriptors),
        (names::MOST_DESCRIPTORS, taken.most_descriptors),
    ] {
        value.into_iter().for_each(|value| set(name, &[], value));
    }
    set(names::START_TIME_SECONDS, &[], u64::try_from(state.started_at.timestamp()).unwrap_or_default());
    set(names::BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1);
    #[cfg(feature = "sql")]
    {
        let (running, held_bytes) = crate::query::load(state);
        set(names::STATEMENTS_RUNNING, &[], running);
        set(names::STATEMENTS_HELD_BYTES, &[], held_bytes);
    }
}

fn of_budgets(state: &AppState) {
    let memory = &state.memory;
    for (name, budget) in [("requests", &memory.bodies), ("answers", &memory.answers), ("parses", &memory.parses)] {
        let (load, label) = (budget.load(), [("budget", name)]);
        set(names::BUDGET_BYTES, &label, load.bytes);
        set(names::BUDGET_HELD_BYTES, &label, load.held_bytes);
        set(names::BUDGET_WAITERS, &label, load.waiters);
    }
}

async fn of_cache(state: &AppState) {
    let stats = state.store.cache.stats().await;
    let (memory, redis) = ([("level", "memory")], [("level", "redis")]);
    count(names::CACHE_HITS, &memory, stats.hits_memory);
    count(names::CACHE_HITS, &redis, stats.hits_redis);
    count(names::CACHE_MISSES, &memory, stats.hits_redis + stats.misses);
    // Memory alone keeps what is no answer; who asks for that never asks Redis.
    count(names::CACHE_MISSES, &redis, stats.misses_redis);
    count(names::CACHE_ERRORS, &memory, 0);
    count(names::CACHE_ERRORS, &redis, stats.errors);
    set(names::CACHE_UP, &memory, 1);
    set(names::CACHE_UP, &redis, u64::from(stats.redis_up == Some(true)));
    set(names::CACHE_ENTRIES, &memory, stats.entries);
    set(names::CACHE_BYTES, &memory, stats.bytes);
}

fn of_database(state: &AppState) {
    let stats = state.store.db.writer_stats();
    count(names::TRANSACTIONS, &[("result", "committed")], stats.commits);
    count(names::TRANSACTIONS, &[("result", "failed")], stats.failures);
    count(names::CONNECTIONS_DISCARDED, &[], stats.discarded);
    state.store.objects.free_bytes().into_iter().for_each(|bytes| set(names::FREE_BYTES, &[], bytes));
}

fn of_records(state: &AppState) {
    let (waiting, in_memory) = state.records.waiting();
    for (word, kind) in BackendKind::ALL {
        let (label, waiting) = ([("backend", word)], waiting.get(&kind).cloned().unwrap_or_default());
        // What the database itself keeps waits in memory alone, and is not acknowledged yet.
        let rows = if kind == BackendKind::Sqlite { in_memory } else { waiting.rows };
        set(names::RECORDS_WAITING, &label, rows);
        set(names::RECORDS_WAITING_BYTES, &label, waiting.bytes);
        count(names::RECORDS_FLUSHED, &label, waiting.flushed);
        count(names::RECORDS_REJECTED, &label, waiting.rejected);
    }
    for operation in ["write", "delete"] {
        metrics::counter!(names::RECORDS_WRITTEN, "operation" => operation).increment(0);
    }
}

async fn of_catalogue(state: &AppState) -> crate::error::Result<()> {
    let open = state.jobs.open().await?;
    for kind in JobKind::ALL.iter().map(|kind| kind.as_str()) {
        for status in [JobStatus::Queued, JobStatus::Running] {
            let found = open.iter().find(|row| row.kind == kind && row.status == status);
            let labels = [("kind", kind), ("state", status.as_str())];
            set(names::JOBS_OPEN, &labels, found.map_or(0, |row| row.count));
        }
    }
    let sizes = state.store.sizes().await?;
    set(names::SESSIONS, &[], sizes.sessions);
    for (kind, bytes) in [
        ("raw", sizes.raw_bytes),
        ("parsed", sizes.parsed_bytes),
        ("cleaned", sizes.cleaned_bytes),
        ("models", sizes.model_bytes),
    ] {
        set(names::STORED_BYTES, &[("kind", kind)], bytes);
    }
    Ok(())
}
