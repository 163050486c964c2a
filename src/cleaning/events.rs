//! Quality events of a version: of a cleaned one when which rule hit what, and why; of a parsed one what the systems that
//! wrote the reports say of their own readings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hvac_frame::parquet_file::{QualityEvent, read_events};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{EventItem, EventQuery, store};
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::datasets::{DatasetLabel, DatasetSelector, clock, names};
use crate::error::{Context, Error, Result, codes};
use crate::findings;
use crate::limits::Paging;
use crate::sessions::{Page, marked};
use crate::state::AppState;
use hvac_cleaning::diagnostics::Finding;
use hvac_cleaning::{Event, Rule};
use hvac_store::entity::{Integrity, cleaning_job};
use hvac_store::frames::KEY_EVENTS;
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::{objects, paths};

/// The rule of findings: faults of machines.
const FAULT: &str = "fault";
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
    /// All events of the time that is asked for by their rules, whichever rule, column and page; the most frequent first.
    /// Of `fault` only where that is asked for.
    pub rules: Vec<RuleEvents>,
}

/// What of the events is of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleEvents {
    /// Which.
    #[schema(example = "frozen")]
    pub rule: String,
    /// Its events.
    pub total: u64,
    /// The columns concerned, that of the longest first, then by name; empty where it is about rows.
    pub columns: Vec<String>,
    /// Begin of the longest of them.
    #[schema(example = "2024-07-03T04:15:00+08:00")]
    pub start_at: String,
    /// Its end.
    #[schema(example = "2024-07-03T18:15:00+08:00")]
    pub end_at: String,
}

/// Events of a version that match, page by page; and the session that was assumed, if none was named.
///
/// # Errors
/// As [`resolve`]; 404 for a version that was made before its events were kept; 409 when its file of events is gone or
/// damaged; 422 for a rule, column, time or page that cannot be.
#[tracing::instrument(level = "debug", name = "list_events", skip_all)]
pub async fn list(
    state: &AppState,
    selector: &DatasetSelector,
    query: &EventQuery,
) -> Result<(EventPage, Option<String>)> {
    let dataset = resolve(state, selector).await?;
    let wanted = Wanted::read(query, &dataset)?;
    let paging = Paging::asked(query.page, query.page_size, PAGE_SIZE)?;
    let mut events: Vec<(QualityEvent, Option<String>)> = match wanted.rule.as_deref() {
        Some(FAULT) => faults(state, &dataset, wanted.column.as_deref()).await?,
        _ => of_file(state, &dataset).await?.into_iter().map(|event| (event, None)).collect(),
    };
    events.retain(|(event, _)| wanted.is_in_time(event));
    let rules = by_rule(&events, dataset.zone);
    let matching: Vec<_> = events.into_iter().filter(|(event, _)| wanted.includes(event)).collect();
    let total = matching.len() as u64;
    let items = paging.part(matching).map(|(event, machine)| item(event, machine, dataset.zone)).collect();
    let page = Page::of(paging, total, items);
    Ok((EventPage { dataset: dataset.label, page, rules }, dataset.assumed_session))
}

fn by_rule(events: &[(QualityEvent, Option<String>)], zone: chrono_tz::Tz) -> Vec<RuleEvents> {
    let mut of_rule: BTreeMap<&str, Vec<&QualityEvent>> = BTreeMap::new();
    for (event, _) in events {
        of_rule.entry(&event.rule).or_default().push(event);
    }
    let summed = |(rule, events): (&str, Vec<&QualityEvent>)| {
        let longest = events.iter().max_by_key(|event| event.end_at_ms - event.start_at_ms)?;
        let first = longest.column.as_ref();
        let others: BTreeSet<&String> = events.iter().filter_map(|event| event.column.as_ref()).collect();
        let columns = first.into_iter().chain(others.into_iter().filter(|column| Some(*column) != first));
        Some(RuleEvents {
            rule: rule.to_owned(),
            total: events.len() as u64,
            columns: columns.cloned().collect(),
            start_at: clock::iso(zone, longest.start_at_ms),
            end_at: clock::iso(zone, longest.end_at_ms),
        })
    };
    let mut rules: Vec<RuleEvents> = of_rule.into_iter().filter_map(summed).collect();
    rules.sort_by_key(|rule| Reverse(rule.total));
    rules
}

/// All events of a version's file.
pub(super) async fn of_file(state: &AppState, dataset: &Resolved) -> Result<Vec<QualityEvent>> {
    let bytes = file(state, dataset).await?.bytes;
    let rules = rules(dataset);
    let reading = tokio::task::spawn_blocking(move || read(bytes, &rules));
    reading.await.internal("reading quality events")?
}

/// Findings of a version as events, by start: those that were read from that column, if one is given. They are no part of
/// its file, for they are judged when they are asked for; each with its machine.
async fn faults(
    state: &AppState,
    dataset: &Resolved,
    column: Option<&str>,
) -> Result<Vec<(QualityEvent, Option<String>)>> {
    let session_id = Some(dataset.label.session_id.clone());
    let selector = DatasetSelector { session_id, version: Some(dataset.label.version.clone()) };
    let mut findings = findings::of_version(state, &selector).await?;
    findings.retain(|finding| column.is_none_or(|column| finding.columns.iter().any(|of| of == column)));
    findings.sort_by_key(|finding| finding.start_at_ms);
    let event = |finding: Finding| {
        let event = QualityEvent {
            rule: FAULT.to_owned(),
            column: column.map(str::to_owned),
            start_at_ms: finding.start_at_ms,
            end_at_ms: finding.end_at_ms,
            rows: finding.rows,
            detail: format!("{} of {}: {}", finding.kind.name(), finding.machine, finding.detail),
        };
        (event, Some(finding.machine))
    };
    Ok(findings.into_iter().map(event).collect())
}

