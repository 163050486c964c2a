//! Savings that were measured: what a plant would have used as it was before, less what it used (IPMVP, ASHRAE
//! Guideline 14-2014).
//!
//! A [`baseline`] is fitted to the time before, told the conditions after, and compared with the meter. It is fitted to the
//! rows – hours, where the data have them – and judged by days: residuals of hours follow each other through a whole shift,
//! which their lag-1 autocorrelation understates (Touzani, Granderson, Jump and Rebello 2019, "Evaluation of methods to
//! assess the uncertainty in estimated energy savings", Energy and Buildings 193). [`uncertainty`] says how sure the
//! difference is, [`cusum`] when it began, [`boundary`] around what is measured. What cannot be said is refused with what is
//! missing.

use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;

use super::ModelError;

mod answer;
mod baseline;
pub mod boundary;
mod cusum;
mod measure;
pub mod uncertainty;

pub use answer::{
    AvoidedEnergy, BaselineForm, BaselineModel, Compliance, ComplianceCheck, ConditionRange, Cusum, CusumDay,
    MeasuredSavings, Placebo, ReportingPeriod, Step,
};
use baseline::share;
use measure::{Measurement, measure};

/// Days with data that are needed before.
pub(crate) const LEAST_DAYS_BEFORE: usize = 14;
/// Days with data that are needed after.
pub(crate) const LEAST_DAYS_AFTER: usize = 7;
/// Share of a day's hours that make it a day.
const DAY_SHARE: f64 = 0.8;
/// How far beyond what was seen before a condition may lie, as a share of what was seen: Guideline 14 lets a baseline stand
/// for conditions of 90 % of the least to 110 % of the most; of temperatures only a share of the span means anything.
const BEYOND: f64 = 0.1;
/// Shares of a condition's values between which it is what was usual: a meter's slip makes no range.
const USUAL: (f64, f64) = (0.005, 0.995);
/// Guideline 14: at this confidence the uncertainty may be at most half the savings.
const GUIDELINE_CONFIDENCE: f64 = 0.68;
const GUIDELINE_FRACTION: f64 = 0.5;
const HOUR_MS: i64 = 3_600_000;

/// Power and conditions on one axis: hours, a few of them together, or days where the data have only those.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredRows {
    /// Beginnings, ms since 1970 UTC; ascending, distinct.
    pub start_ms: Vec<i64>,
    /// How long a row is, h: 1 to 11, or 24.
    pub row_hours: f64,
    /// The site's.
    pub zone: Tz,
    /// Mean power, kW; NaN where it was not measured.
    pub power_kw: Vec<f64>,
    /// Cooling load in whatever unit, and what to call it.
    pub load: Option<Vec<f64>>,
    /// Outside wet-bulb or dry-bulb temperature.
    pub air: Option<Vec<f64>>,
    /// What the load is called.
    pub load_name: String,
    /// What the temperature is called.
    pub air_name: String,
}

impl MeasuredRows {
    fn is_hourly(&self) -> bool {
        self.row_hours < 12.0
    }

    fn row_ms(&self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "a day at most")]
        let row_ms = (self.row_hours * HOUR_MS as f64) as i64;
        row_ms
    }

    fn conditions(&self) -> impl Iterator<Item = (&str, &[f64])> {
        let load = self.load.as_deref().map(|values| (self.load_name.as_str(), values));
        let air = self.air.as_deref().map(|values| (self.air_name.as_str(), values));
        load.into_iter().chain(air)
    }

    /// Whether power and all conditions were measured.
    fn is_whole(&self, row: usize) -> bool {
        let finite = |values: &[f64]| values.get(row).is_some_and(|value| value.is_finite());
        finite(&self.power_kw) && self.conditions().all(|(_, values)| finite(values))
    }

    fn iso(&self, at_ms: i64) -> String {
        let at = DateTime::from_timestamp_millis(at_ms).map(|at| at.with_timezone(&self.zone));
        at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, false)).unwrap_or_default()
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SavingsQuestion {
    /// When it was applied, ms since 1970 UTC.
    pub applied_ms: i64,
    /// Until when it was kept.
    pub until_ms: Option<i64>,
    /// Of the interval around the savings, 0…1.
    pub confidence: f64,
    /// What the uncertainty counts.
    pub step: Step,
    /// Share of the hours after whose conditions may lie outside the baseline's; those are left out.
    pub most_outside: f64,
}

