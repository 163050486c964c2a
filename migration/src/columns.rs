//! Columns that many tables share, so that an id or a time is the same everywhere.

use sea_orm_migration::prelude::*;
pub(crate) use sea_orm_migration::schema::{big_integer, big_integer_null, integer, string, string_null, text_null};
use sea_orm_migration::schema::{json_binary, timestamp_with_time_zone, timestamp_with_time_zone_null};

/// UUID v7 text: sorts by creation, and is the same on every database.
pub(crate) fn id() -> ColumnDef {
    string("id").primary_key().take()
}

/// A time, UTC.
pub(crate) fn time(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone(name)
}

/// A time that may not have come yet, UTC.
pub(crate) fn time_null(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone_null(name)
}

/// A typed document.
pub(crate) fn document(name: &'static str) -> ColumnDef {
    json_binary(name)
}

/// A word out of a closed list.
pub(crate) fn word(name: &'static str, words: &[&'static str]) -> ColumnDef {
    string(name).check(Expr::col(name).is_in(words.iter().copied())).take()
}

/// Whether the file a row refers to is what it was when it was published.
pub(crate) fn integrity() -> ColumnDef {
    word("integrity", &["ok", "missing", "damaged"]).default("ok").take()
}

/// Reference to the session a row belongs to; purging the session takes the row with it.
pub(crate) fn of_session(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_session"))
        .from(table, "session_id")
        .to("upload_sessions", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

/// An index named after its table and columns.
pub(crate) fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(format!("ix_{table}_{}", columns.join("_"))).table(table).take();
    for column in columns {
        index.col(*column);
    }
    index
}
