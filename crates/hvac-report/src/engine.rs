//! What both reading engines (`rows` and `long`) share: a chunk's limits, the rows that are no data, the
//! findings of a whole file.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::cells::{CellReader, Occurrences};
use super::fields::{Cursor, MAX_LINE};
use super::layout::{Layout, Role, warning};
use super::number;
use super::status::{self, Meaning};
use super::times::TimeReader;
use super::{Format, PointPlan, ReadError, Source, words, yes_no};
use crate::time;
use hvac_frame::column::Warning;
use hvac_frame::encoded::EncodedSegment;

/// Bytes of text after which a chunk ends.
pub(crate) const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// Cells after which a chunk ends, so that short rows of a wide report stay small in memory too.
pub(crate) const CHUNK_CELLS: usize = 4_000_000;

/// Where a chunk ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// At the first row that begins at or after this byte.
    pub byte: usize,
    /// When it has this many cells.
    pub cells: usize,
}

/// Steps between rows that are told apart for the median.
const MAX_STEPS: usize = 4_096;

/// Reads the rows of one file, chunk by chunk.
pub(crate) struct Engine<'r> {
    /// The report.
    pub source: Source<'r>,
    /// Its text.
    pub text: &'r str,
    /// Its shape.
    pub layout: &'r Layout,
    /// Times of rows.
    pub times: TimeReader<'r>,
    /// The last row's day, as long as it stands in a field of its own: the field, and its text.
    pub day: (&'r str, &'r str),
    /// Cells.
    pub cells: CellReader,
    /// What was met on the way.
    pub seen: Seen,
    /// The texts that tell the series of a row, lent from row to row.
    pub key: String,
    /// The status that was met last, and what it says.
    pub last_status: (String, Meaning),
    /// The lines down to the header, once a row below is looked for among them.
    pub head: Option<HashSet<&'r str>>,
}

/// What was met on the way through a file.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Data rows kept.
    pub rows: u64,
    /// The last row that has neither a time nor a number: rows of data before it, its line, its text.
    pub title: Option<(u64, u64, String)>,
    /// Rows that are no data, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Rows that stood after a later one.
    pub out_of_order: u64,
    /// Rows that end before their last column.
    pub short: Occurrences,
    /// Cells beyond the last column.
    pub extra: Occurrences,
    /// Rows that have such cells, of which none is kept.
    pub wide_rows: u64,
    /// Readings that end in no cell, by reason.
    pub lost: BTreeMap<String, u64>,
    /// Rows that carry readings and are of no known kind.
    pub unknown_rows: u64,
    /// Rows whose time cannot be read, and the first such text.
    pub unreadable: Occurrences,
    /// The first of them.
    pub unreadable_text: String,
    /// Long rows that name no series.
    pub nameless: Occurrences,
    /// Long rows in another unit than their series' first one.
    pub other_units: Occurrences,
    /// Line of a last row that was cut off.
    pub truncated: Option<u64>,
    /// Latest time so far.
    latest: Option<i64>,
    steps: HashMap<i64, u64>,
}

