//! Numbers as JSON: the shortest text that reads back as the same number, the one that `serde_json` writes. PURE.
//!
//! Readings have few decimals. What is a whole number of ten-thousandths, below 10^8, is written from its digits, all
//! at once and without a branch a digit; anything else by `serde_json`. The texts are the same: of decimals with at
//! most 15 digits no two are the same double, so when n / 10^4 is this double, nothing shorter is.

/// Longest: `-2.2250738585072014e-308`.
pub const LONGEST: usize = 24;
/// Longest of few decimals: `-99999999.9999`, and what makes it two words.
pub const SHORT: usize = 16;

/// 2^52: adding it to a smaller number rounds to a whole one and leaves that in the low bits.
const WHOLE: f64 = 4_503_599_627_370_496.0;
/// Ten-thousandths below this have at most eight digits before the point.
const MOST: f64 = 1e12;
/// Of eight digits.
const ASCII: u64 = 0x3030_3030_3030_3030;

/// The text of a number of few decimals, and its length; none for any other.
#[inline]
#[must_use]
pub fn short(number: f64) -> Option<([u8; SHORT], usize)> {
    let size = number.abs();
    let shifted = size * 1e4 + WHOLE;
    let few = size * 1e4 < MOST && (shifted - WHOLE) / 1e4 == size;
    few.then(|| decimal(shifted.to_bits() - WHOLE.to_bits(), number.is_sign_negative()))
}

/// The text of any number, and its length; `null` for what is not finite.
#[must_use]
pub fn long(number: f64) -> ([u8; LONGEST], usize) {
    let mut bytes = [0; LONGEST];
    let mut rest = bytes.as_mut_slice();
    // Never longer, so never refused.
    let _ = serde_json::to_writer(&mut rest, &number);
    let left = rest.len();
    (bytes, LONGEST - left)
}

/// The text of a number, `null` for what is not finite, and its length in the last byte; none when it is too long.
#[must_use]
pub fn word(number: f64) -> Option<[u8; SHORT]> {
    let (mut text, length) = short(number).or_else(|| {
        let (text, length) = long(number);
        Some((*text.first_chunk()?, length))
    })?;
    let last = text.last_mut()?;
    *last = u8::try_from(length).ok()?;
    (length < SHORT).then_some(text)
}

/// Ten-thousandths below [`MOST`]. Digits stand in the bytes of a word, the first one lowest.
#[inline]
fn decimal(ten_thousandths: u64, negative: bool) -> ([u8; SHORT], usize) {
    let (before, after) = (ten_thousandths / 10_000, ten_thousandths % 10_000);
    let (digits, places) = if before < 10_000 {
        let all = eight_digits(ten_thousandths);
        ((all & 0xffff_ffff) << 32, all >> 32)
    } else {
        (eight_digits(before), eight_digits(after) >> 32)
    };
    // No zeros in front but one before the point, none at the end but one behind it.
    let leading = (digits | (1 << 56)).trailing_zeros() & !7;
    let trailing = ((places | 1) << 32).leading_zeros() & !7;
    let before = u128::from((digits | ASCII) >> leading);
    let length = 8 - leading / 8;
    let after = u128::from(b'.') | (u128::from(places | ASCII) << 8);
    let mut text = before | (after << (8 * length));
    let mut length = length + 5 - trailing / 8;
    if negative {
        text = (text << 8) | u128::from(b'-');
        length += 1;
    }
    (text.to_le_bytes(), usize::try_from(length).unwrap_or_default())
}

/// The digits of a number below 10^8, one a byte, the first one lowest: halves of four, quarters of two, then ones,
/// each step for all parts at once.
#[inline]
fn eight_digits(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - 10 * tens) << 8)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn text(number: f64) -> String {
        let (bytes, length) = long(number);
        let text = |bytes: &[u8], length| String::from_utf8(bytes.get(..length).unwrap().to_vec()).unwrap();
        match short(number) {
            Some((short, length)) => text(&short, length),
            None => text(&bytes, length),
        }
    }

    #[test]
    fn numbers_are_written_as_people_know_them() {
        for (number, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-7.5, "-7.5"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (6.48, "6.48"),
            (1_472_539.0, "1472539.0"),
            (9999.9999, "9999.9999"),
            (10_000.0, "10000.0"),
            (-10000.0001, "-10000.0001"),
            (99999999.9999, "99999999.9999"),
            (-99_999_999.0, "-99999999.0"),
            (100_000_000.0, "100000000.0"),
            (0.0001, "0.0001"),
            (0.00001, "0.00001"),
            (0.000001, "1e-6"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (-f64::MIN_POSITIVE, "-2.2250738585072014e-308"),
            (f64::NAN, "null"),
            (f64::NEG_INFINITY, "null"),
        ] {
            let by_serde = serde_json::to_string(&number).unwrap();
            assert_eq!(text(number), by_serde);
            assert_eq!(by_serde.replace("e+", "e"), expected.replace("e+", "e"));
        }
    }

    #[test]
    fn every_ten_thousandth_is_written_as_serde_writes_it() {
        // All up to 200, then ever sparser to beyond the bound.
        let mut n = 0_u64;
        while n < 2_000_000_000_000 {
            let number = f64::from(u32::try_from(n / 1_000_000).unwrap()) * 100.0
                + f64::from(u32::try_from(n % 1_000_000).unwrap()) / 1e4;
            assert_eq!(text(number), serde_json::to_string(&number).unwrap());
            assert_eq!(text(-number), serde_json::to_string(&-number).unwrap());
            n += 1 + n / 200_000;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn any_double_is_written_as_serde_writes_it(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assert_eq!(text(number), serde_json::to_string(&number).unwrap());
        }

        #[test]
        fn any_decimal_is_written_as_serde_writes_it(digits in -1_000_000_000_000_000_i64..1_000_000_000_000_000, places in 0..12) {
            let number: f64 = format!("{digits}e-{places}").parse().unwrap();
            prop_assert_eq!(text(number), serde_json::to_string(&number).unwrap());
            // And what lies beside it.
            for beside in [number.next_up(), number.next_down()] {
                prop_assert_eq!(text(beside), serde_json::to_string(&beside).unwrap());
            }
        }
    }
}
