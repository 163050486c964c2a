//! `parse`: reports from anywhere on disk become a session.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::out::{Align, print, print_said, table};
use super::{progress, verdict};
use crate::config::Config;
use crate::error::{Error, Result, codes};
use crate::sessions::parse::{Caller, parse_files};
use crate::sessions::{
    ColumnOverride, Format, Kind, OnConflict, ParseRequest, Parsed, PrefixBy, ReadOverride, Warning, catalogue,
    date_order_of, folders,
};
use crate::state::AppState;

/// Which reports, and what is known of them.
#[derive(Debug, Args)]
pub struct ParseArgs {
    /// Reports, zip archives of reports, or folders of them
    #[arg(required_unless_present = "session")]
    files: Vec<PathBuf>,
    /// Add the files to this session (or parse it again): its id, the beginning of it, or its name
    #[arg(long)]
    session: Option<String>,
    /// Name of the session
    #[arg(long)]
    name: Option<String>,
    /// Site, such as KMUH
    #[arg(long)]
    site: Option<String>,
    /// IANA zone of times without an offset, such as Asia/Taipei
    #[arg(long, visible_alias = "zone", value_name = "ZONE", value_parser = zone)]
    timezone: Option<String>,
    /// Order of dates: YMD, MDY, DMY, or a pattern such as M/D/YYYY
    #[arg(long, visible_alias = "date-order", value_name = "ORDER", value_parser = date_format)]
    date_format: Option<String>,
    /// Instead of detecting: apogee, wide, narrow, single_point or toa5
    #[arg(long, value_parser = format)]
    format: Option<Format>,
    /// Instead of detecting: one character, or tab
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<String>,
    /// Instead of detecting: utf-8, utf-16le, big5, …
    #[arg(long)]
    encoding: Option<String>,
    /// Line of the header, counted from 1; its last, where it has several
    #[arg(long, value_name = "LINE")]
    header_row: Option<u64>,
    /// Lines at the beginning that are not looked at
    #[arg(long, value_name = "LINES")]
    skip_rows: Option<u64>,
    /// Instead of detecting: the decimal mark, . or ,
    #[arg(long, value_name = "MARK")]
    decimal: Option<String>,
    /// The one sheet of each workbook to read
    #[arg(long)]
    sheet: Option<String>,
    /// Of Parquet and Arrow files: the column of their times
    #[arg(long, value_name = "COLUMN")]
    time_column: Option<String>,
    /// Year of times that do not say theirs
    #[arg(long, allow_negative_numbers = true)]
    year: Option<i32>,
    /// A word of the site for lost values, besides those of the trade (repeatable)
    #[arg(long = "loss-word", value_name = "WORD", allow_hyphen_values = true)]
    loss_words: Vec<String>,
    /// Keep values that their own system calls no reading, instead of a null with that reason
    #[arg(long)]
    keep_bad_status: bool,
    /// The same of single files, by name or pattern: '*.xlsx:sheet=Jan,timezone=UTC' (any of header_row, skip_rows,
    /// decimal, sheet, time_column, year, loss_words (a|b), keep_bad_status, timezone, date_format, format, delimiter, encoding;
    /// repeatable)
    #[arg(long = "override", value_name = "PATTERN:KEY=VALUE,…", value_parser = file_override)]
    overrides: Vec<(String, ReadOverride)>,
    /// What the names of points begin with, where machines use the same ones: file, folder or sheet
    #[arg(long, value_name = "WHAT", value_parser = prefix_by)]
    prefix_by: Option<PrefixBy>,
    /// Which of two different values for one point and time stays: last (default), first or error; stated, it accepts that
    /// the others are lost
    #[arg(long, value_name = "POLICY", value_parser = on_conflict)]
    on_conflict: Option<OnConflict>,
    /// Go on where more than 2 % of the readings would be lost
    #[arg(long)]
    accept_loss: bool,
    /// Leave out reports that cannot be read, each named with its reason, instead of refusing all of them
    #[arg(long)]
    skip_unreadable: bool,
    /// What you know better of a column: 'NAME:unit=kWh,kind=counter,name=MAIN_KWH' (any of the three; repeatable).
    /// Kinds: instantaneous, counter (a register), interval_total (the amount of each interval), status, text
    #[arg(long = "column", value_name = "NAME:KEY=VALUE,…", value_parser = column)]
    columns: Vec<ColumnOverride>,
    /// What the parse may hold in memory before it works in windows of time, such as 768MiB [PARSE_MEMORY_BYTES,
    /// default 512MiB]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory_limit: Option<u64>,
    /// Say what would happen and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Make a new version even when the same request was answered before
    #[arg(long)]
    force: bool,
}

