//! One row a time, one column a point; and its smallest form, one report a point (Niagara histories too).

use super::fields::Dialect;
use super::layout::{Columns, Layout, Role, warning};
use super::table::Table;
use super::{Chosen, Format, PointPlan, ReadError, Source, status, totals, words, yes_no};
use crate::number;
use hvac_points::units;

/// Settles the layouts of a wide table: one, or one for each column of times.
pub(crate) fn layouts(
    source: Source<'_>,
    table: &Table,
    text: &str,
    dialect: Dialect,
    delimiter: Chosen<char>,
    asked: bool,
) -> Result<Vec<Layout>, ReadError> {
    let mut layout = layout(source, table, dialect, delimiter, asked)?;
    for total in totals::found(table, text, dialect) {
        let words = format!("a row that sums up the others is left out: {}", total.evidence);
        layout.warnings.push(warning(source, "total_row", total.line, None, 1, words));
        layout.totals.push(total.start);
    }
    match table.times.own.as_slice() {
        [] => Ok(vec![layout]),
        own => Ok(own
            .iter()
            .enumerate()
            .filter_map(|(at, stamp)| of_its_times(table, &layout, *stamp, own.get(at + 1).copied()))
            .collect()),
    }
}

/// The points between one column of times and the next.
fn of_its_times(table: &Table, whole: &Layout, stamp: usize, end: Option<usize>) -> Option<Layout> {
    let own = |at: usize| at > stamp && end.is_none_or(|end| at < end);
    let mut points: Vec<PointPlan> = Vec::new();
    let roles = whole.roles.iter().enumerate().map(|(at, role)| match role {
        Role::Stamp | Role::Ignore if at == stamp => Role::Stamp,
        Role::Point(point) if own(at) => {
            points.extend(whole.points.get(*point).cloned());
            Role::Point(points.len() - 1)
        }
        Role::StatusOf(_) if own(at) && !points.is_empty() => Role::StatusOf(points.len() - 1),
        Role::Extra => Role::Extra,
        _ => Role::Ignore,
    });
    let roles: Vec<Role> = roles.collect();
    let mut layout = whole.clone();
    if stamp != whole.roles.iter().position(|role| *role == Role::Stamp)? {
        layout.warnings.clear();
    }
    layout.times_from = table.header.name(stamp).to_owned();
    layout.format.evidence = format!("{} columns hold times, each of the points right of it", table.times.own.len());
    (layout.roles, layout.points) = (roles, points);
    (!layout.points.is_empty()).then_some(layout)
}

