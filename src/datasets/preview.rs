//! Rows as the frontend shows them.
//!
//! Whoever looks at a table scrolls: rows are written from blocks of pages that stay unpacked for a while, and the
//! block behind the one that is looked at is unpacked ahead. A few columns of their own are read from the file.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::answer::blocking;
use super::cells::{self, Key, Rows};
use super::opened::{self, Frame};
use super::version::{Resolved, settled};
use super::{Answer, DatasetSelector, Preview, PreviewQuery, answer, names};
use crate::error::{Context, Error, Result};
use crate::state::AppState;
use crate::store::cache::Keep;
use crate::store::cache::blocks::{Block, BlockKey, Cells};
use hvac_frame::column::ColumnMeta;

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
pub async fn preview(state: &AppState, selector: &DatasetSelector, query: &PreviewQuery) -> Result<Answer<Preview>> {
    let range = range_of(query)?;
    let dataset = settled(state, selector).await?;
    let chosen = chosen(&dataset, query)?;
    let list = chosen.as_ref().map_or_else(|| "*".to_owned(), |chosen| chosen_names(&dataset, chosen).join(","));
    let request = format!("preview {} {} {list}", range.start, range.end);
    let rows = range.start.min(dataset.row_count)..range.end.min(dataset.row_count);
    let columns = chosen.as_ref().map_or(dataset.columns.len() + 1, Vec::len) as u64;
    let bytes = columns * (rows.end - rows.start) * CELL_BYTES;
    answer::kept(state, &dataset, &request, Keep::Briefly, bytes, || written(state, &dataset, chosen, rows)).await
}

/// Positions in the file of the columns asked for, `timestamp` first; none when all are.
fn chosen(dataset: &Resolved, query: &PreviewQuery) -> Result<Option<Vec<usize>>> {
    let listed = names::listed(&dataset.columns, query.columns.as_deref())?;
    Ok(listed.map(|listed| {
        let positions: HashMap<&str, usize> =
            dataset.columns.iter().zip(1..).map(|(meta, at)| (meta.name.as_str(), at)).collect();
        let of = |meta: &ColumnMeta| positions.get(meta.name.as_str()).copied();
        [0].into_iter().chain(listed.into_iter().filter_map(of)).collect()
    }))
}

fn chosen_names<'a>(dataset: &'a Resolved, chosen: &[usize]) -> Vec<&'a str> {
    let name = |at: &usize| match at {
        0 => Some(names::TIMESTAMP),
        _ => dataset.columns.get(at - 1).map(|meta| meta.name.as_str()),
    };
    chosen.iter().filter_map(name).collect()
}

/// The JSON of a [`Preview`].
async fn written(
    state: &AppState,
    dataset: &Arc<Resolved>,
    chosen: Option<Vec<usize>>,
    rows: Range<u64>,
) -> Result<Bytes> {
    let all = dataset.columns.len() as u64 + 1;
    let cells = chosen.as_ref().map_or(all, |chosen| chosen.len() as u64) * (rows.end - rows.start);
    let parts = if chosen.as_ref().is_none_or(|chosen| 2 * chosen.len() as u64 > all) {
        blocks(state, dataset, &rows).await?
    } else {
        None
    };
    let chosen = chosen.unwrap_or_else(|| (0..=dataset.columns.len()).collect());
    match parts {
        Some(parts) if cells <= AT_ONCE => json(state.store.cache.spare(), dataset, &chosen, &parts),
        Some(parts) => {
            let dataset = Arc::clone(dataset);
            blocking(move || json(Vec::new(), &dataset, &chosen, &parts)).await
        }
        None => {
            let (state, dataset) = (state.clone(), Arc::clone(dataset));
            blocking(move || {
                let names: Vec<String> = chosen_names(&dataset, &chosen).into_iter().map(str::to_owned).collect();
                let height = usize::try_from(rows.end - rows.start).internal("counting rows")?;
                let few = Block::of(&Frame::open(&state, &dataset)?.cells(&names, rows)?)?;
                let columns = chosen.iter().filter_map(|at| dataset.known.keys.get(*at)).zip(&few.columns);
                render(Vec::new(), &dataset, &chosen, &[(columns.collect(), 0..height)])
            })
            .await
        }
    }
}

/// A block, and which of its rows are meant.
type Part = (Arc<Block>, Range<usize>);

