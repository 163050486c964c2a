//! Routes of the declared collections: which there are, and which one a path means. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::collection::Collection;
use crate::principal::Role;

/// Below this likeness (Jaro–Winkler) a path was not meant for a collection.
const ALIKE: f64 = 0.9;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `GET {route}`.
    List,
    /// `POST {route}`.
    Write,
    /// `POST {route}/batch`.
    WriteBatch,
    /// `GET {route}/{id}`.
    Read,
    /// `DELETE {route}/{id}`.
    Delete,
    /// `GET {parent's route}/{id}/{list}`: the children of one.
    Children,
    /// `GET {system}/recovery/incomplete-{list}`.
    Incomplete,
    /// `POST {system}/recovery/restore/{id}`.
    Restore,
    /// `POST {system}/flush`.
    Flush,
    /// `GET {system}/rejected`.
    Rejected,
}

/// A route.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordRoute {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// Its path below `/api`, such as `/work-orders/{id}`.
    pub path: String,
    /// What it does.
    pub action: Action,
    /// Of which collection; of routes of a whole system, its first.
    pub collection: Arc<Collection>,
    /// What it needs.
    pub role: Role,
}

/// What a path means.
#[derive(Debug, Clone, PartialEq)]
pub enum Meant {
    /// A route, and what stands where its path has `{id}`, as it was sent.
    Route(Arc<RecordRoute>, Option<String>),
    /// A path that exists with these methods only.
    Methods(Vec<&'static str>),
}

/// Every route of the declared collections.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    routes: Vec<Arc<RecordRoute>>,
    /// First parts of their paths: most requests are for none of them.
    first_parts: BTreeSet<String>,
}

impl RouteTable {
    /// Of these collections.
    #[must_use]
    pub fn of(collections: &[Arc<Collection>]) -> Self {
        let mut routes = Vec::new();
        let mut add = |method, path: String, action, collection: &Arc<Collection>, role| {
            routes.push(Arc::new(RecordRoute { method, path, action, collection: Arc::clone(collection), role }));
        };
        let mut systems: BTreeMap<&str, Vec<&Arc<Collection>>> = BTreeMap::new();
        for collection in collections {
            systems.entry(&collection.system).or_default().push(collection);
            let (route, read, write) = (format!("/{}", collection.route), collection.read, collection.write);
            add("GET", route.clone(), Action::List, collection, read);
            add("POST", route.clone(), Action::Write, collection, write);
            add("POST", format!("{route}/batch"), Action::WriteBatch, collection, write);
            for child in children(collections, &collection.name) {
                let list = child.parent.as_ref().map_or("", |parent| parent.list.as_str());
                let all = format!("{route}/{list}");
                // Children of all parents, where that is no route of the child itself.
                if child.route != all.trim_start_matches('/') {
                    add("GET", all, Action::List, child, child.read);
                }
                add("GET", format!("{route}/{{id}}/{list}"), Action::Children, child, child.read);
            }
            add("GET", format!("{route}/{{id}}"), Action::Read, collection, read);
            add("DELETE", format!("{route}/{{id}}"), Action::Delete, collection, write);
        }
        for (system, all) in systems {
            let most = |role: fn(&Collection) -> Role| {
                let roles = all.iter().map(|collection| role(collection));
                roles.fold(Role::Viewer, |most, role| if role.may(most) { role } else { most })
            };
            let write = most(|collection| collection.write);
            let greater = |role: Role, other: Role| if other.may(role) { other } else { role };
            // Both show records.
            let write_and_read = greater(write, most(|collection| collection.read));
            let Some(first) = all.first() else { continue };
            add("POST", format!("/{system}/flush"), Action::Flush, first, write);
            add("GET", format!("/{system}/rejected"), Action::Rejected, first, write_and_read);
            let roots = all.iter().filter(|collection| is_recovered(collections, collection));
            for root in roots.clone() {
                let list = root.list.replace('_', "-");
                add("GET", format!("/{system}/recovery/incomplete-{list}"), Action::Incomplete, root, root.read);
            }
            if let Some(root) = roots.clone().next() {
                let below = roots.clone().flat_map(|root| children(collections, &root.name)).map(|child| child.read);
                let role = below.fold(write_and_read, greater);
                add("POST", format!("/{system}/recovery/restore/{{id}}"), Action::Restore, root, role);
            }
        }
        let first_parts = routes.iter().filter_map(|route| first_part(&route.path)).map(str::to_owned).collect();
        Self { routes, first_parts }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<RecordRoute>> {
        self.routes.iter()
    }

    /// What a path below `/api` means.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<Meant> {
        if first_part(path).is_none_or(|first| !self.first_parts.contains(first)) {
            return None;
        }
        let method = if method == "HEAD" { "GET" } else { method };
        let matching = |route: &&Arc<RecordRoute>| matched(&route.path, path).is_some();
        // Words stand before ids.
        let by_words = |route: &&Arc<RecordRoute>| !route.path.contains('{') || !self.has_words(path);
        let found: Vec<&Arc<RecordRoute>> = self.routes.iter().filter(matching).filter(by_words).collect();
        match found.iter().find(|route| route.method == method) {
            Some(route) => Some(Meant::Route(Arc::clone(route), matched(&route.path, path).flatten())),
            None if found.is_empty() => None,
            None => Some(Meant::Methods(found.iter().map(|route| route.method).collect())),
        }
    }

