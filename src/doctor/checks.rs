//! When each file was last hashed: kept, so that a restart does not begin anew.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};

use crate::error::{Context, Result};
use hvac_store::entity::file_check;
use hvac_store::integrity::Root;
use hvac_store::{Store, now};

/// By root, as it stands in the database, and key.
pub(super) type Checks = HashMap<(String, String), DateTime<Utc>>;

/// All that are kept.
pub(super) async fn all(db: &impl ConnectionTrait) -> Result<Checks> {
    let rows = file_check::Entity::find().all(db).await.internal("reading when files were checked")?;
    Ok(rows.into_iter().map(|row| ((row.root, row.path), row.checked_at)).collect())
}

/// Notes that these files were hashed now, where anything can be noted.
pub(super) async fn note(store: &Store, files: &[(Root, String)]) -> Result<()> {
    if store.is_read_only() {
        return Ok(());
    }
    let doing = "noting when files were checked";
    let checked_at = now();
    let txn = store.db.begin().await?;
    for some in files.chunks(250) {
        let rows = some.iter().map(|(root, path)| {
            let row = file_check::Model { root: root.as_str().to_owned(), path: path.clone(), checked_at };
            row.into_active_model().reset_all()
        });
        let key = [file_check::Column::Root, file_check::Column::Path];
        let again = OnConflict::columns(key).update_column(file_check::Column::CheckedAt).to_owned();
        let noted = file_check::Entity::insert_many(rows).on_conflict(again).exec_without_returning(&txn).await;
        noted.internal(doing)?;
    }
    txn.commit().await.internal(doing)
}

/// Forgets files that nothing refers to any more.
pub(super) async fn forget(store: &Store, gone: Vec<(String, String)>) -> Result<()> {
    if gone.is_empty() || store.is_read_only() {
        return Ok(());
    }
    let doing = "forgetting when files were checked";
    let txn = store.db.begin().await?;
    for key in gone {
        file_check::Entity::delete_by_id(key).exec(&txn).await.internal(doing)?;
    }
    txn.commit().await.internal(doing)
}
