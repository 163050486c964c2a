//! A site through time: weather, demand, operator and plant, step by step.

use chrono::{NaiveDateTime, TimeDelta};

use super::load::{Demand, Use};
use super::operator::Operator;
use super::plant::{Bounds, Conditions, Operation, Plant, SetPoints};
use super::weather::{Climate, Sky, Weather};

/// Which site, and which stretch of its time.
#[derive(Debug, Clone, Copy)]
pub struct SiteSpec {
    /// Of all its chance.
    pub seed: u64,
    /// Who uses the building.
    pub building: Use,
    /// Trains of the plant; the building's peak takes 85 % of them.
    pub trains: u32,
    /// Where it stands.
    pub climate: Climate,
    /// First moment, local standard time.
    pub start: NaiveDateTime,
    /// Minutes between moments.
    pub step_minutes: u32,
    /// Number of moments.
    pub steps: u64,
}

/// Everything that is true of a site at one time.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Which one, from 0.
    pub step: u64,
    /// Local standard time.
    pub at: NaiveDateTime,
    /// Outside.
    pub sky: Sky,
    /// Share of the building in use.
    pub occupancy: f64,
    /// What the plant was asked for.
    pub conditions: Conditions,
    /// How it was run.
    pub set: SetPoints,
    /// What it did.
    pub operation: Operation,
}

/// The moments of a site, in order.
#[derive(Debug, Clone)]
pub struct Site {
    spec: SiteSpec,
    plant: Plant,
    weather: Weather,
    demand: Demand,
    operator: Operator,
    step: u64,
    at: NaiveDateTime,
}

impl Site {
    /// The site at its first moment.
    #[must_use]
    pub fn new(spec: SiteSpec) -> Self {
        let step_hours = f64::from(spec.step_minutes) / 60.0;
        let plant = Plant::of_trains(spec.trains);
        let peak_kw = 0.85 * f64::from(spec.trains) * plant.chiller.capacity_kw;
        Self {
            spec,
            plant,
            weather: Weather::new(spec.climate, spec.seed, step_hours),
            demand: Demand::new(spec.building, peak_kw, spec.seed, step_hours),
            operator: Operator::new(Bounds::default(), spec.seed, step_hours),
            step: 0,
            at: spec.start,
        }
    }
}

impl Iterator for Site {
    type Item = Moment;

    /// None after the last step, or where the calendar ends.
    fn next(&mut self) -> Option<Moment> {
        if self.step == self.spec.steps {
            return None;
        }
        let (step, at) = (self.step, self.at);
        let sky = self.weather.step(at);
        let load_kw = self.demand.step(at, &sky);
        let conditions = Conditions {
            load_kw,
            dry_bulb_c: sky.dry_bulb_c,
            relative_humidity_pct: sky.relative_humidity_pct,
            pressure_pa: sky.pressure_pa,
            wet_bulb_c: sky.wet_bulb_c,
        };
        let set = self.operator.step(at, &conditions, &self.plant);
        let operation = self.plant.operate(&conditions, &set);
        self.step += 1;
        self.at = at.checked_add_signed(TimeDelta::minutes(i64::from(self.spec.step_minutes)))?;
        Some(Moment { step, at, sky, occupancy: self.spec.building.occupancy(at), conditions, set, operation })
    }
}
