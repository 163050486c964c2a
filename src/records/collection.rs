//! What a declared collection is: its fields, its key, whose child it is, who may use it. PURE.
//!
//! This is also what the store remembers of a collection as it was applied (JSON in the table `collections`), so every
//! field that came later has a default.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::principal::Role;

/// Longest key, in characters.
pub const LONGEST_KEY: u64 = 200;
/// Longest text of a field with an index, in characters: what every database can index.
pub const LONGEST_INDEXED: u64 = 500;
/// Longest text of a field that does not say otherwise, in characters.
pub const USUAL_LENGTH: u64 = 2000;
/// When a record was first written.
pub const CREATED_AT: &str = "created_at";
/// When its state is of.
pub const UPDATED_AT: &str = "updated_at";

/// Records of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// Unique, such as `work_orders`; also its name in SQL.
    pub name: String,
    /// Which declaration it is of: `hvac` of `hvac.toml`.
    pub system: String,
    /// Its path below `/api`, such as `translation/sessions`.
    pub route: String,
    /// What a list of its records is called in bodies, such as `sessions`.
    pub list: String,
    /// What one of them is called, such as `session`.
    pub item: String,
    /// One sentence on what its records are.
    #[serde(default)]
    pub description: String,
    /// The field that tells its records apart.
    pub key: String,
    /// The time that lists go by: a field, `created_at` or `updated_at`.
    pub time: String,
    /// All fields in their order, the key too; not the two times that every record has.
    pub fields: Vec<Field>,
    /// Whose child it is.
    #[serde(default)]
    pub parent: Option<Parent>,
    /// Its states.
    #[serde(default)]
    pub states: Option<States>,
    /// What keeps it.
    pub backend: BackendKind,
    /// How long a record lives after its last change, in seconds.
    #[serde(default)]
    pub ttl_s: Option<u64>,
    /// What a write is announced as.
    pub event: String,
    /// Who may read.
    pub read: Role,
    /// Who may write.
    pub write: Role,
}

/// A field of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Whether a record must have it.
    #[serde(default)]
    pub required: bool,
    /// What a record has that does not say.
    #[serde(default)]
    pub default: Option<Value>,
    /// Longest text, in characters.
    pub max_length: u64,
    /// The only texts there are; empty: any.
    #[serde(default)]
    pub values: Vec<String>,
    /// Whether it is found without looking at every record.
    #[serde(default)]
    pub index: bool,
    /// Whether its words are searched.
    #[serde(default)]
    pub search: bool,
    /// Whether it has a column of its own in tables; it keeps that when its index goes.
    #[serde(default)]
    pub column: bool,
    /// One sentence on what it means.
    #[serde(default)]
    pub description: String,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Characters.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A time, to the millisecond.
    Time,
    /// Any object or list.
    Json,
}

impl FieldType {
    /// All of them, as declarations write them.
    pub const ALL: [(&str, Self); 6] = [
        ("text", Self::Text),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("time", Self::Time),
        ("json", Self::Json),
    ];

    /// As declarations write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// Whose child a record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The parent's collection.
    pub collection: String,
    /// The field that holds the parent's key.
    pub field: String,
    /// What follows the parent's id in the path of its children, such as `tasks`.
    pub list: String,
}

/// States of a collection's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct States {
    /// The field that holds the state.
    pub field: String,
    /// States in which a record is not done.
    pub open: Vec<String>,
}

/// What keeps a collection's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendKind {
    /// The metadata database itself.
    Sqlite,
    /// A MySQL or MariaDB server.
    Mysql,
    /// A PostgreSQL server.
    Postgres,
    /// A Redis server.
    Redis,
}

impl BackendKind {
    /// All of them, as declarations write them.
    pub const ALL: [(&str, Self); 4] =
        [("sqlite", Self::Sqlite), ("mysql", Self::Mysql), ("postgres", Self::Postgres), ("redis", Self::Redis)];

    /// As declarations write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

impl BackendKind {
    /// The server's name.
    #[must_use]
    pub fn server(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Mysql => "MySQL",
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
        }
    }

    /// The setting that names the server.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::Sqlite => "DATABASE_URL",
            Self::Mysql => "RECORDS_MYSQL_URL",
            Self::Postgres => "RECORDS_POSTGRES_URL",
            Self::Redis => "RECORDS_REDIS_URL",
        }
    }
}

impl Collection {
    /// The field of that name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Fields with a column of their own in tables, but the key.
    pub fn columns(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.column && field.name != self.key)
    }

    /// Whether records are found by it without looking at all of them.
    #[must_use]
    pub fn is_indexed(&self, name: &str) -> bool {
        name == self.key || name == self.time || self.field(name).is_some_and(|field| field.index)
    }

    /// Whether words are looked for in some of its fields.
    #[must_use]
    pub fn is_searched(&self) -> bool {
        self.fields.iter().any(|field| field.search && field.kind == FieldType::Text)
    }

    /// What the types of its records begin with in documents and the graph, such as `WorkOrders`: another for each name.
    #[must_use]
    pub fn type_name(&self) -> String {
        let word = |word: &str| match word.chars().next() {
            Some(first) if first.is_ascii_lowercase() => {
                first.to_ascii_uppercase().to_string() + word.get(1..).unwrap_or("")
            }
            _ => format!("_{word}"),
        };
        self.name.split('_').map(word).collect()
    }

    /// The table that keeps it in a database.
    #[must_use]
    pub fn table(&self) -> String {
        format!("records_{}", self.name)
    }

    /// Its states, where they are declared, in the order of their field's values.
    #[must_use]
    pub fn all_states(&self) -> &[String] {
        let field = self.states.as_ref().and_then(|states| self.field(&states.field));
        field.map_or(&[], |field| &field.values)
    }
}
