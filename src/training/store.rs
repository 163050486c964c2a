//! The queries of models: every statement about `trained_models`, their numbers and their aliases.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
};

use crate::error::{Context, Error, Result, codes};
use crate::principal::Principal;
use hvac_store::entity::{
    Integrity, WorkStatus, model_alias, optimization_run, parsed_dataset, trained_model, version,
};
use hvac_store::now;
use hvac_store::versions::{self, Owner, Series};

/// Which models somebody sees: those of the sessions that he sees.
fn seen_by(principal: &Principal) -> Condition {
    Condition::all().add_option(principal.sees_of("\"trained_models\".\"session_id\"").map(Expr::cust))
}

/// The model of that id.
///
/// # Errors
/// 404 when there is none.
pub async fn get(db: &impl ConnectionTrait, id: &str) -> Result<trained_model::Model> {
    by_id(db, id).await?.ok_or_else(|| unknown(id))
}

/// There is no such model.
pub fn unknown(reference: &str) -> Error {
    let message = format!("there is no model '{reference}'; GET /api/models lists them");
    Error::new(codes::UNKNOWN_MODEL, message)
}

/// The model of that id, if there is one.
async fn by_id(db: &impl ConnectionTrait, id: &str) -> Result<Option<trained_model::Model>> {
    trained_model::Entity::find_by_id(id).one(db).await.internal("looking up a model")
}

/// The model of that id, if there is one and it is seen.
pub async fn seen(db: &impl ConnectionTrait, principal: &Principal, id: &str) -> Result<Option<trained_model::Model>> {
    trained_model::Entity::find_by_id(id).filter(seen_by(principal)).one(db).await.internal("looking up a model")
}

/// All versions of a name that are seen, newest first.
pub async fn named(db: &impl ConnectionTrait, principal: &Principal, name: &str) -> Result<Vec<trained_model::Model>> {
    trained_model::Entity::find()
        .filter(seen_by(principal))
        .filter(trained_model::Column::Name.eq(name))
        .order_by_desc(trained_model::Column::Version)
        .all(db)
        .await
        .internal("looking up a model by its name")
}

/// That version of a name, if it is seen.
pub async fn by_version(
    db: &impl ConnectionTrait,
    principal: &Principal,
    name: &str,
    version: i32,
) -> Result<Option<trained_model::Model>> {
    trained_model::Entity::find()
        .filter(seen_by(principal))
        .filter(trained_model::Column::Name.eq(name))
        .filter(trained_model::Column::Version.eq(version))
        .one(db)
        .await
        .internal("looking up a version of a model")
}

/// The newest completed version of a name that is seen.
pub async fn newest_completed(
    db: &impl ConnectionTrait,
    principal: &Principal,
    name: &str,
) -> Result<Option<trained_model::Model>> {
    trained_model::Entity::find()
        .filter(seen_by(principal))
        .filter(trained_model::Column::Name.eq(name))
        .filter(trained_model::Column::Status.eq(WorkStatus::Completed))
        .order_by_desc(trained_model::Column::Version)
        .one(db)
        .await
        .internal("looking up the newest version of a model")
}

/// What a list is made from: the little that is needed of every row.
#[derive(Debug, Clone)]
pub struct Brief {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its number.
    pub version: i32,
    /// What became of it.
    pub status: WorkStatus,
    /// Its site.
    pub site: Option<String>,
    /// The session it was made from.
    pub session_id: String,
}

/// Every version of every model that is seen, newest first.
pub async fn briefs(db: &impl ConnectionTrait, principal: &Principal) -> Result<Vec<Brief>> {
    type Row = (String, String, i32, WorkStatus, Option<String>, String);
    let rows: Vec<Row> = trained_model::Entity::find()
        .filter(seen_by(principal))
        .select_only()
        .columns([
            trained_model::Column::Id,
            trained_model::Column::Name,
            trained_model::Column::Version,
            trained_model::Column::Status,
            trained_model::Column::Site,
            trained_model::Column::SessionId,
        ])
        .order_by_desc(trained_model::Column::CreatedAt)
        .order_by_desc(trained_model::Column::Id)
        .into_tuple()
        .all(db)
        .await
        .internal("listing models")?;
    let of = |(id, name, version, status, site, session_id)| Brief { id, name, version, status, site, session_id };
    Ok(rows.into_iter().map(of).collect())
}

/// The models of these ids, by id.
pub async fn of_ids(db: &impl ConnectionTrait, ids: &[String]) -> Result<BTreeMap<String, trained_model::Model>> {
    let query = trained_model::Entity::find().filter(trained_model::Column::Id.is_in(ids));
    let rows = query.all(db).await.internal("listing models")?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}

/// Those of these models that are seen.
pub async fn seen_of_ids(
    db: &impl ConnectionTrait,
    principal: &Principal,
    ids: &[String],
) -> Result<Vec<trained_model::Model>> {
    let query = trained_model::Entity::find().filter(trained_model::Column::Id.is_in(ids)).filter(seen_by(principal));
    query.all(db).await.internal("looking up models")
}

