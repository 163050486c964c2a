//! What a point measures: from a true moment to the true value behind each sensor.

use chrono::Datelike;

use super::plant::RATED_HZ;
use super::site::Moment;
use hvac_points::physics::kw_to_rt;

/// A measurable of the site; states are 1 and 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Signal {
    /// Outside dry-bulb, °C.
    DryBulb,
    /// Outside relative humidity, %.
    Humidity,
    /// Outside wet-bulb, °C.
    WetBulb,
    /// Chilled water to the building, °C.
    ChilledSupply,
    /// Chilled water from the building, °C.
    ChilledReturn,
    /// Chilled water, L/min.
    ChilledFlow,
    /// Condenser water from the towers, °C.
    CondenserSupply,
    /// Condenser water to the towers, °C.
    CondenserReturn,
    /// Condenser water, L/min.
    CondenserFlow,
    /// Cooling, RT.
    Cooling,
    /// Plant power, kW.
    PlantPower,
    /// The whole building's power, kW.
    SitePower,
    /// Speed of the running chilled-water pumps, Hz.
    ChwPumpHz,
    /// Speed of the running condenser-water pumps, Hz.
    CwPumpHz,
    /// Speed of the running tower fans, Hz.
    FanHz,
    /// A measurable of one train (from 0) alone; trains take turns in leading, week by week.
    Train(u32, TrainSignal),
    /// A room's temperature, °C, with its own lean, K.
    Room(f64),
    /// An air handler's fan.
    AirRunning,
    /// An air handler's supply air, °C.
    AirSupply,
    /// An air handler's return air, °C.
    AirReturn,
    /// An air handler's chilled-water valve, %.
    AirValve,
}

/// A measurable of one train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainSignal {
    /// On or off.
    Running,
    /// Chiller, kW.
    ChillerPower,
    /// Chiller, % of its rated cooling.
    ChillerLoad,
    /// Chilled-water pump, kW.
    ChwPumpPower,
    /// Chilled-water pump, Hz.
    ChwPumpHz,
    /// Condenser-water pump, kW.
    CwPumpPower,
    /// Condenser-water pump, Hz.
    CwPumpHz,
    /// Tower fan, kW.
    FanPower,
    /// Tower fan, Hz.
    FanHz,
}

impl Signal {
    /// The least and the most that its sensor can read.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        match self {
            Self::Humidity | Self::AirValve => (0.0, 100.0),
            Self::DryBulb | Self::WetBulb | Self::Room(_) | Self::AirSupply | Self::AirReturn => (-50.0, 100.0),
            Self::ChilledSupply | Self::ChilledReturn | Self::CondenserSupply | Self::CondenserReturn => (-50.0, 100.0),
            _ => (0.0, f64::INFINITY),
        }
    }

    /// The true value at that moment, of a plant with `trains` trains.
    #[must_use]
    pub fn value(&self, moment: &Moment, trains: u32) -> f64 {
        let Moment { sky, operation: op, set, occupancy, .. } = moment;
        let running = |value: f64| if op.trains > 0 { value } else { 0.0 };
        let cooling_share = (op.cooling_kw / 4000.0).min(1.0);
        match *self {
            Self::DryBulb => sky.dry_bulb_c,
            Self::Humidity => sky.relative_humidity_pct,
            Self::WetBulb => sky.wet_bulb_c,
            Self::ChilledSupply => op.chwst_c,
            Self::ChilledReturn => op.chwrt_c,
            Self::ChilledFlow => op.chw_lpm,
            Self::CondenserSupply => op.cwst_c,
            Self::CondenserReturn => op.cwrt_c,
            Self::CondenserFlow => op.cw_lpm,
            Self::Cooling => kw_to_rt(op.cooling_kw),
            Self::PlantPower => op.total_kw(),
            Self::SitePower => op.total_kw() + 350.0 + 1400.0 * occupancy,
            Self::ChwPumpHz => running(set.chw_pump_hz),
            Self::CwPumpHz => running(set.cw_pump_hz),
            Self::FanHz => running(set.tower_fan_hz),
            Self::Train(train, signal) => {
                let week = moment.at.iso_week().week();
                let turn = (train + week).checked_rem(trains).unwrap_or(0);
                if turn < op.trains { signal.value(moment) } else { 0.0 }
            }
            Self::Room(lean_k) => 23.0 + lean_k + 0.06 * (sky.dry_bulb_c - 25.0) + 1.4 * (1.0 - occupancy),
            Self::AirRunning => f64::from(*occupancy > 0.05),
            Self::AirSupply if *occupancy > 0.05 => op.chwst_c + 6.5,
            Self::AirSupply => 21.5 + 0.1 * sky.dry_bulb_c,
            Self::AirReturn => 24.0 + 0.05 * (sky.dry_bulb_c - 25.0) + 0.5 * occupancy,
            Self::AirValve if *occupancy > 0.05 => 15.0 + 80.0 * cooling_share,
            Self::AirValve => 0.0,
        }
    }
}

impl TrainSignal {
    /// The true value of a train that runs.
    fn value(self, moment: &Moment) -> f64 {
        let Moment { operation: op, set, .. } = moment;
        let each = |sum_kw: f64| sum_kw / f64::from(op.trains.max(1));
        match self {
            Self::Running => 1.0,
            Self::ChillerPower => each(op.chiller_kw),
            Self::ChillerLoad => 100.0 * each(op.cooling_kw) / 1406.7,
            Self::ChwPumpPower => each(op.chw_pump_kw),
            Self::ChwPumpHz => set.chw_pump_hz.min(RATED_HZ),
            Self::CwPumpPower => each(op.cw_pump_kw),
            Self::CwPumpHz => set.cw_pump_hz.min(RATED_HZ),
            Self::FanPower => each(op.tower_fan_kw),
            Self::FanHz => set.tower_fan_hz.min(RATED_HZ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use chrono::NaiveDate;

    use super::super::load::Use;
    use super::super::site::{Site, SiteSpec};
    use super::super::weather::Climate;
    use super::*;

    /// What the trains' meters say adds up to what the plant's says, whichever trains run.
    #[test]
    fn trains_add_up_to_the_plant() {
        let spec = SiteSpec {
            seed: 8,
            building: Use::Hospital,
            trains: 3,
            climate: Climate::SUBTROPICAL,
            start: NaiveDate::from_ymd_opt(2016, 2, 1).unwrap().and_hms_opt(0, 0, 0).unwrap(),
            step_minutes: 60,
            steps: 24 * 150,
        };
        let mut seen = [false; 4];
        for moment in Site::new(spec) {
            let sum = |signal| (0..3).map(|t| Signal::Train(t, signal).value(&moment, 3)).sum::<f64>();
            let parts =
                [TrainSignal::ChillerPower, TrainSignal::ChwPumpPower, TrainSignal::CwPumpPower, TrainSignal::FanPower];
            let total: f64 = parts.map(sum).iter().sum();
            assert!((total - moment.operation.total_kw()).abs() < 1e-9);
            let count = moment.operation.trains as usize;
            assert_eq!(sum(TrainSignal::Running), count as f64);
            seen[count] = true;
        }
        assert!(seen[1] && seen[2] && seen[3], "half a year meets one to three trains: {seen:?}");
    }
}
