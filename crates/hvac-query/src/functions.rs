//! What a building engineer asks for beside SQL's own functions.
//!
//! | function | answers |
//! |---|---|
//! | `time_bucket(interval, time)` | the beginning of the bucket, on the site's clock |
//! | `wet_bulb(dry_bulb_c, humidity_pct [, altitude_m])` | wet-bulb temperature, °C |
//! | `enthalpy(dry_bulb_c, humidity_pct [, altitude_m])` | enthalpy of moist air, kJ a kg of dry air |
//! | `rt(flow, delta_t, unit)` | cooling load, RT, of a flow of water in `L/s`, `L/min`, `m3/h` (ΔT in K) or `GPM` (ΔT in °F) |
//! | `kw_per_rt(kw, rt)` | efficiency; null without load |
//! | `locf(x) OVER (ORDER BY time)` | the value, or the last one before it |
//! | `interpolate(x, time) OVER (ORDER BY time)` | the value, or the line between its neighbours |
//! | `counter_delta(x) OVER (ORDER BY time)` | what a counter has counted since its last value; from 0 where it fell |

mod bucket;
mod series;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float64Array};
use arrow_schema::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility, WindowUDF,
};
use hvac_points::physics::{self, KW_PER_RT, STANDARD_PRESSURE_PA};

/// Functions of single rows.
pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let functions = [OfNumbers::WetBulb, OfNumbers::Enthalpy, OfNumbers::KwPerRt];
    let mut all: Vec<Arc<ScalarUDF>> = functions.into_iter().map(|of| Arc::new(Numbers::new(of).into())).collect();
    all.push(Arc::new(Load::new().into()));
    all.push(Arc::new(bucket::TimeBucket::new().into()));
    all
}

/// Functions of rows in an order.
pub(crate) fn window() -> Vec<Arc<WindowUDF>> {
    series::all()
}

/// Of the standard atmosphere at that altitude, m (ASHRAE Handbook – Fundamentals 2017, chapter 1, equation 3).
fn pressure_pa(altitude_m: Option<&f64>) -> f64 {
    altitude_m
        .map_or(STANDARD_PRESSURE_PA, |altitude| STANDARD_PRESSURE_PA * (1.0 - 2.255_77e-5 * altitude).powf(5.2559))
}

/// A function of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum OfNumbers {
    WetBulb,
    Enthalpy,
    KwPerRt,
}

impl OfNumbers {
    /// Of as many numbers as it takes; none where it has no answer.
    fn of(self, numbers: &[f64]) -> Option<f64> {
        match (self, numbers) {
            (Self::WetBulb, [dry_bulb_c, humidity_pct, altitude_m @ ..]) => {
                physics::wet_bulb_c(*dry_bulb_c, *humidity_pct, pressure_pa(altitude_m.first()))
            }
            (Self::Enthalpy, [dry_bulb_c, humidity_pct, altitude_m @ ..]) => {
                let ratio = physics::humidity_ratio(*dry_bulb_c, *humidity_pct, pressure_pa(altitude_m.first()))?;
                Some(physics::enthalpy_kj_per_kg(*dry_bulb_c, ratio))
            }
            (Self::KwPerRt, [kw, rt]) => (*rt > 0.0).then(|| kw / rt),
            _ => None,
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Numbers {
    of: OfNumbers,
    signature: Signature,
}

impl Numbers {
    fn new(of: OfNumbers) -> Self {
        let most = if of == OfNumbers::KwPerRt { 2 } else { 3 };
        let counts = (2..=most).map(|count| TypeSignature::Uniform(count, vec![DataType::Float64]));
        Self { of, signature: Signature::one_of(counts.collect(), Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Numbers {
    fn name(&self) -> &str {
        match self.of {
            OfNumbers::WetBulb => "wet_bulb",
            OfNumbers::Enthalpy => "enthalpy",
            OfNumbers::KwPerRt => "kw_per_rt",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns: Vec<ArrayRef> =
            args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<_>>()?;
        let columns: Vec<&Float64Array> = columns.iter().map(|column| column.as_primitive::<Float64Type>()).collect();
        let mut row_values = Vec::with_capacity(columns.len());
        let values = (0..args.number_rows).map(|row| {
            row_values.clear();
            row_values.extend(columns.iter().filter(|column| column.is_valid(row)).map(|column| column.value(row)));
            (row_values.len() == columns.len()).then(|| self.of.of(&row_values)).flatten()
        });
        Ok(ColumnarValue::Array(Arc::new(values.collect::<Float64Array>())))
    }
}

/// `rt(flow, delta_t, unit)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Load(Signature);

impl Load {
    fn new() -> Self {
        let kinds = vec![DataType::Float64, DataType::Float64, DataType::Utf8];
        Self(Signature::exact(kinds, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Load {
    fn name(&self) -> &str {
        "rt"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [flow, delta_t, ColumnarValue::Scalar(unit)] = args.args.as_slice() else {
            return exec_err!("rt: its unit is one text, such as 'GPM'");
        };
        let unit = match unit {
            ScalarValue::Utf8(Some(unit)) => unit.as_str(),
            _ => "",
        };
        let lpm_k: fn(f64, f64) -> f64 = |flow, delta| physics::water_heat_kw(flow, delta) / KW_PER_RT;
        let load: fn(f64, f64) -> f64 = match unit.to_ascii_lowercase().as_str() {
            "l/min" | "lpm" => lpm_k,
            "l/s" | "lps" => |flow, delta| physics::water_heat_kw(flow * 60.0, delta) / KW_PER_RT,
            "m3/h" | "m³/h" | "cmh" => |flow, delta| physics::water_heat_kw(flow * 1000.0 / 60.0, delta) / KW_PER_RT,
            // 500 Btu/h a GPM and °F, 12 000 Btu/h a ton.
            "gpm" => |flow, delta| flow * delta / 24.0,
            _ => return exec_err!("rt: '{unit}' is no unit of flow here; use L/s, L/min, m3/h or GPM"),
        };
        let rows = args.number_rows;
        let (flow, delta_t) = (flow.to_array(rows)?, delta_t.to_array(rows)?);
        let pairs = flow.as_primitive::<Float64Type>().iter().zip(delta_t.as_primitive::<Float64Type>().iter());
        let loads: Float64Array = pairs.map(|(flow, delta)| Some(load(flow?, delta?))).collect();
        Ok(ColumnarValue::Array(Arc::new(loads)))
    }
}
