//! What is remembered of a site's reports: how those of a shape are read, and what is known better of points.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::overrides::ReadOverride;
use super::{ColumnOverride, manifest, store};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;
use crate::times::utc;
use hvac_report::job::plan::Override;
use hvac_store::entity::report_override;

/// What is remembered of a site.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SiteOverrides {
    /// The site.
    pub site: String,
    /// Of its reports, by shape.
    pub reports: Vec<RememberedReports>,
    /// Of its points.
    pub columns: Vec<ColumnOverride>,
}

/// How reports of one shape are read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RememberedReports {
    /// Hash of format, sheets and header names.
    pub shape: String,
    /// The report that it was stated for last.
    pub file_name: String,
    /// What was stated.
    pub options: ReadOverride,
    /// When, UTC.
    pub updated_at: String,
}

/// What is remembered of a site; empty lists when nothing is.
///
/// # Errors
/// When the database cannot be read.
pub async fn overrides(state: &AppState, site: &str) -> Result<SiteOverrides> {
    let db = state.store.db.read();
    if !store::remembered::is_known_to(db, state.principal(), site).await? {
        return Ok(SiteOverrides { site: site.to_owned(), reports: Vec::new(), columns: Vec::new() });
    }
    let report = |row: report_override::Model| {
        let options = read(&row)?;
        let updated_at = utc(row.updated_at);
        Ok(RememberedReports { shape: row.shape, file_name: row.file_name, options, updated_at })
    };
    let reports = store::remembered::rows(db, site).await?.into_iter().map(report).collect::<Result<_>>()?;
    let column = |(column, said): (String, Override)| ColumnOverride {
        column,
        name: said.name,
        kind: said.kind,
        unit: said.unit,
    };
    let columns = store::overrides(db, site).await?.into_iter().map(column).collect();
    Ok(SiteOverrides { site: site.to_owned(), reports, columns })
}

/// What that row remembers.
///
/// # Errors
/// Internal when the row is of something else.
pub(super) fn read(row: &report_override::Model) -> Result<ReadOverride> {
    serde_json::from_value(row.options.clone()).internal("reading what is remembered of reports")
}

/// By shape: what is remembered, and the report that it was stated for.
pub(super) type ByShape = BTreeMap<String, (ReadOverride, String)>;

/// What is remembered of a site's reports.
pub(super) async fn by_shape(state: &AppState, site: &str) -> Result<ByShape> {
    let rows = store::remembered::rows(state.store.db.read(), site).await?;
    rows.into_iter().map(|row| Ok((row.shape.clone(), (read(&row)?, row.file_name)))).collect()
}

/// States what is known better of one point of a site, in place of what was stated of it before. Parses follow it from now
/// on; versions there are stay as they are.
///
/// # Errors
/// 422 for a text that cannot be, or when nothing is stated; 403 for a site that is others'.
pub async fn state_column(state: &AppState, site: &str, said: ColumnOverride) -> Result<SiteOverrides> {
    limits::name("site", site)?;
    let ColumnOverride { column, name, kind, unit } = said;
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (name, unit) = (given(name), given(unit));
    for (field, text) in [("column", Some(&column)), ("name", name.as_ref()), ("unit", unit.as_ref())] {
        limits::given_name(field, text.map(String::as_str))?;
    }
    if column.is_empty() || (name.is_none() && kind.is_none() && unit.is_none()) {
        let message =
            "column: name a point as its reports do, and its unit, kind or name; DELETE forgets what was stated";
        return Err(Error::invalid("column", codes::BAD_COLUMN_OVERRIDE, message));
    }
    let txn = state.store.db.begin().await?;
    store::remembered::refuse_others(&txn, state.principal(), site).await?;
    store::remembered::forget(&txn, site, None, Some(&column)).await?;
    store::remember(&txn, site, &column, &Override { name, kind, unit }).await?;
    let sessions = store::remembered::sessions(&txn, site).await?;
    audit::note(&txn, state.principal(), Act::on("site.state_override", "site", site)).await?;
    txn.commit().await.internal("stating an override")?;
    // Each session.json of the site tells of them.
    for session_id in sessions {
        manifest::rewrite(state, &session_id).await?;
    }
    overrides(state, site).await
}

/// Forgets what is remembered of reports of a shape, of a point, or of the whole site.
///
/// # Errors
/// 404 when nothing of the kind is remembered.
pub async fn forget(state: &AppState, site: &str, report: Option<&str>, column: Option<&str>) -> Result<()> {
    let txn = state.store.db.begin().await?;
    store::remembered::refuse_others(&txn, state.principal(), site).await?;
    let forgotten = store::remembered::forget(&txn, site, report, column).await?;
    if forgotten == 0 {
        let message =
            format!("nothing of that is remembered of site '{site}'; GET /api/sites/{{site}}/overrides lists what is");
        return Err(Error::new(codes::UNKNOWN_OVERRIDE, message));
    }
    let sessions = store::remembered::sessions(&txn, site).await?;
    audit::note(&txn, state.principal(), Act::on("site.forget_overrides", "site", site)).await?;
    txn.commit().await.internal("forgetting overrides")?;
    // Each session.json of the site tells of them.
    for session_id in sessions {
        manifest::rewrite(state, &session_id).await?;
    }
    Ok(())
}
