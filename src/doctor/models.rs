//! Model files: whose they are, and the catalogue's rows from what they say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use serde_json::Value;

use super::files;
use super::found::{Rebuilt, read_manifest};
use crate::error::{Context, Result};
use crate::sessions::manifest::Manifest;
use hvac_modelling::document::ModelDocument;
use hvac_store::entity::{
    Integrity, VersionState, WorkStatus, cleaning_job, model_alias, parsed_dataset, trained_model, version,
};
use hvac_store::integrity::Root;
use hvac_store::objects::Object;
use hvac_store::versions::{self, Series};
use hvac_store::{Store, new_id, now, paths};

/// Whether a model file that no row refers to was made of this catalogue's data, or under a number of its own.
pub(super) async fn is_ours(store: &Store, key: &str) -> Result<bool> {
    let Ok(bytes) = store.models.open_bytes(key) else { return Ok(false) };
    match ModelDocument::from_json(&bytes) {
        Ok(document) => Ok(origin(store, &document.lineage.dataset_id).await?.is_some()),
        Err(_) => has_number(store, key).await,
    }
}

/// Whether the number in an unreadable file's name is one that this catalogue has given.
async fn has_number(store: &Store, key: &str) -> Result<bool> {
    let Some((name, version)) = paths::model_of(key) else { return Ok(false) };
    Ok(versions::of_model(store.db.read(), name, version).await?.is_some())
}

/// Brings back the models that a session's snapshot knows, where the catalogue has none in their place.
pub(super) async fn restore(txn: &impl ConnectionTrait, models: &[trained_model::Model]) -> Result<()> {
    for model in models {
        insert(txn, model.clone()).await?;
    }
    Ok(())
}

/// Brings back aliases: of two that are one word, the one that was set last.
pub(super) async fn restore_aliases(txn: &impl ConnectionTrait, aliases: Vec<model_alias::Model>) -> Result<()> {
    let mut newest: BTreeMap<(String, String), model_alias::Model> = BTreeMap::new();
    for alias in aliases {
        let key = (alias.name.clone(), alias.alias.clone());
        if newest.get(&key).is_none_or(|other| other.updated_at < alias.updated_at) {
            newest.insert(key, alias);
        }
    }
    for (key, alias) in newest {
        let doing = "bringing an alias back";
        let model = trained_model::Entity::find_by_id(&alias.model_id).one(txn).await.internal(doing)?;
        let taken = model_alias::Entity::find_by_id(key).one(txn).await.internal(doing)?;
        if model.is_some() && taken.is_none() {
            let row = alias.into_active_model().reset_all();
            model_alias::Entity::insert(row).exec_without_returning(txn).await.internal(doing)?;
        }
    }
    Ok(())
}

/// Brings back every model file that no row knows, whose data the catalogue has, and of which the `session.json` of that
/// data tells, or there is none. Of any other nobody was ever told.
pub(super) async fn rebuild(store: &Store, purged: &BTreeSet<String>, rebuilt: &mut Rebuilt) -> Result<()> {
    let known: BTreeSet<(Root, String)> = files::known(store.db.read()).await?.into_keys().collect();
    let mut manifests: BTreeMap<String, Option<Manifest>> = BTreeMap::new();
    for file in store.models.list("").await? {
        if known.contains(&(Root::Models, file.key.clone())) || purged.contains(&file.key) {
            continue;
        }
        let Some(row) = read(store, &file, rebuilt).await? else { continue };
        if !manifests.contains_key(&row.session_id) {
            manifests.insert(row.session_id.clone(), read_manifest(store, &row.session_id).ok().flatten());
        }
        let row = match manifests.get(&row.session_id) {
            Some(Some(manifest)) => {
                let told = manifest.snapshot.trained_models.iter();
                match told.into_iter().find(|told| told.name == row.name && told.version == row.version) {
                    Some(told) => told.clone(),
                    None if manifest.models.contains(&(row.name.clone(), row.version)) => row,
                    None => {
                        rebuilt.unacknowledged.push(files::shown(Root::Models, &file.key));
                        continue;
                    }
                }
            }
            _ => row,
        };
        let txn = store.db.begin().await?;
        rebuilt.models += u64::from(insert(&txn, row).await?);
        txn.commit().await.internal("bringing a model back")?;
    }
    Ok(())
}

