//! From a right report and a writer's habits to the bytes of files, and to what must be read from them.

use chrono_tz::Tz;
use hvac_report::ReadOptions;

use super::original::{Cell, MARKERS, Original, Point, Rng};
use super::shapes;
use super::workbook;
use super::writing::{Damage, Encoding, Files, Foot, Order, Shape, Status, Units, Writing};

/// What one cell must be read as.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Want {
    /// To the last bit.
    Number(f64),
    Text(&'static str),
    /// One of these reasons; of any when there are none.
    Null(&'static [&'static str]),
}

#[derive(Debug, Clone)]
pub(crate) struct WantedPoint {
    /// Any of them, but for what is neither letter nor digit.
    pub names: Vec<String>,
    /// Any of them.
    pub units: Vec<Option<&'static str>>,
    /// Any of them.
    pub kinds: &'static [&'static str],
    /// One a time.
    pub cells: Vec<Want>,
}

#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub at_ms: Vec<i64>,
    pub points: Vec<WantedPoint>,
    /// The row at this time was cut: what is left of it is right or null.
    pub cut_at_ms: Option<i64>,
    /// Times at which nothing was recorded may be there, too.
    pub may_add_empty_times: bool,
}

/// Files as they come, how they are asked for, and the right answer.
#[derive(Debug)]
pub(crate) struct Written {
    pub files: Vec<(String, Vec<u8>)>,
    pub options: ReadOptions,
    /// Room for cells: with none, every chunk is read again.
    pub memory_bytes: u64,
    pub wanted: Wanted,
}

/// A cell as it is written.
#[derive(Debug, Clone)]
pub(crate) struct WrittenCell {
    pub text: String,
    /// For a column of statuses.
    pub status: &'static str,
}

/// A line of a file.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    Fields(Vec<String>),
    /// Quotes and delimiters as they must stand.
    Raw(String),
}

pub(crate) fn fields<S: Into<String>>(fields: impl IntoIterator<Item = S>) -> Line {
    Line::Fields(fields.into_iter().map(Into::into).collect())
}

/// The rows of one file, before they are text.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub name: String,
    pub above: Vec<Line>,
    pub head: Vec<Line>,
    pub rows: Vec<Line>,
    pub below: Vec<Line>,
}

const ANY: &[&str] = &[];
/// What a trade word for a loss is a null for: not for want of a better reason.
const LOSS: &[&str] = &["UnknownMarker", "NoData", "DataLoss", "BadStatus"];
/// The first three say so in any column; the others could be states among words.
const LOSS_WORDS: [&str; 7] = ["unavailable", "MISSING", "-----", "unknown", "Unreliable", "Comm Fail", "BAD"];

/// The cells of a point, and what they are to be read as.
fn cells(rng: &mut Rng, writing: &Writing, point: &Point) -> (Vec<WrittenCell>, Vec<Want>) {
    let mut cells = Vec::new();
    let mut wants = Vec::new();
    for (at, cell) in point.cells.iter().enumerate() {
        let odd = at > 3 && rng.percent(6);
        let (mut text, mut want) = match cell {
            Cell::Number { count, decimals } => {
                let right: f64 = number(*count, *decimals, '.', None).parse().unwrap();
                let mut text = number(*count, *decimals, writing.decimal, writing.thousands);
                if writing.long_minus {
                    text = text.replace('-', "\u{2212}");
                }
                if let (Units::Cells, Some(unit)) = (writing.units, point.unit) {
                    text = format!("{text} {unit}");
                }
                (text, Want::Number(right))
            }
            Cell::Word(word) => {
                let told = point.states.map(|(zero, _)| f64::from(u8::from(*word != zero)));
                let foreign = writing.states.filter(|_| point.states == Some(("OFF", "ON")));
                let text = foreign.map_or(*word, |(zero, one)| if *word == "ON" { one } else { zero });
                (text.to_owned(), told.map_or(Want::Text(word), Want::Number))
            }
            Cell::Lost("") => (String::new(), Want::Null(&["Empty"])),
            Cell::Lost(_) if writing.loss_words => {
                let words = if point.numeric() { &LOSS_WORDS[..] } else { &LOSS_WORDS[..3] };
                (rng.pick(words).to_owned(), Want::Null(LOSS))
            }
            Cell::Lost(marker) => {
                let at = MARKERS.iter().position(|(known, _)| known == marker).unwrap();
                ((*marker).to_owned(), Want::Null(std::slice::from_ref(&MARKERS[at].1)))
            }
        };
        let mut status = "ok";
        if !matches!(want, Want::Null(_)) {
            match writing.status {
                Status::Suffix if odd => {
                    text += rng.pick(&[" {fault}", " {down,stale}", " {down}"]);
                    want = Want::Null(ANY);
                }
                Status::Suffix => text += " {ok}",
                Status::PerPoint if odd => {
                    status = rng.pick(&["fault", "down", "stale"]);
                    want = Want::Null(ANY);
                }
                Status::Stars if odd && matches!(want, Want::Number(_)) && point.states.is_none() => text += "*",
                Status::Overridden if odd => text += " (Overridden)",
                _ => {}
            }
        }
        if writing.padded {
            text = format!("{text:>9} ");
        }
        cells.push(WrittenCell { text, status });
        wants.push(want);
    }
    (cells, wants)
}

