//! Which share of the samples that a point should have is there, day by day on the site's clock.

use std::ops::Range;

use chrono::{DateTime, Datelike, Days, MappedLocalTime, Months, NaiveDate, TimeDelta, TimeZone};
use chrono_tz::Tz;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::version::settled;
use super::window::{Window, WindowQuery, WindowRows};
use super::{Answer, DatasetLabel, DatasetSelector, answer, names};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_cleaning::{Recording, is_on_change};
use hvac_frame::column::{ColumnMeta, Kind};

/// Most shares of one answer.
const MAX_SHARES: usize = 1_000_000;

/// Asks for the coverage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct CoverageQuery {
    /// Names separated by commas; all when left out.
    #[param(example = "CHWST")]
    pub columns: Option<String>,
    /// `day` (default), `week` (from Monday on) or `month`, on the site's clock.
    #[param(inline)]
    pub by: Option<CoverageBy>,
}

/// How long a period is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum CoverageBy {
    /// A local day, 23 to 25 hours.
    #[default]
    Day,
    /// Monday to Sunday.
    Week,
    /// A month.
    Month,
}

impl CoverageBy {
    /// The first day of the period of a day.
    fn first(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
            Self::Month => day.with_day(1),
        }
    }

    /// The first day of the period after the one that begins on a day.
    fn next(self, first: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => first.succ_opt(),
            Self::Week => first.checked_add_days(Days::new(7)),
            Self::Month => first.checked_add_months(Months::new(1)),
        }
    }
}

/// Points × periods: which share of the samples that should be there is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PointCoverage {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// How long a period is.
    pub by: CoverageBy,
    /// First day of each period, on the site's clock; from that of the first row to that of the last one.
    #[schema(example = json!(["2024-07-01", "2024-07-02"]))]
    pub periods: Vec<String>,
    /// One entry a point.
    pub points: Vec<PointShares>,
}

/// How much of a point is there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PointShares {
    /// The column.
    pub column: String,
    /// How often it is recorded, s: what its report or a cleaning says, never less than what its values show. Null where
    /// that is not known: it is recorded on change, or has fewer than two samples. Of a point without any sample, nothing of
    /// what should be there is, however much that is.
    pub interval_s: Option<f64>,
    /// Samples in all periods.
    pub samples: u64,
    /// Share of all samples that should be there, 0–1; null where that is not known.
    pub share: Option<f64>,
    /// The same of each period, in their order, to four decimals; null where that is not known, or less than one sample is
    /// expected.
    pub shares: Vec<Option<f64>>,
}

/// Which share of the samples that should be there is.
///
/// # Errors
/// As [`super::version::resolve`], [`Window::of`]; 422 for an unknown column, and for too many shares.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn coverage(
    state: &AppState,
    selector: &DatasetSelector,
    query: &CoverageQuery,
    window: &WindowQuery,
) -> Result<Answer<PointCoverage>> {
    let dataset = settled(state, selector).await?;
    let chosen = names::listed(&dataset.columns, query.columns.as_deref())?;
    let columns: Vec<ColumnMeta> = match chosen {
        Some(chosen) => chosen.into_iter().cloned().collect(),
        None => dataset.columns.to_vec(),
    };
    let window = Window::of(window, dataset.zone)?;
    let by = query.by.unwrap_or_default();
    let named: Vec<&str> = columns.iter().map(|meta| meta.name.as_str()).collect();
    let request = format!("coverage {by:?} {}{window}", named.join(","));
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &window, dataset.zone)?;
        let at_ms = rows.axis()?;
        let periods = periods(&at_ms, by, dataset.zone, window.bounds_ms());
        let shares = periods.len().saturating_mul(columns.len());
        if shares > MAX_SHARES {
            let message = format!(
                "by: {} periods of {} columns are more than {MAX_SHARES}; say by=week or by=month, fewer columns, or from and to",
                periods.len(),
                columns.len()
            );
            return Err(Error::invalid("by", codes::TOO_MUCH_AT_ONCE, message));
        }
        let recording = Recording::new(&at_ms);
        let stretches: Vec<Stretch> = periods.iter().map(|period| period.stretch.clone()).collect();
        let of = |meta: &ColumnMeta| -> Result<PointShares> {
            let values: Vec<f64> = match meta.kind {
                Kind::Text => rows.texts(meta)?.iter().map(|text| text.map_or(f64::NAN, |_| 0.0)).collect(),
                _ => rows.numbers(meta)?.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            };
            let meta = rows.described(meta);
            Ok(of_point(&meta, recording.every_ms(&meta, &values), &values, &stretches))
        };
        answer::json(&PointCoverage {
            dataset: dataset.label.clone(),
            by,
            periods: periods.iter().map(|period| period.first.to_string()).collect(),
            points: columns.par_iter().map(of).collect::<Result<_>>()?,
        })
    })
    .await
}

