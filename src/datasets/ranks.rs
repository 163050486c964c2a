//! Ranks of the cells of a column, and Spearman's rank correlation by them. PURE.
//!
//! Equal values share their mean rank, and a pair of columns is ranked among the rows where both have a value
//! (Spearman 1904; as pandas does it). Ranks are kept doubled, so that means of them are whole numbers.

/// The ranks of a column's cells.
#[derive(Debug, Clone)]
pub struct Ranks {
    /// Rows with a value, by value.
    order: Vec<u32>,
    /// Of each row twice its rank, from 2 on; 0 without a value.
    doubled: Vec<u32>,
}

impl Ranks {
    /// Of cells, none without a value.
    #[must_use]
    pub fn of(cells: &[Option<f64>]) -> Self {
        let rows = (0_u32..).zip(cells);
        let mut valued: Vec<(f64, u32)> = rows.filter_map(|(row, cell)| Some(((*cell)?, row))).collect();
        valued.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut doubled = vec![0; cells.len()];
        assign(&valued, |a, b| a.0 == b.0, |cell| cell.1, &mut doubled);
        Self { order: valued.into_iter().map(|(_, row)| row).collect(), doubled }
    }

    fn at(&self, row: u32) -> u32 {
        self.doubled.get(row as usize).copied().unwrap_or_default()
    }

    /// The doubled ranks among the rows where the other column has a value too.
    fn among(&self, other: &Self) -> Vec<u32> {
        let both: Vec<u32> = self.order.iter().copied().filter(|row| other.at(*row) > 0).collect();
        if both.len() == self.order.len() {
            return self.doubled.clone();
        }
        let mut doubled = vec![0; self.doubled.len()];
        assign(&both, |a, b| self.at(*a) == self.at(*b), |row| *row, &mut doubled);
        doubled
    }
}

/// Writes the doubled mean rank of each run of equals into its rows.
fn assign<T>(ascending: &[T], equal: impl Fn(&T, &T) -> bool, row: impl Fn(&T) -> u32, doubled: &mut [u32]) {
    let mut before = 0_u32;
    for run in ascending.chunk_by(|a, b| equal(a, b)) {
        let length = u32::try_from(run.len()).unwrap_or(u32::MAX);
        // Twice the mean of before+1 … before+length.
        let rank = before.saturating_mul(2).saturating_add(length).saturating_add(1);
        for cell in run {
            if let Some(slot) = doubled.get_mut(row(cell) as usize) {
                *slot = rank;
            }
        }
        before = before.saturating_add(length);
    }
}

/// Rows where both columns have a value, and Spearman's ρ over them: Pearson's r of the ranks. None for fewer rows than
/// `least`, and where all values of a column are the same.
#[must_use]
pub fn rho(a: &Ranks, b: &Ranks, least: u64) -> (u64, Option<f64>) {
    let (x, y) = (a.among(b), b.among(a));
    let both = || x.iter().zip(&y).filter(|(x, y)| **x > 0 && **y > 0);
    let n = both().count() as u64;
    // Twice the mean of 1…n.
    let mean = n as f64 + 1.0;
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in both() {
        let (dx, dy) = (f64::from(*x) - mean, f64::from(*y) - mean);
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    let rho = xy / (xx * yy).sqrt();
    (n, (n >= least && xx > 0.0 && yy > 0.0 && rho.is_finite()).then(|| rho.clamp(-1.0, 1.0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const N: Option<f64> = None;

    fn cells(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().map(|value| Some(*value)).collect()
    }

    /// Expected values by pandas 3.1: `DataFrame.corr(method="spearman", min_periods=3)` of the same columns, with ties and
    /// with nulls in different rows.
    #[test]
    fn pairs_are_pandas() {
        let mut a = cells(&[3., 1., 4., 1., 5., 9., 2., 6., 0., 5.]);
        let mut b = cells(&[2., 7., 1., 8., 0., 2., 8., 1., 8., 2.]);
        let mut c = cells(&[0., 1., 2., 2., 3., 3., 0., 4., 5., 1.]);
        (a[8], b[4], c[0], c[6]) = (N, N, N, N);
        let [a, b, c] = [a, b, c].map(|cells| Ranks::of(&cells));
        for ((x, y), expected) in [
            ((&a, &b), -0.727_058_771_923_787),
            ((&a, &c), 0.672_926_584_910_453_1),
            ((&b, &c), 0.028_038_607_704_602_213),
        ] {
            let found = rho(x, y, 3).1.unwrap();
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
            assert_eq!(rho(y, x, 3), rho(x, y, 3));
        }
        assert_eq!((rho(&a, &a, 3), rho(&a, &b, 3).0), ((9, Some(1.0)), 8));
    }

    #[test]
    fn too_few_rows_and_constants_say_nothing() {
        let constant = Ranks::of(&cells(&[7.0; 4]));
        let rising = Ranks::of(&cells(&[1.0, 2.0, 3.0, 4.0]));
        assert_eq!(rho(&constant, &rising, 3), (4, None));
        assert_eq!(rho(&Ranks::of(&[Some(1.0), N, Some(2.0), N]), &rising, 3), (2, None));
        assert_eq!(rho(&Ranks::of(&[]), &Ranks::of(&[]), 3), (0, None));
    }
}
