//! Laws of the search, over random models and random limits: what holds for every plant.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::super::features::{FeatureRange, FeatureSource};
use super::super::gbdt::FitOptions;
use super::super::role::{Decider, Role};
use super::super::samples::{Matrix, Samples};
use super::*;

/// Chance for the tests: xorshift64*.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.roll()
    }

    fn chance(&mut self, share: f64) -> bool {
        self.roll() < share
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.roll() * n as f64) as usize).min(n - 1)
    }
}

const CONTROLS: [Role; 5] = [Role::ChwSupplyTemp, Role::ChwPumpHz, Role::ScpPumpHz, Role::CwPumpHz, Role::CtFanHz];

struct Plant {
    features: Vec<Feature>,
    x: Matrix,
    control: Control,
}

/// A plant of random machines and sensors, run at random for 300 rows.
fn plant(dice: &mut Dice) -> Plant {
    let mut roles = vec![Role::LoadRt];
    for (role, share) in [(Role::WetBulb, 0.8), (Role::Running, 0.8), (Role::ChwPumpHz, 0.2), (Role::CtFanHz, 0.2)] {
        if dice.chance(share) {
            roles.push(role);
        }
    }
    let least = dice.below(CONTROLS.len());
    for (index, role) in CONTROLS.into_iter().enumerate() {
        if index == least || dice.chance(0.7) {
            roles.push(role);
        }
    }
    for role in [Role::ChwPressure, Role::ChwReturnTemp, Role::ChwFlow, Role::CwFlow, Role::CwReturnTemp] {
        if dice.chance(0.7) {
            roles.push(role);
        }
    }
    let weights: Vec<f64> = (0..8).map(|_| dice.between(0.0, 40.0)).collect();
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); roles.len()];
    let mut y = Vec::new();
    for _ in 0..300 {
        let running = 1.0 + f64::from(u8::from(dice.chance(0.5)));
        let (load, wet) = (running * dice.between(100.0, 250.0), dice.between(12.0, 28.0));
        let supply = dice.between(6.0, 9.0);
        let speeds: Vec<f64> = (0..4).map(|_| dice.between(32.0, 58.0)).collect();
        let condenser = wet + 4.0 + 120.0 / speeds[3] + 0.4 * load / running / speeds[2];
        let mut power = load * (0.3 + 0.01 * (condenser - supply)) + weights[4];
        for (weight, hz) in weights.iter().zip(&speeds) {
            power += running * weight * (hz / 60.0_f64).powi(3);
        }
        y.push(power + dice.between(-1.0, 1.0) * weights[5] / 10.0);
        for (role, column) in roles.iter().zip(&mut columns) {
            column.push(match role {
                Role::LoadRt => load,
                Role::WetBulb => wet,
                Role::Running => running,
                Role::ChwSupplyTemp => supply,
                Role::ChwPumpHz => speeds[0],
                Role::ScpPumpHz => speeds[1],
                Role::CwPumpHz => speeds[2],
                Role::CtFanHz => speeds[3],
                Role::ChwPressure => 0.1 * speeds[0] * speeds[0],
                Role::ChwReturnTemp => supply + 0.9 * load / running / speeds[0],
                Role::ChwFlow => 80.0 * running * speeds[0],
                Role::CwFlow => 100.0 * running * speeds[2],
                _ => condenser,
            });
        }
    }
    let features: Vec<Feature> = roles
        .iter()
        .enumerate()
        .map(|(index, role)| Feature {
            name: format!("F{index}"),
            source: FeatureSource::Column { column: format!("F{index}") },
            role: *role,
            unit: (role.as_str().ends_with("temp")).then(|| "°C".into()),
            range: range(&columns[index]),
        })
        .collect();
    let x = Matrix { columns };
    let samples = Samples { times_ms: Vec::new(), zone: chrono_tz::UTC, interval_ms: 3_600_000, columns: Vec::new() };
    let progress = |_: f64, _: &str| ControlFlow::Continue(());
    let control = Control::fit(&features, &samples, &x, &y, &FitOptions::default(), &progress).unwrap().unwrap();
    Plant { features, x, control }
}

fn range(values: &[f64]) -> FeatureRange {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    FeatureRange { min: at(0.0), p01: at(0.01), median: at(0.5), p99: at(0.99), max: at(1.0), present: 1.0 }
}

