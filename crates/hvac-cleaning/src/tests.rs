//! What the tests of the rules share. (Whole cleanings are tested in `tests/it/rules`.)

use std::collections::BTreeMap;

use hvac_frame::column::{ColumnMeta, Kind};
use hvac_frame::names;

/// A column's metadata.
pub(crate) fn column(original_name: &str, kind: Kind) -> ColumnMeta {
    ColumnMeta {
        name: names::normalised(original_name),
        original_name: original_name.to_owned(),
        kind,
        kind_evidence: "by hand".to_owned(),
        unit: None,
        unit_evidence: None,
        trend_definition: None,
        native_interval_s: None,
        states: None,
        count: 0,
        nulls: BTreeMap::new(),
        derived: None,
        cleaned: None,
    }
}

/// Columns of readings.
pub(crate) fn columns(names: &[&str]) -> Vec<ColumnMeta> {
    names.iter().map(|name| column(name, Kind::Instantaneous)).collect()
}
