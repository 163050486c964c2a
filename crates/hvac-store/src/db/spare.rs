//! Space beside the database that is kept for whoever makes room: on a disk that is full to the last byte, a purge could not
//! be noted otherwise.

use std::io;
use std::path::{Path, PathBuf};

use super::Db;

/// What the purge of a large session writes into the database's log, and far more.
const SPARE_BYTES: usize = 2 << 20;

impl Db {
    /// Sees that there is spare space, where the disk has it.
    pub async fn keep_spare(&self) {
        if self.is_read_only() {
            return;
        }
        let path = self.spare_path();
        let kept = tokio::task::spawn_blocking(move || keep(&path)).await;
        if let Ok(Err(error)) = kept {
            tracing::debug!(%error, "no spare space is kept beside the database");
        }
    }

    /// Gives the spare space up, for what makes room; whether there was any.
    #[must_use]
    pub fn give_up_spare(&self) -> bool {
        std::fs::remove_file(self.spare_path()).is_ok()
    }

    fn spare_path(&self) -> PathBuf {
        let mut path = self.file.path().as_os_str().to_owned();
        path.push("-spare");
        path.into()
    }
}

fn keep(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|there| there.len() == SPARE_BYTES as u64) {
        return Ok(());
    }
    std::fs::write(path, vec![0; SPARE_BYTES]).inspect_err(|_| {
        let _ = std::fs::remove_file(path);
    })
}
