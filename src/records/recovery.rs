//! After a crash of whoever works on records: what is not done yet, and all of it at once to go on from. And what a server
//! refused.

use std::sync::Arc;

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Records;
use super::backend::{Filter, RecordQuery};
use super::collection::{BackendKind, Collection, States};
use super::outbox::REJECTED_COLUMNS;
use super::read::{RecordPage, of_parent};
use super::record::shown_record;
use super::{list, routes};
use crate::error::{Context, Error, Result, codes};
use crate::limits::{Page, Paging};
use crate::times::text_of;
use hvac_store::now;

/// Records of one reading.
const AT_ONCE: u64 = 1000;

/// What a flush did.
#[derive(Debug, Clone, Serialize)]
pub struct Flushed {
    /// `flushed`.
    pub status: &'static str,
    /// Records that were handed over by it.
    pub flushed: u64,
    /// Records that wait still.
    pub waiting: u64,
}

impl Records {
    /// Records in an open state, page by page.
    ///
    /// # Errors
    /// As [`Records::list`].
    pub async fn incomplete(&self, collection: &Collection, pairs: &[(String, String)]) -> Result<RecordPage> {
        let Some(states) = &collection.states else { return Err(Error::internal("a collection without states")) };
        let mut asked = list::asked(collection, pairs, self.0.zone)?;
        asked.query.filters.push(is_open(states));
        self.page(collection, asked).await
    }

    /// A record with all its open children, to go on from.
    ///
    /// # Errors
    /// 404 when there is none of that key in the system.
    pub async fn restore(&self, system: &str, key: &str) -> Result<Value> {
        let registry = self.registry();
        let roots = registry
            .collections
            .iter()
            .filter(|own| own.system == system && routes::is_recovered(&registry.collections, own));
        let mut missing = None;
        for root in roots {
            let record = match self.record(root, key).await {
                Ok(record) => record,
                Err(error) if error.code == codes::UNKNOWN_RECORD => {
                    missing = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut answer = Map::new();
            answer.insert(root.item.clone(), shown_record(root, &record));
            for child in routes::children(&registry.collections, &root.name) {
                answer.insert(child.list.clone(), self.open_children(child, key).await?.into());
            }
            answer.insert("restored_at".to_owned(), text_of(now().timestamp_millis()).into());
            return Ok(Value::Object(answer));
        }
        Err(missing.unwrap_or_else(|| Error::new(codes::UNKNOWN_RECORD, format!("{system} has no such record"))))
    }

    /// Children that are not done; all of them, where they have no states.
    async fn open_children(&self, child: &Arc<Collection>, parent: &str) -> Result<Vec<Value>> {
        let filters: Vec<Filter> =
            of_parent(child, parent).into_iter().chain(child.states.iter().map(is_open)).collect();
        let mut open = Vec::new();
        loop {
            let query = RecordQuery {
                filters: filters.clone(),
                sort_by: child.key.clone(),
                descending: false,
                offset: open.len() as u64,
                limit: AT_ONCE,
            };
            let (total, records) = self.found(child, query).await?;
            let is_last = records.is_empty();
            open.extend(records.iter().map(|record| shown_record(child, record)));
            if is_last || open.len() as u64 >= total {
                return Ok(open);
            }
        }
    }

    /// Hands over what waits of a system's collections.
    ///
    /// # Errors
    /// 503 when a server does not take it; what is left waits.
    pub async fn flush(&self, system: &str) -> Result<Flushed> {
        let registry = self.registry();
        let mut kinds: Vec<BackendKind> =
            registry.collections.iter().filter(|own| own.system == system).map(|own| own.backend).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut flushed = 0;
        for kind in &kinds {
            flushed += self.0.flush_kind(*kind, true).await.map_err(|error| {
                let message = format!(
                    "{} does not take what waits for it now: {error}; it is kept, and tried again",
                    kind.word()
                );
                Error::new(codes::BACKEND_DOWN, message).with_retry_after(5).with_source(error)
            })?;
        }
        let waiting = self.0.outbox.waiting();
        let waiting = kinds.iter().filter_map(|kind| waiting.get(kind)).map(|waiting| waiting.rows).sum();
        Ok(Flushed { status: "flushed", flushed, waiting })
    }

    /// What servers refused of a system's records, the last first.
    ///
    /// # Errors
    /// 422 for a page that cannot be.
    pub async fn rejected(&self, system: &str, page: Option<u64>, page_size: Option<u64>) -> Result<Page<Value>> {
        let doing = "reading what was refused";
        let paging = Paging::asked(page, page_size, 20)?;
        let registry = self.registry();
        let names: Vec<String> =
            registry.collections.iter().filter(|own| own.system == system).map(|own| own.name.clone()).collect();
        let db = self.0.db.read();
        let mut count = Query::select();
        count
            .from("record_rejected")
            .expr(Func::count(Expr::val(1)))
            .and_where(Expr::col("collection").is_in(names.clone()));
        let total: i64 = match db.query_one(&count).await.internal(doing)? {
            Some(row) => row.try_get_by_index(0).internal(doing)?,
            None => 0,
        };
        let mut query = Query::select();
        query.from("record_rejected").columns(REJECTED_COLUMNS);
        query.and_where(Expr::col("collection").is_in(names)).order_by("seq", Order::Desc);
        query.offset((paging.page - 1) * paging.page_size).limit(paging.page_size);
        let mut items = Vec::new();
        for row in db.query_all(&query).await.internal(doing)? {
            let text = |index| row.try_get_by_index::<String>(index).internal(doing);
            let record: Value = row.try_get_by_index(3).internal(doing)?;
            let at: chrono::DateTime<chrono::Utc> = row.try_get_by_index(5).internal(doing)?;
            items.push(json!({
                "collection": text(0)?, "key": text(1)?, "operation": text(2)?, "record": record, "reason": text(4)?,
                "rejected_at": text_of(at.timestamp_millis()),
            }));
        }
        Ok(Page::of(paging, u64::try_from(total).unwrap_or_default(), items))
    }
}

/// Records that are not done.
fn is_open(states: &States) -> Filter {
    Filter::Is(states.field.clone(), states.open.iter().map(|state| state.clone().into()).collect())
}
