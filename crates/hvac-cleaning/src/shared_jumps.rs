//! Jumps that are the plant's and no sensor's: a machine that starts for one sample, or draws more for one, shows on more
//! than its own meter.
//!
//! Two machines' powers, speeds or flows that jump at one row; a machine's that other machines of its kind show the half of
//! at least, as a share of what they read (the median of them: pumps that are controlled together dip together); air handlers' by what they read);
//! or a machine's and the total, for the rest is noise and machines that nobody meters. A total that is added up from the
//! machines' meters shows their errors too, and is no witness; nor is one whose noise is as large as the jump. Of an air handler's
//! fan its own valves are one: where a valve moves further than it mostly does, or far enough that the fan's usual answer to it is
//! the half of the jump. A fan is quiet while its valve stands at an end; by such weeks alone each answer would be a jump.

use std::collections::HashSet;

use hvac_points::{Medium, Quantity};

use super::sampling::median;

/// Of a jump, what a witness must show of it.
const SHOWN: f64 = 0.5;
/// How many deviations of a witness's noise the half of a jump must be.
const HEARD: f64 = 2.0;
/// Rows that tell the noise, and what a median of |normal| is of a standard deviation.
const NOISE_ROWS: usize = 512;
const MAD_TO_SIGMA: f64 = 1.4826;
/// Of a jump, how near a total must be to the sum of the machines' to be added up from them.
const ADDED_UP: f64 = 0.005;
/// Deviations of a command's own bumps from which on one is a move.
const COMMANDED: f64 = 2.5;
/// Moves of a command, of those from the most alike opening, that tell what a drive answers.
const ALIKE: usize = 100;
/// Share of its usual greatest value above which a machine's reading says that it runs.
const AT_WORK: f64 = 0.1;

/// A power, speed or flow, and where it jumps away and back.
#[derive(Debug)]
pub(crate) struct Drive<'a> {
    /// Its values, NaN for none.
    pub(crate) values: &'a [f64],
    /// What it measures: only those of one quantity, and of one water, add up.
    pub(crate) quantity: (Quantity, Option<Medium>),
    /// The name of its machine without numbers.
    pub(crate) machine: String,
    /// Of the whole plant, not of one machine.
    pub(crate) of_plant: bool,
    /// What its unit is in the one in which such values add up; none of what does not add up.
    pub(crate) factor: Option<f64>,
    /// Its usual greatest value.
    pub(crate) high: f64,
    /// Standard deviation of how far it lies above the mean of its neighbours, where it is of no jump.
    pub(crate) noise: f64,
    /// Rows at which it jumps.
    pub(crate) rows: Vec<usize>,
}

/// What `noise` of a [`Drive`] is: robust, of rows spread over the whole column.
#[must_use]
pub(crate) fn noise_of(values: &[f64]) -> f64 {
    let every = values.len().div_ceil(NOISE_ROWS).max(1);
    let triples = values.windows(3).step_by(every).filter_map(|three| match three {
        [before, now, after] => Some((now - (before + after) / 2.0).abs()),
        _ => None,
    });
    let mut bumps: Vec<f64> = triples.filter(|bump| *bump > 0.0).collect();
    median(&mut bumps).map_or(0.0, |median| MAD_TO_SIGMA * median)
}

/// A value and the mean of its neighbours; none where one of the three is missing.
fn around(values: &[f64], row: usize) -> Option<(f64, f64)> {
    let at = |row: Option<usize>| row.and_then(|row| values.get(row)).filter(|value| !value.is_nan());
    let mean = (at(row.checked_sub(1))? + at(row.checked_add(1))?) / 2.0;
    Some((*at(Some(row))?, mean))
}

/// Whether a command moves away and back at a row, by more than it mostly does.
pub(crate) fn moves(values: &[f64], row: usize) -> bool {
    around(values, row).is_some_and(|(value, mean)| (value - mean).abs() > COMMANDED * noise_of(values))
}

/// Whether a jump at a row is the answer to a command: the half of it at least is what such a move of the command mostly makes, where
/// that stands about as far open (a fan's power grows faster than its valve opens).
pub(crate) fn answers(values: &[f64], command: &[f64], row: usize) -> bool {
    let bump = |values: &[f64], row: usize| around(values, row).map(|(value, mean)| value - mean);
    let (Some(jump), Some((now, mean))) = (bump(values, row), around(command, row)) else { return false };
    let least_move = SHOWN * noise_of(command);
    let gain = |(at, three): (usize, &[f64])| {
        // From closed or to closed it starts or stops.
        let moved = bump(command, at).filter(|by| by.abs() > least_move && three.iter().all(|value| *value > 0.0))?;
        Some(((around(command, at)?.1 - mean).abs(), bump(values, at)? / moved))
    };
    let mut near: Vec<(f64, f64)> = (1..).zip(command.windows(3)).filter_map(gain).collect();
    near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut gains: Vec<f64> = near.into_iter().take(ALIKE).map(|(_, gain)| gain).collect();
    median(&mut gains).is_some_and(|gain| gain * (now - mean) * jump.signum() >= SHOWN * jump.abs())
}

