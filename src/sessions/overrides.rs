//! How reports are read instead of as detected: said of all files, of some by a pattern, or of earlier ones of a site's
//! that have the same shape. PURE.
//!
//! What is said of a file wins over what is said of all, and both over what is remembered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Format, ParseRequest, date_order_of};
use crate::config;
use crate::error::{Error, Result, codes};
use crate::limits;
use hvac_report::ReadOptions;
use hvac_report::job::read::FileId;

/// Most words for lost values.
pub const MOST_LOSS_WORDS: usize = 200;
/// Most lines that a header may stand below.
const MOST_LINES: u64 = 1_000_000;
/// Years that reports may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;
/// Patterns and files that a message names.
const MOST_NAMED: usize = 10;

/// How some reports are read; what is left out is detected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOverride {
    /// IANA zone of local times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The same as `timezone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// `YMD`, `MDY`, `DMY`, or a pattern such as `M/D/YYYY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
    /// The same as `date_format`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_order: Option<String>,
    /// Shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// One character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// A WHATWG label such as `big5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Line of the header, counted from 1; its last, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub header_row: Option<u64>,
    /// Lines at the beginning that are not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 1_000_000)]
    pub skip_rows: Option<u64>,
    /// Decimal mark: `.` or `,`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<String>,
    /// The one sheet of a workbook to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Of a Parquet or Arrow file: the column of its times, where it has several or none is named `timestamp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    /// Year of times that do not say theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1900, maximum = 2200)]
    pub year: Option<i32>,
    /// Words for lost values, besides those of the trade.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loss_words: Vec<String>,
    /// Keep values that their own system calls no reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_bad_status: Option<bool>,
}

