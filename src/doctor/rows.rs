//! The rows of one session that its `session.json` and its files tell: filled, and put into the catalogue.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::{cleaned, models};
use crate::error::{Context, Result};
use crate::sessions::snapshot::Snapshot;
use crate::sessions::store::{prices, remembered};
use hvac_frame::column::ColumnMeta;
use hvac_frame::parquet_file::ParquetReader;
use hvac_store::entity::{
    cleaning_job, energy_price, manifest as manifest_row, model_alias, parse_report, parsed_dataset, report_override,
    session, site_override, source_file, version,
};
use hvac_store::frames;
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::objects::ObjectBytes;

/// What several sessions know of, each as it was when its `session.json` was written.
#[derive(Default)]
pub(crate) struct Shared {
    /// By site: when, and what users had said of its points by then.
    overrides: BTreeMap<String, (DateTime<Utc>, Vec<site_override::Model>, Vec<report_override::Model>)>,
    /// By site: when, and what electricity cost.
    prices: BTreeMap<String, (DateTime<Utc>, energy_price::Model)>,
    aliases: Vec<model_alias::Model>,
    /// The revision that each `session.json` is of.
    revisions: Vec<(String, i64)>,
}

/// Columns and options, as a parsed file tells them.
pub(super) fn told_of_parse(said: &dyn Fn(&str) -> Option<String>) -> (Vec<ColumnMeta>, serde_json::Value) {
    let columns = said(frames::KEY_COLUMNS).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let options = said(frames::KEY_OPTIONS).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    (columns, options)
}

/// What the files tell of the rows that `session.json` only names: columns and options, parameters and reports. A file
/// that is not what was published now tells it another time: a rebuild does, for sessions that it has.
pub(crate) fn fill(snapshot: &mut Snapshot, bytes_of: &dyn Fn(&StoredFile) -> Option<ObjectBytes>) -> Vec<String> {
    let file = |root, path: &str, sha256: &str, size_bytes: i64| StoredFile {
        root,
        path: path.to_owned(),
        sha256: sha256.to_owned(),
        size_bytes: size_bytes.unsigned_abs(),
    };
    let mut unread = Vec::new();
    for dataset in snapshot.parsed_datasets.iter_mut().filter(|dataset| dataset.columns.0.is_empty()) {
        match metadata(bytes_of(&file(Root::Sessions, &dataset.file_path, &dataset.sha256, dataset.size_bytes))) {
            Some(said) => (dataset.columns.0, dataset.options) = told_of_parse(&|key| said.get(key).cloned()),
            None => unread.push(dataset.file_path.clone()),
        }
    }
    for job in snapshot.cleaning_jobs.iter_mut().filter(|job| job.parameters.is_null()) {
        let (Some(path), Some(sha256)) = (&job.output_path, &job.sha256) else { continue };
        match metadata(bytes_of(&file(Root::Sessions, path, sha256, job.size_bytes.unwrap_or_default()))) {
            Some(said) => (job.parameters, job.report) = cleaned::told(&|key| said.get(key).cloned()),
            None => unread.push(path.clone()),
        }
    }
    for model in snapshot.trained_models.iter_mut().filter(|model| model.lineage.is_null()) {
        let (Some(path), Some(sha256)) = (&model.model_file_path, &model.sha256) else { continue };
        let whole = bytes_of(&file(Root::Models, path, sha256, model.size_bytes.unwrap_or_default()));
        match whole.and_then(|bytes| models::told(&bytes)) {
            Some(told) => (model.feature_mapping, model.training_metrics, model.lineage) = told,
            None => unread.push(format!("models/{path}")),
        }
    }
    unread
}

/// What a Parquet file says of itself.
fn metadata(bytes: Option<ObjectBytes>) -> Option<BTreeMap<String, String>> {
    let reader = ParquetReader::open(bytes?.to_bytes()).ok()?;
    Some(reader.footer().key_values().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

/// Puts a session into the catalogue; what it shares with others is gathered in `shared`.
pub(crate) async fn insert(txn: &impl ConnectionTrait, mut snapshot: Snapshot, shared: &mut Shared) -> Result<()> {
    let doing = "storing a rebuilt session";
    session::Entity::insert(snapshot.session.clone().into_active_model().reset_all())
        .exec_without_returning(txn)
        .await
        .internal(doing)?;
    for row in std::mem::take(&mut snapshot.source_files) {
        source_file::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    for row in std::mem::take(&mut snapshot.versions) {
        version::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    for row in std::mem::take(&mut snapshot.parsed_datasets) {
        parsed_dataset::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    for (dataset_id, report) in std::mem::take(&mut snapshot.reports) {
        let row = parse_report::Model { dataset_id, report };
        parse_report::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    for row in std::mem::take(&mut snapshot.cleaning_jobs) {
        cleaning_job::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    models::restore(txn, &snapshot.trained_models).await?;
    let Snapshot { session, model_aliases, site_overrides, report_overrides, energy_price, revision, .. } = snapshot;
    if let Some(price) = energy_price
        && shared.prices.get(&price.site).is_none_or(|(at, _)| *at < price.updated_at)
    {
        shared.prices.insert(price.site.clone(), (price.updated_at, price));
    }
    shared.aliases.extend(model_aliases);
    shared.revisions.push((session.id, revision));
    if let Some(site) = session.site
        && shared.overrides.get(&site).is_none_or(|(at, ..)| *at < session.updated_at)
    {
        shared.overrides.insert(site, (session.updated_at, site_overrides, report_overrides));
    }
    Ok(())
}

/// Inserts what several sessions know of, as the last of them has it; and notes which revision each `session.json` is
/// of, so that none is taken for outdated.
pub(crate) async fn insert_shared(txn: &impl ConnectionTrait, shared: Shared) -> Result<()> {
    let doing = "storing what rebuilt sessions share";
    let (points, reports): (Vec<_>, Vec<_>) =
        shared.overrides.into_values().map(|(_, points, reports)| (points, reports)).unzip();
    for row in reports.into_iter().flatten() {
        remembered::remember(txn, row).await?;
    }
    for (_, row) in shared.prices.into_values() {
        prices::put(txn, row).await?;
    }
    for row in points.into_iter().flatten() {
        let key = (row.site.clone(), row.original_name.clone());
        if site_override::Entity::find_by_id(key).one(txn).await.internal(doing)?.is_none() {
            site_override::Entity::insert(row.into_active_model().reset_all())
                .exec_without_returning(txn)
                .await
                .internal(doing)?;
        }
    }
    models::restore_aliases(txn, shared.aliases).await?;
    for (session_id, revision) in shared.revisions {
        manifest_row::Entity::update_many()
            .col_expr(manifest_row::Column::Revision, Expr::value(revision))
            .col_expr(manifest_row::Column::Written, Expr::value(revision))
            .filter(manifest_row::Column::SessionId.eq(session_id))
            .exec(txn)
            .await
            .internal(doing)?;
    }
    Ok(())
}
