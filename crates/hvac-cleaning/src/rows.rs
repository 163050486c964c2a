//! The row rules on the resampled axis, and what they drop.
//!
//! Rules judge the same rows, whatever the others find. A row that is hit is dropped when that was asked; bins
//! without a sample stay, unless nothing else is left.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::CleanError;
use super::affinity::{self, AffinityFit};
use super::derive;
use super::equipment;
use super::heat_balance;
use super::judge::{EventSpan, RowMark, push_events, spans};
use super::machines::{self, MachineState, Running, Sign};
use super::needs::too_coarse;
use super::report::{Balance, Hits, PumpUse, RowCounts, Rule};
use super::roles::Role;
use super::sampling::{number, own_step_ms};
use super::steady::{self, RowVerdict};
use super::work::OngoingCleaning;
use hvac_points::MachineKind;

/// The row rules, in order.
pub(super) const ROW_RULES: [Rule; 4] = [Rule::SteadyState, Rule::HeatBalance, Rule::Affinity, Rule::Equipment];

/// What the row rules found.
#[derive(Default)]
pub(super) struct RowFindings {
    /// For each rule whether it hit a row.
    pub(super) hits: BTreeMap<Rule, Vec<bool>>,
    /// Rows that it judged.
    pub(super) judged: BTreeMap<Rule, u64>,
    pub(super) pumps: Vec<PumpUse>,
    pub(super) heat_balance: Option<Balance>,
    pub(super) plant_balance: Option<Balance>,
    /// Columns whose own statistics judged rows.
    pub(super) yardsticks: Vec<(Rule, usize)>,
}

