//! The chiller plant: what set-points cost under given conditions.
//!
//! N equal trains of chiller, chilled-water pump, condenser-water pump and tower cell feed one building.
//! A train starts when the load passes 90 % of the running ones' capacity. All running machines of a kind
//! share one speed. [`Plant::operate`] is a pure function to steady state, without noise; heat balances
//! close exactly: what the condensers reject is what the evaporators took up plus the chillers' input.
//! Left out, because nothing here is judged by it: heat of pumps, thermal mass, hysteresis of staging.

use super::chiller::Chiller;
use super::tower::{Cell, Tower};
use hvac_points::physics::{WATER_KG_PER_L, kw_to_rt, water_delta_t_k, water_heat_kw, wet_bulb_c};

/// Speed that all ratings are stated for, Hz.
pub(crate) const RATED_HZ: f64 = 60.0;
/// Largest share of its capacity that a train is planned for before the next one starts.
const STAGING_PLR: f64 = 0.9;
/// Condenser water leaving at design, °C: what capacity is planned with.
const DESIGN_CWRT_C: f64 = 35.0;
/// Below this share of one chiller's capacity the plant stands still.
const LEAST_PLR: f64 = 0.04;
/// The towers' bypass keeps the water that enters the condensers above this, °C.
const LEAST_CWST_C: f64 = 18.0;
/// The hottest the condensers' leaving water is looked for, °C.
const MOST_CWRT_C: f64 = 70.0;
/// Water in pipes that stand still, °C.
const STANDING_C: f64 = 22.0;
/// Coils on which no set-point depends: air that meets the water, °C, as one equivalent temperature.
const COIL_AIR_C: f64 = 25.0;

/// A variable-speed machine: power ∝ (speed)^exponent. Real ones fit 3.1…3.9 over a narrow band (HVAC.md §4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drive {
    /// Electric input at 60 Hz, kW.
    pub rated_kw: f64,
    /// Exponent of speed.
    pub exponent: f64,
}

impl Drive {
    /// Electric input at `hz`, kW.
    #[must_use]
    pub fn power_kw(&self, hz: f64) -> f64 {
        self.rated_kw * (hz / RATED_HZ).powf(self.exponent)
    }
}

/// A pump: its flow is proportional to its speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pump {
    /// Its motor.
    pub drive: Drive,
    /// Flow at 60 Hz, L/min.
    pub rated_lpm: f64,
}

impl Pump {
    /// Flow at `hz`, L/min.
    #[must_use]
    pub(crate) fn lpm(&self, hz: f64) -> f64 {
        self.rated_lpm * hz / RATED_HZ
    }
}

/// The plant's machines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plant {
    /// Number of equal trains.
    pub trains: u32,
    /// Chiller of a train.
    pub chiller: Chiller,
    /// Chilled-water pump of a train.
    pub chw_pump: Pump,
    /// Condenser-water pump of a train.
    pub cw_pump: Pump,
    /// Tower cell of a train.
    pub tower: Tower,
    /// Fan of a tower cell.
    pub tower_fan: Drive,
    /// Transfer units of the building's coils at the flow of all trains.
    pub coil_ntu: f64,
}

/// What the plant cannot choose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Cooling the building asks for, kW.
    pub load_kw: f64,
    /// Outside air, °C dry-bulb.
    pub dry_bulb_c: f64,
    /// Outside air, %.
    pub relative_humidity_pct: f64,
    /// Outside air, Pa.
    pub pressure_pa: f64,
    /// Outside air, °C wet-bulb; follows from the three above.
    pub wet_bulb_c: f64,
}

impl Conditions {
    /// Conditions with their wet-bulb; none outside 0 kW…, −20…50 °C, 0…100 % and 60…110 kPa.
    #[must_use]
    pub fn new(load_kw: f64, dry_bulb_c: f64, relative_humidity_pct: f64, pressure_pa: f64) -> Option<Self> {
        let valid = load_kw.is_finite()
            && load_kw >= 0.0
            && (-20.0..=50.0).contains(&dry_bulb_c)
            && (60_000.0..=110_000.0).contains(&pressure_pa);
        let wet_bulb_c = wet_bulb_c(dry_bulb_c, relative_humidity_pct, pressure_pa).filter(|_| valid)?;
        Some(Self { load_kw, dry_bulb_c, relative_humidity_pct, pressure_pa, wet_bulb_c })
    }
}

