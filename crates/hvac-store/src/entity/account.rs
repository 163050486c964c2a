//! `accounts`: people and services that may ask.

use sea_orm::entity::prelude::*;

use super::types::{AccountKind, AccountRole, FreeMetadata};

/// A person or a service.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Unique, whatever its case.
    pub name: String,
    /// Person or service.
    pub kind: AccountKind,
    /// The most it may do.
    pub role: AccountRole,
    /// Of a person with a password, Argon2id in PHC form.
    pub password_hash: Option<String>,
    /// Language, units, theme.
    #[sea_orm(column_type = "JsonBinary")]
    pub preferences: FreeMetadata,
    /// Set while it may do nothing.
    pub disabled_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
