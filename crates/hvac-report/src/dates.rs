//! The dates of a report's rows, before they are read: how they are written, how the rows follow each other, and the
//! rows ahead of one whose hour exists twice.

use std::borrow::Cow;
use std::collections::HashMap;

use super::fields::Cursor;
use super::layout::{Layout, Role};
use super::passes::Pace;
use super::{Chosen, DateOrder, ReadOptions, Source};
use crate::calendar;
use crate::time::{self, Form, ORDERS, Stamp};
use crate::zones::StatedZone;

/// Rows that tell how dates are written.
const SAMPLE: usize = 200;
/// Rows that tell how far apart the rows of a series are, where the first ones are of many series.
const LONG_SAMPLE: usize = 20_000;
/// Rows that are looked at to tell the two passes of an hour apart.
const AHEAD: usize = 4_096;

/// One row's date as it is written.
pub(crate) struct Dated<'t> {
    /// The date, or date and time.
    pub text: Cow<'t, str>,
    /// The clock time beside it; empty where it has none.
    pub clock: Cow<'t, str>,
    /// The series it belongs to.
    pub name: Cow<'t, str>,
    /// It names its zone in a column.
    zoned: bool,
    /// Its line, counted from 1.
    pub line: u64,
}

/// How the times of a file are written and follow each other, once the order of dates is settled.
#[derive(Debug, Clone)]
pub(crate) struct Dates {
    /// How one is read.
    pub form: Form,
    /// How they follow each other.
    pub pace: Pace,
    /// Year of the first one, where they do not say theirs.
    pub year: Option<Chosen<i32>>,
}

