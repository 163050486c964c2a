//! From a report's bytes to its text.
//!
//! Order: the user's choice, a byte order mark, strict UTF-8, NULs at every other byte (UTF-16), a detector.
//! UTF-8 is not copied. A report that is UTF-8 up to some line and something else from there on (two exports
//! appended to each other) is decoded line by line, with a warning that names the line; bytes that fit no
//! encoding are refused.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::{memchr, memchr_iter, memmem};

use super::{Chosen, ReadError, ReadOptions, Source, foreign};
use hvac_frame::column::Warning;

/// A report's text and what it was told by.
#[derive(Debug)]
pub(crate) struct Decoded<'a> {
    /// Without a byte order mark.
    pub text: Cow<'a, str>,
    /// WHATWG name.
    pub encoding: Chosen<String>,
    /// `mixed_encoding`.
    pub warnings: Vec<Warning>,
}

/// Decodes a whole report.
pub(crate) fn decode<'a>(source: Source<'a>, options: &ReadOptions) -> Result<Decoded<'a>, ReadError> {
    refuse_binary(source)?;
    let decoded = match &options.encoding {
        Some(label) => as_told(source, label)?,
        None => detect(source)?,
    };
    if let Some(words) = foreign::kind(&decoded.text) {
        return Err(source.error("not_a_table", Some(1), words));
    }
    match memchr(0, decoded.text.as_bytes()) {
        None => Ok(decoded),
        Some(at) => {
            let line = line_of(decoded.text.as_bytes(), at);
            Err(source.error("nul_bytes", Some(line), "NUL bytes in the text, as a crash of the exporting program leaves them: export the report again, or delete them"))
        }
    }
}

fn as_told<'a>(source: Source<'a>, label: &str) -> Result<Decoded<'a>, ReadError> {
    let Some(encoding) = Encoding::for_label(label.trim().as_bytes()) else {
        let words = format!(
            "'{label}' is no encoding this program knows: use a WHATWG label such as utf-8, big5 or windows-1252"
        );
        return Err(source.error("unknown_encoding", None, words));
    };
    let (text, used, broken) = encoding.decode(source.bytes);
    if broken {
        let words = format!(
            "the bytes are not {}, which was asked for: leave the encoding out to have it detected",
            used.name()
        );
        return Err(source.error("undecodable_text", first_bad_line(source.bytes, used), words));
    }
    Ok(decoded(text, used, if used == encoding { "asked for" } else { "its byte order mark says so" }))
}

fn detect(source: Source<'_>) -> Result<Decoded<'_>, ReadError> {
    let bytes = source.bytes;
    if let Some((encoding, _)) = Encoding::for_bom(bytes)
        && encoding != UTF_8
    {
        return whole(source, encoding, "a byte order mark");
    }
    let bare = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bare) {
        Ok(text) => {
            if let Some((encoding, evidence)) = utf16_by_nuls(bytes) {
                return whole(source, encoding, evidence);
            }
            let evidence = match (bare.len() < bytes.len(), text.is_ascii()) {
                (true, _) => "a byte order mark",
                (false, true) => "all bytes are ASCII",
                (false, false) => "all bytes are valid UTF-8",
            };
            Ok(decoded(Cow::Borrowed(text), UTF_8, evidence))
        }
        Err(error) => {
            if let Some((encoding, evidence)) = utf16_by_nuls(bytes) {
                return whole(source, encoding, evidence);
            }
            let valid =
                bare.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default();
            if bare.len() < bytes.len() || is_real_utf8(valid) { by_line(source, bare) } else { by_detector(source) }
        }
    }
}

fn decoded<'a>(text: Cow<'a, str>, encoding: &'static Encoding, evidence: &str) -> Decoded<'a> {
    Decoded {
        text,
        encoding: Chosen { value: encoding.name().to_owned(), evidence: evidence.to_owned() },
        warnings: Vec::new(),
    }
}

fn whole<'a>(source: Source<'a>, encoding: &'static Encoding, evidence: &str) -> Result<Decoded<'a>, ReadError> {
    let (text, used, broken) = encoding.decode(source.bytes);
    if broken {
        let words = format!(
            "the bytes are not {} all through, though {evidence} says so: export the report again, as UTF-8",
            used.name()
        );
        return Err(source.error("undecodable_text", first_bad_line(source.bytes, used), words));
    }
    Ok(decoded(text, used, evidence))
}

