//! The account of a cleaning: counts, before and after, and the sentence for the user.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::CLEANER_VERSION;
use super::frame::{self, ColumnData};
use super::plan::PlannedRule;
use super::report::{CellCounts, ColumnUse, Hits, LeftOut, Report, RoleUse, RowCounts, Rule, RuleUse, UnitUse};
use super::roles::{Role, RoleColumns};
use super::rows::{ROW_RULES, RowFindings};
use super::work::OngoingCleaning;
use super::{CleanError, Cleaned, internal};
use hvac_frame::column::{CleanedCells, ColumnMeta, NullReason};

/// Puts frame, columns, events and report together, of which the rows are final.
pub(super) fn finish(
    mut work: OngoingCleaning<'_>,
    found: RowFindings,
    rows: RowCounts,
) -> Result<Cleaned, CleanError> {
    let columns: Vec<ColumnUse> = (0..work.metas.len()).into_par_iter().filter_map(|i| work.column_use(i)).collect();
    for (meta, data) in work.metas.iter_mut().zip(&work.data) {
        count_cells(meta, data);
    }
    for (rule, index) in &found.yardsticks {
        let limits = work.plan.limits_in_words(*rule);
        if let (true, Some(meta)) = (work.plan.parameters.filter_invalid, work.metas.get_mut(*index)) {
            meta.cleaned.get_or_insert_with(CleanedCells::default).judged.insert(rule.name().to_owned(), limits);
        }
    }
    work.events.sort_by(|a, b| (a.start_at_ms, a.rule, &a.column).cmp(&(b.start_at_ms, b.rule, &b.column)));
    let report = work.report(found, rows, columns)?;
    let names = work.metas.iter().map(|meta| meta.name.clone());
    let frame = frame::join(&work.at_ms, names.zip(work.data).collect())?;
    Ok(Cleaned { frame, columns: work.metas, report, events: work.events })
}

