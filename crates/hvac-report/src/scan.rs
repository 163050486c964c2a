//! Steps through the bytes of a time as it is written.

/// Without leading blanks: spaces, tabs, and the non-breaking ones that are put before AM and PM.
pub(crate) fn blanks(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [b' ' | b'\t', tail @ ..] | [0xC2, 0xA0, tail @ ..] | [0xE2, 0x80, 0xAF, tail @ ..] => tail,
            _ => return rest,
        };
    }
}

/// A number of at most nine digits: value, digits, rest.
pub(crate) fn number(text: &[u8]) -> Option<(u32, usize, &[u8])> {
    let (mut value, mut digits, mut rest) = (0u32, 0usize, text);
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        if digits == 9 {
            return None;
        }
        (value, digits, rest) = (value * 10 + u32::from(digit - b'0'), digits + 1, tail);
    }
    (digits > 0).then_some((value, digits, rest))
}

/// Two digits: value, rest.
pub(crate) fn two_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => Some((u32::from(a - b'0') * 10 + u32::from(b - b'0'), rest)),
        _ => None,
    }
}

/// The letters at the beginning, lower case and without accents (`Févr.` is `fevr`), and what follows them.
pub(crate) fn word(text: &[u8]) -> Option<(String, &[u8])> {
    // A word of a date is short: what stands far behind it need not be looked at.
    let near = text.get(..48).unwrap_or(text);
    let near = std::str::from_utf8(near).unwrap_or_else(|error| {
        std::str::from_utf8(near.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
    });
    let end = near.find(|c: char| !c.is_alphabetic()).unwrap_or(near.len());
    let (letters, _) = near.split_at_checked(end)?;
    let plain = letters.to_lowercase().chars().map(without_accent).collect();
    (end > 0).then_some((plain, text.get(end..)?))
}

fn without_accent(letter: char) -> char {
    match letter {
        'à'..='å' => 'a',
        'ç' | 'č' => 'c',
        'è'..='ë' | 'ě' => 'e',
        'ì'..='ï' | 'ı' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ř' => 'r',
        'ś' | 'ş' | 'š' => 's',
        'ź' | 'ž' => 'z',
        other => other,
    }
}
