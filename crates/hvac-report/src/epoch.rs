//! Times that are plain numbers: seconds since 1970, and the days of a spreadsheet.
//!
//! A number is a time only where a whole column of them is plausible: joules of ten digits are none.

use super::clock::DAY_MS;

/// 1990-01-01 and 2060-01-01 UTC, ms: a trend report's times lie between them.
const PLAUSIBLE_MS: std::ops::Range<i64> = 631_152_000_000..2_840_140_800_000;
/// Day 25 569 of a spreadsheet is 1970-01-01.
const SERIAL_1970: f64 = 25_569.0;

/// Seconds (10 digits), milliseconds (13), microseconds (16) or nanoseconds (19) since 1970, as ms; a fraction is
/// kept to the ms. None outside 1990…2060.
#[must_use]
pub(crate) fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let ms = match whole.len() {
        10 => {
            let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
            whole.parse::<i64>().ok()? * 1000 + ms
        }
        13 | 16 | 19 => whole.get(..13)?.parse().ok()?,
        _ => return None,
    };
    PLAUSIBLE_MS.contains(&ms).then_some(ms)
}

fn runs_one_way(times: &[i64]) -> bool {
    let steps = || times.iter().zip(times.iter().skip(1));
    let (forward, backward) = (steps().filter(|(a, b)| b > a).count(), steps().filter(|(a, b)| b < a).count());
    forward.min(backward) * 10 <= times.len()
}

/// A spreadsheet's day and time as a number (`45292.5` is 2024-01-01 12:00): local ms since 1970. What its decimals
/// leave open is settled by the whole minute, else the whole second, that it may mean. None outside 1970…2099.
#[must_use]
pub(crate) fn excel_serial(text: &str) -> Option<i64> {
    let text = text.trim();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    let days: f64 = text.replace(',', ".").parse().ok().filter(|_| plain)?;
    if !(SERIAL_1970..73_050.0).contains(&days) {
        return None;
    }
    let decimals = text.split(['.', ',']).nth(1).map_or(0, str::len);
    #[expect(clippy::cast_possible_truncation, reason = "a number of days that fits, in ms")]
    let ms = ((days - SERIAL_1970) * 86_400_000.0).round() as i64;
    // Half a unit of the last decimal, and no less than a spreadsheet's own rounding.
    let open_ms = u32::try_from(decimals).ok().and_then(|n| 43_200_000_i64.checked_div(10_i64.checked_pow(n)?));
    let open_ms = open_ms.filter(|_| decimals > 0).unwrap_or(0).clamp(5, 5_000);
    let near = |unit: i64| (ms + unit / 2).div_euclid(unit) * unit;
    let whole = [60_000, 1000].map(near).into_iter().find(|whole| (whole - ms).abs() <= open_ms);
    Some(whole.unwrap_or(ms))
}

/// Whether a column holds a spreadsheet's days, judged by its cells (not empty ones): every one is an [`excel_serial`]
/// on a whole minute, and they run one way but for one in ten. Ask only of columns whose header names a time: readings
/// of forty thousand are not rare.
#[must_use]
pub(crate) fn is_serial_column<'t>(cells: impl Iterator<Item = &'t str>) -> bool {
    let times: Option<Vec<i64>> =
        cells.map(|cell| excel_serial(cell).filter(|ms| ms.rem_euclid(DAY_MS) % 60_000 == 0)).collect();
    times.is_some_and(|times| {
        let moves = times.iter().zip(times.iter().skip(1)).any(|(a, b)| a != b);
        (moves || times.len() == 1) && runs_one_way(&times)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_by_magnitude() {
        assert_eq!(epoch("1725235200"), Some(1_725_235_200_000));
        assert_eq!(epoch("1725235200.5"), Some(1_725_235_200_500));
        assert_eq!(epoch("1725235200250"), Some(1_725_235_200_250));
        assert_eq!(epoch("1725235200250123"), Some(1_725_235_200_250));
        assert_eq!(epoch("1725235200250123456"), Some(1_725_235_200_250));
        for text in ["172523520", "-1725235200", "157156432.25", "4245931445.25", "9999999999", "0000000001", ""] {
            assert_eq!(epoch(text), None, "{text}");
        }
    }

    /// 45292 is 2024-01-01; a quarter of an hour is 0.010416….
    #[test]
    fn days_of_a_spreadsheet() {
        let day = 1_704_067_200_000;
        assert_eq!(excel_serial("45292"), Some(day));
        assert_eq!(excel_serial("45292.5"), Some(day + DAY_MS / 2));
        assert_eq!(excel_serial("45292.01042"), Some(day + 900_000));
        assert_eq!(excel_serial("45292,0104166667"), Some(day + 900_000));
        assert_eq!(excel_serial("45292.00069444445"), Some(day + 60_000));
        assert_eq!(excel_serial("45292.000011574074"), Some(day + 1000));
        for text in ["21.5", "25568", "99999", "-45292", "4.5e4", "1,234.5", ""] {
            assert_eq!(excel_serial(text), None, "{text}");
        }
    }

    #[test]
    fn a_column_of_days_stands_on_minutes() {
        let column = |cells: &[&'static str]| is_serial_column(cells.iter().copied());
        assert!(column(&["45292", "45292.01042", "45292.02083", "45292.03125"]));
        assert!(column(&["45293", "45292", "45291"]));
        assert!(!column(&["45292.123", "45291.7", "45295.2", "45290.1"]));
        assert!(!column(&["45000", "45000", "45000"]));
        assert!(!column(&["45292", "on"]));
    }
}
