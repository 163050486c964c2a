//! How much a request may say: lengths of texts that are stored, and pages. PURE.
//!
//! One check for every text, whichever door it came through; the API document says the same bounds.

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, Result, codes};

/// Longest name, site or other short text, in characters: it must fit into a header, a line and a file name.
pub const LONGEST_NAME: usize = 200;
/// Longest path or name of a file, in characters.
pub const LONGEST_PATH: usize = 1000;
/// Longest note, in characters.
pub const LONGEST_NOTE: usize = 2000;
/// Longest text in lines, in characters.
pub const LONGEST_LINES: usize = 10_000;
/// Most bytes of a session's free data, as JSON.
pub const MOST_METADATA_BYTES: usize = 64 * 1024;
/// Last page that can be asked for: its rows can still be counted.
pub const LAST_PAGE: u64 = 1_000_000_000;
/// Longest page of a list.
pub const LONGEST_PAGE: u64 = 100;

/// A short text that is stored or looked for: at most [`LONGEST_NAME`] characters, none of them a control character.
///
/// # Errors
/// 422 naming the field.
pub fn name(field: &str, text: &str) -> Result<()> {
    bounded(field, text, LONGEST_NAME)
}

/// As [`name()`], if there is one.
///
/// # Errors
/// As [`name()`].
pub fn given_name(field: &str, text: Option<&str>) -> Result<()> {
    text.map_or(Ok(()), |text| name(field, text))
}

/// A path or a file's name: at most [`LONGEST_PATH`] characters, none of them a control character.
///
/// # Errors
/// 422 naming the field.
pub fn path(field: &str, text: &str) -> Result<()> {
    bounded(field, text, LONGEST_PATH)
}

/// A note in one line: at most [`LONGEST_NOTE`] characters, none of them a control character.
///
/// # Errors
/// 422 naming the field.
pub fn note(field: &str, text: &str) -> Result<()> {
    bounded(field, text, LONGEST_NOTE)
}

/// A text in lines: at most [`LONGEST_LINES`] characters, none of them a control character but tabs and line ends.
///
/// # Errors
/// 422 naming the field.
pub fn lines(field: &str, text: &str) -> Result<()> {
    let plain: String = text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
    bounded(field, &plain, LONGEST_LINES)
}

fn bounded(field: &str, text: &str, longest: usize) -> Result<()> {
    let length = text.chars().count();
    if length > longest {
        let message = format!("{field}: it has {length} characters; at most {longest} are taken");
        return Err(Error::invalid(field, codes::TEXT_TOO_LONG, message));
    }
    let Some(at) = text.chars().position(char::is_control) else { return Ok(()) };
    let found = text.chars().nth(at).map(u32::from).unwrap_or_default();
    let message = format!("{field}: its character {} is the control character U+{found:04X}; leave it out", at + 1);
    Err(Error::invalid(field, codes::CONTROL_CHARACTER, message))
}

/// A name that keeps to the bounds, made of a text that may not.
#[must_use]
pub fn to_name(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '_' } else { c }).take(LONGEST_NAME).collect()
}

/// Which page of a list is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u64,
    /// Items on a page.
    pub page_size: u64,
}

impl Paging {
    /// What was asked for: the first page and `usual` items when nothing was.
    ///
    /// # Errors
    /// 422 for a page or size that cannot be.
    pub fn asked(page: Option<u64>, page_size: Option<u64>, usual: u64) -> Result<Self> {
        let within = |field: &str, number: u64, most: u64| match number {
            n if (1..=most).contains(&n) => Ok(n),
            n => Err(Error::invalid(field, codes::OUT_OF_RANGE, format!("{field} must be 1…{most}, and not {n}"))),
        };
        Ok(Self {
            page: within("page", page.unwrap_or(1), LAST_PAGE)?,
            page_size: within("page_size", page_size.unwrap_or(usual), LONGEST_PAGE)?,
        })
    }

    /// Pages of a list of `total` items.
    #[must_use]
    pub fn pages(self, total: u64) -> u64 {
        total.div_ceil(self.page_size)
    }

    /// Its part of a list that is at hand.
    pub fn part<T>(self, items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        let skipped = usize::try_from((self.page - 1) * self.page_size).unwrap_or(usize::MAX);
        items.into_iter().skip(skipped).take(usize::try_from(self.page_size).unwrap_or_default())
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    /// All that match.
    pub total: u64,
    /// From 1.
    pub page: u64,
    /// At most 100.
    pub page_size: u64,
    /// ⌈total / page_size⌉.
    pub total_pages: u64,
    /// This page's.
    pub items: Vec<T>,
}

impl<T> Page<T> {
    /// The items of a page, out of `total`.
    pub fn of(paging: Paging, total: u64, items: Vec<T>) -> Self {
        let Paging { page, page_size } = paging;
        Self { total, page, page_size, total_pages: paging.pages(total), items }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_are_short_and_printable() {
        for good in ["", "KMUH autumn 2016", "冰水主機", &"溫".repeat(LONGEST_NAME)] {
            name("name", good).unwrap();
        }
        for (bad, code, says) in [
            ("x".repeat(201), "text_too_long", "name: it has 201 characters; at most 200 are taken"),
            ("a\nb".to_owned(), "control_character", "name: its character 2 is the control character U+000A"),
            ("\u{0}".to_owned(), "control_character", "U+0000"),
            ("a\u{1b}[31m".to_owned(), "control_character", "U+001B"),
            ("\u{85}".to_owned(), "control_character", "U+0085"),
        ] {
            let error = name("name", &bad).unwrap_err();
            assert_eq!((error.code.name, error.details.first().unwrap().field.as_deref()), (code, Some("name")));
            assert!(error.message.contains(says), "{error}");
        }
        assert_eq!(to_name(&"a\n".repeat(200)), "a_".repeat(100));
    }

    #[test]
    fn pages_can_be_counted() {
        let asked = |page, size| Paging::asked(page, size, 20);
        assert_eq!(asked(None, None).unwrap(), Paging { page: 1, page_size: 20 });
        let last = asked(Some(LAST_PAGE), Some(LONGEST_PAGE)).unwrap();
        assert_eq!((last.part(0..1000).count(), last.pages(101)), (0, 2));
        assert_eq!(asked(Some(2), Some(3)).unwrap().part(0..8).collect::<Vec<_>>(), [3, 4, 5]);
        for (page, size, field) in [
            (0, 1, "page"),
            (LAST_PAGE + 1, 1, "page"),
            (u64::MAX, 1, "page"),
            (1, 0, "page_size"),
            (1, 101, "page_size"),
        ] {
            let error = asked(Some(page), Some(size)).unwrap_err();
            assert_eq!(
                (error.code.name, error.details.first().unwrap().field.as_deref()),
                ("out_of_range", Some(field))
            );
        }
    }
}
