//! Opens a report, goes through it once, reads chunks of it again.

use std::borrow::Cow;
use std::sync::Arc;

use super::cells::{CellReader, Occurrences};
use super::dates::{self, Dates};
use super::engine::{CHUNK_BYTES, CHUNK_CELLS, Engine, Limit, Seen, count_numbers};
use super::fields::{Cursor, Dialect};
use super::layout::{Layout, warning};
use super::long::Series;
use super::rows::Shape;
use super::status::Meaning;
use super::thousands::{self, Told};
use super::times::TimeReader;
use super::{
    Chosen, Chunk, DateOrder, FilePlan, Format, PointPlan, ReadError, ReadOptions, Source, columnar, decode, detect,
    dialect, order, workbook,
};
use hvac_frame::builder::SegmentBuilder;
use hvac_frame::column::Warning;
use hvac_frame::encoded::EncodedSegment;

/// A table of a report, its shape settled.
pub struct Reader<'a> {
    source: Source<'a>,
    options: ReadOptions,
    /// Parts that share their rows share it.
    text: Arc<Cow<'a, str>>,
    /// What tells this table from the others of its report: a sheet's name, a time column.
    part: String,
    encoding: Chosen<String>,
    /// Decimal mark; none of a workbook, whose numbers are none of text.
    decimal: Option<Chosen<char>>,
    warnings: Vec<Warning>,
    layout: Layout,
}

/// The engine's half that depends on the format.
enum Rows<'r> {
    /// One row a time.
    Wide(Shape<'r>),
    /// One row a cell.
    Long(Series),
}

impl<'r> Rows<'r> {
    fn new(layout: &'r Layout, known: &[PointPlan]) -> Self {
        match layout.format.value {
            Format::Narrow => Self::Long(Series::again(known, layout.values.len())),
            _ => Self::Wide(Shape::new(&layout.roles, known.len())),
        }
    }

    /// The instants of rows before the next chunk that tell the passes of a repeated hour apart.
    fn previous_of(&self, times: &TimeReader<'_>) -> Vec<(usize, i64)> {
        let Self::Long(series) = self else { return Vec::new() };
        let known = series.previous.iter().enumerate().filter_map(|(number, at)| Some((number, (*at)?)));
        known.filter(|(_, at)| times.still_matters(*at)).collect()
    }

    /// A chunk is read again, after those rows.
    fn follow(&mut self, previous_of: &[(usize, i64)]) {
        let Self::Long(series) = self else { return };
        for (point, at) in previous_of {
            if let Some(previous) = series.previous.get_mut(*point) {
                *previous = Some(*at);
            }
        }
    }

    /// Reads the next rows and sorts them.
    fn chunk(
        &mut self,
        engine: &mut Engine<'r>,
        cursor: &mut Cursor<'r>,
        limit: Limit,
        builder: &mut SegmentBuilder,
    ) -> Result<EncodedSegment, ReadError> {
        match self {
            Self::Wide(shape) => {
                engine.wide_chunk(shape, cursor, limit, builder)?;
                engine.seen.order_of(&builder.at_ms);
                builder.sort();
                Ok(builder.encode())
            }
            Self::Long(series) => Ok(EncodedSegment::of(engine.long_chunk(series, cursor, limit)?)),
        }
    }
}

