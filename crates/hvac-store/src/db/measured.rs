//! What statements pass at the door of the database: each has a span of its own, and the time that reading takes and that
//! transactions wait for the one writer and hold it is counted.

use std::time::Instant;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, ExecResult, QueryResult, Statement};
use tracing::{Instrument, Span};

use super::Boxed;
use crate::metric_names;

/// Longest text of a statement in its span: a list of a thousand ids is a thousand question marks.
const SQL_BYTES: usize = 2048;

/// The pool of readers: for queries only.
#[derive(Clone, Debug)]
pub struct Reader(pub(super) DatabaseConnection);

impl Reader {
    async fn measured<T>(&self, span: Span, asking: impl Future<Output = T>) -> T {
        let asked = Instant::now();
        let answer = asking.instrument(span).await;
        metrics::histogram!(metric_names::READ_SECONDS).record(asked.elapsed());
        answer
    }
}

impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    fn execute_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, ExecResult> {
        let span = sql_span(&statement.sql);
        Box::pin(self.measured(span, self.0.execute_raw(statement)))
    }

    fn execute_unprepared<'s: 'f, 't: 'f, 'f>(&'s self, sql: &'t str) -> Boxed<'f, ExecResult> {
        Box::pin(self.measured(sql_span(sql), self.0.execute_unprepared(sql)))
    }

    fn query_one_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, Option<QueryResult>> {
        let span = sql_span(&statement.sql);
        Box::pin(self.measured(span, self.0.query_one_raw(statement)))
    }

    fn query_all_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, Vec<QueryResult>> {
        let span = sql_span(&statement.sql);
        Box::pin(self.measured(span, self.0.query_all_raw(statement)))
    }
}

/// A transaction from when the writer was asked for until it is free again.
#[derive(Debug)]
pub(super) struct Hold {
    span: Span,
    /// When it was asked for; when it was got.
    since: Instant,
    is_held: bool,
}

impl Hold {
    pub(super) fn asked() -> Self {
        Self { span: tracing::debug_span!("transaction"), since: Instant::now(), is_held: false }
    }

    pub(super) fn begun(mut self) -> Self {
        metrics::histogram!(metric_names::WRITE_WAIT_SECONDS).record(self.since.elapsed());
        (self.since, self.is_held) = (Instant::now(), true);
        self
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn sql_span(&self, sql: &str) -> Span {
        self.span.in_scope(|| sql_span(sql))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.is_held {
            metrics::histogram!(metric_names::WRITE_HELD_SECONDS).record(self.since.elapsed());
        }
    }
}

/// The span of a statement: its text, in which values are question marks.
fn sql_span(sql: &str) -> Span {
    let end = sql.floor_char_boundary(SQL_BYTES);
    tracing::debug_span!("sql", db.system.name = "sqlite", db.query.text = sql.get(..end))
}
