//! Diagnostics on simulated plants whose faults are known: sizes, weather, noise, units and names differ.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use hvac_cleaning::diagnostics;
use hvac_simulation::faults::FaultList;
use hvac_simulation::scenario::Stretch;

use self::harness::{EQUIPMENT, Score, run, score};

#[path = "diagnostics/harness.rs"]
mod harness;

const PLANTS: [&str; 3] = ["hospital", "office", "campus"];

fn season(days: u32, step_minutes: u32) -> Stretch {
    Stretch { days, step_minutes, ..Stretch::default() }
}

#[test]
fn a_faultless_year_has_no_finding() {
    for plant in PLANTS {
        let (_, diagnosis) = run(plant, 601, season(365, 30), &FaultList::default());
        assert!(diagnosis.findings.is_empty(), "{plant}: {:?}", diagnosis.findings);
        let judged = diagnosis.coverage.iter().filter(|covered| covered.days_judged > 100).count();
        assert!(judged >= 5, "{plant}: {:?}", diagnosis.coverage);
    }
}

#[test]
fn what_is_found_is_so() {
    let (mut all, mut wrong) = (Score::default(), Vec::new());
    for plant in PLANTS {
        let list = FaultList { random: 5, kinds: EQUIPMENT.to_vec(), ..FaultList::default() };
        let stretch = season(100, 10);
        let (record, diagnosis) = run(plant, 602, stretch, &list);
        let (scores, of_plant) = score(&diagnosis, &record.truth, &stretch);
        scores.into_values().for_each(|score| all.add(score));
        wrong.extend(of_plant);
        for finding in &diagnosis.findings {
            let number = |name: &str| finding.evidence.iter().find(|e| e.name == name).map(|e| e.value);
            if let (Some(used), Some(best), Some(wasted)) =
                (number("energy_used"), number("energy_at_best_decile"), finding.energy_wasted_kwh)
            {
                assert!(((used - best).max(0.0) - wasted).abs() < 0.051, "{finding:?}");
            }
            assert!((0.0..=1.0).contains(&finding.confidence), "{finding:?}");
        }
    }
    assert!(all.precision() >= 0.9, "{all:?}\n{}", wrong.join("\n"));
    assert!(all.faults_found * 2 >= all.faults, "{all:?}");
}

/// The table of `docs/FINDINGS.md`: `cargo test -p hvac-cleaning --test diagnostics -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes; prints the table"]
fn by_hand_table() {
    println!("| plants with | kind | faults | found | machine-days found | of these right | precision |");
    println!("|---|---|---|---|---|---|---|");
    for (with, together) in [("one fault each", false), ("one of every kind together", true)] {
        let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
        for (plant, seed) in PLANTS.into_iter().flat_map(|plant| (901..905).map(move |seed| (plant, seed))) {
            let list = |kinds: &[_], random| FaultList { random, kinds: kinds.to_vec(), ..FaultList::default() };
            let lists: Vec<FaultList> = if together {
                vec![list(&EQUIPMENT, 5)]
            } else {
                EQUIPMENT.iter().map(|kind| list(&[*kind], 1)).collect()
            };
            for list in lists {
                let stretch = season(120, 10);
                let (record, diagnosis) = run(plant, seed, stretch, &list);
                let (own, _) = score(&diagnosis, &record.truth, &stretch);
                own.into_iter().for_each(|(kind, score)| scores.entry(kind).or_default().add(score));
            }
        }
        for (kind, s) in scores {
            let precision = s.precision();
            println!(
                "| {with} | `{kind}` | {} | {} | {} | {} | {precision:.3} |",
                s.faults, s.faults_found, s.found, s.right
            );
        }
    }
    let years = PLANTS.into_iter().flat_map(|plant| (901..903).map(move |seed| (plant, seed)));
    let found: usize =
        years.map(|(plant, seed)| run(plant, seed, season(365, 15), &FaultList::default()).1.findings.len()).sum();
    println!("| none: 6 faultless years | all | 0 | – | {found} | 0 | – |");
}
