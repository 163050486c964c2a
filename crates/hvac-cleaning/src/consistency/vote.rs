//! Whether laws are quieter when something is taken for corrected, day by day.

use std::ops::Range;

use super::plant::Plant;
use super::relation::Relation;
use super::robust::median_of;
use super::track::LEAST_INSTANTS;

/// Residuals within which a law is kept: K, and share.
const KEPT_K: f64 = 1.0;
const KEPT_SHARE: f64 = 0.12;
/// A law that is not kept is off by so many times what is left when corrected.
const OFF: f64 = 3.0;
/// Days that are needed.
const LEAST_DAYS: usize = 2;
/// Share of the days that must speak for it, between the first and the last.
const MAJORITY: f64 = 0.8;

/// A slot's values in another light.
pub(crate) type Corrected = (usize, Vec<f64>);

/// Residuals of a law at every instant, some slots corrected.
#[must_use]
pub(crate) fn residuals(plant: &Plant<'_>, relation: &Relation, corrected: &[Corrected]) -> Vec<f64> {
    residuals_on(plant, relation, corrected, 1)
}

/// The same on every so many days, NaN on the others.
#[must_use]
pub(crate) fn residuals_on(plant: &Plant<'_>, relation: &Relation, corrected: &[Corrected], every: usize) -> Vec<f64> {
    let other = |slot: usize| corrected.iter().find(|(of, _)| *of == slot).map(|(_, values)| values.as_slice());
    let slots: Vec<Option<&[f64]>> =
        (0..plant.slots.len()).map(|slot| other(slot).or_else(|| plant.slots.get(slot).map(Vec::as_slice))).collect();
    let row = |k: usize| {
        let slots = &slots;
        move |slot: usize| slots.get(slot).copied().flatten().and_then(|v| v.get(k)).copied().unwrap_or(f64::NAN)
    };
    let at = |(k, day): (usize, &usize)| {
        if day.is_multiple_of(every) { relation.residual(&row(k), &plant.wet, None) } else { f64::NAN }
    };
    plant.instants.day.iter().enumerate().map(at).collect()
}

/// Median of each day.
#[must_use]
pub(crate) fn daily(plant: &Plant<'_>, residuals: &[f64]) -> Vec<f64> {
    let mut days = vec![f64::NAN; plant.instants.days];
    let mut from = 0;
    let of_day = &plant.instants.day;
    while let Some(day) = of_day.get(from) {
        let length = of_day.iter().skip(from).take_while(|other| *other == day).count();
        let today = || residuals.iter().skip(from).take(length).copied().filter(|value| value.is_finite());
        let enough = today().count() >= LEAST_INSTANTS;
        if let (Some(slot), Some(median)) = (days.get_mut(*day), median_of(today()).filter(|_| enough)) {
            *slot = median;
        }
        from += length;
    }
    days
}

/// What the laws say for and against a correction, day by day; and how many laws speak for it at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Votes {
    /// Strength of the laws that are kept only when corrected, less that of those that are kept only as recorded.
    pub(crate) days: Vec<f64>,
    /// Laws that speak for it on some day, each with medians as recorded and as corrected over those days.
    pub(crate) laws: Vec<(usize, f64, f64)>,
}

