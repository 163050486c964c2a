//! What was measured before and after: power and conditions out of stored frames, by the hour, on one axis.
//!
//! Which columns: the power by the boundary ([`hvac_modelling::savings::boundary`]), the conditions as the model has them,
//! else as the columns' names tell. Of two frames only what both have counts; where both have an hour, the later frame's
//! holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::datasets::resolved::Resolved;
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use crate::training;
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_modelling::document::ModelDocument;
use hvac_modelling::features::{self, Feature, FeatureSource};
use hvac_modelling::role::{Role, of_plant, of_unmapped};
use hvac_modelling::samples::{SampleColumn, Samples};
use hvac_modelling::savings::MeasuredRows;
use hvac_modelling::savings::boundary::{Boundary, boundary};

const HOUR_MS: i64 = 3_600_000;
/// Rows longer than this are days.
const LONGEST_HOURS: i64 = 12;

/// What was measured, and around what.
pub(super) struct Metered {
    pub(super) rows: MeasuredRows,
    pub(super) boundary: Boundary,
    /// What a reader should know; sentences.
    pub(super) notes: Vec<String>,
}

/// Which columns are read, and as what.
pub(super) struct Columns {
    boundary: Boundary,
    /// The model's features of conditions, or such as the columns' names tell.
    load: Vec<Feature>,
    air: Option<Feature>,
    /// Those that the two are made with: they tell units.
    helpers: Vec<Feature>,
    notes: Vec<String>,
}

/// Whether a frame has the power that the model is of.
pub(super) fn has_power(frame: &Resolved, model: &ModelDocument) -> bool {
    numbers(frame).any(|column| column.name == model.mapping.target_col)
}

fn numbers(frame: &Resolved) -> impl Iterator<Item = &ColumnMeta> {
    frame.columns.iter().filter(|column| column.kind != Kind::Text)
}

/// Settles which columns tell of the savings; `frames` are all that are read.
///
/// # Errors
/// 422 when the power is no power, or none of the conditions is there.
pub(super) fn choose(frames: &[Arc<Resolved>], model: &ModelDocument, changed: &[Role]) -> Result<Columns> {
    let mut shared: Vec<(String, Option<String>)> = Vec::new();
    if let Some((first, others)) = frames.split_first() {
        let everywhere = |one: &&ColumnMeta| {
            others.iter().all(|frame| numbers(frame).any(|other| other.name == one.name && other.unit == one.unit))
        };
        shared = numbers(first).filter(everywhere).map(|one| (one.name.clone(), one.unit.clone())).collect();
    }
    let target = model.mapping.target_col.as_str();
    let known: BTreeMap<&str, Option<&str>> =
        shared.iter().map(|(name, unit)| (name.as_str(), unit.as_deref())).collect();
    if !known.contains_key(target) {
        let message = format!(
            "{target}, the power that the model is of, is not measured in the same unit before and after: name a session \
             that has it in session_id of the outcome"
        );
        return Err(Error::invalid("session_id", codes::UNKNOWN_COLUMN, message));
    }
    let columns: Vec<(&str, Option<&str>)> = known.iter().map(|(name, unit)| (*name, *unit)).collect();
    let boundary = boundary(&columns, target, changed);
    let mut notes = Vec::new();
    for column in &boundary.power_columns {
        let unit = known.get(column.as_str()).copied().flatten();
        factor(unit).ok_or_else(|| not_power(column, unit.unwrap_or_default()))?;
        if unit.is_none() {
            notes.push(format!("The unit of {column} is not known; it is taken for kW."));
        }
    }
    let is_there = |feature: &&Feature| feature.source.columns().all(|column| known.contains_key(column));
    let of_model = |role: Role| {
        let own = move |feature: &&Feature| {
            let direct = matches!(feature.source, FeatureSource::Column { .. } | FeatureSource::WetBulb { .. });
            feature.role == role && direct
        };
        model.features.iter().filter(own).filter(is_there).cloned().collect::<Vec<Feature>>()
    };
    let by_name = |role: Role| {
        let sample = |(name, unit): &(&str, Option<&str>)| SampleColumn {
            name: (*name).to_owned(),
            unit: unit.map(str::to_owned),
            values: Vec::new(),
        };
        let found =
            columns.iter().filter(|(name, _)| *name != target).filter(|column| of_unmapped(&sample(column)) == role);
        found.map(|(name, unit)| feature(name, *unit, role)).collect::<Vec<Feature>>()
    };
    let first_of = |role: Role| Some(of_model(role)).filter(|own| !own.is_empty()).unwrap_or_else(|| by_name(role));
    let mut load = first_of(Role::LoadRt);
    // The plant's own, or the sum of its machines'.
    if let Some(plant) = load.iter().find(|feature| of_plant(&feature.name)).cloned() {
        load = vec![plant];
    }
    let air = first_of(Role::WetBulb).into_iter().next().or_else(|| first_of(Role::DryBulb).into_iter().next());
    let helpers = model.features.iter().filter(is_there).cloned().collect();
    Ok(Columns { boundary, load, air, helpers, notes })
}