/// UTF-16 without a mark: ASCII text has a NUL at every other byte.
fn utf16_by_nuls(bytes: &[u8]) -> Option<(&'static Encoding, &'static str)> {
    let head = bytes.get(..bytes.len().min(4096) & !1)?;
    let (even, odd) = head
        .as_chunks::<2>()
        .0
        .iter()
        .fold((0, 0), |(even, odd), [a, b]| (even + usize::from(*a == 0), odd + usize::from(*b == 0)));
    let pairs = head.len() / 2;
    if pairs >= 8 && odd * 2 > pairs && even * 50 < pairs {
        Some((UTF_16LE, "every second byte is NUL"))
    } else if pairs >= 8 && even * 2 > pairs && odd * 50 < pairs {
        Some((UTF_16BE, "every first byte of two is NUL"))
    } else {
        None
    }
}

/// Whether the text before the first broken byte has characters that are UTF-8 by intent: Big5 happens to
/// be valid UTF-8 for a few pairs of bytes, but those are letters that building reports do not use.
fn is_real_utf8(valid: &str) -> bool {
    let mut others = valid.chars().filter(|c| !c.is_ascii()).peekable();
    others.peek().is_some() && others.all(|c| matches!(c, '\u{a0}'..='\u{ff}' | 'Α'..='ω') || c >= '\u{800}')
}

fn guess(feed: impl FnOnce(&mut EncodingDetector)) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    feed(&mut detector);
    detector.guess(None, Utf8Detection::Deny)
}

/// Whether all that is no ASCII stands alone and is a sign of units in Western Europe, or a letter that Western and Central Europe
/// write the same: frequencies tell little of so few bytes, and make `mł` of `m³`.
fn is_western(bytes: &[u8]) -> bool {
    const SAME: &[u8] = b"\xa7\xb0\xb1\xb4\xb5\xb7\xe4\xf6\xfc\xdf\xc4\xd6\xdc\xe9\xc9\xe1\xed\xf3\xfa";
    let near = |at: Option<usize>| at.and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    let fits = |(at, byte): (usize, &u8)| {
        let (before, after) = (near(at.checked_sub(1)), near(at.checked_add(1)));
        // A square or a cube is of a length.
        let power = matches!(byte, 0xb2 | 0xb3) && matches!(before, b'm' | b't' | b'n') && !after.is_ascii_alphabetic();
        before.is_ascii() && after.is_ascii() && (SAME.contains(byte) || power)
    };
    bytes.iter().enumerate().filter(|(_, byte)| !byte.is_ascii()).all(fits)
}

