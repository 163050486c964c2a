//! The zip file of a bundle: nothing in it but its files decides its bytes, so the same session gives the same file on
//! every machine and with every version of this program.
//!
//! Files are stored as they are (APPNOTE 6.3 §4.4.5, method 0: Parquet is packed already, and what deflate writes depends
//! on who wrote it), with the first time that the form knows, in the order they are given, with zip64 records where a
//! number needs them. The archive's comment is a seal: the sha256 of every byte before it. Whoever packs the files anew
//! leaves it out, and what is in them is then checked by their hashes alone.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use hvac_store::objects::hex;

/// What stands before the digits of the seal.
pub const SEAL: &str = "sha256:";
/// Bytes of the whole seal.
pub const SEAL_BYTES: usize = SEAL.len() + 64;
/// Bytes read at a time.
const PIECE_BYTES: usize = 256 * 1024;
/// From here on a number of 32 bits is not enough, and means that another place has it.
const MOST_32: u64 = 0xFFFF_FFFF;
/// The same of 16 bits.
const MOST_16: u64 = 0xFFFF;
/// 1980-01-01, 00:00: date and time of each file.
const DATE: u16 = 0x0021;
/// Names are UTF-8.
const FLAGS: u16 = 0x0800;
/// Made by a Unix system, form 4.5: so that a reader takes the rights from [`RIGHTS`].
const MADE_BY: u16 = 0x032D;
/// A file that its owner may write and all may read.
const RIGHTS: u32 = 0o100_644 << 16;

/// A file in the archive.
struct Entry {
    name: String,
    crc32: u32,
    size_bytes: u64,
    at: u64,
}

/// Writes an archive from its beginning to its end.
pub struct Packer<'w> {
    out: &'w mut dyn Write,
    hasher: Sha256,
    at: u64,
    entries: Vec<Entry>,
}

