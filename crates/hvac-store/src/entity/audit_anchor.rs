//! `audit_anchor`: where the list of what was done begins.

use sea_orm::entity::prelude::*;

/// The last entry that was let go for its age; one row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_anchor")]
pub struct Model {
    /// 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// Its number.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

impl ActiveModelBehavior for ActiveModel {}
