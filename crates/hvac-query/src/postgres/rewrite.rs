//! PostgreSQL's ways of saying what the engine says otherwise: names with their catalogue before them, its operators, types,
//! registers and arrays of constants.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, Subscript, TableFactor,
    UnaryOperator, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use super::empty;
use super::label::{MARK, label};
use super::pieces::{CATALOGUES, cast_to, null_text, of_catalogue};
use super::refusal::{self, Refusal};
use crate::names::parts;

/// Registers that stand without parentheses.
const REGISTERS: [&str; 6] =
    ["current_schema", "current_user", "session_user", "user", "current_role", "current_catalog"];

/// Writes a query as the engine reads it.
pub(super) fn rewrite(query: &mut Query) -> Result<(), Refusal> {
    match VisitMut::visit(query, &mut Rewriter) {
        ControlFlow::Break(refusal) => Err(refusal),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Rewriter;

/// The name of a table without what goes without saying: the database, `public`; with `pg_catalog` where that does.
fn table_name(name: &mut ObjectName) {
    let mut words: Vec<String> = parts(name).into_iter().map(str::to_owned).collect();
    if words.len() != name.0.len() {
        return;
    }
    if words.len() == 3 {
        words.remove(0);
    }
    match words.as_slice() {
        [schema, _] if schema.eq_ignore_ascii_case("public") => {
            words.remove(0);
        }
        [schema, table] if CATALOGUES.contains(&schema.to_lowercase().as_str()) => {
            words = vec![schema.to_lowercase(), table.to_lowercase()];
        }
        [table] if table.to_lowercase().starts_with("pg_") => {
            words = vec!["pg_catalog".to_owned(), table.to_lowercase()];
        }
        _ => {}
    }
    name.0 = words.into_iter().map(|word| ObjectNamePart::Identifier(Ident::with_quote('"', word))).collect();
}

impl VisitorMut for Rewriter {
    type Break = Refusal;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Refusal> {
        if let SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) = query.body.as_ref() {
            let text = query.body.to_string();
            return ControlFlow::Break(refusal::read_only(text.split(' ').next().unwrap_or_default()));
        }
        query.locks.clear();
        empty::empty(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Refusal> {
        if select.into.is_some() {
            return ControlFlow::Break(refusal::read_only("select into"));
        }
        tell_apart(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Refusal> {
        match factor {
            TableFactor::Table { name, args, with_ordinality, .. } => {
                if args.is_some()
                    && empty::columns(&parts(name).last().map(|n| n.to_lowercase()).unwrap_or_default()).is_some()
                {
                    // A function of a catalogue that answers no rows is as good as a table of it.
                    *args = None;
                }
                if args.is_none() {
                    table_name(name);
                } else {
                    *with_ordinality = false;
                    strip_schema(name);
                }
            }
            TableFactor::Function { name, .. } => strip_schema(name),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Refusal> {
        let taken = std::mem::replace(expr, Expr::value(Value::Null));
        match rewritten(taken) {
            Ok(done) => *expr = done,
            Err(refusal) => return ControlFlow::Break(refusal),
        }
        ControlFlow::Continue(())
    }
}

/// Tells a column from the one of its name within a wildcard beside it (`SELECT n.oid, n.*`).
fn tell_apart(select: &mut Select) {
    let wild = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    if !select.projection.iter().any(wild) {
        return;
    }
    for (index, item) in select.projection.iter_mut().enumerate() {
        if let SelectItem::UnnamedExpr(expr) = item {
            let alias = Ident::with_quote('"', format!("{}{MARK}{index}", label(expr)));
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
    }
}

fn strip_schema(name: &mut ObjectName) {
    let words = parts(name);
    if let [.., schema, function] = words.as_slice()
        && CATALOGUES.contains(&schema.to_lowercase().as_str())
    {
        name.0 = vec![ObjectNamePart::Identifier(Ident::new(function.to_lowercase()))];
    }
}

fn rewritten(expr: Expr) -> Result<Expr, Refusal> {
    Ok(match expr {
        Expr::Collate { expr, .. } => *expr,
        Expr::Value(mut value) => {
            match value.value {
                Value::EscapedStringLiteral(text)
                | Value::NationalStringLiteral(text)
                | Value::UnicodeStringLiteral(text) => {
                    value.value = Value::SingleQuotedString(text);
                }
                other => value.value = other,
            }
            Expr::Value(value)
        }
        Expr::Identifier(ident) if ident.quote_style.is_none() && is_register(&ident.value) => {
            call(&ident.value.to_lowercase(), Vec::new())
        }
        Expr::BinaryOp { left, op: BinaryOperator::PGCustomBinaryOperator(names), right } => {
            Expr::BinaryOp { left, op: operator(&names)?, right }
        }
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, array, format } => {
            cast(expr, data_type, array, format)
        }
        Expr::TypedString(mut typed) => {
            if let Some(Type::Is(data_type)) = type_of(&typed.data_type) {
                typed.data_type = data_type;
            }
            Expr::TypedString(typed)
        }
        Expr::AnyOp { left, compare_op, right, is_some } => any(left, compare_op, right, false)
            .unwrap_or_else(|(left, compare_op, right)| Expr::AnyOp { left, compare_op, right, is_some }),
        Expr::AllOp { left, compare_op, right } => any(left, compare_op, right, true)
            .unwrap_or_else(|(left, compare_op, right)| Expr::AllOp { left, compare_op, right }),
        Expr::Function(mut function) => {
            strip_schema(&mut function.name);
            let name = parts(&function.name).join(".").to_lowercase();
            match (name.as_str(), &mut function.args) {
                ("array", FunctionArguments::Subquery(query)) => {
                    if empty::reads_nothing(&query.body) {
                        return Ok(null_text());
                    }
                    gathered(query);
                    return Ok(Expr::Subquery(query.clone()));
                }
                (name, FunctionArguments::None) if is_register(name) => return Ok(call(name, Vec::new())),
                _ => {}
            }
            Expr::Function(function)
        }
        Expr::Subquery(query) if empty::reads_nothing(&query.body) => null_text(),
        Expr::Subquery(mut query) => {
            of_one_row(&mut query);
            Expr::Subquery(query)
        }
        // How Grafana asks which schemas need not be written.
        Expr::InSubquery { expr, subquery, negated } if subquery.to_string().contains("'search_path'") => {
            Expr::InList { expr, list: vec![text("public")], negated }
        }
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.as_slice() {
            [AccessExpr::Subscript(Subscript::Index { index })] => call("pg_element", vec![*root, index.clone()]),
            _ => Expr::CompoundFieldAccess { root, access_chain },
        },
        Expr::Exists { subquery, negated } if empty::reads_nothing(&subquery.body) => flag(negated),
        Expr::InSubquery { subquery, negated, .. } if empty::reads_nothing(&subquery.body) => flag(negated),
        other => other,
    })
}

fn is_register(word: &str) -> bool {
    REGISTERS.contains(&word.to_lowercase().as_str())
}

fn flag(value: bool) -> Expr {
    Expr::value(Value::Boolean(value))
}

fn text(text: impl Into<String>) -> Expr {
    Expr::value(Value::SingleQuotedString(text.into()))
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Expr::Function(Function {
        name: ObjectName::from(Ident::new(name)),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// `OPERATOR(pg_catalog.~)` is `~`.
fn operator(names: &[String]) -> Result<BinaryOperator, Refusal> {
    Ok(match names.last().map_or("", String::as_str) {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "!~~*" => BinaryOperator::PGNotILikeMatch,
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "||" => BinaryOperator::StringConcat,
        other => {
            return Err(Refusal::new("42883", format!("there is no operator {other} here")));
        }
    })
}

/// What a type of PostgreSQL is here.
enum Type {
    /// That one.
    Is(DataType),
    /// What a function makes of it: the number of something by its name, or the name by its number.
    Asked(&'static str),
}

fn type_of(data_type: &DataType) -> Option<Type> {
    use Type::{Asked, Is};
    Some(match data_type {
        DataType::Regclass => Asked("pg_regclass"),
        DataType::Custom(name, _) => {
            match parts(name).last().map(|name| name.to_lowercase()).unwrap_or_default().as_str() {
                "regclass" => Asked("pg_regclass"),
                "regtype" => Asked("pg_regtype"),
                "regnamespace" => Asked("pg_regnamespace"),
                "regrole" => Asked("pg_get_userbyid"),
                "regproc" | "regprocedure" | "regoper" | "regoperator" => Asked("pg_regproc"),
                "oid" | "xid" | "cid" | "int8" | "bigint" => Is(DataType::BigInt(None)),
                "int2" | "smallint" => Is(DataType::SmallInt(None)),
                "int4" | "int" | "integer" => Is(DataType::Int(None)),
                "float4" | "real" => Is(DataType::Real),
                "float8" => Is(DataType::DoublePrecision),
                "numeric" => Is(DataType::DoublePrecision),
                "bool" | "boolean" => Is(DataType::Boolean),
                "date" => Is(DataType::Date),
                "timestamp" => Is(DataType::Timestamp(None, datafusion::sql::sqlparser::ast::TimezoneInfo::None)),
                "timestamptz" => Is(DataType::Timestamp(None, datafusion::sql::sqlparser::ast::TimezoneInfo::Tz)),
                "interval" => Is(DataType::Interval { fields: None, precision: None }),
                "bytea" => Is(DataType::Bytea),
                _ => Is(DataType::Text),
            }
        }
        DataType::Character(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_)
        | DataType::JSON
        | DataType::JSONB
        | DataType::Uuid
        | DataType::Array(_) => Is(DataType::Text),
        DataType::Numeric(datafusion::sql::sqlparser::ast::ExactNumberInfo::None)
        | DataType::Decimal(datafusion::sql::sqlparser::ast::ExactNumberInfo::None)
        | DataType::Float(_) => Is(DataType::DoublePrecision),
        _ => return None,
    })
}

fn cast(
    expr: Box<Expr>,
    data_type: DataType,
    array: bool,
    format: Option<datafusion::sql::sqlparser::ast::CastFormat>,
) -> Expr {
    match type_of(&data_type) {
        Some(Type::Asked(function)) => call(function, vec![*expr]),
        Some(Type::Is(data_type)) => Expr::Cast { kind: CastKind::Cast, expr, data_type, array, format },
        None => Expr::Cast { kind: CastKind::Cast, expr, data_type, array, format },
    }
}

/// A comparison with any, or all, of the elements of an array that is written out.
fn any(
    left: Box<Expr>,
    op: BinaryOperator,
    right: Box<Expr>,
    all: bool,
) -> Result<Expr, (Box<Expr>, BinaryOperator, Box<Expr>)> {
    let is_list = matches!((&op, all), (BinaryOperator::Eq, false) | (BinaryOperator::NotEq, true));
    if let Expr::Subquery(subquery) = *right {
        if is_list {
            return Ok(Expr::InSubquery { expr: left, subquery, negated: all });
        }
        return Err((left, op, Box::new(Expr::Subquery(subquery))));
    }
    if let Some(elements) = elements(&right) {
        if is_list {
            return Ok(match elements.is_empty() {
                true => flag(all),
                false => Expr::InList { expr: left, list: elements, negated: all },
            });
        }
        let compare = |element| Expr::BinaryOp { left: left.clone(), op: op.clone(), right: Box::new(element) };
        let join = if all { BinaryOperator::And } else { BinaryOperator::Or };
        let joined = elements.into_iter().map(compare).reduce(|left, right| Expr::BinaryOp {
            left: Box::new(left),
            op: join.clone(),
            right: Box::new(right),
        });
        return Ok(joined.map_or_else(|| flag(all), |joined| Expr::Nested(Box::new(joined))));
    }
    // An array of the catalogue, which is a text here.
    if is_list && !is_placeholder(&right) {
        let is_in = call("pg_in_array", vec![*left, *right]);
        return Ok(match all {
            true => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(is_in) },
            false => is_in,
        });
    }
    Err((left, op, right))
}

fn is_placeholder(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Placeholder(_)),
        Expr::Cast { expr, .. } | Expr::Nested(expr) => is_placeholder(expr),
        _ => false,
    }
}

/// A comparison with an array whose value is now known.
pub(super) fn with_array(expr: Expr) -> Expr {
    match expr {
        Expr::AnyOp { left, compare_op, right, is_some } => any(left, compare_op, right, false)
            .unwrap_or_else(|(left, compare_op, right)| Expr::AnyOp { left, compare_op, right, is_some }),
        Expr::AllOp { left, compare_op, right } => any(left, compare_op, right, true)
            .unwrap_or_else(|(left, compare_op, right)| Expr::AllOp { left, compare_op, right }),
        other => other,
    }
}

fn elements(array: &Expr) -> Option<Vec<Expr>> {
    match array {
        Expr::Nested(expr) | Expr::Cast { expr, .. } => elements(expr),
        Expr::Array(array) => Some(array.elem.clone()),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(list) => Some(listed(list)?.into_iter().map(text).collect()),
            _ => None,
        },
        Expr::Function(function) if parts(&function.name).last().is_some_and(|name| *name == "current_schemas") => {
            Some(vec![text("pg_catalog"), text("public")])
        }
        _ => None,
    }
}

/// The elements of `{a,"b c"}`.
pub(super) fn listed(list: &str) -> Option<Vec<String>> {
    let inner = list.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (mut found, mut element, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => (quoted, any) = (!quoted, true),
            '\\' => element.extend(letters.next()),
            ',' if !quoted => found.push(std::mem::take(&mut element)),
            ' ' if !quoted && element.is_empty() => {}
            other => element.push(other),
        }
    }
    if any || !element.is_empty() || !found.is_empty() {
        found.push(element);
    }
    Some(found)
}

/// Whether a query reads what describes the database.
pub(super) fn reads_catalogue(query: &Query) -> bool {
    struct Reads;
    impl Visitor for Reads {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            match factor {
                TableFactor::Table { name, .. } if of_catalogue(&parts(name)).is_some() => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    query.visit(&mut Reads).is_break()
}

/// The engine takes a subquery that depends on the row outside when it is seen to have one row; of the catalogue each has.
fn of_one_row(query: &mut Query) {
    if !reads_catalogue(query) || query.limit_clause.is_some() {
        return;
    }
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    if let [item @ (SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })] = select.projection.as_mut_slice() {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { return };
        let is_aggregate = matches!(&*expr, Expr::Function(function)
            if parts(&function.name).last().is_some_and(|name| ["max", "min", "count", "sum", "avg", "string_agg", "array_agg", "bool_or", "bool_and"].contains(name)));
        if !is_aggregate {
            let taken = std::mem::replace(expr, Expr::value(Value::Null));
            *expr = call("max", vec![taken]);
            query.order_by = None;
        }
    }
}

/// `ARRAY(SELECT …)` as the text of an array.
fn gathered(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    if let [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] = select.projection.as_mut_slice() {
        let taken = std::mem::replace(expr, Expr::value(Value::Null));
        let joined = call("string_agg", vec![cast_to(taken, DataType::Text), text(",")]);
        *expr = call("concat", vec![text("{"), joined, text("}")]);
        query.order_by = None;
    }
}
