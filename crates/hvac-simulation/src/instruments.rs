//! The points of a plant with faults, and what their sensors make of the truth: bias, noise, a slow wander,
//! resolution – and the faults of sensors.

use super::measurands::{Dimension, Measurand, TrainPart};
use super::plant_room::{Setting, Snapshot};
use super::plants::{PlantSpec, Style};
use super::rng::{Drift, Rng};

/// A point of the building automation system.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendedPoint {
    /// Its name, as reports have it.
    pub name: String,
    /// The group of points that it is printed with.
    pub file: &'static str,
    /// What it measures.
    pub measurand: Measurand,
    /// The unit that it is said to have.
    pub unit: &'static str,
    /// Digits behind the point.
    pub decimals: u8,
    /// Rows that one reading is repeated for: its own interval ÷ the report's.
    pub hold_rows: u32,
    /// Noise (one standard deviation), in the unit of [`Measurand::value`]: a constant, and a share of the reading.
    noise: (f64, f64),
    /// Standard deviation of a constant error that differs from sensor to sensor, likewise.
    bias: (f64, f64),
    /// What it reads where there is nothing to read.
    zero: f64,
}

/// A point's readings: numbers as printed, states as 1 and 0, NaN where the reading is lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The point.
    pub point: TrendedPoint,
    /// One value a row.
    pub values: Vec<f64>,
}

/// An error of a sensor while rows `first..=last` are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SensorError {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) kind: ErrorKind,
}

/// What the sensor does; the numbers are in the unit of [`Measurand::value`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ErrorKind {
    /// So much too much.
    Constant(f64),
    /// So much too much each row more than in the row before.
    Growing(f64),
    /// Too much by this share.
    Share(f64),
    /// Too much by this share more each row.
    GrowingShare(f64),
    /// Printed in this unit.
    Unit(&'static str),
}

impl TrendedPoint {
    fn new(plant: &PlantSpec, file: &'static str, measurand: Measurand) -> Self {
        let style = plant.style;
        let dimension = measurand.dimension();
        let outside = matches!(measurand, Measurand::DryBulb | Measurand::WetBulb);
        let of_train = matches!(measurand, Measurand::Train(..));
        let (noise, bias) = match dimension {
            _ if measurand.is_set() && dimension != Dimension::Speed => ((0.0, 0.0), (0.0, 0.0)),
            Dimension::Temperature if outside => ((0.04, 0.0), (0.04, 0.0)),
            Dimension::Temperature if of_train => ((0.06, 0.0), (0.08, 0.0)),
            Dimension::Temperature => ((0.04, 0.0), (0.06, 0.0)),
            Dimension::Flow => ((0.0, 0.004), (0.0, 0.007)),
            Dimension::Cooling => ((0.0, 0.006), (0.0, 0.007)),
            // Mains and slip move a motor's power by half a per cent.
            Dimension::Power => ((0.012, 0.006), (0.0, 0.004)),
            Dimension::Speed => ((0.02, 0.0), (0.0, 0.0)),
            Dimension::Share => ((0.7, 0.0), (1.0, 0.0)),
            Dimension::Energy | Dimension::State => ((0.0, 0.0), (0.0, 0.0)),
        };
        let small = dimension == Dimension::Power
            && !matches!(measurand, Measurand::PlantPower | Measurand::Train(_, TrainPart::ChillerPower));
        let decimals = match dimension {
            Dimension::Power if small && style != Style::Apogee => 2,
            Dimension::Temperature if style == Style::Metric || (style == Style::Apogee && !of_train) => 2,
            Dimension::State | Dimension::Energy => 0,
            Dimension::Flow if style == Style::Apogee => 0,
            _ => 1,
        };
        // Transmitters read a little below nothing at some sites (−0.3 gpm).
        let zero = match measurand {
            Measurand::CwFlow if style == Style::Us => -1.2,
            Measurand::Train(train, _) if style == Style::Us && dimension == Dimension::Flow && train % 2 == 1 => -1.2,
            _ => 0.0,
        };
        let times = |(constant, share): (f64, f64)| (plant.noise * constant, plant.noise * share);
        Self {
            name: measurand.name(style),
            file,
            measurand,
            unit: dimension.unit(style),
            decimals,
            hold_rows: 1,
            noise: times(noise),
            bias: times(bias),
            zero,
        }
    }

