//! A plant with its air handlers through time, machine by machine: what is true at each moment, faults of the
//! equipment included.
//!
//! [`super::site`] is the same plant in its textbook form; this one has what rules stumble over: machines that
//! differ by a few per cent, staging with hysteresis and least running times, water that takes minutes to settle
//! and hours to warm up in pipes that stand, and chillers that draw more in their first minutes.

use chrono::{Datelike, NaiveDateTime, TimeDelta};

use super::air::{AirFaults, AirHandler, AirMoment};
use super::faults::FaultKind;
use super::load::Demand;
use super::operator::Operator;
use super::plant::{Bounds, Conditions, Operation, Plant, SetPoints};
use super::plants::PlantSpec;
use super::rng::{Drift, Rng};
use super::weather::{Sky, Weather};
use hvac_points::physics::water_delta_t_k;

/// Water in pipes that stand still ends at this temperature, °C.
const PLANT_ROOM_C: f64 = 23.0;
/// How water changes its temperature: a first-order approach, not faster than machines can.
struct Water {
    tau_hours: f64,
    fastest_k_per_hour: f64,
}
/// What leaves a chiller; what comes back from a building; what the towers' basins hold; what stands in pipes.
const PIPES: Water = Water { tau_hours: 0.1, fastest_k_per_hour: 24.0 };
const RETURN: Water = Water { tau_hours: 0.1, fastest_k_per_hour: 15.0 };
const BASIN: Water = Water { tau_hours: 0.2, fastest_k_per_hour: 24.0 };
const STANDING: Water = Water { tau_hours: 4.0, fastest_k_per_hour: 24.0 };
/// Staging: a train starts above this share of the running ones' capacity, and stops when the rest would take
/// the load at this one.
const START_SHARE: f64 = 0.9;
const STOP_SHARE: f64 = 0.72;
/// The same for the first train, as shares of its own capacity.
const FIRST_SHARE: f64 = 0.07;
const LAST_SHARE: f64 = 0.03;
/// A train runs, and stays off, at least this long.
const LEAST_MINUTES: u32 = 45;
/// How far chillers' leaving water swings around its set-point, K (one standard deviation).
const HUNTING_K: f64 = 0.12;
/// Time constant with which chilled-water pumps follow the coils' demand.
const PUMP_HOURS: f64 = 0.25;
/// What a chiller draws more in the interval in which it starts.
const START_PENALTY: f64 = 0.10;
/// How long fouling takes to reach its size.
const FOULING_DAYS: f64 = 14.0;

/// Which plant, and which stretch of its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// The plant.
    pub plant: PlantSpec,
    /// Of all its chance.
    pub seed: u64,
    /// First moment, local standard time.
    pub start: NaiveDateTime,
    /// Minutes between moments.
    pub step_minutes: u32,
    /// Number of moments.
    pub steps: u32,
}

impl Setting {
    /// Local time of a moment; none where the calendar ends.
    #[must_use]
    pub fn at(&self, step: u32) -> Option<NaiveDateTime> {
        let minutes = i64::from(self.step_minutes) * i64::from(step);
        TimeDelta::try_minutes(minutes).and_then(|delta| self.start.checked_add_signed(delta))
    }

    /// Seed of everything by chance: the same seed is other weather at another plant.
    #[must_use]
    pub(crate) fn chance(&self) -> u64 {
        Rng::new(self.seed, self.plant.name).next_u64()
    }

    /// Hours between moments.
    #[must_use]
    pub(crate) fn step_hours(&self) -> f64 {
        f64::from(self.step_minutes) / 60.0
    }
}

/// What one train does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TrainMoment {
    /// Whether its chiller runs.
    pub chiller_on: bool,
    /// Whether its pumps and its fan run.
    pub pumps_on: bool,
    /// Chiller, kW.
    pub chiller_kw: f64,
    /// Chilled water leaving, °C.
    pub chwst_c: f64,
    /// Chilled water entering, °C.
    pub chwrt_c: f64,
    /// Condenser water entering, °C.
    pub cwst_c: f64,
    /// Condenser water leaving, °C.
    pub cwrt_c: f64,
    /// Chilled water, L/min.
    pub chw_lpm: f64,
    /// Chilled-water pump, kW.
    pub chw_pump_kw: f64,
    /// Condenser-water pump, kW.
    pub cw_pump_kw: f64,
    /// Tower fan, kW.
    pub fan_kw: f64,
}

