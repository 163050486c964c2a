//! Zip archives of reports, and gzip files of one: what is in one, and one member's bytes.
//!
//! Nothing of an archive is believed: names that leave the folder, encrypted members, archives in archives
//! and everything beyond the limits are refused, by what is declared and again by what comes out. A gzip file declares
//! nothing worth a look: its one member is named by the file, `a.csv` of `a.csv.gz`.

use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::ReadError;
use hvac_frame::column::Warning;

/// Endings of files that may be reports.
pub const REPORTS: [&str; 10] = ["csv", "tsv", "txt", "dat", "xlsx", "xlsm", "xls", "parquet", "arrow", "feather"];
/// Endings of archives, which are not read within others.
const ARCHIVES: [&str; 8] = ["zip", "gz", "tgz", "7z", "rar", "tar", "bz2", "xz"];

/// What an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// All members together, unpacked.
    pub total_bytes: u64,
    /// Members, folders included.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { total_bytes: 4 << 30, entries: 20_000 }
    }
}

/// A member that may be a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path within the archive.
    pub name: String,
    /// Its size, as the archive declares it.
    pub size_bytes: u64,
}

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// In the order of their names.
    pub members: Vec<Member>,
    /// Which members are left out, and why.
    pub warnings: Vec<Warning>,
}

/// Whether a file of this name is read as an archive.
#[must_use]
pub fn is_archive(file_name: &str) -> bool {
    has_ending(file_name, &["zip", "gz", "tgz"])
}

/// An archive whose directory has been read, once for all its members. Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    name: Arc<str>,
    packed: Packed,
}

#[derive(Clone)]
enum Packed {
    Zip(ZipArchive<Cursor<Bytes>>),
    Gzip(Bytes),
}

impl Archive {
    /// Reads the directory of the archive of that name.
    ///
    /// # Errors
    /// `not_a_table` when it is no zip archive, or no gzip file as its name says.
    pub fn open(name: &str, bytes: Bytes) -> Result<Self, ReadError> {
        let packed = if has_ending(name, &["gz", "tgz"]) {
            if !bytes.starts_with(b"\x1f\x8b") {
                let message =
                    "this is no gzip file, though its name ends in .gz: name it as what it is, or pack it anew";
                return Err(error("not_a_table", name, message.to_owned()));
            }
            Packed::Gzip(bytes)
        } else {
            Packed::Zip(ZipArchive::new(Cursor::new(bytes)).map_err(|e| broken(name, &e))?)
        };
        Ok(Self { name: name.into(), packed })
    }

    /// What it holds.
    ///
    /// # Errors
    /// `unsafe_archive` for a name that leaves the folder, an encrypted member or an archive within it;
    /// `archive_too_large` beyond the limits; `nothing_readable` when no member may be a report.
    pub fn members(&self, limits: &Limits) -> Result<Contents, ReadError> {
        match &self.packed {
            Packed::Zip(zip) => members(&self.name, zip.clone(), limits),
            Packed::Gzip(bytes) => {
                let name = gzip_member(&self.name)?;
                let size_bytes = gunzip(&self.name, bytes, limits, &mut io::sink())?;
                Ok(Contents { members: vec![Member { name, size_bytes }], warnings: Vec::new() })
            }
        }
    }

    /// One member's bytes, unpacked.
    ///
    /// # Errors
    /// `archive_too_large` when more comes out than the archive declares (of which [`members`](Self::members) took
    /// the sum) or the limits allow; `broken_archive` when it does not unpack.
    pub fn extract(&self, member: &str, limits: &Limits) -> Result<Vec<u8>, ReadError> {
        match &self.packed {
            // A reader of its own, on the same bytes and directory.
            Packed::Zip(zip) => extract(&self.name, zip.clone(), member, limits),
            Packed::Gzip(bytes) => {
                let mut unpacked = Vec::with_capacity(bytes.len().saturating_mul(4).min(64 << 20));
                gunzip(&self.name, bytes, limits, &mut unpacked)?;
                Ok(unpacked)
            }
        }
    }
}

