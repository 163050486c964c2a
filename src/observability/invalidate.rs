//! Forgetting what the cache holds, for an admin who wants everything made anew.

use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;
use hvac_store::cache::Beyond;

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invalidated {
    /// As it was asked for.
    #[schema(example = "answer/*")]
    pub pattern: String,
    /// Entries of memory.
    pub memory: u64,
    /// Answers and records of Redis; null where there is none, it does not answer, or it keeps nothing of that kind.
    pub redis: Option<u64>,
}

/// Forgets the entries whose names are like a pattern, in which `*` stands for any letters and `?` for one: names are
/// `answer/{sha256}/{request}`, `rows/…`, `footer/…` and `model/…`, by the artefact that they were made of, and
/// `records/{collection}/…` of collections that other servers keep. Redis knows answers by their artefact and records by
/// their collection alone: all that was asked of it is forgotten.
///
/// # Errors
/// 422 for a pattern that is empty or has other letters than names have.
pub async fn invalidate(state: &AppState, pattern: &str) -> Result<Invalidated> {
    let pattern = pattern.trim();
    limits::name("pattern", pattern)?;
    // Others mean something else to each who reads a pattern.
    let is_plain = |letter: char| letter.is_alphanumeric() || "*?/_-.,:;=&+%{}\"' ".contains(letter);
    if pattern.is_empty() || !pattern.chars().all(is_plain) {
        let message = "pattern: give names, with * for any letters and ? for one, such as answer/*; all is *";
        return Err(Error::invalid("pattern", codes::INVALID_FIELD, message));
    }
    let wanted = glob::Pattern::new(pattern).internal("reading a pattern")?;
    let beyond = beyond(pattern)?;
    let (memory, redis) = state.store.cache.invalidate(|name| wanted.matches(name), &beyond).await;
    let txn = state.store.db.begin().await?;
    audit::note(&txn, state.principal(), Act::on("cache.invalidate", "cache", pattern)).await?;
    txn.commit().await.internal("noting that the cache was invalidated")?;
    Ok(Invalidated { pattern: pattern.to_owned(), memory, redis })
}

/// What of Redis may have such a name: rather too much than too little, for it is made again.
fn beyond(pattern: &str) -> Result<Vec<Beyond>> {
    let (kind, rest) = pattern.split_once('/').unwrap_or(("**", "*"));
    // A star stands for a slash, too: behind it anything may be meant.
    if kind.contains('*') && kind != "*" {
        return Ok(vec![Beyond::Answers("*".to_owned()), Beyond::Records("*".to_owned())]);
    }
    let of = match rest.find(['/', '*']) {
        Some(end) if rest.get(end..).is_some_and(|rest| rest.starts_with('*')) => rest.get(..=end).unwrap_or("*"),
        Some(end) => rest.get(..end).unwrap_or("*"),
        None => rest,
    };
    let of = if of.is_empty() { "*" } else { of };
    let kind = glob::Pattern::new(kind).internal("reading a pattern")?;
    let answers = kind.matches("answer").then(|| Beyond::Answers(of.to_owned()));
    let records = kind.matches("records").then(|| Beyond::Records(of.to_owned()));
    Ok(answers.into_iter().chain(records).collect())
}
