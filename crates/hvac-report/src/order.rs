//! In which order a report's dates are written: settled once for a file, never by the row.
//!
//! The year stands first, or a month is named: nothing is in doubt. Otherwise the dates alone are looked
//! through, and what decides is, in this order: the user; that all rows must be readable; that time must
//! move forward; the `Date Range:` of the report's head. When two readings are left the report is refused.

use super::date_reading::Reading;
use super::dates::{self, Dated, Days};
use super::layout::Layout;
use super::year_first::{self, YearFirst};
use super::{Chosen, DateOrder, ReadError, ReadOptions, Source};
use crate::calendar::{self, DateForm};
use crate::time::{self, Form, ORDERS, Stamp};

/// Of a text, to see in which letters it is written.
const HEAD_CHARS: usize = 4_096;
const SAME_EITHER_WAY: &str = "each date is the same day month first and day first";

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
    if sample.iter().any(|dated| calendar::is_minguo(&dated.text)) {
        refuse_years_of_two_digits(source, text, layout, form)?;
        return Ok(Some(chosen(DateOrder::Ymd, "the year stands first, in years of the Republic of China".to_owned())));
    }
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
    decide(source, text, layout, seen, dotted).map(Some)
}

/// Refuses `99/12/31` in a report that has `100/01/01` too: 1999 or 2010.
fn refuse_years_of_two_digits(source: Source<'_>, text: &str, layout: &Layout, form: Form) -> Result<(), ReadError> {
    let read =
        |dated: &Dated<'_>| ORDERS.iter().find_map(|order| time::read(&dated.text, Form { order: *order, ..form }));
    let short = dates::all(text, layout).find(|dated| read(dated).is_some_and(|stamp| in_doubt(stamp.form)));
    let Some(dated) = short else { return Ok(()) };
    let words = format!(
        "'{}' stands among dates in years of the Republic of China, and does not say which year it means: export the report with years such as 2024",
        dated.text
    );
    Err(source.error("mixed_date_orders", Some(dated.line), words))
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
    let year_first = |reading: &Reading| reading.form.order == DateOrder::Ymd;
    if readings.iter().any(year_first) {
        match year_first::judge(&readings, dotted && !is_east_asian(text)) {
            YearFirst::Yes(evidence) => return Ok(chosen(DateOrder::Ymd, evidence.to_owned())),
            YearFirst::Open => {
                if let Some(refused) = ambiguous(source, text, layout, &readings) {
                    return Err(refused);
                }
                readings.retain(|reading| !year_first(reading));
                if let Some(only) = alone(&readings) {
                    return Ok(only);
                }
            }
            YearFirst::No(evidence) => {
                readings.retain(|reading| !year_first(reading));
                if let [only] = readings.as_slice() {
                    return Ok(chosen(only.form.order, evidence.to_owned()));
                }
            }
        }
    }
    if !differs {
        return Ok(chosen(DateOrder::Mdy, SAME_EITHER_WAY.to_owned()));
    }
    if !dotted && let Some(order) = only(&readings, Reading::steady) {
        return Ok(chosen(order, format!("time moves forward only when read {}", words(order))));
    }
    let one_way = |order: DateOrder| {
        readings.iter().any(|reading| reading.form.order == order && (reading.steady() || reading.steady_back()))
    };
    // Where dots are put between the numbers of a date, the day comes first, in every country that does so.
    if dotted && (one_way(DateOrder::Dmy) || !one_way(DateOrder::Mdy)) {
        return Ok(chosen(DateOrder::Dmy, "dates with dots are written day first".to_owned()));
    }
    if !dotted
        && !readings.iter().any(Reading::steady)
        && let Some(order) = only(&readings, Reading::steady_back)
    {
        return Ok(chosen(order, format!("time moves one way only when read {}", words(order))));
    }
    if layout.date_range.is_some()
        && let Some(order) = only(&readings, Reading::in_range)
    {
        return Ok(chosen(order, format!("the report's date range agrees only when read {}", words(order))));
    }
    match ambiguous(source, text, layout, &readings) {
        Some(refused) => Err(refused),
        None => Ok(chosen(DateOrder::Mdy, SAME_EITHER_WAY.to_owned())),
    }
}

fn only(readings: &[Reading], holds: impl Fn(&Reading) -> bool) -> Option<DateOrder> {
    let mut holding = readings.iter().filter(|reading| holds(reading));
    let first = holding.next()?;
    holding.next().is_none().then_some(first.form.order)
}

/// Whether a report's beginning has Chinese, Japanese or Korean letters: there, the year may stand before dots.
fn is_east_asian(text: &str) -> bool {
    let of = |c: char| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
    text.chars().take(HEAD_CHARS).any(of)
}

/// The refusal of dates that can be read in several ways, by the first that is not the same day in all; none where each is.
fn ambiguous(source: Source<'_>, text: &str, layout: &Layout, readings: &[Reading]) -> Option<ReadError> {
    let (line, days, example) = dates::all(text, layout).find_map(|dated| {
        let day = |reading: &Reading| Some(time::read(&dated.text, reading.form)?.day);
        let days: Vec<i32> = readings.iter().map(day).collect::<Option<_>>()?;
        let differ = days.iter().zip(days.iter().skip(1)).any(|(a, b)| a != b);
        differ.then_some((dated.line, days, dated.text))
    })?;
    let spelled = |(day, reading): (&i32, &Reading)| format!("{} {}", time::spell_day(*day), words(reading.form.order));
    let days: Vec<String> = days.iter().zip(readings).map(spelled).collect();
    let options = readings.iter().map(|reading| match reading.form.order {
        DateOrder::Ymd => "ymd",
        DateOrder::Mdy => "mdy",
        DateOrder::Dmy => "dmy",
    });
    let options: Vec<&str> = options.collect();
    let words = format!(
        "'{example}' is {}, and nothing in the file tells which: say so with date_format {}",
        days.join(" and "),
        options.join(" or ")
    );
    Some(source.error("ambiguous_dates", Some(line), words))
}
