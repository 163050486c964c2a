//! `models`: list, show, delete, name and export them. `predict`: ask one.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::confirm::confirm;
use super::export::{Ending, told_by_name};
use super::out::{Align, number, print, print_bytes, print_json, print_said, table, tell};
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use crate::training::{
    AliasRequest, Metrics, ModelDetail, ModelFilter, ModelList, PredictAnswer, PredictRequest, Scores, aliases, models,
    predict,
};

/// What to do with which models; without a word, list them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ModelsArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List models (also without this word)
    List(ListArgs),
    /// Show one version with how good it is
    Show {
        /// An id, NAME, NAME:v3 or NAME:alias
        model: String,
    },
    /// Delete one version for ever, with its file
    Delete {
        /// An id, NAME, NAME:v3 or NAME:alias
        model: String,
        /// Also when recommendations or aliases refer to it: they go too
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Make a word such as production stand for a version; without one, take the word back
    Alias {
        /// The model's name
        name: String,
        /// The word
        alias: String,
        /// The version, such as v3
        version: Option<String>,
    },
    /// Write a model as a CSV that anything can score with, or as its own file
    Export {
        /// An id, NAME, NAME:v3 or NAME:alias
        model: String,
        /// File to write, or - for standard output; .json is the model file itself
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only models of this site (default: those without one)
    #[arg(long, value_name = "SITE")]
    subfolder: Option<String>,
    /// Only models with this in their name
    #[arg(long, short)]
    query: Option<String>,
    /// Page, from 1
    #[arg(long)]
    page: Option<u64>,
    /// Models a page, 1 to 100
    #[arg(long)]
    page_size: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// As the use cases have them.
pub async fn run(state: &AppState, args: ModelsArgs, json: bool) -> Result<()> {
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(ListArgs { subfolder, query, page, page_size }) => {
            let filter = ModelFilter { subfolder, q: query, session_id: None, page, page_size };
            let list = models::list(state, &filter).await?;
            if json { print_json(&list) } else { print(listing(&list)) }
        }
        Action::Show { model } => {
            let detail = models::get(state, &model).await?;
            if json { print_said(&detail) } else { print(description(&detail)) }
        }
        Action::Delete { model, force, yes } => {
            let meant = models::one_version(state, &model).await?;
            let label = format!("{}:{}", meant.name, meant.version);
            confirm(&format!("Delete model {label} ({}, made {}) with its file", meant.id, meant.created_at), yes)?;
            let gone = models::delete(state, &meant.id, force).await?;
            done(json, &format!("deleted {}:{}", gone.name, gone.version))
        }
        Action::Alias { name, alias, version: Some(version) } => {
            let set = aliases::put(state, &name, &alias, &AliasRequest { version: Value::String(version) }).await?;
            if json {
                return print_json(&set);
            }
            let before = set.previous_version.map(|before| format!(" (before: {before})")).unwrap_or_default();
            print(format!("{}:{} is {}{before}", set.name, set.alias, set.version))
        }
        Action::Alias { name, alias, version: None } => {
            aliases::remove(state, &name, &alias).await?;
            done(json, &format!("{name}:{alias} means nothing any more"))
        }
        Action::Export { model, output } => export(state, &model, output).await,
    }
}

/// The API answers 204 without a body, so with `--json` nothing is printed.
fn done(json: bool, message: &str) -> Result<()> {
    if json { Ok(()) } else { print(message) }
}

async fn export(state: &AppState, model: &str, output: Option<PathBuf>) -> Result<()> {
    const ENDINGS: &[Ending<bool>] = &[("csv", false), ("json", true)];
    let whole = told_by_name(output.as_deref(), ENDINGS)?.unwrap_or(false);
    let file = if whole { models::file(state, model).await? } else { models::scoring_table(state, model).await? };
    let bytes = file.download.read().await?;
    if output.as_deref() == Some(Path::new("-")) {
        return print_bytes(&bytes);
    }
    let path = match output {
        Some(path) => path,
        None if Path::new(&file.file_name).exists() => {
            let message = format!("{} is there already; name the file with -o to replace it", file.file_name);
            return Err(Error::new(codes::FILE_EXISTS, message));
        }
        None => PathBuf::from(&file.file_name),
    };
    std::fs::write(&path, &bytes).map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        Error::new(codes::UNWRITABLE, message)
    })?;
    tell(&format!("wrote {}: {} bytes", path.display(), bytes.len()));
    Ok(())
}

