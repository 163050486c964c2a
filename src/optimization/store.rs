//! The queries of recommendations: every statement about `optimization_runs` and what became of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};

use crate::error::{Context, Error, Result, codes};
use crate::limits::Paging;
use crate::principal::Principal;
use hvac_store::entity::{optimization_outcome, optimization_run, session, trained_model};

/// A run, and the name and version of its model.
pub type RunRow = (optimization_run::Model, Option<trained_model::Model>);

/// Notes a run.
///
/// # Errors
/// 404 when the model was deleted meanwhile.
pub async fn insert(txn: &impl ConnectionTrait, run: optimization_run::Model) -> Result<()> {
    match run.into_active_model().reset_all().insert(txn).await {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))) => {
            let message = "the model was deleted meanwhile; GET /api/models lists those there are";
            Err(Error::new(codes::UNKNOWN_MODEL, message))
        }
        Err(error) => Err(error).internal("noting a recommendation"),
    }
}

/// Which runs somebody sees: those of models that were made of sessions that he sees.
fn seen_by(principal: &Principal) -> Condition {
    let models = principal.sees_of("m.\"session_id\"").map(|sees| {
        Expr::cust(format!(
            "\"optimization_runs\".\"model_id\" IN (SELECT m.\"id\" FROM \"trained_models\" m WHERE {sees})"
        ))
    });
    Condition::all().add_option(models)
}

/// The run of that id.
///
/// # Errors
/// 404 when there is none that is seen.
pub async fn get(db: &impl ConnectionTrait, principal: &Principal, id: &str) -> Result<RunRow> {
    let found = optimization_run::Entity::find_by_id(id)
        .filter(seen_by(principal))
        .find_also_related(trained_model::Entity)
        .one(db)
        .await
        .internal("looking up a recommendation")?;
    found.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Error {
    let message = format!("there is no recommendation '{id}'; GET /api/optimizations lists them");
    Error::new(codes::UNKNOWN_OPTIMIZATION, message)
}

/// Which runs.
#[derive(Debug, Clone)]
pub struct Filter {
    /// For whom.
    pub principal: Principal,
    /// Of the model of that id.
    pub model_id: Option<String>,
    /// Of the models of that name.
    pub model_name: Option<String>,
    /// Asked at or after.
    pub from: Option<DateTime<Utc>>,
    /// Asked before.
    pub to: Option<DateTime<Utc>>,
}

impl Filter {
    fn condition(&self) -> Condition {
        let named = self.model_name.as_ref().map(|name| {
            let of_that_name = sea_orm::sea_query::Query::select()
                .column(trained_model::Column::Id)
                .from(trained_model::Entity)
                .and_where(trained_model::Column::Name.eq(name))
                .to_owned();
            optimization_run::Column::ModelId.in_subquery(of_that_name)
        });
        seen_by(&self.principal)
            .add_option(self.model_id.as_ref().map(|id| optimization_run::Column::ModelId.eq(id)))
            .add_option(named)
            .add_option(self.from.map(|from| optimization_run::Column::CreatedAt.gte(from)))
            .add_option(self.to.map(|to| optimization_run::Column::CreatedAt.lt(to)))
    }
}

/// All that match, and one page of them, newest first.
pub async fn list(db: &impl ConnectionTrait, filter: &Filter, paging: Paging) -> Result<(u64, Vec<RunRow>)> {
    let matching = optimization_run::Entity::find().filter(filter.condition());
    let total = matching.clone().count(db).await.internal("counting recommendations")?;
    let rows = matching
        .find_also_related(trained_model::Entity)
        .order_by_desc(optimization_run::Column::CreatedAt)
        .order_by_desc(optimization_run::Column::Id)
        .offset((paging.page - 1) * paging.page_size)
        .limit(paging.page_size)
        .all(db)
        .await
        .internal("listing recommendations")?;
    Ok((total, rows))
}

/// One day's sums.
#[derive(Debug, Clone, PartialEq, FromQueryResult)]
pub struct Day {
    /// On the site's clock: `2026-11-20`.
    pub local_date: String,
    /// Runs.
    pub runs: i64,
    /// Those with a change.
    pub changes: i64,
    /// kW.
    pub savings_kw: f64,
    /// Percents, added up.
    pub savings_percent: f64,
}

/// Sums of each day with a run, oldest first.
pub async fn days(db: &impl ConnectionTrait, filter: &Filter) -> Result<Vec<Day>> {
    let one_if = Expr::case(optimization_run::Column::IsChange.eq(true), 1).finally(0);
    optimization_run::Entity::find()
        .select_only()
        .column(optimization_run::Column::LocalDate)
        .column_as(optimization_run::Column::Id.count(), "runs")
        .column_as(Expr::expr(one_if).sum(), "changes")
        .column_as(optimization_run::Column::SavingsKw.sum(), "savings_kw")
        .column_as(optimization_run::Column::SavingsPercent.sum(), "savings_percent")
        .filter(filter.condition())
        .group_by(optimization_run::Column::LocalDate)
        .order_by_asc(optimization_run::Column::LocalDate)
        .into_model()
        .all(db)
        .await
        .internal("adding up savings")
}

/// What was stated last of a run.
pub async fn outcome(db: &impl ConnectionTrait, run_id: &str) -> Result<Option<optimization_outcome::Model>> {
    optimization_outcome::Entity::find()
        .filter(optimization_outcome::Column::RunId.eq(run_id))
        .order_by_desc(optimization_outcome::Column::Revision)
        .one(db)
        .await
        .internal("looking up what became of a recommendation")
}

/// What was stated last of each of these runs, by their ids.
pub async fn outcomes(
    db: &impl ConnectionTrait,
    run_ids: &[&str],
) -> Result<BTreeMap<String, optimization_outcome::Model>> {
    let stated = optimization_outcome::Entity::find()
        .filter(optimization_outcome::Column::RunId.is_in(run_ids.iter().copied()))
        .order_by_asc(optimization_outcome::Column::Revision)
        .all(db)
        .await
        .internal("looking up what became of recommendations")?;
    // The last revision stays.
    Ok(stated.into_iter().map(|outcome| (outcome.run_id.clone(), outcome)).collect())
}

/// Notes what became of a run.
///
/// # Errors
/// 404 when the run was deleted meanwhile.
pub async fn insert_outcome(txn: &impl ConnectionTrait, outcome: optimization_outcome::Model) -> Result<()> {
    let run_id = outcome.run_id.clone();
    match outcome.into_active_model().reset_all().insert(txn).await {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))) => {
            Err(unknown(&run_id))
        }
        Err(error) => Err(error).internal("noting what became of a recommendation"),
    }
}

