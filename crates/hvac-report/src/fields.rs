//! Rows and fields of delimited text: delimiters, quotes, line ends, and nothing of what the fields mean.
//!
//! One forward pass that allocates only for a field with doubled quotes. A quote is special only where a
//! field begins. A quote that is opened and not closed would swallow the rest of a report without a word,
//! so a quoted field that spans lines and does not end at a delimiter is an error, as is a field or a line
//! of a length that no report has.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2, memrchr};

use hvac_frame::decimal::Decimal;

use super::number;

/// Bytes of the longest field that is read.
pub(crate) const MAX_FIELD: usize = 64 * 1024;
/// Bytes of a field that is looked through one by one.
const PLAIN: usize = 24;
/// Bytes of the longest line that is read.
pub(crate) const MAX_LINE: usize = 16 * 1024 * 1024;

/// What separates rows, fields, and a number's fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Between fields.
    pub delimiter: u8,
    /// Ends a row: `\n` (a `\r` before it is dropped), or `\r` in a text that has no `\n`.
    pub eol: u8,
    /// `.` or `,`.
    pub decimal: u8,
}

/// One field of a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field<'t> {
    /// Its text without quotes and without blanks around it.
    pub text: Cow<'t, str>,
    /// It is its row's last.
    pub last: bool,
    /// The text ended before the field's delimiter or line end came.
    pub cut: bool,
    /// The text ended within its quotes.
    pub open: bool,
}

/// A field of at most seven bytes with nothing around it, found in a few steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short {
    /// Its bytes, the first one lowest, zeros above.
    pub word: u64,
    /// How many they are.
    pub length: u32,
    /// It is its row's last.
    pub last: bool,
    end: usize,
}

/// The bytes of a text of at most seven as [`Short::word`].
pub(crate) fn word_of(text: &str) -> Option<u64> {
    let mut bytes = [0; 8];
    bytes.get_mut(..text.len().min(8)).filter(|_| text.len() < 8)?.copy_from_slice(text.as_bytes());
    Some(u64::from_le_bytes(bytes))
}

/// A row that cannot be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A field or line is longer than any report's.
    TooLong(u64),
    /// A quote is opened on this line and does not close.
    OpenQuote(u64),
}

/// A place in the text, moving forward field by field.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'t> {
    text: &'t str,
    dialect: Dialect,
    pos: usize,
    /// Line ends before `pos`.
    lines: u64,
}

impl<'t> Cursor<'t> {
    /// Stands at byte `pos`, which has `lines` line ends before it.
    pub(crate) fn new(text: &'t str, dialect: Dialect, pos: usize, lines: u64) -> Self {
        Self { text, dialect, pos, lines }
    }

