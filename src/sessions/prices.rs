//! What electricity costs at a site: stated by a user, so that findings can tell energy in money. Never assumed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{manifest, store};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;
use hvac_store::entity::energy_price;
use hvac_store::now;

/// Highest price that is no slip of the decimal point.
const MOST_PER_KWH: f64 = 1e6;

/// What a kilowatt-hour costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnergyPrice {
    /// ISO 4217, such as `TWD`.
    #[schema(pattern = "^[A-Z]{3}$", example = "TWD")]
    pub currency: String,
    /// Price of 1 kWh, above 0.
    #[schema(exclusive_minimum = 0.0, maximum = 1e6, example = 3.5)]
    pub per_kwh: f64,
}

/// A site's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SiteSettings {
    /// The site.
    pub site: String,
    /// What a kilowatt-hour costs; null when nobody stated it.
    pub energy_price: Option<EnergyPrice>,
}

/// What a site's settings shall be.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatedSettings {
    /// What a kilowatt-hour costs; null forgets it.
    pub energy_price: Option<EnergyPrice>,
}

/// The settings of a site.
///
/// # Errors
/// When the database cannot be read.
pub async fn of(state: &AppState, site: &str) -> Result<SiteSettings> {
    let db = state.store.db.read();
    let is_known = store::remembered::is_known_to(db, state.principal(), site).await?;
    let row = if is_known { store::prices::of(db, site).await? } else { None };
    let energy_price = row.map(|row| EnergyPrice { currency: row.currency, per_kwh: row.per_kwh });
    Ok(SiteSettings { site: site.to_owned(), energy_price })
}

/// The price at the site of a session, if it has a site and a price was stated.
///
/// # Errors
/// 404 for an unknown session.
pub async fn of_session(state: &AppState, session_id: &str) -> Result<Option<EnergyPrice>> {
    match store::session(state.store.db.read(), state.principal(), session_id).await?.site {
        Some(site) => Ok(of(state, &site).await?.energy_price),
        None => Ok(None),
    }
}

/// States the settings of a site; sessions of it may come later.
///
/// # Errors
/// 422 for a price or currency that cannot be.
pub async fn put(state: &AppState, site: &str, stated: StatedSettings) -> Result<SiteSettings> {
    limits::name("site", site)?;
    let txn = state.store.db.begin().await?;
    store::remembered::refuse_others(&txn, state.principal(), site).await?;
    match stated.energy_price {
        Some(EnergyPrice { currency, per_kwh }) => {
            check(&currency, per_kwh)?;
            let row = energy_price::Model { site: site.to_owned(), currency, per_kwh, updated_at: now() };
            store::prices::put(&txn, row).await?;
        }
        None => store::prices::forget(&txn, site).await?,
    }
    let sessions = store::remembered::sessions(&txn, site).await?;
    audit::note(&txn, state.principal(), Act::on("site.change", "site", site)).await?;
    txn.commit().await.internal("stating a site's settings")?;
    // Each session.json of the site tells of them.
    for session_id in sessions {
        manifest::rewrite(state, &session_id).await?;
    }
    of(state, site).await
}

/// Whether a price can be.
///
/// # Errors
/// 422 for a currency that is no code of ISO 4217, or a price out of range.
pub fn check(currency: &str, per_kwh: f64) -> Result<()> {
    if currency.len() != 3 || !currency.chars().all(|c| c.is_ascii_uppercase()) {
        let message = "energy_price.currency: give the three capitals of ISO 4217, such as TWD or EUR";
        return Err(Error::invalid("energy_price.currency", codes::INVALID_FIELD, message));
    }
    if !(per_kwh.is_finite() && per_kwh > 0.0 && per_kwh <= MOST_PER_KWH) {
        let message = format!("energy_price.per_kwh is {per_kwh}: give the price of 1 kWh, above 0");
        return Err(Error::invalid("energy_price.per_kwh", codes::OUT_OF_RANGE, message));
    }
    Ok(())
}
