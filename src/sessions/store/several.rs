//! The queries of several sessions at once.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::error::{Context, Result};
use crate::principal::Principal;
use hvac_store::entity::{WorkStatus, cleaning_job, parsed_dataset, session};

/// Those of these sessions that are seen, deleted or not.
pub async fn sessions(db: &impl ConnectionTrait, principal: &Principal, ids: &[String]) -> Result<Vec<session::Model>> {
    session::Entity::find()
        .filter(session::Column::Id.is_in(ids))
        .filter(principal.seen_sessions())
        .all(db)
        .await
        .internal("looking up sessions")
}

/// Their parsed datasets, newest first.
pub async fn parsed(db: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<parsed_dataset::Model>> {
    parsed_dataset::Entity::find()
        .filter(parsed_dataset::Column::SessionId.is_in(ids))
        .order_by_desc(parsed_dataset::Column::Version)
        .all(db)
        .await
        .internal("looking up datasets of sessions")
}

/// Their completed cleanings, newest first.
pub async fn cleaned(db: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<cleaning_job::Model>> {
    cleaning_job::Entity::find()
        .filter(cleaning_job::Column::SessionId.is_in(ids))
        .filter(cleaning_job::Column::Status.eq(WorkStatus::Completed))
        .order_by_desc(cleaning_job::Column::Version)
        .all(db)
        .await
        .internal("looking up cleanings of sessions")
}