    /// The collection's route that a path that is none was meant for, as far as it looks like one.
    #[must_use]
    pub fn meant(&self, path: &str) -> Option<&str> {
        let below = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/api/"))?;
        let likeness = |route: &str| {
            let parts = route.split('/').count();
            let asked: Vec<&str> = below.split('/').take(parts).collect();
            strsim::jaro_winkler(&asked.join("/"), route)
        };
        let lists = self.routes.iter().filter(|route| route.action == Action::Write);
        let routes = lists.map(|route| route.collection.route.as_str());
        let scored = routes.map(|route| (likeness(route), route));
        scored.filter(|(alike, _)| *alike >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, route)| route)
    }

    /// Whether a path is a route to the letter.
    fn has_words(&self, path: &str) -> bool {
        self.routes.iter().any(|route| route.path == path)
    }

    /// Words that stand where a key of the collection would: no key may be one of them.
    #[must_use]
    pub fn reserved_keys(&self, collection: &Collection) -> Vec<String> {
        let below = format!("/{}/", collection.route);
        let behind = self.routes.iter().filter_map(|route| route.path.strip_prefix(&below));
        let words = behind.filter_map(|rest| rest.split('/').next()).filter(|word| !word.starts_with('{'));
        let mut words: Vec<String> = words.map(str::to_owned).collect();
        words.sort();
        words.dedup();
        words
    }

    /// A route that stands there twice.
    #[must_use]
    pub fn twice(&self) -> Option<&RecordRoute> {
        let same = |(at, route): &(usize, &Arc<RecordRoute>)| {
            let mut before = self.routes.iter().take(*at);
            before.any(|other| other.method == route.method && other.path == route.path)
        };
        self.routes.iter().enumerate().find(same).map(|(_, route)| &**route)
    }
}

fn first_part(path: &str) -> Option<&str> {
    path.split('/').nth(1)
}

/// The collections whose parent that one is.
pub fn children<'c>(collections: &'c [Arc<Collection>], parent: &str) -> impl Iterator<Item = &'c Arc<Collection>> {
    let is_its =
        move |child: &Collection, parent: &str| child.parent.as_ref().is_some_and(|own| own.collection == parent);
    let parent = parent.to_owned();
    collections.iter().filter(move |child| is_its(child, &parent))
}

/// Whether a collection's records are recovered as such: they have open states, and are no part of others that have.
#[must_use]
pub fn is_recovered(collections: &[Arc<Collection>], collection: &Collection) -> bool {
    let parent =
        collection.parent.as_ref().and_then(|parent| collections.iter().find(|other| other.name == parent.collection));
    collection.states.is_some() && parent.is_none_or(|parent| parent.states.is_none())
}

/// What stands where the pattern has `{id}`; none when the path is another.
fn matched(pattern: &str, path: &str) -> Option<Option<String>> {
    let (mut id, mut parts) = (None, path.split('/'));
    for wanted in pattern.split('/') {
        let part = parts.next()?;
        if wanted == "{id}" {
            if part.is_empty() {
                return None;
            }
            id = Some(part.to_owned());
        } else if wanted != part {
            return None;
        }
    }
    parts.next().is_none().then_some(id)
}