/// False when there is a model of that id, or that version, already.
async fn insert(txn: &impl ConnectionTrait, row: trained_model::Model) -> Result<bool> {
    let doing = "bringing a model back";
    let of_version = trained_model::Entity::find()
        .filter(trained_model::Column::Name.eq(&row.name))
        .filter(trained_model::Column::Version.eq(row.version));
    let taken = of_version.one(txn).await.internal(doing)?;
    if taken.is_some() || trained_model::Entity::find_by_id(&row.id).one(txn).await.internal(doing)?.is_some() {
        return Ok(false);
    }
    if versions::of_model(txn, &row.name, row.version).await?.is_none() {
        let number = Series::Model(&row.name).number(row.version, VersionState::Published);
        versions::book(txn, version::Model { created_at: row.created_at, ..number }).await?;
    }
    let row = row.into_active_model().reset_all();
    trained_model::Entity::insert(row).exec_without_returning(txn).await.internal(doing)?;
    Ok(true)
}

/// Mapping, metrics and lineage, as a model file tells them.
pub(super) fn told(bytes: &[u8]) -> Option<(Value, Value, Value)> {
    let ModelDocument { mapping, metrics, lineage, .. } = ModelDocument::from_json(bytes).ok()?;
    Some((
        serde_json::to_value(mapping).ok()?,
        serde_json::to_value(metrics).ok()?,
        serde_json::to_value(lineage).ok()?,
    ))
}

/// Session, parsed dataset and cleaned version of that id.
async fn origin(store: &Store, made_from: &str) -> Result<Option<(String, String, Option<String>)>> {
    let (db, doing) = (store.db.read(), "looking up what a model was made from");
    if let Some(parsed) = parsed_dataset::Entity::find_by_id(made_from).one(db).await.internal(doing)? {
        return Ok(Some((parsed.session_id, parsed.id, None)));
    }
    let cleaned = cleaning_job::Entity::find_by_id(made_from).one(db).await.internal(doing)?;
    Ok(cleaned.map(|cleaned| (cleaned.session_id, cleaned.dataset_id, Some(cleaned.id))))
}

/// None for a file that does not say what it is, which is noted, or whose data the catalogue has not.
async fn read(store: &Store, file: &Object, rebuilt: &mut Rebuilt) -> Result<Option<trained_model::Model>> {
    let Some((name, version)) = paths::model_of(&file.key) else { return Ok(None) };
    let Ok(bytes) = store.models.open_bytes(&file.key) else { return Ok(None) };
    let document = match ModelDocument::from_json(&bytes) {
        Ok(document) => document,
        Err(error) => {
            rebuilt.notes.push(format!("{}: {}", files::shown(Root::Models, &file.key), error.message));
            return Ok(None);
        }
    };
    let Some((session_id, dataset_id, cleaning_job_id)) = origin(store, &document.lineage.dataset_id).await? else {
        return Ok(None);
    };
    let folder = file.key.split('/').next().filter(|folder| *folder != paths::model_dir(None));
    let made_at = now();
    Ok(Some(trained_model::Model {
        id: new_id(),
        name: name.to_owned(),
        version,
        dataset_id,
        cleaning_job_id,
        session_id,
        site: folder.map(str::to_owned),
        request_key: String::new(),
        options: serde_json::json!({}),
        algorithm: document.fitted.algorithm().as_str().to_owned(),
        feature_mapping: serde_json::to_value(&document.mapping).internal("writing a mapping")?,
        training_metrics: serde_json::to_value(&document.metrics).internal("writing metrics")?,
        lineage: serde_json::to_value(&document.lineage).internal("writing a lineage")?,
        feature_count: i32::try_from(document.features.len()).ok(),
        model_file_path: Some(file.key.clone()),
        sha256: Some(store.models.sha256(&file.key).await?),
        size_bytes: i64::try_from(file.size_bytes).ok(),
        trainer_version: None,
        status: WorkStatus::Completed,
        error: None,
        integrity: Integrity::Ok,
        created_at: made_at,
        started_at: None,
        finished_at: Some(made_at),
    }))
}
