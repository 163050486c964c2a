//! `status`: how the service is, in short. `settings`: what is in force, and where it came from.

use super::out::{Align, print, print_json, table};
use crate::config::Config;
use crate::error::Result;
use crate::health::Check;
use crate::observability::settings;
use crate::observability::status::{self, ServiceStatus};
use crate::state::AppState;

/// Shows how the service is.
///
/// # Errors
/// As [`status::status`].
pub async fn run_status(state: &AppState, json: bool) -> Result<()> {
    let status = status::status(state).await?;
    if json {
        return print_json(&status);
    }
    let ServiceStatus { database, storage, sessions, jobs_queued, jobs_running, stored_bytes, free_bytes, .. } = status;
    let word = |check: Check| match check {
        Check::Ok => "ok",
        Check::Failed => "failed",
        Check::ReadOnly => "read only",
    };
    let rows = [
        ["status", status.status],
        ["version", status.version],
        ["database", word(database)],
        ["storage", word(storage)],
        ["sessions", &sessions.to_string()],
        ["jobs", &format!("{jobs_queued} queued, {jobs_running} running")],
        ["stored bytes", &stored_bytes.to_string()],
        ["free bytes", &free_bytes.map(|bytes| bytes.to_string()).unwrap_or_default()],
    ];
    print(rows.map(|[name, value]| format!("{name:<14}{value}")).join("\n"))
}

/// Shows every setting. Opens no store.
///
/// # Errors
/// When standard output cannot be written.
pub fn run_settings(config: &Config, json: bool) -> Result<()> {
    let in_force = settings::in_force(config);
    if json {
        return print_json(&in_force);
    }
    let rows: Vec<Vec<String>> = in_force
        .settings
        .into_iter()
        .map(|setting| vec![setting.name.to_owned(), setting.value.unwrap_or_default(), setting.origin.to_owned()])
        .collect();
    print(table(&[("SETTING", Align::Left), ("VALUE", Align::Left), ("FROM", Align::Left)], &rows))
}
