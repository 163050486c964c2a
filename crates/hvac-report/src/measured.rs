//! A number with its unit, its status, or both behind it.

use super::fields::Dialect;
use super::number;
use super::status::{self, Meaning};

/// A number with what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measured<'t> {
    /// The number.
    pub value: f64,
    /// As the cell spells it, and as it is.
    pub unit: Option<(&'t str, &'static str)>,
    /// What its status says.
    pub meaning: Meaning,
    /// The status in its own words; empty without one.
    pub status: &'t str,
}

/// `25.3 C`, `45%`, `72.3 °F overridden`, `72.3|ok`: a number with its unit, its status, or both.
pub(crate) fn measured<'t>(
    text: &'t str,
    dialect: Dialect,
    unit_of: impl Fn(&str) -> Option<&'static str>,
) -> Option<Measured<'t>> {
    let (value, rest) = number::front(text, dialect.decimal, dialect.delimiter)?;
    let rest = rest.trim_start();
    if let Some(unit) = unit_of(rest) {
        return Some(Measured { value, unit: Some((rest, unit)), meaning: Meaning::Good, status: "" });
    }
    let breaks = rest.char_indices().filter(|(_, c)| c.is_whitespace() || matches!(c, ';' | '|' | ','));
    for at in [0].into_iter().chain(breaks.map(|(at, _)| at)) {
        let (spelling, words) = rest.split_at_checked(at)?;
        let unit = unit_of(spelling).map(|unit| (spelling, unit));
        let Some((meaning, status)) = status_behind(words).filter(|_| at == 0 || unit.is_some()) else { continue };
        return Some(Measured { value, unit, meaning, status });
    }
    None
}

/// What the words behind a number and its unit say of it: a known status, never a lone letter but E (estimated), which
/// may be a unit, and a code only behind a bar.
fn status_behind(words: &str) -> Option<(Meaning, &str)> {
    let bare = |c: char| c.is_whitespace() || matches!(c, ';' | '|' | ',');
    let piped = words.trim_start().starts_with(['|', ';']);
    let words = words.trim_matches(bare);
    let first = words.chars().next()?;
    let word = first.is_alphabetic() && (words.chars().count() > 1 || words == "E");
    let known = word || piped && first.is_alphanumeric();
    Some((status::meaning(words).filter(|_| known)?, words))
}
