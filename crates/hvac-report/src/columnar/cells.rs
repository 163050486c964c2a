//! The cells of a column of a Parquet or Arrow file as text that reads back as the same value.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, LargeStringArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, Field};
use chrono::DateTime;

use super::told::ToldColumn;
use super::{ReadError, Source};

/// Whole numbers up to here are exact in the doubles that readings are kept as.
const EXACT: u64 = 1 << 53;

/// One column of a batch.
pub(super) enum Cells<'a> {
    /// Instants, ms; of the clock unless they are UTC.
    Times { at_ms: Vec<Option<i64>>, in_utc: bool },
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// Whole numbers without a sign.
    Unsigned(Vec<Option<u64>>),
    /// Numbers; how a null is written, and the words of 0 and 1.
    Numbers(Float64Array, Option<&'a ToldColumn>),
    /// Numbers of single precision, whose shortest text is what was meant.
    Singles(Vec<Option<f32>>),
    /// Exact decimals.
    Decimals(&'a ArrayRef),
    /// Yes or no.
    Booleans(BooleanArray),
    /// Texts; how a null is written.
    Texts(LargeStringArray, Option<&'a ToldColumn>),
    /// Nulls alone.
    Nothing,
}

/// Whether cells of that type are texts.
pub(super) fn texts(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => texts(values),
        _ => false,
    }
}

fn is_read(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_read(values),
        DataType::Null | DataType::Boolean => true,
        other => other.is_integer() || other.is_floating() || texts(other) || is_decimal(other),
    }
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..)
    )
}

/// A type in few words.
pub(super) fn type_name(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::ListView(_) => "list",
        DataType::Struct(_) => "struct",
        DataType::Map(..) => "map",
        DataType::Union(..) => "union",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "binary",
        other => return other.to_string(),
    };
    name.to_owned()
}

/// A column whose cells are no readings.
pub(super) fn unread(source: Source<'_>, name: &str, data_type: &DataType) -> ReadError {
    let message = format!(
        "column '{name}' is of the type {}, which is no reading: write the file without it, or as numbers, booleans or \
         texts",
        type_name(data_type)
    );
    ReadError {
        code: "unread_column_type",
        file: source.name.to_owned(),
        line: None,
        column: Some(name.to_owned()),
        message,
    }
}

/// Whether a column can be read.
///
/// # Errors
/// `unread_column_type`.
pub(super) fn check(source: Source<'_>, field: &Field) -> Result<(), ReadError> {
    if is_read(field.data_type()) { Ok(()) } else { Err(unread(source, field.name(), field.data_type())) }
}

impl<'a> Cells<'a> {
    /// Of a column.
    ///
    /// # Errors
    /// `unread_column_type`.
    pub(super) fn of(
        source: Source<'_>,
        field: &Field,
        column: &'a ArrayRef,
        told: Option<&'a ToldColumn>,
    ) -> Result<Self, ReadError> {
        let failed = || unread(source, field.name(), field.data_type());
        macro_rules! whole {
            ($type:ty) => {
                Self::Whole(column.as_primitive::<$type>().iter().map(|number| number.map(i64::from)).collect())
            };
        }
        Ok(match column.data_type() {
            DataType::Null => Self::Nothing,
            DataType::Boolean => Self::Booleans(column.as_boolean().clone()),
            DataType::Int8 => whole!(Int8Type),
            DataType::Int16 => whole!(Int16Type),
            DataType::Int32 => whole!(Int32Type),
            DataType::Int64 => whole!(Int64Type),
            DataType::UInt8 => whole!(UInt8Type),
            DataType::UInt16 => whole!(UInt16Type),
            DataType::UInt32 => whole!(UInt32Type),
            DataType::UInt64 => Self::Unsigned(column.as_primitive::<UInt64Type>().iter().collect()),
            DataType::Float16 => {
                Self::Singles(column.as_primitive::<Float16Type>().iter().map(|n| n.map(f32::from)).collect())
            }
            DataType::Float32 => Self::Singles(column.as_primitive::<Float32Type>().iter().collect()),
            DataType::Float64 => Self::Numbers(column.as_primitive::<Float64Type>().clone(), told),
            other if is_decimal(other) => Self::Decimals(column),
            DataType::Dictionary(_, values) if !texts(values) => {
                // Unpacked, it is one of the others; numbers in a dictionary are rare and few.
                let plain = arrow_cast::cast(column, &DataType::Float64).map_err(|_| failed())?;
                Self::Numbers(plain.as_primitive::<Float64Type>().clone(), told)
            }
            other if texts(other) => {
                let plain = arrow_cast::cast(column, &DataType::LargeUtf8).map_err(|_| failed())?;
                Self::Texts(plain.as_string::<i64>().clone(), told)
            }
            _ => return Err(failed()),
        })
    }

