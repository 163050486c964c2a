//! Do the files of a bundle say of themselves what its manifest says of them? Session, ids, version, rows, and what each
//! was made from: raw reports of a parse, the parse of a cleaning, the data of a model.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::opened::contradicts;
use crate::config;
use crate::error::{Error, Result};
use crate::limits;
use crate::sessions::snapshot::Snapshot;
use crate::sessions::{catalogue, prices, search};
use hvac_frame::parquet_file::{Footer, ParquetReader};
use hvac_modelling::document::ModelDocument;
use hvac_store::entity::{ArtefactKind, VersionState, cleaning_job, parsed_dataset, trained_model};
use hvac_store::frames;
use hvac_store::objects::ObjectBytes;
use hvac_store::paths;

/// Whether a manifest can be what it says it is, before any file is looked at.
///
/// # Errors
/// `bundle_contradicts`; 422 for a text that no session may have.
pub fn check_manifest(snapshot: &Snapshot) -> Result<()> {
    let session = &snapshot.session;
    limits::name("name", &session.name)?;
    limits::given_name("site", session.site.as_deref())?;
    search::tags(&session.tags.0)?;
    limits::lines("notes", &session.notes)?;
    catalogue::check_size(&session.metadata.0)?;
    if let Some(price) = &snapshot.energy_price {
        prices::check(&price.currency, price.per_kwh)?;
    }
    for said in &snapshot.site_overrides {
        limits::given_name("column_overrides.name", said.name.as_deref())?;
        limits::given_name("column_overrides.unit", said.unit.as_deref())?;
    }
    if let Some(zone) = &session.timezone {
        config::timezone("timezone", zone)?;
    }
    if session.deleted_at.is_some() {
        return Err(contradicts("its session is deleted: restore it where it is, and export it again"));
    }
    for file in &snapshot.source_files {
        limits::path("files", &file.file_name)?;
    }
    let parsed = snapshot.parsed_datasets.iter().map(|row| (row.id.as_str(), "parsed", row.version));
    let cleaned = snapshot.cleaning_jobs.iter().map(|row| (row.id.as_str(), "cleaned", row.version));
    let (mut ids, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (id, kind, version) in parsed.chain(cleaned) {
        if !ids.insert(id) || !numbers.insert((kind, version)) || version < 1 {
            return Err(contradicts(format!("{kind}-v{version} ({id}) stands twice in its session.json, or is none")));
        }
    }
    let others =
        snapshot.source_files.iter().map(|row| &row.id).chain(snapshot.trained_models.iter().map(|row| &row.id));
    for id in others {
        if !ids.insert(id) {
            return Err(contradicts(format!("the id {id} stands twice in its session.json")));
        }
    }
    let has_dataset = |id: &str| snapshot.parsed_datasets.iter().any(|row| row.id == id);
    for row in &snapshot.cleaning_jobs {
        if !has_dataset(&row.dataset_id) {
            return Err(contradicts(format!("cleaned-v{} was made of a parse that it does not have", row.version)));
        }
    }
    for row in &snapshot.trained_models {
        let cleaned =
            |id: &String| snapshot.cleaning_jobs.iter().any(|job| job.id == *id && job.dataset_id == row.dataset_id);
        if row.version < 1 || !has_dataset(&row.dataset_id) || !row.cleaning_job_id.as_ref().is_none_or(cleaned) {
            let (name, version) = (&row.name, row.version);
            return Err(contradicts(format!("the model {name}:v{version} was made of data that it does not have")));
        }
    }
    for alias in &snapshot.model_aliases {
        if !snapshot.trained_models.iter().any(|model| model.id == alias.model_id && model.name == alias.name) {
            return Err(contradicts(format!("the alias {}:{} stands for no model of it", alias.name, alias.alias)));
        }
    }
    let published = |number: &&hvac_store::entity::version::Model| number.state == VersionState::Published;
    for number in snapshot.versions.iter().filter(published) {
        let kind = if number.kind == ArtefactKind::Parsed { "parsed" } else { "cleaned" };
        if !numbers.contains(&(kind, number.version)) {
            return Err(contradicts(format!("it tells of {kind}-v{}, and has nothing of it", number.version)));
        }
    }
    let sites = snapshot.site_overrides.iter().map(|row| &row.site);
    let sites = sites.chain(snapshot.report_overrides.iter().map(|row| &row.site));
    for site in sites.chain(snapshot.energy_price.iter().map(|row| &row.site)) {
        if session.site.as_ref() != Some(site) {
            return Err(contradicts(format!("it tells of the site '{site}', which is not its own")));
        }
    }
    Ok(())
}

/// Whether each file agrees; `bytes_of` gives those at a path below sessions or models.
///
/// # Errors
/// `bundle_contradicts` naming the file; `newer_file` for one of a later format.
pub fn check_files(
    snapshot: &Snapshot,
    session_bytes: &dyn Fn(&str) -> Result<ObjectBytes>,
    model_bytes: &dyn Fn(&str) -> Result<ObjectBytes>,
) -> Result<()> {
    let id = &snapshot.session.id;
    for row in &snapshot.parsed_datasets {
        let path = paths::parsed(id, row.version);
        check_parsed(snapshot, row, &opened(&path, session_bytes)?).map_err(|why| of_file(&path, &why))?;
    }
    for row in &snapshot.cleaning_jobs {
        let path = paths::cleaned(id, row.version);
        check_cleaned(snapshot, row, &opened(&path, session_bytes)?).map_err(|why| of_file(&path, &why))?;
        if row.events_sha256.is_some() {
            let path = paths::cleaned_events(id, row.version);
            let events = opened(&path, session_bytes)?;
            let said = || {
                says(&events, frames::KEY_SESSION_ID, id)?;
                says(&events, frames::KEY_DATASET_ID, &row.id)
            };
            said().map_err(|why| of_file(&path, &why))?;
        }
    }
    for row in &snapshot.trained_models {
        let Some(path) = &row.model_file_path else { continue };
        let document = ModelDocument::from_json(&model_bytes(path)?).map_err(|error| of_file(path, &error.message))?;
        check_model(snapshot, row, &document).map_err(|why| of_file(path, &why))?;
    }
    Ok(())
}

fn of_file(path: &str, why: &str) -> Error {
    contradicts(format!("{path}: {why}"))
}

fn opened(path: &str, bytes_of: &dyn Fn(&str) -> Result<ObjectBytes>) -> Result<Footer> {
    match ParquetReader::open(bytes_of(path)?.to_bytes()) {
        Ok(reader) => Ok(reader.footer().clone()),
        Err(error) => {
            let error = Error::from(error);
            let is_newer = error.code == crate::error::codes::NEWER_FILE;
            Err(if is_newer {
                Error::new(error.code, format!("{path}: {}", error.message))
            } else {
                of_file(path, "it is no Parquet file that is read here").with_source(error)
            })
        }
    }
}

/// A file of before a key was written does not contradict it.
fn says(footer: &Footer, key: &str, expected: &str) -> Result<(), String> {
    match footer.key_value(key) {
        Some(said) if said != expected => Err(format!("it says {key} is '{said}', and session.json '{expected}'")),
        _ => Ok(()),
    }
}

fn rows(footer: &Footer, expected: Option<i64>) -> Result<(), String> {
    let rows = i64::try_from(footer.row_count()).unwrap_or(i64::MAX);
    match expected {
        Some(expected) if expected != rows => Err(format!("it has {rows} rows, and {expected} by session.json")),
        _ => Ok(()),
    }
}

/// A source as a file names it.
#[derive(Deserialize)]
struct Source {
    file_name: String,
    sha256: String,
}

fn check_parsed(snapshot: &Snapshot, row: &parsed_dataset::Model, footer: &Footer) -> Result<(), String> {
    says(footer, frames::KEY_SESSION_ID, &snapshot.session.id)?;
    says(footer, frames::KEY_DATASET_ID, &row.id)?;
    says(footer, frames::KEY_VERSION, &format!("parsed-v{}", row.version))?;
    says(footer, frames::KEY_REQUEST_KEY, &row.request_key)?;
    rows(footer, Some(row.row_count))?;
    let sources: Vec<Source> = match footer.key_value(frames::KEY_SOURCES) {
        Some(said) => serde_json::from_str(said).map_err(|error| format!("its sources cannot be read ({error})"))?,
        None => Vec::new(),
    };
    for source in sources {
        let is_it = |file: &hvac_store::entity::source_file::Model| match &file.archive_member {
            // The hash is of the member's bytes, unpacked.
            Some(member) => source.file_name == format!("{}/{member}", file.file_name),
            None => source.sha256 == file.sha256,
        };
        if !snapshot.source_files.iter().any(is_it) {
            return Err(format!(
                "it was made of '{}' ({}), which is no report of the session",
                source.file_name, source.sha256
            ));
        }
    }
    Ok(())
}

fn check_cleaned(snapshot: &Snapshot, row: &cleaning_job::Model, footer: &Footer) -> Result<(), String> {
    says(footer, frames::KEY_SESSION_ID, &snapshot.session.id)?;
    says(footer, frames::KEY_DATASET_ID, &row.id)?;
    says(footer, frames::KEY_VERSION, &format!("cleaned-v{}", row.version))?;
    says(footer, frames::KEY_SOURCE_DATASET_ID, &row.dataset_id)?;
    if let Some(parsed) = snapshot.parsed_datasets.iter().find(|parsed| parsed.id == row.dataset_id) {
        says(footer, frames::KEY_SOURCE_SHA256, &parsed.sha256)?;
    }
    rows(footer, row.cleaned_rows)
}

fn check_model(snapshot: &Snapshot, row: &trained_model::Model, document: &ModelDocument) -> Result<(), String> {
    let lineage = &document.lineage;
    let made_from = row.cleaning_job_id.as_ref().unwrap_or(&row.dataset_id);
    if lineage.session_id != snapshot.session.id || lineage.dataset_id != *made_from {
        return Err(format!("it was trained on {} of session {}", lineage.dataset_id, lineage.session_id));
    }
    let parsed = snapshot.parsed_datasets.iter().map(|parsed| (&parsed.id, Some(&parsed.sha256)));
    let cleaned = snapshot.cleaning_jobs.iter().map(|cleaned| (&cleaned.id, cleaned.sha256.as_ref()));
    let sha256 = parsed.chain(cleaned).find(|(id, _)| *id == made_from).and_then(|(_, sha256)| sha256);
    match sha256 {
        Some(sha256) if *sha256 == lineage.dataset_sha256 => Ok(()),
        _ => Err(format!("it was trained on data with the sha256 {}", lineage.dataset_sha256)),
    }
}