/// What the plant can choose; speeds are those of every running machine of the kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SetPoints {
    /// Chilled water leaving the chillers, °C.
    pub chwst_c: f64,
    /// Chilled-water pumps, Hz.
    pub chw_pump_hz: f64,
    /// Condenser-water pumps, Hz.
    pub cw_pump_hz: f64,
    /// Tower fans, Hz.
    pub tower_fan_hz: f64,
}

/// Between which values set-points may be chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Every lower bound.
    pub low: SetPoints,
    /// Every upper bound.
    pub high: SetPoints,
}

impl Default for Bounds {
    /// 5…10 °C, where the chillers' curves hold, and 30…60 Hz, where the drives' motors still cool themselves.
    fn default() -> Self {
        let low = SetPoints { chwst_c: 5.0, chw_pump_hz: 30.0, cw_pump_hz: 30.0, tower_fan_hz: 30.0 };
        let high = SetPoints { chwst_c: 10.0, chw_pump_hz: 60.0, cw_pump_hz: 60.0, tower_fan_hz: 60.0 };
        Self { low, high }
    }
}

/// What the plant does: all powers electric, all temperatures and flows of the headers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Operation {
    /// Trains that run; 0 when the plant stands still.
    pub trains: u32,
    /// Cooling delivered, kW.
    pub cooling_kw: f64,
    /// Cooling asked for and not delivered, kW.
    pub unmet_kw: f64,
    /// Heat rejected by condensers and so by towers, kW: `cooling_kw + chiller_kw`.
    pub rejected_kw: f64,
    /// All chillers, kW.
    pub chiller_kw: f64,
    /// All chilled-water pumps, kW.
    pub chw_pump_kw: f64,
    /// All condenser-water pumps, kW.
    pub cw_pump_kw: f64,
    /// All tower fans, kW.
    pub tower_fan_kw: f64,
    /// Chilled water to the building, °C.
    pub chwst_c: f64,
    /// Chilled water from the building, °C.
    pub chwrt_c: f64,
    /// Condenser water from the towers, °C.
    pub cwst_c: f64,
    /// Condenser water to the towers, °C.
    pub cwrt_c: f64,
    /// Chilled water, L/min.
    pub chw_lpm: f64,
    /// Condenser water, L/min.
    pub cw_lpm: f64,
}

impl Operation {
    /// The whole plant, kW.
    #[must_use]
    pub fn total_kw(&self) -> f64 {
        self.chiller_kw + self.chw_pump_kw + self.cw_pump_kw + self.tower_fan_kw
    }

    /// Electric power a refrigeration ton; none without cooling.
    #[must_use]
    pub fn kw_per_rt(&self) -> Option<f64> {
        (self.cooling_kw > 0.0).then(|| self.total_kw() / kw_to_rt(self.cooling_kw))
    }
}

impl Plant {
    /// A plant of `trains` trains of 400 RT: chillers of COP 5.5; chilled water 5.5 K, condenser water 5.2 K,
    /// tower approach about 4 K at 27 °C wet-bulb, all at 60 Hz and full load.
    #[must_use]
    pub fn of_trains(trains: u32) -> Self {
        Self {
            trains,
            chiller: Chiller { capacity_kw: 1406.7, cop: 5.5 },
            chw_pump: Pump { drive: Drive { rated_kw: 30.0, exponent: 3.2 }, rated_lpm: 3680.0 },
            cw_pump: Pump { drive: Drive { rated_kw: 37.0, exponent: 3.1 }, rated_lpm: 4600.0 },
            tower: Tower { air_kg_s: 60.0, ntu: 1.4 },
            tower_fan: Drive { rated_kw: 15.0, exponent: 3.0 },
            coil_ntu: 0.43,
        }
    }

