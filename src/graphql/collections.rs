//! Declared collections: a type, a page and a record by its key of each, their parents and children.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, SchemaBuilder, TypeRef,
};

use super::catalogue::{PageRow, page};
use super::failure::failed;
use super::loaders::{ChildrenOf, Loaders, RecordOf, check_role};
use super::row::{FieldSpec, Row, Shape, object, parent};
use crate::error::ErrorKind;
use crate::records::Registry;
use crate::records::collection::{CREATED_AT, Collection, FieldType, UPDATED_AT};
use crate::records::list;
use crate::records::routes::children;
use crate::state::AppState;

/// The type of a collection's records, such as `WorkOrdersRecord`.
fn type_name(collection: &Collection) -> String {
    collection.type_name() + "Record"
}

/// The collections that the graph has: those whose fields would take no name of its own.
pub(super) fn shown<'r>(registry: &'r Registry, query: &'r [String]) -> impl Iterator<Item = &'r Arc<Collection>> {
    registry.collections.iter().filter(|collection| !query.iter().any(|taken| *taken == collection.name))
}

/// Adds their types.
pub(super) fn register(schema: SchemaBuilder, registry: &Registry, query: &[String]) -> SchemaBuilder {
    let is_shown = |name: &str| shown(registry, query).any(|other| other.name == name);
    shown(registry, query).fold(schema, |schema, collection| {
        let name = type_name(collection);
        let mut own = object(&name, &collection.description, fields(collection));
        // What a declaration calls a field is that field.
        let mut taken: BTreeSet<&str> = collection.fields.iter().map(|field| field.name.as_str()).collect();
        taken.extend([CREATED_AT, UPDATED_AT]);
        if let Some(of) = &collection.parent
            && let Some(parent) = registry.collection(&of.collection).filter(|_| is_shown(&of.collection))
            && taken.insert(&parent.item)
        {
            own = own.field(parent_of(parent, of.field.clone()));
        }
        for child in children(&registry.collections, &collection.name).filter(|child| is_shown(&child.name)) {
            if taken.insert(&child.name) {
                own = own.field(children_of(child, collection.key.clone()));
            }
        }
        schema.register(own).register(page(&name))
    })
}

/// Fields as a declaration says them.
fn fields(collection: &Collection) -> impl Iterator<Item = FieldSpec> {
    let declared = collection.fields.iter().map(|field| {
        let shape = match field.kind {
            _ if field.name == collection.key => Shape::Id,
            FieldType::Text | FieldType::Time => Shape::Text,
            FieldType::Integer => Shape::Whole,
            FieldType::Number => Shape::Number,
            FieldType::Boolean => Shape::Flag,
            FieldType::Json => Shape::Free,
        };
        (field.name.clone(), shape, field.name == collection.key, field.description.clone())
    });
    let times = [(CREATED_AT, "When it was first written, UTC"), (UPDATED_AT, "When its state is of, UTC")];
    declared.chain(times.map(|(name, says)| (name.to_owned(), Shape::Text, true, says.to_owned())))
}

/// Adds the fields that ask for them.
pub(super) fn queries(mut query: Object, registry: &Registry, taken: &[String]) -> Object {
    for collection in shown(registry, taken) {
        query = query.field(listed(collection));
        let name = format!("{}_record", collection.name);
        if registry.collection(&name).is_none() {
            query = query.field(by_key(collection, &name));
        }
    }
    query
}

fn listed(collection: &Arc<Collection>) -> Field {
    let own = Arc::clone(collection);
    let kind = TypeRef::named_nn(format!("{}Page", type_name(collection)));
    let field = Field::new(collection.name.clone(), kind, move |context: ResolverContext<'_>| {
        let own = Arc::clone(&own);
        FieldFuture::new(async move {
            let state = context.data::<AppState>()?;
            let asked = context.args.iter().filter(|(_, value)| !value.is_null());
            let text = |value: serde_json::Value| match value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            let pairs = asked
                .map(|(name, value)| value.as_value().clone().into_json().map(|json| (name.to_string(), text(json))));
            let pairs: Vec<(String, String)> = pairs.collect::<serde_json::Result<_>>()?;
            let found = async {
                check_role(state, &own)?;
                let found = state.records.list(&own, None, &pairs).await?;
                PageRow::of(&found.page, &found.page.items)
            };
            Ok(Some(FieldValue::owned_any(found.await.map_err(|error| failed(&error))?)))
        })
    });
    list::names(collection).fold(field.description(collection.description.clone()), |field, name| {
        let kind = match collection.field(name).map(|field| field.kind) {
            Some(FieldType::Integer) => super::row::LONG,
            Some(FieldType::Number) => TypeRef::FLOAT,
            Some(FieldType::Boolean) => TypeRef::BOOLEAN,
            Some(_) => TypeRef::STRING,
            None if name.starts_with("page") => TypeRef::INT,
            None => TypeRef::STRING,
        };
        field.argument(InputValue::new(name, TypeRef::named(kind)))
    })
}

fn by_key(collection: &Arc<Collection>, name: &str) -> Field {
    let own = Arc::clone(collection);
    Field::new(name, TypeRef::named(type_name(collection)), move |context: ResolverContext<'_>| {
        let own = Arc::clone(&own);
        FieldFuture::new(async move {
            let state = context.data::<AppState>()?;
            let key = context.args.try_get("key")?.string()?.to_owned();
            let found = async {
                check_role(state, &own)?;
                Row::of(&state.records.get(&own, &key, state.principal().role).await?)
            };
            match found.await {
                Ok(row) => Ok(Some(row)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed(&error)),
            }
        })
    })
    .description(format!("One {}, by its key", collection.item))
    .argument(InputValue::new("key", TypeRef::named_nn(TypeRef::ID)))
}

fn parent_of(parent_collection: &Arc<Collection>, by: String) -> Field {
    let (own, kind) = (Arc::clone(parent_collection), TypeRef::named(type_name(parent_collection)));
    Field::new(parent_collection.item.clone(), kind, move |context: ResolverContext<'_>| {
        let (own, by) = (Arc::clone(&own), by.clone());
        FieldFuture::new(async move {
            let Some(key) = parent(&context)?.text(&by).map(str::to_owned) else { return Ok(None) };
            let found = context.data::<Loaders>()?.load_one(RecordOf(own.name.clone(), key)).await;
            found.map_err(|error| failed(&error))
        })
    })
    .description(format!("The {} that it is of", parent_collection.item))
}

fn children_of(child: &Arc<Collection>, key: String) -> Field {
    let (own, kind) = (Arc::clone(child), TypeRef::named_nn_list_nn(type_name(child)));
    Field::new(child.name.clone(), kind, move |context: ResolverContext<'_>| {
        let (own, key) = (Arc::clone(&own), key.clone());
        FieldFuture::new(async move {
            let of = parent(&context)?.text(&key).unwrap_or_default().to_owned();
            let found = context.data::<Loaders>()?.load_one(ChildrenOf(own.name.clone(), of)).await;
            let found = found.map_err(|error| failed(&error))?;
            Ok(Some(FieldValue::list(found.unwrap_or_default())))
        })
    })
    .description(format!("{}; all of them, the latest first", child.description.trim_end_matches('.')))
}
