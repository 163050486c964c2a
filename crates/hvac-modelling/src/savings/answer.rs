//! What is answered of measured savings: only data.

use chrono::NaiveDate;
use serde::Serialize;

/// What savings are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Local days.
    Day,
    /// The rows, hours.
    Hour,
}

/// What a baseline goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BaselineForm {
    /// Load, its square, temperature, and load times temperature; standing plants have a level of their own.
    LoadAndWeather,
    /// Load and its square.
    Load,
    /// A level for each time of the week, and temperature with a change point (TOWT).
    TimeOfWeekAndTemperature,
}

/// A condition, and where it lay.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConditionRange {
    /// Its columns.
    pub name: String,
    /// Least usual value before.
    pub min: f64,
    /// Highest usual value before.
    pub max: f64,
    /// Least after.
    pub after_min: f64,
    /// Highest after.
    pub after_max: f64,
}

/// The baseline that savings are counted from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BaselineModel {
    /// What it goes by.
    pub form: BaselineForm,
    /// In words and numbers, kW.
    pub equation: String,
    /// Its first row, on the site's clock.
    pub from: String,
    /// The end of its last row.
    pub until: String,
    /// Days with data.
    pub days: usize,
    /// Hours with data.
    pub hours: f64,
    /// Where conditions lay.
    pub conditions: Vec<ConditionRange>,
    /// `hour` or `day`: what it was fitted to; `hour` for a few of them together as well.
    pub rows: Step,
    /// Of the rows: CV(RMSE), percent.
    pub cv_rmse: f64,
    /// Of the rows: normalised mean bias, percent; positive: the baseline says too little.
    pub nmbe: f64,
    /// Of the rows: coefficient of determination.
    pub r2: f64,
    /// Fitted coefficients and levels.
    pub parameters: usize,
    /// The baseline's last third foretold by the rest: what it would have called a saving when nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placebo: Option<Placebo>,
}

/// What a baseline says of a time in which nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Placebo {
    /// Days that were foretold.
    pub days: usize,
    /// Percent of the adjusted baseline that would have been called saved.
    pub percent: f64,
    /// Its uncertainty, percent, at the confidence asked for.
    pub uncertainty_percent: f64,
    /// Whether chance explains it.
    pub ok: bool,
}

/// The time after.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportingPeriod {
    /// Its first row, on the site's clock.
    pub from: String,
    /// The end of its last row.
    pub until: String,
    /// Days that are counted.
    pub days: usize,
    /// Hours that are counted.
    pub hours: f64,
    /// Hours between `from` and `until` that are not counted, because something was not measured, the conditions lay outside
    /// the baseline's, or too little of the day was left.
    pub hours_left_out: f64,
    /// Share of the measured hours whose conditions lay outside the baseline's, 0…1.
    pub outside_share: f64,
}

/// Energy that was not used.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AvoidedEnergy {
    /// What the baseline would have used under the conditions after, kWh.
    pub adjusted_baseline_kwh: f64,
    /// What was used, kWh.
    pub measured_kwh: f64,
    /// Their difference, kWh; negative when more was used.
    pub avoided_kwh: f64,
    /// Of the adjusted baseline, percent.
    pub percent: f64,
    /// Of the interval, 0…1.
    pub confidence: f64,
    /// Half the interval's width, kWh: the larger of the next two, and no less than what a failed placebo calls saved.
    pub uncertainty_kwh: f64,
    /// By Guideline 14's formula.
    pub uncertainty_guideline14_kwh: f64,
    /// By the sum of the predictions' errors.
    pub uncertainty_least_squares_kwh: f64,
    /// The interval's lower end, kWh.
    pub lower_kwh: f64,
    /// The interval's upper end, kWh.
    pub upper_kwh: f64,
    /// Uncertainty by savings; null when nothing was saved.
    pub fractional_uncertainty: Option<f64>,
    /// The same at 68 % confidence, as Guideline 14 judges it.
    pub fractional_uncertainty_68: Option<f64>,
    /// Whether the interval lies on one side of 0.
    pub significant: bool,
    /// Student's t.
    pub t: f64,
    /// What stands for Guideline 14's 1.26.
    pub k: f64,
    /// CV(RMSE) of what is counted, percent.
    pub cv_rmse: f64,
    /// What is counted: `day` or `hour`.
    pub step: Step,
    /// So many before.
    pub n: usize,
    /// So many after.
    pub m: usize,
    /// Lag-1 autocorrelation of the residuals before.
    pub autocorrelation: f64,
    /// Those before that are as good as independent.
    pub effective_n: f64,
}

/// What Guideline 14 asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Compliance {
    /// Whether every check holds.
    pub compliant: bool,
    /// One by one.
    pub checks: Vec<ComplianceCheck>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ComplianceCheck {
    /// `cv_rmse`, `nmbe` or `fractional_uncertainty_68`.
    pub name: &'static str,
    /// Percent; null when it cannot be told.
    pub value: Option<f64>,
    /// Percent; the value may lie as far on either side of 0.
    pub limit: f64,
    /// Whether it holds.
    pub ok: bool,
}

/// The sum of what was not used, day by day.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cusum {
    /// Days before and after, in order.
    pub days: Vec<CusumDay>,
    /// The day from which less or more was used than before, as the data tell it; null when chance explains all.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "2026-07-01"))]
    pub turned: Option<NaiveDate>,
    /// The day after it was applied from which that changed again.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub turned_again: Option<NaiveDate>,
}

/// One day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CusumDay {
    /// On the site's clock.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "2026-07-01"))]
    pub day: NaiveDate,
    /// Whether it is counted after.
    pub after: bool,
    /// Baseline, kWh.
    pub baseline_kwh: f64,
    /// Measured, kWh.
    pub measured_kwh: f64,
    /// Sum of their differences so far, kWh.
    pub cumulative_kwh: f64,
}

/// Savings that were measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeasuredSavings {
    /// One or two sentences.
    pub conclusion: String,
    /// What was saved, and how sure that is.
    pub savings: AvoidedEnergy,
    /// What it is counted from.
    pub baseline: BaselineModel,
    /// Where it is counted.
    pub reporting: ReportingPeriod,
    /// Whether Guideline 14 would take it.
    pub guideline14: Compliance,
    /// How it came about.
    pub cusum: Cusum,
    /// What a reader should know; sentences.
    pub notes: Vec<String>,
}
