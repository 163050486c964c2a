//! Faults at random: where each could really happen, and where something else at the site tells of it.
//!
//! A point has one fault of its sensor at most, a machine one of its kind; faults of sensors fall where the sensor
//! is at work. Offsets and drifts fall on water, heat, power and weather, which laws bind to other points, not on the
//! air of single ducts.

use super::faults::{Fault, FaultKind, FaultList, Target};
use super::instruments::TrendedPoint;
use super::measurands::{AirPart, Dimension, Measurand, TrainPart};
use super::placed::{Placed, machines, place};
use super::plant_room::{Setting, Snapshot};
use super::rng::Rng;

/// How often a place is looked for before a kind is given up.
const TRIES: u32 = 200;

/// Kinds of the random faults, in their order: every kind as often as the others, give or take one.
pub(crate) fn kinds(list: &FaultList, seed: u64) -> Vec<FaultKind> {
    let mut rng = Rng::new(seed, "faults/kinds");
    let mut of_all = if list.kinds.is_empty() { FaultKind::ALL.to_vec() } else { list.kinds.clone() };
    for index in (1..of_all.len()).rev() {
        let other = rng.below(index as u64 + 1);
        of_all.swap(index, usize::try_from(other).unwrap_or(index));
    }
    of_all.into_iter().cycle().take(list.random as usize).collect()
}

/// Draws faults one by one.
pub(crate) struct Draw<'a> {
    pub(crate) setting: &'a Setting,
    pub(crate) points: &'a [TrendedPoint],
    /// How many times the least size.
    pub(crate) sizes: [f64; 2],
    pub(crate) rng: Rng,
}

impl Draw<'_> {
    /// A fault of equipment on a machine that `taken` does not hold.
    pub(crate) fn of_machine(&mut self, kind: FaultKind, taken: &[Placed]) -> Option<Placed> {
        for _ in 0..TRIES {
            let names = machines(self.setting, kind);
            let mut name = self.pick(&names)?;
            if kind == FaultKind::OutOfSchedule
                && self.setting.plant.runs_always(names.iter().position(|n| *n == name)?)
            {
                name = self.pick(&names)?;
                if self.setting.plant.runs_always(names.iter().position(|n| *n == name)?) {
                    continue;
                }
            }
            let mut fault = Fault::new(kind, Target::Machine(name));
            if taken.iter().any(|other| other.fault.kind == kind && other.fault.target == fault.target) {
                continue;
            }
            (fault.start, fault.end) = self.span(0.15, 0.55, 0.2, 0.4);
            fault.size = match kind {
                FaultKind::OutOfSchedule => None,
                // More starts than rows can show are none.
                FaultKind::ShortCycling => Some((self.times() * kind.least_size()).min(30.0 / self.step())),
                FaultKind::SimultaneousHeatingCooling => Some((self.times() * kind.least_size()).min(100.0)),
                _ => Some(self.times() * kind.least_size()),
            };
            if let Ok(placed) = place(self.setting, self.points, &fault) {
                return Some(placed);
            }
        }
        None
    }

    /// A fault of a sensor on a point that `taken` does not hold.
    pub(crate) fn of_sensor(&mut self, kind: FaultKind, history: &[Snapshot], taken: &[Placed]) -> Option<Placed> {
        for _ in 0..TRIES {
            let Some(fault) = self.sensor_fault(kind) else { continue };
            let Ok(placed) = place(self.setting, self.points, &fault) else { continue };
            let free = |index: &usize| !taken.iter().any(|other| other.points.contains(index));
            if placed.points.iter().all(free) && self.at_work(&placed, history) {
                return Some(placed);
            }
        }
        None
    }

    fn sensor_fault(&mut self, kind: FaultKind) -> Option<Fault> {
        if kind == FaultKind::TimeShift && self.rng.uniform() < 0.25 {
            let files = ["CHILLER", "PUMP", "WATER", "WEATHER", "AIR"];
            let file = self.pick(&files)?;
            let mut fault = Fault::new(kind, Target::File(file.to_owned()));
            (fault.start, fault.end) = self.span(0.1, 0.5, 0.25, 0.4);
            fault.size = Some(self.signed_times(kind.least_size()).round());
            return Some(fault);
        }
        let points = self.points;
        let fits: Vec<&TrendedPoint> = points.iter().filter(|point| may_have(kind, point)).collect();
        let point = self.pick(&fits)?;
        let mut fault = Fault::new(kind, Target::Point(point.name.clone()));
        let temperature = point.measurand.dimension() == Dimension::Temperature;
        let least = kind.least_size_of_share().filter(|_| !temperature).unwrap_or(kind.least_size());
        match kind {
            FaultKind::Stuck | FaultKind::Dropout => {
                fault.start = {
                    let share = self.rng.between(0.05, 0.9);
                    self.at(share)
                };
                fault.size = Some((self.times() * least).ceil());
            }
            FaultKind::Spike => {
                fault.start = {
                    let share = self.rng.between(0.05, 0.95);
                    self.at(share)
                };
                fault.size = Some(self.signed_times(least));
            }
            FaultKind::Offset => {
                (fault.start, fault.end) = self.span(0.15, 0.55, 0.2, 0.4);
                fault.size = Some(self.signed_times(least));
            }
            FaultKind::Drift => {
                (fault.start, fault.end) = self.span(0.1, 0.3, 0.45, 0.65);
                fault.size = Some(self.signed_times(least));
            }
            FaultKind::Swap => {
                let other = partner(point.measurand)?;
                fault.with = Some(points.iter().find(|point| point.measurand == other)?.name.clone());
                (fault.start, fault.end) = self.span(0.15, 0.7, 0.2, 0.4);
            }
            FaultKind::WrongUnit => {
                (fault.start, fault.end) = self.span(0.15, 0.7, 0.2, 0.4);
                if self.rng.uniform() < 0.25 {
                    (fault.start, fault.end) = (None, None);
                }
            }
            FaultKind::TimeShift => {
                (fault.start, fault.end) = self.span(0.1, 0.5, 0.25, 0.4);
                fault.size = Some(self.signed_times(least).round());
            }
            _ => return None,
        }
        Some(fault)
    }

    /// Whether the sensor has something to show while it is at fault.
    fn at_work(&self, placed: &Placed, history: &[Snapshot]) -> bool {
        let Some(point) = placed.points.first().and_then(|index| self.points.get(*index)) else { return false };
        let margin = match placed.fault.kind {
            FaultKind::Stuck | FaultKind::Spike => 2,
            _ => return true,
        };
        let (Some(first), last) = (placed.first.checked_sub(margin), placed.last + margin) else { return false };
        let all = history.get(first..=last);
        all.is_some_and(|rows| rows.iter().all(|now| point.measurand.at_work(now)))
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        let index = self.rng.below(from.len() as u64);
        from.get(usize::try_from(index).ok()?).cloned()
    }

    fn times(&mut self) -> f64 {
        let [low, high] = self.sizes;
        self.rng.between(low, high)
    }

    fn signed_times(&mut self, least: f64) -> f64 {
        let times = self.times();
        if self.rng.uniform() < 0.5 { -least * times } else { least * times }
    }

    fn step(&self) -> f64 {
        f64::from(self.setting.step_minutes)
    }

    /// The moment after that share of the stretch.
    fn at(&self, share: f64) -> Option<chrono::NaiveDateTime> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u32")]
        self.setting.at((share * f64::from(self.setting.steps)) as u32)
    }

    /// A start between two shares of the stretch; an end after a share of it between the other two, or, in half of the
    /// cases, none.
    fn span(
        &mut self,
        from: f64,
        to: f64,
        shortest: f64,
        longest: f64,
    ) -> (Option<chrono::NaiveDateTime>, Option<chrono::NaiveDateTime>) {
        let start = self.rng.between(from, to);
        let end = start + self.rng.between(shortest, longest);
        let ends = self.rng.uniform() < 0.5 && end < 0.97;
        (self.at(start), if ends { self.at(end) } else { None })
    }
}

