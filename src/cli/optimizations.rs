//! `optimizations`: what was recommended, and what became of it. `verify`: what it saved, measured.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::out::{Align, number, print, print_bytes, print_json, print_said, table, tell};
use crate::error::{Error, Result, codes};
use crate::optimization::outcome::{self, OutcomeRequest, StatedOutcome};
use crate::optimization::verify::{Verification, VerifyQuery, verify};
use crate::optimization::{Run, RunItem, RunQuery, page, runs};
use crate::sessions::{Page, catalogue};
use crate::state::AppState;

/// What to do with which recommendations; without a word, list them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct OptimizationsArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List recommendations (also without this word)
    List(ListArgs),
    /// Show one: what was asked, what was answered, and what became of it
    Show {
        /// The recommendation's id
        run: String,
    },
    /// State whether one was applied, and since when
    Outcome(OutcomeArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only of this model: its name (all versions), name:v3, name:production, or an id
    #[arg(long)]
    model: Option<String>,
    /// Only asked at or after this time
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only asked before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Page, from 1
    #[arg(long)]
    page: Option<u64>,
    /// Recommendations a page, 1 to 100
    #[arg(long)]
    page_size: Option<u64>,
}

#[derive(Debug, Args)]
struct OutcomeArgs {
    /// The recommendation's id
    run: String,
    /// Since when its set-points hold, on the site's clock where it says no offset
    #[arg(long, value_name = "TIME", required_unless_present = "not_applied")]
    applied_at: Option<String>,
    /// Until when, where they were changed again
    #[arg(long, value_name = "TIME", requires = "applied_at")]
    applied_until: Option<String>,
    /// It was not applied
    #[arg(long, conflicts_with = "applied_at")]
    not_applied: bool,
    /// The session with the data of after [default: the newest of the site that has some]
    #[arg(long)]
    session: Option<String>,
    /// Whatever is to be said of it
    #[arg(long)]
    note: Option<String>,
}

/// Which recommendation to verify, and how.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The recommendation's id
    run: String,
    /// Of the interval around the savings, 0.5 to 0.99 [default: 0.9]
    #[arg(long)]
    confidence: Option<f64>,
    /// What the uncertainty counts: day or hour [default: day]
    #[arg(long)]
    step: Option<String>,
    /// Share of the hours after that may lie outside the conditions before, 0 to 1 [default: 0.1]
    #[arg(long)]
    max_outside: Option<f64>,
    /// Write the report as a page to print (HTML), or - for standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Lists, shows, states.
///
/// # Errors
/// As the use cases have them.
pub async fn run(state: &AppState, args: OptimizationsArgs, json: bool) -> Result<()> {
    match args.action.unwrap_or(Action::List(args.list)) {
        Action::List(ListArgs { model, from, to, page, page_size }) => {
            let list = runs::list(state, &RunQuery { model, from, to, page, page_size }).await?;
            if json { print_said(&list) } else { print(listing(&list)) }
        }
        Action::Show { run } => {
            let run = runs::get(state, &run).await?;
            if json { print_said(&run) } else { print(description(&run)) }
        }
        Action::Outcome(OutcomeArgs { run, applied_at, applied_until, not_applied, session, note }) => {
            let session_id = match session {
                Some(session) => Some(catalogue::find(state, &session).await?),
                None => None,
            };
            let request = OutcomeRequest { applied: !not_applied, applied_at, applied_until, session_id, note };
            let stated = outcome::state_outcome(state, &run, request).await?;
            if json { print_json(&stated) } else { print(became(&stated)) }
        }
    }
}

/// Verifies.
///
/// # Errors
/// As [`verify`]; when the page cannot be written.
pub async fn run_verify(state: &AppState, args: VerifyArgs, json: bool) -> Result<()> {
    let query = VerifyQuery { confidence: args.confidence, step: args.step, max_outside: args.max_outside };
    let report = verify(state, &args.run, &query).await?;
    match args.output {
        Some(path) if path.as_os_str() == "-" => print_bytes(page::page(&report).as_bytes()),
        Some(path) => {
            let page = page::page(&report);
            std::fs::write(&path, &page).map_err(|error| {
                let message = format!("{} cannot be written: {error}", path.display());
                Error::new(codes::UNWRITABLE, message)
            })?;
            tell(&format!("wrote {}: {} bytes", path.display(), page.len()));
            if json { print_said(&report) } else { print(summary(&report)) }
        }
        None if json => print_said(&report),
        None => print(summary(&report)),
    }
}