/// Parses the files.
///
/// # Errors
/// As [`parse_files`].
pub async fn run(state: &AppState, args: ParseArgs, json: bool) -> Result<()> {
    let session_id = match &args.session {
        Some(session) => Some(catalogue::find(state, session).await?),
        None => None,
    };
    let mut files = reports(&args.files)?;
    if args.prefix_by == Some(PrefixBy::Folder) {
        files = with_folders(files);
    }
    let request = ParseRequest {
        session_id,
        name: args.name,
        site: args.site,
        timezone: args.timezone,
        date_format: args.date_format,
        format: args.format,
        delimiter: args.delimiter,
        encoding: args.encoding,
        header_row: args.header_row,
        skip_rows: args.skip_rows,
        decimal: args.decimal,
        sheet: args.sheet,
        time_column: args.time_column,
        year: args.year,
        loss_words: args.loss_words,
        keep_bad_status: args.keep_bad_status,
        overrides: merged(args.overrides)?,
        prefix_by: args.prefix_by,
        accept_loss: args.accept_loss,
        skip_unreadable: args.skip_unreadable,
        on_conflict: args.on_conflict,
        columns: args.columns,
        dry_run: args.dry_run,
        force: args.force,
        ..ParseRequest::default()
    };
    let mut state = state.clone();
    if let Some(limit) = args.memory_limit {
        let config = Config { parse_memory_bytes: limit, ..Config::clone(&state.config) };
        state = state.with_config(config);
    }
    let (progress, shown) = progress::show();
    let parsed = parse_files(&state, files, request, Caller::Cli, &progress).await;
    drop(shown);
    let parsed = parsed?;
    show(&parsed, json)
}

/// Prints what came of a parse.
///
/// # Errors
/// When standard output cannot be written.
pub fn show(parsed: &Parsed, json: bool) -> Result<()> {
    if json { print_said(parsed) } else { print(summary(parsed)) }
}

/// The files, with folders replaced by the reports in them.
///
/// # Errors
/// 404 for a file or folder that is not there or has no report in it.
pub fn reports(paths: &[PathBuf]) -> Result<Vec<(String, PathBuf)>> {
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        (name, path)
    };
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            if !path.is_file() {
                let message = format!("{}: there is no such file or folder", path.display());
                return Err(Error::new(codes::UNKNOWN_FILE, message));
            }
            files.push(named(path.clone()));
            continue;
        }
        let mut inside = reports_in(path).map_err(|error| {
            Error::new(codes::UNREADABLE_FOLDER, format!("{}: the folder cannot be read: {error}", path.display()))
        })?;
        if inside.is_empty() {
            let message = format!("{}: there is no report in this folder ({})", path.display(), folders::ENDINGS);
            return Err(Error::new(codes::EMPTY_FOLDER, message));
        }
        inside.sort_unstable();
        files.extend(inside.into_iter().map(named));
    }
    Ok(files)
}

fn reports_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() && path.file_name().is_some_and(|name| folders::may_be_report(&name.to_string_lossy())) {
            found.push(path);
        }
    }
    Ok(found)
}

fn summary(parsed: &Parsed) -> String {
    let rows: Vec<Vec<String>> = parsed
        .files
        .iter()
        .map(|file| {
            let plan = &file.plan;
            let range = file.first_at.iter().zip(&file.last_at).map(|(first, last)| format!("{first} – {last}"));
            vec![
                plan.file_name.clone(),
                serde_json::to_value(plan.format.value)
                    .ok()
                    .and_then(|v| v.as_str().map(str::to_owned))
                    .unwrap_or_default(),
                plan.rows.to_string(),
                plan.points.len().to_string(),
                range.collect(),
            ]
        })
        .collect();
    let header = [
        ("REPORT", Align::Left),
        ("FORMAT", Align::Left),
        ("ROWS", Align::Right),
        ("POINTS", Align::Right),
        ("TIME RANGE", Align::Left),
    ];
    let mut lines = vec![table(&header, &rows)];
    lines.extend(parsed.warnings.iter().map(warning));
    lines.push(parsed.message.clone());
    lines.extend(parsed.verdict.iter().flat_map(verdict::lines));
    if !parsed.dry_run {
        lines.push(format!("session {}", parsed.session_id));
    }
    lines.join("\n")
}

