//! `session.json`: what is written, and how one of any version of this program is read: what one part of it has that
//! nobody knows loses no other.

mod keep;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use self::keep::{Prepared, catch_up, prepare, rewrite, write, write_soon};
use super::document::{self, Document, FORMAT_VERSION};
use super::snapshot::{Snapshot, blank};
use hvac_store::entity::{ArtefactKind, Integrity, PointKind, Status, VersionState, WorkStatus, version};
use hvac_store::versions::Series;

/// What a `session.json` tells.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// All that can be read.
    pub snapshot: Snapshot,
    /// Versions that it tells of, also where their row cannot be read.
    pub versions: BTreeSet<(&'static str, i32)>,
    /// Models that it tells of, likewise.
    pub models: BTreeSet<(String, i32)>,
    /// What could not be read.
    pub notes: Vec<String>,
}

/// Reads the `session.json` of that session.
///
/// # Errors
/// In words, when the whole is no such document.
pub fn read(session_id: &str, bytes: &[u8]) -> Result<Manifest, String> {
    let mut notes = Vec::new();
    let mut document: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|error| format!("session.json cannot be read: {error}"))?;
    if document.get("session").and_then(|session| session.get("id")).and_then(Value::as_str) != Some(session_id) {
        return Err("session.json is not of this session".to_owned());
    }
    match document.get("format_version").and_then(Value::as_u64) {
        Some(version) if version > u64::from(FORMAT_VERSION) => {
            let program = env!("CARGO_PKG_VERSION");
            notes.push(format!("it is of format {version}, and this program ({program}) knows {FORMAT_VERSION}: a newer one reads all of it"));
        }
        _ => {}
    }
    let whole = match serde_json::from_slice(bytes) {
        Ok(whole) => whole,
        Err(_) => mended(session_id, &mut document, &mut notes),
    };
    let snapshot = rows(whole);
    let number = |row: &Value| i32::try_from(row.get("version")?.as_i64()?).ok();
    let list = |name: &str| document.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut versions: BTreeSet<(&'static str, i32)> = BTreeSet::new();
    for (name, kind) in [("parsed_datasets", ArtefactKind::Parsed), ("cleaning_jobs", ArtefactKind::Cleaned)] {
        versions.extend(list(name).iter().filter_map(|row| Some((kind.as_str(), number(row)?))));
    }
    let published = snapshot.versions.iter().filter(|version| version.state == VersionState::Published);
    versions.extend(published.map(|version| (version.kind.as_str(), version.version)));
    let model = |row: &Value| Some((row.get("name")?.as_str()?.to_owned(), number(row)?));
    let models = list("trained_models").iter().filter_map(model).collect();
    Ok(Manifest { snapshot, versions, models, notes })
}

/// What is written of a catalogue's rows.
#[must_use]
pub fn written(snapshot: &Snapshot) -> Document {
    let mut parsed_datasets: Vec<document::ParsedDataset> =
        snapshot.parsed_datasets.iter().map(document::ParsedDataset::from).collect();
    for dataset in &mut parsed_datasets {
        dataset.report = snapshot.reports.get(&dataset.id).cloned();
    }
    let parsed: BTreeSet<i32> = snapshot.parsed_datasets.iter().map(|dataset| dataset.version).collect();
    let cleaned: BTreeSet<i32> = snapshot.cleaning_jobs.iter().map(|job| job.version).collect();
    let has_row = |number: &&version::Model| match number.kind {
        ArtefactKind::Parsed => parsed.contains(&number.version),
        ArtefactKind::Cleaned => cleaned.contains(&number.version),
        ArtefactKind::Model => true,
    };
    Document {
        format_version: FORMAT_VERSION,
        revision: snapshot.revision,
        session: (&snapshot.session).into(),
        source_files: snapshot.source_files.iter().map(Into::into).collect(),
        parsed_datasets,
        cleaning_jobs: snapshot.cleaning_jobs.iter().map(Into::into).collect(),
        trained_models: snapshot.trained_models.iter().map(Into::into).collect(),
        model_aliases: snapshot.model_aliases.iter().map(Into::into).collect(),
        versions: snapshot.versions.iter().filter(|number| !has_row(number)).map(Into::into).collect(),
        site_overrides: snapshot.site_overrides.iter().map(Into::into).collect(),
        report_overrides: snapshot.report_overrides.iter().map(Into::into).collect(),
        energy_price: snapshot.energy_price.as_ref().map(Into::into),
    }
}

