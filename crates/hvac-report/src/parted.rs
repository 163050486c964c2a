//! Dates in columns of their own: `Year,Month,Day`, mostly with `Hour`, `Minute` and `Second` behind, as weather files and
//! loggers have them. Written anew as one column.
//!
//! Told by those names side by side in one row and, below, by numbers that make dates. Hours are taken as clock times, 0 to
//! 23; where they go up to 24, a number alone does not say whether 1 begins or ends at 01:00, and the report is refused.

use super::fields::{Cursor, Dialect};
use super::layout::{Record, records};
use super::{ReadError, ReadOptions, Source};

/// Rows of the head in which the header is looked for, and bytes they may take.
const HEAD: usize = 100;
const HEAD_BYTES: usize = 1 << 20;

/// What a column of such a date holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Part {
    /// What a name says that its column holds.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match super::words::bare(name).as_str() {
            "year" | "yr" | "yyyy" | "jahr" | "année" | "annee" | "año" | "ano" | "anno" | "年" => Self::Year,
            "month" | "mo" | "mon" | "monat" | "mois" | "mes" | "mese" | "月" => Self::Month,
            "day" | "dy" | "dd" | "dom" | "tag" | "jour" | "día" | "dia" | "giorno" | "日" => Self::Day,
            "hour" | "hr" | "hh" | "stunde" | "std" | "heure" | "hora" | "ora" | "時" | "时" => Self::Hour,
            "minute" | "min" | "mi" | "minuto" | "分" => Self::Minute,
            "second" | "sec" | "ss" | "sekunde" | "seconde" | "segundo" | "秒" => Self::Second,
            _ => return None,
        })
    }

    /// Its numbers.
    fn holds(self, number: u32) -> bool {
        match self {
            Self::Year => (1900..2200).contains(&number),
            Self::Month => (1..=12).contains(&number),
            Self::Day => (1..=31).contains(&number),
            Self::Hour => number <= 24,
            Self::Minute | Self::Second => number < 60,
        }
    }
}

/// The columns of the date, side by side.
struct Parts {
    first: usize,
    parts: Vec<Part>,
}

/// The report with its dates in one column, if they stand in several.
///
/// # Errors
/// `unread_time_form` when its hours say too little.
pub(crate) fn whole(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    options: &ReadOptions,
) -> Result<Option<String>, ReadError> {
    let Some(date) = Parts::found(text, dialect, options) else { return Ok(None) };
    let block = date.first..date.first + date.parts.len();
    let mut whole = String::with_capacity(text.len());
    let mut cursor = Cursor::new(text, dialect, 0, 0);
    let (mut hours_from_1, mut midnight) = (None, false);
    while !cursor.at_end() {
        let (start, line) = (cursor.pos(), cursor.lines() + 1);
        let (mut begin, mut fields, mut over) = (start, Vec::with_capacity(date.parts.len()), false);
        for at in 0..block.end {
            if at == block.start {
                begin = cursor.pos();
            }
            let field = cursor.field().map_err(|flaw| source.flaw(flaw))?;
            over = field.last;
            if at >= block.start {
                fields.push(field.text);
            }
            if over {
                break;
            }
        }
        let end = cursor.pos();
        if !over {
            cursor.skip_row().map_err(|flaw| source.flaw(flaw))?;
        }
        if over {
            // A line of a preamble or an end, which has no such columns.
            whole.push_str(cursor.slice(start..cursor.pos()));
            continue;
        }
        let numbers: Vec<u32> = fields.iter().filter_map(|field| whole_number(field)).collect();
        let stamp = date.stamp(&numbers);
        if let (Some(_), Some(hour)) = (&stamp, date.hour(&numbers)) {
            midnight |= hour == 0;
            hours_from_1 = hours_from_1.or((hour == 24).then_some(line));
        }
        whole.push_str(cursor.slice(start..begin));
        match stamp {
            Some(stamp) => whole.push_str(&stamp),
            None if fields.iter().map(|name| Part::of(name)).eq(date.parts.iter().map(|part| Some(*part))) => {
                whole.push_str("Date");
            }
            // Other rows of the header, a total: what stands in these columns, in one.
            None => {
                let words: Vec<&str> =
                    fields.iter().map(AsRef::as_ref).filter(|text: &&str| !text.is_empty()).collect();
                whole.push('"');
                whole.push_str(&words.join(" ").replace('"', "\"\""));
                whole.push('"');
            }
        }
        whole.push(char::from(dialect.delimiter));
        whole.push_str(cursor.slice(end..cursor.pos()));
    }
    if let (Some(line), false) = (hours_from_1, midnight) {
        let words = "hours are numbered from 1 to 24, which does not say whether 1 is the hour from 00:00 or the one that begins at 01:00: write clock times such as 00:00";
        return Err(source.error("unread_time_form", Some(line), words));
    }
    Ok(Some(whole))
}

impl Parts {
    fn found(text: &str, dialect: Dialect, options: &ReadOptions) -> Option<Self> {
        let head = records(text, dialect, 0..text.len().min(HEAD_BYTES), 0, HEAD).ok()?;
        let below = options.skip_rows.unwrap_or(0);
        let wanted = |row: &Record| options.header_row.map_or(row.line > below, |line| row.line == line);
        head.iter().enumerate().filter(|(_, row)| wanted(row)).find_map(|(at, row)| {
            let date = Self::of(row)?;
            // Units may stand between.
            let rows = head.get(at + 1..)?.iter().take(3);
            rows.into_iter().any(|row| date.stamp(&date.numbers(row)).is_some()).then_some(date)
        })
    }

    /// The date that a row names.
    fn of(row: &Record) -> Option<Self> {
        let named: Vec<Option<Part>> = row.fields.iter().map(|name| Part::of(name)).collect();
        let first = named
            .windows(3)
            .position(|three| [Part::Year, Part::Month, Part::Day].iter().all(|part| three.contains(&Some(*part))))?;
        let mut parts: Vec<Part> = named.iter().skip(first).take(3).flatten().copied().collect();
        let behind = named.iter().skip(first + 3).zip([Part::Hour, Part::Minute, Part::Second]);
        parts.extend(behind.take_while(|(name, part)| **name == Some(*part)).map(|(_, part)| part));
        Some(Self { first, parts })
    }

    fn numbers(&self, row: &Record) -> Vec<u32> {
        (0..self.parts.len()).filter_map(|at| whole_number(row.field(self.first + at))).collect()
    }

    /// `2024-05-01 00:15:00`; none when the numbers make no date.
    fn stamp(&self, numbers: &[u32]) -> Option<String> {
        if numbers.len() != self.parts.len() || !self.parts.iter().zip(numbers).all(|(part, n)| part.holds(*n)) {
            return None;
        }
        let of = |part: Part| self.parts.iter().zip(numbers).find(|(p, _)| **p == part).map(|(_, n)| *n);
        let (year, month, day) = (of(Part::Year)?, of(Part::Month)?, of(Part::Day)?);
        let clock = of(Part::Hour).map(|hour| {
            let (minute, second) = (of(Part::Minute).unwrap_or(0), of(Part::Second).unwrap_or(0));
            format!(" {hour:02}:{minute:02}:{second:02}")
        });
        Some(format!("{year:04}-{month:02}-{day:02}{}", clock.unwrap_or_default()))
    }

    fn hour(&self, numbers: &[u32]) -> Option<u32> {
        self.parts.iter().zip(numbers).find(|(part, _)| **part == Part::Hour).map(|(_, hour)| *hour)
    }
}

/// `7`, `07`, `7.0`.
fn whole_number(text: &str) -> Option<u32> {
    let text = text.trim();
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}