/// A day, week or month.
#[derive(Debug, Clone, PartialEq)]
struct Period {
    first: NaiveDate,
    /// As far as it lies in the window.
    stretch: Stretch,
}

/// Some time, and the rows in it.
#[derive(Debug, Clone, PartialEq)]
struct Stretch {
    /// How long it is.
    length_ms: f64,
    /// Its rows.
    rows: Range<usize>,
}

/// The periods from the first row's to the last one's.
fn periods(at_ms: &[i64], by: CoverageBy, zone: Tz, (from, to): (Option<i64>, Option<i64>)) -> Vec<Period> {
    let day = |at_ms: i64| Some(DateTime::from_timestamp_millis(at_ms)?.with_timezone(&zone).date_naive());
    let (Some(first), Some(last)) = (at_ms.first(), at_ms.last()) else { return Vec::new() };
    let mut periods = Vec::new();
    let mut begin = day(*first).and_then(|day| by.first(day));
    while let Some((first, next)) = begin.and_then(|first| Some((first, by.next(first)?))) {
        let (start_ms, end_ms) = (midnight(first, zone), midnight(next, zone));
        if start_ms > *last {
            break;
        }
        let (start, end) = (start_ms.max(from.unwrap_or(i64::MIN)), end_ms.min(to.unwrap_or(i64::MAX)));
        let rows = at_ms.partition_point(|at| *at < start_ms)..at_ms.partition_point(|at| *at < end_ms);
        let length_ms = end.saturating_sub(start).max(0) as f64;
        periods.push(Period { first, stretch: Stretch { length_ms, rows } });
        begin = Some(next);
    }
    periods
}

/// The first instant of a local day, UTC ms.
fn midnight(day: NaiveDate, zone: Tz) -> i64 {
    let mut clock = day.and_time(chrono::NaiveTime::MIN);
    // No clock skips more than a day.
    for _ in 0..=96 {
        match zone.from_local_datetime(&clock) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => return at.timestamp_millis(),
            MappedLocalTime::None => clock += TimeDelta::minutes(15),
        }
    }
    clock.and_utc().timestamp_millis()
}

