//! Declarations applied to what is stored: tables made and changed, and the declaration kept as it was applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ConnectionTrait, Value as SqlValue};
use serde_json::Value;

use super::backend::{Filter, RecordQuery};
use super::change::{self, Planned};
use super::collection::{BackendKind, Collection};
use super::declaration::DeclarationError;
use super::outbox::Turn;
use super::registry::{self, Choice, Registry};
use super::source::DeclarationFile;
use super::{Inner, tables};
use crate::error::{Context, Error, Result};
use hvac_store::db::Transaction;
use hvac_store::now;

const TABLE: &str = "collections";

/// Every collection that was ever applied, as it was the last time.
pub(super) async fn stored(db: &impl ConnectionTrait) -> Result<BTreeMap<String, Collection>> {
    let doing = "reading the collections";
    let mut query = Query::select();
    query.from(TABLE).columns(["name", "declaration"]);
    let mut found = BTreeMap::new();
    for row in db.query_all(&query).await.internal(doing)? {
        let (name, declaration): (String, Value) =
            (row.try_get_by_index(0).internal(doing)?, row.try_get_by_index(1).internal(doing)?);
        found.insert(name, serde_json::from_value(declaration).internal(doing)?);
    }
    Ok(found)
}

/// Other servers, while tables are changed.
pub(super) struct Servers<'o> {
    /// Why some of them cannot be asked.
    pub(super) away: BTreeMap<BackendKind, Error>,
    /// Nothing is handed over to any meanwhile, but by whoever changes tables.
    pub(super) turns: BTreeMap<BackendKind, Turn<'o>>,
}

impl Servers<'_> {
    fn check(&self, kind: BackendKind) -> Result<()> {
        self.away.get(&kind).map_or(Ok(()), |error| Err(error.again()))
    }
}

/// What keeps those collections that these files would have changed.
pub(super) async fn changed_kinds(
    inner: &Inner,
    files: &[DeclarationFile],
    before: &Registry,
) -> Result<BTreeSet<BackendKind>> {
    let known = stored(inner.db.read()).await?;
    let choices = registry::choices(files, before, &known);
    let all = choices.iter().flat_map(|choice| &choice.collections).map(|(_, collection)| collection);
    let changed = all.filter(|collection| known.get(&collection.name) != Some(&***collection));
    Ok(changed.map(|collection| collection.backend).collect())
}

/// Of these those that cannot be asked now, and why.
pub(super) async fn away(inner: &Inner, kinds: &BTreeSet<BackendKind>) -> BTreeMap<BackendKind, Error> {
    let mut away = BTreeMap::new();
    for (kind, backend) in inner.backends.iter().filter(|(kind, _)| kinds.contains(kind)) {
        if kind != BackendKind::Sqlite
            && let Err(failure) = backend.health().await
        {
            away.insert(kind, failure.into());
        }
    }
    away
}

/// Takes files over: what can be used of them is applied, of all others what was before goes on.
pub(super) async fn taken_over(
    inner: &Inner,
    files: &[DeclarationFile],
    before: &Registry,
    mut servers: Servers<'_>,
) -> Result<(Registry, BTreeMap<String, Arc<Collection>>)> {
    let mut known = stored(inner.db.read()).await?;
    let mut choices = registry::choices(files, before, &known);
    let changed = loop {
        let wrong = match registry::conflict(&choices, &known, &inner.reserved, &inner.backends) {
            Some(wrong) => Err(wrong),
            None => planned(inner, &mut choices, &known, &mut servers).await?,
        };
        let failed = match wrong {
            Ok(changed) => match carried_out(inner, &changed, &known, &servers).await {
                Ok(()) => break changed,
                Err((index, error)) => (index, error),
            },
            Err(failed) => failed,
        };
        give_way(&mut choices, failed, before, &known);
    };
    for (_, _, collection) in changed {
        known.insert(collection.name.clone(), Collection::clone(&collection));
    }
    let registry = Registry::of(choices, before.generation + 1);
    let mut layout: BTreeMap<String, Arc<Collection>> =
        known.into_iter().map(|(name, collection)| (name, Arc::new(collection))).collect();
    layout.extend(registry.collections.iter().map(|own| (own.name.clone(), Arc::clone(own))));
    Ok((registry, layout))
}

/// A file that cannot be used: what was before goes on, and if that cannot either, nothing of it does.
fn give_way(
    choices: &mut [Choice],
    (index, mut error): (usize, DeclarationError),
    before: &Registry,
    known: &BTreeMap<String, Collection>,
) {
    let Some(choice) = choices.get_mut(index) else { return };
    error.file.clone_from(&choice.file);
    match choice.error {
        None => *choice = registry::refused(&choice.file, error, before, known),
        Some(_) => choice.collections.clear(),
    }
}

