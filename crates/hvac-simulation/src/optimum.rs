//! The plant's cheapest set-points: the truth that optimisation is judged by.
//!
//! The cost is the plant's power plus [`UNMET_KW_COST`] for each kW of cooling not delivered, so the cheapest
//! set-points meet the load wherever set-points in bounds can. The search is exhaustive on a grid of
//! chilled-water temperature (0.25 K), condenser-pump and fan speed (2 Hz each); the chilled-water pumps need no
//! axis: nothing gains from more chilled water than the coils need, so their best speed is the least that
//! meets the load. From the grid's best the steps are then halved, moving to the cheapest of the 26
//! neighbours, down to 0.01 Hz.

use super::plant::{Bounds, Conditions, Operation, Plant, SetPoints};

/// kW of power that a kW of cooling not delivered is worth: more than any saving.
pub(crate) const UNMET_KW_COST: f64 = 1000.0;

/// Cost of an operation, kW: what the true optimum is least in.
#[must_use]
pub fn cost_kw(operation: &Operation) -> f64 {
    operation.total_kw() + UNMET_KW_COST * operation.unmet_kw
}

impl Plant {
    /// The set-points in `bounds` of least [`cost_kw`], to about 0.01 Hz and 0.001 K.
    #[must_use]
    pub fn true_optimum(&self, conditions: &Conditions, bounds: &Bounds) -> SetPoints {
        let search = Search { plant: self, conditions, bounds };
        let (mut best, mut step) = (search.grid(), Step { chwst_k: 0.25, hz: 2.0 });
        while step.hz > 0.01 {
            let next = search.best_neighbour(best.0, &step);
            if next.1 < best.1 {
                best = next;
            } else {
                step = Step { chwst_k: step.chwst_k / 2.0, hz: step.hz / 2.0 };
            }
        }
        best.0
    }
}

struct Step {
    chwst_k: f64,
    hz: f64,
}

struct Search<'a> {
    plant: &'a Plant,
    conditions: &'a Conditions,
    bounds: &'a Bounds,
}

impl Search<'_> {
    /// The set-points with the best chilled-water speed for them, and their cost.
    fn judge(&self, chwst_c: f64, cw_pump_hz: f64, tower_fan_hz: f64) -> (SetPoints, f64) {
        let chw_pump_hz = self.least_chw_hz(chwst_c);
        let set = SetPoints { chwst_c, chw_pump_hz, cw_pump_hz, tower_fan_hz };
        (set, cost_kw(&self.plant.operate(self.conditions, &set)))
    }

    /// Bisection on the coils' capacity, which rises with speed; the highest speed when none is enough.
    fn least_chw_hz(&self, chwst_c: f64) -> f64 {
        let (mut low, mut high) = (self.bounds.low.chw_pump_hz, self.bounds.high.chw_pump_hz);
        let trains = self.plant.trains_for(self.conditions.load_kw, chwst_c);
        let meets = |hz| self.plant.coil_kw(trains, chwst_c, hz) >= self.conditions.load_kw;
        if trains == 0 || meets(low) {
            return low;
        }
        while high - low > 1e-6 {
            let middle = (low + high) / 2.0;
            if meets(middle) { high = middle } else { low = middle }
        }
        high
    }

    fn grid(&self) -> (SetPoints, f64) {
        let Bounds { low, high } = self.bounds;
        let mut best = self.judge(low.chwst_c, low.cw_pump_hz, low.tower_fan_hz);
        for chwst_c in steps(low.chwst_c, high.chwst_c, 0.25) {
            for cw_pump_hz in steps(low.cw_pump_hz, high.cw_pump_hz, 2.0) {
                for tower_fan_hz in steps(low.tower_fan_hz, high.tower_fan_hz, 2.0) {
                    let here = self.judge(chwst_c, cw_pump_hz, tower_fan_hz);
                    if here.1 < best.1 {
                        best = here;
                    }
                }
            }
        }
        best
    }

    fn best_neighbour(&self, centre: SetPoints, step: &Step) -> (SetPoints, f64) {
        let Bounds { low, high } = self.bounds;
        let mut best = (centre, f64::INFINITY);
        for k in [-1.0, 0.0, 1.0] {
            for cw in [-1.0, 0.0, 1.0] {
                for fan in [-1.0, 0.0, 1.0] {
                    let here = self.judge(
                        within(centre.chwst_c + k * step.chwst_k, low.chwst_c, high.chwst_c),
                        within(centre.cw_pump_hz + cw * step.hz, low.cw_pump_hz, high.cw_pump_hz),
                        within(centre.tower_fan_hz + fan * step.hz, low.tower_fan_hz, high.tower_fan_hz),
                    );
                    if here.1 < best.1 {
                        best = here;
                    }
                }
            }
        }
        best
    }
}