/// A form's empty text is as good as none.
fn given(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

impl ReadOverride {
    /// What the request says of all its files, checked.
    ///
    /// # Errors
    /// 422 naming the field.
    pub fn of_request(request: &ParseRequest) -> Result<Self> {
        let said = Self {
            timezone: request.timezone.clone(),
            zone: request.zone.clone(),
            date_format: request.date_format.clone(),
            date_order: request.date_order.clone(),
            format: request.format,
            delimiter: request.delimiter.clone(),
            encoding: request.encoding.clone(),
            header_row: request.header_row,
            skip_rows: request.skip_rows,
            decimal: request.decimal.clone(),
            sheet: request.sheet.clone(),
            time_column: request.time_column.clone(),
            year: request.year,
            loss_words: request.loss_words.clone(),
            keep_bad_status: request.keep_bad_status.then_some(true),
        };
        said.checked("")
    }

    /// With one word for each thing, and nothing that cannot be followed; `place` stands before the names of fields.
    ///
    /// # Errors
    /// 422 naming the field.
    pub fn checked(mut self, place: &str) -> Result<Self> {
        let field = |name: &str| format!("{place}{name}");
        let texts = [
            ("sheet", &self.sheet),
            ("time_column", &self.time_column),
            ("encoding", &self.encoding),
            ("timezone", &self.timezone),
        ];
        for (name, text) in texts {
            limits::given_name(&field(name), text.as_deref().map(str::trim))?;
        }
        self.timezone = one_of(place, ("timezone", self.timezone), ("zone", self.zone.take()))?;
        self.date_format = one_of(place, ("date_format", self.date_format), ("date_order", self.date_order.take()))?;
        self.encoding = given(self.encoding.as_deref());
        self.sheet = given(self.sheet.as_deref());
        self.time_column = self.time_column.filter(|text| !text.is_empty());
        self.delimiter = self.delimiter.filter(|text| !text.is_empty());
        self.decimal = given(self.decimal.as_deref());
        if let Some(0) = self.header_row {
            return Err(bad(&field("header_row"), "0 is no line: lines are counted from 1"));
        }
        for (name, lines) in [("header_row", self.header_row), ("skip_rows", self.skip_rows)] {
            if let Some(lines) = lines.filter(|lines| *lines > MOST_LINES) {
                return Err(bad(
                    &field(name),
                    &format!("{lines} is beyond line {MOST_LINES}: give a line of the report's head"),
                ));
            }
        }
        if let (Some(header), Some(skipped)) = (self.header_row, self.skip_rows)
            && header <= skipped
        {
            let why =
                format!("line {header} is among the {skipped} that skip_rows leaves out: leave one of the two out");
            return Err(bad(&field("header_row"), &why));
        }
        if let Some(year) = self.year.filter(|year| !YEARS.contains(year)) {
            return Err(bad(
                &field("year"),
                &format!("{year} is out of range: give a year from {} to {}", YEARS.start(), YEARS.end()),
            ));
        }
        if self.loss_words.len() > MOST_LOSS_WORDS {
            return Err(bad(&field("loss_words"), &format!("at most {MOST_LOSS_WORDS} words are taken")));
        }
        for (index, word) in self.loss_words.iter_mut().enumerate() {
            let field = field(&format!("loss_words[{index}]"));
            *word = word.trim().to_owned();
            limits::name(&field, word)?;
            if word.is_empty() {
                return Err(bad(&field, "an empty word says nothing: empty cells are lost values anyway"));
            }
        }
        // What follows is told by what it becomes.
        self.onto(&ReadOptions::of(chrono_tz::UTC), place)?;
        Ok(self)
    }

    /// What this says, and of what it leaves out what `other` says.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        let own = self.clone();
        Self {
            timezone: own.timezone.or_else(|| other.timezone.clone()),
            zone: None,
            date_format: own.date_format.or_else(|| other.date_format.clone()),
            date_order: None,
            format: own.format.or(other.format),
            delimiter: own.delimiter.or_else(|| other.delimiter.clone()),
            encoding: own.encoding.or_else(|| other.encoding.clone()),
            header_row: own.header_row.or(other.header_row),
            skip_rows: own.skip_rows.or(other.skip_rows),
            decimal: own.decimal.or_else(|| other.decimal.clone()),
            sheet: own.sheet.or_else(|| other.sheet.clone()),
            time_column: own.time_column.or_else(|| other.time_column.clone()),
            year: own.year.or(other.year),
            loss_words: if own.loss_words.is_empty() { other.loss_words.clone() } else { own.loss_words },
            keep_bad_status: own.keep_bad_status.or(other.keep_bad_status),
        }
    }

    /// What this adds to `other`: what that leaves out.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        fn unless<T: Clone>(own: &Option<T>, other: &Option<T>) -> Option<T> {
            if other.is_some() { None } else { own.clone() }
        }
        Self {
            timezone: unless(&self.timezone, &other.timezone),
            zone: None,
            date_format: unless(&self.date_format, &other.date_format),
            date_order: None,
            format: unless(&self.format, &other.format),
            delimiter: unless(&self.delimiter, &other.delimiter),
            encoding: unless(&self.encoding, &other.encoding),
            header_row: unless(&self.header_row, &other.header_row),
            skip_rows: unless(&self.skip_rows, &other.skip_rows),
            decimal: unless(&self.decimal, &other.decimal),
            sheet: unless(&self.sheet, &other.sheet),
            time_column: unless(&self.time_column, &other.time_column),
            year: unless(&self.year, &other.year),
            loss_words: if other.loss_words.is_empty() { self.loss_words.clone() } else { Vec::new() },
            keep_bad_status: unless(&self.keep_bad_status, &other.keep_bad_status),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What later reports of the same shape may be read by: the next one may be of another year.
    #[must_use]
    pub fn lasting(&self) -> Self {
        Self { year: None, ..self.clone() }
    }

    /// `base` with what this says; `place` stands before the names of fields.
    ///
    /// # Errors
    /// 422 naming the field.
    pub fn onto(&self, base: &ReadOptions, place: &str) -> Result<ReadOptions> {
        let field = |name: &str| format!("{place}{name}");
        let zone = self.timezone.as_deref().map(|zone| zone_of(&field("timezone"), zone)).transpose()?;
        let order = |text: &String| {
            date_order_of(text).ok_or_else(|| {
                let message = format!("date_format '{text}' is no order of day, month and year: use YMD, MDY or DMY, or a pattern such as M/D/YYYY");
                Error::invalid(&field("date_format"), codes::BAD_DATE_FORMAT, message)
            })
        };
        let date_order = self.date_format.as_ref().map(order).transpose()?;
        let delimiter = self.delimiter.as_deref().map(|text| delimiter_of(&field("delimiter"), text)).transpose()?;
        let decimal = match self.decimal.as_deref() {
            None => None,
            Some("." | "point") => Some('.'),
            Some("," | "comma") => Some(','),
            Some(other) => return Err(bad(&field("decimal"), &format!("'{other}' is no decimal mark: give . or ,"))),
        };
        if decimal == Some(',') && delimiter == Some(',') {
            return Err(bad(
                &field("decimal"),
                "the comma cannot be both the decimal mark and the delimiter: leave one of the two out",
            ));
        }
        let own = self.clone();
        Ok(ReadOptions {
            zone: zone.unwrap_or(base.zone),
            zone_stated: zone.is_some() || base.zone_stated,
            format: own.format.or(base.format),
            date_order: date_order.or(base.date_order),
            delimiter: delimiter.or(base.delimiter),
            decimal: decimal.or(base.decimal),
            encoding: own.encoding.or_else(|| base.encoding.clone()),
            header_row: own.header_row.or(base.header_row),
            skip_rows: own.skip_rows.or(base.skip_rows),
            sheet: own.sheet.or_else(|| base.sheet.clone()),
            time_column: own.time_column.or_else(|| base.time_column.clone()),
            year: own.year.or(base.year),
            loss_words: if own.loss_words.is_empty() { base.loss_words.clone() } else { own.loss_words },
            keep_bad_status: own.keep_bad_status.unwrap_or(base.keep_bad_status),
        })
    }

    /// In words, as the command line has them: `date_format=DMY, sheet=Jan`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Ok(serde_json::Value::Object(said)) = serde_json::to_value(self) else { return String::new() };
        let word = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        said.iter().map(|(key, value)| format!("{key}={}", word(value))).collect::<Vec<_>>().join(", ")
    }
}

