//! Correlation of columns: Pearson's r, and Spearman's ρ by [`super::ranks`].

use rayon::prelude::*;

use super::ranks::{Ranks, rho};
use super::version::settled;
use super::window::{Window, WindowQuery, WindowRows};
use super::{Answer, Correlation, CorrelationMethod, CorrelationQuery, DatasetSelector, answer, names};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::ColumnMeta;

/// Most columns of one matrix.
const MAX_COLUMNS: usize = 50;
/// Rows that are in memory at once.
const WINDOW: u64 = 131_072;
/// Most cells that are ranked at once: each takes 8 bytes.
const MAX_RANKED: u64 = 50_000_000;

/// Correlation of columns.
///
/// # Errors
/// As [`super::version::resolve`], [`Window::of`]; 422 for a parameter out of range or an unknown column.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn correlation(
    state: &AppState,
    selector: &DatasetSelector,
    query: &CorrelationQuery,
    window: &WindowQuery,
) -> Result<Answer<Correlation>> {
    let dataset = settled(state, selector).await?;
    let columns = names::numbers(&dataset.columns, query.columns.as_deref(), 2, MAX_COLUMNS)?;
    let window = Window::of(window, dataset.zone)?;
    let names: Vec<String> = columns.iter().map(|meta| meta.name.clone()).collect();
    let method = query.method.unwrap_or_default();
    let request = format!("correlation {method:?} {}{window}", names.join(","));
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &window, dataset.zone)?;
        let pairs: Vec<(u64, Option<f64>)> = match method {
            CorrelationMethod::Pearson => {
                moments(&rows, &columns)?.iter().map(|moments| (moments.n, moments.r())).collect()
            }
            CorrelationMethod::Spearman => ranked(&rows, &columns)?,
        };
        // Each pair is computed once, its row's column before its own.
        let of = |a: usize, b: usize| pairs.get(pair_index(a.min(b), a.max(b))).copied().unwrap_or_default();
        let n = columns.len();
        answer::json(&Correlation {
            dataset: dataset.label.clone(),
            method,
            matrix: (0..n).map(|a| (0..n).map(|b| of(a, b).1).collect()).collect(),
            pairs: (0..n).map(|a| (0..n).map(|b| of(a, b).0).collect()).collect(),
            columns: names,
        })
    })
    .await
}

/// Where the pair of columns `a` ≤ `b` stands in a list of all pairs, by `b`, then `a`.
fn pair_index(a: usize, b: usize) -> usize {
    b * (b + 1) / 2 + a
}

/// All pairs of `n` columns, in [`pair_index`]'s order.
fn all_pairs(n: usize) -> Vec<(usize, usize)> {
    (0..n).flat_map(|b| (0..=b).map(move |a| (a, b))).collect()
}

/// The moments of every pair, in [`pair_index`]'s order, a window of rows at a time.
fn moments(rows: &WindowRows<'_>, columns: &[ColumnMeta]) -> Result<Vec<Moments>> {
    let pairs = all_pairs(columns.len());
    let mut all = vec![Moments::default(); pairs.len()];
    for start in (0..rows.count()).step_by(usize::try_from(WINDOW).unwrap_or(usize::MAX)) {
        let part = start..rows.count().min(start + WINDOW);
        let cells: Vec<Vec<Option<f64>>> =
            columns.iter().map(|meta| rows.numbers_of(meta, part.clone())).collect::<Result<_>>()?;
        let column = |i: usize| cells.get(i).map_or(&[][..], Vec::as_slice);
        all.par_iter_mut().zip(&pairs).for_each(|(moments, &(a, b))| {
            *moments = moments.merge(Moments::of(column(a), column(b)));
        });
    }
    Ok(all)
}

/// Rows with both values and Spearman's ρ of every pair, in [`pair_index`]'s order.
fn ranked(rows: &WindowRows<'_>, columns: &[ColumnMeta]) -> Result<Vec<(u64, Option<f64>)>> {
    let cells = rows.count().saturating_mul(columns.len() as u64);
    if cells > MAX_RANKED {
        let message = format!(
            "columns: ranks of {cells} cells are more than {MAX_RANKED} at once; name fewer columns, or say from, to or every"
        );
        return Err(Error::invalid("columns", codes::TOO_MUCH_AT_ONCE, message));
    }
    let ranks: Vec<Ranks> =
        columns.par_iter().map(|meta| Ok(Ranks::of(&rows.numbers(meta)?))).collect::<Result<_>>()?;
    let of = |&(a, b): &(usize, usize)| match (ranks.get(a), ranks.get(b)) {
        (Some(a), Some(b)) => rho(a, b, MIN_PAIRS),
        _ => (0, None),
    };
    Ok(all_pairs(columns.len()).par_iter().map(of).collect())
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
