//! What the plant has been seen to do: from it, and from laws that hold for every coil and chiller, what it can do.
//!
//! History never shows a load that was not met, so no regression can tell where that begins. But it shows loads
//! that were met, and three laws carry them over: more water takes up no less; a share of the water takes up at
//! least that share (heat rises less than in proportion to flow, and from nothing), and more than it the farther the
//! water was from being as warm as the air; and what a coil takes up goes with the difference between air and water.
//! A setting is proved when several rows prove it by themselves.

use serde::{Deserialize, Serialize};

/// Rows that must prove a setting: one alone may be a bad reading.
pub(crate) const WITNESSES: usize = 3;
/// The coldest air that the coils meet, °C: warmer water is assumed to lose the share of its difference to it. The
/// colder this is taken, the more cautious.
const COIL_AIR_C: f64 = 23.0;
/// How a coil's conductance falls with its water: with this power of the flow where the water's side is all of it
/// (turbulent flow in tubes; Dittus, Boelter 1930), with a lower one where the air's side counts.
const CONDUCTANCE_POWER: f64 = 0.8;
/// The most that a chiller's capacity rises for a K of warmer water, with some to spare (DOE-2's curves: 0.026).
const CAPACITY_PER_K: f64 = 0.04;
/// Loads nearer than this share to one at which another number of machines ran may bring that number back.
const STAGING_MARGIN: f64 = 0.01;

/// A row of history, in its own units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Precedent {
    /// Machines that ran.
    pub(crate) machines: f64,
    /// Load that was met, all machines.
    pub(crate) load: f64,
    /// Chilled-water supply temperature, °C; 0 throughout when it is not known.
    pub(crate) supply_c: f64,
    /// Chilled-water pumps that ran × their speed, Hz; 1 throughout when it is not known.
    pub(crate) chw_hz: f64,
    /// The same of secondary pumps.
    pub(crate) scp_hz: f64,
    /// How much warmer the chilled water came back, K; 0 where that is not known.
    #[serde(default)]
    pub(crate) rise_k: f64,
}

/// The rows that prove the most.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Precedents {
    /// High loads met with warm and little water: what the coils can do.
    pub(crate) coils: Vec<Precedent>,
    /// High loads for each machine at cold water: what the chillers can do.
    pub(crate) chillers: Vec<Precedent>,
    /// Highest loads for each number of machines: below them one machine may be stopped.
    pub(crate) highest: Vec<Precedent>,
    /// Lowest loads for each number of machines: above them one machine may be started.
    pub(crate) lowest: Vec<Precedent>,
}

impl Precedents {
    /// Those of all rows that can ever be among the [`WITNESSES`] best.
    #[must_use]
    pub(crate) fn of(rows: &[Precedent]) -> Self {
        Self {
            coils: frontier(rows, |row| [row.load, row.supply_c, -row.chw_hz, -row.scp_hz]),
            chillers: frontier(rows, |row| [row.load / row.machines, -row.supply_c, 0.0, 0.0]),
            highest: by_machines(rows, |row| [row.load, -row.supply_c, 0.0, 0.0]),
            lowest: by_machines(rows, |row| [-row.load, row.supply_c, 0.0, 0.0]),
        }
    }

    /// Load that the coils are proved to take up with that water.
    #[must_use]
    pub(crate) fn coil_load(&self, wanted: &Precedent) -> f64 {
        let difference = |supply_c: f64| (COIL_AIR_C - supply_c).max(0.1);
        let share = |wanted: f64, seen: f64| if seen > 0.0 { (wanted / seen).min(1.0) } else { 1.0 };
        let proofs = self.coils.iter().map(|row| {
            let warmer = share(difference(wanted.supply_c), difference(row.supply_c));
            let water = share(wanted.chw_hz, row.chw_hz) * share(wanted.scp_hz, row.scp_hz);
            row.load * warmer * taken_up(water, row.rise_k / difference(row.supply_c))
        });
        nth_largest(proofs)
    }

    /// As few machines as have carried that load; as many as there are when none has, 1 without history.
    #[must_use]
    pub(crate) fn machines_for(&self, load: f64) -> f64 {
        let mut counts: Vec<f64> = self.highest.iter().map(|row| row.machines).collect();
        counts.sort_unstable_by(f64::total_cmp);
        counts.dedup();
        let carried = |count: &f64| {
            let rows = self.highest.iter().filter(|row| row.machines == *count && row.load >= load);
            rows.count() >= WITNESSES
        };
        counts.iter().copied().find(carried).or(counts.last().copied()).unwrap_or(1.0)
    }

