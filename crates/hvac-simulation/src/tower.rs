//! Cooling tower cells: Braun's effectiveness model.
//!
//! Braun, Klein, Mitchell 1989, "Effectiveness models for cooling towers and cooling coils", ASHRAE
//! Transactions 95(2): the tower is a counter-flow heat exchanger between the water and the enthalpy of
//! saturated air, NTU = c·(m_w/m_a)^0.4 (c ≈ 1…4; the exponent is their 1 + n with n = −0.6).

use hvac_points::physics::{WATER_KJ_PER_KG_K, enthalpy_kj_per_kg, humidity_ratio};

/// Equal cells, each with its fan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tower {
    /// Dry air through one cell at 60 Hz, kg/s; falls in proportion to the fan's speed.
    pub air_kg_s: f64,
    /// Braun's c.
    pub ntu: f64,
}

/// What meets in one cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Water, kg/s.
    pub water_kg_s: f64,
    /// Fan speed as a share of 60 Hz.
    pub fan_ratio: f64,
    /// Water on top, °C.
    pub in_c: f64,
    /// Water in the basin, °C.
    pub out_c: f64,
    /// Outside air, °C wet-bulb.
    pub wet_bulb_c: f64,
    /// Outside air, Pa.
    pub pressure_pa: f64,
}

impl Tower {
    /// Heat one cell rejects, kW; not below 0.
    #[must_use]
    pub fn heat_kw(&self, cell: &Cell) -> f64 {
        let air_kg_s = self.air_kg_s * cell.fan_ratio;
        let enthalpy_in = saturated_kj_per_kg(cell.in_c, cell.pressure_pa);
        let enthalpy_out = saturated_kj_per_kg(cell.out_c, cell.pressure_pa);
        let range_k = (cell.in_c - cell.out_c).max(1e-6);
        let saturation_kj_per_kg_k = ((enthalpy_in - enthalpy_out) / range_k).max(1e-6);
        let capacity_ratio = air_kg_s * saturation_kj_per_kg_k / (cell.water_kg_s * WATER_KJ_PER_KG_K);
        let ntu = self.ntu * (cell.water_kg_s / air_kg_s).powf(0.4);
        let effectiveness = counter_flow(ntu, capacity_ratio);
        let driving = enthalpy_in - saturated_kj_per_kg(cell.wet_bulb_c, cell.pressure_pa);
        (effectiveness * air_kg_s * driving).max(0.0)
    }
}

/// Effectiveness of a counter-flow exchanger; ntu/(1 + ntu) when both sides carry alike.
fn counter_flow(ntu: f64, capacity_ratio: f64) -> f64 {
    if (capacity_ratio - 1.0).abs() < 1e-6 {
        return ntu / (1.0 + ntu);
    }
    let decay = (-ntu * (1.0 - capacity_ratio)).exp();
    (1.0 - decay) / (1.0 - capacity_ratio * decay)
}

/// Enthalpy of saturated air, kJ/kg. The plant asks between −30 and 80 °C at more than 60 kPa, where there is one.
fn saturated_kj_per_kg(temperature_c: f64, pressure_pa: f64) -> f64 {
    humidity_ratio(temperature_c, 100.0, pressure_pa)
        .map_or(f64::INFINITY, |ratio| enthalpy_kj_per_kg(temperature_c, ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOWER: Tower = Tower { air_kg_s: 70.0, ntu: 1.4 };
    const CELL: Cell =
        Cell { water_kg_s: 76.0, fan_ratio: 1.0, in_c: 36.0, out_c: 31.0, wet_bulb_c: 27.0, pressure_pa: 101_325.0 };

    /// Never more than air that leaves saturated at the water's temperature could carry.
    #[test]
    fn within_the_second_law() {
        for fan_ratio in [0.5, 0.8, 1.0] {
            for in_c in [28.0, 32.0, 36.0, 40.0] {
                let cell = Cell { fan_ratio, in_c, out_c: in_c - 4.0, ..CELL };
                let most =
                    70.0 * fan_ratio * (saturated_kj_per_kg(in_c, 101_325.0) - saturated_kj_per_kg(27.0, 101_325.0));
                let heat = TOWER.heat_kw(&cell);
                assert!(heat > 0.0 && heat < most, "{fan_ratio} {in_c}: {heat} of {most}");
            }
        }
        assert_eq!(TOWER.heat_kw(&Cell { in_c: 26.0, out_c: 25.0, ..CELL }), 0.0);
    }

    /// PsychroLib 2.5.0: GetSatAirEnthalpy(25, 101325) = 76 306.66 J/kg.
    #[test]
    fn saturated_air() {
        assert!((saturated_kj_per_kg(25.0, 101_325.0) - 76.306_66).abs() < 1e-4);
    }
}
