//! Columns by name, as users write them. PURE.

use std::collections::HashMap;

use crate::error::{Error, Result, codes};
use hvac_frame::column::{ColumnMeta, Kind};

/// The axis' name in every stored frame.
pub const TIMESTAMP: &str = "timestamp";
/// Most names that are offered for one that is unknown.
const MAX_OFFERED: usize = 3;
/// Below this Jaro–Winkler similarity a name is no help.
const ALIKE: f64 = 0.75;

/// The columns of a comma-separated list, in its order, each once, `timestamp` left out; none when the list is
/// left out or blank.
///
/// # Errors
/// 422 for a name that no column has, with the closest ones.
pub fn listed<'a>(columns: &'a [ColumnMeta], list: Option<&str>) -> Result<Option<Vec<&'a ColumnMeta>>> {
    let mut names = list.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
    if names.peek().is_none() {
        return Ok(None);
    }
    let mut known: HashMap<&str, &ColumnMeta> = columns.iter().map(|column| (column.name.as_str(), column)).collect();
    let mut chosen: Vec<&ColumnMeta> = Vec::new();
    for name in names.filter(|name| *name != TIMESTAMP) {
        match known.remove(name) {
            Some(column) => chosen.push(column),
            // Named before, or no column.
            None => drop(find(columns, "columns", name)?),
        }
    }
    Ok(Some(chosen))
}

/// The column of that name.
///
/// # Errors
/// 422 on `field` when there is none, with the closest names.
pub fn find<'a>(columns: &'a [ColumnMeta], field: &str, name: &str) -> Result<&'a ColumnMeta> {
    columns.iter().find(|column| column.name == name).ok_or_else(|| {
        let close = closest(columns, name);
        let advice = match close.as_slice() {
            [] => "GET /api/data/stats lists the columns".to_owned(),
            names => format!("did you mean {}?", names.join(" or ")),
        };
        Error::invalid(field, codes::UNKNOWN_COLUMN, format!("{field}: there is no column '{name}'; {advice}"))
    })
}

/// The column of that name, which has to be one of numbers.
///
/// # Errors
/// As [`find`], and 422 for a column of texts.
pub fn number<'a>(columns: &'a [ColumnMeta], field: &str, name: Option<&str>) -> Result<&'a ColumnMeta> {
    let name = name.unwrap_or_default().trim();
    if name.is_empty() {
        return Err(Error::invalid(field, codes::BAD_COLUMNS, format!("{field}: name one column")));
    }
    let meta = find(columns, field, name)?;
    no_text(field, std::iter::once(meta))?;
    Ok(meta)
}

/// Columns of numbers, at least `least` and at most `most`; the first of them when the list is left out or blank.
///
/// # Errors
/// As [`listed`], and 422 for too few, too many, or a column of texts.
pub fn numbers(columns: &[ColumnMeta], list: Option<&str>, least: usize, most: usize) -> Result<Vec<ColumnMeta>> {
    let Some(chosen) = listed(columns, list)? else {
        return Ok(columns.iter().filter(|meta| meta.kind != Kind::Text).take(most).cloned().collect());
    };
    if !(least..=most).contains(&chosen.len()) {
        let message = format!("columns: name {least} to {most} columns, separated by commas, not {}", chosen.len());
        return Err(Error::invalid("columns", codes::BAD_COLUMNS, message));
    }
    no_text("columns", chosen.iter().copied())?;
    Ok(chosen.into_iter().cloned().collect())
}

fn no_text<'a>(field: &str, mut columns: impl Iterator<Item = &'a ColumnMeta>) -> Result<()> {
    match columns.find(|meta| meta.kind == Kind::Text) {
        Some(text) => {
            let message = format!("{field}: '{}' holds texts, and numbers are needed", text.name);
            Err(Error::invalid(field, codes::NOT_NUMERIC, message))
        }
        None => Ok(()),
    }
}

/// Names that look most like `name`, by stored or original name.
fn closest<'a>(columns: &'a [ColumnMeta], name: &str) -> Vec<&'a str> {
    let wanted = name.to_uppercase();
    let alike = |other: &str| strsim::jaro_winkler(&wanted, &other.to_uppercase());
    let mut scored: Vec<(f64, &str)> = columns
        .iter()
        .map(|c| (alike(&c.name).max(alike(&c.original_name)), c.name.as_str()))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(MAX_OFFERED).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    fn columns() -> Vec<ColumnMeta> {
        ["MMCB.KW", "MMCB.KWH", "CH-1.S", "溫度 1"]
            .into_iter()
            .map(|original| ColumnMeta {
                name: original.replace(['.', '-', ' '], "_"),
                original_name: original.to_owned(),
                kind: Kind::Instantaneous,
                kind_evidence: String::new(),
                unit: None,
                unit_evidence: None,
                trend_definition: None,
                native_interval_s: None,
                states: None,
                count: 0,
                nulls: BTreeMap::new(),
                derived: None,
                cleaned: None,
            })
            .collect()
    }

    #[test]
    fn lists_keep_their_order_and_name_each_column_once() {
        let columns = columns();
        let chosen = listed(&columns, Some(" 溫度_1,timestamp, MMCB_KW,溫度_1,")).unwrap().unwrap();
        assert_eq!(chosen.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["溫度_1", "MMCB_KW"]);
        assert!(listed(&columns, None).unwrap().is_none());
        assert_eq!(listed(&columns, Some("timestamp")).unwrap().unwrap().len(), 0);
        assert!(listed(&columns, Some(" , ")).unwrap().is_none());
    }

    #[test]
    fn unknown_names_are_answered_with_close_ones() {
        let columns = columns();
        let error = find(&columns, "column", "mmcb_kw").unwrap_err();
        assert_eq!(error.message, "column: there is no column 'mmcb_kw'; did you mean MMCB_KW or MMCB_KWH?");
        let original = find(&columns, "column", "CH-1.S").unwrap_err();
        assert!(original.message.contains("CH_1_S"), "{original}");
        assert!(find(&columns, "column", "zzz").unwrap_err().message.contains("/api/data/stats"));
    }
}
