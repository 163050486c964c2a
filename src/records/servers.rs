//! Which other servers keep records: those that the settings name.

use std::sync::Arc;

use super::backend::Backends;
use super::collection::BackendKind;
use super::redis::Redis;
use super::server::SqlServer;
use crate::config::RecordServers;
use crate::error::Result;

/// All of them; each is connected to when it is needed, so one may be away.
///
/// # Errors
/// `bad_setting` when an address cannot be used.
pub async fn named(servers: &RecordServers) -> Result<Backends> {
    let mut all = Backends::default();
    for (kind, url) in [(BackendKind::Mysql, &servers.mysql), (BackendKind::Postgres, &servers.postgres)] {
        if let Some(url) = url {
            all = all.with(kind, Arc::new(SqlServer::new(kind, url).await?));
        }
    }
    if let Some(url) = &servers.redis {
        all = all.with(BackendKind::Redis, Arc::new(Redis::new(url)?));
    }
    Ok(all)
}
