#![doc = include_str!("../README.md")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use self::entity::{WorkStatus, job};
use self::lock::StoreLock;
use crate::error::{Context, Error, Result, codes};

pub mod cache;
pub mod copied;
pub mod crash;
pub mod db;
pub mod download;
pub mod entity;
pub mod error;
mod file_stamp;
pub mod frames;
pub mod identity;
pub mod integrity;
pub mod lock;
pub mod made;
pub mod metric_names;
pub mod objects;
mod opened_file;
pub mod paths;
mod proof;
pub mod removals;
pub mod sizes;
pub mod staged;
#[cfg(test)]
mod tests;
pub mod trash;
pub mod trust;
pub mod verified;
pub mod versions;

/// Where the stores are, and how much may be kept besides.
#[derive(Clone)]
pub struct Settings {
    /// SQLite database, in sqlx' spelling.
    pub database_url: String,
    /// Root of all session folders.
    pub data_storage_path: PathBuf,
    /// Root of all model files.
    pub models_path: PathBuf,
    /// Second cache level; none when unset.
    pub redis_url: Option<String>,
    /// PEM file of the authorities that may have signed its certificate; none: those that the system trusts.
    pub redis_authorities: Option<PathBuf>,
    /// Bound of the in-process cache.
    pub cache_max_bytes: u64,
    /// How long a cached answer lives, in both levels.
    pub cache_ttl: Duration,
    /// Bound of the folder of CSV and Arrow files that were made for downloads.
    pub downloads_max_bytes: u64,
}

/// Without the address of the second cache level, which may have a password in it.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("database_url", &self.database_url)
            .field("data_storage_path", &self.data_storage_path)
            .field("models_path", &self.models_path)
            .finish_non_exhaustive()
    }
}

/// The three stores. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    /// Metadata.
    pub db: db::Db,
    /// Session files (reports, Parquet), below `DATA_STORAGE_PATH`.
    pub objects: objects::Objects,
    /// Model files, below `MODELS_PATH`.
    pub models: objects::Objects,
    /// Answers computed from immutable files.
    pub cache: cache::Cache,
    /// Files made from published ones.
    pub made: made::MadeFiles,
    /// What joins database and folder.
    pub identity: identity::Identity,
    /// What was tidied up when this process opened the store.
    pub recovered: Recovered,
    proofs: Arc<proof::Proofs>,
    sizes: sizes::KeptSizes,
    _locks: Arc<[StoreLock]>,
}

/// What a crash had left behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Staging files and folders that were removed.
    pub staging_removed: u64,
    /// Version numbers that were reserved and are given up now.
    pub versions_abandoned: u64,
    /// Jobs whose worker died with its process: whoever looks for work next takes them up again.
    pub jobs_interrupted: u64,
    /// Whether nobody else was at work, so that it was looked at all.
    pub alone: bool,
}

