//! The reference job (DESIGN.md §8): 214 reports, 72 480 rows on the joined axis, 207 points.
//!
//! 755 days of quarter-hours from 2015-01-01 to 2017-01-24 in eight point groups: two printed every fortnight
//! (2 × 54 reports), four by month (4 × 25), two by year (2 × 3). `rows` lengthens the calendar, `columns`
//! adds buildings, each with its own weather and plant. Two points have no sensor, and every point loses
//! some readings, as real ones do.

use chrono::NaiveDate;

use super::load::Use;
use super::sensors::{Form, Point};
use super::signals::{Signal, TrainSignal};
use super::site::SiteSpec;
use super::trends::{Group, Report, Span, Trends, usual_losses};
use super::weather::Climate;

/// Rows of the reference job on the joined axis.
pub const ROWS: u64 = 72_480;
/// Points of the reference job.
pub const POINTS: u64 = 207;
/// Reports of the reference job.
pub const REPORTS: u64 = 214;
/// IANA zone of its local times.
pub const TIMEZONE: &str = "Asia/Taipei";

const TRAINS: u32 = 3;
const HOURLY: u32 = 4;
/// About one stretch of lost readings a point and month.
const ROWS_PER_LOSS: u64 = 2880;

/// How many times the reference job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Times its rows.
    pub rows: u32,
    /// Times its points.
    pub columns: u32,
}

/// The reports, one by one, building after building: what is in memory is one building's open reports.
pub fn reports(seed: u64, scale: Scale) -> impl Iterator<Item = Report> {
    (0..scale.columns).flat_map(move |building| trends(seed, scale.rows, building))
}

