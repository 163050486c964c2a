//! Parquet and Arrow files: each row becomes a line of comma-separated text, read like any other report.
//!
//! Row n is line n + 1, below a line of names, so that findings name a place that can be looked up. What the file itself
//! settles is taken from it and not guessed again: which column is the time and in which zone ([`times`]), what a cell is
//! ([`cells`]), and, of a file that this program wrote, units, states and why cells are empty ([`told`]).

mod cells;
mod times;
mod told;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use self::cells::Cells;
use self::told::Told;
use super::fields::Dialect;
use super::layout::{Columns, Layout, RawLines, Role, TimeColumn, warning};
use super::{Chosen, Format, ReadError, ReadOptions, Source};
use hvac_frame::column::Warning;

/// Bytes that the text of a file may have.
const MAX_BYTES: usize = 1 << 30;
/// Rows unpacked at a time.
const BATCH_ROWS: usize = 8192;

/// A file's rows as text, and its shape.
pub(crate) struct Table {
    /// A line of names, then one line a row.
    pub text: String,
    /// Where everything stands in it.
    pub layout: Layout,
    /// `parquet` or `arrow`.
    pub encoding: Chosen<String>,
    /// What a user should know.
    pub warnings: Vec<Warning>,
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Parquet,
    ArrowFile,
    ArrowStream,
}

impl Form {
    fn of(bytes: &[u8]) -> Option<Self> {
        // A text may begin with the same letters: `PAR1_kW,…`.
        let is_text = || !bytes.iter().skip(4).take(60).any(|b| b.is_ascii_control() && !b.is_ascii_whitespace());
        if bytes.starts_with(b"PAR1") && (bytes.len() < 12 || !is_text()) {
            Some(Self::Parquet)
        } else if bytes.starts_with(b"ARROW1\0") {
            Some(Self::ArrowFile)
        } else if bytes.starts_with(b"\xff\xff\xff\xff") {
            Some(Self::ArrowStream)
        } else {
            None
        }
    }

    fn name(self) -> &'static str {
        if self == Self::Parquet { "Parquet" } else { "Arrow" }
    }
}

/// Whether the bytes begin as a Parquet or Arrow file does.
pub(crate) fn is_columnar(bytes: &[u8]) -> bool {
    Form::of(bytes).is_some()
}

/// What is read of a file.
struct Opened {
    schema: SchemaRef,
    told: Told,
    batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
}

/// Reads a file.
///
/// # Errors
/// `broken_table` for one that is cut off or damaged; `no_time_column` and `ambiguous_time_column`, which name the columns
/// there are; `unread_column_type` naming the column, its type and the way out; `too_large`.
pub(crate) fn read(source: Source<'_>, options: &ReadOptions) -> Result<Table, ReadError> {
    let Some(form) = Form::of(source.bytes) else {
        return Err(source.error("not_a_table", None, "this is neither a Parquet nor an Arrow file"));
    };
    // The libraries that read these forms panic at some files that are damaged.
    let read = catch_unwind(AssertUnwindSafe(|| read_form(source, form, options)));
    read.unwrap_or_else(|_| Err(broken(source, form, "its parts do not fit together")))
}

fn broken(source: Source<'_>, form: Form, why: impl std::fmt::Display) -> ReadError {
    let name = form.name();
    let words = format!("this begins like a file of {name} and cannot be read as one ({why}): copy or write it anew");
    source.error("broken_table", None, words)
}

fn open(source: Source<'_>, form: Form) -> Result<Opened, ReadError> {
    let bytes = Bytes::copy_from_slice(source.bytes);
    let failed = |error: &dyn std::fmt::Display| broken(source, form, error);
    match form {
        Form::Parquet => {
            let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| failed(&error))?;
            let pairs = builder.metadata().file_metadata().key_value_metadata().into_iter().flatten();
            let told = Told::of(pairs.filter_map(|pair| Some((pair.key.as_str(), pair.value.as_deref()?))));
            let schema = builder.schema().clone();
            let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(|error| failed(&error))?;
            Ok(Opened { schema, told, batches: Box::new(reader) })
        }
        Form::ArrowFile => {
            let reader = FileReader::try_new(Cursor::new(bytes), None).map_err(|error| failed(&error))?;
            let schema = reader.schema();
            let mut pairs: Vec<(String, String)> =
                reader.custom_metadata().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
            pairs.extend(schema.metadata().iter().map(|(key, value)| (key.clone(), value.clone())));
            let told = Told::of(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            Ok(Opened { schema, told, batches: Box::new(reader) })
        }
        Form::ArrowStream => {
            let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(|error| failed(&error))?;
            let schema = reader.schema();
            let told = Told::of(schema.metadata().iter().map(|(key, value)| (key.as_str(), value.as_str())));
            Ok(Opened { schema, told, batches: Box::new(reader) })
        }
    }
}