/// Everything that is true at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Local standard time.
    pub at: NaiveDateTime,
    /// Outside.
    pub sky: Sky,
    /// Set-point of the chilled water, °C.
    pub chw_set_c: f64,
    /// How the plant is run: speeds, and the water that the chillers make of their set-point.
    pub set: SetPoints,
    /// The headers: what flows, what it carries, and temperatures as they are, on their way from the last moment's.
    pub operation: Operation,
    /// Every train.
    pub trains: Vec<TrainMoment>,
    /// Every air handler.
    pub air: Vec<AirMoment>,
}

impl Snapshot {
    /// Power of the plant and of its air handlers' fans, kW.
    #[must_use]
    pub(crate) fn electric_kw(&self) -> f64 {
        self.operation.total_kw() + self.air.iter().map(|air| air.fan_kw).sum::<f64>()
    }

    /// Heat given by all heating coils, kW.
    #[must_use]
    pub fn heat_kw(&self) -> f64 {
        self.air.iter().map(|air| air.heat_kw).sum()
    }
}

/// A fault of equipment on its own clock.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MachineFault {
    pub kind: FaultKind,
    /// Index of the chiller or air handler.
    pub machine: usize,
    pub start: NaiveDateTime,
    pub end: NaiveDateTime,
    pub size: f64,
}

/// A plant, stepped through time.
pub(crate) struct PlantRoom {
    setting: Setting,
    plant: Plant,
    peak_kw: f64,
    weather: Weather,
    demand: Demand,
    operator: Operator,
    /// Chillers hold their leaving water about so well, K, in units of [`HUNTING_K`].
    hunting: Drift,
    chw_pump_hz: Option<f64>,
    air: Vec<AirHandler>,
    /// How each chiller's power differs from the data sheet's.
    quality: Vec<f64>,
    /// Share of the flow that each train takes, × number of trains.
    flow_share: Vec<f64>,
    faults: Vec<MachineFault>,
    step: u32,
    count: u32,
    minutes_since_staging: u32,
    /// Number of the week whose train leads.
    leading_week: u32,
    pipes: Vec<TrainMoment>,
    headers: Option<Operation>,
}

impl PlantRoom {
    pub(crate) fn new(setting: Setting, faults: Vec<MachineFault>) -> Self {
        let PlantSpec { trains, building, climate, air_handlers, hand, .. } = setting.plant;
        let (hours, seed) = (setting.step_hours(), setting.chance());
        let plant = Plant::of_trains(trains);
        let peak_kw = 0.85 * f64::from(trains) * plant.chiller.capacity_kw;
        let mut rng = Rng::new(seed, "plant room/machines");
        let quality = (0..trains).map(|_| 1.0 + 0.025 * rng.normal()).collect();
        let flow_share = (0..trains).map(|_| 1.0 + 0.02 * rng.normal()).collect();
        let standing = TrainMoment { chwst_c: PLANT_ROOM_C, chwrt_c: PLANT_ROOM_C, ..TrainMoment::default() };
        let pipes = vec![TrainMoment { cwst_c: PLANT_ROOM_C, cwrt_c: PLANT_ROOM_C, ..standing }; trains as usize];
        let air = (0..air_handlers).map(|n| AirHandler::new(&setting.plant, n, peak_kw, seed, hours));
        Self {
            setting,
            plant,
            peak_kw,
            weather: Weather::new(climate, seed, hours),
            demand: Demand::new(building, peak_kw, seed, hours),
            operator: Operator::with_hand(Bounds::default(), seed, hours, hand),
            hunting: Drift::new(Rng::new(seed, "plant room/hunting"), 0.3, hours),
            chw_pump_hz: None,
            air: air.collect(),
            quality,
            flow_share,
            faults,
            step: 0,
            count: 0,
            minutes_since_staging: LEAST_MINUTES,
            leading_week: setting.start.iso_week().week(),
            pipes,
            headers: None,
        }
    }

    /// Size of a fault that is there now, and hours since it began.
    fn fault(&self, kind: FaultKind, machine: usize, at: NaiveDateTime) -> Option<(f64, f64)> {
        let here = |fault: &&MachineFault| {
            fault.kind == kind && fault.machine == machine && (fault.start..=fault.end).contains(&at)
        };
        let fault = self.faults.iter().find(here)?;
        Some((fault.size, (at - fault.start).num_minutes() as f64 / 60.0))
    }