/// Measures savings.
///
/// # Errors
/// `no_conditions` without load and temperature; `too_few_days` before or after; `outside_baseline` when more of the time
/// after than allowed lies outside the conditions before.
pub fn verify(rows: &MeasuredRows, question: &SavingsQuestion) -> Result<MeasuredSavings, ModelError> {
    if rows.load.is_none() && rows.air.is_none() {
        let message = "neither a cooling load nor an outside temperature is measured, so what the plant would have used \
                       cannot be told: parse reports that hold one of them";
        return Err(ModelError::new("no_conditions", "", message));
    }
    let row_ms = rows.row_ms();
    let until = question.until_ms.unwrap_or(i64::MAX);
    let whole = |row: &usize| rows.is_whole(*row);
    let starts = || rows.start_ms.iter().enumerate();
    let before: Vec<usize> =
        starts().filter(|(_, at)| **at + row_ms <= question.applied_ms).map(|(row, _)| row).filter(whole).collect();
    let after: Vec<usize> = starts()
        .filter(|(_, at)| **at >= question.applied_ms && at.saturating_add(row_ms) <= until)
        .map(|(row, _)| row)
        .filter(whole)
        .collect();
    enough(rows, &before, "before", LEAST_DAYS_BEFORE)?;
    enough(rows, &after, "after", LEAST_DAYS_AFTER)?;
    let conditions: Vec<ConditionRange> =
        rows.conditions().map(|(name, values)| range(name, values, &before, &after)).collect();
    let inside = |row: &usize| {
        let mut values = conditions.iter().zip(rows.conditions());
        values.all(|(range, (_, values))| values.get(*row).is_some_and(|value| range.holds(*value)))
    };
    let (inside, outside): (Vec<usize>, Vec<usize>) = after.iter().partition(|row| inside(row));
    let outside_share = outside.len() as f64 / after.len() as f64;
    if outside_share > question.most_outside {
        return Err(beyond(&conditions, outside_share, question.most_outside));
    }
    enough(rows, &inside, "after, under conditions that the baseline knows,", LEAST_DAYS_AFTER)?;
    let measured = measure(rows, &before, &inside, question).ok_or_else(|| {
        let message = "the time before tells nothing: power or conditions never change there";
        ModelError::new("too_few_days", "", message)
    })?;
    if measured.after.days.len() < LEAST_DAYS_AFTER {
        return Err(too_few(
            "after, at times of the week that the baseline knows,",
            measured.after.days.len(),
            LEAST_DAYS_AFTER,
        ));
    }
    Ok(report(rows, question, &before, &after, conditions, outside_share, &measured))
}

impl ConditionRange {
    /// Whether a value lies near enough to what was usual before.
    fn holds(&self, value: f64) -> bool {
        let slack = BEYOND * (self.max - self.min);
        value >= self.min - slack && value <= self.max + slack
    }
}

