//! `site_overrides`: what users know better about a site's points.

use sea_orm::entity::prelude::*;

use super::types::PointKind;

/// What a user said of one point; what is none is told from the reports.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "site_overrides")]
pub struct Model {
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site: String,
    /// The point's name in the reports.
    #[sea_orm(primary_key, auto_increment = false)]
    pub original_name: String,
    /// Name to store it under.
    pub name: Option<String>,
    /// Unit.
    pub unit: Option<String>,
    /// Kind.
    pub kind: Option<PointKind>,
}

impl ActiveModelBehavior for ActiveModel {}
