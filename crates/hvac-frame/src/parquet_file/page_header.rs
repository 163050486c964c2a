//! The header of a page: Thrift's compact protocol, as much of it as a page's header needs.
//!
//! Fields of no interest are skipped. Nothing here knows what a page holds.

/// What a page's header says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub kind: i64,
    /// Bytes once unpacked.
    pub unpacked: usize,
    /// Bytes in the file, without the header.
    pub packed: usize,
    /// Rows of a data page with those that are null, entries of a dictionary.
    pub values: usize,
    pub encoding: i64,
    /// Encoding of the definition levels; of data pages only.
    pub levels: i64,
}

/// `PageType` of the format.
pub(super) const DATA_PAGE: i64 = 0;
pub(super) const DICTIONARY_PAGE: i64 = 2;

/// Structs within structs that are followed: a header has two levels.
const MAX_DEPTH: u8 = 4;

impl Header {
    /// Takes a header off the beginning of `bytes`; none when it is cut off, or none of a page.
    pub(super) fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut header = Self::default();
        fields(bytes, |field, wire, bytes| match (field, wire) {
            (1, I32) => integer(bytes).map(|kind| header.kind = kind),
            (2, I32) => size(bytes).map(|size| header.unpacked = size),
            (3, I32) => size(bytes).map(|size| header.packed = size),
            // Of a data page and of a dictionary: both begin alike.
            (5 | 7, STRUCT) => fields(bytes, |field, wire, bytes| match (field, wire) {
                (1, I32) => size(bytes).map(|size| header.values = size),
                (2, I32) => integer(bytes).map(|encoding| header.encoding = encoding),
                (3, I32) => integer(bytes).map(|encoding| header.levels = encoding),
                _ => skip(wire, bytes, 1),
            }),
            _ => skip(wire, bytes, 0),
        })?;
        Some(header)
    }
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I8: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const STRUCT: u8 = 12;

/// Calls `each` with the number and the type of every field of a struct; it has to take the value.
fn fields<'b>(bytes: &mut &'b [u8], mut each: impl FnMut(i64, u8, &mut &'b [u8]) -> Option<()>) -> Option<()> {
    let mut field = 0_i64;
    loop {
        let head = byte(bytes)?;
        if head == 0 {
            return Some(());
        }
        field = if head >> 4 == 0 { integer(bytes)? } else { field + i64::from(head >> 4) };
        each(field, head & 0x0f, bytes)?;
    }
}

fn skip(wire: u8, bytes: &mut &[u8], depth: u8) -> Option<()> {
    let mut leave = |count: usize| bytes.split_off(..count).map(drop);
    match wire {
        TRUE | FALSE => Some(()),
        I8 => leave(1),
        DOUBLE => leave(8),
        I16 | I32 | I64 => varint(bytes).map(drop),
        BINARY => {
            let count = varint(bytes)?;
            bytes.split_off(..usize::try_from(count).ok()?).map(drop)
        }
        STRUCT if depth < MAX_DEPTH => fields(bytes, |_, wire, bytes| skip(wire, bytes, depth + 1)),
        _ => None,
    }
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    bytes.split_off_first().copied()
}

/// Seven bits a byte, the least first.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let next = byte(bytes)?;
        value |= u64::from(next & 0x7f) << shift;
        if next < 0x80 {
            return Some(value);
        }
    }
    None
}

/// A signed number: the sign is its lowest bit.
fn integer(bytes: &mut &[u8]) -> Option<i64> {
    let value = varint(bytes)?;
    Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

fn size(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(integer(bytes)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_written_by_hand_is_understood() {
        // kind 0; 300 bytes unpacked, 64 packed; crc; {100 values, RLE_DICTIONARY, RLE, RLE, {2: a byte}}; end.
        let page = [0x15, 0, 0x15, 0xd8, 0x04, 0x15, 0x80, 0x01, 0x15, 0x01];
        let data = [0x1c, 0x15, 0xc8, 0x01, 0x15, 0x10, 0x15, 0x06, 0x15, 0x06, 0x1c, 0x28, 1, 0xff, 0, 0, 0];
        let all: Vec<u8> = page.into_iter().chain(data).chain([0xaa]).collect();
        let mut rest = all.as_slice();
        let header = Header { kind: 0, unpacked: 300, packed: 64, values: 100, encoding: 8, levels: 3 };
        assert_eq!((Header::take(&mut rest), rest), (Some(header), [0xaa].as_slice()));
        for length in 0..all.len() - 1 {
            assert_eq!(Header::take(&mut all.get(..length).unwrap_or_default()), None, "{length}");
        }
        // Negative sizes, structs without an end, types that there are not.
        for bytes in [&[0x25, 0x01, 0][..], &[0x8c; 100], &[0x1f, 0, 0]] {
            assert_eq!(Header::take(&mut &*bytes), None);
        }
    }
}
