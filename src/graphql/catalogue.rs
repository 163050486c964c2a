//! Sessions, versions of their data, models and recommendations: their types, and the fields that ask for them.

use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, SchemaBuilder, TypeRef,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::failed;
use super::loaders::{Loaders, ModelOf, ModelsOf, Rows, SessionOf, VersionsOf};
use super::row::{FieldRow, LONG, Row, Shape, object, parent, specs};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::optimization::{RunQuery, runs};
use crate::sessions::{SessionFilter, catalogue};
use crate::state::AppState;
use crate::training::{ModelFilter, models};

use Shape::{Flag, Free, Id, Number, Text, Texts, Whole};

const SESSION: &[FieldRow] = &[
    ("session_id", Id, true, "UUID v7"),
    ("name", Text, true, "Name for people"),
    ("site", Text, false, "Site"),
    ("timezone", Text, true, "IANA zone"),
    ("status", Text, true, "uploaded, parsed, cleaned or failed"),
    ("tags", Texts, true, "What a user sorts it under"),
    ("files_count", Whole, true, "Raw files"),
    ("total_rows", Whole, true, "Rows of the newest parsed dataset"),
    ("column_count", Whole, true, "Its columns with timestamp"),
    ("start_at", Text, false, "Its first time, with the site's offset"),
    ("end_at", Text, false, "Its last time"),
    ("created_at", Text, true, "UTC"),
    ("updated_at", Text, true, "UTC"),
    ("deleted_at", Text, false, "UTC; set when it is deleted and can be restored"),
    ("unconfirmed", Flag, true, "Whether it was found in its folder and no answer ever told of it"),
];

const VERSION: &[FieldRow] = &[
    ("id", Id, true, "Dataset or cleaning job"),
    ("version", Text, true, "parsed-v1, cleaned-v1"),
    ("version_number", Whole, true, "The number in it"),
    ("row_count", Whole, true, "Rows"),
    ("column_count", Whole, true, "Columns with timestamp"),
    ("size_bytes", Whole, true, "Bytes of the Parquet file"),
    ("sha256", Text, true, "Of the Parquet file, hex"),
    ("integrity", Text, true, "ok, missing, damaged"),
    ("start_at", Text, false, "First time, with the site's offset"),
    ("end_at", Text, false, "Last time"),
    ("parser_version", Text, true, "What made it"),
    ("cleaned_from", Id, false, "Of a cleaned version: the parsed dataset it was made from"),
    ("parameters", Free, false, "Of a cleaned version: what was asked for"),
    ("retention_rate", Number, false, "Of a cleaned version: resampled rows that are left, 0–100"),
    ("events_count", Whole, false, "Of a cleaned version: its quality events"),
    ("created_at", Text, true, "UTC"),
];

const MODEL: &[FieldRow] = &[
    ("id", Id, true, "UUID v7; also its job's"),
    ("name", Text, true, "Its name"),
    ("version", Text, true, "v1"),
    ("version_number", Whole, true, "The number in it"),
    ("folder", Text, true, "The site, or default"),
    ("status", Text, true, "queued, running, completed, failed, cancelled"),
    ("algorithm", Text, true, "gbdt, physics, hybrid; auto until that is decided"),
    ("mape", Number, false, "Mean absolute percentage error on the held-out rows in time order"),
    ("r2", Number, false, "Coefficient of determination on the same rows"),
    ("cv_rmse", Number, false, "CV(RMSE) on the same rows"),
    ("calibrated", Flag, false, "Whether its 90 % prediction interval held 85 to 95 % of them"),
    ("leaks", Texts, true, "Columns that tell it the answer and were allowed"),
    ("feature_count", Whole, false, "Features it was made from"),
    ("target_col", Text, true, "Column that it predicts"),
    ("aliases", Texts, true, "Aliases that stand for this version"),
    ("session_id", Id, true, "The session it was made from"),
    ("dataset_id", Id, true, "The stored version it was made from"),
    ("size_bytes", Whole, false, "Bytes of the file"),
    ("integrity", Text, true, "ok, missing, damaged"),
    ("error", Text, false, "Why it failed"),
    ("created_at", Text, true, "UTC"),
    ("finished_at", Text, false, "UTC"),
];

const RUN: &[FieldRow] = &[
    ("run_id", Id, true, "UUID v7"),
    ("model_id", Id, true, "The model's id"),
    ("model_name", Text, true, "The model's name"),
    ("model_version", Text, true, "The model's version"),
    ("session_id", Id, false, "The session whose latest steady rows filled in what was not given"),
    ("method", Text, true, "grid or de"),
    ("predicted_power", Number, true, "kW at the recommended set-points"),
    ("baseline_power", Number, false, "kW at the present ones, by the same model"),
    ("savings_kw", Number, true, "Their difference, kW"),
    ("savings_percent", Number, true, "Of the baseline, 0–100"),
    ("change", Flag, true, "Whether anything is to be changed"),
    ("recommendations", Free, true, "Every variable, changed or not"),
    ("duration_ms", Whole, true, "How long the search took"),
    ("created_at", Text, true, "UTC"),
];

