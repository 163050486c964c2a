//! The catalogue as read-only tables: what a statement sees of sessions, datasets, columns, cleanings, models,
//! recommendations and handed-over files. Deleted sessions, and all that is theirs, are not there.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use futures_util::StreamExt;
use hvac_query::{QueryError, Rows, Table};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use crate::principal::Principal;
use crate::state::AppState;

mod columns;
mod files;
mod findings;
pub mod records;

/// Rows that are read at once.
const PAGE: usize = 1000;

/// What a column holds.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Whole,
    Number,
    Flag,
    Time,
}

/// A table: its columns with their SQL, and the rows that they are of.
struct Spec {
    name: &'static str,
    columns: &'static [(&'static str, Holds, &'static str)],
    /// What is behind FROM, up to a condition that more can be added to.
    from: &'static str,
    /// Unique texts in whose order the rows are read.
    key: &'static str,
}

use Holds::{Flag, Number, Text, Time, Whole};

const TABLES: &[Spec] = &[
    Spec {
        name: "sessions",
        columns: &[
            ("id", Text, "s.id"),
            ("name", Text, "s.name"),
            ("site", Text, "s.site"),
            ("timezone", Text, "s.timezone"),
            ("status", Text, "s.status"),
            ("files_count", Whole, "s.files_count"),
            ("total_rows", Whole, "s.total_rows"),
            ("metadata", Text, "CAST(s.metadata AS TEXT)"),
            ("tags", Text, "(SELECT group_concat(value, ', ') FROM json_each(s.tags))"),
            ("notes", Text, "s.notes"),
            ("created_at", Time, "s.created_at"),
            ("updated_at", Time, "s.updated_at"),
        ],
        from: "upload_sessions s WHERE s.deleted_at IS NULL AND NOT s.unconfirmed",
        key: "s.id",
    },
    Spec {
        name: "datasets",
        columns: &[
            ("id", Text, "d.id"),
            ("session_id", Text, "d.session_id"),
            ("session", Text, "s.name"),
            ("site", Text, "s.site"),
            ("version", Whole, "d.version"),
            ("row_count", Whole, "d.row_count"),
            ("column_count", Whole, "d.column_count"),
            ("size_bytes", Whole, "d.size_bytes"),
            ("sha256", Text, "d.sha256"),
            ("start_at", Time, "d.start_at"),
            ("end_at", Time, "d.end_at"),
            ("parser_version", Text, "d.parser_version"),
            ("integrity", Text, "d.integrity"),
            ("created_at", Time, "d.created_at"),
        ],
        from: "parsed_datasets d JOIN upload_sessions s ON s.id = d.session_id WHERE s.deleted_at IS NULL AND NOT s.unconfirmed",
        key: "d.id",
    },
    Spec {
        name: "cleaning_jobs",
        columns: &[
            ("id", Text, "j.id"),
            ("session_id", Text, "j.session_id"),
            ("session", Text, "s.name"),
            ("site", Text, "s.site"),
            ("dataset_id", Text, "j.dataset_id"),
            ("version", Whole, "j.version"),
            ("status", Text, "j.status"),
            ("original_rows", Whole, "j.original_rows"),
            ("cleaned_rows", Whole, "j.cleaned_rows"),
            ("retention_rate", Number, "j.retention_rate"),
            ("events_count", Whole, "j.events_count"),
            ("start_at", Time, "j.start_at"),
            ("end_at", Time, "j.end_at"),
            ("cleaner_version", Text, "j.cleaner_version"),
            ("parameters", Text, "CAST(j.parameters AS TEXT)"),
            ("created_at", Time, "j.created_at"),
            ("finished_at", Time, "j.finished_at"),
        ],
        from: "cleaning_jobs j JOIN upload_sessions s ON s.id = j.session_id WHERE s.deleted_at IS NULL AND NOT s.unconfirmed",
        key: "j.id",
    },
    Spec {
        name: "models",
        columns: &[
            ("id", Text, "m.id"),
            ("name", Text, "m.name"),
            ("version", Whole, "m.version"),
            ("session_id", Text, "m.session_id"),
            ("session", Text, "s.name"),
            ("site", Text, "m.site"),
            ("dataset_id", Text, "m.dataset_id"),
            ("cleaning_job_id", Text, "m.cleaning_job_id"),
            ("algorithm", Text, "m.algorithm"),
            ("feature_count", Whole, "m.feature_count"),
            ("metrics", Text, "CAST(m.training_metrics AS TEXT)"),
            ("status", Text, "m.status"),
            ("created_at", Time, "m.created_at"),
            ("finished_at", Time, "m.finished_at"),
        ],
        from: "trained_models m JOIN upload_sessions s ON s.id = m.session_id WHERE s.deleted_at IS NULL AND NOT s.unconfirmed",
        key: "m.id",
    },
    Spec {
        name: "optimization_runs",
        columns: &[
            ("id", Text, "r.id"),
            ("model_id", Text, "r.model_id"),
            ("session_id", Text, "r.session_id"),
            ("site", Text, "m.site"),
            ("method", Text, "r.method"),
            ("predicted_power_kw", Number, "r.predicted_power"),
            ("baseline_power_kw", Number, "r.baseline_power"),
            ("savings_kw", Number, "r.savings_kw"),
            ("savings_percent", Number, "r.savings_percent"),
            ("is_change", Flag, "r.is_change"),
            ("recommendations", Text, "CAST(r.recommendations AS TEXT)"),
            ("local_date", Text, "r.local_date"),
            ("created_at", Time, "r.created_at"),
        ],
        from: "optimization_runs r JOIN trained_models m ON m.id = r.model_id JOIN upload_sessions s ON s.id = m.session_id WHERE s.deleted_at IS NULL AND NOT s.unconfirmed",
        key: "r.id",
    },
];

