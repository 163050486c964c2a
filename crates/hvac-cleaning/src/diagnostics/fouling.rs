//! Fouling: a chiller takes more power than in its own past at like load and lift.
//!
//! | | |
//! |---|---|
//! | formula | kW/RT of the day ÷ kW/RT that its past took at the same loads, lifts and supply temperatures ≥ 1 + `fouling_rise` (0.08), by the day alone and by the median of the last `lasting_days` (7) judged days |
//! | conditions | ln of load share and its square, lift and its square, lift × ln share, chilled-water supply: what DOE-2's and Gordon–Ng's chiller models are functions of; how far the load swings within the hour, for power rises faster than load; where the load is computed from its own ΔT, also 1/ΔT: a sensor that is off by b makes the load wrong by b/ΔT |
//! | past | the better quarter of the days before it under like conditions: mean load within a half, lift within 5 K, supply within 2 K, none of them beyond the limit; `past_days` (7) or more |
//! | judged | means of whole hours, not within an hour after it starts or stops, from `least_load` (0.25) of full load; days with 4 of them. Others may start and stop meanwhile |
//! | or | its power ÷ that of a chiller beside it ≥ 1 + `fouling_rise` against their own past, likewise by the day and by the median: of one that cycles or seldom runs settled. No third chiller says otherwise, the other one has become no better by its own kW/RT, and the plant's own meter kept to the sum of all |
//! | withheld | when another chiller beside it, at the same moment, takes as much as it always did ([`super::beside`]); when the plant's own meter did not rise with its power; when it came from one day to the next; readings that other sensors speak against are left out ([`super::suspects`]). Coverage says so |
//! | source | Comstock & Braun, ASHRAE RP-1043 (1999): 10…40 % of fouled condenser tubes raise power by 1…11 %; a reference model of one's own at like load and temperatures and a threshold on its residual is the method of Reddy, ASHRAE RP-1275 (2006). Gordon & Ng, *Cool Thermodynamics* (2000) |
//!
//! Lift is of the water (condenser water leaving − chilled water leaving), so a warmer tower is no fouling: what is left
//! are the tubes, the charge of refrigerant, the compressor – or a sensor. Power alone cannot tell these apart, and the
//! finding says so. Without a lift nothing is judged: the season would look like fouling.

use std::collections::{BTreeMap, BTreeSet};

use super::beside::{self, Beside, recent};
use super::best_decile::{BASIS, BestDecile, LoadedRow};
use super::finding::{Coverage, EvidenceList, FaultKind, Finding, shown};
use super::limits::DiagnosticLimits;
use super::own_past::{self, JudgedDay, LEAST_SURE, Method, sureness};
use super::plant::{Chiller, LoadSource, Plant, date, full_load, hours, settled};
use super::suspects;
use crate::machines::MachineState;
use crate::within_days::Row;

/// Least hours of a judged day.
const LEAST_HOURS: usize = 4;
/// Share of an hour that must be there.
const LEAST_SHARE: f64 = 0.75;
/// Like days lie this far apart at most: ln of load share (a half), lift (÷ 10, 5 K), chilled-water supply (÷ 10, 2 K) and
/// 1/ΔT; squares and products follow, and what swings within the hour is taken off.
const LIKE: [f64; 8] = [0.45, f64::INFINITY, 0.5, f64::INFINITY, f64::INFINITY, 0.2, 0.15, f64::INFINITY];
/// Confidence is this much less where the load is shared among chillers.
const SHARED: f64 = 0.9;