impl Drive<'_> {
    /// How far it lies above the mean of its neighbours, in the unit in which such values add up.
    fn bump(&self, row: usize) -> Option<f64> {
        let (value, mean) = around(self.values, row)?;
        Some((value - mean) * self.factor?)
    }

    /// The same as a share of that mean; none where it does not run. Of air as it is, for it has no zero.
    fn share(&self, row: usize) -> Option<f64> {
        let (value, mean) = around(self.values, row)?;
        if self.quantity.0 == Quantity::AirTemperature {
            return Some(value - mean);
        }
        (mean > AT_WORK * self.high && mean > 0.0).then_some((value - mean) / mean)
    }

    fn is_peer_of(&self, other: &Self) -> bool {
        !std::ptr::eq(self, other)
            && !self.of_plant
            && !other.of_plant
            && (self.quantity, &self.machine) == (other.quantity, &other.machine)
    }
}

/// The rows of jumps that are the plant's.
#[must_use]
pub(crate) fn of_plant(drives: &[Drive<'_>]) -> HashSet<usize> {
    let adds_up = |drive: &&Drive<'_>| !drive.of_plant && drive.quantity.0 != Quantity::AirTemperature;
    let mut rows: Vec<usize> = drives.iter().filter(adds_up).flat_map(|drive| &drive.rows).copied().collect();
    rows.sort_unstable();
    let twice = rows.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).filter_map(|same| same.first().copied());
    let mut shared: HashSet<usize> = twice.collect();
    for drive in drives {
        // The same fan's speed and the same weather move air handlers together: only those that are alike are asked.
        let is_shared = |row: &usize| peers_show(drives, drive, *row) || sums_show(drives, drive, *row);
        shared.extend(drive.rows.iter().copied().filter(is_shared));
    }
    shared
}

