//! What a plant with faults recorded, as reports: Siemens trend reports by the month, or one table a group of points
//! with ISO times and units in brackets.

use chrono::{Datelike, NaiveDate, NaiveDateTime};

use super::instruments::{Readings, TrendedPoint};
use super::measurands::Dimension;
use super::plants::Style;
use super::report;
use super::scenario::Record;
use super::sensors::Reading;
use super::trends::Report;

impl Record {
    /// The reports, in the order of their names' groups and times.
    pub fn reports(&self) -> impl Iterator<Item = Report> {
        let mut files: Vec<&str> = self.columns.iter().map(|column| column.point.file).collect();
        files.sort_unstable();
        files.dedup();
        files.into_iter().flat_map(|file| {
            let columns: Vec<&Readings> = self.columns.iter().filter(|column| column.point.file == file).collect();
            match self.setting.plant.style {
                Style::Apogee => {
                    self.months().into_iter().map(|rows| self.trend_report(file, &columns, rows)).collect()
                }
                Style::Metric | Style::Us => vec![self.table(file, &columns)],
            }
        })
    }

    /// Rows of each calendar month.
    fn months(&self) -> Vec<std::ops::Range<usize>> {
        let month = |at: &NaiveDateTime| (at.year(), at.month());
        let mut first = 0;
        let parts = self.times.chunk_by(|a, b| month(a) == month(b));
        parts
            .map(|part| {
                let rows = first..first + part.len();
                first = rows.end;
                rows
            })
            .collect()
    }

    fn trend_report(&self, file: &str, columns: &[&Readings], rows: std::ops::Range<usize>) -> Report {
        let step_minutes = self.setting.step_minutes;
        let definitions: Vec<String> = columns.iter().map(|c| c.point.trend_definition(step_minutes)).collect();
        let points =
            columns.iter().zip(&definitions).map(|(c, definition)| (c.point.name.as_str(), definition.as_str()));
        let times = self.times.get(rows.clone()).unwrap_or_default();
        let day = |at: Option<&NaiveDateTime>| at.map_or(NaiveDate::MIN, |at| at.date());
        let (from, until) = (day(times.first()), day(times.last()));
        let mut bytes = Vec::new();
        report::begin(&mut bytes, points, step_minutes, from, until);
        for (row, at) in rows.zip(times) {
            report::row(&mut bytes, *at, columns.iter().map(|column| reading(&column.point, column.values.get(row))));
        }
        report::end(&mut bytes);
        let name = self.setting.plant.name.to_uppercase();
        let (from, until) = (from.format("%y%m%d"), until.format("%y%m%d"));
        Report { file_name: format!("TR_{name}_{file}_{from}-{until}.csv"), rows: times.len() as u64, bytes }
    }

    fn table(&self, file: &str, columns: &[&Readings]) -> Report {
        let mut text = String::from("Timestamp");
        for Readings { point, .. } in columns {
            text.push(',');
            text.push_str(&point.name);
            if !point.unit.is_empty() {
                text.push_str(&format!(" ({})", point.unit));
            }
        }
        text.push('\n');
        for (row, at) in self.times.iter().enumerate() {
            text.push_str(&at.format("%Y-%m-%d %H:%M:%S").to_string());
            for column in columns {
                text.push(',');
                let value = column.values.get(row).copied().unwrap_or(f64::NAN);
                match column.point.measurand.dimension() {
                    _ if value.is_nan() => {}
                    Dimension::State => text.push_str(if value > 0.5 { "ON" } else { "OFF" }),
                    _ => text.push_str(&format!("{value:.*}", usize::from(column.point.decimals))),
                }
            }
            text.push('\n');
        }
        let file_name = format!("{}_{}.csv", self.setting.plant.name, file.to_lowercase());
        Report { file_name, rows: self.times.len() as u64, bytes: text.into_bytes() }
    }
}

/// A value as a Siemens report prints it.
fn reading(point: &TrendedPoint, value: Option<&f64>) -> Reading {
    let Some(value) = value.filter(|value| !value.is_nan()) else { return Reading::Marker("Data Loss") };
    if point.measurand.dimension() == Dimension::State {
        return Reading::State(*value > 0.5);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates, and readings are small")]
    let digits = (value * 10_f64.powi(i32::from(point.decimals))).round() as i64;
    Reading::Number { digits, decimals: point.decimals }
}
