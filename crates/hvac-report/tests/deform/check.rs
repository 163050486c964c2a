//! Reads files as a parse does, and compares the frame with the right answer.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use hvac_frame::align::Keep;
use hvac_frame::column::ColumnMeta;
use hvac_frame::tally::Tally;
use hvac_report::job::describe::describe;
use hvac_report::job::loss::Loss;
use hvac_report::job::plan::Plan;
use hvac_report::job::read::{FileId, FileToRead, read_all};
use hvac_report::job::window::align_window;
use hvac_report::{FilePlan, ReadError, ReadOptions};
use polars::prelude::{AnyValue, DataFrame};

use super::render::{Want, Wanted, WantedPoint, Written};

/// What a parse makes of some files.
pub(crate) struct Parsed {
    pub frame: DataFrame,
    pub columns: Vec<ColumnMeta>,
    /// One a table.
    pub files: Vec<FilePlan>,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Equal,
    /// Code and message.
    Refused(String),
    /// The first difference.
    Different(String),
}

/// Reads files as one job, keeping so many bytes of cells (the others are read again), in windows of 64 rows.
pub(crate) fn parse(
    files: &[(String, Vec<u8>)],
    options: &ReadOptions,
    memory_bytes: u64,
) -> Result<Parsed, Vec<ReadError>> {
    let options = Arc::new(options.clone());
    let file = |(name, _): &(String, Vec<u8>)| FileToRead {
        id: FileId { name: name.clone(), sha256: name.clone() },
        options: options.clone(),
        recalled: None,
        prefix_by: None,
    };
    let ids: Vec<FileToRead> = files.iter().map(file).collect();
    let load = |index: usize| Ok(Bytes::copy_from_slice(&files[index].1));
    let read = read_all(&ids, &load, false, memory_bytes, &|| ())?;
    let mut plan = Plan::new(read, &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let mut tallies = vec![Tally::default(); plan.columns.len()];
    let mut frame: Option<DataFrame> = None;
    for window in plan.windows(64) {
        let segments = plan.read_window(&window, &load).map_err(|error| vec![error])?;
        let (columns, found) = align_window(&plan, &window, segments, Keep::Last).unwrap();
        let next = columns.head(plan.names(), usize::MAX).unwrap();
        tallies.iter_mut().zip(found).for_each(|(tally, next)| tally.absorb(next));
        frame = Some(match frame {
            None => next,
            Some(frame) => frame.vstack(&next).unwrap(),
        });
    }
    if let Some(words) = Loss::of(&plan, &tallies, false).refusal() {
        let file = plan.files.first().map_or_else(String::new, |file| file.id.name.clone());
        return Err(vec![ReadError { code: "would_lose_readings", file, line: None, column: None, message: words }]);
    }
    let (columns, _) = describe(&plan, tallies);
    let files = plan.files.iter().map(|file| file.plan.clone()).collect();
    Ok(Parsed { frame: frame.unwrap(), columns, files })
}

/// What becomes of what was written.
pub(crate) fn outcome(written: &Written) -> Outcome {
    let parsed = catch_unwind(AssertUnwindSafe(|| parse(&written.files, &written.options, written.memory_bytes)));
    match parsed {
        Err(_) => Outcome::Different("a panic".to_owned()),
        Ok(Err(errors)) => {
            let place = |error: &ReadError| error.line.map_or(String::new(), |line| format!(", line {line}"));
            let first = errors
                .first()
                .map_or(String::new(), |error| format!("{}{}: {}", error.code, place(error), error.message));
            Outcome::Refused(first)
        }
        Ok(Ok(parsed)) => difference(&parsed, &written.wanted).map_or(Outcome::Equal, Outcome::Different),
    }
}

/// Letters and digits, all else as one `_`.
fn bare(name: &str) -> String {
    let mut bare = String::new();
    for c in name.chars() {
        match c {
            c if c.is_alphanumeric() => bare.push(c),
            _ if bare.ends_with('_') => {}
            _ => bare.push('_'),
        }
    }
    bare.trim_matches('_').to_owned()
}

/// The first difference between what was read and what is right, if any.
pub(crate) fn difference(parsed: &Parsed, wanted: &Wanted) -> Option<String> {
    let times = parsed.frame.column("timestamp").unwrap().datetime().unwrap();
    let times: Vec<i64> = times.physical().iter().map(|at| at.unwrap()).collect();
    let mut row_of: BTreeMap<i64, usize> = times.iter().enumerate().map(|(row, at)| (*at, row)).collect();
    if row_of.len() != times.len() || !times.is_sorted() {
        return Some("times are not ascending".to_owned());
    }
    let mut rows: Vec<Option<usize>> = Vec::new();
    for at in &wanted.at_ms {
        let row = row_of.remove(at);
        if row.is_none() && wanted.cut_at_ms != Some(*at) {
            let next = times.iter().find(|time| *time > at).copied();
            let near = next.map_or("nothing".to_owned(), spell);
            return Some(format!("no row at {}; after it comes {near}; {} rows", spell(*at), times.len()));
        }
        rows.push(row);
    }
    let column = |name: &str| parsed.frame.column(name).unwrap();
    let null_everywhere =
        |row: usize| parsed.columns.iter().all(|c| column(&c.name).get(row).unwrap() == AnyValue::Null);
    for (at, row) in row_of {
        if !(wanted.may_add_empty_times && null_everywhere(row)) {
            return Some(format!("a row at {} that there is not", spell(at)));
        }
    }
    let mut left: Vec<&ColumnMeta> = parsed.columns.iter().collect();
    for point in &wanted.points {
        let is_it = |column: &&ColumnMeta| point.names.iter().any(|name| bare(name) == bare(&column.original_name));
        let Some(at) = left.iter().position(is_it) else {
            let names: Vec<&str> = parsed.columns.iter().map(|column| column.original_name.as_str()).collect();
            return Some(format!("no column {:?}, but {names:?}", point.names));
        };
        let meta = left.remove(at);
        let cell = |row: usize| column(&meta.name).get(row).unwrap();
        for ((want, row), at) in point.cells.iter().zip(&rows).zip(&wanted.at_ms) {
            let Some(row) = row else { continue };
            let got = cell(*row);
            let may_be_null = wanted.cut_at_ms == Some(*at) && got == AnyValue::Null;
            if !may_be_null && !same(want, &got) {
                return Some(format!("{} at {}: {got:?}, right {want:?}", meta.original_name, spell(*at)));
            }
        }
        if let Some(found) = wrong_meta(point, meta, wanted) {
            return Some(found);
        }
    }
    left.first().map(|column| format!("a column {:?} that is no point", column.original_name))
}

fn same(want: &Want, got: &AnyValue<'_>) -> bool {
    match (want, got) {
        (Want::Number(want), AnyValue::Float64(got)) => want == got,
        (Want::Text(want), AnyValue::String(got)) => want == got,
        (Want::Text(want), AnyValue::StringOwned(got)) => *want == got.as_str(),
        (Want::Null(_), AnyValue::Null) => true,
        _ => false,
    }
}

/// Unit, kind, and the reasons of nulls.
fn wrong_meta(point: &WantedPoint, meta: &ColumnMeta, wanted: &Wanted) -> Option<String> {
    let name = &meta.original_name;
    if !point.units.contains(&meta.unit.as_deref()) {
        return Some(format!("{name} in {:?}, right {:?}", meta.unit, point.units));
    }
    let kind = format!("{:?}", meta.kind);
    // Without its unit nothing says that a number is energy.
    let unsaid = meta.unit.is_none() && point.kinds == ["IntervalTotal"] && kind == "Instantaneous";
    if !point.kinds.contains(&kind.as_str()) && !unsaid {
        return Some(format!("{name} is {kind} ({}), right {:?}", meta.kind_evidence, point.kinds));
    }
    if wanted.cut_at_ms.is_some() || wanted.may_add_empty_times {
        return None;
    }
    // The cells that only one reason is right for, then those that have a choice.
    let mut found: BTreeMap<String, u64> =
        meta.nulls.iter().filter(|(_, count)| **count > 0).map(|(reason, n)| (format!("{reason:?}"), *n)).collect();
    let mut allowed: Vec<&[&str]> = point
        .cells
        .iter()
        .filter_map(|want| if let Want::Null(reasons) = want { Some(*reasons) } else { None })
        .collect();
    allowed.sort_by_key(|reasons| if reasons.is_empty() { usize::MAX } else { reasons.len() });
    for reasons in allowed {
        let fits = |reason: &String| match reasons {
            // A reading that its own system calls none is not merely not there.
            [] => !["Empty", "NotCovered", "MissingCell", "Unreadable"].contains(&reason.as_str()),
            reasons => reasons.contains(&reason.as_str()),
        };
        let Some((_, left)) = found.iter_mut().find(|(reason, left)| **left > 0 && fits(reason)) else {
            return Some(format!("nulls of {name}: {:?}, and none of {reasons:?} is left", meta.nulls));
        };
        *left -= 1;
    }
    None
}

fn spell(at_ms: i64) -> String {
    super::original::utc(at_ms).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
