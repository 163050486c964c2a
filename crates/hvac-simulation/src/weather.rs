//! Outside air: a season, a day, and weather that comes and goes over days.
//!
//! Dry-bulb and dew point are made; relative humidity and wet-bulb follow by psychrometrics, so the four
//! always belong together.

use chrono::{Datelike, NaiveDateTime, Timelike};

use super::rng::{Drift, Rng};
use hvac_points::physics::{STANDARD_PRESSURE_PA, humidity_ratio, relative_humidity_pct, wet_bulb_c};

/// A place's climate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Climate {
    /// Mean dry-bulb of the year, °C.
    pub mean_c: f64,
    /// Half the difference between the hottest and the coldest month, K.
    pub season_k: f64,
    /// Half the difference between afternoon and dawn of a clear day, K.
    pub day_k: f64,
    /// How far the dew point lies below the day's mean on average, K.
    pub dew_depression_k: f64,
    /// Air pressure, Pa.
    pub pressure_pa: f64,
}

impl Climate {
    /// Warm and humid, like northern Taiwan at sea level: 16 °C in January, 30 °C in July.
    pub const SUBTROPICAL: Self =
        Self { mean_c: 23.2, season_k: 6.8, day_k: 3.6, dew_depression_k: 5.0, pressure_pa: STANDARD_PRESSURE_PA };
    /// Mild and damp, like London: 4.5 °C in January, 18 °C in July.
    pub(crate) const MARITIME: Self =
        Self { mean_c: 11.5, season_k: 7.0, day_k: 3.4, dew_depression_k: 4.0, pressure_pa: STANDARD_PRESSURE_PA };
    /// Cold winters, hot and rather dry summers, 1000 m above the sea: −3 °C in January, 25 °C in July.
    pub(crate) const CONTINENTAL: Self =
        Self { mean_c: 11.0, season_k: 14.0, day_k: 6.0, dew_depression_k: 8.0, pressure_pa: 89_900.0 };
}

/// The air and the sun at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sky {
    /// °C.
    pub dry_bulb_c: f64,
    /// %.
    pub relative_humidity_pct: f64,
    /// °C; never above the dry-bulb.
    pub wet_bulb_c: f64,
    /// kg of water a kg of dry air.
    pub humidity_ratio: f64,
    /// Pa.
    pub pressure_pa: f64,
    /// Sun as a share of a clear summer noon.
    pub sun: f64,
}

/// The weather of a place, stepped through time.
#[derive(Debug, Clone)]
pub struct Weather {
    climate: Climate,
    warmth: Drift,
    moisture: Drift,
    cloud: Drift,
}

impl Weather {
    /// Weather that is asked for every `step_hours`.
    #[must_use]
    pub fn new(climate: Climate, seed: u64, step_hours: f64) -> Self {
        let drift = |stream, tau_hours| Drift::new(Rng::new(seed, stream), tau_hours, step_hours);
        Self {
            climate,
            warmth: drift("weather/warmth", 48.0),
            moisture: drift("weather/moisture", 36.0),
            cloud: drift("weather/cloud", 9.0),
        }
    }

    /// The sky one step after the last one, at local time `at`.
    pub fn step(&mut self, at: NaiveDateTime) -> Sky {
        let Climate { mean_c, season_k, day_k, dew_depression_k, pressure_pa } = self.climate;
        let hour = hour_of_day(at);
        let clear = (0.6 + 0.35 * self.cloud.step()).clamp(0.1, 1.0);
        // Hottest around 27 July (day 208) and at 14:00.
        let day_mean_c = mean_c + season_k * wave(f64::from(at.ordinal()), 208.0, 365.25) + 2.0 * self.warmth.step();
        let dry_bulb_c = (day_mean_c + day_k * (0.5 + 0.5 * clear) * wave(hour, 14.0, 24.0)).clamp(-15.0, 45.0);
        let dew_c = (day_mean_c - dew_depression_k + 2.0 * self.moisture.step()).min(dry_bulb_c - 0.2);

        let humidity_ratio = humidity_ratio(dew_c, 100.0, pressure_pa).unwrap_or_default();
        let relative_humidity_pct =
            relative_humidity_pct(dry_bulb_c, humidity_ratio, pressure_pa).unwrap_or(100.0).clamp(1.0, 100.0);
        Sky {
            dry_bulb_c,
            relative_humidity_pct,
            wet_bulb_c: wet_bulb_c(dry_bulb_c, relative_humidity_pct, pressure_pa).unwrap_or(dry_bulb_c),
            humidity_ratio,
            pressure_pa,
            sun: clear * wave(hour, 12.0, 24.0).max(0.0),
        }
    }
}

/// Hours since midnight.
#[must_use]
pub(crate) fn hour_of_day(at: NaiveDateTime) -> f64 {
    f64::from(at.num_seconds_from_midnight()) / 3600.0
}

/// A cosine of that period, 1 at `peak`.
fn wave(x: f64, peak: f64, period: f64) -> f64 {
    (std::f64::consts::TAU * (x - peak) / period).cos()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use chrono::{NaiveDate, TimeDelta};

    use super::*;

    fn year() -> Vec<(NaiveDateTime, Sky)> {
        let mut weather = Weather::new(Climate::SUBTROPICAL, 3, 1.0);
        let start = NaiveDate::from_ymd_opt(2016, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
        (0..8784).map(|h| start + TimeDelta::hours(h)).map(|at| (at, weather.step(at))).collect()
    }

    #[test]
    fn air_is_possible() {
        for (at, sky) in year() {
            assert!(sky.wet_bulb_c <= sky.dry_bulb_c, "{at} {sky:?}");
            assert!((1.0..=100.0).contains(&sky.relative_humidity_pct), "{at} {sky:?}");
            assert!((0.0..=1.0).contains(&sky.sun), "{at} {sky:?}");
        }
    }

    #[test]
    fn has_seasons_and_days() {
        let mean = |keep: &dyn Fn(&NaiveDateTime) -> bool| {
            let kept: Vec<f64> = year().iter().filter(|(at, _)| keep(at)).map(|(_, s)| s.dry_bulb_c).collect();
            kept.iter().sum::<f64>() / kept.len() as f64
        };
        let (january, july) = (mean(&|at| at.month() == 1), mean(&|at| at.month() == 7));
        assert!((14.0..19.0).contains(&january) && (27.5..32.5).contains(&july), "{january} {july}");
        assert!(mean(&|at| at.hour() == 14) > mean(&|at| at.hour() == 3) + 3.0);
    }
}