fn by_detector(source: Source<'_>) -> Result<Decoded<'_>, ReadError> {
    let encoding = guess(|detector| {
        detector.feed(source.bytes, true);
    });
    let encoding = if is_western(source.bytes) { WINDOWS_1252 } else { encoding };
    let (text, used, broken) = encoding.decode(source.bytes);
    if broken {
        let words = format!(
            "the bytes are neither UTF-8 nor {} (the nearest guess): name the encoding, or export the report as UTF-8",
            used.name()
        );
        return Err(source.error("undecodable_text", first_bad_line(source.bytes, used), words));
    }
    Ok(decoded(text, used, "the bytes are no valid UTF-8; detected by their frequencies"))
}

/// Lines that are UTF-8 stay, the others are decoded by what the detector says of them alone.
fn by_line<'a>(source: Source<'a>, bare: &'a [u8]) -> Result<Decoded<'a>, ReadError> {
    let lines = || bare.split_inclusive(|b| *b == b'\n');
    let encoding = guess(|detector| {
        lines().filter(|line| std::str::from_utf8(line).is_err()).for_each(|line| {
            detector.feed(line, false);
        });
        detector.feed(b"", true);
    });
    let (mut text, mut first, mut count) = (String::with_capacity(bare.len() + bare.len() / 8), 0, 0);
    for (number, line) in (1..).zip(lines()) {
        if let Ok(line) = std::str::from_utf8(line) {
            text.push_str(line);
            continue;
        }
        let Some(line) = encoding.decode_without_bom_handling_and_without_replacement(line) else {
            let words = format!(
                "the text is UTF-8 before this line, and here it is neither UTF-8 nor {}: export the report again in one encoding",
                encoding.name()
            );
            return Err(source.error("undecodable_text", Some(number), words));
        };
        text.push_str(&line);
        (first, count) = (if first == 0 { number } else { first }, count + 1);
    }
    let mut decoded = decoded(Cow::Owned(text), UTF_8, "valid UTF-8 but for some lines");
    decoded.warnings.push(Warning {
        code: "mixed_encoding".into(),
        file: source.name.into(),
        line: Some(first),
        column: None,
        count,
        message: format!("{count} lines from line {first} on are not UTF-8 like the rest; read as {}", encoding.name()),
    });
    Ok(decoded)
}

fn line_of(bytes: &[u8], at: usize) -> u64 {
    memchr_iter(b'\n', bytes.get(..at).unwrap_or_default()).count() as u64 + 1
}

fn first_bad_line(bytes: &[u8], encoding: &'static Encoding) -> Option<u64> {
    (1..)
        .zip(bytes.split_inclusive(|b| *b == b'\n'))
        .find(|(_, line)| encoding.decode_without_bom_handling_and_without_replacement(line).is_none())
        .map(|(number, _)| number)
}

/// What is no text at all.
fn refuse_binary(source: Source<'_>) -> Result<(), ReadError> {
    const KINDS: [(&[u8], &str); 14] = [
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"RIFF", "a recording or an image (RIFF)"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "an archive"),
        (b"\x1f\x8b", "a gzip archive (one whose name ends in .gz is unpacked)"),
        (b"7z\xbc\xaf", "a 7z archive"),
        (b"Rar!", "a RAR archive"),
        (b"\x89HDF", "an HDF5 file"),
        (b"\0\x01\0\0Standard ", "an Access database"),
        (b"SQLite format 3", "a SQLite database"),
    ];
    if source.bytes.is_empty() {
        return Err(source.error("empty_file", None, "the file is empty: export the report again"));
    }
    if let Some(words) = spreadsheet(source.bytes) {
        return Err(source.error("not_a_table", None, words));
    }
    if let Some((_, kind)) = KINDS.iter().find(|(magic, _)| source.bytes.starts_with(magic)) {
        return Err(source.error(
            "not_a_table",
            None,
            format!("this is {kind}, not a trend report: export its table as CSV or .xlsx"),
        ));
    }
    let head = source.bytes.get(..source.bytes.len().min(8192)).unwrap_or_default();
    let control = head.iter().filter(|b| matches!(b, 1..=8 | 14..=31 | 127)).count();
    let nuls = head.iter().filter(|b| **b == 0).count();
    let wide =
        utf16_by_nuls(source.bytes).is_some() || Encoding::for_bom(source.bytes).is_some_and(|(e, _)| e != UTF_8);
    if !wide && (control * 20 > head.len() || nuls * 4 > head.len()) {
        return Err(source.error("not_a_table", None, "the bytes are not text; reports are CSV or .xlsx"));
    }
    Ok(())
}