const PAGE: &[FieldRow] = &[
    ("total", Whole, true, "All that match"),
    ("page", Whole, true, "From 1"),
    ("page_size", Whole, true, "Items on a page"),
    ("total_pages", Whole, true, "Pages"),
];

/// Arguments of a list: name and scalar.
type Arguments = &'static [(&'static str, &'static str)];

const SESSIONS_BY: Arguments = &[
    ("status", TypeRef::STRING),
    ("status_at_least", TypeRef::STRING),
    ("site", TypeRef::STRING),
    ("q", TypeRef::STRING),
    ("tag", TypeRef::STRING),
    ("point", TypeRef::STRING),
    ("unit", TypeRef::STRING),
    ("metadata", TypeRef::STRING),
    ("created_from", TypeRef::STRING),
    ("created_to", TypeRef::STRING),
    ("from", TypeRef::STRING),
    ("to", TypeRef::STRING),
    ("sort", TypeRef::STRING),
    ("order", TypeRef::STRING),
    ("deleted", TypeRef::BOOLEAN),
    ("page", TypeRef::INT),
    ("page_size", TypeRef::INT),
];
const MODELS_BY: Arguments = &[
    ("subfolder", TypeRef::STRING),
    ("q", TypeRef::STRING),
    ("session_id", TypeRef::STRING),
    ("page", TypeRef::INT),
    ("page_size", TypeRef::INT),
];
const RUNS_BY: Arguments = &[
    ("model", TypeRef::STRING),
    ("from", TypeRef::STRING),
    ("to", TypeRef::STRING),
    ("page", TypeRef::INT),
    ("page_size", TypeRef::INT),
];

/// Models on a page: as many as others, for they multiply.
const MODELS_ON_A_PAGE: u64 = 20;

/// A page whose items are rows.
pub(super) struct PageRow {
    head: Row,
    items: Vec<Row>,
}

impl PageRow {
    /// Of an answer, and its items.
    pub(super) fn of(page: &impl Serialize, items: &[impl Serialize]) -> Result<Self> {
        Ok(Self { head: Row::of(page)?, items: items.iter().map(Row::of).collect::<Result<_>>()? })
    }
}

/// Adds their types.
pub fn register(schema: SchemaBuilder) -> SchemaBuilder {
    let session = object("Session", "A session: immutable files and what was made of them", specs(SESSION))
        .field(many("versions", "DatasetVersion", "Stored versions of its data, newest first", VersionsOf))
        .field(many("models_made", "Model", "Models that were made from its data, newest first", ModelsOf));
    let version = object("DatasetVersion", "A stored version of a session's data", specs(VERSION));
    let session_of = || loaded("session", "Session", "The session, as far as it is seen", "session_id", SessionOf);
    let model = object("Model", "A version of a model", specs(MODEL)).field(session_of());
    let run = object("OptimizationRun", "A recommendation of set-points", specs(RUN))
        .field(session_of())
        .field(loaded("model", "Model", "The model", "model_id", ModelOf));
    let pages = ["Session", "Model", "OptimizationRun"].map(page);
    [session, version, model, run].into_iter().chain(pages).fold(schema, SchemaBuilder::register)
}

/// Adds the fields that ask for them.
pub fn queries(query: Object) -> Object {
    query
        .field(list(
            "sessions",
            "Session",
            "Sessions that match, newest first",
            SESSIONS_BY,
            |state, asked| async move {
                let page = catalogue::list(&state, &filter_of::<SessionFilter>(asked)?).await?;
                PageRow::of(&page, &page.items)
            },
        ))
        .field(one("session", "Session", "id", "One session", |state, id| async move {
            Row::of(&catalogue::get(&state, &id).await?.summary)
        }))
        .field(list(
            "models",
            "Model",
            "Names of models, each with its newest completed version",
            MODELS_BY,
            |state, asked| async move {
                let mut filter: ModelFilter = filter_of(asked)?;
                filter.page_size = filter.page_size.or(Some(MODELS_ON_A_PAGE));
                let page = models::list(&state, &filter).await?;
                PageRow::of(&page, &page.models)
            },
        ))
        .field(one(
            "model",
            "Model",
            "reference",
            "One version: an id, a name, name:v3 or name:alias",
            |state, id| async move { Row::of(&models::get(&state, &id).await?.summary) },
        ))
        .field(list(
            "optimizations",
            "OptimizationRun",
            "Recommendations that match, newest first",
            RUNS_BY,
            |state, asked| async move {
                let page = runs::list(&state, &filter_of::<RunQuery>(asked)?).await?;
                PageRow::of(&page, &page.items)
            },
        ))
        .field(one("optimization", "OptimizationRun", "id", "One recommendation", |state, id| async move {
            Row::of(&runs::get(&state, &id).await?)
        }))
}