/// Those rows at which a chiller runs and its power, load and lift are known.
fn loaded_rows(plant: &Plant<'_>, chiller: &Chiller, of: impl Fn(usize) -> bool) -> Vec<LoadedRow> {
    let get = |values: &[f64], row: usize| values.get(row).copied().unwrap_or(f64::NAN);
    let is_known = |row: &usize| {
        chiller.running.get(*row) == Some(&MachineState::On)
            && get(&chiller.power_kw, *row) > 0.0
            && get(&chiller.load_rt, *row) > 0.0
            && !get(&chiller.lift_k, *row).is_nan()
    };
    let known: Vec<usize> = (0..plant.at_ms.len()).filter(|row| of(*row) && is_known(row)).collect();
    let Some(full_rt) = full_load(known.iter().map(|row| get(&chiller.load_rt, *row))) else { return Vec::new() };
    let hours = hours(plant.at_ms, &known);
    let loaded = |(row, hours): (&usize, f64)| {
        let load_rt = get(&chiller.load_rt, *row);
        Some(LoadedRow {
            day: plant.clock.get(*row)?.day,
            row: *row,
            hours,
            power_kw: get(&chiller.power_kw, *row),
            load_rt,
            share: load_rt / full_rt,
            lift_k: get(&chiller.lift_k, *row),
        })
    };
    known.iter().zip(hours).filter_map(loaded).collect()
}

/// A chiller's hours against its own past.
struct OwnPast {
    all: Vec<LoadedRow>,
    days: Vec<JudgedDay>,
    scatter: f64,
}

/// What is found of each chiller.
pub(super) fn judge(plant: &Plant<'_>, limits: &DiagnosticLimits) -> Vec<(Vec<Finding>, Coverage)> {
    let method = Method {
        tolerance: LIKE,
        least_rows: LEAST_HOURS,
        past_days: limits.past_days as usize,
        lasting_days: limits.lasting_days as usize,
        bad: 1.0,
        limit: limits.fouling_rise.ln_1p(),
        both_ways: false,
    };
    let own_past = |chiller: &Chiller| {
        let settled = settled(plant.at_ms, &chiller.running);
        let all = loaded_rows(plant, chiller, |row| settled.get(row) == Some(&true));
        let judged = own_past::judged_days(&hourly(plant, chiller, &all, limits.least_load), &method);
        let (days, scatter) = judged.unwrap_or_default();
        OwnPast { all, days, scatter }
    };
    let pasts: Vec<OwnPast> = plant.chillers.iter().map(own_past).collect();
    let one = |(chiller, past)| judge_one(plant, chiller, past, &pasts, limits);
    plant.chillers.iter().zip(&pasts).map(one).collect()
}

