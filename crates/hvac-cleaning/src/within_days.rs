//! How a quantity moves with its conditions within days.
//!
//! y = β·x + level(day), with β from how y moves *within* the days alone (the "within" or fixed-effects estimator; Wooldridge,
//! *Econometric Analysis of Cross Section and Panel Data*, 2nd ed., §10.5): what changes from one day to the next stays in
//! the level. Rows further from the fit than 4 robust σ are left out of a second one.

use std::collections::BTreeMap;

use crate::sampling::median;

/// Robust deviations (1.4826 × MAD about the day's mean) from which on a row is left out.
const FAR: f64 = 4.0 * 1.4826;

/// Rows that conditions are learnt from, for [`by_conditions`].
const LEAST_ROWS: usize = 300;

/// One row: its day, the quantity, and its conditions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<const N: usize> {
    /// Local day.
    pub(crate) day: i32,
    /// The quantity, or its logarithm.
    pub(crate) y: f64,
    /// Conditions.
    pub(crate) x: [f64; N],
}

/// The rows that are not far off, and β by them; none when there are too few (10 a condition).
pub(crate) fn fit<const N: usize>(rows: &[Row<N>]) -> Option<(Vec<Row<N>>, [f64; N])> {
    let residuals = day_residuals(rows, &least_squares(rows)?);
    let limit = FAR * median(&mut residuals.iter().map(|r| r.abs()).collect::<Vec<_>>())?;
    let near = rows.iter().zip(&residuals).filter(|(_, r)| r.abs() <= limit);
    let kept: Vec<Row<N>> = near.map(|(row, _)| *row).collect();
    let beta = least_squares(&kept)?;
    Some((kept, beta))
}

/// What the quantity is by its conditions at each of so many instants, but for a constant a day, learnt from `rows`, each with its
/// instant; NaN at an instant without a row. None when fewer than 300 rows teach it.
pub(crate) fn by_conditions<const N: usize>(rows: &[(usize, Row<N>)], instants: usize) -> Option<Vec<f64>> {
    if rows.len() < LEAST_ROWS {
        return None;
    }
    let (_, beta) = fit(&rows.iter().map(|(_, row)| *row).collect::<Vec<_>>())?;
    let mut expected = vec![f64::NAN; instants];
    for (instant, row) in rows {
        if let Some(slot) = expected.get_mut(*instant) {
            *slot = dot(&row.x, &beta);
        }
    }
    Some(expected)
}

/// Each row's distance from its day's mean once the conditions' part is taken off.
fn day_residuals<const N: usize>(rows: &[Row<N>], beta: &[f64; N]) -> Vec<f64> {
    let rest: Vec<f64> = rows.iter().map(|row| row.y - dot(&row.x, beta)).collect();
    let mut means: BTreeMap<i32, (f64, f64)> = BTreeMap::new();
    for (row, rest) in rows.iter().zip(&rest) {
        let (sum, count) = means.entry(row.day).or_default();
        (*sum, *count) = (*sum + rest, *count + 1.0);
    }
    let mean = |key: i32| means.get(&key).map_or(0.0, |(sum, count)| sum / count);
    rows.iter().zip(rest).map(|(row, rest)| rest - mean(row.day)).collect()
}

/// The part of the conditions.
pub(crate) fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Least squares of y on x, both taken from their day's means.
fn least_squares<const N: usize>(rows: &[Row<N>]) -> Option<[f64; N]> {
    if rows.len() < 10 * N {
        return None;
    }
    let mut means: BTreeMap<i32, ([f64; N], f64, f64)> = BTreeMap::new();
    for row in rows {
        let (x, y, count) = means.entry(row.day).or_insert(([0.0; N], 0.0, 0.0));
        x.iter_mut().zip(row.x).for_each(|(sum, x)| *sum += x);
        (*y, *count) = (*y + row.y, *count + 1.0);
    }
    let mut square = [[0.0; N]; N];
    let mut right = [0.0; N];
    for row in rows {
        let (sum_x, sum_y, count) = means.get(&row.day)?;
        let mut x = row.x;
        x.iter_mut().zip(sum_x).for_each(|(x, sum)| *x -= sum / count);
        let y = row.y - sum_y / count;
        for ((line, right), xi) in square.iter_mut().zip(&mut right).zip(x) {
            line.iter_mut().zip(x).for_each(|(cell, xj)| *cell += xi * xj);
            *right += xi * y;
        }
    }
    solve(square, right)
}

