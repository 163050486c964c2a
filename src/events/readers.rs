//! Who sees a session, looked up once a moment for all who follow.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use super::Audience;
use crate::error::{Context, Error, Result, codes};
use crate::principal::{Principal, SessionReaders};
use hvac_store::db::Db;
use hvac_store::entity::{session, share};

/// How long it may stay unseen that a session is shared, or is not any more.
const KEPT: Duration = Duration::from_secs(1);
/// Sessions that are remembered at once.
const MOST: u64 = 10_000;

/// Who sees what.
pub(super) struct Readers {
    db: Db,
    /// By session; one that is not there is looked up anew: it may be made in the next moment.
    sessions: Cache<Arc<str>, Arc<SessionReaders>>,
}

impl Readers {
    pub(super) fn new(db: Db) -> Self {
        Self { db, sessions: Cache::builder().max_capacity(MOST).time_to_live(KEPT).build() }
    }

    /// Whether somebody sees what is for that audience.
    pub(super) async fn sees(&self, principal: &Principal, audience: &Audience) -> Result<bool> {
        match audience {
            Audience::Least(role) => Ok(principal.only_session.is_none() && principal.role.may(*role)),
            Audience::Session(id) => self.sees_session(principal, id).await,
            Audience::Work { account_id: None, session_id: None } => Ok(true),
            Audience::Work { account_id, session_id } => {
                if account_id.is_some() && account_id.as_deref() == principal.account_id() {
                    return Ok(true);
                }
                match session_id {
                    Some(id) => self.sees_session(principal, id).await,
                    None => Ok(principal.sees_all()),
                }
            }
        }
    }

    async fn sees_session(&self, principal: &Principal, id: &Arc<str>) -> Result<bool> {
        if principal.sees_all() {
            return Ok(true);
        }
        self.is_seen(principal, id).await
    }

    /// Whether there is that session, and somebody sees it.
    pub(super) async fn is_seen(&self, principal: &Principal, id: &Arc<str>) -> Result<bool> {
        let looked = self.sessions.try_get_with(Arc::clone(id), self.look_up(id)).await;
        match looked {
            Ok(readers) => Ok(principal.is_among(id, &readers)),
            Err(error) if error.code == codes::UNKNOWN_SESSION => Ok(false),
            Err(error) => Err(error.again()),
        }
    }

    async fn look_up(&self, id: &str) -> Result<Arc<SessionReaders>> {
        let db = self.db.read();
        let doing = "looking up who sees a session";
        let found: Option<(Option<String>, Option<String>)> = session::Entity::find_by_id(id)
            .select_only()
            .columns([session::Column::OwnerId, session::Column::Site])
            .into_tuple()
            .one(db)
            .await
            .internal(doing)?;
        let unknown = || Error::new(codes::UNKNOWN_SESSION, format!("there is no session '{id}'"));
        let (owner_id, site) = found.ok_or_else(unknown)?;
        let of_it = Condition::any()
            .add(share::Column::SessionId.eq(id))
            .add_option(site.map(|site| share::Column::Site.eq(site)));
        let shared: Vec<Option<String>> = share::Entity::find()
            .select_only()
            .column(share::Column::AccountId)
            .filter(of_it)
            .into_tuple()
            .all(db)
            .await
            .internal(doing)?;
        Ok(Arc::new(SessionReaders::new(owner_id, shared)))
    }
}