impl Engine<'_> {
    /// Counts a row that has no time: a footer, a repeated header, a blank or a broken row.
    pub(crate) fn drop_row(&mut self, raw: &str, stamp: &str, line: u64) -> Result<(), ReadError> {
        let bare = raw.trim_matches(|c: char| {
            c == '"' || c.is_whitespace() || Ok(self.layout.dialect.delimiter) == u8::try_from(c)
        });
        let reason = if bare.is_empty() {
            "blank"
        } else if self.stands_in_head(raw) {
            self.refuse_another_table(raw)?;
            "repeated_header"
        } else if bare.starts_with("***") || bare.to_ascii_lowercase().contains("end of report") {
            "footer"
        } else {
            self.refuse_second_report(bare, line)?;
            self.no_time(raw, stamp, line)?
        };
        *self.seen.dropped.entry(reason.to_owned()).or_default() += 1;
        Ok(())
    }

    /// What a row is that has no time and is none of those that reports end with.
    fn no_time(&mut self, raw: &str, stamp: &str, line: u64) -> Result<&'static str, ReadError> {
        let mut cursor = Cursor::new(raw, self.layout.dialect, 0, 0);
        let fields = cursor.row(self.layout.roles.len() + 1).map_err(|flaw| self.source.flaw(flaw))?;
        let dialect = self.layout.dialect;
        let numbers = fields.iter().zip(&self.layout.roles).filter(|(field, role)| {
            matches!(role, Role::Point(_) | Role::Value(_))
                && number::read(field, dialect.decimal, dialect.delimiter).is_some()
        });
        let numbers = numbers.count() as u64;
        if fields.iter().any(|field| words::is_summary(field)) {
            return Ok("summary");
        }
        if fields.first().is_some_and(|first| {
            first.starts_with("#datatype") || first.starts_with("#group") || first.starts_with("#default")
        }) {
            return Ok("annotation");
        }
        if numbers == 0
            && fields.iter().filter(|field| !field.is_empty()).count() > 1
            && fields.contains(&self.layout.times_from)
            && !self.layout.times_from.is_empty()
        {
            let words = "a second table with other columns begins here: split the file before this line";
            return Err(self.source.error("second_table", Some(line), words));
        }
        self.seen.title = (numbers == 0).then(|| (self.seen.rows, line, raw.trim().chars().take(60).collect()));
        // A whole row in one field: in quotes, or parted by another sign.
        let filled = || fields.iter().filter(|field| !field.is_empty());
        let inside = filled().next().map_or("", String::as_str);
        let first = inside.split([',', ';', '\t', '|']).next().unwrap_or_default().trim();
        if numbers == 0 && filled().count() == 1 && first.len() < inside.len() && time::is_stamp(first) {
            self.seen.unknown_rows += 1;
            self.seen.lose("unreadable_time", 1);
        }
        self.seen.unreadable.add(line);
        if self.seen.unreadable.count == 1 {
            self.seen.unreadable_text = stamp.chars().take(60).collect();
        }
        if numbers > 0 {
            self.seen.unknown_rows += 1;
            self.seen.lose("unreadable_time", numbers);
        }
        Ok("unreadable_time")
    }

    fn stands_in_head(&mut self, raw: &str) -> bool {
        let head = self.text.get(..self.layout.body).unwrap_or_default();
        let lines = || head.split(char::from(self.layout.dialect.eol)).map(str::trim).collect();
        self.head.get_or_insert_with(lines).contains(raw.trim())
    }

    /// The header once more, below a title of its own: the rows are another machine's. Pages are numbered, and go on.
    fn refuse_another_table(&self, header: &str) -> Result<(), ReadError> {
        let is_header = !self.layout.times_from.is_empty() && header.contains(self.layout.times_from.as_str());
        let rows = self.seen.rows;
        let below = self.seen.title.as_ref().filter(|(before, ..)| is_header && rows > 0 && *before == rows);
        let Some((_, line, title)) = below else { return Ok(()) };
        let lower = title.to_lowercase();
        let is_page = ["page", "seite", "pagina", "página", "頁", "页"].iter().any(|word| lower.contains(word));
        let begins_with_title = self.layout.header_line > 1;
        if is_page || !begins_with_title || title.contains(char::from(self.layout.dialect.delimiter)) {
            return Ok(());
        }
        let words = format!(
            "the header stands once more below '{title}', which is not above the first one: the rows that follow are another table's; split the file before this line"
        );
        Err(self.source.error("second_table", Some(*line), words))
    }

    /// A key or a header below the first one, and not the same: another report was appended.
    fn refuse_second_report(&self, bare: &str, line: u64) -> Result<(), ReadError> {
        let other = bare.starts_with("<>Date") || bare.starts_with("Point_");
        if self.layout.format.value != Format::Apogee || !other {
            return Ok(());
        }
        let words = "a second report with other points begins here: split the file before its key of points";
        Err(self.source.error("second_report", Some(line), words))
    }

    /// What a status column's text says of a value; most rows say the same.
    pub(crate) fn said(&mut self, column: usize, text: &str) -> Meaning {
        if let Some((_, yes_is_good)) = self.layout.yes_no.iter().find(|(at, _)| *at == column) {
            return yes_no::said(text, *yes_is_good);
        }
        if self.last_status.0 != text || text.is_empty() {
            let meaning = match text {
                "" => Meaning::Good,
                text if self.layout.opc => status::opc_said(text),
                text => status::said(text),
            };
            self.last_status = (text.to_owned(), meaning);
        }
        self.last_status.1
    }

    /// A row ends: refuses a line that is too long.
    pub(crate) fn check_line(&self, start: usize, cursor: &Cursor<'_>) -> Result<(), ReadError> {
        if cursor.pos().saturating_sub(start) <= MAX_LINE {
            return Ok(());
        }
        Err(self.source.flaw(super::fields::Flaw::TooLong(cursor.lines())))
    }
}

