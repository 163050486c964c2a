//! What a cleaning would find, without a version: read, judged and counted in memory, for somebody who tries limits.
//!
//! The rows stay unpacked for a while, so that the next try reads nothing; a try that nobody waits for any more stops.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use polars::prelude::DataFrame;
use tokio::sync::Semaphore;

use super::ask::{dataset_of, refused};
use super::{CleanAnswer, CleanRequest, Forecast, RuleForecast};
use crate::datasets::blocking::blocking;
use crate::datasets::opened::{self, Frame};
use crate::datasets::resolved::Resolved;
use crate::error::{Context, Error, Result, codes};
use crate::state::AppState;
use hvac_cleaning::{self as clean, Cleaned, Hits, Report};
use hvac_store::cache::{CacheKey, Kind};

/// Dry runs at once: they compute only, so more than there are cores would only make each wait longer.
static TRIES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));
/// Of a cell while it is judged, about: its value, its reason, what rules say of it.
const CELL_BYTES: u64 = 32;

/// Judges a dataset as a cleaning would; and the session that was assumed, if none was named.
///
/// # Errors
/// As [`super::ask::ask`]; `overloaded` when there is no memory for it.
#[tracing::instrument(level = "debug", name = "dry_clean", skip_all)]
pub async fn dry_run(state: &AppState, request: CleanRequest) -> Result<(CleanAnswer, Option<String>)> {
    if request.wait == Some(false) {
        let message = "wait: a dry run stores nothing that could be fetched later; leave out wait or dry_run";
        return Err(Error::invalid("wait", codes::DRY_RUN_WAITS, message));
    }
    let dataset = Arc::new(dataset_of(state, &request).await?);
    let plan = clean::check(&dataset.columns, &request.parameters).map_err(refused)?;
    let cells = dataset.row_count.saturating_mul(dataset.columns.len() as u64 + 1);
    let _turn = TRIES.acquire().await.internal("waiting for other dry runs")?;
    let _held = state.memory.answers.hold(cells.saturating_mul(CELL_BYTES)).await?;
    let frame = rows(state, &dataset).await?;
    let wanted = Wanted::default();
    let (columns, zone, is_wanted) = (Arc::clone(&dataset.columns), dataset.zone, Arc::clone(&wanted.0));
    let judging = move || {
        let go_on = |_: f64, _: &str| match is_wanted.load(Ordering::Relaxed) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        clean::clean(frame, &columns, zone, &plan, &go_on).map_err(refused)
    };
    let cleaned = blocking(judging).await?;
    let assumed = dataset.assumed_session.clone();
    Ok((answer(&dataset, &cleaned)?, assumed))
}

/// Whether somebody waits for the answer: until it is dropped.
struct Wanted(Arc<AtomicBool>);

impl Default for Wanted {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// All rows of a dataset, kept for the next try where several such fit.
async fn rows(state: &AppState, dataset: &Arc<Resolved>) -> Result<DataFrame> {
    let reading = {
        let (state, dataset) = (state.clone(), Arc::clone(dataset));
        move || {
            let stored = Frame::open(&state, &dataset)?;
            let columns: Vec<String> = stored.column_names().map(str::to_owned).collect();
            stored.cells(&columns, 0..dataset.row_count)
        }
    };
    let cells = dataset.row_count.saturating_mul(dataset.columns.len() as u64 + 1);
    if !state.store.cache.fits(cells.saturating_mul(8)) {
        return blocking(reading).await;
    }
    // The file may have gone, and its rows still be there.
    opened::look(state, dataset).await?;
    let key = CacheKey::new(Kind::Rows, Arc::clone(&dataset.known.sha256), "all");
    let unpacking = blocking(move || {
        let frame = reading()?;
        let bytes = frame.estimated_size() as u64;
        Ok((frame, bytes))
    });
    // Its columns are shared, not copied.
    Ok(DataFrame::clone(&*state.store.cache.get_or_make(&key, unpacking).await?))
}

fn answer(dataset: &Resolved, cleaned: &Cleaned) -> Result<CleanAnswer> {
    let report = &cleaned.report;
    Ok(CleanAnswer {
        success: true,
        session_id: dataset.label.session_id.clone(),
        job_id: String::new(),
        dataset_id: dataset.label.dataset_id.clone(),
        version: String::new(),
        version_number: 0,
        original_rows: dataset.row_count,
        cleaned_rows: cleaned.frame.height() as u64,
        retention_rate: report.retention_rate,
        message: format!("dry run: {}", report.message),
        report: serde_json::to_value(report).internal("writing a cleaning's report")?,
        events_count: cleaned.events.len() as u64,
        reused: false,
        dry_run: true,
        forecast: Some(forecast(cleaned)),
    })
}

fn forecast(cleaned: &Cleaned) -> Forecast {
    let Report { rules, rows, cells, columns, .. } = &cleaned.report;
    let hits = |of: &BTreeMap<_, Hits>, rule| of.get(&rule).copied().unwrap_or_default();
    let of_rule = |used: &clean::RuleUse| RuleForecast {
        rule: used.rule,
        ran: used.ran,
        judged: used.judged,
        cells_flagged: hits(&cells.flagged, used.rule).all,
        cells_nulled: hits(&cells.nulled, used.rule).first,
        rows_flagged: hits(&rows.flagged, used.rule).all,
        rows_dropped: hits(&rows.dropped, used.rule).first,
        events: cleaned.events.iter().filter(|event| event.rule == used.rule).count() as u64,
    };
    let has_gone =
        |column: &&clean::ColumnUse| column.before.is_some_and(|before| before.count > 0) && column.after.count == 0;
    Forecast {
        rules: rules.iter().map(of_rule).collect(),
        emptied_columns: columns.iter().filter(has_gone).map(|column| column.column.clone()).collect(),
    }
}