fn bad(field: &str, why: &str) -> Error {
    Error::invalid(field, codes::BAD_OVERRIDE, format!("{field}: {why}"))
}

fn zone_of(field: &str, text: &str) -> Result<chrono_tz::Tz> {
    config::timezone("timezone", text).map_err(|error| Error::invalid(field, error.code, error.message))
}

/// The one of two fields of the same meaning that says something.
fn one_of(
    place: &str,
    (name, text): (&str, Option<String>),
    (other, instead): (&str, Option<String>),
) -> Result<Option<String>> {
    match (given(text.as_deref()), given(instead.as_deref())) {
        (Some(a), Some(b)) if a != b => Err(bad(
            &format!("{place}{other}"),
            &format!("'{b}' is not what {name} says ('{a}'): the two mean the same, give one"),
        )),
        (text, instead) => Ok(text.or(instead)),
    }
}

fn delimiter_of(field: &str, text: &str) -> Result<char> {
    if matches!(text, "\\t" | "tab") {
        return Ok('\t');
    }
    let mut chars = text.chars();
    let one = chars.next().filter(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && chars.next().is_none());
    one.ok_or_else(|| {
        let message = format!("delimiter '{text}' must be one character such as , ; | or tab");
        Error::invalid(field, codes::BAD_DELIMITER, message)
    })
}

/// What is said of each of those files: of all, and by patterns of their names. An exact name says more than a pattern, a
/// longer pattern more than a shorter one.
///
/// # Errors
/// 422 for a field that is wrong, or a pattern that means none of the files.
pub fn of_files(
    of_all: &ReadOverride,
    patterns: &BTreeMap<String, ReadOverride>,
    files: &[&FileId],
) -> Result<Vec<ReadOverride>> {
    let mut said = vec![ReadOverride::default(); files.len()];
    let mut ordered: Vec<(&String, &ReadOverride)> = patterns.iter().collect();
    ordered.sort_by_key(|(pattern, _)| (!pattern.contains(['*', '?']), pattern.chars().count()));
    for (pattern, of_some) in ordered {
        let field = format!("overrides[{pattern}]");
        limits::path(&field, pattern)?;
        let of_some = of_some.clone().checked(&format!("{field}."))?;
        let mut meant = 0_usize;
        for (file, said) in files.iter().zip(&mut said).filter(|(file, _)| means(pattern, &file.name)) {
            meant += 1;
            let merged = of_some.over(said);
            // Each may be right by itself.
            *said = merged.checked(&format!("{field} for {}: ", file.name))?;
        }
        if meant == 0 {
            return Err(bad(&field, &format!("no file has this name; there are {}", named(files))));
        }
    }
    let merged = |(file, said): (&&FileId, ReadOverride)| said.over(of_all).checked(&format!("{}: ", file.name));
    files.iter().zip(said).map(merged).collect()
}

fn named(files: &[&FileId]) -> String {
    let mut names: Vec<&str> = files.iter().take(MOST_NAMED).map(|file| file.name.as_str()).collect();
    let more = format!("{} more", files.len().saturating_sub(MOST_NAMED));
    if files.len() > MOST_NAMED {
        names.push(&more);
    }
    names.join(", ")
}

