//! What a file of this program says of its columns: units, states, and why cells have no value where that is one reason.

use std::collections::BTreeMap;

use hvac_frame::column::{ColumnMeta, Kind, NullReason};

/// Key of the columns in a file's metadata.
const KEY_COLUMNS: &str = "hvac.columns";

/// Of a file; of one of another program, nothing.
#[derive(Default)]
pub(super) struct Told(BTreeMap<String, ToldColumn>);

/// Of one column.
pub(super) struct ToldColumn {
    unit: Option<String>,
    /// What 0 and 1 stand for.
    states: Option<[String; 2]>,
    /// The text that stands for the one reason for which cells are null.
    null: &'static str,
}

impl Told {
    /// Of a file's metadata.
    pub(super) fn of<'m>(mut metadata: impl Iterator<Item = (&'m str, &'m str)>) -> Self {
        let columns = metadata.find(|(key, _)| *key == KEY_COLUMNS);
        let columns: Vec<ColumnMeta> =
            columns.and_then(|(_, json)| serde_json::from_str(json).ok()).unwrap_or_default();
        Self(columns.into_iter().map(|meta| (meta.name.clone(), ToldColumn::of(meta))).collect())
    }

    /// Of the column of that name.
    pub(super) fn column(&self, name: &str) -> Option<&ToldColumn> {
        self.0.get(name)
    }

    /// Its unit.
    pub(super) fn unit(&self, name: &str) -> Option<String> {
        self.column(name)?.unit.clone()
    }
}

impl ToldColumn {
    fn of(meta: ColumnMeta) -> Self {
        let states = meta.states.filter(|_| meta.kind == Kind::Status).and_then(|states| states.try_into().ok());
        let mut reasons = meta.nulls.iter().filter(|(_, count)| **count > 0).map(|(reason, _)| *reason);
        let null = match (reasons.next(), reasons.next()) {
            (Some(one), None) => marker(one),
            _ => "",
        };
        Self { unit: meta.unit, states, null }
    }

    /// The word of a number that stands for a state.
    pub(super) fn state(&self, number: f64) -> Option<&str> {
        let [off, on] = self.states.as_ref()?;
        if number == 0.0 {
            Some(off)
        } else if number == 1.0 {
            Some(on)
        } else {
            None
        }
    }

    /// What is written where there is no value.
    pub(super) fn null(&self) -> &'static str {
        self.null
    }
}

/// The loss marker that is read as that reason; empty where no text says it.
fn marker(reason: NullReason) -> &'static str {
    match reason {
        NullReason::NoData => "No Data",
        NullReason::DataLoss => "Data Loss",
        NullReason::TimeError => "TIME (0)",
        NullReason::UnknownMarker => "?",
        NullReason::SpreadsheetError => "#VALUE!",
        NullReason::NotFinite => "NaN",
        _ => "",
    }
}
