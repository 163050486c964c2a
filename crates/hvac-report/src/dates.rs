//! In which order a report's dates are written: settled once for a file, never by the row.
//!
//! The year stands first, or a month is named: nothing is in doubt. Otherwise the dates alone are looked
//! through, and what decides is, in this order: the user; that all rows must be readable; that time must
//! move forward; the `Date Range:` of the report's head. When two readings are left the report is refused.

use std::borrow::Cow;
use std::collections::HashMap;

use super::fields::Cursor;
use super::layout::{Layout, Role};
use super::{Chosen, DateOrder, ReadError, Source};
use crate::time::{self, DateForm, Stamp};

/// Rows that tell how dates are written.
const SAMPLE: usize = 200;

/// One row's date as it is written.
pub struct Dated<'t> {
    text: Cow<'t, str>,
    clock: Cow<'t, str>,
    name: Cow<'t, str>,
    line: u64,
}

/// Reads dates one after the other: most are the same day as the one before.
#[derive(Default)]
struct Days<'s> {
    before: Option<(&'s str, Option<Stamp>)>,
}

impl<'s> Days<'s> {
    /// `text` in the first of `orders` that it can be read in.
    fn read(&mut self, text: &'s str, orders: &[DateOrder]) -> Option<Stamp> {
        let stamp = match self.before {
            Some((before, stamp)) if before == text => stamp,
            Some((before, Some(stamp))) => time::same_date(before, &stamp, text).or_else(|| first(text, orders)),
            _ => first(text, orders),
        };
        self.before = Some((text, stamp));
        stamp
    }
}

fn first(text: &str, orders: &[DateOrder]) -> Option<Stamp> {
    orders.iter().find_map(|order| time::stamp(text, *order))
}

/// The dates below the header, row by row; rows that cannot be told apart end it (the reading will say so).
fn dates<'t>(text: &'t str, layout: &'t Layout) -> impl Iterator<Item = Dated<'t>> {
    let mut cursor = Cursor::new(text, layout.dialect, layout.body, layout.body_lines);
    let width = layout
        .roles
        .iter()
        .rposition(|role| matches!(role, Role::Stamp | Role::Clock | Role::Key(_)))
        .map_or(0, |at| at + 1);
    std::iter::from_fn(move || {
        while cursor.blank_line() {}
        if cursor.at_end() {
            return None;
        }
        let [text, clock, name] = [const { Cow::Borrowed("") }; 3];
        let mut dated = Dated { text, clock, name, line: cursor.lines() + 1 };
        let mut last = false;
        for role in layout.roles.iter().take(width) {
            let field = cursor.field().ok()?;
            match role {
                Role::Stamp => dated.text = field.text,
                Role::Clock => dated.clock = field.text,
                Role::Key(0) => dated.name = field.text,
                Role::Key(_) => dated.name.to_mut().push_str(&format!("\u{1f}{}", field.text)),
                _ => {}
            }
            last = field.last;
            if last {
                break;
            }
        }
        if !last && !cursor.pass_row() {
            cursor.skip_row().ok()?;
        }
        Some(dated)
    })
}

/// The dates of the first rows.
pub fn sample<'t>(text: &'t str, layout: &'t Layout) -> Vec<Dated<'t>> {
    dates(text, layout).take(SAMPLE).collect()
}

const ORDERS: [DateOrder; 3] = [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd];

/// One way to read all dates, and how it fares.
struct Reading {
    order: DateOrder,
    /// The first date that cannot be read so.
    refuted: Option<(u64, String)>,
    forward: u64,
    backward: u64,
    new_days: u64,
    new_years: u64,
    previous: HashMap<String, i64>,
    first: i64,
    last: i64,
    range: Option<Option<(i64, i64)>>,
}

impl Reading {
    fn new(order: DateOrder, layout: &Layout) -> Self {
        let range = layout.date_range.as_ref().map(|(first, last)| {
            let at = |text: &str| time::stamp(text, order).map(|stamp| stamp.local_ms());
            Some((at(first)?, at(last)?))
        });
        Self {
            order,
            refuted: None,
            forward: 0,
            backward: 0,
            new_days: 0,
            new_years: 0,
            previous: HashMap::new(),
            first: i64::MAX,
            last: i64::MIN,
            range,
        }
    }