impl OngoingCleaning<'_> {
    /// The report's entry of a column; `before` none for derived ones.
    fn column_use(&self, index: usize) -> Option<ColumnUse> {
        let (meta, judged, data) = (self.metas.get(index)?, self.judged.get(index)?, self.data.get(index)?);
        Some(ColumnUse {
            column: meta.name.clone(),
            before: (index < self.width).then_some(judged.before),
            after: data.summary(),
            flagged: judged.hits.clone(),
            nulled: judged.nulled.clone(),
        })
    }

    fn report(&mut self, found: RowFindings, rows: RowCounts, columns: Vec<ColumnUse>) -> Result<Report, CleanError> {
        let cells = self.cells(&columns);
        let with_sample = self.sampled.iter().filter(|sampled| **sampled).count() as u64;
        let dropped: u64 = rows.dropped.values().map(|hits| hits.first).sum();
        let rules = self.rules(&found, &rows, &columns);
        let emptied = self.warn_of_emptied();
        Ok(Report {
            message: self.message(&rows, &cells, with_sample, &emptied),
            cleaner_version: CLEANER_VERSION.to_owned(),
            resampling: std::mem::take(&mut self.resampling),
            retention_rate: share(with_sample.saturating_sub(dropped), with_sample),
            cell_retention_rate: share(cells.kept, cells.before),
            rows,
            cells,
            roles: self.roles()?,
            rules,
            columns,
            affinity: found.pumps,
            heat_balance: found.heat_balance,
            plant_balance: found.plant_balance,
            counters: std::mem::take(&mut self.counters),
            warnings: std::mem::take(&mut self.warnings),
        })
    }

    fn cells(&self, columns: &[ColumnUse]) -> CellCounts {
        let mut cells = CellCounts::default();
        for (column, judged) in columns.iter().zip(&self.judged).take(self.width) {
            cells.before += judged.before.count;
            cells.kept += judged.kept;
            cells.after += column.after.count;
            for (sums, own) in [(&mut cells.flagged, &judged.hits), (&mut cells.nulled, &judged.nulled)] {
                for (rule, hits) in own {
                    let sum = sums.entry(*rule).or_default();
                    (sum.first, sum.all) = (sum.first + hits.first, sum.all + hits.all);
                }
            }
        }
        cells
    }

    fn roles(&self) -> Result<Vec<RoleUse>, CleanError> {
        let name = |index: &usize| {
            let meta = self.metas.get(*index).ok_or_else(|| internal("a role is filled by no column"))?;
            Ok(meta.name.clone())
        };
        let unit = |index: &usize| {
            let (_, unit) = self.units.get(index)?;
            let unit = |column| UnitUse { column, unit: unit.unit.to_owned(), evidence: unit.evidence.clone() };
            Some(name(index).map(unit))
        };
        let role = |(role, chosen): (&Role, &RoleColumns)| {
            Ok(RoleUse {
                role: role.name().to_owned(),
                columns: chosen.columns.iter().map(name).collect::<Result<_, _>>()?,
                evidence: chosen.evidence.clone(),
                units: chosen.columns.iter().filter_map(unit).collect::<Result<_, _>>()?,
            })
        };
        self.plan.roles.iter().map(role).collect()
    }

    fn rules(&self, found: &RowFindings, rows: &RowCounts, columns: &[ColumnUse]) -> Vec<RuleUse> {
        let name = |index: &usize| self.metas.get(*index).map(|meta| meta.name.clone());
        let planned = self.plan.rules.iter().map(|(rule, planned)| {
            let is_row = ROW_RULES.contains(rule);
            let sum = |hits: Hits, column: &ColumnUse| {
                let own = column.flagged.get(rule).copied().unwrap_or_default();
                Hits { first: hits.first + own.first, all: hits.all + own.all }
            };
            let judged = self.judged.iter().filter_map(|judged| judged.judged.get(rule)).sum();
            let mut left_out = planned.left_out.clone();
            let mut judging = planned.columns.clone();
            for (index, judged) in self.judged.iter().enumerate() {
                let own = judged.notes.iter().filter(|note| note.rule == *rule);
                left_out
                    .extend(own.filter_map(|note| Some(LeftOut { column: name(&index)?, reason: note.text.clone() })));
                if judged.notes.iter().any(|note| note.rule == *rule)
                    && judged.judged.get(rule).copied().unwrap_or(0) == 0
                {
                    judging.retain(|other| *other != index);
                }
            }
            if *rule == Rule::Counter {
                judging.retain(|index| self.growing.contains_key(index));
                left_out.extend(self.no_registers.iter().cloned());
            }
            if *rule == Rule::OutOfRange {
                // Units that the values could not tell either.
                for index in planned.columns.iter().filter(|index| self.range(**index).is_none()) {
                    judging.retain(|other| other != index);
                    left_out.extend(name(index).map(|column| LeftOut {
                        column,
                        reason: "its unit is not recorded, and its values do not tell it: state it in units".to_owned(),
                    }));
                }
            }
            RuleUse {
                rule: *rule,
                ran: planned.runs && !self.stopped.contains_key(rule),
                limits: self.plan.limits_in_words(*rule),
                columns: judging.iter().filter_map(name).collect(),
                left_out,
                judged: match rule {
                    _ if is_row => found.judged.get(rule).copied().unwrap_or(0),
                    _ if Rule::OF_SENSORS.contains(rule) => self.judged_sensors(planned),
                    Rule::Counter => self.growing.values().map(|growing| growing.readings).sum(),
                    _ => judged,
                },
                hits: match rule {
                    _ if is_row => rows.flagged.get(rule).copied().unwrap_or_default(),
                    _ if Rule::OF_SENSORS.contains(rule) => {
                        let (_, rows) = self.sensor_hits.get(rule).copied().unwrap_or_default();
                        Hits { first: 0, all: rows }
                    }
                    Rule::Counter => {
                        let hits = self.growing.values().map(|growing| growing.incidents).sum();
                        Hits { first: hits, all: hits }
                    }
                    _ => columns.iter().fold(Hits::default(), sum),
                },
            }
        });
        planned.collect()
    }

    /// Cells of the columns that were set against each other.
    fn judged_sensors(&self, planned: &PlannedRule) -> u64 {
        let of = |index: &usize| self.judged.get(*index).map(|judged| judged.before.count);
        planned.columns.iter().filter_map(of).sum()
    }

    /// Warns of columns that the cell rules left with half of their values or fewer; gives those that are empty now.
    fn warn_of_emptied(&mut self) -> Vec<String> {
        let mut emptied = Vec::new();
        let lost = self.judged.iter().zip(&self.metas).take(self.width).filter_map(|(judged, meta)| {
            let (before, kept) = (judged.before.count, judged.kept);
            let mostly = kept < before && kept * 2 <= before;
            mostly.then(|| (meta.name.clone(), before, kept, in_words(&judged.nulled)))
        });
        for (name, before, kept, rules) in lost.collect::<Vec<_>>() {
            let nulled = before - kept;
            let left = if kept == 0 { "the column is empty now".to_owned() } else { format!("{kept} are left") };
            let message = format!("{name}: {nulled} of {before} values nulled ({rules}): {left}");
            self.warn("column_emptied", Some(name.clone()), nulled, message);
            if kept == 0 {
                emptied.push(name);
            }
        }
        emptied
    }

    /// What was done, in parts that add up: rows of the parse and of the result, then rows that rules took of those
    /// that have a sample, then cells of those that have a value.
    fn message(&self, rows: &RowCounts, cells: &CellCounts, with_sample: u64, emptied: &[String]) -> String {
        let filter = self.plan.parameters.filter_invalid;
        let resampling = &self.resampling;
        let mut text = match (&resampling.applied, &resampling.requested) {
            (Some(interval), _) => format!("{} rows became {} at {interval}", rows.parsed, rows.resampled),
            (None, Some(_)) => format!("{} rows; {}", rows.parsed, resampling.note),
            (None, None) => format!("{} rows", rows.parsed),
        };
        let stay = rows.resampled.saturating_sub(with_sample);
        match (stay, resampling.empty_bins_left_out) {
            (0, 0) => {}
            (0, out) => text += &format!(" ({out} without a sample were left out)"),
            (stay, _) => text += &format!(" ({with_sample} with a sample, {stay} without)"),
        }
        let flagged_rows = total(&rows.flagged);
        let left = with_sample.saturating_sub(flagged_rows);
        let of_rows = format!("of {with_sample} rows with a sample");
        match (filter, flagged_rows) {
            (_, 0) => {}
            (true, all) if all == with_sample => {
                text += &format!("; every row was rejected ({})", in_words(&rows.dropped));
            }
            (true, some) => {
                let rate = share(left, with_sample);
                text += &format!(
                    "; {some} {of_rows} dropped ({}), {left} kept: {rate:.1} % retained",
                    in_words(&rows.dropped)
                );
            }
            (false, some) => text += &format!("; {some} {of_rows} flagged ({})", in_words(&rows.flagged)),
        }
        let (flagged_cells, nulled_cells) = (total(&cells.flagged), total(&cells.nulled));
        let of_cells = format!("of {} cells with a value", cells.before);
        if nulled_cells > 0 {
            text += &format!("; {nulled_cells} {of_cells} nulled ({}), {} kept", in_words(&cells.nulled), cells.kept);
        } else if flagged_cells > 0 && !filter {
            text += &format!("; {flagged_cells} {of_cells} flagged ({})", in_words(&cells.flagged));
        }
        let only_reported = flagged_cells.saturating_sub(nulled_cells);
        if filter && only_reported > 0 {
            text +=
                &format!("; {only_reported} {of_cells} only reported, for nothing tells whether their equipment ran");
        }
        let derived: u64 = self.judged.iter().skip(self.width).map(|judged| total(&judged.hits)).sum();
        if derived > 0 {
            let done = if filter { "nulled" } else { "flagged" };
            text += &format!("; {derived} derived values {done} (out_of_range {derived})");
        }
        match emptied {
            [] => {}
            [one] => text += &format!("; the column {one} is empty now"),
            several => text += &format!("; {} columns are empty now, see the warnings", several.len()),
        }
        if !self.sensor_hits.is_empty() {
            let said = self.sensor_hits.iter().map(|(rule, (count, _))| format!("{} {count}", rule.name()));
            text += &format!("; sensors contradict each other ({})", said.collect::<Vec<_>>().join(", "));
        }
        let nothing = flagged_rows + flagged_cells + derived == 0 && self.sensor_hits.is_empty();
        if nothing && !self.plan.rules.is_empty() {
            text += "; no rule hit anything";
        }
        if !self.stopped.is_empty()
            || self.plan.rules.values().any(|planned| !planned.runs && planned.columns.is_empty())
        {
            let left_out = self.warnings.iter().filter(|warning| warning.code == "rule_left_out").count();
            if left_out > 0 {
                let rules = if left_out == 1 { "rule was" } else { "rules were" };
                text += &format!("; {left_out} {rules} left out, see the warnings");
            }
        }
        text + "."
    }
}