impl Dates {
    /// Of a report whose first dates are `sample`.
    pub(crate) fn of(
        source: Source<'_>,
        text: &str,
        layout: &Layout,
        options: &ReadOptions,
        order: Option<&Chosen<DateOrder>>,
        sample: &[Dated<'_>],
    ) -> Self {
        let order = order.map_or(DateOrder::Ymd, |chosen| chosen.value);
        let form = Form { order, ..form(layout, sample) };
        let year = if form.yearless { year(source, layout, options) } else { None };
        Self { form, pace: pace(text, layout, form, sample), year }
    }
}

/// Reads dates one after the other: most are the same day as the one before.
#[derive(Default)]
pub(crate) struct Days<'s> {
    before: Option<(&'s str, Option<Stamp>)>,
}

impl<'s> Days<'s> {
    /// `text` in the first of `orders` that it can be read in.
    pub(crate) fn read(&mut self, text: &'s str, orders: &[DateOrder], form: Form) -> Option<Stamp> {
        let first = || orders.iter().find_map(|order| time::read(text, Form { order: *order, ..form }));
        let stamp = match self.before {
            Some((before, stamp)) if before == text => stamp,
            Some((before, Some(stamp))) if !form.from_to => time::same_date(before, &stamp, text).or_else(first),
            _ => first(),
        };
        self.before = Some((text, stamp));
        stamp
    }
}

/// The dates of the rows from `cursor` on; rows that cannot be told apart end it (the reading will say so).
fn dates<'t>(mut cursor: Cursor<'t>, layout: &'t Layout) -> impl Iterator<Item = Dated<'t>> {
    let width = layout
        .roles
        .iter()
        .rposition(|role| matches!(role, Role::Stamp | Role::Clock | Role::Offset | Role::Key(_)))
        .map_or(0, |at| at + 1);
    std::iter::from_fn(move || {
        while cursor.blank_line() {}
        if cursor.at_end() {
            return None;
        }
        let [text, clock, name] = [const { Cow::Borrowed("") }; 3];
        let mut dated = Dated { text, clock, name, zoned: false, line: cursor.lines() + 1 };
        let mut last = false;
        for role in layout.roles.iter().take(width) {
            let field = cursor.field().ok()?;
            match role {
                Role::Stamp => dated.text = field.text,
                Role::Clock => dated.clock = field.text,
                Role::Offset => dated.zoned = !field.text.is_empty(),
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

/// The dates of all rows below the header.
pub(crate) fn all<'t>(text: &'t str, layout: &'t Layout) -> impl Iterator<Item = Dated<'t>> {
    dates(Cursor::new(text, layout.dialect, layout.body, layout.body_lines), layout)
}

/// The dates of the first rows.
pub(crate) fn sample<'t>(text: &'t str, layout: &'t Layout) -> Vec<Dated<'t>> {
    all(text, layout).take(SAMPLE).collect()
}

/// Local times of the series of the row that begins at byte `from.0`, on line `from.1`: its own, and those of the rows
/// that follow it, up to one that names its zone. `near`: about that time, which tells the year where none is written.
pub(crate) fn ahead<'t>(
    text: &'t str,
    layout: &'t Layout,
    form: Form,
    near: i64,
    from: (usize, u64),
) -> impl Iterator<Item = i64> {
    let day = |at: i64| i32::try_from(at.div_euclid(time::DAY_MS)).unwrap_or(0);
    let (year, _) = calendar::year_and_month(day(near));
    let mut rows =
        dates(Cursor::new(text, layout.dialect, from.0, from.1.saturating_sub(1)), layout).take(AHEAD).peekable();
    let name = rows.peek().map_or_else(String::new, |row| row.name.clone().into_owned());
    let same = rows.filter(move |row| row.name == name);
    same.map_while(move |row| {
        if layout.times.serial {
            return super::epoch::excel_serial(&row.text).filter(|_| !row.zoned);
        }
        let stamp = time::read(&row.text, form)?;
        let clock = if row.clock.is_empty() { None } else { Some(time::clock_only(&row.clock)?) };
        let zoned = row.zoned || stamp.zone.is_some() || clock.is_some_and(|clock| clock.zone.is_some());
        let day = if form.yearless { calendar::in_year(stamp.day, year)? } else { stamp.day };
        let clock_ms = clock.map_or(stamp.clock_ms, |clock| clock.ms);
        (!zoned).then_some(i64::from(day) * time::DAY_MS + clock_ms)
    })
}

/// A day that is counted on behind 24:00 is followed by the next one within this time, ms.
const NEXT_DAY_MS: i64 = 3 * 3_600_000;

/// Whether the clock of the row that begins at byte `from.0` is counted on behind 24:00 of its day: the rows of its series
/// go on from it, and into the next day. `row`: its day and its clock time.
pub(crate) fn runs_on(
    text: &str,
    layout: &Layout,
    form: Form,
    (day, clock_ms): (i32, i64),
    from: (usize, u64),
) -> bool {
    let cursor = Cursor::new(text, layout.dialect, from.0, from.1.saturating_sub(1));
    let mut rows = dates(cursor, layout).take(AHEAD);
    let Some(own) = rows.next() else { return false };
    let mut last_ms = clock_ms;
    for row in rows.filter(|row| row.name == own.name) {
        let Some(stamp) = time::read(&row.text, form) else { return false };
        let Some(clock_ms) = time::clock_ms(&row.clock) else { return false };
        if stamp.day == day && clock_ms >= last_ms {
            last_ms = clock_ms;
        } else {
            let gap_ms = clock_ms + time::DAY_MS - last_ms;
            return stamp.day == day + 1 && clock_ms < time::DAY_MS && (1..=NEXT_DAY_MS).contains(&gap_ms);
        }
    }
    false
}

/// What the first rows tell of how times are written; the order is not settled yet.
pub(crate) fn form(layout: &Layout, sample: &[Dated<'_>]) -> Form {
    let plain = Form { order: DateOrder::Ymd, yearless: false, from_to: false };
    if layout.epoch || layout.times.serial {
        return plain;
    }
    let read = |form: Form| {
        let mut days = Days::default();
        sample.iter().filter_map(|dated| days.read(&dated.text, &ORDERS, form)).collect::<Vec<Stamp>>()
    };
    let stamps = read(plain);
    let Some(first) = stamps.first() else {
        return Form { yearless: !read(Form { yearless: true, ..plain }).is_empty(), ..plain };
    };
    let from_to = if stamps.iter().any(|stamp| stamp.width_ms.is_some()) {
        true
    } else if matches!(first.zone, Some(StatedZone::Offset(..0))) {
        // 05:00-06:00 and 06:00-07:00 are hours: no zone's offset runs with its clock.
        let spans = read(Form { from_to: true, ..plain });
        let width = spans.first().and_then(|stamp| stamp.width_ms);
        width.is_some()
            && spans.iter().all(|stamp| stamp.width_ms == width)
            && stamps.iter().any(|stamp| stamp.zone != first.zone)
    } else {
        false
    };
    Form { from_to, ..plain }
}

/// The year of times that do not say theirs: as asked for, or of the report's date range, or of the file's name, where
/// one year stands in it and no other.
pub(crate) fn year(source: Source<'_>, layout: &Layout, options: &ReadOptions) -> Option<Chosen<i32>> {
    let chosen = |value, evidence: String| Some(Chosen { value, evidence });
    if let Some(year) = options.year {
        return chosen(year, "asked for".to_owned());
    }
    let range = layout.date_range.as_ref().and_then(|(first, _)| {
        let stamp = time::in_any_order(first)?;
        Some((calendar::year_and_month(stamp.day).0, first))
    });
    if let Some((year, first)) = range {
        return chosen(year, format!("the report's date range begins on {first}"));
    }
    let name = source.name.rsplit(['/', '\\']).next().unwrap_or(source.name);
    let mut years = name.split(|c: char| !c.is_ascii_digit()).filter(|digits| digits.len() == 4);
    let mut years = years.by_ref().filter_map(|digits| digits.parse().ok()).filter(|year| (1990..2100).contains(year));
    let year = years.next()?;
    if years.all(|other| other == year) { chosen(year, format!("it stands in the file's name '{name}'")) } else { None }
}

/// How rows follow each other, by the first of them, series by series.
fn pace(text: &str, layout: &Layout, form: Form, sample: &[Dated<'_>]) -> Pace {
    let mut steps = Steps::default();
    sample.iter().for_each(|dated| steps.see(dated, layout, form));
    if steps.forward + steps.backward < 8 && !layout.keys.is_empty() {
        all(text, layout).skip(sample.len()).take(LONG_SAMPLE).for_each(|dated| steps.see(&dated, layout, form));
    }
    let most = steps.lengths.iter().max_by_key(|(_, count)| **count);
    let regular = |count: u32| count * 2 > steps.forward + steps.backward;
    Pace {
        newest_first: steps.backward > steps.forward,
        step_ms: most.filter(|(_, count)| regular(**count)).map(|(step, _)| *step),
    }
}

/// Steps from row to row of each series.
#[derive(Default)]
struct Steps {
    forward: u32,
    backward: u32,
    lengths: HashMap<i64, u32>,
    previous: HashMap<String, i64>,
    /// Text of the last date, and what it is.
    before: Option<(String, Stamp)>,
}

impl Steps {
    fn see(&mut self, dated: &Dated<'_>, layout: &Layout, form: Form) {
        let Some(at) = self.time(dated, layout, form) else { return };
        let Some(previous) = self.previous.get_mut(dated.name.as_ref()) else {
            self.previous.insert(dated.name.clone().into_owned(), at);
            return;
        };
        let step = at - *previous;
        *previous = at;
        self.forward += u32::from(step > 0);
        self.backward += u32::from(step < 0);
        if step != 0 {
            *self.lengths.entry(step.abs()).or_default() += 1;
        }
    }

    fn time(&mut self, dated: &Dated<'_>, layout: &Layout, form: Form) -> Option<i64> {
        if layout.epoch {
            return time::epoch(&dated.text);
        }
        if layout.times.serial {
            return super::epoch::excel_serial(&dated.text);
        }
        let known = self.before.as_ref().filter(|_| !form.from_to);
        let same = known.and_then(|(before, stamp)| time::same_date(before, stamp, &dated.text));
        let stamp = same.or_else(|| time::read(&dated.text, form))?;
        self.before = Some((dated.text.clone().into_owned(), stamp));
        Some(stamp.local_ms() + time::clock_ms(&dated.clock).unwrap_or(0))
    }
}
