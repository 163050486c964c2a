//! What a dry run saw, for people: a screen of it.

use serde_json::Value;

use super::out::{Align, table};
use crate::sessions::verdict::{CellShown, FileVerdict, PointVerdict, RowShown, Verdict};

/// Reports, points, and cells of a row that are shown.
const MOST_FILES: usize = 2;
const MOST_POINTS: usize = 12;
const MOST_CELLS: usize = 5;
/// Longest line of a reason, in characters.
const LONGEST: usize = 110;

/// All of it in lines.
pub fn lines(verdict: &Verdict) -> Vec<String> {
    let mut lines = Vec::new();
    for file in verdict.files.iter().take(MOST_FILES) {
        lines.push(file.file_name.clone());
        lines.extend(of_file(file));
    }
    if let Some(more) = verdict.files.len().checked_sub(MOST_FILES).filter(|more| *more > 0) {
        lines.push(format!("… {more} more files"));
    }
    let header = [
        ("POINT", Align::Left),
        ("KIND", Align::Left),
        ("UNIT", Align::Left),
        ("VALUES", Align::Right),
        ("RANGE", Align::Right),
        ("COURSE", Align::Left),
    ];
    let points: Vec<Vec<String>> = verdict.points.iter().take(MOST_POINTS).map(of_point).collect();
    if !points.is_empty() {
        lines.push(table(&header, &points));
    }
    if let Some(more) = verdict.points.len().checked_sub(MOST_POINTS).filter(|more| *more > 0) {
        lines.push(format!("… {more} more points"));
    }
    let lost: u64 = verdict.lost.values().sum();
    lines.push(match &verdict.refusal {
        Some(refusal) => format!("verdict: refused. {refusal}; --accept-loss goes on"),
        None if lost == 0 => format!("verdict: accepted. All {} readings end in a cell", verdict.readings),
        None => {
            let reasons: Vec<String> = verdict.lost.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            format!("verdict: accepted. {lost} of {} readings are lost: {}", verdict.readings, reasons.join(", "))
        }
    });
    lines
}

fn of_file(file: &FileVerdict) -> Vec<String> {
    let line = |what: &str, text: String| cut(&format!("  {what:<9} {text}"));
    let mut lines: Vec<String> =
        file.seen.iter().map(|seen| line(&seen.what, format!("{} – {}", seen.value, seen.evidence))).collect();
    if !file.tables.is_empty() {
        lines.push(line("tables", file.tables.join("; ")));
    }
    if let Some(remembered) = &file.remembered {
        lines.push(line("remembered", remembered.clone()));
    }
    for (what, rows) in [("first", &file.first_rows), ("last", &file.last_rows)] {
        lines.extend(rows.iter().map(|row| line(what, as_read(row))));
    }
    if !file.left_out.is_empty() {
        let reasons: Vec<String> = file.left_out.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        lines.push(line("left out", reasons.join(", ")));
    }
    lines.extend(file.other_readings.iter().map(|other| line("or", format!("{}: {}", other.flag, other.why))));
    lines
}

fn as_read(row: &RowShown) -> String {
    let cell = |CellShown { point, value }: &CellShown| match value {
        Value::Null => format!("{point} –"),
        Value::String(text) => format!("{point} {text}"),
        number => format!("{point} {number}"),
    };
    let more = if row.cells.len() > MOST_CELLS { ", …" } else { "" };
    let cells: Vec<String> = row.cells.iter().take(MOST_CELLS).map(cell).collect();
    format!("{}  {}{more}", row.timestamp, cells.join(", "))
}

fn of_point(point: &PointVerdict) -> Vec<String> {
    let kind = serde_json::to_value(point.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    let range = point.min.zip(point.max).map(|(min, max)| format!("{} – {}", short(min), short(max)));
    let states: Vec<String> = point.states.iter().map(|(word, count)| format!("{word} {count}")).collect();
    vec![
        cut_to(&point.original_name, 40),
        kind.unwrap_or_default(),
        point.unit.clone().unwrap_or_default(),
        point.count.to_string(),
        range.unwrap_or_default(),
        point.sparkline.clone().unwrap_or_else(|| cut_to(&states.join(", "), 40)),
    ]
}

/// Six digits are enough to tell a wrong reading.
fn short(number: f64) -> String {
    let size = number.abs();
    let decimals = if size >= 1e5 {
        0
    } else if size >= 100.0 {
        2
    } else {
        4
    };
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn cut(line: &str) -> String {
    cut_to(line, LONGEST)
}

fn cut_to(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown: Vec<String> = [6.8, 0.0, -12.345678, 1234.5678, 10_726_165.0, 1e-9].map(short).into();
        assert_eq!(shown, ["6.8", "0", "-12.3457", "1234.57", "10726165", "0"]);
        assert_eq!(cut_to("abcdef", 4), "abc…");
    }
}
