//! Every key of the object stores. Keys are relative to their root (of sessions, of models), with `/`, and never change once
//! a row refers to them.

use chrono::{DateTime, Utc};

/// Name prefix of files and folders that are not published (yet, or any more).
const STAGING: &str = ".staging-";
/// Longest file name that all file systems take, bytes.
const NAME_BYTES: usize = 255;
/// Longest name of a site's folder of models, bytes.
const SITE_BYTES: usize = 120;

/// What joins this folder to a database.
pub const STORE_JSON: &str = "store.json";
/// Who works on this folder.
pub const STORE_LOCK: &str = "store.lock";

/// What was set aside, below each root.
pub(crate) const TRASH: &str = "trash";

/// Where a file is set aside: `trash/20261129T101918.123Z/` and the key it had. `again` tells apart what would have the
/// same name.
#[must_use]
pub fn trash(at: DateTime<Utc>, again: u32, key: &str) -> String {
    let time = at.format("%Y%m%dT%H%M%S%.3fZ");
    if again == 0 { format!("{TRASH}/{time}/{key}") } else { format!("{TRASH}/{time}-{again}/{key}") }
}

/// Whether a key is that of something set aside.
#[must_use]
pub(crate) fn is_trash(key: &str) -> bool {
    key.split('/').next() == Some(TRASH)
}

/// The folder of a session.
#[must_use]
pub fn session_dir(session_id: &str) -> String {
    session_id.to_owned()
}

/// The folder of a session's raw files.
#[must_use]
pub fn raw_dir(session_id: &str) -> String {
    format!("{session_id}/raw")
}

/// The uploaded bytes of a file: its hash keeps equal names apart, its name is for people.
#[must_use]
pub fn raw(session_id: &str, sha256: &str, file_name: &str) -> String {
    let hash: String = sha256.chars().take(12).collect();
    let room = NAME_BYTES - hash.len().min(NAME_BYTES - 1) - 1;
    format!("{session_id}/raw/{hash}-{}", safe_name(file_name, room))
}

/// A parsed version.
#[must_use]
pub fn parsed(session_id: &str, version: i32) -> String {
    format!("{session_id}/parsed-v{version}.parquet")
}

/// A cleaned version.
#[must_use]
pub fn cleaned(session_id: &str, version: i32) -> String {
    format!("{session_id}/cleaned-v{version}.parquet")
}

/// The quality events of a cleaned version.
#[must_use]
pub fn cleaned_events(session_id: &str, version: i32) -> String {
    format!("{session_id}/cleaned-v{version}.events.parquet")
}

/// The file of quality events of a cleaned version.
#[must_use]
pub fn events_of_cleaned(key: &str) -> Option<String> {
    key.strip_suffix(".parquet").map(|stem| format!("{stem}.events.parquet"))
}

/// The cleaned version that a file of quality events belongs to.
#[must_use]
pub fn cleaned_of_events(key: &str) -> Option<String> {
    key.strip_suffix(".events.parquet").map(|stem| format!("{stem}.parquet"))
}

/// The folder of a site's models, below the root of models.
#[must_use]
pub fn model_dir(site: Option<&str>) -> String {
    site.map_or_else(|| "default".to_owned(), |site| safe_name(site, SITE_BYTES))
}

/// A model's version; `name` has only letters, digits, `_`, `-` and `.`, and does not begin with `.`.
#[must_use]
pub fn model(site: Option<&str>, name: &str, version: i32) -> String {
    format!("{}/{name}-v{version}.json", model_dir(site))
}

/// Name and version of a model file.
#[must_use]
pub fn model_of(key: &str) -> Option<(&str, i32)> {
    let (_, file) = key.split_once('/')?;
    let (name, version) = file.strip_suffix(".json")?.rsplit_once("-v")?;
    let version = version.parse().ok().filter(|version| *version > 0)?;
    (!name.is_empty() && !name.contains('/')).then_some((name, version))
}

