//! What is known to have no rows: PostgreSQL's tables of indexes, constraints, triggers and the like, and every query that
//! joins them. Clients ask these with correlated subqueries, arrays and functions of sets; what reads nothing needs none.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, GroupByExpr, Ident, JoinOperator, ObjectName, Query, Select, SelectItem,
    SetExpr, TableFactor, TableWithJoins, Value, Visit, Visitor,
};
use std::ops::ControlFlow;

use super::label::label;
use super::pieces::{null_text, of_catalogue};
use crate::names::parts;

/// Without rows, and their columns where clients join them from the left: `i` whole, `b` flag, else text.
const TABLES: &[(&str, &str)] = &[
    ("pg_aggregate", ""),
    ("pg_amop", ""),
    ("pg_attrdef", "oid:i adrelid:i adnum:i adbin adsrc"),
    ("pg_auth_members", "roleid:i member:i grantor:i admin_option:b"),
    ("pg_available_extensions", "name default_version installed_version comment"),
    ("pg_cast", "oid:i castsource:i casttarget:i castfunc:i castcontext castmethod"),
    ("pg_collation", "oid:i collname collnamespace:i collowner:i collprovider collencoding:i collcollate collctype"),
    (
        "pg_constraint",
        "oid:i conname connamespace:i contype condeferrable:b condeferred:b convalidated:b conrelid:i contypid:i conindid:i conparentid:i confrelid:i confupdtype confdeltype confmatchtype conislocal:b conkey confkey conbin consrc",
    ),
    ("pg_conversion", ""),
    ("pg_cursors", "name statement is_holdable:b is_binary:b is_scrollable:b"),
    ("pg_db_role_setting", "setdatabase:i setrole:i setconfig"),
    ("pg_default_acl", ""),
    ("pg_depend", "classid:i objid:i objsubid:i refclassid:i refobjid:i refobjsubid:i deptype"),
    ("pg_description", "objoid:i classoid:i objsubid:i description"),
    ("pg_enum", "oid:i enumtypid:i enumsortorder:i enumlabel"),
    ("pg_event_trigger", "oid:i evtname evtevent evtowner:i evtfoid:i evtenabled evttags"),
    ("pg_extension", "oid:i extname extowner:i extnamespace:i extrelocatable:b extversion extconfig extcondition"),
    ("pg_foreign_data_wrapper", "oid:i fdwname fdwowner:i fdwhandler:i fdwvalidator:i fdwacl fdwoptions"),
    ("pg_foreign_server", "oid:i srvname srvowner:i srvfdw:i srvtype srvversion srvacl srvoptions"),
    ("pg_foreign_table", "ftrelid:i ftserver:i ftoptions"),
    ("pg_get_keywords", "word catcode catdesc"),
    (
        "pg_index",
        "indexrelid:i indrelid:i indnatts:i indnkeyatts:i indisunique:b indisprimary:b indisexclusion:b indimmediate:b indisclustered:b indisvalid:b indisready:b indislive:b indisreplident:b indkey indoption indexprs indpred",
    ),
    ("pg_indexes", "schemaname tablename indexname tablespace indexdef"),
    ("pg_inherits", "inhrelid:i inhparent:i inhseqno:i inhdetachpending:b"),
    ("pg_language", "oid:i lanname lanowner:i lanispl:b lanpltrusted:b"),
    ("pg_locks", ""),
    ("pg_matviews", "schemaname matviewname matviewowner tablespace hasindexes:b ispopulated:b definition"),
    ("pg_opclass", ""),
    ("pg_operator", "oid:i oprname oprnamespace:i oprowner:i oprkind oprleft:i oprright:i oprresult:i oprcode:i"),
    ("pg_opfamily", ""),
    ("pg_options_to_table", ""),
    ("pg_parameter_acl", "oid:i parname paracl"),
    ("pg_partition_ancestors", ""),
    ("pg_partition_tree", ""),
    ("pg_partitioned_table", "partrelid:i partstrat partnatts:i partdefid:i"),
    ("pg_policies", "schemaname tablename policyname"),
    ("pg_policy", "oid:i polname polrelid:i polcmd polpermissive:b polroles polqual polwithcheck"),
    ("pg_prepared_statements", "name statement"),
    (
        "pg_proc",
        "oid:i proname pronamespace:i proowner:i prolang:i prokind prosecdef:b proisstrict:b proretset:b provolatile pronargs:i prorettype:i proargtypes proallargtypes proargmodes proargnames prosrc probin proacl",
    ),
    ("pg_publication", "oid:i pubname pubowner:i puballtables:b"),
    ("pg_publication_namespace", "oid:i pnpubid:i pnnspid:i"),
    ("pg_publication_rel", "oid:i prpubid:i prrelid:i prqual prattrs"),
    ("pg_range", "rngtypid:i rngsubtype:i"),
    ("pg_replication_slots", "slot_name plugin slot_type datoid:i database active:b"),
    ("pg_rewrite", "oid:i rulename ev_class:i ev_type ev_enabled is_instead:b"),
    ("pg_rules", "schemaname tablename rulename definition"),
    ("pg_seclabel", ""),
    ("pg_seclabels", ""),
    ("pg_sequence", "seqrelid:i seqtypid:i seqstart:i seqincrement:i seqmax:i seqmin:i seqcache:i seqcycle:b"),
    ("pg_sequences", "schemaname sequencename sequenceowner"),
    ("pg_shdescription", "objoid:i classoid:i description"),
    ("pg_stat_activity", "datid:i datname pid:i usename application_name client_addr state query"),
    ("pg_stat_gssapi", "pid:i gss_authenticated:b encrypted:b"),
    ("pg_stat_replication", ""),
    ("pg_stat_ssl", "pid:i ssl:b version cipher"),
    ("pg_stat_user_tables", "relid:i schemaname relname n_live_tup:i n_dead_tup:i"),
    ("pg_statio_user_tables", "relid:i schemaname relname"),
    ("pg_statistic_ext", "oid:i stxrelid:i stxname stxnamespace:i stxowner:i stxkeys stxkind"),
    ("pg_subscription", "oid:i subname subowner:i"),
    ("pg_tablespace", "oid:i spcname spcowner:i spcacl spcoptions"),
    ("pg_trigger", "oid:i tgrelid:i tgparentid:i tgname tgfoid:i tgtype:i tgenabled tgisinternal:b tgconstraint:i"),
    ("pg_ts_config", ""),
    ("pg_ts_dict", ""),
    ("pg_ts_parser", ""),
    ("pg_ts_template", ""),
    ("pg_user_mapping", ""),
    ("pg_user_mappings", ""),
    ("pg_views", "schemaname viewname viewowner definition"),
    ("check_constraints", "constraint_catalog constraint_schema constraint_name check_clause"),
    ("constraint_column_usage", "table_catalog table_schema table_name column_name constraint_schema constraint_name"),
    ("constraint_table_usage", "table_catalog table_schema table_name constraint_schema constraint_name"),
    ("element_types", ""),
    (
        "key_column_usage",
        "constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name column_name ordinal_position:i position_in_unique_constraint:i",
    ),
    ("parameters", ""),
    (
        "referential_constraints",
        "constraint_catalog constraint_schema constraint_name unique_constraint_schema unique_constraint_name match_option update_rule delete_rule",
    ),
    ("role_table_grants", "grantor grantee table_catalog table_schema table_name privilege_type is_grantable"),
    ("routines", "specific_schema specific_name routine_catalog routine_schema routine_name routine_type data_type"),
    ("sequences", "sequence_catalog sequence_schema sequence_name data_type"),
    (
        "table_constraints",
        "constraint_catalog constraint_schema constraint_name table_catalog table_schema table_name constraint_type is_deferrable initially_deferred",
    ),
    ("table_privileges", "grantor grantee table_catalog table_schema table_name privilege_type is_grantable"),
    ("triggers", "trigger_catalog trigger_schema trigger_name event_object_schema event_object_table"),
    ("views", "table_catalog table_schema table_name view_definition check_option is_updatable"),
];

