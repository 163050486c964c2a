//! Texts that stand where a value was lost (HVAC.md §2), and the reason each is a null for.

use hvac_frame::column::NullReason;

/// The reason behind a loss marker; none when `text` (trimmed) is no loss marker.
#[must_use]
pub fn reason(text: &str) -> Option<NullReason> {
    if text.is_empty() {
        return Some(NullReason::Empty);
    }
    if text.len() > 24 {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "no data" | "nodata" | "no_data" | "no-data" => return Some(NullReason::NoData),
        "data loss" | "dataloss" | "data_loss" | "data lost" | "datalost" | "data_lost" => {
            return Some(NullReason::DataLoss);
        }
        "n/a" | "na" | "n.a." | "null" | "<null>" | "(null)" | "none" | "nil" | "missing" | "not available" => {
            return Some(NullReason::UnknownMarker);
        }
        "#value!" | "#ref!" | "#div/0!" | "#n/a" | "#name?" | "#num!" | "#null!" | "#spill!" | "#calc!" | "#error!" => {
            return Some(NullReason::SpreadsheetError);
        }
        "nan" | "+nan" | "-nan" | "inf" | "+inf" | "-inf" | "infinity" | "+infinity" | "-infinity" | "∞" | "-∞"
        | "1.#qnan" | "-1.#qnan" | "1.#ind" | "-1.#ind" | "1.#inf" | "-1.#inf" | "1.#io" => {
            return Some(NullReason::NotFinite);
        }
        _ => {}
    }
    if let Some(inner) = lower.strip_prefix("time") {
        let inner = inner.trim_start().strip_prefix('(')?.strip_suffix(')')?.trim();
        let digits = inner.strip_prefix(['-', '+']).unwrap_or(inner);
        return (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(NullReason::TimeError);
    }
    if lower.len() > 1 && lower.bytes().all(|b| b == b'#') {
        return Some(NullReason::SpreadsheetError);
    }
    lower.bytes().all(|b| matches!(b, b'?' | b'-' | b'*' | b'.' | b'_')).then_some(NullReason::UnknownMarker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_marker_has_its_reason() {
        use NullReason::*;
        for (reason_expected, texts) in [
            (Empty, &[""][..]),
            (NoData, &["No Data", "NO DATA", "nodata"]),
            (DataLoss, &["Data Loss", "DataLost"]),
            (TimeError, &["TIME (-1)", "TIME (7)", "TIME (123)", "time(-4)"]),
            (UnknownMarker, &["?", "---", "-", "N/A", "null", "***"]),
            (SpreadsheetError, &["#VALUE!", "#DIV/0!", "#N/A", "#####"]),
            (NotFinite, &["NaN", "inf", "-Infinity", "-1.#IND"]),
        ] {
            for text in texts {
                assert_eq!(reason(text), Some(reason_expected), "{text}");
            }
        }
    }

    #[test]
    fn states_and_words_are_no_markers() {
        for text in ["ON", "OFF", "TIME", "TIME ()", "TIME (x)", "Normal", "Nominal", "No", "Unknown", "Value_OK"] {
            assert_eq!(reason(text), None, "{text}");
        }
    }
}
