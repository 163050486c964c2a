//! A query of a client of PostgreSQL: as the engine carries it out, what its columns are called, and its parameters.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use arrow_schema::{DataType as Kind, Schema};
use datafusion::sql::parser::{DFParserBuilder, ExplainStatement, Statement as Parsed};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Statement as Sql, TimezoneInfo, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use super::label::{MARK, labels};
use super::pieces::cast_to;
use super::refusal::{self, Refusal};
use super::rewrite::{rewrite, with_array};
use super::types::PgType;
use crate::error::QueryError;
use crate::names::{TableName, parts};
use crate::statement::{PARSER_STACK_BYTES, Statement};

/// Most parameters of a statement.
const MOST_PARAMETERS: usize = 1000;

/// A query, written as the engine reads it.
#[derive(Debug, Clone)]
pub struct PgQuery {
    statement: Statement,
    /// None where a wildcard says them.
    labels: Option<Vec<String>>,
    parameters: usize,
    relations: Vec<String>,
    describes: bool,
}

/// The value of a parameter, as text; none is null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its type's number; 0 where it is as if its text were written in the statement.
    pub oid: u32,
    /// Its value as text.
    pub text: Option<String>,
}

impl PgQuery {
    pub(super) fn new(mut parsed: Sql) -> Result<Self, Refusal> {
        let mut explain = None;
        if let Sql::Explain { statement, analyze, verbose, .. } = parsed {
            explain = Some((analyze, verbose));
            parsed = *statement;
        }
        let query = match &mut parsed {
            Sql::Query(query) => query,
            other => {
                let text = other.to_string();
                return Err(refusal::read_only(text.split(' ').next().unwrap_or_default()));
            }
        };
        let labels = if explain.is_none() { labels(&query.body) } else { None };
        let describes = super::rewrite::reads_catalogue(query);
        rewrite(query)?;
        let mut noted = Noted::default();
        if Visit::visit(&**query, &mut noted).is_break() {
            return Err(Refusal::new(refusal::UNDEFINED_PARAMETER, format!("parameters are $1 to ${MOST_PARAMETERS}")));
        }
        let mut parsed = Parsed::Statement(Box::new(parsed));
        if let Some(how) = explain {
            parsed = explained(parsed, how)?;
        }
        let statement = Statement::of_parsed(parsed).map_err(|error| match error {
            QueryError::Syntax(message) => Refusal::new(refusal::TOO_COMPLEX, message),
            other => Refusal::new(refusal::SYNTAX, other.to_string()),
        })?;
        let relations = noted.relations.into_iter().collect();
        Ok(Self { statement, labels, parameters: noted.most, relations, describes })
    }

    /// The tables that it names.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// How many parameters it has.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Names that it asks the numbers of (`'parsed'::regclass`).
    #[must_use]
    pub fn relations(&self) -> &[String] {
        &self.relations
    }

    /// Whether it asks what there is: its answer is part of a client's own work, not of its user's.
    #[must_use]
    pub fn describes(&self) -> bool {
        self.describes
    }

    /// What the columns of its answer are called.
    #[must_use]
    pub fn names(&self, schema: &Schema) -> Vec<String> {
        let own = |name: &str| name.split(MARK).next().unwrap_or_default().to_owned();
        match &self.labels {
            Some(labels) if labels.len() == schema.fields().len() => labels.iter().map(|label| own(label)).collect(),
            _ => schema.fields().iter().map(|field| own(field.name())).collect(),
        }
    }

    /// The statement with its parameters written into it.
    pub(crate) fn with_values(&self, values: &[Parameter]) -> Result<Statement, Refusal> {
        if values.len() < self.parameters {
            let message = format!("there is no value for parameter ${}", values.len() + 1);
            return Err(Refusal::new(refusal::UNDEFINED_PARAMETER, message));
        }
        // As deep as the statement is, as where it was parsed.
        stacker::grow(PARSER_STACK_BYTES, || self.written(values))
    }

    fn written(&self, values: &[Parameter]) -> Result<Statement, Refusal> {
        let mut statement = self.statement.clone();
        if self.parameters > 0 {
            statement.change(|query| match VisitMut::visit(query, &mut Values(values)) {
                ControlFlow::Break(refusal) => Err(refusal),
                ControlFlow::Continue(()) => Ok(()),
            })?;
        }
        Ok(statement)
    }
}

/// The EXPLAIN of a statement, as DataFusion has it.
fn explained(statement: Parsed, (analyze, verbose): (bool, bool)) -> Result<Parsed, Refusal> {
    let words = [("ANALYZE ", analyze), ("VERBOSE ", verbose)];
    let said: String = words.iter().filter(|(_, said)| *said).map(|(word, _)| *word).collect();
    let text = format!("EXPLAIN {said}SELECT 1");
    let parsed = DFParserBuilder::new(text.as_str()).build().and_then(|mut parser| parser.parse_statement());
    match parsed {
        Ok(Parsed::Explain(ExplainStatement { options, .. })) => {
            Ok(Parsed::Explain(ExplainStatement { options, statement: Box::new(statement) }))
        }
        _ => Err(Refusal::new(refusal::NOT_SUPPORTED, "this form of EXPLAIN is not taken")),
    }
}

/// What a query names beside tables.
#[derive(Default)]
struct Noted {
    most: usize,
    relations: BTreeSet<String>,
}

