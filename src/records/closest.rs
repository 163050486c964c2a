//! The closest of the names there are, for whoever wrote another. PURE.

/// Below this likeness (Jaro–Winkler) a name is no help.
const ALIKE: f64 = 0.6;

/// `did you mean x?`, or all names when none looks alike.
#[must_use]
pub fn advice<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let wanted = name.to_lowercase();
    let scored = known.iter().map(|other| (strsim::jaro_winkler(&wanted, &other.to_lowercase()), *other));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        None => "there are none".to_owned(),
        Some((likeness, closest)) if likeness >= ALIKE => format!("did you mean {closest}?"),
        Some(_) => format!("there are {}", known.join(", ")),
    }
}
