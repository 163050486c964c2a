//! `parse_reports`: what parses found whose files do not say it themselves, those of earlier versions of this program.

use sea_orm::entity::prelude::*;

use super::types::ReportText;

/// What a parse found.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "parse_reports")]
pub struct Model {
    /// The dataset that it made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub dataset_id: String,
    /// As it was answered.
    #[sea_orm(column_type = "JsonBinary")]
    pub report: ReportText,
    /// The dataset.
    #[sea_orm(belongs_to, from = "dataset_id", to = "id", on_delete = "Cascade")]
    pub dataset: BelongsTo<super::parsed_dataset::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
