//! What a request for a parse says, checked: zone, how to read, what is known better of columns.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::{ColumnOverride, ParseRequest};
use crate::config;
use crate::error::{Error, Result, codes};
use crate::limits;
use crate::state::AppState;
use hvac_frame::column::Warning;
use hvac_report::job::plan::Override;
use hvac_store::entity::{Status, session};

/// Nobody said in which zone local times are; dropped again where no report has one.
pub(super) const TIMEZONE_ASSUMED: &str = "timezone_assumed";

/// The zone: stated now, else the session's, else the server's with a warning. Fixed once parsed.
pub(super) fn zone(
    state: &AppState,
    stated: Option<&str>,
    session: &session::Model,
    warnings: &mut Vec<Warning>,
) -> Result<Tz> {
    let stated = stated.map(|zone| config::timezone("timezone", zone)).transpose()?;
    let fixed = session.timezone.as_deref().map(|zone| config::timezone("timezone", zone)).transpose()?;
    match (stated, fixed) {
        (Some(stated), Some(fixed))
            if stated != fixed && session.status != Status::Uploaded && session.status != Status::Failed =>
        {
            let message = format!(
                "this session was parsed in {fixed}; its zone cannot become {stated}: parse the files as a new session"
            );
            Err(Error::invalid("timezone", codes::TIMEZONE_FIXED, message))
        }
        (Some(zone), _) | (None, Some(zone)) => Ok(zone),
        (None, None) => {
            let zone = state.config.site_timezone;
            warnings.push(Warning {
                code: TIMEZONE_ASSUMED.to_owned(),
                file: String::new(),
                line: None,
                column: None,
                count: 1,
                message: format!("no time zone was given: local times are read in {zone} (SITE_TIMEZONE)"),
            });
            Ok(zone)
        }
    }
}

/// Every text of a request that will be stored.
pub(super) fn check_texts(request: &ParseRequest) -> Result<()> {
    let ParseRequest { name, site, data_dir, subfolder, date_format, date_order, delimiter, files, columns, .. } =
        request;
    for (field, text) in [("name", name), ("site", site), ("date_format", date_format), ("date_order", date_order)] {
        limits::given_name(field, text.as_deref().map(str::trim))?;
    }
    // A tab may be one.
    limits::given_name("delimiter", delimiter.as_deref().filter(|text| *text != "\t"))?;
    for (field, text) in [("data_dir", data_dir), ("subfolder", subfolder)] {
        text.as_deref().map_or(Ok(()), |text| limits::path(field, text))?;
    }
    for (index, file) in files.iter().flatten().enumerate() {
        limits::path(&format!("files[{index}]"), file)?;
    }
    for (index, column) in columns.iter().enumerate() {
        let field = |name: &str| format!("columns[{index}].{name}");
        limits::name(&field("column"), &column.column)?;
        limits::given_name(&field("name"), column.name.as_deref())?;
        limits::given_name(&field("unit"), column.unit.as_deref())?;
    }
    Ok(())
}

pub(super) fn stated(columns: &[ColumnOverride]) -> Result<BTreeMap<String, Override>> {
    let mut stated = BTreeMap::new();
    for column in columns {
        let said = Override { name: column.name.clone(), kind: column.kind, unit: column.unit.clone() };
        if stated.insert(column.column.clone(), said).is_some() {
            let message = format!("column '{}' is overridden twice: say it once", column.column);
            return Err(Error::invalid("columns", codes::BAD_COLUMN_OVERRIDE, message));
        }
    }
    Ok(stated)
}
