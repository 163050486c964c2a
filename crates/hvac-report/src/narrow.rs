//! Long reports: one row a reading of a series. How their columns are told: what is a value, what tells series apart, what
//! is a unit, a verdict, or nothing.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use super::fields::Dialect;
use super::header::looks_measured;
use super::layout::{Layout, Record, Role, warning};
use super::table::Table;
use super::time_columns::instant;
use super::{Chosen, DateOrder, Format, ReadError, Source, marker, number, time, words, yes_no};
use hvac_points::units;

/// Digits of the longest whole number that a double holds.
const LONGEST_READING: usize = 15;
/// Different texts of a column that are looked at.
const MAX_DISTINCT: usize = 200;

/// What the columns of a long table are; one role a column, but for those of times.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    roles: Vec<Role>,
    keys: Vec<usize>,
    values: Vec<usize>,
    ignored: Vec<usize>,
    evidence: String,
}

/// What a column's cells are.
#[derive(Debug, Default)]
struct Profile {
    filled: usize,
    numbers: usize,
    /// Numbers that are written as no measurement is: with leading zeros, or of more digits than a double holds.
    ids: usize,
    units: usize,
    distinct: BTreeSet<String>,
}

impl Profile {
    fn of(table: &Table, at: usize) -> Self {
        let mut profile = Self::default();
        for cell in
            table.sample().map(|row| row.field(at)).filter(|cell| !cell.is_empty() && marker::reason(cell).is_none())
        {
            profile.filled += 1;
            let long = cell.len() > LONGEST_READING && cell.bytes().all(|b| b.is_ascii_digit());
            profile.ids += usize::from(number::is_id(cell) || long);
            profile.numbers += usize::from(number::read(cell, b'.', b';').is_some());
            profile.units += usize::from(units::known(cell).is_some());
            if profile.distinct.len() < MAX_DISTINCT && !profile.distinct.contains(cell) {
                profile.distinct.insert(cell.to_owned());
            }
        }
        profile
    }

    fn are_numbers(&self) -> bool {
        self.numbers * 2 > self.filled && self.ids < self.filled
    }

    fn are_ids(&self) -> bool {
        self.filled > 0 && self.ids == self.filled
    }
}

/// Tells a long table by its header, or by its content: times that recur with other texts beside them.
pub(crate) fn found(table: &Table) -> Option<Found> {
    if !table.times.own.is_empty() {
        return None;
    }
    by_header(table).or_else(|| by_content(table))
}

fn by_header(table: &Table) -> Option<Found> {
    let name = |at: usize| table.header.name(at);
    let point = table.others().find(|at| words::is_point_name(name(*at)))?;
    let mut values: Vec<usize> = table.others().filter(|at| *at != point && words::is_value_name(name(*at))).collect();
    if values.is_empty() {
        values = table.others().filter(|at| *at != point && words::is_value_beside_point(name(*at))).collect();
    }
    let first = *values.first()?;
    // A `_measurement` of texts is a key beside `_value`.
    let numeric = |at: &usize| Profile::of(table, *at).are_numbers();
    if values.len() > 1 {
        values.retain(|at| *at == first || numeric(at));
    }
    let evidence = format!(
        "line {} names a point column '{}' and a value column '{}'",
        table.header.line,
        name(point),
        name(first)
    );
    Some(sorted_out(table, Some(point), values, evidence))
}