impl<'a> Reader<'a> {
    /// Settles encoding, format, delimiter, header and points. Most reports are one table; a workbook has one a sheet, and
    /// where points have time columns of their own each of these makes a table with its points.
    ///
    /// # Errors
    /// When the bytes are no table this program reads, or contradict `options`.
    pub fn open(source: Source<'a>, options: &ReadOptions) -> Result<Vec<Self>, ReadError> {
        if workbook::is_workbook(source.bytes) {
            return Self::open_workbook(source, options);
        }
        if columnar::is_columnar(source.bytes) {
            let columnar::Table { text, layout, encoding, warnings } = columnar::read(source, options)?;
            return Ok(Self::tables(source, options, Cow::Owned(text), &encoding, warnings, vec![layout], ""));
        }
        let decode::Decoded { text, encoding, mut warnings } = decode::decode(source, options)?;
        if text.trim().is_empty() {
            return Err(source.error("empty_file", None, "the file holds only blank lines: export the report again"));
        }
        let dialect::Written { mut dialect, delimiter, mut decimal, certain } =
            dialect::detect(source, &text, options)?;
        let (mut layouts, mut whole) = detect::layouts(source, &text, dialect, delimiter.clone(), options)?;
        if !certain {
            match thousands::of_tables(source, whole.as_deref().unwrap_or(&text), &layouts, decimal.value)? {
                Told::Nothing | Told::AsTaken => {}
                Told::Open(doubt) => warnings.push(doubt),
                Told::Mark(told) => {
                    if told.value != decimal.value {
                        dialect.decimal = u8::try_from(told.value).unwrap_or(b'.');
                        (layouts, whole) = detect::layouts(source, &text, dialect, delimiter, options)?;
                    }
                    decimal = told;
                }
            }
        }
        let text = whole.map_or(text, Cow::Owned);
        let mut tables = Self::tables(source, options, text, &encoding, warnings, layouts, "");
        for table in &mut tables {
            table.decimal = table.layout.decimal.clone().or_else(|| Some(decimal.clone()));
        }
        Ok(tables)
    }

    /// The tables that share a text.
    fn tables(
        source: Source<'a>,
        options: &ReadOptions,
        text: Cow<'a, str>,
        encoding: &Chosen<String>,
        mut warnings: Vec<Warning>,
        layouts: Vec<Layout>,
        sheet: &str,
    ) -> Vec<Self> {
        let text = Arc::new(text);
        let several = layouts.len() > 1;
        let table = |layout: Layout| Self {
            source,
            options: options.clone(),
            text: text.clone(),
            part: match (sheet, several) {
                (sheet, false) => sheet.to_owned(),
                ("", true) => layout.times_from.clone(),
                (sheet, true) => format!("{sheet}, {}", layout.times_from),
            },
            encoding: encoding.clone(),
            decimal: None,
            // Said once.
            warnings: std::mem::take(&mut warnings),
            layout,
        };
        layouts.into_iter().map(table).collect()
    }

    fn open_workbook(source: Source<'a>, options: &ReadOptions) -> Result<Vec<Self>, ReadError> {
        let workbook::Book { sheets, left_out: mut warnings, encoding } = workbook::read(source, options)?;
        let dialect = Dialect { delimiter: b',', eol: b'\n', decimal: b'.' };
        let delimiter = Chosen {
            value: ',',
            evidence: "the cells of a workbook need none; commas are put between them".to_owned(),
        };
        let (mut tables, mut first_error, several) = (Vec::new(), None, sheets.len() > 1);
        for sheet in sheets {
            let dialect = Dialect { decimal: sheet.decimal, ..dialect };
            match detect::layouts(source, &sheet.text, dialect, delimiter.clone(), options) {
                Ok((layouts, whole)) => {
                    let text = whole.unwrap_or(sheet.text);
                    warnings.extend(sheet.warnings);
                    let said = std::mem::take(&mut warnings);
                    let name = if several { sheet.name.as_str() } else { "" };
                    tables.extend(Self::tables(source, options, Cow::Owned(text), &encoding, said, layouts, name));
                }
                // It has times, so it would be missed.
                Err(error)
                    if matches!(error.code, "no_header" | "second_table" | "too_many_points" | "unread_time_form") =>
                {
                    return Err(ReadError { message: format!("sheet '{}': {}", sheet.name, error.message), ..error });
                }
                Err(error) => {
                    let words = format!("sheet '{}' is no table and is left out: {}", sheet.name, error.message);
                    warnings.push(warning(source, "sheet_left_out", error.line, None, 1, words));
                    first_error = first_error.or(Some(error));
                }
            }
        }
        match tables.first_mut() {
            Some(first) => {
                first.warnings.append(&mut warnings);
                Ok(tables)
            }
            None => Err(first_error.unwrap_or_else(|| source.error("empty_file", None, "the workbook has no sheet"))),
        }
    }

