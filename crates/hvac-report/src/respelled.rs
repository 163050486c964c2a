//! A text with some of its fields written otherwise, line by line the same.

use std::borrow::Cow;

use super::fields::{Cursor, Dialect};
use super::{ReadError, Source};

/// The first fields of a row, and where each of them begins; the row ends at `end`.
pub(crate) struct Row<'a, 't> {
    /// Their texts.
    pub fields: &'a [Cow<'t, str>],
    /// Its line, counted from 1.
    pub line: u64,
    starts: &'a [usize],
    end: usize,
}

impl Row<'_, '_> {
    /// A field's text; empty when the row is shorter.
    pub(crate) fn field(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", AsRef::as_ref)
    }
}

/// Goes through the rows from byte `from.0` on, which has `from.1` line ends before it, with the first `width` fields of
/// each.
pub(crate) fn each_row<'t>(
    source: Source<'_>,
    text: &'t str,
    dialect: Dialect,
    from: (usize, u64),
    width: usize,
    mut see: impl FnMut(Row<'_, 't>),
) -> Result<(), ReadError> {
    let mut cursor = Cursor::new(text, dialect, from.0, from.1);
    let (mut fields, mut starts) = (Vec::new(), Vec::new());
    while !cursor.at_end() {
        fields.clear();
        starts.clear();
        let line = cursor.lines() + 1;
        let mut last = false;
        starts.push(cursor.pos());
        while fields.len() < width && !last {
            let field = cursor.field().map_err(|flaw| source.flaw(flaw))?;
            last = field.last;
            fields.push(field.text);
            starts.push(cursor.pos());
        }
        if !last && !cursor.pass_row() {
            cursor.skip_row().map_err(|flaw| source.flaw(flaw))?;
        }
        see(Row { fields: &fields, line, starts: &starts, end: cursor.pos() });
    }
    Ok(())
}

/// The text with the fields that `change` names written as it says: field numbers in ascending order.
pub(crate) fn respelled(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    from: (usize, u64),
    width: usize,
    mut change: impl FnMut(&Row<'_, '_>) -> Vec<(usize, String)>,
) -> Result<String, ReadError> {
    let slice = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut whole = String::with_capacity(text.len() + text.len() / 8);
    whole.push_str(slice(0, from.0));
    each_row(source, text, dialect, from, width, |row| {
        let mut reached = row.starts.first().copied().unwrap_or(row.end);
        for (at, written) in change(&row) {
            let (Some(start), Some(end)) = (row.starts.get(at), row.starts.get(at + 1)) else { continue };
            whole.push_str(slice(reached, *start));
            whole.push_str(&written);
            // What parts it from the next field or row.
            let raw = slice(*start, *end);
            let parting = [char::from(dialect.delimiter), '\n', '\r'];
            let kept = raw.strip_suffix("\r\n").or_else(|| raw.strip_suffix(parting)).unwrap_or(raw);
            whole.push_str(raw.get(kept.len()..).unwrap_or_default());
            reached = *end;
        }
        whole.push_str(slice(reached, row.end));
    })?;
    Ok(whole)
}
