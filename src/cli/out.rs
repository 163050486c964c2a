//! What the command line prints: JSON as the API would, tables for people, failures as plain lines.
//!
//! Names and texts come from files: everything for people passes [`plain`] here, so that no terminal takes them for
//! orders.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::error::{Context, Detail, Error, ErrorKind, Result, codes};
use crate::phrases::Said;

static ANSWERED: AtomicBool = AtomicBool::new(false);

/// Whether standard output has an answer.
#[must_use]
pub fn has_answered() -> bool {
    ANSWERED.load(Ordering::Relaxed)
}

/// Prints text for people, and a line end.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(text: impl AsRef<str>) -> Result<()> {
    print_bytes(plain(text.as_ref(), true).as_bytes())
}

/// Writes bytes and a line end to standard output; a reader that has gone away (`| head`) is no failure.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    ANSWERED.store(true, Ordering::Relaxed);
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(codes::UNWRITABLE, format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints what the API would answer.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_json(answer: &impl Serialize) -> Result<()> {
    print_json_text(&serde_json::to_vec(answer).internal("writing an answer as JSON")?)
}

/// The same, of an answer that says what its sentences say.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_said(answer: &impl Serialize) -> Result<()> {
    print_json(&Said::of(answer))
}

/// The same, of an answer that is JSON already. What JSON may hold and a terminal would obey is escaped.
///
/// # Errors
/// When standard output cannot be written.
pub fn print_json_text(json: &[u8]) -> Result<()> {
    let json = std::str::from_utf8(json).internal("printing JSON")?;
    let escaped = escape(json, obeyed, |c| format!("\\u{:04x}", u32::from(c)));
    print_bytes(escaped.as_bytes())
}

/// Tells a person something on standard error, who need not be there.
pub fn tell(text: &str) {
    tell_part(&format!("{text}\n"));
}

/// The same, without a line end.
pub fn tell_part(text: &str) {
    let _ = std::io::stderr().lock().write_all(plain(text, true).as_bytes());
}

/// The text with what a terminal would obey written out: `\u{1b}`. Line ends may stay.
#[must_use]
pub fn plain(text: &str, lines: bool) -> Cow<'_, str> {
    escape(text, |c| obeyed(c) && !(lines && c == '\n'), |c| c.escape_default().to_string())
}

/// Control characters, and those that turn the direction of writing around.
fn obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str, is_meant: impl Fn(char) -> bool, escaped: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(&is_meant) {
        return Cow::Borrowed(text);
    }
    let mut changed = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_meant(c) {
            true => changed.push_str(&escaped(c)),
            false => changed.push(c),
        }
    }
    Cow::Owned(changed)
}

/// How a column of a table is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table in plain text: two blanks between columns, wide characters counted as two.
#[must_use]
pub fn table(header: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let header: Vec<(Cow<'_, str>, Align)> = header.iter().map(|(name, align)| (plain(name, false), *align)).collect();
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell, false)).collect()).collect();
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(i, (name, _))| {
            let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.width());
            cells.chain([name.width()]).max().unwrap_or_default()
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for ((cell, (_, align)), width) in cells.zip(&header).zip(&widths) {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left => line.extend([cell, &padding, "  "]),
                Align::Right => line.extend([&padding, cell, "  "]),
            }
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut header.iter().map(|(name, _)| name.as_ref()))];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(AsRef::as_ref))));
    lines.join("\n")
}

/// A number as a table shows it: six significant digits, nothing for none.
#[must_use]
pub fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return String::new() };
    if value != 0.0 && !(1e-4..1e9).contains(&value.abs()) {
        return format!("{value:.5e}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm between -4 and 9")]
    let digits_before = if value == 0.0 { 1 } else { value.abs().log10().floor() as i32 + 1 };
    let text = format!("{value:.*}", usize::try_from(6 - digits_before).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A failure as lines for standard error: what is wrong, each place of it, and for defects the causes.
#[must_use]
pub fn failure(error: &Error) -> String {
    let mut lines = vec![format!("error: {}", error.message)];
    lines.extend(
        error.details.iter().filter(|d| !error.message.contains(&d.message)).map(|d| format!("  {}", placed(d))),
    );
    if error.kind() == ErrorKind::Internal || error.kind() == ErrorKind::Unavailable {
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            lines.push(format!("  caused by: {cause}"));
            source = cause.source();
        }
    }
    lines.join("\n")
}

/// `T.csv, line 212, column AH0202_DT: message`; a message that begins with its file is left as it is.
fn placed(detail: &Detail) -> String {
    let Detail { field, file, line, column, message } = detail;
    if file.as_ref().or(field.as_ref()).is_some_and(|place| message.starts_with(place.as_str())) {
        return message.clone();
    }
    let place: Vec<String> = [
        file.clone().or_else(|| field.clone()),
        line.map(|line| format!("line {line}")),
        column.as_ref().map(|column| format!("column {column}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if place.is_empty() { message.clone() } else { format!("{}: {message}", place.join(", ")) }
}

/// Whether a person is watching standard error.
#[must_use]
pub fn watched() -> bool {
    std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tables_line_up_also_with_wide_letters() {
        let rows = [vec!["高雄 A".to_owned(), "7".to_owned()], vec!["b".to_owned(), "1234".to_owned()]];
        let text = table(&[("NAME", Align::Left), ("ROWS", Align::Right)], &rows);
        assert_eq!(text, "NAME    ROWS\n高雄 A     7\nb       1234");
    }

    #[test]
    fn nothing_is_an_order_to_a_terminal() {
        assert_eq!(plain("冰水 A\nb\u{1b}[2J\u{9b}31m\r\u{202e}x", true), "冰水 A\nb\\u{1b}[2J\\u{9b}31m\\r\\u{202e}x");
        assert_eq!(plain("a\nb\tc", false), "a\\nb\\tc");
        let text = table(&[("A\u{7}", Align::Left)], &[vec!["one\ntwo".to_owned()]]);
        assert_eq!(text, "A\\u{7}\none\\ntwo");
        let json = serde_json::to_string("\u{1b}\u{9b}\u{7f}").unwrap();
        let escaped = escape(&json, obeyed, |c| format!("\\u{:04x}", u32::from(c)));
        assert!(!escaped.contains(obeyed), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), "\u{1b}\u{9b}\u{7f}");
    }

    #[test]
    fn numbers_are_short() {
        let shown = [4583.0, 3_763.761_23, -0.2, 10_725_945.0, 0.0, 1e12, 0.000_001, 123_456.789];
        let expected = ["4583", "3763.76", "-0.2", "10725945", "0", "1.00000e12", "1.00000e-6", "123457"];
        assert_eq!(shown.map(|n| number(Some(n))), expected);
        assert_eq!(number(None), "");
    }

    #[test]
    fn failures_name_each_place() {
        let detail = Detail {
            file: Some("T.csv".to_owned()),
            line: Some(3),
            column: Some("OAT".to_owned()),
            message: "cut off in the middle of a row".to_owned(),
            ..Detail::default()
        };
        let error = Error::new(codes::UNREADABLE, "1 of 2 files cannot be read").with_detail(detail);
        assert_eq!(
            failure(&error),
            "error: 1 of 2 files cannot be read\n  T.csv, line 3, column OAT: cut off in the middle of a row"
        );
        let plain = Error::invalid("rows", codes::BAD_ROWS, "rows: 0 is too few");
        assert_eq!(failure(&plain), "error: rows: 0 is too few");
    }
}
