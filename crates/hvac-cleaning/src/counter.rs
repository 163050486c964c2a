//! Registers: consumption from readings that only grow – but for resets, rollovers and misreadings.
//!
//! Growth is what a reading stands above the one before. It is possible up to 10 times the rate that 95 % of
//! the register's own steps keep (known after 20 steps). When it is not, or a reading falls:
//!
//! | what | told by | growth |
//! |---|---|---|
//! | spike | the reading after it continues from the one before it, at a possible rate | none; it is left out |
//! | rollover | it falls from just below a power of 10 or 2, and going on from there is possible | M − before + after |
//! | reset | any other fall: it starts again | what it shows since, if that is possible |
//! | jump | it rises by more than is possible and stays | unknown |
//!
//! Growth across more than 1.5 of its intervals belongs to no single one: it is reported, not shared out.
//!
//! What falls freely is no register, whatever it is called: at more than a tenth of its changes to no near-zero value,
//! or at more than a fifth to near 0 ([`falls_freely`]; two real meters of interval energy fell at 29–47 % of their
//! readings). No reset is made of that: nothing is derived, and a warning says which kind fits.

use super::sampling::{GAP_FACTOR, quantile};

/// Steps that are needed to know a register.
const LEAST_STEPS: usize = 20;
/// How much faster than usual a register may grow.
const POSSIBLE: f64 = 10.0;
/// A register rolls over from above this share of its size.
const NEARLY_FULL: f64 = 0.9;

/// Something that happened to a register.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Incident {
    /// Time of the reading, UTC ms.
    pub(crate) at_ms: i64,
    /// What.
    pub(crate) what: IncidentKind,
    /// The reading before, and this one.
    pub(crate) readings: (f64, f64),
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum IncidentKind {
    /// Left out.
    Spike,
    /// Went over this many.
    Rollover(f64),
    /// Started again.
    Reset,
    /// Rose by more than possible, and stayed.
    Jump,
}

/// A register's growth.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Growth {
    /// At each row, what it grew since the reading before; NaN without.
    pub(crate) rows: Vec<f64>,
    /// Sum of the rows.
    pub(crate) total: f64,
    /// Growth across gaps, which is in no row.
    pub(crate) across_gaps: f64,
    /// In order of rows.
    pub(crate) incidents: Vec<Incident>,
}

/// Growth of a register at each of its rows (NaN without a reading). `interval_ms` is its own.
#[must_use]
pub(crate) fn growth(at_ms: &[i64], values: &[f64], interval_ms: f64) -> Growth {
    let readings: Vec<(usize, i64, f64)> = (at_ms.iter().zip(values).enumerate())
        .filter(|(_, (_, value))| !value.is_nan())
        .map(|(row, (at, value))| (row, *at, *value))
        .collect();
    let limit = possible_rate(&readings);
    let mut growth = Growth { rows: vec![f64::NAN; at_ms.len()], ..Growth::default() };
    let mut before: Option<(i64, f64)> = None;
    for (position, (row, at, value)) in readings.iter().copied().enumerate() {
        let Some((since, last)) = before else {
            before = Some((at, value));
            continue;
        };
        let fits = |amount: f64, until: i64| amount >= 0.0 && amount <= limit * (until - since) as f64;
        let step = value - last;
        let mut incident = |what| growth.incidents.push(Incident { at_ms: at, what, readings: (last, value) });
        let grown = if fits(step, at) {
            step
        } else if readings
            .get(position + 1)
            .is_some_and(|(_, next_at, next)| fits(next - last, *next_at) && step != 0.0)
        {
            incident(IncidentKind::Spike);
            continue;
        } else if step > 0.0 {
            incident(IncidentKind::Jump);
            f64::NAN
        } else if let Some((size, grown)) = rollover(last, value).filter(|(_, grown)| fits(*grown, at)) {
            incident(IncidentKind::Rollover(size));
            grown
        } else {
            incident(IncidentKind::Reset);
            if fits(value, at) { value } else { f64::NAN }
        };
        before = Some((at, value));
        if grown.is_nan() {
            continue;
        }
        if (at - since) as f64 > GAP_FACTOR * interval_ms {
            growth.across_gaps += grown;
        } else if let Some(cell) = growth.rows.get_mut(row) {
            *cell = grown;
            growth.total += grown;
        }
    }
    growth
}

/// How often a column's values fall, of how many steps, when no register falls so often; none otherwise, and while
/// there are fewer than [`LEAST_STEPS`] changes.
#[must_use]
pub(crate) fn falls_freely(values: &[f64]) -> Option<(u64, u64)> {
    let (mut last, mut steps, mut rises, mut falls, mut to_nothing) = (f64::NAN, 0, 0, 0, 0);
    for value in values.iter().copied().filter(|value| !value.is_nan()) {
        steps += u64::from(!last.is_nan());
        rises += u64::from(value > last);
        falls += u64::from(value < last);
        to_nothing += u64::from(value < last && value >= 0.0 && value < 0.1 * last);
        last = value;
    }
    let (changes, others) = (rises + falls, falls - to_nothing);
    let freely = others * 10 > changes || to_nothing * 5 > changes;
    (changes >= LEAST_STEPS as u64 && freely).then_some((falls, steps))
}

