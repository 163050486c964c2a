//! The derived columns of a cleaning: made from the roles, judged for their range.

use std::collections::BTreeMap;

use super::derive::{self, DerivedColumn};
use super::frame::ColumnData;
use super::judge::{self, CellFindings, EventSpan, RowMark};
use super::quantity::{UnitChoice, quantity_of, unit_choice};
use super::report::{Hits, Rule};
use super::work::OngoingCleaning;
use hvac_frame::column::{CleanedCells, NullReason};

impl OngoingCleaning<'_> {
    pub(super) fn derive(&mut self) {
        if self.plan.parameters.derive {
            self.derive_from_roles();
        }
        self.judge_derived();
    }

    fn derive_from_roles(&mut self) {
        let binned = self.resampling.applied.is_some();
        let cleaned = CleanedCells { interval_s: self.row_interval_s(binned), ..CleanedCells::default() };
        let made = derive::derive(&self.inputs(), &self.plan.parameters.thresholds, &cleaned);
        for DerivedColumn { mut meta, cells } in made {
            let taken = self.metas.iter().find(|other| other.name == meta.name);
            if taken.is_some_and(|other| other.derived.is_some()) {
                continue;
            }
            if taken.is_some() {
                meta.name = format!("{}_derived", meta.name);
            }
            self.metas.push(meta);
            self.data.push(ColumnData::Numbers(cells));
        }
    }

    /// Derived columns are judged for their range only; what they come from was judged already.
    fn judge_derived(&mut self) {
        for index in self.judged.len()..self.metas.len() {
            let Some(meta) = self.metas.get(index) else { continue };
            let quantity = quantity_of(meta);
            let unit = quantity.map(|q| (q, unit_choice(meta, q, &BTreeMap::new())));
            if let Some((quantity, UnitChoice::Known(unit))) = unit {
                self.units.insert(index, (quantity, unit));
            }
            let asked = self.plan.rules.contains_key(&Rule::OutOfRange);
            let range = if asked { self.range(index) } else { None };
            let gap_ms = judge::gap_ms(Some((self.step_ms() as f64, 0.0)));
            let (Some(ColumnData::Numbers(cells)), Some(meta)) = (self.data.get_mut(index), self.metas.get_mut(index))
            else {
                continue;
            };
            cells.sum_up();
            let before = cells.summary();
            let mut judged = CellFindings { before, kept: before.count, ..CellFindings::default() };
            if let Some(range) = range {
                judged.judged.insert(Rule::OutOfRange, before.count);
                let (tolerant, note) = judge::tolerated(&range, cells.values());
                judged.notes.extend(note);
                let mark = |value: &f64| match value {
                    v if v.is_nan() => RowMark::Skip,
                    v if tolerant.limits.contains(*v) => RowMark::Clear(*v),
                    v => RowMark::Hit(*v),
                };
                let marks: Vec<RowMark> = cells.values().iter().map(mark).collect();
                let spans = judge::spans(&self.at_ms, &marks, gap_ms);
                let hits = spans.iter().map(|span| span.rows).sum();
                let words = |span: &EventSpan| format!("{}, where {} is possible", span.values(), range.words);
                judge::push_events(&mut self.events, Rule::OutOfRange, Some(&meta.name), spans.into_iter(), words);
                judged.hits.insert(Rule::OutOfRange, Hits { first: hits, all: hits });
                if let (true, Some(_)) = (self.plan.parameters.filter_invalid, range.zero) {
                    let cleaned = meta.cleaned.get_or_insert_with(CleanedCells::default);
                    cleaned.judged.insert(Rule::OutOfRange.name().to_owned(), range.memory());
                }
                if self.plan.parameters.filter_invalid && hits > 0 {
                    judged.nulled = judged.hits.clone();
                    let hit = marks.iter().enumerate().filter(|(_, mark)| matches!(mark, RowMark::Hit(_)));
                    cells.null(hit.map(|(row, _)| (row, NullReason::OutOfRange)));
                    judged.kept -= hits;
                }
            }
            self.judged.push(judged);
        }
    }
}
