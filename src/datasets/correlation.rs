//! Correlation of columns.

use rayon::prelude::*;

use super::opened::Frame;
use super::version::settled;
use super::{Answer, Correlation, CorrelationQuery, DatasetSelector, answer, names};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::{ColumnMeta, Kind};

/// Most columns of one matrix.
const MAX_COLUMNS: usize = 50;
/// Rows that are in memory at once.
const WINDOW: usize = 131_072;

/// Correlation of columns.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a parameter out of range or an unknown column.
pub async fn correlation(
    state: &AppState,
    selector: &DatasetSelector,
    query: &CorrelationQuery,
) -> Result<Answer<Correlation>> {
    let dataset = settled(state, selector).await?;
    let columns = columns_of(&dataset.columns, query.columns.as_deref())?;
    let request = format!("correlation {}", columns.join(","));
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let moments = moments(frame, &columns)?;
        // Each pair is computed once, its row's column before its own.
        let of = |a: usize, b: usize| moments.get(pair_index(a.min(b), a.max(b))).copied().unwrap_or_default();
        let n = columns.len();
        answer::json(&Correlation {
            dataset: dataset.label.clone(),
            matrix: (0..n).map(|a| (0..n).map(|b| of(a, b).r()).collect()).collect(),
            pairs: (0..n).map(|a| (0..n).map(|b| of(a, b).n).collect()).collect(),
            columns,
        })
    })
    .await
}

/// Names of the columns asked for.
fn columns_of(columns: &[ColumnMeta], list: Option<&str>) -> Result<Vec<String>> {
    let chosen = match names::listed(columns, list)? {
        None => columns.iter().filter(|meta| meta.kind != Kind::Text).take(MAX_COLUMNS).collect(),
        Some(chosen) if !(2..=MAX_COLUMNS).contains(&chosen.len()) => {
            let message =
                format!("columns: name 2 to {MAX_COLUMNS} columns, separated by commas, not {}", chosen.len());
            return Err(Error::invalid("columns", codes::BAD_COLUMNS, message));
        }
        Some(chosen) => chosen,
    };
    if let Some(text) = chosen.iter().find(|meta| meta.kind == Kind::Text) {
        let message = format!("columns: '{}' holds texts, which have no correlation", text.name);
        return Err(Error::invalid("columns", codes::NOT_NUMERIC, message));
    }
    Ok(chosen.into_iter().map(|meta| meta.name.clone()).collect())
}

/// Where the pair of columns `a` ≤ `b` stands in a list of all pairs, by `b`, then `a`.
fn pair_index(a: usize, b: usize) -> usize {
    b * (b + 1) / 2 + a
}

/// The moments of every pair, in [`pair_index`]'s order, a window of rows at a time.
fn moments(frame: &Frame, columns: &[String]) -> Result<Vec<Moments>> {
    let pairs: Vec<(usize, usize)> = (0..columns.len()).flat_map(|b| (0..=b).map(move |a| (a, b))).collect();
    let mut all = vec![Moments::default(); pairs.len()];
    for start in (0..frame.row_count).step_by(WINDOW) {
        let window = start..frame.row_count.min(start + WINDOW as u64);
        let cells: Vec<Vec<Option<f64>>> =
            columns.iter().map(|name| frame.numbers_of(name, window.clone())).collect::<Result<_>>()?;
        let column = |i: usize| cells.get(i).map_or(&[][..], Vec::as_slice);
        all.par_iter_mut().zip(&pairs).for_each(|(moments, &(a, b))| {
            *moments = moments.merge(Moments::of(column(a), column(b)));
        });
    }
    Ok(all)
}

/// Fewest rows with both values that say anything.
const MIN_PAIRS: u64 = 3;

/// What the rows of two columns that have both values say together; parts of a frame can be merged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Moments {
    n: u64,
    mean: [f64; 2],
    /// Sums of squared deviations of each, and of their product.
    squares: [f64; 2],
    product: f64,
    /// Whether all values of a column are this one.
    constant: [Option<f64>; 2],
}

