//! `pg_catalog` and `information_schema`: what PostgreSQL's clients ask to find schemas, tables, columns and types.

use std::sync::Arc;

use arrow_array::RecordBatch;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use hvac_query::postgres::{NAMESPACES, Names, PgType, columns_without_rows};
use hvac_query::{QueryError, Table, TableName};

use super::columns::{Column, of_session};
use super::database::{Database, sites};
use super::listing::{Listing, PUBLIC, Relation};
use super::made::{Made, without_rows};
use crate::state::AppState;

/// The owner of everything.
const OWNER: i64 = 10;
/// Number of the database: clients only ask for theirs.
const DATABASE: i64 = 16_384;

/// A table of the catalogue of a database.
pub(super) fn table(
    state: &AppState,
    database: &Database,
    listing: &Arc<Listing>,
    names: &Names,
    name: &TableName,
) -> Option<Table> {
    let standard = name.schema.as_deref() == Some("information_schema");
    Some(match (standard, name.table.as_str()) {
        (false, "pg_class") => pg_class(listing).table(),
        (false, "pg_namespace") => pg_namespace(listing).table(),
        (false, "pg_attribute") => of_columns(state, database, listing, pg_attribute),
        (false, "pg_type") => pg_type().table(),
        (false, "pg_database") => pg_database(state, database),
        (false, "pg_tables") => pg_tables(listing).table(),
        (false, "pg_roles" | "pg_user" | "pg_authid") => pg_roles(&names.user).table(),
        (false, "pg_am") => Made::of(1)
            .whole(&["oid"], 2)
            .text(&["amname"], "heap")
            .whole(&["amhandler"], 3)
            .text(&["amtype"], "t")
            .table(),
        (false, "pg_settings") => pg_settings(names).table(),
        (true, "tables") => tables(database, listing).table(),
        (true, "columns") => {
            let called = database.name.clone();
            of_columns(state, database, listing, move |listing, columns| information_columns(&called, listing, columns))
        }
        (true, "schemata") => schemata(database, listing, &names.user).table(),
        (_, other) => without_rows(&columns_without_rows(other)?),
    })
}

fn pg_class(listing: &Listing) -> Made {
    let all = &listing.relations;
    Made::of(all.len())
        .wholes("oid", all.iter().map(|relation| Some(relation.oid)))
        .texts("relname", all.iter().map(|relation| Some(&relation.name)))
        .wholes("relnamespace", all.iter().map(|relation| Some(relation.schema)))
        .text(&["relkind"], "r")
        .text(&["relpersistence"], "p")
        .text(&["relreplident"], "d")
        .whole(&["relowner"], OWNER)
        .whole(&["relam"], 2)
        .whole(&["reltuples", "relpages", "relallvisible"], -1)
        .whole(&["reltype", "reloftype", "relfilenode", "reltablespace", "reltoastrelid", "relnatts", "relchecks"], 0)
        .whole(&["relrewrite", "relfrozenxid", "relminmxid"], 0)
        .flag(&["relhasindex", "relisshared", "relhasrules", "relhastriggers", "relhassubclass", "relhasoids"], false)
        .flag(&["relrowsecurity", "relforcerowsecurity", "relispartition"], false)
        .flag(&["relispopulated"], true)
        .nothing(&["relacl", "reloptions", "relpartbound"])
}

/// Number and name of every schema.
fn schemas(listing: &Listing) -> Vec<(i64, &str)> {
    let named = listing.relations.iter().any(|relation| relation.session.is_some() && relation.schema != PUBLIC);
    let sessions = listing.sessions.iter().filter(|session| named && !session.parsed.is_empty());
    let sessions = sessions.map(|session| (session.oid(), session.schema.as_str()));
    NAMESPACES.into_iter().chain(sessions).collect()
}

fn pg_namespace(listing: &Listing) -> Made {
    let all = schemas(listing);
    Made::of(all.len())
        .wholes("oid", all.iter().map(|(oid, _)| Some(*oid)))
        .texts("nspname", all.iter().map(|(_, name)| Some(*name)))
        .whole(&["nspowner"], OWNER)
        .nothing(&["nspacl"])
}

fn pg_tables(listing: &Listing) -> Made {
    let all = &listing.relations;
    Made::of(all.len())
        .texts("schemaname", all.iter().map(|relation| Some(listing.schema_name(relation))))
        .texts("tablename", all.iter().map(|relation| Some(&relation.name)))
        .text(&["tableowner"], "hvac")
        .nothing(&["tablespace"])
        .flag(&["hasindexes", "hasrules", "hastriggers", "rowsecurity"], false)
}

type Cells<'l> = Vec<(&'l Relation, i64, &'l Column)>;

