//! Looking at what was done: page by page, all of it, whether it is still what was noted; and letting go of what is old.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{anchor, hash};
use crate::error::{Context, Error, Result, codes};
use crate::limits::{self, Paging};
use crate::times::utc;
use hvac_store::Store;
use hvac_store::entity::{audit_anchor, audit_entry};
use hvac_store::now;

/// Entries on a page when nobody says otherwise.
const PAGE_SIZE: u64 = 50;
/// Entries that are read at once where all are.
const AT_ONCE: u64 = 1000;

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Only of this account's name.
    pub who: Option<String>,
    /// Only this, such as `session.delete`; `session.*` for all of that beginning.
    pub action: Option<String>,
    /// Only of this object's id.
    pub object: Option<String>,
    /// Only of this session.
    pub session_id: Option<String>,
    /// `done`, or a refusal's code; `refused` for all refusals.
    pub result: Option<String>,
    /// Only of this request.
    pub request_id: Option<String>,
    /// Words, each somewhere in an entry, whatever its case.
    pub q: Option<String>,
    /// At or after this time (ISO 8601; UTC without an offset).
    pub from: Option<String>,
    /// Before this time.
    pub to: Option<String>,
}

/// Which page of them.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AuditPaging {
    /// From 1.
    pub page: Option<u64>,
    /// 1…100, default 50.
    pub page_size: Option<u64>,
}

/// Something that was done, or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub seq: i64,
    /// UTC.
    pub at: String,
    /// The account's name then; `anonymous` and `command` for whoever needs none.
    pub who: String,
    /// Its id.
    pub account_id: Option<String>,
    /// How that was known: `key`, `login`, `token`, `link`, `job`, `command`, `nothing`.
    pub via: String,
    /// What, such as `session.delete`.
    pub action: String,
    /// To what kind of thing.
    pub object_kind: String,
    /// To which.
    pub object_id: Option<String>,
    /// Of which session.
    pub session_id: Option<String>,
    /// `done`, or the refusal's code.
    pub result: String,
    /// From where.
    pub address: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// What else there is to say.
    #[schema(value_type = Object)]
    pub detail: serde_json::Map<String, serde_json::Value>,
    /// SHA-256 of this entry and the hash before it, hex.
    pub hash: String,
}

impl From<audit_entry::Model> for AuditEntry {
    fn from(row: audit_entry::Model) -> Self {
        Self {
            seq: row.seq,
            at: utc(row.at),
            who: row.who,
            account_id: row.account_id,
            via: row.via,
            action: row.action,
            object_kind: row.object_kind,
            object_id: row.object_id,
            session_id: row.session_id,
            result: row.result,
            address: row.address,
            request_id: row.request_id,
            detail: serde_json::from_str(&row.detail).unwrap_or_default(),
            hash: row.hash,
        }
    }
}

/// One page of what was done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditPage {
    /// All that match.
    pub total: u64,
    /// From 1.
    pub page: u64,
    /// At most 100.
    pub page_size: u64,
    /// ⌈total / page_size⌉.
    pub total_pages: u64,
    /// The newest first.
    pub items: Vec<AuditEntry>,
}

/// Whether the list is what was noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verified {
    /// Whether every entry's hash follows from it and the one before.
    pub intact: bool,
    /// Entries that were looked at.
    pub entries: u64,
    /// The first that does not follow.
    pub broken_at: Option<i64>,
    /// The last entry's hash: one that was written down elsewhere tells whether the end was cut off.
    pub last_hash: String,
}

impl AuditFilter {
    fn condition(&self) -> Result<Condition> {
        use audit_entry::Column as C;
        let given = [
            ("who", &self.who),
            ("action", &self.action),
            ("object", &self.object),
            ("session_id", &self.session_id),
            ("result", &self.result),
            ("request_id", &self.request_id),
            ("q", &self.q),
        ];
        for (field, text) in given {
            limits::given_name(field, text.as_deref())?;
        }
        let said = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let time = |field: &str, text: &Option<String>| -> Result<_> {
            let Some(text) = said(text) else { return Ok(None) };
            let at = time_of(text.trim()).ok_or_else(|| {
                let message =
                    format!("{field}: '{text}' is no time; write it like 2026-11-30T08:00:00Z, or 2026-11-30");
                Error::invalid(field, codes::BAD_TIME, message)
            })?;
            Ok(Some(at))
        };
        let mut all = Condition::all()
            .add_option(said(&self.who).map(|who| C::Who.eq(who)))
            .add_option(said(&self.object).map(|id| C::ObjectId.eq(id)))
            .add_option(said(&self.session_id).map(|id| C::SessionId.eq(id)))
            .add_option(said(&self.request_id).map(|id| C::RequestId.eq(id)))
            .add_option(time("from", &self.from)?.map(|at| C::At.gte(at)))
            .add_option(time("to", &self.to)?.map(|at| C::At.lt(at)));
        all = match said(&self.action) {
            Some(action) => match action.strip_suffix('*') {
                Some(beginning) => all.add(starts_with(C::Action, beginning)),
                None => all.add(C::Action.eq(action)),
            },
            None => all,
        };
        all = match said(&self.result).as_deref() {
            Some("refused") => all.add(C::Result.ne(super::DONE)),
            Some(result) => all.add(C::Result.eq(result)),
            None => all,
        };
        for word in self.q.iter().flat_map(|q| q.split_whitespace()) {
            all = all.add(Expr::cust_with_values(
                "instr(lower(who || ' ' || action || ' ' || ifnull(object_id, '') || ' ' || result || ' ' || \
                 ifnull(address, '') || ' ' || ifnull(request_id, '') || ' ' || detail), lower(?)) > 0",
                [word],
            ));
        }
        Ok(all)
    }
}

