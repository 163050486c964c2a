//! A bundle that has arrived: its seal, its directory, its manifest, and what the manifest names – nothing less, nothing
//! more. Nothing of it is believed before it was looked at, and nothing is written here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use serde_json::Value;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::contents::{self, BundleFile, README, manifest_name, session_of};
use super::pack::{SEAL, SEAL_BYTES, checksums};
use crate::error::{Context, Error, Result, codes};
use crate::sessions::document::{Document, FORMAT_VERSION};
use crate::sessions::manifest;
use crate::sessions::snapshot::Snapshot;

/// Bytes that a `session.json` may have: one of a thousand reports has about one million.
const MOST_MANIFEST_BYTES: u64 = 256 << 20;
/// Bytes that the text for people may have.
const MOST_README_BYTES: u64 = 1 << 20;

/// A bundle whose directory and manifest agree.
pub struct Opened {
    zip: ZipArchive<BufReader<File>>,
    /// `session.json`, byte for byte.
    pub manifest: Vec<u8>,
    /// What it tells.
    pub snapshot: Snapshot,
    /// The files that it names, in the order of their names.
    pub files: Vec<BundleFile>,
}

/// What is wrong with a bundle's bytes.
pub fn damaged(what: impl AsRef<str>) -> Error {
    let message = format!("The bundle is damaged: {}. Nothing was stored; export or copy it anew.", what.as_ref());
    Error::new(codes::BUNDLE_DAMAGED, message)
}

/// What in a bundle is not as its manifest says.
pub fn contradicts(what: impl AsRef<str>) -> Error {
    let message = format!("The bundle contradicts itself: {}. Nothing was stored; export it anew.", what.as_ref());
    Error::new(codes::BUNDLE_CONTRADICTS, message)
}

fn no_bundle(what: &str) -> Error {
    let message = format!(
        "This is no bundle of a session: {what}. Bundles come from GET /api/sessions/{{id}}/bundle.zip; reports go to POST \
         /api/uploads."
    );
    Error::new(codes::NOT_A_BUNDLE, message)
}

fn unreadable(error: &ZipError) -> Error {
    damaged(format!("it is no whole zip file ({error})"))
}

/// Opens a file. Blocks.
///
/// # Errors
/// `bundle_damaged`, `bundle_contradicts`, `newer_bundle`, `not_a_bundle`.
pub fn open(mut file: File) -> Result<Opened> {
    let sealed = check_seal(&mut file)?;
    file.rewind().internal("reading a bundle")?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| unreadable(&error))?;
    if !sealed && !zip.comment().is_empty() {
        return Err(damaged("its seal cannot be read"));
    }
    if zip.has_duplicate_names() {
        return Err(damaged("a name stands twice in it"));
    }
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut folders = BTreeSet::new();
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|error| unreadable(&error))?;
        let name = entry.name().map_err(|error| unreadable(&error))?.into_owned();
        let is_plain = matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated);
        if entry.encrypted() || !is_plain {
            return Err(damaged(format!("{} is packed in a way that is not read here", shown(&name))));
        }
        if entry.is_symlink() {
            return Err(damaged(format!("{} is a link", shown(&name))));
        }
        if entry.is_dir() {
            folders.insert(name);
        } else {
            names.insert(name, index);
        }
    }
    let manifests: Vec<(&String, &usize)> = names.iter().filter(|(name, _)| session_of(name).is_some()).collect();
    let (session_id, manifest) = match manifests.as_slice() {
        [] => return Err(no_bundle("it has no sessions/{id}/session.json")),
        [(name, index)] => {
            let id = session_of(name).unwrap_or_default().to_owned();
            (id, read_small(&mut zip, **index, MOST_MANIFEST_BYTES)?)
        }
        _ => return Err(damaged("it has more than one session.json: bring in one session at a time")),
    };
    let snapshot = read_manifest(&session_id, &manifest)?;
    let files = contents::of(&snapshot).map_err(contradicts)?;
    let expected: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let manifest_name = manifest_name(&session_id);
    for name in names.keys().filter(|name| **name != manifest_name && *name != README) {
        if !expected.contains(name.as_str()) {
            return Err(contradicts(format!("it holds {}, of which its session.json knows nothing", shown(name))));
        }
    }
    if let Some(missing) = expected.iter().find(|name| !names.contains_key(**name)) {
        return Err(contradicts(format!("{} is not in it, though its session.json tells of it", shown(missing))));
    }
    if let Some(folder) = folders.iter().find(|folder| !expected.iter().any(|name| name.starts_with(folder.as_str()))) {
        // Packed by hand, a bundle has entries for its folders.
        if !manifest_name.starts_with(folder.as_str()) && *folder != format!("sessions/{session_id}/raw/") {
            return Err(contradicts(format!("it holds the folder {}, which is none of it", shown(folder))));
        }
    }
    if let Some(index) = names.get(README) {
        read_small(&mut zip, *index, MOST_README_BYTES)?;
    }
    Ok(Opened { zip, manifest, snapshot, files })
}