/// Something an operator might ask about a row of history: set-points, own limits, constraints.
fn ask(dice: &mut Dice, plant: &Plant) -> SetpointQuestion {
    let row = dice.below(300);
    let mut question = SetpointQuestion { seed: dice.below(1000) as u64, ..SetpointQuestion::default() };
    for (feature, column) in plant.features.iter().zip(&plant.x.columns) {
        if feature.role.part() != Decider::Response && dice.chance(0.95) {
            question.conditions.insert(feature.name.clone(), column[row]);
        }
    }
    let mut roles: Vec<Role> = plant.control.layout.roles.clone();
    roles.sort_unstable();
    roles.dedup();
    roles.retain(|role| role.part() == Decider::Control);
    for role in &roles {
        if dice.chance(0.8) {
            let speed = *role != Role::ChwSupplyTemp;
            let (low, high) = if speed { (25.0, 65.0) } else { (5.0, 10.0) };
            let own = |dice: &mut Dice, low, high| dice.chance(0.2).then(|| dice.between(low, high));
            question.variables.push(Variable {
                name: role.as_str().into(),
                min: own(dice, low, (low + high) / 2.0),
                max: own(dice, (low + high) / 2.0, high),
                // Few enough for brute force.
                step: Some(if speed { 4.0 } else { 0.5 }),
                max_change: own(dice, 0.0, if speed { 12.0 } else { 1.5 }),
            });
        }
    }
    for feature in &plant.features {
        let may = roles.contains(&feature.role) || plant.control.response(feature.role).is_some();
        if may && dice.chance(0.15) {
            let limit = dice.between(feature.range.min, feature.range.max);
            let below = dice.chance(0.5);
            question.constraints.push(Constraint {
                name: feature.role.as_str().into(),
                min: below.then_some(limit),
                max: (!below).then_some(limit),
            });
        }
    }
    question
}

fn case<'a>(plant: &'a Plant, question: &SetpointQuestion) -> Option<SetpointCase<'a>> {
    let inputs = SetpointInputs::of(&plant.control, &plant.features, question).unwrap();
    let axes = limits::axes(&plant.control, &plant.features, &inputs.row, &inputs.given, &question.variables).unwrap();
    let limits = limits::limits(&plant.control, &plant.features, &question.constraints).unwrap();
    conflict::closed(&axes).ok()?;
    SetpointCase::new(&plant.control, inputs.row, axes, limits)
}

/// Every combination, one by one.
fn brute_force(case: &SetpointCase<'_>) -> Option<f64> {
    let mut all: Vec<Vec<f64>> = vec![Vec::new()];
    for axis in &case.axes {
        all = all
            .iter()
            .flat_map(|values| axis.values.iter().map(|value| [values.as_slice(), &[*value]].concat()))
            .collect();
    }
    let allowed = all.iter().filter_map(|values| {
        let state = case.control.state(&case.row_at(values))?;
        let stays = *values == case.current();
        let allowed = || case.is_supported(&state) && case.objection(values, &state).is_none();
        (case.broken(values, &state) == 0.0 && (stays || allowed())).then(|| case.sure_gain(&state))
    });
    allowed.reduce(f64::max)
}

