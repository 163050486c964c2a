//! The rows above a table's data: names of one row or several, a line of units, and what is none of both.
//!
//! A group over quantities (`Chiller 1,,Chiller 2,` over `kW,CHWST,kW,CHWST`) holds until the next one, and the name is made
//! of both. What stands above them, or has another text where the time's name should be, is a preamble.

use std::collections::{HashMap, HashSet};

use super::layout::Record;
use super::number;
use super::words::{self, bare};
use super::{Chosen, marker, time, zones};
use hvac_points::units;

/// What the rows above the data say.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// Line of the row of names right above units and data.
    pub line: u64,
    /// One a column; empty where there is none.
    pub names: Vec<String>,
    /// Text of the unit of each column, from a line of units.
    units: Vec<String>,
    /// Line of the units.
    units_line: u64,
    /// What the first row of names has in each column, where there are several.
    tops: Vec<String>,
    /// Rows that the names are made of.
    pub rows: usize,
    /// Index of its first row among those it was told by.
    pub first: usize,
    /// Where its last row ends, and line ends up to there.
    pub end: usize,
    /// Line ends up to `end`.
    pub end_lines: u64,
}

/// What a row above the data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Names,
    Units,
    /// A description, an aggregation, dashes: known, and no name.
    Aside,
    /// Anything else.
    Other,
}

impl Header {
    /// Told by the rows between the data and what stands above it; `time` is the column of the times.
    pub(crate) fn of(rows: &[Record], time: usize) -> Option<Self> {
        let mut parts: Vec<Part> = rows.iter().map(|row| part(row, time)).collect();
        // Quantities may be called as units are: `KWH` above `kWh`.
        let lowest_units = parts.iter().rposition(|part| *part == Part::Units);
        for part in parts.iter_mut().take(lowest_units.unwrap_or(0)).filter(|part| **part == Part::Units) {
            *part = Part::Names;
        }
        // A line that says the same of every column describes them, below one that tells them apart.
        let names: Vec<usize> = (0..parts.len()).filter(|at| parts.get(*at) == Some(&Part::Names)).collect();
        if let [.., above, lowest] = names.as_slice()
            && rows.get(*lowest).is_some_and(|row| texts(row, time).count() > 1 && different(row, time) == 1)
            && rows.get(*lowest).and_then(|row| texts(row, time).next()).is_some_and(|text| !is_quantity(text))
            && rows.get(*above).is_some_and(|row| different(row, time) > 1)
            && let Some(part) = parts.get_mut(*lowest)
        {
            *part = Part::Aside;
        }
        // What follows the last row that is part of a header are rows of data that cannot be read.
        let last = parts.iter().rposition(|part| *part != Part::Other)?;
        let is = |at: usize, wanted: Part| parts.get(at) == Some(&wanted);
        let names_time = |at: usize| rows.get(at).is_some_and(|row| words::names_time(row.field(time)));
        // Below other names and above the row that names the time, they are of a legend.
        let several = |at: usize| rows.get(at).is_some_and(|row| texts(row, time).count() > 1);
        let is_legend = |units: usize| {
            (units + 1..=last).any(|at| is(at, Part::Names) && names_time(at))
                && (0..units).any(|at| is(at, Part::Names) && several(at))
        };
        let unit_row = (0..=last).rev().find(|at| is(*at, Part::Units)).filter(|at| !is_legend(*at));
        let names_above = |below: usize| (0..below).rev().find(|at| is(*at, Part::Names));
        let lowest = names_above(last + 1);
        // A title, or the delimiter (`sep=,`), names no column: what is called as a unit is, `A`, is the name then.
        let names_columns = |at: &usize| rows.get(*at).is_some_and(|row| texts(row, time).next().is_some());
        let of_units = unit_row.and_then(names_above).filter(names_columns);
        // Behind the units stand descriptions (`Avg`, `Smp`), unless nothing stands before them.
        let main = of_units.or(lowest.filter(names_columns)).or(unit_row).or(lowest)?;
        let unit_row = unit_row.filter(|at| *at != main);
        // Groups over units: `Chiller 1,,Chiller 2,` over `kW,RT,kW,RT`.
        let main = unit_row.filter(|units| is_group_over(rows.get(main), rows.get(*units), time)).unwrap_or(main);
        let mut first = main;
        while let Some(above) = first.checked_sub(1)
            && rows.get(above).zip(rows.get(first)).is_some_and(|(a, b)| a.end_lines + 1 == b.line)
            && (is(above, Part::Units)
                || is(above, Part::Aside)
                || belongs(rows.get(above)?, rows.get(main)?, time, is(above, Part::Names)))
        {
            first = above;
        }
        while first < main && !is(first, Part::Names) {
            first += 1;
        }
        let named: Vec<&Record> =
            (first..=main).filter(|at| *at == main || is(*at, Part::Names)).filter_map(|at| rows.get(at)).collect();
        let (row, end) = (rows.get(main)?, rows.get(last)?);
        let units = unit_row.and_then(|at| rows.get(at));
        let mut header = Self {
            line: row.line,
            names: compose(&named, time),
            units: units.map(|record| record.fields.clone()).unwrap_or_default(),
            units_line: units.map_or(0, |record| record.line),
            tops: named.first().filter(|_| named.len() > 1).map_or_else(Vec::new, |row| row.fields.clone()),
            rows: named.len(),
            first,
            end: end.end,
            end_lines: end.end_lines,
        };
        if named.len() > 1 {
            header.tell_apart_by_units(time);
        }
        Some(header)
    }