    /// Trains that run for a load at a chilled-water set-point.
    #[must_use]
    pub(crate) fn trains_for(&self, load_kw: f64, chwst_c: f64) -> u32 {
        let one_kw = self.chiller.available_kw(chwst_c, DESIGN_CWRT_C);
        if load_kw < LEAST_PLR * one_kw {
            return 0;
        }
        (1..self.trains).find(|n| load_kw <= f64::from(*n) * STAGING_PLR * one_kw).unwrap_or(self.trains)
    }

    /// Most cooling the building's coils take up, kW, with `trains` pumps at `chw_pump_hz`: a coil between water
    /// and air of one equivalent temperature, whose NTU falls with the root of the flow.
    #[must_use]
    pub(crate) fn coil_kw(&self, trains: u32, chwst_c: f64, chw_pump_hz: f64) -> f64 {
        let share = f64::from(trains) * chw_pump_hz / (f64::from(self.trains) * RATED_HZ);
        let flow_lpm = share * f64::from(self.trains) * self.chw_pump.rated_lpm;
        let effectiveness = 1.0 - (-self.coil_ntu / share.sqrt()).exp();
        water_heat_kw(flow_lpm, effectiveness * (COIL_AIR_C - chwst_c)).max(0.0)
    }

    /// Steady state under these conditions at these set-points.
    #[must_use]
    pub fn operate(&self, conditions: &Conditions, set: &SetPoints) -> Operation {
        self.operate_trains(conditions, set, self.trains_for(conditions.load_kw, set.chwst_c), 1.0)
    }

    /// Steady state with so many trains, whose chillers draw on average `wear` times what new ones do.
    #[must_use]
    pub(crate) fn operate_trains(&self, conditions: &Conditions, set: &SetPoints, count: u32, wear: f64) -> Operation {
        if count == 0 {
            return Self::standing(conditions);
        }
        let n = f64::from(count);
        let planned_kw = n * self.chiller.available_kw(set.chwst_c, DESIGN_CWRT_C);
        let coil_kw = self.coil_kw(count, set.chwst_c, set.chw_pump_hz);
        let cooling_kw = conditions.load_kw.min(coil_kw).min(planned_kw);
        let chw_lpm = n * self.chw_pump.rated_lpm * set.chw_pump_hz / RATED_HZ;

        let train = Train { plant: self, conditions, set, cooling_kw: cooling_kw / n, wear };
        let cwrt_c = train.leaving_condenser_c();
        let chiller_kw = n * train.chiller_kw(cwrt_c);
        let rejected_kw = cooling_kw + chiller_kw;
        let cw_lpm = n * train.cw_lpm();
        Operation {
            trains: count,
            cooling_kw,
            unmet_kw: conditions.load_kw - cooling_kw,
            rejected_kw,
            chiller_kw,
            chw_pump_kw: n * self.chw_pump.drive.power_kw(set.chw_pump_hz),
            cw_pump_kw: n * self.cw_pump.drive.power_kw(set.cw_pump_hz),
            tower_fan_kw: n * self.tower_fan.power_kw(set.tower_fan_hz),
            chwst_c: set.chwst_c,
            chwrt_c: set.chwst_c + water_delta_t_k(cooling_kw, chw_lpm),
            cwst_c: cwrt_c - water_delta_t_k(rejected_kw, cw_lpm),
            cwrt_c,
            chw_lpm,
            cw_lpm,
        }
    }

    fn standing(conditions: &Conditions) -> Operation {
        let cw_c = (conditions.wet_bulb_c + 2.0).max(LEAST_CWST_C);
        Operation {
            unmet_kw: conditions.load_kw,
            chwst_c: STANDING_C,
            chwrt_c: STANDING_C,
            cwst_c: cw_c,
            cwrt_c: cw_c,
            ..Operation::default()
        }
    }
}

/// One running train: everything but the temperature of the water that leaves its condenser.
struct Train<'a> {
    plant: &'a Plant,
    conditions: &'a Conditions,
    set: &'a SetPoints,
    cooling_kw: f64,
    wear: f64,
}

