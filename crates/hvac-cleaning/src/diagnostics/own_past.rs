//! How a machine does on a day against its own past under like conditions.
//!
//! ln y = β·x + level(day): the conditions' part β comes from how y moves within the days ([`crate::within_days`]), so what
//! changes from day to day, such as a fouling tube, is no part of it and stays in the day's level.
//!
//! A day is compared with the days before it under like conditions (each condition's mean over the day within its
//! tolerance), `past_days` of them at least: with the better quarter of their levels, so that faulty days among them do not
//! hide the fault. A day that was beyond the limit itself, or could not be judged after one, is nobody's past. A day is found
//! when it is beyond the limit by itself, and the median of the last `lasting_days` judged days is so with a probability of
//! 0.9 or more.

use std::collections::BTreeMap;

use crate::sampling::{median, quantile};
use crate::within_days::{Row, dot, fit};

/// What one day's level says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct JudgedDay {
    /// Local day.
    pub(super) day: i32,
    /// ln of the quantity against that of like days before, positive when it is worse.
    pub(super) worse: f64,
    /// The median of that over the last judged days, this one among them.
    pub(super) lasting: f64,
    /// How many like days it is compared with.
    pub(super) like_days: usize,
}

/// How days are judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Method<const N: usize> {
    /// How far the conditions' means of like days may lie apart.
    pub(super) tolerance: [f64; N],
    /// Days with fewer rows are not judged.
    pub(super) least_rows: usize,
    /// Like days that must be there.
    pub(super) past_days: usize,
    /// Days whose median counts.
    pub(super) lasting_days: usize,
    /// +1 when a rise is bad, −1 when a fall is.
    pub(super) bad: f64,
    /// From which ln on a day is worse than its past: such a day is nobody's past.
    pub(super) limit: f64,
    /// Of what may rightly be better, too, as a ratio of two machines is when the other one becomes worse: days that are so by the
    /// limit are nobody's past either, and the median of the past counts.
    pub(super) both_ways: bool,
}

/// One day: its level and mean conditions.
type Day<const N: usize> = (i32, f64, [f64; N]);

/// The days that can be judged, and how far levels scatter from day to day (robust σ); none when rows are too few.
pub(super) fn judged_days<const N: usize>(rows: &[Row<N>], method: &Method<N>) -> Option<(Vec<JudgedDay>, f64)> {
    let (kept, beta) = fit(rows)?;
    let days = days(&kept, &beta, method.least_rows);
    let neighbours = days.iter().zip(days.iter().skip(1));
    let mut steps: Vec<f64> = neighbours.map(|(a, b)| (b.1 - a.1).abs()).collect();
    // The difference of two days scatters √2 times as far as one of them.
    let scatter = 1.4826 * median(&mut steps).unwrap_or_default() / std::f64::consts::SQRT_2;
    let like = |a: &[f64; N], b: &[f64; N]| a.iter().zip(b).zip(method.tolerance).all(|((a, b), t)| (a - b).abs() <= t);
    let (mut judged, mut sound): (Vec<JudgedDay>, Vec<&Day<N>>) = (Vec::new(), Vec::new());
    // Of a day that cannot be judged the last verdict holds.
    let mut beyond = false;
    for today in &days {
        let (day, level, conditions) = today;
        let before = sound.iter().filter(|(_, _, other)| like(other, conditions));
        let mut past: Vec<f64> = before.map(|(_, level, _)| level * method.bad).collect();
        let like_days = past.len();
        let better = if method.both_ways { 0.5 } else { 0.25 };
        let better = if like_days >= method.past_days { quantile(&mut past, better) } else { None };
        let worse = better.map(|better| level * method.bad - better);
        let is_beyond = |worse: f64| worse >= method.limit || (method.both_ways && worse <= -method.limit);
        beyond = worse.map_or(beyond, is_beyond);
        if !beyond {
            sound.push(today);
        }
        let Some(worse) = worse else { continue };
        let before = judged.iter().rev().take(method.lasting_days.saturating_sub(1));
        let mut last: Vec<f64> = before.map(|judged| judged.worse).collect();
        last.push(worse);
        // What has not been judged for so long cannot be known to last.
        let lasting = if last.len() >= method.lasting_days { median(&mut last)? } else { 0.0 };
        judged.push(JudgedDay { day: *day, worse, lasting, like_days });
    }
    Some((judged, scatter))
}

