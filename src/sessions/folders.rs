//! The folders of server-side reports, confined to `DATA_DIR`.
//!
//! Every path that a request names goes through [`Folder::resolve`] and [`Folder::file`]; nothing outside
//! `DATA_DIR`, and nothing of the session storage, can be reached by `..`, an absolute path or a link.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::{FolderListing, ParseRequest};
use crate::config::Config;
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_report::archive;

/// Endings of files that may be reports, in words.
pub const ENDINGS: &str = ".csv, .tsv, .txt, .dat, .xlsx, .xlsm, .xls, .parquet, .arrow, .feather, .zip or .csv.gz";

/// A folder below `DATA_DIR` that exists.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    root: PathBuf,
    storage: Option<PathBuf>,
}

/// What lies in a folder; a folder that does not exist is an empty listing with an `error` text.
///
/// # Errors
/// 422 for a path that leaves `DATA_DIR`.
pub fn list(state: &AppState, data_dir: Option<&str>, subfolder: Option<&str>) -> Result<FolderListing> {
    let base = relative(&state.config, "data_dir", data_dir.unwrap_or_default())?;
    let subfolder = subfolder.filter(|s| !s.is_empty());
    let directory = match subfolder {
        Some(subfolder) => base.join(relative_part("subfolder", subfolder)?),
        None => base.clone(),
    };
    let mut listing = FolderListing {
        directory: shown(&directory),
        base_dir: shown(&base),
        current_folder: subfolder.map(str::to_owned),
        ..FolderListing::default()
    };
    let folder = match Folder::open(&state.config, &directory)? {
        Some(folder) => folder,
        None => {
            listing.error = Some(format!("there is no folder '{}' in the data folder", shown(&directory)));
            return Ok(listing);
        }
    };
    if subfolder.is_some() {
        listing.files = folder.reports();
        listing.count = listing.files.len() as u64;
        return Ok(listing);
    }
    let counts: BTreeMap<String, u64> = folder
        .folders()
        .into_iter()
        .filter_map(|name| {
            let below = Folder::open(&state.config, &directory.join(&name)).ok()??;
            Some((name, below.reports().len() as u64))
        })
        .collect();
    listing.folders = counts.keys().cloned().collect();
    listing.total_files = Some(counts.values().sum());
    listing.folder_counts = Some(counts);
    Ok(listing)
}

/// The server-side reports a request means: those named, or all of the folder.
///
/// # Errors
/// 404 for a folder or file that is not there, 422 for a path that leaves `DATA_DIR` or an empty folder.
pub fn reports(
    config: &Config,
    data_dir: Option<&str>,
    subfolder: Option<&str>,
    files: Option<&[String]>,
) -> Result<Vec<(String, PathBuf)>> {
    let mut directory = relative(config, "data_dir", data_dir.unwrap_or_default())?;
    if let Some(subfolder) = subfolder {
        directory.push(relative_part("subfolder", subfolder)?);
    }
    let folder = Folder::open(config, &directory)?.ok_or_else(|| {
        Error::new(
            codes::UNKNOWN_FOLDER,
            format!("there is no folder '{}' in the data folder; GET /api/files lists them", shown(&directory)),
        )
    })?;
    let names = match files {
        Some(files) => files.to_vec(),
        None => folder.reports(),
    };
    if names.is_empty() {
        let message = format!("there is no report in '{}': put {ENDINGS} files there", shown(&directory));
        return Err(Error::invalid("files", codes::NO_FILES, message));
    }
    names.into_iter().map(|name| folder.file(&name).map(|path| (name, path))).collect()
}

/// The server-side reports of a parse: none for an uploaded session alone.
///
/// # Errors
/// As [`reports`].
pub(super) fn of_request(config: &Config, request: &ParseRequest) -> Result<Vec<(String, PathBuf)>> {
    // A form's empty text is as good as none.
    let given = |text: &Option<String>| text.as_deref().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let (data_dir, subfolder) = (given(&request.data_dir), given(&request.subfolder));
    let named = request.files.is_some() || subfolder.is_some() || data_dir.is_some();
    if named || request.session_id.is_none() {
        reports(config, data_dir.as_deref(), subfolder.as_deref(), request.files.as_deref())
    } else {
        Ok(Vec::new())
    }
}