/// Whether a fault of that kind may fall on a point.
fn may_have(kind: FaultKind, point: &TrendedPoint) -> bool {
    let measurand = point.measurand;
    let dimension = measurand.dimension();
    let of_duct = matches!(measurand, Measurand::Air(_, AirPart::Supply | AirPart::Return | AirPart::FanPower));
    match kind {
        FaultKind::Dropout => true,
        FaultKind::Stuck | FaultKind::Spike => point.is_sensor() && dimension != Dimension::Speed,
        FaultKind::Offset | FaultKind::Drift => {
            point.is_sensor() && !of_duct && !matches!(dimension, Dimension::Speed | Dimension::Share)
        }
        FaultKind::Swap => partner(measurand).is_some(),
        FaultKind::WrongUnit => point.is_sensor() && !of_duct && dimension.units().len() > 1,
        FaultKind::TimeShift => matches!(
            measurand,
            Measurand::Cooling
                | Measurand::PlantPower
                | Measurand::ChwFlow
                | Measurand::ChwReturn
                | Measurand::CwReturn
                | Measurand::DryBulb
                | Measurand::WetBulb
        ),
        _ => false,
    }
}

/// The other temperature of the loop.
fn partner(measurand: Measurand) -> Option<Measurand> {
    Some(match measurand {
        Measurand::ChwSupply => Measurand::ChwReturn,
        Measurand::ChwReturn => Measurand::ChwSupply,
        Measurand::CwSupply => Measurand::CwReturn,
        Measurand::CwReturn => Measurand::CwSupply,
        Measurand::Train(train, part) => Measurand::Train(
            train,
            match part {
                TrainPart::ChwSupply => TrainPart::ChwReturn,
                TrainPart::ChwReturn => TrainPart::ChwSupply,
                TrainPart::CwSupply => TrainPart::CwReturn,
                TrainPart::CwReturn => TrainPart::CwSupply,
                _ => return None,
            },
        ),
        _ => return None,
    })
}
