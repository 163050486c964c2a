//! Which reports a parse reads and by what: their bytes, in files and archives, and what is said of those that cannot be
//! read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use chrono_tz::Tz;

use super::{OnConflict, UnreadableFile};
use crate::error::{Detail, Error, Result, codes, machine};
use hvac_frame::parquet_file::Encodings;
use hvac_report::job::plan::Override;
use hvac_report::job::read::{FileId, FileToRead};
use hvac_report::job::shape;
use hvac_report::{ReadError, Source, archive};
use hvac_store::objects::Objects;

/// One report to read: raw bytes, or a member of a raw archive.
#[derive(Clone)]
pub struct Input {
    /// As the user knows it.
    pub id: FileId,
    /// Where the bytes are, or those of the archive: published, or still staged.
    pub key: String,
    /// The archive's name and the member's within it.
    pub archive: Option<(String, String)>,
    /// Bytes of the report itself.
    pub size_bytes: u64,
    /// When it was written at the latest, UTC ms.
    pub written_at_ms: i64,
}

/// What to make of which reports.
pub struct Job {
    /// The reports, each content once.
    pub inputs: Vec<Input>,
    /// Where their bytes are.
    pub objects: Objects,
    /// How to read each of them.
    pub files: Vec<FileToRead>,
    /// Zone of the times that are shown.
    pub zone: Tz,
    /// Whether the shapes of the files are asked for, to remember what was said of them.
    pub wants_shapes: bool,
    /// What is remembered of each file's shape, in words.
    pub remembered_of: Vec<Option<String>>,
    /// When each file was written, UTC ms: no row can be later.
    pub written_at_ms: Vec<i64>,
    /// Whether it was stated which of two different values stays.
    pub accept_conflicts: bool,
    /// Whether readings may be lost.
    pub accept_loss: bool,
    /// Whether reports that cannot be read are left out.
    pub skip_unreadable: bool,
    /// Those that were left out before.
    pub unreadable: Vec<UnreadableFile>,
    /// Which of two different values stays.
    pub on_conflict: OnConflict,
    /// What the request says of columns.
    pub stated: BTreeMap<String, Override>,
    /// What earlier requests said for this site.
    pub remembered: BTreeMap<String, Override>,
    /// Which encodings the file may use.
    pub encodings: Encodings,
    /// What reading and merging may hold.
    pub memory_bytes: u64,
    /// What archives may unpack to.
    pub archive_limits: archive::Limits,
    /// Those that are open.
    pub archives: Archives,
}

/// The archives that members were last read from, by key: a directory is read once, not once a member. Members are read
/// in their archive's order by a few threads close to each other, so a few archives are enough, and what is mapped at
/// one time does not grow with them.
#[derive(Default)]
pub struct Archives(Mutex<VecDeque<(String, archive::Archive)>>);

impl Archives {
    const OPEN: usize = 16;

    /// The archive of that key, opened when it is not open.
    pub fn get<E>(&self, key: &str, open: impl FnOnce() -> Result<archive::Archive, E>) -> Result<archive::Archive, E> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = opened.iter().position(|(known, _)| known == key).and_then(|at| opened.remove(at));
        let (key, archive) = match found {
            Some(found) => found,
            None => (key.to_owned(), open()?),
        };
        opened.push_front((key, archive.clone()));
        opened.truncate(Self::OPEN);
        Ok(archive)
    }
}

/// Opened when it is read and closed right after: what is mapped at one time does not grow with the files.
pub fn load(job: &Job, index: usize) -> Result<Bytes, ReadError> {
    let Some(input) = job.inputs.get(index) else { return Ok(Bytes::new()) };
    let bytes = || {
        let opened = job.objects.open_bytes(&input.key).map(|bytes| bytes.to_bytes());
        opened.map_err(|error| ReadError {
            code: error.code.name,
            file: input.id.name.clone(),
            line: None,
            column: None,
            message: error.message,
        })
    };
    match &input.archive {
        Some((name, member)) => {
            let archive = job.archives.get(&input.key, || archive::Archive::open(name, bytes()?))?;
            archive.extract(member, &job.archive_limits).map(Bytes::from)
        }
        None => bytes(),
    }
}

/// The shape of each report; empty where it cannot be opened, which reading will tell.
pub fn shapes(job: &Job) -> Vec<String> {
    let shape = |(index, file): (usize, &FileToRead)| match load(job, index) {
        Ok(bytes) => shape::of(Source { name: &file.id.name, bytes: &bytes }, &file.options).0,
        Err(_) => String::new(),
    };
    job.files.iter().enumerate().map(shape).collect()
}

/// What is refused as it comes, before anything is kept of it.
pub fn not_taken(error: ReadError) -> Error {
    of_reports(&[error], 1, "nothing was stored")
}

/// One error for all reports that cannot be read; says what became of the others.
pub fn unreadable(errors: &[ReadError], files: usize) -> Error {
    let others = match files.saturating_sub(errors.len()) {
        0 => "no version was made".to_owned(),
        1 => "no version was made; the other file can be read: skip_unreadable goes on with it".to_owned(),
        n => format!("no version was made; the other {n} files can be read: skip_unreadable goes on with them"),
    };
    of_reports(errors, files, &others)
}

fn of_reports(errors: &[ReadError], files: usize, outcome: &str) -> Error {
    // Not the reports' fault: it may pass, and is no reason to call a session failed.
    if let Some(fault) = errors.iter().find_map(|e| machine::of_code(e.code)) {
        return fault;
    }
    let first = errors.first();
    let shared = first.map(|e| e.code).filter(|code| errors.iter().all(|e| e.code == *code));
    let code = shared.map_or(codes::UNREADABLE_FILES, |name| codes::named(name).unwrap_or(codes::INTERNAL));
    let place = |e: &ReadError| match e.line {
        Some(line) => format!("{}, line {line}: {}", e.file, e.message),
        None => format!("{}: {}", e.file, e.message),
    };
    let message = match (first, errors.len()) {
        (Some(error), 1) => format!("{} ({outcome})", place(error)),
        (Some(error), n) => format!("{n} of {files} files cannot be read, the first: {} ({outcome})", place(error)),
        (None, _) => outcome.to_owned(),
    };
    errors.iter().take(100).fold(Error::new(code, message), |error, e| {
        error.with_detail(Detail {
            file: Some(e.file.clone()),
            line: e.line,
            column: e.column.clone(),
            message: e.message.clone(),
            field: None,
        })
    })
}
