//! From true values to readings: noise, bias, resolution, registers – and faults, listed as truth.
//!
//! A fault is scheduled before the first reading, so the list of faults is what happened, not what some
//! rule found afterwards.

use super::rng::Rng;
use super::signals::Signal;
use super::site::Moment;

/// What a building automation system prints in one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A number in units of its last printed digit: 253 with one decimal is 25.3.
    Number {
        /// Units of the last digit.
        digits: i64,
        /// Digits behind the point.
        decimals: u8,
    },
    /// `ON` or `OFF`.
    State(bool),
    /// `No Data`, `Data Loss`, `TIME (n)`.
    Marker(&'static str),
}

/// How a point turns its signal into a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// Signal + bias + noise, within what the sensor can read, rounded.
    Analog {
        /// Standard deviation of the noise.
        noise: f64,
        /// Digits behind the point.
        decimals: u8,
    },
    /// ON when the signal is above ½.
    State,
    /// The signal, a power in kW, added up to kWh; whole numbers.
    Register,
    /// No such sensor: `No Data` throughout.
    Absent,
}

/// A point of the building automation system.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its name, as reports have it.
    pub name: String,
    /// Its trend definition, as reports have it.
    pub trend_definition: &'static str,
    /// What it measures.
    pub signal: Signal,
    /// How it reads it.
    pub form: Form,
    /// Rows that one reading is repeated for: its own interval ÷ the report's.
    pub hold_rows: u32,
}

/// What can be wrong with a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultKind {
    /// Repeats the reading before it.
    Frozen,
    /// Reads this much too much.
    Spike(f64),
    /// Prints this marker instead.
    Loss(&'static str),
    /// The register starts again at 0 and counts on.
    Reset,
}

/// A fault of one point: `rows` rows from `first_row`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// First row concerned, from 0.
    pub first_row: u64,
    /// Rows concerned.
    pub rows: u64,
}

/// A point with its chance, its memory and its faults.
#[derive(Debug, Clone)]
pub struct Instrument {
    point: Point,
    rng: Rng,
    bias: f64,
    register: f64,
    hours: f64,
    last: Option<Reading>,
    /// Ascending; those that are over are taken off the front.
    faults: std::collections::VecDeque<Fault>,
}

impl Instrument {
    /// The instrument behind `point`; its chance follows from the seed and the point's name. Faults must not
    /// overlap; they are put in order.
    #[must_use]
    pub fn new(point: Point, mut faults: Vec<Fault>, seed: u64, step_minutes: u32) -> Self {
        let mut rng = Rng::new(seed, &point.name);
        faults.sort_by_key(|fault| fault.first_row);
        let bias = match point.form {
            Form::Analog { noise, .. } => noise * rng.normal(),
            _ => 0.0,
        };
        let register = rng.between(1e5, 9e6).floor();
        let hours = f64::from(step_minutes) / 60.0;
        Self { point, rng, bias, register, hours, last: None, faults: faults.into() }
    }

    /// The point it reads.
    #[must_use]
    pub fn point(&self) -> &Point {
        &self.point
    }

    /// The reading of the next row. Rows must be read in order, each once.
    pub fn read(&mut self, moment: &Moment, trains: u32) -> Reading {
        let value = self.point.signal.value(moment, trains);
        if matches!(self.point.form, Form::Register) {
            self.register += value * self.hours;
        }
        let fault = self.fault_at(moment.step);
        let held = self.last.filter(|_| !moment.step.is_multiple_of(u64::from(self.point.hold_rows.max(1))));
        let reading = match (fault, held, self.last) {
            (Some(FaultKind::Loss(marker)), ..) => return Reading::Marker(marker),
            (Some(FaultKind::Frozen), _, Some(last)) => last,
            (Some(FaultKind::Spike(size)), ..) => return self.fresh(value + size),
            (_, Some(held), _) => held,
            _ => self.fresh(value),
        };
        self.last = Some(reading);
        reading
    }

    fn fault_at(&mut self, row: u64) -> Option<FaultKind> {
        while self.faults.front().is_some_and(|fault| row >= fault.first_row.saturating_add(fault.rows)) {
            self.faults.pop_front();
        }
        let fault = self.faults.front().filter(|fault| row >= fault.first_row)?;
        if matches!(fault.kind, FaultKind::Reset) && row == fault.first_row {
            self.register = 0.0;
            self.last = None;
        }
        Some(fault.kind)
    }

    fn fresh(&mut self, value: f64) -> Reading {
        match self.point.form {
            Form::Analog { noise, decimals } => {
                let measured = value + if value == 0.0 { 0.0 } else { self.bias + noise * self.rng.normal() };
                let (least, most) = self.point.signal.range();
                number(measured.max(least).min(most), decimals)
            }
            Form::State => Reading::State(value > 0.5),
            Form::Register => number(self.register, 0),
            Form::Absent => Reading::Marker("No Data"),
        }
    }
}

/// `value` rounded to `decimals` digits behind the point.
fn number(value: f64, decimals: u8) -> Reading {
    let scale = [1.0, 10.0, 100.0, 1000.0].get(usize::from(decimals)).copied().unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, reason = "a float-to-integer cast saturates, and readings are small")]
    Reading::Number { digits: (value * scale).round() as i64, decimals }
}

