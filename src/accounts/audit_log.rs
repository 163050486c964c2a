//! What was done, for admins: a page, all of it as text, whether it is what was noted; and letting go of what is old.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audit::{self, Act, AuditEntry, AuditFilter, AuditPage, AuditPaging, Verified};
use crate::error::{Context, Result};
use crate::principal::Principal;
use crate::state::AppState;

/// How often it is looked for old entries.
const LOOKED_EVERY: Duration = Duration::from_secs(3600);

/// How entries are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditFormat {
    /// A JSON object a line.
    #[default]
    Ndjson,
    /// With a header.
    Csv,
}

/// Notes that a request was refused. Where that cannot be written, the log has it.
pub async fn note_refused(state: &AppState, principal: &Principal, request: &str, path: &str, code: &str) {
    let noted = async {
        let txn = state.store.db.begin().await?;
        audit::note_result(&txn, principal, Act::on(request, "route", path), code).await?;
        txn.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, request, path, code, who = principal.name(), "a refused request could not be noted");
    }
}

/// One page of what was done, the newest first.
///
/// # Errors
/// 422 for a filter that cannot be.
pub async fn list(state: &AppState, filter: &AuditFilter, page: &AuditPaging) -> Result<AuditPage> {
    audit::list(&state.store, filter, page).await
}

/// Whether every entry is what was noted.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(state: &AppState) -> Result<Verified> {
    audit::verify(&state.store).await
}

/// All entries that match as text, some hundred at a time, the oldest first.
pub struct AuditExport {
    state: AppState,
    filter: AuditFilter,
    format: AuditFormat,
    /// The last entry that was written; none before the first bytes.
    last: Option<i64>,
}

impl AuditExport {
    /// From the beginning.
    #[must_use]
    pub fn new(state: &AppState, filter: AuditFilter, format: AuditFormat) -> Self {
        Self { state: state.clone(), filter, format, last: None }
    }

    /// The next piece; none behind the last.
    ///
    /// # Errors
    /// 422 for a filter that cannot be; when the database cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let entries = audit::after(&self.state.store, &self.filter, self.last.unwrap_or_default()).await?;
        let is_first = self.last.is_none();
        self.last = Some(entries.last().map_or(self.last.unwrap_or_default(), |entry| entry.seq));
        if entries.is_empty() && !is_first {
            return Ok(None);
        }
        match self.format {
            AuditFormat::Ndjson => ndjson(&entries).map(Some),
            AuditFormat::Csv => csv(&entries, is_first).map(Some),
        }
    }
}

fn ndjson(entries: &[AuditEntry]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut text, entry).internal("writing an entry")?;
        text.push(b'\n');
    }
    Ok(text)
}

fn csv(entries: &[AuditEntry], with_header: bool) -> Result<Vec<u8>> {
    let doing = "writing entries";
    let mut rows = csv::Writer::from_writer(Vec::new());
    if with_header {
        let names =
            "seq at who account_id via action object_kind object_id session_id result address request_id detail hash";
        rows.write_record(names.split(' ')).internal(doing)?;
    }
    for entry in entries {
        let text = |text: &Option<String>| guarded(text.as_deref().unwrap_or_default());
        let detail = if entry.detail.is_empty() {
            String::new()
        } else {
            serde_json::to_string(&entry.detail).internal(doing)?
        };
        rows.write_record([
            entry.seq.to_string(),
            entry.at.clone(),
            guarded(&entry.who),
            text(&entry.account_id),
            entry.via.clone(),
            entry.action.clone(),
            entry.object_kind.clone(),
            text(&entry.object_id),
            text(&entry.session_id),
            entry.result.clone(),
            text(&entry.address),
            text(&entry.request_id),
            guarded(&detail),
            entry.hash.clone(),
        ])
        .internal(doing)?;
    }
    rows.into_inner().internal(doing)
}

/// A spreadsheet takes a text that begins so for a formula.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// Lets go of what is older than the settings say, now and then. Ends with the process.
pub async fn keep(state: AppState) {
    let Some(kept) = state.config.audit_kept.and_then(|kept| TimeDelta::from_std(kept).ok()) else { return };
    loop {
        match audit::let_go(&state.store, kept).await {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "let go of what was done longer ago than AUDIT_DAYS"),
            Err(error) => tracing::warn!(%error, "old entries of what was done could not be let go; it is tried again"),
        }
        tokio::time::sleep(LOOKED_EVERY).await;
    }
}
