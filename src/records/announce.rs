//! What is told of records on the bus, once they are committed: each by the type that its collection declares.

use std::sync::Arc;

use serde_json::json;

use super::backend::Record;
use super::collection::Collection;
use super::record::shown_record;
use super::registry::Registry;
use crate::events::{Audience, Events, NewEvent};

/// What was committed, for whoever announces it.
#[derive(Debug, Clone)]
pub struct Written {
    /// Of which collection.
    pub collection: Arc<Collection>,
    /// Whether the records were deleted; of those only the key is told.
    pub deleted: bool,
    /// Which. What was older than what was there is not among them, where the embedded database keeps it.
    pub records: Arc<Vec<Arc<Record>>>,
}

/// Tells of each record, as answers show it; of one that is deleted, its key.
pub(super) fn announce(events: &Events, told: &[Written]) {
    let of = |written: &Written| {
        let Written { collection, deleted, records } = written.clone();
        let event = |record: &Record| {
            let data = match deleted {
                true => json!({ (collection.key.as_str()): record.key, "deleted": true }),
                false => shown_record(&collection, record),
            };
            NewEvent::new(&collection.event, Audience::Least(collection.read), &data).of_collection(&collection.name)
        };
        records.iter().map(|record| event(record)).collect::<Vec<_>>()
    };
    events.publish_all(told.iter().flat_map(of));
}

/// Has the bus know which collections there are, and what their writes raise.
pub(super) fn declare(events: &Events, registry: &Registry) {
    let of = registry.collections.iter().map(|collection| (collection.name.clone(), collection.event.clone()));
    events.declare(of.collect());
}
