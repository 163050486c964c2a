//! How else a report may be meant: readings that its own text allows, each tried, with the option that chooses it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::{Chosen, DateOrder, FilePlan, Format, ReadOptions, Reader, Source};
use hvac_frame::builder::SegmentBuilder;
use hvac_frame::column::VALUE;

/// Other readings that are told of.
const MOST_TOLD: usize = 2;
/// Longest report that is read again to find out.
const LONGEST_TRIED: usize = 8 * 1024 * 1024;

/// Another way to read a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OtherReading {
    /// The field of a request that chooses it: `date_format`.
    pub field: String,
    /// Its value: `DMY`.
    pub value: String,
    /// The same on the command line: `--date-format DMY`.
    pub flag: String,
    /// What leaves it open, and what would be different.
    pub why: String,
}

impl OtherReading {
    fn of(field: &str, value: &str, why: String) -> Self {
        let quoted = if value.contains([' ', '\'', ';', '|']) { format!("'{value}'") } else { value.to_owned() };
        let flag = format!("--{} {quoted}", field.replace('_', "-"));
        Self { field: field.to_owned(), value: value.to_owned(), flag, why }
    }
}

/// What a reading comes to.
struct Outcome {
    first_at_ms: Option<i64>,
    last_at_ms: Option<i64>,
    names: BTreeSet<String>,
    numbers: u64,
    sum: f64,
}

impl Outcome {
    fn of(source: Source<'_>, options: &ReadOptions) -> Option<Self> {
        let tables = Reader::open(source, options).ok()?;
        let mut all = Self { first_at_ms: None, last_at_ms: None, names: BTreeSet::new(), numbers: 0, sum: 0.0 };
        for table in &tables {
            let mut sum = 0.0;
            let mut add = |_: usize, segment: hvac_frame::encoded::EncodedSegment| {
                for cells in segment.decode().columns {
                    let numbers = cells.values.iter().zip(&cells.codes).filter(|(_, code)| **code == VALUE);
                    sum += numbers.map(|(value, _)| value).sum::<f64>();
                }
            };
            let plan = table.plan(&mut SegmentBuilder::default(), &mut add).ok()?;
            all.first_at_ms = [all.first_at_ms, plan.first_at_ms].into_iter().flatten().min();
            all.last_at_ms = all.last_at_ms.max(plan.last_at_ms);
            all.numbers += plan.points.iter().map(|point| point.numbers).sum::<u64>();
            all.names.extend(plan.points.into_iter().map(|point| point.original_name));
            all.sum += sum;
        }
        Some(all)
    }
}