fn judge_one(
    plant: &Plant<'_>,
    chiller: &Chiller,
    past: &OwnPast,
    pasts: &[OwnPast],
    limits: &DiagnosticLimits,
) -> (Vec<Finding>, Coverage) {
    let coverage = |days: usize, found: usize, notes: Vec<String>| Coverage {
        kind: FaultKind::Fouling,
        machine: chiller.name.clone(),
        days_judged: u32::try_from(days).unwrap_or(u32::MAX),
        days_found: u32::try_from(found).unwrap_or(u32::MAX),
        note: notes.into_iter().filter(|note| !note.is_empty()).collect::<Vec<_>>().join("; "),
    };
    if let Some(missing) = &chiller.missing {
        return (Vec::new(), coverage(0, 0, vec![missing.clone()]));
    }
    let suspects = suspects::in_words(&plant.suspects, &chiller.columns);
    let lasting_days = limits.lasting_days as usize;
    let beside = beside::beside(plant, chiller, limits);
    if past.days.is_empty() && beside.is_empty() {
        let why = format!(
            "no day with whole hours of running, known power, load and lift has {} days of like load, lift and supply \
             before it",
            limits.past_days
        );
        return (Vec::new(), coverage(0, 0, vec![why, suspects]));
    }
    let limit = limits.fouling_rise.ln_1p();
    let best = BestDecile::of(&past.all, limits.like_rows);
    let by_total = beside::by_total(plant, chiller, limits);
    let (mut findings, mut withheld, mut misread, mut at_once) = (Vec::new(), 0_usize, 0_usize, 0_usize);
    let (mut seen, mut running) = (BTreeSet::new(), None);
    for (at, day) in past.days.iter().enumerate().filter(|(_, day)| day.worse >= limit) {
        let sure = sureness(day.lasting - limit, past.scatter, (lasting_days, day.like_days));
        if sure < LEAST_SURE {
            continue;
        }
        // The days that make what lasts: it is as of these that others are asked.
        let since = past.days.get(at.saturating_sub(lasting_days.saturating_sub(1))).map_or(day.day, |first| first.day);
        // Its load is measured too small, when beside another one it takes what it always took – unless that one has
        // become as much worse, by a load of its own.
        let denies = |beside: &&Beside| {
            let also = pasts.get(beside.other).and_then(|other| recent(&other.days, day.day));
            let also = chiller.load_source == LoadSource::Own && also.is_some_and(|worse| worse >= limit / 2.0);
            beside.over(since, day.day).is_some_and(|over| over < limit / 2.0) && !also
        };
        if beside.iter().any(|beside| denies(&beside)) {
            withheld += 1;
            continue;
        }
        if own_past::came_at_once(&past.days, at) {
            at_once += 1;
            continue;
        }
        // The plant's own meter did not see what the chiller's did.
        if recent(&by_total, day.day).is_some_and(|fall| fall >= day.lasting / 2.0) {
            misread += 1;
            continue;
        }
        let rows: Vec<&LoadedRow> =
            past.all.iter().filter(|row| row.day == day.day && row.share >= limits.least_load).collect();
        seen.insert(day.day);
        let beside = beside.iter().filter_map(|beside| beside.over(since, day.day)).reduce(f64::min);
        let sure = if chiller.load_source == LoadSource::Shared { SHARED * sure } else { sure };
        findings.extend(finding(plant, chiller, day, beside, &rows, &best, sure));
    }
    let by_beside = found_beside(&beside, pasts, &by_total, limits);
    for (day, sure) in by_beside.into_iter().filter(|(day, _)| !seen.contains(&day.day)) {
        let running = running.get_or_insert_with(|| loaded_rows(plant, chiller, |_| true));
        let rows: Vec<&LoadedRow> = running.iter().filter(|row| row.day == day.day).collect();
        findings.extend(finding(plant, chiller, &day, Some(day.lasting), &rows, &best, sure));
    }
    let source = match chiller.load_source {
        LoadSource::Own => "by its own load",
        LoadSource::Shared => "its load is the plant's, shared equally among the chillers that run",
    };
    let held_back = |days: usize, why: &str| match days {
        0 => String::new(),
        days => format!("{days} days with a rise are withheld: {why}"),
    };
    let withheld = held_back(
        withheld,
        "beside another chiller it takes the power it always took, so its load is measured too small",
    );
    let misread =
        held_back(misread, "the plant's own meter did not rise with its power, so that is measured too large");
    let at_once = held_back(at_once, "it came from one day to the next, as a meter's error does and fouling does not");
    let found = findings.len();
    let judged = past.days.iter().chain(beside.iter().flat_map(|beside| &beside.days)).map(|judged| judged.day);
    let judged = judged.collect::<BTreeSet<i32>>().len();
    (findings, coverage(judged, found, vec![source.to_owned(), withheld, misread, at_once, suspects]))
}

