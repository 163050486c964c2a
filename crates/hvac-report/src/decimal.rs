//! How a text writes a number.
//!
//! `0,5` can only have a decimal comma, `12.5` and `1,234.5` only a point; `1,234` alone tells nothing.

/// Bytes of the longest text that may be a number with its unit.
const LONGEST: usize = 48;
/// Texts in doubt that are enough to tell thousands by: decimals would have ended in a zero that is left out.
const ENOUGH: u64 = 20;

/// How a text writes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `0,5`, `1.234,5`: the comma is the decimal sign.
    Comma,
    /// `1,234`: a decimal comma or a mark of thousands.
    Doubtful,
    /// `1.234`: a decimal point or a mark of thousands.
    Grouped,
    /// `12.5`, `1,234.5`, `1,234,567`: the point is.
    Point,
    /// Up to 999, without any mark.
    Small,
    /// 1000 and above, without any mark.
    Large,
}

/// How the texts of a column write numbers.
#[derive(Debug, Default)]
pub(crate) struct Commas {
    /// See [`Form::Comma`].
    pub comma: u64,
    /// See [`Form::Doubtful`].
    pub doubtful: u64,
    /// See [`Form::Point`].
    pub point: u64,
    /// See [`Form::Small`]; without zeros.
    pub small: u64,
    /// See [`Form::Large`].
    pub large: u64,
    /// Row and text of the first that is in doubt.
    pub first: Option<(u32, String)>,
}

impl Commas {
    /// Counts one.
    pub(crate) fn see(&mut self, form: Form, row: u32, text: &str) {
        match form {
            Form::Comma => self.comma += 1,
            Form::Doubtful => {
                self.doubtful += 1;
                if self.first.is_none() {
                    self.first = Some((row, text.chars().take(40).collect()));
                }
            }
            Form::Point => self.point += 1,
            Form::Small => self.small += u64::from(text.bytes().any(|b| matches!(b, b'1'..=b'9'))),
            Form::Large => self.large += 1,
            Form::Grouped => {}
        }
    }

    /// Whether commas are decimal signs, by those that can be nothing else; none when there are none, or of both kinds.
    pub(crate) fn verdict(&self) -> Option<bool> {
        match (self.comma, self.point) {
            (1.., 0) => Some(true),
            (0, 1..) => Some(false),
            _ => None,
        }
    }

    /// Whether everything from 1000 on has a mark and nothing below it has: thousands, if there are enough.
    pub(crate) fn are_thousands(&self) -> bool {
        self.doubtful >= ENOUGH && self.comma == 0 && self.small > 0 && self.large == 0
    }
}

/// A sign, digits, what stands behind them.
fn parts(text: &str) -> (&str, &str, &str) {
    let digits = text.trim_start_matches(['+', '-', '\u{2212}']);
    let sign = text.get(..text.len() - digits.len()).unwrap_or_default();
    let mark = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '\u{2009}');
    let end = digits.find(|c| !mark(c)).unwrap_or(digits.len());
    let (number, behind) = digits.split_at_checked(end).unwrap_or((digits, ""));
    // A blank may stand between thousands, `1 234,5`, as well as before a unit.
    match behind.strip_prefix(' ') {
        Some(more) if more.as_bytes().get(..3).is_some_and(|three| three.iter().all(u8::is_ascii_digit)) => {
            let (_, tail, behind) = parts(more);
            let length = number.len() + 1 + tail.len();
            let grouped = number.len() <= 3 && digits.len() == length + behind.len();
            if grouped { (sign, digits.get(..length).unwrap_or(number), behind) } else { (sign, number, behind) }
        }
        _ => (sign, number, behind),
    }
}