/// Whether a key is one that a raw file of that session may have.
#[must_use]
pub fn is_raw_of(session_id: &str, key: &str) -> bool {
    let name = key.strip_prefix(&raw_dir(session_id)).and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(is_file_name)
}

/// Whether a key is one that a model file of that site may have.
#[must_use]
pub fn is_model_of(key: &str, site: Option<&str>) -> bool {
    let Some((folder, name)) = key.split_once('/') else { return false };
    folder == model_dir(site) && folder != TRASH && is_file_name(name)
}

/// Whether a text is a name that this program would give a file.
fn is_file_name(name: &str) -> bool {
    !is_staging(name) && safe_name(name, NAME_BYTES) == name
}

/// Whether a file name that begins like this names a device on Windows.
#[must_use]
pub fn is_device(name: &str) -> bool {
    is_reserved(name.split('.').next().unwrap_or_default().trim_end())
}

/// What the catalogue knows of a session.
#[must_use]
pub fn session_json(session_id: &str) -> String {
    format!("{session_id}/session.json")
}

/// A new staging name in a folder.
#[must_use]
pub fn staging(folder: &str) -> String {
    let name = format!("{STAGING}{}", uuid::Uuid::now_v7().simple());
    if folder.is_empty() { name } else { format!("{folder}/{name}") }
}

