//! Findings: faults of machines in a stored version, each a quality event of kind `fault` with its evidence.
//!
//! Computed on demand from the version's file and kept by its hash, as other answers about a frame are, so that any
//! version – parsed or cleaned, old or new – can be asked, and cleaning costs no more. Money is no part of what is kept:
//! it is energy times the price that the site has now.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::datasets::opened::Frame;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::settled;
use crate::datasets::{DatasetLabel, DatasetSelector, answer, clock};
use crate::error::{Error, Result, codes};
use crate::limits::Paging;
use crate::sessions::Page;
use crate::sessions::prices::{self, EnergyPrice};
use crate::state::AppState;
pub use hvac_cleaning::diagnostics::DiagnosticLimits;
use hvac_cleaning::diagnostics::{Coverage, DIAGNOSTICS_VERSION, Diagnosis, Evidence, FaultKind, Finding, diagnose};
use hvac_frame::column::Kind;

/// Findings on a page when nobody says otherwise.
const PAGE_SIZE: u64 = 20;

/// Asks for findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct FindingQuery {
    /// `latest` (default), `parsed`, `cleaned`, `parsed-v2`, `cleaned-v1`, or a dataset's id.
    pub version: Option<String>,
    /// Only of this machine, such as `CH_1`; capitals do not matter.
    pub machine: Option<String>,
    /// Only of this kind: `fouling`, `low_delta_t`, `short_cycling`, `simultaneous_heating_cooling`, `out_of_schedule`.
    pub kind: Option<String>,
    /// Only findings that last until this time or longer (ISO 8601; without an offset, the site's clock).
    pub from: Option<String>,
    /// Only findings that begin before this time.
    pub to: Option<String>,
    /// From 1.
    pub page: Option<u64>,
    /// 1…100, default 20.
    pub page_size: Option<u64>,
}

/// Energy in money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cost {
    /// `energy_wasted_kwh` times the site's price, to the hundredth.
    pub amount: f64,
    /// ISO 4217.
    pub currency: String,
}

/// A fault of one machine on one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FindingItem {
    /// `fault`: what kind of quality event it is.
    #[schema(example = "fault")]
    pub rule: String,
    /// What is wrong.
    pub kind: FaultKind,
    /// The machine.
    pub machine: String,
    /// The day at the site.
    #[schema(value_type = String, format = Date)]
    pub day: NaiveDate,
    /// First row that speaks for it, on the site's clock.
    pub start_at: String,
    /// Last one.
    pub end_at: String,
    /// Rows that speak for it.
    pub rows: u64,
    /// Columns they were read from.
    pub columns: Vec<String>,
    /// In words.
    pub detail: String,
    /// In numbers; those that are made of others are made of them as shown.
    pub evidence: Vec<Evidence>,
    /// Energy above the machine's own best decile; null where it cannot be known.
    pub energy_wasted_kwh: Option<f64>,
    /// How it was computed, or why it is not known.
    pub energy_basis: String,
    /// The same in money; null where the energy is not known or the site has no price.
    pub cost: Option<Cost>,
    /// How sure it is, 0–1.
    pub confidence: f64,
}

/// What was found of one machine, all matching days together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MachineSummary {
    /// What is wrong.
    pub kind: FaultKind,
    /// The machine.
    pub machine: String,
    /// Days with a finding.
    pub days: u32,
    /// First of them.
    #[schema(value_type = String, format = Date)]
    pub first_day: NaiveDate,
    /// Last of them.
    #[schema(value_type = String, format = Date)]
    pub last_day: NaiveDate,
    /// Sum over the days whose energy is known; null when none is.
    pub energy_wasted_kwh: Option<f64>,
    /// Days whose energy is known.
    pub days_with_energy: u32,
    /// That energy in money.
    pub cost: Option<Cost>,
    /// How sure the surest day is, 0–1.
    pub confidence: f64,
    /// The columns that its last day was read from.
    pub columns: Vec<String>,
}