fn listing(list: &ModelList) -> String {
    if list.total == 0 {
        return "no models; `hvac-analytics train SESSION --name NAME` makes one".to_owned();
    }
    let header = [
        ("NAME", Align::Left),
        ("VERSION", Align::Left),
        ("ALIASES", Align::Left),
        ("SITE", Align::Left),
        ("STATUS", Align::Left),
        ("ALGORITHM", Align::Left),
        ("MAPE %", Align::Right),
        ("R²", Align::Right),
        ("INTERVAL", Align::Left),
        ("FEATURES", Align::Right),
        ("TARGET", Align::Left),
        ("CREATED", Align::Left),
    ];
    let rows: Vec<Vec<String>> = list
        .models
        .iter()
        .map(|listed| {
            let model = &listed.model;
            let newer = (listed.newest_version != model.version)
                .then(|| format!(" ({} {})", listed.newest_version, listed.newest_status));
            vec![
                model.name.clone(),
                model.version.clone(),
                model.aliases.join(", "),
                model.folder.clone(),
                model.status.clone() + &newer.unwrap_or_default(),
                model.algorithm.clone(),
                short(model.mape),
                model.r2.map(|r2| format!("{r2:.3}")).unwrap_or_default(),
                model.calibrated.map(calibrated).unwrap_or_default().to_owned(),
                model.feature_count.map(|count| count.to_string()).unwrap_or_default(),
                model.target_col.clone() + if model.leaks.is_empty() { "" } else { " (told the answer)" },
                model.created_at.clone(),
            ]
        })
        .collect();
    let mut text = table(&header, &rows);
    if list.total_pages > 1 {
        let ModelList { page, total_pages, total, .. } = list;
        text.push_str(&format!("\npage {page} of {total_pages}, {total} models in all; --page shows another"));
    }
    text
}

fn description(detail: &ModelDetail) -> String {
    let model = &detail.summary;
    let mut lines = vec![
        format!("model     {}:{} ({})", model.name, model.version, model.id),
        format!("status    {}, file {}", model.status, model.integrity),
        format!("target    {} [{}]", model.target_col, detail.target_unit.as_deref().unwrap_or("no unit")),
        format!("made from {} of session {}", model.dataset_id, model.session_id),
        format!("created   {}", model.created_at),
    ];
    if !model.aliases.is_empty() {
        lines.push(format!("aliases   {}", model.aliases.join(", ")));
    }
    lines.extend(model.error.as_ref().map(|error| format!("error     {error}")));
    lines.push(scores_table(detail));
    if let Some(features) = &detail.features {
        let rows: Vec<Vec<String>> = features
            .iter()
            .map(|feature| {
                let range = &feature.range;
                let unit = feature.unit.clone().unwrap_or_default();
                vec![
                    feature.name.clone(),
                    unit,
                    number(Some(range.min)),
                    number(Some(range.median)),
                    number(Some(range.max)),
                ]
            })
            .collect();
        let header = [
            ("FEATURE", Align::Left),
            ("UNIT", Align::Left),
            ("MIN", Align::Right),
            ("MEDIAN", Align::Right),
            ("MAX", Align::Right),
        ];
        lines.push(table(&header, &rows));
    }
    lines.join("\n")
}

