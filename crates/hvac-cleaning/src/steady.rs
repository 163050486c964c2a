//! Steady state: rows at which the load moves (HVAC.md §4).
//!
//! Over a window of *time* that ends at the row (15 minutes, both ends included), (max − min) / mean of the
//! load is at most `steady_spread` (0.05). A row is judged only when its window is complete: two rows or more
//! and no gap. Rows without a complete window, and rows without a load, are kept. So dropping rows takes their
//! neighbours out of judgement instead of into another one, and what is left is judged the same again.

use super::sampling::GAP_FACTOR;

/// What is said of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowVerdict {
    /// Cannot be judged.
    Unjudged,
    /// Within the limit.
    Within,
    /// Beyond it; the measure, such as 0.12 for 12 %.
    Beyond(f64),
}

/// Clocks that are early by this share of an interval count as on time.
const JITTER: f64 = 0.05;

/// A verdict a row. `load` has NaN where there is none; its unit does not matter.
#[must_use]
pub fn steady(at_ms: &[i64], load: &[f64], interval_ms: f64, window_ms: f64, spread: f64) -> Vec<RowVerdict> {
    let present: Vec<(i64, f64)> =
        at_ms.iter().zip(load).filter(|(_, load)| !load.is_nan()).map(|(at, load)| (*at, *load)).collect();
    let mut verdicts = Vec::with_capacity(at_ms.len());
    let (mut first, mut row) = (0, 0);
    for (at, value) in at_ms.iter().zip(load) {
        if value.is_nan() {
            verdicts.push(RowVerdict::Unjudged);
            continue;
        }
        let start = *at as f64 - window_ms;
        while present.get(first).is_some_and(|(at, _)| (*at as f64) < start - JITTER * interval_ms) {
            first += 1;
        }
        row += 1;
        let window = present.get(first..row).unwrap_or_default();
        verdicts.push(judge(window, start, interval_ms, spread));
    }
    verdicts
}

fn judge(window: &[(i64, f64)], start: f64, interval_ms: f64, spread: f64) -> RowVerdict {
    let [(first, _), _, ..] = window else { return RowVerdict::Unjudged };
    let whole = *first as f64 - start < (1.0 - JITTER) * interval_ms;
    let mut pairs = window.iter().zip(window.iter().skip(1));
    if !whole || pairs.any(|((a, _), (b, _))| (b - a) as f64 > GAP_FACTOR * interval_ms) {
        return RowVerdict::Unjudged;
    }
    let loads = || window.iter().map(|(_, load)| *load);
    let mean = loads().sum::<f64>() / window.len() as f64;
    let (least, most) = (loads().fold(f64::INFINITY, f64::min), loads().fold(f64::NEG_INFINITY, f64::max));
    let moved = (most - least) / mean;
    // Without a load there is no operation to be steady.
    if mean <= 0.0 {
        RowVerdict::Unjudged
    } else if moved > spread {
        RowVerdict::Beyond(moved)
    } else {
        RowVerdict::Within
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn verdicts(minutes: &[i64], load: &[f64], interval_min: f64) -> String {
        let at: Vec<i64> = minutes.iter().map(|m| m * 60_000).collect();
        let letter = |v: &RowVerdict| match v {
            RowVerdict::Unjudged => '-',
            RowVerdict::Within => 'o',
            RowVerdict::Beyond(_) => 'X',
        };
        steady(&at, load, interval_min * 60_000.0, 900_000.0, 0.05).iter().map(letter).collect()
    }

    /// Windows of four rows at 5 minutes. 0:15: (102 − 100)/101.2 = 2.0 %. 0:20: (107 − 101)/103.0 = 5.8 %.
    /// 0:25: (107 − 101.9)/104.0 = 4.9 %. Then 200 for good: 0:30 to 0:40 see both levels, 0:45 only the new one.
    #[test]
    fn hand_worked_rows() {
        let load = [100., 101., 102., 101.9, 107., 105., 200., 200., 200., 200.];
        let minutes: Vec<i64> = (0..10).map(|i| i * 5).collect();
        assert_eq!(verdicts(&minutes, &load, 5.0), "---oXoXXXo");
        let moved = steady(&[0, 600_000], &[100.0, 110.0], 600_000.0, 900_000.0, 0.05);
        assert!(matches!(moved[1], RowVerdict::Beyond(m) if (m - 10.0 / 105.0).abs() < 1e-12), "{moved:?}");
    }

    #[test]
    fn it_is_a_window_of_time() {
        // 10-minute rows: two of them; 15-minute rows: two of them; hourly rows: the window holds one.
        assert_eq!(verdicts(&[0, 10, 20, 30], &[100., 104., 110., 110.], 10.0), "-oXo");
        assert_eq!(verdicts(&[0, 15, 30], &[100., 104., 110.], 15.0), "-oX");
        assert_eq!(verdicts(&[0, 60, 120], &[100., 100., 100.], 60.0), "---");
    }

    #[test]
    fn gaps_idle_plants_and_missing_loads_are_not_judged() {
        assert_eq!(verdicts(&[0, 5, 10, 15, 30, 35, 40, 45], &[100.; 8], 5.0), "---o---o");
        assert_eq!(verdicts(&[0, 10, 20], &[0.; 3], 10.0), "---");
        assert_eq!(verdicts(&[0, 10, 20, 30], &[100., f64::NAN, 100., 100.], 10.0), "---o");
        assert_eq!(verdicts(&[0, 10], &[100., 100.], 10.01), "-o", "a clock that is early by a second");
    }
}