fn layout(
    source: Source<'_>,
    table: &Table,
    dialect: Dialect,
    delimiter: Chosen<char>,
    asked: bool,
) -> Result<Layout, ReadError> {
    let time = table.time_words();
    let evidence = if asked { "asked for".to_owned() } else { format!("{time}, and the other columns are points") };
    let mut layout = table.layout(Format::Wide, evidence, dialect, delimiter);
    layout.warnings = table.extra_time_warnings(source);
    let mut columns = Columns::default();
    let line = table.header.line;
    let own_times = !table.times.own.is_empty();
    let unit_column = unit_column_of_one(table);
    for at in 0..table.header.names.len() {
        let name = table.header.name(at);
        if table.times.holds(at) {
            columns.other(table.time_role(at));
        } else if unit_column.as_ref().is_some_and(|(column, _)| *column == at) {
            columns.other(Role::Ignore);
        } else if (name.is_empty() || name.starts_with("Unnamed: ") || words::is_row_number(name))
            && counts_rows(table, at)
        {
            columns.other(Role::Ignore);
            let words = match name {
                "" => format!("column {} has no name and numbers the rows; it is not kept", at + 1),
                name => format!("column '{name}' numbers the rows; it is not kept"),
            };
            layout.warnings.push(warning(source, "index_column", Some(line), None, 1, words));
        } else if name.is_empty() && table.cells(at).next().is_none() {
            columns.other(Role::Extra);
        } else if name.is_empty() && !columns.points.is_empty() && holds_statuses(table, at) {
            columns.other(Role::StatusOf(columns.points.len() - 1));
        } else if name.is_empty() {
            let made = format!("column_{}", at + 1);
            columns.point(&made, line);
            let words = format!("column {} has no name; it is kept as {made}", at + 1);
            layout.warnings.push(warning(source, "unnamed_column", Some(line), Some(&made), 1, words));
        } else if let Some(role) = verdict_role(table, at, &columns) {
            columns.other(role);
        } else if table.cells(at).next().is_some()
            && table.sample().map(|row| row.field(at)).all(|cell| cell.is_empty() || number::is_id(cell))
        {
            columns.other(Role::Ignore);
            let words = format!(
                "column '{name}' holds identifiers such as {}, no readings; it is not kept",
                table.cells(at).next().unwrap_or_default()
            );
            layout.warnings.push(warning(source, "id_column", Some(line), Some(name), 1, words));
        } else {
            let name = if own_times { words::without_value(name) } else { name };
            let unit = table.header.unit(at);
            let point = columns.point(name, line);
            point.unit = point.unit.take().or(unit);
        }
    }
    if columns.points.is_empty() {
        let words = "the header names no points besides the time: a report has at least one column of values";
        return Err(source.error("no_points", Some(line), words));
    }
    if let (Some((_, unit)), [point]) = (unit_column, columns.points.as_mut_slice()) {
        point.unit = point.unit.take().or(Some(unit));
    }
    columns.settle(source, line)?;
    (layout.roles, layout.points) = (columns.roles, columns.points);
    (layout.opc, layout.yes_no) = (table.has_opc(&layout.roles), yes_no::columns(table, &layout.roles));
    Ok(layout)
}

/// The column of units, and the unit, where it can only be that of the one column of numbers.
fn unit_column_of_one(table: &Table) -> Option<(usize, Chosen<String>)> {
    let others = || table.others().filter(|at| !is_verdict(table, *at) && table.cells(*at).next().is_some());
    let found = others().find_map(|at| Some((at, unit_of_all(table, at)?)))?;
    (others().count() == 2).then_some(found)
}

/// Whether all cells of a column that are not empty are words of statuses; of the last row the beginning of one, where the
/// file was cut off.
fn holds_statuses(table: &Table, at: usize) -> bool {
    let unknown = |text: &str| !text.is_empty() && status::meaning(text).is_none();
    let (mut rows, mut first_unknown) = (0, None);
    for row in table.sample() {
        rows += 1;
        if unknown(row.field(at)) && first_unknown.is_none() {
            first_unknown = Some(rows);
        }
    }
    first_unknown.is_none_or(|row| row == rows && rows > 3)
}

/// Whether most cells of a column that is called one of statuses are words of them: the others are words that nobody here knows, and
/// what they mark is in doubt. Codes alone may be anything.
fn speaks_of_status(table: &Table, at: usize) -> bool {
    let cells = || table.sample().map(|row| row.field(at)).filter(|cell| !cell.is_empty());
    let is_word = |cell: &&str| cell.chars().any(char::is_alphabetic);
    let known = cells().filter(is_word).filter(|cell| status::meaning(cell).is_some()).count();
    let is_any_good = cells().filter(is_word).any(|cell| status::meaning(cell) == Some(status::Meaning::Good));
    is_any_good && known * 2 > cells().count()
}

