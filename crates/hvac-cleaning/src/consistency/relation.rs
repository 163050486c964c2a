//! Laws between sensors: what each says of the others, and how a fault of one shows.
//!
//! Every law has a residual that is 0 when all its sensors are right: in K where temperatures are compared, as a
//! logarithm of a ratio (so a share of the reading) where flows and powers are. Its gradient says how much an error of
//! one member – 1 K, or 1 (that is, 100 %) of the reading – moves it.
//!
//! Sources: ρ·V̇·cp·ΔT and the plant's balance HVAC.md §4; mixing of streams is conservation of energy; P ∝ fⁿ the
//! affinity laws; wet-bulb ASHRAE Fundamentals 2017 ch. 1.

use hvac_points::physics::water_heat_kw;

use super::wet_bulb::WetBulbs;

/// Least ΔT that says how much heat it is, K.
pub(super) const LEAST_DELTA_K: f64 = 1.0;

/// Values at one instant, by slot.
pub(crate) type Row<'a> = &'a dyn Fn(usize) -> f64;

/// What a law says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Law {
    /// The first is the second, K.
    Same,
    /// The first is the others' mean by flow, K: those whose machine runs (slots, one a stream), by these flows (slots; an
    /// empty list weighs all alike).
    Mixed {
        /// Whether each stream flows.
        runs: Vec<usize>,
        /// Flow of each stream.
        flows: Vec<usize>,
    },
    /// The first is proportional to the second, share.
    Ratio,
    /// The first is the second to this power, times a constant, share.
    Power(f64),
    /// The first is the sum of the others, share. Of those whose machine runs.
    Sum,
    /// Return, supply, heat, flow and powers that heat the water besides: ΔT is heat ÷ flow, K.
    Heat,
    /// Heat, then flow, return and supply of each train: they add up to it, K of their mixed ΔT.
    Trains,
    /// Wet-bulb, dry-bulb and humidity belong together, K.
    WetBulb,
    /// A chiller's power follows from its flow, return, supply and leaving condenser water, share: see [`super::own_curve`].
    Curve {
        /// Logarithm of its usual heat, kW.
        centre: f64,
        /// Of the logarithm of the heat from there on, its square, and the lift in K.
        slopes: [f64; 3],
    },
}

/// One law of certain sensors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Relation {
    /// What it says.
    pub(crate) law: Law,
    /// Slots of its sensors, in the law's order.
    pub(crate) members: Vec<usize>,
    /// Slots of states that must all be on.
    pub(crate) gates: Vec<usize>,
    /// Whether its residual is 0 by nature; otherwise its own constant is learnt.
    pub(crate) exact: bool,
    /// How much it counts against a sensor: 1 for a law of nature, less for what machines usually do.
    pub(crate) strength: f64,
    /// Least noise that is believed, K or share.
    pub(crate) least_noise: f64,
    /// In words, such as `flow × ΔT against CH_SYS_RT`.
    pub(crate) words: String,
}

impl Relation {
    /// Whether its residual is in K.
    #[must_use]
    pub(crate) fn in_kelvin(&self) -> bool {
        !matches!(self.law, Law::Ratio | Law::Power(_) | Law::Sum | Law::Curve { .. })
    }

    /// Residual at one instant, NaN where it says nothing; `gradient` (one a member) is filled when it is wanted.
    pub(crate) fn residual(&self, row: Row<'_>, wet: &WetBulbs, gradient: Option<&mut [f64]>) -> f64 {
        if self.gates.iter().any(|gate| row(*gate).is_nan() || row(*gate) <= 0.5) {
            return f64::NAN;
        }
        let mut nothing = [];
        let gradient = gradient.unwrap_or(&mut nothing);
        match &self.law {
            Law::Same => {
                put(gradient, [1.0, -1.0]);
                self.value(0, row) - self.value(1, row)
            }
            Law::Ratio => {
                put(gradient, [1.0, -1.0]);
                ln(self.value(0, row)) - ln(self.value(1, row))
            }
            Law::Power(exponent) => {
                put(gradient, [1.0, -exponent]);
                ln(self.value(0, row)) - exponent * ln(self.value(1, row))
            }
            Law::Sum => self.sum(row, gradient),
            Law::Mixed { runs, flows } => self.mixed(row, runs, flows, gradient),
            Law::Heat => self.heat(row, gradient),
            Law::Trains => self.trains(row, gradient),
            Law::Curve { centre, slopes } => self.curve(row, *centre, *slopes, gradient),
            Law::WetBulb => {
                let (wet_c, dry_c, humidity) = (self.value(0, row), self.value(1, row), self.value(2, row));
                let (expected, by_dry, by_humidity) = wet.at(dry_c, humidity);
                put(gradient, [1.0, -by_dry, -by_humidity]);
                // Beyond the table, which holds all air there is, the dry-bulb is none.
                if expected.is_nan() && !humidity.is_nan() { wet_c - dry_c } else { wet_c - expected }
            }
        }
    }