/// Events as their file has them.
pub(super) fn stored(events: Vec<Event>) -> Vec<QualityEvent> {
    let stored = |event: Event| {
        let Event { rule, column, start_at_ms, end_at_ms, rows, detail } = event;
        QualityEvent { rule: rule.name().to_owned(), column, start_at_ms, end_at_ms, rows, detail }
    };
    events.into_iter().map(stored).collect()
}

/// The rules whose events a version may have.
fn rules(dataset: &Resolved) -> Vec<&'static str> {
    if is_cleaned(dataset) { Rule::ALL.map(Rule::name).into() } else { marked::STATES.into() }
}

fn is_cleaned(dataset: &Resolved) -> bool {
    dataset.label.version.starts_with("cleaned")
}

/// The events of a file; one that names a rule there is not is none of ours.
fn read(bytes: Bytes, rules: &[&str]) -> Result<Vec<QualityEvent>> {
    let events = read_events(bytes)?;
    let known = events.iter().all(|event| rules.contains(&event.rule.as_str()));
    if known { Ok(events) } else { Err(objects::damaged()) }
}

fn item(event: QualityEvent, machine: Option<String>, zone: chrono_tz::Tz) -> EventItem {
    EventItem {
        rule: event.rule,
        column: event.column,
        machine,
        start_at: clock::iso(zone, event.start_at_ms),
        end_at: clock::iso(zone, event.end_at_ms),
        rows: event.rows,
        detail: event.detail,
    }
}

/// A query whose words are understood.
struct Wanted {
    rule: Option<String>,
    column: Option<String>,
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

impl Wanted {
    fn read(query: &EventQuery, dataset: &Resolved) -> Result<Self> {
        let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let rule = given(&query.rule).map(rule).transpose()?;
        let column = given(&query.column).map(|name| names::find(&dataset.columns, "column", &name)).transpose()?;
        let (from_ms, to_ms) = clock::window(query.from.as_deref(), query.to.as_deref(), dataset.zone)?;
        Ok(Self { rule, column: column.map(|column| column.name.clone()), from_ms, to_ms })
    }

    fn includes(&self, event: &QualityEvent) -> bool {
        self.rule.as_ref().is_none_or(|rule| *rule == event.rule)
            && (self.column.is_none() || self.column == event.column)
    }

    fn is_in_time(&self, event: &QualityEvent) -> bool {
        self.from_ms.is_none_or(|from_ms| event.end_at_ms >= from_ms)
            && self.to_ms.is_none_or(|to_ms| event.start_at_ms < to_ms)
    }
}

/// Every rule that an event may be of.
#[must_use]
pub fn all_rules() -> Vec<&'static str> {
    Rule::ALL.map(Rule::name).into_iter().chain(marked::STATES).chain([FAULT]).collect()
}

/// A rule that there is; a version may have no event of it.
fn rule(name: String) -> Result<String> {
    let known = all_rules();
    if known.contains(&name.as_str()) {
        return Ok(name);
    }
    let message = format!("rule: '{name}' is no rule; there are {}", known.join(", "));
    Err(Error::invalid("rule", codes::UNKNOWN_RULE, message))
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
    let dataset = resolve(state, selector).await?;
    let file = file(state, &dataset).await?;
    Ok(EventsFile { file_name: format!("{}-{}.events.parquet", dataset.session_name, dataset.label.version), ..file })
}

/// A cleaned version and the key of its file of events, which is what it was.
///
/// # Errors
/// 404 and 409 as [`list`]; 404 for a version that is not cleaned.
pub async fn located(state: &AppState, selector: &DatasetSelector) -> Result<(Resolved, String)> {
    let dataset = resolve(state, selector).await?;
    let row = store::get(state.store.db.read(), &dataset.label.dataset_id).await?;
    let file = file_of(&row)?;
    match state.store.verify(&file).await? {
        Ok(_) => Ok((dataset, file.path)),
        Err(integrity) => Err(unusable(&row, integrity)),
    }
}

async fn file(state: &AppState, dataset: &Resolved) -> Result<EventsFile> {
    if is_cleaned(dataset) {
        return of_cleaned(state, &store::get(state.store.db.read(), &dataset.label.dataset_id).await?).await;
    }
    let Some(packed) = dataset.known.says(KEY_EVENTS) else {
        let message = format!(
            "{} of session {} was parsed before what the reports' own systems say was kept as events: parse again with \
             force",
            dataset.label.version, dataset.label.session_id
        );
        return Err(Error::new(codes::NO_EVENTS, message));
    };
    let bytes = marked::unpacked(packed)?;
    let sha256 = format!("{:x}", Sha256::digest(&bytes));
    Ok(EventsFile { bytes: bytes.into(), sha256, file_name: String::new() })
}

async fn of_cleaned(state: &AppState, row: &cleaning_job::Model) -> Result<EventsFile> {
    let file = file_of(row)?;
    let (store, sha256) = (state.store.clone(), file.sha256.clone());
    let opening = tokio::task::spawn_blocking(move || store.open_verified(&file));
    match opening.await.internal("opening quality events")?? {
        Ok(bytes) => Ok(EventsFile { bytes: bytes.to_bytes(), sha256, file_name: String::new() }),
        Err(integrity) => Err(unusable(row, integrity)),
    }
}

/// The file of a cleaning's events as the catalogue knows it.
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
