//! Campbell TOA5: four header lines (environment, names, units, process), then rows.

use super::fields::{Cursor, Dialect};
use super::layout::{Columns, Layout, MAX_POINTS, RawLines, Record, Role, TimeColumn, warning};
use super::{Chosen, Format, ReadError, Source};
use hvac_points::units;

/// Whether a text begins as TOA5 files do.
pub(crate) fn begins(text: &str) -> bool {
    text.trim_start_matches('"').starts_with("TOA5")
}

/// Settles the layout of a logger's file.
pub(crate) fn layout(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    delimiter: Chosen<char>,
    asked: bool,
) -> Result<Layout, ReadError> {
    let mut cursor = Cursor::new(text, dialect, 0, 0);
    let mut line = || -> Result<Record, ReadError> {
        let (line, start) = (cursor.lines() + 1, cursor.pos());
        if cursor.at_end() {
            let words = "a TOA5 file has four header lines; this one ends before: export it again";
            return Err(source.error("no_header", Some(line), words));
        }
        let fields = cursor.row(MAX_POINTS + 64).map_err(|flaw| source.flaw(flaw))?;
        Ok(Record { line, start, fields, end: cursor.pos(), end_lines: cursor.lines() })
    };
    let (_, names, unit_line, process) = (line()?, line()?, line()?, line()?);
    let Some(stamp) = names.fields.iter().position(|name| name.eq_ignore_ascii_case("TIMESTAMP")) else {
        let words = "the second line of a TOA5 file names a TIMESTAMP column; this one does not";
        return Err(source.error("no_header", Some(names.line), words));
    };
    let mut warnings = Vec::new();
    let mut columns = Columns::default();
    for (at, name) in names.fields.iter().enumerate() {
        if at == stamp {
            columns.other(Role::Stamp);
        } else if name.eq_ignore_ascii_case("RECORD") || unit_line.field(at) == "RN" {
            columns.other(Role::Ignore);
            let words = format!("'{name}' numbers the logger's records; it is not kept as a point");
            warnings.push(warning(source, "record_column", Some(names.line), Some(name), 1, words));
        } else if name.is_empty() {
            columns.other(Role::Extra);
        } else {
            let unit = unit_line.field(at);
            let point = columns.point(name, names.line);
            if !unit.is_empty() {
                let value = units::known(unit).unwrap_or(unit).to_owned();
                point.unit = Some(Chosen {
                    value,
                    evidence: format!("line {}, the units line of the TOA5 header", unit_line.line),
                });
            }
        }
    }
    if columns.points.is_empty() {
        return Err(source.error("no_points", Some(names.line), "the header names no points besides time and record"));
    }
    columns.settle(source, names.line)?;
    let evidence = if asked { "asked for".to_owned() } else { "the first line begins with TOA5".to_owned() };
    Ok(Layout {
        format: Chosen { value: Format::Toa5, evidence },
        delimiter,
        dialect,
        decimal: None,
        header_line: names.line,
        body: process.end,
        body_lines: process.end_lines,
        roles: columns.roles,
        opc: false,
        yes_no: Vec::new(),
        times_from: String::new(),
        keys: Vec::new(),
        values: Vec::new(),
        epoch: false,
        times: TimeColumn::default(),
        points: columns.points,
        date_range: None,
        of_intervals: false,
        totals: Vec::new(),
        lines: RawLines::default(),
        time_interval_s: None,
        warnings,
    })
}