    /// The first of `rows` as it stands, and units below it.
    pub(crate) fn stated(rows: &[Record]) -> Option<Self> {
        let (row, below) = rows.split_first()?;
        let units = below.iter().find(|record| part(record, usize::MAX) == Part::Units);
        let end = units.unwrap_or(row);
        Some(Self {
            line: row.line,
            names: row.fields.clone(),
            units: units.map(|record| record.fields.clone()).unwrap_or_default(),
            units_line: units.map_or(0, |record| record.line),
            tops: Vec::new(),
            rows: 1,
            first: 0,
            end: end.end,
            end_lines: end.end_lines,
        })
    }

    /// The name of a column; empty where it has none.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// What the first of several rows of names has in a column: its name, where descriptions stand below.
    pub(crate) fn top(&self, at: usize) -> &str {
        self.tops.get(at).map_or("", String::as_str)
    }

    /// The unit that a line of units gives a column.
    pub(crate) fn unit(&self, at: usize) -> Option<Chosen<String>> {
        let unit = known_unit(self.units.get(at)?)?;
        let evidence = format!("line {}, the line of units below the header", self.units_line);
        Some(Chosen { value: unit.to_owned(), evidence })
    }

    /// `Chiller 1` in kW and in RT are two points.
    fn tell_apart_by_units(&mut self, time: usize) {
        let mut times: HashMap<&str, usize> = HashMap::new();
        self.names.iter().for_each(|name| *times.entry(name).or_default() += 1);
        let twice = |name: &str| times.get(name).is_some_and(|times| *times > 1);
        let names = self.names.iter().enumerate().filter(|(at, name)| *at != time && !name.is_empty() && twice(name));
        let doubled: Vec<usize> = names.map(|(at, _)| at).collect();
        for at in doubled {
            if let (Some(name), Some(unit)) =
                (self.names.get_mut(at), self.units.get(at).filter(|unit| !unit.is_empty()))
            {
                *name = format!("{name} {unit}");
            }
        }
    }
}

fn known_unit(text: &str) -> Option<&'static str> {
    units::known(text.trim_matches(['[', ']', '(', ')']))
}

/// Whether a text is a value and no name: a number, a time, a loss marker.
pub(crate) fn looks_measured(field: &str) -> bool {
    let digits = field.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && (field.parse::<f64>().is_ok() || time::is_stamp(field) || number::read(field, b'.', b';').is_some())
}

/// Whether a row may hold names: mostly texts, or the name of a time where the times stand.
pub(crate) fn may_be_names(record: &Record, time: usize) -> bool {
    let filled = record.fields.iter().filter(|field| !field.is_empty());
    let (mut cells, mut values) = (0, 0);
    for field in filled {
        cells += 1;
        values += usize::from(looks_measured(field) || marker::reason(field).is_some() && field != "-");
    }
    let named = words::names_time(record.field(time)) && !time::is_stamp(record.field(time));
    record.fields.len() > 1 && !is_annotation(record) && (named || cells > 0 && values * 2 < cells)
}