/// What a whole `session.json` of any version tells, as it would be written today.
#[must_use]
pub fn told(bytes: &[u8]) -> Option<Document> {
    let document = serde_json::from_slice(bytes).ok()?;
    Some(written(&rows(document)))
}

/// The rows that a document tells of.
fn rows(document: Document) -> Snapshot {
    let session_id = document.session.id.clone();
    let of_session = document.versions.into_iter().filter(|number| number.kind != ArtefactKind::Model);
    let mut versions: Vec<version::Model> = of_session.map(|number| number.into_row(&session_id)).collect();
    let parsed = document.parsed_datasets.iter().map(|d| (ArtefactKind::Parsed, d.version, d.created_at));
    let cleaned = document.cleaning_jobs.iter().map(|job| (ArtefactKind::Cleaned, job.version, job.created_at));
    let mut told: BTreeSet<_> = versions.iter().map(|number| (number.kind.as_str(), number.version)).collect();
    for (kind, version, created_at) in parsed.chain(cleaned) {
        if !told.insert((kind.as_str(), version)) {
            continue;
        }
        let series = if kind == ArtefactKind::Parsed { Series::Parsed } else { Series::Cleaned };
        let number = series(&session_id).number(version, VersionState::Published);
        versions.push(version::Model { created_at, ..number });
    }
    let report = |d: &document::ParsedDataset| Some((d.id.clone(), d.report.clone()?));
    let reports: BTreeMap<_, _> = document.parsed_datasets.iter().filter_map(report).collect();
    Snapshot {
        revision: document.revision,
        session: document.session.into_row(&session_id),
        source_files: document.source_files.into_iter().map(|file| file.into_row(&session_id)).collect(),
        parsed_datasets: document.parsed_datasets.into_iter().map(|d| d.into_row(&session_id)).collect(),
        reports,
        cleaning_jobs: document.cleaning_jobs.into_iter().map(|job| job.into_row(&session_id)).collect(),
        trained_models: document.trained_models.into_iter().map(|model| model.into_row(&session_id)).collect(),
        model_aliases: document.model_aliases.into_iter().map(|alias| alias.into_row(&session_id)).collect(),
        versions,
        site_overrides: document.site_overrides.into_iter().map(|said| said.into_row(&session_id)).collect(),
        report_overrides: document.report_overrides.into_iter().map(|said| said.into_row(&session_id)).collect(),
        energy_price: document.energy_price.map(|said| said.into_row(&session_id)),
    }
}

/// Part by part: an unknown word becomes the one that promises least.
fn mended(session_id: &str, document: &mut Map<String, Value>, notes: &mut Vec<String>) -> Document {
    let damaged = Value::from(Integrity::Damaged.as_str());
    let completed = Value::from(WorkStatus::Completed.as_str());
    let words: [(&str, &str, fn(&Value) -> bool, Value); 9] = [
        ("source_files", "integrity", fits::<Integrity>, damaged.clone()),
        ("parsed_datasets", "integrity", fits::<Integrity>, damaged.clone()),
        ("cleaning_jobs", "integrity", fits::<Integrity>, damaged.clone()),
        ("cleaning_jobs", "events_integrity", fits::<Integrity>, damaged.clone()),
        // Only those that are completed are told of.
        ("cleaning_jobs", "status", fits::<WorkStatus>, completed.clone()),
        ("trained_models", "integrity", fits::<Integrity>, damaged),
        ("trained_models", "status", fits::<WorkStatus>, completed),
        ("versions", "state", fits::<VersionState>, Value::from(VersionState::Abandoned.as_str())),
        ("site_overrides", "kind", fits::<Option<PointKind>>, Value::Null),
    ];
    for (list, field, fits, instead) in words {
        for row in document.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(word) = row.get_mut(field).filter(|word| !fits(word)) {
                notes.push(format!("{list}: {field} is {word}, which is unknown: taken as {instead}"));
                *word = instead.clone();
            }
        }
    }
    let (session, knew_status) = mended_session(session_id, document.get("session"), notes);
    let rows = |name: &str| document.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut whole = Document {
        format_version: FORMAT_VERSION,
        revision: document.get("revision").and_then(Value::as_i64).unwrap_or_default(),
        session,
        source_files: readable("source_files", rows("source_files"), notes),
        parsed_datasets: readable("parsed_datasets", rows("parsed_datasets"), notes),
        cleaning_jobs: readable("cleaning_jobs", rows("cleaning_jobs"), notes),
        trained_models: readable("trained_models", rows("trained_models"), notes),
        model_aliases: readable("model_aliases", rows("model_aliases"), notes),
        versions: readable("versions", rows("versions"), notes),
        site_overrides: readable("site_overrides", rows("site_overrides"), notes),
        report_overrides: readable("report_overrides", rows("report_overrides"), notes),
        energy_price: readable("energy_price", document.get("energy_price").cloned().into_iter().collect(), notes)
            .pop(),
    };
    if !knew_status {
        whole.session.status = match (&*whole.parsed_datasets, &*whole.cleaning_jobs) {
            ([], []) => Status::Uploaded,
            (_, []) => Status::Parsed,
            _ => Status::Cleaned,
        };
    }
    whole
}

