//! Quality events of a cleaned version: when which rule hit what, and why.

use bytes::Bytes;
use hvac_frame::parquet_file::{QualityEvent, read_events};
use serde::Serialize;
use utoipa::ToSchema;

use super::{EventItem, EventQuery, store};
use crate::datasets::version::{Resolved, resolve};
use crate::datasets::{DatasetLabel, DatasetSelector, clock, names};
use crate::error::{Context, Error, Result, codes};
use crate::limits::Paging;
use crate::sessions::Page;
use crate::state::AppState;
use hvac_cleaning::{Event, Rule};
use hvac_store::entity::{Integrity, cleaning_job};
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::{objects, paths};

/// Events on a page when nobody says otherwise.
const PAGE_SIZE: u64 = 20;

/// One page of events, and of which version they are.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventPage {
    /// The version.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// The events, by start.
    #[serde(flatten)]
    pub page: Page<EventItem>,
}

/// Events of a cleaned version that match, page by page; and the session that was assumed, if none was named.
///
/// # Errors
/// As [`resolve`]; 404 for a version that is not cleaned; 409 when its file of events is gone or damaged; 422 for a
/// rule, column, time or page that cannot be.
pub async fn list(
    state: &AppState,
    selector: &DatasetSelector,
    query: &EventQuery,
) -> Result<(EventPage, Option<String>)> {
    let (dataset, row) = cleaned(state, selector).await?;
    let wanted = Wanted::read(query, &dataset)?;
    let paging = Paging::asked(query.page, query.page_size, PAGE_SIZE)?;
    let bytes = file(state, &row).await?.bytes;
    let reading = tokio::task::spawn_blocking(move || read(bytes));
    let events = reading.await.internal("reading quality events")??;
    let matching: Vec<Event> = events.into_iter().filter(|event| wanted.includes(event)).collect();
    let total = matching.len() as u64;
    let items = paging.part(matching).map(|event| item(event, dataset.zone)).collect();
    let page = Page::of(paging, total, items);
    Ok((EventPage { dataset: dataset.label, page }, dataset.assumed_session))
}

/// Events as their file has them.
pub(super) fn stored(events: Vec<Event>) -> Vec<QualityEvent> {
    let stored = |event: Event| {
        let Event { rule, column, start_at_ms, end_at_ms, rows, detail } = event;
        QualityEvent { rule: rule.name().to_owned(), column, start_at_ms, end_at_ms, rows, detail }
    };
    events.into_iter().map(stored).collect()
}

/// The events of a file; one that names a rule there is not is none of ours.
fn read(bytes: Bytes) -> Result<Vec<Event>> {
    let event = |stored: QualityEvent| {
        let QualityEvent { rule, column, start_at_ms, end_at_ms, rows, detail } = stored;
        let rule = Rule::ALL.into_iter().find(|known| known.name() == rule).ok_or_else(objects::damaged)?;
        Ok(Event { rule, column, start_at_ms, end_at_ms, rows, detail })
    };
    read_events(bytes)?.into_iter().map(event).collect()
}

fn item(event: Event, zone: chrono_tz::Tz) -> EventItem {
    EventItem {
        rule: event.rule.name(),
        column: event.column,
        start_at: clock::iso(zone, event.start_at_ms),
        end_at: clock::iso(zone, event.end_at_ms),
        rows: event.rows,
        detail: event.detail,
    }
}

/// A query whose words are understood.
struct Wanted {
    rule: Option<Rule>,
    column: Option<String>,
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

impl Wanted {
    fn read(query: &EventQuery, dataset: &Resolved) -> Result<Self> {
        let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let rule = given(&query.rule).map(|name| rule(&name)).transpose()?;
        let column = given(&query.column).map(|name| names::find(&dataset.columns, "column", &name)).transpose()?;
        let (from_ms, to_ms) = clock::window(query.from.as_deref(), query.to.as_deref(), dataset.zone)?;
        Ok(Self { rule, column: column.map(|column| column.name.clone()), from_ms, to_ms })
    }

