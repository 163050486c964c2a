//! Whole cleanings by `hvac_cleaning`: hand-worked pages, laws, and the real reports.

mod fixtures;
mod laws;
mod real;
mod samples;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chrono_tz::Tz;
use polars::prelude::{
    Column, DataFrame, Float64Chunked, Int64Chunked, IntoSeries, NewChunkedArray, StringChunked, TimeUnit, TimeZone,
};

use hvac_cleaning::{Cleaned, Parameters, Rule, check, clean};
use hvac_frame::column::{ColumnMeta, Kind, NullReason};
use hvac_frame::names::{self, TIMESTAMP};

/// A column's metadata.
fn column(original_name: &str, kind: Kind) -> ColumnMeta {
    ColumnMeta {
        name: names::normalised(original_name),
        original_name: original_name.to_owned(),
        kind,
        kind_evidence: "by hand".to_owned(),
        unit: None,
        unit_evidence: None,
        trend_definition: None,
        native_interval_s: None,
        states: None,
        count: 0,
        nulls: BTreeMap::new(),
        derived: None,
        cleaned: None,
    }
}

/// Columns of readings.
fn columns(names: &[&str]) -> Vec<ColumnMeta> {
    names.iter().map(|name| column(name, Kind::Instantaneous)).collect()
}

/// Cells of a test's column.
enum Values {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
}

/// A frame as parsing makes it, its columns' counts filled in.
fn frame(at_ms: &[i64], columns: &mut [ColumnMeta], values: Vec<Values>) -> DataFrame {
    let times = Int64Chunked::from_slice(TIMESTAMP.into(), at_ms);
    let times: Column = times.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_series().into();
    let mut all = vec![times];
    for (meta, values) in columns.iter_mut().zip(values) {
        let name = meta.name.as_str().into();
        let series = match &values {
            Values::Numbers(cells) => Float64Chunked::from_iter_options(name, cells.iter().copied()).into_series(),
            Values::Texts(cells) => {
                StringChunked::from_iter_options(name, cells.iter().map(Option::as_deref)).into_series()
            }
        };
        let nulls = series.null_count() as u64;
        meta.count = at_ms.len() as u64 - nulls;
        if nulls > 0 {
            meta.nulls = BTreeMap::from([(NullReason::NotCovered, nulls)]);
        }
        all.push(series.into());
    }
    DataFrame::new(at_ms.len(), all).unwrap()
}

/// Checks and cleans.
fn cleaned(frame: DataFrame, columns: &[ColumnMeta], zone: Tz, parameters: &Parameters) -> Cleaned {
    let plan = check(columns, parameters).unwrap();
    clean(frame, columns, zone, &plan, &|_, _| ControlFlow::Continue(())).unwrap()
}

/// A column's cells.
fn numbers(cleaned: &Cleaned, column: &str) -> Vec<Option<f64>> {
    cleaned.frame.column(column).unwrap().f64().unwrap().iter().collect()
}

/// The times of the rows, UTC ms.
fn times(cleaned: &Cleaned) -> Vec<i64> {
    cleaned.frame.column(TIMESTAMP).unwrap().datetime().unwrap().physical().iter().flatten().collect()
}

/// Parameters with everything switched off: no resampling, no rule.
fn nothing() -> Parameters {
    Parameters { resample_interval: None, detect_frozen: false, ..Parameters::default() }
}

/// Rows and cells are conserved, counts agree with the frame, and nothing is null without a reason.
fn conserves(cleaned: &Cleaned) {
    let report = &cleaned.report;
    let dropped: u64 = report.rows.dropped.values().map(|hits| hits.first).sum();
    assert_eq!(report.rows.resampled, report.rows.cleaned + dropped, "rows: {:?}", report.rows);
    assert_eq!(report.rows.cleaned, cleaned.frame.height() as u64);
    assert_eq!(report.columns.len(), cleaned.columns.len());
    assert_eq!(cleaned.frame.width(), cleaned.columns.len() + 1);
    let (mut before, mut kept) = (0, 0);
    for (used, meta) in report.columns.iter().zip(&cleaned.columns) {
        let stored = cleaned.frame.column(&meta.name).unwrap().null_count() as u64;
        let nulls: u64 = meta.nulls.values().sum();
        assert_eq!((nulls, meta.count), (stored, report.rows.cleaned - stored), "{}", meta.name);
        assert_eq!((used.after.count, used.after.nulls), (meta.count, nulls), "{}", meta.name);
        for hits in used.flagged.values().chain(report.rows.flagged.values()) {
            assert!(hits.first <= hits.all);
        }
        let Some(was) = used.before else { continue };
        let nulled: u64 = used.nulled.values().map(|hits| hits.first).sum();
        assert_eq!(was.count + was.nulls, report.rows.parsed, "{}", meta.name);
        before += was.count;
        kept += was.count - nulled;
    }
    assert_eq!((report.cells.before, report.cells.kept), (before, kept));
    let nulled: u64 = report.cells.nulled.values().map(|hits| hits.first).sum();
    assert_eq!(report.cells.before, report.cells.kept + nulled);
    adds_up(cleaned);
    for event in &cleaned.events {
        assert!(event.start_at_ms <= event.end_at_ms && event.rows > 0 && !event.detail.is_empty(), "{event:?}");
    }
}

