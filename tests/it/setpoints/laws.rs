//! What no recommendation may say, told from its own words: each part against the sign that physics gives it.

use hvac_modelling::control::Control;
use hvac_modelling::features::{Feature, FeatureSource};
use hvac_modelling::gbdt::FitOptions;
use hvac_modelling::role::Role;
use hvac_modelling::samples::{Matrix, Samples};
use hvac_modelling::setpoint::{Method, SetpointAnswer, SetpointQuestion, Variable, recommend_with};
use hvac_simulation::rng::Rng;
use proptest::prelude::*;

use super::{progress, range, spread};

/// Everything that an answer says and that cannot be.
pub(crate) fn contradictions(answer: &SetpointAnswer) -> Vec<String> {
    let mut found = Vec::new();
    for one in &answer.recommendations {
        let Some(current) = one.current else { continue };
        let up = one.value - current;
        for (kw, of) in parts(&one.reason) {
            // A machine that turns faster takes more; more air or condenser water relieves the chillers, as warmer
            // chilled water does.
            let wrong = match of.as_str() {
                "chillers" => kw * up > 0.0,
                _ => kw * up < 0.0,
            };
            if wrong {
                found.push(format!("{} {current} → {}: {}", one.parameter, one.value, one.reason));
            }
        }
    }
    let texts = answer.recommendations.iter().map(|one| &one.reason).chain([&answer.message]);
    let sources = answer.assumptions.iter().map(|one| &one.source);
    let nothing = |text: &&String| ["-0 ", "-0.0", "−0.0", "−0 ", "NaN", "inf"].iter().any(|word| text.contains(word));
    found.extend(texts.chain(sources).filter(nothing).cloned());
    if answer.change && answer.constraint_violations.is_empty() && answer.confidence < 0.005 {
        found.push(format!("a change at confidence {}", answer.confidence));
    }
    if let Some((lower, upper)) = answer.lower.zip(answer.upper)
        && upper - lower > answer.predicted_power
    {
        found.push(format!("from {lower} to {upper} kW"));
    }
    found
}

/// The kW of each part of a reason such as `fans 47 → 42 Hz: −6.1 kW of fans against +1.9 kW of chillers at …`.
pub(crate) fn parts(reason: &str) -> Vec<(f64, String)> {
    let words: Vec<&str> = reason.split_whitespace().collect();
    let part = |at: usize| {
        let [value, "kW", "of", ..] = words[at..] else { return None };
        let kw = value.replace('−', "-").parse().unwrap();
        let end = words[at + 3..].iter().position(|word| ["against", "and", "at"].contains(word));
        let of = &words[at + 3..end.map_or(words.len(), |end| at + 3 + end)];
        Some((kw, of.join(" ").trim_end_matches(';').to_owned()))
    };
    (0..words.len()).filter_map(part).collect()
}

#[test]
fn parts_are_read() {
    let reason =
        "condenser pumps 47 → 50 Hz: +2.5 kW of condenser pumps against −3.1 kW of chillers at 22.7 °C wet-bulb";
    assert_eq!(parts(reason), [(2.5, "condenser pumps".to_owned()), (-3.1, "chillers".to_owned())]);
    assert_eq!(parts("fans 47 → 42 Hz: −6.1 kW of fans"), [(-6.1, "fans".to_owned())]);
}

/// How a random operator chose the set-points of a history.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Habit {
    /// By chance: effects can be told apart.
    Chance,
    /// By load and weather, and hardly otherwise: they cannot.
    Weather,
    /// Faster the less something that no meter shows takes: pumps and fans seem to save power.
    Hidden,
    /// Faster on later days, while the plant gets worse: they seem to cost more than they do.
    Season,
}

const NAMES: [(&str, &str, Role); 8] = [
    ("LOAD_RT", "RT", Role::LoadRt),
    ("WBT", "°C", Role::WetBulb),
    ("CH_RUNNING", "", Role::Running),
    ("CHWST", "°C", Role::ChwSupplyTemp),
    ("CHWP_HZ", "Hz", Role::ChwPumpHz),
    ("CWP_HZ", "Hz", Role::CwPumpHz),
    ("CT_HZ", "Hz", Role::CtFanHz),
    ("CWRT", "°C", Role::CwReturnTemp),
];

