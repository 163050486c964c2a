//! A right report that is known before it is written: times, cells, kinds, units and names come from a seed.
//!
//! This is the expected answer of every deformation, so nothing here may ask the code under test.

use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

/// The same numbers for the same seed, on every machine (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` − 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        first + (self.next() % (last - first + 1) as u64) as i64
    }

    pub(crate) fn percent(&mut self, n: u64) -> bool {
        self.next() % 100 < n
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}

/// What one point has at one time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// `count` units of the last of so many decimals.
    Number { count: i64, decimals: usize },
    /// A state or a mode.
    Word(&'static str),
    /// Nothing: one of [`MARKERS`].
    Lost(&'static str),
}

/// What stands where a value was lost, and the reason it is a null for (HVAC.md §2).
pub(crate) const MARKERS: [(&str, &str); 9] = [
    ("", "Empty"),
    ("No Data", "NoData"),
    ("Data Loss", "DataLoss"),
    ("TIME (-1)", "TimeError"),
    ("---", "UnknownMarker"),
    ("?", "UnknownMarker"),
    ("N/A", "UnknownMarker"),
    ("#VALUE!", "SpreadsheetError"),
    ("NaN", "NotFinite"),
];

#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// `AHU_1`
    pub equip: &'static str,
    /// `ZN-T`
    pub quantity: &'static str,
    pub unit: Option<&'static str>,
    /// The kinds that HVAC.md §3 allows for these values.
    pub kinds: &'static [&'static str],
    /// What 0 and 1 are called.
    pub states: Option<(&'static str, &'static str)>,
    pub cells: Vec<Cell>,
}

impl Point {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.equip, self.quantity)
    }

    /// What may be known of the unit where only the name is written: `KWH` says it itself.
    pub(crate) fn units_of_name(&self) -> Vec<Option<&'static str>> {
        let said = self.unit.filter(|unit| unit.eq_ignore_ascii_case(self.quantity));
        if said.is_some() { vec![said, None] } else { vec![None] }
    }

    pub(crate) fn numeric(&self) -> bool {
        self.cells.iter().all(|cell| !matches!(cell, Cell::Word(_)))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Original {
    pub zone: Tz,
    pub step_s: i64,
    /// UTC, ascending.
    pub at_ms: Vec<i64>,
    pub points: Vec<Point>,
}

/// How the values of a quantity go.
#[derive(Debug, Clone, Copy)]
enum Course {
    /// Up and down between two numbers.
    Walk(i64, i64),
    /// A register.
    Rises,
    /// Energy of each interval.
    Amounts,
    States(&'static str, &'static str),
    Modes(&'static [&'static str]),
    Constant,
}

const READING: &[&str] = &["Instantaneous"];
/// Energy of an interval is no register.
const AMOUNTS: &[&str] = &["IntervalTotal"];

/// Quantity, unit, course, most decimals, kinds.
const QUANTITIES: [(&str, Option<&str>, Course, usize, &[&str]); 14] = [
    ("ZN-T", Some("°C"), Course::Walk(18, 27), 2, READING),
    ("OA-T", Some("°C"), Course::Walk(-15, 12), 3, READING),
    ("DA-T", Some("°F"), Course::Walk(50, 71), 1, READING),
    ("RH", Some("%"), Course::Walk(20, 95), 1, READING),
    ("KW", Some("kW"), Course::Walk(0, 2400), 2, READING),
    ("DP", Some("Pa"), Course::Walk(-60, 1900), 0, READING),
    ("CO2", Some("ppm"), Course::Walk(400, 1300), 0, READING),
    ("FLOW", Some("L/s"), Course::Walk(0, 55), 3, READING),
    ("SPD", Some("Hz"), Course::Constant, 1, READING),
    ("KWH", Some("kWh"), Course::Rises, 1, &["Counter"]),
    ("USE", Some("kWh"), Course::Amounts, 2, AMOUNTS),
    ("S", None, Course::States("OFF", "ON"), 0, &["Status"]),
    ("ALM", None, Course::States("NORMAL", "ALARM"), 0, &["Status"]),
    ("MODE", None, Course::Modes(&["COOL", "HEAT", "VENT", "DRY"]), 0, &["Text"]),
];

const MACHINES: [&str; 6] = ["AHU_1", "AHU_2", "CH-1", "RTU4", "Kühler 2", "冷凍機"];

