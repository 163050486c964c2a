//! What was recommended before: runs page by page, a whole one, and savings over time.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::outcome::StatedOutcome;
use super::store::{self, Day, Filter, RunRow};
use super::{Period, Run, RunItem, RunQuery, Savings, Summary, SummaryQuery};
use crate::datasets::clock;
use crate::error::{Error, Result, codes};
use crate::limits::Paging;
use crate::sessions::Page;
use crate::state::AppState;
use crate::times::utc;
use crate::training;
use hvac_store::entity::{optimization_run, trained_model};

/// Runs on a page when nobody says otherwise.
const PAGE_SIZE: u64 = 20;

/// One page of the runs that match, newest first.
///
/// # Errors
/// 404 for a version or alias of a model that does not exist; 422 for a time or page that cannot be.
pub async fn list(state: &AppState, query: &RunQuery) -> Result<Page<RunItem>> {
    let paging = Paging::asked(query.page, query.page_size, PAGE_SIZE)?;
    let filter = filter(state, query.model.as_deref(), query.from.as_deref(), query.to.as_deref()).await?;
    let db = state.store.db.read();
    let (total, rows) = store::list(db, &filter, paging).await?;
    let ids: Vec<&str> = rows.iter().map(|(run, _)| run.id.as_str()).collect();
    let mut outcomes = store::outcomes(db, &ids).await?;
    let listed = |row: RunRow| {
        let outcome = outcomes.remove(&row.0.id).map(Into::into);
        item(row, outcome)
    };
    Ok(Page::of(paging, total, rows.into_iter().map(listed).collect()))
}

/// A plain name means all versions of the model; a version, an alias or an id means that one.
async fn filter(state: &AppState, model: Option<&str>, from: Option<&str>, to: Option<&str>) -> Result<Filter> {
    let zone = state.config.site_timezone;
    let time = |field, text: Option<&str>| match text.filter(|text| !text.trim().is_empty()) {
        Some(text) => clock::parse(field, text, zone).map(DateTime::from_timestamp_millis),
        None => Ok(None),
    };
    let mut filter = Filter {
        principal: state.principal().clone(),
        model_id: None,
        model_name: None,
        from: time("from", from)?,
        to: time("to", to)?,
    };
    match model.map(str::trim).filter(|model| !model.is_empty()) {
        None => {}
        Some(id) if Uuid::try_parse(id).is_ok() => filter.model_id = Some(id.to_owned()),
        Some(one) if one.contains(':') => filter.model_id = Some(training::find(state, one).await?.row.id),
        Some(name) => filter.model_name = Some(name.to_owned()),
    }
    Ok(filter)
}

fn item((run, model): RunRow, outcome: Option<StatedOutcome>) -> RunItem {
    let (model_name, model_version) = named(model.as_ref());
    RunItem {
        run_id: run.id,
        model_id: run.model_id,
        model_name,
        model_version,
        session_id: run.session_id,
        method: run.method,
        predicted_power: run.predicted_power,
        baseline_power: run.baseline_power,
        savings_kw: run.savings_kw,
        savings_percent: run.savings_percent,
        change: run.is_change,
        recommendations: run.recommendations,
        duration_ms: run.duration_ms.unsigned_abs(),
        created_at: utc(run.created_at),
        outcome,
    }
}

/// A run goes with its model, so there always is one.
fn named(model: Option<&trained_model::Model>) -> (String, String) {
    model.map(|model| (model.name.clone(), label(model.version))).unwrap_or_default()
}

/// A version in answers.
pub fn label(version: i32) -> String {
    format!("v{version}")
}

/// A whole run.
///
/// # Errors
/// 404 when there is no such run.
pub async fn get(state: &AppState, id: &str) -> Result<Run> {
    let db = state.store.db.read();
    let (run, model) = store::get(db, state.principal(), id).await?;
    let outcome = store::outcome(db, &run.id).await?;
    let (model_name, model_version) = named(model.as_ref());
    Ok(Run {
        success: true,
        outcome: outcome.map(Into::into),
        answer: answer(&run),
        run_id: run.id,
        model_id: run.model_id,
        model_name,
        model_version,
        session_id: run.session_id,
        input_data: run.input_data,
        duration_ms: run.duration_ms.unsigned_abs(),
        created_at: utc(run.created_at),
    })
}

