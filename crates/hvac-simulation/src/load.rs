//! How much cooling a building asks for: its use, its envelope, its air, and chance.

use chrono::{Datelike, NaiveDateTime, Weekday};

use super::rng::{Drift, Rng};
use super::weather::{Sky, hour_of_day};

/// Who is in the building, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// 07–20 h on weekdays, half on Saturday mornings, empty otherwise: the plant stands at night.
    Office,
    /// Always, and more by day.
    Hospital,
}

impl Use {
    /// Share of the building in use, 0…1.
    #[must_use]
    pub(crate) fn occupancy(self, at: NaiveDateTime) -> f64 {
        let hour = hour_of_day(at);
        let day = ramp(hour, 7.0, 9.0) - ramp(hour, 17.5, 20.0);
        match (self, at.weekday()) {
            (Self::Office, Weekday::Sun) => 0.0,
            (Self::Office, Weekday::Sat) => 0.5 * (ramp(hour, 7.5, 9.0) - ramp(hour, 12.0, 14.0)),
            (Self::Office, _) => day,
            (Self::Hospital, Weekday::Sat | Weekday::Sun) => 0.45 + 0.3 * day,
            (Self::Hospital, _) => 0.45 + 0.55 * day,
        }
    }
}

/// A building's demand, stepped through time.
#[derive(Debug, Clone)]
pub struct Demand {
    building: Use,
    peak_kw: f64,
    mood: Drift,
    flicker: Rng,
}

impl Demand {
    /// A building that asks for about `peak_kw` on a summer afternoon; asked every `step_hours`.
    #[must_use]
    pub fn new(building: Use, peak_kw: f64, seed: u64, step_hours: f64) -> Self {
        let mood = Drift::new(Rng::new(seed, "load/mood"), 6.0, step_hours);
        Self { building, peak_kw, mood, flicker: Rng::new(seed, "load/flicker") }
    }

    /// Cooling asked for, kW, one step after the last one.
    ///
    /// People and machines by occupancy; heat through walls above 17 °C; fresh air's moisture above 8 g/kg;
    /// sun. In offices the last three count only as far as the building is run.
    pub fn step(&mut self, at: NaiveDateTime, sky: &Sky) -> f64 {
        let occupancy = self.building.occupancy(at);
        let weather = 0.34 * ((sky.dry_bulb_c - 17.0) / 17.0).max(0.0)
            + 0.26 * ((sky.humidity_ratio - 0.008) / 0.014).max(0.0)
            + 0.10 * sky.sun;
        let share = match self.building {
            Use::Office => 0.32 * occupancy + weather * occupancy.sqrt(),
            Use::Hospital => 0.10 + 0.24 * occupancy + weather * (0.55 + 0.45 * occupancy),
        };
        let chance = 1.0 + 0.05 * self.mood.step() + 0.01 * self.flicker.normal();
        self.peak_kw * (share * chance).clamp(0.0, 1.1)
    }
}

/// 0 before `from`, 1 after `to`, straight between.
fn ramp(x: f64, from: f64, to: f64) -> f64 {
    ((x - from) / (to - from)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use chrono::NaiveDate;

    use super::*;

    fn at(day: u32, hour: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2024, 7, day).unwrap().and_hms_opt(hour, 0, 0).unwrap()
    }

    fn sky(dry_bulb_c: f64) -> Sky {
        Sky {
            dry_bulb_c,
            relative_humidity_pct: 60.0,
            wet_bulb_c: dry_bulb_c - 5.0,
            humidity_ratio: 0.015,
            pressure_pa: 101_325.0,
            sun: 0.5,
        }
    }

    /// 5 July 2024 was a Friday.
    #[test]
    fn offices_sleep_and_hospitals_do_not() {
        assert_eq!(Use::Office.occupancy(at(5, 3)), 0.0);
        assert_eq!(Use::Office.occupancy(at(5, 11)), 1.0);
        assert_eq!(Use::Office.occupancy(at(6, 10)), 0.5);
        assert_eq!(Use::Office.occupancy(at(7, 11)), 0.0);
        assert!(Use::Hospital.occupancy(at(7, 3)) > 0.4);
        assert!(Use::Hospital.occupancy(at(5, 11)) > Use::Hospital.occupancy(at(7, 11)));
    }

    #[test]
    fn hotter_days_ask_for_more() {
        let demand = |t| Demand::new(Use::Hospital, 3000.0, 1, 0.25).step(at(5, 14), &sky(t));
        assert!(demand(35.0) > demand(28.0) && demand(28.0) > demand(20.0));
        assert_eq!(Demand::new(Use::Office, 3000.0, 1, 0.25).step(at(7, 3), &sky(28.0)), 0.0);
    }
}
