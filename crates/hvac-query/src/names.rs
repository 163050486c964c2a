//! Names of tables as statements write them.

use std::collections::HashSet;

use datafusion::common::TableReference;
use datafusion::sql::sqlparser::ast::{ObjectName, ObjectNamePart};

/// A table as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableName {
    /// What stands before the dot: a session.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "\"{schema}\".{}", self.table),
            None => f.write_str(&self.table),
        }
    }
}

impl TableName {
    /// What DataFusion calls it: without a schema it is in [`OWN_SCHEMA`].
    pub(crate) fn reference(&self) -> TableReference {
        TableReference::partial(self.schema.as_deref().unwrap_or(OWN_SCHEMA), self.table.as_str())
    }
}

/// The schema of tables that are named without one.
pub(crate) const OWN_SCHEMA: &str = "session";

/// In lower case.
pub(crate) fn lower(name: &TableName) -> TableName {
    TableName { schema: name.schema.as_ref().map(|schema| schema.to_lowercase()), table: name.table.to_lowercase() }
}

/// The words of a name.
pub(crate) fn parts(name: &ObjectName) -> Vec<&str> {
    name.0.iter().filter_map(ObjectNamePart::as_ident).map(|ident| ident.value.as_str()).collect()
}

/// The table that a name of one or two words is of.
pub(crate) fn table_name(name: &ObjectName) -> Option<TableName> {
    match *parts(name).as_slice() {
        [table] => Some(TableName { schema: None, table: table.to_owned() }),
        [schema, table] => Some(TableName { schema: Some(schema.to_owned()), table: table.to_owned() }),
        _ => None,
    }
}

/// A name that is not taken yet: the second `kW` is `kW_1`.
pub(crate) fn apart(name: &str, taken: &mut HashSet<String>) -> String {
    let mut own = name.to_owned();
    let mut again = 0;
    while !taken.insert(own.clone()) {
        again += 1;
        own = format!("{name}_{again}");
    }
    own
}
