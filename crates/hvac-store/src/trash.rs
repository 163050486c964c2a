//! What was in the way, or that nobody knows: set aside below `trash/` of its root, under the time and the key it had.
//!
//! Nothing here is ever removed unasked; [`Objects::empty_trash`] is for `doctor --empty-trash` alone. To bring a file
//! back, move it to where its key says.

use std::io;
use std::path::Path;

use super::objects::{Objects, storage_error};
use super::staged::rename_new_or_look;
use super::{now, paths};
use crate::error::{Error, Result};

/// How much is set aside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct TrashSize {
    /// Files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Objects {
    /// Sets a file aside, durably; gives the key it has then. Blocks.
    ///
    /// # Errors
    /// `file_missing`; when the disk refuses.
    pub fn trash(&self, key: &str) -> Result<String> {
        let failed = |error: io::Error| storage_error("setting a file aside", error);
        let (from, at) = (self.path(key)?, now());
        for again in 0..1000 {
            let trash = paths::trash(at, again, key);
            let to = self.path(&trash)?;
            std::fs::create_dir_all(to.parent().unwrap_or(&to)).map_err(failed)?;
            match rename_new_or_look(&from, &to) {
                Ok(()) => {
                    self.sync_folders(&trash).and_then(|()| self.sync_folders(key)).map_err(failed)?;
                    self.remove_empty_folders(key);
                    return Ok(trash);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    self.remove_empty_folders(&trash);
                    return Err(failed(error));
                }
            }
        }
        Err(Error::internal("a file could not be set aside: there are a thousand of its name in trash"))
    }

    /// What is set aside. Blocks.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn trash_size(&self) -> Result<TrashSize> {
        let mut size = TrashSize::default();
        add(&self.root().join(paths::TRASH), &mut size).map_err(|e| storage_error("looking into trash", e))?;
        Ok(size)
    }

    /// Removes what is set aside, for ever; tells how much that was. **Only when a user asks for it.** Blocks.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn empty_trash(&self) -> Result<TrashSize> {
        let size = self.trash_size()?;
        match std::fs::remove_dir_all(self.root().join(paths::TRASH)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(storage_error("emptying trash", error)),
            _ => Ok(size),
        }
    }
}

fn add(folder: &Path, size: &mut TrashSize) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            add(&entry.path(), size)?;
        } else {
            size.files += 1;
            size.bytes += entry.metadata()?.len();
        }
    }
    Ok(())
}