    /// Where the next field begins.
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Line ends passed; at the start of a row its line number is one more.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Nothing is left. Meaningful at the start of a row.
    pub(crate) fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// The text between two places.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.pos..).unwrap_or_default()
    }

    /// Passes an empty line, if one stands here.
    pub(crate) fn blank_line(&mut self) -> bool {
        let passed = match self.rest() {
            [b'\r', b'\n', ..] if self.dialect.eol == b'\n' => 2,
            [first, ..] if *first == self.dialect.eol => 1,
            _ => return false,
        };
        self.pos += passed;
        self.lines += 1;
        true
    }

    /// Looks at the next field, if it is short: in quotes up to the next quote, or bare up to the next delimiter.
    /// Whether it holds a line end or blanks is the caller's to see.
    #[inline(always)]
    pub(crate) fn short(&self) -> Option<Short> {
        let start = self.rest();
        let quoted = start.first() == Some(&b'"');
        let bytes = start.get(usize::from(quoted)..)?;
        let word = u64::from_le_bytes(*bytes.first_chunk()?);
        let end = number::first_of(word, if quoted { b'"' } else { self.dialect.delimiter });
        if end == 0 {
            return None;
        }
        let length = end.trailing_zeros() / 8;
        let tail = bytes.get(length as usize + usize::from(quoted)..)?;
        let (last, passed) = match tail {
            [next, ..] if *next == self.dialect.delimiter => (false, 1),
            [b'\r', b'\n', ..] if self.dialect.eol == b'\n' => (true, 2),
            [next, ..] if *next == self.dialect.eol => (true, 1),
            _ => return None,
        };
        let end = self.text.len() - tail.len() + passed;
        Some(Short { word: word & !(u64::MAX << (8 * length)), length, last, end })
    }

    /// Passes a field that was looked at; whether it is its row's last.
    #[inline]
    pub(crate) fn pass(&mut self, short: Short) -> bool {
        self.pos = short.end;
        self.lines += u64::from(short.last);
        short.last
    }

    /// Reads the next field as a plain decimal number and passes it; stays where it is if it is none.
    /// The number, and whether the field is its row's last.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<(Decimal, bool)> {
        let start = self.rest();
        let (quoted, inner) = match start {
            [b'"', inner @ ..] => (true, inner),
            _ => (false, start),
        };
        // Between commas a decimal comma stands in quotes only.
        if !quoted && self.dialect.decimal == self.dialect.delimiter {
            return None;
        }
        let (value, mut rest) = number::plain(inner, self.dialect.decimal)?;
        if quoted {
            rest = rest.strip_prefix(b"\"")?;
        }
        let (last, rest) = match rest {
            [next, rest @ ..] if *next == self.dialect.delimiter => (false, rest),
            [b'\r', b'\n', rest @ ..] if self.dialect.eol == b'\n' => (true, rest),
            [next, rest @ ..] if *next == self.dialect.eol => (true, rest),
            _ => return None,
        };
        self.pos = self.text.len() - rest.len();
        self.lines += u64::from(last);
        Some((value, last))
    }

    /// Passes the next field if it is `raw`: an earlier field within one line, from its first byte to its delimiter.
    #[inline]
    pub(crate) fn pass_same(&mut self, raw: &str) -> bool {
        let same = !raw.is_empty() && self.rest().starts_with(raw.as_bytes());
        if same {
            self.pos += raw.len();
        }
        same
    }

    /// Reads the next field and passes it.
    pub(crate) fn field(&mut self) -> Result<Field<'t>, Flaw> {
        let start = self.pos;
        let bytes = self.rest();
        let blanks = bytes.iter().take_while(|b| **b == b' ').count();
        match bytes.get(blanks) {
            Some(b'"') => match self.plainly_quoted(start + blanks + 1) {
                Some(field) => Ok(field),
                None => self.quoted(start + blanks + 1),
            },
            _ => self.bare(start),
        }
    }

    /// A quoted field whose content begins at `from`, if it is as most are: a few printable ASCII characters that begin
    /// and end with no blank, the closing quote, the delimiter. Such as a date; not worth a search by vector.
    fn plainly_quoted(&mut self, from: usize) -> Option<Field<'t>> {
        let window = self.text.as_bytes().get(from..)?;
        let window = window.get(..PLAIN).unwrap_or(window);
        let length = plain_length(window)?;
        let (content, tail) = window.split_at_checked(length)?;
        let whole = tail.starts_with(&[b'"', self.dialect.delimiter]);
        if !whole || content.first() == Some(&b' ') || content.last() == Some(&b' ') {
            return None;
        }
        self.pos = from + length + 2;
        let text = Cow::Borrowed(self.slice(from..from + length));
        Some(Field { text, last: false, cut: false, open: false })
    }

    /// A field without quotes from `from` on.
    fn bare(&mut self, from: usize) -> Result<Field<'t>, Flaw> {
        let (end, last, cut) = self.find_end(from)?;
        Ok(Field { text: Cow::Borrowed(self.slice(from..end).trim()), last, cut, open: false })
    }

    /// Finds the delimiter or line end at or after `from` and passes it: the field's end, last, cut.
    fn find_end(&mut self, from: usize) -> Result<(usize, bool, bool), Flaw> {
        let bytes = self.text.as_bytes();
        let window = bytes.get(from..bytes.len().min(from + MAX_FIELD + 1)).unwrap_or_default();
        let Some(length) = memchr2(self.dialect.delimiter, self.dialect.eol, window) else {
            if window.len() > MAX_FIELD {
                return Err(Flaw::TooLong(self.lines + 1));
            }
            self.pos = bytes.len();
            return Ok((bytes.len(), true, true));
        };
        let end = from + length;
        let last = window.get(length) == Some(&self.dialect.eol);
        self.pos = end + 1;
        self.lines += u64::from(last);
        Ok((end, last, false))
    }

    /// A quoted field whose content begins at `from`.
    fn quoted(&mut self, from: usize) -> Result<Field<'t>, Flaw> {
        let bytes = self.text.as_bytes();
        let opened = self.lines + 1;
        let (mut at, mut doubled) = (from, false);
        let end = loop {
            let window = bytes.get(at..bytes.len().min(from + MAX_FIELD + 1)).unwrap_or_default();
            let Some(length) = memchr(b'"', window) else {
                if bytes.len() > from + MAX_FIELD {
                    let line_ends = memchr(self.dialect.eol, bytes.get(from..).unwrap_or_default());
                    return Err(match line_ends {
                        Some(length) if length <= MAX_FIELD => Flaw::OpenQuote(opened),
                        _ => Flaw::TooLong(opened),
                    });
                }
                self.pos = bytes.len();
                return Ok(Field {
                    text: Cow::Borrowed(self.slice(from..bytes.len()).trim()),
                    last: true,
                    cut: true,
                    open: true,
                });
            };
            let quote = at + length;
            if bytes.get(quote + 1) != Some(&b'"') {
                break quote;
            }
            (at, doubled) = (quote + 2, true);
        };
        let content = self.slice(from..end);
        let content = if doubled { Cow::Owned(content.replace("\"\"", "\"")) } else { Cow::Borrowed(content) };
        let inner_lines = memchr::memchr_iter(self.dialect.eol, content.as_bytes()).count() as u64;
        let (tail_end, last, cut) = self.find_end(end + 1)?;
        let tail = self.slice(end + 1..tail_end).trim_ascii_end();
        if !tail.is_empty() && inner_lines > 0 {
            return Err(Flaw::OpenQuote(opened));
        }
        self.lines += inner_lines;
        let text = match (tail.is_empty(), content) {
            (true, Cow::Borrowed(text)) => Cow::Borrowed(text.trim()),
            (true, Cow::Owned(text)) => Cow::Owned(text.trim().to_owned()),
            (false, content) => Cow::Owned(format!("{content}{tail}").trim().to_owned()),
        };
        // A closing quote at the very end closes the field: nothing of it is missing.
        Ok(Field { text, last, cut: cut && !tail.is_empty(), open: false })
    }

    /// Passes what is left of a row without a look at its fields; false, and stays where it is, when a field might span
    /// lines or be too long. Stands where a field begins.
    ///
    /// Behind a row's last quote no field is opened; and that quote itself opens none unless it stands where a field
    /// begins.
    pub(crate) fn pass_row(&mut self) -> bool {
        let rest = self.rest();
        let window = rest.get(..MAX_FIELD).unwrap_or(rest);
        let Some(line) = memchr(self.dialect.eol, window).and_then(|end| window.get(..end)) else { return false };
        let opens = match memrchr(b'"', line) {
            None => false,
            Some(0) => true,
            Some(quote) => line.get(quote - 1).is_none_or(|b| matches!(b, b' ' | b'"') || *b == self.dialect.delimiter),
        };
        if !opens {
            self.pos += line.len() + 1;
            self.lines += 1;
        }
        !opens
    }

    /// Passes what is left of a row, field by field; how many of them are not empty.
    pub(crate) fn skip_row(&mut self) -> Result<u64, Flaw> {
        let mut filled = 0;
        loop {
            // Not if a line ends within it, or if it begins with what may be a blank.
            if let Some(short) = self.short()
                && matches!(short.word & 0xff, 0x21..=0x7e)
                && number::first_of(short.word, self.dialect.eol) == 0
            {
                filled += 1;
                if self.pass(short) {
                    return Ok(filled);
                }
                continue;
            }
            let field = self.field()?;
            filled += u64::from(!field.text.is_empty());
            if field.last {
                return Ok(filled);
            }
        }
    }

    /// Reads a whole row, at most `max` fields of it.
    pub(crate) fn row(&mut self, max: usize) -> Result<Vec<String>, Flaw> {
        let start = self.pos;
        let mut fields = Vec::new();
        loop {
            let field = self.field()?;
            if fields.len() < max {
                fields.push(field.text.into_owned());
            }
            if field.last {
                break;
            }
        }
        if self.pos - start > MAX_LINE { Err(Flaw::TooLong(self.lines)) } else { Ok(fields) }
    }
}

