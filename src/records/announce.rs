//! What is told of records on the bus, once they are committed: each by the type that its collection declares.

use serde_json::json;

use super::backend::Record;
use super::record::shown_record;
use super::registry::Registry;
use super::writer::Written;
use crate::events::{Audience, Events, NewEvent};

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