impl Store {
    /// Opens database, folder and cache, creating what is not there.
    ///
    /// # Errors
    /// When database and folder do not belong together (see [`identity::settle`]), a repair is running
    /// (`store_locked`), or one of them cannot be opened.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let (objects, models) = folders(settings)?;
        let alone = StoreLock::try_exclusive(objects.root())?;
        let shared = if alone.is_some() { None } else { Some(StoreLock::shared(objects.root()).await?) };
        let db = db::Db::open(&settings.database_url).await?;
        let identity = identity::settle(&db, &objects, false).await?;
        let recovered = match alone {
            Some(_) if !db.is_read_only() => recover(&db, &objects, &models).await?,
            _ => Recovered::default(),
        };
        drop(alone);
        let lock = match shared {
            Some(lock) => lock,
            None => StoreLock::shared(objects.root()).await?,
        };
        Self::assemble(settings, db, (objects, models), identity, recovered, lock).await
    }

    /// Opens the store for `doctor --rebuild`: with nobody beside, and adopting the folder's identity.
    ///
    /// # Errors
    /// `store_in_use` when another process has it open; `store_mismatch` when the database holds the sessions of
    /// another folder.
    pub async fn open_for_rebuild(settings: &Settings) -> Result<Self> {
        Self::open_exclusive(settings, true).await
    }

    /// Opens the store with nobody beside, as long as it is open.
    ///
    /// # Errors
    /// As [`Self::open`]; `store_in_use` when another process has it open.
    pub async fn open_alone(settings: &Settings) -> Result<Self> {
        Self::open_exclusive(settings, false).await
    }

    async fn open_exclusive(settings: &Settings, rebuild: bool) -> Result<Self> {
        let (objects, models) = folders(settings)?;
        let lock = StoreLock::exclusive(objects.root())?;
        let db = db::Db::open(&settings.database_url).await?;
        let identity = identity::settle(&db, &objects, rebuild).await?;
        let recovered = recover(&db, &objects, &models).await?;
        Self::assemble(settings, db, (objects, models), identity, recovered, lock).await
    }

    async fn assemble(
        settings: &Settings,
        db: db::Db,
        (objects, models): (objects::Objects, objects::Objects),
        identity: identity::Identity,
        recovered: Recovered,
        lock: StoreLock,
    ) -> Result<Self> {
        let authorities = settings.redis_authorities.as_deref();
        let redis = settings.redis_url.as_deref().map(|url| cache::redis_client("REDIS_URL", url, authorities));
        let cache = cache::Cache::new(settings.cache_max_bytes, settings.cache_ttl, redis.transpose()?)?;
        let made = made::MadeFiles::new(&objects, settings.downloads_max_bytes)?;
        let mut locks = vec![lock];
        if models.root() != objects.root() {
            locks.push(StoreLock::shared(models.root()).await?);
        }
        let (proofs, sizes) = (Arc::default(), Arc::default());
        Ok(Self { db, objects, models, cache, made, identity, recovered, proofs, sizes, _locks: locks.into() })
    }

    /// Whether it was opened to be read, for nothing can be written where it lies.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.db.is_read_only()
    }

    /// Closes the database. The last thing a process does with its store.
    ///
    /// # Errors
    /// When the last checkpoint fails; nothing that was committed is lost then.
    pub async fn close(&self) -> Result<()> {
        self.db.close().await
    }
}

/// The folders of sessions and of models.
///
/// # Errors
/// When one cannot be made or opened; the message names its setting.
pub fn folders(settings: &Settings) -> Result<(objects::Objects, objects::Objects)> {
    Ok((
        objects::Objects::open(&settings.data_storage_path, "DATA_STORAGE_PATH")?,
        objects::Objects::open(&settings.models_path, "MODELS_PATH")?,
    ))
}

/// Nothing can be written where the store lies.
fn read_only(why: &str) -> Error {
    let message = format!(
        "The store can only be read: {why}. To change anything, make the folder of DATABASE_URL and DATA_STORAGE_PATH \
         writable (is the disk mounted read-only?) and start again."
    );
    Error::new(codes::READ_ONLY, message)
}

/// Nobody else is at work: what is staged or reserved is a crash's. Models may lie in a folder that another store's
/// do too: its staging files are swept only when nobody has it open.
async fn recover(db: &db::Db, objects: &objects::Objects, models: &objects::Objects) -> Result<Recovered> {
    let (sweeping, purged_models, models) = (objects.clone(), models.clone(), models.clone());
    let sweep = move || -> Result<u64> {
        let of_sessions = sweeping.sweep_staging()?;
        let alone = models.root() != sweeping.root() && StoreLock::try_exclusive(models.root())?.is_some();
        Ok(of_sessions + if alone { models.sweep_staging()? } else { 0 })
    };
    let staging_removed = tokio::task::spawn_blocking(sweep).await.internal("sweeping staging leftovers")??;
    let transaction = db.begin().await?;
    let versions_abandoned = versions::recover(&transaction).await?;
    let interrupted = job::Entity::update_many()
        .col_expr(job::Column::LeaseUntil, Expr::val(Option::<DateTime<Utc>>::None))
        .col_expr(job::Column::Owner, Expr::val(Option::<String>::None))
        .filter(job::Column::Status.eq(WorkStatus::Running))
        .exec(&transaction)
        .await
        .internal("releasing the jobs of a process that died")?;
    transaction.commit().await.internal("tidying up after a crash")?;
    removals::carry_out(db, objects, &purged_models).await?;
    Ok(Recovered { staging_removed, versions_abandoned, jobs_interrupted: interrupted.rows_affected, alone: true })
}

/// The present time, cut to milliseconds: what a row holds is what an answer shows, on every database.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// A new UUID v7 as text: ids sort by creation.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
