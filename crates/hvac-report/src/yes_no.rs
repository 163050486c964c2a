//! Columns of yes and no in which a system says whether its readings are any: `Valid` and `Invalid`, TRUE and FALSE.
//!
//! Told by the name and by the cells together: the name says which of the two is good, and no other word may stand there.
//! `Fault` and `Error` are names of points too, so they count only where the column beside them is called a value.

use super::layout::Role;
use super::status::{self, Meaning};
use super::table::Table;
use super::words::bare;

/// What a yes says of a reading, by a name that is nothing but such a column's.
fn of_any_column(name: &str) -> Option<bool> {
    match bare(name).as_str() {
        "valid" | "isvalid" | "validity" | "valueok" | "dataok" | "isok" | "good" | "isgood" | "gültig" | "valide" => {
            Some(true)
        }
        "invalid" | "isinvalid" | "notvalid" | "bad" | "isbad" | "ungültig" | "invalide" => Some(false),
        _ => None,
    }
}

/// What a yes says of a reading, by a name that may be a point's elsewhere.
fn beside_a_value(name: &str) -> Option<bool> {
    match bare(name).as_str() {
        "ok" | "okay" | "reliable" => Some(true),
        "fault" | "isfault" | "faulty" | "error" | "iserror" | "err" | "fail" | "failed" | "failure" | "unreliable"
        | "störung" | "fehler" => Some(false),
        _ => of_any_column(name),
    }
}

/// What a yes says of a reading, by the last word of a name.
fn of_ending(name: &str) -> Option<bool> {
    let last = name.rsplit(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty())?;
    of_any_column(last)
}

/// Whether a text is yes or no.
fn word(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "ja" | "oui" | "sí" | "si" | "wahr" | "vrai" | "是" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "nein" | "non" | "falsch" | "faux" | "否" => Some(false),
        _ => None,
    }
}

/// Whether a column holds yes and no and nothing else; of the last row the beginning of one, where the file was cut off.
fn holds(table: &Table, at: usize) -> bool {
    let mut cells = table.sample().map(|row| row.field(at)).filter(|cell| !cell.is_empty()).peekable();
    let mut known = 0;
    while let Some(cell) = cells.next() {
        match word(cell) {
            Some(_) => known += 1,
            None if cells.peek().is_none() && known > 3 => {}
            None => return false,
        }
    }
    known > 0
}

/// Whether a column is one of yes and no of all points, or of the one whose name stands before its own.
pub(crate) fn is_column(table: &Table, at: usize) -> bool {
    of_ending(table.header.name(at)).is_some() && holds(table, at)
}

/// Whether its name is that of such a column and of no point's.
pub(crate) fn is_row_verdict(table: &Table, at: usize) -> bool {
    of_any_column(table.header.name(at)).is_some() && holds(table, at)
}

/// Whether a column is one of yes and no where values have no names of their own.
pub(crate) fn is_beside_value(table: &Table, at: usize) -> bool {
    beside_a_value(table.header.name(at)).is_some() && holds(table, at)
}

/// The columns of statuses that hold yes and no, and whether yes is good there.
pub(crate) fn columns(table: &Table, roles: &[Role]) -> Vec<(usize, bool)> {
    let statuses = roles.iter().enumerate().filter(|(_, role)| matches!(role, Role::Status | Role::StatusOf(_)));
    let yes_is_good = |at: usize| {
        let name = table.header.name(at);
        beside_a_value(name).or_else(|| of_ending(name)).filter(|_| holds(table, at))
    };
    statuses.filter_map(|(at, _)| Some((at, yes_is_good(at)?))).collect()
}

/// What a cell of such a column says.
pub(crate) fn said(text: &str, yes_is_good: bool) -> Meaning {
    match word(text) {
        Some(yes) if yes == yes_is_good => Meaning::Good,
        Some(_) => Meaning::Bad,
        None => status::said(text),
    }
}
