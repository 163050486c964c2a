//! From a stored frame to samples: only the columns that a training needs, resampled by the rules of cleaning when an
//! interval was asked for. Nothing is judged here: whoever wants judged data trains on a cleaned version.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::datasets::opened::Frame;
use crate::datasets::resolved::Resolved;
use crate::error::{Context, Detail, Error, Result, codes};
use crate::state::AppState;
use hvac_cleaning::{self as clean, CleanError, Interval};
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_frame::names::TIMESTAMP;
use hvac_modelling::document::ModelLineage;
use hvac_modelling::features::FeatureOptions;
use hvac_modelling::mapping::FeatureMapping;
use hvac_modelling::samples::{SampleColumn, Samples, usual_step};

/// Names of the columns that a training needs: features, target, what lags and means are made of, and the totals that
/// leaks are told by.
fn needed<'a>(mapping: &'a FeatureMapping, options: &'a FeatureOptions) -> BTreeSet<&'a str> {
    let past = options.lags.keys().chain(options.rolling_means.keys()).chain(options.roles.keys());
    let others = past.chain(&mapping.system_level_cols).chain([&mapping.target_col]).map(String::as_str);
    mapping.features().into_iter().chain(others).collect()
}

/// The needed columns of a dataset, in the file's order.
fn metas(dataset: &Resolved, needed: &BTreeSet<&str>) -> Vec<ColumnMeta> {
    dataset.columns.iter().filter(|column| needed.contains(column.name.as_str())).cloned().collect()
}

/// The needed columns without their values: what names and units tell. One row stands for them, in which every column
/// but the states is more than the target, so that nothing is taken for a part of it that only values can tell.
pub fn headers(dataset: &Resolved, mapping: &FeatureMapping, options: &FeatureOptions) -> Samples {
    let column = |meta: &ColumnMeta| {
        let value = if meta.kind == Kind::Status || meta.name == mapping.target_col { 1.0 } else { 2.0 };
        SampleColumn { name: meta.name.clone(), unit: meta.unit.clone(), values: vec![value] }
    };
    let columns = metas(dataset, &needed(mapping, options)).iter().map(column).collect();
    Samples { times_ms: vec![0], zone: dataset.zone, interval_ms: 0, columns }
}

/// The samples of a dataset. A column of texts has no value in any row. Blocks.
///
/// # Errors
/// 409 when the file is gone or damaged, or `progress` breaks.
pub fn load(
    state: &AppState,
    dataset: &Resolved,
    mapping: &FeatureMapping,
    options: &FeatureOptions,
    interval: Option<Interval>,
    progress: &dyn Fn(f64, &str) -> ControlFlow<()>,
) -> Result<Samples> {
    let metas = metas(dataset, &needed(mapping, options));
    let stored = Frame::open(state, dataset)?;
    match interval {
        None => as_stored(&stored, dataset, &metas),
        Some(interval) => resampled(&stored, dataset, &metas, interval, progress),
    }
}

/// Some columns of a dataset by the hour, whatever plays which part; of data that are coarser, as they are. Blocks.
///
/// # Errors
/// 409 when the file is gone or damaged.
pub fn hourly(state: &AppState, dataset: &Resolved, columns: &BTreeSet<&str>) -> Result<Samples> {
    let stored = Frame::open(state, dataset)?;
    let carry_on = |_: f64, _: &str| ControlFlow::Continue(());
    resampled(&stored, dataset, &metas(dataset, columns), Interval::H1, &carry_on)
}

fn as_stored(stored: &Frame, dataset: &Resolved, metas: &[ColumnMeta]) -> Result<Samples> {
    let times_ms = stored.axis(0..stored.row_count)?;
    let column = |meta: &ColumnMeta| -> Result<SampleColumn> {
        let values = match meta.kind {
            Kind::Text => vec![f64::NAN; times_ms.len()],
            _ => stored.numbers(&meta.name)?.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
        };
        Ok(SampleColumn { name: meta.name.clone(), unit: meta.unit.clone(), values })
    };
    let columns = metas.iter().map(column).collect::<Result<_>>()?;
    Ok(Samples { interval_ms: usual_step(&times_ms), times_ms, zone: dataset.zone, columns })
}

/// Resampled by kind of point, every rule off; intervals without a sample have no row.
fn resampled(
    stored: &Frame,
    dataset: &Resolved,
    metas: &[ColumnMeta],
    interval: Interval,
    progress: &dyn Fn(f64, &str) -> ControlFlow<()>,
) -> Result<Samples> {
    let parameters = clean::Parameters {
        resample_interval: Some(interval),
        keep_empty_bins: false,
        detect_frozen: false,
        lenient: true,
        ..clean::Parameters::default()
    };
    let plan = clean::check(metas, &parameters).map_err(refused)?;
    let names: Vec<String> =
        std::iter::once(TIMESTAMP.to_owned()).chain(metas.iter().map(|meta| meta.name.clone())).collect();
    let frame = stored.cells(&names, 0..stored.row_count)?;
    let cleaned = clean::clean(frame, metas, dataset.zone, &plan, progress).map_err(refused)?;
    let doing = "reading resampled rows";
    let times = cleaned.frame.column(TIMESTAMP).internal(doing)?.datetime().internal(doing)?;
    let times_ms: Vec<i64> = times.physical().iter().flatten().collect();
    let column = |meta: &ColumnMeta| -> Result<SampleColumn> {
        let values = match meta.kind {
            Kind::Text => vec![f64::NAN; times_ms.len()],
            _ => {
                let numbers = cleaned.frame.column(&meta.name).internal(doing)?.f64().internal(doing)?;
                numbers.iter().map(|value| value.filter(|v| v.is_finite()).unwrap_or(f64::NAN)).collect()
            }
        };
        Ok(SampleColumn { name: meta.name.clone(), unit: meta.unit.clone(), values })
    };
    let columns = metas.iter().map(column).collect::<Result<_>>()?;
    Ok(Samples { interval_ms: usual_step(&times_ms), times_ms, zone: dataset.zone, columns })
}

fn refused(error: CleanError) -> Error {
    let CleanError { code, message, problems } = error;
    match code {
        "internal" => Error::internal(message),
        "cancelled" => Error::new(codes::JOB_CANCELLED, message),
        _ => {
            let detail = |p: clean::Problem| Detail { field: Some(p.field), message: p.message, ..Detail::default() };
            problems
                .into_iter()
                .map(detail)
                .fold(Error::new(codes::named(code).unwrap_or(codes::INTERNAL), message), Error::with_detail)
        }
    }
}

/// What samples come from; zone, rows and times are the training's to tell.
pub fn lineage(dataset: &Resolved) -> ModelLineage {
    ModelLineage {
        session_id: dataset.label.session_id.clone(),
        dataset_id: dataset.label.dataset_id.clone(),
        dataset_version: dataset.label.version.clone(),
        dataset_sha256: dataset.sha256.clone(),
        timezone: String::new(),
        interval_s: 0,
        rows: 0,
        start_ms: 0,
        end_ms: 0,
    }
}