/// A line of InfluxDB's annotations: `#datatype,string,long,…`.
pub(crate) fn is_annotation(record: &Record) -> bool {
    let first = record.field(0);
    ["#datatype", "#group", "#default", "#constant"].iter().any(|word| first.starts_with(word))
}

fn part(record: &Record, time: usize) -> Part {
    let others = || texts(record, time);
    let dashes = |field: &str| field.chars().all(|c| matches!(c, '-' | '=' | '_' | '*'));
    let (all, units) = (others().count(), others().filter(|field| known_unit(field).is_some()).count());
    let no_unit = |field: &str| {
        dashes(field) || matches!(bare(field).as_str(), "none" | "nounits" | "unitless" | "na" | "bool" | "onoff")
    };
    let label = bare(record.field(time));
    if is_annotation(record) || record.fields.iter().all(|field| dashes(field)) {
        Part::Aside
    } else if units > 0 && others().all(|field| known_unit(field).is_some() || no_unit(field))
        || matches!(label.as_str(), "unit" | "units" | "einheit" | "uom" | "單位")
    {
        Part::Units
    } else if words::is_remark_row(&label) && all > 0 {
        Part::Aside
    } else if zones::zone_of_preamble(&record.fields).is_some() {
        Part::Other
    } else if may_be_names(record, time) {
        Part::Names
    } else {
        Part::Other
    }
}

/// Whether a row above the names is one of names too: where the time's name stands it has none, or one that fits there.
fn belongs(record: &Record, below: &Record, time: usize, names: bool) -> bool {
    let label = record.field(time);
    let beside = texts(record, time).count();
    let of_time = words::names_time(label) || words::names_from(label) || words::names_interval(label);
    let fits = label.is_empty() || of_time || words::is_name_label(&bare(label));
    // One name alone stands over all when nothing stands below where the time's name should.
    if names && names_times(record, below) {
        return true;
    }
    names && fits && (beside > 1 || beside == 1 && !label.is_empty() && below.field(time).is_empty())
}

/// Whether all texts of a row stand over names of times, of which there are several: each is the name of the point right of it.
fn names_times(record: &Record, below: &Record) -> bool {
    let mut texts = record.fields.iter().enumerate().filter(|(_, text)| !text.is_empty()).peekable();
    let is_over_time = |(at, text): (usize, &String)| words::names_time(below.field(at)) && !words::names_time(text);
    let several = below.fields.iter().filter(|name| words::names_time(name)).count() > 1;
    several && texts.peek().is_some() && texts.all(is_over_time)
}

/// Whether a text that all columns have may be what each group measures – `CO2 [ppm]`, `ZN-T` – and not how: `Avg`,
/// `As built`. In doubt it is part of the names, which are longer then.
fn is_quantity(text: &str) -> bool {
    const HOW: &[&str] = &[
        "avg", "ave", "average", "mean", "max", "min", "smp", "inst", "tot", "sum", "value", "real", "float", "int",
        "cov", "analog", "ai", "ao", "av", "bi", "bo", "bv",
    ];
    let code = text.len() <= 8
        && !text.contains(' ')
        && text.chars().any(char::is_alphabetic)
        && !text.chars().any(char::is_lowercase)
        && !HOW.contains(&bare(text).as_str());
    units::of_name(text).is_some() || code
}

/// How many different texts a row has beside its time.
fn different(row: &Record, time: usize) -> usize {
    texts(row, time).collect::<HashSet<_>>().len()
}

/// The texts of a row beside its time.
fn texts(row: &Record, time: usize) -> impl Iterator<Item = &str> {
    let others = row.fields.iter().enumerate().filter(move |(at, field)| *at != time && !field.is_empty());
    others.map(|(_, field)| field.as_str())
}

/// Whether a row of names is one of groups over a row of units: a third of the units have no name.
fn is_group_over(names: Option<&Record>, units: Option<&Record>, time: usize) -> bool {
    let Some((names, units)) = names.zip(units) else { return false };
    let filled: Vec<usize> = (0..units.fields.len()).filter(|at| *at != time && !units.field(*at).is_empty()).collect();
    let nameless = filled.iter().filter(|at| names.field(**at).is_empty()).count();
    nameless * 3 >= filled.len() && filled.first().is_some_and(|at| !names.field(*at).is_empty())
}

