//! SQL over stored sessions: which table a name means, and a statement's answer.
//!
//! A statement sees what [`tables`] finds for the names that it uses: versions of sessions as they are stored, the
//! catalogue as read-only tables, and every reading of history. `hvac-query` carries it out.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hvac_query::{Engine, EngineSettings, Limits, QueryError, Statement, Written};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::datasets::version::resolve;
use crate::datasets::{DatasetSelector, opened};
use crate::error::{Code, Context, Error, Result, codes};
use crate::state::AppState;
use hvac_store::paths;

pub use hvac_query::Format;

mod catalogue;
#[cfg(feature = "pgwire")]
pub mod postgres;
mod readings;
pub mod saved;
mod tables;

/// Rows of a JSON answer when nobody says otherwise.
const JSON_ROWS: usize = 10_000;
/// Longest a statement may take, s.
const LONGEST_S: u64 = 300;
/// How long it may take when nobody says otherwise, s.
const USUAL_S: u64 = 30;
/// Statements at once.
const AT_ONCE: usize = 4;

/// A statement and what it may take.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct QueryRequest {
    /// One query: `SELECT`, `WITH`, `VALUES`, or `EXPLAIN` of one.
    #[schema(
        max_length = 65536,
        example = "SELECT time_bucket(INTERVAL '1 day', timestamp) AS day, avg(\"CH1_kW\") AS kw FROM parsed GROUP BY 1 ORDER BY 1"
    )]
    pub sql: String,
    /// How.
    #[serde(flatten)]
    pub options: QueryOptions,
}

/// What a statement is about, what is in it, and what it may take.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct QueryOptions {
    /// The session whose `parsed`, `cleaned`, `latest` and `events` need no name before them; the one last
    /// parsed over HTTP when left out.
    pub session_id: Option<String>,
    /// For `$1`, `$2`, … a list; for `$name` an object.
    #[schema(value_type = Option<Object>)]
    pub params: Option<Value>,
    /// `json` (default), `ndjson`, `csv`, `arrow`, `arrow_stream`, `parquet`; else what `Accept` says.
    pub format: Option<String>,
    /// Rows at most; of JSON 10 000 unless more are asked for, of the other formats all.
    #[schema(minimum = 1, maximum = 100_000_000)]
    pub limit: Option<u64>,
    /// How long it may take: 30 000 ms unless said, at most 300 000.
    #[schema(minimum = 1, maximum = 300_000)]
    pub timeout_ms: Option<u64>,
}

/// An answer as JSON.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryAnswer {
    /// What each row has, in its order.
    pub columns: Vec<QueryColumn>,
    /// The rows; times are ISO 8601 on the site's clock, what is no number is null.
    pub rows: Vec<Vec<Value>>,
    /// Rows of this answer.
    pub row_count: u64,
    /// Whether there are more.
    pub truncated: bool,
    /// How long it took, ms.
    pub elapsed_ms: u64,
}

/// A column of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryColumn {
    /// Its name.
    pub name: String,
    /// Its type in the words of SQL, such as `double`, `text`, `timestamp with time zone`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The format of that name.
///
/// # Errors
/// 422 when there is none.
pub fn format_named(name: &str) -> Result<Format> {
    Format::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let known = Format::ALL.map(Format::name).join(", ");
        Error::invalid("format", codes::UNKNOWN_FORMAT, format!("format: '{name}' is none of {known}"))
    })
}

/// A statement's answer on its way out. Dropping it ends the work.
pub struct Answering {
    state: AppState,
    written: Written,
    /// What it reads.
    read: Vec<DatasetSelector>,
}

impl Answering {
    /// The next bytes; none behind the last.
    ///
    /// # Errors
    /// As [`run`]; 409 for a stored file that could not be read and is not what was published.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        match self.written.next().await {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(why(&self.state, &self.read, error).await),
        }
    }
}

/// What went wrong; bytes that could not be read are looked at by their hash, so that all know.
async fn why(state: &AppState, read: &[DatasetSelector], error: QueryError) -> Error {
    if matches!(error, QueryError::File(_)) {
        for selector in read {
            let looked = async {
                opened::forget(state, &resolve(state, selector).await?);
                resolve(state, selector).await
            };
            if let Err(damaged) = looked.await {
                return damaged;
            }
        }
    }
    told(error)
}

