//! A session's rows without what is large: `session.json` is written after each change, and the files tell the rest.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, Iterable, QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::error::{Context, Result};
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

/// The session's parsed datasets, newest first, without columns and options.
pub async fn parsed_datasets(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<parsed_dataset::Model>> {
    use parsed_dataset::Column;
    without::<parsed_dataset::Entity>(&[(Column::Columns, "[]"), (Column::Options, "null")])
        .filter(Column::SessionId.eq(session_id))
        .order_by_desc(Column::Version)
        .all(db)
        .await
        .internal("listing a session's datasets")
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
    use cleaning_job::Column;
    without::<cleaning_job::Entity>(&[(Column::Parameters, "null"), (Column::Report, "null")])
        .filter(Column::SessionId.eq(session_id))
        .filter(Column::Status.eq(WorkStatus::Completed))
        .order_by_desc(Column::Version)
        .all(db)
        .await
        .internal("listing a session's cleanings")
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
