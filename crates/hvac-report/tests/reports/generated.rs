//! Laws that hold for every table: what was printed is read back, and every cell is accounted for.

use std::fmt::Write;

use hvac_report::Format;
use proptest::prelude::*;

use super::*;

/// A cell as it is printed, and what must come out.
#[derive(Debug, Clone)]
enum Printed {
    Number(f64),
    Text(String),
    Lost(&'static str, NullReason),
}

fn cell() -> impl Strategy<Value = Printed> {
    let markers = [
        ("No Data", NullReason::NoData),
        ("Data Loss", NullReason::DataLoss),
        ("TIME (-1)", NullReason::TimeError),
        ("TIME (42)", NullReason::TimeError),
        ("?", NullReason::UnknownMarker),
        ("---", NullReason::UnknownMarker),
        ("#VALUE!", NullReason::SpreadsheetError),
        ("NaN", NullReason::NotFinite),
        ("", NullReason::Empty),
    ];
    prop_oneof![
        4 => any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Printed::Number),
        4 => (-999_999i64..999_999, 0u32..4).prop_map(|(n, digits)| Printed::Number(n as f64 / 10f64.powi(digits as i32))),
        3 => prop::sample::select(markers.to_vec()).prop_map(|(text, reason)| Printed::Lost(text, reason)),
        // A letter first, and none of the letters that markers, numbers and units are made of.
        2 => "[Q-Z][g-j,;\"\n 溫°]{0,6}[xyz]".prop_map(Printed::Text),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Print {
    eol: &'static str,
    delimiter: char,
    quote_all: bool,
    leading_blank: bool,
    final_eol: bool,
}

fn print() -> impl Strategy<Value = Print> {
    let eols = prop::sample::select(vec!["\r\n", "\n", "\r"]);
    let delimiters = prop::sample::select(vec![',', ';', '\t', '|']);
    (eols, delimiters, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(eol, delimiter, quote_all, leading_blank, final_eol)| Print {
            eol,
            delimiter,
            quote_all,
            leading_blank,
            final_eol,
        },
    )
}

impl Print {
    fn field(&self, text: &str) -> String {
        let special = text.contains([self.delimiter, '"', '\n', '\r']);
        if self.quote_all || special { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    }

    fn cell(&self, cell: &Printed) -> String {
        match cell {
            Printed::Number(value) if *value < 0.0 && self.leading_blank => self.field(&format!(" {value}")),
            Printed::Number(value) => self.field(&value.to_string()),
            // A line end within a field is whatever ends lines.
            Printed::Text(text) => self.field(&text.replace('\n', self.eol)),
            Printed::Lost(text, _) => self.field(text),
        }
    }

    fn table(&self, rows: &[Vec<Printed>], apogee: bool) -> String {
        let (mut text, width) = (String::new(), rows[0].len());
        let mut line = |fields: Vec<String>| {
            let _ = write!(text, "{}{}", fields.join(&self.delimiter.to_string()), self.eol);
        };
        let point = |i: usize| format!("Point_{}", i + 1);
        if apogee {
            for i in 0..width {
                line(vec![
                    self.field(&format!("{}:", point(i))),
                    self.field(&format!("AH-{i}.T")),
                    self.field(""),
                    self.field("5 minutes"),
                ]);
            }
            line(vec![self.field("")]);
        }
        let times = if apogee { vec!["<>Date", "Time"] } else { vec!["Time"] };
        line(times.into_iter().map(str::to_owned).chain((0..width).map(point)).map(|name| self.field(&name)).collect());
        for (index, row) in rows.iter().enumerate() {
            let (day, hour) = (index / 24 + 1, index % 24);
            let clock = format!("{hour:02}:00:00");
            let times =
                if apogee { vec![format!("2024/1/{day}"), clock] } else { vec![format!("2024-01-{day:02} {clock}")] };
            let times = times.into_iter().map(|time| self.field(&time));
            line(times.chain(row.iter().map(|cell| self.cell(cell))).collect());
        }
        if apogee {
            let _ = write!(text, "\" **** End of Report ****\"{}", self.eol);
        }
        if !self.final_eol {
            text.truncate(text.len() - self.eol.len());
        }
        text
    }
}

fn table() -> impl Strategy<Value = Vec<Vec<Printed>>> {
    (1usize..6).prop_flat_map(|width| prop::collection::vec(prop::collection::vec(cell(), width), 1..40))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_printed_is_read_back(rows in table(), print in print(), apogee: bool) {
        let text = print.table(&rows, apogee);
        let mut told = options("Asia/Taipei");
        told.delimiter = Some(print.delimiter);
        told.format = Some(if apogee { Format::Apogee } else { Format::Wide });
        // Random numbers do not run on: where they may be thousands, the reader asks.
        let point = ReadOptions { decimal: Some('.'), ..told.clone() };
        let asked = |error: ReadError| match error.code {
            "ambiguous_decimal" => read("r.csv", text.as_bytes(), &point),
            _ => Err(error),
        };
        let (plan, segments) = read("r.csv", text.as_bytes(), &told)
            .or_else(asked)
            .map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        prop_assert_eq!(plan.rows, rows.len() as u64, "{}", text);
        let first = 1_704_038_400_000; // 2024-01-01 00:00 in Taipei
        let mut at_row = 0;
        for segment in &segments {
            for (row, at) in segment.at_ms.iter().enumerate() {
                prop_assert_eq!(*at, first + at_row as i64 * 3_600_000);
                for (index, printed) in rows[at_row].iter().enumerate() {
                    let (value, code) = (segment.columns[index].values[row], segment.columns[index].codes[row]);
                    match printed {
                        Printed::Number(expected) => prop_assert_eq!((value.to_bits(), code), (expected.to_bits(), VALUE), "{}", expected),
                        Printed::Lost(text, reason) => prop_assert_eq!(code, *reason as u8, "{}", text),
                        Printed::Text(expected) => {
                            prop_assert_eq!(code, TEXT, "{:?}", expected);
                            let expected = expected.replace('\n', print.eol);
                            prop_assert_eq!(&plan.points[index].tokens[value as usize].0, &expected);
                        }
                    }
                }
                at_row += 1;
            }
        }
    }

    /// Whatever the bytes: an answer or a refusal in words, and every cell of every kept row accounted for.
    #[test]
    fn no_bytes_break_it(head in prop::sample::select(vec!["", "Time,A,B\n2024-01-01 00:00,1,2\n", "\"Point_1:\",\"A\",\"\",\"COV\"\r\n\"<>Date\",\"Time\",\"Point_1\"\r\n", "time,point,value\n2024-01-01,A,1\n"]),
                         tail in prop::collection::vec(prop::sample::select(b"\"\",,;\t|\r\n\n -+.:/0123456789TZapmNoD\xa4\xe9\xff<>\x00".to_vec()), 0..300)) {
        let bytes = [head.as_bytes(), &tail].concat();
        if let Ok((plan, segments)) = read("r.csv", &bytes, &options("America/New_York")) {
            let (numbers, texts, nulls) = tally(&segments);
            if plan.format.value != Format::Narrow {
                let cells = plan.rows * plan.points.len() as u64;
                prop_assert_eq!(numbers + texts + nulls.values().sum::<u64>(), cells);
            }
            prop_assert_eq!(numbers, plan.points.iter().map(|point| point.numbers).sum::<u64>());
            prop_assert_eq!(texts, plan.points.iter().flat_map(|point| &point.tokens).map(|(_, n)| n).sum::<u64>());
        }
    }
}

/// Several chunks, each read again exactly as it came: tokens, units, the repeated hour, rows out of order.
#[test]
fn chunks_are_read_again_as_they_came() {
    let mut text = String::from("Time,A,B,C\n");
    let pad = "x".repeat(1_000);
    // Minutes around the hour that New York had twice, again and again, in rows of about 1 KiB.
    for i in 0..14_000u32 {
        let minute = i % 240;
        let clock = if minute < 120 { minute } else { minute - 60 };
        let unit = if i > 6_000 { " C" } else { "" };
        let _ =
            writeln!(text, "2024-11-03 {:02}:{:02},{i}{unit},state {},{}{pad}", clock / 60, clock % 60, i % 97, i % 3);
    }
    let (plan, segments) = read("r.csv", text.as_bytes(), &options("America/New_York")).unwrap();
    assert!(segments.len() > 3, "{} chunks", segments.len());
    assert_eq!((plan.rows, plan.points[1].tokens.len(), plan.points[2].tokens.len()), (14_000, 97, 3));
    let (numbers, texts, _) = tally(&segments);
    assert_eq!((numbers, texts), (14_000, 28_000));
    // Of each 240 rows, 120 lie in the hour that comes twice.
    let expected = 14_000 / 240 * 120 + 14_000 % 240 - 60;
    assert_eq!(warned(&plan)[0], ("repeated_hour", Some(62), expected));
}

/// A narrow report whose later points are unknown while its first chunk is read.
#[test]
fn narrow_chunks_are_read_again_as_they_came() {
    let mut text = String::from("time,point,value\n");
    for point in 0..40 {
        for i in 0..5_000u32 {
            let _ = writeln!(
                text,
                "2024-01-{:02} {:02}:{:02},P{point},{}",
                i / 1440 + 1,
                i / 60 % 24,
                i % 60,
                if i % 5 == 0 { "ON".to_owned() } else { i.to_string() }
            );
        }
    }
    let (plan, segments) = read("r.csv", text.as_bytes(), &options("UTC")).unwrap();
    assert!(segments.len() > 1, "{} chunks", segments.len());
    assert_eq!((plan.points.len(), plan.rows, plan.out_of_order_rows), (40, 200_000, 0));
    let (numbers, texts, _) = tally(&segments);
    assert_eq!((numbers, texts), (160_000, 40_000));
}
