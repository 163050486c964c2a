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

use hvac_cleaning::{Cleaned, Parameters, check, clean};
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
    for event in &cleaned.events {
        assert!(event.start_at_ms <= event.end_at_ms && event.rows > 0 && !event.detail.is_empty(), "{event:?}");
    }
}
