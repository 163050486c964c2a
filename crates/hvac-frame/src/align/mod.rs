//! One column on one time axis, from its pieces in many reports.
//!
//! Cells are aligned one by one: a value beats a null, equal values are one, and of two different values the policy
//! keeps one and counts a conflict. Pieces come in the canonical order of their files. What is put on the axis are
//! offsets from one frame of reference ([`crate::reference`]) where that can be, else doubles, with the same answer.

use crate::error::Result;
use crate::kinds::Reading;
use crate::tally::Tally;
use crate::window::AlignedColumn;

mod axis;
mod doubles;
mod referenced;
mod states;

pub use self::axis::{Keep, Piece, Rows};

/// The cells of the column `name` on the axis, and what became of them.
///
/// # Errors
/// A defect when a piece is not what it says: then nothing of the column can be used.
pub fn align(
    name: &str,
    reading: &Reading,
    pieces: &[Piece<'_>],
    axis: &[i64],
    keep: Keep,
) -> Result<(AlignedColumn, Tally)> {
    Ok(match referenced::align(reading, pieces, axis, keep)? {
        Some((counts, tally)) => (AlignedColumn::Referenced(counts), tally),
        None => {
            let (series, tally) = doubles::align(name, reading, pieces, axis, keep)?;
            (AlignedColumn::Series(series), tally)
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::column::{DecodedColumn, TEXT, VALUE};
    use crate::encoded::EncodedColumn;
    use crate::error::FrameError;

    const AXIS: [i64; 4] = [0, 10, 20, 30];

    fn encoded(values: &[f64], code: u8) -> EncodedColumn {
        EncodedColumn::of(DecodedColumn { values: values.to_vec(), codes: vec![code; values.len()] })
    }

    fn aligned(
        reading: &Reading,
        encoded: &EncodedColumn,
        at_ms: &[i64],
        tokens: &[&str],
    ) -> Result<(AlignedColumn, Tally)> {
        let tokens: Vec<(String, u64)> = tokens.iter().map(|token| ((*token).to_owned(), 1)).collect();
        let places = Rows::of(&AXIS, at_ms);
        let rows = 0..at_ms.len();
        let piece = Piece { file: 0, places: &places, encoded, rows, tokens: &tokens, other_unit: false };
        align("x", reading, &[piece], &AXIS, Keep::Last)
    }

    const STATES: Reading = Reading::States { zero: "OFF", one: "ON" };

    #[test]
    fn what_is_sound_is_aligned() {
        let (merged, tally) = aligned(&STATES, &encoded(&[1.0, 0.0], TEXT), &[10, 30], &["OFF", "ON"]).unwrap();
        let AlignedColumn::Referenced(counts) = merged else { panic!("states are counts") };
        assert_eq!(counts.cells(0..4).collect::<Vec<_>>(), [None, Some(1.0), None, Some(0.0)]);
        assert_eq!(tally.count, 2);
        assert!(aligned(&Reading::Text, &encoded(&[1.0, 0.0], TEXT), &[0, 10], &["a", "b"]).is_ok());
        assert!(aligned(&Reading::Numbers, &encoded(&[1.5, 1e300], VALUE), &[0, 10], &[]).is_ok());
    }

    #[test]
    fn a_loss_word_has_its_reason_among_numbers_and_states() {
        use crate::column::NullReason::{BadStatus, DataLoss, NotCovered, Unreadable};
        let cells = || encoded(&[0.0, 1.0, 2.0], TEXT);
        let (_, tally) = aligned(&Reading::Numbers, &cells(), &[0, 10, 20], &["Fault", "Comm Fail", "KAPUTT"]).unwrap();
        assert_eq!(tally.nulls, [(NotCovered, 1), (DataLoss, 1), (Unreadable, 1), (BadStatus, 1)].into());
        assert_eq!(tally.unreadable.as_deref(), Some("KAPUTT"));
        let (_, tally) = aligned(&STATES, &cells(), &[0, 10, 20], &["Fault", "on", "TRIP"]).unwrap();
        assert_eq!((tally.count, tally.nulls), (1, [(NotCovered, 1), (Unreadable, 1), (BadStatus, 1)].into()));
        let (_, tally) = aligned(&Reading::Text, &cells(), &[0, 10, 20], &["COOL", "Fault", "unknown"]).unwrap();
        assert_eq!((tally.count, tally.texts.contains_key("Fault")), (3, true));
    }

    #[test]
    fn a_broken_piece_is_refused_and_becomes_no_other_value() {
        let refused = |reading: &Reading, encoded: &EncodedColumn, at_ms: &[i64], tokens: &[&str]| {
            let result = aligned(reading, encoded, at_ms, tokens);
            assert!(matches!(result, Err(FrameError::Defect(..))), "{encoded:?} {at_ms:?}: {result:?}");
        };
        // An index of a text that its file does not have.
        let texts = encoded(&[0.0, 2.0], TEXT);
        for reading in [&Reading::Text, &STATES, &Reading::Numbers] {
            refused(reading, &texts, &[0, 10], &["OFF", "ON"]);
            refused(reading, &texts, &[0, 10], &[]);
        }
        // Fewer cells than rows: from a frame of reference, as doubles, as scaled integers.
        for cells in
            [encoded(&[1.5], VALUE), encoded(&[1e300], VALUE), EncodedColumn::Scaled { scale: 1.0, counts: vec![1] }]
        {
            refused(&Reading::Numbers, &cells, &[0, 10], &[]);
        }
        // A time that is not on the axis, between others and behind them.
        for at_ms in [[5, 10], [0, 11], [30, 40]] {
            refused(&Reading::Numbers, &encoded(&[1.5, 2.5], VALUE), &at_ms, &[]);
            refused(&Reading::Numbers, &encoded(&[1e300, 2.5], VALUE), &at_ms, &[]);
        }
        // An offset above what its piece says is its largest.
        let above = EncodedColumn::Reference16 { least: 0, most: Some(3), scale: 1.0, offsets: vec![1, 9].into() };
        refused(&Reading::Numbers, &above, &[0, 10], &[]);
    }
}
