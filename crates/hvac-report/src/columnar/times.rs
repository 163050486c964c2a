//! Which column of a Parquet or Arrow file holds the times, and its cells.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Date64Type, Int32Type, Int64Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::cells::{Cells, texts, type_name, unread};
use super::{ReadError, Source};

/// The name of the time in files of this program, and of many others.
const TIMESTAMP: &str = "timestamp";

/// The column of times.
pub(super) struct ChosenTimes {
    pub position: usize,
    pub name: String,
    /// In words, what told it.
    pub why: &'static str,
    /// Its cells are seconds, milliseconds, … since 1970.
    pub is_epoch: bool,
}

/// Whether cells of that type are instants or days.
pub(super) fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

fn is_whole(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::UInt64 | DataType::Int32 | DataType::UInt32)
}

fn may_hold_times(data_type: &DataType) -> bool {
    is_time(data_type) || is_whole(data_type) || texts(data_type)
}

/// The column asked for, else the one named `timestamp`, else the only one whose type is a time.
///
/// # Errors
/// `no_time_column`, `ambiguous_time_column`: with the names there are.
pub(super) fn choose(source: Source<'_>, schema: &Schema, asked: Option<&str>) -> Result<ChosenTimes, ReadError> {
    let fields = schema.fields();
    let chosen = |position: usize, why| {
        let field = schema.field(position);
        ChosenTimes { position, name: field.name().clone(), why, is_epoch: is_whole(field.data_type()) }
    };
    let names = |wanted: &dyn Fn(&Field) -> bool| {
        let names = fields.iter().filter(|field| wanted(field)).take(12).map(|field| format!("'{}'", field.name()));
        names.collect::<Vec<_>>().join(", ")
    };
    if let Some(asked) = asked {
        let Some(position) = fields.iter().position(|field| field.name() == asked) else {
            let there = names(&|field| may_hold_times(field.data_type()));
            let words = format!("there is no column '{asked}' (time_column) in this file; there are {there}");
            return Err(source.error("no_time_column", None, words));
        };
        if !may_hold_times(schema.field(position).data_type()) {
            let named = type_name(schema.field(position).data_type());
            let words = format!(
                "the column '{asked}' (time_column) is of the type {named}, which holds no times: name another, or write it \
                 as a timestamp"
            );
            return Err(source.error("no_time_column", None, words));
        }
        return Ok(chosen(position, "asked for"));
    }
    let named = |wanted: &str| {
        fields.iter().position(|field| field.name().eq_ignore_ascii_case(wanted) && may_hold_times(field.data_type()))
    };
    if let Some(position) = named(TIMESTAMP) {
        return Ok(chosen(position, "it is named so"));
    }
    let of_type: Vec<usize> =
        fields.iter().enumerate().filter(|(_, field)| is_time(field.data_type())).map(|(at, _)| at).collect();
    match of_type.as_slice() {
        [one] => Ok(chosen(*one, "no other column is of such a type")),
        [] => {
            let there = names(&|field| may_hold_times(field.data_type()));
            let words = format!(
                "no column is named 'timestamp' and none is of a type of times: name the one that holds them with \
                 time_column; there are {there}"
            );
            Err(source.error("no_time_column", None, words))
        }
        _ => {
            let several = names(&|field| is_time(field.data_type()));
            let words =
                format!("the columns {several} all hold times: name the one that the rows are of with time_column");
            Err(source.error("ambiguous_time_column", None, words))
        }
    }
}

/// A column of instants in ms since 1970, rounded down: of the clock where the type names no zone.
pub(super) fn cells<'a>(source: Source<'_>, field: &Field, column: &'a ArrayRef) -> Result<Cells<'a>, ReadError> {
    let in_utc = matches!(column.data_type(), DataType::Timestamp(_, Some(_)));
    let at = |ms: Vec<Option<i64>>| Ok(Cells::Times { at_ms: ms, in_utc });
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            at(ms_of::<TimestampSecondArray>(column, |array, row| array.value(row).checked_mul(1000)))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            at(ms_of::<TimestampMillisecondArray>(column, |array, row| Some(array.value(row))))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            at(ms_of::<TimestampMicrosecondArray>(column, |array, row| Some(array.value(row).div_euclid(1000))))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            at(ms_of::<TimestampNanosecondArray>(column, |array, row| Some(array.value(row).div_euclid(1_000_000))))
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            at(days.iter().map(|day| Some(i64::from(day?) * 86_400_000)).collect())
        }
        DataType::Date64 => at(column.as_primitive::<Date64Type>().iter().collect()),
        DataType::Int64 => Ok(Cells::Whole(column.as_primitive::<Int64Type>().iter().collect())),
        DataType::Int32 => {
            Ok(Cells::Whole(column.as_primitive::<Int32Type>().iter().map(|n| n.map(i64::from)).collect()))
        }
        DataType::UInt32 => {
            Ok(Cells::Whole(column.as_primitive::<UInt32Type>().iter().map(|n| n.map(i64::from)).collect()))
        }
        DataType::UInt64 => {
            let whole = column.as_primitive::<UInt64Type>().iter().map(|n| n.and_then(|n| i64::try_from(n).ok()));
            Ok(Cells::Whole(whole.collect()))
        }
        other if texts(other) => Cells::of(source, field, column, None),
        other => Err(unread(source, field.name(), other)),
    }
}

fn ms_of<T: Array + 'static>(column: &ArrayRef, ms: impl Fn(&T, usize) -> Option<i64>) -> Vec<Option<i64>> {
    let Some(array) = column.as_any().downcast_ref::<T>() else { return vec![None; column.len()] };
    (0..array.len()).map(|row| if array.is_valid(row) { ms(array, row) } else { None }).collect()
}
