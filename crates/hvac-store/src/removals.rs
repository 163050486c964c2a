//! What a purge removes from the disk. It is noted in the transaction that takes the rows away, so that a crash or a disk
//! that refuses leaves nothing behind that a catalogue made anew would bring back: what is noted is carried out at the
//! next start, and every few seconds beside a server.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::db::{Db, Transaction};
use super::entity::removal;
use super::integrity::Root;
use super::objects::Objects;
use super::{Store, now};
use crate::error::{Context, Error, ErrorKind, Result, codes};

/// Notes that a session's folder or a model's file is to be removed, with whatever takes it out of the catalogue.
///
/// # Errors
/// When the database cannot be written.
pub async fn note(txn: &Transaction, root: Root, path: &str) -> Result<()> {
    let row = removal::Model { root: root.as_str().to_owned(), path: path.to_owned(), created_at: now() };
    removal::Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(txn)
        .await
        .map(drop)
        .internal("noting what is to be removed")
}

impl Store {
    /// Removes what a purge has just noted.
    ///
    /// # Errors
    /// 503 when it cannot be removed: the purge stays, and it is tried again.
    pub async fn remove_purged(&self, root: Root, path: &str) -> Result<()> {
        let removal = removal::Model { root: root.as_str().to_owned(), path: path.to_owned(), created_at: now() };
        remove(&self.objects, &self.models, &removal).await.map_err(|error| not_removed(path, error))?;
        if let Err(error) = forget(&self.db, removal).await {
            tracing::warn!(path, %error, "that a purged file is gone could not be noted; it is tried again");
        }
        Ok(())
    }

    /// Removes a published file that no row came to refer to, because the transaction that it was published for failed.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn take_back(&self, root: Root, path: &str) -> Result<()> {
        self.root(root).delete_file(path).await
    }

    /// Removes what purges have noted and could not remove; answers what still stays.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn remove_all_purged(&self) -> Result<Vec<removal::Model>> {
        carry_out(&self.db, &self.objects, &self.models).await
    }
}

/// As [`Store::remove_all_purged`], of a store that is being opened.
pub(super) async fn carry_out(db: &Db, sessions: &Objects, models: &Objects) -> Result<Vec<removal::Model>> {
    let mut left = Vec::new();
    for removal in removal::Entity::find().all(db.read()).await.internal("looking for what is to be removed")? {
        match remove(sessions, models, &removal).await {
            Ok(()) => forget(db, removal).await?,
            Err(error) => {
                tracing::warn!(path = removal.path, %error, "what was purged could not be removed; it is tried again");
                left.push(removal);
            }
        }
    }
    Ok(left)
}

async fn remove(sessions: &Objects, models: &Objects, removal: &removal::Model) -> Result<()> {
    if removal.root == Root::Sessions.as_str() {
        sessions.delete_folder(&removal.path).await
    } else {
        models.delete_file(&removal.path).await
    }
}

async fn forget(db: &Db, removal: removal::Model) -> Result<()> {
    let txn = db.begin().await?;
    removal::Entity::delete_by_id((removal.root, removal.path)).exec(&txn).await.internal("noting what was removed")?;
    txn.commit().await.internal("noting what was removed")
}

/// The rows are gone, so this is no failure of the purge; but nobody is told that nothing is left before it is so.
fn not_removed(path: &str, error: Error) -> Error {
    tracing::warn!(path, %error, "what was purged could not be removed; it is tried again");
    let code = if error.kind() == ErrorKind::Internal { codes::FILES_NOT_REMOVED } else { error.code };
    let message = format!(
        "It is purged, but its files could not be removed yet: {}. It is tried again by itself; see to the disk and the \
         rights of DATA_STORAGE_PATH and MODELS_PATH.",
        error.message.trim_end_matches('.')
    );
    Error::new(code, message).with_retry_after(10).with_source(error)
}