/// Gauss with pivots on a matrix that is symmetric and positive.
#[expect(clippy::indexing_slicing, reason = "every index is below N, the arrays' own length")]
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> Option<[f64; N]> {
    // A touch of ridge: a condition that never moves has no part, instead of leaving the others without an answer.
    for (i, line) in a.iter_mut().enumerate() {
        line[i] = line[i] * (1.0 + 1e-9) + 1e-6;
    }
    for i in 0..N {
        let pivot = (i..N).max_by(|p, q| a[*p][i].abs().total_cmp(&a[*q][i].abs()))?;
        a.swap(i, pivot);
        b.swap(i, pivot);
        for row in i + 1..N {
            let factor = a[row][i] / a[i][i];
            let upper = a[i];
            a[row].iter_mut().zip(upper).skip(i).for_each(|(cell, above)| *cell -= factor * above);
            b[row] -= factor * b[i];
        }
    }
    let mut x = [0.0; N];
    for i in (0..N).rev() {
        let known: f64 = (i + 1..N).map(|j| a[i][j] * x[j]).sum();
        x[i] = (b[i] - known) / a[i][i];
    }
    x.iter().all(|x| x.is_finite()).then_some(x)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// y = 2·x₀ − 1·x₁ + 0.5·x₂ and a level a day, but for the ridge of 1e-6; one row more is far off and is left out.
    #[test]
    fn slopes_are_those_of_the_rows() {
        let row =
            |day: i32, [a, b, c]: [f64; 3]| Row { day, y: 2.0 * a - b + 0.5 * c + 7.0 * f64::from(day), x: [a, b, c] };
        let mut rows: Vec<Row<3>> = (0..40).map(|i| row(i / 20, [i % 5, i % 3, i % 7].map(f64::from))).collect();
        let (kept, [b, c, d]) = fit(&rows).unwrap();
        assert!((b - 2.0).abs() < 1e-6 && (c + 1.0).abs() < 1e-6 && (d - 0.5).abs() < 1e-6, "{b} {c} {d}");
        assert!(kept.len() > 30);
        rows.push(Row { day: 1, y: 90.0, x: [1.0; 3] });
        let (kept, [b, ..]) = fit(&rows).unwrap();
        assert!((b - 2.0).abs() < 0.01 && kept.iter().all(|row| row.y != 90.0), "{b}");
        assert!(fit(&vec![row(0, [1.0; 3]); 9]).is_none(), "one row says no slope");
    }

    /// y = 3·x and a level a day: what x tells of y is 3·x at the 300 instants that have rows, and nothing of the two others; 299
    /// rows teach nothing.
    #[test]
    fn what_conditions_tell_stands_at_its_instants() {
        let row = |i: i32| Row { day: i / 100, y: 3.0 * f64::from(i % 7) + f64::from(i / 100), x: [f64::from(i % 7)] };
        let rows: Vec<(usize, Row<1>)> = (1..).zip(0..300).map(|(instant, i)| (instant, row(i))).collect();
        let told = by_conditions(&rows, 302).unwrap();
        assert!(told.len() == 302 && told[0].is_nan() && told[301].is_nan());
        assert!((told[6] - 15.0).abs() < 1e-4 && told[1].abs() < 1e-9, "{} {}", told[6], told[1]);
        assert!(by_conditions(&rows[1..], 302).is_none());
    }
}