/// Names of the tables.
pub const NAMES: [&str; 8] =
    ["sessions", "datasets", COLUMNS, "cleaning_jobs", "models", "optimization_runs", FINDINGS, FILES];
const COLUMNS: &str = "columns";
const FINDINGS: &str = "findings";
const FILES: &str = "stored_files";

/// The table of that name, in lower case.
pub fn table(state: &AppState, name: &str) -> Option<Table> {
    if name == COLUMNS {
        return Some(columns::table(state));
    }
    if name == FINDINGS {
        return Some(findings::table(state, None));
    }
    if name == FILES {
        return Some(files::table(state));
    }
    let Some(spec) = TABLES.iter().find(|spec| spec.name == name) else { return records::table(state, name) };
    let schema = spec.schema();
    let (state, made_of) = (state.clone(), Arc::clone(&schema));
    let rows = move || rows(state.clone(), spec, Arc::clone(&made_of));
    Some(Table::Made { schema, rows: Arc::new(rows) })
}

/// The findings of one session.
pub fn findings_of(state: &AppState, session_id: String) -> Table {
    findings::table(state, Some(session_id))
}

/// ` AND …` where somebody does not see all sessions `s`.
pub(super) fn seen(principal: &Principal) -> String {
    principal.sees("s").map(|sees| format!(" AND {sees}")).unwrap_or_default()
}

impl Spec {
    fn schema(&self) -> SchemaRef {
        let field = |(name, holds, _): &(&str, Holds, &str)| {
            let kind = match holds {
                Text => DataType::Utf8,
                Whole => DataType::Int64,
                Number => DataType::Float64,
                Flag => DataType::Boolean,
                Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            };
            Field::new(*name, kind, true)
        };
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// One page behind a key.
    fn sql(&self, principal: &Principal) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|(_, _, sql)| *sql).collect();
        let (columns, from, key, seen) = (columns.join(", "), self.from, self.key, seen(principal));
        format!("SELECT {key}, {columns} FROM {from}{seen} AND {key} > ? ORDER BY {key} LIMIT {PAGE}")
    }
}

/// All rows, page by page.
fn rows(state: AppState, spec: &'static Spec, schema: SchemaRef) -> Rows {
    let sql = spec.sql(state.principal());
    let pages = futures_util::stream::try_unfold(Some(String::new()), move |after| {
        let (state, schema, sql) = (state.clone(), Arc::clone(&schema), sql.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [after.into()]);
            let failed = |error: DbErr| QueryError::Given(Arc::new(error));
            let page = state.store.db.read().query_all_raw(statement).await.map_err(failed)?;
            let batch = batch(&page, spec, schema).map_err(failed)?;
            let next = match page.last() {
                Some(last) if page.len() == PAGE => Some(last.try_get_by_index::<String>(0).map_err(failed)?),
                _ => None,
            };
            Ok(Some((batch, next)))
        }
    });
    pages.boxed()
}

fn batch(page: &[QueryResult], spec: &Spec, schema: SchemaRef) -> Result<RecordBatch, DbErr> {
    let columns = spec.columns.iter().enumerate().map(|(index, (_, holds, _))| column(page, index + 1, *holds));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema, columns).map_err(|error| DbErr::Custom(error.to_string()))
}

fn column(page: &[QueryResult], index: usize, holds: Holds) -> Result<ArrayRef, DbErr> {
    Ok(match holds {
        Text => {
            let mut cells = StringBuilder::new();
            for row in page {
                cells.append_option(row.try_get_by_index::<Option<String>>(index)?);
            }
            Arc::new(cells.finish())
        }
        Whole => {
            let mut cells = Int64Builder::new();
            for row in page {
                cells.append_option(row.try_get_by_index::<Option<i64>>(index)?);
            }
            Arc::new(cells.finish())
        }
        Number => {
            let mut cells = Float64Builder::new();
            for row in page {
                cells.append_option(row.try_get_by_index::<Option<f64>>(index)?);
            }
            Arc::new(cells.finish())
        }
        Flag => {
            let mut cells = BooleanBuilder::new();
            for row in page {
                cells.append_option(row.try_get_by_index::<Option<bool>>(index)?);
            }
            Arc::new(cells.finish())
        }
        Time => {
            let mut cells = TimestampMillisecondBuilder::new().with_timezone("UTC");
            for row in page {
                cells
                    .append_option(row.try_get_by_index::<Option<DateTimeUtc>>(index)?.map(|at| at.timestamp_millis()));
            }
            Arc::new(cells.finish())
        }
    })
}
