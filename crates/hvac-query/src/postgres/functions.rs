//! Functions of PostgreSQL that clients ask a database about itself with.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{BooleanBuilder, Int64Builder, StringBuilder};
use arrow_schema::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::rewrite::listed;
use super::types::PgType;

/// What the functions know of a connection.
#[derive(Debug, Default)]
pub struct Names {
    /// What it is connected to.
    pub database: String,
    /// Whom it says it is.
    pub user: String,
    /// What `version()` answers.
    pub version: String,
    /// Number of the connection.
    pub process: i64,
    /// Settings, by their names in lower case.
    pub settings: BTreeMap<String, String>,
    /// Numbers of relations, by the names that the statement asks for.
    pub relations: HashMap<String, i64>,
    /// Numbers of the relations that need no schema before their name.
    pub visible: Vec<Range<i64>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Text(String),
    Whole(i64),
    Flag(bool),
}

impl Cell {
    fn of(value: &ScalarValue) -> Self {
        match value {
            value if value.is_null() => Self::Null,
            ScalarValue::Boolean(Some(flag)) => Self::Flag(*flag),
            value if value.data_type().is_integer() => {
                value.cast_to(&DataType::Int64).map_or(Self::Null, |value| match value {
                    ScalarValue::Int64(Some(whole)) => Self::Whole(whole),
                    _ => Self::Null,
                })
            }
            value => Self::Text(value.to_string()),
        }
    }

    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// What a function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answers {
    Text,
    Whole,
    Flag,
    /// A number where a name is given, a name where a number is.
    TheOther,
}

type Call = fn(&Names, &[Cell]) -> Result<Cell>;

const NOTHING: Call = |_, _| Ok(Cell::Null);
const TRUE: Call = |_, _| Ok(Cell::Flag(true));
const FALSE: Call = |_, _| Ok(Cell::Flag(false));
const ZERO: Call = |_, _| Ok(Cell::Whole(0));
const USER: Call = |names, _| Ok(Cell::text(&names.user));
const DATABASE: Call = |names, _| Ok(Cell::text(&names.database));
const UTF8: Call = |_, _| Ok(Cell::text("UTF8"));
/// What is read may be read, and nothing else.
const MAY: Call = |_, args| match args.last() {
    Some(Cell::Text(privilege)) => {
        let word = |word: &str| ["select", "usage", "connect"].contains(&word.trim());
        Ok(Cell::Flag(privilege.to_lowercase().split(',').any(word)))
    }
    _ => Ok(Cell::Null),
};