/// Times recur, and some texts tell the rows of one time apart.
fn by_content(table: &Table) -> Option<Found> {
    if !times_turn(table) {
        return None;
    }
    let profiles: Vec<(usize, Profile)> = table.others().map(|at| (at, Profile::of(table, at))).collect();
    let values: Vec<usize> = profiles
        .iter()
        .filter(|(at, p)| {
            p.are_numbers()
                && !words::is_row_number(table.header.name(*at))
                && words::key_rank(table.header.name(*at)) < 2
                && !yes_no::is_beside_value(table, *at)
        })
        .map(|(at, _)| *at)
        .collect();
    let rows: Vec<&Record> = table.sample().collect();
    let keyed = |(at, p): &&(usize, Profile)| {
        let texts = !p.are_numbers() || p.are_ids() || words::key_rank(table.header.name(*at)) > 1;
        texts
            && p.filled * 10 >= rows.len() * 9
            && p.distinct.len() * 2 <= rows.len().max(2)
            && !is_verdict(table, *at, false)
            && p.units < p.filled
    };
    let keys: Vec<usize> = profiles.iter().filter(keyed).map(|(at, _)| *at).collect();
    if values.is_empty() || keys.is_empty() {
        return None;
    }
    let stamp =
        |row: &Record| (row.field(table.times.stamp).to_owned(), table.times.clock.map(|at| row.field(at).to_owned()));
    let series = |row: &Record| keys.iter().map(|at| row.field(*at).to_owned()).collect::<Vec<_>>();
    let cells: HashSet<_> = rows.iter().map(|row| (stamp(row), series(row))).collect();
    let several: HashSet<_> = rows.iter().map(|row| series(row)).collect();
    let together = rows.windows(2).filter(|pair| matches!(pair, [a, b] if stamp(a) == stamp(b))).count();
    let recur = together * 3 >= rows.len();
    // A few rows may stand twice, as where a file was appended to itself.
    let apart = cells.len() * 100 >= rows.len() * 98 && several.len() > 1;
    // Where one series stands below the other, no time recurs nearby, but times begin anew.
    let named = || keys.iter().any(|at| words::key_rank(table.header.name(*at)) > 1);
    let below = several.len() > 1 && one_below_the_other(table, &keys) && (named() || begins_anew(table, &keys));
    if !(recur && apart || below) {
        return None;
    }
    let told = keys.iter().map(|at| format!("'{}'", table.header.name(*at))).collect::<Vec<_>>().join(", ");
    let evidence = format!("{}, and each repeats, told apart by the text in {told}", table.time_words());
    Some(sorted_out(table, None, values, evidence))
}

/// Whether times stand still or turn round, which they do not where each row has a time of its own. Most reports end here.
fn times_turn(table: &Table) -> bool {
    let turn = |order: &DateOrder| {
        let stamp = |row: &Record| {
            let clock = table.times.clock.map_or("", |at| row.field(at));
            let day = instant(row.field(table.times.stamp), table.times.kind, *order)?;
            Some(day + time::clock_ms(clock).unwrap_or(0))
        };
        let times: Vec<i64> = table.sample().filter_map(stamp).collect();
        let steps = || times.windows(2).filter_map(|pair| if let [a, b] = pair { Some(b.cmp(a)) } else { None });
        let has = |wanted: Ordering| steps().any(|step| step == wanted);
        (!times.is_empty()).then(|| has(Ordering::Equal) || has(Ordering::Less) && has(Ordering::Greater))
    };
    time::ORDERS.iter().filter_map(turn).min().is_some_and(|turn| turn)
}

/// Whether the texts change seldom, and at places further down are others.
fn one_below_the_other(table: &Table, keys: &[usize]) -> bool {
    let series = |row: &Record| keys.iter().map(|at| row.field(*at).to_owned()).collect::<Vec<_>>();
    let places = std::iter::once(&table.rows).chain(&table.further);
    let changes =
        |rows: &Vec<Record>| rows.windows(2).filter(|pair| matches!(pair, [a, b] if series(a) != series(b))).count();
    let rows: usize = places.clone().map(Vec::len).sum();
    let changes: usize = places.map(changes).sum();
    let several: HashSet<_> = table.sample().map(&series).collect();
    changes * 10 <= rows || rows > several.len() && changes < several.len()
}