/// The likeliest other readings of a report that was read with `options` as `plan` says, the likeliest first.
#[must_use]
pub fn other_readings(source: Source<'_>, options: &ReadOptions, plan: &FilePlan) -> Vec<OtherReading> {
    let mut others = Vec::new();
    let small = source.bytes.len() <= LONGEST_TRIED;
    let own = if small { Outcome::of(source, options) } else { None };
    let tried = |change: ReadOptions| own.as_ref().and_then(|own| Some((own, Outcome::of(source, &change)?)));
    let order = plan.date_order.as_ref().filter(|order| options.date_order.is_none() && !is_plain(order));
    for (other, word) in [(DateOrder::Mdy, "MDY"), (DateOrder::Dmy, "DMY"), (DateOrder::Ymd, "YMD")] {
        if order.is_some_and(|order| order.value != other)
            && let Some((own, read)) = tried(ReadOptions { date_order: Some(other), ..options.clone() })
            && read.first_at_ms != own.first_at_ms
        {
            let (first, last) = (day(read.first_at_ms, options), day(read.last_at_ms, options));
            let why = format!("each date can be read both ways; its rows would be of {first} – {last}");
            others.push(OtherReading::of("date_format", word, why));
        }
    }
    if plan.local_time_rows > 0 && !options.zone_stated {
        let why = format!(
            "{} of {} rows have local times, and no zone was stated: they are read in {}",
            plan.local_time_rows, plan.rows, options.zone
        );
        others.push(OtherReading::of("timezone", "ZONE", why));
    }
    if let (None, [first, _, ..]) = (&options.sheet, plan.parts.as_slice())
        && small
        && Outcome::of(source, &ReadOptions { sheet: Some(first.name.clone()), ..options.clone() }).is_some()
    {
        let names: Vec<&str> = plan.parts.iter().map(|part| part.name.as_str()).take(5).collect();
        let (tables, names) = (plan.parts.len(), names.join(", "));
        let why = format!("{tables} tables are read together ({names}); alone it has {} rows", first.rows);
        others.push(OtherReading::of("sheet", &first.name, why));
    }
    for (mark, word) in [(',', ","), ('.', ".")].into_iter().filter(|_| options.decimal.is_none()) {
        if others.len() < MOST_TOLD
            && let Some((own, read)) = tried(ReadOptions { decimal: Some(mark), ..options.clone() })
            && read.numbers >= own.numbers.max(1)
            && (read.sum.to_bits() != own.sum.to_bits() || read.numbers != own.numbers)
        {
            let why = format!(
                "{} numbers can be read with it, and others than the {} that were read",
                read.numbers, own.numbers
            );
            others.push(OtherReading::of("decimal", word, why));
        }
    }
    let formats = match plan.format.value {
        Format::Wide => &[(Format::Narrow, "narrow")][..],
        Format::Narrow => &[(Format::Wide, "wide")],
        _ => &[],
    };
    for (format, word) in formats.iter().filter(|_| options.format.is_none()) {
        if others.len() < MOST_TOLD
            && let Some((own, read)) = tried(ReadOptions { format: Some(*format), ..options.clone() })
            && read.names != own.names
            // One number a row, or all columns of the narrow one.
            && read.numbers >= own.numbers / 2
            && read.numbers > 0
        {
            let why = format!("it can be read as {} points instead of {}", read.names.len(), own.names.len());
            others.push(OtherReading::of("format", word, why));
        }
    }
    if let (None, Some(line @ 2..)) = (options.header_row, plan.header_line) {
        let above = line - 1;
        if others.len() < MOST_TOLD
            && let Some((own, read)) = tried(ReadOptions { header_row: Some(above), ..options.clone() })
            && read.names != own.names
            && read.numbers > 0
        {
            let names: Vec<&str> = read.names.iter().map(String::as_str).take(3).collect();
            let why = format!("line {above} may be the header as well; its points would be {} …", names.join(", "));
            others.push(OtherReading::of("header_row", &above.to_string(), why));
        }
    }
    others.truncate(MOST_TOLD);
    others
}

/// The year has four digits, or the month a name.
fn is_plain(order: &Chosen<DateOrder>) -> bool {
    order.evidence.starts_with("the year stands first")
}

fn day(at_ms: Option<i64>, options: &ReadOptions) -> String {
    let at = at_ms.and_then(chrono::DateTime::from_timestamp_millis);
    at.map(|at| at.with_timezone(&options.zone).format("%Y-%m-%d").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn flags(text: &str) -> Vec<String> {
        let source = Source { name: "a.csv", bytes: text.as_bytes() };
        let options = ReadOptions { zone_stated: true, ..ReadOptions::of(chrono_tz::UTC) };
        let table = Reader::open(source, &options).unwrap().remove(0);
        let plan = table.plan(&mut SegmentBuilder::default(), &mut |_, _| ()).unwrap();
        other_readings(source, &options, &plan).into_iter().map(|other| other.flag).collect()
    }

    #[test]
    fn what_can_be_read_in_one_way_only_has_no_other() {
        assert_eq!(flags("time,CHWST\n2024-03-01 00:00,6.8\n2024-03-01 00:15,6.9\n"), Vec::<String>::new());
    }

    #[test]
    fn years_of_two_digits_may_stand_elsewhere() {
        let flags = |text: &str| flags(&format!("time,CHWST\n{text} 00:00,6.8\n{text} 00:15,6.9\n"));
        assert_eq!(flags("13.05.24"), ["--date-format YMD"]);
        assert_eq!(flags("5/13/24"), Vec::<String>::new());
    }

    #[test]
    fn a_zone_that_nobody_stated_is_the_first_doubt() {
        let source = Source { name: "a.csv", bytes: b"time,CHWST\n2024-03-01 00:00,6.8\n2024-03-01 00:15,6.9\n" };
        let options = ReadOptions::of(chrono_tz::UTC);
        let table = Reader::open(source, &options).unwrap().remove(0);
        let plan = table.plan(&mut SegmentBuilder::default(), &mut |_, _| ()).unwrap();
        let [other] = other_readings(source, &options, &plan).try_into().unwrap();
        assert_eq!(other.flag, "--timezone ZONE");
        assert_eq!(other.why, "2 of 2 rows have local times, and no zone was stated: they are read in UTC");
    }
}
