//! How somebody likes the page: language, units, theme, and what else a page wants to remember.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::own_or_admin;
use super::store::{self, Change};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits::MOST_METADATA_BYTES;
use crate::state::AppState;
use hvac_store::entity::FreeMetadata;
use hvac_store::now;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// 繁體中文.
    #[serde(rename = "zh-Hant")]
    TraditionalChinese,
}

/// In which units values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Units {
    /// °C, L/s, kW.
    #[serde(rename = "SI")]
    Si,
    /// °F, gpm, RT.
    #[serde(rename = "IP")]
    Ip,
}

/// Colours of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has them.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// How somebody likes the page; what is null is for the page to choose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    /// Language.
    pub language: Option<Language>,
    /// Units.
    pub units: Option<Units>,
    /// Colours.
    pub theme: Option<Theme>,
    /// What else a page wants to remember, at most 64 KiB of JSON with all the rest.
    pub others: BTreeMap<String, Value>,
}

/// The preferences of an account.
///
/// # Errors
/// `forbidden` for another's, unless an admin asks; 404 when there is none.
pub async fn get(state: &AppState, account_id: &str) -> Result<Preferences> {
    own_or_admin(state.principal(), account_id)?;
    let FreeMetadata(kept) = store::account(state.store.db.read(), account_id).await?.preferences;
    serde_json::from_value(Value::Object(kept.into_iter().collect())).internal("reading an account's preferences")
}

/// States the preferences of an account, in place of those it has.
///
/// # Errors
/// As [`get`]; 422 when they are too long.
pub async fn put(state: &AppState, account_id: &str, preferences: Preferences) -> Result<Preferences> {
    own_or_admin(state.principal(), account_id)?;
    let json = serde_json::to_string(&preferences).internal("writing an account's preferences")?;
    if json.len() > MOST_METADATA_BYTES {
        let message =
            format!("others: the preferences are {} bytes of JSON; at most {MOST_METADATA_BYTES} are kept", json.len());
        return Err(Error::invalid("others", codes::METADATA_TOO_LARGE, message));
    }
    let kept: FreeMetadata = serde_json::from_str(&json).internal("writing an account's preferences")?;
    let txn = state.store.db.begin().await?;
    store::change(&txn, account_id, Change::Preferences(kept), now()).await?;
    audit::note(&txn, state.principal(), Act::on("user.preferences", "user", account_id)).await?;
    txn.commit().await.internal("writing an account's preferences")?;
    Ok(preferences)
}