pub(super) fn warning(warning: &Warning) -> String {
    let Warning { file, line, column, message, .. } = warning;
    if file.is_empty() || message.starts_with(file.as_str()) {
        return format!("warning: {message}");
    }
    let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
    let column = column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
    format!("warning: {file}{line}{column}: {message}")
}

pub(super) fn zone(text: &str) -> Result<String, String> {
    crate::config::timezone("timezone", text).map(|zone| zone.name().to_owned()).map_err(|error| error.message)
}

fn date_format(text: &str) -> Result<String, String> {
    let known = date_order_of(text).map(|_| text.to_owned());
    known.ok_or_else(|| "write YMD, MDY, DMY, or a pattern such as M/D/YYYY".to_owned())
}

fn delimiter(text: &str) -> Result<String, String> {
    match text {
        "tab" | "\\t" => Ok("\t".to_owned()),
        one if one.chars().count() == 1 => Ok(one.to_owned()),
        _ => Err("write one character, or tab".to_owned()),
    }
}

/// `768MiB`, `1.5 GiB`, `600MB`, or a number of bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let form = || "write a number of bytes, or a size such as 768MiB or 1.5GiB".to_owned();
    let text = text.trim().to_ascii_lowercase();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "kb" => 1e3,
        "m" | "mib" => 1024.0 * 1024.0,
        "mb" => 1e6,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "gb" => 1e9,
        _ => return Err(form()),
    };
    let bytes = number.trim().parse::<f64>().map_err(|_| form())? * unit;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds")]
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(form()) }
}

/// A word of a closed list, as it stands in JSON.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_ascii_lowercase().replace('-', "_")))
        .map_err(|error| error.to_string())
}

fn format(text: &str) -> Result<Format, String> {
    word(text)
}

pub(super) fn on_conflict(text: &str) -> Result<OnConflict, String> {
    word(text)
}

pub(super) fn prefix_by(text: &str) -> Result<PrefixBy, String> {
    word(text)
}

/// The files with the folders that they lie in as a part of their names.
pub(super) fn with_folders(files: Vec<(String, PathBuf)>) -> Vec<(String, PathBuf)> {
    let named = |(name, path): (String, PathBuf)| {
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        let folder = whole.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy().into_owned());
        (folder.map_or(name.clone(), |folder| format!("{folder}/{name}")), path)
    };
    files.into_iter().map(named).collect()
}

/// Keys of an override of files.
const KEYS: [&str; 15] = [
    "timezone",
    "zone",
    "date_format",
    "date_order",
    "format",
    "delimiter",
    "encoding",
    "header_row",
    "skip_rows",
    "decimal",
    "sheet",
    "time_column",
    "year",
    "loss_words",
    "keep_bad_status",
];

/// The key that a text begins with, and what follows its `=`.
fn key_of(text: &str) -> Option<(&'static str, &str)> {
    let (key, value) = text.split_once('=')?;
    KEYS.into_iter().find(|known| *known == key.trim().replace('-', "_")).map(|key| (key, value))
}

/// `*.xlsx:sheet=Jan,decimal=,`: the pattern ends before the first key, and a value before the next one, so that both may
/// hold colons and commas.
fn file_override(text: &str) -> Result<(String, ReadOverride), String> {
    let form = || format!("write PATTERN:KEY=VALUE,… with any of {}", KEYS.join(", "));
    let colons = text.match_indices(':').map(|(at, _)| (text.get(..at), text.get(at + 1..)));
    let mut split = colons.filter_map(|(pattern, settings)| pattern.zip(settings));
    let (pattern, mut rest) = split.find(|(_, settings)| key_of(settings).is_some()).ok_or_else(form)?;
    let mut said = serde_json::Map::new();
    while let Some((key, after)) = key_of(rest) {
        let next =
            after.match_indices(',').find(|(at, _)| after.get(at + 1..).is_some_and(|rest| key_of(rest).is_some()));
        let end = next.map_or(after.len(), |(at, _)| at);
        let value = after.get(..end).unwrap_or_default();
        let value = match key {
            "header_row" | "skip_rows" | "year" | "keep_bad_status" => {
                serde_json::from_str(value.trim()).map_err(|_| format!("{key}: '{value}' is no value for it"))?
            }
            "loss_words" => value.split('|').collect(),
            "format" => serde_json::Value::from(value.trim().to_ascii_lowercase().replace('-', "_")),
            _ => serde_json::Value::from(value),
        };
        if said.insert(key.to_owned(), value).is_some() {
            return Err(format!("{key} stands there twice"));
        }
        rest = after.get(end + 1..).unwrap_or_default();
    }
    if pattern.is_empty() {
        return Err(form());
    }
    let said = serde_json::from_value(said.into()).map_err(|error| error.to_string())?;
    Ok((pattern.to_owned(), said))
}

