//! Jumps that are the plant's and no sensor's: a machine that starts for one sample, or draws more for one, shows on more
//! than its own meter.
//!
//! Two machines' powers, speeds or flows that jump at one row, or a machine's power and the total that jump together: by half
//! of it at least, for the rest is noise and machines that nobody meters. A total that is added up from the machines' meters
//! shows their errors too, and is no witness.

use std::collections::HashSet;

/// Of a jump, what a witness must show of it.
const SHOWN: f64 = 0.5;
/// Of a jump, how near a total must be to the sum of the machines' to be added up from them.
const ADDED_UP: f64 = 0.005;

/// A power, speed or flow, and where it jumps away and back.
#[derive(Debug)]
pub(crate) struct Drive<'a> {
    /// Its values, NaN for none.
    pub(crate) values: &'a [f64],
    /// Of the whole plant, not of one machine.
    pub(crate) of_plant: bool,
    /// kW in a unit of its values; none when it is no power.
    pub(crate) kw: Option<f64>,
    /// Rows at which it jumps.
    pub(crate) rows: Vec<usize>,
}

impl Drive<'_> {
    /// How far it lies above the mean of its neighbours, kW; none where one of the three is missing.
    fn bump_kw(&self, row: usize) -> Option<f64> {
        let at = |row: Option<usize>| row.and_then(|row| self.values.get(row)).filter(|value| !value.is_nan());
        let around = (at(row.checked_sub(1))? + at(row.checked_add(1))?) / 2.0;
        Some((at(Some(row))? - around) * self.kw?)
    }
}

/// The rows of jumps that are the plant's.
#[must_use]
pub(crate) fn of_plant(drives: &[Drive<'_>]) -> HashSet<usize> {
    let mut rows: Vec<usize> =
        drives.iter().filter(|drive| !drive.of_plant).flat_map(|drive| &drive.rows).copied().collect();
    rows.sort_unstable();
    let twice = rows.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).filter_map(|same| same.first().copied());
    let mut shared: HashSet<usize> = twice.collect();
    let sum_kw = |of_plant: bool, row: usize| {
        let bumps = drives.iter().filter(|drive| drive.of_plant == of_plant).filter_map(|drive| drive.bump_kw(row));
        bumps.fold(None, |sum: Option<f64>, kw| Some(sum.unwrap_or(0.0) + kw))
    };
    for drive in drives {
        shared.extend(drive.rows.iter().copied().filter(|row| {
            let (Some(jump_kw), Some(total_kw), Some(machines_kw)) =
                (drive.bump_kw(*row), sum_kw(true, *row), sum_kw(false, *row))
            else {
                return false;
            };
            let witness_kw = if drive.of_plant { machines_kw } else { total_kw };
            let added_up = (total_kw - machines_kw).abs() < ADDED_UP * jump_kw.abs();
            !added_up && witness_kw * jump_kw.signum() >= SHOWN * jump_kw.abs()
        }));
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power<'a>(values: &'a [f64], of_plant: bool, rows: &[usize]) -> Drive<'a> {
        Drive { values, of_plant, kw: Some(1.0), rows: rows.to_vec() }
    }

    fn rows(drives: &[Drive<'_>]) -> Vec<usize> {
        let mut rows: Vec<usize> = of_plant(drives).into_iter().collect();
        rows.sort_unstable();
        rows
    }

    /// A chiller draws 60 kW more for one sample. Its total shows 57 of them: so did the chiller. One that shows nothing says
    /// that the chiller's meter did. So does one that shows exactly what the meters do, for it is their sum.
    #[test]
    fn a_total_is_the_witness_of_a_machine() {
        let chiller = [100.0, 160.0, 100.0];
        let pump = [20.0, 21.0, 20.0];
        let with =
            |total: &[f64]| rows(&[power(&chiller, false, &[1]), power(&pump, false, &[]), power(total, true, &[])]);
        assert_eq!(with(&[131.0, 188.0, 131.0]), [1]);
        assert_eq!(with(&[131.0, 133.0, 131.0]), [0_usize; 0]);
        assert_eq!(with(&[131.0, 100.0, 131.0]), [0_usize; 0]);
        assert_eq!(with(&[120.0, 181.0, 120.0]), [0_usize; 0]);
        assert_eq!(with(&[131.0, f64::NAN, 131.0]), [0_usize; 0]);
    }

    #[test]
    fn machines_are_the_witness_of_a_total_and_of_each_other() {
        let (still, up) = ([20.0, 20.5, 20.0], [20.0, 60.0, 20.0]);
        let total = [131.0, 175.0, 131.0];
        assert_eq!(rows(&[power(&up, false, &[]), power(&total, true, &[1])]), [1]);
        assert_eq!(rows(&[power(&still, false, &[]), power(&total, true, &[1])]), [0_usize; 0]);
        assert_eq!(rows(&[power(&up, false, &[1]), power(&up, false, &[1])]), [1]);
        let speed = Drive { values: &up, of_plant: false, kw: None, rows: vec![1] };
        assert_eq!(rows(&[speed, power(&total, true, &[])]), [0_usize; 0]);
    }
}
