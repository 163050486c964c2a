//! `energy_prices`: what electricity costs at a site.

use sea_orm::entity::prelude::*;

/// What a user said that a kilowatt-hour costs.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "energy_prices")]
pub struct Model {
    /// The site.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site: String,
    /// ISO 4217, such as `TWD`.
    pub currency: String,
    /// Price of 1 kWh.
    pub per_kwh: f64,
    /// When it was stated.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
