//! One water-cooled centrifugal chiller: DOE-2's curves of capacity and electric input.
//!
//! The curves are EnergyPlus's data set `DOE-2 Centrifugal/5.50COP`, fitted for chilled water of 5…10 °C and
//! condenser water of 24…35 °C. They are stated in the water that *enters* the condenser at its design
//! range; what the compressor works against follows the water that *leaves* it, so they are entered with
//! leaving − design range. Without that, less condenser water would always be better. Colder condenser
//! water extrapolates them, down to what the plant's bypass allows.

/// Condenser range at which the curves were stated, K.
pub(crate) const DESIGN_RANGE_K: f64 = 5.2;

/// Share of capacity by temperatures, CAPFT.
const CAPACITY: [f64; 6] = [0.257_896, 0.038_901_6, -0.000_217_08, 0.046_868_4, -0.000_942_84, -0.000_343_44];
/// Electric input ratio by temperatures, EIRFT.
const INPUT: [f64; 6] = [0.933_884, -0.058_212, 0.004_500_36, 0.002_43, 0.000_486, -0.001_215];
/// Electric input by part-load ratio, EIRFPLR.
const PART_LOAD: [f64; 3] = [0.222_903, 0.313_387, 0.463_710];
/// Below this part-load ratio the machine cycles: its input falls in proportion to the load.
const CYCLING_PLR: f64 = 0.1;

/// A chiller by its reference point: chilled water leaving at 6.67 °C, condenser water entering at 29.4 °C.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chiller {
    /// Cooling at the reference point, kW.
    pub capacity_kw: f64,
    /// Cooling ÷ electric input at the reference point.
    pub cop: f64,
}

impl Chiller {
    /// Most cooling it can give, kW, with chilled water leaving at `chwst_c` and condenser water leaving at `cwrt_c`.
    #[must_use]
    pub(crate) fn available_kw(&self, chwst_c: f64, cwrt_c: f64) -> f64 {
        self.capacity_kw * biquadratic(&CAPACITY, chwst_c, cwrt_c - DESIGN_RANGE_K)
    }

    /// Electric input, kW, for `cooling_kw` between those temperatures.
    #[must_use]
    pub fn power_kw(&self, cooling_kw: f64, chwst_c: f64, cwrt_c: f64) -> f64 {
        let available_kw = self.available_kw(chwst_c, cwrt_c);
        let full_kw = available_kw / self.cop * biquadratic(&INPUT, chwst_c, cwrt_c - DESIGN_RANGE_K);
        let plr = cooling_kw / available_kw;
        let [c0, c1, c2] = PART_LOAD;
        let running = plr.max(CYCLING_PLR);
        full_kw * (c0 + running * (c1 + running * c2)) * (plr / running)
    }
}

fn biquadratic(c: &[f64; 6], x: f64, y: f64) -> f64 {
    let [c0, cx, cxx, cy, cyy, cxy] = c;
    c0 + x * (cx + x * cxx) + y * (cy + y * cyy) + x * y * cxy
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHILLER: Chiller = Chiller { capacity_kw: 1000.0, cop: 5.5 };

    /// At its reference point every curve of the data set is 1 (within its fit).
    #[test]
    fn reference_point() {
        let cwrt_c = 29.4 + DESIGN_RANGE_K;
        assert!((CHILLER.available_kw(6.67, cwrt_c) - 1000.0).abs() < 5.0);
        assert!((CHILLER.power_kw(1000.0, 6.67, cwrt_c) - 1000.0 / 5.5).abs() < 1.0);
    }

    #[test]
    fn input_rises_with_load_and_lift() {
        for cwrt_c in [22.0, 26.0, 30.0, 35.0, 40.0] {
            for chwst_c in [5.0, 6.0, 7.0, 8.0, 9.0] {
                let power = |q, chwst, cwrt| CHILLER.power_kw(q, chwst, cwrt);
                assert_eq!(power(0.0, chwst_c, cwrt_c), 0.0);
                for q in [20.0, 90.0, 100.0, 300.0, 600.0, 900.0] {
                    let here = power(q, chwst_c, cwrt_c);
                    assert!(power(q + 5.0, chwst_c, cwrt_c) > here, "load {q} {chwst_c} {cwrt_c}");
                    assert!(power(q, chwst_c, cwrt_c + 0.5) > here, "condenser {q} {chwst_c} {cwrt_c}");
                    // Towards 10 °C the data set's curves flatten and bend.
                    let falls = cwrt_c - DESIGN_RANGE_K >= 24.0 && chwst_c <= 8.0;
                    let colder = power(q, chwst_c - 0.5, cwrt_c);
                    assert!(!falls || colder > here, "chilled water {q} {chwst_c} {cwrt_c}");
                }
            }
        }
    }
}
