//! Every metric of the program, in one table: its name, kind, unit, labels and meaning.
//!
//! Whoever counts something adds a row here and writes `metrics::counter!(metric_names::ROWS_PARSED).increment(n)` where it
//! happens. From the table come the `# HELP` lines of `/metrics`, the buckets of histograms and the list of
//! `docs/OBSERVABILITY.md`; a test holds the dashboard and the alert rules to it.
//!
//! A label has few values, all of them words of this program: never an id, a name, a site or a path that somebody sent.

use metrics::Unit;

/// What a metric does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by these upper bounds.
    Histogram(&'static [f64]),
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// Of its values.
    pub unit: Unit,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
}

/// Answers: a cached one takes a tenth of a millisecond, the longest request a minute.
const REQUESTS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Statements and transactions: from what memory answers to a disk that hardly does.
const STATEMENTS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Jobs: from seconds to an hour.
const JOBS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

macro_rules! metrics_table {
    ($($constant:ident = $name:literal $kind:expr, $unit:ident, [$($label:literal),*], $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $constant: &str = $name;)*

        /// All of them, by subject.
        pub const ALL: &[Metric] = &[$(Metric {
            name: $constant,
            kind: $kind,
            unit: Unit::$unit,
            labels: &[$($label),*],
            meaning: $meaning,
        },)*];
    };
}

