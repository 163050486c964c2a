//! Numbers such as `1.012` and `1,012`, where nothing in the report is certain: thousands, or decimals of three places.
//!
//! The two readings differ by a thousand, so a guess is worse than a question. What tells is the numbers without a mark
//! beside them: 987, 1.012, 998 run on as thousands and jump as decimals; 21, 21.125, 21 the other way round. A unit that no
//! value above 999 has tells too. Where whole numbers stand beside such ones and do not tell, the report is refused; where
//! all numbers of a column are such, it is read as most are, with a warning, unless its dates contradict that.

use std::collections::{BTreeSet, HashMap};

use memchr::{memchr, memchr_iter};

use super::decimal::{self, Form};
use super::fields::{Cursor, Dialect};
use super::layout::{Layout, Role, warning};
use super::{Chosen, ReadError, Source};
use hvac_frame::column::Warning;
use hvac_points::units;

/// Different whole numbers of a series that are told apart.
const MAX_WHOLE: usize = 8;
/// Whole numbers that stand for none in many systems.
const SENTINELS: [f64; 5] = [999.0, 9_999.0, 32_767.0, 65_535.0, 99_999.0];
/// Units of which no building has a thousand; a flame has °F by the thousand.
pub(crate) const SMALL: [&str; 5] = ["°C", "K", "%", "Hz", "m/s"];
/// Rows that are looked through for a certain number before the text is searched for a doubtful one.
const FIRST_ROWS: usize = 32;
/// Neighbours are near each other within this factor, and one reading is nearer than the other by that one.
const NEAR: f64 = 5.0;
const NEARER: f64 = 10.0;

/// What the numbers of a report say of its decimal sign.
#[derive(Debug)]
pub(crate) enum Told {
    /// This one.
    Mark(Chosen<char>),
    /// The one that it is read with, as the first rows of most reports say.
    AsTaken,
    /// Nothing; what is read all the same.
    Open(Warning),
    /// There is nothing to tell.
    Nothing,
}

/// The numbers with one of the marks in one series.
#[derive(Debug, Default)]
struct Marked {
    count: u64,
    first: Option<(u64, String)>,
    /// Pairs of neighbours of which one has the mark and one has none, and how far they are apart as thousands and as
    /// decimals: logarithms of factors.
    pairs: f64,
    as_thousands: f64,
    as_decimals: f64,
    /// One ends in a zero, which a writer of decimals who leaves out `.000` would leave out as well.
    ends_in_zero: bool,
    /// Such a pair.
    beside: String,
}

/// One series of numbers.
#[derive(Debug, Default)]
struct Series {
    column: usize,
    point: Marked,
    comma: Marked,
    /// The whole numbers without a mark.
    whole: BTreeSet<u64>,
    /// One of them is above 999.
    large: bool,
    /// The last number: its digits, its mark, its text.
    last: Option<(f64, Option<char>, String)>,
}

/// What one series says of one mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    Thousands,
    Decimals,
    /// Whole numbers stand beside, and do not tell.
    Unclear,
    /// All numbers are such.
    Alone,
}

impl Marked {
    fn judged(&self, series: &Series) -> Judged {
        let whole = series.whole.len();
        let (thousands, decimals) = (self.as_thousands / self.pairs.max(1.0), self.as_decimals / self.pairs.max(1.0));
        if self.pairs > 0.0 && thousands < NEAR.ln() && decimals > thousands + NEARER.ln() {
            // Who parts thousands parts all of them.
            if series.large { Judged::Unclear } else { Judged::Thousands }
        } else if series.large
            || self.pairs > 0.0
                && decimals < NEAR.ln()
                && thousands > decimals + NEARER.ln()
                && !(self.ends_in_zero && whole > 1)
        {
            Judged::Decimals
        } else if whole > 1 {
            Judged::Unclear
        } else {
            Judged::Alone
        }
    }
}

impl Series {
    fn see(&mut self, form: Form, text: &str, line: u64) {
        let Some(digits) = decimal::digits(text).filter(|digits| *digits > 0.0) else { return };
        let mark = match form {
            Form::Grouped => Some('.'),
            Form::Doubtful => Some(','),
            _ if SENTINELS.contains(&digits) => return,
            _ => None,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "told apart, not kept")]
        if mark.is_none() {
            self.large |= digits > 999.0;
            if self.whole.len() < MAX_WHOLE {
                self.whole.insert(digits as u64);
            }
        }
        if let Some(marked) = mark.and_then(|mark| self.marked(mark)) {
            marked.count += 1;
            marked.ends_in_zero |= digits % 10.0 == 0.0;
            marked.first.get_or_insert_with(|| (line, text.chars().take(40).collect()));
        }
        if let Some((before, other, spelled)) = self.last.take()
            && let (Some(sign), None) | (None, Some(sign)) = (mark, other)
            && let Some(marked) = self.marked(sign)
        {
            let (with, without) = if mark.is_some() { (digits, before) } else { (before, digits) };
            marked.pairs += 1.0;
            marked.as_thousands += (with / without).ln().abs();
            marked.as_decimals += (with / 1000.0 / without).ln().abs();
            if marked.beside.is_empty() {
                marked.beside = format!("{text} in line {line} follows {spelled}");
            }
        }
        self.last = Some((digits, mark, text.chars().take(40).collect()));
    }

    fn marked(&mut self, mark: char) -> Option<&mut Marked> {
        match mark {
            '.' => Some(&mut self.point),
            ',' => Some(&mut self.comma),
            _ => None,
        }
    }
}