fn members(archive: &str, mut zip: ZipArchive<Cursor<Bytes>>, limits: &Limits) -> Result<Contents, ReadError> {
    if zip.len() > limits.entries {
        let message = format!("the archive has {} members, at most {} are read: split it", zip.len(), limits.entries);
        return Err(error("archive_too_large", archive, message));
    }
    let mut contents = Contents::default();
    let mut total_bytes = 0_u64;
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|e| broken(archive, &e))?;
        let name = entry.name().map_err(|e| broken(archive, &e))?.into_owned();
        if entry.enclosed_name().is_none() || name.contains('\\') || name.starts_with('/') {
            let message = format!("the member '{name}' would lie outside the archive's folder: pack the archive anew");
            return Err(error("unsafe_archive", archive, message));
        }
        if entry.encrypted() {
            let message = format!("the member '{name}' is encrypted: pack the archive without a password");
            return Err(error("unsafe_archive", archive, message));
        }
        total_bytes = total_bytes.saturating_add(entry.size());
        if total_bytes > limits.total_bytes {
            return Err(too_large(archive, limits));
        }
        if has_ending(&name, &ARCHIVES) {
            let message = format!("the member '{name}' is an archive itself: unpack it and pack the reports only");
            return Err(error("unsafe_archive", archive, message));
        }
        match left_out(&name, entry.is_dir()) {
            Some(Reason::Silent) => {}
            Some(Reason::Told(why)) => contents.warnings.push(skipped(archive, &name, why)),
            None => contents.members.push(Member { name, size_bytes: entry.size() }),
        }
    }
    if contents.members.is_empty() {
        let message =
            "the archive holds no file that may be a report (.csv, .tsv, .txt, .dat, .xlsx, .xlsm, .xls, .parquet, .arrow, .feather)".to_owned();
        return Err(error("nothing_readable", archive, message));
    }
    contents.members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(contents)
}

fn extract(
    archive: &str,
    mut zip: ZipArchive<Cursor<Bytes>>,
    member: &str,
    limits: &Limits,
) -> Result<Vec<u8>, ReadError> {
    let entry = zip.by_name(member).map_err(|e| broken(archive, &e))?;
    let mut unpacked = Vec::with_capacity(usize::try_from(entry.size().min(64 << 20)).unwrap_or_default());
    let allowed = entry.size().min(limits.total_bytes);
    let mut limited = entry.take(allowed.saturating_add(1));
    limited.read_to_end(&mut unpacked).map_err(|e| {
        let message = format!("the member '{member}' does not unpack ({e}): pack the archive anew");
        error("broken_archive", archive, message)
    })?;
    if unpacked.len() as u64 > allowed {
        return Err(too_large(archive, limits));
    }
    Ok(unpacked)
}

/// The name of what a gzip file holds.
fn gzip_member(archive: &str) -> Result<String, ReadError> {
    let base = archive.rsplit(['/', '\\']).next().unwrap_or(archive);
    let member = base.rsplit_once('.').map_or(base, |(member, _)| member);
    if has_ending(base, &["tgz"]) || has_ending(member, &ARCHIVES) {
        return Err(holds_archive(archive));
    }
    Ok(member.to_owned())
}

fn holds_archive(archive: &str) -> ReadError {
    let message =
        "the gzip file holds an archive and not one report: unpack it, and pack the reports as a zip".to_owned();
    error("unsafe_archive", archive, message)
}

/// Writes what a gzip file holds, in one piece or in several behind each other, and gives its size.
fn gunzip(archive: &str, packed: &[u8], limits: &Limits, into: &mut dyn Write) -> Result<u64, ReadError> {
    let damaged = |cause: io::Error| {
        let message = match cause.kind() {
            io::ErrorKind::UnexpectedEof => "the gzip file is cut off: pack or send it anew".to_owned(),
            _ => format!("the gzip file does not unpack ({cause}): pack it anew"),
        };
        error("broken_archive", archive, message)
    };
    let mut unpacked = MultiGzDecoder::new(packed);
    // A tar archive says so in its first block.
    let mut head = Vec::new();
    unpacked.by_ref().take(512).read_to_end(&mut head).map_err(damaged)?;
    if head.get(257..262) == Some(b"ustar") {
        return Err(holds_archive(archive));
    }
    into.write_all(&head).map_err(damaged)?;
    let room = limits.total_bytes.saturating_sub(head.len() as u64).saturating_add(1);
    let size = head.len() as u64 + io::copy(&mut unpacked.take(room), into).map_err(damaged)?;
    if size > limits.total_bytes { Err(too_large(archive, limits)) } else { Ok(size) }
}

