//! `query`: SQL over stored sessions.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::{Args, Subcommand};
use futures_util::StreamExt;
use serde_json::Value;

use super::export::{Ending, copy, told_by_name, unwritable, write};
use super::out::{Align, number, plain, print, print_bytes, print_json, print_json_text, table, tell};
use crate::datasets::export::ByteStream;
use crate::error::{Context, Error, Result};
use crate::query::saved::{self, QueryToSave, SavedQuery};
use crate::query::{self, Format, QueryOptions, QueryRequest};
use crate::sessions::catalogue;
use crate::state::AppState;

/// A statement and what it may take.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// One SELECT, WITH, VALUES or EXPLAIN; - reads it from standard input
    #[arg(required_unless_present = "saved")]
    sql: Option<String>,
    /// Carry out the saved query of this name
    #[arg(long, value_name = "NAME", conflicts_with = "sql")]
    saved: Option<String>,
    /// The session whose parsed, cleaned, latest, events … need no name before them: its id, the beginning of it, or its name
    #[arg(long)]
    session: Option<String>,
    /// A value for $1, $2, …: a number, true, false, null, or else a text; may be given several times
    #[arg(long = "param", value_name = "VALUE", allow_hyphen_values = true)]
    params: Vec<String>,
    /// json, ndjson, csv, arrow, arrow_stream or parquet [default: a table, or what FILE's name says]
    #[arg(long)]
    format: Option<String>,
    /// Write to this file; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Rows at most [default: 10 000 of a table and of JSON, else all]
    #[arg(long)]
    limit: Option<u64>,
    /// How long it may take, ms
    #[arg(long, default_value_t = 30_000)]
    timeout_ms: u64,
}

const ENDINGS: &[Ending<Format>] = &[
    ("json", Format::Json),
    ("ndjson", Format::NdJson),
    ("jsonl", Format::NdJson),
    ("csv", Format::Csv),
    ("arrow", Format::Arrow),
    ("feather", Format::Arrow),
    ("ipc", Format::Arrow),
    ("arrows", Format::ArrowStream),
    ("parquet", Format::Parquet),
];

/// Carries a statement out.
///
/// # Errors
/// As [`query::run`]; when the file cannot be written.
pub async fn run(state: &AppState, args: QueryArgs, json: bool) -> Result<()> {
    let session_id = match &args.session {
        Some(text) => Some(catalogue::find(state, text).await?),
        None => None,
    };
    let params: Vec<Value> = args.params.iter().map(|text| param(text)).collect();
    let file = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let asked = args.format.as_deref().map(query::format_named).transpose()?;
    let format = asked.or(told_by_name(file, ENDINGS)?);
    let options = QueryOptions {
        session_id,
        params: Some(Value::Array(params)).filter(|params| params != &Value::Array(Vec::new())),
        format: None,
        limit: args.limit,
        timeout_ms: Some(args.timeout_ms),
    };
    let request = match &args.saved {
        Some(name) => saved::request(state, name, options).await?,
        None => QueryRequest { sql: given(args.sql.as_deref().unwrap_or_default())?, options },
    };
    let rows = bytes_of(state, &request, format.unwrap_or(Format::Json)).await?;
    if let Some(path) = file {
        let size_bytes = write(rows, path).await.map_err(|error| of_statement(path, error))?;
        tell(&format!("wrote {}: {size_bytes} bytes", path.display()));
        return Ok(());
    }
    if format.is_some() && !json {
        let out = Path::new("standard output");
        return match copy(rows, &mut std::io::stdout().lock()).await {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map(drop).map_err(|error| of_statement(out, error)),
        };
    }
    let answer = whole(rows).await?;
    if format.is_some_and(|format| format != Format::Json) {
        return print_bytes(&answer);
    }
    if json {
        return print_json_text(&answer);
    }
    print(shown(&serde_json::from_slice(&answer).internal("reading an answer back")?))
}

/// The statement on the command line or, for -, standard input.
fn given(sql: &str) -> Result<String> {
    match sql {
        "-" => std::io::read_to_string(std::io::stdin()).internal("reading the statement"),
        sql => Ok(sql.to_owned()),
    }
}

/// What to do with saved queries; without a word, list them.
#[derive(Debug, Args)]
pub struct QueriesArgs {
    #[command(subcommand)]
    action: Option<QueriesAction>,
}