/// One page of findings, and of which version they are.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingPage {
    /// The version.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// The findings, by day, machine and kind.
    #[serde(flatten)]
    pub page: Page<FindingItem>,
    /// Each kind and machine with a matching finding, over all pages.
    pub summary: Vec<MachineSummary>,
    /// What was judged, and what was not and why; the whole version, whatever was asked for.
    pub coverage: Vec<Coverage>,
    /// What a kilowatt-hour costs at the site; null when nobody stated it.
    pub energy_price: Option<EnergyPrice>,
}

/// Findings of a session's version that match, page by page.
///
/// # Errors
/// 404 for an unknown session or version; 409 when its file is missing or damaged; 422 for a kind, time, page or limit
/// that cannot be.
#[tracing::instrument(level = "debug", name = "findings", skip_all)]
pub async fn list(
    state: &AppState,
    session_id: String,
    query: &FindingQuery,
    limits: &DiagnosticLimits,
) -> Result<FindingPage> {
    if let Some((field, may_be)) = limits.wrong() {
        return Err(Error::invalid(field, codes::OUT_OF_RANGE, format!("{field}: give {may_be}")));
    }
    let paging = Paging::asked(query.page, query.page_size, PAGE_SIZE)?;
    let selector = DatasetSelector { session_id: Some(session_id), version: query.version.clone() };
    let dataset = settled(state, &selector).await?;
    let wanted = Wanted::read(query, &dataset)?;
    let energy_price = prices::of_session(state, &dataset.label.session_id).await?;
    let Diagnosis { findings, coverage } = diagnosis(state, Arc::clone(&dataset), limits).await?;
    let matching: Vec<Finding> = findings.into_iter().filter(|finding| wanted.includes(finding)).collect();
    let summary = summary(&matching, energy_price.as_ref());
    let total = matching.len() as u64;
    let items = paging.part(matching).map(|finding| item(finding, dataset.zone, energy_price.as_ref())).collect();
    let page = Page::of(paging, total, items);
    Ok(FindingPage { dataset: dataset.label.clone(), page, summary, coverage, energy_price })
}

/// All findings of a session's latest version, by the limits that nobody stated, and which version that is.
///
/// # Errors
/// 404 for an unknown session or one without data; 409 when its file is missing or damaged.
pub async fn all(state: &AppState, session_id: &str) -> Result<(DatasetLabel, Vec<FindingItem>)> {
    let selector = DatasetSelector { session_id: Some(session_id.to_owned()), version: None };
    let dataset = settled(state, &selector).await?;
    let price = prices::of_session(state, &dataset.label.session_id).await?;
    let found = diagnosis(state, Arc::clone(&dataset), &DiagnosticLimits::default()).await?.findings;
    let items = found.into_iter().map(|finding| item(finding, dataset.zone, price.as_ref())).collect();
    Ok((dataset.label.clone(), items))
}

/// All findings of a version, by the limits that nobody stated.
///
/// # Errors
/// As [`all`].
pub async fn of_version(state: &AppState, selector: &DatasetSelector) -> Result<Vec<Finding>> {
    let dataset = settled(state, selector).await?;
    Ok(diagnosis(state, dataset, &DiagnosticLimits::default()).await?.findings)
}

/// All of a version, out of the cache or computed.
async fn diagnosis(state: &AppState, dataset: Arc<Resolved>, limits: &DiagnosticLimits) -> Result<Diagnosis> {
    let limits = limits.clone();
    let request = format!("findings {DIAGNOSTICS_VERSION} {limits:?}");
    let answer: crate::datasets::Answer<Diagnosis> =
        answer::computed(state, dataset, &request, move |frame, dataset| {
            answer::json(&of_frame(frame, dataset, &limits)?)
        })
        .await?;
    answer.decode()
}