impl Folder {
    /// The folder at `directory` below `DATA_DIR`; none when there is none.
    fn open(config: &Config, directory: &Path) -> Result<Option<Self>> {
        let Ok(root) = config.data_dir.canonicalize() else { return Ok(None) };
        let Ok(path) = root.join(directory).canonicalize() else { return Ok(None) };
        let folder = Self { path, root, storage: config.store.data_storage_path.canonicalize().ok() };
        folder.confine(&folder.path, "subfolder", &shown(directory))?;
        Ok(folder.path.is_dir().then_some(folder))
    }

    fn confine(&self, path: &Path, field: &'static str, name: &str) -> Result<()> {
        let in_storage = self.storage.as_ref().is_some_and(|storage| path.starts_with(storage));
        if path.starts_with(&self.root) && !in_storage { Ok(()) } else { Err(outside(field, name)) }
    }

    fn file(&self, name: &str) -> Result<PathBuf> {
        let missing = || {
            Error::new(
                codes::UNKNOWN_FILE,
                format!("there is no file '{name}' in that folder; GET /api/files lists them"),
            )
        };
        let path = self.path.join(relative_part("files", name)?).canonicalize().map_err(|_| missing())?;
        self.confine(&path, "files", name)?;
        if path.is_file() { Ok(path) } else { Err(missing()) }
    }

    fn entries(&self) -> Vec<(String, PathBuf)> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut entries: Vec<(String, PathBuf)> = entries
            .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path().canonicalize().ok()?)))
            .filter(|(name, path)| !name.starts_with('.') && self.confine(path, "files", name).is_ok())
            .collect();
        entries.sort();
        entries
    }

    fn reports(&self) -> Vec<String> {
        self.entries()
            .into_iter()
            .filter(|(name, path)| path.is_file() && may_be_report(name))
            .map(|(name, _)| name)
            .collect()
    }

    fn folders(&self) -> Vec<String> {
        self.entries().into_iter().filter(|(_, path)| path.is_dir()).map(|(name, _)| name).collect()
    }
}

/// Whether a file's name ends like a report's.
#[must_use]
pub fn may_be_report(name: &str) -> bool {
    let ends_in = |name: &str, endings: &[&str]| {
        let ending = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        endings.contains(&ending.as_str())
    };
    // Of what else is packed so, such as logs and backups, there is more than of reports.
    let packed = name.len().checked_sub(3).and_then(|at| name.split_at_checked(at));
    let packed =
        packed.is_some_and(|(member, ending)| ending.eq_ignore_ascii_case(".gz") && ends_in(member, &archive::REPORTS));
    packed || ends_in(name, &archive::REPORTS) || ends_in(name, &["zip"])
}

/// `data_dir` below `DATA_DIR`; `data` (and `DATA_DIR`'s own name) is the root itself.
fn relative(config: &Config, field: &'static str, data_dir: &str) -> Result<PathBuf> {
    let own_name = config.data_dir.file_name().and_then(|n| n.to_str()).unwrap_or("data");
    let trimmed = data_dir.trim().trim_start_matches("./").trim_end_matches('/');
    if ["", ".", "data", own_name].contains(&trimmed) { Ok(PathBuf::new()) } else { relative_part(field, trimmed) }
}

/// A relative path with plain names only.
fn relative_part(field: &'static str, path: &str) -> Result<PathBuf> {
    let plain = !path.contains('\0') && !path.contains('\\');
    let components: Vec<Component<'_>> = Path::new(path).components().filter(|c| *c != Component::CurDir).collect();
    if plain && components.iter().all(|c| matches!(c, Component::Normal(_))) {
        Ok(components.iter().collect())
    } else {
        Err(outside(field, path))
    }
}

fn outside(field: &'static str, path: &str) -> Error {
    Error::invalid(
        field,
        codes::PATH_OUTSIDE_DATA_DIR,
        format!("'{path}' leaves the data folder: give a name below it, without '..' and without a leading '/'"),
    )
}

fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().into_owned();
    if text.is_empty() { ".".to_owned() } else { text }
}