    /// Whether it reads a number that is measured, neither set nor added up.
    #[must_use]
    pub fn is_sensor(&self) -> bool {
        !self.measurand.is_set() && !matches!(self.measurand.dimension(), Dimension::State | Dimension::Energy)
    }

    /// Its trend definition in a report of that interval.
    #[must_use]
    pub fn trend_definition(&self, step_minutes: u32) -> String {
        match self.measurand.dimension() {
            Dimension::State => format!("COV         {step_minutes} minutes"),
            _ => format!("{} minutes", step_minutes * self.hold_rows.max(1)),
        }
    }

    /// What it reads, row by row. Chance follows from the seed and the point's name alone, so that errors do not move it.
    pub(crate) fn read(&self, history: &[Snapshot], setting: &Setting, errors: &[SensorError]) -> Vec<f64> {
        let mut rng = Rng::new(setting.chance(), &format!("instrument/{}", self.name));
        let dimension = self.measurand.dimension();
        let bias = rng.normal();
        let (bias_constant, bias_share) = (self.bias.0 * bias, self.bias.1 * bias);
        let mut register = rng.between(1e5, 9e6).floor();
        let mut wander = Drift::new(rng.clone(), 6.0, setting.step_hours());
        let mut read = |now: &Snapshot| {
            let value = self.measurand.value(now);
            let noise = rng.normal() + 0.6 * wander.step();
            match dimension {
                Dimension::State => value,
                Dimension::Energy => {
                    register += value * setting.step_hours();
                    register
                }
                Dimension::Temperature => value + bias_constant + self.noise.0 * noise,
                Dimension::Share if self.noise.0 > 0.0 => {
                    (value + bias_constant + self.noise.0 * noise).clamp(0.0, 100.0)
                }
                _ if value == 0.0 => self.zero,
                _ => (value * (1.0 + bias_share + self.noise.1 * noise) + self.noise.0 * noise).max(0.0),
            }
        };
        let scale = 10_f64.powi(i32::from(self.decimals));
        let hold = self.hold_rows.max(1) as usize;
        let mut held = f64::NAN;
        let mut values = Vec::with_capacity(history.len());
        for (row, now) in history.iter().enumerate() {
            let mut value = read(now);
            let mut unit = self.unit;
            for error in errors.iter().filter(|error| (error.first..=error.last).contains(&row)) {
                let rows = (row - error.first) as f64;
                match error.kind {
                    ErrorKind::Constant(size) => value += size,
                    ErrorKind::Growing(size) => value += size * rows,
                    ErrorKind::Share(size) => value *= 1.0 + size,
                    ErrorKind::GrowingShare(size) => value *= 1.0 + size * rows,
                    ErrorKind::Unit(other) => unit = other,
                }
            }
            if row % hold == 0 {
                held = (dimension.printed(unit, value) * scale).round() / scale;
            }
            values.push(held);
        }
        values
    }
}

/// Every point of a plant, report group by report group.
#[must_use]
pub fn points(plant: &PlantSpec) -> Vec<TrendedPoint> {
    Measurand::all(plant).into_iter().map(|(file, measurand)| TrendedPoint::new(plant, file, measurand)).collect()
}

/// Robust standard deviation of the steps from row to row while the point is at work: 1.4826 × the median of their
/// distances from their median. None with fewer than 20 steps.
#[must_use]
pub(crate) fn step_sigma(readings: &Readings, history: &[Snapshot]) -> Option<f64> {
    let measurand = readings.point.measurand;
    let pairs = readings.values.iter().zip(readings.values.iter().skip(1));
    let moments = history.iter().zip(history.iter().skip(1));
    let mut steps: Vec<f64> = (pairs.zip(moments))
        .filter(|(_, (before, now))| measurand.at_work(before) && measurand.at_work(now))
        .map(|((before, now), _)| now - before)
        .filter(|step| step.is_finite())
        .collect();
    if steps.len() < 20 {
        return None;
    }
    let centre = median(&mut steps)?;
    let mut distances: Vec<f64> = steps.iter().map(|step| (step - centre).abs()).collect();
    // What the resolution hides: a third of a digit.
    let least = 0.3 / 10_f64.powi(i32::from(readings.point.decimals));
    median(&mut distances).map(|mad| (1.4826 * mad).max(least))
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    (middle < values.len()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}
