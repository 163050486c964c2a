//! The one place that statements read from: a folder of stored files.
//!
//! DataFusion knows `file://` by default, and with it every file of the machine. Its registry of stores is replaced by one
//! that holds a single store below a single folder, and takes no other.

use std::path::Path;
use std::sync::Arc;

use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::execution::object_store::{ObjectStoreRegistry, ObjectStoreUrl};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use url::Url;

/// What the one store is called.
const STORE: &str = "stored://sessions";

#[derive(Debug)]
pub(crate) struct OneStore(Arc<dyn ObjectStore>);

impl OneStore {
    /// Of the files below a folder.
    pub(crate) fn below(folder: &Path) -> Result<Self> {
        Ok(Self(Arc::new(LocalFileSystem::new_with_prefix(folder)?)))
    }
}

/// Where the one store is.
pub(crate) fn store_url() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse(STORE)
}

/// Where a file of the one store is.
pub(crate) fn file_url(path: &str) -> String {
    format!("{STORE}/{path}")
}

impl ObjectStoreRegistry for OneStore {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if url.scheme() == "stored" && url.host_str() == Some("sessions") {
            Ok(Arc::clone(&self.0))
        } else {
            exec_err!("there is no store at {url}")
        }
    }
}
