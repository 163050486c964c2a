//! Numbers with something around them: what a spreadsheet puts there to keep a text as it is, and what else makes a text of a
//! number.

use super::fields::Dialect;
use super::number;

/// A cell's text (trimmed) without what protects it from a spreadsheet: `="12.5"`, and an apostrophe before a number.
#[inline]
pub(crate) fn unprotected(text: &str, dialect: Dialect) -> &str {
    match text.as_bytes().first() {
        Some(b'=') => {
            let inside = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
            inside.filter(|inside| !inside.contains('"')).map_or(text, str::trim)
        }
        Some(b'\'') => {
            let bare = text.trim_matches('\'');
            number::read(bare, dialect.decimal, dialect.delimiter).map_or(text, |_| bare)
        }
        _ => text,
    }
}

/// Whether a text holds one number among other things, as `real-value: 21.5`, `1 (On)` and `0x10` do, and `AHU-1` and
/// `Stage 2` do not.
pub(crate) fn holds_number(text: &str) -> bool {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(hex) = hex {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let in_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let Some(begin) = text.find(|c: char| c.is_ascii_digit()) else { return false };
    let (before, number) = text.split_at_checked(begin).unwrap_or_default();
    let end = number.find(|c| !in_number(c)).unwrap_or(number.len());
    let (number, behind) = number.split_at_checked(end).unwrap_or_default();
    let before =
        before.strip_suffix(['-', '+']).filter(|rest| !rest.ends_with(char::is_alphanumeric)).unwrap_or(before);
    let marked = |c: char| matches!(c, ':' | '=' | '(' | '[' | '<' | '>' | '"' | '\'' | '$' | '€' | '£');
    let apart = before.trim_end().is_empty() || before.trim_end().ends_with(marked);
    let decimal = number.matches(['.', ',']).count() == 1 && !number.ends_with(['.', ',']);
    let is_number = [(b'.', b';'), (b',', b';')]
        .iter()
        .any(|(decimal, delimiter)| number::read(number, *decimal, *delimiter).is_some());
    (is_number || number.matches(['.', ',']).count() < 2)
        && !behind.contains(|c: char| c.is_ascii_digit())
        && !behind.starts_with(char::is_alphanumeric)
        && (apart || decimal && before.ends_with(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect { delimiter: b',', eol: b'\n', decimal: b'.' };

    #[test]
    fn what_protects_a_text_is_taken_off() {
        for (text, bare) in [
            ("=\"12.5\"", "12.5"),
            ("=\"ON\"", "ON"),
            ("=\"\"", ""),
            ("'12.5", "12.5"),
            ("'-4'", "-4"),
            ("'ON", "'ON"),
            ("=A1", "=A1"),
            ("=\"a\"&\"b\"", "=\"a\"&\"b\""),
            ("12.5", "12.5"),
        ] {
            assert_eq!(unprotected(text, DIALECT), bare);
        }
    }

    #[test]
    fn numbers_in_texts() {
        for text in [
            "real-value: 21.5",
            "1 (On)",
            "0 (Off)",
            "0x10",
            "0xFF",
            "On (1)",
            "value = -3",
            "about 21.5",
            "$5",
            "$1,234.50",
            "1.234,50 €",
        ] {
            assert!(holds_number(text), "{text}");
        }
        for text in ["AHU-1", "Stage 2", "CH_3", "On", "", "10.0.0.1", "v1.2", "1 of 3", "3rd", "0x", "08:15", "12A"] {
            assert!(!holds_number(text), "{text}");
        }
    }
}
