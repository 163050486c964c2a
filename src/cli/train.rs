//! `train`: a stored version, or reports straight from disk, into a model, with how good it is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::clean::pair;
use super::models::scores_table;
use super::out::{print, print_said, tell};
use super::progress::{self, JobShown};
use super::{data, parse};
use crate::error::{Error, Result, codes};
use crate::sessions::parse::{Caller, parse_files};
use crate::sessions::{ParseRequest, PrefixBy, catalogue};
use crate::state::AppState;
use crate::training::{Interval, TrainRequest, ask};
use crate::worker;

/// What to train on, and how.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The session (its id, the beginning of it, or its name), or reports to make one of
    #[arg(required = true, value_name = "SESSION|FILE")]
    data: Vec<String>,
    /// Name of the model: letters, digits, '_', '-' and '.'
    #[arg(long)]
    name: String,
    /// Stored version: latest, parsed, cleaned, parsed-v1, cleaned-v1 or a dataset's id
    #[arg(long, default_value = "latest")]
    version: String,
    /// Which columns play which part, as JSON; what names suggest when neither this nor --feature is given
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Column to predict
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// A column to predict by; * stands for any letters (repeatable)
    #[arg(long = "feature", value_name = "COLUMN")]
    features: Vec<String>,
    /// Width of the rows to train on: 1m, 5m, 10m, 15m, 30m, 1h or 1d [default: the rows as they are stored]
    #[arg(long, value_parser = interval)]
    interval: Option<Interval>,
    /// auto, gbdt, physics or hybrid
    #[arg(long, default_value = "auto", value_name = "NAME")]
    algorithm: String,
    /// Which rows the model is judged by: end (the last share of all) or each-month (the last share of each month)
    #[arg(long, default_value = "end", value_name = "RULE")]
    holdout: String,
    /// Share of the rows that are held out, 0.05 to 0.5
    #[arg(long, value_name = "SHARE")]
    holdout_share: Option<f64>,
    /// What a column is in the plant, where its name does not tell: ZWP_1_PCT=scp_pump_hz (repeatable)
    #[arg(long = "role", value_name = "COLUMN=ROLE", value_parser = pair)]
    roles: Vec<(String, String)>,
    /// Also predict by what a column was that many seconds before; the target may be named (repeatable)
    #[arg(long = "lag", value_name = "COLUMN=SECONDS", value_parser = pair)]
    lags: Vec<(String, String)>,
    /// Also predict by a column's mean over that many seconds before (repeatable)
    #[arg(long = "rolling-mean", value_name = "COLUMN=SECONDS", value_parser = pair)]
    rolling_means: Vec<(String, String)>,
    /// Use columns that leak the target all the same
    #[arg(long)]
    allow_leakage: bool,
    /// Make a new version even when the same request was answered before
    #[arg(long)]
    force: bool,
    /// Of reports: their site, such as KMUH
    #[arg(long)]
    site: Option<String>,
    /// Of reports: IANA zone of times without an offset, such as Asia/Taipei
    #[arg(long, value_name = "ZONE", value_parser = parse::zone)]
    timezone: Option<String>,
    /// Of reports of machines whose points have the same names: what keeps them apart, file, folder or sheet
    #[arg(long, value_name = "WHAT", value_parser = parse::prefix_by)]
    prefix_by: Option<PrefixBy>,
}

fn interval(text: &str) -> Result<Interval, String> {
    text.parse()
}