    /// Writes a cell as a field; a null is an empty one, unless the file says why there is no value.
    ///
    /// # Errors
    /// In words, for a value that cannot be kept as it is.
    pub(super) fn write(&self, text: &mut String, row: usize) -> Result<(), String> {
        // Writing to a text does not fail.
        match self {
            Self::Times { at_ms, in_utc } => {
                if let Some(at_ms) = at_ms.get(row).copied().flatten() {
                    let at = DateTime::from_timestamp_millis(at_ms)
                        .ok_or_else(|| format!("the time {at_ms} ms is out of all calendars: mend it"))?;
                    let zone = if *in_utc { "Z" } else { "" };
                    let _ = write!(text, "{}{zone}", at.format("%Y-%m-%dT%H:%M:%S%.3f"));
                }
            }
            Self::Whole(numbers) => {
                if let Some(number) = numbers.get(row).copied().flatten() {
                    exact(number.unsigned_abs(), &number)?;
                    let _ = write!(text, "{number}");
                }
            }
            Self::Unsigned(numbers) => {
                if let Some(number) = numbers.get(row).copied().flatten() {
                    exact(number, &number)?;
                    let _ = write!(text, "{number}");
                }
            }
            Self::Numbers(numbers, told) if numbers.is_valid(row) => {
                let number = numbers.value(row);
                match told.and_then(|told| told.state(number)) {
                    Some(state) => quoted(text, state),
                    None => {
                        let _ = write!(text, "{number:?}");
                    }
                }
            }
            Self::Singles(numbers) => {
                if let Some(number) = numbers.get(row).copied().flatten() {
                    let _ = write!(text, "{number:?}");
                }
            }
            Self::Decimals(column) if column.is_valid(row) => {
                let formatter = ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default());
                let formatter = formatter.map_err(|error| format!("a decimal cannot be read ({error})"))?;
                let _ = write!(text, "{}", formatter.value(row));
            }
            Self::Booleans(values) if values.is_valid(row) => {
                text.push_str(if values.value(row) { "TRUE" } else { "FALSE" })
            }
            Self::Texts(values, _) if values.is_valid(row) => quoted(text, values.value(row)),
            Self::Numbers(_, Some(told)) | Self::Texts(_, Some(told)) => text.push_str(told.null()),
            _ => {}
        }
        Ok(())
    }
}

fn exact(magnitude: u64, number: &dyn std::fmt::Display) -> Result<(), String> {
    if magnitude <= EXACT {
        return Ok(());
    }
    Err(format!(
        "the whole number {number} is beyond {EXACT}, up to which readings are exact: write the column as floating point if \
         its last digits do not matter, or as text"
    ))
}

/// Writes a text in quotes; line ends become blanks, for a row is a line.
pub(super) fn quoted(into: &mut String, text: &str) {
    into.push('"');
    for c in text.chars() {
        match c {
            '"' => into.push_str("\"\""),
            '\r' | '\n' => into.push(' '),
            c => into.push(c),
        }
    }
    into.push('"');
}
