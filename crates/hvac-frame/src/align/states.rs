//! What both ways of aligning make of a state's word, and how they count nulls.

use std::collections::BTreeMap;

use crate::column::{NullReason, VALUE};
use crate::kinds::Reading;
use crate::words;

/// A state's word as a value; a word that is none is a null.
pub(super) fn state_of(reading: &Reading, token: &str) -> (f64, u8) {
    let state = match reading {
        Reading::States { zero, one } => words::state_value(token, zero, one),
        _ => None,
    };
    state.map_or_else(|| (0.0, reason_of(token) as u8), |value| (value, VALUE))
}

/// Why a word is no value of its column: what a loss word says, else that it cannot be read.
pub(super) fn reason_of(token: &str) -> NullReason {
    words::lost(token).map_or(NullReason::Unreadable, |(_, reason)| reason)
}

/// How many nulls by reason, of their codes.
#[expect(clippy::indexing_slicing, reason = "a byte is less than 256")]
pub(super) fn nulls(codes: impl Iterator<Item = u8>) -> BTreeMap<NullReason, u64> {
    let mut counts = [0; 256];
    codes.for_each(|code| counts[usize::from(code)] += 1);
    let count = |reason: NullReason| (reason, counts[usize::from(reason as u8)]);
    NullReason::ALL.into_iter().map(count).filter(|(_, count)| *count > 0).collect()
}
