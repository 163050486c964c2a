//! One row a cell: time, point, value; how its columns are told.

use std::collections::HashSet;

use super::fields::Dialect;
use super::layout::{Layout, Role, warning};
use super::table::Table;
use super::wide::{is_value_name, is_verdict, time_words};
use super::{Chosen, Format, ReadError, Source, number};

/// The columns of a narrow table.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    name: usize,
    value: usize,
    by_header: bool,
}

/// Tells a narrow table by its header, or by its content: three columns, times that repeat, a text that
/// tells the rows of one time apart, a number.
pub fn found(table: &Table) -> Option<Found> {
    by_header(table).or_else(|| by_content(table))
}

fn others(table: &Table) -> impl Iterator<Item = usize> {
    (0..table.header.fields.len())
        .filter(|at| *at != table.stamp && Some(*at) != table.clock && !table.extra_times.contains(at))
}

fn by_header(table: &Table) -> Option<Found> {
    let name = others(table).find(|at| is_point_name(table.header.field(*at)))?;
    let value = others(table).find(|at| *at != name && is_value_name(table.header.field(*at)))?;
    let known = |at: usize| {
        let header = table.header.field(at);
        at == name || at == value || is_verdict(header) || is_unit_name(header) || is_remark(header)
    };
    others(table).all(known).then_some(Found { name, value, by_header: true })
}

fn by_content(table: &Table) -> Option<Found> {
    let columns: Vec<usize> = others(table).collect();
    let [a, b] = *columns.as_slice() else { return None };
    let numbers = |at: usize| table.cells(at).filter(|cell| number::read(cell, b'.', b';').is_some()).count();
    let (name, value) = if numbers(a) == 0 { (a, b) } else { (b, a) };
    let time = |row: &super::layout::Record| {
        (row.field(table.stamp).to_owned(), table.clock.map(|at| row.field(at).to_owned()))
    };
    let times: HashSet<_> = table.rows.iter().map(time).collect();
    let cells: HashSet<_> = table.rows.iter().map(|row| (time(row), row.field(name).to_owned())).collect();
    let filled = table.cells(name).count() == table.rows.len();
    let narrow =
        numbers(name) == 0 && filled && numbers(value) * 2 > table.rows.len() && times.len() * 2 <= table.rows.len();
    (narrow && cells.len() == table.rows.len()).then_some(Found { name, value, by_header: false })
}

fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

fn is_point_name(name: &str) -> bool {
    let bare = bare(name);
    matches!(
        bare.as_str(),
        "point"
            | "name"
            | "tag"
            | "sensor"
            | "variable"
            | "metric"
            | "series"
            | "object"
            | "signal"
            | "channel"
            | "item"
            | "trend"
            | "source"
            | "測點"
            | "點位"
    ) || [
        "pointname",
        "tagname",
        "sensorname",
        "objectname",
        "sensorid",
        "pointid",
        "tagid",
        "trendname",
        "seriesname",
        "itemname",
        "signalname",
        "variablename",
        "metricname",
        "historyname",
        "objectid",
        "pointpath",
        "objectreference",
        "itemreference",
    ]
    .contains(&bare.as_str())
}

fn is_unit_name(name: &str) -> bool {
    matches!(bare(name).as_str(), "unit" | "units" | "uom" | "單位")
}

fn is_remark(name: &str) -> bool {
    matches!(
        bare(name).as_str(),
        "" | "id"
            | "description"
            | "comment"
            | "remark"
            | "note"
            | "site"
            | "building"
            | "device"
            | "type"
            | "index"
            | "rowid"
            | "priority"
    )
}

/// Settles the layout of a narrow table; `found` is none when it was asked for and nothing tells its columns.
pub fn layout(
    source: Source<'_>,
    table: &Table,
    found: Option<Found>,
    dialect: Dialect,
    delimiter: Chosen<char>,
) -> Result<Layout, ReadError> {
    let (name, value, evidence) = match found {
        Some(Found { name, value, by_header: true }) => {
            let words = format!(
                "line {} names a point column '{}' and a value column '{}'",
                table.header.line,
                table.header.field(name),
                table.header.field(value)
            );
            (name, value, words)
        }
        Some(Found { name, value, .. }) => {
            let words = format!(
                "{}, and each repeats, told apart by the text in '{}'",
                time_words(table),
                table.header.field(name)
            );
            (name, value, words)
        }
        None => {
            let text = |at: &usize| {
                table.cells(*at).next().is_some() && table.cells(*at).all(|c| number::read(c, b'.', b';').is_none())
            };
            let name =
                others(table).find(|at| is_point_name(table.header.field(*at))).or_else(|| others(table).find(text));
            let value = others(table)
                .find(|at| Some(*at) != name && is_value_name(table.header.field(*at)))
                .or_else(|| others(table).find(|at| Some(*at) != name && !text(at)));
            let (Some(name), Some(value)) = (name, value) else {
                let words =
                    "a narrow report has a column of times, one of points' names and one of values; this one has not";
                return Err(source.error("no_points", Some(table.header.line), words));
            };
            (name, value, "asked for".to_owned())
        }
    };
    let mut layout = table.layout(Format::Narrow, evidence, dialect, delimiter);
    layout.warnings = table.extra_time_warnings(source);
    for (at, header) in table.header.fields.iter().enumerate() {
        let role = if at == table.stamp {
            Role::Stamp
        } else if Some(at) == table.clock {
            Role::Clock
        } else if at == name {
            Role::Name
        } else if at == value {
            Role::Value
        } else if is_verdict(header) {
            Role::Status
        } else if is_unit_name(header) {
            Role::Unit
        } else {
            if !header.is_empty() && !table.extra_times.contains(&at) {
                let words = format!("column '{header}' is not kept: the report is read as time, point and value");
                layout.warnings.push(warning(
                    source,
                    "ignored_column",
                    Some(table.header.line),
                    Some(header),
                    1,
                    words,
                ));
            }
            Role::Ignore
        };
        layout.roles.push(role);
    }
    Ok(layout)
}