/// The highest possible rate, units a ms; infinite while the register is not known.
fn possible_rate(readings: &[(usize, i64, f64)]) -> f64 {
    let steps = readings.iter().zip(readings.iter().skip(1));
    let mut rates: Vec<f64> = steps.filter(|(a, b)| b.2 > a.2).map(|(a, b)| (b.2 - a.2) / (b.1 - a.1) as f64).collect();
    if rates.len() < LEAST_STEPS {
        return f64::INFINITY;
    }
    quantile(&mut rates, 0.95).map_or(f64::INFINITY, |rate| rate * POSSIBLE)
}

/// The register's size and its growth, when `last` is just below a power of 10 or 2 and `value` is small.
fn rollover(last: f64, value: f64) -> Option<(f64, f64)> {
    let tens = (3..=12).map(|power| 10_f64.powi(power));
    let twos = (14..=40).map(|power| 2_f64.powi(power));
    let mut sizes: Vec<f64> = tens.chain(twos).filter(|size| last <= *size && last >= NEARLY_FULL * size).collect();
    sizes.sort_by(f64::total_cmp);
    let size = *sizes.first()?;
    (value >= 0.0 && value < size - NEARLY_FULL * size).then_some((size, size - last + value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use super::*;

    const HOUR: i64 = 3_600_000;

    /// 30 readings that grow by 10 an hour up to `last`, then `tail` hour by hour.
    fn register(last: f64, tail: &[f64]) -> Growth {
        let mut values: Vec<f64> = (0..30).map(|i| last - 10.0 * f64::from(29 - i)).collect();
        values.extend(tail);
        let at: Vec<i64> = (0..).take(values.len()).map(|i| i * HOUR).collect();
        growth(&at, &values, HOUR as f64)
    }

    fn tail(growth: &Growth) -> Vec<Option<f64>> {
        growth.rows[30..].iter().map(|v| (!v.is_nan()).then_some(*v)).collect()
    }

    fn whats(growth: &Growth) -> Vec<(usize, IncidentKind)> {
        growth.incidents.iter().map(|i| (usize::try_from(i.at_ms / HOUR).unwrap(), i.what)).collect()
    }

    /// Usual rate 10/h, possible 100/h. 29 steps of 10 make 290.
    #[test]
    fn hand_worked_incidents() {
        let plain = register(5000.0, &[5012.0, 5012.0]);
        assert_eq!((plain.total, tail(&plain)), (302.0, vec![Some(12.0), Some(0.0)]));
        assert!(plain.incidents.is_empty() && plain.rows[0].is_nan());

        let reset = register(5000.0, &[4.0, 14.0]);
        assert_eq!((tail(&reset), whats(&reset)), (vec![Some(4.0), Some(10.0)], vec![(30, IncidentKind::Reset)]));

        // 99 996 + 7 over 100 000 is 3: it grew by 7.
        let rollover = register(99_996.0, &[3.0, 13.0]);
        assert_eq!(tail(&rollover), [Some(7.0), Some(10.0)]);
        assert_eq!(whats(&rollover), [(30, IncidentKind::Rollover(100_000.0))]);
        let binary = register(65_530.0, &[4.0]);
        assert_eq!((tail(&binary), whats(&binary)), (vec![Some(10.0)], vec![(30, IncidentKind::Rollover(65_536.0))]));

        // 99 000 is near 100 000, but 1 005 in an hour is more than 100: a reset.
        assert_eq!(whats(&register(99_000.0, &[5.0, 15.0])), [(30, IncidentKind::Reset)]);

        // Up and back, and down and back: the readings are left out, and 20 in two hours go to the second.
        let spike = register(5000.0, &[90_000.0, 5020.0]);
        assert_eq!((tail(&spike), whats(&spike)), (vec![None, None], vec![(30, IncidentKind::Spike)]));
        assert_eq!(spike.across_gaps, 20.0);
        assert_eq!(whats(&register(5000.0, &[0.0, 5020.0])), [(30, IncidentKind::Spike)]);

        let jump = register(5000.0, &[90_000.0, 90_010.0]);
        assert_eq!((tail(&jump), whats(&jump)), (vec![None, Some(10.0)], vec![(30, IncidentKind::Jump)]));
    }

    #[test]
    fn growth_across_a_gap_belongs_to_no_interval() {
        let at = [0, HOUR, 4 * HOUR, 5 * HOUR];
        let grown = growth(&at, &[100.0, 110.0, 140.0, 150.0], HOUR as f64);
        assert_eq!((grown.total, grown.across_gaps), (20.0, 30.0));
        assert!(grown.rows[2].is_nan());
    }

    #[test]
    fn what_falls_freely_is_no_register() {
        let amounts: Vec<f64> = (0..100).map(|i| f64::from(i * 7 % 10)).collect();
        // 0 7 4 1 8 5 2 9 6 3 again and again: it falls 7 times in 10 steps, twice of that to less than a tenth never.
        assert_eq!(falls_freely(&amounts), Some((69, 99)));
        let register: Vec<f64> = (0..100).map(|i| f64::from(i % 24) * 3.0).collect();
        assert_eq!(falls_freely(&register), None, "a day's own register starts again at each midnight");
        assert_eq!(falls_freely(&amounts[..20]), None, "19 steps are too few");
    }
}
