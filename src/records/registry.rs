//! Which collections there are: what the files declare, as far as it can be used, and beside that what was before.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::backend::Backends;
use super::closest::advice;
use super::collection::Collection;
use super::declaration::{self, DeclarationError};
use super::routes::RouteTable;
use super::source::{self, DeclarationFile};

/// The collections in force.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Another number whenever anything changed.
    pub generation: u64,
    /// All of them, by file.
    pub collections: Vec<Arc<Collection>>,
    /// Their routes.
    pub routes: RouteTable,
    /// What became of each file.
    pub files: Vec<FileState>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileState {
    /// Its name.
    pub file: String,
    /// What is wrong; none when it is in force. What was declared before goes on.
    pub error: Option<DeclarationError>,
    /// Names of the collections in force that are of it.
    pub collections: Vec<String>,
}

/// Names that a declaration may not take.
#[derive(Debug, Clone, Default)]
pub struct Reserved {
    /// First parts of built-in paths below `/api`.
    pub paths: Vec<String>,
    /// Names of built-in tables in SQL.
    pub tables: Vec<String>,
}

/// A file, and what is taken of it.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) file: String,
    pub(super) error: Option<DeclarationError>,
    /// Each with the line where it is declared.
    pub(super) collections: Vec<(u64, Arc<Collection>)>,
}

impl Registry {
    /// The collection of that name.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Arc<Collection>> {
        self.collections.iter().find(|collection| collection.name == name)
    }

    /// Of these choices.
    pub(super) fn of(choices: Vec<Choice>, generation: u64) -> Self {
        let state = |choice: &Choice| FileState {
            file: choice.file.clone(),
            error: choice.error.clone(),
            collections: choice.collections.iter().map(|(_, collection)| collection.name.clone()).collect(),
        };
        let files = choices.iter().map(state).collect();
        let collections: Vec<_> =
            choices.into_iter().flat_map(|choice| choice.collections).map(|(_, own)| own).collect();
        Self { generation, routes: RouteTable::of(&collections), collections, files }
    }

    /// The collections in force of a file.
    fn of_file(&self, file: &str) -> Vec<(u64, Arc<Collection>)> {
        let state = self.files.iter().find(|state| state.file == file);
        let names = state.map_or(&[][..], |state| &state.collections);
        names.iter().filter_map(|name| Some((1, Arc::clone(self.collection(name)?)))).collect()
    }
}

/// Reads files; of one that cannot be used, what was declared before goes on, be it in this process or an earlier one.
pub(super) fn choices(
    files: &[DeclarationFile],
    before: &Registry,
    stored: &BTreeMap<String, Collection>,
) -> Vec<Choice> {
    let choose = |file: &DeclarationFile| {
        let read = match &file.text {
            Ok(text) => declaration::read(&file.name, text),
            Err(why) => Err(DeclarationError { file: file.name.clone(), line: 1, message: why.clone() }),
        };
        match read {
            Ok(declared) => Choice {
                file: file.name.clone(),
                error: None,
                collections: declared.into_iter().map(|own| (own.line, Arc::new(own.collection))).collect(),
            },
            Err(error) => refused(&file.name, error, before, stored),
        }
    };
    files.iter().map(choose).collect()
}

/// What goes on instead of a file that cannot be used.
pub(super) fn refused(
    file: &str,
    error: DeclarationError,
    before: &Registry,
    stored: &BTreeMap<String, Collection>,
) -> Choice {
    let mut collections = before.of_file(file);
    if collections.is_empty() && before.generation == 0 {
        let system = file.strip_suffix(".toml").unwrap_or(file);
        let own = stored.values().filter(|collection| collection.system == system);
        collections = own.map(|collection| (1, Arc::new(collection.clone()))).collect();
    }
    Choice { file: file.to_owned(), error: Some(error), collections }
}

/// Files in the order in which they have a right to their names and routes: first what is in force as it is, then what is
/// in force and changes, then what the program brings, then what is new; of equals the first by name.
fn by_right(choices: &[Choice], known: &BTreeMap<String, Collection>) -> Vec<usize> {
    let rank = |choice: &Choice| {
        let own = |own: &Collection| known.get(&own.name).filter(|stored| stored.system == own.system);
        let mut collections = choice.collections.iter().map(|(_, own)| &**own);
        if collections.clone().all(|declared| own(declared).is_some_and(|stored| stored.route == declared.route)) {
            0
        } else if collections.any(|declared| own(declared).is_some()) {
            1
        } else if source::is_built_in(&choice.file) {
            2
        } else {
            3
        }
    };
    let mut order: Vec<usize> = (0..choices.len()).collect();
    order.sort_by_key(|index| choices.get(*index).map(rank));
    order
}

/// The first thing that is wrong among all files together, and in which one. `known` is what is stored.
pub(super) fn conflict(
    choices: &[Choice],
    known: &BTreeMap<String, Collection>,
    reserved: &Reserved,
    backends: &Backends,
) -> Option<(usize, DeclarationError)> {
    let ordered: Vec<(usize, &Choice)> =
        by_right(choices, known).into_iter().filter_map(|index| Some((index, choices.get(index)?))).collect();
    let all: Vec<Arc<Collection>> =
        ordered.iter().flat_map(|(_, choice)| &choice.collections).map(|(_, own)| Arc::clone(own)).collect();
    let mut seen: Vec<&str> = Vec::new();
    for (index, choice) in ordered.iter().copied() {
        for (line, collection) in &choice.collections {
            let wrong =
                |message: String| Some((index, DeclarationError { file: choice.file.clone(), line: *line, message }));
            let name = &collection.name;
            if reserved.tables.iter().any(|table| table == name) {
                return wrong(format!("name: '{name}' is a built-in table; choose another name"));
            }
            if seen.contains(&name.as_str()) {
                return wrong(format!("name: another file declares '{name}' already; choose another name"));
            }
            seen.push(name);
            let first = collection.route.split('/').next().unwrap_or_default();
            for (word, path) in [("route", first), ("system", collection.system.as_str())] {
                if reserved.paths.iter().any(|reserved| reserved == path) {
                    return wrong(format!("{word}: there are built-in routes at /{path}; choose another {word}"));
                }
            }
            if !backends.has(collection.backend) {
                let kind = collection.backend.word();
                return wrong(format!(
                    "backend: {name} is to be kept by {kind}, and the settings name no such server; set its address, or leave backend out"
                ));
            }
            if let Some(parent) = &collection.parent
                && !all.iter().any(|other| other.name == parent.collection)
            {
                let advice = advice(&parent.collection, all.iter().map(|other| other.name.as_str()));
                return wrong(format!("parent.collection: there is no collection '{}'; {advice}", parent.collection));
            }
        }
    }
    let routes = RouteTable::of(&all);
    let twice = routes.twice()?;
    let message = format!("route: {} {} would mean two things; choose another route", twice.method, twice.path);
    // Who has less right to it has to give way.
    let (index, choice) = ordered.into_iter().rev().find(|(_, choice)| {
        choice.collections.iter().any(|(_, collection)| collection.name == twice.collection.name)
    })?;
    let line =
        choice.collections.iter().find(|(_, own)| own.name == twice.collection.name).map_or(1, |(line, _)| *line);
    Some((index, DeclarationError { file: choice.file.clone(), line, message }))
}