    fn value(&self, place: usize, row: Row<'_>) -> f64 {
        self.members.get(place).map_or(f64::NAN, |slot| row(*slot))
    }

    fn sum(&self, row: Row<'_>, gradient: &mut [f64]) -> f64 {
        let whole = self.value(0, row);
        let parts = || self.members.iter().skip(1).map(|slot| row(*slot));
        let sum: f64 = parts().map(at_least_0).sum();
        for (slot, part) in gradient.iter_mut().skip(1).zip(parts()) {
            *slot = -at_least_0(part) / sum;
        }
        put(gradient, [1.0]);
        ln(whole) - ln(sum)
    }

    fn mixed(&self, row: Row<'_>, runs: &[usize], flows: &[usize], gradient: &mut [f64]) -> f64 {
        let (mut all, mut heat) = (0.0, 0.0);
        let weight = |place: usize| {
            let on = runs.get(place).is_some_and(|slot| row(*slot) > 0.5);
            if on { flows.get(place).map_or(1.0, |slot| row(*slot)) } else { 0.0 }
        };
        for (place, slot) in self.members.iter().skip(1).enumerate() {
            let flow = weight(place);
            if flow != 0.0 {
                (all, heat) = (all + flow, heat + flow * row(*slot));
            }
        }
        for (place, slot) in gradient.iter_mut().skip(1).enumerate() {
            *slot = -weight(place) / all;
        }
        put(gradient, [1.0]);
        if all > 0.0 { self.value(0, row) - heat / all } else { f64::NAN }
    }

    fn heat(&self, row: Row<'_>, gradient: &mut [f64]) -> f64 {
        let (back, supply) = (self.value(0, row), self.value(1, row));
        let (heat_kw, flow) = (self.value(2, row), self.value(3, row));
        let per_k = water_heat_kw(flow, 1.0);
        let extra: f64 = self.members.iter().skip(4).map(|slot| at_least_0(row(*slot))).sum();
        let expected_k = (heat_kw + extra) / per_k;
        put(gradient, [1.0, -1.0, -heat_kw / per_k, expected_k]);
        for (slot, member) in gradient.iter_mut().zip(&self.members).skip(4) {
            *slot = -at_least_0(row(*member)) / per_k;
        }
        if per_k > 0.0 && heat_kw > 0.0 { back - supply - expected_k } else { f64::NAN }
    }

    fn trains(&self, row: Row<'_>, gradient: &mut [f64]) -> f64 {
        let heat_kw = self.value(0, row);
        let (mut flow, mut carried) = (0.0, 0.0);
        let trains = || self.members.get(1..).unwrap_or(&[]).as_chunks::<3>().0.iter();
        for [f, back, supply] in trains() {
            let own = at_least_0(row(*f));
            if own != 0.0 {
                (flow, carried) = (flow + own, carried + own * (row(*back) - row(*supply)));
            }
        }
        if !(flow > 0.0 && heat_kw > 0.0) {
            return f64::NAN;
        }
        let expected_k = heat_kw / water_heat_kw(flow, 1.0);
        put(gradient, [-expected_k]);
        let slots = gradient.get_mut(1..).unwrap_or(&mut []).as_chunks_mut::<3>().0.iter_mut();
        for (slots, [f, back, supply]) in slots.zip(trains()) {
            let share = at_least_0(row(*f)) / flow;
            let own_k = if share > 0.0 { row(*back) - row(*supply) } else { 0.0 };
            *slots = [share * (own_k - carried / flow + expected_k), share, -share];
        }
        carried / flow - expected_k
    }

