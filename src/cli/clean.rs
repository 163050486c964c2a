//! `clean`: a session's dataset into a new version, with its report.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Map, Value, json};

use super::out::{Align, print, print_said, table};
use super::progress::JobShown;
use crate::cleaning::dry_run::dry_run;
use crate::cleaning::{CleanAnswer, CleanRequest, Interval, ask};
use crate::error::Result;
use crate::sessions::catalogue;
use crate::state::AppState;
use crate::worker;

/// What to clean, and how.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// The session: its id, the beginning of it, or its name
    session: String,
    /// The parsed version to clean, such as parsed-v1 [default: the newest]
    #[arg(long, value_name = "VERSION")]
    dataset: Option<String>,
    /// Width of the rows' intervals: 1m, 5m, 10m, 15m, 30m, 1h, 1d, or none to keep the rows as they are
    #[arg(long, default_value = "5m", value_parser = interval)]
    interval: IntervalArg,
    /// Leave out intervals without a sample instead of keeping a row of nulls
    #[arg(long)]
    no_empty: bool,
    /// Add the share of each interval at which a state was on
    #[arg(long)]
    on_fraction: bool,
    /// Do not look for sensors that stand still while their equipment runs
    #[arg(long)]
    no_frozen: bool,
    /// Look for single samples that jump away and back
    #[arg(long)]
    spikes: bool,
    /// Look for values that cannot be, by kind and unit
    #[arg(long)]
    out_of_range: bool,
    /// Judge rows at which the load moves
    #[arg(long)]
    steady_state: bool,
    /// Judge rows at which flow × ΔT is not the measured load
    #[arg(long)]
    heat_balance: bool,
    /// Judge rows at which a pump's or fan's P/f³ is not its own
    #[arg(long)]
    affinity: bool,
    /// Judge rows at which machines contradict each other
    #[arg(long)]
    equipment: bool,
    /// Set sensors against each other: drift, offset, swap, wrong unit, time shift
    #[arg(long)]
    sensors: bool,
    /// Null the cells and drop the rows that a rule hits; otherwise they are only reported
    #[arg(long)]
    filter_invalid: bool,
    /// Add wet-bulb, load, COP, kW/RT, lift, ΔT and the registers' consumption
    #[arg(long)]
    derive: bool,
    /// Leave out a rule that lacks a column, with a warning, instead of refusing
    #[arg(long)]
    lenient: bool,
    /// Which column plays a part: load=RT, chw_supply=CHWST, flow=GPM_1,GPM_2 (repeatable)
    #[arg(long = "column", value_name = "ROLE=NAME", value_parser = pair)]
    columns: Vec<(String, String)>,
    /// Unit of a column whose report does not say: 'CHW_FLOW=GPM' (repeatable)
    #[arg(long = "unit", value_name = "COLUMN=UNIT", value_parser = pair)]
    units: Vec<(String, String)>,
    /// A rule's limit: spike_z=6, chw_temperature_c=0..25 (repeatable)
    #[arg(long = "threshold", value_name = "NAME=VALUE", value_parser = pair)]
    thresholds: Vec<(String, String)>,
    /// Say what would be found and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Make a new version even when the same request was answered before
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy)]
struct IntervalArg(Option<Interval>);