fn range(name: &str, values: &[f64], before: &[usize], after: &[usize]) -> ConditionRange {
    let sorted = |rows: &[usize]| {
        let mut all: Vec<f64> = rows.iter().filter_map(|row| values.get(*row)).copied().collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let (before, after) = (sorted(before), sorted(after));
    let of = |all: &[f64], at| share(all, at).unwrap_or(f64::NAN);
    ConditionRange {
        name: name.to_owned(),
        min: of(&before, USUAL.0),
        max: of(&before, USUAL.1),
        after_min: of(&after, 0.0),
        after_max: of(&after, 1.0),
    }
}

fn enough(rows: &MeasuredRows, some: &[usize], when: &str, least: usize) -> Result<(), ModelError> {
    let days = measure::whole_days(rows, some);
    if days < least { Err(too_few(when, days, least)) } else { Ok(()) }
}

fn too_few(when: &str, days: usize, least: usize) -> ModelError {
    let message = format!(
        "{days} days {when} have power and conditions for at least {:.0} % of their hours; {least} are needed: parse reports \
         of more days, or state another time of applying",
        100.0 * DAY_SHARE
    );
    ModelError::new("too_few_days", "", message)
}

fn beyond(conditions: &[ConditionRange], outside: f64, most: f64) -> ModelError {
    let told = |range: &ConditionRange| {
        let ConditionRange { name, min, max, after_min, after_max } = range;
        format!("{name} was {min:.1} to {max:.1} before and {after_min:.1} to {after_max:.1} after")
    };
    let ranges: Vec<String> = conditions.iter().map(told).collect();
    let message = format!(
        "{:.0} % of the hours after lie outside the conditions before ({}), more than the {:.0} % that may be left out: give \
         reports of a longer time before, or raise max_outside",
        100.0 * outside,
        ranges.join("; "),
        100.0 * most
    );
    ModelError::new("outside_baseline", "", message)
}

fn report(
    rows: &MeasuredRows,
    question: &SavingsQuestion,
    before: &[usize],
    after: &[usize],
    conditions: Vec<ConditionRange>,
    outside_share: f64,
    measured: &Measurement,
) -> MeasuredSavings {
    let placebo = placebo(rows, question, before);
    // What the baseline calls saved when nothing was changed, no saving can be told from.
    let floor = placebo.filter(|placebo| !placebo.ok).map_or(0.0, |placebo| placebo.percent.abs() / 100.0);
    let savings = measured.savings(question.confidence, floor);
    let fit = measured.fit_of_rows();
    let baseline = BaselineModel {
        form: measured.baseline.form(),
        equation: measured.baseline.equation(&rows.load_name, &rows.air_name),
        from: first_of(rows, before),
        until: end_of(rows, before),
        days: measured.before.days.len(),
        hours: measured.before.hours(),
        conditions,
        rows: if rows.is_hourly() { Step::Hour } else { Step::Day },
        cv_rmse: fit.cv_rmse,
        nmbe: fit.nmbe,
        r2: fit.r2,
        parameters: measured.baseline.parameters,
        placebo,
    };
    let reporting = ReportingPeriod {
        from: first_of(rows, after),
        until: end_of(rows, after),
        days: measured.after.days.len(),
        hours: measured.after.hours(),
        hours_left_out: (elapsed_hours(rows, after) - measured.after.hours()).max(0.0),
        outside_share,
    };
    let guideline14 = compliance(rows.is_hourly(), &baseline, &savings);
    let mut notes = Vec::new();
    if outside_share > 0.0 {
        notes.push(format!(
            "{:.1} % of the measured hours after lay outside the conditions before; they are left out.",
            100.0 * outside_share
        ));
    }
    if let Some(placebo) = placebo.filter(|placebo| !placebo.ok) {
        notes.push(format!(
            "Of the baseline's last {} days, when nothing was changed, its other days would have called {:.1} % saved (± {:.1} %): \
             something else changes there, and the interval around the savings is at least that wide.",
            placebo.days, placebo.percent, placebo.uncertainty_percent
        ));
    }
    if savings.step == Step::Hour {
        notes.push(
            "Counted by hours the uncertainty is usually too small: what hours have in common lasts longer than one."
                .to_owned(),
        );
    }
    let cusum = measured.cusum();
    MeasuredSavings {
        conclusion: conclusion(&savings, &reporting),
        savings,
        baseline,
        reporting,
        guideline14,
        cusum,
        notes,
    }
}

/// The last third of the days before, foretold by the rest.
fn placebo(rows: &MeasuredRows, question: &SavingsQuestion, before: &[usize]) -> Option<Placebo> {
    let (first, last) = (rows.start_ms.get(*before.first()?)?, rows.start_ms.get(*before.last()?)?);
    let cut = first + (last - first) / 3 * 2;
    let (earlier, later): (Vec<usize>, Vec<usize>) =
        before.iter().partition(|row| rows.start_ms.get(**row).is_some_and(|at| *at < cut));
    let enough = measure::whole_days(rows, &earlier) >= LEAST_DAYS_BEFORE
        && measure::whole_days(rows, &later) >= LEAST_DAYS_AFTER;
    let measured = enough.then(|| measure(rows, &earlier, &later, question)).flatten()?;
    let savings = measured.savings(question.confidence, 0.0);
    let percent = |kwh: f64| 100.0 * kwh / savings.adjusted_baseline_kwh;
    Some(Placebo {
        days: measured.after.days.len(),
        percent: savings.percent,
        uncertainty_percent: percent(savings.uncertainty_kwh),
        ok: !savings.significant,
    })
    .filter(|placebo| placebo.days > 0 && placebo.percent.is_finite())
}

fn compliance(hourly: bool, baseline: &BaselineModel, savings: &AvoidedEnergy) -> Compliance {
    // What is coarser than an hour is held to the limits of months, the stricter of the two that there are.
    let (most_cv, most_bias) = if hourly { (30.0, 10.0) } else { (15.0, 5.0) };
    let check = |name, value: Option<f64>, limit: f64| {
        let value = value.filter(|value| value.is_finite());
        ComplianceCheck { name, value, limit, ok: value.is_some_and(|value| value.abs() <= limit) }
    };
    let saved = savings.avoided_kwh > 0.0;
    let fraction = savings.fractional_uncertainty_68.filter(|_| saved).map(|fraction| 100.0 * fraction);
    let checks = vec![
        check("cv_rmse", Some(baseline.cv_rmse), most_cv),
        check("nmbe", Some(baseline.nmbe), most_bias),
        check("fractional_uncertainty_68", fraction, 100.0 * GUIDELINE_FRACTION),
    ];
    Compliance { compliant: checks.iter().all(|check| check.ok), checks }
}

fn conclusion(savings: &AvoidedEnergy, reporting: &ReportingPeriod) -> String {
    let AvoidedEnergy { avoided_kwh, uncertainty_kwh, adjusted_baseline_kwh, percent, confidence, .. } = savings;
    let share = 100.0 * uncertainty_kwh / adjusted_baseline_kwh;
    let sure = format!("{:.0} % confidence", 100.0 * confidence);
    let days = reporting.days;
    match (savings.significant, *avoided_kwh > 0.0) {
        (true, true) => format!(
            "{avoided_kwh:.0} kWh ± {uncertainty_kwh:.0} kWh were saved in {days} days: {percent:.1} % ± {share:.1} % of what would \
             have been used ({sure})."
        ),
        (true, false) => format!(
            "{:.0} kWh ± {uncertainty_kwh:.0} kWh more were used in {days} days than would have been: {:.1} % ± {share:.1} % \
             ({sure}).",
            avoided_kwh.abs(),
            percent.abs()
        ),
        (false, _) => {
            // The sum grows with the days, its noise with their root.
            let needed = days as f64 * (uncertainty_kwh / avoided_kwh).powi(2);
            let more = match needed <= 366.0 {
                true => format!(" If it stays like that, about {:.0} days after would tell.", needed.ceil()),
                false => String::new(),
            };
            format!(
                "No saving can be told from chance: {avoided_kwh:.0} kWh in {days} days are within the uncertainty of ± \
                 {uncertainty_kwh:.0} kWh, {percent:.1} % ± {share:.1} % ({sure}).{more}"
            )
        }
    }
}

fn first_of(rows: &MeasuredRows, some: &[usize]) -> String {
    some.first().and_then(|row| rows.start_ms.get(*row)).map(|at| rows.iso(*at)).unwrap_or_default()
}

fn end_of(rows: &MeasuredRows, some: &[usize]) -> String {
    some.last().and_then(|row| rows.start_ms.get(*row)).map(|at| rows.iso(at + rows.row_ms())).unwrap_or_default()
}

fn elapsed_hours(rows: &MeasuredRows, some: &[usize]) -> f64 {
    let at = |row: Option<&usize>| row.and_then(|row| rows.start_ms.get(*row)).copied();
    let (Some(first), Some(last)) = (at(some.first()), at(some.last())) else { return 0.0 };
    (last - first) as f64 / HOUR_MS as f64 + rows.row_hours
}
