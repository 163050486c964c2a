//! What a list is asked for: words of a query → what a backend is asked. PURE.

use chrono_tz::Tz;
use serde_json::Value;

use super::backend::{Filter, RecordQuery};
use super::closest::advice;
use super::collection::{CREATED_AT, Collection, Field, FieldType, UPDATED_AT};
use super::record::value_of;
use super::search;
use crate::datasets::clock;
use crate::error::{Detail, Error, Result, codes};
use crate::limits::{self, Paging};

/// Items of a page when nobody says otherwise.
const USUAL_PAGE: u64 = 20;
/// Words that every list takes.
pub const WORDS: [&str; 6] = ["from", "to", "sort_by", "order", "page", "page_size"];
/// The word of what is searched, where a collection has fields for that.
pub const SEARCH: &str = "q";
/// The word that says how a list is written: `json` or `ndjson`.
pub const FORMAT: &str = "format";

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What a backend is asked.
    pub query: RecordQuery,
    /// Which page that is.
    pub paging: Paging,
    /// Fields without an index that are looked for or sorted by: every record is looked at.
    pub scanned: Vec<String>,
}

/// Reads the names and values of a query.
///
/// # Errors
/// 422 for a name that is neither a field nor a word of lists, one that stands there twice, and a value that cannot be.
pub fn asked(collection: &Collection, pairs: &[(String, String)], zone: Tz) -> Result<Asked> {
    known_names(collection, pairs)?;
    let get = |word: &str| pairs.iter().find(|(name, _)| name == word).map(|(_, value)| value.as_str());
    let number = |word: &'static str| match get(word).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(Some)
            .map_err(|_| Error::invalid(word, codes::OUT_OF_RANGE, format!("{word}: '{text}' is no whole number"))),
    };
    let paging = Paging::asked(number("page")?, number("page_size")?, USUAL_PAGE)?;
    let mut filters = Vec::new();
    for (name, text) in pairs.iter().filter(|(name, _)| !WORDS.contains(&name.as_str())) {
        let Some(field) = collection.field(name) else { continue };
        filters.push(Filter::Is(name.clone(), vec![parsed(field, text)?]));
    }
    let (from_ms, to_ms) = clock::window(get("from"), get("to"), zone)?;
    if from_ms.is_some() || to_ms.is_some() {
        filters.push(Filter::Between { time: collection.time.clone(), from_ms, to_ms });
    }
    limits::given_name(SEARCH, get(SEARCH))?;
    let words = get(SEARCH).map(search::words).unwrap_or_default();
    let looks_at_all = search::looks_at_all(collection, &words);
    if !words.is_empty() {
        filters.push(Filter::Words(words));
    }
    let (sort_by, descending) = sorting(collection, get("sort_by"), get("order"))?;
    let looked_for = filters.iter().filter_map(|filter| match filter {
        Filter::Is(name, _) | Filter::Has(name) => Some(name.as_str()),
        Filter::KeyAfter(_) | Filter::Words(_) | Filter::Between { .. } => None,
    });
    let mut scanned: Vec<String> =
        looked_for.chain([sort_by.as_str()]).filter(|name| !collection.is_indexed(name)).map(str::to_owned).collect();
    scanned.dedup();
    scanned.extend(looks_at_all.then(|| SEARCH.to_owned()));
    let offset = (paging.page - 1) * paging.page_size;
    Ok(Asked { query: RecordQuery { filters, sort_by, descending, offset, limit: paging.page_size }, paging, scanned })
}

/// Names that a list takes: all fields but those without an order, and its words.
pub fn names(collection: &Collection) -> impl Iterator<Item = &str> {
    let fields = collection.fields.iter().filter(|field| field.kind != FieldType::Json);
    fields.map(|field| field.name.as_str()).chain(WORDS).chain(collection.is_searched().then_some(SEARCH))
}

/// Fields that a list can be sorted by.
pub fn sortable(collection: &Collection) -> impl Iterator<Item = &str> {
    let fields = collection.fields.iter().filter(|field| field.kind != FieldType::Json);
    fields.map(|field| field.name.as_str()).chain([CREATED_AT, UPDATED_AT])
}

fn known_names(collection: &Collection, pairs: &[(String, String)]) -> Result<()> {
    let (mut unknown, mut repeated) = (Vec::new(), Vec::new());
    for (index, (name, _)) in pairs.iter().enumerate() {
        if !names(collection).any(|known| known == name) {
            unknown.push((
                name,
                format!("{name}: there is no such parameter; {}", advice(name, names(collection).chain([FORMAT]))),
            ));
        } else if pairs.iter().take(index).any(|(other, _)| other == name) {
            repeated.push((name, format!("{name}: it is given more than once; give it once")));
        }
    }
    for (code, wrong) in [(codes::UNKNOWN_PARAMETER, unknown), (codes::REPEATED_PARAMETER, repeated)] {
        let Some((_, first)) = wrong.first() else { continue };
        let error = Error::new(code, first.clone());
        return Err(wrong.into_iter().take(20).fold(error, |error, (name, message)| {
            error.with_detail(Detail { field: Some(name.clone()), message, ..Detail::default() })
        }));
    }
    Ok(())
}

/// A value of a query as its field keeps it.
fn parsed(field: &Field, text: &str) -> Result<Value> {
    let value = match field.kind {
        FieldType::Text | FieldType::Time | FieldType::Json => Value::from(text),
        FieldType::Integer => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
        FieldType::Number => text.parse::<f64>().map_or_else(|_| text.into(), Value::from),
        FieldType::Boolean => text.parse::<bool>().map_or_else(|_| text.into(), Value::from),
    };
    value_of(field, &value).map_err(|why| {
        let name = &field.name;
        Error::invalid(name, codes::INVALID_FIELD, format!("{name}: {why}"))
    })
}

/// The last first, unless something else is said.
fn sorting(collection: &Collection, sort_by: Option<&str>, order: Option<&str>) -> Result<(String, bool)> {
    let by = sort_by.unwrap_or(&collection.time);
    if !sortable(collection).any(|name| name == by) {
        let message = format!("sort_by: '{by}' is no field to sort by; {}", advice(by, sortable(collection)));
        return Err(Error::invalid("sort_by", codes::UNKNOWN_SORT, message));
    }
    let is_time = [CREATED_AT, UPDATED_AT].contains(&by)
        || collection.field(by).is_some_and(|field| field.kind == FieldType::Time);
    let descending = match order {
        None => is_time,
        Some("asc") => false,
        Some("desc") => true,
        Some(other) => {
            let message = format!("order: '{other}' is neither asc nor desc");
            return Err(Error::invalid("order", codes::UNKNOWN_ORDER, message));
        }
    };
    Ok((by.to_owned(), descending))
}