/// As [`told`], of the tables of one text, which is written with one decimal sign.
///
/// # Errors
/// As [`told`].
pub(crate) fn of_tables(source: Source<'_>, text: &str, layouts: &[Layout], taken: char) -> Result<Told, ReadError> {
    let tables = layouts.iter().filter(|layout| layout.decimal.is_none());
    let mut open = Ok(Told::Nothing);
    for layout in tables {
        match told(source, text, layout, taken).map_err(|error| layout.lines.error(error)) {
            Ok(certain @ (Told::Mark(_) | Told::AsTaken)) => return Ok(certain),
            Ok(Told::Nothing) => {}
            found if matches!(open, Ok(Told::Nothing)) || found.is_err() => open = found,
            _ => {}
        }
    }
    open
}

/// Settles the decimal sign of a report in which no number is certain to have a decimal comma; `taken` is the one it is read
/// with where nothing tells.
///
/// # Errors
/// `ambiguous_decimal` where neither reading is likely enough.
fn told(source: Source<'_>, text: &str, layout: &Layout, taken: char) -> Result<Told, ReadError> {
    let mut series: Vec<Series> = Vec::new();
    let mut by_key: HashMap<(String, usize), usize> = HashMap::new();
    let mut dotted_dates = false;
    let mut looked_at = 0;
    let mut cursor = Cursor::new(text, layout.dialect, layout.body, layout.body_lines);
    while !cursor.at_end() {
        // Most reports have a certain number in one of these.
        if looked_at == FIRST_ROWS && !has_doubtful(text, layout.dialect) {
            return Ok(Told::Nothing);
        }
        looked_at += 1;
        if cursor.blank_line() {
            continue;
        }
        let line = cursor.lines() + 1;
        let fields = cursor.row(layout.roles.len() + 1).map_err(|flaw| source.flaw(flaw))?;
        let cells = || fields.iter().map(String::as_str).zip(&layout.roles).enumerate();
        let mut timed = false;
        for (_, (cell, _)) in cells().filter(|(_, (_, role))| **role == Role::Stamp) {
            timed |= cell.bytes().any(|b| b.is_ascii_digit());
            dotted_dates |= is_dotted_date(cell);
        }
        if !timed {
            continue;
        }
        let keys = cells().filter(|(_, (_, role))| matches!(role, Role::Key(_))).map(|(_, (cell, _))| cell);
        let key = keys.collect::<Vec<_>>().join("\u{1f}");
        let row_unit = cells().find(|(_, (_, role))| **role == Role::Unit).map(|(_, (cell, _))| cell);
        for (at, (cell, role)) in cells() {
            let (Role::Point(_) | Role::Value(_)) = role else { continue };
            let Some(form) = decimal::form(cell) else { continue };
            let say = |value, what: &str| {
                if value == taken && looked_at <= FIRST_ROWS {
                    return Ok(Told::AsTaken);
                }
                let evidence = format!("{cell} in line {line} {what}");
                Ok(Told::Mark(Chosen { value, evidence }))
            };
            let small = || unit(cell, row_unit, layout, *role).is_some_and(|unit| SMALL.contains(&unit));
            match form {
                Form::Point => return say('.', "is a number with a decimal point"),
                Form::Comma => return say(',', "is a number with a decimal comma"),
                Form::Grouped if small() => return say('.', "has a decimal point: its unit has no such thousands"),
                Form::Doubtful if small() => return say(',', "has a decimal comma: its unit has no such thousands"),
                _ => {}
            }
            let number = *by_key.entry((key.clone(), at)).or_insert_with(|| {
                series.push(Series { column: at, ..Series::default() });
                series.len() - 1
            });
            if let Some(series) = series.get_mut(number) {
                series.see(form, cell, line);
            }
        }
    }
    settled(source, layout, &series, Taken { mark: taken, dotted_dates })
}

/// What is read where nothing tells, and whether dates have points, as where the comma is the decimal sign.
#[derive(Clone, Copy)]
struct Taken {
    mark: char,
    dotted_dates: bool,
}

