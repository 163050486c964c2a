//! A usual day, week or year: what values are at each hour, weekday or month of the site's clock.

use chrono::{DateTime, Datelike, Timelike};
use chrono_tz::Tz;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::stats::quantile;
use super::version::settled;
use super::window::{Window, WindowQuery, WindowRows};
use super::{Answer, DatasetLabel, DatasetSelector, answer, names};
use crate::error::Result;
use crate::state::AppState;
use hvac_frame::column::{ColumnMeta, Kind};

/// Most columns of one profile.
const MAX_COLUMNS: usize = 50;

/// Asks for a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ProfileQuery {
    /// Names separated by commas, 1…50; the first 50 columns of numbers when left out.
    #[param(example = "CHWST")]
    pub columns: Option<String>,
    /// `hour` (default), `weekday` or `month`, on the site's clock.
    #[param(inline)]
    pub by: Option<ProfileBy>,
}

/// What rows are put together by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ProfileBy {
    /// Hours of the day, 0…23.
    #[default]
    Hour,
    /// Days of the week, 1 = Monday … 7 = Sunday (ISO 8601).
    Weekday,
    /// Months of the year, 1…12.
    Month,
}

impl ProfileBy {
    /// Its groups: the first, and how many.
    fn groups(self) -> (u32, usize) {
        match self {
            Self::Hour => (0, 24),
            Self::Weekday => (1, 7),
            Self::Month => (1, 12),
        }
    }

    /// The place of a time's group.
    fn place(self, at_ms: i64, zone: Tz) -> Option<usize> {
        let at = DateTime::from_timestamp_millis(at_ms)?.with_timezone(&zone);
        let place = match self {
            Self::Hour => at.hour(),
            Self::Weekday => at.weekday().num_days_from_monday(),
            Self::Month => at.month0(),
        };
        usize::try_from(place).ok()
    }
}

/// What values are at each hour, weekday or month.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// What rows are put together by.
    pub by: ProfileBy,
    /// The groups: 0…23, 1…7 (1 = Monday) or 1…12.
    pub groups: Vec<u32>,
    /// One entry a column asked for.
    pub columns: Vec<ColumnProfile>,
}

/// What the values of a column are in each group: lists as long as that of the groups, null where it has no value.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ColumnProfile {
    /// The column.
    pub column: String,
    /// What its values are; null only of an older program's answer.
    pub kind: Option<Kind>,
    /// Unit.
    pub unit: Option<String>,
    /// Cells with a value.
    pub count: Vec<u64>,
    /// Arithmetic mean.
    pub mean: Vec<Option<f64>>,
    /// 10 % quantile, linear-interpolated as all of them.
    pub p10: Vec<Option<f64>>,
    /// Median.
    pub median: Vec<Option<f64>>,
    /// 90 % quantile.
    pub p90: Vec<Option<f64>>,
    /// Least.
    pub min: Vec<Option<f64>>,
    /// Greatest.
    pub max: Vec<Option<f64>>,
}

/// What values are at each hour, weekday or month.
///
/// # Errors
/// As [`super::version::resolve`], [`Window::of`]; 422 for an unknown column, or one of texts.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn profile(
    state: &AppState,
    selector: &DatasetSelector,
    query: &ProfileQuery,
    window: &WindowQuery,
) -> Result<Answer<Profile>> {
    let dataset = settled(state, selector).await?;
    let columns = names::numbers(&dataset.columns, query.columns.as_deref(), 1, MAX_COLUMNS)?;
    let window = Window::of(window, dataset.zone)?;
    let by = query.by.unwrap_or_default();
    let named: Vec<&str> = columns.iter().map(|meta| meta.name.as_str()).collect();
    let request = format!("profile {by:?} {}{window}", named.join(","));
    answer::computed(state, dataset, &request, move |frame, dataset| {
        let rows = WindowRows::of(frame, &window, dataset.zone)?;
        let places = places(&rows.axis()?, by, dataset.zone);
        let of = |meta: &ColumnMeta| Ok(of_column(meta, &rows.numbers(meta)?, &places, by));
        let (first, count) = by.groups();
        answer::json(&Profile {
            dataset: dataset.label.clone(),
            by,
            groups: (first..).take(count).collect(),
            columns: columns.par_iter().map(of).collect::<Result<_>>()?,
        })
    })
    .await
}

/// The group's place of each row. No clock changes within a quarter of an hour, so that rows of one are asked once.
fn places(at_ms: &[i64], by: ProfileBy, zone: Tz) -> Vec<Option<usize>> {
    let mut known: Option<(i64, Option<usize>)> = None;
    let place = |at: &i64| {
        let quarter = at.div_euclid(900_000);
        match known {
            Some((same, place)) if same == quarter => place,
            _ => {
                let place = by.place(*at, zone);
                known = Some((quarter, place));
                place
            }
        }
    };
    at_ms.iter().map(place).collect()
}

fn of_column(meta: &ColumnMeta, cells: &[Option<f64>], places: &[Option<usize>], by: ProfileBy) -> ColumnProfile {
    let mut groups: Vec<Vec<f64>> = vec![Vec::new(); by.groups().1];
    for (place, value) in places.iter().zip(cells).filter_map(|(place, cell)| Some(((*place)?, (*cell)?))) {
        if let Some(group) = groups.get_mut(place) {
            group.push(value);
        }
    }
    let mut all = ColumnProfile {
        column: meta.name.clone(),
        kind: Some(meta.kind),
        unit: meta.unit.clone(),
        ..Default::default()
    };
    for mut values in groups {
        values.sort_unstable_by(f64::total_cmp);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        all.count.push(values.len() as u64);
        all.mean.push(Some(mean).filter(|mean| mean.is_finite()));
        all.p10.push(quantile(&values, 0.1));
        all.median.push(quantile(&values, 0.5));
        all.p90.push(quantile(&values, 0.9));
        all.min.push(values.first().copied());
        all.max.push(values.last().copied());
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    /// 27 October 2024 in Berlin: 02:30 comes twice; a Sunday. Lord Howe's clock changes by half an hour.
    #[test]
    fn groups_are_of_the_sites_clock() {
        let times = ["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2024-10-27T23:30:00Z", "2024-12-31T23:30:00Z"];
        let times = times.map(at);
        let berlin = Tz::Europe__Berlin;
        let of = |by| places(&times, by, berlin).into_iter().map(Option::unwrap).collect::<Vec<_>>();
        assert_eq!(of(ProfileBy::Hour), [2, 2, 0, 0]);
        assert_eq!(of(ProfileBy::Weekday), [6, 6, 0, 2]);
        assert_eq!(of(ProfileBy::Month), [9, 9, 9, 0]);
        let howe = [at("2024-10-05T15:29:00Z"), at("2024-10-05T15:31:00Z")];
        assert_eq!(places(&howe, ProfileBy::Hour, Tz::Australia__Lord_Howe), [Some(1), Some(2)]);
    }
}
