//! How the plant is run by hand: sensible, cautious, and dearer than it need be.
//!
//! Habits change from day to day and speeds wander, so that history tells the effect of one set-point from
//! that of another; without that nothing could be learnt from it.

use chrono::{NaiveDate, NaiveDateTime};

use super::plant::{Bounds, Conditions, Plant, SetPoints};
use super::rng::{Drift, Rng};

/// An operator, stepped through time.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    bounds: Bounds,
    hand: f64,
    rng: Rng,
    day: Option<NaiveDate>,
    habit: Habit,
    chw: Drift,
    cw: Drift,
    fan: Drift,
}

/// What a day's shift has in mind.
#[derive(Debug, Clone, Copy)]
struct Habit {
    chwst_k: f64,
    cw_hz: f64,
    fan_hz: f64,
}

impl Operator {
    /// An operator who acts every `step_hours`.
    #[must_use]
    pub(crate) fn new(bounds: Bounds, seed: u64, step_hours: f64) -> Self {
        Self::with_hand(bounds, seed, step_hours, 1.0)
    }

    /// An operator whose habits and wandering are `hand` times the usual; 0 is a controller that follows its curves.
    #[must_use]
    pub(crate) fn with_hand(bounds: Bounds, seed: u64, step_hours: f64, hand: f64) -> Self {
        let drift = |stream| Drift::new(Rng::new(seed, stream), 2.0, step_hours);
        Self {
            bounds,
            hand,
            rng: Rng::new(seed, "operator/habit"),
            day: None,
            habit: Habit { chwst_k: 0.0, cw_hz: 0.0, fan_hz: 0.0 },
            chw: drift("operator/chw"),
            cw: drift("operator/cw"),
            fan: drift("operator/fan"),
        }
    }

    /// The set-points at local time `at`, in bounds and in steps of 0.1 Hz and 0.1 K.
    ///
    /// Chilled water is reset from 7 to 8.5 °C in cool weather; its pumps run a few Hz faster than the coils
    /// need; condenser pumps stay near 52 Hz; fans speed up with the wet-bulb.
    pub(crate) fn step(&mut self, at: NaiveDateTime, conditions: &Conditions, plant: &Plant) -> SetPoints {
        self.step_with(at, conditions, plant, |chwst_c| plant.trains_for(conditions.load_kw, chwst_c))
    }

    /// The same when it is known how many trains run at a chilled-water set-point.
    pub(crate) fn step_with(
        &mut self,
        at: NaiveDateTime,
        conditions: &Conditions,
        plant: &Plant,
        trains: impl FnOnce(f64) -> u32,
    ) -> SetPoints {
        if self.day != Some(at.date()) {
            self.day = Some(at.date());
            self.habit = Habit {
                chwst_k: self.hand * 0.5 * self.rng.between(-1.5, 1.5).round(),
                cw_hz: self.hand * self.rng.between(-8.0, 6.0).round(),
                fan_hz: self.hand * self.rng.between(-8.0, 6.0).round(),
            };
        }
        let reset_k = 1.5 * ((26.0 - conditions.dry_bulb_c) / 8.0).clamp(0.0, 1.0);
        let chwst_c = tenths(7.0 + reset_k + self.habit.chwst_k, self.bounds.low.chwst_c, self.bounds.high.chwst_c);
        let (low, high) = (&self.bounds.low, &self.bounds.high);
        let needed_hz =
            needed_chw_hz(plant, trains(chwst_c), conditions.load_kw, chwst_c, (low.chw_pump_hz, high.chw_pump_hz));
        let fan_hz = 40.0 + 1.3 * (conditions.wet_bulb_c - 18.0);
        SetPoints {
            chwst_c,
            chw_pump_hz: tenths(needed_hz + 4.5 + self.hand * 1.5 * self.chw.step(), low.chw_pump_hz, high.chw_pump_hz),
            cw_pump_hz: tenths(
                52.0 + self.habit.cw_hz + self.hand * 1.2 * self.cw.step(),
                low.cw_pump_hz,
                high.cw_pump_hz,
            ),
            tower_fan_hz: tenths(
                fan_hz + self.habit.fan_hz + self.hand * 2.0 * self.fan.step(),
                low.tower_fan_hz,
                high.tower_fan_hz,
            ),
        }
    }
}

/// What a differential-pressure controller settles at: the least speed, in whole Hz, with which the coils
/// take the load; the highest when none does.
fn needed_chw_hz(plant: &Plant, trains: u32, load_kw: f64, chwst_c: f64, (low_hz, high_hz): (f64, f64)) -> f64 {
    let mut hz = low_hz;
    while hz < high_hz && trains > 0 && plant.coil_kw(trains, chwst_c, hz) < load_kw {
        hz += 1.0;
    }
    hz
}

fn tenths(value: f64, low: f64, high: f64) -> f64 {
    ((value * 10.0).round() / 10.0).min(high).max(low)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use chrono::TimeDelta;

    use super::super::optimum::cost_kw;
    use super::*;
    use hvac_points::physics::STANDARD_PRESSURE_PA;

    #[test]
    fn stays_in_bounds_meets_the_load_and_leaves_something_to_save() {
        let (plant, bounds) = (Plant::of_trains(3), Bounds::default());
        let mut operator = Operator::new(bounds, 4, 0.25);
        let start = NaiveDate::from_ymd_opt(2024, 7, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
        let (mut by_hand_kw, mut least_kw) = (0.0, 0.0);
        for step in 0..400_i32 {
            let load_kw = 1800.0 + 1200.0 * (f64::from(step) / 20.0).sin();
            let c = Conditions::new(load_kw, 29.0, 70.0, STANDARD_PRESSURE_PA).unwrap();
            let set = operator.step(start + TimeDelta::minutes(15 * i64::from(step)), &c, &plant);
            for (value, low, high) in [
                (set.chwst_c, bounds.low.chwst_c, bounds.high.chwst_c),
                (set.chw_pump_hz, bounds.low.chw_pump_hz, bounds.high.chw_pump_hz),
                (set.cw_pump_hz, bounds.low.cw_pump_hz, bounds.high.cw_pump_hz),
                (set.tower_fan_hz, bounds.low.tower_fan_hz, bounds.high.tower_fan_hz),
            ] {
                assert!((low..=high).contains(&value), "{set:?}");
            }
            let op = plant.operate(&c, &set);
            if step % 100 == 0 {
                by_hand_kw += op.total_kw();
                least_kw += cost_kw(&plant.operate(&c, &plant.true_optimum(&c, &bounds)));
                assert!(op.unmet_kw < 0.02 * load_kw, "{set:?} {op:?}");
            }
        }
        let saving = 1.0 - least_kw / by_hand_kw;
        assert!((0.02..0.25).contains(&saving), "{saving}");
    }
}
