//! Which events somebody wants. PURE.

use std::collections::BTreeSet;

use super::Event;

/// Which events: those that satisfy all that is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of one of these types; empty: of any.
    pub types: BTreeSet<String>,
    /// About records of that collection.
    pub collection: Option<String>,
    /// About that session.
    pub session_id: Option<String>,
}

impl Filter {
    /// Whether an event is among them.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let is = |wanted: &Option<String>, found: &Option<std::sync::Arc<str>>| {
            wanted.as_ref().is_none_or(|wanted| found.as_deref() == Some(wanted.as_str()))
        };
        (self.types.is_empty() || self.types.contains(&*event.kind))
            && is(&self.collection, &event.collection)
            && is(&self.session_id, &event.session_id)
    }
}
