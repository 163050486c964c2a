//! Is a file what was published? The one way to ask, for whoever serves its bytes or answers from them, and the one
//! way to say so: what one reader finds damaged is damaged for all.

use std::future::Future;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::entity::{Integrity, cleaning_job, parsed_dataset, source_file, trained_model};
use super::objects::{ObjectBytes, Objects};
use super::verified::Verdict;
use super::{Store, paths};
use crate::error::{Context, Error, Result, codes};

/// What a file's key is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// `DATA_STORAGE_PATH`.
    Sessions,
    /// `MODELS_PATH`.
    Models,
}

impl Root {
    /// As it stands in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Models => "models",
        }
    }
}

/// A published file as the catalogue knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Where it lies.
    pub root: Root,
    /// Its key there.
    pub path: String,
    /// Of its bytes, hex.
    pub sha256: String,
    /// Bytes.
    pub size_bytes: u64,
}

impl Store {
    /// The folder of that root.
    #[must_use]
    pub fn root(&self, root: Root) -> &Objects {
        match root {
            Root::Sessions => &self.objects,
            Root::Models => &self.models,
        }
    }

    /// Whether the file is what was published; one that is not is marked, and nothing that was made of it is kept.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn verify(&self, file: &StoredFile) -> Result<Verdict> {
        let objects = self.root(file.root);
        // A look takes less than handing it to another thread.
        if let Ok(Some(stamp)) = objects.unchanged(&file.path, &file.sha256) {
            return Ok(Ok(stamp));
        }
        let verifying = {
            let (objects, file) = (objects.clone(), file.clone());
            move || objects.verify(&file.path, &file.sha256, file.size_bytes)
        };
        let verdict = tokio::task::spawn_blocking(verifying).await.internal("hashing a stored file")??;
        if let Err(integrity) = verdict {
            self.found(file, integrity).await;
        }
        Ok(verdict)
    }

    /// As [`Self::verify`], on a thread that may wait.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn verify_here(&self, file: &StoredFile) -> Result<Verdict> {
        let verdict = self.root(file.root).verify(&file.path, &file.sha256, file.size_bytes)?;
        if let Err(integrity) = verdict {
            wait(self.found(file, integrity));
        }
        Ok(verdict)
    }

    /// As [`Self::verify_here`], by its bytes whatever it looks like: somebody could not read them.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn suspect(&self, file: &StoredFile) -> Result<Verdict> {
        self.root(file.root).forget(&file.path);
        self.verify_here(file)
    }

    /// The bytes of a file that is what was published. Blocks.
    ///
    /// # Errors
    /// When it cannot be looked at.
    #[tracing::instrument(level = "debug", name = "store.open_file", skip_all)]
    pub fn open_verified(&self, file: &StoredFile) -> Result<std::result::Result<ObjectBytes, Integrity>> {
        // It may be replaced between the two looks, but hardly each time.
        for _ in 0..3 {
            let stamp = match self.verify_here(file)? {
                Ok(stamp) => stamp,
                Err(integrity) => return Ok(Err(integrity)),
            };
            match self.root(file.root).open_unchanged(&file.path, stamp) {
                Ok(Some(bytes)) => return Ok(Ok(bytes)),
                Ok(None) => {}
                Err(error) if error.code == codes::FILE_MISSING => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(
            codes::FILE_CHANGING,
            "A stored file is being changed from outside: stop whatever does that, then run 'hvac-analytics doctor'.",
        ))
    }

    /// Says of a file that it is not what was published: to the log, to the catalogue, and to whoever keeps what was
    /// made of it.
    pub async fn found(&self, file: &StoredFile, integrity: Integrity) {
        self.root(file.root).forget(&file.path);
        self.cache.forget(&file.sha256).await;
        self.made.clear();
        let (path, integrity_word) = (&file.path, integrity.as_str());
        match self.mark(file.root, path, integrity).await {
            // Said already, or nothing refers to it any more.
            Ok(0) => {}
            Ok(_) => tracing::error!(
                path,
                integrity = integrity_word,
                "a published file is not what it was; `hvac-analytics doctor` says more"
            ),
            Err(error) => tracing::error!(
                path,
                integrity = integrity_word,
                %error,
                "a published file is not what it was, and that could not be noted"
            ),
        }
        self.db.touch();
    }

    /// Notes in every row that refers to a file whether it is what it was; gives how many said otherwise.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn mark(&self, root: Root, path: &str, integrity: Integrity) -> Result<u64> {
        let doing = "noting whether a file is what it was";
        macro_rules! noted {
            ($txn:expr, $entity:ident, $column:ident, $key:ident, $path:expr) => {
                $entity::Entity::update_many()
                    .col_expr($entity::Column::$column, Expr::value(integrity))
                    .filter($entity::Column::$key.eq($path))
                    .filter($entity::Column::$column.ne(integrity))
                    .exec($txn)
                    .await
                    .internal(doing)?
                    .rows_affected
            };
        }
        if self.is_read_only() {
            return Ok(0);
        }
        let txn = self.db.begin().await?;
        let mut changed = 0;
        match root {
            Root::Models => changed += noted!(&txn, trained_model, Integrity, ModelFilePath, path),
            Root::Sessions => {
                changed += noted!(&txn, source_file, Integrity, Path, path);
                changed += noted!(&txn, parsed_dataset, Integrity, FilePath, path);
                changed += noted!(&txn, cleaning_job, Integrity, OutputPath, path);
                if let Some(cleaned) = paths::cleaned_of_events(path) {
                    changed += noted!(&txn, cleaning_job, EventsIntegrity, OutputPath, cleaned);
                }
            }
        }
        txn.commit().await.internal(doing)?;
        Ok(changed)
    }
}

/// On a thread that may wait, and of a runtime.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(future)
}
