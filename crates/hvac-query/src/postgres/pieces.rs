//! Small pieces of statements that several files here read or make.

use datafusion::sql::sqlparser::ast::{CastKind, DataType, Expr, Value};

/// Schemas of what describes a database.
pub(super) const CATALOGUES: [&str; 2] = ["pg_catalog", "information_schema"];

/// The table of a catalogue that a name means, in lower case.
pub(super) fn of_catalogue(words: &[&str]) -> Option<String> {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    match lower.as_slice() {
        [table] if table.starts_with("pg_") => Some((*table).to_owned()),
        [.., schema, table] if CATALOGUES.contains(schema) => Some((*table).to_owned()),
        _ => None,
    }
}

/// Null as a text.
pub(super) fn null_text() -> Expr {
    cast_to(Expr::value(Value::Null), DataType::Text)
}

/// An expression as another type.
pub(super) fn cast_to(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}
