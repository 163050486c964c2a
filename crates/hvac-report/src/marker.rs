//! Texts that stand where a value was lost (HVAC.md §2) in every column, and the reason each is a null for.
//!
//! They say only that there is no value. A word that says more (`Comm Fail`, `Unknown`, `Fault`) may be a state: it stays a
//! text until the whole column is known, and `hvac_frame::words` says then what it is a null for.

use hvac_frame::column::NullReason;

/// The reason behind a loss marker; none when `text` (trimmed) is no loss marker.
#[must_use]
pub(crate) fn reason(text: &str) -> Option<NullReason> {
    if text.is_empty() {
        return Some(NullReason::Empty);
    }
    if text.len() > 40 {
        return None;
    }
    let lower = text.to_lowercase();
    match lower.as_str() {
        "no data" | "nodata" | "no_data" | "no-data" | "no value" | "no values" | "novalue" | "no reading"
        | "no readings" | "no sample" | "no samples" | "no record" | "unavailable" | "not available"
        | "data not available" | "data unavailable" | "kein wert" | "keine werte" | "keine daten"
        | "nicht verfügbar" | "k.a." | "k. a." | "keine angabe" | "pas de données" | "pas de donnée"
        | "aucune donnée" | "pas de valeur" | "indisponible" | "non disponible" | "n.d." | "sin datos" | "sin dato"
        | "sin valor" | "no disponible" | "s/d" | "nessun dato" | "nessun valore" | "geen data" | "geen gegevens"
        | "geen waarde" | "niet beschikbaar" | "sem dados" | "brak danych" | "ingen data" | "無資料" | "無數據"
        | "無数据" | "無值" | "沒有資料" | "暫無資料" | "无数据" | "无值" | "没有数据" | "暂无数据" | "データなし"
        | "欠測" | "데이터 없음" => {
            return Some(NullReason::NoData);
        }
        "data loss" | "dataloss" | "data_loss" | "data lost" | "datalost" | "data_lost" => {
            return Some(NullReason::DataLoss);
        }
        "n/a" | "na" | "n.a." | "null" | "<null>" | "(null)" | "none" | "nil" | "missing" | "{null}" => {
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
            (
                NoData,
                &[
                    "No Data",
                    "NO DATA",
                    "nodata",
                    "unavailable",
                    "Kein Wert",
                    "k.A.",
                    "Indisponible",
                    "無資料",
                    "无数据",
                ],
            ),
            (DataLoss, &["Data Loss", "DataLost"]),
            (TimeError, &["TIME (-1)", "TIME (7)", "TIME (123)", "time(-4)"]),
            (UnknownMarker, &["?", "---", "-", "N/A", "n.a.", "na", "NULL", "MISSING", "--", "***"]),
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
        for text in [
            "ON", "OFF", "TIME", "TIME ()", "TIME (x)", "Normal", "Nominal", "No", "Unknown", "Value_OK", "BAD",
            "Offline",
        ] {
            assert_eq!(reason(text), None, "{text}");
        }
    }
}