impl OngoingCleaning<'_> {
    /// Judges the rows.
    pub(super) fn judge_rows(&mut self) -> Result<RowFindings, CleanError> {
        let mut found = RowFindings::default();
        self.steady_state(&mut found)?;
        self.heat_balance(&mut found);
        self.affinity(&mut found);
        self.equipment(&mut found);
        Ok(found)
    }

    fn asked(&self, rule: Rule) -> bool {
        self.plan.runs(rule) && !self.stopped.contains_key(&rule)
    }

    /// The load for judging whether it moves: measured in any unit, else by flow.
    fn moving_load(&self) -> Option<(Vec<f64>, Option<usize>)> {
        let Some(chosen) = self.plan.roles.get(&Role::Load) else {
            return derive::by_flow(&self.inputs()).map(|(values, _)| (values, None));
        };
        let mut columns = chosen.columns.iter();
        let mut sum = self.values(*columns.next()?).to_vec();
        for index in columns {
            sum.iter_mut().zip(self.values(*index)).for_each(|(sum, value)| *sum += value);
        }
        Some((sum, chosen.columns.first().copied()))
    }

    fn steady_state(&mut self, found: &mut RowFindings) -> Result<(), CleanError> {
        if !self.asked(Rule::SteadyState) {
            return Ok(());
        }
        let Some((load, column)) = self.moving_load() else {
            self.stop(Rule::SteadyState, "there is no load".to_owned());
            return Ok(());
        };
        let said = column.and_then(|index| self.metas.get(index)?.cleaned.as_ref()?.interval_s);
        let said = said.map(|seconds| f64::from(seconds) * 1000.0);
        let Some(interval_ms) = said.or_else(|| own_step_ms(&self.at_ms, &load)) else {
            found.judged.insert(Rule::SteadyState, 0);
            return Ok(());
        };
        let t = &self.plan.parameters.thresholds;
        let window_ms = f64::from(t.steady_window_min) * 60_000.0;
        if interval_ms * 0.95 > window_ms {
            let problem = too_coarse((interval_ms / 6000.0).round() / 10.0, t.steady_window_min);
            if !self.plan.parameters.lenient {
                return Err(CleanError::of(vec![problem]).unwrap_or_else(|| super::internal("no problem")));
            }
            self.stop(Rule::SteadyState, problem.message);
            return Ok(());
        }
        let verdicts = steady::steady(&self.at_ms, &load, interval_ms, window_ms, t.steady_spread);
        let minutes = t.steady_window_min;
        self.keep_verdicts(found, Rule::SteadyState, None, &verdicts, |span| {
            format!("the load moved by up to {} % of its mean within {minutes} min", percent(span.max))
        });
        Ok(())
    }

    fn heat_balance(&mut self, found: &mut RowFindings) {
        if !self.asked(Rule::HeatBalance) {
            return;
        }
        let inputs = self.inputs();
        let t = self.plan.parameters.thresholds.clone();
        if let (Some((by_flow, _)), Some((load, _))) = (derive::by_flow(&inputs), inputs.get(&Role::Load)) {
            self.one_side(found, &by_flow, load, inputs.get(&Role::Flow).map_or(&[][..], |(values, _)| values));
        }
        found.plant_balance = plant_balance(&inputs, t.plant_balance, t.plant_balance_share);
    }

    /// The load that the water carries (RT, from `flow_lpm`) against the measured one.
    fn one_side(&mut self, found: &mut RowFindings, by_flow: &[f64], load: &[f64], flow_lpm: &[f64]) {
        let t = self.plan.parameters.thresholds.clone();
        let column = self.plan.roles.get(&Role::Flow).and_then(|chosen| chosen.columns.first().copied());
        let meta = column.and_then(|index| self.metas.get(index));
        if meta.is_some_and(|meta| self.plan.judged_before(Rule::HeatBalance, meta)) {
            self.stop(Rule::HeatBalance, "an earlier cleaning has judged it by the same limits".to_owned());
            return;
        }
        let rows = || flow_lpm.iter().zip(by_flow).zip(load).map(|((flow, carried), load)| (*flow, *carried, *load));
        let noise_k = heat_balance::noise_k(rows(), t.heat_balance_min_rt);
        let test = heat_balance::OneSide {
            limit: t.heat_balance,
            least_rt: t.heat_balance_min_rt,
            delta_t_k: t.delta_t_accuracy_k,
            noise_k: noise_k.unwrap_or(0.0),
        };
        let verdicts: Vec<RowVerdict> = rows().map(|(flow, carried, load)| test.judge(flow, carried, load)).collect();
        let error = |((_, carried, load), verdict): ((f64, f64, f64), &RowVerdict)| match verdict {
            RowVerdict::Unjudged => (f64::NAN, false),
            verdict => ((carried - load) / load, *verdict == RowVerdict::Within),
        };
        let balance = heat_balance::balance(rows().zip(&verdicts).map(error), t.heat_balance, None);
        found.heat_balance = Some(Balance { noise_k, ..balance });
        if noise_k.is_some() {
            found.yardsticks.extend(column.map(|index| (Rule::HeatBalance, index)));
        }
        let noise = noise_k.map_or(String::new(), |noise_k| {
            format!(", beyond the ±{} K of ΔT that the two scatter", number((100.0 * noise_k).round() / 100.0))
        });
        self.keep_verdicts(found, Rule::HeatBalance, None, &verdicts, |span| {
            format!("flow × ΔT is up to {} % off the measured load{noise}", signed_percent(span.worst()))
        });
    }

    fn affinity(&mut self, found: &mut RowFindings) {
        if !self.asked(Rule::Affinity) {
            return;
        }
        let t = self.plan.parameters.thresholds.clone();
        found.judged.insert(Rule::Affinity, 0);
        for (place, pump) in self.plan.pumps.iter().enumerate() {
            let (Some(speed), Some(power)) = (self.metas.get(pump.speed), self.metas.get(pump.power)) else { continue };
            let before = self.plan.judged_before(Rule::Affinity, power);
            let (speed_name, power_name) = (speed.name.clone(), power.name.clone());
            let mut speed = self.values(pump.speed).to_vec();
            for (speed, _) in speed.iter_mut().zip(self.ran.get(place).into_iter().flatten()).filter(|(_, ran)| !**ran)
            {
                *speed = f64::NAN;
            }
            let fit = affinity::fit(&speed, &self.power_kw(pump.power), t.affinity, t.running_speed, t.running_kw);
            let why_not = match (fit.median, before) {
                _ if pump.resampled => Some(
                    "its cells were resampled before, and a mean over a standstill obeys no law: clean the parsed version"
                        .to_owned(),
                ),
                (_, true) => Some("an earlier cleaning has judged it by the same limits".to_owned()),
                (None, _) => Some(format!("it runs in {} rows: too few to know it", fit.running)),
                _ if !fit.is_judged() => Some(format!(
                    "one speed has {} powers, so P/f³ is no law of it: it was not judged",
                    fit.levels.len()
                )),
                _ => None,
            };
            let flagged = if why_not.is_none() {
                found.yardsticks.push((Rule::Affinity, pump.power));
                self.keep_verdicts(found, Rule::Affinity, Some(&power_name), &fit.rows, |span| {
                    let of = if fit.levels.len() > 1 { "nearest level" } else { "own median" };
                    format!("P/f³ is up to {} % off its {of}", signed_percent(span.worst()))
                })
            } else {
                0
            };
            found.pumps.push(PumpUse {
                speed: speed_name,
                power: power_name,
                evidence: pump.evidence.clone(),
                running_rows: fit.running,
                median: fit.median,
                exponent: fit.exponent,
                speed_range: fit.speed_range,
                flagged,
                note: why_not.or_else(|| levels_in_words(&fit)),
            });
        }
    }

    fn equipment(&mut self, found: &mut RowFindings) {
        if !self.asked(Rule::Equipment) {
            return;
        }
        found.judged.insert(Rule::Equipment, 0);
        let (pumps, pump_names) = self.states_of(MachineKind::ChwPump);
        if let Some((flow, column)) = self.flow()
            && !pumps.is_empty()
            && let Some(meta) = self.metas.get(column).filter(|m| !self.plan.judged_before(Rule::Equipment, m))
        {
            let name = meta.name.clone();
            let stand = equipment::all_stand(&pumps, flow.len());
            if let Some(least) = equipment::flowing(&flow, self.plan.parameters.thresholds.standing_flow) {
                let hits: Vec<bool> = equipment::flow_without_pump(&flow, &stand, least).collect();
                let verdicts = verdicts(&hits, &flow, |row| stand.get(row) != Some(&MachineState::Unknown));
                found.yardsticks.push((Rule::Equipment, column));
                self.keep_verdicts(found, Rule::Equipment, Some(&name), &verdicts, |span| {
                    format!("{} flow while {pump_names} stood", span.values())
                });
            }
        }
        let (chillers, chiller_names) = self.states_of(MachineKind::Chiller);
        let (towers, tower_names) = self.states_of(MachineKind::Tower);
        if !chillers.is_empty() && !towers.is_empty() {
            let rows = self.at_ms.len();
            let (chillers, towers) = (equipment::all_stand(&chillers, rows), equipment::all_stand(&towers, rows));
            let hits: Vec<bool> = equipment::chiller_without_tower(&chillers, &towers).collect();
            let ones = vec![1.0; rows];
            let verdicts = verdicts(&hits, &ones, |row| towers.get(row) != Some(&MachineState::Unknown));
            self.keep_verdicts(found, Rule::Equipment, None, &verdicts, |_| {
                format!("{chiller_names} ran while {tower_names} stood")
            });
        }
    }

    /// The flow, as it was recorded, and its first column.
    fn flow(&self) -> Option<(Vec<f64>, usize)> {
        let chosen = self.plan.roles.get(&Role::Flow)?;
        let mut columns = chosen.columns.iter();
        let first = *columns.next()?;
        let mut sum = self.values(first).to_vec();
        for index in columns {
            sum.iter_mut().zip(self.values(*index)).for_each(|(sum, value)| *sum += value);
        }
        Some((sum, first))
    }

    /// Whether each machine of a kind runs, and their names.
    fn states_of(&self, kind: MachineKind) -> (Vec<Running>, String) {
        let machines = self.plan.machines.all.iter().filter(|machine| machine.kind == kind);
        let signs: Vec<(&str, Sign)> = machines.filter_map(|m| Some((m.name.as_str(), m.sign?))).collect();
        let states = (signs
            .iter()
            .map(|(_, sign)| machines::running(&self.at_ms, &[*sign], |i| self.values(i), |i| self.hold(i))))
        .collect();
        (states, signs.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
    }

    /// Takes over a rule's verdicts: hits, counts, events. Gives the number of rows that were hit.
    fn keep_verdicts(
        &mut self,
        found: &mut RowFindings,
        rule: Rule,
        column: Option<&str>,
        verdicts: &[RowVerdict],
        words: impl Fn(&EventSpan) -> String,
    ) -> u64 {
        let mark = |verdict: &RowVerdict| match verdict {
            RowVerdict::Unjudged => RowMark::Skip,
            RowVerdict::Within => RowMark::Clear(0.0),
            RowVerdict::Beyond(value) => RowMark::Hit(*value),
        };
        // A bin without a sample says nothing, whatever is held into it.
        let verdict = |(verdict, sampled): (&RowVerdict, &bool)| if *sampled { *verdict } else { RowVerdict::Unjudged };
        let verdicts: Vec<RowVerdict> = verdicts.iter().zip(&self.sampled).map(verdict).collect();
        let marks: Vec<RowMark> = verdicts.iter().map(mark).collect();
        let all = found.hits.entry(rule).or_insert_with(|| vec![false; verdicts.len()]);
        let mut count = 0;
        for (hit, mark) in all.iter_mut().zip(&marks) {
            if matches!(mark, RowMark::Hit(_)) {
                (*hit, count) = (true, count + 1);
            }
        }
        let judged = verdicts.iter().filter(|verdict| **verdict != RowVerdict::Unjudged).count() as u64;
        *found.judged.entry(rule).or_default() += judged;
        // Unjudged rows of other points' clocks do not end an event, missing hours do.
        let spans = spans(&self.at_ms, &marks, 3_600_000.max(self.step_ms() * 3));
        push_events(&mut self.events, rule, column, spans.into_iter(), words);
        count
    }

    /// Counts hits and drops rows.
    pub(super) fn drop_rows(&mut self, found: &RowFindings) -> RowCounts {
        let mut rows = RowCounts { parsed: self.parsed, ..RowCounts::default() };
        let mut hit = vec![false; self.at_ms.len()];
        for rule in ROW_RULES {
            let Some(hits) = found.hits.get(&rule) else { continue };
            let mut tally = Hits::default();
            for (hit, _) in hit.iter_mut().zip(hits).filter(|(_, by_rule)| **by_rule) {
                tally.all += 1;
                tally.first += u64::from(!*hit);
                *hit = true;
            }
            rows.flagged.insert(rule, tally);
        }
        let filter = self.plan.parameters.filter_invalid;
        let mut keep: Vec<bool> = hit.iter().map(|hit| !(filter && *hit)).collect();
        let left = keep.iter().zip(&self.sampled).any(|(keep, sampled)| *keep && *sampled);
        if filter {
            rows.dropped = rows.flagged.clone();
        }
        if !left {
            // Nothing is left but empty bins: they say nothing by themselves.
            let empty = self.sampled.iter().filter(|sampled| !**sampled).count() as u64;
            self.resampling.empty_bins_left_out = empty;
            keep = vec![false; keep.len()];
        }
        rows.resampled = self.at_ms.len() as u64 - self.resampling.empty_bins_left_out;
        rows.cleaned = keep.iter().filter(|keep| **keep).count() as u64;
        if keep.contains(&false) {
            let data = std::mem::take(&mut self.data);
            self.data = data.into_par_iter().map(|data| data.keep(&keep)).collect();
            self.at_ms = self.at_ms.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(at, _)| *at).collect();
        }
        rows
    }
}