enum Reason {
    Silent,
    Told(&'static str),
}

/// Why a member is not read; none when it is.
fn left_out(name: &str, is_folder: bool) -> Option<Reason> {
    let hidden = name.split('/').any(|part| part.starts_with('.') || part == "__MACOSX");
    if is_folder || hidden {
        Some(Reason::Silent)
    } else if has_ending(name, &REPORTS) {
        None
    } else {
        Some(Reason::Told("its name does not end like a report's"))
    }
}

fn skipped(archive: &str, name: &str, why: &str) -> Warning {
    Warning {
        code: "member_left_out".to_owned(),
        file: format!("{archive}/{name}"),
        line: None,
        column: None,
        count: 1,
        message: format!("{archive}/{name} was left out: {why}"),
    }
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    let ending = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
    endings.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn broken(archive: &str, cause: &ZipError) -> ReadError {
    match cause {
        ZipError::InvalidArchive(_) => {
            error("not_a_table", archive, "this is no zip archive, or it is cut off: pack or upload it anew".to_owned())
        }
        other => error("broken_archive", archive, format!("the archive cannot be read ({other}): pack it anew")),
    }
}

fn too_large(archive: &str, limits: &Limits) -> ReadError {
    let message =
        format!("the archive unpacks to more than {} bytes: split it, or raise MAX_UPLOAD_BYTES", limits.total_bytes);
    error("archive_too_large", archive, message)
}

fn error(code: &'static str, archive: &str, message: String) -> ReadError {
    ReadError { code, file: archive.to_owned(), line: None, column: None, message }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn opened(bytes: Vec<u8>) -> Archive {
        Archive::open("a.zip", bytes.into()).unwrap()
    }

    fn code(members_: &[(&str, &[u8])], limits: &Limits) -> &'static str {
        opened(zipped(members_)).members(limits).unwrap_err().code
    }

    #[test]
    fn reports_come_out_sorted_and_others_are_told() {
        let bytes =
            zipped(&[("b/2.csv", b"two"), ("1.CSV", b"one"), ("readme.pdf", b"%PDF"), ("__MACOSX/1.csv", b"x")]);
        let archive = opened(bytes);
        let contents = archive.members(&Limits::default()).unwrap();
        let names: Vec<&str> = contents.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["1.CSV", "b/2.csv"]);
        assert_eq!(contents.warnings.len(), 1);
        assert_eq!(contents.warnings[0].file, "a.zip/readme.pdf");
        assert_eq!(archive.extract("b/2.csv", &Limits::default()).unwrap(), b"two");
    }

