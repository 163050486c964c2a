//! Which stored file a request means, and whether it is still what was published.
//!
//! Asking the database costs more than a cached answer, so what a selector means is kept until this process writes
//! anything at all ([`hvac_store::db::Db::stamp`]), so one reads one's own writes, and at most for [`KEPT`], for
//! other processes (the command line) write beside the server.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::published;
use super::resolved::{Resolved, unusable};
use super::store::{self, SessionRow, VersionRow};
use super::{DatasetLabel, DatasetSelector};
use crate::error::{Error, Result, codes};
use crate::principal::Sight;
use crate::state::AppState;
use hvac_store::entity::Integrity;

/// Settles which frame is meant.
///
/// The file's size and hash are checked when this process first opens it, and when it looks otherwise than then; what
/// does not match is marked and never deleted.
///
/// # Errors
/// 404 for an unknown or deleted session, or a version it has not; 409 for one that is missing or
/// damaged; 422 when `session_id` is left out and `REQUIRE_SESSION_ID` is on, or for a version that is no version.
pub async fn resolve(state: &AppState, selector: &DatasetSelector) -> Result<Resolved> {
    Ok(Arc::unwrap_or_clone(settled(state, selector).await?))
}

/// As [`resolve`], shared.
///
/// # Errors
/// As [`resolve`].
pub async fn settled(state: &AppState, selector: &DatasetSelector) -> Result<Arc<Resolved>> {
    let slot = Slot::of(selector, state.principal().sight());
    match slot.get(state) {
        Some(known) => Ok(known),
        // Seldom, and so big that every request would have to carry it.
        None => Box::pin(settle(state, selector, &slot)).await,
    }
}

async fn settle(state: &AppState, selector: &DatasetSelector, slot: &Slot) -> Result<Arc<Resolved>> {
    let _one_asks = slot.turn.lock().await;
    if let Some(known) = slot.get(state) {
        return Ok(known);
    }
    let (stamp, at) = (state.store.db.stamp(), Instant::now());
    let resolved = Arc::new(ask(state, selector).await?);
    *slot.kept() = Some(Kept { stamp, at, resolved: Arc::clone(&resolved) });
    Ok(resolved)
}

/// How long other processes' writes may stay unseen.
const KEPT: Duration = Duration::from_millis(20);
/// Selectors that are remembered.
const SLOTS: usize = 1024;

/// What a selector meant, and who is asking.
#[derive(Default)]
struct Slot {
    kept: Mutex<Option<Kept>>,
    turn: tokio::sync::Mutex<()>,
}

struct Kept {
    /// Taken before asking.
    stamp: u64,
    /// When asking began.
    at: Instant,
    resolved: Arc<Resolved>,
}

impl Slot {
    /// One for all that see the same: a selector means nothing to whoever does not see its session.
    fn of(selector: &DatasetSelector, sight: Sight) -> Arc<Self> {
        type Slots = HashMap<(DatasetSelector, Sight), Arc<Slot>>;
        static ALL: LazyLock<Mutex<Slots>> = LazyLock::new(Mutex::default);
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (selector.clone(), sight);
        if let Some(slot) = all.get(&key) {
            return Arc::clone(slot);
        }
        if all.len() >= SLOTS {
            all.clear();
        }
        Arc::clone(all.entry(key).or_default())
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What still holds. Stamps of two stores are never the same, so they can share a slot.
    fn get(&self, state: &AppState) -> Option<Arc<Resolved>> {
        let kept = self.kept();
        let kept = kept.as_ref()?;
        let holds = kept.stamp == state.store.db.stamp() && kept.at.elapsed() < KEPT;
        holds.then(|| Arc::clone(&kept.resolved))
    }
}

async fn ask(state: &AppState, selector: &DatasetSelector) -> Result<Resolved> {
    let wanted = Wanted::parse(selector.version.as_deref())?;
    let session_id = selector.session_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    let (session, assumed, row) = find(state, session_id, &wanted).await?;
    let label = DatasetLabel {
        session_id: session.id.clone(),
        dataset_id: row.id.clone(),
        version: format!("{}-v{}", row.kind.as_str(), row.version),
        version_number: row.version.unsigned_abs(),
    };
    if row.integrity != Integrity::Ok {
        return Err(unusable(&label, row.integrity));
    }
    let (opened, stamp) = match published::open(state, &row).await? {
        Ok(opened) => opened,
        Err(integrity) => return Err(unusable(&label, integrity)),
    };
    let zone = session.timezone.as_deref().and_then(|zone| zone.parse().ok()).unwrap_or(state.config.site_timezone);
    Ok(Resolved {
        label,
        path: row.path,
        sha256: row.sha256,
        size_bytes: row.size_bytes.unsigned_abs(),
        row_count: opened.row_count(),
        columns: Arc::clone(&opened.columns),
        known: opened,
        stamp,
        zone,
        session_name: session.name,
        assumed_session: assumed,
    })
}

/// What a user may write as a version.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Latest,
    Parsed(Option<i32>),
    Cleaned(Option<i32>),
    Id(String),
}

