//! Wildcards in names of columns, and names that look alike.

/// Below this Jaro–Winkler similarity a name is no help.
const ALIKE: f64 = 0.75;
/// Most names that are offered for one that is unknown.
const MOST_OFFERED: usize = 3;

/// Whether `name` matches `pattern`, in which `*` stands for anything; letters' case does not matter.
#[must_use]
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    fn upper_matches(pattern: &str, name: &str) -> bool {
        let mut pieces = pattern.split('*');
        let Some(rest) = pieces.next().and_then(|start| name.strip_prefix(start)) else { return false };
        let Some(end) = pieces.next_back() else { return rest.is_empty() };
        // The earliest place of each piece leaves the most for those behind it.
        let middle = pieces.try_fold(rest, |rest, piece| rest.find(piece).and_then(|at| rest.get(at + piece.len()..)));
        middle.is_some_and(|rest| rest.ends_with(end))
    }
    let (pattern, name) = (pattern.trim().to_uppercase(), name.to_uppercase());
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    upper_matches(&pattern, &name) || upper_matches(&pattern, &words.collect::<Vec<_>>().join("_"))
}

/// The names that look most like `wanted`, best first; none that is no help.
#[must_use]
pub(crate) fn closest<'n>(names: impl IntoIterator<Item = &'n str>, wanted: &str) -> Vec<&'n str> {
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
pub(crate) fn did_you_mean<'n>(names: impl IntoIterator<Item = &'n str>, wanted: &str, otherwise: &str) -> String {
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