/// The days on which it takes more beside another chiller than it did, and how sure that is: little by little, with no third one
/// that says otherwise, while the plant's own meter saw neither of both meters err and the other one has not become better
/// by a load of its own.
fn found_beside(
    beside: &[Beside],
    pasts: &[OwnPast],
    by_total: &[JudgedDay],
    limits: &DiagnosticLimits,
) -> Vec<(JudgedDay, f64)> {
    let limit = limits.fouling_rise.ln_1p();
    let mut found: BTreeMap<i32, (JudgedDay, f64)> = BTreeMap::new();
    for one in beside {
        for (at, day) in one.days.iter().enumerate().filter(|(_, day)| day.worse >= limit) {
            let sure = sureness(day.lasting - limit, one.scatter, (limits.lasting_days as usize, day.like_days));
            let meters_agree = recent(by_total, day.day).is_some_and(|fall| fall.abs() < day.lasting / 2.0);
            let said = |days: &[JudgedDay], least: f64| recent(days, day.day).is_none_or(|worse| worse >= least);
            let no_other_denies = beside.iter().all(|other| said(&other.days, limit / 2.0));
            let is_no_better = pasts.get(one.other).is_none_or(|other| said(&other.days, -limit / 2.0));
            let is_found = sure >= LEAST_SURE && meters_agree && no_other_denies && is_no_better;
            if is_found && !own_past::came_at_once(&one.days, at) {
                found.entry(day.day).or_insert((*day, sure));
            }
        }
    }
    found.into_values().collect()
}

/// Means of whole hours: noise of single samples would look like a law between load and kW/RT.
fn hourly(plant: &Plant<'_>, chiller: &Chiller, rows: &[LoadedRow], least_load: f64) -> Vec<Row<8>> {
    let get = |values: &[f64], row: usize| values.get(row).copied().unwrap_or(f64::NAN);
    let mut by_hour: BTreeMap<(i32, u32), Vec<&LoadedRow>> = BTreeMap::new();
    for row in rows {
        let hour = plant.clock.get(row.row).map(|time| time.half_hour / 2).unwrap_or_default();
        by_hour.entry((row.day, hour)).or_default().push(row);
    }
    let conditions = |((day, _), rows): ((i32, u32), Vec<&LoadedRow>)| {
        let hours: f64 = rows.iter().map(|row| row.hours).sum();
        let mean = |of: &dyn Fn(&LoadedRow) -> f64| rows.iter().map(|row| of(row) * row.hours).sum::<f64>() / hours;
        let share = mean(&|row| row.share);
        if hours < LEAST_SHARE || share < least_load {
            return None;
        }
        let (lift, supply_c) = (mean(&|row| row.lift_k) / 10.0, mean(&|row| get(&chiller.chws_c, row.row)));
        let per_delta = match chiller.load_delta_k.is_empty() {
            true => 0.0,
            false => 1.0 / mean(&|row| get(&chiller.load_delta_k, row.row)),
        };
        let load = share.ln();
        let mean_rt = mean(&|row| row.load_rt);
        let swing = mean(&|row| (row.load_rt / mean_rt - 1.0).powi(2));
        let x = [load, load * load, lift, lift * lift, lift * load, supply_c / 10.0, per_delta, swing];
        let y = (mean(&|row| row.power_kw) / mean_rt).ln();
        (y.is_finite() && x.iter().all(|x| x.is_finite())).then_some(Row { day, y, x })
    };
    by_hour.into_iter().filter_map(conditions).collect()
}

