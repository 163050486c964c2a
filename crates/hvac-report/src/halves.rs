//! Numbers with a decimal comma in a report whose fields commas part: each is two fields. Put together where nothing else
//! can be meant, refused where it can.

use std::fmt::Write;

use super::fields::{Cursor, Dialect};
use super::layout::{Layout, MAX_POINTS, Role};
use super::table::Table;
use super::{ReadError, Source};

/// Shares of the rows that were looked at above which cells are halves, or the rows are no rows of this header.
const NEARLY_ALL: (usize, usize) = (9, 10);

/// The text with its numbers whole, when nearly every row has more cells than the header has names.
///
/// # Errors
/// `more_cells_than_header` when they do not fit together in one way only.
pub(crate) fn whole(
    source: Source<'_>,
    text: &str,
    table: &Table,
    layout: &Layout,
    dialect: Dialect,
) -> Result<Option<String>, ReadError> {
    let rows = || table.sample().filter(|row| row.line == 0 || row.line > table.header.line);
    let filled_beyond = |fields: &[String]| fields.iter().skip(layout.roles.len()).any(|field| !field.is_empty());
    let (all, wide) = (rows().count(), rows().filter(|row| filled_beyond(&row.fields)).count());
    let (share, of) = NEARLY_ALL;
    if wide * of < all * share || wide == 0 {
        return Ok(None);
    }
    let refuse = |line: u64| {
        let words = format!(
            "nearly every row has more cells than the {} columns of the header: numbers with a comma in them, perhaps (21,5), in a file whose fields commas part. Export it with semicolons or tabs between the fields, or with decimal points",
            layout.roles.len()
        );
        source.error("more_cells_than_header", Some(line), words)
    };
    let first = rows().find(|row| filled_beyond(&row.fields)).map_or(table.header.line + 1, |row| row.line);
    let points = layout.roles.iter().filter(|role| matches!(role, Role::Point(_))).count();
    let plain =
        layout.roles.iter().all(|role| matches!(role, Role::Stamp | Role::Clock | Role::Point(_) | Role::Ignore));
    if dialect.delimiter != b',' || !plain || points == 0 {
        return Err(refuse(first));
    }
    let mut joined =
        Joined { text: text.get(..layout.body).unwrap_or_default().to_owned(), never_thousands: vec![false; points] };
    let mut cursor = Cursor::new(text, dialect, layout.body, layout.body_lines);
    while !cursor.at_end() {
        let (start, line) = (cursor.pos(), cursor.lines() + 1);
        let fields = cursor.row(2 * MAX_POINTS).map_err(|flaw| source.flaw(flaw))?;
        let raw = cursor.slice(start..cursor.pos());
        joined.row(&fields, raw, layout, dialect).ok_or_else(|| refuse(line))?;
    }
    if joined.never_thousands.contains(&false) { Err(refuse(first)) } else { Ok(Some(joined.text)) }
}

/// The rows so far.
struct Joined {
    text: String,
    /// Of each point: some second half has not three digits, or some first one more than three or a 0.
    never_thousands: Vec<bool>,
}

impl Joined {
    /// Adds a row; none when its fields are no halves.
    fn row(&mut self, fields: &[String], raw: &str, layout: &Layout, dialect: Dialect) -> Option<()> {
        if fields.iter().filter(|field| !field.is_empty()).count() < 2 {
            // A blank line, or one of an end.
            self.text.push_str(raw);
            return Some(());
        }
        let trailing = fields.iter().rev().take_while(|field| field.is_empty()).count();
        let halves = self.never_thousands.len();
        if fields.len() - trailing > layout.roles.len() + halves || fields.len() < layout.roles.len() + halves {
            return None;
        }
        let mut fields = fields.iter();
        for (at, role) in layout.roles.iter().enumerate() {
            let field = fields.next()?;
            if at > 0 {
                self.text.push(',');
            }
            let Role::Point(point) = role else {
                let _ = write!(self.text, "\"{}\"", field.replace('"', "\"\""));
                continue;
            };
            let fraction = fields.next()?;
            let whole = field.strip_prefix(['-', '+']).unwrap_or(field);
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            if field.is_empty() && fraction.is_empty() {
                continue;
            }
            if !digits(whole) || !digits(fraction) {
                return None;
            }
            if let Some(never) = self.never_thousands.get_mut(*point) {
                *never |= fraction.len() != 3 || whole.len() > 3 || whole == "0";
            }
            let _ = write!(self.text, "{field}.{fraction}");
        }
        self.text.push(char::from(dialect.eol));
        Some(())
    }
}