fn listing(list: &Page<RunItem>) -> String {
    if list.total == 0 {
        return "no recommendations; `hvac-analytics optimize MODEL` makes one".to_owned();
    }
    let header = [
        ("ID", Align::Left),
        ("MODEL", Align::Left),
        ("NOW kW", Align::Right),
        ("THEN kW", Align::Right),
        ("SAVES %", Align::Right),
        ("CHANGE", Align::Left),
        ("ASKED", Align::Left),
    ];
    let row = |run: &RunItem| {
        vec![
            run.run_id.clone(),
            format!("{}:{}", run.model_name, run.model_version),
            number(run.baseline_power),
            number(Some(run.predicted_power)),
            format!("{:.1}", run.savings_percent),
            if run.change { "yes" } else { "no" }.to_owned(),
            run.created_at.clone(),
        ]
    };
    let mut text = table(&header, &list.items.iter().map(row).collect::<Vec<_>>());
    if list.total_pages > 1 {
        let Page { page, total_pages, total, .. } = list;
        text.push_str(&format!("\npage {page} of {total_pages}, {total} recommendations in all; --page shows another"));
    }
    text
}

fn description(run: &Run) -> String {
    let said = |name: &str| run.answer.get(name);
    let mut lines =
        vec![format!("{} with {}:{}, asked {}", run.run_id, run.model_name, run.model_version, run.created_at)];
    for one in said("recommendations").and_then(|all| all.as_array()).into_iter().flatten() {
        let part =
            |name: &str| one.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let [parameter, current, value] = ["parameter", "current", "value"].map(|name| part(name).unwrap_or_default());
        lines.push(format!("{parameter}: {current} → {value} {}", part("unit").unwrap_or_default()));
    }
    lines.extend(said("message").and_then(|message| message.as_str()).map(str::to_owned));
    lines.push(match &run.outcome {
        Some(outcome) => became(outcome),
        None => "nobody has stated whether it was applied; `hvac-analytics optimizations outcome` does".to_owned(),
    });
    lines.join("\n")
}

fn became(outcome: &StatedOutcome) -> String {
    let StatedOutcome { run_id, revision, applied_at, applied_until, session_id, note, .. } = outcome;
    let mut text = match (outcome.applied, applied_at) {
        (true, Some(at)) => format!("{run_id} was applied at {at}"),
        (true, None) => format!("{run_id} was applied"),
        (false, _) => format!("{run_id} was not applied"),
    };
    text.push_str(&applied_until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default());
    text.push_str(&session_id.as_ref().map(|id| format!(", with the data of session {id}")).unwrap_or_default());
    text.push_str(&note.as_ref().map(|note| format!(": {note}")).unwrap_or_default());
    format!("{text} (revision {revision})")
}

/// What was saved, how sure that is, and what is to be known.
fn summary(report: &Verification) -> String {
    let measured = &report.measured;
    let (savings, baseline, reporting) = (&measured.savings, &measured.baseline, &measured.reporting);
    let mut lines = vec![
        measured.conclusion.clone(),
        format!(
            "before  {} – {}: {} days; CV(RMSE) {:.1} %, NMBE {:.1} %, R² {:.3}",
            baseline.from, baseline.until, baseline.days, baseline.cv_rmse, baseline.nmbe, baseline.r2
        ),
        format!(
            "after   {} – {}: {} days; {:.1} % of the hours outside the conditions before",
            reporting.from,
            reporting.until,
            reporting.days,
            100.0 * reporting.outside_share
        ),
        format!("baseline {}", baseline.equation),
        format!(
            "{:.0} kWh would have been used, {:.0} kWh were; the model had said {:.1} %",
            savings.adjusted_baseline_kwh, savings.measured_kwh, report.predicted_percent
        ),
        format!("IPMVP option {:?}: {}", report.boundary.option, report.boundary.reason),
    ];
    let checks: Vec<String> = measured
        .guideline14
        .checks
        .iter()
        .map(|check| {
            let value = check.value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"));
            format!("{} {value} % (at most {:.0} %){}", check.name, check.limit, if check.ok { "" } else { " FAILS" })
        })
        .collect();
    let verdict = if measured.guideline14.compliant { "complies" } else { "does not comply" };
    lines.push(format!("Guideline 14: {verdict}: {}", checks.join(", ")));
    lines.extend(measured.cusum.turned.map(|day| format!("by the data alone, consumption changed on {day}")));
    lines.extend(measured.cusum.turned_again.map(|day| format!("and again on {day}")));
    lines.extend(measured.notes.iter().cloned());
    lines.join("\n")
}
