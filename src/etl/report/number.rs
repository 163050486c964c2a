//! Numbers as reports write them, to the nearest double.
//!
//! The short form (a few digits, perhaps a point) is read by hand: a mantissa below 2^53 and a power of ten
//! of at most 10^22 are both exact doubles, and one division rounds once, so the result is the nearest
//! double, as `str::parse` would give (Clinger 1990, the "fast path"). All else goes to `str::parse`.

/// 10^0…10^22: each an exact double.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads a plain decimal number (blanks, sign, digits, fraction, blanks) from the front of `bytes`: value and rest.
/// None where the short form does not do.
#[inline]
pub fn plain(bytes: &[u8], decimal: u8) -> Option<(f64, &[u8])> {
    let mut rest = bytes;
    while let [b' ', tail @ ..] = rest {
        rest = tail;
    }
    let negative = if let [b'-', tail @ ..] = rest {
        rest = tail;
        true
    } else {
        false
    };
    let before = rest.len();
    let mut mantissa = 0u64;
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(*digit - b'0'));
        rest = tail;
    }
    let whole = before - rest.len();
    let mut fraction = 0;
    if let [point, tail @ ..] = rest
        && *point == decimal
    {
        let before = tail.len();
        rest = tail;
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(*digit - b'0'));
            rest = tail;
        }
        fraction = before - rest.len();
    }
    // At most 19 digits cannot have wrapped around 2^64.
    if whole + fraction == 0 || whole + fraction > 19 || mantissa > 1 << 53 {
        return None;
    }
    while let [b' ', tail @ ..] = rest {
        rest = tail;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    let magnitude = mantissa as f64;
    let magnitude = if fraction == 0 { magnitude } else { magnitude / POWERS.get(fraction)? };
    Some((if negative { -magnitude } else { magnitude }, rest))
}

/// Reads a text that is a number and nothing else: signs, exponents, thousands separators (`1,234.5`, `1'485`;
/// with a decimal comma `1.234,5`). May be infinite when the number is too large for a double.
#[must_use]
pub fn read(text: &str, decimal: u8, delimiter: u8) -> Option<f64> {
    if let Some((value, [])) = plain(text.as_bytes(), decimal) {
        return Some(value);
    }
    if !matches!(text.as_bytes().first()?, b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | 0xe2) {
        return None;
    }
    let text = text.strip_prefix('\u{2212}').map_or_else(|| text.to_owned(), |rest| format!("-{rest}"));
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let (mantissa, _) = digits.split_once(['e', 'E']).unwrap_or((digits, ""));
    let plain = if mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.') && decimal == b'.' {
        text
    } else {
        ungroup(&text, mantissa, decimal, delimiter)?
    };
    let numeric = |b: u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    plain.bytes().all(numeric).then(|| plain.parse().ok()).flatten()
}

/// Takes the thousands separators out of `text`, whose unsigned part before an exponent is `mantissa`, and
/// writes its decimal sign as a point.
fn ungroup(text: &str, mantissa: &str, decimal: u8, delimiter: u8) -> Option<String> {
    let (point, others) = if decimal == b',' { (',', ['.', '\'', '’']) } else { ('.', [',', '\'', '’']) };
    let (whole, fraction) = mantissa.split_once(point).unwrap_or((mantissa, ""));
    if let Some(separator) = others.iter().find(|separator| whole.contains(**separator)) {
        let mut groups = whole.split(*separator);
        let first = groups.next()?.len();
        if (1..=3).contains(&first) && groups.all(|group| group.len() == 3) {
            return Some(text.replace(*separator, "").replace(point, "."));
        }
    }
    // `1,5` can only be a decimal comma where commas do not separate fields; `12.5` can be no group of thousands.
    let other = others.first()?;
    let alone = fraction.is_empty() && whole.matches(*other).count() == 1;
    if alone && (decimal == b',' || delimiter != b',') {
        return Some(text.replace(*other, "."));
    }
    (decimal == b',' && !whole.contains(others)).then(|| text.replace(point, "."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_reports_write() {
        for (text, value) in [
            ("4583", 4583.0),
            (" -0.2", -0.2),
            ("+3", 3.0),
            ("1.2E-3", 0.0012),
            ("1e5", 100_000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-.5", -0.5),
            ("\u{2212}4.5", -4.5),
            ("1,234.5", 1234.5),
            ("-1,234,567", -1_234_567.0),
            ("1'485", 1485.0),
            ("1’485.25", 1485.25),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("0.1", 0.1),
            ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
        ] {
            assert_eq!(read(text.trim(), b'.', b','), Some(value), "{text}");
        }
        assert_eq!(read("1e999", b'.', b','), Some(f64::INFINITY));
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "", "-", "---", ".", "+", "ON", "1,5", "12,34", "1,2345", "nan", "inf", "1-2", "25.3 C", "0x10", "1e",
            "1,234,5",
        ] {
            assert_eq!(read(text, b'.', b','), None, "{text}");
        }
    }

    #[test]
    fn decimal_commas() {
        for (text, value) in
            [("1,5", 1.5), ("1.234,5", 1234.5), ("1,234", 1.234), ("1.234", 1234.0), ("12.5", 12.5), ("-0,25e2", -25.0)]
        {
            assert_eq!(read(text, b',', b';'), Some(value), "{text}");
        }
        assert_eq!(read("1,5", b'.', b';'), Some(1.5));
        assert_eq!(read("1,234", b'.', b';'), Some(1234.0));
    }

    proptest! {
        /// The oracle is the standard library's parser.
        #[test]
        fn the_short_form_is_the_nearest_double(negative: bool, mantissa in 0u64..20_000_000_000_000_000, fraction in 0usize..19) {
            let digits = format!("{mantissa:0>width$}", width = fraction + 1);
            let (whole, decimals) = digits.split_at(digits.len() - fraction);
            let text = format!("{}{whole}.{decimals}", if negative { "-" } else { "" });
            let expected: f64 = text.parse().unwrap();
            if let Some((value, rest)) = plain(text.as_bytes(), b'.') {
                prop_assert_eq!((value.to_bits(), rest.len()), (expected.to_bits(), 0), "{}", text);
            }
            prop_assert_eq!(read(&text, b'.', b',').map(f64::to_bits), Some(expected.to_bits()), "{}", text);
        }
    }
}
