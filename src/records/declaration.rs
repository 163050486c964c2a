//! A file of declarations: TOML → collections. PURE: text in, collections out, or the line that is wrong.

use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::closest::advice;
use super::collection::{
    BackendKind, CREATED_AT, Collection, Field, FieldType, LONGEST_INDEXED, LONGEST_KEY, Parent, States, UPDATED_AT,
    USUAL_LENGTH,
};
use super::record::value_of;
use crate::principal::Role;

/// Longest text that a field may be declared for, in characters.
const LONGEST_TEXT: u64 = 100_000;
/// Longest name of a collection or field, in characters: with what is put around it, every database takes it.
const LONGEST_WORD: usize = 40;
/// Longest time to live, in days.
const LONGEST_TTL_DAYS: u64 = 3650;

/// What cannot be used of a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeclarationError {
    /// The file's name.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for DeclarationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file, self.line, self.message)
    }
}

type Result<T> = std::result::Result<T, DeclarationError>;

/// A collection, and the line where its declaration begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// The collection.
    pub collection: Collection,
    /// Of its `[[collection]]`.
    pub line: u64,
}

/// The collections of a file, in its order.
///
/// # Errors
/// The first thing that is wrong, by line.
pub fn read(file: &str, text: &str) -> Result<Vec<Declared>> {
    let source = Source { file, text };
    let document = DeTable::parse(text)
        .map_err(|error| source.wrong(&error.span().unwrap_or_default(), error.message().to_owned()))?;
    let top = Part { source, table: document.get_ref(), span: 0..0, what: "a file of declarations" };
    top.knows(&["system", "collection"])?;
    let stem = file.strip_suffix(".toml").unwrap_or(file);
    let system = top.text("system")?.map_or(Ok(stem.to_owned()), |(text, span)| source.path_word(text, &span))?;
    source.path_word(&system, &(0..0))?;
    let Some(list) = top.get("collection") else {
        return Err(source.wrong(&(0..0), "it declares nothing: write [[collection]]".to_owned()));
    };
    let Some(list_items) = list.get_ref().as_array() else {
        return Err(source.wrong(&list.span(), "collection: write [[collection]], once for each".to_owned()));
    };
    let mut found: Vec<Declared> = Vec::new();
    for item in list_items.iter() {
        let part = source.part(item, "a collection")?;
        let collection = collection(&part, &system)?;
        if found.iter().any(|other| other.collection.name == collection.name) {
            let message = format!("{}: there are two collections of this name", collection.name);
            return Err(source.wrong(&item.span(), message));
        }
        found.push(Declared { collection, line: source.line(&item.span()) });
    }
    Ok(found)
}

/// A file's name and text.
#[derive(Clone, Copy)]
struct Source<'t> {
    file: &'t str,
    text: &'t str,
}

/// A table of a file.
struct Part<'t> {
    source: Source<'t>,
    table: &'t DeTable<'t>,
    span: Range<usize>,
    what: &'static str,
}

impl<'t> Source<'t> {
    fn line(&self, span: &Range<usize>) -> u64 {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
    }

    fn wrong(&self, span: &Range<usize>, message: String) -> DeclarationError {
        DeclarationError { file: self.file.to_owned(), line: self.line(span), message }
    }

    fn part(self, value: &'t Spanned<DeValue<'t>>, what: &'static str) -> Result<Part<'t>> {
        match value.get_ref().as_table() {
            Some(table) => Ok(Part { source: self, table, span: value.span(), what }),
            None => Err(self.wrong(&value.span(), format!("{what} is a table, and not this"))),
        }
    }

    /// A name of a collection, a field, or a word in bodies.
    fn word(&self, text: &str, span: &Range<usize>) -> Result<String> {
        let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        match plain && begins && text.len() <= LONGEST_WORD {
            true => Ok(text.to_owned()),
            false => Err(self.wrong(
                span,
                format!("'{text}': a name is of at most {LONGEST_WORD} small letters, digits and _, and begins with a letter"),
            )),
        }
    }

    /// A part of a path.
    fn path_word(&self, text: &str, span: &Range<usize>) -> Result<String> {
        let plain = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        match plain && begins && text.len() <= LONGEST_WORD {
            true => Ok(text.to_owned()),
            false => Err(self.wrong(
                span,
                format!("'{text}': a part of a path is of at most {LONGEST_WORD} small letters, digits, - and _, and begins with a letter"),
            )),
        }
    }
}

impl<'t> Part<'t> {
    fn get(&self, word: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table.iter().find(|(name, _)| name.get_ref() == word).map(|(_, value)| value)
    }

