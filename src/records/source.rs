//! Where declarations come from: the one that the program brings, and the files of a folder, looked at again and again.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What the program brings: on unless a file of the same name takes its place.
const BUILT_IN: [(&str, &str); 1] = [("hvac.toml", include_str!("../../collections/hvac.toml"))];
/// Longest file of declarations.
const LONGEST_FILE_BYTES: u64 = 1024 * 1024;

/// A file of declarations as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclarationFile {
    /// Its name.
    pub name: String,
    /// Its text, or why it cannot be read.
    pub text: Result<String, String>,
}

/// What tells whether files were changed: name, length and time of each.
pub type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Where declarations come from.
#[derive(Debug, Clone)]
pub struct Source {
    folder: Option<PathBuf>,
}

impl Source {
    /// The built-in one, and those of a folder, or one file.
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// What the files are like now.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let stamp = |path: PathBuf| {
            let metadata = std::fs::metadata(&path).ok();
            let (length, at) = metadata.map_or((0, None), |metadata| (metadata.len(), metadata.modified().ok()));
            (path, length, at)
        };
        self.paths().unwrap_or_default().into_iter().map(stamp).collect()
    }

    /// All of them, by name.
    #[must_use]
    pub fn files(&self) -> Vec<DeclarationFile> {
        let mut files: Vec<DeclarationFile> = Vec::new();
        match self.paths() {
            Ok(paths) => files.extend(paths.iter().map(|path| file(path))),
            Err(why) => {
                let name = self.folder.as_deref().map(name_of).unwrap_or_default();
                files.push(DeclarationFile { name, text: Err(why) });
            }
        }
        for (name, text) in BUILT_IN {
            if !files.iter().any(|file| file.name == name) {
                files.push(DeclarationFile { name: name.to_owned(), text: Ok(text.to_owned()) });
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    }

    fn paths(&self) -> Result<Vec<PathBuf>, String> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        if folder.is_file() {
            return Ok(vec![folder.clone()]);
        }
        let entries = std::fs::read_dir(folder)
            .map_err(|error| format!("COLLECTIONS_PATH='{}' cannot be read: {error}", folder.display()))?;
        let paths = entries.flatten().map(|entry| entry.path());
        let is_one = |path: &PathBuf| {
            path.extension().is_some_and(|ending| ending == "toml") && !name_of(path).starts_with('.') && path.is_file()
        };
        let mut paths: Vec<PathBuf> = paths.filter(is_one).collect();
        paths.sort();
        Ok(paths)
    }
}

/// Whether the program brings a file of that name.
pub(super) fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(built_in, _)| *built_in == name)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn file(path: &Path) -> DeclarationFile {
    let text = match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > LONGEST_FILE_BYTES => {
            Err(format!("it has {} bytes; at most {LONGEST_FILE_BYTES} are read", metadata.len()))
        }
        _ => std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}")),
    };
    DeclarationFile { name: name_of(path), text }
}