#[derive(Debug, Subcommand)]
enum QueriesAction {
    /// List saved queries (also without this word)
    List,
    /// Save a statement under a name
    Save {
        /// What it is to be called
        name: String,
        /// One SELECT, WITH, VALUES or EXPLAIN; - reads it from standard input
        sql: String,
        /// What it asks, in words
        #[arg(long)]
        description: Option<String>,
        /// The session that it is about: its id, the beginning of it, or its name
        #[arg(long)]
        session: Option<String>,
    },
    /// Forget a saved query
    Delete {
        /// What it is called
        name: String,
    },
}

/// Lists, saves and forgets queries.
///
/// # Errors
/// As [`saved`] has them.
pub async fn queries(state: &AppState, args: QueriesArgs, json: bool) -> Result<()> {
    match args.action.unwrap_or(QueriesAction::List) {
        QueriesAction::List => {
            let all = saved::list(state).await?;
            if json {
                return print_json(&all);
            }
            let header = [("NAME", Align::Left), ("ASKS", Align::Left), ("STATEMENT", Align::Left)];
            let row = |query: &SavedQuery| {
                vec![query.name.clone(), query.description.clone().unwrap_or_default(), query.sql.clone()]
            };
            print(match all.queries.as_slice() {
                [] => "no saved queries; `hvac-analytics queries save NAME SQL` makes one".to_owned(),
                queries => table(&header, &queries.iter().map(row).collect::<Vec<_>>()),
            })
        }
        QueriesAction::Save { name, sql, description, session } => {
            let session_id = match &session {
                Some(text) => Some(catalogue::find(state, text).await?),
                None => None,
            };
            let saved = saved::put(state, &name, QueryToSave { sql: given(&sql)?, description, session_id }).await?;
            if json { print_json(&saved) } else { print(format!("saved '{}'", plain(&saved.name, false))) }
        }
        QueriesAction::Delete { name } => {
            saved::delete(state, &name).await?;
            if json { Ok(()) } else { print(format!("forgotten '{}'", plain(&name, false))) }
        }
    }
}

/// A statement's answer as it comes.
async fn bytes_of(state: &AppState, request: &QueryRequest, format: Format) -> Result<ByteStream> {
    let written = query::run(state, request, format).await?;
    let bytes = futures_util::stream::try_unfold(written, |mut written| async move {
        let bytes = written.next().await.map_err(std::io::Error::other)?;
        Ok(bytes.map(|bytes| (Bytes::from(bytes), written)))
    });
    Ok(bytes.boxed())
}

async fn whole(mut rows: ByteStream) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(bytes) = rows.next().await {
        all.extend_from_slice(&bytes.map_err(|error| of_statement(Path::new("standard output"), error))?);
    }
    Ok(all)
}

/// What the statement says of itself, or that the file cannot be written.
fn of_statement(path: &Path, error: std::io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(told) => told,
        Err(error) => unwritable(path, error),
    }
}

/// What a value on the command line is.
fn param(text: &str) -> Value {
    match text {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match text.parse::<serde_json::Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(text.to_owned()),
        },
    }
}

/// An answer as a table for people.
fn shown(answer: &Value) -> String {
    let list = |name: &str| answer.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let columns: Vec<(String, String)> =
        list("columns").iter().map(|column| (text(column, "name"), text(column, "type"))).collect();
    let header: Vec<(&str, Align)> = columns
        .iter()
        .map(|(name, kind)| match kind.as_str() {
            "double" | "bigint" | "integer" => (name.as_str(), Align::Right),
            _ => (name.as_str(), Align::Left),
        })
        .collect();
    let cell = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(n) if n.is_f64() => number(n.as_f64()),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let rows: Vec<Vec<String>> =
        list("rows").iter().map(|row| row.as_array().into_iter().flatten().map(cell).collect()).collect();
    let more = answer.get("truncated").and_then(Value::as_bool).unwrap_or_default();
    let more = if more { "; there are more (--limit)" } else { "" };
    let took = answer.get("elapsed_ms").and_then(Value::as_u64).unwrap_or_default();
    format!("{}\n{} rows in {took} ms{more}", table(&header, &rows), rows.len())
}
