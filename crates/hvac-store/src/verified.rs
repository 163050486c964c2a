//! Files whose bytes this process has compared with their hash, and what they looked like then.
//!
//! Published files never change, so one that looks as it did (size, times, inode) is what it was; one that does not is
//! hashed again by whoever reads it next. What changes without a trace is for the scrub to find.

use std::fs::File;
use std::io::{self, Seek as _};
use std::sync::{Arc, PoisonError};

use super::entity::Integrity;
pub use super::file_stamp::FileStamp;
use super::objects::{ObjectBytes, Objects, hash, map, storage_error};
use crate::error::{Context, Result, codes};

/// What a file is: how it looks when it is what was published, else what is wrong.
pub type Verdict = std::result::Result<FileStamp, Integrity>;

impl Objects {
    /// What a published file looks like now.
    ///
    /// # Errors
    /// `file_missing`; internal when it cannot be looked at.
    pub fn stamp(&self, key: &str) -> Result<FileStamp> {
        let metadata = std::fs::metadata(self.path(key)?);
        metadata.map(|metadata| FileStamp::of(&metadata)).map_err(|e| storage_error("looking at a stored file", e))
    }

    /// What it looks like, if it looks as it did when its bytes were last found to have that hash.
    ///
    /// # Errors
    /// As [`Self::stamp`].
    pub(crate) fn unchanged(&self, key: &str, sha256: &str) -> Result<Option<FileStamp>> {
        let stamp = self.stamp(key)?;
        Ok(self.verified.files.get(key).filter(|known| known.1 == stamp && *known.0 == *sha256).map(|_| stamp))
    }

    /// Compares a file with what was published: by its bytes, unless it looks as it did when that was last done.
    /// Gives what it looks like, or what is wrong with it. Blocks.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn verify(&self, key: &str, sha256: &str, size_bytes: u64) -> Result<Verdict> {
        let turn = self.verified.turns.get_with(key.to_owned(), Arc::default);
        let _one_at_a_time = turn.lock().unwrap_or_else(PoisonError::into_inner);
        match self.unchanged(key, sha256) {
            Ok(Some(stamp)) => Ok(Ok(stamp)),
            Err(error) if error.code == codes::FILE_MISSING => Ok(Err(Integrity::Missing)),
            Err(error) => Err(error),
            Ok(None) => self.verify_bytes(key, sha256, size_bytes, &mut |_| Ok(())),
        }
    }

    /// As [`Self::verify`], by what the disk has of it in any case; `read` is told of the length of each piece, and may
    /// take its time or end it.
    ///
    /// # Errors
    /// When it cannot be looked at; that of `read`.
    pub fn verify_on_disk(
        &self,
        key: &str,
        sha256: &str,
        size_bytes: u64,
        read: &mut dyn FnMut(usize) -> io::Result<()>,
    ) -> Result<Verdict> {
        if let Ok(file) = self.file(key)
            && let Err(error) = from_disk(&file)
        {
            tracing::debug!(key, %error, "a file is hashed as the system remembers it");
        }
        self.verify_bytes(key, sha256, size_bytes, read)
    }

    fn verify_bytes(
        &self,
        key: &str,
        sha256: &str,
        size_bytes: u64,
        read: &mut dyn FnMut(usize) -> io::Result<()>,
    ) -> Result<Verdict> {
        let doing = "looking at a stored file";
        self.forget(key);
        let mut file = match self.file(key) {
            Err(error) if error.code == codes::FILE_MISSING => return Ok(Err(Integrity::Missing)),
            file => file?,
        };
        let before = FileStamp::of(&file.metadata().internal(doing)?);
        if before.size_bytes != size_bytes {
            return Ok(Err(Integrity::Damaged));
        }
        let found = match hash(&mut file, read) {
            // A cable or a network may fail once; what is gone fails again.
            Err(error) if error.raw_os_error() == Some(EIO) => file.rewind().and_then(|()| hash(&mut file, read)),
            found => found,
        };
        match found {
            Ok(found) if found == sha256 => {}
            Ok(_) => return Ok(Err(Integrity::Damaged)),
            // The disk itself says, twice, that the bytes are gone.
            Err(error) if error.raw_os_error() == Some(EIO) => {
                tracing::error!(key, %error, "a stored file cannot be read");
                return Ok(Err(Integrity::Damaged));
            }
            Err(error) => return Err(storage_error("hashing a stored file", error)),
        }
        // Otherwise somebody has been at it meanwhile, and the next one looks again.
        if FileStamp::of(&file.metadata().internal(doing)?) == before {
            self.verified.files.insert(key.to_owned(), (sha256.into(), before));
        }
        Ok(Ok(before))
    }

    /// The bytes of a file, if it still looks like that. Blocks.
    ///
    /// # Errors
    /// As [`Self::open_bytes`].
    pub fn open_unchanged(&self, key: &str, stamp: FileStamp) -> Result<Option<ObjectBytes>> {
        let file = self.file(key)?;
        if FileStamp::of(&file.metadata().internal("looking at a stored file")?) != stamp {
            return Ok(None);
        }
        map(&file).map(Some)
    }

    /// Remembers that a file has that hash: it was written and named a moment ago.
    pub(super) fn remember(&self, key: &str, sha256: &str) {
        if let Ok(stamp) = self.stamp(key) {
            self.verified.files.insert(key.to_owned(), (sha256.into(), stamp));
        }
    }

    /// Has the next reader of a file hash it.
    pub fn forget(&self, key: &str) {
        self.verified.files.invalidate(key);
    }
}

/// `EIO`, on every system that has it.
const EIO: i32 = 5;

/// Has the disk itself asked for a file's bytes, where the system knows how: they may be another in its memory.
fn from_disk(file: &File) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?;
    #[cfg(not(target_os = "linux"))]
    let _ = file;
    Ok(())
}