    /// Whether machines have carried that load each with water at least that cold.
    #[must_use]
    pub(crate) fn chillers_can(&self, wanted: &Precedent) -> bool {
        let each = wanted.load / wanted.machines;
        let proofs =
            self.chillers.iter().filter(|row| row.load / row.machines >= each && row.supply_c <= wanted.supply_c);
        proofs.count() >= WITNESSES
    }

    /// Whether as many machines would still run with that water: no fewer have carried that load, nor more a lower
    /// one, even if the water's temperature moved the chillers' capacity by the most that it can.
    #[must_use]
    pub(crate) fn machines_stay(&self, wanted: &Precedent) -> bool {
        let fewer = self.highest.iter().filter(|row| {
            let gain = 1.0 + CAPACITY_PER_K * (wanted.supply_c - row.supply_c).max(0.0);
            row.machines < wanted.machines - 0.5 && row.load * gain * (1.0 + STAGING_MARGIN) >= wanted.load
        });
        let more = self.lowest.iter().filter(|row| {
            let loss = 1.0 - CAPACITY_PER_K * (row.supply_c - wanted.supply_c).max(0.0);
            row.machines > wanted.machines + 0.5 && row.load * loss * (1.0 - STAGING_MARGIN) <= wanted.load
        });
        fewer.count() < WITNESSES && more.count() < WITNESSES
    }
}

/// Share of the heat that a coil takes up with that share of its water, when its water was warmed by `effectiveness`
/// of the difference to the air: ε = 1 − e^−NTU of an exchanger whose air keeps its temperature (Kays, London), NTU
/// rising as the flow falls. Never less than the share of the water.
fn taken_up(water: f64, effectiveness: f64) -> f64 {
    if !(0.01..0.95).contains(&effectiveness) || water <= 0.0 {
        return water;
    }
    let units = -(1.0 - effectiveness).ln();
    let fewer = 1.0 - (-units * water.powf(CONDUCTANCE_POWER - 1.0)).exp();
    (water * fewer / effectiveness).clamp(water, 1.0)
}

/// The [`WITNESSES`]th largest; 0 when there are fewer.
fn nth_largest(values: impl Iterator<Item = f64>) -> f64 {
    let mut best = [0.0_f64; WITNESSES];
    for value in values {
        let mut value = value;
        for slot in &mut best {
            if value > *slot {
                std::mem::swap(&mut value, slot);
            }
        }
    }
    let [.., least] = best;
    least
}