fn verdicts(hits: &[bool], values: &[f64], known: impl Fn(usize) -> bool) -> Vec<RowVerdict> {
    let verdict = |(row, (hit, value)): (usize, (&bool, &f64))| match (hit, value.is_nan() || !known(row)) {
        (true, _) => RowVerdict::Beyond(*value),
        (false, true) => RowVerdict::Unjudged,
        (false, false) => RowVerdict::Within,
    };
    hits.iter().zip(values).enumerate().map(verdict).collect()
}

/// The plant's balance, where load, power and the condenser's side are known.
fn plant_balance(inputs: &derive::Inputs, limit: f64, accepted: f64) -> Option<Balance> {
    let load = inputs.get(&Role::Load).cloned().or_else(|| derive::by_flow(inputs))?.0;
    let (power, _) = inputs.get(&Role::ChillerPower).or_else(|| inputs.get(&Role::Power))?;
    let of = |role| inputs.get(&role).map(|(values, _)| values);
    let (flow, supply, back) = (of(Role::CwFlow)?, of(Role::CwSupply)?, of(Role::CwReturn)?);
    let condenser = flow
        .iter()
        .zip(supply)
        .zip(back)
        .map(|((flow, supply), back)| heat_balance::load_from_flow_rt(*flow, *supply, *back));
    let errors = load.iter().zip(power).zip(condenser).map(|((load, power), condenser)| {
        let error = if *load > 0.0 { heat_balance::plant_error(*load, *power, condenser) } else { f64::NAN };
        (error, error.abs() <= limit)
    });
    Some(heat_balance::balance(errors, limit, Some(accepted)))
}

/// That one speed has several powers, and how often each; none of one level.
fn levels_in_words(fit: &AffinityFit) -> Option<String> {
    let levels = fit.levels.iter().map(|level| format!("{} in {} rows", number(level.median), level.rows));
    let levels: Vec<String> = levels.collect();
    (levels.len() > 1).then(|| {
        format!(
            "one speed has {} powers, as several machines behind it do (P/f³ is {}); each row is compared with the nearest",
            levels.len(),
            levels.join(", ")
        )
    })
}

fn percent(share: f64) -> String {
    number((share * 1000.0).round() / 10.0)
}

fn signed_percent(share: f64) -> String {
    let text = percent(share);
    if share > 0.0 { format!("+{text}") } else { text }
}
