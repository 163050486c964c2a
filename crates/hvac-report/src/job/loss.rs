//! Whether a parse would lose readings: counted over all files, and refused above a threshold.
//!
//! A reading is a number or a state. Loss words, empty cells and equal values that stand twice are none; nor are rows of
//! known kinds (footers, titles, totals, repeated headers).

use std::collections::BTreeMap;

use hvac_frame::column::NullReason;
use hvac_frame::tally::Tally;

use super::plan::Plan;

/// Share of the readings that may end in no cell without being asked.
pub const ACCEPTED_SHARE: f64 = 0.02;

/// What would end in no cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loss {
    /// Readings of all files, kept or lost.
    pub readings: u64,
    /// Those that end in no cell, by reason: `unreadable`, `unit_mismatch`, `conflict`, and those of a file's plan.
    pub lost: BTreeMap<String, u64>,
    /// Rows that carry readings and are of no known kind.
    pub unknown_rows: u64,
}

impl Loss {
    /// Of a job whose windows are all aligned. `conflicts_accepted`: the user said which of two values stays.
    #[must_use]
    pub fn of(plan: &Plan, tallies: &[Tally], conflicts_accepted: bool) -> Self {
        let mut loss = Self::default();
        for tally in tallies {
            loss.readings += tally.count;
            for (reason, name) in [(NullReason::Unreadable, "unreadable"), (NullReason::UnitMismatch, "unit_mismatch")]
            {
                loss.lose(name, tally.nulls.get(&reason).copied().unwrap_or(0));
            }
            // The value that stays is counted already.
            loss.lose("conflict", if conflicts_accepted { 0 } else { tally.conflicts });
        }
        for file in &plan.files {
            loss.unknown_rows += file.plan.unknown_rows;
            file.plan.lost_readings.iter().for_each(|(reason, count)| loss.lose(reason, *count));
        }
        loss
    }

    fn lose(&mut self, reason: &str, count: u64) {
        if count > 0 {
            *self.lost.entry(reason.to_owned()).or_default() += count;
            self.readings += count;
        }
    }

    /// Readings that end in no cell.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Of all readings, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn share(&self) -> f64 {
        if self.readings == 0 { 0.0 } else { self.count() as f64 / self.readings as f64 }
    }

    /// Why a parse should not go on; none when little is lost.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let share = self.share();
        if share <= ACCEPTED_SHARE && self.unknown_rows == 0 {
            return None;
        }
        let reasons: Vec<String> = self.lost.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let rows = match self.unknown_rows {
            0 => String::new(),
            1 => " and a row with readings has no time that can be read".to_owned(),
            n => format!(" and {n} rows with readings have no time that can be read"),
        };
        let machines = match self.lost.get("conflict") {
            Some(conflicts) if conflicts.saturating_mul(2) >= self.count() => {
                "; if these are machines whose points have the same names, prefix_by (--prefix-by file, folder or sheet) keeps them apart"
            }
            _ => "",
        };
        Some(format!(
            "{} of {} readings ({:.1} %) would end in no cell ({}){rows}{machines}: see a dry run for what is read how, say how to read it better, or accept the loss",
            self.count(),
            self.readings,
            share * 100.0,
            reasons.join(", ")
        ))
    }
}
