//! Whole sessions that travel: a session as one zip file, and such a file into another store, with the same ids and
//! hashes.
//!
//! What is in a bundle is what the session's `session.json` tells of ([`contents`]), laid out as in the store's own
//! folders; recommendations are of the machine that made them and stay there. Whoever takes one in believes nothing of it
//! ([`opened`], [`agree`]) and moves nothing that is here ([`known`], [`taken`]).

use serde::Serialize;
use utoipa::ToSchema;

mod agree;
pub mod arrived;
mod contents;
pub mod export;
pub mod import;
mod known;
mod opened;
mod pack;
mod taken;

/// What was brought in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Imported {
    /// The session: of a bundle, the id that it had.
    pub session_id: String,
    /// Whether anything was stored; not when the session was here already with all of it.
    pub imported: bool,
    /// Its name.
    #[schema(example = "KMUH autumn 2016")]
    pub name: String,
    /// Files.
    #[schema(example = 6)]
    pub files: u64,
    /// Bytes of them.
    #[schema(example = 123_456)]
    pub size_bytes: u64,
    /// Its versions.
    #[schema(example = json!(["parsed-v1", "cleaned-v1"]))]
    pub versions: Vec<String>,
    /// Models that came with it.
    #[schema(example = json!(["plant:v1"]))]
    pub models: Vec<String>,
    /// What a user should know, such as an alias that stands for another model here and was not moved.
    pub notes: Vec<String>,
}
