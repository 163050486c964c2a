//! Who works on a storage folder (of sessions, of models): an advisory lock on one file in it.
//!
//! Every process that opens the store holds the lock shared. Who gets it exclusively, if only for a moment,
//! knows that no other process lives: then what a crash left behind may be tidied away. Repairs hold it
//! exclusively for as long as they take. Where the file system has no locks (some network drives), there is
//! no tidying and no repair beside others; everything else works.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::paths;
use crate::error::{Context, Error, Result, codes};

/// How long a start waits for another process' start to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// The lock; dropping it, or dying, releases it.
#[derive(Debug)]
pub struct StoreLock {
    /// None where there is none and none can be made.
    _file: Option<File>,
}

impl StoreLock {
    /// The lock beside others.
    ///
    /// # Errors
    /// `store_locked` while a repair runs.
    pub async fn shared(root: &Path) -> Result<Self> {
        let Some(file) = open(root)? else { return Ok(Self { _file: None }) };
        let started = Instant::now();
        loop {
            match file.try_lock_shared() {
                Ok(()) => return Ok(Self { _file: Some(file) }),
                Err(TryLockError::Error(error)) if unsupported(&error) => return Ok(Self { _file: Some(file) }),
                Err(TryLockError::Error(error)) => return Err(error).internal("locking the storage folder"),
                Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::new(
                        codes::STORE_LOCKED,
                        "The storage folder is being repaired by another process; try again when that has ended.",
                    ));
                }
            }
        }
    }

    /// The lock with nobody beside, or none when there is somebody (or no way to know).
    ///
    /// # Errors
    /// When the lock file cannot be opened.
    pub(crate) fn try_exclusive(root: &Path) -> Result<Option<Self>> {
        let Some(file) = open(root)? else { return Ok(None) };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if unsupported(&error) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).internal("locking the storage folder"),
        }
    }

    /// The lock with nobody beside, for repairs.
    ///
    /// # Errors
    /// `store_in_use` when another process has the store open.
    pub(crate) fn exclusive(root: &Path) -> Result<Self> {
        Self::try_exclusive(root)?.ok_or_else(|| {
            Error::new(
                codes::STORE_IN_USE,
                "Another process has this storage folder open: stop the server and other commands first, then repair.",
            )
        })
    }
}

/// None where the folder can only be read and nobody made the file before: then nobody works there.
fn open(root: &Path) -> Result<Option<File>> {
    let path = root.join(paths::STORE_LOCK);
    let refused =
        |error: &io::Error| matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied);
    let opened = match OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path) {
        Err(error) if refused(&error) => match File::open(&path) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            // Nobody writes it: a lock needs it open, no more.
            opened => opened,
        },
        opened => opened,
    };
    opened.map(Some).internal(
        "opening the lock file of the storage folder; check its rights and DATA_STORAGE_PATH or MODELS_PATH, which \
         name it",
    )
}

fn unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}
