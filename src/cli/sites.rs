//! `sites`: what electricity costs at a site.

use clap::Args;

use super::out::{print, print_json};
use crate::error::Result;
use crate::sessions::prices::{self, EnergyPrice, SiteSettings, StatedSettings};
use crate::state::AppState;

/// Which site, and what to state of it.
#[derive(Debug, Args)]
pub struct SitesArgs {
    /// The site
    site: String,
    /// What a kilowatt-hour costs there: '3.5 TWD'
    #[arg(long, value_name = "PRICE CURRENCY", value_parser = price)]
    energy_price: Option<EnergyPrice>,
    /// Forget what a kilowatt-hour costs there
    #[arg(long, conflicts_with = "energy_price")]
    no_energy_price: bool,
}

fn price(text: &str) -> Result<EnergyPrice, String> {
    let form = || "write price and currency: '3.5 TWD'".to_owned();
    let (price, currency) = text.trim().split_once(' ').ok_or_else(form)?;
    let per_kwh = price.parse().map_err(|_| form())?;
    Ok(EnergyPrice { currency: currency.trim().to_owned(), per_kwh })
}

/// Shows or states a site's settings.
///
/// # Errors
/// As [`prices::put`].
pub async fn run(state: &AppState, args: SitesArgs, json: bool) -> Result<()> {
    let settings = if args.energy_price.is_some() || args.no_energy_price {
        prices::put(state, &args.site, StatedSettings { energy_price: args.energy_price }).await?
    } else {
        prices::of(state, &args.site).await?
    };
    if json {
        return print_json(&settings);
    }
    let SiteSettings { site, energy_price } = settings;
    print(match energy_price {
        Some(EnergyPrice { currency, per_kwh }) => format!("{site}: 1 kWh costs {per_kwh} {currency}"),
        None => format!("{site}: no energy price is stated"),
    })
}
