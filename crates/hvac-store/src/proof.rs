//! Whether the stores can be written, proved by writing: what merely answers may still refuse every commit.
//!
//! Load balancers ask often and several at once, so one proof is shared by all who ask within [`HOLDS`].

use std::future::Future;
use std::time::{Duration, Instant};

use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use tokio::sync::Mutex;

use super::entity::store_identity;
use super::{Store, identity};
use crate::error::{Context, Error, Result, codes};

/// How long a proof is good.
const HOLDS: Duration = Duration::from_secs(5);
/// Longest time a proof may take: a store that is slower is as good as gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The last proofs.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    database: Mutex<Last>,
    storage: Mutex<Last>,
}

/// When, and what came of it.
type Last = Option<(Instant, Result<()>)>;

impl Store {
    /// Proves that the database commits: a row of it is written anew, as it is.
    ///
    /// # Errors
    /// `read_only`, `database_replaced`, `disk_full`, …: what a commit would fail with.
    pub async fn prove_database(&self) -> Result<()> {
        let proof = async {
            let transaction = self.db.begin().await?;
            let pending = self.db.migrations_pending().await?;
            if pending > 0 {
                return Err(Error::internal(format!("{pending} migrations are pending")));
            }
            store_identity::Entity::update_many()
                .col_expr(store_identity::Column::FormatVersion, Expr::value(identity::FORMAT_VERSION))
                .exec(&transaction)
                .await
                .internal("writing a row to see whether that can be done")?;
            transaction.commit().await
        };
        shared(&self.proofs.database, proof).await
    }

    /// Proves that the storage folder is the store's and takes files: one is begun and dropped.
    ///
    /// # Errors
    /// `storage_replaced`, `disk_full`, `storage_unavailable`, …
    pub async fn prove_storage(&self) -> Result<()> {
        let proof = async {
            self.db.check_writable()?;
            self.check_storage()?;
            self.objects.check_free_space(0)?;
            drop(self.objects.stage("").await?);
            Ok(())
        };
        shared(&self.proofs.storage, proof).await
    }

    /// Whether the storage folder is there and still the one that was opened.
    ///
    /// # Errors
    /// `storage_replaced`; what looking at it fails with.
    pub fn check_storage(&self) -> Result<()> {
        if identity::read(&self.objects)?.as_ref() == Some(&self.identity) {
            return Ok(());
        }
        Err(Error::new(
            codes::STORAGE_REPLACED,
            "The storage folder (DATA_STORAGE_PATH) is not the one that the server was started with: put it back (is \
             its disk mounted?), or stop the server and start it again with the database that belongs to this folder.",
        ))
    }
}

async fn shared(last: &Mutex<Last>, proof: impl Future<Output = Result<()>>) -> Result<()> {
    let mut last = last.lock().await;
    let fresh = last.take().filter(|(at, _)| at.elapsed() < HOLDS);
    let (at, outcome) = match fresh {
        Some(fresh) => fresh,
        None => {
            let outcome = tokio::time::timeout(PATIENCE, proof).await.unwrap_or_else(|_| {
                let message = format!("the store took longer than {} s to write a little", PATIENCE.as_secs());
                Err(Error::new(codes::STORE_SLOW, message).with_retry_after(5))
            });
            (Instant::now(), outcome)
        }
    };
    let answer = outcome.as_ref().map_err(Error::again).copied();
    *last = Some((at, outcome));
    answer
}