fn interval(text: &str) -> Result<IntervalArg, String> {
    if text == "none" { Ok(IntervalArg(None)) } else { text.parse().map(|interval| IntervalArg(Some(interval))) }
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "write NAME=VALUE".to_owned())?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || value.is_empty() {
        return Err("write NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Cleans, here or waiting for another process that was faster.
///
/// # Errors
/// As [`ask::ask`]; the job's own error.
pub async fn run(state: &AppState, args: CleanArgs, json: bool) -> Result<()> {
    let session_id = catalogue::find(state, &args.session).await?;
    if args.dry_run {
        let (answer, _) = dry_run(state, request(args, session_id)?).await?;
        return if json { print_said(&answer) } else { print(summary(&answer)) };
    }
    let asked = ask::ask(state, request(args, session_id)?).await?;
    if !asked.is_done {
        let shown = JobShown::new();
        let job = worker::run_here(state, &asked.job_id, |job| shown.show(job)).await;
        drop(shown);
        job?;
    }
    let answer = ask::wait(state, asked).await?;
    if json { print_said(&answer) } else { print(summary(&answer)) }
}

/// The request as the API would get it, so that both are read and refused the same way.
fn request(args: CleanArgs, session_id: String) -> Result<CleanRequest> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    set("session_id", json!(session_id));
    set("dataset_id", json!(args.dataset));
    set("force", json!(args.force));
    set("resample_interval", json!(args.interval.0));
    set("keep_empty_bins", json!(!args.no_empty));
    set("on_fraction", json!(args.on_fraction));
    set("detect_frozen", json!(!args.no_frozen));
    set("detect_spikes", json!(args.spikes));
    set("detect_out_of_range", json!(args.out_of_range));
    set("apply_steady_state", json!(args.steady_state));
    set("apply_heat_balance", json!(args.heat_balance));
    set("apply_affinity", json!(args.affinity));
    set("check_equipment", json!(args.equipment));
    set("check_sensors", json!(args.sensors));
    set("filter_invalid", json!(args.filter_invalid));
    set("derive", json!(args.derive));
    set("lenient", json!(args.lenient));
    set("columns", args.columns.into_iter().map(|(role, names)| (role, columns(&names))).collect());
    set("units", json!(args.units.into_iter().collect::<BTreeMap<_, _>>()));
    set("thresholds", args.thresholds.into_iter().map(|(name, value)| (name, threshold(&value))).collect());
    CleanRequest::read(body)
}

/// One name, or several that add up.
fn columns(names: &str) -> Value {
    if names.contains(',') { names.split(',').map(str::trim).collect() } else { json!(names) }
}

/// A number, or limits: `0..25`, `0..`, `..25`.
fn threshold(text: &str) -> Value {
    let number = |text: &str| {
        let whole = text.parse::<i64>().map(|number| json!(number));
        whole.or_else(|_| text.parse::<f64>().map(|number| json!(number))).unwrap_or_else(|_| json!(text))
    };
    let end = |text: &str| if text.is_empty() { Value::Null } else { number(text) };
    match text.split_once("..") {
        Some((min, max)) => json!({"min": end(min.trim()), "max": end(max.trim())}),
        None => number(text),
    }
}

/// What was done, rule by rule.
fn summary(answer: &CleanAnswer) -> String {
    let report = &answer.report;
    let list = |at: &str| report.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, at: &str| value.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_u64).unwrap_or_default();
    let taken = |of: &str, rule: &str| number(report, &format!("/{of}/{rule}/first"));
    let rules: Vec<Vec<String>> = list("/rules")
        .iter()
        .map(|rule| {
            let name = text(rule, "rule");
            let points = rule.get("columns").and_then(Value::as_array).map_or(0, Vec::len);
            vec![
                name.clone(),
                if rule.get("ran") == Some(&Value::Bool(true)) { points.to_string() } else { "not run".to_owned() },
                number(rule, "/judged").to_string(),
                number(rule, "/hits/all").to_string(),
                taken("cells/nulled", &name).to_string(),
                taken("rows/dropped", &name).to_string(),
            ]
        })
        .collect();
    let header = [
        ("RULE", Align::Left),
        ("POINTS", Align::Right),
        ("JUDGED", Align::Right),
        ("HITS", Align::Right),
        ("CELLS NULLED", Align::Right),
        ("ROWS DROPPED", Align::Right),
    ];
    let mut lines = Vec::new();
    if !rules.is_empty() {
        lines.push(table(&header, &rules));
    }
    lines.extend(list("/warnings").iter().map(|warning| format!("warning: {}", text(warning, "message"))));
    let cells = report.pointer("/cell_retention_rate").and_then(Value::as_f64).unwrap_or_default();
    let (kept, before) = (number(report, "/cells/kept"), number(report, "/cells/before"));
    lines.push(format!(
        "{:.1} % of the rows with a sample and {cells:.1} % of the values left ({kept} of {before}), {} quality {}",
        answer.retention_rate,
        answer.events_count,
        if answer.events_count == 1 { "event" } else { "events" }
    ));
    lines.push(answer.message.clone());
    if !answer.dry_run {
        lines.push(format!("{} of session {}", answer.version, answer.session_id));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_in_several_ways() {
        assert_eq!(threshold("6"), json!(6));
        assert_eq!(threshold("0.15"), json!(0.15));
        assert_eq!(threshold("0..25.5"), json!({"min": 0, "max": 25.5}));
        assert_eq!(threshold("..25"), json!({"min": null, "max": 25}));
        assert_eq!(threshold("many"), json!("many"));
        assert_eq!(columns("A, B"), json!(["A", "B"]));
        assert_eq!(columns("A"), json!("A"));
    }
}