/// Whether times begin anew where the texts change, and nowhere else, in whatever order the dates are written.
fn begins_anew(table: &Table, keys: &[usize]) -> bool {
    let series = |row: &Record| keys.iter().map(|at| row.field(*at).to_owned()).collect::<Vec<_>>();
    let rows: Vec<&Record> = table.sample().collect();
    let anew = |order: DateOrder| {
        let at = |row: &Record| {
            let text = row.field(table.times.stamp);
            let clock = table.times.clock.and_then(|at| time::clock_ms(row.field(at))).unwrap_or(0);
            time::stamp(text, order).map(|stamp| stamp.local_ms() + clock).or_else(|| time::epoch(text))
        };
        let times: Vec<(i64, &Record)> = rows.iter().filter_map(|row| Some((at(row)?, *row))).collect();
        // The last row alone is no series: a total of the period begins where the rows began.
        let back: Vec<bool> = times
            .windows(3)
            .filter_map(|rows| match rows {
                [(a, before), (b, after), (_, next)] if b < a => {
                    Some(series(before) != series(after) && series(after) == series(next))
                }
                _ => None,
            })
            .collect();
        // An order in which few of the dates can be read says nothing.
        (times.len() * 10 >= rows.len() * 9).then(|| !back.is_empty() && back.iter().all(|changed| *changed))
    };
    let told: Vec<bool> = time::ORDERS.into_iter().filter_map(anew).collect();
    !told.is_empty() && told.iter().all(|anew| *anew)
}

/// Whether a column says what the system thinks of values: by its name, or by yes and no below one of such a column.
fn is_verdict(table: &Table, at: usize, of_value: bool) -> bool {
    words::is_verdict(table.header.name(at)) || of_value || yes_no::is_beside_value(table, at)
}

/// Columns beside a point's name that tell no series apart, where each point has one row a time.
struct Annotations {
    point: usize,
    values: Vec<usize>,
    rows: usize,
    /// Each point, with its machine and meter, has one row a time.
    is_alone: bool,
}

impl Annotations {
    fn of(table: &Table, point: usize, values: &[usize]) -> Self {
        let keys = || table.others().filter(|at| *at == point || words::key_rank(table.header.name(*at)) > 1);
        let times = [Some(table.times.stamp), table.times.clock];
        let place = |row: &Record| {
            let fields = times.iter().flatten().copied().chain(keys());
            fields.map(|at| row.field(at).to_owned()).collect::<Vec<_>>()
        };
        let rows = table.sample().count();
        let places: HashSet<_> = table.sample().map(place).collect();
        Self { point, values: values.to_vec(), rows, is_alone: places.len() * 100 >= rows * 98 }
    }

    /// Whether a column says something of single readings: by its name, because many rows have nothing there or each has
    /// something else, or because it shows the value once more.
    fn hold(&self, table: &Table, at: usize, profile: &Profile) -> bool {
        let name = table.header.name(at);
        if !self.is_alone || at == self.point || words::key_rank(name) > 1 {
            return false;
        }
        let is_sparse = profile.filled * 10 < self.rows * 9;
        // An identifier of each row; what many machines are called recurs, and tells their series apart.
        let texts: HashSet<&str> = table.sample().map(|row| row.field(at)).filter(|cell| !cell.is_empty()).collect();
        let is_of_each_row = self.rows > 7 && texts.len() >= profile.filled;
        let shows = |row: &Record| {
            self.values.iter().any(|value| !row.field(*value).is_empty() && row.field(at).contains(row.field(*value)))
        };
        let mut filled = table.sample().filter(|row| !row.field(at).is_empty());
        words::is_annotation(name) || is_sparse || is_of_each_row || filled.all(shows)
    }
}

