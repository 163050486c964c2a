//! A plant's sensors side by side, and the laws that bind them, found by what the sensors are.

use hvac_points::{MachineKind, Role};

use super::relation::{Law, Relation};
use super::samples::Instants;
use super::sensor::{Sensor, Tag};
use super::wet_bulb::WetBulbs;

/// Speeds below this one are standstill, Hz.
const STANDING_HZ: f64 = 5.0;
/// Share of its usual (95 %) value below which a machine stands.
const STANDING_SHARE: f64 = 0.01;
/// The same of a flow; small enough that a flow in another unit still flows.
const STANDING_FLOW: f64 = 0.004;
/// Water has settled when its machine has run for so long, ms.
const SETTLED_MS: i64 = 3_600_000;
/// Air that there is outside, °C.
const AIR_C: (f64, f64) = (-30.0, 50.0);
/// Trains up to which every pair is compared; of more, each with the next two.
const FEW: usize = 4;

/// Sensors, their values at the same instants, and their laws.
#[derive(Debug, Default)]
pub(crate) struct Plant<'a> {
    /// When they are compared.
    pub(crate) instants: Instants,
    /// The sensors.
    pub(crate) sensors: Vec<Sensor<'a>>,
    /// Values by slot: the sensors', then states and means that laws need.
    pub(crate) slots: Vec<Vec<f64>>,
    /// Whose error a slot shows.
    pub(crate) of_sensor: Vec<Option<usize>>,
    /// The laws.
    pub(crate) relations: Vec<Relation>,
    /// Wet-bulbs at the site's pressure.
    pub(crate) wet: WetBulbs,
}

