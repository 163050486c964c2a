//! The queries of a list of sessions: which match, and one page of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, Order, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Statement,
};

use crate::error::{Context, Result};
use crate::principal::Principal;
use crate::sessions::SessionFilter;
use hvac_store::entity::{Status, parsed_dataset, session};

/// Which page of which sessions.
pub struct ListQuery<'a> {
    /// Which.
    pub filter: &'a SessionFilter,
    /// For whom.
    pub principal: &'a Principal,
    /// What is asked of texts.
    pub texts: Option<Condition>,
    /// With data at or after.
    pub from: Option<DateTime<Utc>>,
    /// With data before.
    pub to: Option<DateTime<Utc>>,
    /// Made at or after.
    pub created_from: Option<DateTime<Utc>>,
    /// Made before.
    pub created_to: Option<DateTime<Utc>>,
    /// In which order.
    pub sort: session::Column,
    /// Ascending or descending.
    pub order: Order,
    /// From 0.
    pub page: u64,
    /// Sessions a page.
    pub page_size: u64,
}

/// All that match, and one page of them.
pub async fn page(db: &impl ConnectionTrait, query: &ListQuery<'_>) -> Result<(u64, Vec<session::Model>)> {
    let matching = session::Entity::find().filter(condition(query));
    let total = matching.clone().count(db).await.internal("counting sessions")?;
    let page = matching
        .order_by(query.sort, query.order.clone())
        .order_by(session::Column::Id, query.order.clone())
        .offset(query.page * query.page_size)
        .limit(query.page_size)
        .all(db)
        .await
        .internal("listing sessions")?;
    Ok((total, page))
}

/// Bytes of the files of each of these sessions; members of an archive name its file, and its size, each.
pub async fn sizes(db: &impl ConnectionTrait, session_ids: &[String]) -> Result<BTreeMap<String, u64>> {
    #[derive(FromQueryResult)]
    struct Row {
        session_id: String,
        bytes: i64,
    }
    if session_ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let these = vec!["?"; session_ids.len()].join(", ");
    let sql = format!(
        "SELECT session_id, sum(bytes) AS bytes FROM (\
         SELECT DISTINCT session_id, path, size_bytes AS bytes FROM source_files WHERE session_id IN ({these}) \
         UNION ALL SELECT session_id, file_path, size_bytes FROM parsed_datasets WHERE session_id IN ({these}) \
         UNION ALL SELECT session_id, output_path, coalesce(size_bytes, 0) + coalesce(events_size_bytes, 0) \
         FROM cleaning_jobs WHERE status = 'completed' AND session_id IN ({these})) GROUP BY session_id"
    );
    let values = std::iter::repeat_n(session_ids, 3).flatten().map(|id| id.as_str().into());
    let rows = Row::find_by_statement(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).all(db).await;
    let rows = rows.internal("adding up what sessions take")?;
    Ok(rows.into_iter().map(|row| (row.session_id, row.bytes.unsigned_abs())).collect())
}

fn condition(query: &ListQuery<'_>) -> Condition {
    let filter = query.filter;
    let deleted = session::Column::DeletedAt;
    let mut all = Condition::all().add(if filter.deleted { deleted.is_not_null() } else { deleted.is_null() });
    all = all.add(session::Column::Unconfirmed.eq(filter.unconfirmed)).add(query.principal.seen_sessions());
    if let Some(status) = filter.status {
        all = all.add(session::Column::Status.eq(Status::from(status)));
    }
    if let Some(site) = &filter.site {
        all = all.add(session::Column::Site.eq(site));
    }
    if let Some(status) = filter.status_at_least {
        let far_enough = [Status::Uploaded, Status::Parsed, Status::Cleaned].into_iter().skip(match status.into() {
            Status::Parsed => 1,
            Status::Cleaned => 2,
            Status::Uploaded | Status::Failed => 0,
        });
        all = all.add(session::Column::Status.is_in(far_enough));
    }
    if let Some(said) = filter.metadata.as_deref().filter(|said| !said.is_empty()) {
        all = all.add(with_metadata(said));
    }
    if let Some(from) = query.created_from {
        all = all.add(session::Column::CreatedAt.gte(from));
    }
    if let Some(to) = query.created_to {
        all = all.add(session::Column::CreatedAt.lt(to));
    }
    if let Some(texts) = &query.texts {
        all = all.add(texts.clone());
    }
    if query.from.is_some() || query.to.is_some() {
        let mut datasets = Query::select();
        datasets.column(parsed_dataset::Column::SessionId).from(parsed_dataset::Entity);
        if let Some(from) = query.from {
            datasets.and_where(parsed_dataset::Column::EndAt.gte(from));
        }
        if let Some(to) = query.to {
            datasets.and_where(parsed_dataset::Column::StartAt.lt(to));
        }
        all = all.add(session::Column::Id.in_subquery(datasets));
    }
    all
}

/// Sessions whose free data has the key, or the key with that value (`key=value`).
fn with_metadata(said: &str) -> sea_orm::sea_query::SimpleExpr {
    let has = |is: &str| {
        format!("EXISTS (SELECT 1 FROM json_each(\"upload_sessions\".\"metadata\") AS data WHERE data.key = ?{is})")
    };
    match said.split_once('=') {
        None => Expr::cust_with_values(has(""), [said]),
        Some((key, value)) => {
            let text =
                "CASE data.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(data.value AS TEXT) END";
            Expr::cust_with_values(has(&format!(" AND {text} = ?")), [key.trim(), value.trim()])
        }
    }
}
