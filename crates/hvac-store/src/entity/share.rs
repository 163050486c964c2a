//! `shares`: who else may see a session, or all sessions of a site.

use sea_orm::entity::prelude::*;

/// A session or site, and who else sees it.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shares")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The session; or
    pub session_id: Option<String>,
    /// the site.
    pub site: Option<String>,
    /// Who; none: everyone.
    pub account_id: Option<String>,
    /// When it was shared.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