/// A time with its offset from UTC, or one of UTC.
fn time_of(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let with_time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    with_time.or_else(day).map(|at| at.and_utc())
}

/// Whether a column begins so.
fn starts_with(column: audit_entry::Column, beginning: &str) -> sea_orm::sea_query::SimpleExpr {
    let length = i32::try_from(beginning.chars().count()).unwrap_or(i32::MAX);
    Expr::cust_with_exprs("substr(?, 1, ?)", [column.into_expr(), Expr::val(length)]).eq(beginning)
}

/// One page, the newest first.
///
/// # Errors
/// 422 for a filter that cannot be.
pub async fn list(store: &Store, filter: &AuditFilter, page: &AuditPaging) -> Result<AuditPage> {
    let paging = Paging::asked(page.page, page.page_size, PAGE_SIZE)?;
    let matching = audit_entry::Entity::find().filter(filter.condition()?);
    let total = matching.clone().count(store.db.read()).await.internal("counting entries")?;
    let rows = matching
        .order_by_desc(audit_entry::Column::Seq)
        .offset((paging.page - 1) * paging.page_size)
        .limit(paging.page_size)
        .all(store.db.read())
        .await
        .internal("listing entries")?;
    Ok(AuditPage {
        total,
        page: paging.page,
        page_size: paging.page_size,
        total_pages: paging.pages(total),
        items: rows.into_iter().map(AuditEntry::from).collect(),
    })
}

/// The next entries behind one, the oldest first; none behind the last.
///
/// # Errors
/// As [`list`].
pub async fn after(store: &Store, filter: &AuditFilter, seq: i64) -> Result<Vec<AuditEntry>> {
    let rows = rows_after(store.db.read(), filter.condition()?, seq).await?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

async fn rows_after(db: &impl ConnectionTrait, of: Condition, seq: i64) -> Result<Vec<audit_entry::Model>> {
    audit_entry::Entity::find()
        .filter(of)
        .filter(audit_entry::Column::Seq.gt(seq))
        .order_by_asc(audit_entry::Column::Seq)
        .limit(AT_ONCE)
        .all(db)
        .await
        .internal("reading entries")
}

/// Looks at every entry: whether its number and hash follow from the one before.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(store: &Store) -> Result<Verified> {
    let db = store.db.read();
    let begins = anchor(db).await?;
    let (mut seq, mut before, mut entries) = (begins.seq, begins.hash, 0);
    loop {
        let rows = rows_after(db, Condition::all(), seq).await?;
        if rows.is_empty() {
            return Ok(Verified { intact: true, entries, broken_at: None, last_hash: before });
        }
        for row in rows {
            if row.seq != seq + 1 || hash(&before, &row) != row.hash {
                return Ok(Verified { intact: false, entries, broken_at: Some(row.seq), last_hash: before });
            }
            (seq, before, entries) = (row.seq, row.hash, entries + 1);
        }
    }
}

/// Lets go of what is older; the list begins behind it then. How many entries that was.
///
/// # Errors
/// When the database cannot be written.
pub async fn let_go(store: &Store, kept: TimeDelta) -> Result<u64> {
    let old = audit_entry::Entity::find()
        .filter(audit_entry::Column::At.lt(now() - kept))
        .order_by_desc(audit_entry::Column::Seq);
    if old.clone().one(store.db.read()).await.internal("looking for old entries")?.is_none() {
        return Ok(0);
    }
    let txn = store.db.begin().await?;
    let Some(last) = old.one(&txn).await.internal("looking for old entries")? else { return Ok(0) };
    let begins = audit_anchor::Model { id: 1, seq: last.seq, hash: last.hash };
    use audit_anchor::Column::{Hash, Id, Seq};
    audit_anchor::Entity::insert(begins.into_active_model().reset_all())
        .on_conflict(OnConflict::column(Id).update_columns([Seq, Hash]).to_owned())
        .exec_without_returning(&txn)
        .await
        .internal("moving where the list begins")?;
    let gone = audit_entry::Entity::delete_many().filter(audit_entry::Column::Seq.lte(last.seq)).exec(&txn).await;
    let gone = gone.internal("letting go of old entries")?.rows_affected;
    txn.commit().await.internal("letting go of old entries")?;
    Ok(gone)
}