/// How good a model is: in time order first, beside rows drawn by chance and what simple rules reach.
pub fn scores_table(detail: &ModelDetail) -> String {
    let metrics = detail.metrics.clone().and_then(|metrics| serde_json::from_value::<Metrics>(metrics).ok());
    let Some(metrics) = metrics else { return String::new() };
    let row = |name: &str, of: &Scores, note: &str| {
        let numbers = [of.mape, of.cv_rmse, of.nmbe].map(short);
        let r2 = of.r2.map(|r2| format!("{r2:.3}")).unwrap_or_default();
        let [mape, cv_rmse, nmbe] = numbers;
        vec![name.to_owned(), mape, cv_rmse, nmbe, r2, of.rows.to_string(), note.to_owned()]
    };
    let mut rows = vec![row("in time order", &metrics.time_ordered, "held-out rows behind all that was learnt from")];
    if let Some(blocked) = &metrics.blocked_cv {
        rows.push(row("in blocks", &blocked.pooled, "cross-validation"));
    }
    rows.push(row("by chance", &metrics.random_split, "flatters: neighbouring rows are known"));
    rows.extend(metrics.baselines.iter().map(|rule| {
        let note = match (rule.beaten, rule.counts) {
            (Some(true), _) => "beaten",
            (Some(false), true) => "better than the model",
            (Some(false), false) => "better, but knows the target itself",
            (None, _) => "too few answers",
        };
        row(rule.rule.words(), &rule.scores, note)
    }));
    let header = [
        ("JUDGED", Align::Left),
        ("MAPE %", Align::Right),
        ("CV(RMSE) %", Align::Right),
        ("NMBE %", Align::Right),
        ("R²", Align::Right),
        ("ROWS", Align::Right),
        ("", Align::Left),
    ];
    let guideline = |judged: &crate::training::Judgement| {
        let numbers = judged.cv_rmse.zip(judged.nmbe).map(|(cv, bias)| format!(" ({cv:.1} %, {bias:+.1} %)"));
        format!("{}{}", judged.outcome.words(), numbers.unwrap_or_default())
    };
    let top: Vec<String> = metrics
        .importance
        .iter()
        .filter(|feature| feature.rmse_increase > 0.0)
        .take(6)
        .map(|feature| format!("{} ({})", feature.feature, number(Some(feature.rmse_increase))))
        .collect();
    let mut lines = vec![
        format!("algorithm {}: {}", detail.summary.algorithm, metrics.choice),
        table(&header, &rows),
        format!(
            "Guideline 14: hourly {}, monthly {}",
            guideline(&metrics.guideline14.hourly),
            guideline(&metrics.guideline14.monthly)
        ),
    ];
    let interval = &metrics.interval;
    if let Some(coverage) = interval.coverage {
        let (width, meant, held) = (number(Some(interval.half_width)), interval.nominal * 100.0, coverage * 100.0);
        let widened = interval.widened.map(|times| format!(" before it was made {times:.1} times as wide"));
        let says = interval.calibrated.map(|is| format!("; {}", calibrated(is))).unwrap_or_default();
        lines.push(format!(
            "interval ±{width}: meant to hold {meant:.0} % of rows, held {held:.1} %{}{says}",
            widened.unwrap_or_default()
        ));
    }
    if !top.is_empty() {
        lines.push(format!("goes by {}", top.join(", ")));
    }
    lines.extend(metrics.leaks.iter().map(|leak| format!("LEAK {}: {}", leak.column, leak.reason)));
    lines.extend(metrics.left_out.iter().map(|left| format!("left out: {left}")));
    lines.push(metrics.verdict);
    lines.extend(metrics.notes);
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn calibrated(is: bool) -> &'static str {
    if is { "calibrated" } else { "NOT CALIBRATED" }
}

fn short(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.2}")).unwrap_or_default()
}

/// Which model to ask, and about what.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// An id, NAME, NAME:v3 or NAME:alias
    model: String,
    /// One row: a value by feature, column or role, such as load_rt=300; timestamp=2024-07-01T12:00 too (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = super::clean::pair, required_unless_present = "rows")]
    set: Vec<(String, String)>,
    /// Rows of a CSV whose first line names the columns
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    rows: Option<PathBuf>,
}

/// Predicts.
///
/// # Errors
/// As [`predict::predict`]; when the file cannot be read.
pub async fn run_predict(state: &AppState, args: PredictArgs, json: bool) -> Result<()> {
    let rows = match &args.rows {
        Some(path) => super::data::csv_rows(path)?,
        None => vec![args.set],
    };
    let rows = rows.into_iter().map(|row| row.into_iter().filter_map(cell).collect::<Map<_, _>>()).collect();
    let answer = predict::predict(state, &args.model, PredictRequest { rows }).await?;
    if json { print_json(&answer) } else { print(predictions(&answer)) }
}

/// A number where the text is one; nothing of an empty cell.
fn cell((name, text): (String, String)) -> Option<(String, Value)> {
    if text.is_empty() {
        return None;
    }
    let number = text.parse::<f64>().ok().filter(|_| name != "timestamp").and_then(serde_json::Number::from_f64);
    Some((name, number.map_or(Value::String(text), Value::Number)))
}

fn predictions(answer: &PredictAnswer) -> String {
    let unit = answer.target_unit.as_deref().map(|unit| format!(" [{unit}]")).unwrap_or_default();
    let target = format!("{}{unit}", answer.target_col);
    let header = [
        (target.as_str(), Align::Right),
        ("FROM", Align::Right),
        ("TO", Align::Right),
        ("BEYOND WHAT WAS SEEN", Align::Left),
        ("NOT GIVEN", Align::Left),
    ];
    let rows: Vec<Vec<String>> = answer
        .predictions
        .iter()
        .map(|row| {
            let [value, from, to] = [row.predicted_power, row.lower, row.upper].map(|value| number(Some(value)));
            let missing = row.missing.iter().map(|name| {
                let assumed = row.assumptions.iter().find(|one| one.name == *name);
                assumed.map_or_else(|| name.clone(), |one| format!("{name} (taken as {})", number(Some(one.value))))
            });
            let missing = missing.collect::<Vec<_>>().join(", ");
            vec![value, from, to, row.extrapolating.join(", "), missing]
        })
        .collect();
    let doubt =
        if answer.calibrated == Some(false) { "; FROM and TO are NOT CALIBRATED: see `models show`" } else { "" };
    format!("{}\nby {}:{}{doubt}", table(&header, &rows), answer.model_name, answer.version)
}