fn feature(name: &str, unit: Option<&str>, role: Role) -> Feature {
    Feature {
        name: name.to_owned(),
        source: FeatureSource::Column { column: name.to_owned() },
        role,
        unit: unit.map(str::to_owned),
        range: features::FeatureRange::default(),
    }
}

/// kW in one of a unit; none for what is no power.
fn factor(unit: Option<&str>) -> Option<f64> {
    match unit.map(|unit| hvac_points::units::known(unit).unwrap_or(unit)) {
        None | Some("kW") => Some(1.0),
        Some("W") => Some(1e-3),
        Some("MW") => Some(1e3),
        Some(_) => None,
    }
}

fn not_power(column: &str, unit: &str) -> Error {
    let message = format!(
        "{column} is in {unit}, which is no electric power, so no energy can be counted: train a model on the plant's power in kW"
    );
    Error::new(codes::NOT_POWER, message)
}

/// Reads the frames, the later ones winning. Blocks.
///
/// # Errors
/// 409 when a file is gone or damaged.
pub(super) fn read(state: &AppState, frames: &[Arc<Resolved>], columns: Columns) -> Result<Metered> {
    let Columns { boundary, load, air, helpers, notes } = columns;
    let conditions: Vec<Feature> = load.iter().chain(&air).cloned().collect();
    let names: BTreeSet<&str> = boundary
        .power_columns
        .iter()
        .map(String::as_str)
        .chain(conditions.iter().flat_map(|feature| feature.source.columns()))
        .collect();
    let mut by_time: BTreeMap<i64, (f64, f64, f64)> = BTreeMap::new();
    let (mut zone, mut row_hours) = (chrono_tz::UTC, 1.0);
    for frame in frames {
        let samples = training::hourly(state, frame, &names)?;
        let hours = row_hours_of(&samples)?;
        if by_time.is_empty() {
            row_hours = hours;
        } else if row_hours != hours {
            let message = format!(
                "the data before are recorded every {row_hours} h and those after every {hours} h: name a session that has \
                 both alike in session_id of the outcome"
            );
            return Err(Error::invalid("session_id", codes::TOO_FEW_DAYS, message));
        }
        zone = samples.zone;
        let power =
            sum(boundary.power_columns.iter().filter_map(|name| scaled(&samples, name)), samples.times_ms.len());
        let [load, air] = made(&samples, &conditions, &helpers, load.len())?;
        for (row, at) in samples.times_ms.iter().enumerate() {
            let value = |values: &[f64]| values.get(row).copied().unwrap_or(f64::NAN);
            by_time.insert(*at, (value(&power), value(&load), value(&air)));
        }
    }
    let has_load = !load.is_empty();
    let called = |features: &[Feature]| features.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" + ");
    let rows = MeasuredRows {
        start_ms: by_time.keys().copied().collect(),
        row_hours,
        zone,
        power_kw: by_time.values().map(|(power, ..)| *power).collect(),
        load: has_load.then(|| by_time.values().map(|(_, load, _)| *load).collect()),
        air: air.is_some().then(|| by_time.values().map(|(.., air)| *air).collect()),
        load_name: called(&load),
        air_name: air.iter().map(|one| one.name.clone()).collect(),
    };
    Ok(Metered { rows, boundary, notes })
}

/// How long rows are: an hour, a few, or a day.
fn row_hours_of(samples: &Samples) -> Result<f64> {
    match (samples.interval_ms + HOUR_MS / 2) / HOUR_MS {
        hours if hours < LONGEST_HOURS => Ok(hours.max(1) as f64),
        // Local days are 23 to 25 hours long.
        12..=25 => Ok(24.0),
        hours => {
            let message = format!(
                "the data are recorded every {hours} h, and savings are told by days: parse reports that are recorded at least \
                 once a day"
            );
            Err(Error::new(codes::TOO_FEW_DAYS, message))
        }
    }
}

/// A column's power, kW.
fn scaled(samples: &Samples, name: &str) -> Option<Vec<f64>> {
    let column = samples.column(name)?;
    let factor = factor(column.unit.as_deref())?;
    Some(column.values.iter().map(|value| value * factor).collect())
}

/// Row by row; a row in which one is missing has no sum.
fn sum(columns: impl Iterator<Item = Vec<f64>>, rows: usize) -> Vec<f64> {
    let mut total = vec![0.0; rows];
    for column in columns {
        total.iter_mut().zip(column).for_each(|(sum, value)| *sum += value);
    }
    total
}

/// Load and temperature of each row; the first `loads` conditions are the load's.
fn made(samples: &Samples, conditions: &[Feature], helpers: &[Feature], loads: usize) -> Result<[Vec<f64>; 2]> {
    // Units of the columns that a wet-bulb is made of stand in the features beside it.
    let there = |feature: &&Feature| feature.source.columns().all(|column| samples.column(column).is_some());
    let all: Vec<Feature> = conditions.iter().chain(helpers).filter(there).cloned().collect();
    let matrix = features::matrix(&all, samples).map_err(training::refused)?;
    let mut columns = matrix.columns.into_iter().take(conditions.len());
    let load = sum(columns.by_ref().take(loads), samples.times_ms.len());
    Ok([load, columns.next().unwrap_or_default()])
}
