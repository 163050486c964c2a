//! What can go wrong with a statement, told apart by what its author can do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

/// Why a statement has no answer.
#[derive(Debug, Clone)]
pub enum QueryError {
    /// It is not SQL; the text says where.
    Syntax(String),
    /// It would change something, or is no single query.
    NotAQuery(String),
    /// It names a table that is not there.
    UnknownTable(String),
    /// It names a column that is not there, or two at once.
    UnknownColumn(String),
    /// It is SQL that cannot be carried out: types that do not fit, a function that is not there.
    Invalid(String),
    /// It needs more memory than it may have.
    Memory(String),
    /// It took longer than it may.
    Time(String),
    /// A stored file could not be read.
    File(String),
    /// What whoever gave a table says of it, or the system of reading and writing: for whoever asked to understand.
    Given(Arc<dyn Error + Send + Sync>),
    /// A defect of the program.
    Internal(String),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text)
            | Self::NotAQuery(text)
            | Self::UnknownTable(text)
            | Self::UnknownColumn(text)
            | Self::Invalid(text)
            | Self::Memory(text)
            | Self::Time(text)
            | Self::File(text)
            | Self::Internal(text) => f.write_str(text),
            Self::Given(error) => error.fmt(f),
        }
    }
}

impl Error for QueryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Given(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        told(&error)
    }
}

/// What an error means.
fn told(error: &DataFusionError) -> QueryError {
    if let Some(error) = of_the_system(error) {
        // The bound of what statements may write is told as one of the system's.
        if error.to_string().contains("exceeded the allowable limit") {
            return QueryError::Memory("its temporary files are as large as QUERY_SPILL_BYTES allows".to_owned());
        }
        let kept =
            error.raw_os_error().map_or_else(|| io::Error::other(error.to_string()), io::Error::from_raw_os_error);
        return QueryError::Given(Arc::new(kept));
    }
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => told(inner),
        DataFusionError::Shared(inner) => told(inner),
        DataFusionError::Collection(all) if !all.is_empty() => all.first().map_or_else(|| QueryError::Internal(error.to_string()), told),
        DataFusionError::External(inner) => match inner.downcast_ref::<QueryError>() {
            Some(own) => own.clone(),
            None => QueryError::Internal(inner.to_string()),
        },
        DataFusionError::SQL(error, _) => QueryError::Syntax(match error.as_ref() {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
                text.replace("found: EOF", "found: the end of the statement")
            }
            ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
        }),
        DataFusionError::SchemaError(error, _) => QueryError::UnknownColumn(of_schema(error)),
        DataFusionError::ResourcesExhausted(text) => QueryError::Memory(first_line(text)),
        DataFusionError::ParquetError(error) => QueryError::File(error.to_string()),
        DataFusionError::ObjectStore(error) => QueryError::File(error.to_string()),
        DataFusionError::NotImplemented(text) if text.contains("Subquery") => QueryError::Invalid(
            "a subquery that depends on the row outside by more than equality cannot be carried out; write it as a join"
                .to_owned(),
        ),
        DataFusionError::Plan(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::Execution(text) => of_function(text).unwrap_or_else(|| QueryError::Invalid(first_line(text))),
        DataFusionError::ArrowError(error, _) => QueryError::Invalid(error.to_string()),
        DataFusionError::Internal(text) => of_function(text).unwrap_or_else(|| QueryError::Internal(error.to_string())),
        other => QueryError::Internal(other.to_string()),
    }
}

/// A function that does not take what it is given, of which the engine speaks as of a defect of its own.
fn of_function(text: &str) -> Option<QueryError> {
    let (name, _) = text.split_once("Function '")?.1.split_once("' failed to match any signature")?;
    let (given, _) = text.split_once("but received ")?.1.split_once(" (")?;
    Some(QueryError::Invalid(format!("{name} takes no {given}; CAST it to a type that {name} takes")))
}

/// The error of reading or writing that is behind one, if there is one.
fn of_the_system(error: &DataFusionError) -> Option<&io::Error> {
    match error {
        DataFusionError::IoError(error) => Some(error),
        DataFusionError::ArrowError(error, _) => match error.as_ref() {
            ArrowError::IoError(_, error) => Some(error),
            ArrowError::ExternalError(error) => error.downcast_ref(),
            _ => None,
        },
        _ => None,
    }
}

/// Without what only a developer reads.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn of_schema(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let named = field.name();
            let near = near(named, valid_fields.iter().map(Column::name));
            format!("there is no column '{named}' here{near}")
        }
        SchemaError::AmbiguousReference { field } => {
            format!("'{}' is a column of several tables here; write the table before it", field.name())
        }
        SchemaError::DuplicateUnqualifiedField { name } | SchemaError::DuplicateQualifiedField { name, .. } => {
            format!("'{name}' is there twice; give one of them another name with AS")
        }
    }
}

/// Names that are like one that is not there, in words to append; the closest first, at most three.
#[must_use]
pub fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let name = name.to_lowercase();
    let like = |other: &str| {
        let other = other.to_lowercase();
        let within = name.len() >= 3 && other.contains(&name);
        if within { 0.9 } else { strsim::jaro_winkler(&name, &other) }
    };
    let mut close: Vec<(f64, &str)> =
        known.map(|known| (like(known), known)).filter(|(like, _)| *like > 0.75).collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    close.dedup_by_key(|(_, known)| *known);
    match close.iter().take(3).map(|(_, known)| *known).collect::<Vec<_>>() {
        close if close.is_empty() => String::new(),
        close => format!("; like it are {}", close.join(", ")),
    }
}