const FUNCTIONS: &[(&str, Answers, Call)] = &[
    ("age", Answers::Whole, NOTHING),
    ("array_length", Answers::Whole, elements),
    ("array_lower", Answers::Whole, |_, _| Ok(Cell::Whole(1))),
    ("array_to_string", Answers::Text, array_text),
    ("array_upper", Answers::Whole, elements),
    ("cardinality", Answers::Whole, elements),
    ("col_description", Answers::Text, NOTHING),
    ("current_catalog", Answers::Text, DATABASE),
    ("current_database", Answers::Text, DATABASE),
    ("current_role", Answers::Text, USER),
    ("current_schema", Answers::Text, |_, _| Ok(Cell::text("public"))),
    ("current_schemas", Answers::Text, |_, _| Ok(Cell::text("{pg_catalog,public}"))),
    ("current_setting", Answers::Text, current_setting),
    ("current_user", Answers::Text, USER),
    ("format_type", Answers::Text, |_, args| {
        Ok(match args.first() {
            Some(Cell::Whole(oid)) => Cell::text(type_name(*oid)),
            _ => Cell::Null,
        })
    }),
    ("getdatabaseencoding", Answers::Text, UTF8),
    ("has_any_column_privilege", Answers::Flag, MAY),
    ("has_column_privilege", Answers::Flag, MAY),
    ("has_database_privilege", Answers::Flag, MAY),
    ("has_function_privilege", Answers::Flag, MAY),
    ("has_schema_privilege", Answers::Flag, MAY),
    ("has_sequence_privilege", Answers::Flag, MAY),
    ("has_table_privilege", Answers::Flag, MAY),
    ("inet_client_addr", Answers::Text, NOTHING),
    ("inet_server_addr", Answers::Text, NOTHING),
    ("inet_server_port", Answers::Whole, NOTHING),
    ("obj_description", Answers::Text, NOTHING),
    ("parse_ident", Answers::Text, |_, args| {
        Ok(match args.first() {
            Some(Cell::Text(name)) => Cell::text(format!("{{{}}}", parse_ident(name).join(","))),
            _ => Cell::Null,
        })
    }),
    ("pg_backend_pid", Answers::Whole, |names, _| Ok(Cell::Whole(names.process))),
    ("pg_char_to_encoding", Answers::Whole, |_, _| Ok(Cell::Whole(6))),
    ("pg_client_encoding", Answers::Text, UTF8),
    ("pg_collation_is_visible", Answers::Flag, TRUE),
    ("pg_database_size", Answers::Whole, NOTHING),
    ("pg_element", Answers::Text, |_, args| {
        let [Cell::Text(list), Cell::Whole(number)] = args else { return Ok(Cell::Null) };
        let index = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
        let list = listed(list).unwrap_or_default();
        Ok(index.and_then(|index| list.get(index)).map_or(Cell::Null, Cell::text))
    }),
    ("pg_encoding_to_char", Answers::Text, UTF8),
    ("pg_function_is_visible", Answers::Flag, TRUE),
    ("pg_get_constraintdef", Answers::Text, NOTHING),
    ("pg_get_expr", Answers::Text, NOTHING),
    ("pg_get_function_arguments", Answers::Text, NOTHING),
    ("pg_get_function_identity_arguments", Answers::Text, NOTHING),
    ("pg_get_function_result", Answers::Text, NOTHING),
    ("pg_get_indexdef", Answers::Text, NOTHING),
    ("pg_get_partition_constraintdef", Answers::Text, NOTHING),
    ("pg_get_partkeydef", Answers::Text, NOTHING),
    ("pg_get_ruledef", Answers::Text, NOTHING),
    ("pg_get_serial_sequence", Answers::Text, NOTHING),
    ("pg_get_triggerdef", Answers::Text, NOTHING),
    ("pg_get_userbyid", Answers::Text, USER),
    ("pg_get_viewdef", Answers::Text, NOTHING),
    ("pg_has_role", Answers::Flag, TRUE),
    ("pg_in_array", Answers::Flag, |_, args| {
        let [Cell::Text(element), Cell::Text(list)] = args else { return Ok(Cell::Null) };
        Ok(Cell::Flag(listed(list).unwrap_or_default().contains(element)))
    }),
    ("pg_indexes_size", Answers::Whole, NOTHING),
    ("pg_is_in_recovery", Answers::Flag, FALSE),
    ("pg_is_other_temp_schema", Answers::Flag, FALSE),
    ("pg_my_temp_schema", Answers::Whole, ZERO),
    ("pg_opclass_is_visible", Answers::Flag, TRUE),
    ("pg_operator_is_visible", Answers::Flag, TRUE),
    ("pg_regclass", Answers::TheOther, regclass),
    ("pg_regnamespace", Answers::TheOther, |_, args| {
        Ok(match args.first() {
            Some(Cell::Text(name)) => {
                NAMESPACES.iter().find(|(_, known)| known == name).map_or(Cell::Null, |(oid, _)| Cell::Whole(*oid))
            }
            Some(Cell::Whole(oid)) => NAMESPACES
                .iter()
                .find(|(known, _)| known == oid)
                .map_or_else(|| Cell::text(oid.to_string()), |(_, name)| Cell::text(*name)),
            _ => Cell::Null,
        })
    }),
    ("pg_regproc", Answers::TheOther, NOTHING),
    ("pg_regtype", Answers::TheOther, |_, args| {
        Ok(match args.first() {
            Some(Cell::Whole(oid)) => Cell::text(type_name(*oid)),
            Some(Cell::Text(name)) => type_number(name).map_or(Cell::Null, Cell::Whole),
            _ => Cell::Null,
        })
    }),
    ("pg_relation_is_publishable", Answers::Flag, FALSE),
    ("pg_relation_size", Answers::Whole, NOTHING),
    ("pg_size_pretty", Answers::Text, |_, args| {
        Ok(match args.first() {
            Some(Cell::Whole(bytes)) if bytes.abs() < 10_240 => Cell::text(format!("{bytes} bytes")),
            Some(Cell::Whole(bytes)) => Cell::text(format!("{} kB", bytes / 1024)),
            _ => Cell::Null,
        })
    }),
    ("pg_table_is_visible", Answers::Flag, |names, args| {
        Ok(match args.first() {
            Some(Cell::Whole(oid)) => Cell::Flag(names.visible.iter().any(|range| range.contains(oid))),
            _ => Cell::Null,
        })
    }),
    ("pg_table_size", Answers::Whole, NOTHING),
    ("pg_tablespace_location", Answers::Text, NOTHING),
    ("pg_tablespace_size", Answers::Whole, NOTHING),
    ("pg_total_relation_size", Answers::Whole, NOTHING),
    ("pg_type_is_visible", Answers::Flag, TRUE),
    ("quote_ident", Answers::Text, |_, args| {
        Ok(match args.first() {
            Some(Cell::Text(name)) => Cell::text(quote_ident(name)),
            _ => Cell::Null,
        })
    }),
    ("quote_literal", Answers::Text, |_, args| {
        Ok(match args.first() {
            Some(Cell::Text(text)) => Cell::text(format!("'{}'", text.replace('\'', "''"))),
            _ => Cell::Null,
        })
    }),
    ("row_security_active", Answers::Flag, FALSE),
    ("session_user", Answers::Text, USER),
    ("set_config", Answers::Text, |_, args| Ok(args.get(1).cloned().unwrap_or(Cell::Null))),
    ("shobj_description", Answers::Text, NOTHING),
    ("to_regclass", Answers::Whole, |names, args| {
        Ok(match args.first() {
            Some(Cell::Text(name)) => names.relations.get(name).map_or(Cell::Null, |oid| Cell::Whole(*oid)),
            _ => Cell::Null,
        })
    }),
    ("to_regtype", Answers::Whole, |_, args| {
        Ok(match args.first() {
            Some(Cell::Text(name)) => type_number(name).map_or(Cell::Null, Cell::Whole),
            _ => Cell::Null,
        })
    }),
    ("txid_current", Answers::Whole, ZERO),
    ("user", Answers::Text, USER),
    ("version", Answers::Text, |names, _| Ok(Cell::text(&names.version))),
];

