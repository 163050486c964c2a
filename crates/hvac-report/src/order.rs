//! In which order a report's dates are written: settled once for a file, never by the row.
//!
//! The year stands first, or a month is named: nothing is in doubt. Otherwise the dates alone are looked
//! through, and what decides is, in this order: the user; that all rows must be readable; that time must
//! move forward; the `Date Range:` of the report's head. When two readings are left the report is refused.

use std::collections::HashMap;

use super::dates::{self, Dated, Days};
use super::layout::Layout;
use super::{Chosen, DateOrder, ReadError, ReadOptions, Source};
use crate::calendar::{self, DateForm};
use crate::time::{self, Form, ORDERS, Stamp};

const SAME_EITHER_WAY: &str = "each date is the same day month first and day first";

/// One way to read all dates, and how it fares.
struct Reading {
    form: Form,
    /// The first date that cannot be read so.
    refuted: Option<(u64, String)>,
    forward: u64,
    backward: u64,
    new_days: u64,
    new_years: u64,
    /// Each day so far is the first of a month.
    firsts: bool,
    /// Each day so far is the first or the last of a year.
    turns_of_years: bool,
    previous: HashMap<String, i64>,
    first: i64,
    last: i64,
    range: Option<Option<(i64, i64)>>,
}

impl Reading {
    fn new(form: Form, layout: &Layout) -> Self {
        let range = layout.date_range.as_ref().map(|(first, last)| {
            let at = |text: &str| time::stamp(text, form.order).map(|stamp| stamp.local_ms());
            Some((at(first)?, at(last)?))
        });
        Self {
            form,
            refuted: None,
            forward: 0,
            backward: 0,
            new_days: 0,
            new_years: 0,
            firsts: true,
            turns_of_years: true,
            previous: HashMap::new(),
            first: i64::MAX,
            last: i64::MIN,
            range,
        }
    }

    /// The day of a date that can be read so.
    fn see(&mut self, dated: &Dated<'_>) -> Option<i32> {
        let stamp = time::read(&dated.text, self.form)?;
        let clock = time::clock_ms(&dated.clock).unwrap_or(0);
        let at = stamp.local_ms() + clock;
        (self.first, self.last) = (self.first.min(at), self.last.max(at));
        let [before, (year, month), behind] = [-1, 0, 1].map(|days| calendar::year_and_month(stamp.day + days));
        self.firsts &= (year, month) != before;
        self.turns_of_years &= before.0 != year || behind.0 != year;
        if let Some(previous) = self.previous.get_mut(dated.name.as_ref()) {
            self.forward += u64::from(at > *previous);
            self.backward += u64::from(at < *previous);
            let (day, before) = (at.div_euclid(time::DAY_MS), previous.div_euclid(time::DAY_MS));
            self.new_days += u64::from(day != before);
            self.new_years += u64::from(year_of(day) != year_of(before));
            *previous = at;
        } else {
            self.previous.insert(dated.name.clone().into_owned(), at);
        }
        Some(stamp.day)
    }

    /// Every new day is in another year: so do consecutive days look when a two-digit year is read the wrong way.
    fn leaps(&self) -> bool {
        self.new_days > 0 && self.new_years == self.new_days
    }

    fn goes_by_days(&self) -> bool {
        self.new_days > 0 && !self.leaps()
    }

    fn in_range(&self) -> bool {
        match self.range {
            None => true,
            Some(None) => false,
            Some(Some((first, last))) => self.first >= first && self.last <= last,
        }
    }
}

fn year_of(day: i64) -> i32 {
    calendar::year_and_month(i32::try_from(day).unwrap_or(0)).0
}

fn words(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Ymd => "year first",
        DateOrder::Mdy => "month first",
        DateOrder::Dmy => "day first",
    }
}