    fn see(&mut self, dated: &Dated<'_>) -> bool {
        let Some(stamp) = time::stamp(&dated.text, self.order) else { return false };
        let clock = time::clock_only(&dated.clock).map_or(0, |(ms, _)| ms);
        let at = stamp.local_ms() + clock;
        (self.first, self.last) = (self.first.min(at), self.last.max(at));
        if let Some(previous) = self.previous.get_mut(dated.name.as_ref()) {
            self.forward += u64::from(at > *previous);
            self.backward += u64::from(at < *previous);
            let (day, before) = (at.div_euclid(time::DAY_MS), previous.div_euclid(time::DAY_MS));
            self.new_days += u64::from(day != before);
            self.new_years += u64::from(year(day) != year(before));
            *previous = at;
        } else {
            self.previous.insert(dated.name.clone().into_owned(), at);
        }
        true
    }

    fn in_range(&self) -> bool {
        match self.range {
            None => true,
            Some(None) => false,
            Some(Some((first, last))) => self.first >= first && self.last <= last,
        }
    }
}

fn year(day: i64) -> String {
    let words = time::spell_day(i32::try_from(day).unwrap_or(0));
    words.rsplit(' ').next().unwrap_or_default().to_owned()
}

fn words(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Ymd => "year first",
        DateOrder::Mdy => "month first",
        DateOrder::Dmy => "day first",
    }
}

