//! Which columns can be set against others, and what they are.

use std::collections::BTreeMap;

use super::consistency::Tag;
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_points::Role;

/// What each column is that can be set against others, by its index.
#[must_use]
pub(crate) fn tags(columns: &[ColumnMeta]) -> BTreeMap<usize, Tag> {
    let tag = |(index, column): (usize, &ColumnMeta)| {
        // A mean over an interval and a sample at its end bind each other no longer.
        let resampled = column.cleaned.as_ref().is_some_and(|cleaned| cleaned.aggregate.is_some());
        if column.derived.is_some() || resampled {
            return None;
        }
        let tag = Tag::of(&column.original_name, column.unit.as_deref())?;
        let fits = match column.kind {
            Kind::Instantaneous => tag.role != Role::Energy && tag.role != Role::Running,
            Kind::Counter => tag.role == Role::Energy,
            Kind::Status => tag.role == Role::Running,
            Kind::IntervalTotal | Kind::Text => false,
        };
        fits.then_some((index, tag))
    };
    (0..).zip(columns).filter_map(tag).collect()
}