/// From `low` to `high`, both included, in steps of at most `step`.
fn steps(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let span = (high - low).max(0.0);
    let mut count = 0_u32;
    while f64::from(count) * step < span - 1e-9 {
        count += 1;
    }
    (0..=count).map(move |i| if count == 0 { low } else { low + span * f64::from(i) / f64::from(count) })
}

/// `clamp` that bounds in the wrong order cannot make panic.
fn within(value: f64, low: f64, high: f64) -> f64 {
    value.min(high).max(low)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;
    use crate::rng::Rng;
    use hvac_points::physics::STANDARD_PRESSURE_PA;

    fn random_set(rng: &mut Rng, bounds: &Bounds) -> SetPoints {
        let Bounds { low, high } = bounds;
        SetPoints {
            chwst_c: rng.between(low.chwst_c, high.chwst_c),
            chw_pump_hz: rng.between(low.chw_pump_hz, high.chw_pump_hz),
            cw_pump_hz: rng.between(low.cw_pump_hz, high.cw_pump_hz),
            tower_fan_hz: rng.between(low.tower_fan_hz, high.tower_fan_hz),
        }
    }

    fn cases() -> impl Iterator<Item = Conditions> {
        [(400.0, 18.0, 70.0), (1800.0, 27.0, 75.0), (2450.0, 31.0, 60.0), (3700.0, 34.0, 65.0)]
            .into_iter()
            .map(|(load, t, rh)| Conditions::new(load, t, rh, STANDARD_PRESSURE_PA).unwrap())
    }

    #[test]
    fn no_random_set_points_are_better() {
        let (plant, bounds) = (Plant::of_trains(3), Bounds::default());
        let mut rng = Rng::new(5, "random set-points");
        for c in cases() {
            let best = plant.true_optimum(&c, &bounds);
            let least = plant.operate(&c, &best);
            assert!(least.unmet_kw < 1e-3, "{c:?} {least:?}");
            for i in 0..1000 {
                let set = random_set(&mut rng, &bounds);
                let cost = cost_kw(&plant.operate(&c, &set));
                assert!(cost >= cost_kw(&least), "{i}: {set:?} costs {cost}, {best:?} {}", cost_kw(&least));
            }
            // And none close by, where random ones seldom fall.
            for _ in 0..1000 {
                let near = |x: f64, r: f64, rng: &mut Rng, lo, hi| (x + r * rng.normal()).clamp(lo, hi);
                let set = SetPoints {
                    chwst_c: near(best.chwst_c, 0.2, &mut rng, 5.0, 10.0),
                    chw_pump_hz: near(best.chw_pump_hz, 1.0, &mut rng, 30.0, 60.0),
                    cw_pump_hz: near(best.cw_pump_hz, 1.0, &mut rng, 30.0, 60.0),
                    tower_fan_hz: near(best.tower_fan_hz, 1.0, &mut rng, 30.0, 60.0),
                };
                let cost = cost_kw(&plant.operate(&c, &set));
                assert!(cost >= cost_kw(&least) - 2e-3, "{set:?} costs {cost}, {best:?} {}", cost_kw(&least));
            }
        }
    }

    /// The reason why the search has no axis for them.
    #[test]
    fn more_chilled_water_than_needed_only_costs() {
        let plant = Plant::of_trains(3);
        for c in cases() {
            let mut set = plant.true_optimum(&c, &Bounds::default());
            let least = cost_kw(&plant.operate(&c, &set));
            set.chw_pump_hz += 1.0;
            assert!(cost_kw(&plant.operate(&c, &set)) > least);
        }
    }

    #[test]
    fn stays_in_bounds_and_finds_a_fixed_point() {
        let plant = Plant::of_trains(3);
        let fixed = SetPoints { chwst_c: 8.0, chw_pump_hz: 60.0, cw_pump_hz: 45.0, tower_fan_hz: 40.0 };
        let bounds = Bounds { low: fixed, high: fixed };
        for c in cases() {
            assert_eq!(plant.true_optimum(&c, &bounds), fixed);
        }
    }

    /// Some optimum lies inside the bounds on every axis: the plant is no corner problem.
    #[test]
    fn has_optima_inside_the_bounds() {
        let (plant, bounds) = (Plant::of_trains(3), Bounds::default());
        let found: Vec<SetPoints> = cases().map(|c| plant.true_optimum(&c, &bounds)).collect();
        let inside = |value: fn(&SetPoints) -> f64| {
            found.iter().any(|s| value(s) > value(&bounds.low) + 0.1 && value(s) < value(&bounds.high) - 0.1)
        };
        assert!(inside(|s| s.chwst_c), "{found:?}");
        assert!(inside(|s| s.chw_pump_hz), "{found:?}");
        assert!(inside(|s| s.cw_pump_hz), "{found:?}");
        assert!(inside(|s| s.tower_fan_hz), "{found:?}");
    }
}
