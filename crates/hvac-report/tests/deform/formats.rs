//! The samples of docs/FORMATS.md are read as the document says.
//!
//! A sample is a fenced block whose info string is `csv`, a file name and what is expected: `rows=`, `points=`, `format=`,
//! `first=` (time of the first row), `names=` and `last_row=` (parted by ` | `), or `refused=` (the code) and `says=` (words
//! of the message). Options of the parse stand there as well. `not_yet` marks what the reader does not do yet.

use std::collections::BTreeMap;
use std::path::Path;

use hvac_report::{DateOrder, Format, ReadOptions};
use polars::prelude::AnyValue;

use super::check::{Parsed, parse};
use super::original::utc;

struct Sample {
    line: usize,
    file: String,
    facts: BTreeMap<String, String>,
    text: String,
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FORMATS.md");
    std::fs::read_to_string(path).unwrap()
}

/// Words of an info string; what stands in quotes is one of them.
fn words(info: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in info.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn samples(document: &str) -> Vec<Sample> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut inside = false;
    for (at, line) in document.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(info) if info.starts_with("csv ") => {
                let words = words(info);
                let facts = words[2..].iter().map(|word| word.split_once('=').unwrap_or((word, "")));
                let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                samples.push(Sample { line: at + 1, file: words[1].clone(), facts, text: String::new() });
                inside = true;
            }
            _ if inside => samples.last_mut().unwrap().text += &format!("{line}\n"),
            _ => {}
        }
    }
    samples
}

impl Sample {
    fn options(&self) -> ReadOptions {
        let fact = |key: &str| self.facts.get(key);
        let number = |key: &str| fact(key).map(|text| text.parse().unwrap());
        let zone = fact("zone").map_or("Asia/Taipei", String::as_str).parse().unwrap();
        ReadOptions {
            zone_stated: fact("zone").is_some(),
            format: fact("asked").map(|format| match format.as_str() {
                "wide" => Format::Wide,
                "narrow" => Format::Narrow,
                other => panic!("{other}: name the format in this test"),
            }),
            date_order: fact("date_order").map(|order| match order.as_str() {
                "dmy" => DateOrder::Dmy,
                "mdy" => DateOrder::Mdy,
                _ => DateOrder::Ymd,
            }),
            decimal: fact("decimal").map(|mark| mark.parse().unwrap()),
            header_row: number("header_row"),
            skip_rows: number("skip_rows"),
            year: number("year").map(|year| year as i32),
            loss_words: fact("loss_words").map(|word| vec![word.clone()]).unwrap_or_default(),
            keep_bad_status: fact("keep_bad_status").is_some(),
            ..ReadOptions::of(zone)
        }
    }

    /// Where what happens is not what the document says.
    fn faults(&self) -> Vec<String> {
        let files = [(self.file.clone(), self.text.clone().into_bytes())];
        match (parse(&files, &self.options(), 1 << 30), self.facts.get("refused")) {
            (Err(errors), None) => vec![format!("refused: {}", errors[0].message)],
            (Ok(_), Some(code)) => vec![format!("read, and not refused as {code}")],
            (Err(errors), Some(code)) => {
                let says = self.facts.get("says").map_or("", String::as_str);
                let right = errors[0].code == code && errors[0].message.contains(says);
                if right { Vec::new() } else { vec![format!("{}: {}", errors[0].code, errors[0].message)] }
            }
            (Ok(parsed), None) => self.facts.iter().filter_map(|(key, right)| fault(key, right, &parsed)).collect(),
        }
    }
}

fn fault(key: &str, right: &str, parsed: &Parsed) -> Option<String> {
    let columns = &parsed.columns;
    let found = match key {
        "rows" => parsed.frame.height().to_string(),
        "points" => columns.len().to_string(),
        "format" => snake(&format!("{:?}", parsed.files.first()?.format.value)),
        "names" => columns.iter().map(|c| c.original_name.clone()).collect::<Vec<_>>().join(" | "),
        "units" => columns.iter().map(|c| c.unit.clone().unwrap_or("-".to_owned())).collect::<Vec<_>>().join(" | "),
        "kinds" => columns.iter().map(|c| snake(&format!("{:?}", c.kind))).collect::<Vec<_>>().join(" | "),
        "first" => {
            let times = parsed.frame.column("timestamp").unwrap().datetime().unwrap();
            utc(times.physical().get(0)?).format("%Y-%m-%dT%H:%M:%SZ").to_string()
        }
        "last_row" => {
            let cell = |name: &str| match parsed.frame.column(name).unwrap().get(parsed.frame.height() - 1).unwrap() {
                AnyValue::Null => "null".to_owned(),
                AnyValue::Float64(value) => value.to_string(),
                AnyValue::String(text) => text.to_owned(),
                other => format!("{other:?}"),
            };
            columns.iter().map(|c| cell(&c.name)).collect::<Vec<_>>().join(" | ")
        }
        _ => return None,
    };
    (found != right).then(|| format!("{key} {found}, and the document says {right}"))
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[test]
fn samples_of_the_document_are_read_as_it_says() {
    let samples = samples(&document());
    assert!(samples.len() > 10, "the samples were not found");
    let mut faults = Vec::new();
    for sample in &samples {
        let found = sample.faults();
        match sample.facts.contains_key("not_yet") {
            true if found.is_empty() => {
                println!("line {}, {}: is read now, take not_yet off", sample.line, sample.file)
            }
            true => println!("line {}, {}: not yet: {found:?}", sample.line, sample.file),
            false => faults.extend(found.iter().map(|f| format!("line {}, {}: {f}", sample.line, sample.file))),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A wrong sample would be noticed.
#[test]
fn a_wrong_sample_is_caught() {
    let text = "```csv a.csv rows=2 points=1 names=\"x y\" last_row=2\ntime,x y\n2024-01-01 00:00,1\n2024-01-01 00:15,2\n```\n";
    assert_eq!(samples(text)[0].faults(), Vec::<String>::new());
    for (right, wrong) in
        [("rows=2", "rows=3"), ("x y\" ", "x\" "), ("last_row=2", "last_row=null"), ("rows=2", "refused=no_header")]
    {
        assert_eq!(samples(&text.replacen(right, wrong, 1))[0].faults().len(), 1, "{wrong}");
    }
}