/// The whole number that the digits of a number make, whatever its marks mean.
pub(crate) fn digits(text: &str) -> Option<f64> {
    let (_, number, _) = parts(text);
    number.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// How a text writes a number; none when it writes none. A unit or a mark may stand behind it, without digits.
pub(crate) fn form(text: &str) -> Option<Form> {
    if text.len() > LONGEST {
        return None;
    }
    let (sign, number, behind) = parts(text);
    if sign.chars().count() > 1 || behind.contains(|c: char| c.is_ascii_digit() || c == ',' || c == ':') {
        return None;
    }
    let blanks = |c: char| matches!(c, ' ' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '\u{2009}');
    let number = number.trim_end_matches(blanks);
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let (commas, points) = (number.matches(',').count(), number.matches('.').count());
    let bare = number.replace(blanks, "");
    let grouped = |whole: &str, mark: char| {
        let mut groups = whole.split(mark);
        let first = groups.next().unwrap_or_default();
        (1..=3).contains(&first.len()) && digits(first) && groups.all(|group| group.len() == 3 && digits(group))
    };
    match (commas, points) {
        (0, 0) if bare.is_empty() => None,
        (0, 0) => Some(if bare.len() <= 3 { Form::Small } else { Form::Large }),
        (1, 0) => {
            let (whole, fraction) = bare.split_once(',')?;
            if !digits(whole) || !digits(fraction) || fraction.is_empty() {
                return None;
            }
            let doubtful =
                bare == number && fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
            Some(if doubtful { Form::Doubtful } else { Form::Comma })
        }
        (0, 1) => {
            let (whole, fraction) = bare.split_once('.')?;
            let doubtful = fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
            (digits(whole) && digits(fraction)).then_some(if doubtful { Form::Grouped } else { Form::Point })
        }
        (_, 0) => grouped(&bare, ',').then_some(Form::Point),
        (0, _) => grouped(&bare, '.').then_some(Form::Comma),
        (_, _) => {
            let comma_last = bare.rfind(',') > bare.rfind('.');
            let (mark, sign) = if comma_last { ('.', ',') } else { (',', '.') };
            let (whole, fraction) = bare.split_once(sign)?;
            let form = if comma_last { Form::Comma } else { Form::Point };
            (grouped(whole, mark) && digits(fraction)).then_some(form)
        }
    }
}

/// A number with a decimal comma, written with a point and without marks of thousands; all else as it was.
pub(crate) fn with_point(text: &str) -> String {
    let (sign, number, behind) = parts(text);
    let plain: String = number.chars().filter(|c| c.is_ascii_digit() || *c == ',').collect();
    format!("{sign}{}{behind}", plain.replacen(',', ".", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form() {
        for (text, expected) in [
            ("0,5", Some(Form::Comma)),
            ("-11,50", Some(Form::Comma)),
            ("0,125", Some(Form::Comma)),
            ("1234,567", Some(Form::Comma)),
            ("1.234,5", Some(Form::Comma)),
            ("1.234.567", Some(Form::Comma)),
            ("1 234,567", Some(Form::Comma)),
            ("1\u{a0}234,5", Some(Form::Comma)),
            ("1'234,5", Some(Form::Comma)),
            ("12,5 °C", Some(Form::Comma)),
            ("45,5%", Some(Form::Comma)),
            ("1,234", Some(Form::Doubtful)),
            ("-123,456 kW", Some(Form::Doubtful)),
            ("1.234", Some(Form::Grouped)),
            ("12.5", Some(Form::Point)),
            ("0.125", Some(Form::Point)),
            ("1,234.5", Some(Form::Point)),
            ("1,234,567", Some(Form::Point)),
            ("987", Some(Form::Small)),
            ("98 765", Some(Form::Large)),
            ("12345 kWh", Some(Form::Large)),
            ("1,2,3", None),
            ("1,5;2,5", None),
            ("12,34,567", None),
            ("3 of 4", None),
            ("-", None),
            (",", None),
            ("10.0.0.1", None),
            ("08:15", None),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn commas_become_points() {
        for (text, expected) in [
            ("0,5", "0.5"),
            ("-11,50", "-11.50"),
            ("1.234,5", "1234.5"),
            ("1 234,567", "1234.567"),
            ("12,5 °C", "12.5 °C"),
            ("1.234", "1234"),
            ("1,234", "1.234"),
        ] {
            assert_eq!(with_point(text), expected);
        }
    }
}