/// Losses as real systems have them: about one stretch a point in `every_rows` rows, 1 to 12 rows long.
#[must_use]
pub(crate) fn random_losses(rng: &mut Rng, rows: u64, every_rows: u64) -> Vec<Fault> {
    const MARKERS: [&str; 5] = ["Data Loss", "Data Loss", "No Data", "TIME (-1)", "TIME (5)"];
    let mut faults = Vec::new();
    let mut row = rng.below(2 * every_rows);
    while row < rows {
        let count = 1 + rng.below(12);
        let marker = usize::try_from(rng.below(5)).ok().and_then(|i| MARKERS.get(i)).copied().unwrap_or("Data Loss");
        faults.push(Fault { kind: FaultKind::Loss(marker), first_row: row, rows: count.min(rows - row) });
        row += count + 1 + rng.below(2 * every_rows);
    }
    faults
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use chrono::NaiveDate;

    use super::super::load::Use;
    use super::super::site::{Site, SiteSpec};
    use super::super::weather::Climate;
    use super::*;

    fn readings(signal: Signal, form: Form, hold_rows: u32, faults: Vec<Fault>) -> Vec<Reading> {
        let spec = SiteSpec {
            seed: 2,
            building: Use::Hospital,
            trains: 2,
            climate: Climate::SUBTROPICAL,
            start: NaiveDate::from_ymd_opt(2016, 6, 1).unwrap().and_hms_opt(0, 0, 0).unwrap(),
            step_minutes: 15,
            steps: 96,
        };
        let point = Point { name: "P".into(), trend_definition: "15 minutes", signal, form, hold_rows };
        let mut instrument = Instrument::new(point, faults, 2, 15);
        Site::new(spec).map(|moment| instrument.read(&moment, 2)).collect()
    }

    const ANALOG: Form = Form::Analog { noise: 0.1, decimals: 2 };

    fn value(reading: Reading) -> f64 {
        match reading {
            Reading::Number { digits, decimals } => digits as f64 / 10_f64.powi(i32::from(decimals)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn faults_are_where_they_are_listed_and_nowhere_else() {
        let faults = vec![
            Fault { kind: FaultKind::Spike(40.0), first_row: 60, rows: 1 },
            Fault { kind: FaultKind::Frozen, first_row: 10, rows: 20 },
            Fault { kind: FaultKind::Loss("Data Loss"), first_row: 40, rows: 3 },
        ];
        let clean = readings(Signal::DryBulb, ANALOG, 1, Vec::new());
        let faulty = readings(Signal::DryBulb, ANALOG, 1, faults);
        for row in 0..96 {
            match row {
                10..30 => assert_eq!(faulty[row], faulty[9], "row {row}"),
                40..43 => assert_eq!(faulty[row], Reading::Marker("Data Loss"), "row {row}"),
                60 => assert!((value(faulty[row]) - value(clean[row]) - 40.0).abs() < 1.0),
                // The chance differs, the truth does not: within the noise.
                _ => assert!((value(faulty[row]) - value(clean[row])).abs() < 1.0, "row {row}"),
            }
        }
        assert_ne!(clean[9], clean[29], "the true value moved while the sensor was frozen");
    }

    #[test]
    fn registers_only_grow_and_start_again_at_a_reset() {
        let reset = Fault { kind: FaultKind::Reset, first_row: 50, rows: 1 };
        let values: Vec<f64> =
            readings(Signal::PlantPower, Form::Register, 1, vec![reset]).into_iter().map(value).collect();
        let falls: Vec<usize> = (1..96).filter(|&i| values[i] < values[i - 1]).collect();
        assert_eq!(falls, [50]);
        assert_eq!(values[50], 0.0);
        assert!(values[95] > 1000.0, "it counts on: {}", values[95]);
    }

    #[test]
    fn an_hourly_point_repeats_four_times() {
        let hourly = readings(Signal::DryBulb, ANALOG, 4, Vec::new());
        assert!(hourly.chunks(4).all(|hour| hour.iter().all(|r| *r == hour[0])));
        assert!(hourly.chunks(4).zip(hourly.chunks(4).skip(1)).any(|(a, b)| a[0] != b[0]));
    }

    #[test]
    fn no_sensor_reads_more_than_it_can() {
        let noisy = Form::Analog { noise: 60.0, decimals: 1 };
        let humidity: Vec<f64> = readings(Signal::Humidity, noisy, 1, Vec::new()).into_iter().map(value).collect();
        assert!(humidity.iter().all(|h| (0.0..=100.0).contains(h)));
        assert!(humidity.contains(&100.0) || humidity.contains(&0.0), "the noise reached a limit: {humidity:?}");
    }

    #[test]
    fn losses_do_not_overlap() {
        let faults = random_losses(&mut Rng::new(1, "losses"), 10_000, 500);
        assert!(faults.len() > 5);
        for pair in faults.windows(2) {
            assert!(pair[0].first_row + pair[0].rows < pair[1].first_row);
        }
        assert!(faults.iter().all(|f| f.first_row + f.rows <= 10_000));
    }
}
