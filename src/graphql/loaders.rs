//! What hangs on many things at once is looked up at once: one statement for all sessions of a page, not one for each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use serde::Serialize;
use tracing::Instrument;

use super::row::Row;
use crate::error::{Error, Result};
use crate::sessions::catalogue;
use crate::state::AppState;
use crate::training::models;

/// The loader of one request: what it has looked up, it knows.
pub type Loaders = DataLoader<Rows, HashMapCache>;

/// Looks rows up for whoever asks.
pub struct Rows(AppState);

/// Loaders for a request.
#[must_use]
pub fn new(state: &AppState) -> Loaders {
    let span = tracing::Span::current();
    DataLoader::with_cache(
        Rows(state.clone()),
        move |loading| tokio::spawn(loading.instrument(span.clone())),
        HashMapCache::default(),
    )
}

/// The session of that id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionOf(pub String);
/// The versions of the session of that id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionsOf(pub String);
/// The model of that id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelOf(pub String);
/// The models that were made from the session of that id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelsOf(pub String);

fn rows<K: std::hash::Hash + Eq>(
    found: BTreeMap<String, impl Serialize>,
    key: impl Fn(String) -> K,
) -> Result<HashMap<K, Row>> {
    found.into_iter().map(|(id, answer)| Ok((key(id), Row::of(&answer)?))).collect()
}

fn lists<K: std::hash::Hash + Eq>(
    found: BTreeMap<String, Vec<impl Serialize>>,
    key: impl Fn(String) -> K,
) -> Result<HashMap<K, Vec<Row>>> {
    let list = |answers: Vec<_>| answers.iter().map(Row::of).collect::<Result<Vec<Row>>>();
    found.into_iter().map(|(id, answers)| Ok((key(id), list(answers)?))).collect()
}

impl Loader<SessionOf> for Rows {
    type Value = Row;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[SessionOf]) -> Result<HashMap<SessionOf, Row>, Arc<Error>> {
        let ids: Vec<String> = keys.iter().map(|key| key.0.clone()).collect();
        let found = catalogue::of_ids(&self.0, &ids).await;
        found.and_then(|found| rows(found, SessionOf)).map_err(Arc::new)
    }
}

impl Loader<VersionsOf> for Rows {
    type Value = Vec<Row>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[VersionsOf]) -> Result<HashMap<VersionsOf, Vec<Row>>, Arc<Error>> {
        let ids: Vec<String> = keys.iter().map(|key| key.0.clone()).collect();
        let found = catalogue::versions_of(&self.0, &ids).await;
        found.and_then(|found| lists(found, VersionsOf)).map_err(Arc::new)
    }
}

impl Loader<ModelOf> for Rows {
    type Value = Row;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[ModelOf]) -> Result<HashMap<ModelOf, Row>, Arc<Error>> {
        let ids: Vec<String> = keys.iter().map(|key| key.0.clone()).collect();
        let found = models::of_ids(&self.0, &ids).await;
        found.and_then(|found| rows(found, ModelOf)).map_err(Arc::new)
    }
}

impl Loader<ModelsOf> for Rows {
    type Value = Vec<Row>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[ModelsOf]) -> Result<HashMap<ModelsOf, Vec<Row>>, Arc<Error>> {
        let ids: Vec<String> = keys.iter().map(|key| key.0.clone()).collect();
        let found = models::of_sessions(&self.0, &ids).await;
        found.and_then(|found| lists(found, ModelsOf)).map_err(Arc::new)
    }
}
