//! The rows of a frame as JSON. Reads nothing but what it is given.
//!
//! Rows are written straight from the columns, with keys that are escaped once: building a map a row costs more than
//! reading the file. The text is the one that `serde_json` writes.

use std::ops::Range;

use polars::prelude::{DataFrame, DataType, Float64Chunked, Int64Chunked, StringChunked, TimeUnit};
use serde::Serialize;

use super::{Row, clock};
use crate::error::{Context, Error, Result};

/// A column that is shown.
struct Shown<'f> {
    /// `,"name":`
    key: Vec<u8>,
    values: Values<'f>,
}

enum Values<'f> {
    /// UTC ms.
    Times(&'f Int64Chunked),
    Numbers(&'f Float64Chunked),
    Texts(&'f StringChunked),
}

impl<'f> Shown<'f> {
    fn new(frame: &'f DataFrame, name: &str) -> Result<Self> {
        let doing = || format!("showing column {name}");
        let series = frame.column(name).internal(&doing())?.as_materialized_series();
        let values = match series.dtype() {
            DataType::Float64 => Values::Numbers(series.f64().internal(&doing())?),
            DataType::String => Values::Texts(series.str().internal(&doing())?),
            DataType::Datetime(TimeUnit::Milliseconds, _) => {
                Values::Times(series.datetime().internal(&doing())?.physical())
            }
            other => return Err(Error::internal(format!("column {name} has the type {other}"))),
        };
        let mut key = vec![b','];
        put(&name, &mut key)?;
        key.push(b':');
        Ok(Self { key, values })
    }
}

fn put(value: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, value).internal("writing a cell as JSON")
}

/// Appends rows as objects, each with a comma behind it: `timestamp` as ISO 8601 with the zone's offset, numbers, texts,
/// null. At least one column has to be named.
///
/// # Errors
/// When there is no such column, or one of a type that no frame of this program has.
pub fn write(
    frame: &DataFrame,
    names: &[&str],
    rows: Range<usize>,
    zone: chrono_tz::Tz,
    out: &mut Vec<u8>,
) -> Result<()> {
    let columns = names.iter().map(|name| Shown::new(frame, name)).collect::<Result<Vec<_>>>()?;
    for row in rows {
        let start = out.len();
        for Shown { key, values } in &columns {
            out.extend_from_slice(key);
            match values {
                // What is no number is null too.
                Values::Numbers(numbers) => put(&numbers.get(row), out)?,
                Values::Texts(texts) => put(&texts.get(row), out)?,
                Values::Times(times) => put(&times.get(row).map(|at| clock::iso(zone, at)), out)?,
            }
        }
        // The first key's comma.
        if let Some(first) = out.get_mut(start) {
            *first = b'{';
        }
        out.extend_from_slice(b"},");
    }
    Ok(())
}

/// A frame's rows as maps, for answers that hold a few among other things.
///
/// # Errors
/// As [`write`].
pub fn maps(frame: &DataFrame, zone: chrono_tz::Tz) -> Result<Vec<Row>> {
    let names: Vec<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
    let mut list = vec![b'['];
    write(frame, &names, 0..frame.height(), zone, &mut list)?;
    end(&mut list);
    serde_json::from_slice(&list).internal("reading rows back")
}

/// Ends a list of what has a comma behind it.
pub fn end(list: &mut Vec<u8>) {
    list.pop_if(|last| *last == b',');
    list.push(b']');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use polars::prelude::*;
    use proptest::prelude::*;

    use super::*;

    fn written(frame: &DataFrame, names: &[&str], rows: Range<usize>) -> String {
        let mut out = Vec::new();
        write(frame, names, rows, chrono_tz::Asia::Taipei, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_are_written_as_the_frontend_reads_them() {
        let at = Int64Chunked::new("timestamp".into(), &[1_476_028_800_000, 1_476_029_700_000]);
        let at = at.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
        let kw = Column::new("MMCB_KW".into(), [Some(4583.0), Some(f64::NAN)]);
        let mode = Column::new("模式".into(), [None, Some("COOL \"1\"")]);
        let frame = DataFrame::new(2, vec![at, kw, mode]).unwrap();
        let first = "{\"timestamp\":\"2016-10-10T00:00:00+08:00\",\"MMCB_KW\":4583.0,\"模式\":null},";
        let second = "{\"timestamp\":\"2016-10-10T00:15:00+08:00\",\"MMCB_KW\":null,\"模式\":\"COOL \\\"1\\\"\"},";
        let all = ["timestamp", "MMCB_KW", "模式"];
        assert_eq!(written(&frame, &all, 0..2), format!("{first}{second}"));
        assert_eq!(written(&frame, &all, 1..2), second);
        assert_eq!(written(&frame, &["MMCB_KW"], 0..1), "{\"MMCB_KW\":4583.0},");
        assert_eq!(written(&frame, &all, 1..1), "");
        let rows = maps(&frame, chrono_tz::UTC).unwrap();
        assert_eq!(rows.iter().map(|row| row.len()).collect::<Vec<_>>(), [3, 3]);
        assert!(maps(&frame.head(Some(0)), chrono_tz::UTC).unwrap().is_empty());
    }

    #[test]
    fn other_columns_are_refused() {
        let odd = DataFrame::new(1, vec![Column::new("x".into(), [1_i32])]).unwrap();
        assert!(maps(&odd, chrono_tz::UTC).is_err());
        assert!(write(&odd, &["y"], 0..1, chrono_tz::UTC, &mut Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn numbers_read_back_as_they_were(cells in prop::collection::vec(prop::option::of(any::<f64>()), 1..50)) {
            let frame = DataFrame::new(cells.len(), vec![Column::new("x".into(), cells.clone())]).unwrap();
            let rows = maps(&frame, chrono_tz::UTC).unwrap();
            let shown: Vec<Option<f64>> = rows.iter().map(|row| row["x"].as_f64()).collect();
            prop_assert_eq!(shown, cells.into_iter().map(|cell| cell.filter(|n| n.is_finite())).collect::<Vec<_>>());
        }
    }
}
