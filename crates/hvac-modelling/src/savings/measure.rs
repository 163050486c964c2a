//! One measurement: a baseline of some rows, others compared with it, both added up to days.

use chrono::{DateTime, NaiveDate};

use super::baseline::Baseline;
use super::uncertainty::{Spread, autocorrelation, sun_baltazar};
use super::{
    AvoidedEnergy, Cusum, CusumDay, DAY_SHARE, GUIDELINE_CONFIDENCE, MeasuredRows, SavingsQuestion, Step, cusum,
};

const DAYS_OF_A_MONTH: f64 = 30.4;

/// Rows of a time, compared with the baseline and added up to days that have enough of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Period {
    /// In order; only those that count.
    pub(super) days: Vec<Day>,
    /// Beginning of each row of those days, and baseline less measured, kW.
    residuals: Vec<(i64, f64)>,
    row_ms: i64,
}

/// A day, kWh.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day {
    day: NaiveDate,
    hours: f64,
    baseline_kwh: f64,
    measured_kwh: f64,
}

impl Day {
    /// Baseline less measured, mean kW.
    fn residual_kw(&self) -> f64 {
        (self.baseline_kwh - self.measured_kwh) / self.hours
    }
}

impl Period {
    pub(super) fn of(rows: &MeasuredRows, some: &[usize], baseline: &Baseline) -> Self {
        let mut days: Vec<(Day, Vec<(i64, f64)>)> = Vec::new();
        for row in some {
            let (Some(at), Some(power)) = (rows.start_ms.get(*row), rows.power_kw.get(*row)) else { continue };
            let (Some(expected), Some(day)) = (baseline.predict(rows, *row), local_day(rows, *at)) else { continue };
            if days.last().is_none_or(|(last, _)| last.day != day) {
                days.push((Day { day, hours: 0.0, baseline_kwh: 0.0, measured_kwh: 0.0 }, Vec::new()));
            }
            let Some((sum, residuals)) = days.last_mut() else { continue };
            sum.hours += rows.row_hours;
            sum.baseline_kwh += expected * rows.row_hours;
            sum.measured_kwh += power * rows.row_hours;
            residuals.push((*at, expected - power));
        }
        days.retain(|(day, _)| day.hours >= 24.0 * DAY_SHARE);
        Self {
            residuals: days.iter().flat_map(|(_, residuals)| residuals.iter().copied()).collect(),
            days: days.into_iter().map(|(day, _)| day).collect(),
            row_ms: rows.row_ms(),
        }
    }

    pub(super) fn hours(&self) -> f64 {
        self.days.iter().map(|day| day.hours).sum()
    }

    fn baseline_kwh(&self) -> f64 {
        self.days.iter().map(|day| day.baseline_kwh).sum()
    }

    fn measured_kwh(&self) -> f64 {
        self.days.iter().map(|day| day.measured_kwh).sum()
    }

    fn mean_kw(&self) -> f64 {
        self.measured_kwh() / self.hours()
    }

    /// Residuals of what is counted, each with its place in time.
    fn points(&self, step: Step) -> (Vec<(i64, f64)>, i64) {
        match step {
            Step::Day => {
                let place = |day: &Day| i64::from(chrono::Datelike::num_days_from_ce(&day.day));
                (self.days.iter().map(|day| (place(day), day.residual_kw())).collect(), 1)
            }
            Step::Hour => (self.residuals.clone(), self.row_ms),
        }
    }
}

fn local_day(rows: &MeasuredRows, at_ms: i64) -> Option<NaiveDate> {
    Some(DateTime::from_timestamp_millis(at_ms)?.with_timezone(&rows.zone).date_naive())
}

/// Days of which enough hours are among `some`.
pub(super) fn whole_days(rows: &MeasuredRows, some: &[usize]) -> usize {
    let (mut count, mut hours, mut last) = (0, 0.0, None);
    for day in some.iter().filter_map(|row| local_day(rows, *rows.start_ms.get(*row)?)) {
        if last != Some(day) {
            count += usize::from(hours >= 24.0 * DAY_SHARE);
            (last, hours) = (Some(day), 0.0);
        }
        hours += rows.row_hours;
    }
    count + usize::from(hours >= 24.0 * DAY_SHARE)
}

/// How well a baseline fits, percent.
pub(super) struct Fit {
    pub(super) cv_rmse: f64,
    pub(super) nmbe: f64,
    pub(super) r2: f64,
}

/// A baseline, and what was measured before and after.
pub(super) struct Measurement {
    pub(super) baseline: Baseline,
    pub(super) before: Period,
    pub(super) after: Period,
    /// Power of the rows before that were fitted.
    powers: Vec<f64>,
    /// Of those rows: baseline less measured.
    errors: Vec<f64>,
    spread: Spread,
    step: Step,
}

