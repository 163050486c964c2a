//! A number as it is written: what a cell is between a report's bytes and a column.
//!
//! A mantissa of at most 2^53 and a power of ten of at most 10^22 are both exact doubles, and one division rounds
//! once, so [`Decimal::value`] is the nearest double, as `str::parse` would give (Clinger 1990, the "fast path").

/// 10^0…10^22: each an exact double.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// 10^n for n up to 22.
#[inline]
#[must_use]
pub(crate) fn power_of_ten(n: u32) -> f64 {
    POWERS.get(n as usize).copied().unwrap_or(f64::INFINITY)
}

/// A number as it is written: a count of units of its last decimal.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    /// Whether a minus stands before it.
    pub negative: bool,
    /// Its digits, at most 2^53.
    pub mantissa: u64,
    /// Digits behind the point, at most 19.
    pub fraction: u32,
}

impl Decimal {
    /// The nearest double.
    #[inline]
    #[must_use]
    pub fn value(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
        let magnitude = self.mantissa as f64;
        let magnitude = if self.fraction == 0 { magnitude } else { magnitude / power_of_ten(self.fraction) };
        if self.negative { -magnitude } else { magnitude }
    }

    /// The count; none for what is no count: a negative zero.
    #[inline]
    #[must_use]
    pub fn count(self) -> Option<i64> {
        let count = i64::try_from(self.mantissa).ok()?;
        if self.negative { (count > 0).then_some(-count) } else { Some(count) }
    }
}
