//! What models are made from: columns of numbers on one time axis, and a matrix of features. Only data.

use chrono_tz::Tz;

/// A column: one value a row, NaN where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleColumn {
    /// As in the stored frame.
    pub name: String,
    /// As the report says, or as the name tells; such as `°C`, `°F`, `kW`, `Hz`, `RT`, `gpm`.
    pub unit: Option<String>,
    /// One a row.
    pub values: Vec<f64>,
}

/// A stored frame's numeric columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// Beginning of each row, ms since 1970 UTC; ascending, distinct.
    pub times_ms: Vec<i64>,
    /// The site's, for hours and weekdays.
    pub zone: Tz,
    /// Between rows as they usually are.
    pub interval_ms: i64,
    /// Every one as long as `times_ms`.
    pub columns: Vec<SampleColumn>,
}

impl Samples {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&SampleColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Features in columns, rows in time order; NaN where a value is missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// Every one of the same length.
    pub columns: Vec<Vec<f64>>,
}

impl Matrix {
    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Puts row `index` into `row`.
    pub fn row_into(&self, index: usize, row: &mut Vec<f64>) {
        row.clear();
        row.extend(self.columns.iter().map(|column| column.get(index).copied().unwrap_or(f64::NAN)));
    }

    /// Those rows, in that order.
    #[must_use]
    pub fn rows(&self, rows: &[usize]) -> Self {
        Self { columns: self.columns.iter().map(|column| take(column, rows)).collect() }
    }

    /// Those columns, in that order.
    #[must_use]
    pub fn select(&self, columns: &[usize]) -> Self {
        Self { columns: columns.iter().filter_map(|index| self.columns.get(*index).cloned()).collect() }
    }
}

/// Those values, in that order; NaN for an index beyond the end.
#[must_use]
pub fn take(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|row| values.get(*row).copied().unwrap_or(f64::NAN)).collect()
}