/// Whether other machines of the kind show a jump.
fn peers_show(drives: &[Drive<'_>], drive: &Drive<'_>, row: usize) -> bool {
    let Some(jump) = drive.share(row) else { return false };
    let peers = drives.iter().filter(|other| other.is_peer_of(drive));
    let mut shares: Vec<f64> = peers.filter_map(|other| other.share(row)).collect();
    median(&mut shares).is_some_and(|share| share * jump.signum() >= SHOWN * jump.abs())
}

/// Whether the total shows a machine's jump, or machines that of a total.
fn sums_show(drives: &[Drive<'_>], drive: &Drive<'_>, row: usize) -> bool {
    // How far they lie above their neighbours together, and what of it is noise.
    let sum = |of_plant: bool| {
        let same = drives.iter().filter(|other| other.of_plant == of_plant && other.quantity == drive.quantity);
        let bumps = same.filter_map(|drive| Some((drive.bump(row)?, (drive.noise * drive.factor?).powi(2))));
        bumps.fold(None, |sum: Option<(f64, f64)>, (bump, variance)| {
            let (bumps, variances) = sum.unwrap_or_default();
            Some((bumps + bump, variances + variance))
        })
    };
    let (Some(jump), Some(total), Some(machines)) = (drive.bump(row), sum(true), sum(false)) else { return false };
    let (witness, variance) = if drive.of_plant { machines } else { total };
    let added_up = (total.0 - machines.0).abs() < ADDED_UP * jump.abs();
    // Half of a jump that is no larger than its noise, a witness shows by chance.
    let is_heard = SHOWN * jump.abs() > HEARD * variance.sqrt();
    !added_up && is_heard && witness * jump.signum() >= SHOWN * jump.abs()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn power<'a>(values: &'a [f64], of_plant: bool, rows: &[usize]) -> Drive<'a> {
        let (quantity, machine) = ((Quantity::Power, None), "CH_".to_owned());
        Drive { values, quantity, machine, of_plant, factor: Some(1.0), high: 100.0, noise: 0.0, rows: rows.to_vec() }
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
        let total = [131.0, 188.0, 131.0];
        let loud = Drive { noise: 15.1, ..power(&total, true, &[]) };
        assert_eq!(rows(&[power(&chiller, false, &[1]), loud]), [0_usize; 0], "30 kW are two of its deviations");
    }

    /// Every other value is 2 higher: each lies 2 from the mean of its neighbours; 1.4826 · 2.
    #[test]
    fn noise_is_what_a_value_lies_beside_its_neighbours() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i % 2) * 2.0).chain([f64::NAN]).collect();
        assert!((noise_of(&values) - 2.9652).abs() < 1e-9);
        assert_eq!(noise_of(&[1.0; 50]), 0.0);
    }

    /// A valve that steps by 2 each sample has bumps of 2, σ = 2.97: 8 more at 50 are 2.7 of it, 7 more at 71 are 2.4.
    #[test]
    fn a_command_moves_when_it_does_more_than_it_mostly_does() {
        let mut valve: Vec<f64> = (0..100).map(|i| 40.0 + f64::from(i % 2) * 2.0).collect();
        (valve[50], valve[71]) = (50.0, 47.0);
        assert_eq!([50, 51, 71, 80].map(|row| moves(&valve, row)), [true, false, false, false]);
        assert!(!moves(&valve, 0) && !moves(&valve, 99), "it has one neighbour");
    }

    /// A valve swings by 2 % (bumps of 2) and its fan by 0.2 kW with it, 0.1 kW a %; then it stands open for three times as long, and
    /// the fan is quiet. Where the valve moves by 4 more (a bump of 6, so 0.6 kW) a fan's jump of 1 kW is its answer; one of 1.3 kW, or
    /// one against it, or one of a fan that knows no valve, is not.
    #[test]
    fn a_fan_answers_its_valve() {
        let swing = |i: usize| if i < 100 { (i % 2) as f64 } else { 0.0 };
        let mut valve: Vec<f64> = (0..400).map(|i| 40.0 + 2.0 * swing(i)).collect();
        let fan: Vec<f64> = (0..400).map(|i| 10.0 + 0.2 * swing(i)).collect();
        valve[51] += 4.0;
        let with = |fan: &[f64], jump: f64| {
            let mut fan = fan.to_vec();
            fan[51] = 10.0 + jump;
            answers(&fan, &valve, 51)
        };
        assert_eq!([1.0, 1.3, -1.0].map(|jump| with(&fan, jump)), [true, false, false]);
        assert!(!with(&[10.0; 400], 1.0));
        assert!(!answers(&fan, &[40.0; 400], 51), "a valve that never moves says nothing");
    }

    #[test]
    fn machines_are_the_witness_of_a_total_and_of_each_other() {
        let (still, up) = ([20.0, 20.5, 20.0], [20.0, 60.0, 20.0]);
        let total = [131.0, 175.0, 131.0];
        assert_eq!(rows(&[power(&up, false, &[]), power(&total, true, &[1])]), [1]);
        assert_eq!(rows(&[power(&still, false, &[]), power(&total, true, &[1])]), [0_usize; 0]);
        assert_eq!(rows(&[power(&up, false, &[1]), power(&up, false, &[1])]), [1]);
        let speed = Drive { quantity: (Quantity::Speed, None), factor: None, ..power(&up, false, &[1]) };
        assert_eq!(rows(&[speed, power(&total, true, &[])]), [0_usize; 0]);
    }

    /// One of three pumps dips by 3 Hz of 38. The others do by 2.5, which is no jump of theirs; or by 1; or they stand.
    #[test]
    fn pumps_that_are_controlled_together_dip_together() {
        let dip = |low: f64| [38.0, low, 38.0];
        let with = |others: [[f64; 3]; 2]| {
            let of = |values, rows: &[usize]| Drive {
                quantity: (Quantity::Speed, None),
                machine: "CHP_".to_owned(),
                factor: None,
                high: 50.0,
                ..power(values, false, rows)
            };
            let one = dip(35.0);
            rows(&[of(&one, &[1]), of(&others[0], &[]), of(&others[1], &[])])
        };
        assert_eq!(with([dip(35.5), dip(35.4)]), [1]);
        assert_eq!(with([dip(37.0), dip(37.1)]), [0_usize; 0]);
        assert_eq!(with([[0.0; 3], [0.0; 3]]), [0_usize; 0]);
        assert_eq!(with([[0.0; 3], dip(35.5)]), [1]);
    }

    /// Supply air of one handler rises by 0.5 K for a sample. That of the two beside it does by 0.4 and 0.3, or not at all.
    #[test]
    fn air_handlers_swing_together() {
        let of = |values, rows: &[usize]| Drive {
            quantity: (Quantity::AirTemperature, None),
            machine: "AHU_SAT".to_owned(),
            factor: None,
            high: 0.0,
            ..power(values, false, rows)
        };
        let (own, near, far) = ([15.0, 15.5, 15.0], [14.0, 14.4, 14.0], [16.0, 16.3, 16.0]);
        assert_eq!(rows(&[of(&own, &[1]), of(&near, &[]), of(&far, &[])]), [1]);
        let still = [15.0, 15.1, 15.0];
        assert_eq!(rows(&[of(&own, &[1]), of(&still, &[]), of(&still, &[])]), [0_usize; 0]);
    }
}
