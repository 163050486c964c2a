//! `optimization_outcomes`: what became of recommendations.

use sea_orm::entity::prelude::*;

/// One statement about a recommendation; the one of the highest revision holds.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "optimization_outcomes")]
pub struct Model {
    /// The recommendation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: String,
    /// From 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i32,
    /// Whether its set-points were set.
    pub applied: bool,
    /// Since when.
    pub applied_at: Option<DateTimeUtc>,
    /// Until when, if they were changed again.
    pub applied_until: Option<DateTimeUtc>,
    /// The session with the data after; the newest of the site when none is named.
    pub session_id: Option<String>,
    /// Whatever is to be said of it.
    pub note: Option<String>,
    /// When it was stated.
    pub created_at: DateTimeUtc,
    /// The recommendation.
    #[sea_orm(belongs_to, from = "run_id", to = "id", on_delete = "Cascade")]
    pub run: BelongsTo<super::optimization_run::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
