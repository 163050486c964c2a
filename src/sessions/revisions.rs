//! The revision of what `session.json` says of a session, and of which one the file is.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::error::{Context, Result};
use hvac_store::entity::manifest;

/// Goes up whenever what `session.json` says changes; 0 for a session that has not since that is noted.
pub async fn of(db: &impl ConnectionTrait, session_id: &str) -> Result<i64> {
    let row = manifest::Entity::find_by_id(session_id).one(db).await.internal("looking up a session's revision")?;
    Ok(row.map_or(0, |row| row.revision))
}

/// Sessions whose `session.json` is not known to be of their last revision, and that.
pub async fn behind(db: &impl ConnectionTrait) -> Result<Vec<(String, i64)>> {
    manifest::Entity::find()
        .select_only()
        .columns([manifest::Column::SessionId, manifest::Column::Revision])
        .filter(Expr::col(manifest::Column::Written).lt(Expr::col(manifest::Column::Revision)))
        .into_tuple()
        .all(db)
        .await
        .internal("looking for session.json files that are out of date")
}

/// Notes which revision each of these files is of.
pub async fn note_written(txn: &impl ConnectionTrait, written: &[(String, i64)]) -> Result<()> {
    for (session_id, revision) in written {
        manifest::Entity::update_many()
            .col_expr(manifest::Column::Written, Expr::value(*revision))
            .filter(manifest::Column::SessionId.eq(session_id))
            .filter(manifest::Column::Written.lt(*revision))
            .exec(txn)
            .await
            .internal("noting which session.json files are up to date")?;
    }
    Ok(())
}