fn trends(seed: u64, times_rows: u32, building: u32) -> Trends {
    let seed = seed.wrapping_add(u64::from(building).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let rows = ROWS * u64::from(times_rows);
    let spec = SiteSpec {
        seed,
        building: if building.is_multiple_of(2) { Use::Hospital } else { Use::Office },
        trains: TRAINS,
        climate: Climate::SUBTROPICAL,
        start: NaiveDate::from_ymd_opt(2015, 1, 1).unwrap_or_default().into(),
        step_minutes: 15,
        steps: rows,
    };
    let (site, prefix) = match building {
        0 => ("REF".to_owned(), String::new()),
        n => (format!("REF{}", n + 1), format!("B{}:", n + 1)),
    };
    Trends::new(&site, spec, groups(&prefix), usual_losses(seed, rows, ROWS_PER_LOSS))
}

/// The eight groups; `prefix` stands before every point's name.
fn groups(prefix: &str) -> Vec<Group> {
    let group = |name: &str, span, points: Vec<Point>| {
        let points = points.into_iter().map(|p| Point { name: format!("{prefix}{}", p.name), ..p }).collect();
        Group { name: name.to_owned(), points, span }
    };
    vec![
        group("ZT1", Span::Days(14), rooms(1..=40)),
        group("ZT2", Span::Days(14), rooms(41..=80)),
        group("CH", Span::Month, chillers()),
        group("WATER", Span::Month, water()),
        group("PUMP", Span::Month, machines()),
        group("AHU", Span::Month, air_handlers()),
        group("METER", Span::Year, meters()),
        group("WEATHER", Span::Year, weather()),
    ]
}

fn analog(name: impl Into<String>, signal: Signal, noise: f64, decimals: u8) -> Point {
    let form = Form::Analog { noise, decimals };
    Point { name: name.into(), trend_definition: "5 minutes", signal, form, hold_rows: 1 }
}

fn state(name: String, signal: Signal) -> Point {
    Point { name, trend_definition: "COV         15 minutes", signal, form: Form::State, hold_rows: 1 }
}

fn register(name: impl Into<String>, signal: Signal) -> Point {
    let name = name.into();
    Point { name, trend_definition: "1 hour", signal, form: Form::Register, hold_rows: HOURLY }
}

fn rooms(numbers: std::ops::RangeInclusive<u32>) -> Vec<Point> {
    let room = |n: u32| {
        let lean_k = f64::from(n * 7 % 23) / 10.0 - 1.1;
        let point = analog(format!("RM{:03}.T", 100 + n), Signal::Room(lean_k), 0.15, 1);
        match n {
            13 | 66 => Point { trend_definition: "Error:  No trend definitions found.", form: Form::Absent, ..point },
            n if n % 8 == 0 => Point { trend_definition: "1 hour", hold_rows: HOURLY, ..point },
            _ => point,
        }
    };
    numbers.map(room).collect()
}

fn chillers() -> Vec<Point> {
    let one = |n: u32| {
        let train = |signal| Signal::Train(n, signal);
        let name = |suffix: &str| format!("CH-{}.{suffix}", n + 1);
        [
            state(name("S"), train(TrainSignal::Running)),
            analog(name("KW"), train(TrainSignal::ChillerPower), 0.8, 1),
            register(name("KWH"), train(TrainSignal::ChillerPower)),
            analog(name("LOAD"), train(TrainSignal::ChillerLoad), 0.3, 1),
        ]
    };
    let mut points: Vec<Point> = (0..TRAINS).flat_map(one).collect();
    points.push(analog("CH.SYS.TOTAL.KW", Signal::PlantPower, 2.0, 1));
    points.push(register("CH.SYS.TOTAL.KWH", Signal::PlantPower));
    points.push(analog("CH.SYS.RT", Signal::Cooling, 2.0, 1));
    points
}

fn water() -> Vec<Point> {
    let temperatures = [
        ("CHWST", Signal::ChilledSupply),
        ("CHWRT", Signal::ChilledReturn),
        ("CWST", Signal::CondenserSupply),
        ("CWRT", Signal::CondenserReturn),
    ];
    let flows = [("CHW.LPM", Signal::ChilledFlow), ("CW.LPM", Signal::CondenserFlow)];
    let mut points: Vec<Point> = temperatures.map(|(name, signal)| analog(name, signal, 0.05, 2)).into();
    points.extend(flows.map(|(name, signal)| analog(name, signal, 20.0, 0)));
    for train in 1..=TRAINS {
        points.extend(temperatures.map(|(name, signal)| analog(format!("CH-{train}.{name}"), signal, 0.1, 1)));
    }
    points
}

fn machines() -> Vec<Point> {
    let kinds = [
        ("CHP", TrainSignal::ChwPumpHz, TrainSignal::ChwPumpPower),
        ("CWP", TrainSignal::CwPumpHz, TrainSignal::CwPumpPower),
        ("CT", TrainSignal::FanHz, TrainSignal::FanPower),
    ];
    let one = |(kind, hz, power): (&str, TrainSignal, TrainSignal), n: u32| {
        let name = |suffix: &str| format!("{kind}-{}.{suffix}", n + 1);
        [
            state(name("S"), Signal::Train(n, TrainSignal::Running)),
            analog(name("VFD_OUT"), Signal::Train(n, hz), 0.05, 1),
            analog(name("KW"), Signal::Train(n, power), 0.05, 1),
        ]
    };
    kinds.into_iter().flat_map(|kind| (0..TRAINS).flat_map(move |n| one(kind, n))).collect()
}

fn air_handlers() -> Vec<Point> {
    let one = |n: u32| {
        let name = |suffix: &str| format!("AH{n:02}.{suffix}");
        [
            state(name("S"), Signal::AirRunning),
            analog(name("SAT"), Signal::AirSupply, 0.2, 1),
            analog(name("RAT"), Signal::AirReturn, 0.15, 1),
            analog(name("CV"), Signal::AirValve, 1.5, 1),
        ]
    };
    (1..=15).flat_map(one).collect()
}

fn meters() -> Vec<Point> {
    vec![
        analog("MAIN.KW", Signal::SitePower, 5.0, 0),
        register("MAIN.KWH", Signal::SitePower),
        analog("MAIN.AVG.KW", Signal::SitePower, 1.0, 0),
        register("PLANT.KWH", Signal::PlantPower),
    ]
}

fn weather() -> Vec<Point> {
    vec![
        analog("OAT", Signal::DryBulb, 0.1, 1),
        analog("OAH", Signal::Humidity, 0.8, 1),
        analog("WBT", Signal::WetBulb, 0.1, 2),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use std::collections::BTreeSet;

    use super::*;

    fn keyed_points(report: &Report) -> Vec<String> {
        let text = std::str::from_utf8(&report.bytes).unwrap();
        let names = text.lines().filter(|l| l.starts_with("\"Point_"));
        names.map(|l| l.split('"').nth(3).unwrap().to_owned()).collect()
    }

    /// Counted in the bytes: reports, distinct times, distinct points, and the size the plan speaks of.
    #[test]
    fn is_the_reference_job() {
        let (mut reports_seen, mut bytes, mut markers) = (0, 0, 0);
        let (mut times, mut points, mut names) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for report in reports(1, Scale { rows: 1, columns: 1 }) {
            reports_seen += 1;
            bytes += report.bytes.len();
            points.extend(keyed_points(&report));
            let text = std::str::from_utf8(&report.bytes).unwrap();
            let rows = text.lines().skip_while(|l| !l.starts_with("\"<>Date")).skip(1).filter(|l| l.starts_with('"'));
            let mut count = 0;
            for row in rows.filter(|l| !l.starts_with("\" *")) {
                times.insert(row.split('"').nth(1).unwrap().to_owned() + row.split('"').nth(3).unwrap());
                markers += row.matches("Data Loss").count();
                count += 1;
            }
            assert_eq!(count, report.rows, "{}", report.file_name);
            assert!(names.insert(report.file_name));
        }
        assert_eq!((reports_seen, times.len() as u64, points.len() as u64), (REPORTS, ROWS, POINTS));
        assert!((112_000_000..122_000_000).contains(&bytes), "{bytes}");
        assert!((5_000..200_000).contains(&markers), "{markers}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
        let first = |seed| reports(seed, Scale { rows: 1, columns: 1 }).next().unwrap();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1).bytes, first(2).bytes);
    }

    #[test]
    fn scales_by_buildings_with_their_own_names() {
        let scale = Scale { rows: 1, columns: 3 };
        let count: usize = (0..scale.columns)
            .flat_map(|b| groups(if b == 0 { "" } else { ["", "B2:", "B3:"][b as usize] }))
            .map(|g| g.points.len())
            .sum();
        assert_eq!(count as u64, 3 * POINTS);
        assert!(keyed_points(&trends(1, 1, 2).next().unwrap()).iter().all(|name| name.starts_with("B3:")));
        assert_ne!(trends(1, 1, 0).next().unwrap().bytes, trends(1, 1, 2).next().unwrap().bytes);
    }
}