/// Bytes before the first quote, if all of them are printable ASCII.
fn plain_length(window: &[u8]) -> Option<usize> {
    let (words, rest) = window.as_chunks::<8>();
    for (word, at) in words.iter().zip((0..).step_by(8)) {
        let word = u64::from_le_bytes(*word);
        let quote = number::first_of(word, b'"');
        let odd = number::first_odd(word);
        if quote | odd != 0 {
            // Marks above the first one mean nothing.
            return (quote.trailing_zeros() < odd.trailing_zeros()).then_some(at + quote.trailing_zeros() as usize / 8);
        }
    }
    let length = rest.iter().position(|byte| *byte == b'"' || !matches!(byte, 0x20..=0x7f))?;
    (rest.get(length) == Some(&b'"')).then_some(words.len() * 8 + length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str) -> Result<Vec<Vec<String>>, Flaw> {
        let eol = if text.contains('\n') { b'\n' } else { b'\r' };
        let mut cursor = Cursor::new(text, Dialect { delimiter: b',', eol, decimal: b'.' }, 0, 0);
        let mut rows = Vec::new();
        while !cursor.at_end() {
            rows.push(cursor.row(100)?);
        }
        Ok(rows)
    }

    #[test]
    fn quotes_delimiters_and_line_ends() {
        for text in [
            "a,\"b,\"\"c\"\"\",d\r\n1,\"x\ny\",\r\n",
            "a,\"b,\"\"c\"\"\",d\n1,\"x\ny\",",
            " a ,  \"b,\"\"c\"\"\" ,d\n 1,\"x\ny\" , ",
        ] {
            assert_eq!(rows(text).unwrap(), [["a", "b,\"c\"", "d"], ["1", "x\ny", ""]], "{text:?}");
        }
        // As most are, and as they are not: blanks, other blanks, other letters, a long one, one left open at the end.
        let long = "x".repeat(PLAIN);
        let text = format!("\"2015/1/10\",\" a \",\"b\t\",\"\",\"°C\",\"{long}\",\"d\" ,\"e\"\n\"f");
        assert_eq!(rows(&text).unwrap(), [vec!["2015/1/10", "a", "b", "", "°C", &long, "d", "e"], vec!["f"]]);
        assert_eq!(rows("a,b\r1,2\r").unwrap(), [["a", "b"], ["1", "2"]]);
        assert_eq!(rows("5\" pipe,\"6\" pipe\n").unwrap(), [["5\" pipe", "6 pipe"]]);
    }

    proptest! {
        /// A row that is passed without a look ends where it ends when looked at field by field.
        #[test]
        fn a_row_passed_is_a_row_skipped(text in "[,\"x \r\n]{0,40}", odd in any::<bool>()) {
            let eol = if odd { b'\r' } else { b'\n' };
            let mut passing = Cursor::new(&text, Dialect { delimiter: b',', eol, decimal: b'.' }, 0, 7);
            let mut skipping = passing.clone();
            if passing.pass_row() {
                prop_assert!(skipping.skip_row().is_ok());
            }
            prop_assert_eq!((passing.pos, passing.lines), (skipping.pos, skipping.lines));
        }
    }

    #[test]
    fn a_quote_left_open_is_an_error_with_its_line() {
        assert_eq!(rows("a,b\n1,\"2\n3,\"4\"\n"), Err(Flaw::OpenQuote(2)));
        let long = format!("a,b\n1,\"2\n{}", "3,4\n".repeat(MAX_FIELD));
        assert_eq!(rows(&long), Err(Flaw::OpenQuote(2)));
    }

    #[test]
    fn a_field_that_no_report_has_is_an_error_with_its_line() {
        assert_eq!(rows(&format!("a,b\n{},1\n", "x".repeat(MAX_FIELD + 1))), Err(Flaw::TooLong(2)));
        assert_eq!(rows(&format!("a,b\n\"{}\",1\n", "x".repeat(MAX_FIELD + 1))), Err(Flaw::TooLong(2)));
        assert!(rows(&format!("a,b\n{},1\n", "x".repeat(MAX_FIELD))).is_ok());
        assert!(rows(&format!("{}\n", "1,".repeat(MAX_LINE / 2))).is_err());
    }

    #[test]
    fn numbers_and_fields_pass_the_same_bytes() {
        let text = "\"1\",2,\" -0.2\"\r\n\"x\",3.5\n";
        let mut cursor = Cursor::new(text, Dialect { delimiter: b',', eol: b'\n', decimal: b'.' }, 0, 0);
        let number = |cursor: &mut Cursor<'_>| cursor.number().map(|(number, last)| (number.value(), last));
        assert_eq!(number(&mut cursor), Some((1.0, false)));
        assert_eq!(number(&mut cursor), Some((2.0, false)));
        assert_eq!(number(&mut cursor), Some((-0.2, true)));
        assert_eq!((cursor.lines(), number(&mut cursor)), (1, None));
        assert_eq!(cursor.field().unwrap().text, "x");
        assert_eq!(number(&mut cursor), Some((3.5, true)));
        assert!(cursor.at_end());
    }
}
