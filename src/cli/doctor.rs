//! `doctor`: is every stored file what it was?

use std::io::{IsTerminal, Write};

use clap::Args;
use serde::Serialize;

use super::out::{print, print_json, watched};
use crate::app;
use crate::config::Config;
use crate::doctor::found::Rebuilt;
use crate::doctor::sweep::{self, Swept, TrashSize};
use crate::doctor::{self, Depth, Report};
use crate::error::{Context, Error, Result, codes};

/// What to do beside looking.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Rewrite session.json files that are out of date
    #[arg(long)]
    repair: bool,
    /// First make the catalogue anew from the session folders; nobody else may have the store open
    #[arg(long)]
    rebuild: bool,
    /// First move files that the catalogue does not know into trash/ of their folder; nobody else may have the store open
    #[arg(long)]
    sweep: bool,
    /// First remove for ever what is in trash/
    #[arg(long)]
    empty_trash: bool,
    /// Do not ask before trash/ is emptied
    #[arg(long)]
    yes: bool,
}

/// The report, and what was done before it.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    rebuilt: Option<Rebuilt>,
    /// Files that were moved into `trash/`.
    swept: Vec<Swept>,
    /// Files in `trash/`, and their bytes.
    trash: TrashSize,
    /// Those that were removed for ever.
    emptied: Option<TrashSize>,
    #[serde(flatten)]
    report: Report,
}

/// Checks size and hash of every file, after what else was asked for.
///
/// # Errors
/// `files_damaged` when a file is missing or another than was published, after the report is printed.
pub async fn run(config: Config, args: &DoctorArgs, json: bool) -> Result<()> {
    let emptied = if args.empty_trash { Some(empty_trash(&config, args.yes).await?) } else { None };
    let rebuilt = if args.rebuild { Some(doctor::rebuild(&config).await?) } else { None };
    let swept = if args.sweep { sweep::sweep(&config).await? } else { Vec::new() };
    let trash = sweep::trash_size(&config).await?;
    let state = app::build(config).await?;
    let checked = doctor::check(&state, Depth::Hash, args.repair).await;
    let closed = app::close(state).await;
    let mut report = checked?;
    closed?;
    report.repaired += rebuilt.as_ref().map_or(0, |rebuilt| rebuilt.sessions + rebuilt.models);
    let damaged = report.damaged.len();
    let answer = Answer { rebuilt, swept, trash, emptied, report };
    if json {
        print_json(&answer)?;
    } else {
        print(summary(&answer))?;
    }
    match damaged {
        0 => Ok(()),
        1 => Err(Error::new(codes::FILES_DAMAGED, "1 stored file is not what was published")),
        n => Err(Error::new(codes::FILES_DAMAGED, format!("{n} stored files are not what was published"))),
    }
}

/// Asks a person at a terminal; a script has said what it wants by running the command.
async fn empty_trash(config: &Config, yes: bool) -> Result<TrashSize> {
    let TrashSize { files, bytes } = sweep::trash_size(config).await?;
    if files > 0 && !yes && watched() && std::io::stdin().is_terminal() {
        eprint!("Remove {files} files ({bytes} bytes) in trash for ever? Type yes: ");
        std::io::stderr().flush().internal("asking")?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).internal("reading the answer")?;
        if answer.trim() != "yes" {
            return Err(Error::new(codes::NOT_CONFIRMED, "nothing was removed"));
        }
    }
    sweep::empty_trash(config).await
}

fn summary(Answer { rebuilt, swept, trash, emptied, report }: &Answer) -> String {
    let Report { damaged, orphans, checked, repaired, outdated_snapshots, unconfirmed } = report;
    let mut lines = Vec::new();
    if let Some(emptied) = emptied {
        lines.push(format!("removed {} files of {} bytes from trash", emptied.files, emptied.bytes));
    }
    if let Some(rebuilt) = rebuilt {
        lines.push(format!("brought back {} sessions, {} were known already", rebuilt.sessions, rebuilt.kept));
        if rebuilt.models > 0 {
            lines.push(format!("brought back {} models from their files", rebuilt.models));
        }
        let unreadable = rebuilt.unreadable.iter();
        lines.extend(unreadable.map(|folder| format!("nothing can be learnt from {folder}; it is left as it is")));
        let never = rebuilt.unacknowledged.iter();
        lines.extend(never.map(|path| format!("{path}: no answer ever told of this version; it is left as it is")));
        lines.extend(rebuilt.notes.iter().cloned());
    }
    lines.extend(swept.iter().map(|Swept { path, trash }| format!("{path}: moved to {trash}")));
    lines.extend(damaged.iter().map(|f| format!("{} ({}): {}", f.path, f.integrity, f.message)));
    lines.extend(orphans.iter().map(|path| {
        format!(
            "{path}: no session knows this file; `doctor --rebuild` brings sessions back, `doctor --sweep` moves it to \
             trash, nothing is removed"
        )
    }));
    lines.extend(unconfirmed.iter().map(|id| {
        format!(
            "session {id} is unconfirmed: no answer ever told of it; `sessions restore` confirms it, `purge` removes it"
        )
    }));
    lines.extend(
        outdated_snapshots.iter().map(|id| format!("{id}/session.json is out of date; `doctor --repair` rewrites it")),
    );
    if trash.files > 0 {
        let TrashSize { files, bytes } = trash;
        lines
            .push(format!("{files} files of {bytes} bytes are in trash; `doctor --empty-trash` removes them for ever"));
    }
    let (damaged, orphans) = (damaged.len(), orphans.len());
    lines
        .push(format!("checked {checked} files: {damaged} damaged or missing, {orphans} unknown, {repaired} repaired"));
    lines.join("\n")
}
