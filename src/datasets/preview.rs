//! Rows as the frontend shows them.
//!
//! Whoever looks at a table scrolls: rows are written from blocks of pages that stay unpacked for a while. A few columns
//! of their own are read from the file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use polars::prelude::DataFrame;

use super::answer::blocking;
use super::opened::{self, Frame};
use super::version::{Resolved, settled};
use super::window::{Selection, WindowQuery, WindowRows};
use super::{Answer, DatasetSelector, Preview, PreviewQuery, answer, names, rows};
use crate::error::{Context, Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::ColumnMeta;
use hvac_store::cache::{CacheKey, Kind};

/// Rows when the request does not say.
const ROWS: i64 = 50;
/// Most rows of one preview: the frontend's export asks for that many.
const MAX_ROWS: i64 = 10_000;
/// Cells that are written on the spot: handing them to another thread takes longer than writing them.
const AT_ONCE: u64 = 25_000;
/// Of a cell, unpacked and as it is shown, about.
const CELL_BYTES: u64 = 24;

/// Rows as the frontend shows them. Reads only the pages that hold them.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a parameter out of range or an unknown column.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn preview(
    state: &AppState,
    selector: &DatasetSelector,
    query: &PreviewQuery,
    window: &WindowQuery,
) -> Result<Answer<Preview>> {
    let range = range_of(query)?;
    let dataset = settled(state, selector).await?;
    if *window != WindowQuery::default() {
        let selection = Selection::of(&dataset, query.columns.as_deref(), window)?;
        if !selection.window.is_whole() {
            return in_window(state, dataset, selection, range).await;
        }
    }
    let listed = names::listed(&dataset.columns, query.columns.as_deref())?;
    let chosen = listed.map(|listed| named(listed.into_iter()));
    let list = chosen.as_ref().map_or_else(|| "*".to_owned(), |chosen| chosen.join(","));
    let request = format!("preview {} {} {list}", range.start, range.end);
    let rows = range.start.min(dataset.row_count)..range.end.min(dataset.row_count);
    let columns = chosen.as_ref().map_or(dataset.columns.len() + 1, Vec::len) as u64;
    let bytes = columns * (rows.end - rows.start) * CELL_BYTES;
    let writing = || written(state, &dataset, chosen.unwrap_or_else(|| named(dataset.columns.iter())), rows);
    answer::kept(state, &dataset, &request, bytes, writing).await
}

/// Rows of a window of the frame.
async fn in_window(
    state: &AppState,
    dataset: Arc<Resolved>,
    selection: Selection,
    range: Range<u64>,
) -> Result<Answer<Preview>> {
    let request = format!("preview {} {}{selection}", range.start, range.end);
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &selection.window, dataset.zone)?;
        let count = rows.count();
        let cells = rows.cells(selection.columns(dataset), range.start.min(count)..range.end.min(count))?;
        let height = cells.height();
        let chosen = named(selection.columns(dataset).iter());
        json(dataset, &chosen, &[(Arc::new(cells), 0..height)], count)
    })
    .await
}

/// `timestamp` and the names of columns.
fn named<'m>(columns: impl Iterator<Item = &'m ColumnMeta>) -> Vec<String> {
    std::iter::once(names::TIMESTAMP).chain(columns.map(|meta| meta.name.as_str())).map(str::to_owned).collect()
}

/// The JSON of a [`Preview`].
async fn written(state: &AppState, dataset: &Arc<Resolved>, chosen: Vec<String>, rows: Range<u64>) -> Result<Bytes> {
    let cells = chosen.len() as u64 * (rows.end - rows.start);
    let most = 2 * chosen.len() > dataset.columns.len() + 1;
    let parts = if most { blocks(state, dataset, &rows).await? } else { None };
    let (state, dataset) = (state.clone(), Arc::clone(dataset));
    match parts {
        Some(parts) if cells <= AT_ONCE => json(&dataset, &chosen, &parts, dataset.row_count),
        Some(parts) => blocking(move || json(&dataset, &chosen, &parts, dataset.row_count)).await,
        None => {
            blocking(move || {
                let few = Frame::open(&state, &dataset)?.cells(&chosen, rows)?;
                let height = few.height();
                json(&dataset, &chosen, &[(Arc::new(few), 0..height)], dataset.row_count)
            })
            .await
        }
    }
}

/// A block, and which of its rows are meant.
type Part = (Arc<DataFrame>, Range<usize>);

/// The blocks that hold some rows; none when so much is asked for that they had better be read for themselves.
async fn blocks(state: &AppState, dataset: &Arc<Resolved>, rows: &Range<u64>) -> Result<Option<Vec<Part>>> {
    let (known, cache) = (&dataset.known, &state.store.cache);
    let first = known.block(rows.start);
    let (length, row_bytes) = (first.end - first.start, 8 * (dataset.columns.len() as u64 + 1));
    if rows.end - rows.start > length || !cache.fits(length * row_bytes) {
        return Ok(None);
    }
    // The file may have gone, and its blocks still be there.
    opened::look(state, dataset).await?;
    let mut parts = Vec::new();
    let mut start = rows.start;
    while start < rows.end {
        let range = known.block(start);
        let end = rows.end.min(range.end);
        let within = |row: u64| usize::try_from(row - range.start).internal("counting rows");
        let part = within(start)?..within(end)?;
        let (state, dataset, wanted) = (state.clone(), Arc::clone(dataset), range.clone());
        let key = CacheKey::new(Kind::Rows, Arc::clone(&known.sha256), range.start.to_string());
        let unpacking = blocking(move || {
            let block = Frame::open(&state, &dataset)?.block(wanted)?;
            let bytes = block.estimated_size() as u64;
            Ok((block, bytes))
        });
        parts.push((cache.get_or_make(&key, unpacking).await?, part));
        start = end;
    }
    Ok(Some(parts))
}

fn json(dataset: &Resolved, chosen: &[String], parts: &[Part], total_rows: u64) -> Result<Bytes> {
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    let doing = "writing an answer as JSON";
    let mut out = serde_json::to_vec(&dataset.label).internal(doing)?;
    // The label's closing brace comes at the end.
    out.pop();
    out.extend_from_slice(b",\"preview\":[");
    for (frame, range) in parts {
        rows::write(frame, &chosen, range.clone(), dataset.zone, &mut out)?;
    }
    rows::end(&mut out);
    out.extend_from_slice(format!(",\"total_rows\":{total_rows},\"columns\":").as_bytes());
    serde_json::to_writer(&mut out, &chosen).internal(doing)?;
    out.push(b'}');
    Ok(Bytes::from(out))
}

fn range_of(query: &PreviewQuery) -> Result<Range<u64>> {
    let rows = query.rows.unwrap_or(ROWS);
    let offset = query.offset.unwrap_or(0);
    if !(1..=MAX_ROWS).contains(&rows) {
        let message = format!("rows: {rows} is out of range; ask for 1 to {MAX_ROWS} rows");
        return Err(Error::invalid("rows", codes::BAD_ROWS, message));
    }
    let start = u64::try_from(offset).map_err(|_| {
        Error::invalid("offset", codes::BAD_OFFSET, format!("offset: {offset} is negative; rows count from 0"))
    })?;
    Ok(start..start.saturating_add(rows.unsigned_abs()))
}
