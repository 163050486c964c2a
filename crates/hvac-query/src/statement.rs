//! One statement: that it is a query, which tables it names, and how its names are spelled where they are defined.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, ExplainStatement, Statement as Parsed};
use datafusion::sql::sqlparser::ast::{Expr, Query, Statement as Sql, TableFactor, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;

use crate::error::QueryError;
use crate::names::{TableName, lower, table_name};
use crate::spelling::spell;

/// How deep a statement may be nested.
pub(crate) const DEEPEST: usize = 50;
/// How deep an expression may be: a chain of ANDs is as deep as it is long.
const DEEPEST_EXPRESSION: usize = 500;
/// For texts of [`LONGEST_STATEMENT`].
pub(crate) const PARSER_STACK_BYTES: usize = 64 << 20;
/// Longest statement, bytes.
pub(crate) const LONGEST_STATEMENT: usize = 64 * 1024;

/// A parsed query.
#[derive(Debug, Clone)]
pub struct Statement {
    parsed: Parsed,
    tables: Vec<TableName>,
    /// Names of common table expressions, in lower case.
    expressions: HashSet<String>,
}

impl Statement {
    /// Reads one query, or an EXPLAIN of one.
    ///
    /// # Errors
    /// [`QueryError::Syntax`] with the place; [`QueryError::NotAQuery`] for what is none, or for several.
    pub fn parse(sql: &str) -> Result<Self, QueryError> {
        if sql.len() > LONGEST_STATEMENT {
            let message = format!("the statement has {} bytes; at most {LONGEST_STATEMENT} are taken", sql.len());
            return Err(QueryError::Syntax(message));
        }
        // A long chain of ANDs is as deep when it is dropped as it is long; what is too deep goes where it was made.
        stacker::grow(PARSER_STACK_BYTES, || Self::of(sql))
    }

    fn of(sql: &str) -> Result<Self, QueryError> {
        let mut parser =
            DFParserBuilder::new(sql).with_dialect(&GenericDialect {}).with_recursion_limit(DEEPEST).build()?;
        let mut statements = parser.parse_statements()?;
        let parsed = match (statements.pop_front(), statements.len()) {
            (Some(statement), 0) => statement,
            (None, _) => return Err(QueryError::Syntax("there is no statement".to_owned())),
            (Some(_), more) => {
                return Err(QueryError::NotAQuery(format!("there are {} statements; give one", more + 1)));
            }
        };
        Self::of_parsed(parsed)
    }

    /// Of what was parsed.
    pub(crate) fn of_parsed(parsed: Parsed) -> Result<Self, QueryError> {
        let mut named = Named::default();
        if Visit::visit(query(&parsed)?, &mut named).is_break() {
            let message = format!(
                "an expression is nested more than {DEEPEST_EXPRESSION} deep; write a long chain of ORs as IN (…)"
            );
            return Err(QueryError::Syntax(message));
        }
        let mut tables = named.tables;
        let mut seen = HashSet::new();
        tables.retain(|table| seen.insert(lower(table)));
        Ok(Self { parsed, tables, expressions: named.expressions })
    }

    /// The tables that it names, each once, as they are first written.
    #[must_use]
    pub fn tables(&self) -> &[TableName] {
        &self.tables
    }

    /// Whether the name may be that of one of the statement's own expressions (`WITH name AS …`).
    #[must_use]
    pub fn may_be_its_own(&self, table: &TableName) -> bool {
        table.schema.is_none() && self.expressions.contains(&table.table.to_lowercase())
    }

    /// Changes its query, but none of its tables.
    #[cfg(feature = "postgres")]
    pub(crate) fn change<E>(&mut self, change: impl FnOnce(&mut Query) -> Result<(), E>) -> Result<(), E> {
        query_mut(&mut self.parsed).map_or(Ok(()), change)
    }

    /// The statement with every name as it is defined, `columns` being those of its tables.
    pub(crate) fn spelled(mut self, columns: &[(TableName, Vec<String>)]) -> Result<Parsed, QueryError> {
        spell(query_mut(&mut self.parsed)?, columns, &self.tables)?;
        Ok(self.parsed)
    }
}

/// The query within a statement.
fn query(statement: &Parsed) -> Result<&Query, QueryError> {
    match statement {
        Parsed::Statement(sql) => match sql.as_ref() {
            Sql::Query(query) => Ok(query),
            other => Err(no_query(&other.to_string())),
        },
        Parsed::Explain(ExplainStatement { statement, .. }) => query(statement),
        other => Err(no_query(&other.to_string())),
    }
}

fn query_mut(statement: &mut Parsed) -> Result<&mut Query, QueryError> {
    match statement {
        Parsed::Statement(sql) => match sql.as_mut() {
            Sql::Query(query) => Ok(query),
            other => Err(no_query(&other.to_string())),
        },
        Parsed::Explain(ExplainStatement { statement, .. }) => query_mut(statement),
        other => Err(no_query(&other.to_string())),
    }
}

fn no_query(text: &str) -> QueryError {
    let word: String = text.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
    QueryError::NotAQuery(format!(
        "{} is no query; only SELECT, WITH, VALUES and EXPLAIN are taken",
        word.to_uppercase()
    ))
}

/// Gathers what a query names.
#[derive(Default)]
struct Named {
    tables: Vec<TableName>,
    expressions: HashSet<String>,
    /// How deep the expression is that is being looked at.
    depth: usize,
}

impl Visitor for Named {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.depth += 1;
        if self.depth > DEEPEST_EXPRESSION { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables);
        self.expressions.extend(with.map(|table| table.alias.name.value.to_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, args: None, .. } = factor {
            self.tables.extend(table_name(name));
        }
        ControlFlow::Continue(())
    }
}
