//! A bundle of a session that is here already: the same, less, or another.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sessions::document::Session;
use crate::sessions::snapshot::Snapshot;

/// Fields of a session that follow from its versions, or tell only when something was done.
const FOLLOWING: [&str; 7] =
    ["updated_at", "status", "total_rows", "files_count", "parsed_over_http_at", "created_at", "owner_id"];

/// By what it is called: id and hashes of everything a session has.
fn parts(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    for row in &snapshot.source_files {
        let member = row.archive_member.as_ref().map(|member| format!("/{member}")).unwrap_or_default();
        parts.insert(format!("the report '{}{member}' ({})", row.file_name, row.sha256), row.size_bytes.to_string());
    }
    for row in &snapshot.parsed_datasets {
        parts.insert(format!("parsed-v{}", row.version), format!("{} {}", row.id, row.sha256));
    }
    for row in &snapshot.cleaning_jobs {
        let events = row.events_sha256.as_deref().unwrap_or_default();
        let hashes = format!("{} {} {} {events}", row.id, row.dataset_id, row.sha256.as_deref().unwrap_or_default());
        parts.insert(format!("cleaned-v{}", row.version), hashes);
    }
    for row in &snapshot.trained_models {
        let hashes = format!("{} {}", row.id, row.sha256.as_deref().unwrap_or_default());
        parts.insert(format!("the model {}:v{}", row.name, row.version), hashes);
    }
    parts
}

/// What the bundle has and the session here has not, or otherwise.
#[must_use]
pub fn differences(here: &Snapshot, bundle: &Snapshot) -> Vec<String> {
    let here = parts(here);
    let difference = |(name, in_bundle): (String, String)| match here.get(&name) {
        Some(known) if *known == in_bundle => None,
        Some(_) => Some(format!("{name} is another here than in the bundle")),
        None => Some(format!("{name} is in the bundle, and not here")),
    };
    parts(bundle).into_iter().filter_map(difference).collect()
}

/// What stays as it is here, though the bundle says otherwise; and what there is besides.
#[must_use]
pub fn kept(here: &Snapshot, bundle: &Snapshot) -> Vec<String> {
    let in_bundle = parts(bundle);
    let more = parts(here).into_keys().filter(|name| !in_bundle.contains_key(name));
    let more = more.map(|name| format!("{name} is here, and not in the bundle: it stays"));
    let fields = |snapshot: &Snapshot| serde_json::to_value(Session::from(&snapshot.session)).unwrap_or_default();
    let (here, there) = (fields(here), fields(bundle));
    let names = here.as_object().into_iter().chain(there.as_object()).flat_map(|fields| fields.keys());
    let mut names: Vec<&String> = names.filter(|name| !FOLLOWING.contains(&name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    let value = |fields: &Value, name: &str| fields.get(name).cloned().unwrap_or_default();
    let other = names.into_iter().filter_map(|name| {
        let (own, told) = (value(&here, name), value(&there, name));
        (own != told).then(|| format!("{name} is {own} here and {told} in the bundle: the one here stays"))
    });
    more.chain(other).collect()
}
