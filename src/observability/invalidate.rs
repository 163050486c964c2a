//! Forgetting what the cache holds, for an admin who wants everything made anew.

use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invalidated {
    /// As it was asked for.
    #[schema(example = "answer/*")]
    pub pattern: String,
    /// Entries of memory.
    pub memory: u64,
    /// Answers of Redis; null where there is none, it does not answer, or it has none of that kind.
    pub redis: Option<u64>,
}

/// Forgets the entries whose names are like a pattern, in which `*` stands for any letters and `?` for one: names are
/// `answer/{sha256}/{request}`, `rows/…`, `footer/…` and `model/…`, by the artefact that they were made of. Redis keeps
/// answers by their artefact alone: those of all its requests are forgotten.
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
    let mut parts = pattern.splitn(3, '/');
    let (kind, sha256) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("*"));
    let names_answers =
        glob::Pattern::new(kind).internal("reading a pattern")?.matches("answer") || !pattern.contains('/');
    let sha256 = if sha256.is_empty() { "*" } else { sha256 };
    let (memory, redis) =
        state.store.cache.invalidate(|name| wanted.matches(name), names_answers.then_some(sha256)).await;
    let txn = state.store.db.begin().await?;
    audit::note(&txn, state.principal(), Act::on("cache.invalidate", "cache", pattern)).await?;
    txn.commit().await.internal("noting that the cache was invalidated")?;
    Ok(Invalidated { pattern: pattern.to_owned(), memory, redis })
}
