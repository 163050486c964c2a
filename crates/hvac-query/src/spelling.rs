//! Names of a statement, written as they are defined.
//!
//! Names match whatever their case, quoted or not. DataFusion compares them letter by letter, so before it plans, each
//! name is written as it is defined: as the column is called, else as an alias of the statement is. A name that is
//! written exactly as one is defined means that one; of two that differ in case only, another spelling means neither,
//! unless the table before it says which.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::error::QueryError;
use crate::names::{TableName, apart, lower, parts, table_name};

/// Writes every name of a query as it is defined, `columns` being those of its tables, `tables` as it first names them.
pub(crate) fn spell(
    query: &mut Query,
    columns: &[(TableName, Vec<String>)],
    tables: &[TableName],
) -> Result<(), QueryError> {
    let mut spelling = Spelling::default();
    for (table, columns) in columns {
        let own = spelling.of_tables.entry(lower(table)).or_default();
        for column in columns {
            Spelling::add(own, column);
            Spelling::add(&mut spelling.columns, column);
        }
    }
    for table in tables {
        spelling.tables.entry(lower(table)).or_insert_with(|| table.clone());
    }
    let _ = Visit::visit(&*query, &mut Aliases(&mut spelling));
    match VisitMut::visit(query, &mut spelling) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// How names are spelled where they are defined.
#[derive(Default)]
struct Spelling {
    /// By lower case, the spellings of columns.
    columns: HashMap<String, Vec<String>>,
    /// By lower case, the spellings of aliases.
    aliases: HashMap<String, Vec<String>>,
    /// By lower case, tables as they are first written.
    tables: HashMap<TableName, TableName>,
    /// By lower case, the spellings of a table's columns.
    of_tables: HashMap<TableName, HashMap<String, Vec<String>>>,
    /// By lower case, the tables that other names are given to.
    named: HashMap<String, TableName>,
}

impl Spelling {
    fn add(known: &mut HashMap<String, Vec<String>>, name: &str) {
        let spellings = known.entry(name.to_lowercase()).or_default();
        if !spellings.iter().any(|spelling| spelling == name) {
            spellings.push(name.to_owned());
        }
    }

    /// Writes a name as it is defined.
    fn spell(&self, ident: &mut Ident) -> Result<(), QueryError> {
        let lower = ident.value.to_lowercase();
        let (columns, aliases) = (self.columns.get(&lower), self.aliases.get(&lower));
        let mut all = columns.into_iter().chain(aliases).flatten();
        if all.any(|spelling| *spelling == ident.value) {
            return Ok(());
        }
        match (columns.map(Vec::as_slice), aliases.map(Vec::as_slice)) {
            (Some([one]), _) | (None, Some([one, ..])) => ident.value.clone_from(one),
            (Some(several), _) => {
                let quoted: Vec<String> = several.iter().map(|name| format!("\"{name}\"")).collect();
                let (named, quoted) = (&ident.value, quoted.join(" or "));
                let message =
                    format!("'{named}' may mean {quoted}, which differ in case only; write the one that is meant");
                return Err(QueryError::UnknownColumn(message));
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes a column as the table is known to have it that stands before it.
    fn spell_of(&self, before: &[Ident], column: &mut Ident) -> Result<(), QueryError> {
        let words: Vec<String> = before.iter().map(|ident| ident.value.to_lowercase()).collect();
        let known = match words.as_slice() {
            [word] => self.named.get(word).and_then(|table| self.of_tables.get(table)).or_else(|| {
                let mut of_that_name = self.of_tables.iter().filter(|(name, _)| name.table == *word);
                of_that_name.next().filter(|_| of_that_name.next().is_none()).map(|(_, columns)| columns)
            }),
            [schema, table] => self.of_tables.get(&TableName { schema: Some(schema.clone()), table: table.clone() }),
            _ => None,
        };
        match known.and_then(|columns| columns.get(&column.value.to_lowercase())).map(Vec::as_slice) {
            Some([one]) => {
                column.value.clone_from(one);
                Ok(())
            }
            _ => self.spell(column),
        }
    }

    /// The words before a column: aliases, tables, schemas.
    fn spell_qualifier(&self, idents: &mut [Ident]) {
        match idents {
            [table] => {
                let lower = table.value.to_lowercase();
                if let Some([spelling, ..]) = self.aliases.get(&lower).map(Vec::as_slice) {
                    table.value.clone_from(spelling);
                } else if let Some(known) = self.tables.iter().find(|(name, _)| name.table == lower) {
                    table.value.clone_from(&known.1.table);
                }
            }
            [schema, table] => {
                let name = TableName { schema: Some(schema.value.to_lowercase()), table: table.value.to_lowercase() };
                if let Some(TableName { schema: Some(known_schema), table: known }) = self.tables.get(&name) {
                    schema.value.clone_from(known_schema);
                    table.value.clone_from(known);
                }
            }
            _ => {}
        }
    }

    fn spell_object(&self, name: &mut ObjectName) {
        let mut idents: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
        if idents.len() == name.0.len() {
            self.spell_qualifier(&mut idents);
            name.0 = idents.into_iter().map(ObjectNamePart::Identifier).collect();
        }
    }

    fn spell_select(&self, select: &mut Select) -> Result<(), QueryError> {
        for item in &mut select.projection {
            let options = match item {
                SelectItem::QualifiedWildcard(kind, options) => {
                    if let SelectItemQualifiedWildcardKind::ObjectName(name) = kind {
                        self.spell_object(name);
                    }
                    options
                }
                SelectItem::Wildcard(options) => options,
                _ => continue,
            };
            if let Some(exclude) = &mut options.opt_exclude {
                use datafusion::sql::sqlparser::ast::ExcludeSelectItem::{Multiple, Single};
                match exclude {
                    Single(name) => self.spell_columns(std::slice::from_mut(name))?,
                    Multiple(names) => self.spell_columns(names)?,
                }
            }
            if let Some(except) = &mut options.opt_except {
                self.spell(&mut except.first_element)?;
                except.additional_elements.iter_mut().try_for_each(|ident| self.spell(ident))?;
            }
        }
        for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
            use JoinOperator::{
                Anti, FullOuter, Inner, Join, Left, LeftAnti, LeftOuter, LeftSemi, Right, RightAnti, RightOuter,
                RightSemi, Semi,
            };
            let (Join(constraint)
            | Inner(constraint)
            | Left(constraint)
            | LeftOuter(constraint)
            | Right(constraint)
            | RightOuter(constraint)
            | FullOuter(constraint)
            | Semi(constraint)
            | LeftSemi(constraint)
            | RightSemi(constraint)
            | Anti(constraint)
            | LeftAnti(constraint)
            | RightAnti(constraint)) = &mut join.join_operator
            else {
                continue;
            };
            if let JoinConstraint::Using(names) = constraint {
                self.spell_columns(names)?;
            }
        }
        Ok(())
    }

    fn spell_columns(&self, names: &mut [ObjectName]) -> Result<(), QueryError> {
        for part in names.iter_mut().filter_map(|name| name.0.last_mut()) {
            if let ObjectNamePart::Identifier(ident) = part {
                self.spell(ident)?;
            }
        }
        Ok(())
    }
}

/// Writes the table before the columns of `USING` in a condition: DataFusion knows there only that both tables have them.
/// They are the left table's, of which an inner or left join keeps every value; other joins have to say it themselves.
fn say_whose(select: &mut Select) {
    let (Some(condition), [from]) = (&mut select.selection, select.from.as_slice()) else { return };
    let mut columns = HashSet::new();
    for join in &from.joins {
        let (JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::Left(on) | JoinOperator::LeftOuter(on)) =
            &join.join_operator
        else {
            return;
        };
        if let JoinConstraint::Using(names) = on {
            columns.extend(names.iter().filter_map(|name| parts(name).last().map(|name| name.to_lowercase())));
        }
    }
    let table = match &from.relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            vec![alias.name.clone()]
        }
        TableFactor::Table { name, .. } => name.0.iter().filter_map(|part| part.as_ident().cloned()).collect(),
        _ => return,
    };
    if !columns.is_empty() {
        let _ = VisitMut::visit(condition, &mut Whose { columns, table, queries: 0 });
    }
}

struct Whose {
    /// In lower case.
    columns: HashSet<String>,
    table: Vec<Ident>,
    /// Subqueries around what is looked at: they have columns of their own.
    queries: usize,
}

impl VisitorMut for Whose {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expr
            && self.queries == 0
            && self.columns.contains(&name.value.to_lowercase())
        {
            *expr = Expr::CompoundIdentifier(self.table.iter().chain([&*name]).cloned().collect());
        }
        ControlFlow::Continue(())
    }
}

