//! `bundle` and `import`: a whole session as one file, and such a file into this store.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::export::{copy, unwritable, write};
use super::out::{print, print_json, tell};
use crate::bundles::arrived::{TableFields, import_file};
use crate::bundles::{Imported, export};
use crate::error::{Error, Result, codes};
use crate::sessions::{OnConflict, catalogue};
use crate::state::AppState;

/// Which session to write where.
#[derive(Debug, Args)]
pub struct BundleArgs {
    /// Its id, the beginning of it, or its name
    session: String,
    /// File to write, or - for standard output; named after the session when left out
    #[arg(long, short)]
    output: Option<PathBuf>,
}

/// Which files to bring in.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Bundles of sessions, or Parquet or Arrow IPC files, each of which becomes a session
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Of a table: name of its session
    #[arg(long)]
    name: Option<String>,
    /// Of a table: its site, such as KMUH
    #[arg(long)]
    site: Option<String>,
    /// Of a table: IANA zone of times without an offset, such as Asia/Taipei
    #[arg(long, visible_alias = "zone", value_name = "ZONE")]
    timezone: Option<String>,
    /// Of a table: the column of its times
    #[arg(long, value_name = "COLUMN")]
    time_column: Option<String>,
    /// Of a table: which of two different values for one time stays: last (default), first or error; stated, it accepts
    /// that the others are lost
    #[arg(long, value_name = "POLICY", value_parser = super::parse::on_conflict)]
    on_conflict: Option<OnConflict>,
    /// Of a table: go on where more than 2 % of the readings would be lost
    #[arg(long)]
    accept_loss: bool,
}

/// Writes the bundle; it appears under its name only when it is whole.
///
/// # Errors
/// As [`export::bundle`]; when the file cannot be written, or is there already and was not named.
pub async fn run(state: &AppState, args: BundleArgs, json: bool) -> Result<()> {
    let id = catalogue::find(state, &args.session).await?;
    let bundle = export::bundle(state, &id).await?;
    if args.output.as_deref() == Some(Path::new("-")) {
        return match copy(bundle.stream(), &mut std::io::stdout().lock()).await {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map(|_| ()).map_err(|error| unwritable(Path::new("standard output"), error)),
        };
    }
    let path = match args.output {
        Some(path) => path,
        None => {
            let name = format!("{}-bundle.zip", bundle.session_name);
            let path = PathBuf::from(name.replace(|c: char| c.is_control() || "/\\:*?\"<>|".contains(c), "_"));
            if path.exists() {
                let message = format!("{} is there already; name the file with -o to replace it", path.display());
                return Err(Error::new(codes::FILE_EXISTS, message));
            }
            path
        }
    };
    let size_bytes = write(bundle.stream(), &path).await.map_err(|error| unwritable(&path, error))?;
    if json {
        return print_json(&json!({
            "file": path.display().to_string(), "size_bytes": size_bytes, "session_id": id, "files": bundle.files,
        }));
    }
    tell(&format!("wrote {}: session {id}, {} files, {size_bytes} bytes", path.display(), bundle.files));
    Ok(())
}

/// Brings the files in, one after the other; those before one that fails are in.
///
/// # Errors
/// As the use case, with the file's name.
pub async fn run_import(state: &AppState, args: ImportArgs, json: bool) -> Result<()> {
    let fields = TableFields {
        name: args.name,
        site: args.site,
        timezone: args.timezone,
        time_column: args.time_column,
        on_conflict: args.on_conflict,
        accept_loss: args.accept_loss,
    };
    let mut all = Vec::new();
    for path in args.files {
        let shown = path.display().to_string();
        let imported = import_file(state, path, fields.clone()).await;
        let imported = imported.map_err(|error| named(&shown, error))?;
        if !json {
            print(in_words(&shown, &imported))?;
        }
        all.push(imported);
    }
    if json { print_json(&all) } else { Ok(()) }
}

fn named(path: &str, mut error: Error) -> Error {
    error.message = format!("{path}: {}", error.message);
    error
}

fn in_words(path: &str, imported: &Imported) -> String {
    let Imported { session_id, name, files, size_bytes, versions, models, notes, .. } = imported;
    let what = if imported.imported { "brought in" } else { "is here already, nothing was changed" };
    let parts: Vec<&str> = versions.iter().chain(models).map(String::as_str).collect();
    let head = format!(
        "{path}: session {session_id} ({name}) {what}: {files} files, {size_bytes} bytes; {}",
        parts.join(", ")
    );
    std::iter::once(head).chain(notes.iter().map(|note| format!("  {note}"))).collect::<Vec<_>>().join("\n")
}
