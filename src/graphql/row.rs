//! What the graph says of a thing: the fields that REST answers, by the same names, and how each is typed.

use std::sync::Arc;

use async_graphql::Value;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, Object, ResolverContext, TypeRef};
use serde::Serialize;

use super::failure::failed;
use crate::error::{Context, Error, Result};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An id.
    Id,
    /// A text.
    Text,
    /// A whole number of any size.
    Whole,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// A list of texts.
    Texts,
    /// Anything that JSON has.
    Free,
}

/// The scalar of whole numbers: GraphQL's own end at 2³¹.
pub const LONG: &str = "Long";
/// The scalar of what has no type of its own.
pub const JSON: &str = "JSON";

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Id => TypeRef::ID,
            Self::Text | Self::Texts => TypeRef::STRING,
            Self::Whole => LONG,
            Self::Number => TypeRef::FLOAT,
            Self::Flag => TypeRef::BOOLEAN,
            Self::Free => JSON,
        }
    }
}

/// A field: its name, its shape, whether it always holds something, and what it says.
pub type FieldSpec = (String, Shape, bool, String);
/// The same of a field that is known when the program is built.
pub type FieldRow = (&'static str, Shape, bool, &'static str);

/// Fields of a table.
pub fn specs(rows: &'static [FieldRow]) -> impl Iterator<Item = FieldSpec> {
    rows.iter().map(|(name, shape, always, says)| ((*name).to_owned(), *shape, *always, (*says).to_owned()))
}

/// What REST answers of a thing. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Row(Arc<serde_json::Map<String, serde_json::Value>>);

impl Row {
    /// Of an answer.
    ///
    /// # Errors
    /// Internal when it is no object.
    pub fn of(answer: &impl Serialize) -> Result<Self> {
        match serde_json::to_value(answer).internal("writing a row of the graph")? {
            serde_json::Value::Object(fields) => Ok(Self(Arc::new(fields))),
            _ => Err(Error::internal("a row of the graph is no object")),
        }
    }

    /// A field's text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A field's value; none where it has none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Value> {
        let value = self.0.get(name).filter(|value| !value.is_null())?;
        Value::from_json(value.clone()).ok()
    }
}

impl From<Row> for FieldValue<'_> {
    fn from(row: Row) -> Self {
        Self::owned_any(row)
    }
}

/// The row that a field is of.
///
/// # Errors
/// Internal when it is of something else.
pub fn parent<'a>(context: &ResolverContext<'a>) -> async_graphql::Result<&'a Row> {
    let row = context.parent_value.downcast_ref::<Row>();
    row.ok_or_else(|| failed(&Error::internal("a field of the graph is of no row")))
}

/// A type with these fields.
#[must_use]
pub fn object(name: &str, says: &str, fields: impl IntoIterator<Item = FieldSpec>) -> Object {
    fields.into_iter().fold(Object::new(name).description(says), |object, (name, shape, always, says)| {
        let kind = match (shape, always) {
            (Shape::Texts, _) => TypeRef::named_nn_list_nn(shape.name()),
            (_, true) => TypeRef::named_nn(shape.name()),
            (_, false) => TypeRef::named(shape.name()),
        };
        let of = name.clone();
        let field = Field::new(name, kind, move |context| match parent(&context) {
            Ok(row) => FieldFuture::from_value(row.value(&of)),
            Err(error) => FieldFuture::new(async move { Err::<Option<Value>, _>(error) }),
        });
        object.field(field.description(says))
    })
}
