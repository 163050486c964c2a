//! Sets aside what nobody knows, and empties `trash/`: each only when a user asks for it.

use serde::Serialize;

use super::files::{self, shown};
use super::orphans;
use crate::config::Config;
use crate::error::{Context, Result};
use hvac_store::integrity::Root;
use hvac_store::objects::Objects;
pub use hvac_store::trash::TrashSize;
use hvac_store::{Store, folders};

/// A file that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Where it was; of models it begins with `models/`.
    pub path: String,
    /// Where it is, below the same folder.
    pub trash: String,
}

/// Moves every stored file that no row refers to into `trash/` of its folder. With nobody beside: somebody who works may
/// have published what he has not yet committed.
///
/// # Errors
/// `store_in_use` when another process has the store open; when a file cannot be moved.
pub async fn sweep(config: &Config) -> Result<Vec<Swept>> {
    let store = Store::open_alone(&config.store).await?;
    let swept = sweep_in(&store).await;
    store.close().await?;
    swept
}

async fn sweep_in(store: &Store) -> Result<Vec<Swept>> {
    let known = files::known(store.db.read()).await?;
    let orphans = orphans(store, &known).await?.into_iter().filter(|orphan| orphan.is_ours);
    let mut swept = Vec::new();
    for orphan in orphans {
        let (objects, key) = (store.root(orphan.root).clone(), orphan.path.clone());
        let moving = tokio::task::spawn_blocking(move || objects.trash(&key));
        let trash = moving.await.internal("setting a file aside")??;
        swept.push(Swept { path: shown(orphan.root, &orphan.path), trash: shown(orphan.root, &trash) });
    }
    Ok(swept)
}

/// How much is set aside.
///
/// # Errors
/// When a folder cannot be read.
pub async fn trash_size(config: &Config) -> Result<TrashSize> {
    in_each(config, Objects::trash_size).await
}

/// Removes for ever what is set aside, and tells how much that was.
///
/// # Errors
/// When something cannot be removed.
pub async fn empty_trash(config: &Config) -> Result<TrashSize> {
    in_each(config, Objects::empty_trash).await
}

async fn in_each(config: &Config, work: fn(&Objects) -> Result<TrashSize>) -> Result<TrashSize> {
    let (sessions, models) = folders(&config.store)?;
    let working = tokio::task::spawn_blocking(move || {
        let mut sum = work(&sessions)?;
        if models.root() != sessions.root() {
            let more = work(&models)?;
            sum = TrashSize { files: sum.files + more.files, bytes: sum.bytes + more.bytes };
        }
        Ok(sum)
    });
    working.await.internal("looking into trash")?
}

/// A stored file that no row refers to.
pub(super) struct Orphan {
    pub root: Root,
    pub path: String,
    /// Whether it may be set aside: a model of data that this catalogue does not know may be another's.
    pub is_ours: bool,
}
