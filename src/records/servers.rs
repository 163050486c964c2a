//! Which other servers keep records: those that the settings name.

use std::sync::Arc;

use super::backend::{Backends, RecordBackend};
use super::collection::BackendKind;
use super::redis::Redis;
use super::remembered::Remembered;
use super::server::SqlServer;
use crate::config::RecordServers;
use crate::error::Result;
use hvac_store::cache::Cache;

/// All of them; each is connected to when it is needed, so one may be away.
///
/// # Errors
/// `bad_setting` when an address cannot be used.
pub async fn named(servers: &RecordServers, cache: &Cache) -> Result<Backends> {
    let mut all = Backends::default();
    let remembered = |backend: Arc<dyn RecordBackend>| Arc::new(Remembered::new(backend, cache.clone()));
    for (kind, address) in [(BackendKind::Mysql, &servers.mysql), (BackendKind::Postgres, &servers.postgres)] {
        if let Some(address) = address {
            all = all.with(kind, remembered(Arc::new(SqlServer::new(kind, address).await?)));
        }
    }
    if let Some(address) = &servers.redis {
        all = all.with(BackendKind::Redis, remembered(Arc::new(Redis::new(address)?)));
    }
    Ok(all)
}
