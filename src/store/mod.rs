//! Where everything is kept: rows in SQLite, files behind an object store, answers in a cache.

pub mod cache;
pub mod db;
pub mod entity;
pub mod frames;
pub mod objects;
pub mod paths;

/// The three stores. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    /// Metadata.
    pub db: db::Db,
    /// Session files (reports, Parquet), below `DATA_STORAGE_PATH`.
    pub objects: objects::Objects,
    /// Answers computed from immutable files.
    pub cache: cache::Cache,
}