/// Each pattern once.
fn merged(overrides: Vec<(String, ReadOverride)>) -> Result<BTreeMap<String, ReadOverride>> {
    let mut merged = BTreeMap::new();
    for (pattern, said) in overrides {
        if merged.insert(pattern.clone(), said).is_some() {
            let message = format!("overrides[{pattern}]: the pattern stands there twice: say all of it at once");
            return Err(Error::invalid("overrides", codes::BAD_OVERRIDE, message));
        }
    }
    Ok(merged)
}

/// `NAME:unit=kW,kind=counter,name=MAIN_KWH`; the name itself may hold colons.
pub(super) fn column(text: &str) -> Result<ColumnOverride, String> {
    let form = || "write NAME:unit=kW,kind=counter,name=NEW (any of the three)".to_owned();
    let (column, settings) = text.rsplit_once(':').ok_or_else(form)?;
    let mut said = ColumnOverride { column: column.to_owned(), ..ColumnOverride::default() };
    for setting in settings.split(',') {
        let (key, value) = setting.split_once('=').ok_or_else(form)?;
        let value = value.trim();
        match key.trim() {
            _ if value.is_empty() => return Err(form()),
            "unit" => said.unit = Some(value.to_owned()),
            "name" => said.name = Some(value.to_owned()),
            "kind" => said.kind = Some(word::<Kind>(value)?),
            _ => return Err(form()),
        }
    }
    if column.is_empty() { Err(form()) } else { Ok(said) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn columns_are_described_in_one_word() {
        let said = column("AHU:SAT.CV:unit=°C,kind=instantaneous, name=AHU_SAT").unwrap();
        assert_eq!(said.column, "AHU:SAT.CV");
        assert_eq!((said.unit.as_deref(), said.name.as_deref()), (Some("°C"), Some("AHU_SAT")));
        assert_eq!(said.kind, Some(Kind::Instantaneous));
        for bad in ["MMCB.KW", "MMCB.KW:", "MMCB.KW:unit", "MMCB.KW:unit=", "A:kind=meter", "A:size=3", ":unit=kW"] {
            assert!(column(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_are_described_in_one_word() {
        let (pattern, said) =
            file_override("C:\\x*.csv:decimal=,,sheet=Jan, a:b,header-row=3,loss_words=--|BAD,year=2024").unwrap();
        assert_eq!(pattern, "C:\\x*.csv");
        assert_eq!((said.decimal.as_deref(), said.sheet.as_deref()), (Some(","), Some("Jan, a:b")));
        assert_eq!((said.header_row, said.year), (Some(3), Some(2024)));
        assert_eq!(said.loss_words, ["--", "BAD"]);
        assert!(file_override("a:keep_bad_status=true,zone=UTC").unwrap().1.keep_bad_status.unwrap());
        for bad in
            ["*.csv", "*.csv:", "*.csv:size=3", ":sheet=a", "a:header_row=x", "a:sheet=a,sheet=b", "a:format=excel"]
        {
            assert!(file_override(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_are_checked_before_anything_is_read() {
        assert_eq!(zone("Asia/Taipei").unwrap(), "Asia/Taipei");
        assert!(zone("Taipei").is_err());
        assert!(date_format("M/D/YYYY").is_ok() && date_format("american").is_err());
        assert_eq!(delimiter("tab").unwrap(), "\t");
        assert_eq!(
            (bytes("768MiB"), bytes(" 600 MB"), bytes("1.5g")),
            (Ok(805_306_368), Ok(600_000_000), Ok(1_610_612_736))
        );
        assert_eq!(bytes("536870912"), Ok(536_870_912));
        assert!(["", "MiB", "-1", "0", "1 apple", "nan", "inf"].iter().all(|bad| bytes(bad).is_err()));
        assert!(delimiter(";;").is_err());
        assert_eq!(format("single-point").unwrap(), Format::SinglePoint);
        assert!(format("excel").is_err());
        assert_eq!(on_conflict("error").unwrap(), OnConflict::Error);
    }
}