/// Whether a pattern means a file: its whole name or what follows the last `/`, where `*` stands for any text and `?` for
/// any character; capitals do not matter.
fn means(pattern: &str, name: &str) -> bool {
    // Brackets stand in names as they are, and two stars are one.
    let mut escaped = pattern.to_lowercase().replace('[', "[[]");
    while escaped.contains("**") {
        escaped = escaped.replace("**", "*");
    }
    let name = name.to_lowercase();
    let last = name.rsplit('/').next().unwrap_or(&name);
    glob::Pattern::new(&escaped).is_ok_and(|pattern| pattern.matches(&name) || pattern.matches(last))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn patterns_mean_files() {
        for (pattern, name) in [
            ("*.xlsx", "Report 1.XLSX"),
            ("a.zip/*", "a.zip/x/b.csv"),
            ("b.csv", "a.zip/x/b.csv"),
            ("a.zip/x/b.csv", "a.zip/x/b.csv"),
            ("TR_?.csv", "TR_1.csv"),
            ("*", "anything"),
            ("*a*b", "xaybb"),
            ("[1] x.csv", "[1] x.csv"),
        ] {
            assert!(means(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.xlsx", "a.csv"), ("TR_?.csv", "TR_12.csv"), ("", "a"), ("x/b.csv", "a.zip/x/b.csv")]
        {
            assert!(!means(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_said_of_one_file_wins_over_what_is_said_of_all() {
        let id = |name: &str| FileId { name: name.to_owned(), sha256: String::new() };
        let (a, b) = (id("a.csv"), id("z.zip/b.csv"));
        let said = |header_row, sheet: &str| ReadOverride {
            header_row,
            sheet: Some(sheet.to_owned()),
            ..ReadOverride::default()
        };
        let all = ReadOverride { header_row: Some(9), decimal: Some(",".into()), ..ReadOverride::default() };
        let patterns =
            BTreeMap::from([("*.csv".to_owned(), said(Some(2), "any")), ("b.csv".to_owned(), said(None, "one"))]);
        let of = of_files(&all, &patterns, &[&a, &b]).unwrap();
        let told = |said: &ReadOverride| (said.header_row, said.sheet.clone().unwrap(), said.decimal.clone().unwrap());
        assert_eq!(told(&of[0]), (Some(2), "any".into(), ",".into()));
        assert_eq!(told(&of[1]), (Some(2), "one".into(), ",".into()));
        let none = BTreeMap::from([("c.csv".to_owned(), ReadOverride::default())]);
        let error = of_files(&all, &none, &[&a, &b]).unwrap_err();
        assert_eq!(error.message, "overrides[c.csv]: no file has this name; there are a.csv, z.zip/b.csv");
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_its_name() {
        let refused = |said: ReadOverride| said.checked("").unwrap_err().message;
        let text = |text: &str| Some(text.to_owned());
        for (said, field) in [
            (ReadOverride { header_row: Some(0), ..Default::default() }, "header_row"),
            (ReadOverride { header_row: Some(3), skip_rows: Some(3), ..Default::default() }, "header_row"),
            (ReadOverride { skip_rows: Some(2_000_000), ..Default::default() }, "skip_rows"),
            (ReadOverride { decimal: text(";"), ..Default::default() }, "decimal"),
            (ReadOverride { decimal: text(","), delimiter: text(","), ..Default::default() }, "decimal"),
            (ReadOverride { year: Some(24), ..Default::default() }, "year"),
            (ReadOverride { date_order: text("american"), ..Default::default() }, "date_format"),
            (ReadOverride { zone: text("UTC"), timezone: text("Asia/Taipei"), ..Default::default() }, "zone"),
            (ReadOverride { loss_words: vec![" ".into()], ..Default::default() }, "loss_words[0]"),
        ] {
            let message = refused(said);
            assert!(message.starts_with(field), "{message}");
        }
        let same =
            ReadOverride { zone: text("UTC"), timezone: text(" UTC"), decimal: text("comma"), ..Default::default() };
        let same = same.checked("").unwrap();
        assert_eq!((same.timezone.as_deref(), &same.zone), (Some("UTC"), &None));
        assert_eq!(same.onto(&ReadOptions::of(chrono_tz::UTC), "").unwrap().decimal, Some(','));
        assert_eq!(same.in_words(), "decimal=comma, timezone=UTC");
    }
}