/// `count` units of the last of so many decimals.
pub(crate) fn number(count: i64, decimals: usize, decimal: char, thousands: Option<char>) -> String {
    let digits = format!("{:0>width$}", count.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let mut text = if count < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            text.extend(thousands);
        }
        text.push(digit);
    }
    if decimals > 0 {
        text.push(decimal);
        text += fraction;
    }
    text
}

/// Writes `original` by `writing`; `seed` chooses what else is left open.
pub(crate) fn write(original: &Original, writing: &Writing, seed: u64) -> Written {
    let mut rng = Rng::of(seed ^ 0xdead);
    let (written, wants): (Vec<_>, Vec<_>) =
        original.points.iter().map(|point| cells(&mut rng, writing, point)).unzip();
    let points = original.points.iter().zip(wants).map(|(point, cells)| WantedPoint {
        names: vec![point.name()],
        units: if writing.units == Units::Nowhere { point.units_of_name() } else { vec![point.unit] },
        kinds: point.kinds,
        cells,
    });
    let mut wanted =
        Wanted { at_ms: original.at_ms.clone(), points: points.collect(), cut_at_ms: None, may_add_empty_times: false };
    let rows = row_orders(&mut rng, original.at_ms.len(), writing);
    let sheets = shapes::sheets(original, writing, &written, &rows, &mut wanted);
    let mut files = Vec::new();
    for (at, sheet) in sheets.into_iter().enumerate() {
        if writing.is_workbook() {
            files.push((sheet.name.replace(".csv", ".xlsx"), workbook::bytes(&sheet, writing)));
            continue;
        }
        let mut text = text_of(&sheet, writing);
        if writing.damage == Damage::Cut {
            cut(&mut rng, &mut text, writing);
            let last = *rows[0].last().unwrap();
            wanted.cut_at_ms = Some(original.at_ms[last]);
        }
        files.push((sheet.name, bytes_of(&text, writing, at)));
    }
    let own = writing.on_site_clock();
    let zone = if own || rng.percent(50) { original.zone } else { Tz::Asia__Kathmandu };
    let options = ReadOptions { zone_stated: own && rng.percent(50), ..ReadOptions::of(zone) };
    let memory_bytes = if rng.percent(30) { 0 } else { 1 << 30 };
    Written { files, options, memory_bytes, wanted }
}

/// For each file, which rows in which order.
fn row_orders(rng: &mut Rng, rows: usize, writing: &Writing) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..rows).collect();
    let mut files = match writing.files {
        Files::Periods => vec![all[..rows / 2 + 2].to_vec(), all[rows / 2 - 1..].to_vec()],
        Files::One | Files::Points => vec![all],
    };
    for file in &mut files {
        match writing.order {
            Order::Forward => {}
            Order::NewestFirst => file.reverse(),
            Order::Shuffled => rng.shuffle(file),
        }
    }
    files
}

