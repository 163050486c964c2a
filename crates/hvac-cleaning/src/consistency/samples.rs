//! Sensors side by side: every point's latest value at the same instants, some thousand of them whatever the record's
//! length, so that a comparison of many points costs little.

use super::sensor::Sensor;

/// Steps between instants that are tried, hours; each divides a day.
const STEPS_H: [i64; 7] = [1, 2, 3, 4, 6, 8, 12];
/// Instants that are enough.
const ENOUGH: i64 = 4_600;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A value that is older than this many intervals is no present one.
const STALE_INTERVALS: f64 = 1.6;
/// Rows before the first instant from which on a machine's state is followed.
const LOOK_BACK: usize = 1_000;
/// Instants in a row with one and the same value from which on a sensor that usually moves stands still.
const STUCK: usize = 6;

/// The instants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instants {
    /// UTC ms, ascending, equally spaced.
    pub(crate) at_ms: Vec<i64>,
    /// Spacing.
    pub(crate) step_ms: i64,
    /// The last row at or before each.
    rows: Vec<usize>,
    /// Days (UTC) since the first.
    pub(crate) day: Vec<usize>,
    /// Days.
    pub(crate) days: usize,
    first_day_ms: i64,
}

impl Instants {
    /// Instants over the rows `first..=last` of an ascending axis.
    #[must_use]
    pub(crate) fn over(at_ms: &[i64], first: usize, last: usize) -> Self {
        let (Some(from), Some(to)) = (at_ms.get(first), at_ms.get(last)) else { return Self::default() };
        let hours = (to - from) / HOUR_MS;
        let step = STEPS_H.into_iter().find(|step| hours / step <= ENOUGH).unwrap_or(12);
        let step_ms = step * HOUR_MS;
        let start = from.div_euclid(step_ms) * step_ms + if from.rem_euclid(step_ms) > 0 { step_ms } else { 0 };
        let first_day_ms = start.div_euclid(DAY_MS) * DAY_MS;
        let mut found = Self { step_ms, first_day_ms, ..Self::default() };
        let mut row = first;
        let mut at = start;
        while at <= *to {
            while at_ms.get(row + 1).is_some_and(|next| *next <= at) {
                row += 1;
            }
            found.at_ms.push(at);
            found.rows.push(row);
            found.day.push(usize::try_from((at - first_day_ms) / DAY_MS).unwrap_or(0));
            at += step_ms;
        }
        found.days = found.day.last().map_or(0, |day| day + 1);
        found
    }

    /// UTC ms at which a day begins.
    #[must_use]
    pub(crate) fn day_ms(&self, day: usize) -> i64 {
        self.first_day_ms + i64::try_from(day).unwrap_or(0) * DAY_MS
    }

    /// A sensor's latest value at each instant, as compared; NaN where it has none or stands still.
    #[must_use]
    pub(crate) fn sample(&self, at_ms: &[i64], sensor: &Sensor<'_>) -> Vec<f64> {
        let mut values = self.latest(at_ms, sensor, 0);
        blank_standstill(&mut values, if self.step_ms > HOUR_MS { 4 } else { STUCK });
        values
    }

    /// A sensor's latest value `later_ms` after each instant (before it, when negative), as compared.
    #[must_use]
    pub(crate) fn latest(&self, at_ms: &[i64], sensor: &Sensor<'_>, later_ms: i64) -> Vec<f64> {
        self.latest_on(at_ms, sensor, later_ms, 1)
    }

    /// The same on every so many days, NaN on the others.
    #[must_use]
    pub(crate) fn latest_on(&self, at_ms: &[i64], sensor: &Sensor<'_>, later_ms: i64, every: usize) -> Vec<f64> {
        // Timestamps of some loggers lie seconds off their interval.
        let stale_ms = sensor.interval_ms * STALE_INTERVALS;
        let one = |((at, row), day): ((&i64, &usize), &usize)| {
            if !day.is_multiple_of(every) {
                return f64::NAN;
            }
            let at = at + later_ms;
            let mut row = *row;
            while at_ms.get(row + 1).is_some_and(|next| *next <= at) {
                row += 1;
            }
            loop {
                let Some(then) = at_ms.get(row) else { return f64::NAN };
                if (at - then) as f64 > stale_ms {
                    return f64::NAN;
                }
                match sensor.values.get(row) {
                    Some(value) if *then <= at && !value.is_nan() => return sensor.compared(*value),
                    _ => {}
                }
                match row.checked_sub(1) {
                    Some(before) => row = before,
                    None => return f64::NAN,
                }
            }
        };
        self.at_ms.iter().zip(&self.rows).zip(&self.day).map(one).collect()
    }