impl Seen {
    /// So many readings end in no cell because of `reason`.
    pub(crate) fn lose(&mut self, reason: &str, readings: u64) {
        if readings > 0 {
            *self.lost.entry(reason.to_owned()).or_default() += readings;
        }
    }

    /// A row was dropped because of `reason`.
    pub(crate) fn drop(&mut self, reason: &str) {
        if let Some(count) = self.dropped.get_mut(reason) {
            *count += 1;
        } else {
            self.dropped.insert(reason.to_owned(), 1);
        }
    }

    /// Counts the rows of a segment, in the file's order, that stand after a later one.
    pub(crate) fn order_of(&mut self, at_ms: &[i64]) {
        let mut latest = self.latest.unwrap_or(i64::MIN);
        for at in at_ms {
            self.out_of_order += u64::from(*at < latest);
            latest = latest.max(*at);
        }
        self.latest = Some(latest);
    }

    /// Counts the steps of a sorted segment.
    pub(crate) fn steps_of(&mut self, at_ms: &[i64]) {
        // Most steps are as the one before: looked up once for a run of them.
        let (mut step, mut times) = (0, 0);
        for (a, b) in at_ms.iter().zip(at_ms.iter().skip(1)) {
            if b - a != step {
                self.steps(step, times);
                (step, times) = (b - a, 0);
            }
            times += 1;
        }
        self.steps(step, times);
    }

    fn steps(&mut self, step: i64, times: u64) {
        if step > 0 && (self.steps.len() < MAX_STEPS || self.steps.contains_key(&step)) {
            *self.steps.entry(step).or_default() += times;
        }
    }

    /// Median step, s; none below one second, or when there is no step.
    pub(crate) fn interval_s(&self) -> Option<u32> {
        let mut steps: Vec<(i64, u64)> = self.steps.iter().map(|(step, count)| (*step, *count)).collect();
        steps.sort_unstable();
        let total: u64 = steps.iter().map(|(_, count)| count).sum();
        let mut passed = 0;
        let median = steps.iter().find(|(_, count)| {
            passed += count;
            passed * 2 >= total
        })?;
        u32::try_from((median.0 + 500) / 1000).ok().filter(|s| *s > 0)
    }

    /// What a user should know, in one sentence each.
    pub(crate) fn warnings(&self, source: Source<'_>, layout: &Layout, times: &TimeReader<'_>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut say = |code: &str, tally: Occurrences, words: String| {
            if tally.count > 0 {
                warnings.push(warning(source, code, Some(tally.line), None, tally.count, words));
            }
        };
        let n = |tally: Occurrences| tally.count;
        say(
            "unreadable_time",
            self.unreadable,
            format!(
                "{} rows have no time that can be read (first '{}'); they are dropped",
                n(self.unreadable),
                self.unreadable_text
            ),
        );
        say(
            "short_rows",
            self.short,
            format!(
                "{} rows end before their last column; their missing cells are stored as null (missing_cell)",
                n(self.short)
            ),
        );
        say(
            "extra_cells",
            self.extra,
            match self.wide_rows {
                0 => format!("{} cells stand in columns without a name; they are dropped", n(self.extra)),
                rows => format!(
                    "{} cells stand beyond the last column of the header; which cell belongs where cannot be told, so all cells of these {rows} rows are stored as null (unreadable)",
                    n(self.extra)
                ),
            },
        );
        say(
            "unit_mismatch",
            self.other_units,
            format!(
                "{} values are in another unit than their series' first; stored as null (unit_mismatch)",
                n(self.other_units)
            ),
        );
        say("no_point", self.nameless, format!("{} rows name no point; they are dropped", n(self.nameless)));
        warnings.extend(times.warnings(source));
        if let Some(line) = self.truncated {
            let words = "the file ends within its last row; the cells that are whole are kept, the others stored as null (missing_cell)";
            warnings.push(warning(source, "truncated_row", Some(line), None, 1, words));
        }
        if let (Some(stated), Some(found)) = (layout.time_interval_s, self.interval_s())
            && stated != found
        {
            let words = format!("the report states an interval of {stated} s; its rows are mostly {found} s apart");
            warnings.push(warning(source, "interval_differs", None, None, 1, words));
        }
        warnings
    }
}

/// Adds each point's numbers of a segment.
pub(crate) fn count_numbers(segment: &EncodedSegment, points: &mut [PointPlan]) {
    for (cells, point) in segment.columns.iter().zip(points) {
        point.numbers += cells.numbers();
    }
}
