//! A column's own clock: how often it is recorded, whatever the other columns of the frame do.

use hvac_frame::column::ColumnMeta;

/// Two samples further apart than this many intervals have a gap between them.
pub(crate) const GAP_FACTOR: f64 = 1.5;

/// Median of unordered numbers; none without any.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Quantile of unordered numbers by linear interpolation (type 7, as pandas does); none without any.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a floor between 0 and the length")]
pub(crate) fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    let place = values.len().checked_sub(1)? as f64 * q.clamp(0.0, 1.0);
    let (_, low, above) = values.select_nth_unstable_by(place.floor() as usize, f64::total_cmp);
    let low = *low;
    let part = place.fract();
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(if part > 0.0 { low + (high - low) * part } else { low })
}

/// Values that are looked at to know what is usual: every n-th, spread over the whole column.
const USUAL_SAMPLE: usize = 512;
/// A meter idles up to this share of its usual span above its usual least value.
const FLOOR_BAND: f64 = 0.02;

/// Between which values a column usually is: its 1 % and 99 % quantiles, of at most [`USUAL_SAMPLE`] values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct UsualSpan {
    /// Usual least value: where it stands by itself, when it does.
    pub(crate) low: f64,
    /// Usual greatest value.
    pub(crate) high: f64,
}

impl UsualSpan {
    /// Up to where a meter's values are its idle floor.
    #[must_use]
    pub(crate) fn floor(&self) -> f64 {
        self.low + FLOOR_BAND * (self.high - self.low)
    }

    /// Whether a value is the usual idle one: neither above the floor nor far below all that is usual.
    #[must_use]
    pub(crate) fn is_idle(&self, value: f64) -> bool {
        value <= self.floor() && value >= self.low - FLOOR_BAND * (self.high - self.low)
    }

    /// Of these values, NaN for none; none without any.
    #[must_use]
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let step = values.len().div_ceil(USUAL_SAMPLE).max(1);
        let mut some: Vec<f64> = values.iter().step_by(step).copied().filter(|value| !value.is_nan()).collect();
        if some.len() < USUAL_SAMPLE / 8 && step > 1 {
            some = values.iter().copied().filter(|value| !value.is_nan()).collect();
        }
        Some(Self { low: quantile(&mut some, 0.01)?, high: quantile(&mut some, 0.99)? })
    }
}

/// Median step between the rows at which there is a value (not NaN), ms; none with fewer than two.
pub(crate) fn own_step_ms(at_ms: &[i64], values: &[f64]) -> Option<f64> {
    let mut last = None;
    let mut steps = Vec::new();
    for (at, _) in at_ms.iter().zip(values).filter(|(_, value)| !value.is_nan()) {
        if let Some(last) = last.replace(*at) {
            steps.push((at - last) as f64);
        }
    }
    median(&mut steps)
}

/// The steps of an axis, for telling its columns' own: most columns have a value in most rows, and most rows are
/// one step apart.
#[derive(Debug)]
pub(crate) struct Steps<'a> {
    at_ms: &'a [i64],
    /// Least of them, ms; 0 of fewer than two rows.
    pub(crate) least_ms: i64,
    /// Of each pair of neighbouring rows, whether they are the least step apart.
    least: Vec<bool>,
    /// How many of them.
    least_count: usize,
}

impl<'a> Steps<'a> {
    /// The steps of these rows, which ascend.
    #[must_use]
    pub(crate) fn new(at_ms: &'a [i64]) -> Self {
        let steps = || at_ms.iter().zip(at_ms.iter().skip(1)).map(|(a, b)| b - a);
        let least_ms = steps().min().unwrap_or_default();
        let least: Vec<bool> = steps().map(|step| step == least_ms).collect();
        Self { at_ms, least_ms, least_count: least.iter().filter(|least| **least).count(), least }
    }

    /// What [`own_step_ms`] gives for values of which `nulls` are NaN.
    #[must_use]
    pub(crate) fn own_ms(&self, values: &[f64], nulls: usize) -> Option<f64> {
        // No step is shorter, so when more than half of them are the least, that is their median. A null breaks two.
        let enough = self.at_ms.len() / 2;
        if values.len() == self.at_ms.len() && self.least_count > enough + 2 * nulls {
            return Some(self.least_ms as f64);
        }
        let mut found = 0;
        let mut pairs = values.iter().zip(values.iter().skip(1)).zip(&self.least);
        while found <= enough && pairs.len() > 0 {
            let few = pairs.by_ref().take(1024);
            found += few.filter(|((a, b), least)| !a.is_nan() & !b.is_nan() & **least).count();
        }
        let most = || found > values.iter().filter(|value| !value.is_nan()).count() / 2;
        if found > enough || most() { Some(self.least_ms as f64) } else { own_step_ms(self.at_ms, values) }
    }
}