    fn wrong(&self, message: String) -> DeclarationError {
        self.source.wrong(&self.span, message)
    }

    /// Whether it has no other words than these.
    fn knows(&self, words: &[&str]) -> Result<()> {
        let mut unknown: Vec<_> = self.table.keys().filter(|name| !words.contains(&name.get_ref().as_ref())).collect();
        unknown.sort_by_key(|name| name.span().start);
        match unknown.first() {
            None => Ok(()),
            Some(name) => {
                let advice = advice(name.get_ref(), words.iter().copied());
                let message = format!("{}: {} has no such word; {advice}", name.get_ref(), self.what);
                Err(self.source.wrong(&name.span(), message))
            }
        }
    }

    fn text(&self, word: &str) -> Result<Option<(&'t str, Range<usize>)>> {
        let Some(value) = self.get(word) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some((text, value.span()))),
            None => Err(self.source.wrong(&value.span(), format!("{word}: a text in quotes is expected"))),
        }
    }

    fn needed(&self, word: &str) -> Result<(&'t str, Range<usize>)> {
        self.text(word)?.ok_or_else(|| self.wrong(format!("{word}: {} must say it", self.what)))
    }

    fn flag(&self, word: &str) -> Result<bool> {
        let Some(value) = self.get(word) else { return Ok(false) };
        let wrong = || self.source.wrong(&value.span(), format!("{word}: true or false is expected"));
        value.get_ref().as_bool().ok_or_else(wrong)
    }

    fn number(&self, word: &str, most: u64) -> Result<Option<u64>> {
        let Some(value) = self.get(word) else { return Ok(None) };
        let number = json(value.get_ref()).as_u64().filter(|number| (1..=most).contains(number));
        let wrong = || self.source.wrong(&value.span(), format!("{word}: a whole number from 1 to {most} is expected"));
        number.map(Some).ok_or_else(wrong)
    }

    fn texts(&self, word: &str) -> Result<Vec<String>> {
        let Some(value) = self.get(word) else { return Ok(Vec::new()) };
        let wrong = || self.source.wrong(&value.span(), format!("{word}: a list of texts is expected"));
        let items = value.get_ref().as_array().ok_or_else(wrong)?;
        items.iter().map(|item| item.get_ref().as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    /// One of these words.
    fn one_of<T: Copy>(&self, word: &str, all: &[(&str, T)]) -> Result<Option<T>> {
        let Some((text, span)) = self.text(word)? else { return Ok(None) };
        match all.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let advice = advice(text, all.iter().map(|(name, _)| *name));
                Err(self.source.wrong(&span, format!("{word}: '{text}' is unknown; {advice}")))
            }
        }
    }

    /// The field that a word names.
    fn field_named<'f>(
        &self,
        word: &str,
        name: &str,
        span: &Range<usize>,
        fields: &'f mut [Field],
    ) -> Result<&'f mut Field> {
        match fields.iter().position(|field| field.name == name) {
            Some(at) => fields.get_mut(at).ok_or_else(|| self.wrong(String::new())),
            None => {
                let advice = advice(name, fields.iter().map(|field| field.name.as_str()));
                Err(self.source.wrong(span, format!("{word}: there is no field '{name}'; {advice}")))
            }
        }
    }
}

const ROLES: &[(&str, Role)] = &[("viewer", Role::Viewer), ("operator", Role::Operator), ("admin", Role::Admin)];