impl<'a> Plant<'a> {
    /// The plant of these sensors.
    #[must_use]
    pub(crate) fn of(sensors: Vec<Sensor<'a>>, at_ms: &[i64], pressure_pa: f64) -> Self {
        let present = |sensor: &Sensor<'_>| {
            let first = sensor.values.iter().position(|value| !value.is_nan())?;
            Some((first, sensor.values.iter().rposition(|value| !value.is_nan())?))
        };
        let ends: Vec<(usize, usize)> = sensors.iter().filter_map(present).collect();
        let (Some(first), Some(last)) = (ends.iter().map(|e| e.0).min(), ends.iter().map(|e| e.1).max()) else {
            return Self::default();
        };
        let instants = Instants::over(at_ms, first, last);
        let slots: Vec<Vec<f64>> = sensors.iter().map(|sensor| sampled(&instants, at_ms, sensor)).collect();
        let of_sensor = (0..sensors.len()).map(Some).collect();
        let mut plant = Self { instants, sensors, slots, of_sensor, relations: Vec::new(), wet: WetBulbs::default() };
        plant.bind(at_ms, pressure_pa);
        plant
    }

    /// The sensor with that tag, if there is exactly one.
    #[must_use]
    pub(crate) fn find(&self, role: Role, machine: Option<MachineKind>, number: Option<u32>) -> Option<usize> {
        self.only(Tag { role, machine, number })
    }

    pub(crate) fn only(&self, tag: Tag) -> Option<usize> {
        let mut found = (0..).zip(&self.sensors).filter(|(_, sensor)| sensor.tag == tag).map(|(index, _)| index);
        let one = found.next()?;
        found.next().is_none().then_some(one)
    }

    /// The sensors of that role of numbered machines, by number.
    fn numbered(&self, role: Role, machine: MachineKind) -> Vec<(u32, usize)> {
        let numbers = self.sensors.iter().filter(|s| s.tag.role == role && s.tag.machine == Some(machine));
        let mut numbers: Vec<u32> = numbers.filter_map(|sensor| sensor.tag.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|n| Some((n, self.find(role, Some(machine), Some(n))?))).collect()
    }

    /// Every sensor of that role of that kind of machine, numbered or not.
    pub(super) fn all_of(&self, role: Role, machine: MachineKind) -> Vec<usize> {
        let is = |sensor: &Sensor<'_>| sensor.tag.role == role && sensor.tag.machine == Some(machine);
        (0..).zip(&self.sensors).filter(|(_, sensor)| is(sensor)).map(|(index, _)| index).collect()
    }

    pub(super) fn name(&self, sensor: usize) -> &str {
        self.sensors.get(sensor).map_or("", |sensor| sensor.name)
    }

    pub(super) fn slot(&mut self, values: Vec<f64>, of_sensor: Option<usize>) -> usize {
        self.slots.push(values);
        self.of_sensor.push(of_sensor);
        self.slots.len() - 1
    }

    fn values(&self, slot: usize) -> &[f64] {
        self.slots.get(slot).map_or(&[], Vec::as_slice)
    }

    pub(super) fn law(&mut self, law: Law, members: Vec<usize>, gates: Vec<usize>, strength: f64, words: String) {
        let exact = !matches!(law, Law::Ratio | Law::Power(_) | Law::Curve { .. });
        let least_noise = match law {
            Law::Ratio | Law::Power(_) | Law::Sum => 0.005,
            Law::WetBulb => 0.12,
            // A machine is never quite the same.
            Law::Curve { .. } => 0.02,
            _ => 0.06,
        };
        self.relations.push(Relation { law, members, gates, exact, strength, least_noise, words });
    }

    pub(super) fn learnt(&mut self) {
        if let Some(relation) = self.relations.last_mut() {
            relation.exact = false;
        }
    }

    /// Whether a machine has run for a while, as a slot: by its state, else by its power.
    pub(super) fn settled(&mut self, at_ms: &[i64], machine: MachineKind, number: Option<u32>) -> Option<usize> {
        let (sensor, above) = match self.find(Role::Running, Some(machine), number) {
            Some(state) => (state, 0.5),
            None => {
                let power = self.find(Role::Power, Some(machine), number)?;
                (power, 0.1 * usual(self.values(power)))
            }
        };
        let on = self.instants.on_for(at_ms, self.sensors.get(sensor)?, above, SETTLED_MS);
        Some(self.slot(on, None))
    }

    /// Whether water flows through a train, as a slot.
    fn flowing(&mut self, flow: usize) -> usize {
        let least = STANDING_FLOW * usual(self.values(flow));
        let on =
            self.values(flow).iter().map(|value| if value.is_nan() { f64::NAN } else { f64::from(*value > least) });
        let on = on.collect();
        self.slot(on, None)
    }

    fn bind(&mut self, at_ms: &[i64], pressure_pa: f64) {
        let chiller = Some(MachineKind::Chiller);
        let mut numbers: Vec<u32> =
            self.sensors.iter().filter(|s| s.tag.machine == chiller).filter_map(|s| s.tag.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut trains = Vec::new();
        for number in numbers {
            let on = self.settled(at_ms, MachineKind::Chiller, Some(number));
            let flow = self.find(Role::ChwFlow, chiller, Some(number));
            let flowing = flow.map(|flow| self.flowing(flow));
            trains.push(Train { number, on, flow, flowing });
        }
        let plant_on = self.plant_on(&trains);
        self.bind_temperatures(&trains, plant_on);
        self.bind_heat(&trains, plant_on);
        self.bind_flows(&trains, plant_on);
        self.bind_powers(plant_on);
        self.bind_registers();
        self.bind_weather(pressure_pa);
    }

    /// Whether any chiller has run for a while; where none can be told, whether there is a load.
    fn plant_on(&mut self, trains: &[Train]) -> Option<usize> {
        let flags: Vec<usize> = trains.iter().filter_map(|train| train.on).collect();
        let count = self.instants.at_ms.len();
        let on: Vec<f64> = if flags.is_empty() {
            let load = self.find(Role::Load, None, None)?;
            let least = 0.1 * usual(self.values(load));
            self.values(load).iter().map(|value| f64::from(*value > least)).collect()
        } else {
            let is = |slot: usize, k: usize| self.values(slot).get(k).is_some_and(|on| *on > 0.5);
            let any = |k: usize| flags.iter().any(|slot| is(*slot, k));
            // Water that flows past a chiller that stands mixes as no law here says.
            let bypassed = |k: usize| {
                let pairs = trains.iter().filter_map(|train| Some((train.on?, train.flowing?)));
                pairs.into_iter().any(|(on, flowing)| is(flowing, k) && !is(on, k))
            };
            (0..count).map(|k| f64::from(any(k) && !bypassed(k))).collect()
        };
        Some(self.slot(on, None))
    }

    /// Headers against trains, and trains against each other.
    fn bind_temperatures(&mut self, trains: &[Train], plant_on: Option<usize>) {
        let roles = [
            (Role::ChwSupplyTemp, true, false),
            (Role::ChwReturnTemp, false, true),
            (Role::CwSupplyTemp, false, true),
            (Role::CwReturnTemp, true, false),
        ];
        for (role, mixes, common) in roles {
            let header = self.find(role, None, None);
            let own = |train: &Train| Some((self.find(role, Some(MachineKind::Chiller), Some(train.number))?, *train));
            let own: Vec<(usize, Train)> = trains.iter().filter_map(own).collect();
            let gate = |train: &Train| if common { train.flowing.or(train.on) } else { train.on };
            let strength = if common { 1.0 } else { 0.5 };
            for (place, (one, a)) in own.iter().enumerate() {
                let within = if own.len() <= FEW { own.len() } else { 2 };
                for (other, b) in own.iter().skip(place + 1).take(within) {
                    if let (Some(on), Some(also_on)) = (gate(a), gate(b)) {
                        let words = format!("{} and {} are of one water", self.name(*one), self.name(*other));
                        self.law(Law::Same, vec![*one, *other], vec![on, also_on], strength, words);
                    }
                }
            }
            let Some(header) = header else { continue };
            if mixes && own.len() == trains.len() && !own.is_empty() {
                let flows: Option<Vec<usize>> = match role {
                    Role::ChwSupplyTemp => own.iter().map(|(_, train)| train.flow).collect(),
                    _ => Some(Vec::new()),
                };
                let runs: Option<Vec<usize>> = own.iter().map(|(_, train)| train.flowing.or(train.on)).collect();
                if let (Some(flows), Some(runs)) = (flows, runs) {
                    let words = format!("{} is the mixture of its {} streams", self.name(header), own.len());
                    let members = std::iter::once(header).chain(own.iter().map(|(sensor, _)| *sensor)).collect();
                    self.law(Law::Mixed { runs, flows }, members, plant_on.into_iter().collect(), 1.0, words);
                    continue;
                }
            }
            for (sensor, train) in &own {
                if let Some(on) = gate(train) {
                    let words = format!("{} and {} are of one water", self.name(header), self.name(*sensor));
                    self.law(Law::Same, vec![header, *sensor], vec![on], strength, words);
                }
            }
        }
    }

    /// Flow × ΔT against the measured load and the chillers' power, of headers and of trains.
    fn bind_heat(&mut self, trains: &[Train], plant_on: Option<usize>) {
        let header = |role| self.find(role, None, None);
        let gates: Vec<usize> = plant_on.into_iter().collect();
        let Some(load) = header(Role::Load) else { return };
        let chw = (header(Role::ChwReturnTemp), header(Role::ChwSupplyTemp), header(Role::ChwFlow));
        let cw = (header(Role::CwReturnTemp), header(Role::CwSupplyTemp), header(Role::CwFlow));
        let powers = self.all_of(Role::Power, MachineKind::Chiller);
        if let (Some(back), Some(supply), Some(flow)) = chw {
            let words = format!("{} × ΔT against {}", self.name(flow), self.name(load));
            self.law(Law::Heat, vec![back, supply, load, flow], gates.clone(), 1.0, words);
        }
        if let (Some(back), Some(supply), Some(flow), false) = (cw.0, cw.1, cw.2, powers.is_empty()) {
            let words = format!("{} × ΔT against {} and the chillers' power", self.name(flow), self.name(load));
            let members = [back, supply, load, flow].into_iter().chain(powers).collect();
            self.law(Law::Heat, members, gates.clone(), 1.0, words);
        }
        let of_train = |train: &Train| {
            let of = |role| self.find(role, Some(MachineKind::Chiller), Some(train.number));
            Some([train.flow?, of(Role::ChwReturnTemp)?, of(Role::ChwSupplyTemp)?])
        };
        let streams: Vec<[usize; 3]> = trains.iter().filter_map(of_train).collect();
        if streams.len() == trains.len() && !streams.is_empty() {
            let words = format!("the chillers' flow × ΔT against {}", self.name(load));
            let members = std::iter::once(load).chain(streams.into_iter().flatten()).collect();
            self.law(Law::Trains, members, gates, 1.0, words);
        }
    }

    /// Headers against trains, and flows against speeds.
    fn bind_flows(&mut self, trains: &[Train], plant_on: Option<usize>) {
        let gates: Vec<usize> = plant_on.into_iter().collect();
        let parts: Vec<usize> = trains.iter().filter_map(|train| train.flow).collect();
        if let (Some(whole), true) =
            (self.find(Role::ChwFlow, None, None), parts.len() == trains.len() && !parts.is_empty())
        {
            let words = format!("{} is the sum of its {} streams", self.name(whole), parts.len());
            self.law(
                Law::Sum,
                std::iter::once(whole).chain(parts.iter().copied()).collect(),
                gates.clone(),
                1.0,
                words,
            );
        }
        self.peers(&parts.clone(), 0.5);
        for (role, machine) in [(Role::ChwFlow, MachineKind::ChwPump), (Role::CwFlow, MachineKind::CwPump)] {
            let speeds = self.all_of(Role::Speed, machine);
            if let (Some(flow), false) = (self.find(role, None, None), speeds.is_empty()) {
                let words = format!("{} against its pumps' speeds", self.name(flow));
                self.law(Law::Sum, std::iter::once(flow).chain(speeds).collect(), gates.clone(), 0.5, words);
                self.learnt();
            }
        }
        for (number, speed) in self.numbered(Role::Speed, MachineKind::ChwPump) {
            if let Some(flow) = trains.iter().find(|train| train.number == number).and_then(|train| train.flow) {
                let words = format!("{} against {}", self.name(flow), self.name(speed));
                self.law(Law::Ratio, vec![flow, speed], Vec::new(), 0.5, words);
            }
        }
    }

    fn peers(&mut self, sensors: &[usize], strength: f64) {
        for (place, one) in sensors.iter().enumerate() {
            let within = if sensors.len() <= FEW { sensors.len() } else { 2 };
            for also in sensors.iter().skip(place + 1).take(within) {
                let words = format!("{} and {} do the same work", self.name(*one), self.name(*also));
                self.law(Law::Ratio, vec![*one, *also], Vec::new(), strength, words);
            }
        }
    }

    /// Machines against the plant's meter, their speeds, and each other.
    fn bind_powers(&mut self, plant_on: Option<usize>) {
        use MachineKind::{Chiller, ChwPump, CwPump, ScpPump, Tower};
        let kinds = [Chiller, ChwPump, ScpPump, CwPump, Tower];
        let parts: Vec<usize> = kinds.into_iter().flat_map(|kind| self.all_of(Role::Power, kind)).collect();
        let has = |kind| !self.all_of(Role::Power, kind).is_empty();
        if let (Some(whole), true) = (self.find(Role::Power, None, None), has(Chiller) && (has(ChwPump) || has(CwPump)))
        {
            let words = format!("{} is the sum of its {} machines", self.name(whole), parts.len());
            let members = std::iter::once(whole).chain(parts).collect();
            self.law(Law::Sum, members, plant_on.into_iter().collect(), 1.0, words);
        }
        for kind in kinds {
            let powers = self.numbered(Role::Power, kind);
            // Chillers of one plant wear and foul each for itself: what they draw is no law.
            if kind != Chiller {
                let sensors: Vec<usize> = powers.iter().map(|(_, sensor)| *sensor).collect();
                self.peers(&sensors, 0.5);
            }
            if kind != Chiller {
                for power in self.all_of(Role::Power, kind) {
                    let number = self.sensors.get(power).and_then(|sensor| sensor.tag.number);
                    let Some(speed) = self.find(Role::Speed, Some(kind), number) else { continue };
                    let Some(exponent) = exponent(self.values(speed), self.values(power)) else { continue };
                    let words = format!("{} against {}", self.name(power), self.name(speed));
                    self.law(Law::Power(exponent), vec![power, speed], Vec::new(), 0.5, words);
                }
            }
        }
    }

    /// Powers against the registers that add them up.
    fn bind_registers(&mut self) {
        for register in 0..self.sensors.len() {
            let Some(tag) = self.sensors.get(register).map(|s| s.tag).filter(|tag| tag.role == Role::Energy) else {
                continue;
            };
            let Some(power) = self.only(Tag { role: Role::Power, ..tag }) else { continue };
            let hours = self.instants.step_ms as f64 / 3_600_000.0;
            let register_at = self.values(register);
            let rise = register_at.iter().zip(register_at.iter().skip(1)).map(|(a, b)| (b - a) / hours);
            let rate: Vec<f64> =
                std::iter::once(f64::NAN).chain(rise).map(|kw| if kw > 0.0 { kw } else { f64::NAN }).collect();
            let Some(sensor) = self.sensors.get(power) else { continue };
            let means = self.instants.means(sensor);
            let words = format!("{} against the growth of {}", self.name(power), self.name(register));
            let (rate, mean) = (self.slot(rate, Some(register)), self.slot(means, Some(power)));
            self.law(Law::Ratio, vec![mean, rate], Vec::new(), 1.0, words);
            if let Some(relation) = self.relations.last_mut() {
                relation.exact = true;
            }
        }
    }

    fn bind_weather(&mut self, pressure_pa: f64) {
        let weather = |role| self.find(role, None, None);
        let (Some(wet), Some(dry), Some(humidity)) =
            (weather(Role::WetBulb), weather(Role::DryBulb), weather(Role::Humidity))
        else {
            return;
        };
        if self.values(dry).iter().any(|value| !value.is_nan()) {
            self.wet = WetBulbs::new(AIR_C, pressure_pa);
            let words = format!("{} against {} and {}", self.name(wet), self.name(dry), self.name(humidity));
            self.law(Law::WetBulb, vec![wet, dry, humidity], Vec::new(), 1.0, words);
        }
    }
}