/// Rows that fewer than [`WITNESSES`] others equal or pass in every measure.
fn frontier(rows: &[Precedent], measures: impl Fn(&Precedent) -> [f64; 4]) -> Vec<Precedent> {
    let mut sorted: Vec<([f64; 4], Precedent)> = rows.iter().map(|row| (measures(row), *row)).collect();
    sorted.sort_by(|a, b| {
        let order = a.0.iter().zip(&b.0).map(|(a, b)| b.total_cmp(a));
        order.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    let mut kept: Vec<([f64; 4], Precedent)> = Vec::new();
    for (measure, row) in sorted {
        // Whatever passes this row has been looked at; and if it was not kept, others pass both.
        let passed = kept.iter().filter(|(other, _)| other.iter().zip(&measure).all(|(other, own)| other >= own));
        if passed.take(WITNESSES).count() < WITNESSES {
            kept.push((measure, row));
        }
    }
    kept.into_iter().map(|(_, row)| row).collect()
}

fn by_machines(rows: &[Precedent], measures: impl Fn(&Precedent) -> [f64; 4] + Copy) -> Vec<Precedent> {
    let mut counts: Vec<f64> = rows.iter().map(|row| row.machines).collect();
    counts.sort_unstable_by(f64::total_cmp);
    counts.dedup();
    let of = |count: f64| rows.iter().filter(move |row| row.machines == count).copied().collect::<Vec<_>>();
    counts.into_iter().flat_map(|count| frontier(&of(count), measures)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(machines: f64, load: f64, supply_c: f64, chw_hz: f64) -> Precedent {
        Precedent { machines, load, supply_c, chw_hz, scp_hz: 1.0, rise_k: 0.0 }
    }

    fn thrice(row: Precedent) -> [Precedent; 3] {
        [row; 3]
    }

    /// 1000 RT with 100 Hz of water at 7 °C, seen three times.
    #[test]
    fn what_was_done_can_be_done_and_shares_of_it() {
        let seen = Precedents::of(&thrice(row(2.0, 1000.0, 7.0, 100.0)));
        assert_eq!(seen.coil_load(&row(2.0, 0.0, 7.0, 100.0)), 1000.0);
        // More or colder water: no less.
        assert_eq!(seen.coil_load(&row(2.0, 0.0, 6.0, 120.0)), 1000.0);
        // Half of the water: half.
        assert!((seen.coil_load(&row(2.0, 0.0, 7.0, 50.0)) - 500.0).abs() < 1e-9);
        // 15 °C instead of 7 °C under air of 23 °C: half of the difference.
        assert!((seen.coil_load(&row(2.0, 0.0, 15.0, 100.0)) - 500.0).abs() < 1e-9);
    }

    /// Water warmed by 4 K under air 16 K warmer: ε = ¼, NTU = ln(4/3) = 0.28768. Half of the water: NTU·2^0.2 = 0.33046,
    /// ε = 0.28141, so 0.5·0.28141/0.25 = 0.56281 of the heat. Water as warm as the air takes up its share.
    #[test]
    fn a_coil_that_warms_its_water_little_loses_less_than_its_water() {
        let with_rise = |rise_k| {
            let seen = Precedents::of(&thrice(Precedent { rise_k, ..row(2.0, 1000.0, 7.0, 100.0) }));
            seen.coil_load(&row(2.0, 0.0, 7.0, 50.0))
        };
        assert!((with_rise(4.0) - 562.81).abs() < 0.05, "{}", with_rise(4.0));
        assert!((with_rise(15.9) - 500.0).abs() < 1e-9 && (with_rise(0.0) - 500.0).abs() < 1e-9);
    }

    #[test]
    fn one_reading_proves_nothing() {
        let mut rows = thrice(row(2.0, 1000.0, 7.0, 100.0)).to_vec();
        rows.push(row(2.0, 9000.0, 7.0, 50.0));
        assert_eq!(Precedents::of(&rows).coil_load(&row(2.0, 0.0, 7.0, 100.0)), 1000.0);
    }

    #[test]
    fn water_is_made_no_colder_than_it_was_at_such_a_load() {
        let seen = Precedents::of(&thrice(row(2.0, 1000.0, 6.5, 100.0)));
        assert!(seen.chillers_can(&row(2.0, 1000.0, 6.5, 100.0)) && seen.chillers_can(&row(2.0, 900.0, 7.0, 100.0)));
        assert!(!seen.chillers_can(&row(2.0, 1000.0, 6.0, 100.0)) && !seen.chillers_can(&row(1.0, 900.0, 7.0, 50.0)));
    }

    /// One machine was seen up to 480 RT, two from 520 RT up, at 7 °C: between and near them nobody knows.
    #[test]
    fn machines_neither_stop_nor_start() {
        let mut rows = thrice(row(1.0, 480.0, 7.0, 50.0)).to_vec();
        rows.extend(thrice(row(2.0, 520.0, 7.0, 80.0)));
        let seen = Precedents::of(&rows);
        assert!(seen.machines_stay(&row(1.0, 450.0, 7.0, 50.0)) && seen.machines_stay(&row(2.0, 520.0, 7.0, 80.0)));
        // Water 3 K warmer may let one machine carry 480·1.12 = 538 RT, and 3 K colder two start at 520·0.88 = 458.
        assert!(!seen.machines_stay(&row(2.0, 520.0, 10.0, 80.0)) && seen.machines_stay(&row(2.0, 560.0, 10.0, 80.0)));
        assert!(!seen.machines_stay(&row(1.0, 470.0, 4.0, 50.0)) && seen.machines_stay(&row(1.0, 440.0, 4.0, 50.0)));
        assert_eq!((seen.machines_for(400.0), seen.machines_for(500.0), seen.machines_for(900.0)), (1.0, 2.0, 2.0));
    }
}