/// A row a column, session by session.
fn of_columns(
    state: &AppState,
    database: &Database,
    listing: &Arc<Listing>,
    made: impl Fn(&Listing, &Cells) -> Made + Clone + Send + Sync + 'static,
) -> Table {
    let schema = made(listing, &Vec::new())
        .batch()
        .map_or_else(|_| Arc::new(arrow_schema::Schema::empty()), |batch| batch.schema());
    let sessions = if database.has_columns() { listing.sessions.len() } else { 0 };
    let (state, listing) = (state.clone(), Arc::clone(listing));
    let rows = move || -> BoxStream<'static, Result<RecordBatch, QueryError>> {
        let (state, listing, made) = (state.clone(), Arc::clone(&listing), made.clone());
        let every = std::iter::once(None).chain((0..sessions).map(Some));
        futures_util::stream::iter(every)
            .then(move |session| {
                let (state, listing, made) = (state.clone(), Arc::clone(&listing), made.clone());
                async move {
                    let found = of_session(&state, &listing, session).await?;
                    let mut cells = Vec::new();
                    for (index, columns) in &found {
                        let Some(relation) = listing.relations.get(*index) else { continue };
                        cells.extend((1..).zip(columns).map(|(position, column)| (relation, position, column)));
                    }
                    made(&listing, &cells).batch()
                }
            })
            .boxed()
    };
    Table::Made { schema, rows: Arc::new(rows) }
}

fn pg_attribute(_: &Listing, all: &Cells) -> Made {
    Made::of(all.len())
        .wholes("attrelid", all.iter().map(|(relation, ..)| Some(relation.oid)))
        .texts("attname", all.iter().map(|(.., column)| Some(&column.0)))
        .wholes("atttypid", all.iter().map(|(.., column)| Some(i64::from(column.1.oid()))))
        .wholes("attlen", all.iter().map(|(.., column)| Some(i64::from(column.1.size()))))
        .wholes("attnum", all.iter().map(|(_, position, _)| Some(*position)))
        .whole(&["atttypmod", "attstattarget", "attcacheoff"], -1)
        .whole(&["attndims", "attcollation", "attinhcount"], 0)
        .flag(&["attbyval", "attislocal"], true)
        .flag(&["attnotnull", "atthasdef", "attisdropped", "atthasmissing"], false)
        .text(&["attidentity", "attgenerated", "attcompression"], "")
        .text(&["attstorage", "attalign"], "p")
        .nothing(&["attacl", "attoptions", "attfdwoptions", "attmissingval"])
}

fn pg_type() -> Made {
    // Beside those of answers: of the catalogue's own columns, and what clients look for by name.
    let more = [(18, "char", 1, "Z"), (19, "name", 64, "S"), (26, "oid", 4, "N"), (1043, "varchar", -1, "S")];
    let own = PgType::ALL.map(|kind| (i64::from(kind.oid()), kind.name(), i64::from(kind.size()), kind.category()));
    let all: Vec<(i64, &str, i64, &str)> = own.into_iter().chain(more).collect();
    Made::of(all.len())
        .wholes("oid", all.iter().map(|kind| Some(kind.0)))
        .texts("typname", all.iter().map(|kind| Some(kind.1)))
        .wholes("typlen", all.iter().map(|kind| Some(kind.2)))
        .texts("typcategory", all.iter().map(|kind| Some(kind.3)))
        .whole(&["typnamespace"], 11)
        .whole(&["typowner"], OWNER)
        .text(&["typtype"], "b")
        .text(&["typdelim"], ",")
        .text(&["typalign", "typstorage"], "p")
        .flags("typbyval", all.iter().map(|kind| kind.2 > 0))
        .flag(&["typisdefined"], true)
        .flag(&["typispreferred", "typnotnull"], false)
        .whole(&["typrelid", "typelem", "typarray", "typbasetype", "typndims", "typcollation"], 0)
        .whole(&["typtypmod"], -1)
        .text(&["typinput", "typoutput", "typreceive", "typsend", "typsubscript", "typanalyze"], "-")
        .nothing(&["typdefault", "typacl"])
}

/// The one that a client is connected to, all, and the sites.
fn pg_database(state: &AppState, database: &Database) -> Table {
    let made = |names: &[String]| {
        Made::of(names.len())
            .wholes("oid", (DATABASE..).take(names.len()).map(Some))
            .texts("datname", names.iter().map(Some))
            .whole(&["datdba"], OWNER)
            .whole(&["encoding"], 6)
            .text(&["datlocprovider"], "c")
            .text(&["datcollate", "datctype"], "C")
            .nothing(&["daticulocale", "datlocale", "daticurules", "datcollversion", "datacl"])
            .flag(&["datallowconn"], true)
            .flag(&["datistemplate"], false)
            .whole(&["datconnlimit"], -1)
            .whole(&["datlastsysoid", "datfrozenxid", "datminmxid", "dattablespace"], 0)
            .batch()
    };
    let schema = made(&[]).map_or_else(|_| Arc::new(arrow_schema::Schema::empty()), |batch| batch.schema());
    let (state, own) = (state.clone(), database.name.clone());
    let rows = move || {
        let (state, own) = (state.clone(), own.clone());
        let one = async move {
            let mut names =
                sites(&state).await.map_err(|_| QueryError::Internal("sites could not be listed".to_owned()))?;
            names.retain(|name| *name != own && name != "all");
            let all = ["all".to_owned()].into_iter().filter(|name| *name != own);
            made(&std::iter::once(own.clone()).chain(all).chain(names).collect::<Vec<_>>())
        };
        futures_util::stream::once(one).boxed()
    };
    Table::Made { schema, rows: Arc::new(rows) }
}

