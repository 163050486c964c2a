//! A column as doubles and codes, as any can be; of texts, as indices into its distinct ones.

use std::collections::HashMap;

use polars::prelude::{Column, Float64Chunked, IntoSeries, NewChunkedArray, StringChunked};
use polars_arrow::bitmap::Bitmap;

use super::axis::{Keep, OntoAxis, Piece, put_all};
use super::states::{nulls, reason_of, state_of};
use crate::column::{DecodedColumn, NullReason, TEXT, VALUE};
use crate::error::{FrameError, Result};
use crate::kinds::Reading;
use crate::tally::Tally;

const NOT_COVERED: u8 = NullReason::NotCovered as u8;
/// Cells that are looked at together: they stay in the processor's nearest cache.
const BLOCK: usize = 1024;

/// The column, of Float64 or String.
///
/// # Errors
/// A defect when an invariant is broken.
pub(super) fn align(
    name: &str,
    reading: &Reading,
    pieces: &[Piece<'_>],
    axis: &[i64],
    keep: Keep,
) -> Result<(Column, Tally)> {
    let mut tally = Tally::default();
    let cells = DecodedColumn { values: Vec::with_capacity(axis.len()), codes: Vec::with_capacity(axis.len()) };
    let mut aligned = Aligned { cells, reading, texts: Texts::default(), unreadable: None };
    put_all(&mut aligned, pieces, axis, keep, &mut tally)?;
    tally.unreadable = aligned.unreadable.take();
    Ok((aligned.finish(name, &mut tally)?, tally))
}

struct Aligned<'r> {
    cells: DecodedColumn,
    reading: &'r Reading,
    texts: Texts,
    /// The first text among numbers.
    unreadable: Option<String>,
}

/// Distinct texts.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    index: HashMap<String, usize>,
}

impl Texts {
    fn id(&mut self, text: &str) -> f64 {
        let id = self.index.get(text).copied().unwrap_or_else(|| {
            self.all.push(text.to_owned());
            self.index.insert(text.to_owned(), self.all.len() - 1);
            self.all.len() - 1
        });
        id as f64
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made by `id` from an index")]
    fn text(&self, id: f64) -> Option<&str> {
        self.all.get(id as usize).map(String::as_str)
    }
}

impl OntoAxis for Aligned<'_> {
    type Cell = (f64, u8);

    fn is_value((_, code): Self::Cell) -> bool {
        code == VALUE
    }

    fn is_not_covered((_, code): Self::Cell) -> bool {
        code == NOT_COVERED
    }

    fn rows(&self) -> usize {
        self.cells.codes.len()
    }

    fn push(&mut self, piece: &Piece<'_>) {
        let begin = self.rows();
        piece.encoded.decode_onto(piece.rows.clone(), &mut self.cells);
        if !self.settle(piece, begin) {
            self.cells.values.truncate(begin);
            self.cells.codes.truncate(begin);
        }
    }

    fn fill(&mut self, end: usize) {
        if end > self.rows() {
            self.cells.values.resize(end, 0.0);
            self.cells.codes.resize(end, NOT_COVERED);
        }
    }

    fn split_off(&mut self, begin: usize) -> Vec<Self::Cell> {
        self.cells.values.split_off(begin).into_iter().zip(self.cells.codes.split_off(begin)).collect()
    }

    fn cell(&self, row: usize) -> Option<Self::Cell> {
        Some((*self.cells.values.get(row)?, *self.cells.codes.get(row)?))
    }

    fn set(&mut self, row: usize, (value, code): Self::Cell) {
        if let (Some(old_value), Some(old_code)) = (self.cells.values.get_mut(row), self.cells.codes.get_mut(row)) {
            (*old_value, *old_code) = (value, code);
        }
    }

    fn show(&self, (value, _): Self::Cell) -> String {
        if self.texts.all.is_empty() { value.to_string() } else { self.texts.text(value).unwrap_or("?").to_owned() }
    }
}

impl Aligned<'_> {
    /// Turns a piece's cells, which begin at `begin`, into the column's: texts to states, indices or nulls; false when
    /// one is of a text that there is not.
    fn settle(&mut self, piece: &Piece<'_>, begin: usize) -> bool {
        if piece.tokens.is_empty() && *self.reading == Reading::Numbers && !piece.other_unit {
            // A text among them would be of none of its file's.
            return self.cells.codes.iter().skip(begin).fold(true, |none, code| none & (*code != TEXT));
        }
        let settled: Vec<(f64, u8)> = piece.tokens.iter().map(|(token, _)| self.settle_token(token)).collect();
        let values = self.cells.values.get_mut(begin..).unwrap_or_default();
        for (value, code) in values.iter_mut().zip(self.cells.codes.get_mut(begin..).unwrap_or_default()) {
            if *code == TEXT {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the reader's index")]
                let Some(token) = settled.get(*value as usize) else { return false };
                (*value, *code) = *token;
            } else if *code == VALUE {
                match self.reading {
                    Reading::Numbers if piece.other_unit => *code = NullReason::UnitMismatch as u8,
                    Reading::States { .. } if *value != 0.0 && *value != 1.0 => *code = NullReason::Unreadable as u8,
                    Reading::Text => *value = self.texts.id(&value.to_string()),
                    _ => {}
                }
            }
        }
        true
    }

    fn settle_token(&mut self, token: &str) -> (f64, u8) {
        match self.reading {
            Reading::Text => (self.texts.id(token), VALUE),
            Reading::States { .. } => state_of(self.reading, token),
            Reading::Numbers => {
                let reason = reason_of(token);
                if reason == NullReason::Unreadable {
                    self.unreadable.get_or_insert_with(|| token.to_owned());
                }
                (0.0, reason as u8)
            }
        }
    }

    fn finish(self, name: &str, tally: &mut Tally) -> Result<Column> {
        let Self { cells: DecodedColumn { values, codes }, reading, texts, .. } = self;
        tally.nulls = nulls(codes.iter().copied().filter(|code| *code != VALUE));
        tally.count = codes.len() as u64 - tally.nulls.values().sum::<u64>();
        let name = name.into();
        let series = if *reading == Reading::Text {
            let text = |id: f64| texts.text(id).ok_or_else(|| FrameError::defect("a text is none of its column's"));
            let cells =
                values.iter().zip(&codes).map(|(value, code)| (*code == VALUE).then(|| text(*value)).transpose());
            let cells = cells.collect::<Result<Vec<Option<&str>>>>()?;
            for text in cells.iter().flatten() {
                *tally.texts.entry((*text).to_owned()).or_insert(0) += 1;
            }
            StringChunked::from_iter_options(name, cells.into_iter()).into_series()
        } else if tally.count == codes.len() as u64 {
            values.chunks(BLOCK).for_each(|block| tally.course.extend(block));
            Float64Chunked::from_vec(name, values).into_series()
        } else {
            let mut present = Vec::with_capacity(BLOCK);
            for (values, codes) in values.chunks(BLOCK).zip(codes.chunks(BLOCK)) {
                present.clear();
                present.extend(values.iter().zip(codes).filter(|(_, code)| **code == VALUE).map(|(value, _)| *value));
                tally.course.extend(&present);
            }
            let validity: Bitmap = codes.iter().map(|code| *code == VALUE).collect();
            Float64Chunked::from_vec_validity(name, values, Some(validity)).into_series()
        };
        Ok(series.into())
    }
}
