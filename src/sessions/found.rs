//! What a parse found, as it was answered: kept in the metadata of its Parquet file, packed, since files of one plant
//! repeat each other. Files of before that have it in a table.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hvac_frame::column::Warning;
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};

use super::build::Built;
use super::{UnreadableFile, marked, options};
use crate::error::{Context, Error, Result};
use crate::state::AppState;
use hvac_frame::parquet_file::ParquetReader;
use hvac_report::FilePlan;
use hvac_report::job::read::FileId;
use hvac_store::entity::{parse_report, parsed_dataset};
use hvac_store::frames;
use hvac_store::integrity::{Root, StoredFile};

/// What a parse found, as it was answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ParseReport<'a> {
    /// What each file gave.
    pub files: Vec<FileReport<'a>>,
    /// Reports that were left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableFile>,
    /// What a user should know.
    pub warnings: Vec<Warning>,
    /// Cells of the same point and time with different values.
    pub conflicts: u64,
    /// The first rows, as they were answered.
    pub preview: Cow<'a, [serde_json::Map<String, serde_json::Value>]>,
}

/// What one file gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileReport<'a> {
    /// Of the raw bytes, hex.
    pub sha256: Cow<'a, str>,
    /// Of the raw bytes.
    pub size_bytes: u64,
    /// Format, points, counts, each with its evidence.
    pub plan: Cow<'a, FilePlan>,
}

/// What was known before the parse, what concerns them all, what concerns each file.
pub fn all_warnings(before: &[Warning], built: &Built) -> Vec<Warning> {
    let of_files = built.files.iter().flat_map(|(_, _, plan)| plan.warnings.iter());
    let zone_counted = built.files.iter().any(|(_, _, plan)| plan.local_time_rows > 0);
    let known_before = before.iter().filter(|w| zone_counted || w.code != options::TIMEZONE_ASSUMED);
    known_before.chain(&built.warnings).chain(of_files).cloned().collect()
}

/// What the Parquet file says of itself: what was known before, and what the parse found.
pub fn describe_file(built: &Built, known: &[(&str, String)], warnings: Vec<Warning>) -> Result<Vec<(String, String)>> {
    let source = |id: &FileId| serde_json::json!({"file_name": id.name, "sha256": id.sha256});
    let sources: Vec<_> = built.files.iter().map(|(id, _, _)| source(id)).collect();
    let files = built.files.iter().map(|(id, size_bytes, plan)| FileReport {
        sha256: Cow::Borrowed(&id.sha256),
        size_bytes: *size_bytes,
        plan: Cow::Borrowed(plan),
    });
    let report = ParseReport {
        files: files.collect(),
        unreadable: built.unreadable.clone(),
        warnings,
        conflicts: built.conflicts,
        preview: Cow::Borrowed(&built.preview),
    };
    let found = [
        (frames::KEY_REPORT, packed(&report)?),
        (frames::KEY_EVENTS, marked::packed(&built.events)?),
        (frames::KEY_COLUMNS, serde_json::to_string(&built.columns).internal("writing the columns")?),
        (frames::KEY_SOURCES, serde_json::to_string(&sources).internal("writing the sources")?),
    ];
    Ok(known.iter().cloned().chain(found).map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Packs a report for the file's metadata.
///
/// # Errors
/// Never: every part of a report has text keys.
fn packed(report: &ParseReport<'_>) -> Result<String> {
    let mut json = zstd::Encoder::new(Vec::new(), 3).internal("packing a parse's report")?;
    serde_json::to_writer(&mut json, report).internal("writing a parse's report")?;
    Ok(STANDARD.encode(json.finish().internal("packing a parse's report")?))
}

fn unpacked(text: &str) -> Result<ParseReport<'static>> {
    let doing = "reading a parse's report";
    let bytes = STANDARD.decode(text).internal(doing)?;
    serde_json::from_reader(zstd::Decoder::new(&*bytes).internal(doing)?).internal(doing)
}

/// What the parse of that dataset found; none when its file is not what it was.
///
/// # Errors
/// When the file cannot be looked at, or says something else.
pub async fn report(state: &AppState, dataset: &parsed_dataset::Model) -> Result<Option<ParseReport<'static>>> {
    let Some(said) = metadata(state, dataset, frames::KEY_REPORT).await? else { return Ok(None) };
    if let Some(said) = said {
        return unpacked(&said).map(Some);
    }
    let row = parse_report::Entity::find_by_id(&dataset.id).one(state.store.db.read()).await;
    row.internal("looking up what a parse found")?.map(|row| row.report.read()).transpose()
}

/// Names of the reports that the dataset was made of; none when its file is not what it was.
///
/// # Errors
/// As [`report`].
pub async fn source_names(state: &AppState, dataset: &parsed_dataset::Model) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Source {
        file_name: String,
    }
    let said = metadata(state, dataset, frames::KEY_SOURCES).await?.flatten().unwrap_or_else(|| "[]".to_owned());
    let sources: Vec<Source> = serde_json::from_str(&said).internal("reading the sources of a dataset")?;
    Ok(sources.into_iter().map(|source| source.file_name).collect())
}

/// What the file says under that key, if it is what it was.
async fn metadata(
    state: &AppState,
    dataset: &parsed_dataset::Model,
    key: &'static str,
) -> Result<Option<Option<String>>> {
    let file = StoredFile {
        root: Root::Sessions,
        path: dataset.file_path.clone(),
        sha256: dataset.sha256.clone(),
        size_bytes: dataset.size_bytes.unsigned_abs(),
    };
    let store = state.store.clone();
    let reading = move || {
        let Ok(bytes) = store.open_verified(&file)? else { return Ok(None) };
        let reader = ParquetReader::open(bytes.to_bytes())?;
        Ok::<_, Error>(Some(reader.footer().key_value(key).map(str::to_owned)))
    };
    tokio::task::spawn_blocking(reading).await.internal("reading what a file says of itself")?
}
