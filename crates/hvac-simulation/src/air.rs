//! Air handlers: when they run, what their valves do, and what they add to the load when they are at fault.

use chrono::{Datelike, NaiveDateTime, Weekday};

use super::load::Use;
use super::plants::PlantSpec;
use super::rng::{Drift, Rng};
use super::weather::{Sky, hour_of_day};

/// Outside share of the mixed air that ventilation needs.
const LEAST_OUTSIDE_SHARE: f64 = 0.25;
/// Heat that a heating coil gives at a valve of 100 %, as a share of what the unit cools at the building's peak.
const HEATING_SHARE: f64 = 0.35;
/// Fan of an air handler at full speed, kW.
const FAN_KW: f64 = 18.5;

/// What an air handler does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AirMoment {
    /// Whether its fan runs.
    pub running: bool,
    /// Whether its schedule asks for it.
    pub scheduled: bool,
    /// Supply air, °C.
    pub supply_c: f64,
    /// Set-point of the supply air, °C.
    pub supply_set_c: f64,
    /// Return air, °C.
    pub return_c: f64,
    /// Chilled-water valve, %.
    pub cooling_pct: f64,
    /// Heating valve, %.
    pub heating_pct: f64,
    /// Fan, kW.
    pub fan_kw: f64,
    /// Heat given to the air, kW.
    pub heat_kw: f64,
}

/// What is wrong with an air handler now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct AirFaults {
    /// Least opening of the heating valve, %.
    pub heating_pct: Option<f64>,
    /// Runs whatever its schedule says.
    pub always_on: bool,
    /// Its chilled-water valve stands open.
    pub valve_open: bool,
}

/// One air handler, stepped through time.
#[derive(Debug, Clone)]
pub(crate) struct AirHandler {
    building: Use,
    /// Runs day and night.
    always: bool,
    /// What it cools at the building's peak, kW.
    share_kw: f64,
    lean: f64,
    hunting: Drift,
    supply_c: f64,
}

impl AirHandler {
    /// Number `index` of a plant whose building has that peak.
    pub(crate) fn new(plant: &PlantSpec, index: u32, peak_kw: f64, seed: u64, step_hours: f64) -> Self {
        let name = format!("air/{index}");
        let mut rng = Rng::new(seed, &name);
        Self {
            building: plant.building,
            always: plant.runs_always(index as usize),
            share_kw: peak_kw / f64::from(plant.air_handlers.max(1)),
            lean: 1.0 + 0.08 * rng.normal(),
            hunting: Drift::new(rng, 0.5, step_hours),
            supply_c: 22.0,
        }
    }

    fn scheduled(&self, at: NaiveDateTime) -> bool {
        let hour = hour_of_day(at);
        match (self.building, at.weekday()) {
            _ if self.always => true,
            (_, Weekday::Sun) => false,
            (Use::Office, Weekday::Sat) => (7.0..14.0).contains(&hour),
            (Use::Hospital, Weekday::Sat) => false,
            _ => (6.5..20.0).contains(&hour),
        }
    }

    /// What it adds to the load, kW, besides what the building's demand holds, and its own heat, kW.
    pub(crate) fn extra_load_kw(&self, at: NaiveDateTime, sky: &Sky, faults: AirFaults) -> f64 {
        let scheduled = self.scheduled(at);
        if !scheduled && !faults.always_on {
            return 0.0;
        }
        let unscheduled_kw = if scheduled {
            0.0
        } else {
            // Fan heat, people and lamps that are not there left out; outside air's heat and moisture.
            let air = 0.30 * ((sky.dry_bulb_c - 17.0) / 17.0).max(0.0)
                + 0.25 * ((sky.humidity_ratio - 0.008) / 0.014).max(0.0);
            self.share_kw * (0.10 + air)
        };
        let heat_kw = faults.heating_pct.map_or(0.0, |pct| self.heat_kw(pct - self.heating_needed_pct(sky)).max(0.0));
        unscheduled_kw + heat_kw
    }

    fn heat_kw(&self, valve_pct: f64) -> f64 {
        valve_pct / 100.0 * HEATING_SHARE * self.share_kw
    }

    fn supply_set_c(sky: &Sky) -> f64 {
        let reset = ((18.0 - sky.dry_bulb_c) / 10.0).clamp(0.0, 1.0);
        ((14.0 + 3.0 * reset) * 2.0).round() / 2.0
    }

    fn return_c(&self, sky: &Sky, occupancy: f64) -> f64 {
        23.4 + 0.05 * (sky.dry_bulb_c - 25.0) + 0.6 * occupancy + 2.0 * (self.lean - 1.0)
    }

    /// Heating that ventilation with the least outside air needs, %.
    fn heating_needed_pct(&self, sky: &Sky) -> f64 {
        let mixed_c = (1.0 - LEAST_OUTSIDE_SHARE) * self.return_c(sky, 0.5) + LEAST_OUTSIDE_SHARE * sky.dry_bulb_c;
        (100.0 * (Self::supply_set_c(sky) - mixed_c) / 16.0).clamp(0.0, 100.0)
    }

    /// One step after the last one; `load_share` is the building's load as a share of its peak.
    pub(crate) fn step(
        &mut self,
        at: NaiveDateTime,
        sky: &Sky,
        occupancy: f64,
        load_share: f64,
        faults: AirFaults,
        step_hours: f64,
    ) -> AirMoment {
        let hunting = self.hunting.step();
        let scheduled = self.scheduled(at);
        let running = scheduled || faults.always_on;
        let supply_set_c = Self::supply_set_c(sky);
        let return_c = self.return_c(sky, occupancy);
        let needed_pct = self.heating_needed_pct(sky);
        let heating_pct = if running { needed_pct.max(faults.heating_pct.unwrap_or(0.0)) } else { 0.0 };
        let wasted_kw = if running { self.heat_kw(heating_pct - needed_pct) } else { 0.0 };
        // Outside air that is cold enough cools for nothing: the economiser takes over on the way down to the set-point.
        let mechanical = ((sky.dry_bulb_c - supply_set_c) / 4.0).clamp(0.0, 1.0);
        let cooling_pct = match running {
            true if faults.valve_open => 100.0,
            true => {
                let own = 10.0 + 75.0 * load_share.max(0.0).powf(0.85) * self.lean + 2.0 * hunting;
                mechanical * own + 75.0 * wasted_kw / self.share_kw
            }
            false => 0.0,
        }
        .clamp(0.0, 100.0);
        let aim_c = match running {
            true if faults.valve_open => supply_set_c - 2.5,
            true => supply_set_c + 0.15 * hunting,
            false => 0.5 * (return_c + 21.0),
        };
        let tau_hours = if running { 0.12 } else { 1.5 };
        self.supply_c += (aim_c - self.supply_c) * (1.0 - (-step_hours / tau_hours).exp());
        AirMoment {
            running,
            scheduled,
            supply_c: self.supply_c,
            supply_set_c,
            return_c,
            cooling_pct,
            heating_pct,
            fan_kw: if running { FAN_KW * (0.45 + 0.55 * (cooling_pct / 100.0).powi(2)) } else { 0.0 },
            heat_kw: self.heat_kw(heating_pct),
        }
    }
}