/// A filter as REST has it, of a field's arguments.
fn filter_of<T: DeserializeOwned>(arguments: serde_json::Value) -> Result<T> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let field = error.path().to_string();
        Error::invalid(&field, codes::INVALID_FIELD, format!("{field}: {}", error.inner()))
    })
}

/// The type of a page of these.
pub(super) fn page(of: &str) -> Object {
    let says = format!("A page of {of}");
    let fields = PAGE.iter().fold(Object::new(format!("{of}Page")).description(says), |object, (name, _, _, says)| {
        let name = *name;
        let field = Field::new(name, TypeRef::named_nn(LONG), move |context| {
            let page = context.parent_value.try_downcast_ref::<PageRow>();
            match page.map(|page| page.head.value(name)) {
                Ok(value) => FieldFuture::from_value(value),
                Err(error) => FieldFuture::new(async move { Err::<Option<FieldValue<'_>>, _>(error) }),
            }
        });
        object.field(field.description(*says))
    });
    fields.field(Field::new("items", TypeRef::named_nn_list_nn(of), |context| {
        FieldFuture::new(async move {
            let page = context.parent_value.try_downcast_ref::<PageRow>()?;
            Ok(Some(FieldValue::list(page.items.iter().cloned())))
        })
    }))
}

/// A field that answers a page.
fn list<A, F>(name: &str, of: &str, says: &str, arguments: Arguments, ask: A) -> Field
where
    A: Fn(AppState, serde_json::Value) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<PageRow>> + Send + 'static,
{
    let field = Field::new(name, TypeRef::named_nn(format!("{of}Page")), move |context: ResolverContext<'_>| {
        FieldFuture::new(async move {
            let state = context.data::<AppState>()?.clone();
            let given = context.args.iter().filter(|(_, value)| !value.is_null());
            let given =
                given.map(|(name, value)| value.as_value().clone().into_json().map(|json| (name.to_string(), json)));
            let given: serde_json::Map<String, serde_json::Value> = given.collect::<serde_json::Result<_>>()?;
            let page = ask(state, given.into()).await.map_err(|error| failed(&error))?;
            Ok(Some(FieldValue::owned_any(page)))
        })
    });
    arguments.iter().fold(field.description(says), |field, (name, kind)| {
        field.argument(InputValue::new(*name, TypeRef::named(*kind)))
    })
}

/// A field that answers one thing, or nothing where there is none that is seen.
fn one<A, F>(name: &str, of: &str, by: &'static str, says: &str, ask: A) -> Field
where
    A: Fn(AppState, String) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Row>> + Send + 'static,
{
    let kind = if by == "id" { TypeRef::ID } else { TypeRef::STRING };
    Field::new(name, TypeRef::named(of), move |context: ResolverContext<'_>| {
        FieldFuture::new(async move {
            let state = context.data::<AppState>()?.clone();
            let id = context.args.try_get(by)?.string()?.to_owned();
            match ask(state, id).await {
                Ok(row) => Ok(Some(row)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed(&error)),
            }
        })
    })
    .description(says)
    .argument(InputValue::new(by, TypeRef::named_nn(kind)))
}

/// A field that is looked up with others, by an id that the row has.
fn loaded<K>(name: &str, of: &str, says: &str, by: &'static str, key: fn(String) -> K) -> Field
where
    K: Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    Rows: Loader<K, Value = Row, Error = Arc<Error>>,
{
    Field::new(name, TypeRef::named(of), move |context: ResolverContext<'_>| {
        FieldFuture::new(async move {
            let Some(id) = parent(&context)?.text(by).map(str::to_owned) else { return Ok(None) };
            let found = context.data::<Loaders>()?.load_one(key(id)).await;
            found.map_err(|error| failed(&error))
        })
    })
    .description(says)
}

/// The same of a list that a session has.
fn many<K>(name: &str, of: &str, says: &str, key: fn(String) -> K) -> Field
where
    K: Clone + Eq + std::hash::Hash + Send + Sync + 'static,
    Rows: Loader<K, Value = Vec<Row>, Error = Arc<Error>>,
{
    Field::new(name, TypeRef::named_nn_list_nn(of), move |context: ResolverContext<'_>| {
        FieldFuture::new(async move {
            let id = parent(&context)?.text("session_id").unwrap_or_default().to_owned();
            let found = context.data::<Loaders>()?.load_one(key(id)).await.map_err(|error| failed(&error))?;
            Ok(Some(FieldValue::list(found.unwrap_or_default())))
        })
    })
    .description(says)
}
