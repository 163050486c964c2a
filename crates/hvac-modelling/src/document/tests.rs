#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::options::{Choice, TrainOptions};
use crate::setpoint::{SetpointQuestion, Variable, recommend};
use crate::train::tests::{go, mapping, plant};

/// One file of each version of the format that was ever written, oldest first: a new version does not compile without
/// its own. Written once, by the program that began the version; never to be written again.
const GOLDEN: [&str; FORMAT_VERSION as usize] = [include_str!("../../tests/fixtures/model-v1.json")];
const FIXTURE: &str = GOLDEN[0];

fn small(algorithm: Choice) -> ModelDocument {
    let fit = FitOptions { budget: 0.1, ..FitOptions::default() };
    go(&plant(14, 0.04), &mapping(), &TrainOptions { algorithm, fit, ..TrainOptions::default() }).unwrap()
}

static HYBRID: LazyLock<ModelDocument> = LazyLock::new(|| small(Choice::Hybrid));

fn given(values: &[(&str, f64)]) -> GivenRow {
    GivenRow { values: values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(), time_ms: None }
}

/// Noon of Monday, 1 July 2024 in Taipei.
fn noon(values: &[(&str, f64)]) -> GivenRow {
    GivenRow { time_ms: Some(1_719_806_400_000), ..given(values) }
}

const USUAL: [(&str, f64); 4] = [("RT", 320.0), ("WBT", 24.0), ("CHP_HZ", 45.0), ("CT_HZ", 45.0)];

fn refused(json: &str) -> String {
    let error = ModelDocument::from_json(json.as_bytes()).unwrap_err();
    assert_eq!(error.code, "unreadable_model");
    error.message
}

#[test]
fn every_version_that_was_ever_written_is_read_and_says_which_it_is() {
    for (version, file) in (1..).zip(GOLDEN) {
        assert_eq!(ModelDocument::from_json(file.as_bytes()).unwrap().format_version, version);
    }
}

/// [`HYBRID`] as the first version of the format wrote it.
#[test]
fn a_model_of_format_1_is_read_and_predicts_what_it_did() {
    let document = ModelDocument::from_json(FIXTURE.as_bytes()).unwrap();
    let rows = [noon(&USUAL), given(&[("load_rt", 420.0), ("CT_HZ", 36.5)])];
    let found: Vec<[f64; 3]> =
        document.predict(&rows).unwrap().iter().map(|p| [p.predicted_power, p.lower, p.upper]).collect();
    assert_eq!(
        found,
        [
            [198.4111298683971, 189.64593438281858, 207.1763253539756],
            [257.98916908494095, 246.5919984640621, 269.3863397058198]
        ]
    );
}

#[test]
fn what_is_written_is_read_bit_for_bit() {
    for algorithm in [Choice::Gbdt, Choice::Physics, Choice::Hybrid] {
        let mut document = small(algorithm);
        document.features[0].range.p01 = 0.1 + 0.2;
        document.interval_half_width = f64::MIN_POSITIVE;
        let bytes = document.to_json().unwrap();
        let again = ModelDocument::from_json(&bytes).unwrap();
        assert_eq!(again, document);
        assert_eq!(again.to_json().unwrap(), bytes);
    }
}

#[test]
fn a_number_that_is_none_is_not_written() {
    let mut document = HYBRID.clone();
    document.interval_half_width = f64::NAN;
    assert_eq!(document.to_json().unwrap_err().code, "internal");
    let mut document = HYBRID.clone();
    document.metrics.time_ordered.mape = Some(f64::INFINITY);
    assert_eq!(document.to_json().unwrap_err().code, "internal");
}

