//! Connections to the metadata database.
use crate::error::Result;
use sea_orm::{DatabaseConnection, DatabaseTransaction};

/// One writer and a pool of readers on one SQLite database.
#[derive(Clone)]
pub struct Db {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
}

impl Db {
    /// Connects (creating the database file), sets the pragmas and migrates.
    ///
    /// # Errors
    /// When the database cannot be opened or migrated.
    pub async fn open(url: &str) -> Result<Self> {
        let _ = url;
        todo!()
    }

    /// For queries only.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// A transaction that may write (`BEGIN IMMEDIATE`); dropped without commit it rolls back.
    ///
    /// # Errors
    /// When another process holds the write lock past the busy timeout.
    pub async fn begin(&self) -> Result<DatabaseTransaction> {
        let _ = &self.writer;
        todo!()
    }
}