/// Trains, here or waiting for another process that was faster.
///
/// # Errors
/// As [`ask::ask`]; as a parse, when reports are given; the job's own error.
pub async fn run(state: &AppState, args: TrainArgs, json: bool) -> Result<()> {
    let session_id = session(state, &args).await?;
    let asked = ask::ask(state, request(args, session_id)?).await?;
    if !asked.is_done {
        let shown = JobShown::new();
        let job = worker::run_here(state, &asked.job_id, |job| shown.show(job)).await;
        drop(shown);
        job?;
    }
    let answer = ask::wait(state, asked).await?;
    if json {
        return print_said(&answer);
    }
    let mut lines = vec![answer.message];
    lines.extend(answer.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.extend(answer.model.map(|model| scores_table(&model)));
    print(lines.join("\n"))
}

/// The session that is named, or a new one of the reports, named after the first of them.
async fn session(state: &AppState, args: &TrainArgs) -> Result<String> {
    let paths: Vec<PathBuf> = args.data.iter().map(PathBuf::from).collect();
    if !paths.iter().all(|path| path.exists()) {
        return match args.data.as_slice() {
            [one] => catalogue::find(state, one).await,
            _ => {
                let missing = paths.iter().find(|path| !path.exists()).map(|path| path.display().to_string());
                let missing = missing.unwrap_or_default();
                Err(Error::new(
                    codes::UNKNOWN_FILE,
                    format!("{missing}: there is no such file; name one session, or files"),
                ))
            }
        };
    }
    if let [one] = args.data.as_slice()
        && !matches!(catalogue::find(state, one).await, Err(error) if error.code == codes::UNKNOWN_SESSION)
    {
        let message =
            format!("'{one}' is a file or folder and may mean a session too: write ./{one}, or the session's id");
        return Err(Error::new(codes::AMBIGUOUS_SESSION, message));
    }
    of_reports(state, &paths, args.site.clone(), args.timezone.clone(), args.prefix_by).await
}

/// The session that reports are parsed into, named after the first of them; the one of before, if it was done before.
///
/// # Errors
/// As a parse.
pub async fn of_reports(
    state: &AppState,
    paths: &[PathBuf],
    site: Option<String>,
    timezone: Option<String>,
    prefix_by: Option<PrefixBy>,
) -> Result<String> {
    let mut files = parse::reports(paths)?;
    if prefix_by == Some(PrefixBy::Folder) {
        files = parse::with_folders(files);
    }
    let stem = paths.first().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let request = ParseRequest { name: stem, site, timezone, prefix_by, ..ParseRequest::default() };
    let (progress, shown) = progress::show();
    let parsed = parse_files(state, files, request, Caller::Cli, &progress).await;
    drop(shown);
    let parsed = parsed?;
    let what = if parsed.reused { "parsed before into" } else { "parsed into" };
    tell(&format!("{what} session {}: {} rows, {} columns", parsed.session_id, parsed.row_count, parsed.column_count));
    // what makes one machine of two would make a model of neither
    let mixed =
        parsed.warnings.iter().filter(|warning| matches!(warning.code.as_str(), "files_disagree" | "files_interleave"));
    mixed.for_each(|warning| tell(&parse::warning(warning)));
    Ok(parsed.session_id)
}

/// The request as the API would get it, so that both are read and refused the same way.
fn request(args: TrainArgs, session_id: String) -> Result<TrainRequest> {
    let mut mapping = match &args.mapping {
        Some(path) => data::json_object(path)?,
        None => Map::new(),
    };
    if !args.features.is_empty() {
        let own = mapping.entry("custom_categories").or_insert_with(|| json!({}));
        let Value::Object(own) = own else {
            let message = "custom_categories of the mapping must be an object of lists";
            return Err(Error::new(codes::INVALID_FIELD, message));
        };
        own.insert("features".to_owned(), json!(args.features));
    }
    if let Some(target) = args.target {
        mapping.insert("target_col".to_owned(), json!(target));
    }
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    set("model_name", json!(args.name));
    set("session_id", json!(session_id));
    set("version", json!(args.version));
    set("feature_mapping", Value::Object(mapping));
    set("interval", json!(args.interval));
    set("algorithm", json!(args.algorithm));
    set("holdout", json!(args.holdout.replace('-', "_")));
    set("holdout_share", json!(args.holdout_share));
    set(
        "features",
        json!({
            "roles": args.roles.into_iter().collect::<BTreeMap<_, _>>(),
            "lags": seconds(&args.lags),
            "rolling_means": seconds(&args.rolling_means),
            "allow_leakage": args.allow_leakage,
        }),
    );
    set("force", json!(args.force));
    TrainRequest::read(body)
}

/// Seconds by column; what is no number is left as it is, for the request's reader to refuse.
fn seconds(pairs: &[(String, String)]) -> Value {
    let mut columns: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (column, seconds) in pairs {
        columns.entry(column).or_default().push(seconds.parse::<i64>().map_or_else(|_| json!(seconds), |n| json!(n)));
    }
    json!(columns)
}
