//! What is declared, as it is shown.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Records;
use super::collection::{Collection, Field};
use crate::error::codes;
use crate::principal::Principal;

/// What is declared.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Collections {
    /// Collections in force.
    pub items: Vec<DeclaredCollection>,
    /// What became of each file of declarations.
    pub files: Vec<DeclarationState>,
}

/// A collection in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeclaredCollection {
    /// Its name, also in SQL.
    #[schema(example = "work_orders")]
    pub name: String,
    /// Which declaration it is of.
    #[schema(example = "hvac")]
    pub system: String,
    /// Its path below `/api`.
    #[schema(example = "work-orders")]
    pub route: String,
    /// What its batches are called in bodies.
    #[schema(example = "work_orders")]
    pub list: String,
    /// What one of its records is called.
    #[schema(example = "work_order")]
    pub item: String,
    /// What its records are.
    pub description: String,
    /// The field that tells its records apart.
    #[schema(example = "work_order_id")]
    pub key: String,
    /// The time that lists go by.
    #[schema(example = "created_at")]
    pub time: String,
    /// Its fields.
    pub fields: Vec<DeclaredField>,
    /// The collection whose children its records are.
    pub parent: Option<String>,
    /// The field that holds the parent's key.
    pub parent_field: Option<String>,
    /// The field that holds the state.
    pub state_field: Option<String>,
    /// States in which a record is not done.
    pub open_states: Vec<String>,
    /// What keeps it.
    #[schema(example = "sqlite")]
    pub backend: String,
    /// How long a record lives after its last change, in seconds; null: for ever.
    pub ttl_s: Option<u64>,
    /// What a write is announced as.
    #[schema(example = "work_order")]
    pub event: String,
    /// Who may read.
    #[schema(example = "viewer")]
    pub read: String,
    /// Who may write.
    #[schema(example = "operator")]
    pub write: String,
}

/// A field of a collection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeclaredField {
    /// Its name.
    #[schema(example = "status")]
    pub name: String,
    /// What it holds: `text`, `integer`, `number`, `boolean`, `time` or `json`.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    pub kind: String,
    /// Whether a record must have it.
    pub required: bool,
    /// What a record has that does not say.
    #[schema(value_type = Value)]
    pub default: Option<Value>,
    /// Longest text, in characters; null of what is no text.
    pub max_length: Option<u64>,
    /// The only texts there are; empty: any.
    pub values: Vec<String>,
    /// Whether it is found without looking at every record.
    pub index: bool,
    /// Whether its words are searched.
    pub search: bool,
    /// What it means.
    pub description: String,
}

/// What became of a file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeclarationState {
    /// Its name.
    #[schema(example = "hvac.toml")]
    pub file: String,
    /// Where it is wrong, counted from 1; null when it is in force.
    pub line: Option<u64>,
    /// `bad_declaration` then.
    pub code: Option<&'static str>,
    /// What is wrong; what was declared before goes on.
    pub error: Option<String>,
    /// Names of the collections in force that are of it.
    pub collections: Vec<String>,
}

impl Records {
    /// What is declared, as far as whoever asks may read it, and what became of each file.
    #[must_use]
    pub fn collections(&self, principal: &Principal) -> Collections {
        let registry = self.registry();
        let may_read = |own: &&std::sync::Arc<Collection>| principal.role.may(own.read);
        let items = registry.collections.iter().filter(may_read).map(|own| shown(own)).collect();
        let files = registry.files.iter().map(|state| DeclarationState {
            file: state.file.clone(),
            line: state.error.as_ref().map(|error| error.line),
            code: state.error.as_ref().map(|_| codes::BAD_DECLARATION.name),
            error: state.error.as_ref().map(|error| error.message.clone()),
            collections: state.collections.clone(),
        });
        Collections { items, files: files.collect() }
    }
}

fn shown(collection: &Collection) -> DeclaredCollection {
    let (parent, states) = (collection.parent.as_ref(), collection.states.as_ref());
    DeclaredCollection {
        name: collection.name.clone(),
        system: collection.system.clone(),
        route: collection.route.clone(),
        list: collection.list.clone(),
        item: collection.item.clone(),
        description: collection.description.clone(),
        key: collection.key.clone(),
        time: collection.time.clone(),
        fields: collection.fields.iter().map(shown_field).collect(),
        parent: parent.map(|parent| parent.collection.clone()),
        parent_field: parent.map(|parent| parent.field.clone()),
        state_field: states.map(|states| states.field.clone()),
        open_states: states.map(|states| states.open.clone()).unwrap_or_default(),
        backend: collection.backend.word().to_owned(),
        ttl_s: collection.ttl_s,
        event: collection.event.clone(),
        read: collection.read.as_str().to_owned(),
        write: collection.write.as_str().to_owned(),
    }
}

fn shown_field(field: &Field) -> DeclaredField {
    DeclaredField {
        name: field.name.clone(),
        kind: field.kind.word().to_owned(),
        required: field.required,
        default: field.default.clone(),
        max_length: (field.kind == super::collection::FieldType::Text).then_some(field.max_length),
        values: field.values.clone(),
        index: field.index,
        search: field.search,
        description: field.description.clone(),
    }
}