/// Schemas that every database has, by their numbers.
pub const NAMESPACES: [(i64, &str); 3] = [(11, "pg_catalog"), (2200, "public"), (13_000, "information_schema")];
/// Catalogues that clients compare the numbers of.
const OF_CATALOGUE: [(&str, i64); 6] = [
    ("pg_type", 1247),
    ("pg_attribute", 1249),
    ("pg_proc", 1255),
    ("pg_class", 1259),
    ("pg_namespace", 2615),
    ("pg_database", 1262),
];

/// The number of a table of the catalogue that every database has.
#[must_use]
pub fn number_of_catalogue(table: &str) -> Option<i64> {
    OF_CATALOGUE.iter().find(|(name, _)| *name == table).map(|(_, oid)| *oid)
}

fn elements(_: &Names, args: &[Cell]) -> Result<Cell> {
    Ok(match args.first() {
        Some(Cell::Text(list)) => match listed(list).map_or(0, |list| list.len()) {
            0 => Cell::Null,
            count => Cell::Whole(i64::try_from(count).unwrap_or(i64::MAX)),
        },
        _ => Cell::Null,
    })
}

fn array_text(_: &Names, args: &[Cell]) -> Result<Cell> {
    Ok(match args {
        [Cell::Text(list), Cell::Text(between), ..] => Cell::text(listed(list).unwrap_or_default().join(between)),
        _ => Cell::Null,
    })
}

fn current_setting(names: &Names, args: &[Cell]) -> Result<Cell> {
    let Some(Cell::Text(name)) = args.first() else { return Ok(Cell::Null) };
    match (names.settings.get(&name.to_lowercase()), args.get(1)) {
        (Some(value), _) => Ok(Cell::text(value)),
        (None, Some(Cell::Flag(true))) => Ok(Cell::Null),
        (None, _) => exec_err!("there is no setting '{name}'"),
    }
}

fn regclass(names: &Names, args: &[Cell]) -> Result<Cell> {
    match args.first() {
        Some(Cell::Text(name)) => match (name.parse(), names.relations.get(name)) {
            (Ok(oid), _) => Ok(Cell::Whole(oid)),
            (_, Some(oid)) => Ok(Cell::Whole(*oid)),
            _ => exec_err!("there is no table {name}"),
        },
        Some(Cell::Whole(oid)) => {
            let known = OF_CATALOGUE.iter().find(|(_, number)| number == oid);
            Ok(known.map_or_else(|| Cell::text(oid.to_string()), |(name, _)| Cell::text(*name)))
        }
        _ => Ok(Cell::Null),
    }
}

fn type_name(oid: i64) -> &'static str {
    match oid {
        0 => "-",
        18 => "\"char\"",
        19 => "name",
        26 => "oid",
        1009 => "text[]",
        1043 => "character varying",
        _ => PgType::ALL.into_iter().find(|kind| i64::from(kind.oid()) == oid).map_or("???", PgType::sql_name),
    }
}