impl Original {
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::of(seed);
        let rows = rng.between(20, 200);
        let step_s = rng.pick(&[300, 900, 900, 3600]);
        let zone = rng.pick(&[Tz::Asia__Taipei, Tz::Europe__Berlin, Tz::America__New_York]);
        let (start, whole) = start(&mut rng, zone, rows * step_s);
        let mut at_ms: Vec<i64> = (0..rows).map(|row| (start + row * step_s) * 1000).collect();
        if !whole && rng.percent(20) {
            // Rows that the system skipped.
            let mut kept = 0;
            at_ms.retain(|_| {
                kept += 1;
                kept <= 3 || !rng.percent(7)
            });
        }
        let count = if rng.percent(15) { 1 } else { rng.between(2, 6) };
        let mut points: Vec<Point> = Vec::new();
        while (points.len() as i64) < count {
            // Names in the letters of the first machines mostly, so that most encodings fit.
            let machines = if rng.percent(15) { MACHINES.len() } else { 4 };
            let equip = MACHINES[rng.below(machines)];
            let quantity = QUANTITIES[rng.below(QUANTITIES.len())];
            if points.iter().all(|point| (point.equip, point.quantity) != (equip, quantity.0)) {
                points.push(point(&mut rng, equip, quantity, at_ms.len()));
            }
        }
        if points.iter().all(|point| !point.numeric()) {
            points.push(point(&mut rng, "AHU_1", QUANTITIES[0], at_ms.len()));
        }
        points.sort_by_key(|point| point.equip);
        Self { zone, step_s, at_ms, points }
    }

    pub(crate) fn local(&self, at_ms: i64) -> NaiveDateTime {
        utc(at_ms).with_timezone(&self.zone).naive_local()
    }

    /// Seconds east of UTC.
    pub(crate) fn offset_s(&self, at_ms: i64) -> i64 {
        (self.local(at_ms) - utc(at_ms).naive_utc()).num_seconds()
    }

    /// Whether some row's local time exists twice, so that only the order of rows tells which it is.
    pub(crate) fn repeats_an_hour(&self) -> bool {
        self.at_ms
            .iter()
            .any(|at| matches!(self.zone.from_local_datetime(&self.local(*at)), LocalResult::Ambiguous(..)))
    }

    /// Whether two rows that follow each other have one local time, as hourly rows have when the clocks are put back.
    pub(crate) fn repeats_a_label(&self) -> bool {
        self.at_ms.windows(2).any(|pair| self.local(pair[0]) == self.local(pair[1]))
    }

    pub(crate) fn one_offset(&self) -> bool {
        self.at_ms.iter().all(|at| self.offset_s(*at) == self.offset_s(self.at_ms[0]))
    }

    pub(crate) fn letters(&self) -> String {
        self.points.iter().map(Point::name).collect()
    }
}

pub(crate) fn utc(at_ms: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap()
}

/// Where the rows begin, s since 1970; whether none of them may be left out (the clocks are changed among them).
fn start(rng: &mut Rng, zone: Tz, length_s: i64) -> (i64, bool) {
    let year = rng.between(2022, 2025) as i32;
    let at_utc = |local: NaiveDateTime| zone.from_local_datetime(&local).earliest().unwrap().timestamp();
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(0, 0, 0).unwrap();
    let (at, whole) = match rng.below(10) {
        0 | 1 => (at_utc(day(12, 31) + Duration::hours(24)) - length_s / 2, false),
        2 | 3 if zone != Tz::Asia__Taipei => {
            // The first change of the clocks after a random day.
            let from = at_utc(day(1, 2)) + rng.between(0, 300) * 86_400;
            let offset = |at: i64| {
                let at = utc(at * 1000);
                (at.with_timezone(&zone).naive_local() - at.naive_utc()).num_seconds()
            };
            let change = (0..8760).map(|hour| from + hour * 3600).find(|at| offset(at - 3600) != offset(*at)).unwrap();
            (change - length_s / 2, true)
        }
        _ => (at_utc(day(1, 2)) + rng.between(0, 361) * 86_400 + rng.between(0, 23) * 3600, false),
    };
    (at.div_euclid(3600) * 3600, whole)
}

fn point(
    rng: &mut Rng,
    equip: &'static str,
    (quantity, unit, course, most, kinds): (&'static str, Option<&'static str>, Course, usize, &'static [&'static str]),
    rows: usize,
) -> Point {
    let decimals = rng.below(most + 1);
    let scale = 10_i64.pow(decimals as u32);
    let number = |count| Cell::Number { count, decimals };
    let cells: Vec<Cell> = match course {
        Course::Walk(least, most) => {
            let (least, most) = (least * scale, most * scale);
            let stride = ((most - least) / 12).max(1);
            let mut count = rng.between(least, most);
            (0..rows)
                .map(|_| {
                    count = (count + rng.between(-stride, stride)).clamp(least, most);
                    number(count)
                })
                .collect()
        }
        Course::Rises => {
            let mut count = rng.between(900, 4_000_000) * scale;
            (0..rows)
                .map(|_| {
                    count += rng.between(1, 9 * scale);
                    number(count)
                })
                .collect()
        }
        Course::Amounts => (0..rows).map(|_| number(rng.between(scale / 2, 30 * scale))).collect(),
        Course::Constant => vec![number(rng.between(30, 50) * scale + scale / 2); rows],
        Course::States(zero, one) => {
            let mut on = rng.percent(50);
            let mut cells: Vec<Cell> = (0..rows)
                .map(|_| {
                    on ^= rng.percent(15);
                    Cell::Word(if on { one } else { zero })
                })
                .collect();
            (cells[1], cells[2]) = (Cell::Word(zero), Cell::Word(one));
            cells
        }
        Course::Modes(modes) => {
            let mut cells: Vec<Cell> = (0..rows).map(|_| Cell::Word(rng.pick(modes))).collect();
            modes.iter().zip(&mut cells).for_each(|(mode, cell)| *cell = Cell::Word(mode));
            cells
        }
    };
    let states = if let Course::States(zero, one) = course { Some((zero, one)) } else { None };
    let mut point = Point { equip, quantity, unit, kinds, states, cells };
    lose(rng, &mut point);
    point
}

/// Half of the points lose some cells, a few of them most.
fn lose(rng: &mut Rng, point: &mut Point) {
    let share = if rng.percent(50) {
        0
    } else if rng.percent(10) {
        55
    } else {
        5
    };
    let markers: Vec<&str> = (0..2).map(|_| rng.pick(&MARKERS).0).collect();
    // The first cells stay: a point whose every value was lost has no kind to be told.
    for cell in point.cells.iter_mut().skip(4) {
        if rng.percent(share) {
            *cell = Cell::Lost(rng.pick(&markers));
        }
    }
}
