//! The best that a machine has shown under like conditions: the lowest tenth of its kW/RT in each bin.
//!
//! Bins are tenths of full load by 2 K of lift (where there is one). Energy above it is what the machine need not have
//! used, by its own record: no maker's curve, no other machine.

use std::collections::BTreeMap;

use super::finding::EvidenceList;
use crate::sampling::quantile;

/// Width of a bin of lift, K.
const LIFT_BIN_K: f64 = 2.0;

/// One row at which power and load are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadedRow {
    /// Local day.
    pub(super) day: i32,
    /// Which row of the frame.
    pub(super) row: usize,
    /// Hours that it stands for.
    pub(super) hours: f64,
    /// Electric power.
    pub(super) power_kw: f64,
    /// Cooling.
    pub(super) load_rt: f64,
    /// Cooling as a share of full load.
    pub(super) share: f64,
    /// Lift; NaN where conditions are load alone.
    pub(super) lift_k: f64,
}

type Bin = (i64, i64);

fn bin(row: &LoadedRow) -> Bin {
    #[expect(clippy::cast_possible_truncation, reason = "a float-to-integer cast saturates")]
    let whole = |value: f64| value.floor() as i64;
    (whole(row.share * 10.0), if row.lift_k.is_nan() { 0 } else { whole(row.lift_k / LIFT_BIN_K) })
}

/// kW/RT of the best decile of each bin with enough rows.
#[derive(Debug)]
pub(super) struct BestDecile(BTreeMap<Bin, f64>);

impl BestDecile {
    /// Of all of a machine's rows.
    pub(super) fn of(rows: &[LoadedRow], like_rows: u32) -> Self {
        let mut bins: BTreeMap<Bin, Vec<f64>> = BTreeMap::new();
        for row in rows {
            bins.entry(bin(row)).or_default().push(row.power_kw / row.load_rt);
        }
        let enough = bins.into_iter().filter(|(_, all)| all.len() >= like_rows as usize);
        Self(enough.filter_map(|(bin, mut all)| Some((bin, quantile(&mut all, 0.1)?))).collect())
    }

    /// What these rows used above it, kWh, with the numbers it is made of; none where no row has a bin.
    pub(super) fn wasted_kwh<'r>(
        &self,
        rows: impl Iterator<Item = &'r LoadedRow>,
        evidence: &mut EvidenceList,
    ) -> Option<f64> {
        let (mut hours, mut used, mut best, mut cooling) = (0.0, 0.0, 0.0, 0.0);
        for row in rows {
            let Some(kw_per_rt) = self.0.get(&bin(row)) else { continue };
            hours += row.hours;
            used += row.power_kw * row.hours;
            cooling += row.load_rt * row.hours;
            best += kw_per_rt * row.load_rt * row.hours;
        }
        if hours <= 0.0 {
            return None;
        }
        evidence.add("hours_compared", hours, 2, "h");
        evidence.add("cooling", cooling, 1, "RTh");
        let used = evidence.add("energy_used", used, 1, "kWh");
        let best = evidence.add("energy_at_best_decile", best, 1, "kWh");
        Some(super::finding::rounded(used - best, 1).max(0.0))
    }
}

/// How that energy is computed, in words.
pub(super) const BASIS: &str = "energy_used − energy_at_best_decile, 0 when that is below: the best decile is the lowest \
                                tenth of its own kW/RT in the same bin of load (a tenth of full load) and lift (2 K)";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 21 rows of 100 RT at 0.60, 0.61 … 0.80 kW/RT: the best decile is 0.62; one hour at 0.80 wastes 18 kWh.
    #[test]
    fn energy_above_the_best_decile_adds_up() {
        let row = |n: u32| LoadedRow {
            day: 1,
            row: n as usize,
            hours: 1.0,
            power_kw: 60.0 + f64::from(n),
            load_rt: 100.0,
            share: 0.55,
            lift_k: 21.0,
        };
        let rows: Vec<LoadedRow> = (0..21).map(row).collect();
        let best = BestDecile::of(&rows, 20);
        let mut evidence = EvidenceList::default();
        assert_eq!(best.wasted_kwh(rows.iter().skip(20), &mut evidence), Some(18.0));
        let numbers: Vec<(&str, f64)> = evidence.0.iter().map(|e| (e.name.as_str(), e.value)).collect();
        assert_eq!(
            numbers,
            [("hours_compared", 1.0), ("cooling", 100.0), ("energy_used", 80.0), ("energy_at_best_decile", 62.0)]
        );
        assert_eq!(BestDecile::of(&rows, 22).wasted_kwh(rows.iter(), &mut evidence), None, "too few like rows");
        let mut elsewhere = rows.clone();
        elsewhere.iter_mut().for_each(|row| row.lift_k = 25.0);
        assert_eq!(best.wasted_kwh(elsewhere.iter(), &mut evidence), None, "no row of like lift");
    }
}