fn collection(part: &Part<'_>, system: &str) -> Result<Collection> {
    part.knows(&[
        "name",
        "route",
        "list",
        "item",
        "description",
        "key",
        "time",
        "fields",
        "parent",
        "states",
        "backend",
        "ttl",
        "event",
        "read",
        "write",
    ])?;
    let source = part.source;
    let (name, span) = part.needed("name")?;
    let name = source.word(name, &span)?;
    if name.contains("__") {
        let message =
            format!("name: '{name}' has two underscores in a row, as tables have that the program makes for itself");
        return Err(source.wrong(&span, message));
    }
    let route = match part.text("route")? {
        None => name.replace('_', "-"),
        Some((text, span)) => {
            let parts: Vec<&str> = text.split('/').collect();
            if parts.len() > 3 {
                return Err(source.wrong(&span, format!("route: '{text}' has more than three parts")));
            }
            parts.iter().try_for_each(|part| source.path_word(part, &span).map(drop))?;
            text.to_owned()
        }
    };
    let last = route.rsplit('/').next().unwrap_or_default().replace('-', "_");
    let word = |word: &str, usual: String| match part.text(word)? {
        Some((text, span)) => source.word(text, &span),
        None => Ok(usual),
    };
    let list = word("list", last)?;
    let item = word("item", list.strip_suffix('s').unwrap_or(&list).to_owned())?;
    let event = word("event", format!("{name}_written"))?;
    let (key, span) = part.needed("key")?;
    let mut fields = fields(part, &looked_for(part))?;
    let field = part.field_named("key", key, &span, &mut fields)?;
    if field.kind != FieldType::Text || field.max_length > LONGEST_KEY || field.default.is_some() {
        let message = format!("key: '{key}' must be a text of at most {LONGEST_KEY} characters without a default");
        return Err(source.wrong(&span, message));
    }
    (field.required, field.index, field.column) = (true, true, true);

    let time = match part.text("time")? {
        None => CREATED_AT.to_owned(),
        Some((time, _)) if [CREATED_AT, UPDATED_AT].contains(&time) => time.to_owned(),
        Some((time, span)) => {
            let field = part.field_named("time", time, &span, &mut fields)?;
            if field.kind != FieldType::Time {
                return Err(source.wrong(&span, format!("time: '{time}' is no field of the type time")));
            }
            (field.index, field.column) = (true, true);
            time.to_owned()
        }
    };
    Ok(Collection {
        parent: parent(part, &mut fields, &list)?,
        states: states(part, &mut fields)?,
        backend: part.one_of("backend", &BackendKind::ALL)?.unwrap_or(BackendKind::Sqlite),
        ttl_s: part
            .text("ttl")?
            .map(|(text, span)| duration(text).map_err(|why| source.wrong(&span, why)))
            .transpose()?,
        read: part.one_of("read", ROLES)?.unwrap_or(Role::Viewer),
        write: part.one_of("write", ROLES)?.unwrap_or(Role::Operator),
        description: part.text("description")?.map(|(text, _)| text.to_owned()).unwrap_or_default(),
        key: key.to_owned(),
        system: system.to_owned(),
        name,
        route,
        list,
        item,
        event,
        time,
        fields,
    })
}

/// Fields that are looked for without saying so: the key, the parent's key, the state.
fn looked_for<'t>(part: &Part<'t>) -> Vec<&'t str> {
    let within = |word: &str| part.get(word).and_then(|value| value.get_ref().get("field")?.get_ref().as_str());
    let key = part.get("key").and_then(|value| value.get_ref().as_str());
    key.into_iter().chain(within("parent")).chain(within("states")).collect()
}

fn fields(part: &Part<'_>, looked_for: &[&str]) -> Result<Vec<Field>> {
    let Some(table) = part.get("fields") else {
        return Err(part.wrong("fields: a collection has some; write [collection.fields]".to_owned()));
    };
    let declared = part.source.part(table, "fields")?;
    let mut entries: Vec<_> = declared.table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let field_of =
        |name: &str, span: Range<usize>, value| field(part.source, name, &span, value, looked_for.contains(&name));
    entries.into_iter().map(|(name, value)| field_of(name.get_ref(), name.span(), value)).collect()
}

fn field(
    source: Source<'_>,
    name: &str,
    span: &Range<usize>,
    value: &Spanned<DeValue<'_>>,
    is_looked_for: bool,
) -> Result<Field> {
    let name = source.word(name, span)?;
    if [CREATED_AT, UPDATED_AT].contains(&name.as_str()) {
        return Err(source.wrong(span, format!("{name}: every record has it; leave it out")));
    }
    if RESERVED_FIELDS.contains(&name.as_str()) {
        return Err(source.wrong(span, format!("{name}: it is a word of the routes; choose another name")));
    }
    let part = source.part(value, "a field")?;
    part.knows(&["type", "required", "default", "max_length", "values", "index", "search", "description"])?;
    let Some(kind) = part.one_of("type", &FieldType::ALL)? else {
        return Err(source.wrong(span, format!("{name}: a field must say its type")));
    };
    let index = part.flag("index")? || is_looked_for;
    let is_text = kind == FieldType::Text;
    for word in ["max_length", "values", "search"] {
        if let Some(value) = part.get(word).filter(|_| !is_text) {
            return Err(
                source.wrong(&value.span(), format!("{word}: only a text has it, and {name} is {}", kind.word()))
            );
        }
    }
    if index && kind == FieldType::Json {
        return Err(source.wrong(span, format!("{name}: what is json has no order, and so no index")));
    }
    let values = part.texts("values")?;
    let longest_value = values.iter().map(|value| value.chars().count() as u64).max();
    let usual =
        longest_value.map_or(if index { LONGEST_KEY } else { USUAL_LENGTH }, |longest| longest.max(LONGEST_KEY));
    let most = if index { LONGEST_INDEXED } else { LONGEST_TEXT };
    let max_length = part.number("max_length", most)?.unwrap_or(usual.min(most));
    let mut field = Field {
        name,
        kind,
        required: part.flag("required")?,
        default: None,
        max_length,
        values,
        index,
        search: part.flag("search")?,
        column: index,
        description: part.text("description")?.map(|(text, _)| text.to_owned()).unwrap_or_default(),
    };
    if let Some(value) = part.get("default") {
        let wrong = |why: String| source.wrong(&value.span(), format!("default: {why}"));
        field.default = Some(value_of(&field, &json(value.get_ref())).map_err(wrong)?);
    }
    Ok(field)
}

