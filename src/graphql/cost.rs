//! What a query may answer at most, counted before it is carried out. PURE.
//!
//! Each field costs one, and a list as often as it may have items: a page its `page_size`. So nesting multiplies, and a
//! query that would answer the whole store many times over is refused by a number that its sender can work with. Fragments
//! are counted once and then known: one that grows by naming others twice costs no time here.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet, VariableDefinition,
};
use async_graphql::{Name, Positioned, Value, Variables};

use crate::error::{Error, Result, codes};

/// Most values of one answer.
pub const MOST_VALUES: u64 = 100_000;
/// Deepest nesting, that of introspection aside.
pub const MOST_DEPTH: u64 = 12;
/// Items of a page when nobody says otherwise.
const PAGE_SIZE: u64 = 20;
/// Items that a list without pages is taken for.
const SOME: u64 = 10;

/// Lists by the names of their fields, and how many items each is taken for when no page says otherwise.
pub type Lists = BTreeMap<String, u64>;

/// Lists of these pages, and of these without pages; those of introspection by the size of such a schema.
#[must_use]
pub fn lists<'n>(pages: impl Iterator<Item = &'n str>, others: impl Iterator<Item = &'n str>) -> Lists {
    let of_schema = [("types", 60), ("args", 5)].into_iter();
    let of_types = ["fields", "inputFields", "enumValues", "possibleTypes", "interfaces", "directives"];
    let others = others.chain(of_types).map(|name| (name, SOME));
    of_schema.chain(others).chain(pages.map(|name| (name, PAGE_SIZE))).map(|(name, n)| (name.to_owned(), n)).collect()
}

/// Values and depth of a part of a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Extent {
    values: u64,
    depth: u64,
}

impl Extent {
    fn beside(self, other: Self) -> Self {
        Self { values: self.values.saturating_add(other.values), depth: self.depth.max(other.depth) }
    }
}

/// Refuses what would answer too much.
///
/// # Errors
/// `query_too_costly` with both numbers; `query_too_deep`; also for a fragment that names itself.
pub fn check(
    document: &ExecutableDocument,
    operation: Option<&str>,
    variables: &Variables,
    lists: &Lists,
) -> Result<()> {
    let meant = document.operations.iter().filter(|(name, _)| match (operation, name) {
        (Some(wanted), Some(name)) => name.as_str() == wanted,
        (Some(_), None) => false,
        (None, _) => true,
    });
    let (fragments, known, defaults_of) = (&document.fragments, HashMap::new(), HashMap::new());
    let mut counter = Counter { fragments, known, variables, defaults: defaults_of, lists };
    let mut extent = Extent::default();
    for (_, operation) in meant {
        counter.defaults = defaults(&operation.node);
        counter.known.clear();
        extent = extent.beside(counter.set(&operation.node.selection_set.node)?);
    }
    if extent.depth > MOST_DEPTH {
        let message = format!("The query nests {} deep; at most {MOST_DEPTH} are answered.", extent.depth);
        return Err(Error::new(codes::QUERY_TOO_DEEP, message));
    }
    if extent.values > MOST_VALUES {
        let message = format!(
            "The query may answer {} values; at most {MOST_VALUES} are: ask for fewer fields, or smaller pages.",
            extent.values
        );
        return Err(Error::new(codes::QUERY_TOO_COSTLY, message));
    }
    Ok(())
}

/// What variables are when they are left out.
fn defaults(operation: &OperationDefinition) -> HashMap<Name, Value> {
    let of = |definition: &Positioned<VariableDefinition>| {
        Some((definition.node.name.node.clone(), definition.node.default_value()?.clone()))
    };
    operation.variable_definitions.iter().filter_map(of).collect()
}

struct Counter<'d> {
    fragments: &'d HashMap<Name, Positioned<FragmentDefinition>>,
    /// None while it is being counted.
    known: HashMap<&'d str, Option<Extent>>,
    variables: &'d Variables,
    defaults: HashMap<Name, Value>,
    lists: &'d Lists,
}