/// Settles the order of a report's dates, whose first are `sample`.
pub fn settle(
    source: Source<'_>,
    text: &str,
    layout: &Layout,
    asked: Option<DateOrder>,
    sample: &[Dated<'_>],
) -> Result<Option<Chosen<DateOrder>>, ReadError> {
    if layout.epoch {
        return Ok(None);
    }
    let mut days = Days::default();
    let forms: Vec<DateForm> =
        sample.iter().filter_map(|dated| days.read(&dated.text, &ORDERS)).map(|stamp| stamp.form).collect();
    let short_years = forms.contains(&DateForm::ShortYear);
    if !short_years && !forms.contains(&DateForm::YearLast) {
        let year_first = forms.contains(&DateForm::YearFirst);
        return Ok(year_first.then(|| chosen(DateOrder::Ymd, "the year stands first".to_owned())));
    }
    if let Some(order) = asked {
        return Ok(Some(chosen(order, "asked for".to_owned())));
    }
    let readings = look_through(source, text, layout, short_years)?;
    decide(source, text, layout, readings).map(Some)
}

fn chosen(value: DateOrder, evidence: String) -> Chosen<DateOrder> {
    Chosen { value, evidence }
}

/// Reads all dates each way, until one way is left.
fn look_through(source: Source<'_>, text: &str, layout: &Layout, short_years: bool) -> Result<Vec<Reading>, ReadError> {
    let orders = if short_years { &ORDERS[..] } else { &[DateOrder::Mdy, DateOrder::Dmy] };
    let mut readings: Vec<Reading> = orders.iter().map(|order| Reading::new(*order, layout)).collect();
    for dated in dates(text, layout) {
        let read: Vec<bool> = readings.iter_mut().map(|reading| reading.see(&dated)).collect();
        if !read.contains(&true) {
            continue;
        }
        for (reading, read) in readings.iter_mut().zip(read) {
            if !read && reading.refuted.is_none() {
                reading.refuted = Some((dated.line, dated.text.clone().into_owned()));
            }
        }
        match readings.iter().filter(|reading| reading.refuted.is_none()).count() {
            0 => return Err(mixed(source, &readings)),
            1 => break,
            _ => {}
        }
    }
    Ok(readings)
}

fn mixed(source: Source<'_>, readings: &[Reading]) -> ReadError {
    let refuted = |order| {
        readings.iter().find(|reading: &&Reading| reading.order == order).and_then(|reading| reading.refuted.clone())
    };
    let (line, month_first) = refuted(DateOrder::Dmy).unwrap_or_default();
    let (other, day_first) = refuted(DateOrder::Mdy).unwrap_or_default();
    let words = format!(
        "dates are written in two orders: '{month_first}' (line {line}) cannot be day first, '{day_first}' (line {other}) cannot be month first; export the report again in one order"
    );
    source.error("mixed_date_orders", Some(line.max(other)), words)
}

fn decide(
    source: Source<'_>,
    text: &str,
    layout: &Layout,
    mut readings: Vec<Reading>,
) -> Result<Chosen<DateOrder>, ReadError> {
    let refuted = readings.iter().find_map(|reading| reading.refuted.clone());
    readings.retain(|reading| reading.refuted.is_none());
    if let [only] = readings.as_slice() {
        let evidence = match refuted {
            Some((line, text)) => format!("line {line}: '{text}' can only be {}", words(only.order)),
            None => format!("dates can only be {}", words(only.order)),
        };
        return Ok(chosen(only.order, evidence));
    }
    // With two-digit years every date of consecutive days looks like a step of years when read the wrong way.
    let leaps = |reading: &Reading| reading.new_days > 0 && reading.new_years == reading.new_days;
    let year_first = |reading: &Reading| reading.order == DateOrder::Ymd;
    if readings.iter().any(|r| year_first(r) && r.new_days > 0 && !leaps(r))
        && readings.iter().filter(|r| !year_first(r)).all(leaps)
    {
        return Ok(chosen(DateOrder::Ymd, "read any other way, each new date would be in another year".to_owned()));
    }
    readings.retain(|reading| !year_first(reading));
    let steady = |reading: &Reading| reading.backward == 0;
    if let Some(order) = only(&readings, steady) {
        return Ok(chosen(order, format!("time moves forward only when read {}", words(order))));
    }
    let steady_back = |reading: &Reading| reading.forward == 0;
    if !readings.iter().any(steady)
        && let Some(order) = only(&readings, steady_back)
    {
        return Ok(chosen(order, format!("time moves one way only when read {}", words(order))));
    }
    if layout.date_range.is_some()
        && let Some(order) = only(&readings, Reading::in_range)
    {
        return Ok(chosen(order, format!("the report's date range agrees only when read {}", words(order))));
    }
    Err(ambiguous(source, text, layout))
}

fn only(readings: &[Reading], holds: impl Fn(&Reading) -> bool) -> Option<DateOrder> {
    let mut holding = readings.iter().filter(|reading| holds(reading));
    let first = holding.next()?;
    holding.next().is_none().then_some(first.order)
}

fn ambiguous(source: Source<'_>, text: &str, layout: &Layout) -> ReadError {
    let both = dates(text, layout).find_map(|dated| {
        let day = |order| Some(time::spell_day(time::stamp(&dated.text, order)?.day));
        Some((dated.line, day(DateOrder::Mdy)?, day(DateOrder::Dmy)?, dated.text))
    });
    let (line, month_first, day_first, example) = both.unwrap_or_default();
    let words = format!(
        "'{example}' is {month_first} month first and {day_first} day first, and nothing in the file tells which: say so with date_format mdy or dmy"
    );
    source.error("ambiguous_dates", Some(line), words)
}

/// Whether rows stand newest first, judged by the first rows (`sample`) under the settled order.
pub fn newest_first(layout: &Layout, order: DateOrder, sample: &[Dated<'_>]) -> bool {
    let (mut forward, mut backward, mut previous) = (0u32, 0u32, None);
    let mut days = Days::default();
    for dated in sample {
        let at = if layout.epoch {
            time::epoch(&dated.text)
        } else {
            days.read(&dated.text, &[order])
                .map(|stamp| stamp.local_ms() + time::clock_only(&dated.clock).map_or(0, |(ms, _)| ms))
        };
        if let (Some(previous), Some(at)) = (previous, at) {
            forward += u32::from(at > previous);
            backward += u32::from(at < previous);
        }
        previous = at.or(previous);
    }
    backward > forward
}
