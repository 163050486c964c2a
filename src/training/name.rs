//! Names of models and of their aliases, and how users refer to a model. PURE.

use crate::error::{Error, Result, codes};
use hvac_store::paths;

/// Longest name, bytes: with its version it is a file name everywhere.
const LONGEST: usize = 180;

/// A model's name that may be part of a file name on every system.
///
/// # Errors
/// 422 naming the characters that may not be in it.
pub fn check(field: &str, name: &str) -> Result<()> {
    let refused = |what: String| Err(Error::invalid(field, codes::BAD_NAME, format!("{field}: {what}")));
    if name.is_empty() {
        return refused("give the model a name, such as plant_power".to_owned());
    }
    let mut wrong: Vec<String> = Vec::new();
    for letter in name.chars().filter(|c| !(c.is_alphanumeric() || "_-.".contains(*c))) {
        let shown = if letter == ' ' { "a blank".to_owned() } else { format!("'{}'", letter.escape_debug()) };
        if !wrong.contains(&shown) {
            wrong.push(shown);
        }
    }
    if !wrong.is_empty() {
        let wrong = wrong.join(", ");
        return refused(format!("'{name}' has {wrong} in it; use letters, digits, '_', '-' and '.'"));
    }
    if name.starts_with('.') || name.ends_with('.') {
        return refused(format!("'{name}' begins or ends with '.'; a file of that name would be hidden or renamed"));
    }
    if name.len() > LONGEST {
        return refused(format!("it has {} bytes; at most {LONGEST} fit into a file name", name.len()));
    }
    if paths::is_device(&format!("{name}-v1")) {
        return refused(format!("'{name}' is the name of a device on Windows; choose another"));
    }
    Ok(())
}

/// An alias: a name that cannot be taken for a version.
///
/// # Errors
/// 422 saying why it cannot be one.
pub fn check_alias(alias: &str) -> Result<()> {
    check("alias", alias)?;
    if alias == "latest" || version(alias).is_some() {
        let message = format!("alias: '{alias}' means a version already; choose a word such as production");
        return Err(Error::invalid("alias", codes::BAD_NAME, message));
    }
    Ok(())
}

/// The number that `v3` or `3` means.
#[must_use]
pub fn version(text: &str) -> Option<i32> {
    text.strip_prefix('v').unwrap_or(text).parse().ok().filter(|n| *n > 0)
}

/// How a user refers to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// An id. Also looked up as a name, for a name may look like one.
    Id(String),
    /// Its newest completed version.
    Name(String),
    /// `name:v3`.
    Version(String, i32),
    /// `name:production`.
    Alias(String, String),
}

impl Reference {
    /// What `text` means.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Ok(id) = uuid::Uuid::try_parse(text) {
            return Self::Id(id.hyphenated().to_string());
        }
        match text.rsplit_once(':') {
            None => Self::Name(text.to_owned()),
            Some((name, "latest")) => Self::Name(name.to_owned()),
            Some((name, which)) => match version(which) {
                Some(version) => Self::Version(name.to_owned(), version),
                None => Self::Alias(name.to_owned(), which.to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_safe_as_file_names() {
        for good in ["plant", "冰水主機_2024", "Größe-1.5", "a", "v3", "CONSOLE", "Модель"] {
            assert!(check("model_name", good).is_ok(), "{good}");
        }
        for (bad, says) in [
            ("", "give the model a name"),
            ("my plant", "a blank"),
            ("../etc", "'/'"),
            ("a:b?", "':', '?'"),
            ("line\nbreak", "'\\n'"),
            (".hidden", "begins or ends"),
            ("dot.", "begins or ends"),
            ("CON.x", "device"),
            (&"x".repeat(181), "at most 180"),
        ] {
            let error = check("model_name", bad).unwrap_err();
            assert_eq!(error.code.name, "bad_name");
            assert!(error.message.contains(says), "{bad}: {error}");
        }
    }

    #[test]
    fn references_are_ids_names_versions_and_aliases() {
        let id = "0199f6a0-0000-7000-8000-000000000001";
        assert_eq!(Reference::parse(id), Reference::Id(id.to_owned()));
        assert_eq!(Reference::parse(" plant "), Reference::Name("plant".to_owned()));
        assert_eq!(Reference::parse("plant:latest"), Reference::Name("plant".to_owned()));
        assert_eq!(Reference::parse("plant:v3"), Reference::Version("plant".to_owned(), 3));
        assert_eq!(Reference::parse("plant:3"), Reference::Version("plant".to_owned(), 3));
        let alias = Reference::Alias("plant".to_owned(), "production".to_owned());
        assert_eq!(Reference::parse("plant:production"), alias);
        assert_eq!(Reference::parse("plant:v0"), Reference::Alias("plant".to_owned(), "v0".to_owned()));
    }

    #[test]
    fn an_alias_is_no_version() {
        assert!(check_alias("production").is_ok());
        for bad in ["latest", "v3", "7", "in use"] {
            assert!(check_alias(bad).is_err(), "{bad}");
        }
    }
}