    fn air_faults(&self, index: usize, at: NaiveDateTime) -> AirFaults {
        AirFaults {
            heating_pct: self.fault(FaultKind::SimultaneousHeatingCooling, index, at).map(|(size, _)| size),
            always_on: self.fault(FaultKind::OutOfSchedule, index, at).is_some(),
            // The valves of every third air handler.
            valve_open: index.is_multiple_of(3) && self.fault(FaultKind::LowDeltaT, 0, at).is_some(),
        }
    }

    /// Moves the number of trains towards what the load asks for; trains take turns in leading, week by week.
    fn stage(&mut self, at: NaiveDateTime, load_kw: f64) {
        self.minutes_since_staging = self.minutes_since_staging.saturating_add(self.setting.step_minutes);
        let one_kw = self.plant.chiller.capacity_kw;
        let rested = self.minutes_since_staging >= LEAST_MINUTES;
        let week = at.iso_week().week();
        if rested && week != self.leading_week {
            (self.leading_week, self.minutes_since_staging) = (week, 0);
            return;
        }
        let before = self.count;
        while self.count < self.setting.plant.trains {
            let limit_kw = if self.count == 0 { FIRST_SHARE } else { START_SHARE * f64::from(self.count) } * one_kw;
            if load_kw <= limit_kw || (self.count == 0 && !rested) {
                break;
            }
            self.count += 1;
        }
        if self.count == before && rested {
            let limit_kw =
                if self.count == 1 { LAST_SHARE } else { STOP_SHARE * (f64::from(self.count) - 1.0) } * one_kw;
            if self.count > 0 && load_kw < limit_kw {
                self.count -= 1;
            }
        }
        if self.count != before {
            self.minutes_since_staging = 0;
        }
    }

    /// Which trains' pumps run; one that cycles lags behind all others.
    fn on_duty(&self, at: NaiveDateTime) -> Vec<bool> {
        let trains = self.setting.plant.trains;
        let turn = |train: u32| (train + self.leading_week).checked_rem(trains).unwrap_or(0);
        let mut order: Vec<u32> = (0..trains).collect();
        order.sort_by_key(|train| (self.cycles(*train as usize, at).is_some(), turn(*train)));
        let mut running = vec![false; trains as usize];
        for train in order.into_iter().take(self.count as usize) {
            if let Some(slot) = running.get_mut(train as usize) {
                *slot = true;
            }
        }
        // A machine that cycles is on whenever the plant runs at all.
        if let (true, Some(cycling)) = (self.count > 0, (0..trains as usize).find(|t| self.cycles(*t, at).is_some()))
            && let Some(slot) = running.get_mut(cycling)
        {
            *slot = true;
        }
        running
    }

    /// Whether the chiller, if it cycles, is in the part of its cycle that runs.
    fn cycles(&self, train: usize, at: NaiveDateTime) -> Option<bool> {
        let (starts_an_hour, hours) = self.fault(FaultKind::ShortCycling, train, at)?;
        Some((hours * starts_an_hour + 1e-9).fract() < 0.5)
    }

    /// How much more than a new chiller's each running one's power is; none for one that stands.
    fn wear(&self, at: NaiveDateTime, pumps: &[bool]) -> Vec<Option<f64>> {
        let one = |(train, (on, quality)): (usize, (&bool, &f64))| {
            let runs = *on && self.cycles(train, at).unwrap_or(true);
            let fouling = self.fault(FaultKind::Fouling, train, at);
            let fouling = fouling.map_or(0.0, |(size, hours)| size * (hours / 24.0 / FOULING_DAYS).min(1.0));
            let starts = self.pipes.get(train).is_some_and(|before| !before.chiller_on);
            let start = if starts { START_PENALTY } else { 0.0 };
            runs.then_some(quality * (1.0 + fouling) * (1.0 + start))
        };
        pumps.iter().zip(&self.quality).enumerate().map(one).collect()
    }

