//! `findings`: faults of machines in a session's data.

use clap::Args;
use serde_json::{Map, Value, json};

use super::clean::pair;
use super::data::Which;
use super::out::{Align, number, print, print_said, table};
use crate::error::{Error, Result, codes};
use crate::findings::{self, DiagnosticLimits, FindingPage, FindingQuery};
use crate::state::AppState;

/// Which findings to show.
#[derive(Debug, Args)]
pub struct FindingsArgs {
    #[command(flatten)]
    which: Which,
    /// Only of this machine, such as CH_1
    #[arg(long)]
    machine: Option<String>,
    /// Only of this kind: fouling, low_delta_t, short_cycling, simultaneous_heating_cooling, out_of_schedule
    #[arg(long)]
    kind: Option<String>,
    /// Only findings that last until this time or longer
    #[arg(long)]
    from: Option<String>,
    /// Only findings that begin before this time
    #[arg(long)]
    to: Option<String>,
    /// A rule's limit: fouling_rise=0.1, cycles_a_day=8 (repeatable)
    #[arg(long = "limit", value_name = "NAME=VALUE", value_parser = pair)]
    limits: Vec<(String, String)>,
    /// Page, from 1
    #[arg(long)]
    page: Option<u64>,
    /// Findings a page, 1 to 100
    #[arg(long)]
    page_size: Option<u64>,
}

/// Shows findings.
///
/// # Errors
/// As [`findings::list`]; `bad_usage` for a limit that there is not.
pub async fn run(state: &AppState, args: FindingsArgs, json: bool) -> Result<()> {
    let limits = limits(&args.limits)?;
    let selector = args.which.selector(state).await?;
    let query = FindingQuery {
        version: selector.version,
        machine: args.machine,
        kind: args.kind,
        from: args.from,
        to: args.to,
        page: args.page,
        page_size: args.page_size,
    };
    let page = findings::list(state, selector.session_id.unwrap_or_default(), &query, &limits).await?;
    if json { print_said(&page) } else { print(shown(&page)) }
}

/// The defaults with what was stated in their place.
fn limits(stated: &[(String, String)]) -> Result<DiagnosticLimits> {
    let refused = |why: String| Error::invalid("limit", codes::BAD_USAGE, why);
    let mut all = match serde_json::to_value(DiagnosticLimits::default()) {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    };
    let names = all.keys().cloned().collect::<Vec<_>>().join(", ");
    for (name, value) in stated {
        let slot =
            all.get_mut(name).ok_or_else(|| refused(format!("there is no limit '{name}'; there are {names}")))?;
        let whole = value.parse::<u32>().map(|number| json!(number));
        *slot = whole
            .or_else(|_| value.parse::<f64>().map(|number| json!(number)))
            .map_err(|_| refused(format!("{name}: '{value}' is no number")))?;
    }
    serde_json::from_value(Value::Object(all)).map_err(|error| refused(error.to_string()))
}

fn shown(answer: &FindingPage) -> String {
    let cost =
        |cost: Option<&findings::Cost>| cost.map_or_else(String::new, |c| format!("{:.2} {}", c.amount, c.currency));
    let mut parts = Vec::new();
    if answer.page.total == 0 {
        parts.push(format!("nothing was found in {}", answer.dataset.version));
    } else {
        let rows: Vec<Vec<String>> = (answer.summary.iter())
            .map(|one| {
                vec![
                    one.kind.name().to_owned(),
                    one.machine.clone(),
                    one.days.to_string(),
                    one.first_day.to_string(),
                    one.last_day.to_string(),
                    number(one.energy_wasted_kwh),
                    cost(one.cost.as_ref()),
                ]
            })
            .collect();
        let header = [
            ("KIND", Align::Left),
            ("MACHINE", Align::Left),
            ("DAYS", Align::Right),
            ("FIRST", Align::Left),
            ("LAST", Align::Left),
            ("WASTED KWH", Align::Right),
            ("COST", Align::Right),
        ];
        parts.push(table(&header, &rows));
        let findings = answer.page.items.iter().map(|item| {
            let wasted =
                item.energy_wasted_kwh.map_or("energy not known".to_owned(), |kwh| format!("{kwh} kWh wasted"));
            format!("{} {}: {} ({wasted}; confidence {})", item.day, item.kind.name(), item.detail, item.confidence)
        });
        parts.push(findings.collect::<Vec<_>>().join("\n"));
        let (page, total_pages, total) = (answer.page.page, answer.page.total_pages, answer.page.total);
        parts.push(format!("page {page} of {total_pages}, {total} findings in {}", answer.dataset.version));
    }
    let unjudged = answer.coverage.iter().filter(|covered| covered.days_judged == 0);
    let unjudged: Vec<String> = unjudged
        .map(|covered| format!("not judged: {} {}: {}", covered.kind.name(), covered.machine, covered.note))
        .collect();
    if !unjudged.is_empty() {
        parts.push(unjudged.join("\n"));
    }
    parts.join("\n\n")
}