/// What was answered; of a run that was noted without its answer, what its columns say.
fn answer(run: &optimization_run::Model) -> Map<String, Value> {
    let mut answer = run.answer.as_object().cloned().unwrap_or_default();
    let columns = [
        ("predicted_power", json!(run.predicted_power)),
        ("baseline_power", json!(run.baseline_power)),
        ("savings_kw", json!(run.savings_kw)),
        ("savings_percent", json!(run.savings_percent)),
        ("change", json!(run.is_change)),
        ("recommendations", run.recommendations.clone()),
        ("method", json!(run.method)),
    ];
    for (name, value) in columns {
        answer.entry(name).or_insert(value);
    }
    answer
}

/// Savings over time.
///
/// # Errors
/// As [`list`]; 422 for a period that there is not.
pub async fn summary(state: &AppState, query: &SummaryQuery) -> Result<Summary> {
    let by = match query.by.as_deref().map(str::trim).unwrap_or_default() {
        "" | "day" => "day",
        "week" => "week",
        "month" => "month",
        other => {
            let message = format!("by: '{other}' is none of day, week, month");
            return Err(Error::invalid("by", codes::UNKNOWN_PERIOD, message));
        }
    };
    let filter = filter(state, query.model.as_deref(), query.from.as_deref(), query.to.as_deref()).await?;
    let days = store::days(state.store.db.read(), &filter).await?;
    Ok(summed(by, &days))
}

fn summed(by: &'static str, days: &[Day]) -> Summary {
    let mut periods: BTreeMap<String, Vec<&Day>> = BTreeMap::new();
    for day in days {
        periods.entry(first_day(by, &day.local_date)).or_default().push(day);
    }
    let periods = periods.into_iter().map(|(period, days)| Period { period, savings: mean(days) });
    Summary { by, all: mean(days), periods: periods.collect() }
}

/// The first day of the period that a day belongs to.
fn first_day(by: &str, date: &str) -> String {
    let Ok(day) = date.parse::<NaiveDate>() else { return date.to_owned() };
    let first = match by {
        "week" => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
        "month" => day.with_day(1),
        _ => Some(day),
    };
    first.unwrap_or(day).to_string()
}

fn mean<'a>(days: impl IntoIterator<Item = &'a Day>) -> Savings {
    let (mut runs, mut changes, mut kw, mut percent) = (0, 0, 0.0, 0.0);
    for day in days {
        runs += day.runs.unsigned_abs();
        changes += day.changes.unsigned_abs();
        kw += day.savings_kw;
        percent += day.savings_percent;
    }
    let of = |sum: f64| (runs > 0).then(|| sum / runs as f64);
    Savings { runs, runs_with_change: changes, mean_savings_kw: of(kw), mean_savings_percent: of(percent) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, runs: i64, changes: i64, savings_kw: f64, savings_percent: f64) -> Day {
        Day { local_date: date.to_owned(), runs, changes, savings_kw, savings_percent }
    }

    /// 2026-11-01 is a Sunday, 2026-11-20 a Friday.
    #[test]
    fn days_make_weeks_and_months() {
        let days =
            [day("2026-11-01", 1, 0, 0.0, 0.0), day("2026-11-16", 2, 2, 20.0, 8.0), day("2026-11-20", 4, 1, 10.0, 4.0)];
        let of = |by| summed(by, &days).periods.into_iter().map(|p| (p.period, p.savings)).collect::<Vec<_>>();
        let savings = |runs, runs_with_change, kw, percent| Savings {
            runs,
            runs_with_change,
            mean_savings_kw: Some(kw),
            mean_savings_percent: Some(percent),
        };
        let first = ("2026-10-26".to_owned(), savings(1, 0, 0.0, 0.0));
        assert_eq!(of("week"), [first, ("2026-11-16".to_owned(), savings(6, 3, 5.0, 2.0))]);
        assert_eq!(of("month"), [("2026-11-01".to_owned(), savings(7, 3, 30.0 / 7.0, 12.0 / 7.0))]);
        assert_eq!(of("day").len(), 3);
        assert_eq!(summed("day", &[]).all, Savings::default());
    }
}
