//! Why cells of a table are null, as far as a version knows it.
//!
//! A version counts the reasons of a column and keeps none of a single cell. A cell of a column with one reason has that
//! one; what rules and reports' own systems took is told by their events; of the rest the reasons that are left are named,
//! the most frequent first.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use chrono::DateTime;

use super::events;
use crate::datasets::preview::preview as plain;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::datasets::window::WindowQuery;
use crate::datasets::{Answer, DatasetSelector, NullRun, Preview, PreviewQuery, answer};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::NullReason;
use hvac_frame::names::TIMESTAMP;
use hvac_frame::parquet_file::QualityEvent;

/// Most rows whose nulls are explained: a screen has fewer.
const MOST_ROWS: i64 = 1000;
/// Reasons that events tell of, by the events' rules.
const TOLD_BY_EVENTS: [(&str, NullReason); 4] = [
    ("out_of_range", NullReason::OutOfRange),
    ("spike", NullReason::Spike),
    ("frozen", NullReason::Frozen),
    ("bad_status", NullReason::BadStatus),
];

/// Rows as the frontend shows them, with the reasons of their nulls.
///
/// # Errors
/// As [`plain`]; 422 for more rows than are explained.
#[tracing::instrument(level = "debug", name = "null_reasons", skip_all)]
pub async fn preview(
    state: &AppState,
    selector: &DatasetSelector,
    query: &PreviewQuery,
    window: &WindowQuery,
) -> Result<Answer<Preview>> {
    if query.rows.is_some_and(|rows| rows > MOST_ROWS) {
        let message = format!("rows: with reasons, ask for 1 to {MOST_ROWS} rows");
        return Err(Error::invalid("rows", codes::TOO_MUCH_AT_ONCE, message));
    }
    let rows = plain(state, selector, query, window).await?;
    let mut shown = rows.decode()?;
    // The version of the rows, whatever is the latest by now.
    let (session_id, version) = (shown.dataset.session_id.clone(), shown.dataset.version.clone());
    let selector = DatasetSelector { session_id: Some(session_id), version: Some(version) };
    let dataset = resolve(state, &selector).await?;
    let events = match events::of_file(state, &dataset).await {
        Ok(events) => Some(events),
        Err(error) if error.code == codes::NO_EVENTS => None,
        Err(error) => return Err(error),
    };
    shown.null_reasons = Some(runs(&shown, &dataset, events.as_deref()));
    Ok(Answer {
        body: answer::json(&shown)?,
        etag: format!("{}-reasons", rows.etag),
        assumed_session: rows.assumed_session,
        of: PhantomData,
    })
}

/// Runs of nulls with the same reasons, column by column.
fn runs(shown: &Preview, dataset: &Resolved, events: Option<&[QualityEvent]>) -> Vec<NullRun> {
    let spans = spans_ms(shown);
    let shows_all = shown.columns.len() > dataset.columns.len();
    let has_value = |row: &crate::datasets::Row| row.iter().any(|(name, cell)| name != TIMESTAMP && !cell.is_null());
    let are_empty: Vec<bool> = shown.preview.iter().map(|row| shows_all && !has_value(row)).collect();
    let mut runs: Vec<NullRun> = Vec::new();
    for meta in dataset.columns.iter().filter(|meta| shown.columns.contains(&meta.name)) {
        let of_column = |event: &&QualityEvent| event.column.as_ref() == Some(&meta.name);
        let told: Option<Vec<(&QualityEvent, NullReason)>> = events.map(|events| {
            let reason = |event| Some((event, reason_of(event)?));
            events.iter().filter(of_column).filter_map(reason).collect()
        });
        let mut last: Option<NullRun> = None;
        for (row, ((cells, is_empty), (from_ms, to_ms))) in shown.preview.iter().zip(&are_empty).zip(&spans).enumerate()
        {
            let is_null = cells.get(&meta.name).is_none_or(serde_json::Value::is_null);
            let reasons = is_null.then(|| {
                let covers = |event: &QualityEvent| event.start_at_ms < *to_ms && event.end_at_ms >= *from_ms;
                let hit = told.as_ref().map(|told| told.iter().find(|(event, _)| covers(event)).map(|(_, why)| *why));
                reasons(&meta.nulls, hit, *is_empty)
            });
            let row = row as u64;
            match (&mut last, reasons) {
                (Some(run), Some(reasons)) if run.row + run.rows == row && run.reasons == reasons => run.rows += 1,
                (last, Some(reasons)) => {
                    let next = NullRun { column: meta.name.clone(), row, rows: 1, reasons };
                    runs.extend(last.replace(next));
                }
                (_, None) => {}
            }
        }
        runs.extend(last);
    }
    runs
}

fn reason_of(event: &QualityEvent) -> Option<NullReason> {
    TOLD_BY_EVENTS.into_iter().find(|(rule, _)| *rule == event.rule).map(|(_, reason)| reason)
}

/// Why a cell may be null: `hit` is what an event says, none within where events are known and say nothing of it.
fn reasons(counts: &BTreeMap<NullReason, u64>, hit: Option<Option<NullReason>>, row_is_empty: bool) -> Vec<NullReason> {
    let counted = |reason: &NullReason| counts.get(reason).is_some_and(|count| *count > 0);
    if let Some(reason) = hit.flatten().filter(counted) {
        return vec![reason];
    }
    if row_is_empty && counted(&NullReason::NoSample) {
        return vec![NullReason::NoSample];
    }
    let told = |reason: &NullReason| TOLD_BY_EVENTS.iter().any(|(_, told)| told == reason);
    let possible = |reason: &NullReason| *reason != NullReason::NoSample && !(hit.is_some() && told(reason));
    let mut all: Vec<(NullReason, u64)> = counts.iter().map(|(reason, count)| (*reason, *count)).collect();
    all.retain(|(_, count)| *count > 0);
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let left: Vec<NullReason> = all.iter().map(|(reason, _)| *reason).filter(possible).collect();
    if left.is_empty() { all.into_iter().map(|(reason, _)| reason).collect() } else { left }
}

/// From each row's time to before the next one's, UTC ms.
fn spans_ms(shown: &Preview) -> Vec<(i64, i64)> {
    let time = |row: &crate::datasets::Row| {
        let text = row.get(TIMESTAMP).and_then(serde_json::Value::as_str);
        text.and_then(|text| DateTime::parse_from_rfc3339(text).ok())
            .map(|at| at.timestamp_millis())
            .unwrap_or_default()
    };
    let times: Vec<i64> = shown.preview.iter().map(time).collect();
    let step = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).min().unwrap_or(1);
    let ends = times.iter().skip(1).copied().chain(times.last().map(|last| last + step));
    times.iter().copied().zip(ends).collect()
}
