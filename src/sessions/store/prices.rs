//! What users said that electricity costs at a site.

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};

use crate::error::{Context, Result};
use hvac_store::entity::energy_price;

/// The price at a site, if one was stated.
pub async fn of(db: &impl ConnectionTrait, site: &str) -> Result<Option<energy_price::Model>> {
    energy_price::Entity::find_by_id(site).one(db).await.internal("looking up an energy price")
}

/// States it, in place of what was stated.
pub async fn put(txn: &impl ConnectionTrait, row: energy_price::Model) -> Result<()> {
    let known = of(txn, &row.site).await?;
    let row = row.into_active_model().reset_all();
    let saved = if known.is_none() { row.insert(txn).await } else { row.update(txn).await };
    saved.internal("stating an energy price")?;
    Ok(())
}

/// Forgets it.
pub async fn forget(txn: &impl ConnectionTrait, site: &str) -> Result<()> {
    energy_price::Entity::delete_by_id(site).exec(txn).await.internal("forgetting an energy price")?;
    Ok(())
}