/// The interval at which the column is recorded, ms: what its report or an earlier cleaning says, but never
/// less than what its values show (`seen_ms`: a point recorded every minute is seen every 15 in a 15-minute report).
#[must_use]
pub(crate) fn interval_ms(column: &ColumnMeta, seen_ms: Option<f64>) -> Option<f64> {
    let cleaned = column.cleaned.as_ref().and_then(|cleaned| cleaned.interval_s);
    if let Some(seconds) = cleaned {
        return Some(f64::from(seconds) * 1000.0);
    }
    let said = column.native_interval_s.map(|seconds| f64::from(seconds) * 1000.0);
    match (said, seen_ms) {
        (Some(said), Some(seen)) => Some(said.max(seen)),
        (said, seen) => said.or(seen),
    }
}

/// Whether the column is recorded when its value changes.
#[must_use]
pub(crate) fn on_change(column: &ColumnMeta) -> bool {
    let said = column.trend_definition.as_deref().unwrap_or_default().to_uppercase();
    said.split(|c: char| !c.is_alphanumeric()).any(|word| word == "COV")
}

/// A number as a report shows it: at most four significant digits behind the point, no trailing zeros.
#[must_use]
pub(crate) fn number(value: f64) -> String {
    let text = if value != 0.0 && value.abs() < 0.001 { format!("{value:.3e}") } else { format!("{value:.4}") };
    if text.contains('e') || !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A duration in words: `45 min`, `14 h`, `11 d 23 h`.
#[must_use]
pub(crate) fn duration(ms: f64) -> String {
    let seconds = seconds(ms);
    let minutes = (seconds + 30) / 60;
    match (minutes / 1440, minutes % 1440 / 60, minutes % 60) {
        _ if seconds < 60 => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Whole seconds of a duration in ms; the ends of the range for what is beyond it.
#[must_use]
pub(crate) fn seconds(ms: f64) -> u32 {
    whole(ms / 1000.0)
}

/// The nearest whole number; the ends of the range for what is beyond it.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, which is what is meant")]
pub(crate) fn whole(value: f64) -> u32 {
    value.round() as u32
}

#[cfg(test)]
mod tests {
    use super::super::tests::column;
    use super::*;
    use hvac_frame::column::Kind;
    use proptest::prelude::*;

    /// numpy.quantile([7, 1, 3, 2], [0.5, 0.95]) = [2.5, 6.4]
    #[test]
    fn quantiles_are_those_of_numpy() {
        let q = |q| quantile(&mut [7.0, 1.0, 3.0, 2.0], q).map(|v| (v * 1e9).round() / 1e9);
        assert_eq!((q(0.5), q(0.95), q(0.0), q(1.0)), (Some(2.5), Some(6.4), Some(1.0), Some(7.0)));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn a_column_has_its_own_interval() {
        let minute = 60_000;
        let at: Vec<i64> = (0..12).map(|i| i * 5 * minute).collect();
        let every_third: Vec<f64> = (0..12).map(|i| if i % 3 == 0 { 1.0 } else { f64::NAN }).collect();
        let mut point = column("X", Kind::Instantaneous);
        let seen = own_step_ms(&at, &every_third);
        assert_eq!(interval_ms(&point, seen), Some(15.0 * 60_000.0));
        point.native_interval_s = Some(60);
        assert_eq!(interval_ms(&point, seen), Some(15.0 * 60_000.0), "what is seen");
        point.native_interval_s = Some(3600);
        assert_eq!(interval_ms(&point, seen), Some(3_600_000.0), "what is said");
    }

    proptest! {
        /// The short way to a column's own step is the long one.
        #[test]
        fn steps_of_an_axis_tell_those_of_its_columns(
            steps in proptest::collection::vec(prop_oneof![4 => Just(5_i64), 1 => 1_i64..20], 0..40),
            lost in (0.0..0.3).prop_flat_map(|share| proptest::collection::vec(prop::bool::weighted(share), 41)),
        ) {
            let mut at = vec![0];
            for step in steps { at.push(at.last().copied().unwrap_or(0) + step); }
            let values: Vec<f64> = at.iter().zip(lost).map(|(_, lost)| if lost { f64::NAN } else { 1.0 }).collect();
            let nulls = values.iter().filter(|value| value.is_nan()).count();
            prop_assert_eq!(Steps::new(&at).own_ms(&values, nulls), own_step_ms(&at, &values));
        }
    }

    #[test]
    fn in_words() {
        assert_eq!((number(23.4), number(72.0), number(0.000_12)), ("23.4".into(), "72".into(), "1.200e-4".into()));
        let hours = |h: f64| duration(h * 3_600_000.0);
        assert_eq!((hours(14.0), hours(0.75), hours(286.0)), ("14 h".into(), "45 min".into(), "11 d 22 h".into()));
        let mut point = column("X", Kind::Instantaneous);
        point.trend_definition = Some("COV         15 minutes".to_owned());
        assert!(on_change(&point));
        point.trend_definition = Some("5 minutes".to_owned());
        assert!(!on_change(&point));
    }
}