/// Parameters of lists and words of answers: no field can be called so.
pub const RESERVED_FIELDS: [&str; 10] =
    ["from", "to", "sort_by", "order", "page", "page_size", "partial", "q", "format", "counts"];

fn parent(part: &Part<'_>, fields: &mut [Field], list: &str) -> Result<Option<Parent>> {
    let Some(value) = part.get("parent") else { return Ok(None) };
    let own = part.source.part(value, "parent")?;
    own.knows(&["collection", "field", "list"])?;
    let (collection, span) = own.needed("collection")?;
    let collection = part.source.word(collection, &span)?;
    let (name, span) = own.needed("field")?;
    let field = own.field_named("parent.field", name, &span, fields)?;
    if field.kind != FieldType::Text || field.max_length > LONGEST_INDEXED {
        let message = format!(
            "parent.field: '{name}' holds the parent's key: it must be a text of at most {LONGEST_INDEXED} characters"
        );
        return Err(part.source.wrong(&span, message));
    }
    (field.index, field.column) = (true, true);
    let list = match own.text("list")? {
        Some((text, span)) => part.source.path_word(text, &span)?,
        None => list.replace('_', "-"),
    };
    Ok(Some(Parent { collection, field: name.to_owned(), list }))
}

fn states(part: &Part<'_>, fields: &mut [Field]) -> Result<Option<States>> {
    let Some(value) = part.get("states") else { return Ok(None) };
    let own = part.source.part(value, "states")?;
    own.knows(&["field", "open"])?;
    let (name, span) = own.needed("field")?;
    let field = own.field_named("states.field", name, &span, fields)?;
    if field.values.is_empty() {
        return Err(part.source.wrong(&span, format!("states.field: '{name}' must say its values")));
    }
    (field.index, field.column) = (true, true);
    let open = own.texts("open")?;
    if open.is_empty() {
        return Err(own.wrong("states.open: name the states in which a record is not done".to_owned()));
    }
    if let Some(unknown) = open.iter().find(|state| !field.values.contains(state)) {
        let advice = advice(unknown, field.values.iter().map(String::as_str));
        let at = own.get("open").map_or_else(|| own.span.clone(), Spanned::span);
        return Err(part.source.wrong(&at, format!("states.open: '{unknown}' is no value of {name}; {advice}")));
    }
    Ok(Some(States { field: name.to_owned(), open }))
}

/// `30d`, `12h`, `90m` or `45s`, in seconds.
fn duration(text: &str) -> std::result::Result<u64, String> {
    let wanted =
        || format!("ttl: '{text}' is no time to live; write it like 30d, 12h, 90m or 45s, at most {LONGEST_TTL_DAYS}d");
    let unit = text.chars().last().and_then(|unit| match unit {
        'd' => Some(86_400),
        'h' => Some(3600),
        'm' => Some(60),
        's' => Some(1),
        _ => None,
    });
    let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u64>().ok());
    let seconds = unit.zip(number).and_then(|(unit, number)| number.checked_mul(unit));
    seconds.filter(|seconds| (1..=LONGEST_TTL_DAYS * 86_400).contains(seconds)).ok_or_else(wanted)
}

/// A value as JSON.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(fields) => {
            let pairs = fields.iter().map(|(name, value)| (name.get_ref().to_string(), json(value.get_ref())));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}
