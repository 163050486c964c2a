//! `doctor`: is every stored file what it was?

use clap::Args;

use super::out::{print, print_json};
use crate::app;
use crate::config::Config;
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

/// Checks size and hash of every file.
///
/// # Errors
/// `files_damaged` when a file is missing or another than was published, after the report is printed.
pub async fn run(config: Config, args: &DoctorArgs, json: bool) -> Result<()> {
    let mut rebuilt = 0;
    if args.rebuild {
        let done = doctor::rebuild(&config).await?;
        rebuilt = done.sessions;
        if !json {
            print(format!("brought back {} sessions, {} were known already", done.sessions, done.kept))?;
            for folder in &done.unreadable {
                print(format!("nothing can be learnt from the folder {folder}; it is left as it is"))?;
            }
        }
    }
    let state = app::build(config).await?;
    let mut report = doctor::check(&state, Depth::Hash, args.repair).await?;
    report.repaired += rebuilt;
    if json {
        print_json(&report)?
    } else {
        print(summary(&report))?
    }
    app::close(state).await?;
    match report.damaged.len() {
        0 => Ok(()),
        1 => Err(Error::conflict("files_damaged", "1 stored file is not what was published")),
        n => Err(Error::conflict("files_damaged", format!("{n} stored files are not what was published"))),
    }
}

fn summary(report: &Report) -> String {
    let Report { damaged, orphans, checked, repaired, outdated_snapshots } = report;
    let mut lines: Vec<String> =
        damaged.iter().map(|f| format!("{} ({}): {}", f.path, f.integrity, f.message)).collect();
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
