//! `manifests`: how far each session's `session.json` is behind the catalogue.

use sea_orm::entity::prelude::*;

/// Raised by triggers, in the transaction of whatever changes what `session.json` says. A session that has not changed
/// since the table was made has no row.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "manifests")]
pub struct Model {
    /// The session.
    #[sea_orm(primary_key, auto_increment = false)]
    pub session_id: String,
    /// Goes up with each change: its time, ms since 1970, or the next number.
    pub revision: i64,
    /// The revision that the file is known to be of, or less: it is noted some time later.
    pub written: i64,
}

impl ActiveModelBehavior for ActiveModel {}
