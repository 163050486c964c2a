//! What PostgreSQL calls a column that its author gave no name.

use datafusion::sql::sqlparser::ast::{CastKind, Expr, SelectItem, SetExpr};

use crate::names::parts;

/// Behind it stands what tells two columns of one name apart in the engine; it is not sent.
pub(super) const MARK: char = '\u{1f}';

/// The name of a column of that expression.
pub(super) fn label(expr: &Expr) -> String {
    known(expr).unwrap_or_else(|| "?column?".to_owned())
}

fn known(expr: &Expr) -> Option<String> {
    let text = |text: &str| Some(text.to_owned());
    match expr {
        Expr::Identifier(ident) => text(&ident.value),
        Expr::CompoundIdentifier(idents) => idents.last().map(|ident| ident.value.clone()),
        Expr::Function(function) => parts(&function.name).last().map(|name| name.to_lowercase()),
        Expr::Cast { expr, data_type, kind: CastKind::Cast | CastKind::DoubleColon, .. } => known(expr).or_else(|| {
            let name = data_type.to_string().to_lowercase();
            Some(name.rsplit('.').next().unwrap_or_default().to_owned())
        }),
        Expr::Nested(expr) | Expr::Collate { expr, .. } => known(expr),
        Expr::Case { else_result, .. } => else_result.as_ref().and_then(|expr| known(expr)).or_else(|| text("case")),
        Expr::Exists { .. } => text("exists"),
        Expr::Extract { .. } => text("extract"),
        Expr::Substring { .. } => text("substring"),
        Expr::Position { .. } => text("position"),
        Expr::Trim { .. } => text("btrim"),
        Expr::Ceil { .. } => text("ceil"),
        Expr::Floor { .. } => text("floor"),
        Expr::Interval(_) => text("interval"),
        Expr::TypedString(typed) => Some(typed.data_type.to_string().to_lowercase()),
        Expr::Subquery(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match select.projection.first()? {
                SelectItem::UnnamedExpr(expr) => known(expr),
                SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// What the columns of a query are called; none where a wildcard says it.
pub(super) fn labels(body: &SetExpr) -> Option<Vec<String>> {
    match body {
        SetExpr::Select(select) => {
            let name = |item: &SelectItem| match item {
                SelectItem::UnnamedExpr(expr) => Some(label(expr)),
                SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
                _ => None,
            };
            select.projection.iter().map(name).collect()
        }
        SetExpr::Query(query) => labels(&query.body),
        SetExpr::SetOperation { left, .. } => labels(left),
        _ => None,
    }
}