fn of_frame(frame: &Frame, dataset: &Resolved, limits: &DiagnosticLimits) -> Result<Diagnosis> {
    let at_ms = frame.axis(0..frame.row_count)?;
    let mut read = |index: usize| match dataset.columns.get(index) {
        Some(column) if column.kind != Kind::Text => {
            let numbers = frame.numbers(&column.name)?;
            Ok(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect())
        }
        _ => Ok(vec![f64::NAN; at_ms.len()]),
    };
    diagnose(&dataset.columns, &at_ms, dataset.zone, limits, &mut read)
}

fn cost(energy_kwh: Option<f64>, price: Option<&EnergyPrice>) -> Option<Cost> {
    let (energy_kwh, price) = energy_kwh.zip(price)?;
    let amount = (energy_kwh * price.per_kwh * 100.0).round() / 100.0;
    Some(Cost { amount, currency: price.currency.clone() })
}

fn item(finding: Finding, zone: chrono_tz::Tz, price: Option<&EnergyPrice>) -> FindingItem {
    FindingItem {
        rule: "fault".to_owned(),
        kind: finding.kind,
        machine: finding.machine,
        day: finding.day,
        start_at: clock::iso(zone, finding.start_at_ms),
        end_at: clock::iso(zone, finding.end_at_ms),
        rows: finding.rows,
        columns: finding.columns,
        detail: finding.detail,
        evidence: finding.evidence,
        energy_wasted_kwh: finding.energy_wasted_kwh,
        energy_basis: finding.energy_basis,
        cost: cost(finding.energy_wasted_kwh, price),
        confidence: finding.confidence,
    }
}

fn summary(findings: &[Finding], price: Option<&EnergyPrice>) -> Vec<MachineSummary> {
    let mut by_machine: BTreeMap<(FaultKind, &str), MachineSummary> = BTreeMap::new();
    for finding in findings {
        let one = by_machine.entry((finding.kind, &finding.machine)).or_insert_with(|| MachineSummary {
            kind: finding.kind,
            machine: finding.machine.clone(),
            days: 0,
            first_day: finding.day,
            last_day: finding.day,
            energy_wasted_kwh: None,
            days_with_energy: 0,
            cost: None,
            confidence: 0.0,
            columns: Vec::new(),
        });
        one.days += 1;
        one.last_day = finding.day;
        one.columns.clone_from(&finding.columns);
        one.confidence = one.confidence.max(finding.confidence);
        if let Some(kwh) = finding.energy_wasted_kwh {
            one.days_with_energy += 1;
            one.energy_wasted_kwh = Some(one.energy_wasted_kwh.unwrap_or_default() + kwh);
        }
    }
    let rounded = |mut one: MachineSummary| {
        one.energy_wasted_kwh = one.energy_wasted_kwh.map(|kwh| (kwh * 10.0).round() / 10.0);
        one.cost = cost(one.energy_wasted_kwh, price);
        one
    };
    by_machine.into_values().map(rounded).collect()
}

/// A query whose words are understood.
struct Wanted {
    machine: Option<String>,
    kind: Option<FaultKind>,
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

impl Wanted {
    fn read(query: &FindingQuery, dataset: &Resolved) -> Result<Self> {
        let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let (from_ms, to_ms) = clock::window(query.from.as_deref(), query.to.as_deref(), dataset.zone)?;
        let kind = given(&query.kind).map(|name| kind(&name)).transpose()?;
        Ok(Self { machine: given(&query.machine), kind, from_ms, to_ms })
    }

    fn includes(&self, finding: &Finding) -> bool {
        self.kind.is_none_or(|kind| kind == finding.kind)
            && self.machine.as_ref().is_none_or(|machine| machine.eq_ignore_ascii_case(&finding.machine))
            && self.from_ms.is_none_or(|from_ms| finding.end_at_ms >= from_ms)
            && self.to_ms.is_none_or(|to_ms| finding.start_at_ms < to_ms)
    }
}

fn kind(name: &str) -> Result<FaultKind> {
    FaultKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let known = FaultKind::ALL.map(FaultKind::name).join(", ");
        Error::invalid("kind", codes::UNKNOWN_RULE, format!("kind: '{name}' is no kind of finding; there are {known}"))
    })
}
