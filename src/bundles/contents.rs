//! What is in a bundle: told by the manifest alone, the same when one is packed and when one is taken in.

use std::collections::BTreeMap;

use crate::sessions::snapshot::Snapshot;
use hvac_store::entity::Integrity;
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::paths;

/// What a person who unpacks a bundle reads first.
pub const README: &str = "README.txt";

/// Text of that file: the same in each bundle.
pub const README_TEXT: &str = "This is a session of HVAC Analytics: the reports as they were uploaded, what was made of them, and what is known of it.

sessions/{id}/raw/                         the reports, byte for byte; each name begins with 12 digits of its sha256
sessions/{id}/parsed-v1.parquet            each parse: rows by time, one column a point; its footer says what was read and how
sessions/{id}/cleaned-v1.parquet           each cleaning, made of a parse
sessions/{id}/cleaned-v1.events.parquet    what a cleaning changed, and why
sessions/{id}/session.json                 names, times, sizes and sha256 of all of these
models/{site}/{name}-v1.json               each model that was trained on these data

Bring it to another machine:  hvac-analytics import FILE   or   POST /api/sessions/import
Any reader of Parquet reads the data without the program.
";

/// A file of a bundle, and what the manifest says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleFile {
    /// Its path in the bundle.
    pub name: String,
    /// Where it lies in a store, its hash and its length.
    pub file: StoredFile,
    /// Whether the catalogue takes it for what was published.
    pub integrity: Integrity,
}

/// The path of a session's `session.json` in a bundle.
#[must_use]
pub fn manifest_name(session_id: &str) -> String {
    format!("sessions/{}", paths::session_json(session_id))
}

/// The session whose `session.json` lies at that path in a bundle.
#[must_use]
pub fn session_of(name: &str) -> Option<&str> {
    let id = name.strip_prefix("sessions/")?.strip_suffix("/session.json")?;
    // As it is written here: a UUID has other spellings, which would be other folders.
    let is_id = uuid::Uuid::try_parse(id).is_ok_and(|uuid| uuid.hyphenated().to_string() == id);
    is_id.then_some(id)
}

/// The files that a session's rows refer to, by name; a report of an archive has several rows and is one file.
///
/// # Errors
/// In words, when a row names a file that cannot be the session's, or two rows say different things of one file.
pub fn of(snapshot: &Snapshot) -> Result<Vec<BundleFile>, String> {
    let id = &snapshot.session.id;
    let mut files: BTreeMap<String, BundleFile> = BTreeMap::new();
    let mut add = |root: Root, path: &str, sha256: &str, size_bytes: i64, integrity: Integrity| {
        let folder = if root == Root::Models { "models" } else { "sessions" };
        let name = format!("{folder}/{path}");
        let size_bytes = u64::try_from(size_bytes).map_err(|_| format!("{name} has {size_bytes} bytes"))?;
        if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(format!("{name} has no sha256"));
        }
        let file = StoredFile { root, path: path.to_owned(), sha256: sha256.to_owned(), size_bytes };
        match files.get(&name) {
            Some(known) if known.file != file => Err(format!("{name} is said to be two different files")),
            Some(_) => Ok(()),
            None => {
                files.insert(name.clone(), BundleFile { name, file, integrity });
                Ok(())
            }
        }
    };
    for row in &snapshot.source_files {
        if !paths::is_raw_of(id, &row.path) {
            return Err(format!(
                "the report '{}' is said to lie at {}, which is no place of this session",
                row.file_name, row.path
            ));
        }
        add(Root::Sessions, &row.path, &row.sha256, row.size_bytes, row.integrity)?;
    }
    for row in &snapshot.parsed_datasets {
        add(Root::Sessions, &paths::parsed(id, row.version), &row.sha256, row.size_bytes, row.integrity)?;
    }
    for row in &snapshot.cleaning_jobs {
        let nothing = || format!("cleaned-v{} has no file", row.version);
        let (sha256, size_bytes) = row.sha256.as_deref().zip(row.size_bytes).ok_or_else(nothing)?;
        add(Root::Sessions, &paths::cleaned(id, row.version), sha256, size_bytes, row.integrity)?;
        if let Some((sha256, size_bytes)) = row.events_sha256.as_deref().zip(row.events_size_bytes) {
            let path = paths::cleaned_events(id, row.version);
            add(Root::Sessions, &path, sha256, size_bytes, row.events_integrity)?;
        }
    }
    for row in &snapshot.trained_models {
        let nothing = || format!("the model {}:v{} has no file", row.name, row.version);
        let (path, sha256) = row.model_file_path.as_deref().zip(row.sha256.as_deref()).ok_or_else(nothing)?;
        if paths::model_of(path) != Some((row.name.as_str(), row.version))
            || !paths::is_model_of(path, row.site.as_deref())
        {
            return Err(format!(
                "the model {}:v{} is said to lie at {path}, which is no place of it",
                row.name, row.version
            ));
        }
        add(Root::Models, path, sha256, row.size_bytes.unwrap_or(-1), row.integrity)?;
    }
    Ok(files.into_values().collect())
}
