//! Names of columns: what a point's name becomes in the stored frame.

use std::collections::{BTreeMap, BTreeSet};

/// Name of the time column; no point may take it.
pub const TIMESTAMP: &str = "timestamp";

/// Every character that is not a letter, digit or `_` becomes `_`; letters of any script stay.
#[must_use]
pub fn normalised(original: &str) -> String {
    let name: String = original.trim().chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if name.is_empty() { "column".to_owned() } else { name }
}

/// One name for each of `originals` (original name and occurrence), all different.
///
/// Collisions get `_2`, `_3`, … in the order of the sorted originals, so the answer does not depend on the
/// order of the files. `given` names (by index) are taken as they are.
#[must_use]
pub fn unique(originals: &[(&str, u32)], given: &BTreeMap<usize, String>) -> Vec<String> {
    let mut taken: BTreeSet<String> = given.values().cloned().collect();
    taken.insert(TIMESTAMP.to_owned());
    let mut sorted: Vec<(usize, &(&str, u32))> =
        originals.iter().enumerate().filter(|(i, _)| !given.contains_key(i)).collect();
    sorted.sort_by(|a, b| a.1.cmp(b.1));
    let mut names: BTreeMap<usize, String> = given.clone();
    let mut colliding = Vec::new();
    // Names that are free as they stand go first: `A_2` keeps its name when two others become `A`.
    for (index, (original, _)) in sorted {
        let base = normalised(original);
        if taken.insert(base.clone()) {
            names.insert(index, base);
        } else {
            colliding.push((index, base));
        }
    }
    // All numbers below are taken: whoever comes later need not try them again.
    let mut next: BTreeMap<String, u32> = BTreeMap::new();
    for (index, base) in colliding {
        let number = next.entry(base.clone()).or_insert(2);
        let free = (*number..).map(|n| (n, format!("{base}_{n}"))).find(|(_, name)| !taken.contains(name));
        let name = free.map_or(base, |(n, name)| {
            *number = n.saturating_add(1);
            name
        });
        taken.insert(name.clone());
        names.insert(index, name);
    }
    names.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_keeps_its_letters() {
        assert_eq!(normalised("PUMP, NORTH"), "PUMP__NORTH");
        assert_eq!(normalised("溫度-1"), "溫度_1");
        assert_eq!(normalised("RH [%]"), "RH____");
        assert_eq!(normalised("  "), "column");
    }

    #[test]
    fn suffixes_go_by_sorted_originals_whatever_the_order() {
        let none = BTreeMap::new();
        assert_eq!(unique(&[("A.B", 0), ("A-B", 0), ("A_B", 0)], &none), ["A_B_2", "A_B", "A_B_3"]);
        assert_eq!(unique(&[("A_B", 0), ("A.B", 0), ("A-B", 0)], &none), ["A_B_3", "A_B_2", "A_B"]);
    }

    #[test]
    fn a_suffix_never_takes_a_name_that_a_point_has() {
        let none = BTreeMap::new();
        assert_eq!(unique(&[("T", 0), ("T", 1), ("T_2", 0)], &none), ["T", "T_3", "T_2"]);
        let four = [("T", 0), ("T", 1), ("T", 2), ("T", 3), ("T_3", 0)];
        assert_eq!(unique(&four, &none), ["T", "T_2", "T_4", "T_5", "T_3"]);
        assert_eq!(unique(&[("timestamp", 0)], &none), ["timestamp_2"]);
    }

    #[test]
    fn given_names_come_first() {
        let given = BTreeMap::from([(1, "T".to_owned())]);
        assert_eq!(unique(&[("T", 0), ("X", 0)], &given), ["T_2", "T"]);
    }
}
