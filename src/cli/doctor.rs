//! `doctor`: is every stored file what it was?

use clap::Args;
use serde::Serialize;

use super::out::{print, print_json};
use crate::app;
use crate::config::Config;
use crate::doctor::rebuild::Rebuilt;
use crate::doctor::{self, Depth, Report};
use crate::error::{Error, Result};

/// What to do beside looking.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Rewrite session.json files that are out of date
    #[arg(long)]
    repair: bool,
    /// First make the catalogue anew from the session folders; nobody else may have the store open
    #[arg(long)]
    rebuild: bool,
}

/// The report, and what a rebuild before it did.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    rebuilt: Option<Rebuilt>,
    #[serde(flatten)]
    report: Report,
}

/// Checks size and hash of every file, after a rebuild if one is wanted.
///
/// # Errors
/// `files_damaged` when a file is missing or another than was published, after the report is printed.
pub async fn run(config: Config, args: &DoctorArgs, json: bool) -> Result<()> {
    let rebuilt = if args.rebuild { Some(doctor::rebuild(&config).await?) } else { None };
    let state = app::build(config).await?;
    let checked = doctor::check(&state, Depth::Hash, args.repair).await;
    let closed = app::close(state).await;
    let mut report = checked?;
    closed?;
    report.repaired += rebuilt.as_ref().map_or(0, |rebuilt| rebuilt.sessions + rebuilt.models);
    let damaged = report.damaged.len();
    let answer = Answer { rebuilt, report };
    if json {
        print_json(&answer)?;
    } else {
        print(summary(&answer))?;
    }
    match damaged {
        0 => Ok(()),
        1 => Err(Error::conflict("files_damaged", "1 stored file is not what was published")),
        n => Err(Error::conflict("files_damaged", format!("{n} stored files are not what was published"))),
    }
}

fn summary(Answer { rebuilt, report }: &Answer) -> String {
    let Report { damaged, orphans, checked, repaired, outdated_snapshots } = report;
    let mut lines = Vec::new();
    if let Some(rebuilt) = rebuilt {
        lines.push(format!("brought back {} sessions, {} were known already", rebuilt.sessions, rebuilt.kept));
        if rebuilt.models > 0 {
            lines.push(format!("brought back {} models from their files", rebuilt.models));
        }
        let unreadable = rebuilt.unreadable.iter();
        lines.extend(unreadable.map(|folder| format!("nothing can be learnt from {folder}; it is left as it is")));
    }
    lines.extend(damaged.iter().map(|f| format!("{} ({}): {}", f.path, f.integrity, f.message)));
    lines.extend(orphans.iter().map(|path| {
        format!("{path}: no session knows this file; `doctor --rebuild` brings sessions back, nothing is removed")
    }));
    lines.extend(
        outdated_snapshots.iter().map(|id| format!("{id}/session.json is out of date; `doctor --repair` rewrites it")),
    );
    let (damaged, orphans) = (damaged.len(), orphans.len());
    lines
        .push(format!("checked {checked} files: {damaged} damaged or missing, {orphans} unknown, {repaired} repaired"));
    lines.join("\n")
}