fn of_point(meta: &ColumnMeta, interval_ms: Option<f64>, values: &[f64], periods: &[Stretch]) -> PointShares {
    let interval_ms = interval_ms.filter(|interval| *interval > 0.0);
    let present = |rows: &Range<usize>| {
        values.get(rows.clone()).unwrap_or_default().iter().filter(|value| !value.is_nan()).count() as u64
    };
    let nothing = !is_on_change(meta) && values.iter().all(|value| value.is_nan());
    let share = |samples: u64, length_ms: f64| {
        if nothing {
            return Some(0.0);
        }
        let expected = length_ms / interval_ms?;
        (expected >= 1.0).then(|| ((samples as f64 / expected).min(1.0) * 1e4).round() / 1e4)
    };
    let counts: Vec<u64> = periods.iter().map(|period| present(&period.rows)).collect();
    let samples = counts.iter().sum();
    PointShares {
        column: meta.name.clone(),
        interval_s: interval_ms.map(|ms| ms / 1000.0),
        samples,
        share: share(samples, periods.iter().map(|period| period.length_ms).sum()),
        shares: counts.iter().zip(periods).map(|(count, period)| share(*count, period.length_ms)).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    /// Two days of quarter-hours: 96 and 24 of 96. A dead point has none of what it should have; of one that is recorded on
    /// change that is not known.
    #[test]
    fn dead_points_are_not_there_and_silent_ones_may_be() {
        let meta = |trend: Option<&str>| -> ColumnMeta {
            let said = trend.map_or(String::new(), |trend| format!(r#""trend_definition":"{trend}","#));
            let rest =
                r#""name":"A","original_name":"A","kind":"instantaneous","kind_evidence":"","count":0,"nulls":{}"#;
            serde_json::from_str(&format!("{{{said}{rest}}}")).unwrap()
        };
        let day = |rows: Range<usize>| Stretch { length_ms: 86_400_000.0, rows };
        let days = [day(0..96), day(96..192)];
        let values: Vec<f64> = (0..192).map(|row| if row < 120 { 7.0 } else { f64::NAN }).collect();
        let known = of_point(&meta(None), Some(900_000.0), &values, &days);
        assert_eq!((known.shares, known.share, known.samples), (vec![Some(1.0), Some(0.25)], Some(0.625), 120));
        let dead = of_point(&meta(None), None, &[f64::NAN; 192], &days);
        assert_eq!((dead.shares, dead.share), (vec![Some(0.0); 2], Some(0.0)));
        let silent = of_point(&meta(Some("COV")), None, &[f64::NAN; 192], &days);
        assert_eq!((silent.shares, silent.share), (vec![None; 2], None));
        let slow = of_point(&meta(None), Some(7.0 * 86_400_000.0), &values, &days);
        assert_eq!(slow.shares, [None, None], "less than one sample a day is expected");
    }

    /// New York, 9 to 11 March 2024: 24, 23 and 24 hours; São Paulo's 4 November 2018 begins at 01:00.
    #[test]
    fn days_are_as_long_as_they_are() {
        let zone = Tz::America__New_York;
        let times = [at("2024-03-09T12:00:00-05:00"), at("2024-03-10T12:00:00-04:00"), at("2024-03-11T00:00:00-04:00")];
        let hours = |by, bounds| -> Vec<(String, f64, Range<usize>)> {
            let all = periods(&times, by, zone, bounds);
            all.into_iter().map(|p| (p.first.to_string(), p.stretch.length_ms / 3.6e6, p.stretch.rows)).collect()
        };
        let open = (None, None);
        let days = [("2024-03-09", 24.0, 0..1), ("2024-03-10", 23.0, 1..2), ("2024-03-11", 24.0, 2..3)];
        assert_eq!(hours(CoverageBy::Day, open), days.map(|(day, hours, rows)| (day.to_owned(), hours, rows)));
        let weeks = [("2024-03-04", 167.0, 0..2), ("2024-03-11", 168.0, 2..3)];
        assert_eq!(hours(CoverageBy::Week, open), weeks.map(|(day, hours, rows)| (day.to_owned(), hours, rows)));
        assert_eq!(hours(CoverageBy::Month, open), [("2024-03-01".to_owned(), 31.0 * 24.0 - 1.0, 0..3)]);
        let cut = (Some(at("2024-03-09T18:00:00-05:00")), Some(at("2024-03-11T06:00:00-04:00")));
        let cut: Vec<f64> = hours(CoverageBy::Day, cut).into_iter().map(|(_, hours, _)| hours).collect();
        assert_eq!(cut, [6.0, 23.0, 6.0]);
        let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
        assert_eq!(midnight(day, Tz::America__Sao_Paulo), at("2018-11-04T01:00:00-02:00"));
    }
}
