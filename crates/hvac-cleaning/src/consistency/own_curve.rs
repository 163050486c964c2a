//! What a chiller draws for its own load and lift: a law of its power meter beside the plant's total.
//!
//! ln P = a + b·ln Q + c·(ln Q)² + d·lift, with Q by its own flow and ΔT and the lift from leaving chilled to leaving condenser
//! water (AHRI 550/590 rates a chiller by load and lift alone). The slopes are learnt within days only, so that neither a
//! meter's error nor fouling bends them. Fouling moves it as a meter's error would: so it counts half, and accuses nobody
//! without a law of nature.

use hvac_points::physics::water_heat_kw;
use hvac_points::{MachineKind, Role};

use super::plant::Plant;
use super::relation::{LEAST_DELTA_K, Law};
use super::robust::median_of;
use crate::within_days::{Row, fit};

/// Instants that a curve is learnt from.
const LEAST_INSTANTS: usize = 150;
/// How much it counts.
const STRENGTH: f64 = 0.5;

/// Adds the law of every chiller's power whose own water is measured.
pub(super) fn bind(plant: &mut Plant<'_>, at_ms: &[i64]) {
    for power in plant.all_of(Role::Power, MachineKind::Chiller) {
        let number = plant.sensors.get(power).and_then(|sensor| sensor.tag.number);
        let own = |role| plant.find(role, Some(MachineKind::Chiller), number);
        let (Some(flow), Some(back), Some(supply), Some(condenser)) =
            (own(Role::ChwFlow), own(Role::ChwReturnTemp), own(Role::ChwSupplyTemp), own(Role::CwReturnTemp))
        else {
            continue;
        };
        let Some(on) = plant.settled(at_ms, MachineKind::Chiller, number) else { continue };
        let members = [power, flow, back, supply, condenser];
        let Some(law) = curve(plant, members, on) else { continue };
        let words = format!("{} against its own load and lift", plant.name(power));
        plant.law(law, members.to_vec(), vec![on], STRENGTH, words);
    }
}

/// The curve of a chiller while it runs; none when that is not known.
fn curve(plant: &Plant<'_>, members: [usize; 5], on: usize) -> Option<Law> {
    let mut rows: Vec<Row<3>> = Vec::new();
    for (k, day) in plant.instants.day.iter().enumerate() {
        let at = |slot: usize| plant.slots.get(slot).and_then(|values| values.get(k)).copied().unwrap_or(f64::NAN);
        let [power, flow, back, supply, condenser] = members.map(at);
        let heat_kw = water_heat_kw(flow, back - supply);
        let lift_k = condenser - supply;
        if at(on) > 0.5 && power > 0.0 && heat_kw > 0.0 && back - supply > LEAST_DELTA_K && lift_k.is_finite() {
            rows.push(Row { day: i32::try_from(*day).ok()?, y: power.ln(), x: [heat_kw.ln(), 0.0, lift_k] });
        }
    }
    if rows.len() < LEAST_INSTANTS {
        return None;
    }
    let centre = median_of(rows.iter().map(|row| row.x[0]))?;
    for Row { x: [heat, square, _], .. } in &mut rows {
        (*heat, *square) = (*heat - centre, (*heat - centre).powi(2));
    }
    let (_, slopes) = fit(&rows)?;
    Some(Law::Curve { centre, slopes })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::super::sensor::{Sensor, Tag};
    use super::super::track::Track;
    use super::*;

    const DAYS: usize = 40;
    const HOUR_MS: i64 = 3_600_000;

    /// A chiller that draws 0.4·Q^0.8·e^(0.03·lift): its curve is learnt, and a meter that reads 20 % too little from day 20 on is off by
    /// ln 0.8 = −0.223 from there on, whatever load and lift do from day to day.
    #[test]
    fn a_meter_leaves_its_chillers_curve() {
        let hours = DAYS * 24;
        let at_ms: Vec<i64> = (0..).map(|hour| hour * HOUR_MS).take(hours).collect();
        let of = |value: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            (0..hours).map(|hour| value((hour % 24) as f64, (hour / 24) as f64)).collect()
        };
        let day = |hour: f64| (hour * std::f64::consts::TAU / 24.0).sin();
        let flow = of(&|hour, _| 3000.0 + 500.0 * day(hour + 5.0));
        let delta_k = of(&|hour, day_no| 5.0 + day(hour) + 0.03 * day_no);
        let condenser = of(&|hour, day_no| 32.0 + 2.0 * day(hour + 9.0) + (0.7 * day_no).sin());
        let supply = vec![7.0; hours];
        let back: Vec<f64> = delta_k.iter().map(|delta_k| 7.0 + delta_k).collect();
        // 1000 L/min and 5 K are 347.79 kW.
        let power = |hour: usize| {
            let heat_kw = flow[hour] / 1000.0 * delta_k[hour] / 5.0 * 347.79;
            let meter = if hour < 20 * 24 { 1.0 } else { 0.8 };
            meter * 0.4 * heat_kw.powf(0.8) * (0.03 * (condenser[hour] - 7.0)).exp()
        };
        let power: Vec<f64> = (0..hours).map(power).collect();
        let named: [(&str, &[f64]); 5] = [
            ("CH-1.KW", &power),
            ("CH-1.CHW.LPM", &flow),
            ("CH-1.CHWRT", &back),
            ("CH-1.CHWST", &supply),
            ("CH-1.CWRT", &condenser),
        ];
        let sensors = named.iter().map(|(name, values)| {
            let tag = Tag::of(name, None).unwrap();
            Sensor { name, tag, unit: None, unit_by_values: false, values, interval_ms: HOUR_MS as f64 }
        });
        let mut plant = Plant::of(sensors.collect(), &at_ms, 101_325.0);
        bind(&mut plant, &at_ms);
        let relation = plant.relations.last().unwrap();
        let Law::Curve { slopes: [heat, square, lift], .. } = relation.law else { panic!("{relation:?}") };
        assert!((heat - 0.8).abs() < 0.01 && square.abs() < 0.01 && (lift - 0.03).abs() < 0.001, "{relation:?}");
        let days = Track::of(&plant, relation, false).days;
        for (day, off) in days.iter().enumerate().filter(|(day, _)| ![0, 20].contains(day)) {
            let expected = if day < 20 { 0.0 } else { -0.223 };
            assert!((off - days[1] - expected).abs() < 0.005, "day {day}: {off} against {}", days[1]);
        }
    }
}