fn type_number(name: &str) -> Option<i64> {
    let name = name.trim_start_matches("pg_catalog.").trim_matches('"');
    let known = PgType::ALL.into_iter().find(|kind| kind.name() == name || kind.sql_name() == name);
    known.map(|kind| i64::from(kind.oid())).or(match name {
        "name" => Some(19),
        "oid" => Some(26),
        "varchar" | "character varying" => Some(1043),
        "trigger" => Some(2279),
        _ => name.parse().ok(),
    })
}

/// A name as it has to be written: in quotes where it is not in small letters, or is a word of the language.
#[must_use]
pub fn quote_ident(name: &str) -> String {
    const WORDS: [&str; 30] = [
        "all", "and", "as", "asc", "between", "by", "case", "cast", "desc", "distinct", "else", "end", "false", "from",
        "group", "having", "in", "is", "join", "limit", "not", "null", "or", "order", "select", "then", "true",
        "union", "user", "where",
    ];
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if starts && name.chars().all(plain) && !WORDS.contains(&name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// The words of a name, each in quotes; what stood in none is in small letters.
fn parse_ident(name: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in name.chars() {
        match (letter, words.last_mut()) {
            ('"', _) => quoted = !quoted,
            ('.', _) if !quoted => words.push(String::new()),
            (letter, Some(word)) if quoted => word.push(letter),
            (letter, Some(word)) => word.extend(letter.to_lowercase()),
            _ => {}
        }
    }
    words.iter().map(|word| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))).collect()
}

/// The functions, for a connection.
pub(crate) fn functions(names: &Arc<Names>) -> Vec<Arc<ScalarUDF>> {
    let one = |(name, answers, call): &(&'static str, Answers, Call)| {
        let signature = Signature::one_of(
            vec![
                datafusion::logical_expr::TypeSignature::Nullary,
                datafusion::logical_expr::TypeSignature::VariadicAny,
            ],
            Volatility::Stable,
        );
        let function = OfPostgres { name, answers: *answers, call: *call, names: Arc::clone(names), signature };
        Arc::new(ScalarUDF::from(function))
    };
    FUNCTIONS.iter().map(one).collect()
}

struct OfPostgres {
    name: &'static str,
    answers: Answers,
    call: Call,
    names: Arc<Names>,
    signature: Signature,
}

/// Messages of the engine show it.
impl std::fmt::Debug for OfPostgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for OfPostgres {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.names, &other.names)
    }
}

impl Eq for OfPostgres {}

impl Hash for OfPostgres {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for OfPostgres {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        Ok(match self.answers {
            Answers::Text => DataType::Utf8,
            Answers::Whole => DataType::Int64,
            Answers::Flag => DataType::Boolean,
            Answers::TheOther => match args.first() {
                Some(kind) if kind.is_numeric() => DataType::Utf8,
                _ => DataType::Int64,
            },
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let count = if constant { 1 } else { rows };
        let columns: Vec<ArrayRef> = args.args.iter().map(|arg| arg.to_array(count)).collect::<Result<_>>()?;
        let mut cells = Vec::with_capacity(count);
        for row in 0..count {
            let given = columns.iter().map(|column| Ok(Cell::of(&ScalarValue::try_from_array(column, row)?)));
            cells.push((self.call)(&self.names, &given.collect::<Result<Vec<_>>>()?)?);
        }
        let array = column(&cells, args.return_field.data_type());
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
            false => Ok(ColumnarValue::Array(array)),
        }
    }
}

fn column(cells: &[Cell], kind: &DataType) -> ArrayRef {
    match kind {
        DataType::Int64 => {
            let mut made = Int64Builder::new();
            cells.iter().for_each(|cell| made.append_option(if let Cell::Whole(n) = cell { Some(*n) } else { None }));
            Arc::new(made.finish())
        }
        DataType::Boolean => {
            let mut made = BooleanBuilder::new();
            cells.iter().for_each(|cell| made.append_option(if let Cell::Flag(is) = cell { Some(*is) } else { None }));
            Arc::new(made.finish())
        }
        _ => {
            let mut made = StringBuilder::new();
            for cell in cells {
                match cell {
                    Cell::Text(text) => made.append_value(text),
                    Cell::Whole(whole) => made.append_value(whole.to_string()),
                    Cell::Flag(flag) => made.append_value(flag.to_string()),
                    Cell::Null => made.append_null(),
                }
            }
            Arc::new(made.finish())
        }
    }
}