/// The models of these sessions that are seen, newest first.
pub async fn of_sessions(
    db: &impl ConnectionTrait,
    principal: &Principal,
    session_ids: &[String],
) -> Result<Vec<trained_model::Model>> {
    trained_model::Entity::find()
        .filter(trained_model::Column::SessionId.is_in(session_ids))
        .filter(seen_by(principal))
        .order_by_desc(trained_model::Column::CreatedAt)
        .order_by_desc(trained_model::Column::Id)
        .all(db)
        .await
        .internal("looking up models of sessions")
}

/// The newest model by the same request that is seen, and done or under way.
pub async fn same_request(
    db: &impl ConnectionTrait,
    principal: &Principal,
    request_key: &str,
) -> Result<Option<trained_model::Model>> {
    let done = Condition::all()
        .add(trained_model::Column::Status.eq(WorkStatus::Completed))
        .add(trained_model::Column::Integrity.eq(Integrity::Ok));
    let under_way = trained_model::Column::Status.is_in([WorkStatus::Queued, WorkStatus::Running]);
    trained_model::Entity::find()
        .filter(trained_model::Column::RequestKey.eq(request_key))
        .filter(seen_by(principal))
        .filter(Condition::any().add(done).add(under_way))
        .order_by_desc(trained_model::Column::Version)
        .one(db)
        .await
        .internal("looking for the same training")
}

/// A training that is asked for.
pub struct NewModel {
    /// Its job's id.
    pub id: String,
    pub name: String,
    pub site: Option<String>,
    pub session_id: String,
    pub dataset_id: String,
    /// When the dataset is a cleaned version: its id; `dataset_id` is then the parsed one it came from.
    pub cleaning_job_id: Option<String>,
    pub feature_mapping: serde_json::Value,
    pub options: serde_json::Value,
    pub algorithm: String,
    pub request_key: String,
}

/// Notes a training that is asked for, with a number of its own that is above `taken`; gives the number.
pub async fn insert(txn: &impl ConnectionTrait, new: NewModel, taken: i32) -> Result<i32> {
    let reserved = versions::reserve(txn, Series::Model(&new.name), Owner::Job(&new.id), taken).await?;
    let row = trained_model::Model {
        id: new.id,
        name: new.name,
        version: reserved.version,
        dataset_id: new.dataset_id,
        cleaning_job_id: new.cleaning_job_id,
        session_id: new.session_id,
        site: new.site,
        request_key: new.request_key,
        options: new.options,
        algorithm: new.algorithm,
        feature_mapping: new.feature_mapping,
        training_metrics: serde_json::json!({}),
        lineage: serde_json::json!({}),
        feature_count: None,
        model_file_path: None,
        sha256: None,
        size_bytes: None,
        trainer_version: None,
        status: WorkStatus::Queued,
        error: None,
        integrity: Integrity::Ok,
        created_at: now(),
        started_at: None,
        finished_at: None,
    };
    row.into_active_model().reset_all().insert(txn).await.internal("noting a training")?;
    Ok(reserved.version)
}

/// Begins a training, or begins it again, under the number that was answered when it was asked for.
pub async fn begin(txn: &impl ConnectionTrait, job: &trained_model::Model, taken: i32) -> Result<version::Model> {
    let number = versions::take_up(txn, Series::Model(&job.name), &job.id, taken).await?;
    trained_model::Entity::update_many()
        .col_expr(trained_model::Column::Status, Expr::value(WorkStatus::Running))
        .col_expr(trained_model::Column::Version, Expr::value(number.version))
        .col_expr(trained_model::Column::StartedAt, Expr::value(job.started_at.unwrap_or_else(now)))
        .filter(trained_model::Column::Id.eq(&job.id))
        .exec(txn)
        .await
        .internal("beginning a training")?;
    Ok(number)
}

/// Writes what a training made.
///
/// # Errors
/// 404 when the model was deleted meanwhile.
pub async fn complete(txn: &impl ConnectionTrait, done: trained_model::Model) -> Result<()> {
    let id = done.id.clone();
    // Who deletes a model, and what is made with it, leaves these columns alone.
    let made = trained_model::ActiveModel {
        version: Set(done.version),
        algorithm: Set(done.algorithm),
        feature_mapping: Set(done.feature_mapping),
        options: Set(done.options),
        training_metrics: Set(done.training_metrics),
        lineage: Set(done.lineage),
        feature_count: Set(done.feature_count),
        model_file_path: Set(done.model_file_path),
        sha256: Set(done.sha256),
        size_bytes: Set(done.size_bytes),
        trainer_version: Set(done.trainer_version),
        status: Set(done.status),
        error: Set(None),
        started_at: Set(done.started_at),
        finished_at: Set(done.finished_at),
        ..Default::default()
    };
    let written = trained_model::Entity::update_many()
        .set(made)
        .filter(trained_model::Column::Id.eq(&id))
        .filter(trained_model::Column::Status.eq(WorkStatus::Running))
        .exec(txn)
        .await
        .internal("storing a model")?;
    if written.rows_affected == 0 {
        return Err(not_running(get(txn, &id).await?.status));
    }
    Ok(())
}