impl Train<'_> {
    fn cw_lpm(&self) -> f64 {
        self.plant.cw_pump.rated_lpm * self.set.cw_pump_hz / RATED_HZ
    }

    fn chiller_kw(&self, cwrt_c: f64) -> f64 {
        self.wear * self.plant.chiller.power_kw(self.cooling_kw, self.set.chwst_c, cwrt_c)
    }

    /// Water entering the condenser when that leaves it, °C.
    fn entering_c(&self, cwrt_c: f64) -> f64 {
        cwrt_c - water_delta_t_k(self.cooling_kw + self.chiller_kw(cwrt_c), self.cw_lpm())
    }

    /// Where the tower rejects what the condenser gives; both only rise with this temperature (the tower's
    /// heat faster), so there is one. The bypass opens when the water from the tower would be too cold.
    fn leaving_condenser_c(&self) -> f64 {
        let balanced_c = root(self.conditions.wet_bulb_c, MOST_CWRT_C, |cwrt_c| self.tower_surplus_kw(cwrt_c));
        if self.entering_c(balanced_c) >= LEAST_CWST_C {
            return balanced_c;
        }
        root(LEAST_CWST_C, MOST_CWRT_C, |cwrt_c| self.entering_c(cwrt_c) - LEAST_CWST_C)
    }

    fn tower_surplus_kw(&self, cwrt_c: f64) -> f64 {
        let rejected_kw = self.cooling_kw + self.chiller_kw(cwrt_c);
        let cell = Cell {
            water_kg_s: self.cw_lpm() * WATER_KG_PER_L / 60.0,
            fan_ratio: self.set.tower_fan_hz / RATED_HZ,
            in_c: cwrt_c,
            out_c: cwrt_c - water_delta_t_k(rejected_kw, self.cw_lpm()),
            wet_bulb_c: self.conditions.wet_bulb_c,
            pressure_pa: self.conditions.pressure_pa,
        };
        self.plant.tower.heat_kw(&cell) - rejected_kw
    }
}