/// Numbers of a sentence, in order.
fn numbers_in(text: &str) -> Vec<u64> {
    let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    digits.map(|digits| digits.parse().unwrap()).collect()
}

/// Hits of rules in words: `frozen 20, spike 1`.
fn by_rule(text: &str) -> u64 {
    numbers_in(text).iter().sum()
}

/// Every number of the message adds up from the others and from the report; so do the rules' hits, the columns' and the
/// events' rows.
fn adds_up(cleaned: &Cleaned) {
    let (report, message) = (&cleaned.report, cleaned.report.message.as_str());
    let total = |hits: &BTreeMap<Rule, hvac_cleaning::Hits>| hits.values().map(|hits| hits.first).sum::<u64>();
    let mut parts = message.trim_end_matches('.').split("; ");
    let first = parts.next().unwrap();
    assert!(first.starts_with(&format!("{} rows", report.rows.parsed)), "{message}");
    let stay = report.resampling.empty_bins - report.resampling.empty_bins_left_out;
    let with_sample = report.rows.resampled - stay;
    if let Some((rows, bins)) = first.split_once(" rows became ") {
        assert_eq!((numbers_in(rows)[0], numbers_in(bins)[0]), (report.rows.parsed, report.rows.resampled));
        if let Some((_, split)) = bins.split_once(" (") {
            let split = numbers_in(split);
            let said = if split.len() == 2 { split[0] + split[1] } else { report.rows.resampled };
            assert_eq!(said, report.rows.resampled, "{message}");
            assert_eq!(
                *split.last().unwrap(),
                if split.len() == 2 { stay } else { report.resampling.empty_bins_left_out }
            );
        }
    }
    let (mut rows, mut cells, mut only_reported) = (None, None, 0);
    for part in parts {
        if let Some((count, rest)) = part.split_once(" rows with a sample ") {
            let [some, of] = numbers_in(count)[..] else { panic!("{message}") };
            assert_eq!((of, some), (with_sample, by_rule(rest.split(['(', ')']).nth(1).unwrap())), "{message}");
            if let Some(kept) = rest.split("), ").nth(1) {
                let kept = kept.split(" kept: ").collect::<Vec<_>>();
                assert_eq!(numbers_in(kept[0])[0] + some, of, "{message}");
                assert!(kept[1].starts_with(&format!("{:.1} %", report.retention_rate)), "{message}");
            }
            rows = Some(some);
        } else if let Some((count, rest)) = part.split_once(" cells with a value ") {
            let [some, of] = numbers_in(count)[..] else { panic!("{message}") };
            assert_eq!(of, report.cells.before, "{message}");
            if rest.starts_with("only reported") {
                only_reported = some;
                continue;
            }
            assert_eq!(some, by_rule(rest.split(['(', ')']).nth(1).unwrap()), "{message}");
            if let Some(kept) = rest.split("), ").nth(1) {
                assert_eq!((numbers_in(kept)[0] + some, numbers_in(kept)[0]), (of, report.cells.kept), "{message}");
            }
            cells = Some(some);
        } else if let Some((count, rest)) = part.split_once(" derived values ") {
            assert_eq!(numbers_in(count)[0], by_rule(rest), "{message}");
        } else if part.starts_with("every row was rejected") {
            rows = Some(by_rule(part));
            assert_eq!((rows, report.retention_rate), (Some(with_sample), 0.0), "{message}");
        }
    }
    assert_eq!(rows.unwrap_or(0), total(&report.rows.flagged), "{message}");
    assert_eq!(cells.unwrap_or(0) + only_reported, total(&report.cells.flagged), "{message}");
    let kept = with_sample - total(&report.rows.dropped);
    assert!((report.retention_rate - 100.0 * kept as f64 / with_sample.max(1) as f64).abs() < 1e-9, "{message}");
    for rule in &report.rules {
        let events = cleaned.events.iter().filter(|event| event.rule == rule.rule);
        let in_events: u64 = events.map(|event| event.rows).sum();
        let of_columns = report.columns.iter().filter_map(|column| column.flagged.get(&rule.rule));
        match rule.rule {
            Rule::OutOfRange | Rule::Spike | Rule::Frozen => {
                assert_eq!(
                    (rule.hits.all, in_events),
                    (of_columns.map(|hits| hits.all).sum(), rule.hits.all),
                    "{rule:?}"
                );
            }
            Rule::Counter => assert_eq!(rule.hits.all, in_events, "{rule:?}"),
            // Several machines, or two kinds of contradiction, may hit one row.
            _ => {
                let counted = report.rows.flagged.get(&rule.rule).copied().unwrap_or_default();
                assert_eq!(rule.hits, counted, "{rule:?}");
                assert!(in_events >= rule.hits.all, "{rule:?}");
            }
        }
        assert!(rule.hits.all <= rule.judged || rule.rule == Rule::Affinity, "{rule:?}");
    }
}
