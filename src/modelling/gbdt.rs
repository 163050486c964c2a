//! Gradient-boosted regression trees: fitted by a library, kept and asked in a form of our own, which no version of
//! that library can change.

use serde::{Deserialize, Serialize};

/// Trees whose leaves add up, with what they start from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Trees {
    /// What every sum starts with.
    pub base: f64,
    /// The trees.
    pub trees: Vec<Tree>,
}

/// A tree in columns, one entry a node; node 0 is the root.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tree {
    /// Feature that an inner node looks at; −1 for a leaf.
    pub feature: Vec<i32>,
    /// A smaller value goes left.
    pub threshold: Vec<f64>,
    /// Node for smaller values.
    pub left: Vec<u32>,
    /// Node for others.
    pub right: Vec<u32>,
    /// Node for a missing value.
    pub missing: Vec<u32>,
    /// What a leaf, or a node where the walk must end, adds.
    pub value: Vec<f64>,
}
