//! The limits of the diagnostics: defaults, and what a request says instead.

use serde::{Deserialize, Serialize};

/// What is a fault, and from how much data. Every field is a parameter of the request; the defaults' sources stand with
/// the rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct DiagnosticLimits {
    /// Fouling: kW/RT above the machine's own past at like load and lift, as a share; default 0.08.
    #[cfg_attr(feature = "openapi", param(required = false, exclusive_minimum = 0.0))]
    pub fouling_rise: f64,
    /// Low ΔT: how far ΔT lies below the plant's own past at like load, as a share; default 0.2.
    #[cfg_attr(feature = "openapi", param(required = false, exclusive_minimum = 0.0, exclusive_maximum = 1.0))]
    pub delta_t_drop: f64,
    /// Fouling and low ΔT: judged days of the past that are compared with, and that must be there; default 7.
    #[cfg_attr(feature = "openapi", param(required = false, minimum = 3, maximum = 3650))]
    pub past_days: u32,
    /// Fouling and low ΔT: judged days whose median must be beyond the limit, the day itself among them; default 7.
    #[cfg_attr(feature = "openapi", param(required = false, minimum = 1, maximum = 365))]
    pub lasting_days: u32,
    /// Fouling and low ΔT: least share of the machine's usual full load at which a row is judged; default 0.25.
    #[cfg_attr(feature = "openapi", param(required = false, exclusive_minimum = 0.0, exclusive_maximum = 1.0))]
    pub least_load: f64,
    /// Short cycling: a start within this time of the one before is a short cycle, min; default 60.
    #[cfg_attr(feature = "openapi", param(required = false, minimum = 1.0))]
    pub cycle_minutes: f64,
    /// Short cycling: short cycles in a day from which on it is a fault; default 5.
    #[cfg_attr(feature = "openapi", param(required = false, minimum = 1, maximum = 1000))]
    pub cycles_a_day: u32,
    /// Simultaneous heating and cooling: both valves are open above this, %; default 10.
    #[cfg_attr(feature = "openapi", param(required = false, exclusive_minimum = 0.0, exclusive_maximum = 100.0))]
    pub valve_open_pct: f64,
    /// Simultaneous heating and cooling: hours in a day from which on it is a fault; default 1.
    #[cfg_attr(feature = "openapi", param(required = false, exclusive_minimum = 0.0))]
    pub overlap_hours: f64,
    /// Out of schedule: machines stand by habit in a half hour in which they ran on at most this share of the days;
    /// default 0.1.
    #[cfg_attr(feature = "openapi", param(required = false, exclusive_minimum = 0.0, exclusive_maximum = 0.5))]
    pub habit_share: f64,
    /// Out of schedule: hours without a break, within the hours of standing, from which on it is a fault; default 2.
    #[cfg_attr(feature = "openapi", param(required = false, exclusive_minimum = 0.0))]
    pub out_of_schedule_hours: f64,
    /// Best decile: rows of like load and lift that must be there for one; default 20.
    #[cfg_attr(feature = "openapi", param(required = false, minimum = 1, maximum = 1000000))]
    pub like_rows: u32,
}

impl Default for DiagnosticLimits {
    fn default() -> Self {
        Self {
            fouling_rise: 0.08,
            delta_t_drop: 0.2,
            past_days: 7,
            lasting_days: 7,
            least_load: 0.25,
            cycle_minutes: 60.0,
            cycles_a_day: 5,
            valve_open_pct: 10.0,
            overlap_hours: 1.0,
            habit_share: 0.1,
            out_of_schedule_hours: 2.0,
            like_rows: 20,
        }
    }
}

impl DiagnosticLimits {
    /// The first limit that cannot be, by its name, and what it may be.
    #[must_use]
    pub fn wrong(&self) -> Option<(&'static str, &'static str)> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let share = |value: f64| positive(value) && value < 1.0;
        let checks = [
            ("fouling_rise", positive(self.fouling_rise), "a share above 0, such as 0.08"),
            ("delta_t_drop", share(self.delta_t_drop), "a share between 0 and 1, such as 0.2"),
            ("past_days", (3..=3650).contains(&self.past_days), "3 to 3650 days"),
            ("lasting_days", (1..=365).contains(&self.lasting_days), "1 to 365 days"),
            ("least_load", share(self.least_load), "a share between 0 and 1, such as 0.25"),
            ("cycle_minutes", positive(self.cycle_minutes), "minutes above 0"),
            ("cycles_a_day", (1..=1000).contains(&self.cycles_a_day), "1 to 1000"),
            ("valve_open_pct", (0.0..100.0).contains(&self.valve_open_pct), "0 to 100 %"),
            ("overlap_hours", positive(self.overlap_hours), "hours above 0"),
            ("habit_share", (0.0..=0.5).contains(&self.habit_share), "a share of 0 to 0.5"),
            ("out_of_schedule_hours", positive(self.out_of_schedule_hours), "hours above 0"),
            ("like_rows", (1..=1_000_000).contains(&self.like_rows), "1 to 1 000 000"),
        ];
        checks.into_iter().find(|(_, fine, _)| !fine).map(|(name, _, may_be)| (name, may_be))
    }
}
