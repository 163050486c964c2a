//! The smallest `.xlsx`: one sheet, its texts in the cells, numbers as numbers, times as serial days with a date's format.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use chrono::{NaiveDate, NaiveDateTime};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::render::{Line, Sheet};
use super::writing::{Encoding, Writing};

const TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Trend" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const BOOK_RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>"#;

/// The file of a sheet.
pub(crate) fn bytes(sheet: &Sheet, writing: &Writing) -> Vec<u8> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let parts = [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", RELATIONS),
        ("xl/workbook.xml", BOOK),
        ("xl/_rels/workbook.xml.rels", BOOK_RELATIONS),
        ("xl/styles.xml", STYLES),
        ("xl/worksheets/sheet1.xml", &worksheet(sheet, writing)),
    ];
    for (name, text) in parts {
        file.start_file(name, SimpleFileOptions::default()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    file.finish().unwrap().into_inner()
}

fn worksheet(sheet: &Sheet, writing: &Writing) -> String {
    let mut text = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#
        .to_owned();
    let lines = [&sheet.above, &sheet.head, &sheet.rows, &sheet.below].into_iter().flatten();
    for (row, line) in lines.enumerate() {
        write!(text, r#"<row r="{}">"#, row + 1).unwrap();
        if let Line::Fields(fields) = line {
            for (column, field) in fields.iter().enumerate().filter(|(_, field)| !field.is_empty()) {
                let letter = |n: usize| char::from(b'A' + n as u8);
                let first = (column >= 26).then(|| letter(column / 26 - 1));
                let at = format!("{}{}{}", first.map_or(String::new(), String::from), letter(column % 26), row + 1);
                text += &cell(&at, field, writing.encoding == Encoding::WorkbookOfTexts);
            }
        }
        text += "</row>";
    }
    text + "</sheetData></worksheet>"
}

fn cell(at: &str, field: &str, only_texts: bool) -> String {
    match (NaiveDateTime::parse_from_str(field, "%Y-%m-%d %H:%M"), field.parse::<f64>()) {
        (Ok(time), _) if !only_texts => format!(r#"<c r="{at}" s="1"><v>{}</v></c>"#, serial_day(time)),
        (_, Ok(number)) if !only_texts && number.is_finite() => format!(r#"<c r="{at}"><v>{field}</v></c>"#),
        _ => {
            let field = field.replace('&', "&amp;").replace('<', "&lt;");
            format!(r#"<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{field}</t></is></c>"#)
        }
    }
}

fn serial_day(time: NaiveDateTime) -> f64 {
    let first = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap().and_hms_opt(0, 0, 0).unwrap();
    (time - first).num_seconds() as f64 / 86_400.0
}
