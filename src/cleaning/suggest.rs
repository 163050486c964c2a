//! Which columns may play which part: for a model's feature mapping, and for the rules that need a part.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::datasets::blocking::blocking;
use crate::datasets::opened::Frame;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::datasets::{DatasetLabel, DatasetSelector};
use crate::error::Result;
use crate::state::AppState;
use hvac_cleaning::roles::{self, Role, Suggestion};
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_modelling::mapping::{self, Category};
use hvac_modelling::target::{self, NamedColumn, SuggestedTarget};

/// Names that suggest a part less surely than this are listed, and not mapped.
const SURE: f64 = 0.6;

/// What the columns' names suggest. Nothing of it is used unless it is asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Suggestions {
    /// The version whose columns these are.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// A feature mapping: columns by category (`load_cols`, `chiller_cols`, …), of those whose names say it surely. It is
    /// what a training takes that names no column; what leaks the target is left out of it there.
    pub mapping: BTreeMap<&'static str, Vec<String>>,
    /// What a model would predict: the plant's total power, else the largest power; null without any.
    pub target_col: Option<String>,
    /// Why.
    pub target_evidence: Option<String>,
    /// Why each column is where it is.
    pub columns: Vec<ColumnSuggestion>,
    /// Columns whose names say nothing.
    pub unmapped: Vec<String>,
    /// Parts that cleaning's rules need (`columns` of `POST /api/clean`).
    pub roles: Vec<RoleSuggestion>,
}

/// What a column's name suggests.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ColumnSuggestion {
    /// The column.
    pub column: String,
    /// Key in the mapping.
    #[schema(example = "chw_temp_cols")]
    pub category: &'static str,
    /// 0–1: 0.95 when the name says it, less for what only custom tells and for words that are not known.
    pub confidence: f64,
    /// In words.
    #[schema(example = "CHW = chilled water, ST = supply temperature")]
    pub evidence: String,
    /// Other categories that the name fits, were one of its words meant otherwise.
    pub alternatives: Vec<&'static str>,
}

/// What plays a part, as far as names tell.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoleSuggestion {
    /// The part.
    #[schema(example = "chw_supply")]
    pub role: &'static str,
    /// The column, or those that are equally good: then a rule that needs the part asks which.
    pub columns: Vec<String>,
    /// 1 divided by the number of columns that are equally good; 0 for none.
    pub confidence: f64,
    /// In words.
    pub evidence: String,
}

/// What the names of a version's columns suggest; and the session that was assumed, if none was named.
///
/// # Errors
/// As [`resolve`].
pub async fn suggest(state: &AppState, selector: &DatasetSelector) -> Result<(Suggestions, Option<String>)> {
    let dataset = resolve(state, selector).await?;
    let all = &dataset.columns;
    let mut mapping: BTreeMap<&'static str, Vec<String>> =
        Category::ALL.iter().map(|category| (category.key(), Vec::new())).collect();
    let (mut columns, mut unmapped) = (Vec::new(), Vec::new());
    for column in all.iter() {
        match mapping::suggest(&column.original_name).filter(|_| column.kind != Kind::Text) {
            Some(found) => {
                if found.confidence >= SURE {
                    mapping.entry(found.category.key()).or_default().push(column.name.clone());
                }
                columns.push(ColumnSuggestion {
                    column: column.name.clone(),
                    category: found.category.key(),
                    confidence: found.confidence,
                    evidence: found.evidence,
                    alternatives: found.others.iter().map(|other| other.key()).collect(),
                });
            }
            None => unmapped.push(column.name.clone()),
        }
    }
    let target = suggested_target(state, &dataset).await?;
    let suggestions = Suggestions {
        mapping,
        target_col: target.as_ref().map(|target| target.column.clone()),
        target_evidence: target.map(|target| target.evidence),
        columns,
        unmapped,
        roles: roles::suggest(all).into_iter().map(|(role, found)| of_role(role, found, all)).collect(),
        dataset: dataset.label,
    };
    Ok((suggestions, dataset.assumed_session))
}

/// What a model would predict. Values are read only where several columns are equally good by their names.
async fn suggested_target(state: &AppState, dataset: &Resolved) -> Result<Option<SuggestedTarget>> {
    let of = |column: &ColumnMeta| NamedColumn {
        name: column.name.clone(),
        original_name: column.original_name.clone(),
        unit: column.unit.clone(),
    };
    let numbers = dataset.columns.iter().filter(|column| matches!(column.kind, Kind::Instantaneous));
    let powers = target::powers(numbers.map(of));
    if powers.len() < 2 {
        return Ok(target::suggest_target(powers.into_iter().map(|power| (power, None)).collect()));
    }
    let (state, dataset) = (state.clone(), dataset.clone());
    blocking(move || {
        let frame = Frame::open(&state, &dataset)?;
        let valued = powers.into_iter().map(|power| {
            let numbers = frame.numbers(&power.column)?;
            let (sum, count) =
                numbers.iter().flatten().fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
            Ok((power, (count > 0).then(|| sum / count as f64)))
        });
        Ok(target::suggest_target(valued.collect::<Result<_>>()?))
    })
    .await
}

fn of_role(role: Role, found: Suggestion, all: &[ColumnMeta]) -> RoleSuggestion {
    let names = |indices: &[usize]| -> Vec<String> {
        indices.iter().filter_map(|index| all.get(*index)).map(|column| column.name.clone()).collect()
    };
    let (columns, confidence, evidence) = match found {
        Suggestion::One(chosen) => (names(&chosen.columns), 1.0, chosen.evidence),
        Suggestion::Several(indices) => {
            let evidence = format!("{} columns' names are equally good: say which", indices.len());
            (names(&indices), 1.0 / indices.len().max(1) as f64, evidence)
        }
        Suggestion::None => (Vec::new(), 0.0, "no column's name suggests it".to_owned()),
    };
    RoleSuggestion { role: role.name(), columns, confidence, evidence }
}
