//! Collections as their tables are. Whoever reads or writes holds those of one backend meanwhile, and whoever changes
//! tables holds them alone: so a server that takes long over it keeps nobody waiting who has nothing to do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::collection::{BackendKind, Collection};
use crate::error::{Error, Result, codes};

/// How long readers and writers wait for tables that are changed.
const PATIENCE: Duration = Duration::from_secs(5);

type ByName = BTreeMap<String, Arc<Collection>>;

/// Every collection that was ever applied, by what keeps it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Layouts(BTreeMap<BackendKind, Arc<RwLock<ByName>>>);

/// Those of one backend: its tables stay as they are until this is dropped.
#[derive(Debug)]
pub struct Held(OwnedRwLockReadGuard<ByName>);

impl Layouts {
    /// As they were stored.
    #[must_use]
    pub fn of(stored: BTreeMap<String, Collection>) -> Self {
        let mut by_kind: BTreeMap<BackendKind, ByName> = BTreeMap::new();
        for (name, collection) in stored {
            by_kind.entry(collection.backend).or_default().insert(name, Arc::new(collection));
        }
        let lock = |(_, kind)| (kind, Arc::new(RwLock::new(by_kind.remove(&kind).unwrap_or_default())));
        Self(BackendKind::ALL.into_iter().map(lock).collect())
    }

    /// Keeps a backend's tables as they are.
    ///
    /// # Errors
    /// `records_busy` while they are changed, and that takes long.
    pub async fn hold(&self, kind: BackendKind) -> Result<Held> {
        let lock = self.0.get(&kind).ok_or_else(|| Error::internal("a backend has no tables"))?;
        match tokio::time::timeout(PATIENCE, Arc::clone(lock).read_owned()).await {
            Ok(held) => Ok(Held(held)),
            Err(_) => {
                let message = format!("tables in {} are being changed: try again in a moment", kind.server());
                Err(Error::new(codes::RECORDS_BUSY, message).with_retry_after(5))
            }
        }
    }

    /// Has these backends' tables alone.
    pub async fn change(&self, kinds: &BTreeSet<BackendKind>) -> BTreeMap<BackendKind, OwnedRwLockWriteGuard<ByName>> {
        let mut alone = BTreeMap::new();
        for (kind, lock) in self.0.iter().filter(|(kind, _)| kinds.contains(kind)) {
            alone.insert(*kind, Arc::clone(lock).write_owned().await);
        }
        alone
    }
}

impl Held {
    /// The collection of that name as its table is.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Collection>> {
        self.0.get(name)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Collection>> {
        self.0.values()
    }
}
