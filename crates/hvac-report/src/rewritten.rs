//! Reports that are no table with a time a row, written anew as a long one: a day a row ([`super::across`]), meter data of
//! record types ([`super::nem12`]).
//!
//! What stands above the rows stays as it is, so that a header that is repeated further down is known; which line of the
//! report each new line comes from is kept, so that messages name the report's own.

use super::fields::Dialect;
use super::layout::{Columns, Layout, RawLines, Role, TimeColumn};
use super::{Chosen, Format, ReadError, Source};

/// Bytes that a report may have when it is written anew.
const MAX_BYTES: usize = 1 << 30;

/// What is known of a report that was written anew.
pub(crate) struct Told<'t> {
    /// What its shape was told by.
    pub evidence: String,
    /// Field delimiter.
    pub delimiter: Chosen<char>,
    /// Line of the header.
    pub header_line: u64,
    /// What its times are called.
    pub times_from: &'t str,
    /// What the head says of them.
    pub times: TimeColumn,
    /// Names of the columns that tell series apart.
    pub keys: Vec<String>,
    /// The fields behind date and clock time.
    pub roles: Vec<Role>,
    /// The one point and its unit, where nothing tells series apart.
    pub point: Option<(&'t str, Option<Chosen<String>>)>,
}

/// Writes a report anew.
pub(crate) struct Writer<'s> {
    source: Source<'s>,
    dialect: Dialect,
    text: String,
    lines: RawLines,
    written: u64,
    body: usize,
    body_lines: u64,
}

impl<'s> Writer<'s> {
    /// Begins with what stands above the first row: so many lines.
    pub(crate) fn new(source: Source<'s>, dialect: Dialect, head: &str, lines: u64) -> Self {
        let text = head.to_owned();
        Self { source, dialect, body: text.len(), text, lines: RawLines::default(), written: lines, body_lines: lines }
    }

    /// Lines that follow are made of this line of the report.
    pub(crate) fn made_of(&mut self, raw: u64) -> Result<(), ReadError> {
        if self.text.len() > MAX_BYTES {
            let words = "the report holds more than 1 GiB when it is laid out a row a time: split it";
            return Err(self.source.error("too_large", Some(raw), words));
        }
        self.lines.add(self.written + 1, raw);
        Ok(())
    }

    /// A field, in quotes where it needs them.
    pub(crate) fn field(&mut self, text: &str) {
        let [delimiter, eol] = [self.dialect.delimiter, self.dialect.eol].map(char::from);
        if text.contains([delimiter, eol, '"', '\r', '\n']) {
            self.text.push('"');
            for c in text.chars() {
                match c {
                    '"' => self.text.push_str("\"\""),
                    '\r' | '\n' => self.text.push(' '),
                    c => self.text.push(c),
                }
            }
            self.text.push('"');
        } else {
            self.text.push_str(text);
        }
    }

    /// Between two fields.
    pub(crate) fn next(&mut self) {
        self.text.push(char::from(self.dialect.delimiter));
    }

    /// A row ends.
    pub(crate) fn end(&mut self) {
        self.text.push(char::from(self.dialect.eol));
        self.written += 1;
    }

    /// A row that is none, as it stands in the report.
    pub(crate) fn as_it_stands(&mut self, raw: &str) {
        let eol = char::from(self.dialect.eol);
        self.text.push_str(raw);
        self.written += raw.matches(eol).count() as u64;
        if !raw.ends_with(eol) {
            self.end();
        }
    }

    /// The report, with a date, a clock time and what `told` says in each row.
    pub(crate) fn finish(self, told: Told<'_>) -> (Layout, String) {
        let Told { evidence, delimiter, header_line, times_from, times, keys, roles, point } = told;
        let mut columns = Columns::default();
        for role in [Role::Stamp, Role::Clock].into_iter().chain(roles) {
            match (role, &point) {
                (Role::Value(_), Some((name, unit))) => {
                    columns.point(name, header_line).unit.clone_from(unit);
                }
                (role, _) => columns.other(role),
            }
        }
        let format = if point.is_some() { Format::SinglePoint } else { Format::Narrow };
        let layout = Layout {
            format: Chosen { value: format, evidence },
            delimiter,
            dialect: self.dialect,
            decimal: None,
            header_line,
            body: self.body,
            body_lines: self.body_lines,
            roles: columns.roles,
            opc: false,
            yes_no: Vec::new(),
            times_from: times_from.to_owned(),
            epoch: false,
            times,
            points: columns.points,
            keys,
            values: if point.is_some() { Vec::new() } else { vec![("value".to_owned(), None)] },
            date_range: None,
            time_interval_s: None,
            of_intervals: false,
            totals: Vec::new(),
            lines: self.lines,
            warnings: Vec::new(),
        };
        (layout, self.text)
    }
}