    fn curve(&self, row: Row<'_>, centre: f64, [heat, square, lift]: [f64; 3], gradient: &mut [f64]) -> f64 {
        let value = |place: usize| self.value(place, row);
        let (power, flow, back, supply, condenser) = (value(0), value(1), value(2), value(3), value(4));
        let delta_k = back - supply;
        let more = ln(water_heat_kw(flow, delta_k)) - centre;
        let slope = heat + 2.0 * square * more;
        put(gradient, [1.0, -slope, -slope / delta_k, slope / delta_k + lift, -lift]);
        let expected = more * (heat + square * more) + lift * (condenser - supply);
        if delta_k > LEAST_DELTA_K { ln(power) - expected } else { f64::NAN }
    }
}

fn put<const N: usize>(gradient: &mut [f64], values: [f64; N]) {
    gradient.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
}

/// Transmitters read a little below nothing; what is not known stays so.
fn at_least_0(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}

fn ln(value: f64) -> f64 {
    if value > 0.0 { value.ln() } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;
    use hvac_points::physics::STANDARD_PRESSURE_PA;

    fn relation(law: Law, members: usize) -> Relation {
        let members = (0..members).collect();
        Relation { law, members, gates: vec![], exact: true, strength: 1.0, least_noise: 0.05, words: String::new() }
    }

    /// The gradient is what the residual does when a member is a little off: 0.01 K, or a ten-thousandth of the reading.
    #[test]
    fn gradients_are_those_of_the_residuals() {
        let wet = WetBulbs::new((0.0, 40.0), STANDARD_PRESSURE_PA);
        let cases: Vec<(Relation, Vec<f64>, Vec<bool>)> = vec![
            (relation(Law::Same, 2), vec![7.0, 7.4], vec![true; 2]),
            (relation(Law::Ratio, 2), vec![30.0, 29.0], vec![false; 2]),
            (relation(Law::Power(3.1), 2), vec![30.0, 50.0], vec![false; 2]),
            (relation(Law::Sum, 3), vec![300.0, 250.0, 60.0], vec![false; 3]),
            (
                relation(Law::Mixed { runs: vec![3, 3], flows: vec![4, 5] }, 3),
                vec![7.0, 6.9, 7.6, 1.0, 3000.0, 2000.0],
                vec![true; 3],
            ),
            (relation(Law::Heat, 5), vec![12.0, 7.0, 900.0, 2600.0, 150.0], vec![true, true, false, false, false]),
            (
                relation(Law::Trains, 7),
                vec![1800.0, 2600.0, 12.0, 7.0, 2400.0, 12.1, 7.3],
                vec![false, false, true, true, false, true, true],
            ),
            (
                relation(Law::Curve { centre: 6.8, slopes: [0.9, 0.2, 0.025] }, 5),
                vec![150.0, 2600.0, 12.0, 7.0, 33.0],
                vec![false, false, true, true, true],
            ),
        ];
        for (relation, values, kelvin) in cases {
            let mut gradient = vec![0.0; relation.members.len()];
            let at = relation.residual(&|slot| values[slot], &wet, Some(&mut gradient));
            for (member, in_kelvin) in kelvin.iter().enumerate() {
                let step = if *in_kelvin { 0.01 } else { 1e-4 * values[member] };
                let moved = |slot: usize| if slot == member { values[slot] + step } else { values[slot] };
                let size = if *in_kelvin { 0.01 } else { 1e-4 };
                let slope = (relation.residual(&moved, &wet, None) - at) / size;
                assert!(
                    (slope - gradient[member]).abs() < 0.01 * (1.0 + slope.abs()),
                    "{:?} {member}: {slope} {gradient:?}",
                    relation.law
                );
            }
        }
    }

    /// 2600 L/min carry 900 kW at 900 / (2600 · 0.06956) = 4.976 K.
    #[test]
    fn heat_is_flow_times_difference() {
        let values = [12.0, 7.0, 900.0, 2600.0];
        let wet = WetBulbs::new((0.0, 40.0), STANDARD_PRESSURE_PA);
        let residual = relation(Law::Heat, 4).residual(&|slot| values[slot], &wet, None);
        assert!((residual - (5.0 - 4.9764)).abs() < 1e-3, "{residual}");
    }
}
