//! What hangs on many things at once is looked up at once: one statement for all sessions of a page, not one for each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use serde::Serialize;
use tracing::Instrument;

use super::row::Row;
use crate::error::{Error, Result, codes};
use crate::records::collection::Collection;
use crate::sessions::catalogue;
use crate::state::AppState;
use crate::training::models;

/// The loader of one request: what it has looked up, it knows.
pub type Loaders = DataLoader<Rows, HashMapCache>;

/// Whether somebody may read a collection.
///
/// # Errors
/// `forbidden`.
pub(super) fn check_role(state: &AppState, collection: &Collection) -> Result<()> {
    if state.principal().role.may(collection.read) {
        return Ok(());
    }
    let message = format!("{} needs the role {}", collection.name, collection.read.as_str());
    Err(Error::new(codes::FORBIDDEN, message))
}

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

/// The record of that key in the collection of that name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RecordOf(pub String, pub String);
/// The records of the collection of that name whose parent has that key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChildrenOf(pub String, pub String);

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

impl Rows {
    /// The collection of that name, if whoever asks may read it.
    fn collection(&self, name: &str) -> Result<Arc<Collection>> {
        let registry = self.0.records.registry();
        let found = registry.collection(name).cloned();
        let collection = found.ok_or_else(|| Error::internal("a collection of the graph is declared no more"))?;
        check_role(&self.0, &collection)?;
        Ok(collection)
    }
}

/// Keys by collection.
fn by_collection<'k>(pairs: impl Iterator<Item = (&'k String, &'k String)>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, key) in pairs {
        all.entry(name.clone()).or_default().push(key.clone());
    }
    all
}

impl Loader<RecordOf> for Rows {
    type Value = Row;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[RecordOf]) -> Result<HashMap<RecordOf, Row>, Arc<Error>> {
        let mut all = HashMap::new();
        for (name, keys) in by_collection(keys.iter().map(|RecordOf(name, key)| (name, key))) {
            let collection = self.collection(&name)?;
            let found = self.0.records.of_keys(&collection, &keys).await?;
            all.extend(rows(found, |key| RecordOf(name.clone(), key))?);
        }
        Ok(all)
    }
}

impl Loader<ChildrenOf> for Rows {
    type Value = Vec<Row>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[ChildrenOf]) -> Result<HashMap<ChildrenOf, Vec<Row>>, Arc<Error>> {
        let mut all = HashMap::new();
        for (name, parents) in by_collection(keys.iter().map(|ChildrenOf(name, key)| (name, key))) {
            let collection = self.collection(&name)?;
            let found = self.0.records.of_parents(&collection, &parents).await?;
            all.extend(lists(found, |key| ChildrenOf(name.clone(), key))?);
        }
        Ok(all)
    }
}