/// `frozen 20, spike 1`: hits as the first rule, which add up.
fn in_words(hits: &BTreeMap<Rule, Hits>) -> String {
    let some = hits.iter().filter(|(_, hits)| hits.first > 0);
    some.map(|(rule, hits)| format!("{} {}", rule.name(), hits.first)).collect::<Vec<_>>().join(", ")
}

/// Hits of all rules.
fn total(hits: &BTreeMap<Rule, Hits>) -> u64 {
    hits.values().map(|hits| hits.first).sum()
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// Fills in a column's counts: its values, and its nulls by reason.
fn count_cells(meta: &mut ColumnMeta, data: &ColumnData) {
    let mut nulls = data.nulls();
    // What was null before keeps its reasons where they can be told.
    if let Some(as_parsed) = nulls.get(&NullReason::AsParsed).copied() {
        let told: Option<Vec<(NullReason, u64)>> = match meta.nulls.iter().next() {
            Some((only, _)) if meta.nulls.len() == 1 => Some(vec![(*only, as_parsed)]),
            _ if meta.nulls.values().sum::<u64>() == as_parsed => Some(meta.nulls.clone().into_iter().collect()),
            _ => None,
        };
        if let Some(told) = told {
            nulls.remove(&NullReason::AsParsed);
            for (reason, count) in told {
                *nulls.entry(reason).or_default() += count;
            }
        }
    }
    (meta.count, meta.nulls) = (data.present(), nulls);
}