/// A name that may hold anything, for a message.
fn shown(name: &str) -> String {
    let name: String = name.chars().take(200).collect();
    format!("'{}'", name.escape_debug())
}

/// Whether it has a seal, which is unbroken then. A file that was packed anew has none.
fn check_seal(file: &mut File) -> Result<bool> {
    let doing = "reading a bundle";
    let length = file.metadata().internal(doing)?.len();
    let Some(sealed) = length.checked_sub(SEAL_BYTES as u64) else { return Ok(false) };
    file.seek(SeekFrom::Start(sealed)).internal(doing)?;
    let mut seal = Vec::new();
    file.read_to_end(&mut seal).internal(doing)?;
    let Some(said) = seal.strip_prefix(SEAL.as_bytes()) else { return Ok(false) };
    file.rewind().internal(doing)?;
    let (_, sha256, _) = checksums(file.take(sealed)).internal(doing)?;
    if said == sha256.as_bytes() { Ok(true) } else { Err(damaged("its bytes are not those that were exported")) }
}

/// A small file of the archive, in memory.
fn read_small(zip: &mut ZipArchive<BufReader<File>>, index: usize, most: u64) -> Result<Vec<u8>> {
    let entry = zip.by_index(index).map_err(|error| unreadable(&error))?;
    let name = entry.name().map_err(|error| unreadable(&error))?.into_owned();
    let mut bytes = Vec::new();
    entry.take(most + 1).read_to_end(&mut bytes).map_err(|error| unpacks_not(&name, &error))?;
    if bytes.len() as u64 > most {
        return Err(damaged(format!("{} has more than {most} bytes", shown(&name))));
    }
    Ok(bytes)
}

fn unpacks_not(name: &str, error: &io::Error) -> Error {
    damaged(format!("{} cannot be unpacked ({error})", shown(name)))
}

impl Opened {
    /// Unpacks a file, of which no more is taken than the manifest says. Blocks.
    ///
    /// # Errors
    /// `bundle_damaged`; what the sink says.
    pub fn unpack(&mut self, file: &BundleFile, into: &mut impl Write) -> Result<()> {
        let mut entry = self.zip.by_name(&file.name).map_err(|error| unreadable(&error))?;
        let (mut piece, mut left) = (vec![0; 256 * 1024], file.file.size_bytes);
        loop {
            let read = match entry.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => piece.get(..read).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unpacks_not(&file.name, &error)),
            };
            let more = || damaged(format!("{} has more than {} bytes", shown(&file.name), file.file.size_bytes));
            left = left.checked_sub(read.len() as u64).ok_or_else(more)?;
            into.write_all(read).internal("unpacking a bundle")?;
        }
        if left > 0 {
            let (name, size_bytes) = (shown(&file.name), file.file.size_bytes);
            return Err(damaged(format!("{name} has {left} bytes less than the {size_bytes} that it should have")));
        }
        Ok(())
    }
}

/// What the manifest tells, when all of it is known.
fn read_manifest(session_id: &str, bytes: &[u8]) -> Result<Snapshot> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| damaged(format!("session.json cannot be read ({error})")))?;
    let format = value.get("format_version").and_then(Value::as_u64);
    let newer = |what: &str| {
        let message = format!(
            "The bundle was written by a newer version of this program: {what}. Nothing was stored; use that version, or a \
             later one."
        );
        Error::new(codes::NEWER_BUNDLE, message)
    };
    match format {
        Some(format) if format > u64::from(FORMAT_VERSION) => {
            return Err(newer(&format!("its session.json is of format {format}, and {FORMAT_VERSION} is known here")));
        }
        Some(1..) => {}
        _ => return Err(contradicts("its session.json does not say of which format it is")),
    }
    let told = manifest::read(session_id, bytes).map_err(contradicts)?;
    if let Some(note) = told.notes.first() {
        return Err(contradicts(format!("session.json: {note}")));
    }
    if format == Some(u64::from(FORMAT_VERSION)) {
        let known: Document = serde_json::from_slice(bytes).internal("reading session.json")?;
        let known = serde_json::to_value(known).internal("writing session.json")?;
        if let Some(field) = unknown_field(&value, &known, "") {
            return Err(newer(&format!("its session.json has {}, of which nothing is known here", shown(&field))));
        }
    }
    Ok(told.snapshot)
}

/// A field that says something and would be lost.
fn unknown_field(given: &Value, known: &Value, at: &str) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given.iter().find_map(|(name, value)| {
            let at = format!("{at}/{name}");
            match known.get(name) {
                Some(known) => unknown_field(value, known, &at),
                // What is left out where it says no more than usual.
                None if is_usual(value) => None,
                None => Some(at),
            }
        }),
        (Value::Array(given), Value::Array(known)) => {
            let pairs = given.iter().zip(known).enumerate();
            pairs.into_iter().find_map(|(index, (given, known))| unknown_field(given, known, &format!("{at}/{index}")))
        }
        _ => None,
    }
}

fn is_usual(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(word) => word == "ok" || word == "completed",
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
