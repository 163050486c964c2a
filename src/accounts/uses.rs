//! That a credential was used is written down: at most once a minute each, several at once, and in no request's way.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::store;
use crate::credentials::Known;
use crate::error::Result;
use crate::principal::Via;
use crate::state::AppState;

/// How long the first use waits for others.
const GATHERED_FOR: Duration = Duration::from_millis(500);

/// Notes a use.
pub fn note(state: &AppState, known: &Known, at: DateTime<Utc>) {
    if !state.credentials.seen.note_use(known, at) {
        return;
    }
    let state = state.clone();
    // Not one of the tasks that a shutdown waits for.
    tokio::spawn(async move {
        tokio::time::sleep(GATHERED_FOR).await;
        if let Err(error) = write(&state).await {
            tracing::debug!(%error, "when keys and logins were used is not written down");
        }
    });
}

/// When a login ends that is used at that time.
pub fn login_ends_at(state: &AppState, at: DateTime<Utc>, last: DateTime<Utc>) -> DateTime<Utc> {
    let idle = TimeDelta::from_std(state.config.login_idle).unwrap_or(TimeDelta::zero());
    last.min(at + idle)
}

async fn write(state: &AppState) -> Result<()> {
    let uses = state.credentials.seen.take_uses(hvac_store::now());
    let txn = state.store.db.begin().await?;
    for used in uses {
        match (used.via, used.ends_at_last) {
            (Via::Login, Some(last)) => {
                store::login_was_used(&txn, &used.id, used.at, login_ends_at(state, used.at, last)).await?;
            }
            _ => store::key_was_used(&txn, &used.id, used.at).await?,
        }
    }
    txn.commit().await
}