/// A chiller with its water.
#[derive(Debug, Clone, Copy)]
struct Train {
    number: u32,
    /// Slot: whether it has run for a while.
    on: Option<usize>,
    /// Its chilled water.
    flow: Option<usize>,
    /// Slot: whether that flows.
    flowing: Option<usize>,
}

fn sampled(instants: &Instants, at_ms: &[i64], sensor: &Sensor<'_>) -> Vec<f64> {
    match sensor.tag.role {
        Role::Running | Role::Energy => instants.latest(at_ms, sensor, 0),
        Role::Speed => {
            let values = instants.latest(at_ms, sensor, 0);
            values.into_iter().map(|value| if value < STANDING_HZ { 0.0 } else { value }).collect()
        }
        Role::Power => {
            let values = instants.sample(at_ms, sensor);
            let least = STANDING_SHARE * usual(&values);
            values.into_iter().map(|value| if value < least { 0.0 } else { value }).collect()
        }
        _ => instants.sample(at_ms, sensor),
    }
}

/// What a machine usually does when it works: the 95 % quantile.
fn usual(values: &[f64]) -> f64 {
    let mut present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    super::robust::quantile(&mut present, 0.95).unwrap_or(0.0)
}

/// Exponent n of P ∝ fⁿ: the median slope of logarithms over pairs of instants whose speeds differ by 5 % or more;
/// 3, as in theory, where the speed hardly varies.
fn exponent(speeds: &[f64], powers: &[f64]) -> Option<f64> {
    let running = speeds.iter().zip(powers).filter(|(f, p)| **f > 0.0 && **p > 0.0);
    let logs: Vec<(f64, f64)> = running.map(|(f, p)| (f.ln(), p.ln())).collect();
    if logs.len() < 50 {
        return None;
    }
    let mut slopes = Vec::new();
    for apart in [1, 7, 29, logs.len() / 2] {
        let pairs = logs.iter().zip(logs.iter().skip(apart)).filter(|(a, b)| (a.0 - b.0).abs() > 0.05);
        slopes.extend(pairs.map(|(a, b)| (a.1 - b.1) / (a.0 - b.0)));
    }
    if slopes.len() < 50 {
        return Some(3.0);
    }
    super::robust::quantile(&mut slopes, 0.5).map(|slope| slope.clamp(1.5, 4.5))
}