/// Whether a key, or a folder on its way, is not published: ours, or one that the object store makes
/// while it writes (`name#1`; `#` is in no published name).
#[must_use]
pub(crate) fn is_staging(key: &str) -> bool {
    key.split('/').any(|name| {
        name.starts_with(STAGING)
            || name
                .rsplit_once('#')
                .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// A file name that Windows, every object store and a shell take, of at most `room` bytes.
fn safe_name(file_name: &str, room: usize) -> String {
    let base = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let mut name: String = base.chars().map(|c| if is_unsafe(c) { '_' } else { c }).collect();
    name.truncate(name.trim_end_matches(['.', ' ']).len());
    let name = name.trim_start().to_owned();
    let name = if name.is_empty() || name.starts_with('.') { format!("_{name}") } else { name };
    let name = if is_device(&name) { format!("_{name}") } else { name };
    cut(&name, room)
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || "<>:\"/\\|?*#%~^{}[]`".contains(c)
}

/// Names of devices on Windows, with any extension.
fn is_reserved(stem: &str) -> bool {
    let stem = stem.to_ascii_uppercase();
    let numbered =
        |prefix| stem.strip_prefix(prefix).is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()));
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered("COM") || numbered("LPT")
}

/// At most `room` bytes, at a character's boundary; an extension of up to 16 bytes stays.
fn cut(name: &str, room: usize) -> String {
    if name.len() <= room {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if name.len() - dot <= 16 => name.split_at(dot),
        _ => (name, ""),
    };
    let stem = stem.get(..stem.floor_char_boundary(room.saturating_sub(extension.len()))).unwrap_or_default();
    format!("{}{extension}", stem.trim_end_matches(['.', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw_name(file_name: &str) -> String {
        let key = raw("s", "0123456789abcdef", file_name);
        key.strip_prefix("s/raw/0123456789ab-").map(str::to_owned).unwrap_or_default()
    }

    #[test]
    fn names_are_valid_everywhere() {
        for (given, stored) in [
            ("TR_KH_T_161110-161210.csv", "TR_KH_T_161110-161210.csv"),
            ("溫度 記錄.csv", "溫度 記錄.csv"),
            ("../../etc/passwd", "passwd"),
            ("C:\\reports\\a.csv", "a.csv"),
            ("a<b>c:d\"e|f?g*h#1", "a_b_c_d_e_f_g_h_1"),
            ("50%~^{}[]`.csv", "50________.csv"),
            ("line\nbreak\0.csv", "line_break_.csv"),
            ("dots...", "dots"),
            ("blank .csv ", "blank .csv"),
            ("CON", "_CON"),
            ("nul.csv", "_nul.csv"),
            ("com1.txt", "_com1.txt"),
            ("console.csv", "console.csv"),
            (".hidden", "_.hidden"),
            ("", "_"),
            ("...", "_"),
        ] {
            assert_eq!(raw_name(given), stored, "{given:?}");
        }
    }

    #[test]
    fn long_names_are_cut_and_keep_their_extension() {
        let key = raw("s", &"f".repeat(64), &format!("{}.csv", "溫".repeat(200)));
        let name = key.strip_prefix("s/raw/").unwrap_or_default();
        assert!(name.len() <= 255 && name.len() > 252, "{}", name.len());
        assert!(name.ends_with("溫.csv"));
        assert_eq!(raw_name(&"x".repeat(400)).len(), 255 - 13);
    }

    #[test]
    fn a_model_file_tells_its_name_and_version() {
        for (site, name, version, key) in [
            (None, "plant", 3, "default/plant-v3.json"),
            (Some("KMUH"), "power-v2", 12, "KMUH/power-v2-v12.json"),
            (Some("../x"), "模型.1", 1, "x/模型.1-v1.json"),
            (Some(".."), "a", 1, "_/a-v1.json"),
        ] {
            assert_eq!(model(site, name, version), key);
            assert_eq!(model_of(key), Some((name, version)));
        }
        for other in
            ["README.md", "default/README.md", "default/plant.json", "plant-v1.json", "a/b/c-v1.json", "a/x-v0.json"]
        {
            assert_eq!(model_of(other), None, "{other}");
        }
    }

    #[test]
    fn places_that_are_not_a_sessions_are_known() {
        for name in ["0123456789ab-a.csv", "a", "溫度.csv"] {
            assert!(is_raw_of("s", &format!("s/raw/{name}")), "{name}");
        }
        for key in [
            "s/raw/",
            "s/raw/..",
            "s/raw/../x",
            "t/raw/a",
            "s/a",
            "s/raw/a/b",
            "s/raw/.staging-1",
            "s/raw/a\\b",
            "/s/raw/a",
        ] {
            assert!(!is_raw_of("s", key), "{key}");
        }
        assert!(is_model_of("KMUH/plant-v1.json", Some("KMUH")) && is_model_of("default/a-v1.json", None));
        for (key, site) in [
            ("KMUH/a-v1.json", None),
            ("../a-v1.json", Some("..")),
            ("trash/a-v1.json", Some("trash")),
            ("x/../a-v1.json", Some("x")),
        ] {
            assert!(!is_model_of(key, site), "{key}");
        }
    }

    #[test]
    fn what_is_set_aside_tells_when_and_from_where() {
        let at = DateTime::from_timestamp_millis(1_795_947_558_123).unwrap_or_default();
        assert_eq!(trash(at, 0, "s/parsed-v1.parquet"), "trash/20261129T101918.123Z/s/parsed-v1.parquet");
        assert_eq!(trash(at, 1, "s/raw/a.csv"), "trash/20261129T101918.123Z-1/s/raw/a.csv");
        assert!(is_trash(&trash(at, 0, "s/a")) && !is_trash("s/trash/a") && !is_trash("trash.json"));
        assert_eq!(model_of(&trash(at, 0, "KMUH/plant-v1.json")), None);
    }

    #[test]
    fn staging_names_are_told_from_published_ones() {
        assert!(is_staging(&staging("s/raw")));
        assert!(is_staging(&staging("")));
        assert!(is_staging("s/session.json#1"));
        assert!(is_staging(&format!("{}/raw/a.csv", staging(""))));
        for published in [parsed("s", 1), cleaned("s", 2), session_json("s"), raw("s", "00", "a#1"), STORE_JSON.into()]
        {
            assert!(!is_staging(&published), "{published}");
        }
    }
}
