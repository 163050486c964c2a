//! Statistics that a few wrong values do not move.

pub(crate) use crate::sampling::quantile;

/// Median of what is no NaN.
pub(crate) fn median_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut present: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    quantile(&mut present, 0.5)
}

/// 1.4826 × the median distance from the median: the standard deviation, of bell-shaped values.
pub(crate) fn spread_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut present: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    let centre = quantile(&mut present, 0.5)?;
    present.iter_mut().for_each(|value| *value = (*value - centre).abs());
    quantile(&mut present, 0.5).map(|mad| 1.4826 * mad)
}
