//! What a failure of the machine under the stores – a full disk, a folder that became read-only, a database that is
//! locked or corrupt – means to a user. One table, found by looking through the causes of a failure, so that it does
//! not matter which library reported it or what was being done.

use std::error::Error as StdError;
use std::io;

use sea_orm::sqlx;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use super::{Error, ErrorKind, codes};

/// A fault that whoever runs this program can mend: never a defect of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    DiskFull,
    Storage,
    TooManyOpenFiles,
    DatabaseBusy,
    DatabaseCorrupt,
}

impl Fault {
    fn error(self) -> Error {
        let (code, message, retry_after_s) = match self {
            Self::DiskFull => (
                codes::DISK_FULL,
                "The disk of the storage folder is full: nothing was stored. Free some space (or purge deleted \
                 sessions) and try again.",
                30,
            ),
            Self::Storage => (
                codes::STORAGE_UNAVAILABLE,
                "The disk of the storage folder or of the metadata database cannot be used: nothing was stored. See \
                 that both are mounted, writable and sound (the log has the cause), then try again.",
                10,
            ),
            Self::TooManyOpenFiles => (
                codes::TOO_MANY_OPEN_FILES,
                "The server has as many files and connections open as the system lets it: nothing was stored. Try \
                 again in a moment; if it stays so, raise its limit of open files (ulimit -n).",
                5,
            ),
            Self::DatabaseBusy => (codes::DATABASE_BUSY, "The metadata database is busy; try again in a moment.", 2),
            Self::DatabaseCorrupt => (
                codes::DATABASE_CORRUPT,
                "The metadata database is damaged. Stop the server, move the file of DATABASE_URL (with its -wal and \
                 -shm) away, and make it anew from the session folders: 'hvac-analytics doctor --rebuild'. Nothing \
                 was stored.",
                30,
            ),
        };
        Error::new(code, message).with_retry_after(retry_after_s)
    }
}

/// No space is left.
#[must_use]
pub fn disk_full() -> Error {
    Fault::DiskFull.error()
}

/// Too little space is left for what may be needed, beside the reserve. All in bytes.
#[must_use]
pub fn too_little_space(free: u64, needed: u64, reserve: u64) -> Error {
    let mb = |bytes: u64| bytes.div_ceil(1_000_000);
    let message = format!(
        "The disk of the storage folder has {} MB free, of which {} MB are kept for what must be noted, and this may take \
         {} MB: nothing was stored. Free some space (or purge deleted sessions) and try again.",
        free / 1_000_000,
        mb(reserve),
        mb(needed)
    );
    Error { message, ..disk_full() }
}

/// The failure of the machine that has this code, where nothing else is left of one: a pure room passed it on.
#[must_use]
pub fn of_code(code: &str) -> Option<Error> {
    let all = [Fault::DiskFull, Fault::Storage, Fault::TooManyOpenFiles, Fault::DatabaseBusy, Fault::DatabaseCorrupt];
    all.into_iter().map(Fault::error).find(|error| error.code.name == code)
}

/// What `failure` means, if it or one of its causes is the machine's.
#[must_use]
pub(super) fn fault(failure: &(dyn StdError + 'static)) -> Option<Error> {
    let mut cause = Some(failure);
    while let Some(e) = cause {
        if let Some(db) = e.downcast_ref::<DbErr>() {
            return of_database(db).map(Fault::error);
        }
        // One of ours that went through a library's hands.
        if let Some(ours) = e.downcast_ref::<Error>().filter(|ours| ours.kind() == ErrorKind::Unavailable) {
            return Some(ours.again());
        }
        let Some(io) = e.downcast_ref::<io::Error>() else {
            cause = e.source();
            continue;
        };
        if let Some(fault) = of_io(io) {
            return Some(fault.error());
        }
        // The cause of a custom io error is its inner error, which `source` skips.
        cause = io.get_ref().map(|inner| inner as &(dyn StdError + 'static)).or_else(|| io.source());
    }
    None
}

fn of_io(error: &io::Error) -> Option<Fault> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Fault::DiskFull),
        io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::StaleNetworkFileHandle
        | io::ErrorKind::NotADirectory => Some(Fault::Storage),
        // Codes that the standard library has no kind for, alike on all Unix systems: ENXIO, EIO, ENODEV; ENFILE, EMFILE.
        _ if cfg!(unix) => match error.raw_os_error()? {
            5 | 6 | 19 => Some(Fault::Storage),
            23 | 24 => Some(Fault::TooManyOpenFiles),
            _ => None,
        },
        _ => None,
    }
}

/// By SQLite's primary result code (<https://sqlite.org/rescode.html>).
fn of_database(error: &DbErr) -> Option<Fault> {
    if matches!(error, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) {
        return Some(Fault::DatabaseBusy);
    }
    let code = sqlite_code(error);
    // IOERR_SHMSIZE: the log's index, which is made at its full size, finds no room.
    if code == Some(4874) {
        return Some(Fault::DiskFull);
    }
    match code.map(|code| code & 0xff) {
        // BUSY, LOCKED, INTERRUPT, PROTOCOL (a race for the log that was lost too often).
        Some(5 | 6 | 9 | 15) => Some(Fault::DatabaseBusy),
        // FULL
        Some(13) => Some(Fault::DiskFull),
        // CORRUPT, NOTADB
        Some(11 | 26) => Some(Fault::DatabaseCorrupt),
        // PERM, READONLY, IOERR, CANTOPEN
        Some(3 | 8 | 10 | 14) => Some(Fault::Storage),
        Some(_) => None,
        None => match sqlx_error(error)? {
            // The thread of a connection ended: the pool makes another.
            sqlx::Error::WorkerCrashed | sqlx::Error::PoolTimedOut => Some(Fault::DatabaseBusy),
            sqlx::Error::Io(io) => of_io(io),
            _ => None,
        },
    }
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(source))
        | DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) => Some(source),
        _ => None,
    }
}

/// SQLite's extended result code of a failure; its last byte is the primary one.
#[must_use]
pub(crate) fn sqlite_code(error: &DbErr) -> Option<u32> {
    sqlx_error(error)?.as_database_error()?.code()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The code of what an error of the operating system means, however deep it lies.
    fn code_of(errno: i32) -> Option<&'static str> {
        let plain = fault(&io::Error::from_raw_os_error(errno)).map(|error| error.code.name);
        let wrapped = io::Error::other(io::Error::other(io::Error::from_raw_os_error(errno)));
        assert_eq!(fault(&wrapped).map(|error| error.code.name), plain);
        let parquet = parquet::errors::ParquetError::External(Box::new(wrapped));
        assert_eq!(fault(&parquet).map(|error| error.code.name), plain);
        plain
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn faults_of_a_disk_are_told_from_defects() {
        // errno(3): ENOSPC, EDQUOT, EROFS, EACCES, EIO, ESTALE, EMFILE, ENFILE; EINVAL is a defect.
        for (errno, code) in [
            (28, Some("disk_full")),
            (122, Some("disk_full")),
            (30, Some("storage_unavailable")),
            (13, Some("storage_unavailable")),
            (5, Some("storage_unavailable")),
            (116, Some("storage_unavailable")),
            (24, Some("too_many_open_files")),
            (23, Some("too_many_open_files")),
            (22, None),
        ] {
            assert_eq!(code_of(errno), code, "errno {errno}");
        }
    }
}