    /// Goes over all bytes once; `keep` gets each chunk's index and segment as soon as it is read, in the
    /// file's order. (Where a date's order is in doubt, the dates alone are looked through before.) What `builder` holds
    /// does not matter: it lends its memory.
    ///
    /// # Errors
    /// With line and column, when the file cannot be read as what it seemed to be.
    pub fn plan(
        &self,
        builder: &mut SegmentBuilder,
        keep: &mut dyn FnMut(usize, EncodedSegment),
    ) -> Result<FilePlan, ReadError> {
        self.planned(builder, keep).map_err(|error| self.layout.lines.error(error))
    }

    fn planned(
        &self,
        builder: &mut SegmentBuilder,
        keep: &mut dyn FnMut(usize, EncodedSegment),
    ) -> Result<FilePlan, ReadError> {
        let sample = dates::sample(&self.text, &self.layout);
        let order = order::settle(self.source, &self.text, &self.layout, &self.options, &sample)?;
        let units = self.layout.points.iter().map(|point| point.unit.clone());
        let mut engine =
            self.engine(order.as_ref(), &sample, CellReader::first(self.layout.dialect, &self.options, units));
        let mut points = self.layout.points.clone();
        let mut rows = Rows::new(&self.layout, &points);
        let mut cursor = self.cursor(self.layout.body, self.layout.body_lines);
        let mut chunks: Vec<Chunk> = Vec::new();
        while !cursor.at_end() {
            let (start, lines_before, previous_at_ms) = (cursor.pos(), cursor.lines(), engine.times.previous);
            let previous_of = rows.previous_of(&engine.times);
            let limit = Limit { byte: start.saturating_add(CHUNK_BYTES), cells: CHUNK_CELLS };
            let segment = rows.chunk(&mut engine, &mut cursor, limit, builder)?;
            if let Rows::Long(found) = &rows {
                points.extend(found.plans.iter().skip(points.len()).cloned());
            }
            let (Some(first), Some(last)) = (segment.at_ms.first(), segment.at_ms.last()) else { break };
            engine.seen.steps_of(&segment.at_ms);
            count_numbers(&segment, &mut points);
            chunks.push(Chunk {
                bytes: start..cursor.pos(),
                lines_before,
                rows: u32::try_from(segment.at_ms.len()).unwrap_or(u32::MAX),
                first_at_ms: *first,
                last_at_ms: *last,
                previous_at_ms,
                previous_of,
            });
            keep(chunks.len() - 1, segment);
        }
        self.finish(order, engine, points, chunks)
    }

    /// Reads one chunk again.
    ///
    /// # Errors
    /// When the bytes are not those that were planned.
    pub fn read(&self, plan: &FilePlan, chunk: usize) -> Result<EncodedSegment, ReadError> {
        let changed = || {
            self.source.error(
                "report_changed",
                None,
                "the report's bytes are not those that were planned: parse it again",
            )
        };
        let wanted = plan.chunks.get(chunk).filter(|chunk| chunk.bytes.end <= self.text.len()).ok_or_else(changed)?;
        let cells = CellReader::again(self.layout.dialect, &self.options, &plan.points);
        let mut engine = self.engine(plan.date_order.as_ref(), &dates::sample(&self.text, &self.layout), cells);
        engine.times.previous = wanted.previous_at_ms;
        let mut rows = Rows::new(&self.layout, &plan.points);
        rows.follow(&wanted.previous_of);
        let mut cursor = self.cursor(wanted.bytes.start, wanted.lines_before);
        let limit = Limit { byte: wanted.bytes.end, cells: usize::MAX };
        let segment = rows
            .chunk(&mut engine, &mut cursor, limit, &mut SegmentBuilder::default())
            .map_err(|error| self.layout.lines.error(error))?;
        let same = segment.at_ms.len() == usize::try_from(wanted.rows).unwrap_or(usize::MAX)
            && segment.at_ms.first() == Some(&wanted.first_at_ms)
            && segment.at_ms.last() == Some(&wanted.last_at_ms);
        if same { Ok(segment) } else { Err(changed()) }
    }

