//! Sessions found by what they hold: names, sites, tags, notes, files, points, units and warnings.
//!
//! A word is found anywhere in a text, whatever its case; of several, a session has to have each. What a session's texts
//! are is gathered when somebody searches, for those that changed since the last search.

use std::collections::BTreeMap;

use sea_orm::Condition;

use super::{Found, SessionFilter, store};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;
pub use hvac_store::entity::Tags;

pub use store::texts::TextKind;

/// Sessions whose texts are gathered in one transaction.
const AT_ONCE: u64 = 100;
/// Texts of a session that are told as why it was found.
const TOLD: usize = 5;
/// Characters of a text that are told.
const TOLD_CHARS: usize = 200;
/// Most tags of a session.
pub const MOST_TAGS: usize = 50;

/// Gathers the texts of every session that changed since they were last gathered.
///
/// # Errors
/// When the catalogue cannot be read or written: what was not gathered would not be found.
pub async fn catch_up(state: &AppState) -> Result<()> {
    loop {
        let pending = store::texts::pending(state.store.db.read(), AT_ONCE).await?;
        if pending.is_empty() {
            return Ok(());
        }
        let txn = state.store.db.begin().await?;
        for session_id in &pending {
            store::texts::gather(&txn, session_id).await?;
        }
        txn.commit().await.internal("committing what sessions are found by")?;
    }
}

/// What a filter asks of the texts of a session.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    words: Vec<String>,
    exactly: Vec<(TextKind, String)>,
}

impl Asked {
    /// Of that filter.
    ///
    /// # Errors
    /// 422 for a text that is too long or has control characters.
    pub fn of(filter: &SessionFilter) -> Result<Self> {
        let given = [("q", &filter.q), ("tag", &filter.tag), ("point", &filter.point), ("unit", &filter.unit)];
        for (field, text) in given {
            limits::given_name(field, text.as_deref())?;
        }
        let tags = filter.tag.iter().flat_map(|tags| tags.split(',')).map(|tag| (TextKind::Tag, tag));
        let points = filter.point.iter().map(|point| (TextKind::Point, point.as_str()));
        let units = filter.unit.iter().map(|unit| (TextKind::Unit, unit.as_str()));
        let exactly = tags.chain(points).chain(units).map(|(kind, text)| (kind, text.trim().to_owned()));
        Ok(Self {
            words: filter.q.as_deref().map(words).unwrap_or_default(),
            exactly: exactly.filter(|(_, text)| !text.is_empty()).collect(),
        })
    }

    /// As a condition on sessions, if anything is asked.
    #[must_use]
    pub fn condition(&self) -> Option<Condition> {
        let words = self.words.iter().map(|word| store::texts::with_word(word));
        let exactly = self.exactly.iter().map(|(kind, text)| store::texts::with_text(*kind, text));
        words.chain(exactly).fold(None, |all, one| Some(all.unwrap_or_else(Condition::all).add(one)))
    }

    /// Why each of these sessions was found.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn found(&self, state: &AppState, ids: &[String]) -> Result<BTreeMap<String, Vec<Found>>> {
        let mut found: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        if self.words.is_empty() || ids.is_empty() {
            return Ok(found);
        }
        for (session_id, kind, text) in store::texts::found(state.store.db.read(), ids, &self.words).await? {
            let told = found.entry(session_id).or_default();
            if told.len() < TOLD {
                told.push(Found { kind, text: text.chars().take(TOLD_CHARS).collect() });
            }
        }
        Ok(found)
    }
}

/// The words of a search: what stands between blanks, or between quotation marks.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.trim().to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The tags that a user gave: without blanks around them, each once whatever its case.
///
/// # Errors
/// 422 for more than [`MOST_TAGS`], an empty one, one with a comma, or one that no name may be.
pub fn tags(given: &[String]) -> Result<Tags> {
    let refused = |message: String| Err(Error::invalid("tags", codes::BAD_TAG, message));
    let mut tags: Vec<String> = Vec::new();
    for tag in given {
        let tag = tag.trim();
        limits::name("tags", tag)?;
        if tag.is_empty() {
            return refused("tags: one is empty; leave it out".to_owned());
        }
        if tag.contains(',') {
            return refused(format!("tags: '{tag}' has a comma, which stands between tags; make two of it"));
        }
        if !tags.iter().any(|known| known.to_lowercase() == tag.to_lowercase()) {
            tags.push(tag.to_owned());
        }
    }
    if tags.len() > MOST_TAGS {
        return refused(format!("tags: they are {}; a session has at most {MOST_TAGS}", tags.len()));
    }
    Ok(Tags(tags))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_phrase_stands_between_quotation_marks() {
        assert_eq!(words("  kw \"Chilled  Water\" 冰水\t"), ["kw", "Chilled  Water", "冰水"]);
        assert_eq!(words("\"open end"), ["open end"]);
        assert_eq!(words("\" \" \"\""), [""; 0]);
    }
}
