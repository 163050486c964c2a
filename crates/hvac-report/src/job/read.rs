//! Every report of a job, read once, in parallel: its tables' plans, and their cells while there is room for them.
//!
//! Each file has options of its own. Where something is remembered of reports of its shape, that is tried first and the
//! file's own options when it cannot be read so: what was right for an earlier report never keeps a later one out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::{Chunk, FilePlan, ReadError, ReadOptions, Reader, Source};
use super::shape;
use hvac_frame::builder::SegmentBuilder;
use hvac_frame::encoded::EncodedSegment;

/// Gives the bytes of the file with that index, which are let go as soon as they are read; called again when a
/// file's cells were not kept.
pub type Load<'a> = dyn Fn(usize) -> Result<Bytes, ReadError> + Sync + 'a;

/// A report's name and the hash of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileId {
    /// As the user knows it.
    pub name: String,
    /// Of the raw bytes, hex; settles the order of files that end at the same time.
    pub sha256: String,
}

/// A report and how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileToRead {
    /// Name and hash.
    pub id: FileId,
    /// What is stated for it.
    pub options: Arc<ReadOptions>,
    /// The same with what is remembered of its like, where that says more: tried first.
    pub recalled: Option<Arc<ReadOptions>>,
    /// What the names of its points begin with.
    pub prefix_by: Option<PrefixBy>,
}

/// What the names of points begin with, so that machines whose reports use the same names stay apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PrefixBy {
    /// The file's name without its ending.
    File,
    /// The folder that it lies in, or the archive.
    Folder,
    /// The sheet of a workbook.
    Sheet,
}

/// What became of what is remembered of a report's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recalled {
    /// Nothing is remembered, or nothing that was not stated.
    Nothing,
    /// The report was read by it.
    Applied,
    /// The report contradicts it, and was read without.
    Refused(ReadError),
}

/// A table of a report that was read: its plan, its times, and its cells unless there was no room.
#[derive(Debug)]
pub struct ReadFile {
    /// Index for [`Load`].
    pub index: usize,
    /// Which of the report's tables.
    pub(super) table: usize,
    /// Name and hash.
    pub id: FileId,
    /// How it was read.
    pub options: Arc<ReadOptions>,
    /// What the names of its points begin with.
    pub(super) prefix: Option<String>,
    /// Of the report ([`shape::of`]); empty when nobody asked.
    pub shape: String,
    /// What became of what is remembered of that shape.
    pub recalled: Recalled,
    /// What it holds.
    pub plan: FilePlan,
    /// Times of each chunk, UTC ms, ascending.
    pub(super) times_ms: Vec<Arc<[i64]>>,
    /// One entry a chunk; none when it has to be read again.
    segments: Vec<Option<Arc<EncodedSegment>>>,
}

