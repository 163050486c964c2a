//! Values of parameters as clients send them, each as its text.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, TimeDelta};
use hvac_query::postgres::Refusal;

use super::wire::Fields;

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A value that was sent in binary.
pub fn of_binary(oid: u32, bytes: &[u8]) -> Result<String, Refusal> {
    let wrong = || Refusal::new("22P03", format!("a binary parameter of type {oid} cannot be read"));
    binary(oid, bytes).ok_or_else(wrong)
}

/// A value that was sent as text.
pub fn of_text(bytes: &[u8]) -> Result<String, Refusal> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Refusal::new("22021", "a parameter is no UTF-8 text"))
}

fn binary(oid: u32, bytes: &[u8]) -> Option<String> {
    let micros = || Some(i64::from_be_bytes(bytes.try_into().ok()?));
    Some(match oid {
        16 => (*bytes.first()? != 0).to_string(),
        20 | 21 | 23 | 26 => match bytes.len() {
            2 => i16::from_be_bytes(bytes.try_into().ok()?).to_string(),
            4 if oid == 26 => u32::from_be_bytes(bytes.try_into().ok()?).to_string(),
            4 => i32::from_be_bytes(bytes.try_into().ok()?).to_string(),
            _ => micros()?.to_string(),
        },
        700 | 701 => match bytes.len() {
            4 => f32::from_be_bytes(bytes.try_into().ok()?).to_string(),
            _ => f64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        },
        17 => bytes.iter().fold("\\x".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
        1082 => {
            let days = i32::from_be_bytes(bytes.try_into().ok()?);
            NaiveDate::from_ymd_opt(2000, 1, 1)?.checked_add_signed(TimeDelta::try_days(i64::from(days))?)?.to_string()
        }
        1083 => {
            let seconds = micros()? / 1_000_000;
            format!("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros()? % 1_000_000)
        }
        1114 | 1184 => {
            let at = DateTime::from_timestamp_micros(micros()?.checked_add(EPOCH_MICROS)?)?;
            let zone = if oid == 1184 { "+00:00" } else { "" };
            format!("{}{zone}", at.format("%Y-%m-%d %H:%M:%S%.6f"))
        }
        1186 => {
            let mut fields = Fields(bytes);
            let micros = i64::from_be_bytes(fields.take(8)?.try_into().ok()?);
            let (days, months) = (fields.i32()?, fields.i32()?);
            let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
            format!("{months} months {days} days {whole}.{:06} seconds", part.abs())
        }
        1700 => numeric(bytes)?,
        2950 => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let part = |from: usize, to: usize| hex.get(from..to);
            format!("{}-{}-{}-{}-{}", part(0, 8)?, part(8, 12)?, part(12, 16)?, part(16, 20)?, part(20, 32)?)
        }
        1000 | 1005 | 1007 | 1009 | 1014 | 1015 | 1016 | 1021 | 1022 | 1028 => array(bytes)?,
        _ => String::from_utf8(bytes.to_vec()).ok()?,
    })
}

/// In groups of four digits.
fn numeric(bytes: &[u8]) -> Option<String> {
    let mut fields = Fields(bytes);
    let (count, weight, sign, scale) = (fields.count()?, fields.i16()?, fields.i16()?, fields.count()?);
    let groups: Vec<i16> = (0..count).map(|_| fields.i16()).collect::<Option<_>>()?;
    match sign {
        0 | 0x4000 => {}
        _ => return Some("NaN".to_owned()),
    }
    let group = |place: i32| -> i16 {
        let index = usize::try_from(i32::from(weight) - place);
        index.ok().and_then(|index| groups.get(index).copied()).unwrap_or(0)
    };
    let mut text = if sign == 0 { String::new() } else { "-".to_owned() };
    for place in (0..=i32::from(weight).max(0)).rev() {
        let _ = write!(text, "{:04}", group(place));
    }
    if scale > 0 {
        text.push('.');
        let mut part = String::new();
        for place in 1..=i32::try_from(scale.div_ceil(4)).ok()? {
            let _ = write!(part, "{:04}", group(-place));
        }
        text.push_str(part.get(..scale)?);
    }
    Some(text)
}

/// `{a,b}` of one dimension.
fn array(bytes: &[u8]) -> Option<String> {
    let mut fields = Fields(bytes);
    let (dimensions, _, oid) = (fields.i32()?, fields.i32()?, fields.u32()?);
    if dimensions == 0 {
        return Some("{}".to_owned());
    }
    let (count, _) = (fields.i32()?, fields.i32()?);
    let mut elements = Vec::new();
    for _ in 0..(dimensions == 1).then_some(count)? {
        let length = fields.i32()?;
        elements.push(match usize::try_from(length) {
            Ok(length) => {
                let text = binary(oid, fields.take(length)?)?;
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Err(_) => "NULL".to_owned(),
        });
    }
    Some(format!("{{{}}}", elements.join(",")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn binary_values_are_read_as_their_texts() {
        let of = |oid, bytes: &[u8]| of_binary(oid, bytes).unwrap();
        assert_eq!(of(21, &[0xff, 0xfe]), "-2");
        assert_eq!(of(701, &1.5_f64.to_be_bytes()), "1.5");
        // 2024-07-01 is 8948 days after 2000-01-01.
        assert_eq!(of(1082, &8948_i32.to_be_bytes()), "2024-07-01");
        assert_eq!(of(1184, &(8948_i64 * 86_400_000_000).to_be_bytes()), "2024-07-01 00:00:00.000000+00:00");
        let words = |words: &[i16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
        assert_eq!(of(1700, &words(&[3, 1, 0x4000, 2, 1, 2345, 6700])), "-00012345.67");
        let mut array = Vec::new();
        for word in [1_i32, 0, 25, 2, 1, 1] {
            array.extend(word.to_be_bytes());
        }
        array.push(b'a');
        array.extend(3_i32.to_be_bytes());
        array.extend(b"b \"");
        assert_eq!(of(1009, &array), "{\"a\",\"b \\\"\"}");
        assert!(of_binary(23, &[1]).is_err());
    }
}