/// Settles the order of a report's dates, whose first are `sample`.
pub(crate) fn settle(
    source: Source<'_>,
    text: &str,
    layout: &Layout,
    options: &ReadOptions,
    sample: &[Dated<'_>],
) -> Result<Option<Chosen<DateOrder>>, ReadError> {
    if layout.epoch || layout.times.serial {
        return Ok(None);
    }
    let form = dates::form(layout, sample);
    if form.yearless && dates::year(source, layout, options).is_none() {
        return Err(missing_year(source, form, sample));
    }
    let mut days = Days::default();
    let stamps: Vec<Stamp> = sample.iter().filter_map(|dated| days.read(&dated.text, &ORDERS, form)).collect();
    let has = |form: DateForm| stamps.iter().any(|stamp| stamp.form == form);
    if ![DateForm::ShortYear, DateForm::YearLast, DateForm::NoYear].into_iter().any(has) {
        let year_first = has(DateForm::YearFirst);
        return Ok(year_first.then(|| chosen(DateOrder::Ymd, "the year stands first".to_owned())));
    }
    if let Some(order) = options.date_order {
        return Ok(Some(chosen(order, "asked for".to_owned())));
    }
    let orders = if has(DateForm::ShortYear) { &ORDERS[..] } else { &[DateOrder::Mdy, DateOrder::Dmy] };
    let seen = look_through(source, text, layout, form, orders)?;
    let dotted = stamps.iter().all(|stamp| stamp.dotted || !in_doubt(stamp.form));
    decide(source, text, layout, form, seen, dotted).map(Some)
}

fn in_doubt(form: DateForm) -> bool {
    matches!(form, DateForm::ShortYear | DateForm::YearLast | DateForm::NoYear)
}

fn missing_year(source: Source<'_>, form: Form, sample: &[Dated<'_>]) -> ReadError {
    let mut days = Days::default();
    let found = sample.iter().find(|dated| days.read(&dated.text, &ORDERS, form).is_some());
    let (line, example) = found.map_or((1, ""), |dated| (dated.line, &dated.text));
    let words = format!(
        "times such as '{example}' have no year, and none stands in the file's name: say the year of the first row (option year), or put it in the file's name"
    );
    source.error("missing_year", Some(line), words)
}

fn chosen(value: DateOrder, evidence: String) -> Chosen<DateOrder> {
    Chosen { value, evidence }
}

/// What the dates of a whole file tell.
struct LookedThrough {
    readings: Vec<Reading>,
    /// A date is another day month first than day first.
    differs: bool,
}

/// Reads all dates each way, until one way is left.
fn look_through(
    source: Source<'_>,
    text: &str,
    layout: &Layout,
    form: Form,
    orders: &[DateOrder],
) -> Result<LookedThrough, ReadError> {
    let mut readings: Vec<Reading> =
        orders.iter().map(|order| Reading::new(Form { order: *order, ..form }, layout)).collect();
    let mut differs = false;
    for dated in dates::all(text, layout) {
        let read: Vec<Option<i32>> = readings.iter_mut().map(|reading| reading.see(&dated)).collect();
        if read.iter().all(Option::is_none) {
            continue;
        }
        differs |= matches!(*read, [month_first, day_first, ..] if month_first != day_first);
        for (reading, read) in readings.iter_mut().zip(read) {
            if read.is_none() && reading.refuted.is_none() {
                reading.refuted = Some((dated.line, dated.text.clone().into_owned()));
            }
        }
        match readings.iter().filter(|reading| reading.refuted.is_none()).count() {
            0 => return Err(mixed(source, &readings)),
            1 => break,
            _ => {}
        }
    }
    Ok(LookedThrough { readings, differs })
}

