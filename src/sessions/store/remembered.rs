//! What users said of a site's reports and points: how it is remembered, and forgotten.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect,
};

use crate::error::{Context, Error, Result, codes};
use crate::principal::{Principal, Sight};
use hvac_store::entity::{report_override, session, site_override};

/// What is remembered of a site's reports.
pub async fn rows(db: &impl ConnectionTrait, site: &str) -> Result<Vec<report_override::Model>> {
    report_override::Entity::find()
        .filter(report_override::Column::Site.eq(site))
        .all(db)
        .await
        .internal("looking up what is remembered of reports")
}

/// Remembers how reports of a shape are read, in place of what was remembered.
pub async fn remember(txn: &impl ConnectionTrait, row: report_override::Model) -> Result<()> {
    let key = (row.site.clone(), row.shape.clone());
    let doing = "remembering how reports are read";
    let known = report_override::Entity::find_by_id(key).one(txn).await.internal(doing)?;
    let row = row.into_active_model().reset_all();
    let saved = if known.is_none() { row.insert(txn).await } else { row.update(txn).await };
    saved.internal(doing)?;
    Ok(())
}

/// Forgets what is remembered of reports of a shape, of a column, or, with neither, of the whole site; how much that was.
pub async fn forget(txn: &impl ConnectionTrait, site: &str, report: Option<&str>, column: Option<&str>) -> Result<u64> {
    let doing = "forgetting overrides";
    let mut forgotten = 0;
    if report.is_some() || column.is_none() {
        let mut rows = report_override::Entity::delete_many().filter(report_override::Column::Site.eq(site));
        if let Some(shape) = report {
            rows = rows.filter(report_override::Column::Shape.eq(shape));
        }
        forgotten += rows.exec(txn).await.internal(doing)?.rows_affected;
    }
    if column.is_some() || report.is_none() {
        let mut rows = site_override::Entity::delete_many().filter(site_override::Column::Site.eq(site));
        if let Some(column) = column {
            rows = rows.filter(site_override::Column::OriginalName.eq(column));
        }
        forgotten += rows.exec(txn).await.internal(doing)?.rows_affected;
    }
    Ok(forgotten)
}

/// Whether somebody may know of a site: it has no session yet, or one that he sees.
pub async fn is_known_to(db: &impl ConnectionTrait, principal: &Principal, site: &str) -> Result<bool> {
    if principal.sight() == Sight::All {
        return Ok(true);
    }
    let of_site = session::Entity::find().filter(session::Column::Site.eq(site));
    let seen = of_site.clone().filter(principal.seen_sessions()).count(db).await.internal("looking at a site")?;
    Ok(seen > 0 || of_site.count(db).await.internal("looking at a site")? == 0)
}

/// May nobody change what is said of a site that is others'.
///
/// # Errors
/// 403 then.
pub async fn refuse_others(db: &impl ConnectionTrait, principal: &Principal, site: &str) -> Result<()> {
    if is_known_to(db, principal, site).await? {
        return Ok(());
    }
    let message = format!("no session of site '{site}' is shared with you: ask its owner, or an admin");
    Err(Error::new(codes::FORBIDDEN, message))
}

/// The sessions of a site, deleted or not.
pub async fn sessions(db: &impl ConnectionTrait, site: &str) -> Result<Vec<String>> {
    session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::Site.eq(site))
        .into_tuple()
        .all(db)
        .await
        .internal("listing a site's sessions")
}