/// Names what a selection calculates by what its author wrote, and what it calculates twice apart: DataFusion names both
/// by their columns, and takes no name twice.
fn name_expressions(select: &mut Select) {
    let mut taken = HashSet::new();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            continue;
        }
        let name = apart(&expr.to_string(), &mut taken);
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', name) };
    }
}

fn stop_at(done: Result<(), QueryError>) -> ControlFlow<QueryError> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

impl VisitorMut for Spelling {
    type Break = QueryError;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
        stop_at(match expr {
            Expr::Identifier(ident) => self.spell(ident),
            Expr::CompoundIdentifier(idents) => match idents.split_last_mut() {
                Some((column, before)) => {
                    let done = self.spell_of(before, column);
                    self.spell_qualifier(before);
                    done
                }
                None => Ok(()),
            },
            _ => Ok(()),
        })
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        name_expressions(select);
        say_whose(select);
        stop_at(self.spell_select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<QueryError> {
        if let TableFactor::Table { name, args: None, .. } = factor {
            match parts(name).as_slice() {
                // An expression of the statement is spelled as it is defined there.
                [_] if self.is_alias(name) => {}
                _ => {
                    if let Some(known) = table_name(name).and_then(|name| self.tables.get(&lower(&name))) {
                        let idents = known.schema.iter().chain([&known.table]).map(|part| Ident::with_quote('"', part));
                        name.0 = idents.map(ObjectNamePart::Identifier).collect();
                    }
                    return ControlFlow::Continue(());
                }
            }
            self.spell_object(name);
        }
        ControlFlow::Continue(())
    }
}

impl Spelling {
    fn is_alias(&self, name: &ObjectName) -> bool {
        parts(name).first().is_some_and(|name| self.aliases.contains_key(&name.to_lowercase()))
    }
}

/// Gathers the names that a query gives itself.
struct Aliases<'s>(&'s mut Spelling);

impl Aliases<'_> {
    fn add(&mut self, ident: &Ident) {
        Spelling::add(&mut self.0.aliases, &ident.value);
    }
}

impl Visitor for Aliases<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.add(&table.alias.name);
            table.alias.columns.iter().for_each(|column| self.add(&column.name));
        }
        if let SetExpr::Select(select) = query.body.as_ref() {
            select.named_window.iter().for_each(|window| self.add(&window.0));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.add(alias);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let (TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::TableFunction { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }) = factor
        else {
            return ControlFlow::Continue(());
        };
        self.add(&alias.name);
        alias.columns.iter().for_each(|column| self.add(&column.name));
        if let TableFactor::Table { name, args: None, .. } = factor
            && let Some(table) = table_name(name)
        {
            self.0.named.insert(alias.name.value.to_lowercase(), lower(&table));
        }
        ControlFlow::Continue(())
    }
}