fn mixed(source: Source<'_>, readings: &[Reading]) -> ReadError {
    let refuted = |order| {
        readings
            .iter()
            .find(|reading: &&Reading| reading.form.order == order)
            .and_then(|reading| reading.refuted.clone())
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
    form: Form,
    seen: LookedThrough,
    dotted: bool,
) -> Result<Chosen<DateOrder>, ReadError> {
    let LookedThrough { mut readings, differs } = seen;
    let refuted = readings.iter().find_map(|reading| reading.refuted.clone());
    readings.retain(|reading| reading.refuted.is_none());
    let alone = |readings: &[Reading]| {
        let [only] = readings else { return None };
        let evidence = match &refuted {
            Some((line, text)) => format!("line {line}: '{text}' can only be {}", words(only.form.order)),
            None => format!("dates can only be {}", words(only.form.order)),
        };
        Some(chosen(only.form.order, evidence))
    };
    if let Some(only) = alone(&readings) {
        return Ok(only);
    }
    if let Some(chosen) = year_first(source, text, layout, &readings, dotted)? {
        return Ok(chosen);
    }
    readings.retain(|reading| reading.form.order != DateOrder::Ymd);
    if let Some(only) = alone(&readings) {
        return Ok(only);
    }
    if !differs {
        return Ok(chosen(DateOrder::Mdy, SAME_EITHER_WAY.to_owned()));
    }
    let steady = |reading: &Reading| reading.backward == 0;
    if !dotted && let Some(order) = only(&readings, steady) {
        return Ok(chosen(order, format!("time moves forward only when read {}", words(order))));
    }
    let steady_back = |reading: &Reading| reading.forward == 0;
    let one_way = |order: DateOrder| {
        readings.iter().any(|reading| reading.form.order == order && (steady(reading) || steady_back(reading)))
    };
    // Where dots are put between the numbers of a date, the day comes first, in every country that does so.
    if dotted && (one_way(DateOrder::Dmy) || !one_way(DateOrder::Mdy)) {
        return Ok(chosen(DateOrder::Dmy, "dates with dots are written day first".to_owned()));
    }
    if !dotted
        && !readings.iter().any(steady)
        && let Some(order) = only(&readings, steady_back)
    {
        return Ok(chosen(order, format!("time moves one way only when read {}", words(order))));
    }
    if layout.date_range.is_some()
        && let Some(order) = only(&readings, Reading::in_range)
    {
        return Ok(chosen(order, format!("the report's date range agrees only when read {}", words(order))));
    }
    match ambiguous(source, text, layout, form, [DateOrder::Mdy, DateOrder::Dmy]) {
        Some(refused) => Err(refused),
        None => Ok(chosen(DateOrder::Mdy, SAME_EITHER_WAY.to_owned())),
    }
}

/// Whether a two-digit year stands first, where that is possible beside another order; none when it does not.
fn year_first(
    source: Source<'_>,
    text: &str,
    layout: &Layout,
    readings: &[Reading],
    dotted: bool,
) -> Result<Option<Chosen<DateOrder>>, ReadError> {
    let (first, others): (Vec<&Reading>, Vec<&Reading>) =
        readings.iter().partition(|reading| reading.form.order == DateOrder::Ymd);
    let [first] = first.as_slice() else { return Ok(None) };
    // What has a row a year looks the same the other way round.
    if first.goes_by_days() && others.iter().all(|other| other.leaps() && !other.turns_of_years) {
        let evidence = "read any other way, each new date would be in another year";
        return Ok(Some(chosen(DateOrder::Ymd, evidence.to_owned())));
    }
    if first.leaps() && others.iter().any(|other| other.goes_by_days()) {
        return Ok(None);
    }
    // Dots are put behind days. What may be a month in front was written in this century's first years, if it is a year.
    let [other] = others.as_slice() else { return Ok(None) };
    if dotted || other.form.order != DateOrder::Dmy {
        return Ok(None);
    }
    let begins_months = |reading: &Reading| reading.firsts && reading.new_days > 1;
    match (begins_months(first), begins_months(other)) {
        (true, false) => {
            let evidence = "each date begins a month only when read year first";
            return Ok(Some(chosen(DateOrder::Ymd, evidence.to_owned())));
        }
        (false, true) => return Ok(None),
        _ => {}
    }
    match (first.in_range(), other.in_range()) {
        (true, false) => {
            let evidence = "the report's date range agrees only when read year first";
            return Ok(Some(chosen(DateOrder::Ymd, evidence.to_owned())));
        }
        (false, true) => return Ok(None),
        _ => {}
    }
    match ambiguous(source, text, layout, first.form, [DateOrder::Ymd, DateOrder::Dmy]) {
        Some(refused) => Err(refused),
        None => Ok(None),
    }
}

fn only(readings: &[Reading], holds: impl Fn(&Reading) -> bool) -> Option<DateOrder> {
    let mut holding = readings.iter().filter(|reading| holds(reading));
    let first = holding.next()?;
    holding.next().is_none().then_some(first.form.order)
}

/// The refusal of dates that are others in each of two orders; none where all are the same.
fn ambiguous(
    source: Source<'_>,
    text: &str,
    layout: &Layout,
    form: Form,
    [one, other]: [DateOrder; 2],
) -> Option<ReadError> {
    let (line, example, is_one, is_other) = dates::all(text, layout).find_map(|dated| {
        let day = |order| Some(time::read(&dated.text, Form { order, ..form })?.day);
        let (is_one, is_other) = (day(one)?, day(other)?);
        (is_one != is_other).then(|| (dated.line, dated.text, time::spell_day(is_one), time::spell_day(is_other)))
    })?;
    let formats = [one, other].map(|order| match order {
        DateOrder::Ymd => "ymd",
        DateOrder::Mdy => "mdy",
        DateOrder::Dmy => "dmy",
    });
    let words = format!(
        "'{example}' is {is_one} {} and {is_other} {}, and nothing in the file tells which: say so with date_format {} or {}",
        words(one),
        words(other),
        formats[0],
        formats[1]
    );
    Some(source.error("ambiguous_dates", Some(line), words))
}