/// Hard limits, the user's, and constraints, told from the question and the answer alone.
fn keeps_all(plant: &Plant, question: &SetpointQuestion, answer: &SetpointAnswer) -> Result<(), TestCaseError> {
    let value = |name: &str| answer.recommendations.iter().find(|r| r.parameter == name).map(|r| r.value);
    for r in &answer.recommendations {
        if r.parameter != "chw_supply_temp" {
            prop_assert!((30.0 - 1e-9..=60.0 + 1e-9).contains(&r.value), "{r:?}");
        }
        let asked = question.variables.iter().find(|variable| variable.name == r.parameter);
        if let Some(Variable { min, max, max_change, .. }) = asked {
            prop_assert!(min.is_none_or(|min| r.value >= min - 1e-9), "{r:?}");
            prop_assert!(max.is_none_or(|max| r.value <= max + 1e-9), "{r:?}");
            let moved = r.current.map_or(0.0, |current| (r.value - current).abs());
            prop_assert!(max_change.is_none_or(|most| moved <= most + 1e-9), "{r:?}");
        }
    }
    let inputs = SetpointInputs::of(&plant.control, &plant.features, question).unwrap();
    let mut row = inputs.row;
    for (slot, role) in row.iter_mut().zip(&plant.control.layout.roles) {
        *slot = value(role.as_str()).unwrap_or(*slot);
    }
    let state = plant.control.state(&row).unwrap();
    for Constraint { name, min, max } in &question.constraints {
        let foretold = plant.control.responses.iter().find(|response| response.role.as_str() == name);
        let position = plant.control.layout.roles.iter().position(|role| role.as_str() == name);
        let got = foretold.map(|r| r.equation.value(&state)).or(position.map(|p| row[p])).unwrap();
        prop_assert!(min.is_none_or(|min| got >= min - 1e-6), "{name} {got} {min:?}");
        prop_assert!(max.is_none_or(|max| got <= max + 1e-6), "{name} {got} {max:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn never_outside_limits_never_dearer_and_always_the_same(seed in 1_u64..u64::MAX) {
        let mut dice = Dice(seed);
        let plant = plant(&mut dice);
        for _ in 0..2 {
            let mut question = ask(&mut dice, &plant);
            for method in [Method::Auto, Method::De] {
                question.method = method;
                let answer = recommend_with(&plant.control, &plant.features, &question);
                prop_assert_eq!(&answer, &recommend_with(&plant.control, &plant.features, &question));
                match answer {
                    Err(error) => prop_assert_eq!(error.code, "infeasible", "{}", error.message),
                    Ok(answer) if answer.change => {
                        keeps_all(&plant, &question, &answer)?;
                        let broken = !answer.constraint_violations.is_empty();
                        prop_assert!(broken || answer.predicted_power <= answer.baseline_power, "{:?}", answer);
                        prop_assert!((0.0..=1.0).contains(&answer.confidence));
                    }
                    Ok(answer) => {
                        prop_assert_eq!(answer.savings_kw, 0.0);
                        for r in &answer.recommendations {
                            prop_assert!(r.current.is_none_or(|current| current == r.value), "{:?}", r);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_grid_is_exact_and_evolution_never_beats_it_by_breaking_a_limit(seed in 1_u64..u64::MAX) {
        let mut dice = Dice(seed);
        let plant = plant(&mut dice);
        let question = ask(&mut dice, &plant);
        let case = case(&plant, &question);
        let small = |case: &SetpointCase<'_>| case.axes.len() <= grid::MOST_AXES && grid::points(&case.axes) <= 20_000;
        if let Some(case) = case.filter(small) {
            let (found, best) = (grid::search(&case), brute_force(&case));
            match (&found, best) {
                (Some(found), Some(best)) => prop_assert!((found.gain - best).abs() < 1e-6, "{found:?} {best}"),
                (found, best) => prop_assert!(found.is_none() && best.is_none(), "{found:?} {best:?}"),
            }
            if let Some(evolved) = evolution::search(&case, question.seed) {
                let state = case.state_at(&evolved.values);
                prop_assert_eq!(case.broken(&evolved.values, &state), 0.0);
                prop_assert!(evolved.gain <= best.unwrap() + 1e-6, "{evolved:?} {best:?}");
            }
        }
    }
}

/// Or the laws above would be about nothing.
#[test]
fn random_questions_meet_every_kind_of_answer() {
    let (mut changed, mut kept, mut refused, mut mended) = (0, 0, 0, 0);
    for seed in 1..30 {
        let mut dice = Dice(seed * 0x9e37_79b9);
        let plant = plant(&mut dice);
        for _ in 0..4 {
            match recommend_with(&plant.control, &plant.features, &ask(&mut dice, &plant)) {
                Err(_) => refused += 1,
                Ok(answer) if answer.change && !answer.constraint_violations.is_empty() => mended += 1,
                Ok(answer) if answer.change => changed += 1,
                Ok(_) => kept += 1,
            }
        }
    }
    assert!(changed > 10 && kept > 10 && refused > 3 && mended > 3, "{changed} {kept} {refused} {mended}");
}

/// A plant by hand: chillers of 1.2 kW/RT, fans of 30 kW at 60 Hz, and nothing that these do for those.
fn fans_only() -> (Vec<Feature>, Control) {
    let mut dice = Dice(5);
    let (mut loads, mut wets, mut fans, mut y) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..400 {
        let (load, wet, hz) = (dice.between(80.0, 120.0), dice.between(18.0, 22.0), dice.between(35.0, 55.0));
        y.push(1.2 * load + 30.0 * (hz / 60.0_f64).powi(3) + dice.between(-0.5, 0.5));
        loads.push(load);
        wets.push(wet);
        fans.push(hz);
    }
    let feature = |name: &str, role, unit: &str, values: &[f64]| Feature {
        name: name.into(),
        source: FeatureSource::Column { column: name.into() },
        role,
        unit: Some(unit.into()),
        range: range(values),
    };
    let features = vec![
        feature("RT", Role::LoadRt, "RT", &loads),
        feature("WBT", Role::WetBulb, "°C", &wets),
        feature("CT_HZ", Role::CtFanHz, "Hz", &fans),
    ];
    let x = Matrix { columns: vec![loads, wets, fans] };
    let samples = Samples { times_ms: Vec::new(), zone: chrono_tz::UTC, interval_ms: 900_000, columns: Vec::new() };
    let progress = |_: f64, _: &str| ControlFlow::Continue(());
    let control = Control::fit(&features, &samples, &x, &y, &FitOptions::default(), &progress).unwrap().unwrap();
    (features, control)
}

fn at(hz: f64) -> SetpointQuestion {
    let values = [("load_rt", 100.0), ("wet_bulb", 20.0), ("ct_fan_hz", hz)];
    SetpointQuestion {
        conditions: values.map(|(name, value)| (name.into(), value)).into(),
        ..SetpointQuestion::default()
    }
}

/// 30·(50/60)³ = 17.36 kW, 30·(35.5/60)³ = 6.21 kW: towards the least speed seen.
#[test]
fn a_saving_worked_by_hand() {
    let (features, control) = fans_only();
    let answer = recommend_with(&control, &features, &at(50.0)).unwrap();
    let fan = &answer.recommendations[0];
    assert!(answer.change && (35.0..=38.0).contains(&fan.value), "{answer:?}");
    let expected = 17.36 - 30.0 * (fan.value / 60.0_f64).powi(3);
    assert!((answer.savings_kw - expected).abs() < 1.0, "{answer:?}");
    assert!((answer.savings_percent - 100.0 * expected / 137.36).abs() < 1.0, "{answer:?}");
    assert_eq!((fan.parameter.as_str(), fan.current, fan.unit.as_deref()), ("ct_fan_hz", Some(50.0), Some("Hz")));
    assert!(fan.reason.starts_with("fans 50 → 3") && fan.reason.contains("kW of fans"), "{}", fan.reason);
    let (lower, upper) = answer.lower.zip(answer.upper).unwrap();
    assert!(lower < answer.predicted_power && answer.predicted_power < upper);
}

#[test]
fn what_was_never_seen_is_left_alone() {
    let (features, control) = fans_only();
    let mut question = at(50.0);
    question.conditions.insert("load_rt".into(), 300.0);
    let answer = recommend_with(&control, &features, &question).unwrap();
    assert_eq!((answer.change, answer.extrapolating), (false, vec!["RT".to_owned()]));
    // Nobody knows, and no interval pretends to.
    assert_eq!((answer.confidence, answer.lower, answer.upper), (0.0, None, None));
    assert!(answer.message.contains("not known"), "{}", answer.message);
    // Far beyond, power stays that of the most that was seen, which is no more than 1.2·120 + 30 kW.
    question.conditions.insert("load_rt".into(), 1e6);
    let far = recommend_with(&control, &features, &question).unwrap();
    assert!(far.message.contains("nearest") && !far.change, "{far:?}");
    assert!(far.predicted_power > 0.0 && far.predicted_power < 180.0, "{far:?}");
}

#[test]
fn a_gain_within_the_error_is_no_change() {
    let (features, control) = fans_only();
    let mut question = at(40.0);
    question.variables =
        vec![Variable { name: "CT_HZ".into(), max_change: Some(0.02), step: Some(0.01), ..Variable::default() }];
    let answer = recommend_with(&control, &features, &question).unwrap();
    assert!(!answer.change && answer.savings_kw == 0.0, "{answer:?}");
    assert!(!answer.recommendations[0].reason.contains("contradicts"), "{answer:?}");
}

#[test]
fn what_is_missing_is_assumed_and_said() {
    let (features, control) = fans_only();
    let mut question = at(50.0);
    question.conditions.remove("wet_bulb");
    let answer = recommend_with(&control, &features, &question).unwrap();
    assert_eq!(answer.assumptions.len(), 1);
    assert_eq!(answer.assumptions[0].name, "wet_bulb");
    assert!((19.0..21.0).contains(&answer.assumptions[0].value));
}

#[test]
fn unknown_names_and_bad_limits_are_refused_with_the_way_out() {
    let (features, control) = fans_only();
    let refused = |change: &dyn Fn(&mut SetpointQuestion)| {
        let mut question = at(50.0);
        change(&mut question);
        recommend_with(&control, &features, &question).unwrap_err()
    };
    let error = refused(&|q| _ = q.conditions.insert("load_rtt".into(), 1.0));
    assert!(error.code == "wrong_features" && error.message.contains("load_rt"), "{}", error.message);
    let error = refused(&|q| q.variables = vec![Variable { name: "ct_fan".into(), ..Variable::default() }]);
    assert!(error.code == "wrong_features" && error.message.contains("ct_fan_hz"), "{}", error.message);
    let error = refused(&|q| q.variables = vec![Variable { name: "load_rt".into(), ..Variable::default() }]);
    assert_eq!(error.code, "wrong_features");
    let closed = Variable { name: "ct_fan_hz".into(), min: Some(61.0), ..Variable::default() };
    let error = refused(&|q| q.variables = vec![closed.clone()]);
    assert!(error.code == "infeasible" && error.message.contains("30–60 Hz"), "{}", error.message);
    let unknown = Constraint { name: "chw_pressure".into(), min: Some(1.0), max: None };
    let error = refused(&|q| q.constraints = vec![unknown.clone()]);
    assert!(error.code == "wrong_features" && error.message.contains("ct_fan_hz"), "{}", error.message);
}

/// Three constraints of which two conflict: those are named, the third is not.
#[test]
fn a_conflict_names_no_more_than_it_must() {
    let (features, control) = fans_only();
    let mut question = at(50.0);
    question.constraints = vec![
        Constraint { name: "ct_fan_hz".into(), min: Some(31.0), max: None },
        Constraint { name: "ct_fan_hz".into(), min: Some(52.0), max: None },
        Constraint { name: "ct_fan_hz".into(), min: None, max: Some(45.0) },
    ];
    let error = recommend_with(&control, &features, &question).unwrap_err();
    let fields: Vec<&str> = error.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!((error.code, fields), ("infeasible", vec!["constraints[1]", "constraints[2]"]));
}

/// A limit that the present set-points break is kept even though that costs power.
#[test]
fn a_broken_limit_is_mended() {
    let (features, control) = fans_only();
    let mut question = at(40.0);
    question.constraints = vec![Constraint { name: "ct_fan_hz".into(), min: Some(45.0), max: None }];
    let answer = recommend_with(&control, &features, &question).unwrap();
    assert!(answer.change && answer.recommendations[0].value == 45.0, "{answer:?}");
    assert!(answer.savings_kw < 0.0 && answer.constraint_violations.len() == 1, "{answer:?}");
}

/// Fans that seem to save power by turning faster, because they did so on the days when others saved it.
#[test]
fn what_cannot_be_is_not_recommended() {
    let mut dice = Dice(9);
    let (mut loads, mut wets, mut fans, mut y) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..400 {
        let (load, hz) = (dice.between(80.0, 120.0), dice.between(35.0, 55.0));
        y.push(0.6 * load + 80.0 - 60.0 * (hz / 60.0_f64).powi(3));
        loads.push(load);
        wets.push(dice.between(18.0, 22.0));
        fans.push(hz);
    }
    let (mut features, _) = fans_only();
    for (feature, values) in features.iter_mut().zip([&loads, &wets, &fans]) {
        feature.range = range(values);
    }
    let x = Matrix { columns: vec![loads, wets, fans] };
    let samples = Samples { times_ms: Vec::new(), zone: chrono_tz::UTC, interval_ms: 900_000, columns: Vec::new() };
    let progress = |_: f64, _: &str| ControlFlow::Continue(());
    let control = Control::fit(&features, &samples, &x, &y, &FitOptions::default(), &progress).unwrap().unwrap();
    let answer = recommend_with(&control, &features, &at(40.0)).unwrap();
    assert!(!answer.change && answer.recommendations[0].reason.contains("contradicts physics"), "{answer:?}");
}