impl Visitor for Noted {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Value(value) => {
                if let Value::Placeholder(name) = &value.value {
                    match name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok()) {
                        Some(number @ 1..=MOST_PARAMETERS) => self.most = self.most.max(number),
                        _ => return ControlFlow::Break(()),
                    }
                }
            }
            Expr::Function(function)
                if parts(&function.name).last().is_some_and(|name| ["pg_regclass", "to_regclass"].contains(name)) =>
            {
                struct Texts<'a>(&'a mut BTreeSet<String>);
                impl Visitor for Texts<'_> {
                    type Break = ();
                    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
                        if let Expr::Value(value) = expr
                            && let Value::SingleQuotedString(text) = &value.value
                        {
                            self.0.insert(text.clone());
                        }
                        ControlFlow::Continue(())
                    }
                }
                let _ = function.args.visit(&mut Texts(&mut self.relations));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Writes values where parameters stand.
struct Values<'v>(&'v [Parameter]);

impl Values<'_> {
    fn of(&self, expr: &Expr) -> Option<&Parameter> {
        let Expr::Value(value) = expr else { return None };
        let Value::Placeholder(name) = &value.value else { return None };
        self.0.get(name.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)?)
    }

    /// Beside what it is compared with, a time is a text: so the files' statistics are asked, and the site's clock is meant.
    fn compared(&self, expr: &mut Expr) {
        if let Some(Parameter { oid, text: Some(text) }) = self.of(expr)
            && [PgType::Date, PgType::Timestamp, PgType::TimestampTz].iter().any(|kind| kind.oid() == *oid)
        {
            *expr = Expr::value(Value::SingleQuotedString(text.clone()));
        }
    }
}

fn compares(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

impl VisitorMut for Values<'_> {
    type Break = Refusal;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Refusal> {
        match expr {
            Expr::BinaryOp { left, op, right }
                // Not where both are: what they are compared as would be lost.
                if compares(op) && (self.of(left).is_none() || self.of(right).is_none()) =>
            {
                self.compared(left);
                self.compared(right);
            }
            Expr::Between { expr, low, high, .. } if self.of(expr).is_none() => {
                self.compared(low);
                self.compared(high);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Refusal> {
        if let Some(parameter) = self.of(expr) {
            match literal(parameter) {
                Ok(literal) => *expr = literal,
                Err(refusal) => return ControlFlow::Break(refusal),
            }
        } else if matches!(expr, Expr::AnyOp { .. } | Expr::AllOp { .. }) {
            let taken = std::mem::replace(expr, Expr::value(Value::Null));
            *expr = with_array(taken);
        }
        ControlFlow::Continue(())
    }
}

/// A value as it would be written in a statement.
fn literal(parameter: &Parameter) -> Result<Expr, Refusal> {
    let kind = PgType::ALL.into_iter().find(|kind| kind.oid() == parameter.oid);
    let as_type = match kind {
        Some(PgType::Bool) => Some(DataType::Boolean),
        Some(PgType::Int2 | PgType::Int4 | PgType::Int8) => Some(DataType::BigInt(None)),
        Some(PgType::Float4 | PgType::Float8 | PgType::Numeric) => Some(DataType::DoublePrecision),
        Some(PgType::Date) => Some(DataType::Date),
        Some(PgType::Time) => Some(DataType::Time(None, TimezoneInfo::None)),
        Some(PgType::Timestamp) => Some(DataType::Timestamp(None, TimezoneInfo::None)),
        Some(PgType::TimestampTz) => Some(DataType::Timestamp(None, TimezoneInfo::Tz)),
        Some(PgType::Interval) => Some(DataType::Interval { fields: None, precision: None }),
        // Numbers of things in the catalogue.
        None if [26, 24, 2205, 2206].contains(&parameter.oid) => Some(DataType::BigInt(None)),
        None if parameter.oid == 0 => None,
        _ => Some(DataType::Text),
    };
    let Some(text) = &parameter.text else {
        let null = Expr::value(Value::Null);
        return Ok(as_type.map_or_else(|| null.clone(), |as_type| cast_to(null.clone(), as_type)));
    };
    let quoted = || Expr::value(Value::SingleQuotedString(text.clone()));
    let wrong = |what: &str| Refusal::new(refusal::BAD_TEXT, format!("a parameter is no {what}: '{text}'"));
    Ok(match as_type {
        Some(DataType::Boolean) => match text.trim().to_lowercase().as_str() {
            "t" | "true" | "1" | "on" | "yes" | "y" => Expr::value(Value::Boolean(true)),
            "f" | "false" | "0" | "off" | "no" | "n" => Expr::value(Value::Boolean(false)),
            _ => return Err(wrong("boolean")),
        },
        Some(DataType::BigInt(_)) => {
            let whole: i64 = text.trim().parse().map_err(|_| wrong("whole number"))?;
            Expr::value(Value::Number(whole.to_string(), false))
        }
        Some(DataType::DoublePrecision) => {
            text.trim().parse::<f64>().map_err(|_| wrong("number"))?;
            cast_to(quoted(), DataType::DoublePrecision)
        }
        Some(DataType::Text) | None => quoted(),
        Some(other) => cast_to(quoted(), other),
    })
}

/// The number of the type that a parameter of that kind has.
pub(crate) fn oid_of(kind: &Kind) -> u32 {
    match PgType::of(kind) {
        // `$1` beside a small number may be a large one.
        PgType::Int2 | PgType::Int4 => PgType::Int8.oid(),
        PgType::Float4 => PgType::Float8.oid(),
        other => other.oid(),
    }
}

/// Names of tables that a query may have without their being sessions'.
#[must_use]
pub fn is_of_catalogue(name: &TableName) -> bool {
    name.schema.as_deref().is_some_and(|schema| ["pg_catalog", "information_schema"].contains(&schema))
}
