//! Whether the file at a path is still the one that was opened. A database that is deleted or replaced under a server
//! goes on taking commits into a file that nobody will ever open again.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, codes};

/// A database's file, as it was opened.
#[derive(Debug)]
pub(crate) struct OpenedFile {
    path: PathBuf,
    identity: Identity,
    /// Whether there was a write-ahead log beside it; else there need be none.
    has_log: bool,
}

/// What tells files apart, whatever their names: device and inode. Elsewhere an open file cannot be replaced.
type Identity = Option<(u64, u64)>;

impl OpenedFile {
    /// Of the file that is there now.
    pub(super) fn of(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&std::fs::metadata(&path)?);
        let has_log = log_of(&path).exists();
        Ok(Self { path, identity, has_log })
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it still is.
    ///
    /// # Errors
    /// `database_replaced`.
    pub(super) fn check(&self) -> Result<()> {
        match std::fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => Ok(()),
            Ok(_) => Err(replaced("was replaced by another")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(replaced("was removed").with_source(error)),
            Err(error) => Err(Error::while_doing("looking at the database's file", error)),
        }
    }

    /// The same after a commit, which lies in the log beside the file.
    ///
    /// # Errors
    /// `database_replaced`.
    pub(super) fn check_written(&self) -> Result<()> {
        self.check()?;
        match std::fs::metadata(log_of(&self.path)) {
            Err(error) if self.has_log && error.kind() == io::ErrorKind::NotFound => {
                Err(replaced("lost its write-ahead log (-wal)").with_source(error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn identity(file: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    None
}

fn replaced(what: &str) -> Error {
    let message = format!(
        "The file of the metadata database (DATABASE_URL) {what} while the server was running: nothing is stored any \
         more. Put that very file back, or stop the server and start it again with the database that belongs to the \
         storage folder ('hvac-analytics doctor --rebuild' makes one from the files)."
    );
    Error::new(codes::DATABASE_REPLACED, message).with_retry_after(30)
}

/// Whether the file that is there, or the folder that it would be made in, may not be written.
pub(super) fn refuses_writing(path: &Path) -> bool {
    let refused =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied);
    OpenOptions::new().append(true).open(path).map(|_: File| ()).is_err_and(|error| refused(&error))
}

/// Where SQLite keeps the write-ahead log of a database.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}