impl Moments {
    /// Two passes over the rows where both have a value.
    fn of(x: &[Option<f64>], y: &[Option<f64>]) -> Self {
        let both = || x.iter().zip(y).filter_map(|(x, y)| Some([(*x)?, (*y)?]));
        let Some(first) = both().next() else { return Self::default() };
        let (mut n, mut sum, mut constant) = (0_u64, [0.0; 2], first.map(Some));
        for pair in both() {
            n += 1;
            for ((sum, constant), value) in sum.iter_mut().zip(&mut constant).zip(pair) {
                *sum += value;
                *constant = constant.filter(|c| *c == value);
            }
        }
        let mean = sum.map(|s| s / n as f64);
        let mut moments = Self { n, mean, constant, ..Self::default() };
        for [x, y] in both() {
            let (dx, dy) = (x - mean[0], y - mean[1]);
            moments.squares[0] += dx * dx;
            moments.squares[1] += dy * dy;
            moments.product += dx * dy;
        }
        moments
    }

    /// Both together (Chan, Golub & LeVeque 1979).
    fn merge(self, other: Self) -> Self {
        if self.n == 0 || other.n == 0 {
            return if self.n == 0 { other } else { self };
        }
        let (a, b) = (self.n as f64, other.n as f64);
        let weight = a * b / (a + b);
        let delta = [other.mean[0] - self.mean[0], other.mean[1] - self.mean[1]];
        let same =
            |i: usize| self.constant.get(i).copied().flatten().filter(|c| other.constant.get(i) == Some(&Some(*c)));
        Self {
            n: self.n + other.n,
            mean: [self.mean[0] + delta[0] * b / (a + b), self.mean[1] + delta[1] * b / (a + b)],
            squares: [
                self.squares[0] + other.squares[0] + delta[0] * delta[0] * weight,
                self.squares[1] + other.squares[1] + delta[1] * delta[1] * weight,
            ],
            product: self.product + other.product + delta[0] * delta[1] * weight,
            constant: [same(0), same(1)],
        }
    }

    /// Pearson's r; none where a column is constant or too few rows have both values.
    fn r(&self) -> Option<f64> {
        let varies = self.constant.iter().all(Option::is_none);
        let r = self.product / (self.squares[0] * self.squares[1]).sqrt();
        (self.n >= MIN_PAIRS && varies && r.is_finite()).then(|| r.clamp(-1.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const A: [Option<f64>; 6] = [Some(1.0), Some(2.0), Some(3.0), Some(4.0), Some(5.0), None];
    const B: [Option<f64>; 6] = [Some(2.0), Some(1.0), Some(4.0), Some(3.0), None, Some(9.0)];
    const C: [Option<f64>; 6] = [Some(0.1); 6];
    const D: [Option<f64>; 6] = [Some(5.0), None, None, None, Some(1.0), Some(2.0)];

    /// Expected values by pandas: `DataFrame.corr(min_periods=3)`.
    #[test]
    fn pairs_are_pandas() {
        let r = |x, y| Moments::of(x, y).r();
        assert!((r(&A, &B).unwrap() - 0.6).abs() < 1e-12);
        assert!((r(&A, &A).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!((r(&A, &C), r(&C, &C), r(&A, &D)), (None, None, None));
        assert_eq!((Moments::of(&A, &B).n, Moments::of(&B, &D).n, Moments::of(&A, &D).n), (4, 2, 2));
    }

    #[test]
    fn pairs_are_found_again() {
        let pairs: Vec<_> = (0..4).flat_map(|b| (0..=b).map(move |a| pair_index(a, b))).collect();
        assert_eq!(pairs, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let y: Vec<_> = (0..1000).map(|i| (i % 7 != 0).then(|| 1e7 + f64::from((i * 37) % 101))).collect();
        let x: Vec<_> = (0..1000).map(|i| (i % 5 != 0).then(|| 1e7 + f64::from(i) * 0.25)).collect();
        let whole = Moments::of(&x, &y);
        let merged = x.chunks(93).zip(y.chunks(93)).fold(Moments::default(), |m, (x, y)| m.merge(Moments::of(x, y)));
        assert_eq!(merged.n, whole.n);
        assert!((merged.r().unwrap() - whole.r().unwrap()).abs() < 1e-9);
        let constant = Moments::of(&C, &A).merge(Moments::of(&C, &A));
        assert_eq!((constant.n, constant.r()), (10, None));
    }
}