/// Gives every column its role.
fn sorted_out(table: &Table, point: Option<usize>, values: Vec<usize>, evidence: String) -> Found {
    let mut found = Found { roles: Vec::new(), keys: Vec::new(), values, ignored: Vec::new(), evidence };
    let verdicts: Vec<(usize, Option<usize>)> = table
        .others()
        .filter(|at| !found.values.contains(at) && Some(*at) != point)
        .filter_map(|at| {
            let name = table.header.name(at);
            let of = words::verdict_of(name).and_then(|stem| {
                found
                    .values
                    .iter()
                    .position(|value| words::without_value(table.header.name(*value)).eq_ignore_ascii_case(stem))
            });
            is_verdict(table, at, of.is_some()).then_some((at, of))
        })
        .collect();
    let annotates = point.map(|point| Annotations::of(table, point, &found.values));
    // What stands beyond the header has no role: its row is not read.
    for at in 0..table.header.names.len() {
        let name = table.header.name(at);
        let role = if table.times.holds(at) {
            table.time_role(at)
        } else if let Some(value) = found.values.iter().position(|value| *value == at) {
            Role::Value(value)
        } else if let Some((_, of)) = verdicts.iter().find(|(verdict, _)| *verdict == at) {
            of.map_or(Role::Status, Role::StatusOf)
        } else if words::is_unit_name(name) {
            Role::Unit
        } else {
            let profile = Profile::of(table, at);
            let row_number = name.is_empty() || words::is_row_number(name) && Some(at) != point;
            let is_key = Some(at) == point
                || !row_number
                    && profile.filled > 0
                    && !annotates.as_ref().is_some_and(|annotations| annotations.hold(table, at, &profile))
                    && (!profile.are_numbers() || profile.are_ids() || words::key_rank(name) > 1);
            if is_key {
                found.keys.push(at);
                Role::Key(found.keys.len() - 1)
            } else {
                if !name.is_empty() {
                    found.ignored.push(at);
                }
                Role::Ignore
            }
        };
        found.roles.push(role);
    }
    found
}

/// Settles the layout of a long table; `found` is none when it was asked for and nothing tells its columns.
pub(crate) fn layout(
    source: Source<'_>,
    table: &Table,
    found: Option<Found>,
    dialect: Dialect,
    delimiter: Chosen<char>,
) -> Result<Layout, ReadError> {
    let Some(found) = found.or_else(|| asked_for(table)) else {
        let words = "a long report has a column of times, one of points' names and one of values; this one has not";
        return Err(source.error("no_points", Some(table.header.line), words));
    };
    let mut layout = table.layout(Format::Narrow, found.evidence, dialect, delimiter);
    layout.warnings = table.extra_time_warnings(source);
    for at in &found.ignored {
        let header = table.header.name(*at);
        let words = format!("column '{header}' is not kept: the report is read as times, series and values");
        layout.warnings.push(warning(source, "ignored_column", Some(table.header.line), Some(header), 1, words));
    }
    (layout.opc, layout.yes_no) = (table.has_opc(&found.roles), yes_no::columns(table, &found.roles));
    layout.roles = found.roles;
    layout.keys = found.keys.iter().map(|at| table.header.name(*at).to_owned()).collect();
    let value = |at: &usize| {
        let name = table.header.name(*at);
        let of_name = super::layout::point(name, table.header.line).unit;
        (name.to_owned(), of_name.or_else(|| table.header.unit(*at)))
    };
    layout.values = found.values.iter().map(value).collect();
    Ok(layout)
}

fn asked_for(table: &Table) -> Option<Found> {
    let texts = |at: &usize| table.cells(*at).next().is_some() && table.cells(*at).all(|cell| !looks_measured(cell));
    let point = table
        .others()
        .find(|at| words::is_point_name(table.header.name(*at)))
        .or_else(|| table.others().find(texts))?;
    let others = || table.others().filter(|at| *at != point);
    let value = others()
        .find(|at| words::is_value_beside_point(table.header.name(*at)))
        .or_else(|| others().find(|at| !texts(at)))?;
    Some(sorted_out(table, Some(point), vec![value], "asked for".to_owned()))
}
