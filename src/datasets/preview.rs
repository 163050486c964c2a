//! Rows as the frontend shows them.
//!
//! Whoever looks at a table scrolls: rows are written from blocks of pages that stay unpacked for a while. A few columns
//! of their own are read from the file.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use polars::prelude::DataFrame;

use super::blocking::blocking;
use super::opened::{self, Frame};
use super::resolved::Resolved;
use super::version::settled;
use super::window::{Selection, WindowQuery, WindowRows};
use super::{Answer, DatasetSelector, Preview, PreviewQuery, answer, clock, names, rows};
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
    let page = PageAsked::of(query)?;
    let dataset = settled(state, selector).await?;
    let at = query.at.as_deref().map(str::trim).filter(|at| !at.is_empty());
    let at_ms = at.map(|at| clock::parse("at", at, dataset.zone)).transpose()?;
    if *window != WindowQuery::default() {
        let selection = Selection::of(&dataset, query.columns.as_deref(), window)?;
        if !selection.window.is_whole() {
            return in_window(state, dataset, selection, page, at_ms).await;
        }
    }
    let range = match at_ms {
        None => page.range(page.offset),
        Some(at_ms) => {
            let count = dataset.row_count;
            let (state, dataset) = (state.clone(), Arc::clone(&dataset));
            let finding = move || Ok(Frame::open(&state, &dataset)?.rows_between(Some(at_ms), None)?.start);
            page.beginning_at(blocking(finding).await?, count)
        }
    };
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
    page: PageAsked,
    at_ms: Option<i64>,
) -> Result<Answer<Preview>> {
    let asked = page.range(page.offset);
    let at = at_ms.map(|at_ms| format!(" at {at_ms}")).unwrap_or_default();
    let request = format!("preview {} {}{at}{selection}", asked.start, asked.end);
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &selection.window, dataset.zone)?;
        let count = rows.count();
        let range = match at_ms {
            None => asked,
            Some(at_ms) => page.beginning_at(rows.place_of(at_ms)?, count),
        };
        let cells = rows.cells(selection.columns(dataset), range.start.min(count)..range.end.min(count))?;
        let height = cells.height();
        let chosen = named(selection.columns(dataset).iter());
        json(dataset, &chosen, &[(Arc::new(cells), 0..height)], (range.start, count))
    })
    .await
}

/// `timestamp` and the names of columns.
fn named<'m>(columns: impl Iterator<Item = &'m ColumnMeta>) -> Vec<String> {
    std::iter::once(names::TIMESTAMP).chain(columns.map(|meta| meta.name.as_str())).map(str::to_owned).collect()
}

/// The JSON of a [`Preview`].
async fn written(state: &AppState, dataset: &Arc<Resolved>, chosen: Vec<String>, rows: Range<u64>) -> Result<Bytes> {
    let (cells, offset) = (chosen.len() as u64 * (rows.end - rows.start), rows.start);
    let most = 2 * chosen.len() > dataset.columns.len() + 1;
    let parts = if most { blocks(state, dataset, &rows).await? } else { None };
    let (state, dataset) = (state.clone(), Arc::clone(dataset));
    match parts {
        Some(parts) if cells <= AT_ONCE => json(&dataset, &chosen, &parts, (offset, dataset.row_count)),
        Some(parts) => blocking(move || json(&dataset, &chosen, &parts, (offset, dataset.row_count))).await,
        None => {
            blocking(move || {
                let few = Frame::open(&state, &dataset)?.cells(&chosen, rows)?;
                let height = few.height();
                json(&dataset, &chosen, &[(Arc::new(few), 0..height)], (offset, dataset.row_count))
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

fn json(dataset: &Resolved, chosen: &[String], parts: &[Part], (offset, total_rows): (u64, u64)) -> Result<Bytes> {
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
    out.extend_from_slice(format!(",\"offset\":{offset}}}").as_bytes());
    Ok(Bytes::from(out))
}

/// How many rows, from where.
#[derive(Debug, Clone, Copy)]
struct PageAsked {
    rows: u64,
    offset: u64,
}

impl PageAsked {
    fn of(query: &PreviewQuery) -> Result<Self> {
        let rows = query.rows.unwrap_or(ROWS);
        if !(1..=MAX_ROWS).contains(&rows) {
            let message = format!("rows: {rows} is out of range; ask for 1 to {MAX_ROWS} rows");
            return Err(Error::invalid("rows", codes::BAD_ROWS, message));
        }
        let offset = query.offset.unwrap_or(0);
        let offset = u64::try_from(offset).map_err(|_| {
            Error::invalid("offset", codes::BAD_OFFSET, format!("offset: {offset} is negative; rows count from 0"))
        })?;
        if offset > 0 && query.at.is_some() {
            let message = "offset: give it, or at, not both";
            return Err(Error::invalid("offset", codes::BAD_OFFSET, message));
        }
        Ok(Self { rows: rows.unsigned_abs(), offset })
    }

    fn range(self, start: u64) -> Range<u64> {
        start..start.saturating_add(self.rows)
    }

    /// From that row of so many on; the last ones when there is no such row.
    fn beginning_at(self, row: u64, count: u64) -> Range<u64> {
        self.range(if row < count { row } else { count.saturating_sub(self.rows) })
    }
}