/// The blocks that hold some rows; none when so much is asked for that they had better be read for themselves.
async fn blocks(state: &AppState, dataset: &Arc<Resolved>, rows: &Range<u64>) -> Result<Option<Vec<Part>>> {
    let (known, blocks) = (&dataset.known, state.store.cache.blocks());
    let first = known.block(rows.start);
    // Most cells are places in lists, of two bytes.
    let (length, bytes) = (first.end - first.start, 2 * (dataset.columns.len() as u64 + 1));
    if rows.end - rows.start > length || !blocks.fits(length * bytes) {
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
        parts.push((block(state.clone(), Arc::clone(dataset), range.clone()).await?, part));
        go_ahead(state, dataset, &range);
        start = end;
    }
    Ok(Some(parts))
}

fn key(dataset: &Resolved, range: &Range<u64>) -> BlockKey {
    (Arc::clone(&dataset.known.sha256), range.start)
}

async fn block(state: AppState, dataset: Arc<Resolved>, range: Range<u64>) -> Result<Arc<Block>> {
    let (key, blocks) = (key(&dataset, &range), state.store.cache.blocks().clone());
    let unpack = {
        let blocks = blocks.clone();
        move || {
            let frame = Frame::open(&state, &dataset)?;
            let group = (Arc::clone(&dataset.known.sha256), dataset.known.group_start(range.start));
            let lists = blocks.get_or_list(group, || frame.lists(range.start, blocks.most_words()));
            frame.block(range, &lists)
        }
    };
    blocks.get_or_unpack(&key, unpack).await
}

/// Unpacks the next block when the one before was looked at too: somebody scrolls down.
fn go_ahead(state: &AppState, dataset: &Arc<Resolved>, range: &Range<u64>) {
    let (known, blocks) = (&dataset.known, state.store.cache.blocks());
    let next = known.block(range.end);
    if range.start == 0 || next.is_empty() || blocks.expects(&key(dataset, &next)) {
        return;
    }
    if blocks.has(&key(dataset, &known.block(range.start - 1))) {
        let next = block(state.clone(), Arc::clone(dataset), next);
        // Whoever asks for it will meet the failure.
        tokio::spawn(async move { next.await.is_ok() });
    }
}

/// The answer, in the memory of `out`.
fn json(out: Vec<u8>, dataset: &Resolved, chosen: &[usize], parts: &[Part]) -> Result<Bytes> {
    let mut columns = Vec::new();
    for (block, rows) in parts {
        let column = |at: &usize| Some((dataset.known.keys.get(*at)?, block.columns.get(*at)?));
        columns.push((chosen.iter().filter_map(column).collect(), rows.clone()));
    }
    render(out, dataset, chosen, &columns)
}

fn render(
    mut out: Vec<u8>,
    dataset: &Resolved,
    chosen: &[usize],
    parts: &[(Vec<(&Key, &Cells)>, Range<usize>)],
) -> Result<Bytes> {
    serde_json::to_writer(&mut out, &dataset.label).internal("writing an answer as JSON")?;
    // The label's closing brace comes at the end.
    out.pop();
    out.extend_from_slice(b",\"preview\":");
    let mut rows = Rows::begin(out, dataset.zone);
    let mut left = parts.iter().map(|(_, rows)| rows.len()).sum::<usize>();
    for (columns, range) in parts {
        rows.write(columns, range.clone(), left);
        left -= range.len();
    }
    let mut out = rows.end();
    out.extend_from_slice(format!(",\"total_rows\":{},\"columns\":", dataset.row_count).as_bytes());
    cells::names(chosen.iter().filter_map(|at| dataset.known.keys.get(*at)), &mut out);
    out.push(b'}');
    Ok(Bytes::from(out))
}

fn range_of(query: &PreviewQuery) -> Result<Range<u64>> {
    let rows = query.rows.unwrap_or(ROWS);
    let offset = query.offset.unwrap_or(0);
    if !(1..=MAX_ROWS).contains(&rows) {
        let message = format!("rows: {rows} is out of range; ask for 1 to {MAX_ROWS} rows");
        return Err(Error::invalid("rows", "bad_rows", message));
    }
    let start = u64::try_from(offset).map_err(|_| {
        Error::invalid("offset", "bad_offset", format!("offset: {offset} is negative; rows count from 0"))
    })?;
    Ok(start..start.saturating_add(rows.unsigned_abs()))
}