/// Judged days on either side of a step, in how many days all of them must lie, and the share of the rise that it makes.
const BESIDE_A_STEP: usize = 3;
const STEP_DAYS: i32 = 8;
const STEP_SHARE: f64 = 0.75;

/// Whether most of what lasts on the day at that place came from one day to the next: a machine becomes worse little by
/// little, a meter from one moment to the other.
pub(super) fn came_at_once(days: &[JudgedDay], at: usize) -> bool {
    let Some(today) = days.get(at) else { return false };
    let middle = |of: &[JudgedDay]| median(&mut of.iter().map(|judged| judged.worse).collect::<Vec<_>>());
    (BESIDE_A_STEP..=at).any(|split| {
        let before = days.get(split - BESIDE_A_STEP..split);
        let after = days.get(split..days.len().min(split + BESIDE_A_STEP));
        let (Some(before), Some(after)) = (before, after) else { return false };
        let both = || before.iter().chain(after);
        // Across a longer time nobody saw how it came, and what grows looks like a step.
        let close = both().next().zip(both().last()).is_some_and(|(a, b)| b.day - a.day < STEP_DAYS);
        let step = middle(after).zip(middle(before)).map_or(0.0, |(after, before)| after - before);
        close && after.len() == BESIDE_A_STEP && step >= STEP_SHARE * today.lasting
    })
}

fn days<const N: usize>(rows: &[Row<N>], beta: &[f64; N], least_rows: usize) -> Vec<Day<N>> {
    let mut by_day: BTreeMap<i32, (Vec<f64>, [f64; N])> = BTreeMap::new();
    for row in rows {
        let (levels, sums) = by_day.entry(row.day).or_insert_with(|| (Vec::new(), [0.0; N]));
        levels.push(row.y - dot(&row.x, beta));
        sums.iter_mut().zip(row.x).for_each(|(sum, x)| *sum += x);
    }
    by_day.retain(|_, (levels, _)| levels.len() >= least_rows.max(1));
    let one = |(key, (mut levels, sums)): (i32, (Vec<f64>, [f64; N]))| {
        let count = levels.len() as f64;
        Some((key, median(&mut levels)?, sums.map(|sum| sum / count)))
    };
    by_day.into_iter().filter_map(one).collect()
}

/// What is less sure than this is not found.
pub(super) const LEAST_SURE: f64 = 0.9;