/// What to do with a spreadsheet that is not read; none for all else.
fn spreadsheet(bytes: &[u8]) -> Option<&'static str> {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let has = |word: &[u8]| memmem::find(bytes, word).is_some();
    let named = |word: &str| memmem::find(&head.to_ascii_lowercase(), word.as_bytes()).is_some();
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start().to_ascii_lowercase();
    match head {
        [0xd0, 0xcf, 0x11, 0xe0, ..] if has(b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0") => {
            Some("this is a workbook that is protected by a password: save it without one, or export CSV")
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            Some("this is a workbook of the old form (.xls), which is not read: save it as .xlsx or CSV")
        }
        [b'P', b'K', 3, 4, ..] if named("application/vnd.oasis.opendocument") => {
            Some("this is an OpenDocument file (.ods), which is not read: save it as .xlsx or CSV")
        }
        [b'P', b'K', 3, 4, ..] if has(b"xl/workbook.bin") => {
            Some("this is a binary workbook (.xlsb), which is not read: save it as .xlsx or CSV")
        }
        [b'P', b'K', 3, 4, ..] if has(b"Index/Document.iwa") => {
            Some("this is a Numbers document, which is not read: export it as .xlsx or CSV")
        }
        _ if text.starts_with(b"<html") || text.starts_with(b"<!doctype html") || text.starts_with(b"<table") => {
            Some("this is a page (HTML), whatever its name says: open it in a spreadsheet and save it as .xlsx or CSV")
        }
        _ if text.starts_with(b"<?xml") && named("urn:schemas-microsoft-com:office:spreadsheet") => {
            Some("this is a workbook as XML, which is not read: open it in a spreadsheet and save it as .xlsx or CSV")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn read(bytes: &[u8]) -> Result<(String, String, usize), (&'static str, Option<u64>)> {
        let options = ReadOptions::of(chrono_tz::UTC);
        let done = decode(Source { name: "r.csv", bytes }, &options).map_err(|e| (e.code, e.line))?;
        Ok((done.text.into_owned(), done.encoding.value, done.warnings.len()))
    }

    const TEXT: &str = "日期,冰水主機溫度,冷卻水塔溫度\r\n2024/1/1 00:00,7.5,28.1\r\n";

    fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = if mark { Some(0xfeff) } else { None };
        mark.into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn utf8_is_not_copied() {
        let options = ReadOptions::of(chrono_tz::UTC);
        for bytes in [TEXT.as_bytes(), b"a,b\n1,2\n", b"\xef\xbb\xbfa,b\n"] {
            assert!(matches!(decode(Source { name: "", bytes }, &options).unwrap().text, Cow::Borrowed(_)));
        }
    }

    #[test]
    fn each_encoding_is_told() {
        let ascii = "Time,Temperature,Power\r\n2024-01-01 00:00,7.5,28\r\n";
        assert_eq!(read(TEXT.as_bytes()), Ok((TEXT.into(), "UTF-8".into(), 0)));
        assert_eq!(read(&utf16(TEXT, true, u16::to_le_bytes)), Ok((TEXT.into(), "UTF-16LE".into(), 0)));
        assert_eq!(read(&utf16(TEXT, true, u16::to_be_bytes)), Ok((TEXT.into(), "UTF-16BE".into(), 0)));
        assert_eq!(read(&utf16(ascii, false, u16::to_le_bytes)), Ok((ascii.into(), "UTF-16LE".into(), 0)));
        assert_eq!(read(&utf16(ascii, false, u16::to_be_bytes)), Ok((ascii.into(), "UTF-16BE".into(), 0)));
        // Written by hand: 日期,溫度 in Big5 (cp950).
        let big5 = b"\xa4\xe9\xb4\xc1,\xb7\xc5\xab\xd7,\xc0\xe3\xab\xd7\r\n2024/1/1 00:00,7.5,60\r\n";
        let (text, encoding, _) = read(big5).unwrap();
        assert_eq!((text.lines().next().unwrap(), encoding.as_str()), ("日期,溫度,濕度", "Big5"));
        let (text, encoding, _) = read(b"Time,Temp \xb0C,D\xe9bit\r\n2024-01-01 00:00,7.5,1\r\n").unwrap();
        assert_eq!((text.lines().next().unwrap(), encoding.as_str()), ("Time,Temp °C,Débit", "windows-1252"));
    }

    #[test]
    fn two_encodings_in_one_file_are_read_line_by_line() {
        let mut bytes = "Time,Temp °C\n2024-01-01 00:00,1\n".as_bytes().to_vec();
        bytes.extend(b"2024-01-01 00:15,\xb0\n2024-01-01 00:30,\xb0\n");
        let (text, encoding, warnings) = read(&bytes).unwrap();
        assert_eq!((text.matches('°').count(), encoding.as_str(), warnings), (3, "UTF-8", 1));
    }

    #[test]
    fn what_is_no_text() {
        assert_eq!(read(b""), Err(("empty_file", None)));
        assert_eq!(read(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), Err(("not_a_table", None)));
        for (bytes, kind) in [
            (&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 W\0o\0r\0k\0b\0o\0o\0k\0"[..], ".xls"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", "password"),
            (b"PK\x03\x04\x14\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ".ods"),
            (b"PK\x03\x04\x14\0\0xl/workbook.bin", ".xlsb"),
            (b"PK\x03\x04\x14\0\0Index/Document.iwa", "Numbers"),
            (b"\n<HTML><body><table><tr><td>Time</td></tr></table>", "HTML"),
            (b"\xef\xbb\xbf<!DOCTYPE html>\n<html>", "HTML"),
            (b"<?xml version=\"1.0\"?>\n<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">", "XML"),
            (b"\x1f\x8b\x08\0", ".gz"),
        ] {
            let options = ReadOptions::of(chrono_tz::UTC);
            let error = decode(Source { name: "r.xls", bytes }, &options).unwrap_err();
            assert!(error.code == "not_a_table" && error.message.contains(kind), "{}", error.message);
        }
        assert_eq!(read(&[0, 1, 2, 3, 4, 5, 6, 7, 200, 255].repeat(100)), Err(("not_a_table", None)));
        assert_eq!(read(b"Time,A\n2024-01-01 00:00,1\n2024-01-01 00:15,\x00\x00\n"), Err(("nul_bytes", Some(3))));
    }
}