fn text_of(sheet: &Sheet, writing: &Writing) -> String {
    let mut lines: Vec<String> = sheet.above.iter().chain(&sheet.head).map(|line| line_of(line, writing)).collect();
    for (at, row) in sheet.rows.iter().enumerate() {
        if at > 0 && writing.header_every.is_some_and(|every| at % every == 0) {
            lines.extend(sheet.head.iter().map(|line| line_of(line, writing)));
        }
        if at > 0 && writing.blank_every.is_some_and(|every| at % every == 0) {
            lines.push(String::new());
        }
        lines.push(line_of(row, writing));
    }
    lines.extend(sheet.below.iter().map(|line| line_of(line, writing)));
    let mut text = lines.join(writing.eol);
    if !writing.no_last_eol {
        text += writing.eol;
    }
    text
}

fn line_of(line: &Line, writing: &Writing) -> String {
    let fields = match line {
        Line::Raw(text) => return text.clone(),
        Line::Fields(fields) => fields,
    };
    let all = writing.quotes_all || writing.shape == Shape::Apogee;
    let quote = |field: &String| {
        let needs = field.contains([writing.delimiter, '"', '\n']) && !writing.never_quotes;
        if all || needs { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.clone() }
    };
    fields.iter().map(quote).collect::<Vec<_>>().join(&writing.delimiter.to_string())
}

/// Ends the text within the last row, behind its time and before its last cell: a row that lacks only the end of its
/// last cell looks whole.
fn cut(rng: &mut Rng, text: &mut String, writing: &Writing) {
    let row = text.trim_end().rfind(writing.eol).unwrap() + writing.eol.len();
    let first = text[row..].find(writing.delimiter).unwrap() + row;
    let last = text.rfind(writing.delimiter).unwrap();
    let mut at = first + rng.below(last - first + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    text.truncate(at);
}

fn bytes_of(text: &str, writing: &Writing, file: usize) -> Vec<u8> {
    let latin1 = |text: &str| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>();
    let utf16 = |bytes: fn(u16) -> [u8; 2]| {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>()
    };
    let mut bytes = match writing.encoding {
        Encoding::Utf8 | Encoding::Workbook | Encoding::WorkbookOfTexts => text.as_bytes().to_vec(),
        Encoding::Bom => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        Encoding::Utf16Le => utf16(u16::to_le_bytes),
        Encoding::Utf16Be => utf16(u16::to_be_bytes),
        Encoding::Latin1 => latin1(text),
        Encoding::Big5 => encoding_rs::BIG5.encode(text).0.into_owned(),
        Encoding::Mixed if file.is_multiple_of(2) => text.as_bytes().to_vec(),
        Encoding::Mixed => latin1(text),
    };
    match writing.damage {
        Damage::Nuls => bytes.extend([0; 512]),
        Damage::ForeignLine => bytes.extend(b"Au\xdfentemperatur in \xb0C\n"),
        Damage::None | Damage::Cut => {}
    }
    bytes
}

/// Lines above a table that look like data and are none.
pub(crate) fn preamble(original: &Original) -> Vec<Line> {
    let day = |at: i64| original.local(at).format("%Y-%m-%d").to_string();
    let (first, last) = (original.at_ms[0], original.at_ms[original.at_ms.len() - 1]);
    vec![
        fields(["Trend export of building 4"]),
        fields(["Generated".to_owned(), "2026-01-07 10:15:00".to_owned()]),
        fields(["Period".to_owned(), day(first), day(last)]),
        fields(["Rows".to_owned(), original.at_ms.len().to_string()]),
        Line::Raw(String::new()),
    ]
}

pub(crate) fn footer(writing: &Writing) -> Vec<Line> {
    match writing.foot {
        Foot::Prose => vec![
            Line::Raw(String::new()),
            fields(["End of report"]),
            fields(["Exported on 2026-01-07 10:15 by operator 7"]),
        ],
        _ => Vec::new(),
    }
}
