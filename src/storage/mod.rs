//! Files that are kept for whoever hands them over: an image, a report, a model of something – any bytes, by an id.
//!
//! Their bytes lie in a folder or in an S3 bucket; what is known of them stands in the metadata database, in tables made as
//! those of declared collections are. A file is there once its row says so: the row comes first (`arriving`), then the
//! bytes, durable, then the row again (`stored`), and only then is it acknowledged. What a crash leaves between is found by
//! its row, never by looking through the folder: bytes that no row knows are nobody's to remove.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;

use crate::config::{Config, FilePlace};
use crate::error::{Context, Error, Result, codes};
use crate::records::collection::Collection;
use crate::records::{declaration, tables};
use hvac_store::Store;

pub mod arrive;
pub mod files;
pub mod links;
#[cfg(feature = "s3")]
mod s3;
pub mod sweep;

const TABLES: &str = include_str!("tables.toml");

/// What gives links of the files' own server; only S3 does.
#[cfg(feature = "s3")]
type Signer = Arc<dyn object_store::signer::Signer>;
#[cfg(not(feature = "s3"))]
type Signer = std::convert::Infallible;

/// Where files lie, and the tables that tell of them.
pub struct Storage {
    objects: Arc<dyn ObjectStore>,
    /// Where the server of the files gives links of its own.
    signer: Option<Signer>,
    /// The folder, where it is one.
    folder: Option<PathBuf>,
    /// Where this store's files begin: several may share a bucket.
    prefix: String,
    files: Collection,
    links: Collection,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Storage")
    }
}

impl Storage {
    /// Opens the folder or the bucket that the settings name, and makes the tables where they are not there.
    ///
    /// # Errors
    /// When the folder cannot be made, or the settings of the bucket cannot be used. A bucket is asked later.
    pub async fn open(config: &Config, store: &Store) -> Result<Self> {
        let mut declared = declared()?.into_iter();
        let (Some(files), Some(links)) = (declared.next(), declared.next()) else {
            return Err(Error::internal("the tables of files are not declared"));
        };
        let (objects, signer) = place(&config.files)?;
        if !store.db.is_read_only() {
            let txn = store.db.begin().await?;
            for table in [&files, &links] {
                tables::prepare(&txn, table, None).await.internal("making the tables of files")?;
            }
            txn.commit().await?;
        }
        let folder = match &config.files {
            FilePlace::Folder(folder) => Some(folder.clone()),
            FilePlace::S3(_) => None,
        };
        Ok(Self { objects, signer, folder, prefix: format!("hvac-files/{}", store.identity.store_id), files, links })
    }

    /// Where the bytes of a file that arrives now will lie.
    fn place_of(&self, id: &str) -> String {
        format!("{}/{id}", self.prefix)
    }
}

fn declared() -> Result<Vec<Collection>> {
    let declared = declaration::read("tables.toml", TABLES);
    let declared = declared.map_err(|error| Error::internal(format!("the tables of files: {error}")))?;
    Ok(declared.into_iter().map(|declared| declared.collection).collect())
}

/// Names that no declared collection may have: its table would be one of these.
///
/// # Errors
/// When they are not declared as they must be.
pub fn table_names() -> Result<Vec<String>> {
    Ok(declared()?.into_iter().map(|collection| collection.name).collect())
}

/// The path of a place that stands in a row.
fn path(place: &str) -> Result<Path> {
    Path::parse(place).internal("reading where a file lies")
}

/// A link of the files' own server, to read one for so long.
#[cfg(feature = "s3")]
async fn signed(signer: &Signer, place: &str, lasts: Duration) -> Result<String> {
    let url = signer.signed_url(hyper::Method::GET, &path(place)?, lasts).await;
    Ok(url.map_err(failed("making a link"))?.to_string())
}

#[cfg(not(feature = "s3"))]
async fn signed(never: &Signer, _place: &str, _lasts: Duration) -> Result<String> {
    match *never {}
}

type Place = (Arc<dyn ObjectStore>, Option<Signer>);

fn place(place: &FilePlace) -> Result<Place> {
    match place {
        FilePlace::Folder(folder) => Ok((Arc::new(open_folder(folder)?), None)),
        #[cfg(feature = "s3")]
        FilePlace::S3(bucket) => {
            let bucket = Arc::new(s3::open(bucket)?);
            Ok((Arc::clone(&bucket) as Arc<dyn ObjectStore>, Some(bucket)))
        }
        #[cfg(not(feature = "s3"))]
        FilePlace::S3(_) => Err(Error::invalid(
            "FILES_S3_BUCKET",
            codes::BAD_SETTING,
            "FILES_S3_BUCKET is set, but this program was built without S3: build it with the feature s3",
        )),
    }
}

fn open_folder(folder: &FilePath) -> Result<object_store::local::LocalFileSystem> {
    let doing = "opening the folder of files; check FILES_PATH and its rights";
    std::fs::create_dir_all(folder).internal(doing)?;
    Ok(object_store::local::LocalFileSystem::new_with_prefix(folder).internal(doing)?.with_fsync(true))
}

/// What a failure of the folder or the bucket means: of this machine's disk what it says, of a server that it is away.
fn failed(doing: &'static str) -> impl FnOnce(object_store::Error) -> Error {
    move |error| match error {
        object_store::Error::NotFound { .. } => {
            let message = "the file's bytes are not where they were: somebody removed them beside this program";
            Error::new(codes::FILE_MISSING, message).with_source(error)
        }
        object_store::Error::Generic { store: "S3", .. }
        | object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => {
            let message = "The server that keeps files cannot be used now; nothing was changed. See the log for why.";
            Error::new(codes::FILES_UNAVAILABLE, message).with_retry_after(10).with_source(error)
        }
        error => Err::<(), _>(error).internal(doing).err().unwrap_or_else(|| Error::internal(doing)),
    }
}
