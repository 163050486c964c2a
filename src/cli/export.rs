//! `export`: a stored frame as a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use futures_util::StreamExt;
use serde_json::json;

use super::data::{Which, WindowArgs};
use super::out::{print_json, tell};
use crate::datasets::export::{self, ByteStream, Form};
use crate::datasets::version;
use crate::datasets::window::Selection;
use crate::error::{Error, Result, codes};
use crate::state::AppState;

/// What to write where.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    which: Which,
    /// Told by the file's name when left out, else parquet
    #[arg(long, short)]
    format: Option<FileFormat>,
    /// File to write, or - for standard output; named after the session when left out
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// Who reads the CSV: for a spreadsheet, texts that it would calculate get a ' before them
    #[arg(long = "for", value_name = "READER")]
    reader: Option<CsvReader>,
    /// Columns to write, separated by commas; all when left out
    #[arg(long)]
    columns: Option<String>,
    #[command(flatten)]
    window: WindowArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CsvReader {
    /// A spreadsheet
    Excel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FileFormat {
    /// The stored file itself
    Parquet,
    /// Arrow IPC file (Feather version 2)
    Arrow,
    /// RFC 4180, UTF-8, times with the site's offset
    Csv,
}

impl FileFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Csv => "csv",
        }
    }
}

/// The ending of a file's name, and what it stands for.
pub type Ending<T> = (&'static str, T);

const ENDINGS: &[Ending<FileFormat>] = &[
    ("parquet", FileFormat::Parquet),
    ("arrow", FileFormat::Arrow),
    ("feather", FileFormat::Arrow),
    ("ipc", FileFormat::Arrow),
    ("csv", FileFormat::Csv),
];

/// What the file's name tells: nothing when it has no ending.
///
/// # Errors
/// `unknown_file_format` for another ending than these: the file would not be what its name says.
pub fn told_by_name<T: Copy>(path: Option<&Path>, endings: &[Ending<T>]) -> Result<Option<T>> {
    let Some((path, ending)) = path.and_then(|path| Some((path, path.extension()?))) else { return Ok(None) };
    let known = endings.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
    known.map(|(_, told)| Some(*told)).ok_or_else(|| {
        let known: Vec<String> = endings.iter().map(|(known, _)| format!(".{known}")).collect();
        let message = format!("{}: this is no ending of what can be written: {}", path.display(), known.join(", "));
        Error::invalid("output", codes::UNKNOWN_FILE_FORMAT, message)
    })
}

/// The format that was asked for, which the file's name must not belie.
fn format_of(asked: Option<FileFormat>, output: Option<&Path>) -> Result<FileFormat> {
    match (asked, told_by_name(output, ENDINGS)?) {
        (Some(asked), Some(told)) if asked != told => {
            let path = output.map(|path| path.display().to_string()).unwrap_or_default();
            let message = format!("{path}: a file of {} would be named .{}", asked.extension(), told.extension());
            Err(Error::invalid("output", codes::UNKNOWN_FILE_FORMAT, message))
        }
        (asked, told) => Ok(asked.or(told).unwrap_or(FileFormat::Parquet)),
    }
}

/// Writes the file; it appears under its name only when it is whole.
///
/// # Errors
/// As [`version::resolve`]; when the file cannot be written, or is there already and was not named.
pub async fn run(state: &AppState, args: ExportArgs, json: bool) -> Result<()> {
    let format = format_of(args.format, args.output.as_deref())?;
    if args.reader.is_some() && format != FileFormat::Csv {
        let message =
            format!("--for excel is said of a CSV, and this would be {}: add --format csv", format.extension());
        return Err(Error::invalid("for", codes::BAD_USAGE, message));
    }
    let dataset = version::resolve(state, &args.which.selector(state).await?).await?;
    let selection = Selection::of(&dataset, args.columns.as_deref(), &args.window.query())?;
    let form = match format {
        FileFormat::Parquet => Form::Parquet,
        FileFormat::Arrow => Form::Arrow,
        FileFormat::Csv => Form::Csv { spreadsheet: args.reader.is_some() },
    };
    let rows = export::stream(state, &dataset, form, &selection).await?;
    if args.output.as_deref() == Some(Path::new("-")) {
        return match copy(rows, &mut std::io::stdout().lock()).await {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map(|_| ()).map_err(|error| unwritable(Path::new("standard output"), error)),
        };
    }
    let path = match args.output {
        Some(path) => path,
        None => {
            let part = if selection.is_whole() { "" } else { "-part" };
            let name = format!("{}-{}{part}.{}", dataset.session_name, dataset.label.version, format.extension());
            let path = PathBuf::from(name.replace(|c: char| c.is_control() || "/\\:*?\"<>|".contains(c), "_"));
            if path.exists() {
                let message = format!("{} is there already; name the file with -o to replace it", path.display());
                return Err(Error::new(codes::FILE_EXISTS, message));
            }
            path
        }
    };
    let size_bytes = write(rows, &path).await.map_err(|error| unwritable(&path, error))?;
    if json {
        let dataset = &dataset.label;
        return print_json(&json!({
            "file": path.display().to_string(), "size_bytes": size_bytes, "session_id": dataset.session_id,
            "dataset_id": dataset.dataset_id, "version": dataset.version,
        }));
    }
    let what = match selection.is_whole() {
        true => format!("{} rows", dataset.row_count),
        false => "a part".to_owned(),
    };
    tell(&format!("wrote {}: {what} of {}, {size_bytes} bytes", path.display(), dataset.label.version));
    Ok(())
}

/// Writes a file, which appears under its name only when it is whole.
pub async fn write(rows: ByteStream, path: &Path) -> std::io::Result<u64> {
    let mut name = path.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = async {
        let mut file = std::fs::File::create(&part)?;
        let bytes = copy(rows, &mut file).await?;
        file.sync_all()?;
        drop(file);
        std::fs::rename(&part, path)?;
        Ok(bytes)
    };
    let result = written.await;
    if result.is_err() {
        // It may never have come to be; the failure itself is what counts.
        let _ = std::fs::remove_file(&part);
    }
    result
}

/// Writing blocks this thread, which has nothing else to do; the rows are made on others.
pub async fn copy(mut rows: ByteStream, to: &mut impl Write) -> std::io::Result<u64> {
    let mut bytes = 0;
    while let Some(chunk) = rows.next().await {
        let chunk = chunk?;
        to.write_all(&chunk)?;
        bytes += chunk.len() as u64;
    }
    to.flush()?;
    Ok(bytes)
}

/// That a file cannot be written.
pub fn unwritable(path: &Path, error: std::io::Error) -> Error {
    let message = format!("{} cannot be written: {error}", path.display());
    Error::new(codes::UNWRITABLE, message)
}