impl<'d> Counter<'d> {
    fn set(&mut self, set: &'d SelectionSet) -> Result<Extent> {
        let mut all = Extent::default();
        for selection in &set.items {
            let extent = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str())?,
            };
            all = all.beside(extent);
        }
        Ok(all)
    }

    fn field(&mut self, field: &'d Field) -> Result<Extent> {
        let inner = self.set(&field.selection_set.node)?;
        let name = field.name.node.as_str();
        let times = self.page_size(field).or_else(|| self.lists.get(name).copied()).unwrap_or(1).max(1);
        let values = inner.values.saturating_mul(times).saturating_add(1);
        // Tools ask for the schema by a query that nests deeper than any other.
        let depth = if name.starts_with("__") { 1 } else { inner.depth + 1 };
        Ok(Extent { values, depth })
    }

    /// Items of a page, as far as that is said.
    fn page_size(&self, field: &Field) -> Option<u64> {
        let argument = field.get_argument("page_size")?;
        let of_variable = |name: Name| {
            let given = self.variables.get(&name).or_else(|| self.defaults.get(&name));
            Ok::<Value, Infallible>(given.cloned().unwrap_or_default())
        };
        match argument.node.clone().into_const_with(of_variable) {
            Ok(Value::Number(number)) => number.as_u64(),
            _ => None,
        }
    }

    fn fragment(&mut self, name: &'d str) -> Result<Extent> {
        match self.known.get(name) {
            Some(Some(extent)) => return Ok(*extent),
            Some(None) => {
                return Err(Error::new(codes::QUERY_TOO_DEEP, format!("The fragment '{name}' names itself.")));
            }
            None => {}
        }
        // Validation tells of one that is not there.
        let Some(fragment) = self.fragments.get(name) else { return Ok(Extent::default()) };
        self.known.insert(name, None);
        let extent = self.set(&fragment.node.selection_set.node)?;
        self.known.insert(name, Some(extent));
        Ok(extent)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn refused(query: &str) -> Option<&'static str> {
        let document = parse_query(query).unwrap();
        check(
            &document,
            None,
            &Variables::default(),
            &lists(["sessions"].into_iter(), ["versions", "models_made"].into_iter()),
        )
        .err()
        .map(|error| error.code.name)
    }

    #[test]
    fn nested_pages_multiply() {
        assert_eq!(refused("{ sessions(page_size: 100) { items { name versions { id } } } }"), None);
        // 100 sessions with 10 models each, each with its session with 10 versions of 10 fields: 1 000 000.
        let fields = (0..10).map(|n| format!("f{n}: id ")).collect::<String>();
        let wide = format!(
            "{{ sessions(page_size: 100) {{ items {{ models_made {{ session {{ versions {{ {fields} }} }} }} }} }} }}"
        );
        assert_eq!(refused(&wide), Some("query_too_costly"));
        assert_eq!(refused(&wide.replace("page_size: 100", "page_size: 5")), None);
        let by_variable =
            wide.replace("{ sessions", "query ($n: Int = 100) { sessions").replace("page_size: 100", "page_size: $n");
        assert_eq!(refused(&by_variable), Some("query_too_costly"));
    }

    #[test]
    fn fragments_count_as_often_as_they_are_named_and_cost_no_time() {
        let mut query = "query { ...F0 }".to_owned();
        for n in 0..60 {
            query += &format!(" fragment F{n} on Query {{ a: __typename ...F{} ...F{} }}", n + 1, n + 1);
        }
        query += " fragment F60 on Query { __typename }";
        assert_eq!(refused(&query), Some("query_too_costly"));
        assert_eq!(
            refused("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
            Some("query_too_deep")
        );
    }

    #[test]
    fn depth_is_bounded_and_that_of_tools_is_not() {
        let nested = |depth: usize| "{ session ".repeat(depth) + "{ id }" + &"}".repeat(depth);
        assert_eq!(refused(&nested(11)), None);
        assert_eq!(refused(&nested(12)), Some("query_too_deep"));
        let of_type = "{ ofType ".repeat(9) + "{ name }" + &"}".repeat(9);
        assert_eq!(refused(&format!("{{ __schema {{ types {{ fields {{ type {of_type} }} }} }} }}")), None);
        let bomb = "{ fields { type ".repeat(6) + "{ name }" + &"} }".repeat(6);
        assert_eq!(refused(&format!("{{ __schema {{ types {bomb} }} }}")), Some("query_too_costly"));
    }
}
