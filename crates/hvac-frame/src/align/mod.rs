//! One column on one time axis, from its pieces in many reports.
//!
//! Cells are aligned one by one: a value beats a null, equal values are one, and of two different values the policy
//! keeps one and counts a conflict. Pieces come in the canonical order of their files. What is put on the axis are
//! counts ([`crate::counted`]) where that can be, else doubles, with the same answer.

use crate::kinds::Reading;
use crate::tally::Tally;
use crate::window::Merged;

mod counts;
mod doubles;
mod lay;
mod settle;

pub use self::lay::{Keep, Piece, Rows};

/// The cells of the column `name` on the axis, and what became of them.
#[must_use]
pub fn align(name: &str, reading: &Reading, pieces: &[Piece<'_>], axis: &[i64], keep: Keep) -> (Merged, Tally) {
    match counts::align(reading, pieces, axis, keep) {
        Some((counts, tally)) => (Merged::Counts(counts), tally),
        None => {
            let (series, tally) = doubles::align(name, reading, pieces, axis, keep);
            (Merged::Series(series), tally)
        }
    }
}
