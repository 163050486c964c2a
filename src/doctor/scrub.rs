//! Hashes every stored file once in `SCRUB_DAYS`, slowly, beside the server: disks lose bits without a trace.
//!
//! The file that was not looked at for the longest time comes first. One file at a time, at most [`BYTES_PER_SECOND`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::checks::{self, Checks};
use super::files::{self, KnownFile, KnownFiles};
use crate::error::{Context, Result};
use crate::state::AppState;
use hvac_store::entity::Integrity;
use hvac_store::integrity::Root;
use hvac_store::now;

/// A twentieth of what a slow disk reads.
const BYTES_PER_SECOND: u32 = 8 * 1024 * 1024;
/// Files, or time, between two notes of how far it has come.
const NOTED: (usize, Duration) = (200, Duration::from_secs(30));
/// Longest pause, in which new files are not looked for: they were hashed when they were written.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// Goes on for ever, unless it is switched off.
pub(super) async fn run(state: AppState) {
    let Some(period) = state.config.scrub_every else { return };
    loop {
        let pause = match round(&state, period).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "the stored files could not be scrubbed; it is tried again");
                Duration::from_secs(60).min(period)
            }
        };
        tokio::time::sleep(pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
}

/// Hashes what is due, and tells how long to wait for the next.
async fn round(state: &AppState, period: Duration) -> Result<Duration> {
    let store = &state.store;
    let known = files::known(store.db.read()).await?;
    let checks = checks::all(store.db.read()).await?;
    let (due, next) = plan(&known, &checks, now(), TimeDelta::from_std(period).unwrap_or(TimeDelta::MAX));
    let of_root = |root: &str| [Root::Sessions, Root::Models].into_iter().find(|known| known.as_str() == root);
    let is_known =
        |(root, path): &(String, String)| of_root(root).is_some_and(|root| known.contains_key(&(root, path.clone())));
    checks::forget(store, checks.into_keys().filter(|key| !is_known(key)).collect()).await?;
    let (mut done, mut noted) = (Vec::new(), Instant::now());
    for file in &due {
        look(state, file).await?;
        done.push((file.file.root, file.file.path.clone()));
        if done.len() >= NOTED.0 || noted.elapsed() >= NOTED.1 {
            checks::note(store, &std::mem::take(&mut done)).await?;
            noted = Instant::now();
        }
    }
    if !done.is_empty() {
        checks::note(store, &done).await?;
    }
    let pause = if due.is_empty() { (next - now()).to_std().unwrap_or_default() } else { period };
    Ok(pause)
}

/// The files that were not hashed for the whole period, the longest ago first; and when the next one will be due.
fn plan<'a>(
    known: &'a KnownFiles,
    checks: &Checks,
    at: DateTime<Utc>,
    period: TimeDelta,
) -> (Vec<&'a KnownFile>, DateTime<Utc>) {
    let mut due = Vec::new();
    let mut next = at.checked_add_signed(period).unwrap_or(DateTime::<Utc>::MAX_UTC);
    for ((root, path), file) in known {
        let checked = checks.get(&(root.as_str().to_owned(), path.clone())).copied();
        match checked.and_then(|checked| checked.checked_add_signed(period)) {
            Some(again) if again > at => next = next.min(again),
            _ => due.push((checked, file)),
        }
    }
    due.sort_by_key(|(checked, _)| *checked);
    (due.into_iter().map(|(_, file)| file).collect(), next)
}

async fn look(state: &AppState, known: &KnownFile) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    // A process that ends does not wait for a file to be read at leisure.
    let _stop = StopOnDrop(Arc::clone(&stop));
    let hashing = {
        let (objects, file) = (state.store.root(known.file.root).clone(), known.file.clone());
        let mut slowly = move |bytes: usize| {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            std::thread::sleep(Duration::from_secs(1).mul_f64(f64::from(bytes) / f64::from(BYTES_PER_SECOND)));
            if stop.load(Ordering::Relaxed) { Err(io::Error::other("the process ends")) } else { Ok(()) }
        };
        move || objects.verify_on_disk(&file.path, &file.sha256, file.size_bytes, &mut slowly)
    };
    let verdict = tokio::task::spawn_blocking(hashing).await.internal("scrubbing a stored file")??;
    match verdict {
        Err(integrity) => state.store.found(&known.file, integrity).await,
        Ok(_) if known.integrity != Integrity::Ok => {
            state.store.mark(known.file.root, &known.file.path, Integrity::Ok).await?;
            tracing::info!(path = known.file.path, "a stored file is what it was again");
        }
        Ok(_) => {}
    }
    Ok(())
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hvac_store::integrity::StoredFile;

    #[test]
    fn what_was_not_looked_at_for_the_longest_time_comes_first() {
        let at = DateTime::from_timestamp_millis(1_800_000_000_000).unwrap_or_default();
        let file = |path: &str| {
            let file = StoredFile { root: Root::Sessions, path: path.to_owned(), sha256: String::new(), size_bytes: 1 };
            ((Root::Sessions, path.to_owned()), KnownFile { file, session_id: String::new(), integrity: Integrity::Ok })
        };
        let known: KnownFiles = ["new", "old", "never", "older"].map(file).into();
        let checked = |path: &str, days: i64| (("sessions".to_owned(), path.to_owned()), at - TimeDelta::days(days));
        let checks: Checks = [checked("new", 2), checked("old", 7), checked("older", 9)].into();
        let (due, next) = plan(&known, &checks, at, TimeDelta::days(7));
        let due: Vec<&str> = due.iter().map(|known| known.file.path.as_str()).collect();
        assert_eq!((due, next), (vec!["never", "older", "old"], at + TimeDelta::days(5)));
    }
}