    /// What reports of its kind share: the sheet, the format, the names of the header; told text by text.
    pub fn shape(&self, tell: &mut dyn FnMut(&str)) {
        let Layout { format, points, keys, values, .. } = &self.layout;
        tell(&self.part);
        tell(&format!("{:?}", format.value));
        // The point of such a report is named by its file.
        let points = points.iter().filter(|_| format.value != Format::SinglePoint);
        points.for_each(|point| tell(&point.original_name));
        keys.iter().chain(values.iter().map(|(name, _)| name)).for_each(|name| tell(name));
    }

    fn cursor(&self, pos: usize, lines: u64) -> Cursor<'_> {
        Cursor::new(&self.text, self.layout.dialect, pos, lines)
    }

    fn engine(&self, order: Option<&Chosen<DateOrder>>, sample: &[dates::Dated], cells: CellReader) -> Engine<'_> {
        let dates = Dates::of(self.source, &self.text, &self.layout, &self.options, order, sample);
        let times = TimeReader::new(self.source, &self.text, &self.layout, &dates, &self.options);
        Engine {
            source: self.source,
            text: &self.text,
            layout: &self.layout,
            times,
            day: ("", ""),
            cells,
            key: String::new(),
            last_status: (String::new(), Meaning::Good),
            seen: Seen::default(),
            head: None,
        }
    }

    fn finish(
        &self,
        order: Option<Chosen<DateOrder>>,
        engine: Engine<'_>,
        mut points: Vec<PointPlan>,
        chunks: Vec<Chunk>,
    ) -> Result<FilePlan, ReadError> {
        let Engine { times, cells, seen, .. } = engine;
        if chunks.is_empty() {
            return Err(self.no_rows(&seen));
        }
        if self.layout.of_intervals || times.width_s().is_some() {
            points.iter_mut().for_each(|point| point.of_intervals = true);
        }
        let mut warnings = self.warnings.clone();
        warnings.extend(self.layout.warnings.iter().cloned());
        warnings.extend(seen.warnings(self.source, &self.layout, &times));
        let loss_markers = cells.finish(&mut points, |code, column, tally: Occurrences, words| {
            warnings.push(warning(self.source, code, Some(tally.line), Some(column), tally.count, words));
        });
        self.layout.lines.warnings(&mut warnings);
        points.iter_mut().flat_map(|point| &mut point.marked).for_each(|run| run.line = self.layout.lines.of(run.line));
        Ok(FilePlan {
            file_name: self.source.name.to_owned(),
            format: self.layout.format.clone(),
            encoding: self.encoding.clone(),
            delimiter: self.layout.delimiter.clone(),
            decimal: self.decimal.clone(),
            date_order: order,
            header_line: Some(self.layout.header_line),
            time_column: Some(self.layout.times_from.clone()).filter(|name| !name.is_empty()),
            points,
            rows: seen.rows,
            out_of_order_rows: seen.out_of_order,
            local_time_rows: times.local_rows,
            first_at_ms: chunks.iter().map(|chunk| chunk.first_at_ms).min(),
            last_at_ms: chunks.iter().map(|chunk| chunk.last_at_ms).max(),
            interval_s: times.width_s().or_else(|| seen.interval_s()),
            dropped_rows: seen.dropped,
            lost_readings: seen.lost,
            unknown_rows: seen.unknown_rows,
            loss_markers,
            warnings,
            parts: Vec::new(),
            part: self.part.clone(),
            chunks,
        })
    }

    fn no_rows(&self, seen: &Seen) -> ReadError {
        if seen.unreadable.count > 0 {
            let words = format!(
                "none of the {} rows has a time that can be read (first '{}'): check the time column and the format",
                seen.unreadable.count, seen.unreadable_text
            );
            return self.source.error("no_readable_time", Some(seen.unreadable.line), words);
        }
        let words = "the file has a header and no rows below it: export the report again";
        self.source.error("no_rows", Some(self.layout.header_line), words)
    }
}
