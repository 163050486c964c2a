//! Model files: are they what they were, and the catalogue's rows from what they say of themselves.

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use super::{Depth, Expected, Finding, Report, look};
use crate::error::{Context, Result};
use crate::modelling::document::ModelDocument;
use crate::sessions::snapshot::Snapshot;
use crate::store::entity::{
    Integrity, VersionState, WorkStatus, cleaning_job, model_alias, model_version, parsed_dataset, trained_model,
};
use crate::store::objects::Object;
use crate::store::{Store, new_id, now, paths};

/// How a model file is told from those of sessions.
const SHOWN: &str = "models/";

/// Looks at every model file of the catalogue and marks what is not as it was; lists those that no row knows.
pub(super) async fn check(store: &Store, depth: Depth, report: &mut Report) -> Result<()> {
    let expected = expected(store.db.read()).await?;
    for (path, file) in &expected {
        report.checked += 1;
        let (found, message) = look(&store.models, path, file, depth).await?;
        if found != file.integrity {
            mark(store, path, found).await?;
            report.repaired += u64::from(found == Integrity::Ok);
        }
        if found != Integrity::Ok {
            let (path, session_id) = (format!("{SHOWN}{path}"), file.session_id.clone());
            report.damaged.push(Finding { path, session_id, integrity: found.as_str(), message });
        }
    }
    let ours = |key: &str| paths::model_of(key).is_some() && !expected.contains_key(key);
    let files: Vec<Object> = store.models.list("").await?;
    report.orphans.extend(files.into_iter().filter(|file| ours(&file.key)).map(|file| format!("{SHOWN}{}", file.key)));
    Ok(())
}

async fn expected(db: &impl ConnectionTrait) -> Result<BTreeMap<String, Expected>> {
    // Only what is looked at: the metrics in these rows are large.
    type Row = (Option<String>, Option<String>, Option<i64>, String, Integrity);
    let rows: Vec<Row> = trained_model::Entity::find()
        .select_only()
        .columns([
            trained_model::Column::ModelFilePath,
            trained_model::Column::Sha256,
            trained_model::Column::SizeBytes,
            trained_model::Column::SessionId,
            trained_model::Column::Integrity,
        ])
        .filter(trained_model::Column::Status.eq(WorkStatus::Completed))
        .into_tuple()
        .all(db)
        .await
        .internal("listing models")?;
    let file = |(path, sha256, size_bytes, session_id, integrity): Row| {
        let size_bytes = size_bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
        Some((path?, Expected { session_id, sha256: sha256?, size_bytes, integrity }))
    };
    Ok(rows.into_iter().filter_map(file).collect())
}

async fn mark(store: &Store, path: &str, integrity: Integrity) -> Result<()> {
    let txn = store.db.begin().await?;
    trained_model::Entity::update_many()
        .col_expr(trained_model::Column::Integrity, Expr::value(integrity))
        .filter(trained_model::Column::ModelFilePath.eq(path))
        .exec(&txn)
        .await
        .internal("marking a model")?;
    txn.commit().await.internal("marking a model")
}

/// Brings back the models and aliases that a session's snapshot knows, where the catalogue has none in their place.
pub(super) async fn restore(txn: &impl ConnectionTrait, snapshot: &Snapshot) -> Result<()> {
    for model in &snapshot.trained_models {
        insert(txn, model.clone()).await?;
    }
    for alias in &snapshot.model_aliases {
        let key = (alias.name.clone(), alias.alias.clone());
        let doing = "bringing an alias back";
        let model = trained_model::Entity::find_by_id(&alias.model_id).one(txn).await.internal(doing)?;
        let taken = model_alias::Entity::find_by_id(key).one(txn).await.internal(doing)?;
        if model.is_some() && taken.is_none() {
            let row = alias.clone().into_active_model().reset_all();
            model_alias::Entity::insert(row).exec_without_returning(txn).await.internal(doing)?;
        }
    }
    Ok(())
}

/// Brings back every model file that no row knows and whose data the catalogue has: a file that a crash left before
/// its row was written is whole and true to its source, so it becomes a version. Answers how many came back.
pub(super) async fn rebuild(store: &Store) -> Result<u64> {
    let known = expected(store.db.read()).await?;
    let mut back = 0;
    for file in store.models.list("").await? {
        if known.contains_key(&file.key) {
            continue;
        }
        let Some(row) = read(store, &file).await? else { continue };
        let txn = store.db.begin().await?;
        back += u64::from(insert(&txn, row).await?);
        txn.commit().await.internal("bringing a model back")?;
    }
    Ok(back)
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
    let number = model_version::Entity::find()
        .filter(model_version::Column::Name.eq(&row.name))
        .filter(model_version::Column::Version.eq(row.version));
    if number.one(txn).await.internal(doing)?.is_none() {
        let number = model_version::Model {
            id: new_id(),
            name: row.name.clone(),
            version: row.version,
            state: VersionState::Published,
            owner: None,
            lease_until: None,
            created_at: row.created_at,
        };
        let number = number.into_active_model().reset_all();
        model_version::Entity::insert(number).exec_without_returning(txn).await.internal(doing)?;
    }
    let row = row.into_active_model().reset_all();
    trained_model::Entity::insert(row).exec_without_returning(txn).await.internal(doing)?;
    Ok(true)
}

/// None for a file that does not say what it is, or whose data the catalogue has not.
async fn read(store: &Store, file: &Object) -> Result<Option<trained_model::Model>> {
    let Some((name, version)) = paths::model_of(&file.key) else { return Ok(None) };
    let Ok(bytes) = store.models.open_bytes(&file.key) else { return Ok(None) };
    let Ok(document) = ModelDocument::from_json(&bytes) else { return Ok(None) };
    let doing = "looking up what a model was made from";
    let (db, made_from) = (store.db.read(), &document.lineage.dataset_id);
    let parsed = parsed_dataset::Entity::find_by_id(made_from).one(db).await.internal(doing)?;
    let cleaned = cleaning_job::Entity::find_by_id(made_from).one(db).await.internal(doing)?;
    let (session_id, dataset_id, cleaning_job_id) = match (parsed, cleaned) {
        (Some(parsed), _) => (parsed.session_id, parsed.id, None),
        (None, Some(cleaned)) => (cleaned.session_id, cleaned.dataset_id, Some(cleaned.id)),
        (None, None) => return Ok(None),
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
