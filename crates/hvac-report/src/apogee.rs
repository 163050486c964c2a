//! Siemens APOGEE / Insight trend reports: a key of points, then `<>Date`, `<>Time` and a column a point.

use std::collections::BTreeMap;

use super::fields::Dialect;
use super::layout::{Columns, Layout, RawLines, Record, Role, TimeColumn, records, warning};
use super::{Chosen, Format, ReadError, Source};
use hvac_frame::column::Warning;

/// How far down the header may stand: the key of the widest report.
const HEAD: usize = 8 * 1024 * 1024;

/// Where the header line begins: the first line that begins with `<>Date`.
pub(crate) fn header_at(text: &str) -> Option<usize> {
    let head = text.as_bytes().get(..text.len().min(HEAD))?;
    let found = memchr::memmem::find_iter(head, "<>Date").find(|at| {
        let before = head.get(..*at).unwrap_or_default();
        let before = before.strip_suffix(b"\"").unwrap_or(before);
        before.last().is_none_or(|b| matches!(b, b'\n' | b'\r'))
    })?;
    let quoted = found.checked_sub(1).filter(|at| head.get(*at) == Some(&b'"'));
    Some(quoted.unwrap_or(found))
}

/// Whether a text begins with a point key.
pub(crate) fn has_key(text: &str) -> bool {
    let head = text.trim_start_matches(['"', ' ', '\r', '\n']);
    head.starts_with("Point_1:")
        || head.starts_with("Key ") && text.get(..text.len().min(HEAD)).unwrap_or(text).contains("Point_1:")
}

/// A point of the key.
struct Entry {
    name: String,
    definition: String,
    line: u64,
}

/// Settles the layout of a trend report.
pub(crate) fn layout(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    delimiter: Chosen<char>,
    asked: bool,
) -> Result<Layout, ReadError> {
    let Some(at) = header_at(text) else {
        let words = "an APOGEE trend report has a header line that begins with <>Date after its key of points; this file has none: export it again, or name another format";
        return Err(source.error("no_header", Some(1), words));
    };
    let end = at + 1;
    let mut head = records(text, dialect, 0..end, 0, usize::MAX).map_err(|flaw| source.flaw(flaw))?;
    let header = head.pop().ok_or_else(|| source.error("no_header", Some(1), "the header line cannot be read"))?;
    let mut warnings = Vec::new();
    let mut key = key_of(&head);
    let key_length = key.len();
    let columns = columns(source, &header, &mut key, &mut warnings)?;
    for (number, entry) in key {
        let words = format!("Point_{number} stands in the report's key, but no column is headed by it");
        warnings.push(warning(source, "point_without_column", Some(entry.line), Some(&entry.name), 1, words));
    }
    let evidence = match (asked, key_length) {
        (true, _) => "asked for".to_owned(),
        (false, 0) => format!("line {} begins with <>Date", header.line),
        (false, n) => format!("a key of {n} points, and line {} begins with <>Date", header.line),
    };
    Ok(Layout {
        format: Chosen { value: Format::Apogee, evidence },
        delimiter,
        dialect,
        decimal: None,
        header_line: header.line,
        body: header.end,
        body_lines: header.end_lines,
        roles: columns.roles,
        opc: false,
        yes_no: Vec::new(),
        times_from: String::new(),
        keys: Vec::new(),
        values: Vec::new(),
        epoch: false,
        times: TimeColumn::default(),
        points: columns.points,
        date_range: labelled(&head, "Date Range").and_then(|range| {
            let (first, last) = range.split_once(" - ")?;
            Some((first.trim().to_owned(), last.trim().to_owned()))
        }),
        of_intervals: false,
        totals: Vec::new(),
        lines: RawLines::default(),
        time_interval_s: labelled(&head, "Time Interval").and_then(interval_s),
        warnings,
    })
}