/// Where `f`, which rises from below 0 at `low` to above 0 at `high`, is 0: false position with the Illinois
/// step, to 1 µK.
fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut f_low, mut f_high) = (f(low), f(high));
    let mut at = high;
    for _ in 0..100 {
        let next = low + (high - low) * (f_low / (f_low - f_high)).clamp(0.0, 1.0);
        let settled = (next - at).abs() < 1e-6;
        at = next;
        let value = f(at);
        if settled || value == 0.0 || value.is_nan() {
            break;
        }
        if value > 0.0 {
            (high, f_high) = (at, value);
            f_low /= 2.0;
        } else {
            (low, f_low) = (at, value);
            f_high /= 2.0;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;
    use crate::rng::Rng;
    use hvac_points::physics::STANDARD_PRESSURE_PA;

    fn conditions(load_kw: f64, dry_bulb_c: f64, rh: f64) -> Conditions {
        Conditions::new(load_kw, dry_bulb_c, rh, STANDARD_PRESSURE_PA).unwrap()
    }

    fn random_set(rng: &mut Rng) -> SetPoints {
        SetPoints {
            chwst_c: rng.between(5.0, 10.0),
            chw_pump_hz: rng.between(30.0, 60.0),
            cw_pump_hz: rng.between(30.0, 60.0),
            tower_fan_hz: rng.between(30.0, 60.0),
        }
    }

    #[test]
    fn heat_balances_close() {
        let plant = Plant::of_trains(3);
        let mut rng = Rng::new(11, "balance");
        for _ in 0..500 {
            let c = conditions(rng.between(100.0, 4300.0), rng.between(5.0, 38.0), rng.between(20.0, 100.0));
            let set = random_set(&mut rng);
            let op = plant.operate(&c, &set);
            assert!((op.rejected_kw - op.cooling_kw - op.chiller_kw).abs() < 1e-9);
            assert!((water_heat_kw(op.chw_lpm, op.chwrt_c - op.chwst_c) - op.cooling_kw).abs() < 1e-6);
            assert!((water_heat_kw(op.cw_lpm, op.cwrt_c - op.cwst_c) - op.rejected_kw).abs() < 1e-6);
            assert!((op.cooling_kw + op.unmet_kw - c.load_kw).abs() < 1e-9 && op.unmet_kw > -1e-9);
            assert!(op.cwst_c > c.wet_bulb_c, "the tower cannot cool below the wet-bulb: {op:?} {c:?}");
            let n = f64::from(op.trains);
            let cell = Cell {
                water_kg_s: op.cw_lpm / n * WATER_KG_PER_L / 60.0,
                fan_ratio: set.tower_fan_hz / RATED_HZ,
                in_c: op.cwrt_c,
                out_c: op.cwst_c,
                wet_bulb_c: c.wet_bulb_c,
                pressure_pa: c.pressure_pa,
            };
            let tower_kw = n * plant.tower.heat_kw(&cell);
            let bypass = op.cwst_c < LEAST_CWST_C + 1e-3;
            assert!(bypass || (tower_kw / op.rejected_kw - 1.0).abs() < 1e-4, "{tower_kw} {op:?}");
            assert!(op.cwst_c > LEAST_CWST_C - 1e-3);
        }
    }

    #[test]
    fn more_load_takes_more_power_at_fixed_set_points() {
        let plant = Plant::of_trains(3);
        let mut rng = Rng::new(12, "load");
        for _ in 0..60 {
            let (dry_bulb_c, rh, set) = (rng.between(12.0, 36.0), rng.between(30.0, 95.0), random_set(&mut rng));
            let mut before = Operation::default();
            for step in 0..80 {
                let op = plant.operate(&conditions(f64::from(step) * 50.0, dry_bulb_c, rh), &set);
                // Once coils or chillers give all they can, more asking changes nothing; and where another train
                // starts, its tower cell may save more than it takes.
                let more = op.total_kw() > before.total_kw() || op.trains > before.trains.max(1);
                assert!(more || (op.cooling_kw - before.cooling_kw).abs() < 1e-9, "{set:?}\n{before:?}\n{op:?}");
                before = op;
            }
        }
    }

    #[test]
    fn hotter_air_takes_more_power() {
        let plant = Plant::of_trains(3);
        let set = SetPoints { chwst_c: 7.0, chw_pump_hz: 50.0, cw_pump_hz: 50.0, tower_fan_hz: 50.0 };
        let power = |t: f64| plant.operate(&conditions(2500.0, t, 70.0), &set).total_kw();
        assert!((20..38).all(|t| power(f64::from(t + 1)) > power(f64::from(t))));
    }

    /// At full load and the rating's temperatures the plant is the one its documentation says.
    #[test]
    fn design_point() {
        let plant = Plant::of_trains(3);
        let set = SetPoints { chwst_c: 7.0, chw_pump_hz: 60.0, cw_pump_hz: 60.0, tower_fan_hz: 60.0 };
        let op = plant.operate(&conditions(3.0 * 1350.0, 32.0, 68.0), &set);
        assert!(op.unmet_kw < 1e-9, "{op:?}");
        assert!((4.8..5.7).contains(&(op.chwrt_c - op.chwst_c)), "{op:?}");
        assert!((4.8..5.6).contains(&(op.cwrt_c - op.cwst_c)), "{op:?}");
        let wet_bulb = wet_bulb_c(32.0, 68.0, STANDARD_PRESSURE_PA).unwrap();
        assert!((3.0..5.5).contains(&(op.cwst_c - wet_bulb)), "{wet_bulb} {op:?}");
        assert!((0.75..0.95).contains(&op.kw_per_rt().unwrap()), "{op:?}");
    }

    #[test]
    fn stands_still_without_load() {
        let op = Plant::of_trains(2).operate(&conditions(10.0, 20.0, 50.0), &Bounds::default().low);
        assert_eq!((op.trains, op.total_kw(), op.chw_lpm), (0, 0.0, 0.0));
        assert_eq!(op.kw_per_rt(), None);
        assert_eq!(Conditions::new(f64::NAN, 20.0, 50.0, STANDARD_PRESSURE_PA), None);
        assert_eq!(Conditions::new(10.0, 20.0, 150.0, STANDARD_PRESSURE_PA), None);
    }
}
