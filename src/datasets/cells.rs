//! The cells of a frame as JSON. PURE.
//!
//! Rows are written straight from the columns: building a map a row costs more than reading the file.

use polars::prelude::*;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{Row, clock};
use crate::error::{Context, Error, Result};

/// The rows of a frame, ready to be written: `timestamp` as ISO 8601 with the zone's offset, numbers, texts, null.
pub struct Rows<'a> {
    height: usize,
    columns: Vec<(&'a str, Cells)>,
}

enum Cells {
    Times(Vec<String>),
    Numbers(Float64Chunked),
    Texts(StringChunked),
}

impl<'a> Rows<'a> {
    /// Of a stored frame: one `Datetime` axis, `Float64` and `String` columns.
    ///
    /// # Errors
    /// When a column has another type: then it is no frame of this program.
    pub fn of(frame: &'a DataFrame, zone: chrono_tz::Tz) -> Result<Self> {
        let columns = frame.columns().iter().map(|column| Ok((column.name().as_str(), Cells::of(column, zone)?)));
        Ok(Self { height: frame.height(), columns: columns.collect::<Result<_>>()? })
    }

    /// As maps, for answers that hold a few rows among other things.
    ///
    /// # Errors
    /// Never.
    pub fn to_maps(&self) -> Result<Vec<Row>> {
        let text = serde_json::to_vec(self).internal("writing rows")?;
        serde_json::from_slice(&text).internal("reading rows back")
    }
}

impl Cells {
    fn of(column: &Column, zone: chrono_tz::Tz) -> Result<Self> {
        let doing = || format!("reading column {}", column.name());
        let series = column.as_materialized_series().rechunk();
        match series.dtype() {
            DataType::Float64 => Ok(Self::Numbers(series.f64().internal(&doing())?.clone())),
            DataType::String => Ok(Self::Texts(series.str().internal(&doing())?.clone())),
            DataType::Datetime(TimeUnit::Milliseconds, _) => {
                let at = series.datetime().internal(&doing())?.physical().iter();
                Ok(Self::Times(at.map(|at| at.map_or_else(String::new, |at| clock::iso(zone, at))).collect()))
            }
            other => Err(Error::internal(format!("column {} has the type {other}", column.name()))),
        }
    }
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.height))?;
        for index in 0..self.height {
            rows.serialize_element(&OneRow { columns: &self.columns, index })?;
        }
        rows.end()
    }
}

struct OneRow<'a> {
    columns: &'a [(&'a str, Cells)],
    index: usize,
}

impl Serialize for OneRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.columns.len()))?;
        for (name, cells) in self.columns {
            match cells {
                Cells::Times(times) => row.serialize_entry(name, &times.get(self.index))?,
                Cells::Numbers(numbers) => {
                    row.serialize_entry(name, &numbers.get(self.index).filter(|n| n.is_finite()))?;
                }
                Cells::Texts(texts) => row.serialize_entry(name, &texts.get(self.index))?,
            }
        }
        row.end()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rows_are_written_as_the_frontend_reads_them() {
        let at = Int64Chunked::new("timestamp".into(), &[1_476_028_800_000, 1_476_029_700_000]);
        let at = at.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
        let kw = Column::new("MMCB_KW".into(), [Some(4583.0), Some(f64::NAN)]);
        let mode = Column::new("模式".into(), [None, Some("COOL \"1\"")]);
        let frame = DataFrame::new(2, vec![at, kw, mode]).unwrap();
        let rows = Rows::of(&frame, chrono_tz::Asia::Taipei).unwrap();
        assert_eq!(
            serde_json::to_string(&rows).unwrap(),
            "[{\"timestamp\":\"2016-10-10T00:00:00+08:00\",\"MMCB_KW\":4583.0,\"模式\":null},\
             {\"timestamp\":\"2016-10-10T00:15:00+08:00\",\"MMCB_KW\":null,\"模式\":\"COOL \\\"1\\\"\"}]"
        );
        assert_eq!(rows.to_maps().unwrap().len(), 2);
        let odd = DataFrame::new(1, vec![Column::new("x".into(), [1_i32])]).unwrap();
        assert!(Rows::of(&odd, chrono_tz::UTC).is_err());
    }
}