/// The columns of a table that has no rows, each with `i` for whole numbers, `b` for flags, else text.
#[must_use]
pub fn columns(table: &str) -> Option<Vec<(&'static str, char)>> {
    let (_, columns) = TABLES.iter().find(|(name, columns)| *name == table && !columns.is_empty())?;
    let column = |text: &'static str| {
        text.split_once(':').map_or((text, 't'), |(name, kind)| (name, kind.chars().next().unwrap_or('t')))
    };
    Some(columns.split(' ').map(column).collect())
}

fn is_empty_table(name: &ObjectName) -> bool {
    let Some(word) = of_catalogue(&parts(name)) else { return false };
    TABLES.iter().any(|(name, _)| *name == word)
}

/// Arrays are columns of the catalogue only, where they are null.
fn is_of_column(expr: &Expr) -> bool {
    matches!(expr, Expr::CompoundIdentifier(_))
}

fn factor_reads_nothing(factor: &TableFactor) -> bool {
    match factor {
        TableFactor::UNNEST { array_exprs, .. } => array_exprs.iter().all(is_of_column),
        TableFactor::Table { name, args: Some(args), .. } if parts(name).last() == Some(&"unnest") => args
            .args
            .iter()
            .all(|arg| matches!(arg, FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_of_column(expr))),
        TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => is_empty_table(name),
        TableFactor::Derived { subquery, .. } => reads_nothing(&subquery.body),
        TableFactor::NestedJoin { table_with_joins, .. } => joins_nothing(table_with_joins),
        _ => false,
    }
}

