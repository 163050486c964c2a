//! `report_overrides`: how reports of a shape are read that a site has had before.

use sea_orm::entity::prelude::*;

/// What a user stated of reports of one shape.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "report_overrides")]
pub struct Model {
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site: String,
    /// Hash of format, sheets and header names.
    #[sea_orm(primary_key, auto_increment = false)]
    pub shape: String,
    /// The report that it was stated for last.
    pub file_name: String,
    /// What was stated.
    #[sea_orm(column_type = "JsonBinary")]
    pub options: Json,
    /// When.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
