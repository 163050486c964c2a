//! What a declaration changes of what is stored. PURE: decides, or says the way out.

use super::collection::Collection;

/// What a declaration comes to, beside what was applied before.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The collection as it is to be.
    pub collection: Collection,
    /// Whether that is what it is already.
    pub is_same: bool,
    /// Fields that are no more: no record may have a value of theirs.
    pub removed: Vec<String>,
}

/// Compares a declaration with what was applied before.
///
/// # Errors
/// Why it cannot be applied, and the way out.
pub fn compared(before: &Collection, declared: &Collection) -> Result<Planned, String> {
    let name = &declared.name;
    if before.key != declared.key {
        return Err(format!(
            "{name}: its key was '{}' and cannot become '{}': declare a collection of another name, and write the records into it",
            before.key, declared.key
        ));
    }
    if before.backend != declared.backend {
        return Err(format!(
            "{name}: it is kept by {} and cannot move to {} by itself: declare a collection of another name, and write the records into it",
            before.backend.word(),
            declared.backend.word()
        ));
    }
    let mut collection = declared.clone();
    for field in &mut collection.fields {
        match before.field(&field.name) {
            Some(old) if old.kind != field.kind => {
                return Err(format!(
                    "{name}.{}: it was of the type {} and cannot become {}: declare a field of another name",
                    field.name,
                    old.kind.word(),
                    field.kind.word()
                ));
            }
            // What has a column keeps it when its index goes.
            Some(old) => field.column |= old.column,
            None if field.required && field.default.is_none() => {
                return Err(format!(
                    "{name}.{}: it is new and required, and the records that are stored have none: give it a default, or do not require it",
                    field.name
                ));
            }
            None => {}
        }
    }
    let gone = before.fields.iter().filter(|field| declared.field(&field.name).is_none());
    let removed = gone.map(|field| field.name.clone()).collect();
    Ok(Planned { is_same: collection == *before, collection, removed })
}

/// Why a field cannot go.
#[must_use]
pub fn still_used(collection: &Collection, field: &str, records: u64) -> String {
    format!(
        "{}.{field}: it is gone, and {records} records have a value of it: declare it again, or delete those records first",
        collection.name
    )
}