/// Measures; none when the rows before tell nothing.
pub(super) fn measure(
    rows: &MeasuredRows,
    before_rows: &[usize],
    after_rows: &[usize],
    question: &SavingsQuestion,
) -> Option<Measurement> {
    let baseline = Baseline::fit(rows, before_rows)?;
    let before = Period::of(rows, before_rows, &baseline);
    let after = Period::of(rows, after_rows, &baseline);
    let step = if rows.is_hourly() { question.step } else { Step::Day };
    let (points, apart) = before.points(step);
    let parameters = match step {
        Step::Day => baseline.parameters_of_days,
        Step::Hour => baseline.parameters,
    } as f64;
    let n = points.len() as f64;
    let square: f64 = points.iter().map(|(_, residual)| residual * residual).sum();
    // With hardly more points than parameters the residuals say little; one degree of freedom is the least.
    let deviation = (square / (n - parameters).max(1.0)).sqrt();
    let mean = before.mean_kw();
    if !(mean > 0.0 && deviation.is_finite()) {
        return None;
    }
    let spread = Spread {
        n,
        m: after.points(step).0.len() as f64,
        parameters,
        cv_rmse: deviation / mean,
        autocorrelation: autocorrelation(&points, apart),
        months_after: after.days.len() as f64 / DAYS_OF_A_MONTH,
        distance: baseline.distance(rows, after_rows),
    };
    let power = |row: &usize| rows.power_kw.get(*row).copied();
    let error = |row: &usize| Some(baseline.predict(rows, *row)? - power(row)?);
    Some(Measurement {
        powers: before_rows.iter().filter_map(power).collect(),
        errors: before_rows.iter().filter_map(error).collect(),
        baseline,
        before,
        after,
        spread,
        step,
    })
}

impl Measurement {
    /// What was saved; the interval is at least `floor` wide to either side, a share of the adjusted baseline.
    pub(super) fn savings(&self, confidence: f64, floor: f64) -> AvoidedEnergy {
        let (adjusted, measured) = (self.after.baseline_kwh(), self.after.measured_kwh());
        let avoided = adjusted - measured;
        // The least-squares sum is of the mean before; what is adjusted may be more or less.
        let before_kwh = self.before.mean_kw() * self.after.hours();
        let guideline14 = |confidence| self.spread.guideline14_share(confidence) * adjusted;
        let least_squares = |confidence| self.spread.least_squares_share(confidence) * before_kwh;
        let uncertainty =
            |confidence| guideline14(confidence).max(least_squares(confidence)).max(floor * adjusted.abs());
        let half = uncertainty(confidence);
        let fraction = |half: f64| Some(half / avoided.abs()).filter(|fraction| fraction.is_finite());
        AvoidedEnergy {
            adjusted_baseline_kwh: adjusted,
            measured_kwh: measured,
            avoided_kwh: avoided,
            percent: 100.0 * avoided / adjusted,
            confidence,
            uncertainty_kwh: half,
            uncertainty_guideline14_kwh: guideline14(confidence),
            uncertainty_least_squares_kwh: least_squares(confidence),
            lower_kwh: avoided - half,
            upper_kwh: avoided + half,
            fractional_uncertainty: fraction(half),
            fractional_uncertainty_68: fraction(uncertainty(GUIDELINE_CONFIDENCE)),
            significant: avoided.abs() > half,
            t: self.spread.t(confidence),
            k: sun_baltazar(self.spread.months_after),
            cv_rmse: 100.0 * self.spread.cv_rmse,
            step: self.step,
            n: self.before.points(self.step).0.len(),
            m: self.after.points(self.step).0.len(),
            autocorrelation: self.spread.autocorrelation,
            effective_n: self.spread.effective_n(),
        }
    }

    /// How well the baseline fits its rows.
    pub(super) fn fit_of_rows(&self) -> Fit {
        let count = self.powers.len() as f64;
        let mean = self.powers.iter().sum::<f64>() / count;
        let free = (count - self.baseline.parameters as f64).max(1.0);
        let squares: f64 = self.errors.iter().map(|error| error * error).sum();
        let around: f64 = self.powers.iter().map(|power| (power - mean).powi(2)).sum();
        Fit {
            cv_rmse: 100.0 * (squares / free).sqrt() / mean,
            nmbe: -100.0 * self.errors.iter().sum::<f64>() / free / mean,
            r2: 1.0 - squares / around,
        }
    }

    /// Day by day.
    pub(super) fn cusum(&self) -> Cusum {
        let mut cumulative_kwh = 0.0;
        let tell = |(day, after): (&Day, bool)| {
            cumulative_kwh += day.baseline_kwh - day.measured_kwh;
            let Day { day, baseline_kwh, measured_kwh, .. } = *day;
            CusumDay { day, after, baseline_kwh, measured_kwh, cumulative_kwh }
        };
        let before = self.before.days.iter().map(|day| (day, false));
        let days: Vec<CusumDay> = before.chain(self.after.days.iter().map(|day| (day, true))).map(tell).collect();
        let residuals = |days: &[Day]| -> Vec<f64> { days.iter().map(Day::residual_kw).collect() };
        let (points, _) = self.before.points(Step::Day);
        let follow = autocorrelation(&points, 1);
        let free = (points.len() as f64 - self.baseline.parameters_of_days as f64).max(1.0);
        let deviation = (points.iter().map(|(_, residual)| residual * residual).sum::<f64>() / free).sqrt();
        let (before, after) = (residuals(&self.before.days), residuals(&self.after.days));
        let all: Vec<f64> = before.iter().chain(&after).copied().collect();
        let turned = cusum::turn(&all, deviation, follow).and_then(|index| days.get(index)).map(|day| day.day);
        let again =
            cusum::turn(&after, deviation, follow).and_then(|index| self.after.days.get(index)).map(|day| day.day);
        Cusum { days, turned, turned_again: again }
    }
}
