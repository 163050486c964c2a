//! What a plant's power is by physics: a quadratic chiller in load and lift, and auxiliaries that go with the cube of
//! their speed; coefficients by least squares.

use serde::{Deserialize, Serialize};

/// Terms of features and their coefficients.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Physics {
    /// Added up.
    pub terms: Vec<Term>,
}

/// One term: a coefficient times the product of its factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// In target units.
    pub coefficient: f64,
    /// (feature, power); none for the constant.
    pub factors: Vec<(usize, i32)>,
}
