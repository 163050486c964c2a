//! A name cut into the words of the lexicon, whatever way it is written: `CHWST`, `CHW_S_T`, `ChWSupTemp`, `冰水出水溫度`.
//!
//! Separators are left out and remembered as places where words end. Of all ways to cut, the one is taken that leaves
//! the fewest characters unknown, then the one of the fewest words.

use crate::lexicon::{Lexicon, Word};

/// A stretch of a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece<'l> {
    /// In capitals.
    pub text: String,
    /// How many separators (or runs of them) stand before it.
    pub token: usize,
    /// The word, if the lexicon has it.
    pub word: Option<&'l Word>,
    /// Whether it is a number.
    pub number: bool,
}

/// What stands between a character and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Border {
    /// Nothing: only words that may be glued part here.
    None,
    /// A change of case, of script, or between letter and digit; a word may run across.
    Soft,
    /// A separator; only a word with a blank here may run across.
    Separator,
}

struct Spelled {
    letters: Vec<char>,
    text: String,
    /// Where in `text` each letter begins, and where the last ends.
    starts: Vec<usize>,
    borders: Vec<Border>,
    tokens: Vec<usize>,
}

fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}

/// The letters and digits of a name in capitals, and what stands between them.
fn spelled(name: &str) -> Spelled {
    let all: Vec<char> = name.chars().collect();
    let (mut letters, mut borders, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
    let (mut before, mut token) = (None::<char>, 0);
    for (index, c) in all.iter().copied().enumerate() {
        if !c.is_alphanumeric() || c == 'º' {
            if before.is_some() {
                token += 1;
            }
            before = None;
            continue;
        }
        let next = all.get(index + 1).copied();
        let border = match before {
            None => Border::Separator,
            Some(b) if is_cjk(b) || is_cjk(c) || b.is_ascii_digit() != c.is_ascii_digit() => Border::Soft,
            Some(b) if b.is_lowercase() && c.is_uppercase() => Border::Soft,
            Some(b) if b.is_uppercase() && c.is_uppercase() && next.is_some_and(char::is_lowercase) => Border::Soft,
            Some(_) => Border::None,
        };
        // `°F` is a unit wherever it stands, and no flow.
        let of_degrees = index.checked_sub(1).and_then(|at| all.get(at)).is_some_and(|b| matches!(b, '°' | 'º' | '˚'));
        if of_degrees && border == Border::Separator && matches!(c, 'F' | 'C' | 'f' | 'c') {
            letters.extend(['D', 'E', 'G', c.to_ascii_uppercase()]);
            borders.extend([Border::Separator, Border::None, Border::None, Border::None]);
            tokens.extend([token; 4]);
            before = Some(c);
            continue;
        }
        // Capitals of other scripts may be several letters; a name is compared letter by letter.
        letters.push(c.to_uppercase().next().unwrap_or(c));
        borders.push(border);
        tokens.push(token);
        before = Some(c);
    }
    let text: String = letters.iter().collect();
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    Spelled { letters, text, starts, borders, tokens }
}

/// One way to cut up to some place: its last piece, and the way before it.
struct Cut {
    /// Letters unknown, then pieces.
    cost: (usize, usize),
    from: usize,
    to: usize,
    known: bool,
    /// Whether a word may be glued on.
    right: bool,
    before: Option<usize>,
}

/// All ways that may still turn out best: at each place the cheapest, and the cheapest that can be glued to.
struct Ways<'s> {
    spelled: &'s Spelled,
    cuts: Vec<Cut>,
    ends: Vec<Vec<usize>>,
}

