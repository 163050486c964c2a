//! Whether a model that was read can be asked without harm: every index within its list, every walk forward.

use std::collections::BTreeSet;

use super::ModelDocument;
use crate::fitted::FittedModel;
use crate::gbdt::{Tree, Trees};
use crate::physics::{Physics, QuantityMeasure};

/// Highest power of a quantity, either way.
const MOST_POWER: i32 = 8;

/// Says the first thing that is wrong. Numbers are finite already: JSON has no others.
pub fn check(document: &ModelDocument) -> Result<(), String> {
    let ModelDocument { features, lineage, .. } = document;
    if features.is_empty() {
        return Err("The model has no features.".to_owned());
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = features.iter().find(|feature| !names.insert(&feature.name)) {
        return Err(format!("The model has the feature '{}' twice.", twice.name));
    }
    let hash = super::features_sha256(features);
    if hash != document.features_sha256 {
        return Err("The model's features are not those it was made with: their hash differs.".to_owned());
    }
    if let Some(odd) = features.iter().find(|feature| feature.range.min > feature.range.max) {
        return Err(format!("The range of the feature '{}' ends before it begins.", odd.name));
    }
    if lineage.timezone.parse::<chrono_tz::Tz>().is_err() {
        return Err(format!("The model's time zone '{}' is unknown.", lineage.timezone));
    }
    if document.interval_half_width < 0.0 || document.interval_half_share.is_some_and(|share| share < 0.0) {
        return Err("The model's prediction interval is less than nothing.".to_owned());
    }
    fitted(&document.fitted, features.len())?;
    if let Some(control) = &document.control
        && control.features.iter().any(|index| *index >= features.len())
    {
        return Err("The model's control part names a feature that is not there.".to_owned());
    }
    if document.control.as_ref().is_some_and(|control| !control.log.is_whole()) {
        return Err("The columns of the plant's log in the model are not of one length.".to_owned());
    }
    if !document.held_out.is_whole() {
        return Err("The columns of the model's held-out rows are not of one length.".to_owned());
    }
    Ok(())
}

fn fitted(fitted: &FittedModel, width: usize) -> Result<(), String> {
    match fitted {
        FittedModel::Gbdt { trees } => all_trees(trees, width),
        FittedModel::Physics { physics } => equations(physics, width),
        FittedModel::Hybrid { physics, trees } => equations(physics, width).and_then(|()| all_trees(trees, width)),
    }
}

fn equations(physics: &Physics, width: usize) -> Result<(), String> {
    let Physics { quantities, terms, typical } = physics;
    let parts = |measure: &QuantityMeasure| match measure {
        QuantityMeasure::Sum(features) | QuantityMeasure::Mean(features) => features.clone(),
        QuantityMeasure::Heat { flow, warm, cold } => [flow.as_slice(), warm, cold].concat(),
    };
    let named = |index: &usize| *index < width;
    if typical.len() != width || !quantities.iter().all(|quantity| parts(&quantity.measure).iter().all(named)) {
        return Err(format!("The model's equations name a feature beyond its {width}."));
    }
    if quantities.iter().any(|quantity| quantity.least <= 0.0) {
        return Err("The model's equations would divide by nothing.".to_owned());
    }
    let sound = |(quantity, power): &(usize, i32)| *quantity < quantities.len() && power.abs() <= MOST_POWER;
    if !terms.iter().flat_map(|term| &term.factors).all(sound) {
        return Err("A term of the model's equations names a quantity that is not there, or a wild power.".to_owned());
    }
    Ok(())
}

fn all_trees(trees: &Trees, width: usize) -> Result<(), String> {
    trees.trees.iter().enumerate().try_for_each(|(index, tree)| {
        sound(tree, width).ok_or_else(|| {
            format!(
                "Tree {index} of the model is damaged: its lists must be of one length, its features within \
                 {width}, and every child after its parent."
            )
        })
    })
}

/// Nothing when it is not.
fn sound(tree: &Tree, width: usize) -> Option<()> {
    let Tree { feature, threshold, left, right, missing, value } = tree;
    let nodes = feature.len();
    let lengths = [threshold.len(), left.len(), right.len(), missing.len(), value.len()];
    (nodes > 0 && lengths.iter().all(|length| *length == nodes)).then_some(())?;
    let children = left.iter().zip(right).zip(missing);
    let sound = |(node, (feature, ((left, right), missing))): (usize, (&i32, ((&u32, &u32), &u32)))| {
        let within = |child: &u32| (*child as usize) > node && (*child as usize) < nodes;
        match usize::try_from(*feature) {
            Err(_) => *feature == -1,
            Ok(feature) => feature < width && within(left) && within(right) && within(missing),
        }
    };
    feature.iter().zip(children).enumerate().all(sound).then_some(())
}