/// Lets the laws of these slots vote on a correction.
#[must_use]
pub(crate) fn votes(plant: &Plant<'_>, raw_days: &dyn Fn(usize) -> Vec<f64>, corrected: &[Corrected]) -> Votes {
    let mut votes = Votes { days: vec![0.0; plant.instants.days], laws: Vec::new() };
    for (law, relation) in plant.relations.iter().enumerate() {
        let concerned = relation.members.iter().any(|slot| corrected.iter().any(|(of, _)| of == slot));
        if !concerned || !relation.exact {
            continue;
        }
        let (raw, other) = (raw_days(law), daily(plant, &residuals(plant, relation, corrected)));
        let kept = if relation.in_kelvin() { KEPT_K } else { KEPT_SHARE };
        let mut spoken: Vec<(f64, f64)> = Vec::new();
        for ((vote, raw), other) in votes.days.iter_mut().zip(&raw).zip(&other) {
            let off = |a: f64, b: f64| a.abs() > OFF * b.abs().max(kept / 2.0) || (a.is_nan() && b.abs() <= kept);
            if other.abs() <= kept && off(*raw, *other) {
                *vote += relation.strength;
                spoken.push((*raw, *other));
            } else if raw.abs() <= kept && off(*other, *raw) {
                *vote -= relation.strength;
            }
        }
        if let (Some(raw), Some(other)) =
            (median_of(spoken.iter().map(|pair| pair.0)), median_of(spoken.iter().map(|pair| pair.1)))
        {
            votes.laws.push((law, raw, other));
        }
    }
    votes
}

/// Whether an exact law is broken on some days, as another unit or an exchange would break it.
#[must_use]
pub(crate) fn is_broken(relation: &Relation, days: &[f64]) -> bool {
    let kept = if relation.in_kelvin() { KEPT_K } else { KEPT_SHARE };
    relation.exact && days.iter().filter(|day| day.abs() > kept).count() >= LEAST_DAYS
}

/// The stretch of days for which most votes speak: from the first to the last of a run in which nearly all do.
#[must_use]
pub(crate) fn stretch(votes: &[f64]) -> Option<Range<usize>> {
    let mut best: Option<(f64, Range<usize>)> = None;
    let mut from = 0;
    let mut sum = 0.0;
    for (day, vote) in votes.iter().enumerate() {
        if sum <= 0.0 {
            (from, sum) = (day, 0.0);
        }
        sum += vote.clamp(-1.0, 1.0);
        if *vote > 0.0 && best.as_ref().is_none_or(|(most, _)| sum > *most) {
            best = Some((sum, from..day + 1));
        }
    }
    let (_, days) = best?;
    let within = votes.get(days.clone())?;
    let (yes, no) = (within.iter().filter(|v| **v > 0.0).count(), within.iter().filter(|v| **v < 0.0).count());
    let first = days.start + within.iter().position(|vote| *vote > 0.0)?;
    // Days at the ends on which nothing was said are like those next to them.
    let start = if votes.iter().take(first).all(|vote| *vote == 0.0) { 0 } else { first };
    let end = if votes.iter().skip(days.end).all(|vote| *vote == 0.0) { votes.len() } else { days.end };
    (yes >= LEAST_DAYS && yes as f64 >= MAJORITY * (yes + no) as f64).then_some(start..end)
}

/// Median of a slot's values on those days while it is not 0, and on the others on which it was said to be right.
#[must_use]
pub(crate) fn inside_and_outside(
    plant: &Plant<'_>,
    slot: usize,
    days: &Range<usize>,
    votes: &[f64],
) -> (Option<f64>, Option<f64>) {
    let values = plant.slots.get(slot).map_or(&[][..], Vec::as_slice);
    let of = |is: &dyn Fn(usize) -> bool| {
        let fits = values.iter().zip(&plant.instants.day).filter(|(value, day)| **value != 0.0 && is(**day));
        median_of(fits.map(|(value, _)| *value))
    };
    let outside = |day: usize| !days.contains(&day) && votes.get(day).is_some_and(|vote| *vote < 0.0);
    (of(&|day| days.contains(&day)), of(&outside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_where_nearly_all_days_agree() {
        let votes = [0.0, -1.0, 1.0, 1.0, 0.0, 1.5, -0.5, 1.0, 1.0, -1.0, -1.0, 1.0];
        assert_eq!(stretch(&votes), Some(2..9));
        assert_eq!(stretch(&[0.0, 0.0, 1.0, 1.0, 0.0]), Some(0..5), "nothing else was said");
        assert_eq!(stretch(&[1.0, -1.0, 0.0]), None, "one day is none");
        assert_eq!(stretch(&[-1.0; 9]), None);
    }
}