/// How sure it is that a level is beyond its limit when it is `above` it (ln), with a day-to-day scatter of `scatter`, so many
/// days behind the median and so many in the past: the normal distribution's share below, by the logistic approximation
/// (Bowling et al. 2009), at most 0.99.
pub(super) fn sureness(above: f64, scatter: f64, (last, past): (usize, usize)) -> f64 {
    let error = 1.2533 * scatter.max(1e-3) * (1.0 / last.max(1) as f64 + 1.0 / past.max(1) as f64).sqrt();
    (1.0 / (1.0 + (-1.702 * above / error).exp())).min(0.99)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// 60 days of 24 rows: ln y = 0.5·x, and 0.1 more from day 40 on; x moves within the days and, twice as far, with
    /// the season. The conditions' part is found, and the days' levels say 0 and 0.1.
    fn rows() -> Vec<Row<1>> {
        let row = |day: i32, hour: i32| {
            let x = f64::from(hour) / 24.0 + f64::from(day) / 30.0;
            let noise = 0.002 * f64::from((day * 31 + hour * 17) % 7 - 3);
            Row { day, y: 0.5 * x + noise + if day >= 40 { 0.1 } else { 0.0 }, x: [x] }
        };
        (0..60).flat_map(|day| (0..24).map(move |hour| row(day, hour))).collect()
    }

    fn method<const N: usize>(tolerance: [f64; N]) -> Method<N> {
        Method { tolerance, least_rows: 8, past_days: 14, lasting_days: 5, bad: 1.0, limit: 0.08, both_ways: false }
    }

    #[test]
    fn what_changes_from_day_to_day_is_left_in_the_days_levels() {
        let (days, scatter) = judged_days(&rows(), &method([f64::INFINITY])).unwrap();
        assert_eq!((days.len(), days[0].day, days[0].like_days), (46, 14, 14), "a fortnight must be there");
        assert!(scatter < 0.005, "{scatter}");
        let on = |day: i32| days.iter().find(|judged| judged.day == day).unwrap();
        assert!(on(30).worse.abs() < 0.01 && (on(59).worse - 0.1).abs() < 0.01, "{:?} {:?}", on(30), on(59));
        assert!(on(41).lasting < 0.01 && on(42).lasting > 0.09, "three of five days");
    }

    /// A tenth more from day 40 on came at once; a tenth more that grew over three weeks did not.
    #[test]
    fn a_step_is_told_from_what_grows() {
        let (days, _) = judged_days(&rows(), &method([f64::INFINITY])).unwrap();
        assert!(came_at_once(&days, days.len() - 1));
        let grows = |row: &Row<1>| {
            let share = f64::from(row.day - 30).clamp(0.0, 21.0) / 21.0;
            Row { y: row.y + 0.1 * share - if row.day >= 40 { 0.1 } else { 0.0 }, ..*row }
        };
        let grown: Vec<Row<1>> = rows().iter().map(grows).collect();
        let (days, _) = judged_days(&grown, &method([f64::INFINITY])).unwrap();
        assert!(days.last().unwrap().lasting > 0.09 && !came_at_once(&days, days.len() - 1));
    }

    /// x rises by 1/30 a day: within ±0.5 of it lie the 15 days before (and those to come).
    #[test]
    fn only_days_under_like_conditions_are_compared() {
        let (days, _) = judged_days(&rows(), &method([0.51])).unwrap();
        assert!(days.iter().all(|judged| judged.like_days <= 15), "{days:?}");
        assert!(judged_days(&rows(), &method([0.1])).unwrap().0.is_empty(), "three like days are too few");
    }

    /// A tenth more from day 40 on, and days within a fortnight are alike: day 40 is compared with 14 sound ones and found. From
    /// day 41 on there are too few of those, and days that are as bad do not make up for them.
    #[test]
    fn days_that_are_worse_are_nobodys_past() {
        let (days, _) = judged_days(&rows(), &method([0.467])).unwrap();
        let last = days.last().unwrap();
        assert_eq!((last.day, last.like_days), (40, 14), "{days:?}");
        assert!((last.worse - 0.1).abs() < 0.01, "{last:?}");
    }

    /// A tenth less from day 20 to 39, when the other machine was worse, and back: of a machine that is a rise from its best days,
    /// of two of them it is none.
    #[test]
    fn a_ratio_that_fell_and_came_back_is_no_worse() {
        let fell = |row: &Row<1>| {
            let y = row.y - if row.day >= 40 { 0.1 } else { 0.0 };
            Row { y: if (20..40).contains(&row.day) { y - 0.1 } else { y }, ..*row }
        };
        let rows: Vec<Row<1>> = rows().iter().map(fell).collect();
        let last = |both_ways: bool| {
            let method = Method { both_ways, ..method([f64::INFINITY]) };
            judged_days(&rows, &method).unwrap().0.last().unwrap().lasting
        };
        assert!(last(false) > 0.09 && last(true).abs() < 0.01, "{} {}", last(false), last(true));
    }

    #[test]
    fn too_few_rows_tell_nothing() {
        assert!(judged_days(&rows()[..9], &method([1.0])).is_none());
        let flat: Vec<Row<2>> =
            rows().into_iter().map(|row| Row { day: row.day, y: row.y, x: [row.x[0], 7.0] }).collect();
        let (days, _) = judged_days(&flat, &method([f64::INFINITY; 2])).unwrap();
        assert!((days[45].worse - 0.1).abs() < 0.01, "a condition that never moves has no part");
    }

    #[test]
    fn sureness_is_one_half_at_the_limit() {
        assert!((sureness(0.0, 0.02, (5, 20)) - 0.5).abs() < 1e-12);
        assert!(sureness(0.05, 0.02, (5, 20)) > 0.98 && sureness(-0.05, 0.02, (5, 20)) < 0.02);
        assert!(sureness(0.01, 0.02, (5, 5)) < sureness(0.01, 0.02, (5, 50)), "a short past says less");
    }
}