impl Wanted {
    fn parse(version: Option<&str>) -> Result<Self> {
        let text = version.unwrap_or_default().trim();
        let number = |prefix: &str| text.strip_prefix(prefix)?.parse::<i32>().ok().filter(|n| *n > 0);
        match text {
            "" | "latest" => Ok(Self::Latest),
            "parsed" => Ok(Self::Parsed(None)),
            "cleaned" => Ok(Self::Cleaned(None)),
            _ => None
                .or_else(|| Some(Self::Parsed(Some(number("parsed-v")?))))
                .or_else(|| Some(Self::Cleaned(Some(number("cleaned-v")?))))
                .or_else(|| Some(Self::Id(uuid::Uuid::try_parse(text).ok()?.hyphenated().to_string())))
                .ok_or_else(|| {
                    Error::invalid(
                        "version",
                        codes::BAD_VERSION,
                        format!(
                            "version: '{text}' is no version; use latest, parsed, cleaned, parsed-v1, cleaned-v1 or an id"
                        ),
                    )
                }),
        }
    }
}

/// Session, the id of the one that was assumed, and version.
async fn find(
    state: &AppState,
    session_id: Option<&str>,
    wanted: &Wanted,
) -> Result<(SessionRow, Option<String>, VersionRow)> {
    let db = &state.store.db;
    if let (Wanted::Id(id), None) = (wanted, session_id) {
        let row = store::by_id(db, id).await?.ok_or_else(|| unknown_version(id, None))?;
        // Of a session that is not seen, no more is told than of none.
        let session = existing(state, &row.session_id).await.map_err(|error| match error.code {
            code if code == codes::UNKNOWN_SESSION => unknown_version(id, None),
            _ => error,
        })?;
        return Ok((session, None, row));
    }
    let (session, assumed) = match session_id {
        Some(id) => (existing(state, id).await?, None),
        None if state.config.require_session_id => {
            return Err(Error::invalid(
                "session_id",
                codes::SESSION_ID_REQUIRED,
                "session_id: this server requires it; GET /api/sessions lists the sessions",
            ));
        }
        None => {
            let session = store::last_parsed_over_http(db, state.principal()).await?.ok_or_else(|| {
                Error::new(
                    codes::NO_SESSION,
                    "no session has been parsed over HTTP yet: parse reports with POST /api/parse, or name a session_id",
                )
            })?;
            let id = session.id.clone();
            (session, Some(id))
        }
    };
    let row = match wanted {
        Wanted::Latest => match store::parsed(db, &session.id, None).await? {
            Some(parsed) => Some(store::cleaned(db, &session.id, None, Some(&parsed.id)).await?.unwrap_or(parsed)),
            None => None,
        },
        Wanted::Parsed(version) => store::parsed(db, &session.id, *version).await?,
        Wanted::Cleaned(version) => store::cleaned(db, &session.id, *version, None).await?,
        Wanted::Id(id) => store::by_id(db, id).await?.filter(|row| row.session_id == session.id),
    };
    let row = row.ok_or_else(|| match wanted {
        Wanted::Latest => Error::new(
            codes::NOT_PARSED,
            format!("session {} has no data yet: parse it with POST /api/parse", session.id),
        ),
        Wanted::Parsed(version) => unknown_version(&named("parsed", *version), Some(&session.id)),
        Wanted::Cleaned(version) => unknown_version(&named("cleaned", *version), Some(&session.id)),
        Wanted::Id(id) => unknown_version(id, Some(&session.id)),
    })?;
    Ok((session, assumed, row))
}

fn named(kind: &str, version: Option<i32>) -> String {
    version.map_or_else(|| kind.to_owned(), |n| format!("{kind}-v{n}"))
}

async fn existing(state: &AppState, id: &str) -> Result<SessionRow> {
    let unknown =
        || Error::new(codes::UNKNOWN_SESSION, format!("there is no session '{id}'; GET /api/sessions lists them"));
    let session = store::session(&state.store.db, state.principal(), id).await?.ok_or_else(unknown)?;
    if session.deleted_at.is_some() {
        let message = format!("session {id} is deleted; POST /api/sessions/{id}/restore brings it back");
        return Err(Error::new(codes::DELETED_SESSION, message));
    }
    Ok(session)
}

fn unknown_version(version: &str, session_id: Option<&str>) -> Error {
    let message = match session_id {
        Some(id) => format!("session {id} has no version {version}; GET /api/sessions/{id} lists its versions"),
        None => format!("there is no version {version}"),
    };
    Error::new(codes::UNKNOWN_VERSION, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_are_written_as_the_design_has_them() {
        let parse = |text| Wanted::parse(Some(text)).unwrap();
        assert_eq!(Wanted::parse(None).unwrap(), Wanted::Latest);
        assert_eq!(parse("latest"), Wanted::Latest);
        assert_eq!(parse("parsed"), Wanted::Parsed(None));
        assert_eq!(parse("parsed-v2"), Wanted::Parsed(Some(2)));
        assert_eq!(parse(" cleaned-v1"), Wanted::Cleaned(Some(1)));
        let id = "0199f6a0-0000-7000-8000-000000000001";
        assert_eq!(parse(id), Wanted::Id(id.to_owned()));
        for bad in ["parsed-v0", "parsed-v-1", "v1", "raw", "parsed-v99999999999"] {
            assert_eq!(Wanted::parse(Some(bad)).unwrap_err().code.name, "bad_version", "{bad}");
        }
    }
}
