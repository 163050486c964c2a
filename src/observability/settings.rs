//! The settings as they are in force, and where each came from. Secrets are hidden where settings are read
//! ([`crate::config`]): they never get here.

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{Config, Origin, SettingInForce};

/// Every setting of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettingsInForce {
    /// In the order of `.env.example`.
    pub settings: Vec<SettingAnswer>,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettingAnswer {
    /// Its environment variable.
    #[schema(example = "PORT")]
    pub name: &'static str,
    /// What it is; null when it is unset. `***` stands for a secret.
    #[schema(example = "8000")]
    pub value: Option<String>,
    /// What it would be when nobody said anything; null when it would be unset.
    #[schema(example = "8000")]
    pub default: Option<&'static str>,
    /// `flag`, `environment`, `env_file` or `default`.
    #[schema(example = "default")]
    pub origin: &'static str,
}

/// The settings that this process started with.
#[must_use]
pub fn in_force(config: &Config) -> SettingsInForce {
    let said = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    let answer = |setting: &SettingInForce| SettingAnswer {
        name: setting.variable,
        value: Some(setting.shown.clone()).filter(|value| !value.is_empty()),
        default: said(setting.default),
        origin: match setting.origin {
            Origin::Flag => "flag",
            Origin::Environment => "environment",
            Origin::EnvFile => "env_file",
            Origin::Default => "default",
        },
    };
    SettingsInForce { settings: config.in_force.iter().map(answer).collect() }
}
