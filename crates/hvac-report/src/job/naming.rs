//! Names of the series of long reports: of all that tells series apart, as little as tells these apart.
//!
//! Settled over all reports of a job, so that a series has the same name whichever file it stands in, and two machines never
//! share one.

use std::collections::{BTreeMap, HashSet};

use super::super::{Dimension, PointPlan, words};
use super::read::ReadFile;

/// Gives the series of all files their names, and the points of each what their names begin with.
pub(super) fn name_series(files: &mut [ReadFile]) {
    let mut series: BTreeMap<Vec<String>, HashSet<Vec<String>>> = BTreeMap::new();
    for point in files.iter().flat_map(|file| &file.plan.points).filter(|point| !point.dimensions.is_empty()) {
        series.entry(columns(&point.dimensions)).or_default().insert(texts(&point.dimensions));
    }
    let kept: BTreeMap<Vec<String>, Vec<usize>> =
        series.into_iter().map(|(columns, texts)| (columns.clone(), telling(&columns, &texts))).collect();
    for point in files.iter_mut().flat_map(|file| &mut file.plan.points).filter(|point| !point.dimensions.is_empty()) {
        if let Some(kept) = kept.get(&columns(&point.dimensions)) {
            rename(point, kept);
        }
    }
    for file in files {
        let Some(prefix) = &file.prefix else { continue };
        for point in &mut file.plan.points {
            point.original_name = format!("{prefix} {}", point.original_name);
        }
    }
}

fn columns(dimensions: &[Dimension]) -> Vec<String> {
    dimensions.iter().map(|d| d.name.clone()).collect()
}

fn texts(dimensions: &[Dimension]) -> Vec<String> {
    dimensions.iter().map(|d| d.value.clone()).collect()
}

fn rename(point: &mut PointPlan, kept: &[usize]) {
    let texts = kept.iter().filter_map(|at| point.dimensions.get(*at)).map(|d| d.value.as_str());
    let name = texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
    if !name.is_empty() {
        point.original_name = name;
    }
}

/// Columns, by their index, whose texts tell all series apart; none can be left out. What only describes goes first.
fn telling(columns: &[String], series: &HashSet<Vec<String>>) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let mut candidates = kept.clone();
    candidates.sort_by_key(|at| (columns.get(*at).map_or(0, |name| words::key_rank(name)), std::cmp::Reverse(*at)));
    let different = |kept: &[usize]| {
        series
            .iter()
            .map(|texts| kept.iter().filter_map(|at| texts.get(*at)).collect::<Vec<_>>())
            .collect::<HashSet<_>>()
            .len()
    };
    // A point's name stays though all have the same, if it is one.
    let is_name = |at: &usize| {
        columns.get(*at).is_some_and(|name| words::is_point_name(name))
            && series.iter().any(|texts| texts.get(*at).is_some_and(|text| !words::is_value_name(text)))
    };
    // The last one is the best name that a series can have alone.
    for at in candidates.into_iter().filter(|at| !is_name(at)) {
        let without: Vec<usize> = kept.iter().copied().filter(|other| *other != at).collect();
        if !without.is_empty() && different(&without) == series.len() {
            kept = without;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: &[&str], series: &[&[&str]]) -> Vec<usize> {
        let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
        telling(&columns, &series.iter().map(|texts| texts.iter().map(|t| (*t).to_owned()).collect()).collect())
    }

    #[test]
    fn as_little_as_tells_series_apart() {
        let columns = ["site", "equip", "point_name", "type"];
        let ahus: [&[&str]; 3] =
            [&["HQ", "AHU_1", "OA-T", "temp"], &["HQ", "AHU_1", "ZN-T", "temp"], &["HQ", "AHU_2", "ZN-T", "temp"]];
        assert_eq!(names(&columns, &ahus), [1, 2]);
        // One machine: the points' names are enough.
        assert_eq!(names(&columns, &ahus[..2]), [2]);
        assert_eq!(names(&columns, &ahus[..1]), [2]);
        let sites: [&[&str]; 2] = [&["HQ", "AHU_1", "OA-T", "temp"], &["LAB", "AHU_1", "OA-T", "temp"]];
        assert_eq!(names(&columns, &sites), [0, 2]);
        let influx: [&[&str]; 2] = [&["KWH", "AHU_1"], &["KWH", "AHU_2"]];
        assert_eq!(names(&["_field", "_measurement"], &influx), [0, 1]);
        let plain: [&[&str]; 2] = [&["value", "AHU_1"], &["value", "AHU_2"]];
        assert_eq!(names(&["_field", "_measurement"], &plain), [1]);
        assert_eq!(names(&["meter", "value"], &[&["M1", "kWh"], &["M1", "kW"]]), [1]);
    }
}