/// What was to be written is not under way any more.
fn not_running(status: WorkStatus) -> Error {
    Error::new(codes::JOB_ENDED, format!("this training is {} already: nothing was stored", status.as_str()))
}

/// A job that ended without a model: its row says so, and its number is given up.
pub async fn end(txn: &impl ConnectionTrait, job_id: &str, status: WorkStatus, error: Option<String>) -> Result<()> {
    trained_model::Entity::update_many()
        .col_expr(trained_model::Column::Status, Expr::value(status))
        .col_expr(trained_model::Column::Error, Expr::value(error))
        .col_expr(trained_model::Column::FinishedAt, Expr::value(now()))
        .filter(trained_model::Column::Id.eq(job_id))
        .filter(trained_model::Column::Status.ne(WorkStatus::Completed))
        .exec(txn)
        .await
        .internal("ending a training")?;
    versions::give_up(txn, job_id).await
}

/// Removes a model's row with its aliases and the recommendations made with it; its number is not used again.
pub async fn delete(txn: &impl ConnectionTrait, row: &trained_model::Model) -> Result<()> {
    trained_model::Entity::delete_by_id(&row.id).exec(txn).await.internal("deleting a model")?;
    versions::withdraw(txn, &row.name, row.version).await
}

/// Recommendations that were made with a model.
pub async fn runs(db: &impl ConnectionTrait, model_id: &str) -> Result<u64> {
    let of_model = optimization_run::Entity::find().filter(optimization_run::Column::ModelId.eq(model_id));
    of_model.count(db).await.internal("counting recommendations")
}

/// The aliases that stand for each of these models.
pub async fn aliases_of(db: &impl ConnectionTrait, ids: &[String]) -> Result<BTreeMap<String, Vec<String>>> {
    let rows = model_alias::Entity::find()
        .filter(model_alias::Column::ModelId.is_in(ids))
        .order_by_asc(model_alias::Column::Alias)
        .all(db)
        .await
        .internal("listing aliases")?;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        found.entry(row.model_id).or_default().push(row.alias);
    }
    Ok(found)
}

/// What an alias of a name stands for.
pub async fn alias(db: &impl ConnectionTrait, name: &str, alias: &str) -> Result<Option<model_alias::Model>> {
    let key = (name.to_owned(), alias.to_owned());
    model_alias::Entity::find_by_id(key).one(db).await.internal("looking up an alias")
}

/// All aliases of a name that stand for models that are seen.
pub async fn aliases(db: &impl ConnectionTrait, principal: &Principal, name: &str) -> Result<Vec<String>> {
    let models = Query::select()
        .column(trained_model::Column::Id)
        .from(trained_model::Entity)
        .cond_where(seen_by(principal))
        .to_owned();
    model_alias::Entity::find()
        .filter(model_alias::Column::ModelId.in_subquery(models))
        .select_only()
        .column(model_alias::Column::Alias)
        .filter(model_alias::Column::Name.eq(name))
        .order_by_asc(model_alias::Column::Alias)
        .into_tuple()
        .all(db)
        .await
        .internal("listing aliases")
}

/// Makes an alias stand for a model; gives the id of the one it stood for before.
pub async fn put_alias(txn: &impl ConnectionTrait, name: &str, called: &str, model_id: &str) -> Result<Option<String>> {
    let before = alias(txn, name, called).await?;
    let row = model_alias::Model {
        name: name.to_owned(),
        alias: called.to_owned(),
        model_id: model_id.to_owned(),
        updated_at: now(),
    };
    let row = row.into_active_model().reset_all();
    let saved = if before.is_some() { row.update(txn).await } else { row.insert(txn).await };
    saved.internal("setting an alias")?;
    Ok(before.map(|before| before.model_id))
}

/// Takes an alias back; false when there was none.
pub async fn remove_alias(txn: &impl ConnectionTrait, name: &str, alias: &str) -> Result<bool> {
    let key = (name.to_owned(), alias.to_owned());
    let gone = model_alias::Entity::delete_by_id(key).exec(txn).await.internal("removing an alias")?;
    Ok(gone.rows_affected > 0)
}

/// The parsed dataset that a stored version is, or was cleaned from: its id, and that of the cleaning.
pub async fn origin(db: &impl ConnectionTrait, dataset_id: &str) -> Result<(String, Option<String>)> {
    let parsed = parsed_dataset::Entity::find_by_id(dataset_id).one(db).await.internal("looking up a dataset")?;
    if parsed.is_some() {
        return Ok((dataset_id.to_owned(), None));
    }
    let cleaning = hvac_store::entity::cleaning_job::Entity::find_by_id(dataset_id)
        .one(db)
        .await
        .internal("looking up a cleaned version")?;
    let cleaning = cleaning
        .ok_or_else(|| Error::new(codes::UNKNOWN_VERSION, format!("there is no version {dataset_id} any more")))?;
    Ok((cleaning.dataset_id, Some(cleaning.id)))
}