impl<'w> Packer<'w> {
    /// Begins an archive.
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self { out, hasher: Sha256::new(), at: 0, entries: Vec::new() }
    }

    /// Adds a file, of which checksum and length are known and told before its bytes.
    ///
    /// # Errors
    /// When it cannot be written or read; `InvalidData` when its bytes are others than was said.
    pub fn add(&mut self, name: &str, crc32: u32, size_bytes: u64, mut bytes: impl Read) -> io::Result<()> {
        let entry = Entry { name: name.to_owned(), crc32, size_bytes, at: self.at };
        self.put(&local_header(&entry))?;
        let (mut piece, mut left, mut crc) = (vec![0; PIECE_BYTES], size_bytes, crc32fast::Hasher::new());
        loop {
            let read = match bytes.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => piece.get(..read).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            left = left.checked_sub(read.len() as u64).ok_or(io::ErrorKind::InvalidData)?;
            crc.update(read);
            self.put(read)?;
        }
        if left > 0 || crc.finalize() != crc32 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Ends the archive: the directory, and the seal.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        let begin = self.at;
        for entry in std::mem::take(&mut self.entries) {
            self.put(&central_header(&entry))?;
            self.entries.push(entry);
        }
        let directory = end(begin, self.at - begin, self.entries.len() as u64, self.at);
        self.put(&directory)?;
        let seal = format!("{SEAL}{}", hex(&self.hasher.finalize_reset()));
        self.out.write_all(seal.as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// A number of the form: little-endian, of 2, 4 or 8 bytes.
trait Put {
    fn put_16(&mut self, number: u16);
    fn put_32(&mut self, number: u32);
    fn put_64(&mut self, number: u64);
    /// The number, or the one that says that it is in the zip64 field.
    fn put_capped(&mut self, number: u64);
}

impl Put for Vec<u8> {
    fn put_16(&mut self, number: u16) {
        self.extend_from_slice(&number.to_le_bytes());
    }

    fn put_32(&mut self, number: u32) {
        self.extend_from_slice(&number.to_le_bytes());
    }

    fn put_64(&mut self, number: u64) {
        self.extend_from_slice(&number.to_le_bytes());
    }

    fn put_capped(&mut self, number: u64) {
        self.put_32(u32::try_from(number).unwrap_or(u32::MAX));
    }
}

/// The zip64 field with those of the numbers that do not fit; empty when all do.
fn zip64_field(numbers: &[u64]) -> Vec<u8> {
    let mut field = Vec::new();
    if numbers.is_empty() {
        return field;
    }
    field.put_16(0x0001);
    field.put_16(u16::try_from(numbers.len() * 8).unwrap_or(u16::MAX));
    numbers.iter().for_each(|number| field.put_64(*number));
    field
}

fn version_needed(has_zip64: bool) -> u16 {
    if has_zip64 { 45 } else { 20 }
}

fn text_length(text: &str) -> u16 {
    u16::try_from(text.len()).unwrap_or(u16::MAX)
}

fn local_header(entry: &Entry) -> Vec<u8> {
    let size = entry.size_bytes;
    let field = if size >= MOST_32 { zip64_field(&[size, size]) } else { Vec::new() };
    let mut header = Vec::new();
    header.put_32(0x0403_4b50);
    header.put_16(version_needed(!field.is_empty()));
    header.put_16(FLAGS);
    header.put_16(0);
    header.put_16(0);
    header.put_16(DATE);
    header.put_32(entry.crc32);
    header.put_capped(size);
    header.put_capped(size);
    header.put_16(text_length(&entry.name));
    header.put_16(u16::try_from(field.len()).unwrap_or(u16::MAX));
    header.extend_from_slice(entry.name.as_bytes());
    header.extend(field);
    header
}

fn central_header(entry: &Entry) -> Vec<u8> {
    let size = entry.size_bytes;
    let mut large = if size >= MOST_32 { vec![size, size] } else { Vec::new() };
    large.extend(Some(entry.at).filter(|at| *at >= MOST_32));
    let field = zip64_field(&large);
    let mut header = Vec::new();
    header.put_32(0x0201_4b50);
    header.put_16(MADE_BY);
    header.put_16(version_needed(!field.is_empty()));
    header.put_16(FLAGS);
    header.put_16(0);
    header.put_16(0);
    header.put_16(DATE);
    header.put_32(entry.crc32);
    header.put_capped(size);
    header.put_capped(size);
    header.put_16(text_length(&entry.name));
    header.put_16(u16::try_from(field.len()).unwrap_or(u16::MAX));
    // No comment; the first volume; binary.
    header.put_16(0);
    header.put_16(0);
    header.put_16(0);
    header.put_32(RIGHTS);
    header.put_capped(entry.at);
    header.extend_from_slice(entry.name.as_bytes());
    header.extend(field);
    header
}

/// The end of a directory that begins at `begin` and ends at `at`; the seal is to follow.
fn end(begin: u64, length: u64, entries: u64, at: u64) -> Vec<u8> {
    let mut end = Vec::new();
    if entries >= MOST_16 || length >= MOST_32 || begin >= MOST_32 {
        end.put_32(0x0606_4b50);
        end.put_64(44);
        end.put_16(MADE_BY);
        end.put_16(45);
        end.put_32(0);
        end.put_32(0);
        end.put_64(entries);
        end.put_64(entries);
        end.put_64(length);
        end.put_64(begin);
        end.put_32(0x0706_4b50);
        end.put_32(0);
        end.put_64(at);
        end.put_32(1);
    }
    let count = u16::try_from(entries).unwrap_or(u16::MAX);
    end.put_32(0x0605_4b50);
    end.put_16(0);
    end.put_16(0);
    end.put_16(count);
    end.put_16(count);
    end.put_capped(length);
    end.put_capped(begin);
    end.put_16(u16::try_from(SEAL_BYTES).unwrap_or(u16::MAX));
    end
}

/// Checksum of the form, sha256 (hex) and length of what is read.
///
/// # Errors
/// When it cannot be read.
pub fn checksums(mut bytes: impl Read) -> io::Result<(u32, String, u64)> {
    let (mut crc, mut hasher, mut size_bytes) = (crc32fast::Hasher::new(), Sha256::new(), 0);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match bytes.read(&mut piece) {
            Ok(0) => return Ok((crc.finalize(), hex(&hasher.finalize()), size_bytes)),
            Ok(read) => {
                let read = piece.get(..read).unwrap_or_default();
                crc.update(read);
                hasher.update(read);
                size_bytes += read.len() as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::io::Cursor;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut packer = Packer::new(&mut bytes);
        for (name, content) in files {
            let (crc32, _, size_bytes) = checksums(*content).unwrap();
            packer.add(name, crc32, size_bytes, *content).unwrap();
        }
        packer.finish().unwrap();
        bytes
    }

    /// Another implementation reads what is written here.
    #[test]
    fn a_zip_library_reads_it() {
        let bytes = packed(&[("a.txt", b"one"), ("b/溫度.csv", b""), ("c", &[7; 300_000])]);
        let mut zip = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(zip.len(), 3);
        for (name, content) in [("a.txt", b"one".to_vec()), ("b/溫度.csv", Vec::new()), ("c", vec![7; 300_000])] {
            let mut entry = zip.by_name(name).unwrap();
            let mut read = Vec::new();
            entry.read_to_end(&mut read).unwrap();
            assert!(read == content && entry.unix_mode() == Some(0o100_644), "{name}");
        }
        let seal = format!("{SEAL}{}", hex(&Sha256::digest(&bytes[..bytes.len() - SEAL_BYTES])));
        assert_eq!(zip.comment(), seal.as_bytes());
    }

    /// More entries than 16 bits count: the records of zip64.
    #[test]
    fn many_files_have_the_larger_records() {
        let names: Vec<String> = (0..66_000).map(|n| format!("{n:05}")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
        let bytes = packed(&files);
        let mut zip = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(zip.len(), 66_000);
        assert_eq!(zip.by_name("65999").unwrap().size(), 1);
    }

    /// The numbers of a file of 5 GiB at a place beyond 4 GiB stand in the larger field (APPNOTE 4.5.3): sizes, then place.
    #[test]
    fn a_large_file_has_the_larger_numbers() {
        let entry = Entry { name: "n".to_owned(), crc32: 1, size_bytes: 5 << 30, at: 6 << 30 };
        let header = central_header(&entry);
        assert_eq!(header[20..28], [0xFF; 8]);
        assert_eq!(header[42..46], [0xFF; 4]);
        let field = &header[47..];
        assert_eq!(field[..4], [1, 0, 24, 0]);
        assert_eq!(field[4..12], (5_u64 << 30).to_le_bytes());
        assert_eq!(field[20..28], (6_u64 << 30).to_le_bytes());
        assert_eq!(local_header(&entry)[31..35], [1, 0, 16, 0]);
    }

    #[test]
    fn bytes_that_are_not_those_that_were_told_end_it() {
        let mut out = Vec::new();
        let mut packer = Packer::new(&mut out);
        let (crc32, _, size_bytes) = checksums(&b"abc"[..]).unwrap();
        for other in [&b"abd"[..], b"ab", b"abcd"] {
            assert_eq!(packer.add("a", crc32, size_bytes, other).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