fn columns(
    source: Source<'_>,
    header: &Record,
    key: &mut BTreeMap<u32, Entry>,
    warnings: &mut Vec<Warning>,
) -> Result<Columns, ReadError> {
    let is_time = |name: &str| matches!(name.trim_start_matches("<>").to_ascii_lowercase().as_str(), "time");
    let clock = header.fields.iter().position(|name| is_time(name));
    let mut columns = Columns::default();
    let mut nameless = 0;
    for (at, name) in header.fields.iter().enumerate() {
        if at == 0 {
            columns.other(Role::Stamp);
        } else if Some(at) == clock {
            columns.other(Role::Clock);
        } else if name.is_empty() {
            columns.other(Role::Extra);
            nameless += 1;
        } else if let Some(entry) = point_number(name).and_then(|number| key.remove(&number)) {
            let point = columns.point(&entry.name, entry.line);
            point.native_interval_s = interval_s(&entry.definition);
            if is_error(&entry.definition) {
                let words = format!("the building automation system says '{}'; the column is kept", entry.definition);
                warnings.push(warning(source, "point_error", Some(entry.line), Some(&entry.name), 1, words));
            }
            point.trend_definition = (!entry.definition.is_empty()).then_some(entry.definition);
        } else {
            columns.point(name, header.line);
            let words = "the report's key does not name this column; it keeps the header's name";
            warnings.push(warning(source, "point_without_key", Some(header.line), Some(name), 1, words));
        }
    }
    if columns.points.is_empty() {
        let words = format!(
            "the header names no points besides date and time ({nameless} columns have no name): export the report with its points"
        );
        return Err(source.error("no_points", Some(header.line), words));
    }
    columns.settle(source, header.line)?;
    Ok(columns)
}

fn key_of(head: &[Record]) -> BTreeMap<u32, Entry> {
    let mut key = BTreeMap::new();
    for record in head {
        let Some(number) = record.field(0).strip_suffix(':').and_then(point_number) else { continue };
        let (name, suffix) = (record.field(1), record.field(2));
        let name = match (name.is_empty(), suffix.is_empty()) {
            (true, _) => record.field(0).trim_end_matches(':').to_owned(),
            (false, true) => name.to_owned(),
            (false, false) => format!("{name}:{suffix}"),
        };
        key.entry(number).or_insert(Entry { name, definition: record.field(3).to_owned(), line: record.line });
    }
    key
}

/// `Point_7` → 7.
fn point_number(name: &str) -> Option<u32> {
    let (word, number) = name.split_at_checked(6)?;
    if word.eq_ignore_ascii_case("Point_") { number.trim().parse().ok() } else { None }
}

/// The text beside `label:` in the head.
fn labelled<'h>(head: &'h [Record], label: &str) -> Option<&'h str> {
    head.iter()
        .find(|record| record.field(0).trim_end_matches(':').eq_ignore_ascii_case(label))
        .map(|record| record.field(1))
}

fn is_error(definition: &str) -> bool {
    definition.to_ascii_lowercase().starts_with("error")
}

/// The interval that a trend definition or `Time Interval:` names, s: `COV         15 minutes` → 900.
/// None for change-of-value trends that name none (`Trend COV (3.000)`), and for errors.
fn interval_s(definition: &str) -> Option<u32> {
    if is_error(definition) {
        return None;
    }
    let words: Vec<&str> = definition.split_whitespace().collect();
    words.windows(2).find_map(|pair| {
        let [number, unit] = pair else { return None };
        let seconds = match unit.to_ascii_lowercase().trim_end_matches('s') {
            "second" | "sec" => 1,
            "minute" | "min" => 60,
            "hour" | "hr" => 3600,
            "day" => 86_400,
            _ => return None,
        };
        number.parse::<u32>().ok()?.checked_mul(seconds).filter(|s| *s > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trend_definitions() {
        for (definition, seconds) in [
            ("5 minutes", Some(300)),
            ("COV         15 minutes", Some(900)),
            ("COV         1 minute", Some(60)),
            ("1 hour", Some(3600)),
            ("15 Minutes", Some(900)),
            ("1 Hours", Some(3600)),
            ("10 seconds", Some(10)),
            ("COV", None),
            ("Trend COV (3.000)", None),
            ("Error:  No trend definitions found.", None),
            ("", None),
        ] {
            assert_eq!(interval_s(definition), seconds, "{definition}");
        }
    }

    #[test]
    fn the_header_is_a_line_not_a_word() {
        assert_eq!(header_at("a\r\n\"<>Date\",\"Time\"\r\n"), Some(3));
        assert_eq!(header_at("<>Date,Time\n"), Some(0));
        assert_eq!(header_at("\"the <>Date column\"\n"), None);
    }
}
