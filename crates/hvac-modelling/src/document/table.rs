//! The model as CSV that anything can score with: lines of nine cells, the first of which says what they are.
//!
//! - `typical`: the value that stands for the feature in equations where it has none.
//! - `quantity`: number `node`, made of features: `sum(A;B)`, `mean(A;B)`, or `heat(flows;warm;cold)`, which is the
//!   flows' sum × (mean of the warm − mean of the cold). Where a term divides by it, `threshold` is the least it is
//!   taken as.
//! - `term`: `value` times the product of quantities, such as `q0^2*q3`; without any, 1.
//! - `base`: a `value` that is added once.
//! - `node`: a walk of tree `tree` begins at node 0 and goes `left` where the feature is below the threshold (both
//!   as 32-bit numbers), to `missing` where it has no value, else `right`; the `value` of the leaf is added.
//!
//! A prediction is the base, every term, and one leaf of every tree.

use super::ModelDocument;
use crate::features::Feature;
use crate::fitted::FittedModel;
use crate::gbdt::{Tree, Trees};
use crate::physics::{Physics, QuantityMeasure};

const HEADER: &str = "part,tree,node,feature,threshold,left,right,missing,value\n";

impl ModelDocument {
    /// The model as CSV that anything can score with: one line a node of a tree, or a term.
    #[must_use]
    pub fn scoring_table(&self) -> String {
        let mut table = HEADER.to_owned();
        match &self.fitted {
            FittedModel::Gbdt { trees } => add_trees(&mut table, trees, &self.features),
            FittedModel::Physics { physics } => add_equations(&mut table, physics, &self.features),
            FittedModel::Hybrid { physics, trees } => {
                add_equations(&mut table, physics, &self.features);
                add_trees(&mut table, trees, &self.features);
            }
        }
        table
    }
}

fn add_equations(table: &mut String, physics: &Physics, features: &[Feature]) {
    for (feature, typical) in features.iter().zip(&physics.typical) {
        table.push_str(&format!("typical,,,{},,,,,{typical}\n", quoted(&feature.name)));
    }
    let names = |indices: &[usize]| {
        let names = indices.iter().filter_map(|index| features.get(*index)).map(|feature| feature.name.as_str());
        names.collect::<Vec<_>>().join(";")
    };
    for (index, quantity) in physics.quantities.iter().enumerate() {
        let made = match &quantity.measure {
            QuantityMeasure::Sum(all) => format!("sum({})", names(all)),
            QuantityMeasure::Mean(all) => format!("mean({})", names(all)),
            QuantityMeasure::Heat { flow, warm, cold } => {
                format!("heat({};{};{})", names(flow), names(warm), names(cold))
            }
        };
        table.push_str(&format!("quantity,,{index},{},{},,,,\n", quoted(&made), quantity.least));
    }
    for term in &physics.terms {
        let factor = |(index, power): &(usize, i32)| format!("q{index}^{power}");
        let product = term.factors.iter().map(factor).collect::<Vec<_>>().join("*");
        table.push_str(&format!("term,,,{product},,,,,{}\n", term.coefficient));
    }
}

fn add_trees(table: &mut String, trees: &Trees, features: &[Feature]) {
    table.push_str(&format!("base,,,,,,,,{}\n", trees.base));
    for (number, tree) in trees.trees.iter().enumerate() {
        let Tree { feature, threshold, left, right, missing, value } = tree;
        let children = left.iter().zip(right).zip(missing);
        let nodes = feature.iter().zip(threshold).zip(children).zip(value).enumerate();
        for (node, (((feature, threshold), ((left, right), missing)), value)) in nodes {
            let inner = usize::try_from(*feature).ok().and_then(|index| features.get(index));
            table.push_str(&match inner {
                Some(Feature { name, .. }) => {
                    format!("node,{number},{node},{},{threshold},{left},{right},{missing},\n", quoted(name))
                }
                None => format!("node,{number},{node},,,,,,{value}\n"),
            });
        }
    }
}

/// As RFC 4180 asks for.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