fn read_form(source: Source<'_>, form: Form, options: &ReadOptions) -> Result<Table, ReadError> {
    let Opened { schema, told, batches } = open(source, form)?;
    let chosen = times::choose(source, &schema, options.time_column.as_deref())?;
    let dialect = Dialect { delimiter: b',', eol: b'\n', decimal: b'.' };
    let mut warnings = Vec::new();
    let (mut columns, mut places) = (Columns::default(), vec![chosen.position]);
    columns.other(Role::Stamp);
    for (position, field) in schema.fields().iter().enumerate().filter(|(position, _)| *position != chosen.position) {
        let name = field.name();
        if times::is_time(field.data_type()) {
            let words = format!("column '{name}' holds times as '{}' does, no readings; it is left out", chosen.name);
            warnings.push(warning(source, "time_column_left_out", Some(1), Some(name), 1, words));
            continue;
        }
        cells::check(source, field)?;
        let point = columns.point(if name.is_empty() { "column" } else { name }, 1);
        if let Some(unit) = told.unit(name) {
            point.unit = Some(Chosen { value: unit, evidence: "the file's own metadata say so".to_owned() });
        }
        places.push(position);
    }
    if columns.points.is_empty() {
        let words = format!("the file has no column of readings besides the time '{}'", chosen.name);
        return Err(source.error("no_points", Some(1), words));
    }
    columns.settle(source, 1)?;
    let mut text = String::new();
    for (at, position) in places.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        cells::quoted(&mut text, schema.field(*position).name());
    }
    text.push('\n');
    let body = text.len();
    let mut row = 1_u64;
    for batch in batches {
        let batch = batch.map_err(|error| broken(source, form, error))?;
        let mut readers = Vec::with_capacity(places.len());
        for position in &places {
            let (field, column) = (schema.field(*position), batch.column(*position));
            readers.push(match *position == chosen.position {
                true => times::cells(source, field, column)?,
                false => Cells::of(source, field, column, told.column(field.name()))?,
            });
        }
        for at in 0..batch.num_rows() {
            row += 1;
            for (number, cells) in readers.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                cells.write(&mut text, at).map_err(|why| ReadError {
                    code: "unread_column_type",
                    file: source.name.to_owned(),
                    line: Some(row),
                    column: places.get(number).map(|position| schema.field(*position).name().clone()),
                    message: why,
                })?;
            }
            text.push('\n');
            if text.len() > MAX_BYTES {
                let words = "the file holds more than 1 GiB when it is laid out as text: split it";
                return Err(source.error("too_large", Some(row), words));
            }
        }
    }
    let encoding = Chosen {
        value: form.name().to_ascii_lowercase(),
        evidence: format!("the file begins as one of {} does", form.name()),
    };
    let evidence = format!("a {} file whose times are '{}': {}", form.name(), chosen.name, chosen.why);
    let layout = Layout {
        format: Chosen { value: Format::Wide, evidence },
        delimiter: Chosen { value: ',', evidence: "columns need none; commas are put between them".to_owned() },
        dialect,
        decimal: None,
        header_line: 1,
        body,
        body_lines: 1,
        roles: columns.roles,
        opc: false,
        yes_no: Vec::new(),
        times_from: chosen.name,
        epoch: chosen.is_epoch,
        times: TimeColumn::default(),
        points: columns.points,
        keys: Vec::new(),
        values: Vec::new(),
        date_range: None,
        time_interval_s: None,
        of_intervals: false,
        totals: Vec::new(),
        lines: RawLines::default(),
        warnings: Vec::new(),
    };
    Ok(Table { text, layout, encoding, warnings })
}
