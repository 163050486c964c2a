//! Equipment logic: rows at which machines contradict each other.
//!
//! - Water flows while every chilled-water pump is known to stand. It flows above `standing_flow` (5 %) of its
//!   usual (median) flow: a meter's zero is never quite 0.
//! - A chiller runs while every cooling tower is known to stand.
//!
//! What cannot be told is no contradiction. The first test's yardstick is the data's own median, so a cleaned
//! set is not judged by it a second time.

use super::machines::MachineState;
use super::sampling::median;

/// The least flow that counts as flowing: a share of the median of all flows above 0.
#[must_use]
pub(crate) fn flowing(flow: &[f64], share: f64) -> Option<f64> {
    let mut positive: Vec<f64> = flow.iter().copied().filter(|flow| *flow > 0.0).collect();
    median(&mut positive).map(|median| median * share)
}

/// Whether every machine is known to stand, row by row: [`MachineState::Off`] then, [`MachineState::On`] when one runs.
#[must_use]
pub(crate) fn all_stand(machines: &[Vec<MachineState>], rows: usize) -> Vec<MachineState> {
    let mut all = vec![if machines.is_empty() { MachineState::Unknown } else { MachineState::Off }; rows];
    for machine in machines {
        for (state, one) in all.iter_mut().zip(machine) {
            *state = match (*state, *one) {
                (MachineState::On, _) | (_, MachineState::On) => MachineState::On,
                (MachineState::Unknown, _) | (_, MachineState::Unknown) => MachineState::Unknown,
                _ => MachineState::Off,
            };
        }
    }
    all
}

/// Rows with flow while all pumps stand.
pub(crate) fn flow_without_pump<'a>(
    flow: &'a [f64],
    pumps: &'a [MachineState],
    least: f64,
) -> impl Iterator<Item = bool> + 'a {
    flow.iter().zip(pumps).map(move |(flow, pumps)| *flow > least && *pumps == MachineState::Off)
}

/// Rows with a running chiller while all towers stand.
pub(crate) fn chiller_without_tower<'a>(
    chillers: &'a [MachineState],
    towers: &'a [MachineState],
) -> impl Iterator<Item = bool> + 'a {
    chillers.iter().zip(towers).map(|(chillers, towers)| *chillers == MachineState::On && *towers == MachineState::Off)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::MachineState::{Off, On, Unknown};
    use super::*;

    #[test]
    fn all_stand_only_when_each_is_known_to() {
        let all = all_stand(&[vec![Off, On, Off, Unknown], vec![Off, Off, Unknown, On]], 4);
        assert_eq!(all, [Off, On, Unknown, On]);
        assert_eq!(all_stand(&[], 1), [Unknown]);
    }

    /// Median of 1000, 980, 1020, 400, 30 is 980; 5 % of it is 49.
    #[test]
    fn water_that_flows_by_itself() {
        let flow = [1000.0, 980.0, 1020.0, 400.0, 30.0, 0.0, f64::NAN];
        let least = flowing(&flow, 0.05).unwrap();
        assert!((least - 49.0).abs() < 1e-9, "{least}");
        let pumps = [On, Unknown, On, Off, Off, Off, Off];
        let hits: Vec<bool> = flow_without_pump(&flow, &pumps, least).collect();
        assert_eq!(hits, [false, false, false, true, false, false, false]);
        assert_eq!(flowing(&[0.0], 0.05), None);
    }

    #[test]
    fn a_chiller_needs_a_tower() {
        let hits: Vec<bool> = chiller_without_tower(&[On, On, Off, On], &[Off, On, Off, Unknown]).collect();
        assert_eq!(hits, [true, false, false, false]);
    }
}
