//! Statements that users keep under a name.

use hvac_query::Statement;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{QueryOptions, QueryRequest, told};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;
use crate::times::utc;
use hvac_store::entity::saved_query;
use hvac_store::now;

/// A saved query.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SavedQuery {
    /// What it is called.
    pub name: String,
    /// The statement.
    pub sql: String,
    /// What it asks, in words.
    pub description: Option<String>,
    /// The session that it is about unless another is given.
    pub session_id: Option<String>,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub updated_at: String,
}

/// All saved queries.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SavedQueries {
    /// By name.
    pub queries: Vec<SavedQuery>,
}

/// What is to be saved.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryToSave {
    /// One query, as `POST /api/query` takes it.
    #[schema(max_length = 65536, example = "SELECT id, name FROM sessions")]
    pub sql: String,
    /// What it asks, in words.
    pub description: Option<String>,
    /// The session that it is about unless another is given; without one, that which the request is about.
    pub session_id: Option<String>,
}

fn told_of(row: saved_query::Model) -> SavedQuery {
    SavedQuery {
        name: row.name,
        sql: row.sql,
        description: row.description,
        session_id: row.session_id,
        created_at: utc(row.created_at),
        updated_at: utc(row.updated_at),
    }
}

/// All of them, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(state: &AppState) -> Result<SavedQueries> {
    let rows = saved_query::Entity::find()
        .order_by_asc(saved_query::Column::Name)
        .all(state.store.db.read())
        .await
        .internal("listing saved queries")?;
    Ok(SavedQueries { queries: rows.into_iter().map(told_of).collect() })
}

/// The one of that name.
///
/// # Errors
/// 404 when there is none.
pub async fn get(state: &AppState, name: &str) -> Result<SavedQuery> {
    let row =
        saved_query::Entity::find_by_id(name).one(state.store.db.read()).await.internal("looking up a saved query")?;
    row.map(told_of).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Error {
    Error::new(codes::UNKNOWN_QUERY, format!("there is no saved query '{name}'; GET /api/queries lists them"))
}

/// Saves a query, in place of one that has the name.
///
/// # Errors
/// 422 for a name or a text that cannot be, or what is no query.
pub async fn put(state: &AppState, name: &str, query: QueryToSave) -> Result<SavedQuery> {
    let name = name.trim();
    limits::name("name", name)?;
    if name.is_empty() {
        return Err(Error::invalid("name", codes::EMPTY_NAME, "name: a saved query needs one"));
    }
    Statement::parse(&query.sql).map_err(told)?;
    if let Some(description) = &query.description {
        limits::lines("description", description)?;
    }
    limits::given_name("session_id", query.session_id.as_deref())?;
    let row = saved_query::Model {
        name: name.to_owned(),
        sql: query.sql,
        description: query.description,
        session_id: query.session_id,
        created_at: now(),
        updated_at: now(),
    };
    use saved_query::Column::{Description, Name, SessionId, Sql, UpdatedAt};
    let again = OnConflict::column(Name).update_columns([Sql, Description, SessionId, UpdatedAt]).to_owned();
    let txn = state.store.db.begin().await?;
    saved_query::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(again)
        .exec_without_returning(&txn)
        .await
        .internal("saving a query")?;
    audit::note(&txn, state.principal(), Act::on("query.save", "query", name)).await?;
    txn.commit().await.internal("saving a query")?;
    get(state, name).await
}

/// Forgets it.
///
/// # Errors
/// 404 when there is none.
pub async fn delete(state: &AppState, name: &str) -> Result<()> {
    let txn = state.store.db.begin().await?;
    let gone = saved_query::Entity::delete_by_id(name).exec(&txn).await.internal("forgetting a saved query")?;
    audit::note(&txn, state.principal(), Act::on("query.delete", "query", name)).await?;
    txn.commit().await.internal("forgetting a saved query")?;
    if gone.rows_affected == 0 { Err(unknown(name)) } else { Ok(()) }
}

/// What is to be carried out when it is, about another session than the one it was saved with if the options name one.
///
/// # Errors
/// 404 when there is none of that name.
pub async fn request(state: &AppState, name: &str, mut options: QueryOptions) -> Result<QueryRequest> {
    let saved = get(state, name).await?;
    options.session_id = options.session_id.or(saved.session_id);
    Ok(QueryRequest { sql: saved.sql, options })
}
