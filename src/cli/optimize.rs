//! `optimize`: better set-points for an operating point, by a stored model or straight from reports.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::out::{Align, number, print, print_said, table, tell};
use super::progress::JobShown;
use super::train::of_reports;
use super::{data, parse};
use crate::error::{Error, Result};
use crate::optimization::{OptimizeAnswer, OptimizeRequest, optimize};
use crate::sessions::catalogue;
use crate::state::AppState;
use crate::training::{TrainRequest, ask};
use crate::worker;

/// For which model, at which operating point, within which limits.
#[derive(Debug, Args)]
pub struct OptimizeArgs {
    /// The model: its name, name:v3, name:production, or its id; with --from, what to call it [default: as the report]
    #[arg(required_unless_present = "from")]
    model: Option<String>,
    /// Parse these reports, train on them (once, the same request stands) and recommend for their latest rows
    #[arg(long, value_name = "FILES", num_args = 1..)]
    from: Vec<PathBuf>,
    /// With --from: column that is predicted [default: CH_SYS_TOTAL_KW]
    #[arg(long, requires = "from", value_name = "COLUMN")]
    target: Option<String>,
    /// With --from: which columns play which part, as JSON [default: what their names suggest]
    #[arg(long, requires = "from", value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// With --from: IANA zone of times without an offset
    #[arg(long, requires = "from", value_name = "ZONE", value_parser = parse::zone)]
    timezone: Option<String>,
    /// A condition: load_rt=300, by role, feature or column (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    conditions: Vec<(String, f64)>,
    /// A present set-point: chw_pump_hz=48 (repeatable)
    #[arg(long = "current", value_name = "NAME=VALUE", value_parser = pair)]
    current: Vec<(String, f64)>,
    /// What may change [default: every control of the model]: chw_pump_hz, or chw_pump_hz:30:60:0.5:5 (repeatable)
    #[arg(long = "vary", value_name = "NAME[:MIN:MAX:STEP:MAX_CHANGE]", value_parser = variable)]
    variables: Vec<Value>,
    /// What must be kept: 'chw_pressure>=80' (repeatable)
    #[arg(long = "constraint", value_name = "NAME<=X or NAME>=X")]
    constraints: Vec<String>,
    /// How to search: auto, grid, or de (differential evolution)
    #[arg(long, default_value = "auto")]
    method: String,
    /// Of differential evolution
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The session whose latest steady rows fill in what is not given [default: the model's own]
    #[arg(long)]
    session: Option<String>,
    /// When it is, for models that know the calendar [default: of the latest rows, or now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

fn pair(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    let value = value.trim().parse().map_err(|_| format!("'{}' is no number", value.trim()))?;
    match name.trim() {
        "" => Err("write NAME=VALUE".to_owned()),
        name => Ok((name.to_owned(), value)),
    }
}

/// An empty part is a limit that is not given: `chw_pump_hz::55`.
fn variable(text: &str) -> Result<Value, String> {
    let mut parts = text.split(':').map(str::trim);
    let mut object = Map::from_iter([("name".to_owned(), json!(parts.next().unwrap_or_default()))]);
    for name in ["min", "max", "step", "max_change"] {
        let part = parts.next().unwrap_or_default();
        if !part.is_empty() {
            let number: f64 = part.parse().map_err(|_| format!("{name} '{part}' is no number"))?;
            object.insert(name.to_owned(), json!(number));
        }
    }
    match parts.next() {
        Some(_) => Err("write NAME:MIN:MAX:STEP:MAX_CHANGE".to_owned()),
        None => Ok(Value::Object(object)),
    }
}

/// Recommends set-points.
///
/// # Errors
/// As [`optimize::optimize`].
pub async fn run(state: &AppState, mut args: OptimizeArgs, json: bool) -> Result<()> {
    let session_id = match &args.session {
        Some(session) => Some(catalogue::find(state, session).await?),
        None => None,
    };
    if !args.from.is_empty() {
        args.model = Some(trained(state, &args).await?);
    }
    let answer = optimize::optimize(state, request(args, session_id)?).await?;
    if json { print_said(&answer) } else { print(summary(&answer)) }
}

/// Parses reports and trains on them; answers the model's id. What was done before with the same files stands.
async fn trained(state: &AppState, args: &OptimizeArgs) -> Result<String> {
    let session_id = of_reports(state, &args.from, None, args.timezone.clone(), None).await?;
    let stem = args.from.first().and_then(|path| path.file_stem()).unwrap_or_default().to_string_lossy().into_owned();
    let named = stem.replace(|c: char| !(c.is_alphanumeric() || "_-".contains(c)), "_");
    let mut mapping = args.mapping.as_deref().map(data::json_object).transpose()?.unwrap_or_default();
    mapping.extend(args.target.as_ref().map(|target| ("target_col".to_owned(), json!(target))));
    let body = json!({
        "model_name": args.model.clone().unwrap_or(named), "session_id": session_id, "feature_mapping": mapping,
    });
    let request = TrainRequest::read(body.as_object().cloned().unwrap_or_default())?;
    let asked = ask::ask(state, request).await?;
    if !asked.is_done {
        let shown = JobShown::new();
        let job = worker::run_here(state, &asked.job_id, |job| shown.show(job)).await;
        drop(shown);
        job?;
    }
    let answer = ask::wait(state, asked).await?;
    tell(&answer.message);
    answer.warnings.iter().for_each(|warning| tell(&format!("warning: {warning}")));
    Ok(answer.model_id)
}

/// The request as the API would get it, so that both are read and refused the same way.
fn request(args: OptimizeArgs, session_id: Option<String>) -> Result<OptimizeRequest> {
    let body = json!({
        "model": args.model,
        "conditions": args.conditions.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "current": args.current.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "variables": args.variables, "constraints": args.constraints, "method": args.method, "seed": args.seed,
        "session_id": session_id, "timestamp": args.at,
    });
    match body {
        Value::Object(body) => OptimizeRequest::read(body),
        _ => Err(Error::internal("a request is an object")),
    }
}

/// What to set, what it saves, and what had to be assumed.
fn summary(run: &OptimizeAnswer) -> String {
    let answer = &run.answer;
    let header = [
        ("PARAMETER", Align::Left),
        ("NOW", Align::Right),
        ("SET TO", Align::Right),
        ("UNIT", Align::Left),
        ("SAVES kW", Align::Right),
        ("WHY", Align::Left),
    ];
    let rows: Vec<Vec<String>> = answer
        .recommendations
        .iter()
        .map(|one| {
            vec![
                one.parameter.clone(),
                number(one.current),
                number(Some(one.value)),
                one.unit.clone().unwrap_or_default(),
                // No "-0.0".
                format!("{:.1}", (one.savings * 10.0).round() / 10.0 + 0.0),
                one.reason.clone(),
            ]
        })
        .collect();
    let unit = run.unit.as_deref().unwrap_or("kW");
    let mut lines = vec![
        table(&header, &rows),
        format!(
            "{:.1} {unit} now, {:.1} {unit} then{}: saves {:.1} {unit}, {:.1} %; confidence {:.2}",
            answer.baseline_power,
            answer.predicted_power,
            answer.lower.zip(answer.upper).map(|(low, high)| format!(" ({low:.1} to {high:.1})")).unwrap_or_default(),
            answer.savings_kw,
            answer.savings_percent,
            answer.confidence
        ),
        answer.message.clone(),
    ];
    lines.extend(answer.constraint_violations.iter().map(|limit| format!("not kept now: {limit}")));
    if !answer.extrapolating.is_empty() {
        lines.push(format!("beyond everything seen: {}", answer.extrapolating.join(", ")));
    }
    let mut assumed: Vec<(&str, Vec<String>)> = Vec::new();
    for one in &answer.assumptions {
        let value = format!("{} = {}", one.name, number(Some(one.value)));
        match assumed.iter_mut().find(|(source, _)| *source == one.source) {
            Some((_, values)) => values.push(value),
            None => assumed.push((&one.source, vec![value])),
        }
    }
    lines.extend(assumed.into_iter().map(|(source, values)| format!("assumed {} ({source})", values.join(", "))));
    lines.push(format!("run {} with {} {}", run.run_id, run.model_name, run.model_version));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}