#[test]
fn other_files_are_refused_with_the_reason() {
    let newer = FIXTURE.replacen("\"format_version\":1", "\"format_version\":2", 1);
    assert_eq!(
        refused(&newer),
        "The model file is of format 2; this program reads formats up to 1. Use the program that wrote it, or a newer \
         one."
    );
    assert!(refused(r#"{"format_version":0}"#).contains("format 0"));
    for other in ["", "{}", "[]", "null", "\u{80}\u{4}pickle", &FIXTURE[..FIXTURE.len() / 2]] {
        assert!(refused(other).starts_with("The file is not a model, or is damaged"), "{other:?}");
    }
    let renamed = FIXTURE.replacen("\"name\":\"RT\"", "\"name\":\"KW\"", 1);
    assert!(refused(&renamed).contains("hash"), "{}", refused(&renamed));
}

/// Each place of the fixture that could lead a walk astray, made to.
#[test]
fn a_damaged_tree_or_term_is_refused() {
    let damaged = |change: &dyn Fn(&mut Value)| {
        let mut json: Value = serde_json::from_str(FIXTURE).unwrap();
        change(&mut json);
        refused(&json.to_string())
    };
    let tree = |json: &mut Value, list: &str, node: usize, value: Value| {
        json["fitted"]["trees"]["trees"][0][list][node] = value;
    };
    for list in ["left", "right", "missing"] {
        // to itself: a walk without end; beyond the last
        for child in [0, 999] {
            let says = damaged(&|json| tree(json, list, 0, child.into()));
            assert!(says.starts_with("Tree 0 of the model is damaged"), "{says}");
        }
    }
    for feature in [-2, 99] {
        assert!(damaged(&|json| tree(json, "feature", 0, feature.into())).starts_with("Tree 0"));
    }
    let shorter = |json: &mut Value| {
        json["fitted"]["trees"]["trees"][0]["value"].as_array_mut().unwrap().pop();
    };
    assert!(damaged(&shorter).starts_with("Tree 0"));
    let physics = |json: &mut Value, place: &str, value: Value| *json.pointer_mut(place).unwrap() = value;
    for (place, value) in [
        ("/fitted/physics/terms/1/factors/0/0", 99),
        ("/fitted/physics/terms/1/factors/0/1", i32::MAX),
        ("/fitted/physics/quantities/0/least", -1),
        ("/fitted/physics/quantities/0/measure/sum/0", 99),
    ] {
        assert!(damaged(&|json| physics(json, place, value.into())).contains("equations"), "{place}");
    }
    assert!(damaged(&|json| json["lineage"]["timezone"] = "Mars".into()).contains("'Mars'"));
    assert!(damaged(&|json| json["interval_half_width"] = (-1.0).into()).contains("interval"));
}

/// Every number of a JSON document, by its place.
fn numbers(json: &Value, place: &str, found: &mut Vec<String>) {
    match json {
        Value::Number(_) => found.push(place.to_owned()),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, item)| numbers(item, &format!("{place}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, item)| numbers(item, &format!("{place}/{key}"), found));
        }
        _ => {}
    }
}

static PLACES: LazyLock<(Value, Vec<String>)> = LazyLock::new(|| {
    let json: Value = serde_json::from_str(FIXTURE).unwrap();
    let mut places = Vec::new();
    numbers(&json, "", &mut places);
    (json, places)
});

proptest! {
    /// A file that was edited by hand is refused, or can be asked: no panic, no walk without end.
    #[test]
    fn no_edited_number_does_harm(
        place in any::<prop::sample::Index>(),
        value in prop_oneof![
            (-3_i64..100).prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e300..1e300).prop_map(Value::from),
            Just(Value::Null)
        ],
    ) {
        let (json, places) = &*PLACES;
        let mut json = json.clone();
        *json.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        if let Ok(document) = ModelDocument::from_json(json.to_string().as_bytes()) {
            document.predict(&[noon(&USUAL), given(&[("RT", -1e300)])]).ok();
            let _ = document.scoring_table();
        }
    }

    #[test]
    fn no_bytes_do_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = FIXTURE.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(document) = ModelDocument::from_json(&bytes) {
            document.predict(&[noon(&USUAL)]).ok();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Nor does it in what set-points are judged by.
    #[test]
    fn no_edited_number_of_the_control_part_does_harm(
        place in any::<prop::sample::Index>(),
        value in prop_oneof![(-3_i64..100).prop_map(Value::from), (-1e300..1e300).prop_map(Value::from)],
    ) {
        let (json, places) = &*PLACES;
        let places: Vec<&String> = places.iter().filter(|place| place.starts_with("/control/")).collect();
        let mut json = json.clone();
        *json.pointer_mut(places[place.index(places.len())]).unwrap() = value;
        if let Ok(document) = ModelDocument::from_json(json.to_string().as_bytes()) {
            let of = |names: &[(&str, f64)]| names.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            let fan = Variable { name: "ct_fan_hz".into(), step: Some(5.0), ..Variable::default() };
            let question = SetpointQuestion {
                conditions: of(&USUAL[..2]),
                current: of(&USUAL[2..]),
                variables: vec![fan],
                ..SetpointQuestion::default()
            };
            recommend(&document, &question).ok();
        }
    }
}

#[test]
fn a_row_is_answered_with_an_interval_and_what_was_not_given() {
    let document = &*HYBRID;
    let [whole, part] = &document.predict(&[noon(&USUAL), given(&[("load_rt", 320.0)])]).unwrap()[..] else { panic!() };
    assert_eq!((whole.extrapolating.len(), whole.missing.len()), (0, 0), "{whole:?}");
    let half = document.half_width(whole.predicted_power);
    assert!(half > 0.0 && (whole.upper - whole.lower - 2.0 * half).abs() < 1e-9);
    assert_eq!(part.missing, ["CHP_HZ", "CT_HZ", "WBT", "hour", "weekday"]);
    assert!((whole.predicted_power / part.predicted_power - 1.0).abs() < 0.2);
}

#[test]
fn beyond_what_was_seen_the_interval_widens_with_the_distance() {
    let document = &*HYBRID;
    let load = document.features.iter().find(|feature| feature.name == "RT").unwrap().range;
    let width = load.max - load.min;
    let at = |rt: f64| {
        let mut row = USUAL;
        row[0].1 = rt;
        document.predict(&[noon(&row)]).unwrap().remove(0)
    };
    let times = |prediction: &Prediction| {
        (prediction.upper - prediction.predicted_power) / document.half_width(prediction.predicted_power)
    };
    assert!((times(&at(load.max)) - 1.0).abs() < 1e-9 && at(load.max).extrapolating.is_empty());
    // half a range beyond: 1 + ½ × 4
    let beyond = at(load.max + width / 2.0);
    assert_eq!(beyond.extrapolating, ["RT"]);
    assert!((times(&beyond) - 3.0).abs() < 1e-9, "{beyond:?}");
    assert!((times(&at(load.min - width)) - 5.0).abs() < 1e-9);
    let wild = at(1e300);
    assert!(wild.predicted_power.is_finite() && wild.lower.is_finite() && wild.upper.is_finite(), "{wild:?}");
}

/// What [`check`] refuses in a file, were it in a model all the same.
#[test]
fn a_broken_model_gives_no_number() {
    let broken = |edit: fn(&mut ModelDocument)| {
        let mut document = ModelDocument::from_json(FIXTURE.as_bytes()).unwrap();
        edit(&mut document);
        document.predict(&[noon(&USUAL)]).unwrap_err().code
    };
    assert_eq!(broken(|document| document.lineage.timezone = "Asia/Taipeh".to_owned()), "internal");
    assert_eq!(
        broken(|document| match &mut document.fitted {
            FittedModel::Gbdt { trees } | FittedModel::Hybrid { trees, .. } => trees.trees[0].value.clear(),
            FittedModel::Physics { physics } => physics.typical.clear(),
        }),
        "internal"
    );
}

#[test]
fn a_row_of_another_model_is_refused() {
    let document = &*HYBRID;
    let error = document.predict(&[noon(&USUAL), given(&[("RT", 300.0), ("CHP_HZZ", 1.0)])]).unwrap_err();
    assert_eq!((error.code, error.problems[0].field.as_str()), ("wrong_features", "rows[1].CHP_HZZ"));
    assert!(error.message.contains("did you mean CHP_HZ"), "{}", error.message);
    // the fans' speed alone says nothing of power
    let error = document.predict(&[noon(&[("CHP_HZ", 45.0)])]).unwrap_err();
    assert_eq!((error.code, error.problems[0].field.as_str()), ("wrong_features", "rows[0]"));
    assert!(error.message.contains("mainly goes by (RT"), "{}", error.message);
    assert!(document.predict(&[given(&[("RT", f64::NAN)])]).is_err());
    assert_eq!(document.predict(&[]).unwrap(), []);
}

/// Scores a table as its description says, knowing nothing of the model.
fn score(table: &str, row: &BTreeMap<&str, f64>) -> f64 {
    let mut lines = csv::Reader::from_reader(table.as_bytes());
    let lines: Vec<Vec<String>> =
        lines.records().map(|line| line.unwrap().iter().map(str::to_owned).collect()).collect();
    let number = |cell: &str| cell.parse::<f64>().unwrap();
    let (mut typical, mut quantities, mut sum) = (BTreeMap::new(), Vec::new(), 0.0);
    let mut trees: BTreeMap<usize, Vec<&Vec<String>>> = BTreeMap::new();
    for line in &lines {
        match line[0].as_str() {
            "typical" => {
                typical.insert(line[3].clone(), number(&line[8]));
            }
            "quantity" => {
                let (how, names) = line[3].strip_suffix(')').unwrap().split_once('(').unwrap();
                let values = names.split(';').map(|name| row.get(name).copied().unwrap_or_else(|| typical[name]));
                let total: f64 = values.clone().sum();
                let value = if how == "mean" { total / values.count() as f64 } else { total };
                assert_ne!(how, "heat");
                quantities.push((value, number(&line[4])));
            }
            "term" => {
                let factor = |factor: &str| {
                    let (name, power) = factor.split_once('^').unwrap();
                    let (value, least): (f64, f64) = quantities[name[1..].parse::<usize>().unwrap()];
                    let power: i32 = power.parse().unwrap();
                    if power < 0 { value.max(least).powi(power) } else { value.powi(power) }
                };
                let factors = line[3].split('*').filter(|part| !part.is_empty());
                sum += number(&line[8]) * factors.map(factor).product::<f64>();
            }
            "base" => sum += number(&line[8]),
            "node" => trees.entry(line[1].parse().unwrap()).or_default().push(line),
            other => panic!("{other}"),
        }
    }
    for nodes in trees.values() {
        let mut node = 0;
        while nodes[node][8].is_empty() {
            let below = row.get(nodes[node][3].as_str()).map(|value| (*value as f32) < number(&nodes[node][4]) as f32);
            let next = match below {
                None => &nodes[node][7],
                Some(true) => &nodes[node][5],
                Some(false) => &nodes[node][6],
            };
            node = next.parse().unwrap();
        }
        sum += number(&nodes[node][8]);
    }
    sum
}

#[test]
fn the_scoring_table_says_what_the_model_says() {
    for algorithm in [Choice::Gbdt, Choice::Physics, Choice::Hybrid] {
        let document = small(algorithm);
        let table = document.scoring_table();
        for rt in [150.0, 250.0, 333.3, 420.0] {
            let mut row: BTreeMap<&str, f64> = USUAL.into_iter().collect();
            row.insert("RT", rt);
            row.remove("WBT");
            let pairs: Vec<(&str, f64)> = row.iter().map(|(name, value)| (*name, *value)).collect();
            let wanted = document.predict(&[given(&pairs)]).unwrap()[0].predicted_power;
            let found = score(&table, &row);
            assert!((found - wanted).abs() < 1e-9 * wanted.abs(), "{algorithm:?}: {found} is not {wanted}");
        }
    }
}