    /// Whether a machine has been on (above `above`, as compared) for so long at each instant: 1 or 0, NaN where its state is
    /// not known. A state is held while it is no older than a sample of its sensor may be.
    #[must_use]
    pub(crate) fn on_for(&self, at_ms: &[i64], sensor: &Sensor<'_>, above: f64, long_ms: i64) -> Vec<f64> {
        let stale_ms = sensor.interval_ms * STALE_INTERVALS;
        let mut known: Option<i64> = None;
        let mut since: Option<i64> = None;
        let mut row = self.rows.first().map_or(0, |first| first.saturating_sub(LOOK_BACK));
        let one = |(at, upto): (&i64, &usize)| {
            while row <= *upto {
                if let (Some(then), Some(value)) =
                    (at_ms.get(row), sensor.values.get(row).filter(|value| !value.is_nan()))
                {
                    let lost = known.is_some_and(|known| (then - known) as f64 > stale_ms);
                    known = Some(*then);
                    since = match since {
                        _ if sensor.compared(*value) <= above => None,
                        Some(since) if !lost => Some(since),
                        _ => Some(*then),
                    };
                }
                row += 1;
            }
            match known {
                Some(known) if (at - known) as f64 <= stale_ms => {
                    f64::from(since.is_some_and(|since| at - since >= long_ms))
                }
                _ => f64::NAN,
            }
        };
        self.at_ms.iter().zip(&self.rows).map(one).collect()
    }

    /// Mean of a sensor's values after the instant before and up to each instant, as compared.
    #[must_use]
    pub(crate) fn means(&self, sensor: &Sensor<'_>) -> Vec<f64> {
        let mut means = vec![f64::NAN; self.rows.len()];
        for (mean, (before, row)) in means.iter_mut().skip(1).zip(self.rows.iter().zip(self.rows.iter().skip(1))) {
            let within = sensor.values.get(before + 1..=*row).unwrap_or(&[]);
            let (mut sum, mut count) = (0.0, 0_u32);
            for value in within.iter().filter(|value| !value.is_nan()) {
                (sum, count) = (sum + value, count + 1);
            }
            if count > 0 && f64::from(count) * sensor.interval_ms >= 0.9 * self.step_ms as f64 {
                *mean = sensor.compared(sum / f64::from(count));
            }
        }
        means
    }
}

/// Takes out runs of one value that are far longer than the sensor's usual ones: it is stuck, not off.
fn blank_standstill(values: &mut [f64], stuck: usize) {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut last = f64::NAN;
    for (place, value) in values.iter().enumerate() {
        match runs.last_mut() {
            Some((_, length)) if *value == last => *length += 1,
            _ => runs.push((place, 1)),
        }
        last = *value;
    }
    let long: usize = runs.iter().filter(|(_, length)| *length >= stuck).map(|(_, length)| length).sum();
    // A sensor that stands still for half of its time does so by nature: zero of a machine that rests.
    let zero_or_rare = long * 2 < values.len();
    for (first, length) in runs.into_iter().filter(|(_, length)| *length >= stuck && zero_or_rare) {
        for value in values.iter_mut().skip(first).take(length).filter(|value| **value != 0.0) {
            *value = f64::NAN;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use super::super::sensor::Tag;
    use super::*;

    fn sensor(values: &[f64]) -> Sensor<'_> {
        let tag = Tag::of("OAH", None).unwrap();
        Sensor { name: "OAH", tag, unit: None, unit_by_values: false, values, interval_ms: 600_000.0 }
    }

    #[test]
    fn instants_are_whole_hours_and_hold_the_latest_value() {
        let at: Vec<i64> = (0..30).map(|i| 1_000 + i * 600_000).collect();
        let values: Vec<f64> = (0..30).map(|i| if i == 12 { f64::NAN } else { f64::from(i) }).collect();
        let instants = Instants::over(&at, 0, 29);
        assert_eq!(instants.at_ms, [HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 4 * HOUR_MS]);
        assert_eq!(instants.latest(&at, &sensor(&values), 0)[..2], [5.0, 11.0]);
        assert_eq!(instants.latest(&at, &sensor(&values), 1_200_000)[..1], [7.0]);
        assert_eq!(instants.latest(&at, &sensor(&values), -1_200_000)[..1], [3.0]);
        assert!((instants.means(&sensor(&values))[1] - (6.0 + 7.0 + 8.0 + 9.0 + 10.0 + 11.0) / 6.0).abs() < 1e-9);
        assert!(instants.means(&sensor(&values))[0].is_nan());
    }

    #[test]
    fn rows_of_other_points_change_nothing() {
        let at: Vec<i64> = (0..300).map(|i| i * 600_000).collect();
        let values: Vec<f64> = (0..300).map(f64::from).collect();
        let mixed: Vec<i64> = (0..600).map(|i| i * 300_000).collect();
        let sparse: Vec<f64> = (0..600).map(|i| if i % 2 == 0 { f64::from(i / 2) } else { f64::NAN }).collect();
        let (alone, beside) = (Instants::over(&at, 0, 299), Instants::over(&mixed, 0, 598));
        assert_eq!(alone.at_ms, beside.at_ms);
        assert_eq!(alone.sample(&at, &sensor(&values)), beside.sample(&mixed, &sensor(&sparse)));
    }

    #[test]
    fn a_stuck_sensor_says_nothing() {
        let mut values: Vec<f64> = (0..40).map(f64::from).collect();
        values[10..18].fill(7.5);
        blank_standstill(&mut values, 6);
        assert!(values[10..18].iter().all(|value| value.is_nan()) && values[9] == 9.0 && values[18] == 18.0);
    }
}