    fn includes(&self, event: &Event) -> bool {
        self.rule.is_none_or(|rule| rule == event.rule)
            && (self.column.is_none() || self.column == event.column)
            && self.from_ms.is_none_or(|from_ms| event.end_at_ms >= from_ms)
            && self.to_ms.is_none_or(|to_ms| event.start_at_ms < to_ms)
    }
}

fn rule(name: &str) -> Result<Rule> {
    Rule::ALL.into_iter().find(|rule| rule.name() == name).ok_or_else(|| {
        let known = Rule::ALL.map(Rule::name).join(", ");
        Error::invalid("rule", codes::UNKNOWN_RULE, format!("rule: '{name}' is no rule; there are {known}"))
    })
}

/// A version that is cleaned, and its row.
async fn cleaned(state: &AppState, selector: &DatasetSelector) -> Result<(Resolved, cleaning_job::Model)> {
    let dataset = resolve(state, selector).await?;
    if !dataset.label.version.starts_with("cleaned") {
        let message = format!(
            "{} of session {} is not cleaned, so it has no events: clean it with POST /api/clean, or name \
             version=cleaned for an earlier cleaning",
            dataset.label.version, dataset.label.session_id
        );
        return Err(Error::new(codes::NOT_CLEANED, message));
    }
    let row = store::get(state.store.db.read(), &dataset.label.dataset_id).await?;
    Ok((dataset, row))
}

/// A file of events.
pub struct EventsFile {
    /// Its bytes: a Parquet file.
    pub bytes: Bytes,
    /// Of the bytes, hex.
    pub sha256: String,
    /// `cleaned-v1.events.parquet`, with the session's name before it.
    pub file_name: String,
}

/// The stored file of a version's events.
///
/// # Errors
/// As [`list`].
pub async fn parquet(state: &AppState, selector: &DatasetSelector) -> Result<EventsFile> {
    let (dataset, row) = cleaned(state, selector).await?;
    let file = file(state, &row).await?;
    Ok(EventsFile { file_name: format!("{}-{}.events.parquet", dataset.session_name, dataset.label.version), ..file })
}

/// A version and the key of its file of events, which is what it was.
///
/// # Errors
/// As [`list`].
pub async fn located(state: &AppState, selector: &DatasetSelector) -> Result<(Resolved, String)> {
    let (dataset, row) = cleaned(state, selector).await?;
    let file = file_of(&row)?;
    match state.store.verify(&file).await? {
        Ok(_) => Ok((dataset, file.path)),
        Err(integrity) => Err(unusable(&row, integrity)),
    }
}

async fn file(state: &AppState, row: &cleaning_job::Model) -> Result<EventsFile> {
    let file = file_of(row)?;
    let (store, sha256) = (state.store.clone(), file.sha256.clone());
    let opening = tokio::task::spawn_blocking(move || store.open_verified(&file));
    match opening.await.internal("opening quality events")?? {
        Ok(bytes) => Ok(EventsFile { bytes: bytes.to_bytes(), sha256, file_name: String::new() }),
        Err(integrity) => Err(unusable(row, integrity)),
    }
}

/// The file of a version's events as the catalogue knows it.
fn file_of(row: &cleaning_job::Model) -> Result<StoredFile> {
    let Some(sha256) = row.events_sha256.clone() else {
        let message = format!("cleaned-v{} was made without a file of events: clean again with force", row.version);
        return Err(Error::new(codes::NO_EVENTS, message));
    };
    if row.events_integrity != Integrity::Ok {
        return Err(unusable(row, row.events_integrity));
    }
    Ok(StoredFile {
        root: Root::Sessions,
        path: paths::cleaned_events(&row.session_id, row.version),
        sha256,
        size_bytes: row.events_size_bytes.unwrap_or_default().unsigned_abs(),
    })
}

fn unusable(row: &cleaning_job::Model, integrity: Integrity) -> Error {
    let (code, what) = match integrity {
        Integrity::Missing => (codes::FILE_MISSING, "is missing"),
        _ => (codes::FILE_DAMAGED, "is not what was published"),
    };
    let message = format!(
        "the events of cleaned-v{} of session {} {what}: bring the file back from a backup and run `hvac-analytics \
         doctor`, which says more, or clean again with force",
        row.version, row.session_id
    );
    Error::new(code, message)
}