fn fits<T: DeserializeOwned>(value: &Value) -> bool {
    T::deserialize(value).is_ok()
}

/// The rows that can be read.
fn readable<T: DeserializeOwned>(name: &str, rows: Vec<Value>, notes: &mut Vec<String>) -> Vec<T> {
    let read = |(index, row)| match serde_json::from_value(row) {
        Ok(row) => Some(row),
        Err(error) => {
            notes.push(format!("{name}: entry {} cannot be read: {error}", index + 1));
            None
        }
    };
    rows.into_iter().enumerate().filter_map(read).collect()
}

/// Field by field; tells whether the status was among those that can be read.
fn mended_session(session_id: &str, given: Option<&Value>, notes: &mut Vec<String>) -> (document::Session, bool) {
    let mut session = document::Session::from(&blank(session_id));
    session.name = session_id.to_owned();
    let mut knew_status = false;
    for (field, value) in given.and_then(Value::as_object).into_iter().flatten() {
        match with(&session, field, value) {
            Some(changed) => {
                session = changed;
                knew_status |= field == "status";
            }
            None => notes.push(format!("session: {field} is {value}, which is unknown: left out")),
        }
    }
    (session, knew_status)
}

/// The row with another value in one field, if that can be.
fn with<T: Serialize + DeserializeOwned>(row: &T, field: &str, value: &Value) -> Option<T> {
    let mut row = serde_json::to_value(row).ok()?;
    row.as_object_mut()?.insert(field.to_owned(), value.clone());
    serde_json::from_value(row).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const WHOLE: &[u8] = include_bytes!("../../tests/it/fixtures/session-v1.json");

    /// Every place in a document.
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found))
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }

    /// Whatever stands in whichever place, the rest is read.
    #[test]
    fn nothing_that_is_unknown_loses_the_rest() {
        let whole: Value = serde_json::from_slice(WHOLE).unwrap();
        let id = whole["session"]["id"].as_str().unwrap();
        let expected = read(id, WHOLE).unwrap();
        assert!(expected.notes.is_empty(), "{:?}", expected.notes);
        let mut found = Vec::new();
        places(&whole, "", &mut found);
        let tried = found.iter().filter(|at| !["", "/session", "/session/id"].contains(&at.as_str()));
        for at in tried {
            for strange in [Value::from("no such word"), Value::from(-1), serde_json::json!({"what": [1]})] {
                let mut document = whole.clone();
                *document.pointer_mut(at).unwrap() = strange.clone();
                let said = read(id, document.to_string().as_bytes()).unwrap_or_else(|error| panic!("{at}: {error}"));
                let (session, before) = (&said.snapshot.session, &expected.snapshot.session);
                assert!(session.name == before.name || at == "/session/name", "{at}: {strange}: {said:?}");
                assert!(session.metadata == before.metadata || at.starts_with("/session/metadata"), "{at}: {strange}");
                assert_eq!(session.status, before.status, "{at}: {strange}");
                let is_of = |list: &str| at.starts_with(list);
                assert!(
                    said.versions == expected.versions
                        || is_of("/versions")
                        || at.ends_with("/version")
                        || is_of("/parsed")
                        || is_of("/cleaning"),
                    "{at}"
                );
                assert!(said.snapshot.source_files.len() == 1 || is_of("/source_files"), "{at}");
                assert!(said.snapshot.parsed_datasets.len() == 1 || is_of("/parsed_datasets"), "{at}");
                assert!(said.snapshot.cleaning_jobs.len() == 1 || is_of("/cleaning_jobs"), "{at}");
            }
        }
    }
}
