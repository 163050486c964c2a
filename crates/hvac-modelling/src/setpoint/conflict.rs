//! Which limits cannot be kept together: the fewest that a user must look at.

use super::super::{ModelError, Problem};
use super::guard::SetpointCase;
use super::limits::{Axis, Limit, SPEED_HZ, matters, steps};

/// Most combinations that are tried for one question whether limits can be kept.
const MOST_TRIED: usize = 200_000;

/// Variables whose own limits leave nothing.
///
/// # Errors
/// `infeasible`, naming each.
pub(crate) fn closed(axes: &[Axis]) -> Result<(), ModelError> {
    let problems = axes.iter().enumerate().filter(|(_, axis)| !axis.is_open()).map(|(index, axis)| {
        let (low, high) = (axis.low, axis.high);
        let message = format!(
            "{} has no value left: its limits ask for at least {low} and at most {high}{}",
            axis.name,
            because(axis)
        );
        Problem { field: format!("variables[{index}]"), message }
    });
    ModelError::of("infeasible", problems.collect()).map_or(Ok(()), Err)
}

fn because(axis: &Axis) -> String {
    let mut causes = Vec::new();
    if axis.is_speed() {
        causes.push(format!("speeds stay within {}–{} Hz", SPEED_HZ.0, SPEED_HZ.1));
    }
    if let Some(change) = axis.asked.max_change {
        causes.push(format!("it may change by {change} from {}", axis.current));
    }
    if causes.is_empty() { String::new() } else { format!(" ({})", causes.join("; ")) }
}

/// Whether the limits can be kept together at all, by any setting, seen before or not.
///
/// # Errors
/// `infeasible`, naming a set of constraints and variables that conflict and none of which can be left out of it.
pub(crate) fn check(case: &SetpointCase<'_>) -> Result<(), ModelError> {
    if case.limits.is_empty() || case.broken_now().is_empty() {
        return Ok(());
    }
    let mut kept = HeldConstraints { limits: vec![true; case.limits.len()], axes: vec![true; case.axes.len()] };
    if kept.is_possible(case) {
        return Ok(());
    }
    // What can be left out with the rest still impossible has no part in the conflict.
    for index in 0..kept.axes.len() {
        kept.try_without(case, |kept| kept.axes.get_mut(index));
    }
    for index in 0..kept.limits.len() {
        kept.try_without(case, |kept| kept.limits.get_mut(index));
    }
    Err(kept.error(case))
}

/// Which limits, and which variables' own limits, are asked to hold.
#[derive(Clone)]
struct HeldConstraints {
    limits: Vec<bool>,
    axes: Vec<bool>,
}

impl HeldConstraints {
    fn try_without(&mut self, case: &SetpointCase<'_>, pick: impl Fn(&mut Self) -> Option<&mut bool>) {
        if let Some(kept) = pick(self) {
            *kept = false;
        }
        if self.is_possible(case)
            && let Some(kept) = pick(self)
        {
            *kept = true;
        }
    }

    /// Whether some setting keeps all that is asked; by every combination of steps of the axes that matter, thinned
    /// evenly when there are too many.
    fn is_possible(&self, case: &SetpointCase<'_>) -> bool {
        let limits: Vec<&Limit> =
            case.limits.iter().zip(&self.limits).filter(|(_, kept)| **kept).map(|(limit, _)| limit).collect();
        let mut choices: Vec<(usize, Vec<f64>)> = Vec::new();
        for (index, (axis, kept)) in case.axes.iter().zip(&self.axes).enumerate() {
            let values = if *kept { steps(axis.low, axis.high, axis.step) } else { free(case, axis) };
            if limits.iter().any(|limit| matters(case.control, axis, limit)) {
                choices.push((index, values));
            }
        }
        thin(&mut choices);
        let mut values = case.current();
        try_all(&choices, &mut values, &mut |values| {
            let (row, state) = (case.row_at(values), case.state_at(values));
            limits.iter().all(|limit| {
                let value = limit.value(case.control, &row, &state);
                value.is_some_and(|value| limit.broken_by(value, limit.margin) == 0.0)
            })
        })
    }

    fn error(&self, case: &SetpointCase<'_>) -> ModelError {
        let mut problems: Vec<Problem> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (index, (limit, kept)) in case.limits.iter().zip(&self.limits).enumerate() {
            if *kept {
                names.push(limit.text());
                let message = format!("{} cannot be kept", limit.text());
                problems.push(Problem { field: format!("constraints[{index}]"), message });
            }
        }
        for (index, (axis, kept)) in case.axes.iter().zip(&self.axes).enumerate() {
            if *kept {
                let text = format!("{} ≤ {} ≤ {}", axis.low, axis.name, axis.high);
                let message = format!("{text}{} is in the way", because(axis));
                names.push(text);
                problems.push(Problem { field: format!("variables[{index}]"), message });
            }
        }
        let message = match names.as_slice() {
            [one] => format!("no setting keeps {one} under these conditions; relax it, or let more variables change"),
            many => format!("no setting keeps these together: {}; relax one of them", many.join(", ")),
        };
        ModelError { code: "infeasible", message, problems }
    }
}

/// Values without the user's own limits.
fn free(case: &SetpointCase<'_>, axis: &Axis) -> Vec<f64> {
    let seen = axis.quantity.and_then(|quantity| case.control.support.range(quantity));
    let (low, high) = if axis.is_speed() { SPEED_HZ } else { seen.unwrap_or((axis.low, axis.high)) };
    steps(low.min(axis.low), high.max(axis.high), axis.step)
}

fn thin(choices: &mut [(usize, Vec<f64>)]) {
    let count = |choices: &[(usize, Vec<f64>)]| {
        choices.iter().fold(1_usize, |product, (_, values)| product.saturating_mul(values.len()))
    };
    while count(choices) > MOST_TRIED {
        let Some((_, longest)) = choices.iter_mut().max_by_key(|(_, values)| values.len()) else { return };
        let last = longest.last().copied();
        *longest = longest.iter().step_by(2).copied().collect();
        if longest.last().copied() != last {
            longest.extend(last);
        }
        if longest.len() < 4 {
            return;
        }
    }
}

fn try_all(choices: &[(usize, Vec<f64>)], values: &mut [f64], keeps: &mut impl FnMut(&[f64]) -> bool) -> bool {
    let Some(((index, options), rest)) = choices.split_first() else { return keeps(values) };
    options.iter().any(|option| {
        if let Some(slot) = values.get_mut(*index) {
            *slot = *option;
        }
        try_all(rest, values, keeps)
    })
}