impl Ways<'_> {
    fn border(&self, at: usize) -> Border {
        self.spelled.borders.get(at).copied().unwrap_or(Border::Separator)
    }

    fn text(&self, from: usize, to: usize) -> &str {
        let Spelled { text, starts, .. } = self.spelled;
        let ends = starts.get(from).copied().zip(starts.get(to).copied());
        ends.and_then(|(from, to)| text.get(from..to)).unwrap_or_default()
    }

    /// The cheapest way up to `at` that `fits`.
    fn cheapest(&self, at: usize, fits: impl Fn(&Cut) -> bool) -> Option<usize> {
        let ends = self.ends.get(at)?.iter().copied();
        ends.filter(|id| self.cuts.get(*id).is_some_and(&fits)).min_by_key(|id| self.cuts.get(*id).map(|cut| cut.cost))
    }

    fn put(&mut self, cut: Cut) {
        let Some(ends) = self.ends.get_mut(cut.to) else { return };
        let same = ends.iter().position(|id| self.cuts.get(*id).is_some_and(|other| other.right == cut.right));
        match same.and_then(|at| ends.get_mut(at)) {
            Some(other) if self.cuts.get(*other).is_some_and(|other| other.cost <= cut.cost) => {}
            Some(other) => {
                *other = self.cuts.len();
                self.cuts.push(cut);
            }
            None => {
                ends.push(self.cuts.len());
                self.cuts.push(cut);
            }
        }
    }

    fn put_known(&mut self, from: usize, to: usize, word: &Word) {
        let seam = |at: usize| self.border(at) != Border::Separator || word.seams.contains(&(at - from));
        if !(from + 1..to).all(seam) {
            return;
        }
        let free = self.border(from) != Border::None;
        // A single letter begins a glued word only before one that is glued on both sides.
        let glued = |cut: &Cut| word.left && cut.right && (cut.to - cut.from > 1 || word.right);
        let Some(before) = self.cheapest(from, |cut| free || glued(cut)) else { return };
        let (letters, pieces) = self.cuts.get(before).map_or((0, 0), |cut| cut.cost);
        self.put(Cut { cost: (letters, pieces + 1), from, to, known: true, right: word.right, before: Some(before) });
    }

    /// What is unknown begins and ends at borders.
    fn put_unknown(&mut self, from: usize, to: usize) {
        let Some(before) = self.cheapest(from, |_| true) else { return };
        let number = self.spelled.letters.get(from).is_some_and(char::is_ascii_digit);
        let (letters, pieces) = self.cuts.get(before).map_or((0, 0), |cut| cut.cost);
        let cost = if number { (letters, pieces) } else { (letters + to - from, pieces + 1) };
        self.put(Cut { cost, from, to, known: false, right: false, before: Some(before) });
    }
}

/// Cuts `name` into pieces.
pub(crate) fn pieces<'l>(name: &str, lexicon: &'l Lexicon) -> Vec<Piece<'l>> {
    let spelled = spelled(name);
    let end = spelled.letters.len();
    let start = Cut { cost: (0, 0), from: 0, to: 0, known: true, right: false, before: None };
    let mut ways = Ways { spelled: &spelled, cuts: vec![start], ends: vec![Vec::new(); end + 1] };
    if let Some(ends) = ways.ends.first_mut() {
        ends.push(0);
    }
    for from in 0..end {
        for to in from + 1..=end.min(from + lexicon.longest) {
            if let Some(word) = lexicon.words.get(ways.text(from, to)) {
                ways.put_known(from, to, word);
            }
        }
        if ways.border(from) != Border::None {
            let to = (from + 1..end).find(|at| ways.border(*at) != Border::None).unwrap_or(end);
            ways.put_unknown(from, to);
        }
    }
    let mut pieces = Vec::new();
    let mut next = ways.cheapest(end, |_| true);
    while let Some(cut) = next.and_then(|id| ways.cuts.get(id)).filter(|cut| cut.to > 0) {
        let text = ways.text(cut.from, cut.to);
        let number = text.chars().all(|c| c.is_ascii_digit());
        let word = if cut.known { lexicon.words.get(text) } else { None };
        let token = spelled.tokens.get(cut.from).copied().unwrap_or_default();
        pieces.push(Piece { token, word, number, text: text.to_owned() });
        next = cut.before;
    }
    pieces.reverse();
    pieces
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::lexicon::current;

    #[test]
    fn names_fall_into_words_however_they_are_written() {
        for (name, expected) in [
            ("CHWST", "CHW ST"),
            ("CHW_S_T", "CHW S T"),
            ("LCHWT", "L CHW T"),
            ("ChLeaveEvapTemp", "CH LEAVE EVAP TEMP"),
            ("SecChWPVSDFreq", "SECCHWP VSD FREQ"),
            ("Wet-Bulb", "WETBULB"),
            ("kW_Tot", "KW TOT"),
            ("CHW1ST", "CHW 1 ST"),
            ("CHWSTsp", "CHW STSP"),
            ("CH-1.S", "CH 1 S"),
            ("冰水出水溫度#1", "冰水 出水 溫度 1"),
            ("FLOAT_SWITCH", "?FLOAT SWITCH"),
            ("EST", "?EST"),
            ("CHW Supply Temp (°F)", "CHW SUPPLY TEMP DEGF"),
            ("C.HW", "C HW"),
            ("", ""),
        ] {
            let pieces = pieces(name, current());
            let text =
                |p: &Piece<'_>| if p.word.is_some() || p.number { p.text.clone() } else { format!("?{}", p.text) };
            assert_eq!(pieces.iter().map(text).collect::<Vec<_>>().join(" "), expected, "{name}");
        }
    }
}
