//! Tables that are made of columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use futures_util::StreamExt;
use hvac_query::{QueryError, Table};

/// A table of so many rows, made column by column.
pub(super) struct Made {
    rows: usize,
    columns: Vec<(&'static str, ArrayRef)>,
}

impl Made {
    pub fn of(rows: usize) -> Self {
        Self { rows, columns: Vec::new() }
    }

    fn with(mut self, name: &'static str, cells: ArrayRef) -> Self {
        self.columns.push((name, cells));
        self
    }

    pub fn texts<T: AsRef<str>>(self, name: &'static str, cells: impl IntoIterator<Item = Option<T>>) -> Self {
        let cells: StringArray = cells.into_iter().collect();
        self.with(name, Arc::new(cells))
    }

    pub fn wholes(self, name: &'static str, cells: impl IntoIterator<Item = Option<i64>>) -> Self {
        let cells: Int64Array = cells.into_iter().collect();
        self.with(name, Arc::new(cells))
    }

    pub fn flags(self, name: &'static str, cells: impl IntoIterator<Item = bool>) -> Self {
        let cells: BooleanArray = cells.into_iter().map(Some).collect();
        self.with(name, Arc::new(cells))
    }

    /// The same text in every row of each column.
    pub fn text(mut self, names: &[&'static str], cell: &str) -> Self {
        let cells: ArrayRef = Arc::new((0..self.rows).map(|_| Some(cell)).collect::<StringArray>());
        self.columns.extend(names.iter().map(|name| (*name, Arc::clone(&cells))));
        self
    }

    pub fn whole(mut self, names: &[&'static str], cell: i64) -> Self {
        let cells: ArrayRef = Arc::new(Int64Array::from_value(cell, self.rows));
        self.columns.extend(names.iter().map(|name| (*name, Arc::clone(&cells))));
        self
    }

    pub fn flag(mut self, names: &[&'static str], cell: bool) -> Self {
        let cells: ArrayRef = Arc::new(BooleanArray::from(vec![cell; self.rows]));
        self.columns.extend(names.iter().map(|name| (*name, Arc::clone(&cells))));
        self
    }

    /// Texts that nothing is known of.
    pub fn nothing(mut self, names: &[&'static str]) -> Self {
        let cells: ArrayRef = Arc::new(StringArray::new_null(self.rows));
        self.columns.extend(names.iter().map(|name| (*name, Arc::clone(&cells))));
        self
    }

    pub fn batch(self) -> Result<RecordBatch, QueryError> {
        let field = |(name, cells): &(&'static str, ArrayRef)| Field::new(*name, cells.data_type().clone(), true);
        let schema = Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()));
        let columns = self.columns.into_iter().map(|(_, cells)| cells).collect();
        RecordBatch::try_new(schema, columns).map_err(|error| QueryError::Internal(error.to_string()))
    }

    pub fn table(self) -> Table {
        let made = self.batch();
        let schema = made.as_ref().map_or_else(|_| Arc::new(Schema::empty()), RecordBatch::schema);
        Table::Made { schema, rows: Arc::new(move || futures_util::stream::iter([made.clone()]).boxed()) }
    }
}

/// A table without rows, whose columns are whole numbers (`i`), flags (`b`), else texts.
pub(super) fn without_rows(columns: &[(&'static str, char)]) -> Table {
    let field = |(name, kind): &(&'static str, char)| {
        let kind = match kind {
            'i' => DataType::Int64,
            'b' => DataType::Boolean,
            _ => DataType::Utf8,
        };
        Field::new(*name, kind, true)
    };
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    Table::Made { schema, rows: Arc::new(|| futures_util::stream::empty().boxed()) }
}
