//! Times as people write them: `'2024-07-01 09:00'` beside a time is that minute; the engine reads times with seconds only.

use arrow_schema::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan};

/// The plan with seconds in the texts that are compared with times.
pub(crate) fn with_seconds(plan: LogicalPlan) -> Result<LogicalPlan> {
    let whole = plan.transform_up_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.map_expressions(|expr| expr.transform_up(|expr| Ok(Transformed::yes(compared(expr, &schema)))))
    })?;
    Ok(whole.data)
}

fn compared(expr: Expr, schema: &DFSchema) -> Expr {
    let is_time = |expr: &Expr| matches!(expr.get_type(schema), Ok(DataType::Timestamp(..)));
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_time(&left) => {
            Expr::BinaryExpr(BinaryExpr { left, op, right: Box::new(whole(*right)) })
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_time(&right) => {
            Expr::BinaryExpr(BinaryExpr { left: Box::new(whole(*left)), op, right })
        }
        Expr::Between(Between { expr, negated, low, high }) if is_time(&expr) => {
            let (low, high) = (Box::new(whole(*low)), Box::new(whole(*high)));
            Expr::Between(Between { expr, negated, low, high })
        }
        Expr::InList(mut list) if is_time(&list.expr) => {
            list.list = list.list.into_iter().map(whole).collect();
            Expr::InList(list)
        }
        other => other,
    }
}

/// A text of a minute with its seconds.
fn whole(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), metadata) => {
            Expr::Literal(ScalarValue::Utf8(Some(lengthened(text))), metadata)
        }
        other => other,
    }
}

fn lengthened(mut text: String) -> String {
    let shape: String = text.chars().take(16).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let minute = ["0000-00-00 00:00", "0000-00-00T00:00"].contains(&shape.as_str());
    let zone = text.get(16..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', '-', 'Z']));
    if minute && zone {
        text.insert_str(16, ":00");
    }
    text
}