    /// The steady state that the water is on its way to.
    fn duty(&self, conditions: &Conditions, set: &SetPoints, pumps: Vec<bool>, wear: Vec<Option<f64>>) -> Duty {
        let share = |index: usize| self.flow_share.get(index).copied().unwrap_or(1.0);
        let flow_share: f64 = (0..).zip(&pumps).filter(|(_, on)| **on).map(|(index, _)| share(index)).sum();
        let cooled = || (0..).zip(&wear).filter_map(|(index, wear)| Some((share(index), (*wear)?)));
        let cooled_share: f64 = cooled().map(|(share, _)| share).sum();
        let worn_share: f64 = cooled().map(|(share, wear)| share * wear).sum();
        let pumping = pumps.iter().filter(|on| **on).fold(0_u32, |sum, _| sum + 1);
        let chillers = cooled().fold(0_u32, |sum, _| sum + 1);
        let mean_wear = if chillers > 0 { worn_share / cooled_share } else { 1.0 };
        let mut operation = self.plant.operate_trains(conditions, set, chillers, mean_wear);
        if pumping > chillers {
            // Pumps whose chiller stands push return water past it.
            let extra = f64::from(pumping - chillers);
            operation.trains = pumping;
            operation.chw_pump_kw += extra * self.plant.chw_pump.drive.power_kw(set.chw_pump_hz);
            operation.cw_pump_kw += extra * self.plant.cw_pump.drive.power_kw(set.cw_pump_hz);
            operation.tower_fan_kw += extra * self.plant.tower_fan.power_kw(set.tower_fan_hz);
            operation.chw_lpm += extra * self.plant.chw_pump.lpm(set.chw_pump_hz);
            operation.cw_lpm += extra * self.plant.cw_pump.lpm(set.cw_pump_hz);
            let range_k = water_delta_t_k(operation.cooling_kw, operation.chw_lpm);
            if chillers > 0 {
                operation.chwrt_c = set.chwst_c + range_k * f64::from(pumping) / f64::from(chillers);
            } else if let Some(before) = &self.headers {
                // Nothing cools: the building warms the water, as far as it can.
                operation.chwrt_c = (before.chwrt_c + 1.5).min(PLANT_ROOM_C - 5.0).max(before.chwrt_c);
            }
            operation.chwst_c = operation.chwrt_c - range_k;
        }
        Duty { operation, pumps, wear, flow_share, cooled_share, worn_share }
    }

    /// One train's part of a duty, its water on the way from where it was.
    fn train(&self, index: usize, duty: &Duty, set: &SetPoints) -> TrainMoment {
        let before = self.pipes.get(index).copied().unwrap_or_default();
        let hours = self.setting.step_hours();
        if !duty.pumps.get(index).copied().unwrap_or_default() {
            let warm = |from_c: f64| STANDING.settled(from_c, PLANT_ROOM_C, hours);
            return TrainMoment {
                chwst_c: warm(before.chwst_c),
                chwrt_c: warm(before.chwrt_c),
                cwst_c: warm(before.cwst_c),
                cwrt_c: warm(before.cwrt_c),
                ..TrainMoment::default()
            };
        }
        let Duty { operation, .. } = duty;
        let share = self.flow_share.get(index).copied().unwrap_or(1.0);
        let chw_lpm = operation.chw_lpm * share / duty.flow_share;
        let cw_lpm = operation.cw_lpm * share / duty.flow_share;
        let wear = duty.wear.get(index).copied().flatten();
        // All chillers hold the same set-point, so each cools in proportion to its flow and draws by its own wear.
        let (cooling_kw, chiller_kw) = wear.map_or((0.0, 0.0), |wear| {
            let cooling_kw = operation.cooling_kw * share / duty.cooled_share;
            (cooling_kw, operation.chiller_kw * share * wear / duty.worn_share)
        });
        TrainMoment {
            chiller_on: wear.is_some(),
            pumps_on: true,
            chiller_kw,
            chwst_c: PIPES.settled(before.chwst_c, operation.chwrt_c - water_delta_t_k(cooling_kw, chw_lpm), hours),
            chwrt_c: RETURN.settled(before.chwrt_c, operation.chwrt_c, hours),
            cwst_c: BASIN.settled(before.cwst_c, operation.cwst_c, hours),
            cwrt_c: BASIN.settled(
                before.cwrt_c,
                operation.cwst_c + water_delta_t_k(cooling_kw + chiller_kw, cw_lpm),
                hours,
            ),
            chw_lpm,
            chw_pump_kw: self.plant.chw_pump.drive.power_kw(set.chw_pump_hz),
            cw_pump_kw: self.plant.cw_pump.drive.power_kw(set.cw_pump_hz),
            fan_kw: self.plant.tower_fan.power_kw(set.tower_fan_hz),
        }
    }