fn settled(source: Source<'_>, layout: &Layout, series: &[Series], taken: Taken) -> Result<Told, ReadError> {
    let marks = series.iter().flat_map(|series| [(series, '.', &series.point), (series, ',', &series.comma)]);
    let marks: Vec<(&Series, char, &Marked)> = marks.filter(|(_, _, marked)| marked.count > 0).collect();
    let votes = marks.iter().filter_map(|(series, mark, marked)| {
        let other = if *mark == '.' { ',' } else { '.' };
        match marked.judged(series) {
            Judged::Thousands => Some((other, marked, "thousands are parted")),
            Judged::Decimals => Some((*mark, marked, "it parts decimals")),
            Judged::Unclear | Judged::Alone => None,
        }
    });
    let votes: Vec<_> = votes.collect();
    let name = |series: &Series| column_name(layout, series.column);
    if let Some((value, marked, what)) = votes.first()
        && votes.iter().all(|(other, _, _)| other == value)
    {
        let evidence = format!("{}: the numbers run on only when {what} by it", marked.beside);
        return Ok(Told::Mark(Chosen { value: *value, evidence }));
    }
    let unclear = marks.iter().find(|(series, _, marked)| marked.judged(series) == Judged::Unclear);
    // A point in numbers and in dates, a comma where dates have points: each is written so in other countries.
    let foreign = |mark: &char| taken.dotted_dates && taken.mark == '.' && matches!(mark, '.' | ',');
    let refused = if votes.is_empty() { unclear } else { marks.first() };
    let refused = refused.or_else(|| marks.iter().find(|(_, mark, _)| foreign(mark)));
    let shown = |marked: &Marked| marked.first.clone().unwrap_or_default();
    if let Some((series, mark, marked)) = refused {
        let (line, cell) = shown(marked);
        let column = name(series);
        let words = format!(
            "column '{column}': '{cell}' is one of {} numbers that may be thousands or decimals with three places, and nothing tells which: say which sign is decimal (decimal {mark} or {})",
            marked.count,
            if *mark == '.' { ',' } else { '.' }
        );
        let mut error = source.error("ambiguous_decimal", Some(line), words);
        error.column = Some(column);
        return Err(error);
    }
    let Some((first, mark, marked)) = marks.first() else { return Ok(Told::Nothing) };
    let (line, cell) = shown(marked);
    let count = marks.iter().map(|(_, _, marked)| marked.count).sum();
    let what = if *mark == taken.mark { "decimals with three places" } else { "thousands" };
    let other = if taken.mark == '.' { ',' } else { '.' };
    let words = format!(
        "numbers such as '{cell}' are read as {what}, since nothing says otherwise ({} columns have such and no others); if that is wrong, say that the other sign is decimal (decimal {other})",
        marks.iter().map(|(series, _, _)| series.column).collect::<BTreeSet<_>>().len()
    );
    Ok(Told::Open(warning(source, "doubtful_decimal", Some(line), Some(&name(first)), count, words)))
}

/// The unit of a cell: behind its number, in its row, or of its column.
fn unit<'u>(cell: &str, row_unit: Option<&str>, layout: &'u Layout, role: Role) -> Option<&'u str> {
    let behind = cell.trim_start_matches(|c: char| !c.is_alphabetic() && !matches!(c, '°' | '%'));
    let of_column = || match role {
        Role::Point(point) => layout.points.get(point)?.unit.as_ref().map(|unit| unit.value.as_str()),
        Role::Value(value) => layout.values.get(value)?.1.as_ref().map(|unit| unit.value.as_str()),
        _ => None,
    };
    units::known(behind).or_else(|| units::known(row_unit?)).or_else(of_column)
}

/// The name of a column that holds points or values.
fn column_name(layout: &Layout, at: usize) -> String {
    match layout.roles.get(at) {
        Some(Role::Point(point)) => layout.points.get(*point).map(|point| point.original_name.clone()),
        Some(Role::Value(value)) => layout.values.get(*value).map(|(name, _)| name.clone()),
        _ => None,
    }
    .unwrap_or_default()
}

/// `13.05.2024`
fn is_dotted_date(cell: &str) -> bool {
    let mut parts = cell.splitn(3, '.');
    let short = |part: Option<&str>| {
        part.is_some_and(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    short(parts.next()) && short(parts.next()) && parts.next().is_some_and(|rest| rest.len() >= 2)
}

/// Whether a number such as `1.012` stands in a text; where commas part fields, `1,012` counts in quotes only.
fn has_doubtful(text: &str, dialect: Dialect) -> bool {
    let bytes = text.as_bytes();
    let quoted = |mark: u8| mark == dialect.delimiter;
    let doubtful = |mark: u8, at: usize| {
        let (before, after) = (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default());
        let left = before.iter().rev().take(4).take_while(|b| b.is_ascii_digit()).count();
        let right = after.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        let first = before.len().checked_sub(left + 1).and_then(|at| before.get(at));
        let whole = before.len().checked_sub(left).and_then(|at| before.get(at));
        let bounded = !matches!(first, Some(b'.' | b',' | b':')) || first == Some(&dialect.delimiter);
        let opened = !quoted(mark) || matches!(first, Some(b'"' | b' ' | b'-' | b'+'));
        (1..=3).contains(&left) && right == 3 && whole != Some(&b'0') && bounded && opened
    };
    let has = |mark: u8| memchr_iter(mark, bytes).any(|at| doubtful(mark, at));
    has(b'.') || (!quoted(b',') || memchr(b'"', bytes).is_some()) && has(b',')
}
