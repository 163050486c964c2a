//! Rows as the frontend shows them.

use std::ops::Range;

use serde::Serialize;

use super::cells::Rows;
use super::version::settled;
use super::{Answer, DatasetLabel, DatasetSelector, Preview, PreviewQuery, answer, names};
use crate::error::{Error, Result};
use crate::state::AppState;

/// Rows when the request does not say.
const ROWS: i64 = 50;
/// Most rows of one preview: the frontend's export asks for that many.
const MAX_ROWS: i64 = 10_000;

/// Rows as the frontend shows them. Reads only the pages that hold them.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a parameter out of range or an unknown column.
pub async fn preview(state: &AppState, selector: &DatasetSelector, query: &PreviewQuery) -> Result<Answer<Preview>> {
    let range = range_of(query)?;
    let dataset = settled(state, selector).await?;
    let listed = names::listed(&dataset.columns, query.columns.as_deref())?;
    let all = listed.is_none();
    let chosen = listed.unwrap_or_else(|| dataset.columns.iter().collect());
    let columns: Vec<String> =
        std::iter::once(names::TIMESTAMP).chain(chosen.iter().map(|meta| meta.name.as_str())).map(Into::into).collect();
    let list = if all { "*".to_owned() } else { columns.join(",") };
    let request = format!("preview {} {} {list}", range.start, range.end);
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = range.start.min(dataset.row_count)..range.end.min(dataset.row_count);
        let frame = frame.cells(&columns, rows)?;
        answer::json(&Written {
            dataset: &dataset.label,
            preview: Rows::of(&frame, dataset.zone)?,
            total_rows: dataset.row_count,
            columns: &columns,
        })
    })
    .await
}

/// A [`Preview`] whose rows are written straight from the frame.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    dataset: &'a DatasetLabel,
    preview: Rows<'a>,
    total_rows: u64,
    columns: &'a [String],
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