/// Begins a statement; its answer comes in pieces, and leaving it ends the work.
///
/// # Errors
/// 404 and 409 for a session or version as everywhere; 422 for what is no query, names nothing that is there, or cannot
/// be carried out within its time and memory. What goes wrong within the answer is told by [`Answering::next`].
#[tracing::instrument(level = "debug", name = "query", skip_all)]
pub async fn run(state: &AppState, request: &QueryRequest, format: Format) -> Result<Answering> {
    let begun = Instant::now();
    let QueryRequest { sql, options } = request;
    let rows = match (options.limit, format) {
        (Some(0), _) => return Err(Error::invalid("limit", codes::OUT_OF_RANGE, "limit: it must be at least 1")),
        (Some(limit), _) => Some(usize::try_from(limit).unwrap_or(usize::MAX)),
        (None, Format::Json) => Some(JSON_ROWS),
        (None, _) => None,
    };
    let time = match options.timeout_ms {
        None => Duration::from_secs(USUAL_S),
        Some(ms) if (1..=LONGEST_S * 1000).contains(&ms) => Duration::from_millis(ms),
        Some(_) => {
            let message = format!("timeout_ms: it must be 1 to {}", LONGEST_S * 1000);
            return Err(Error::invalid("timeout_ms", codes::OUT_OF_RANGE, message));
        }
    };
    let statement = Statement::parse(sql).map_err(told)?;
    let found = tables::find(state, &statement, options.session_id.as_deref()).await?;
    let limits = Limits { time, rows, zone: found.zone };
    let engine = engine(state)?;
    let answer = match engine.run(statement, found.tables, options.params.as_ref(), limits).await {
        Ok(answer) => answer,
        Err(error) => return Err(why(state, &found.read, error).await),
    };
    let written = Written::new(answer, format, begun).map_err(told)?;
    Ok(Answering { state: state.clone(), written, read: found.read })
}

/// Names that tables of their own have: nothing else may be called so.
#[must_use]
pub fn table_names() -> Vec<String> {
    let of_sessions = ["parsed", "cleaned", "latest", "events", "findings", "all_readings"];
    catalogue::NAMES.into_iter().chain(of_sessions).map(str::to_owned).collect()
}

/// Statements under way and the bytes they hold.
#[must_use]
pub fn load(state: &AppState) -> (u64, u64) {
    state.queries.get().map_or((0, 0), |engine| (engine.running(), engine.held_bytes() as u64))
}

/// The engine, made when it is first asked for.
fn engine(state: &AppState) -> Result<Arc<Engine>> {
    if let Some(engine) = state.queries.get() {
        return Ok(Arc::clone(engine));
    }
    let spill = state.store.objects.path(&paths::staging("")).internal("finding a folder for statements")?;
    let settings = EngineSettings {
        sessions: state.config.store.data_storage_path.clone(),
        memory_bytes: usize::try_from(state.config.query_memory_bytes).unwrap_or(usize::MAX),
        spill: Some(spill).filter(|_| !state.store.db.is_read_only()),
        spill_bytes: state.config.query_spill_bytes,
        threads: std::thread::available_parallelism().map_or(1, Into::into),
        at_once: AT_ONCE,
    };
    let made = Arc::new(Engine::new(settings).map_err(told)?);
    Ok(Arc::clone(state.queries.get_or_init(|| made)))
}

/// An error of a statement as one of the table.
fn told(error: QueryError) -> Error {
    let refused = |code: &'static Code, message: String| Error::invalid("sql", code, format!("sql: {message}"));
    match error {
        QueryError::Syntax(message) => refused(codes::SQL_SYNTAX, message),
        QueryError::NotAQuery(message) => refused(codes::NOT_A_QUERY, message),
        QueryError::UnknownTable(message) => refused(codes::UNKNOWN_TABLE, message),
        QueryError::UnknownColumn(message) => refused(codes::UNKNOWN_COLUMN, message),
        QueryError::Invalid(message) => refused(codes::BAD_SQL, message),
        QueryError::Memory(message) => refused(
            codes::QUERY_MEMORY,
            format!(
                "it needs more memory than QUERY_MEMORY_BYTES allows; ask for fewer rows or columns, or raise it ({message})"
            ),
        ),
        QueryError::Time(message) => refused(codes::QUERY_TIMEOUT, message),
        QueryError::File(message) => {
            let said = "a stored file could not be read: run `hvac-analytics doctor`, which says which and what to do";
            Error::new(codes::FILE_DAMAGED, said).with_source(message)
        }
        QueryError::Given(error) => match error.downcast_ref::<Error>() {
            Some(ours) => ours.again(),
            None => {
                let Err(error) = Err::<Infallible, _>(QueryError::Given(error)).internal("carrying out a statement");
                error
            }
        },
        QueryError::Internal(message) => Error::internal(message),
    }
}
