//! What real systems, spreadsheets and people do to a report.

use super::writing::{
    Clock, Damage, Dates, Encoding, Files, Foot, Head, Offset, Order, Shape, Status, TimeColumns, Units, Writing,
};

/// What a deformation is about; two of one part exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Fields,
    Numbers,
    Dates,
    Zone,
    Header,
    Units,
    Edges,
    Status,
    Shape,
    Order,
    Encoding,
    Lines,
    Cells,
    Damage,
}

/// One deformation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deformation {
    pub name: &'static str,
    pub part: Part,
    /// docs/FORMATS.md says that it is read: by itself it must not be refused.
    pub promised: bool,
    pub deform: fn(&mut Writing),
}

const fn read(name: &'static str, part: Part, deform: fn(&mut Writing)) -> Deformation {
    Deformation { name, part, promised: true, deform }
}

/// Read right or refused.
const fn maybe(name: &'static str, part: Part, deform: fn(&mut Writing)) -> Deformation {
    Deformation { name, part, promised: false, deform }
}

fn from_to(writing: &mut Writing) {
    writing.time_columns = TimeColumns::FromTo;
}

pub(crate) const DEFORMATIONS: &[Deformation] = &[
    // Fields and numbers.
    read("semicolons", Part::Fields, |w| w.delimiter = ';'),
    read("tabs", Part::Fields, |w| w.delimiter = '\t'),
    read("pipes", Part::Fields, |w| w.delimiter = '|'),
    read("all quoted", Part::Fields, |w| w.quotes_all = true),
    read("decimal comma and semicolons", Part::Numbers, |w| (w.delimiter, w.decimal) = (';', ',')),
    read("decimal comma and tabs", Part::Numbers, |w| (w.delimiter, w.decimal) = ('\t', ',')),
    read("decimal comma in quotes", Part::Numbers, |w| w.decimal = ','),
    maybe("decimal comma without quotes", Part::Numbers, |w| (w.decimal, w.never_quotes) = (',', true)),
    read("thousands by comma", Part::Numbers, |w| w.thousands = Some(',')),
    read("thousands by apostrophe", Part::Numbers, |w| w.thousands = Some('\'')),
    read("thousands by space", Part::Numbers, |w| w.thousands = Some(' ')),
    read("thousands by thin space", Part::Numbers, |w| w.thousands = Some('\u{202f}')),
    read("German numbers", Part::Numbers, |w| (w.delimiter, w.decimal, w.thousands) = (';', ',', Some('.'))),
    maybe("thousands by comma without quotes", Part::Numbers, |w| (w.thousands, w.never_quotes) = (Some(','), true)),
    read("a typographic minus", Part::Numbers, |w| w.long_minus = true),
    // Dates.
    read("dates with T", Part::Dates, |w| (w.dates, w.clock) = (Dates::IsoT, Clock::Seconds)),
    read("dates with slashes", Part::Dates, |w| w.dates = Dates::Slash),
    read("month first", Part::Dates, |w| w.dates = Dates::Mdy),
    read("month first, AM and PM", Part::Dates, |w| (w.dates, w.clock) = (Dates::Mdy, Clock::AmPm)),
    read("day first", Part::Dates, |w| w.dates = Dates::Dmy),
    read("day first, a. m.", Part::Dates, |w| (w.dates, w.clock) = (Dates::Dmy, Clock::Dotted)),
    read("dotted dates", Part::Dates, |w| w.dates = Dates::Dotted),
    maybe("short years, day first", Part::Dates, |w| w.dates = Dates::ShortDmy),
    maybe("short years, month first", Part::Dates, |w| w.dates = Dates::ShortMdy),
    maybe("short years, year first", Part::Dates, |w| w.dates = Dates::ShortYmd),
    read("months named short", Part::Dates, |w| (w.dates, w.clock) = (Dates::Named, Clock::AmPm)),
    read("months named in full", Part::Dates, |w| (w.dates, w.clock) = (Dates::Month, Clock::AmPm)),
    read("ctime", Part::Dates, |w| w.dates = Dates::Ctime),
    read("compact dates", Part::Dates, |w| w.dates = Dates::Compact),
    read("epoch seconds", Part::Dates, |w| w.dates = Dates::EpochS),
    read("epoch milliseconds", Part::Dates, |w| w.dates = Dates::EpochMs),
    read("date and clock apart", Part::Dates, |w| w.time_columns = TimeColumns::DateAndClock),
    maybe("date and clock apart, without colons", Part::Dates, |w| {
        (w.time_columns, w.clock) = (TimeColumns::DateAndClock, Clock::Compact);
    }),
    read("year, month, day, hour and minute apart", Part::Dates, |w| w.time_columns = TimeColumns::Parted),
    read("from and to columns", Part::Dates, from_to),
    read("from and to in a cell", Part::Dates, |w| w.time_columns = TimeColumns::Interval),
    // Zones.
    read("offsets", Part::Zone, |w| (w.dates, w.clock, w.offset) = (Dates::IsoT, Clock::Seconds, Offset::Colon)),
    read("offsets without colon", Part::Zone, |w| w.offset = Offset::Compact),
    read("UTC", Part::Zone, |w| (w.dates, w.clock, w.offset) = (Dates::IsoT, Clock::Seconds, Offset::Z)),
    read("zone abbreviations", Part::Zone, |w| w.offset = Offset::Abbreviation),
    read("zone names in brackets", Part::Zone, |w| {
        (w.dates, w.clock, w.offset) = (Dates::IsoT, Clock::Seconds, Offset::Bracket);
    }),
    read("a column of offsets", Part::Zone, |w| w.offset = Offset::Column),
    read("GMT and an offset in the header", Part::Zone, |w| w.offset = Offset::HeaderGmt),
    read("UTC in the header", Part::Zone, |w| w.offset = Offset::HeaderUtc),
    // What stands around the table.
    read("a preamble", Part::Header, |w| w.preamble = true),
    read("machines above quantities", Part::Header, |w| w.head = Head::Groups),
    read("machines above quantities above units", Part::Header, |w| (w.head, w.units) = (Head::Groups, Units::Below)),
    read("descriptions and units below names", Part::Header, |w| {
        (w.head, w.units) = (Head::Descriptions, Units::Below);
    }),
    read("units below names", Part::Units, |w| w.units = Units::Below),
    read("units above names", Part::Units, |w| w.units = Units::Above),
    read("units in parentheses", Part::Units, |w| w.units = Units::Parens),
    read("units behind a comma", Part::Units, |w| w.units = Units::Comma),
    read("units in cells", Part::Units, |w| w.units = Units::Cells),
    read("no units", Part::Units, |w| w.units = Units::Nowhere),
    read("a total row", Part::Edges, |w| w.foot = Foot::Total),
    read("a total of the period", Part::Edges, |w| {
        from_to(w);
        w.foot = Foot::PeriodTotal;
    }),
    read("a footer", Part::Edges, |w| w.foot = Foot::Prose),
    read("headers between", Part::Edges, |w| w.header_every = Some(17)),
    read("blank lines between", Part::Edges, |w| w.blank_every = Some(24)),
    read("an index column", Part::Edges, |w| w.index_column = true),
    read("a delimiter at the end", Part::Edges, |w| w.trailing_column = true),
    // Statuses.
    read("statuses behind values", Part::Status, |w| w.status = Status::Suffix),
    read("statuses and units behind values", Part::Status, |w| (w.status, w.units) = (Status::Suffix, Units::Cells)),
    read("a status column a point", Part::Status, |w| w.status = Status::PerPoint),
    read("a status column a row", Part::Status, |w| w.status = Status::PerRow),
    read("stars", Part::Status, |w| w.status = Status::Stars),
    read("overridden", Part::Status, |w| w.status = Status::Overridden),
    // Shapes.
    read("long", Part::Shape, |w| w.shape = Shape::Long),
    read("long with dimensions", Part::Shape, |w| w.shape = Shape::Dimensions),
    read("annotated InfluxDB", Part::Shape, |w| w.shape = Shape::Influx),
    read("Home Assistant", Part::Shape, |w| w.shape = Shape::HomeAssistant),
    read("a time column a point", Part::Shape, |w| w.shape = Shape::TimePerPoint),
    read("a file a point", Part::Shape, |w| w.shape = Shape::FilePerPoint),
    read("a day a row", Part::Shape, |w| w.shape = Shape::DayPerRow),
    read("a day a column", Part::Shape, |w| w.shape = Shape::DayPerColumn),
    read("APOGEE", Part::Shape, |w| w.shape = Shape::Apogee),
    read("TOA5", Part::Shape, |w| w.shape = Shape::Toa5),
    // Rows and files.
    read("newest first", Part::Order, |w| w.order = Order::NewestFirst),
    read("shuffled", Part::Order, |w| w.order = Order::Shuffled),
    read("two periods", Part::Order, |w| w.files = Files::Periods),
    read("two halves of the points", Part::Order, |w| w.files = Files::Points),
    // Bytes.
    read("a byte order mark", Part::Encoding, |w| w.encoding = Encoding::Bom),
    read("UTF-16 LE", Part::Encoding, |w| w.encoding = Encoding::Utf16Le),
    read("UTF-16 BE", Part::Encoding, |w| w.encoding = Encoding::Utf16Be),
    read("Latin-1", Part::Encoding, |w| w.encoding = Encoding::Latin1),
    maybe("Big5", Part::Encoding, |w| w.encoding = Encoding::Big5),
    read("files in two encodings", Part::Encoding, |w| (w.encoding, w.files) = (Encoding::Mixed, Files::Periods)),
    read("a workbook", Part::Encoding, |w| w.encoding = Encoding::Workbook),
    read("a workbook of texts", Part::Encoding, |w| w.encoding = Encoding::WorkbookOfTexts),
    read("CRLF", Part::Lines, |w| w.eol = "\r\n"),
    read("CR", Part::Lines, |w| w.eol = "\r"),
    read("no end of the last line", Part::Lines, |w| w.no_last_eol = true),
    // Cells.
    read("padded cells", Part::Cells, |w| w.padded = true),
    read("loss words", Part::Cells, |w| w.loss_words = true),
    read("German states", Part::Cells, |w| w.states = Some(("Aus", "Ein"))),
    read("French states", Part::Cells, |w| w.states = Some(("Arrêt", "Marche"))),
    read("Spanish states", Part::Cells, |w| w.states = Some(("Apagado", "Encendido"))),
    read("Chinese states", Part::Cells, |w| w.states = Some(("停止", "啟動"))),
    // Damage.
    maybe("the last row cut", Part::Damage, |w| w.damage = Damage::Cut),
    maybe("NULs at the end", Part::Damage, |w| w.damage = Damage::Nuls),
    maybe("a line of another encoding", Part::Damage, |w| w.damage = Damage::ForeignLine),
];
