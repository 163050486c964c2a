//! A session's rows without what is large: `session.json` is written after each change, and the files tell the rest.
//!
//! Of versions a session has any number, so their rows come as one text: one by one, each costs the driver more than all
//! else that is done with it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, Iterable, QueryFilter, QueryOrder, QuerySelect, Select,
};
use serde::de::DeserializeOwned;

use crate::error::{Context, Result};
use crate::sessions::document::{Cleaning, ParsedDataset};
use hvac_store::entity::{ReportText, WorkStatus, cleaning_job, parse_report, parsed_dataset, trained_model};

/// All columns but these, each of which has its text instead.
fn without<E: EntityTrait>(left_out: &[(E::Column, &'static str)]) -> Select<E> {
    E::Column::iter().fold(E::find().select_only(), |query, column| {
        match left_out.iter().find(|(other, _)| other.as_str() == column.as_str()) {
            Some((_, instead)) => query.expr_as(Expr::value(*instead), column.as_str()),
            None => query.column(column),
        }
    })
}

/// The rows as entries of a `session.json`, in no order.
async fn entries<T: DeserializeOwned, E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    columns: &[&str],
    doing: &'static str,
) -> Result<Vec<T>> {
    // A JSON number has fewer digits there than it takes to read the same one back.
    let value = |name| match name {
        "retention_rate" => format!("json(nullif(quote(\"{name}\"), 'NULL'))"),
        _ => format!("\"{name}\""),
    };
    let fields: Vec<String> = columns.iter().map(|name| format!("'{name}', {}", value(*name))).collect();
    let text = Expr::cust(format!("json_group_array(json_object({}))", fields.join(", ")));
    let text: Option<String> =
        rows.select_only().expr_as(text, "entries").into_tuple().one(db).await.internal(doing)?;
    text.map_or_else(|| Ok(Vec::new()), |text| serde_json::from_str(&text).internal(doing))
}

/// The session's parsed datasets, newest first, without columns and options.
pub async fn parsed_datasets(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<parsed_dataset::Model>> {
    let rows = parsed_dataset::Entity::find().filter(parsed_dataset::Column::SessionId.eq(session_id));
    let mut datasets: Vec<ParsedDataset> =
        entries(db, rows, ParsedDataset::COLUMNS, "listing a session's datasets").await?;
    datasets.sort_unstable_by_key(|dataset| Reverse(dataset.version));
    Ok(datasets.into_iter().map(|dataset| dataset.into_row(session_id)).collect())
}

/// What the parses of the session found whose files do not tell it, by dataset.
pub async fn reports(db: &impl ConnectionTrait, session_id: &str) -> Result<BTreeMap<String, ReportText>> {
    let datasets = Query::select()
        .column(parsed_dataset::Column::Id)
        .from(parsed_dataset::Entity)
        .and_where(parsed_dataset::Column::SessionId.eq(session_id))
        .to_owned();
    let rows = parse_report::Entity::find()
        .filter(parse_report::Column::DatasetId.in_subquery(datasets))
        .all(db)
        .await
        .internal("listing what a session's parses found")?;
    Ok(rows.into_iter().map(|row| (row.dataset_id, row.report)).collect())
}

/// The session's cleaned versions, newest first, without parameters and report. Other cleanings are no data, and a rebuilt
/// catalogue has no job that would go on with them.
pub async fn completed_cleanings(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<cleaning_job::Model>> {
    let rows = cleaning_job::Entity::find()
        .filter(cleaning_job::Column::SessionId.eq(session_id))
        .filter(cleaning_job::Column::Status.eq(WorkStatus::Completed));
    let mut cleanings: Vec<Cleaning> = entries(db, rows, Cleaning::COLUMNS, "listing a session's cleanings").await?;
    cleanings.sort_unstable_by_key(|cleaning| Reverse(cleaning.version));
    Ok(cleanings.into_iter().map(|cleaning| cleaning.into_row(session_id)).collect())
}

/// The models that were made from the session's data, oldest first, without mapping, metrics and lineage.
pub async fn completed_models(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<trained_model::Model>> {
    use trained_model::Column;
    without::<trained_model::Entity>(&[
        (Column::FeatureMapping, "null"),
        (Column::TrainingMetrics, "null"),
        (Column::Lineage, "null"),
    ])
    .filter(Column::SessionId.eq(session_id))
    .filter(Column::Status.eq(WorkStatus::Completed))
    .order_by_asc(Column::CreatedAt)
    .order_by_asc(Column::Id)
    .all(db)
    .await
    .internal("listing a session's models")
}
