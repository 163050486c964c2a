//! How a report is written: what the deformations change, and what they may change of the answer.

use chrono::Datelike;

use super::original::{Cell, Original, Point};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Wide,
    /// Time, point, value.
    Long,
    /// Time, site, equipment, point, unit, value, status.
    Dimensions,
    /// Annotated CSV of InfluxDB.
    Influx,
    /// `entity_id,state,last_changed`.
    HomeAssistant,
    /// Each point behind a time column of its own.
    TimePerPoint,
    /// A file a point, whose name is the point's.
    FilePerPoint,
    /// A row a day, a column an interval.
    DayPerRow,
    /// A column a day, a row an interval.
    DayPerColumn,
    Apogee,
    Toa5,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dates {
    /// 2024-01-31
    Iso,
    /// 2024-01-31T
    IsoT,
    /// 2024/1/31
    Slash,
    /// 1/31/2024
    Mdy,
    /// 31/01/2024
    Dmy,
    /// 31.01.2024
    Dotted,
    /// 31/01/24
    ShortDmy,
    /// 1/31/24
    ShortMdy,
    /// 24/01/31
    ShortYmd,
    /// 31-Jan-24
    Named,
    /// January 31, 2024
    Month,
    /// Wed Jan 31 13:45:00 2024
    Ctime,
    /// 20240131134500
    Compact,
    EpochS,
    EpochMs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// 13:45
    Minutes,
    /// 13:45:00
    Seconds,
    /// 1:45 PM
    AmPm,
    /// 1345
    Compact,
    /// 1:45 p. m.
    Dotted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offset {
    /// The site's clock.
    None,
    /// +08:00
    Colon,
    /// +0800
    Compact,
    /// Z
    Z,
    /// EST, EDT
    Abbreviation,
    /// -05:00[America/New_York]
    Bracket,
    /// A column of offsets.
    Column,
    /// `Time (GMT-05:00)`
    HeaderGmt,
    /// `Time (UTC)`
    HeaderUtc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeColumns {
    One,
    DateAndClock,
    FromTo,
    /// `… to …` in one cell.
    Interval,
    /// `Year,Month,Day,Hour,Minute`
    Parted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Units {
    /// `ZN-T [°C]`
    Brackets,
    /// `ZN-T (°C)`
    Parens,
    /// `ZN-T, °C`
    Comma,
    /// A row below the names.
    Below,
    /// A row above the names.
    Above,
    /// Behind each number.
    Cells,
    Nowhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// `AHU_1 ZN-T`
    One,
    /// Machines above quantities, each named once.
    Groups,
    /// Names, descriptions, units.
    Descriptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    None,
    /// `21.5 {ok}`, some `{fault}`.
    Suffix,
    /// A column beside each point: `ok`, some `fault`.
    PerPoint,
    /// A column for the row, all `ok`.
    PerRow,
    /// `21.5*` for some.
    Stars,
    /// `21.5 (Overridden)` for some.
    Overridden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foot {
    None,
    /// `Total` and the sums.
    Total,
    /// The whole period and the sums, below from–to columns.
    PeriodTotal,
    /// Lines of prose with a date.
    Prose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Forward,
    NewestFirst,
    Shuffled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    One,
    /// Two periods, which share a few equal rows.
    Periods,
    /// Two halves of the points.
    Points,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Bom,
    Utf16Le,
    Utf16Be,
    Latin1,
    Big5,
    /// Every other file UTF-8, every other Latin-1.
    Mixed,
    /// `.xlsx` with numbers and dates as such.
    Workbook,
    /// `.xlsx` whose every cell is a text.
    WorkbookOfTexts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    None,
    /// The last row ends within one of its cells.
    Cut,
    /// NULs behind the last row, as after a crash.
    Nuls,
    /// A line of another encoding at the end.
    ForeignLine,
}

/// A writer's habits; as it is made, the right report of [`Original`].
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    pub shape: Shape,
    pub delimiter: char,
    pub decimal: char,
    pub thousands: Option<char>,
    /// U+2212 for negative numbers.
    pub long_minus: bool,
    /// A cell that holds the delimiter is not quoted.
    pub never_quotes: bool,
    pub quotes_all: bool,
    pub padded: bool,
    pub eol: &'static str,
    pub no_last_eol: bool,
    pub dates: Dates,
    pub clock: Clock,
    pub offset: Offset,
    pub time_columns: TimeColumns,
    pub units: Units,
    pub head: Head,
    pub status: Status,
    pub preamble: bool,
    pub foot: Foot,
    pub header_every: Option<usize>,
    pub blank_every: Option<usize>,
    pub index_column: bool,
    pub trailing_column: bool,
    pub order: Order,
    pub files: Files,
    pub encoding: Encoding,
    pub damage: Damage,
    /// Words of another system for what was lost.
    pub loss_words: bool,
    /// States in another language.
    pub states: Option<(&'static str, &'static str)>,
}

impl Writing {
    pub(crate) fn right() -> Self {
        Self {
            shape: Shape::Wide,
            delimiter: ',',
            decimal: '.',
            thousands: None,
            long_minus: false,
            never_quotes: false,
            quotes_all: false,
            padded: false,
            eol: "\n",
            no_last_eol: false,
            dates: Dates::Iso,
            clock: Clock::Minutes,
            offset: Offset::None,
            time_columns: TimeColumns::One,
            units: Units::Brackets,
            head: Head::One,
            status: Status::None,
            preamble: false,
            foot: Foot::None,
            header_every: None,
            blank_every: None,
            index_column: false,
            trailing_column: false,
            order: Order::Forward,
            files: Files::One,
            encoding: Encoding::Utf8,
            damage: Damage::None,
            loss_words: false,
            states: None,
        }
    }

    pub(crate) fn epoch(&self) -> bool {
        matches!(self.dates, Dates::EpochS | Dates::EpochMs)
    }

    pub(crate) fn is_workbook(&self) -> bool {
        matches!(self.encoding, Encoding::Workbook | Encoding::WorkbookOfTexts)
    }

    /// Whether the rows say their times on the site's clock only.
    pub(crate) fn on_site_clock(&self) -> bool {
        self.offset == Offset::None && !self.epoch() && !matches!(self.shape, Shape::Influx | Shape::HomeAssistant)
    }

    /// Whether a system could write `original` so: two deformations may contradict each other.
    pub(crate) fn is_possible(&self, original: &Original) -> bool {
        let wide = self.shape == Shape::Wide;
        let words = self.states.map_or(String::new(), |(zero, one)| format!("{zero}{one}"));
        let letters = format!("{}{words}{}", original.letters(), self.thousands.unwrap_or(' '));
        let units: String = original.points.iter().filter_map(|point| point.unit).collect();
        let fits_latin1 = letters.chars().chain(units.chars()).all(|c| (c as u32) < 256);
        let conditions = [
            // Only the order of rows tells the two passes of an hour apart.
            !(self.on_site_clock() && original.repeats_an_hour())
                || self.order != Order::Shuffled
                    && self.files == Files::One
                    && matches!(self.shape, Shape::Wide | Shape::Apogee | Shape::Toa5),
            !matches!(self.shape, Shape::DayPerRow | Shape::DayPerColumn)
                || original.points.len() == 1
                    && original.one_offset()
                    && original.step_s >= 900
                    && self.offset == Offset::None
                    && self.dates != Dates::Ctime
                    && self.clock == Clock::Minutes
                    && !self.epoch(),
            self.shape != Shape::Influx || original.points.iter().all(|point| point.numeric()),
            // What has a form of its own.
            !matches!(self.shape, Shape::Apogee | Shape::Toa5 | Shape::Influx | Shape::HomeAssistant)
                || self.dates == Dates::Iso && self.clock == Clock::Minutes && self.offset == Offset::None,
            wide || self.head == Head::One
                && self.units == Units::Brackets
                && self.status == Status::None
                && self.time_columns == TimeColumns::One
                && matches!(self.offset, Offset::None | Offset::Colon | Offset::Z | Offset::Compact)
                && self.foot == Foot::None
                && self.header_every.is_none()
                && !self.index_column
                && !self.trailing_column
                && self.files != Files::Points,
            !matches!(self.shape, Shape::Apogee | Shape::Toa5 | Shape::Influx) || !self.preamble,
            !matches!(self.shape, Shape::FilePerPoint | Shape::DayPerRow | Shape::DayPerColumn | Shape::TimePerPoint)
                || self.files == Files::One && self.order == Order::Forward,
            self.files != Files::Points || original.points.len() > 1,
            self.head == Head::One || !matches!(self.units, Units::Above | Units::Comma | Units::Parens),
            !(self.units == Units::Comma && self.delimiter == ',' && self.never_quotes),
            !self.epoch() || self.offset == Offset::None && self.time_columns == TimeColumns::One,
            self.offset == Offset::None
                || self.time_columns == TimeColumns::One && !matches!(self.dates, Dates::Ctime | Dates::Compact),
            self.offset != Offset::HeaderGmt || original.one_offset(),
            self.offset != Offset::Abbreviation || original.zone != chrono_tz::Tz::Asia__Taipei,
            self.time_columns == TimeColumns::One || !matches!(self.dates, Dates::Ctime | Dates::Compact),
            self.foot != Foot::PeriodTotal || self.time_columns == TimeColumns::FromTo,
            matches!(self.foot, Foot::None | Foot::Prose) || self.order == Order::Forward,
            !(self.units == Units::Cells && matches!(self.status, Status::Stars)),
            !matches!(self.encoding, Encoding::Latin1 | Encoding::Mixed) || fits_latin1,
            self.encoding != Encoding::Big5 || letters.contains('冷') && !letters.contains('ü'),
            // Cells need no delimiters, and numbers no marks.
            !self.is_workbook()
                || self.delimiter == ','
                    && !self.quotes_all
                    && !self.never_quotes
                    && !self.no_last_eol
                    && self.eol == "\n"
                    && self.header_every.is_none()
                    && self.blank_every.is_none(),
            self.encoding != Encoding::Workbook
                || self.thousands.is_none()
                    && self.decimal == '.'
                    && matches!(self.dates, Dates::Iso | Dates::Named | Dates::Slash | Dates::IsoT | Dates::Month)
                    && self.clock != Clock::Dotted
                    && matches!(self.shape, Shape::Wide | Shape::Long | Shape::Dimensions | Shape::FilePerPoint)
                    && !self.padded,
            self.encoding != Encoding::Mixed || self.files != Files::One,
            self.thousands != Some('\u{202f}') || self.encoding != Encoding::Big5,
            !self.long_minus || !matches!(self.encoding, Encoding::Latin1 | Encoding::Big5 | Encoding::Mixed),
            self.thousands != Some(self.decimal),
            !self.never_quotes || !self.quotes_all,
            self.damage == Damage::None
                || wide
                    && self.foot == Foot::None
                    && !self.no_last_eol
                    && self.files == Files::One
                    && matches!(self.encoding, Encoding::Utf8 | Encoding::Bom),
            // `1,234` in every cell is a thousand or a little more than one: nobody can tell.
            !self.has_doubtful_marks()
                || if self.shape == Shape::FilePerPoint || self.files == Files::Points {
                    original.points.iter().all(tells_decimals)
                } else {
                    original.points.iter().any(tells_decimals)
                },
            self.damage != Damage::Cut || original.points.len() > 1,
            self.states.is_none() || original.points.iter().any(|point| point.states == Some(("OFF", "ON"))),
        ];
        conditions.iter().all(|holds| *holds)
    }

    /// Whether a mark in a number alone does not say whether decimals or thousands are behind it.
    fn has_doubtful_marks(&self) -> bool {
        self.decimal == ',' && (self.delimiter != ';' || self.thousands.is_some())
            || self.thousands == Some(',') && self.delimiter != ','
    }

    /// Whether dates that are numbers only say which of them is the day.
    pub(crate) fn tells_date_order(&self, original: &Original) -> bool {
        let tells = |rows: &[i64]| rows.iter().any(|at| original.local(*at).day() > 12);
        match self.dates {
            // Each file by itself.
            Dates::Mdy | Dates::Dmy | Dates::Dotted => {
                let (first, second) = original.at_ms.split_at(original.at_ms.len() / 2);
                if self.files == Files::Periods { tells(first) && tells(second) } else { tells(&original.at_ms) }
            }
            // With two digits a year could be a day, too.
            Dates::ShortDmy | Dates::ShortMdy | Dates::ShortYmd => false,
            _ => true,
        }
    }
}

/// Whether a number of the point shows which mark parts decimals: a group of thousands has three digits.
fn tells_decimals(point: &Point) -> bool {
    point.cells.iter().any(|cell| matches!(cell, Cell::Number { decimals: 1 | 2, .. }))
}