/// What is to be changed: of which file, with the line, the collection as it is to be.
type Changed = Vec<(usize, u64, Arc<Collection>)>;

/// Compares with what is stored, and takes over what stays of it.
async fn planned(
    inner: &Inner,
    choices: &mut [Choice],
    known: &BTreeMap<String, Collection>,
    servers: &mut Servers<'_>,
) -> Result<std::result::Result<Changed, (usize, DeclarationError)>> {
    let mut changed = Vec::new();
    for (index, choice) in choices.iter_mut().enumerate() {
        for (line, collection) in &mut choice.collections {
            let wrong =
                |message: String| Ok(Err((index, DeclarationError { file: String::new(), line: *line, message })));
            let Some(stored) = known.get(&collection.name) else {
                changed.push((index, *line, Arc::clone(collection)));
                continue;
            };
            let Planned { collection: merged, is_same, removed } = match change::compared(stored, collection) {
                Ok(planned) => planned,
                Err(why) => return wrong(why),
            };
            for field in &removed {
                match used(inner, stored, field, known, servers).await {
                    Ok(0) => {}
                    Ok(records) => return wrong(change::still_used(stored, field, records)),
                    Err(error) => {
                        return wrong(format!(
                            "{}.{field}: it is gone, and whether records have it cannot be found out: {error}",
                            stored.name
                        ));
                    }
                }
            }
            *collection = Arc::new(merged);
            if !is_same {
                changed.push((index, *line, Arc::clone(collection)));
            }
        }
    }
    Ok(Ok(changed))
}

/// How many records have a value of a field.
async fn used(
    inner: &Inner,
    collection: &Collection,
    field: &str,
    known: &BTreeMap<String, Collection>,
    servers: &mut Servers<'_>,
) -> Result<u64> {
    let kind = collection.backend;
    servers.check(kind)?;
    let backend = inner.backends.of(collection)?;
    if kind != BackendKind::Sqlite
        && let Some(turn) = servers.turns.get_mut(&kind)
    {
        let known: Vec<_> = known.values().filter(|own| own.backend == kind).cloned().map(Arc::new).collect();
        while inner.outbox.hand_over(turn, &**backend, &known).await? > 0 {}
    }
    let query = RecordQuery {
        filters: vec![Filter::Has(field.to_owned())],
        sort_by: collection.key.clone(),
        descending: false,
        offset: 0,
        limit: 0,
    };
    Ok(backend.query(collection, &query).await?.total)
}

/// Makes and changes tables; those of the metadata database with one commit.
async fn carried_out(
    inner: &Inner,
    changed: &Changed,
    known: &BTreeMap<String, Collection>,
    servers: &Servers<'_>,
) -> std::result::Result<(), (usize, DeclarationError)> {
    let Some((first, _, _)) = changed.first() else { return Ok(()) };
    let wrong = |index: usize, line: u64, error: &Error| {
        let message = format!("it cannot be applied: {error}");
        (index, DeclarationError { file: String::new(), line, message })
    };
    for (index, line, collection) in changed.iter().filter(|(_, _, own)| own.backend != BackendKind::Sqlite) {
        let prepared = async {
            servers.check(collection.backend)?;
            inner.backends.of(collection)?.prepare(collection, known.get(&collection.name)).await.map_err(Error::from)
        };
        prepared.await.map_err(|error| wrong(*index, *line, &error))?;
    }
    let txn = inner.db.begin().await.map_err(|error| wrong(*first, 1, &error))?;
    // Another process may have been first.
    let there = stored(&txn).await.map_err(|error| wrong(*first, 1, &error))?;
    for (index, line, collection) in changed {
        let before = there.get(&collection.name);
        if before != Some(&**collection) {
            apply(&txn, collection, before).await.map_err(|error| wrong(*index, *line, &error))?;
        }
    }
    txn.commit().await.map_err(|error| wrong(*first, 1, &error))
}

async fn apply(txn: &Transaction, collection: &Collection, before: Option<&Collection>) -> Result<()> {
    if collection.backend == BackendKind::Sqlite {
        tables::prepare(txn, collection, before).await.internal("making a collection's table")?;
    }
    let doing = "keeping a declaration";
    let declaration = serde_json::to_value(collection).internal(doing)?;
    let at = now();
    let row: [SqlValue; 4] = [collection.name.clone().into(), declaration.into(), at.into(), at.into()];
    let mut insert = Query::insert();
    insert.into_table(TABLE).columns(["name", "declaration", "created_at", "updated_at"]);
    insert.values(row.map(sea_orm::sea_query::Expr::val)).internal(doing)?;
    insert.on_conflict(OnConflict::column("name").update_columns(["declaration", "updated_at"]).to_owned());
    txn.execute(&insert).await.internal(doing)?;
    Ok(())
}