/// Whether a column holds the system's verdicts: its cells are such words, and its name says of what.
fn verdict_role(table: &Table, at: usize, columns: &Columns) -> Option<Role> {
    let (name, top) = (table.header.name(at), table.header.top(at));
    let of_top = words::verdict_of(top).filter(|stem| !stem.is_empty());
    let row = words::is_verdict(name) || yes_no::is_row_verdict(table, at);
    let stem = words::verdict_of(name).or(of_top);
    if !row && stem.is_none()
        || !(holds_statuses(table, at) || speaks_of_status(table, at) || yes_no::is_column(table, at))
    {
        return None;
    }
    let of = stem.and_then(|stem| {
        columns.points.iter().rposition(|point| {
            [point.original_name.as_str(), words::stem(&point.original_name)]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(stem))
        })
    });
    // Descriptions below the names are part of a point's, and of no status column's.
    let of = of.or_else(|| {
        let named = |at: usize| of_top.is_some_and(|stem| table.header.top(at).eq_ignore_ascii_case(stem));
        columns.roles.iter().enumerate().rev().find_map(|(at, role)| match role {
            Role::Point(point) if named(at) => Some(*point),
            _ => None,
        })
    });
    // `Status` right of a point is the point's where another such column stands right of another.
    let repeated = || table.header.names.iter().filter(|other| other.as_str() == name).count() > 1;
    match (of, row) {
        (Some(point), _) => Some(Role::StatusOf(point)),
        (None, true) if repeated() => columns.points.len().checked_sub(1).map(Role::StatusOf),
        (None, true) => Some(Role::Status),
        (None, false) => None,
    }
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
pub(crate) fn single_value(table: &Table) -> Option<usize> {
    let mut value = None;
    for at in 0..table.header.names.len() {
        let name = table.header.name(at);
        if table.times.holds(at) || is_verdict(table, at) || unit_of_all(table, at).is_some() {
            continue;
        }
        if value.is_some() || !words::is_value_name(name) {
            return None;
        }
        value = Some(at);
    }
    value
}

/// The unit that a column of units has in all rows.
fn unit_of_all(table: &Table, at: usize) -> Option<Chosen<String>> {
    if !words::is_unit_name(table.header.name(at)) {
        return None;
    }
    let mut units = table.sample().map(|row| row.field(at)).filter(|cell| !cell.is_empty()).map(units::known);
    let first = units.next()??;
    let evidence = format!("line {}: the unit column", table.header.line);
    units.all(|unit| unit == Some(first)).then(|| Chosen { value: first.to_owned(), evidence })
}

/// Whether a column beside a value says what the system thinks of it.
fn is_verdict(table: &Table, at: usize) -> bool {
    words::is_verdict(table.header.name(at)) || yes_no::is_beside_value(table, at)
}

/// Settles the layout of one point's history; the point is named by a Niagara preamble or the file.
pub(crate) fn single_layout(
    source: Source<'_>,
    table: &Table,
    dialect: Dialect,
    delimiter: Chosen<char>,
    asked: bool,
) -> Result<Layout, ReadError> {
    let fallback = || table.others().find(|at| !is_verdict(table, *at) && unit_of_all(table, *at).is_none());
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
        if asked { "asked for".to_owned() } else { format!("{}, one column holds values; {told}", table.time_words()) };
    let mut layout = table.layout(Format::SinglePoint, evidence, dialect, delimiter);
    layout.warnings = table.extra_time_warnings(source);
    let mut columns = Columns::default();
    for at in 0..table.header.names.len() {
        let header = table.header.name(at);
        if table.times.holds(at) {
            columns.other(table.time_role(at));
        } else if at == value {
            let unit = super::layout::point(header, table.header.line).unit;
            let of_all = || table.others().find_map(|at| unit_of_all(table, at));
            columns.point(&name, table.header.line).unit = unit.or(table.header.unit(at)).or_else(of_all);
        } else if is_verdict(table, at) {
            columns.other(Role::Status);
        } else if unit_of_all(table, at).is_some() {
            columns.other(Role::Ignore);
        } else {
            columns.other(Role::Ignore);
            let words = format!("column '{header}' is not kept: the report is read as the history of one point");
            layout.warnings.push(warning(source, "ignored_column", Some(table.header.line), Some(header), 1, words));
        }
    }
    (layout.roles, layout.points) = (columns.roles, columns.points);
    (layout.opc, layout.yes_no) = (table.has_opc(&layout.roles), yes_no::columns(table, &layout.roles));
    Ok(layout)
}

/// A file's name without folders and extension.
pub(crate) fn stem(name: &str) -> &str {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    base.rsplit_once('.').map_or(base, |(stem, _)| if stem.is_empty() { base } else { stem })
}
