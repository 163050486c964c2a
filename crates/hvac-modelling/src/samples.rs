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

    /// Those rows, in that order.
    #[must_use]
    pub(crate) fn rows(&self, rows: &[usize]) -> Self {
        let of = |column: &SampleColumn| SampleColumn {
            name: column.name.clone(),
            unit: column.unit.clone(),
            values: take(&column.values, rows),
        };
        Self {
            times_ms: rows.iter().filter_map(|row| self.times_ms.get(*row)).copied().collect(),
            columns: self.columns.iter().map(of).collect(),
            ..*self
        }
    }
}

/// Median of the steps between rows, ms; 0 of fewer than two rows.
#[must_use]
pub fn usual_step(times_ms: &[i64]) -> i64 {
    let mut steps: Vec<i64> = times_ms.iter().zip(times_ms.iter().skip(1)).map(|(a, b)| b - a).collect();
    let middle = steps.len() / 2;
    if steps.is_empty() { 0 } else { *steps.select_nth_unstable(middle).1 }
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
    pub(crate) fn height(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// Columns.
    #[must_use]
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Puts row `index` into `row`.
    pub(crate) fn row_into(&self, index: usize, row: &mut Vec<f64>) {
        row.clear();
        row.extend(self.columns.iter().map(|column| column.get(index).copied().unwrap_or(f64::NAN)));
    }

    /// Those rows, in that order.
    #[must_use]
    pub(crate) fn rows(&self, rows: &[usize]) -> Self {
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
pub(crate) fn take(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|row| values.get(*row).copied().unwrap_or(f64::NAN)).collect()
}

/// The median of the finite values; none without any.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let middle = finite.len().checked_sub(1)? / 2;
    let (_, median, above) = finite.select_nth_unstable_by(middle, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp);
    let median = *median;
    Some(if finite.len().is_multiple_of(2) { next.map_or(median, |next| (median + next) / 2.0) } else { median })
}

#[cfg(test)]
mod tests {
    use super::{median, usual_step};

    #[test]
    fn the_usual_step_is_the_median() {
        assert_eq!(usual_step(&[0, 600, 1200, 90_000, 90_600]), 600);
        assert_eq!((usual_step(&[]), usual_step(&[5])), (0, 0));
    }

    #[test]
    fn a_median_is_of_what_is_there() {
        let values = [3.0, 1.0, f64::NAN, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, f64::NAN];
        assert_eq!((median(&values), median(&[f64::NAN]), median(&[2.0])), (Some(3.5), None, Some(2.0)));
    }
}