    /// The headers' water on the way from where it was to what the duty makes it.
    fn headers(&self, duty: &Duty) -> Operation {
        let goal = duty.operation;
        let hours = self.setting.step_hours();
        let before = self.headers.as_ref().unwrap_or(&goal);
        let flows = goal.trains > 0;
        let settle = |water: &Water, from_c: f64, to_c: f64| match flows {
            true => water.settled(from_c, to_c, hours),
            false => STANDING.settled(from_c, PLANT_ROOM_C, hours),
        };
        Operation {
            chwst_c: settle(&PIPES, before.chwst_c, goal.chwst_c),
            chwrt_c: settle(&RETURN, before.chwrt_c, goal.chwrt_c),
            cwst_c: settle(&BASIN, before.cwst_c, goal.cwst_c),
            cwrt_c: settle(&BASIN, before.cwrt_c, goal.cwrt_c),
            ..goal
        }
    }
}

impl Iterator for PlantRoom {
    type Item = Snapshot;

    /// None after the last step, or where the calendar ends.
    fn next(&mut self) -> Option<Snapshot> {
        let at = self.setting.at(self.step).filter(|_| self.step < self.setting.steps)?;
        let hours = self.setting.step_hours();
        let sky = self.weather.step(at);
        let asked_kw = self.demand.step(at, &sky);
        let faults: Vec<AirFaults> = (0..self.air.len()).map(|index| self.air_faults(index, at)).collect();
        let extra_kw: f64 =
            self.air.iter().zip(&faults).map(|(air, faults)| air.extra_load_kw(at, &sky, *faults)).sum();
        // A building that was not cooled enough asks for it later, as far as one chiller more can give it.
        let owed_kw = self.headers.filter(|before| before.trains > 0).map_or(0.0, |before| before.unmet_kw);
        let owed_kw = owed_kw.min(self.plant.chiller.capacity_kw);
        let conditions = Conditions {
            load_kw: asked_kw + extra_kw + if asked_kw > 0.0 { owed_kw } else { 0.0 },
            dry_bulb_c: sky.dry_bulb_c,
            relative_humidity_pct: sky.relative_humidity_pct,
            pressure_pa: sky.pressure_pa,
            wet_bulb_c: sky.wet_bulb_c,
        };
        self.stage(at, conditions.load_kw);
        let count = self.count;
        let mut set = self.operator.step_with(at, &conditions, &self.plant, |_| count);
        let chw_set_c = set.chwst_c;
        set.chwst_c += HUNTING_K * self.hunting.step();
        // Pressure controllers are slow on purpose.
        let asked_hz = set.chw_pump_hz;
        let before_hz = self.chw_pump_hz.unwrap_or(asked_hz);
        set.chw_pump_hz = asked_hz + (before_hz - asked_hz) * (-hours / PUMP_HOURS).exp();
        self.chw_pump_hz = (count > 0).then_some(set.chw_pump_hz);
        if let Some((size, _)) = self.fault(FaultKind::LowDeltaT, 0, at) {
            set.chw_pump_hz = (set.chw_pump_hz * (1.0 + size)).min(Bounds::default().high.chw_pump_hz);
        }
        let pumps = self.on_duty(at);
        let wear = self.wear(at, &pumps);
        let duty = self.duty(&conditions, &set, pumps, wear);
        let operation = self.headers(&duty);
        let trains: Vec<TrainMoment> = (0..self.pipes.len()).map(|index| self.train(index, &duty, &set)).collect();
        let occupancy = self.setting.plant.building.occupancy(at);
        let load_share = if operation.trains > 0 { asked_kw / self.peak_kw } else { 0.0 };
        let air = self.air.iter_mut().zip(faults);
        let air = air.map(|(air, faults)| air.step(at, &sky, occupancy, load_share, faults, hours)).collect();
        self.step += 1;
        self.headers = Some(operation);
        self.pipes.clone_from(&trains);
        Some(Snapshot { at, sky, chw_set_c, set, operation, trains, air })
    }
}

/// Which machines share a steady state, and how.
struct Duty {
    operation: Operation,
    pumps: Vec<bool>,
    /// None for a chiller that stands.
    wear: Vec<Option<f64>>,
    /// Sums over the running pumps, and over the running chillers without and with their wear.
    flow_share: f64,
    cooled_share: f64,
    worn_share: f64,
}

impl Water {
    /// Its temperature `hours` later, on the way from one to another.
    fn settled(&self, from_c: f64, to_c: f64, hours: f64) -> f64 {
        let step = (to_c - from_c) * (1.0 - (-hours / self.tau_hours).exp());
        from_c + step.clamp(-self.fastest_k_per_hour * hours, self.fastest_k_per_hour * hours)
    }
}