fn joins_nothing(from: &TableWithJoins) -> bool {
    use JoinOperator::{CrossJoin, Inner, Join, LeftSemi, Semi};
    let inner = |operator: &JoinOperator| matches!(operator, Join(_) | Inner(_) | CrossJoin(_) | LeftSemi(_) | Semi(_));
    let keeps_left = |operator: &JoinOperator| {
        inner(operator) || matches!(operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_))
    };
    from.joins.iter().any(|join| inner(&join.join_operator) && factor_reads_nothing(&join.relation))
        || (factor_reads_nothing(&from.relation) && from.joins.iter().all(|join| keeps_left(&join.join_operator)))
}

/// Whether a query is known to have no rows.
pub(super) fn reads_nothing(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => is_nothing(select) || (select.from.iter().any(joins_nothing) && !counts_all(select)),
        SetExpr::Query(query) => reads_nothing(&query.body),
        SetExpr::SetOperation { left, right, .. } => reads_nothing(left) && reads_nothing(right),
        _ => false,
    }
}

/// Whether it is what [`empty`] made.
fn is_nothing(select: &Select) -> bool {
    let is_false = |expr: &Expr| matches!(expr, Expr::Value(value) if value.value == Value::Boolean(false));
    select.from.is_empty() && select.selection.as_ref().is_some_and(is_false)
}

/// Whether it answers a row even where there is none: an aggregate of all.
fn counts_all(select: &Select) -> bool {
    /// How many subqueries are around what is looked at: their aggregates are their own.
    struct Aggregates(usize);
    impl Visitor for Aggregates {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.0 -= 1;
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if self.0 == 0 => {
                    match parts(&function.name).last().map(|name| name.to_lowercase()).as_deref() {
                        Some(
                            "count" | "sum" | "min" | "max" | "avg" | "string_agg" | "array_agg" | "bool_or"
                            | "bool_and" | "every" | "json_agg" | "jsonb_agg",
                        ) => ControlFlow::Break(()),
                        _ => ControlFlow::Continue(()),
                    }
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    !grouped && select.projection.visit(&mut Aggregates(0)).is_break()
}

/// Makes what reads nothing plain: its columns, each null, and no row.
pub(super) fn empty(query: &mut Query) {
    if empty_body(&mut query.body) && !matches!(*query.body, SetExpr::SetOperation { .. }) {
        query.order_by = None;
        query.limit_clause = None;
        query.with = None;
    }
}

fn empty_body(body: &mut SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => {
            let wild = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
            if !select.from.iter().any(joins_nothing) || counts_all(select) || select.projection.iter().any(wild) {
                return false;
            }
            for (index, item) in select.projection.iter_mut().enumerate() {
                let alias = match item {
                    SelectItem::ExprWithAlias { alias, .. } => alias.clone(),
                    SelectItem::UnnamedExpr(expr) => {
                        let name = label(expr);
                        // No two of one name: what stands behind the mark is not sent.
                        Ident::with_quote('"', format!("{name}{}{index}", super::label::MARK))
                    }
                    _ => Ident::with_quote('"', "?column?"),
                };
                *item = SelectItem::ExprWithAlias { expr: null_text(), alias };
            }
            select.distinct = None;
            select.from.clear();
            select.selection = Some(Expr::value(Value::Boolean(false)));
            select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
            select.having = None;
            select.sort_by.clear();
            true
        }
        SetExpr::Query(query) => {
            empty(query);
            false
        }
        SetExpr::SetOperation { left, right, .. } => {
            empty_body(left);
            empty_body(right);
            false
        }
        _ => false,
    }
}
