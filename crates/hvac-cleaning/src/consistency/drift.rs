//! Drift: a sensor whose error grows with time.
//!
//! From [`super::pursuit`]'s ramps, with the proof that an offset needs. The slope is by least squares over the days of the
//! ramp, in K or share of the reading in 30 days; it must have grown to two thirds of an offset's limit, so that a few days
//! of weather are no drift.

use hvac_points::Role;

use super::offset::proof;
use super::plant::Plant;
use super::pursuit::{Pursuit, Shape};
use super::{SensorFault, SensorFinding, SensorLimits, finding};

/// Days that the limits are for.
const MONTH_DAYS: f64 = 30.0;
/// Share of an offset's limit that it must have grown to.
const GROWN: f64 = 0.67;

/// The event of an error, if it is a drift that is to be reported.
pub(crate) fn verdict(
    plant: &Plant<'_>,
    pursuit: &Pursuit<'_>,
    index: usize,
    limits: &SensorLimits,
) -> Option<SensorFinding> {
    let error = pursuit.errors.get(index).filter(|error| error.shape == Shape::Ramp)?;
    let sensor = plant.sensors.get(error.sensor)?;
    if sensor.tag.role == Role::Humidity {
        return None;
    }
    let temperature = sensor.tag.is_temperature();
    let a_month = MONTH_DAYS * error.size;
    let (least, least_offset) =
        if temperature { (limits.drift_k, limits.offset_k) } else { (limits.drift_share, limits.offset_share) };
    if a_month.abs() < least || error.most().abs() < GROWN * least_offset {
        return None;
    }
    let proof = proof(plant, pursuit, index, error)?;
    let unit = if temperature { "K" } else { "%" };
    let detail = format!(
        "{:+.2} {unit} a month, grown to {:+.2} {unit}: {proof}",
        if temperature { a_month } else { 100.0 * a_month.exp_m1() },
        if temperature { error.most() } else { 100.0 * error.most().exp_m1() }
    );
    Some(finding(plant, SensorFault::Drift, error.sensor, &(error.from..error.to), detail))
}