/// Other runs that were applied at or after one time and before another, each with its time.
pub async fn applied_between(
    db: &impl ConnectionTrait,
    run_id: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<(String, String, DateTime<Utc>)>> {
    let rows = optimization_outcome::Entity::find()
        .filter(optimization_outcome::Column::RunId.ne(run_id))
        .order_by_asc(optimization_outcome::Column::RunId)
        .order_by_desc(optimization_outcome::Column::Revision)
        .find_also_related(optimization_run::Entity)
        .all(db)
        .await
        .internal("looking for other recommendations that were applied")?;
    let mut seen: Option<String> = None;
    let mut found = Vec::new();
    for (outcome, run) in rows {
        // Of each run the first row is the one that holds.
        if seen.replace(outcome.run_id.clone()) == Some(outcome.run_id.clone()) {
            continue;
        }
        let at = outcome.applied_at.filter(|at| outcome.applied && (from..to).contains(at));
        found.extend(at.zip(run).map(|(at, run)| (run.id, run.model_id, at)));
    }
    Ok(found)
}

/// Sessions of a site that are not deleted, newest first.
pub async fn sessions_of(db: &impl ConnectionTrait, principal: &Principal, site: &str) -> Result<Vec<String>> {
    session::Entity::find()
        .filter(principal.seen_sessions())
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::Site.eq(site))
        .filter(session::Column::DeletedAt.is_null())
        .order_by_desc(session::Column::CreatedAt)
        .order_by_desc(session::Column::Id)
        .into_tuple()
        .all(db)
        .await
        .internal("listing a site's sessions")
}