metrics_table! {
    HTTP_REQUESTS = "hvac_http_requests_total" Kind::Counter, Count, ["route", "method", "status"],
        "Requests that were answered, by the route that took them; what no route took is under '-'.";
    HTTP_REQUEST_SECONDS = "hvac_http_request_duration_seconds" Kind::Histogram(REQUESTS), Seconds, ["route", "method"],
        "Time from the head of a request to the head of its answer.";
    HTTP_REQUESTS_IN_FLIGHT = "hvac_http_requests_in_flight" Kind::Gauge, Count, [],
        "Requests whose answer is not sent to its end.";
    CONNECTIONS_OPEN = "hvac_connections_open" Kind::Gauge, Count, ["protocol"],
        "Connections of clients.";
    CONNECTIONS_REFUSED = "hvac_connections_refused_total" Kind::Counter, Count, ["protocol", "reason"],
        "Connections that were refused: all were in use (full), or their client had as many as it may (client_full).";

    JOBS_OPEN = "hvac_jobs" Kind::Gauge, Count, ["kind", "state"],
        "Jobs that wait for a worker (queued) or have one (running), of all processes on the store.";
    JOBS_ENDED = "hvac_jobs_ended_total" Kind::Counter, Count, ["kind", "state"],
        "Jobs that this process ended, by what came of them.";
    JOB_SECONDS = "hvac_job_duration_seconds" Kind::Histogram(JOBS), Seconds, ["kind"],
        "Time from the first beginning of a job to its end.";
    ROWS_PARSED = "hvac_parsed_rows_total" Kind::Counter, Count, [],
        "Rows of datasets that parses stored.";

    RECORDS_WRITTEN = "hvac_records_total" Kind::Counter, Count, ["operation"],
        "Records of collections that were acknowledged: written or deleted.";
    RECORDS_WAITING = "hvac_records_waiting" Kind::Gauge, Count, ["backend"],
        "Records that wait in the outbox for the server that keeps them; for sqlite those that wait in memory for their commit.";
    RECORDS_WAITING_BYTES = "hvac_records_waiting_bytes" Kind::Gauge, Bytes, ["backend"],
        "Bytes of the records that wait, about.";
    RECORDS_FLUSHED = "hvac_records_flushed_total" Kind::Counter, Count, ["backend"],
        "Records that were handed over to the server that keeps them.";
    RECORDS_REJECTED = "hvac_records_rejected_total" Kind::Counter, Count, ["backend"],
        "Records that the server that keeps them refused: put aside with the reason.";
    EVENTS_PUBLISHED = "hvac_events_published_total" Kind::Counter, Count, ["type"],
        "Events that were published; those that writes of records raise are under 'record'.";
    EVENT_STREAMS = "hvac_event_streams" Kind::Gauge, Count, ["transport"],
        "Clients that follow events, by what they follow them: websocket, sse or graphql.";
    EVENT_STREAMS_CUT = "hvac_event_streams_cut_total" Kind::Counter, Count, ["reason"],
        "Clients that follow no more because the server ended it: too slow, silent, not allowed any more, or too many messages.";

    CACHE_HITS = "hvac_cache_hits_total" Kind::Counter, Count, ["level"],
        "Entries that a level of the cache had.";
    CACHE_MISSES = "hvac_cache_misses_total" Kind::Counter, Count, ["level"],
        "Entries that a level of the cache had not when it was asked.";
    CACHE_ERRORS = "hvac_cache_errors_total" Kind::Counter, Count, ["level"],
        "Failures of a level of the cache; they fail no request.";
    CACHE_UP = "hvac_cache_up" Kind::Gauge, Count, ["level"],
        "1 while a level of the cache answers, 0 when it does not or there is none.";
    CACHE_HIT_RATIO = "hvac_cache_hit_ratio" Kind::Gauge, Count, ["cache", "level"],
        "Share of what a cache was asked for since the start that a level of it had, 0 to 1: of what is made of files (answers), of who asks (credentials).";
    CACHE_ENTRIES = "hvac_cache_entries" Kind::Gauge, Count, ["level"],
        "Entries of the cache in memory.";
    CACHE_BYTES = "hvac_cache_bytes" Kind::Gauge, Bytes, ["level"],
        "Bytes of the cache in memory.";

    BUDGET_BYTES = "hvac_memory_budget_bytes" Kind::Gauge, Bytes, ["budget"],
        "What a budget of memory lets work hold at once.";
    BUDGET_HELD_BYTES = "hvac_memory_budget_held_bytes" Kind::Gauge, Bytes, ["budget"],
        "What work holds of a budget of memory.";
    BUDGET_WAITERS = "hvac_memory_budget_waiters" Kind::Gauge, Count, ["budget"],
        "Requests and parses that wait for a budget of memory.";
    STATEMENTS_RUNNING = "hvac_query_statements_running" Kind::Gauge, Count, [],
        "SQL statements of clients under way, also those that wait for their turn.";
    STATEMENTS_HELD_BYTES = "hvac_query_held_bytes" Kind::Gauge, Bytes, [],
        "Memory that SQL statements of clients hold.";

    TRANSACTIONS = "hvac_database_transactions_total" Kind::Counter, Count, ["result"],
        "Writing transactions of this process: committed, or failed at their beginning, in the middle or at the commit.";
    CONNECTIONS_DISCARDED = "hvac_database_connections_discarded_total" Kind::Counter, Count, [],
        "Connections of the writer that were thrown away because a transaction might have been left open.";
    WRITE_WAIT_SECONDS = "hvac_database_write_wait_seconds" Kind::Histogram(STATEMENTS), Seconds, [],
        "Time that a transaction waited for the one writer.";
    WRITE_HELD_SECONDS = "hvac_database_write_held_seconds" Kind::Histogram(STATEMENTS), Seconds, [],
        "Time that a transaction held the one writer.";
    READ_SECONDS = "hvac_database_read_seconds" Kind::Histogram(STATEMENTS), Seconds, [],
        "Time of a reading statement, its wait for a connection included.";

    SESSIONS = "hvac_sessions" Kind::Gauge, Count, [],
        "Sessions that are not deleted.";
    STORED_BYTES = "hvac_stored_bytes" Kind::Gauge, Bytes, ["kind"],
        "Bytes of published files by the catalogue, looked up once a minute at most.";
    FREE_BYTES = "hvac_storage_free_bytes" Kind::Gauge, Bytes, [],
        "Bytes that are free where sessions are stored.";

    BUILD_INFO = "hvac_build_info" Kind::Gauge, Count, ["version"],
        "1, with the version of this program.";
    RESIDENT_BYTES = "process_resident_memory_bytes" Kind::Gauge, Bytes, [],
        "Resident memory of this process.";
    OPEN_DESCRIPTORS = "process_open_fds" Kind::Gauge, Count, [],
        "Open descriptors of this process.";
    MOST_DESCRIPTORS = "process_max_fds" Kind::Gauge, Count, [],
        "Most descriptors that this process may have open.";
    START_TIME_SECONDS = "process_start_time_seconds" Kind::Gauge, Seconds, [],
        "When this process started, in seconds since 1970.";
}