fn finding(
    plant: &Plant<'_>,
    chiller: &Chiller,
    day: &JudgedDay,
    beside: Option<f64>,
    rows: &[&LoadedRow],
    best: &BestDecile,
    sure: f64,
) -> Option<Finding> {
    let hours: f64 = rows.iter().map(|row| row.hours).sum();
    let mean = |of: fn(&LoadedRow) -> f64| rows.iter().map(|row| of(row) * row.hours).sum::<f64>() / hours;
    let mut evidence = EvidenceList::default();
    let own = mean(|row| row.power_kw) / mean(|row| row.load_rt);
    let own = evidence.add("kw_per_rt", own, 3, "kW/RT");
    let expected = evidence.add("kw_per_rt_of_its_past", own / day.worse.exp(), 3, "kW/RT");
    let rise = evidence.add("rise", 100.0 * (own / expected - 1.0), 1, "%");
    evidence.add("like_days_before", day.like_days as f64, 0, "d");
    let lasting = evidence.add("rise_of_the_last_days", 100.0 * day.lasting.exp_m1(), 1, "%");
    if let Some(beside) = beside {
        evidence.add("rise_beside_another", 100.0 * beside.exp_m1(), 1, "%");
    }
    let load = evidence.add("mean_load", mean(|row| row.load_rt), 1, "RT");
    let lift = evidence.add("mean_lift", mean(|row| row.lift_k), 1, "K");
    let energy_wasted_kwh = best.wasted_kwh(rows.iter().copied(), &mut evidence);
    let (first, last) = (rows.first()?, rows.last()?);
    Some(Finding {
        kind: FaultKind::Fouling,
        machine: chiller.name.clone(),
        day: date(day.day),
        start_at_ms: *plant.at_ms.get(first.row)?,
        end_at_ms: *plant.at_ms.get(last.row)?,
        rows: rows.len() as u64,
        columns: chiller.columns.clone(),
        detail: format!(
            "{} took {} kW/RT at a mean load of {} RT and a lift of {} K, where it took {} in its own past: {} % more \
             ({} % over the last judged days); like fouled tubes, a low charge or a worn compressor, or a drifted \
             sensor of load, power or temperature",
            chiller.name,
            shown(own),
            shown(load),
            shown(lift),
            shown(expected),
            shown(rise),
            shown(lasting)
        ),
        evidence: evidence.0,
        energy_wasted_kwh,
        energy_basis: match energy_wasted_kwh {
            Some(_) => BASIS.to_owned(),
            None => "not known: too few rows of like load and lift".to_owned(),
        },
        confidence: super::finding::rounded(sure, 2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(worse: impl Fn(i32) -> f64) -> Vec<JudgedDay> {
        let one = |day| JudgedDay { day, worse: worse(day), lasting: worse(day - 3), like_days: 20 };
        (0..40).map(one).collect()
    }

    /// 15 % more power within a fortnight from day 10 on are ln 1.15 = 0.140 and pass ln 1.08 = 0.077 on day 17.7; the median
    /// of seven days is three days late. The plant's meter kept to the sum of all meters.
    #[test]
    fn a_ratio_that_rises_little_by_little_is_found_unless_somebody_denies_it() {
        let grows = |day: i32| (0.15 * f64::from(day - 10).clamp(0.0, 14.0) / 14.0).ln_1p();
        let still = |_: i32| 0.0;
        let of = |other: usize, days: Vec<JudgedDay>| Beside { other, days, scatter: 0.003 };
        let past = |days: Vec<JudgedDay>| OwnPast { all: Vec::new(), days, scatter: 0.02 };
        let found = |beside: &[Beside], pasts: &[OwnPast], total: &[JudgedDay]| -> Option<i32> {
            let found = found_beside(beside, pasts, total, &DiagnosticLimits::default());
            found.first().map(|(day, _)| day.day)
        };
        let beside = [of(1, days(grows))];
        let pasts = || [past(Vec::new()), past(days(still))];
        assert_eq!(found(&beside, &pasts(), &days(still)), Some(21));
        assert_eq!(found(&beside, &pasts(), &[]), None, "no meter of the plant");
        assert_eq!(found(&beside, &pasts(), &days(grows)), None, "its own meter reads too much");
        assert_eq!(found(&beside, &pasts(), &days(|day| -grows(day))), None, "the other one's reads too little");
        assert_eq!(found(&beside, &[past(Vec::new()), past(days(|day| -grows(day)))], &days(still)), None, "cleaned");
        assert_eq!(found(&[of(1, days(grows)), of(2, days(still))], &pasts(), &days(still)), None, "a third denies it");
        let at_once = |day: i32| if day < 20 { 0.0 } else { 0.14 };
        assert_eq!(found(&[of(1, days(at_once))], &pasts(), &days(still)), None);
    }
}