/// Reads every file once, in parallel, keeping cells up to `memory_bytes`; `done` hears of each. A file has an entry a
/// table. The shapes of the files are told where `shapes` asks for them.
///
/// # Errors
/// All files that cannot be read, in the order given.
pub fn read_all(
    files: &[FileToRead],
    load: &Load<'_>,
    shapes: bool,
    memory_bytes: u64,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<ReadFile>, Vec<ReadError>> {
    let (read, unreadable) = read_each(files, load, shapes, memory_bytes, done);
    if unreadable.is_empty() { Ok(read) } else { Err(unreadable) }
}

/// As [`read_all`]: the files that can be read, and why the others cannot, both in the order given.
pub fn read_each(
    files: &[FileToRead],
    load: &Load<'_>,
    shapes: bool,
    memory_bytes: u64,
    done: &(dyn Fn() + Sync),
) -> (Vec<ReadFile>, Vec<ReadError>) {
    let room = Room { kept_bytes: AtomicU64::new(0), memory_bytes };
    let read: Vec<Result<Vec<ReadFile>, ReadError>> = files
        .par_iter()
        .enumerate()
        .map_init(SegmentBuilder::default, |builder, (index, file)| {
            let tables = read_one((index, file), load, shapes, &room, builder)?;
            done();
            Ok(tables)
        })
        .collect();
    let (good, bad): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
    (good.into_iter().flatten().flatten().collect(), bad.into_iter().filter_map(Result::err).collect())
}

/// What all files may keep together.
struct Room {
    kept_bytes: AtomicU64,
    memory_bytes: u64,
}

impl Room {
    fn take(&self, size: u64) -> bool {
        let fits = self.kept_bytes.fetch_add(size, Ordering::Relaxed) + size <= self.memory_bytes;
        if !fits {
            self.give_back(size);
        }
        fits
    }

    fn give_back(&self, size: u64) {
        self.kept_bytes.fetch_sub(size, Ordering::Relaxed);
    }
}

fn read_one(
    (index, file): (usize, &FileToRead),
    load: &Load<'_>,
    shapes: bool,
    room: &Room,
    builder: &mut SegmentBuilder,
) -> Result<Vec<ReadFile>, ReadError> {
    let bytes = load(index)?;
    let source = Source { name: &file.id.name, bytes: &bytes };
    let (shape, mut tables) = match shapes {
        true => shape::of(source, &file.options),
        false => (String::new(), None),
    };
    let mut try_with = |options: &Arc<ReadOptions>| {
        let known = tables.take_if(|_| *options == file.options);
        let tables = known.map_or_else(|| Reader::open(source, options), Ok)?;
        read_tables(&tables, room, builder)
    };
    let mut recalled = Recalled::Nothing;
    if let Some(with) = &file.recalled {
        match try_with(with) {
            Ok(read) => return Ok(entries(index, file, (with, Recalled::Applied), &shape, read)),
            Err(error) => recalled = Recalled::Refused(error),
        }
    }
    let read = try_with(&file.options)?;
    Ok(entries(index, file, (&file.options, recalled), &shape, read))
}

fn entries(
    index: usize,
    file: &FileToRead,
    (options, recalled): (&Arc<ReadOptions>, Recalled),
    shape: &str,
    read: Vec<Kept>,
) -> Vec<ReadFile> {
    let entry = |(table, (plan, times_ms, segments)): (usize, Kept)| ReadFile {
        index,
        table,
        id: file.id.clone(),
        options: options.clone(),
        prefix: file.prefix_by.and_then(|by| prefix(by, &file.id.name, &plan.part)),
        shape: shape.to_owned(),
        recalled: recalled.clone(),
        plan,
        times_ms,
        segments,
    };
    read.into_iter().enumerate().map(entry).collect()
}

fn prefix(by: PrefixBy, name: &str, sheet: &str) -> Option<String> {
    let stem = |name: &str| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned();
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let folder = folder.rsplit('/').next().unwrap_or_default();
    let prefix = match by {
        PrefixBy::File => stem(file.strip_suffix(".gz").unwrap_or(file)),
        PrefixBy::Folder if folder.to_ascii_lowercase().ends_with(".zip") => stem(folder),
        PrefixBy::Folder => folder.to_owned(),
        PrefixBy::Sheet => sheet.to_owned(),
    };
    Some(prefix).filter(|prefix| !prefix.is_empty())
}

/// The plan of a table, the times of its chunks, and their cells as far as there is room.
type Kept = (FilePlan, Vec<Arc<[i64]>>, Vec<Option<Arc<EncodedSegment>>>);

fn read_tables(tables: &[Reader<'_>], room: &Room, builder: &mut SegmentBuilder) -> Result<Vec<Kept>, ReadError> {
    let mut kept_bytes = 0;
    let read = tables.iter().map(|reader| read_table(reader, room, &mut kept_bytes, builder)).collect();
    if let Err(error) = read {
        room.give_back(kept_bytes);
        return Err(error);
    }
    read
}

fn read_table(
    reader: &Reader<'_>,
    room: &Room,
    kept_bytes: &mut u64,
    builder: &mut SegmentBuilder,
) -> Result<Kept, ReadError> {
    let mut times_ms = Vec::new();
    let mut segments = Vec::new();
    let plan = reader.plan(builder, &mut |_, segment| {
        times_ms.push(segment.at_ms.clone());
        let size = segment.size_bytes();
        let fits = room.take(size);
        *kept_bytes += if fits { size } else { 0 };
        segments.push(fits.then(|| Arc::new(segment)));
    })?;
    Ok((plan, times_ms, segments))
}

impl ReadFile {
    /// Rows with a time after that one, UTC ms; of a file that no plan was made of yet.
    #[must_use]
    pub fn rows_after(&self, at_ms: i64) -> u64 {
        self.times_ms.iter().map(|times| (times.len() - times.partition_point(|at| *at <= at_ms)) as u64).sum()
    }

    /// The cells of the chunks that touch a time; what ends in it is given away.
    pub(super) fn segments_between(
        &mut self,
        first_ms: i64,
        last_ms: i64,
        load: &Load<'_>,
    ) -> Result<Vec<Arc<EncodedSegment>>, ReadError> {
        let touches = |c: &Chunk| c.rows > 0 && c.first_at_ms <= last_ms && c.last_at_ms >= first_ms;
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for (position, (chunk, kept)) in self.plan.chunks.iter().zip(&mut self.segments).enumerate() {
            match kept {
                _ if !touches(chunk) => {}
                Some(_) if chunk.last_at_ms <= last_ms => found.extend(kept.take().map(|segment| (position, segment))),
                Some(segment) => found.push((position, segment.clone())),
                None => missing.push(position),
            }
        }
        if !missing.is_empty() {
            for (position, segment) in self.read_again(&missing, load)? {
                found.push((position, segment));
            }
            found.sort_by_key(|(position, _)| *position);
        }
        Ok(found.into_iter().map(|(_, segment)| segment).collect())
    }

    /// The cells of that chunk, without giving them away.
    pub(super) fn segment(&self, position: usize, load: &Load<'_>) -> Result<Option<Arc<EncodedSegment>>, ReadError> {
        match self.segments.get(position) {
            Some(Some(kept)) => Ok(Some(kept.clone())),
            Some(None) => Ok(self.read_again(&[position], load)?.pop().map(|(_, segment)| segment)),
            None => Ok(None),
        }
    }

    fn read_again(&self, positions: &[usize], load: &Load<'_>) -> Result<Vec<(usize, Arc<EncodedSegment>)>, ReadError> {
        let bytes = load(self.index)?;
        let tables = Reader::open(Source { name: &self.id.name, bytes: &bytes }, &self.options)?;
        let changed = || ReadError {
            code: "report_changed",
            file: self.id.name.clone(),
            line: None,
            column: None,
            message: "the report's bytes are not those that were planned: parse it again".to_owned(),
        };
        let reader = tables.get(self.table).ok_or_else(changed)?;
        positions.iter().map(|position| Ok((*position, Arc::new(reader.read(&self.plan, *position)?)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_named_after_where_they_come_from() {
        let of = |by, name: &str| prefix(by, name, "Jan");
        assert_eq!(of(PrefixBy::File, "AHU-1.trend.csv").as_deref(), Some("AHU-1.trend"));
        assert_eq!(of(PrefixBy::File, "a.zip/AHU 2/t.csv.gz").as_deref(), Some("t"));
        assert_eq!(of(PrefixBy::Folder, "a.zip/AHU 2/t.csv").as_deref(), Some("AHU 2"));
        assert_eq!(of(PrefixBy::Folder, "AHU-3.zip/t.csv").as_deref(), Some("AHU-3"));
        assert_eq!(of(PrefixBy::Folder, "v1.2/t.csv").as_deref(), Some("v1.2"));
        assert_eq!(of(PrefixBy::Folder, "t.csv"), None);
        assert_eq!(of(PrefixBy::Sheet, "t.xlsx").as_deref(), Some("Jan"));
        assert_eq!(prefix(PrefixBy::Sheet, "t.csv", ""), None);
    }
}