/// Names of the rows of names, from above to below.
fn compose(rows: &[&Record], time: usize) -> Vec<String> {
    let Some((main, above)) = rows.split_last() else { return Vec::new() };
    let width = rows.iter().map(|row| row.fields.len()).max().unwrap_or(0);
    let mut names: Vec<Vec<&str>> = vec![Vec::new(); width];
    for row in above {
        let mut group = "";
        for (at, name) in names.iter_mut().enumerate() {
            let own = row.field(at);
            if at == time {
                group = if names_times(row, main) { own } else { "" };
                continue;
            }
            if !own.is_empty() {
                group = own;
            }
            // A name that stands alone (merged with the row below) belongs to its column only.
            let text = if own.is_empty() && main.field(at).is_empty() { "" } else { group };
            if !text.is_empty() && name.last() != Some(&text) {
                name.push(text);
            }
        }
    }
    for (at, name) in names.iter_mut().enumerate() {
        let own = main.field(at);
        if at == time {
            let above = above.iter().rev().map(|row| row.field(at)).find(|text| !text.is_empty());
            name.push(if own.is_empty() { above.unwrap_or("") } else { own });
        } else if !own.is_empty() && name.last() != Some(&own) {
            name.push(own);
        }
    }
    names.into_iter().map(|words| words.join(" ")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::super::fields::Dialect;
    use super::super::layout::records;
    use super::*;

    fn header(text: &str) -> Header {
        let dialect = Dialect { delimiter: b',', eol: b'\n', decimal: b'.' };
        let rows = records(text, dialect, 0..text.len(), 0, 20).unwrap();
        Header::of(&rows, 0).unwrap()
    }

    #[test]
    fn a_group_holds_until_the_next() {
        let read = header("Time,Chiller 1,,Chiller 2,\n,kW,CHWST,kW,CHWST\n");
        assert_eq!(read.names, ["Time", "Chiller 1 kW", "Chiller 1 CHWST", "Chiller 2 kW", "Chiller 2 CHWST"]);
        let merged = header("Time,OAT,Chiller 1,,Plant\n,,kW,CHWST,\n");
        assert_eq!(merged.names, ["Time", "OAT", "Chiller 1 kW", "Chiller 1 CHWST", "Plant"]);
        let three = header("Time,Plant,,,\n,Chiller 1,,Chiller 2,\n,kW,RT,kW,RT\n");
        assert_eq!(
            three.names[1..],
            ["Plant Chiller 1 kW", "Plant Chiller 1 RT", "Plant Chiller 2 kW", "Plant Chiller 2 RT"]
        );
    }

    #[test]
    fn titles_and_preambles_are_no_names() {
        for above in ["Plant report,,\n", "Site,HQ,\n", "Exported,2024-01-01,\n"] {
            let read = header(&format!("{above}Time,A,B\n"));
            assert_eq!((read.names.join("|"), read.line), ("Time|A|B".to_owned(), 2), "{above}");
        }
    }

    #[test]
    fn units_and_descriptions_are_no_names() {
        let read = header("Time,A,B\n,degC,kW\n,Avg,Smp\n");
        assert_eq!(read.names, ["Time", "A", "B"]);
        assert_eq!((read.unit(1).unwrap().value.as_str(), read.unit(2).unwrap().value.as_str()), ("°C", "kW"));
        for (quantity, unit) in [("CO2 [ppm]", ""), ("ZN-T", ",°C,°C\n")] {
            let groups = header(&format!("Time,AHU_1,RTU4\n,{quantity},{quantity}\n{unit}"));
            assert_eq!(groups.names[1..], [format!("AHU_1 {quantity}"), format!("RTU4 {quantity}")]);
        }
        assert_eq!(header("Time,A,B\n,AVG,AVG\n").names, ["Time", "A", "B"]);
        let constant = header("Time,A,B\n,As built,As built\n,degC,kW\n");
        assert_eq!(constant.names, ["Time", "A", "B"]);
        let described = header("Point,A,B\nDescription,Supply,Return\nUnit,°C,°C\n");
        assert_eq!(
            (described.names.join("|"), described.unit(2).unwrap().value),
            ("Point|A|B".to_owned(), "°C".to_owned())
        );
    }
}
