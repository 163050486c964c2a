//! One row a time, one column a point; and its smallest form, one report a point (Niagara histories too).

use super::fields::Dialect;
use super::layout::{Columns, Layout, Role, warning};
use super::table::Table;
use super::{Chosen, Format, ReadError, Source};
use crate::number;
use hvac_points::units;

/// Settles the layout of a wide table.
pub fn layout(
    source: Source<'_>,
    table: &Table,
    dialect: Dialect,
    delimiter: Chosen<char>,
    asked: bool,
) -> Result<Layout, ReadError> {
    let time = time_words(table);
    let evidence = if asked { "asked for".to_owned() } else { format!("{time}, and the other columns are points") };
    let mut layout = table.layout(Format::Wide, evidence, dialect, delimiter);
    layout.warnings = table.extra_time_warnings(source);
    let mut columns = Columns::default();
    let line = table.header.line;
    for (at, name) in table.header.fields.iter().enumerate() {
        if at == table.stamp {
            columns.other(Role::Stamp);
        } else if Some(at) == table.clock {
            columns.other(Role::Clock);
        } else if table.extra_times.contains(&at) {
            columns.other(Role::Ignore);
        } else if (name.is_empty() || name.starts_with("Unnamed: ")) && counts_rows(table, at) {
            columns.other(Role::Ignore);
            let words = format!("column {} has no name and numbers the rows; it is not kept", at + 1);
            layout.warnings.push(warning(source, "index_column", Some(line), None, 1, words));
        } else if name.is_empty() && table.cells(at).next().is_none() {
            columns.other(Role::Extra);
        } else if name.is_empty() {
            let made = format!("column_{}", at + 1);
            columns.point(&made, line);
            let words = format!("column {} has no name; it is kept as {made}", at + 1);
            layout.warnings.push(warning(source, "unnamed_column", Some(line), Some(&made), 1, words));
        } else {
            let unit = table.units.as_ref().and_then(|record| unit_below(record.field(at), record.line));
            let point = columns.point(name, line);
            point.unit = point.unit.take().or(unit);
        }
    }
    if columns.points.is_empty() {
        let words = "the header names no points besides the time: a report has at least one column of values";
        return Err(source.error("no_points", Some(line), words));
    }
    columns.settle(source, line)?;
    (layout.roles, layout.points) = (columns.roles, columns.points);
    Ok(layout)
}

/// What the times are read from, in words.
pub fn time_words(table: &Table) -> String {
    let stamp = table.header.field(table.stamp);
    match table.clock {
        Some(clock) => format!(
            "columns '{stamp}' and '{}' of line {} hold dates and times",
            table.header.field(clock),
            table.header.line
        ),
        None => format!("column '{stamp}' of line {} holds times", table.header.line),
    }
}

fn unit_below(text: &str, line: u64) -> Option<Chosen<String>> {
    let unit = units::known(text.trim_matches(['[', ']', '(', ')']))?;
    Some(Chosen { value: unit.to_owned(), evidence: format!("line {line}, the line of units below the header") })
}

/// Whether a column holds 0, 1, 2… or 1, 2, 3…
fn counts_rows(table: &Table, at: usize) -> bool {
    let cells: Vec<Option<f64>> = table.cells(at).map(|cell| number::read(cell, b'.', b',')).collect();
    let Some(Some(first)) = cells.first() else { return false };
    let steps = cells.iter().zip(cells.iter().skip(1));
    (*first == 0.0 || *first == 1.0)
        && cells.iter().all(Option::is_some)
        && steps.clone().all(|(a, b)| b.unwrap_or(0.0) - a.unwrap_or(0.0) == 1.0)
}

/// Whether a table is the history of one point: a time, one column with a name that says nothing, and at
/// most the system's own verdicts beside it. The column of the value.
pub fn single_value(table: &Table) -> Option<usize> {
    let mut value = None;
    for (at, name) in table.header.fields.iter().enumerate() {
        if at == table.stamp || Some(at) == table.clock || table.extra_times.contains(&at) || is_verdict(name) {
            continue;
        }
        if value.is_some() || !is_value_name(name) {
            return None;
        }
        value = Some(at);
    }
    value
}

/// Names that say only that the column holds values.
pub fn is_value_name(name: &str) -> bool {
    let bare = name.split(['(', '[']).next().unwrap_or_default();
    let bare: String = bare.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    matches!(
        bare.as_str(),
        "value"
            | "val"
            | "values"
            | "reading"
            | "data"
            | "presentvalue"
            | "numericvalue"
            | "pointvalue"
            | "measurement"
            | "值"
            | "數值"
    )
}

/// Columns in which a system says what it thinks of a value.
pub fn is_verdict(name: &str) -> bool {
    let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    matches!(bare.as_str(), "trendflags" | "status" | "quality" | "flags" | "flag" | "reliability" | "valuestatus")
}

/// Settles the layout of one point's history; the point is named by a Niagara preamble or the file.
pub fn single_layout(
    source: Source<'_>,
    table: &Table,
    dialect: Dialect,
    delimiter: Chosen<char>,
    asked: bool,
) -> Result<Layout, ReadError> {
    let others = |at: &usize| *at != table.stamp && Some(*at) != table.clock && !table.extra_times.contains(at);
    let fallback = || (0..table.header.fields.len()).filter(others).find(|at| !is_verdict(table.header.field(*at)));
    let Some(value) = single_value(table).or_else(fallback) else {
        let words = "a report of one point has a column of times and one of values; this one has no values";
        return Err(source.error("no_points", Some(table.header.line), words));
    };
    let history = table.preamble.iter().flat_map(|record| &record.fields).find_map(|field| {
        let path = field.trim_start_matches("history:").trim_start_matches("slot:");
        let name = path.rsplit('/').next().unwrap_or_default();
        (field.starts_with("history:") && !name.is_empty()).then(|| name.to_owned())
    });
    let told = if history.is_some() { "the preamble names it" } else { "the file's name is the point's" };
    let name = history.unwrap_or_else(|| stem(source.name).to_owned());
    let evidence =
        if asked { "asked for".to_owned() } else { format!("{}, one column holds values; {told}", time_words(table)) };
    let mut layout = table.layout(Format::SinglePoint, evidence, dialect, delimiter);
    layout.warnings = table.extra_time_warnings(source);
    let mut columns = Columns::default();
    for (at, header) in table.header.fields.iter().enumerate() {
        if at == table.stamp {
            columns.other(Role::Stamp);
        } else if Some(at) == table.clock {
            columns.other(Role::Clock);
        } else if at == value {
            let unit = super::layout::point(header, table.header.line).unit;
            let below = table.units.as_ref().and_then(|record| unit_below(record.field(at), record.line));
            columns.point(&name, table.header.line).unit = unit.or(below);
        } else if is_verdict(header) {
            columns.other(if header.to_ascii_lowercase().contains("flag") { Role::Ignore } else { Role::Status });
        } else {
            columns.other(Role::Ignore);
            if !table.extra_times.contains(&at) {
                let words = format!("column '{header}' is not kept: the report is read as the history of one point");
                layout.warnings.push(warning(
                    source,
                    "ignored_column",
                    Some(table.header.line),
                    Some(header),
                    1,
                    words,
                ));
            }
        }
    }
    (layout.roles, layout.points) = (columns.roles, columns.points);
    Ok(layout)
}

/// A file's name without folders and extension.
fn stem(name: &str) -> &str {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    base.rsplit_once('.').map_or(base, |(stem, _)| if stem.is_empty() { base } else { stem })
}