fn pg_roles(user: &str) -> Made {
    Made::of(1)
        .whole(&["oid", "usesysid"], OWNER)
        .text(&["rolname", "usename"], user)
        .flag(
            &["rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls", "usesuper", "usecreatedb"],
            false,
        )
        .flag(&["rolinherit", "rolcanlogin"], true)
        .whole(&["rolconnlimit"], -1)
        .nothing(&["rolpassword", "rolvaliduntil", "rolconfig", "valuntil", "useconfig"])
}

fn pg_settings(names: &Names) -> Made {
    let all: Vec<(&String, &String)> = names.settings.iter().collect();
    Made::of(all.len())
        .texts("name", all.iter().map(|(name, _)| Some(*name)))
        .texts("setting", all.iter().map(|(_, value)| Some(*value)))
        .texts("boot_val", all.iter().map(|(_, value)| Some(*value)))
        .texts("reset_val", all.iter().map(|(_, value)| Some(*value)))
        .text(&["context"], "user")
        .text(&["vartype"], "string")
        .text(&["source"], "default")
        .text(&["category"], "")
        .text(&["short_desc"], "")
        .nothing(&["unit", "extra_desc", "min_val", "max_val", "enumvals", "sourcefile"])
        .flag(&["pending_restart"], false)
}

fn schemata(database: &Database, listing: &Listing, user: &str) -> Made {
    let all = schemas(listing);
    Made::of(all.len())
        .text(&["catalog_name"], &database.name)
        .texts("schema_name", all.iter().map(|(_, name)| Some(*name)))
        .text(&["schema_owner"], user)
        .nothing(&[
            "default_character_set_catalog",
            "default_character_set_schema",
            "default_character_set_name",
            "sql_path",
        ])
}

fn tables(database: &Database, listing: &Listing) -> Made {
    let all = &listing.relations;
    Made::of(all.len())
        .text(&["table_catalog"], &database.name)
        .texts("table_schema", all.iter().map(|relation| Some(listing.schema_name(relation))))
        .texts("table_name", all.iter().map(|relation| Some(&relation.name)))
        .text(&["table_type"], "BASE TABLE")
        .text(&["is_insertable_into", "is_typed"], "NO")
        .nothing(&["self_referencing_column_name", "reference_generation", "user_defined_type_name", "commit_action"])
}

fn information_columns(database: &str, listing: &Listing, all: &Cells) -> Made {
    let digits = |kind: PgType| match kind {
        PgType::Int2 => Some(16),
        PgType::Int4 => Some(32),
        PgType::Int8 => Some(64),
        PgType::Float4 => Some(24),
        PgType::Float8 => Some(53),
        _ => None,
    };
    let of_time = |kind: PgType| {
        [PgType::Time, PgType::Timestamp, PgType::TimestampTz, PgType::Interval].contains(&kind).then_some(6)
    };
    Made::of(all.len())
        .text(&["table_catalog", "udt_catalog"], database)
        .texts("table_schema", all.iter().map(|(relation, ..)| Some(listing.schema_name(relation))))
        .texts("table_name", all.iter().map(|(relation, ..)| Some(&relation.name)))
        .texts("column_name", all.iter().map(|(.., column)| Some(&column.0)))
        .wholes("ordinal_position", all.iter().map(|(_, position, _)| Some(*position)))
        .text(&["is_nullable"], "YES")
        .texts("data_type", all.iter().map(|(.., column)| Some(column.1.sql_name())))
        .texts("udt_name", all.iter().map(|(.., column)| Some(column.1.name())))
        .text(&["udt_schema"], "pg_catalog")
        .wholes("numeric_precision", all.iter().map(|(.., column)| digits(column.1)))
        .wholes("datetime_precision", all.iter().map(|(.., column)| of_time(column.1)))
        .text(&["is_identity", "is_updatable", "is_self_referencing"], "NO")
        .text(&["is_generated"], "NEVER")
        .wholes("character_maximum_length", all.iter().map(|_| None))
        .wholes("numeric_scale", all.iter().map(|_| None))
        .wholes("character_octet_length", all.iter().map(|_| None))
        .nothing(&["column_default", "character_set_name", "collation_name", "domain_name", "generation_expression"])
        .nothing(&["identity_generation", "interval_type", "collation_schema", "domain_schema"])
}
