//! The words in a column's name, and names that look alike. Reading a name only ever suggests.

/// Below this Jaro–Winkler similarity a name is no help.
const ALIKE: f64 = 0.75;
/// Most names that are offered for one that is unknown.
const MOST_OFFERED: usize = 3;

/// The words of a name: in capitals, cut at everything that is neither letter nor digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Of `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let upper = name.to_uppercase();
        Self(upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }

    /// Each word without the digits at its end: `CHP1` is a `CHP`.
    pub fn stems(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).filter(|stem| !stem.is_empty())
    }

    /// Whether any word is one of these, digits at its end left out.
    #[must_use]
    pub fn any(&self, words: &[&str]) -> bool {
        self.stems().any(|stem| words.contains(&stem))
    }

    /// Whether any word begins with one of these.
    #[must_use]
    pub fn begins(&self, beginnings: &[&str]) -> bool {
        self.0.iter().any(|word| beginnings.iter().any(|beginning| word.starts_with(beginning)))
    }

    /// The last word.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Joined by `_`, as patterns expect it.
    #[must_use]
    pub fn joined(&self) -> String {
        self.0.join("_")
    }
}

/// Whether `name` matches `pattern`, in which `*` stands for anything; letters' case does not matter.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    fn upper_matches(pattern: &str, name: &str) -> bool {
        let mut pieces = pattern.split('*');
        let Some(rest) = pieces.next().and_then(|start| name.strip_prefix(start)) else { return false };
        let Some(end) = pieces.next_back() else { return rest.is_empty() };
        // The earliest place of each piece leaves the most for those behind it.
        let middle = pieces.try_fold(rest, |rest, piece| rest.find(piece).and_then(|at| rest.get(at + piece.len()..)));
        middle.is_some_and(|rest| rest.ends_with(end))
    }
    let (pattern, name) = (pattern.trim().to_uppercase(), name.to_uppercase());
    upper_matches(&pattern, &name) || upper_matches(&pattern, &Words::of(&name).joined())
}

/// The names that look most like `wanted`, best first; none that is no help.
#[must_use]
pub fn closest<'n>(names: impl IntoIterator<Item = &'n str>, wanted: &str) -> Vec<&'n str> {
    let wanted = wanted.to_uppercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_uppercase()), name))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(MOST_OFFERED).map(|(_, name)| name).collect()
}

/// `did you mean A or B?`, or what else to do.
#[must_use]
pub fn did_you_mean<'n>(names: impl IntoIterator<Item = &'n str>, wanted: &str, otherwise: &str) -> String {
    match closest(names, wanted).as_slice() {
        [] => otherwise.to_owned(),
        close => format!("did you mean {}?", close.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_whatever_the_case() {
        for (pattern, name, expected) in [
            ("CHP*", "chp_01_kw", true),
            ("chp*hz", "CHP_1_HZ", true),
            ("CHP*", "SCHP_1", false),
            ("*CHW*ST*", "SITE_CHW_ST_1", true),
            ("*A*A", "BA", false),
            ("*A*A", "BAA", true),
            ("A*A", "A", false),
            ("*", "X", true),
            ("HZ_CHP", "Hz__CHP", true),
            ("RT", "kW_RT", false),
            ("溫*", "溫度", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn names_that_look_alike_are_offered() {
        let names = ["MMCB_KW", "MMCB_KWH", "CHWST"];
        assert_eq!(did_you_mean(names, "mmcb_kw", "look"), "did you mean MMCB_KW or MMCB_KWH?");
        assert_eq!(did_you_mean(names, "zzz", "look"), "look");
    }
}