    #[test]
    fn what_is_not_safe_is_refused() {
        let limits = Limits::default();
        assert_eq!(code(&[("../evil.csv", b"x")], &limits), "unsafe_archive");
        assert_eq!(code(&[("/etc/evil.csv", b"x")], &limits), "unsafe_archive");
        assert_eq!(code(&[("inner.zip", b"PK")], &limits), "unsafe_archive");
        assert_eq!(code(&[("photo.png", b"x")], &limits), "nothing_readable");
        assert_eq!(
            Archive::open("a.zip", Bytes::from_static(b"no zip at all")).map(drop).unwrap_err().code,
            "not_a_table"
        );
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_declares_and_by_what_comes_out() {
        let small = Limits { total_bytes: 1000, entries: 3 };
        let zeros = vec![b'0'; 100_000];
        assert_eq!(code(&[("bomb.csv", &zeros)], &small), "archive_too_large");
        assert_eq!(
            code(&[("1.csv", b""), ("2.csv", b""), ("3.csv", b""), ("4.csv", b"")], &small),
            "archive_too_large"
        );
        // The archive's own word on the size, in its directory and before the member, made small.
        let mut bytes = zipped(&[("bomb.csv", &zeros)]);
        let size = 100_000_u32.to_le_bytes();
        let places: Vec<usize> = (0..bytes.len() - 4).filter(|&i| bytes[i..i + 4] == size).collect();
        places.iter().for_each(|&i| bytes[i..i + 4].copy_from_slice(&10_u32.to_le_bytes()));
        assert!(!places.is_empty());
        let lied = opened(bytes).extract("bomb.csv", &small);
        assert!(lied.is_err() || lied.is_ok_and(|bytes| bytes.len() <= 10));
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip(name: &str, bytes: Vec<u8>, limits: &Limits) -> Result<(String, Vec<u8>), &'static str> {
        let archive = Archive::open(name, bytes.into()).map_err(|e| e.code)?;
        let members = archive.members(limits).map_err(|e| e.code)?.members;
        assert_eq!(members.len(), 1);
        let unpacked = archive.extract(&members[0].name, limits).map_err(|e| e.code)?;
        assert_eq!(unpacked.len() as u64, members[0].size_bytes);
        Ok((members[0].name.clone(), unpacked))
    }

    #[test]
    fn a_gzip_file_holds_the_report_that_its_name_says() {
        let limits = Limits::default();
        let report = b"Time,A\n2024-01-01 00:00,1\n";
        for (name, member) in [("AHU 1.csv.gz", "AHU 1.csv"), ("sub/x.TXT.GZ", "x.TXT"), ("export.gz", "export")] {
            assert_eq!(gzip(name, gzipped(report), &limits), Ok((member.to_owned(), report.to_vec())));
        }
        // As `cat a.gz b.gz` makes them, and large ones; nothing is a report too, which its reader refuses.
        let two = [gzipped(report), gzipped(b"2024-01-01 00:15,2\n")].concat();
        assert_eq!(gzip("a.csv.gz", two, &limits).unwrap().1, [&report[..], b"2024-01-01 00:15,2\n"].concat());
        let large = report.repeat(50_000);
        assert_eq!(gzip("a.csv.gz", gzipped(&large), &limits).unwrap().1, large);
        assert_eq!(gzip("a.csv.gz", gzipped(b""), &limits).unwrap().1, b"");
    }

    #[test]
    fn a_gzip_file_that_is_damaged_too_large_or_an_archive_is_refused() {
        let limits = Limits::default();
        let small = Limits { total_bytes: 1000, entries: 3 };
        let report = b"Time,A\n2024-01-01 00:00,1\n".repeat(100);
        assert_eq!(gzip("a.csv.gz", gzipped(&report), &small), Err("archive_too_large"));
        assert_eq!(gzip("a.csv.gz", gzipped(&vec![b'0'; 5_000_000]), &small), Err("archive_too_large"));
        assert_eq!(gzip("a.csv.gz", gzipped(&report[..1000]), &small).map(|(_, bytes)| bytes.len()), Ok(1000));
        let whole = gzipped(&report);
        for length in [2, 9, 20, whole.len() - 8, whole.len() - 1] {
            assert_eq!(gzip("a.csv.gz", whole[..length].to_vec(), &limits), Err("broken_archive"), "{length}");
        }
        let mut damaged = whole.clone();
        let check = damaged.len() - 6;
        damaged[check] ^= 1;
        assert_eq!(gzip("a.csv.gz", damaged, &limits), Err("broken_archive"));
        assert_eq!(gzip("a.csv.gz", [&whole[..], b"and more"].concat(), &limits), Err("broken_archive"));
        assert_eq!(gzip("a.csv.gz", report, &limits), Err("not_a_table"));
        let mut tar = vec![0; 1024];
        tar[257..262].copy_from_slice(b"ustar");
        for (name, bytes) in [("a.tar.gz", &b"x"[..]), ("a.tgz", b"x"), ("a.zip.gz", b"x"), ("a.csv.gz", &tar)] {
            assert_eq!(gzip(name, gzipped(bytes), &limits), Err("unsafe_archive"), "{name}");
        }
        assert_eq!(code(&[("a.csv.gz", b"x")], &limits), "unsafe_archive");
    }
}