/// A plant of random machines, run for 600 rows by an operator of such habits; the target is its last column.
fn history(seed: u64, habit: Habit) -> Vec<Vec<f64>> {
    let mut dice = Rng::new(seed, "plant");
    let machines: Vec<f64> = (0..3).map(|_| dice.between(2.0, 45.0)).collect();
    let (hidden_kw, drift_kw) = (dice.between(5.0, 60.0), dice.between(0.0, 60.0));
    let noise = dice.between(0.1, 4.0);
    let step = f64::from(u8::from(dice.between(0.0, 1.0) < 0.5)) + 0.1;
    let mut columns = vec![Vec::new(); NAMES.len() + 1];
    for row in 0..600 {
        let running = 1.0 + f64::from(u8::from(dice.between(0.0, 1.0) < 0.4));
        let (load, wet) = (running * dice.between(100.0, 250.0), dice.between(14.0, 28.0));
        let (hidden, day) = (dice.between(-1.0, 1.0), f64::from(row) / 600.0);
        let mut speed = |low: f64, high: f64| {
            let share = match habit {
                Habit::Chance => dice.between(0.0, 1.0),
                Habit::Weather => 0.5 + (wet - 21.0) / 20.0 + dice.between(-0.03, 0.03),
                Habit::Hidden => 0.5 - 0.35 * hidden + dice.between(-0.1, 0.1),
                Habit::Season => 0.15 + 0.7 * day + dice.between(-0.1, 0.1),
            };
            ((low + (high - low) * share) / step).round() * step
        };
        let (chw, cw, fan, supply) = (speed(34.0, 58.0), speed(36.0, 56.0), speed(33.0, 57.0), speed(6.0, 9.0));
        let condenser = wet + 3.0 + 130.0 / fan + 0.5 * load / running / cw;
        let mut power = load * (0.25 + 0.011 * (condenser - supply)) + 30.0;
        for (kw, hz) in machines.iter().zip([chw, cw, fan]) {
            power += running * kw * (hz / 60.0_f64).powi(3);
        }
        power += hidden_kw * (1.0 + hidden) + drift_kw * day + noise * dice.normal();
        let cells = [load, wet, running, supply, chw, cw, fan, condenser + 0.1 * dice.normal(), power];
        columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
    }
    columns
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever history an operator left, and whether the condenser water is measured or not.
    #[test]
    fn no_part_of_a_recommendation_contradicts_physics(
        seed in any::<u64>(),
        habit in prop::sample::select(vec![Habit::Chance, Habit::Weather, Habit::Hidden, Habit::Season]),
        condenser in any::<bool>(),
        evolution in any::<bool>(),
    ) {
        let columns = history(seed, habit);
        let (kw, known) = columns.split_last().unwrap();
        let width = if condenser { NAMES.len() } else { NAMES.len() - 1 };
        let features: Vec<Feature> = NAMES[..width].iter().zip(known).map(|((name, unit, role), values)| Feature {
            name: (*name).into(),
            source: FeatureSource::Column { column: (*name).into() },
            role: *role,
            unit: Some((*unit).into()),
            range: range(values),
        }).collect();
        let samples =
            Samples { times_ms: Vec::new(), zone: chrono_tz::UTC, interval_ms: 3_600_000, columns: Vec::new() };
        let x = Matrix { columns: known[..width].to_vec() };
        let control = Control::fit(&features, &samples, &x, kw, &FitOptions::default(), &progress).unwrap().unwrap();
        for row in spread(0..600, if evolution { 2 } else { 8 }) {
            let given = features.iter().zip(known).map(|(feature, values)| (feature.name.clone(), values[row]));
            let mut question = SetpointQuestion { conditions: given.collect(), ..SetpointQuestion::default() };
            question.method = if evolution { Method::De } else { Method::Auto };
            question.variables = [("chw_supply_temp", 0.5), ("chw_pump_hz", 2.0), ("cw_pump_hz", 2.0), ("ct_fan_hz", 2.0)]
                .map(|(name, step)| Variable { name: name.into(), step: Some(step), ..Variable::default() })
                .to_vec();
            let answer = recommend_with(&control, &features, &question).unwrap();
            let wrong = contradictions(&answer);
            prop_assert!(wrong.is_empty(), "{habit:?}: {wrong:#?}");
        }
    }
}
