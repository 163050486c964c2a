//! All that a list matches, a record a line, in the order of keys: for whoever wants to have it elsewhere.

use std::sync::Arc;

use super::Records;
use super::backend::{Filter, RecordQuery};
use super::collection::Collection;
use super::record::shown_record;
use crate::error::Result;

/// Records of one piece.
const PIECE: u64 = 500;

/// An export under way. What is written meanwhile may be in it or not.
pub struct RecordExport {
    records: Records,
    collection: Arc<Collection>,
    filters: Vec<Filter>,
    after: Option<String>,
    is_done: bool,
}

impl Records {
    /// Begins to write out what a list of these words matches; page and order say nothing here.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub async fn export(
        &self,
        collection: &Arc<Collection>,
        parent: Option<&str>,
        pairs: &[(String, String)],
    ) -> Result<RecordExport> {
        let filters = self.filters(collection, parent, pairs).await?;
        let (records, collection) = (self.clone(), Arc::clone(collection));
        Ok(RecordExport { records, collection, filters, after: None, is_done: false })
    }
}

impl RecordExport {
    /// The next lines; none behind the last.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn next(&mut self) -> Result<Option<String>> {
        if self.is_done {
            return Ok(None);
        }
        let mut filters = self.filters.clone();
        filters.extend(self.after.clone().map(Filter::KeyAfter));
        let sort_by = self.collection.key.clone();
        let query = RecordQuery { filters, sort_by, descending: false, offset: 0, limit: PIECE };
        let (_, records) = self.records.found(&self.collection, query).await?;
        self.is_done = (records.len() as u64) < PIECE;
        self.after = records.last().map(|record| record.key.clone());
        let line = |record| shown_record(&self.collection, record).to_string() + "\n";
        Ok(Some(records.iter().map(line).collect()))
    }
}
