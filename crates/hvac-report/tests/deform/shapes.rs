//! Where times, names and cells stand: one function a shape.

use super::original::{Cell, Original, Point, utc};
use super::render::{Line, Sheet, Want, Wanted, WantedPoint, WrittenCell, fields, footer, number, preamble};
use super::stamps;
use super::writing::{Dates, Files, Foot, Head, Shape, Status, Units, Writing};

const NOT_COVERED: Want = Want::Null(&["NotCovered"]);

/// Everything that a shape is made from.
struct Content<'c> {
    original: &'c Original,
    writing: &'c Writing,
    /// By point, then by row.
    cells: &'c [Vec<WrittenCell>],
}

/// The files; `rows` are those of each file in their order.
pub(crate) fn sheets(
    original: &Original,
    writing: &Writing,
    cells: &[Vec<WrittenCell>],
    rows: &[Vec<usize>],
    wanted: &mut Wanted,
) -> Vec<Sheet> {
    let content = Content { original, writing, cells };
    let all: Vec<usize> = (0..original.points.len()).collect();
    let mut sheets: Vec<Sheet> = match writing.shape {
        Shape::Wide if writing.files == Files::Points => {
            let (a, b) = all.split_at(all.len() / 2);
            [a, b].into_iter().map(|points| content.wide(points, &rows[0], wanted)).collect()
        }
        Shape::Wide => rows.iter().map(|rows| content.wide(&all, rows, wanted)).collect(),
        Shape::Long => rows.iter().map(|rows| content.long(rows, wanted)).collect(),
        Shape::Dimensions => rows.iter().map(|rows| content.dimensions(rows, wanted)).collect(),
        Shape::Influx => rows.iter().map(|rows| content.influx(rows, wanted)).collect(),
        Shape::HomeAssistant => rows.iter().map(|rows| content.home_assistant(rows, wanted)).collect(),
        Shape::TimePerPoint => vec![content.time_per_point(wanted)],
        Shape::FilePerPoint => all.iter().map(|point| content.file_per_point(*point)).collect(),
        Shape::DayPerRow => vec![content.day_per_row(wanted)],
        Shape::DayPerColumn => vec![turned_round(content.day_per_row(wanted))],
        Shape::Apogee => rows.iter().map(|rows| content.apogee(rows, wanted)).collect(),
        Shape::Toa5 => rows.iter().map(|rows| content.toa5(rows)).collect(),
    };
    let several = sheets.len() > 1;
    for (at, sheet) in sheets.iter_mut().enumerate() {
        if sheet.name.is_empty() {
            sheet.name = if several { format!("report {}.csv", at + 1) } else { "report.csv".to_owned() };
        }
        if writing.preamble {
            sheet.above = preamble(original);
        }
        sheet.below.extend(footer(writing));
    }
    sheets
}

/// A point's name with its unit.
fn named(name: String, unit: Option<&str>, units: Units) -> String {
    match (units, unit) {
        (Units::Brackets, Some(unit)) => format!("{name} [{unit}]"),
        (Units::Parens, Some(unit)) => format!("{name} ({unit})"),
        (Units::Comma, Some(unit)) => format!("{name}, {unit}"),
        _ => name,
    }
}

fn description(point: &Point) -> &'static str {
    match point.quantity {
        "ZN-T" => "Zone temperature",
        "KW" => "Electric power",
        "S" => "Run state",
        _ => "As commissioned",
    }
}

impl Content<'_> {
    fn stamp(&self, row: usize) -> Vec<String> {
        stamps::fields(self.original, self.writing, self.original.at_ms[row])
    }

    fn text(&self, point: usize, row: usize) -> String {
        self.cells[point][row].text.clone()
    }

    fn point(&self, point: usize) -> &Point {
        &self.original.points[point]
    }

    fn wide(&self, points: &[usize], rows: &[usize], wanted: &mut Wanted) -> Sheet {
        let writing = self.writing;
        let times = stamps::names(self.original, writing);
        let blank = || vec![String::new(); times.len()];
        let per_row = writing.status == Status::PerRow;
        let around = |mut line: Vec<String>, index: String, verdict: &str, cells: Vec<String>| {
            if per_row {
                line.push(verdict.to_owned());
            }
            line.extend(cells);
            if writing.index_column {
                line.insert(0, index);
            }
            if writing.trailing_column {
                line.push(String::new());
            }
            Line::Fields(line)
        };
        let beside = |text: &dyn Fn(usize) -> String, verdict: &dyn Fn(usize) -> String| -> Vec<String> {
            let per_point = writing.status == Status::PerPoint;
            points.iter().flat_map(|at| [Some(text(*at)), per_point.then(|| verdict(*at))]).flatten().collect()
        };
        let none = |_: usize| String::new();
        let unit = |at: usize| self.point(at).unit.unwrap_or_default().to_owned();
        let mut sheet = Sheet::default();
        let mut head = |line: Vec<String>, verdict: &str, cells: Vec<String>| {
            sheet.head.push(around(line, String::new(), verdict, cells));
        };
        match writing.head {
            Head::Groups => {
                let machine = |at: usize| {
                    let before = points.iter().position(|other| *other == at).and_then(|i| i.checked_sub(1));
                    let same = before.is_some_and(|i| self.point(points[i]).equip == self.point(at).equip);
                    if same { String::new() } else { self.point(at).equip.to_owned() }
                };
                head(times.clone(), "Status", beside(&machine, &none));
                let quantity =
                    |at: usize| named(self.point(at).quantity.to_owned(), self.point(at).unit, writing.units);
                for at in points {
                    wanted.points[*at].names.push(named(self.point(*at).name(), self.point(*at).unit, writing.units));
                }
                head(blank(), "", beside(&quantity, &none));
            }
            Head::One | Head::Descriptions => {
                if writing.units == Units::Above {
                    head(blank(), "", beside(&unit, &none));
                }
                let name = |at: usize| named(self.point(at).name(), self.point(at).unit, writing.units);
                for at in points {
                    wanted.points[*at].names.push(name(*at));
                }
                head(times.clone(), "Status", beside(&name, &|at| format!("{} Status", self.point(at).name())));
            }
        }
        if writing.head == Head::Descriptions {
            let say = |at: usize| description(self.point(at)).to_owned();
            for at in points {
                wanted.points[*at].names.push(format!("{} {}", self.point(*at).name(), say(*at)));
                no_longer_says_register(&mut wanted.points[*at]);
            }
            head(blank(), "", beside(&say, &none));
        }
        if writing.units == Units::Below {
            head(blank(), "", beside(&unit, &none));
        }
        for (number, row) in rows.iter().enumerate() {
            let cells = beside(&|at| self.text(at, *row), &|at| self.cells[at][*row].status.to_owned());
            sheet.rows.push(around(self.stamp(*row), number.to_string(), "ok", cells));
        }
        if matches!(writing.foot, Foot::Total | Foot::PeriodTotal) {
            let sums = beside(&|at| self.sum(at, rows), &none);
            let label = if writing.foot == Foot::Total {
                let mut label = blank();
                label[0] = "Total".to_owned();
                label
            } else {
                let (first, last) = (self.stamp(rows[0]), self.stamp(rows[rows.len() - 1]));
                vec![first[0].clone(), last[1].clone()]
            };
            sheet.below.push(around(label, String::new(), "", sums));
        }
        sheet
    }

    /// Of the numbers of a point.
    fn sum(&self, point: usize, rows: &[usize]) -> String {
        let mut sum = None;
        let mut most = 0;
        for row in rows {
            if let Cell::Number { count, decimals } = self.point(point).cells[*row] {
                sum = Some(sum.unwrap_or(0) + count);
                most = decimals;
            }
        }
        sum.map(|sum| number(sum, most, self.writing.decimal, self.writing.thousands)).unwrap_or_default()
    }

    /// Rows and points, row by row.
    fn each<'s>(&'s self, rows: &'s [usize]) -> impl Iterator<Item = (usize, usize)> + 's {
        rows.iter().flat_map(|row| (0..self.original.points.len()).map(|point| (*row, point)))
    }

    fn without_units(&self, wanted: &mut Wanted) {
        for (want, point) in wanted.points.iter_mut().zip(&self.original.points) {
            want.units = point.units_of_name();
        }
    }

    fn long(&self, rows: &[usize], wanted: &mut Wanted) -> Sheet {
        self.without_units(wanted);
        let mut head = stamps::names(self.original, self.writing);
        head.extend(["Point".to_owned(), "Value".to_owned()]);
        let line = |(row, point): (usize, usize)| {
            let mut line = self.stamp(row);
            line.extend([self.point(point).name(), self.text(point, row)]);
            Line::Fields(line)
        };
        Sheet { head: vec![Line::Fields(head)], rows: self.each(rows).map(line).collect(), ..Sheet::default() }
    }

    fn dimensions(&self, rows: &[usize], wanted: &mut Wanted) -> Sheet {
        let alone =
            |point: &Point| self.original.points.iter().filter(|other| other.quantity == point.quantity).count() == 1;
        for (want, point) in wanted.points.iter_mut().zip(&self.original.points) {
            want.names.extend(alone(point).then(|| point.quantity.to_owned()));
        }
        let mut head: Vec<String> = ["site", "equip", "point", "unit", "value", "status"].map(str::to_owned).to_vec();
        head.extend(stamps::names(self.original, self.writing));
        let line = |(row, at): (usize, usize)| {
            let point = self.point(at);
            let unit = point.unit.unwrap_or_default();
            let mut line: Vec<String> = ["HQ", point.equip, point.quantity, unit].map(str::to_owned).to_vec();
            line.extend([self.text(at, row), "ok".to_owned()]);
            line.extend(self.stamp(row));
            Line::Fields(line)
        };
        Sheet { head: vec![Line::Fields(head)], rows: self.each(rows).map(line).collect(), ..Sheet::default() }
    }

    fn influx(&self, rows: &[usize], wanted: &mut Wanted) -> Sheet {
        self.without_units(wanted);
        let alone =
            |at: usize| self.original.points.iter().filter(|p| p.quantity == self.point(at).quantity).count() == 1;
        for (at, want) in wanted.points.iter_mut().enumerate() {
            let point = self.point(at);
            want.names.push(format!("{} {}", point.quantity, point.equip));
            no_longer_says_register(want);
            want.names.extend(alone(at).then(|| point.quantity.to_owned()));
            want.cells.iter_mut().filter(|cell| matches!(cell, Want::Null(_))).for_each(|cell| *cell = NOT_COVERED);
        }
        drop_empty_times(wanted);
        let mut sheet = Sheet {
            head: [
                "#datatype,string,long,dateTime:RFC3339,double,string,string",
                "#group,false,false,false,false,true,true",
                "#default,_result,,,,,",
                ",result,table,_time,_value,_field,_measurement",
            ]
            .iter()
            .map(|line| fields(line.split(',')))
            .collect(),
            ..Sheet::default()
        };
        for at in 0..self.original.points.len() {
            let point = self.point(at);
            for row in rows.iter().filter(|row| matches!(point.cells[**row], Cell::Number { .. })) {
                let time = utc(self.original.at_ms[*row]).format("%Y-%m-%dT%H:%M:%SZ").to_string();
                let table = at.to_string();
                sheet.rows.push(fields(["", "", &table, &time, &self.text(at, *row), point.quantity, point.equip]));
            }
        }
        sheet
    }

    fn home_assistant(&self, rows: &[usize], wanted: &mut Wanted) -> Sheet {
        self.without_units(wanted);
        let entity = |point: &Point| {
            let name = point.name().to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_");
            format!("sensor.{name}")
        };
        for (want, point) in wanted.points.iter_mut().zip(&self.original.points) {
            want.names = vec![entity(point)];
        }
        let line = |(row, at): (usize, usize)| {
            let time = utc(self.original.at_ms[row]).format("%Y-%m-%dT%H:%M:%S.000Z").to_string();
            fields([entity(self.point(at)), self.text(at, row), time])
        };
        Sheet {
            head: vec![fields(["entity_id", "state", "last_changed"])],
            rows: self.each(rows).map(line).collect(),
            ..Sheet::default()
        }
    }

    /// Each point begins a few rows later than the one before it, so that a row's times differ.
    fn time_per_point(&self, wanted: &mut Wanted) -> Sheet {
        let rows = self.original.at_ms.len();
        let mut sheet = Sheet::default();
        let mut head = Vec::new();
        for (at, want) in wanted.points.iter_mut().enumerate() {
            let name = self.point(at).name();
            want.names.push(named(name.clone(), self.point(at).unit, self.writing.units));
            want.names.push(format!("{name} Value"));
            head.push(format!("{name} Time"));
            head.push(named(name, self.point(at).unit, self.writing.units));
            want.cells.iter_mut().take(at).for_each(|cell| *cell = NOT_COVERED);
        }
        sheet.head.push(Line::Fields(head));
        for row in 0..rows {
            let pair = |at: usize| match row + at {
                row if row < rows => [self.stamp(row).remove(0), self.text(at, row)],
                _ => [String::new(), String::new()],
            };
            sheet.rows.push(fields((0..self.original.points.len()).flat_map(pair)));
        }
        sheet
    }

    fn file_per_point(&self, at: usize) -> Sheet {
        let point = self.point(at);
        let mut head = stamps::names(self.original, self.writing);
        head.push(named("Value".to_owned(), point.unit, self.writing.units));
        let line = |row: usize| {
            let mut line = self.stamp(row);
            line.push(self.text(at, row));
            Line::Fields(line)
        };
        Sheet {
            name: format!("{}.csv", point.name()),
            head: vec![Line::Fields(head)],
            rows: (0..self.original.at_ms.len()).map(line).collect(),
            ..Sheet::default()
        }
    }

    fn day_per_row(&self, wanted: &mut Wanted) -> Sheet {
        self.without_units(wanted);
        wanted.may_add_empty_times = true;
        let (original, day_s) = (self.original, 86_400);
        let local_s = |at: i64| at / 1000 + original.offset_s(at);
        let mut head = vec!["Date".to_owned()];
        let slots = day_s / original.step_s;
        head.extend((0..slots).map(|slot| {
            let minute = slot * original.step_s / 60;
            format!("{:02}:{:02}", minute / 60, minute % 60)
        }));
        let mut sheet =
            Sheet { name: format!("{}.csv", self.point(0).name()), head: vec![Line::Fields(head)], ..Sheet::default() };
        let mut days: Vec<(i64, Vec<String>)> = Vec::new();
        for (row, at) in original.at_ms.iter().enumerate() {
            let day = local_s(*at).div_euclid(day_s);
            if days.last().is_none_or(|(last, _)| *last != day) {
                let mut line = vec![String::new(); slots as usize + 1];
                line[0] = stamps::date(self.writing.dates, original.local(*at));
                days.push((day, line));
            }
            let slot = local_s(*at).rem_euclid(day_s) / original.step_s;
            days.last_mut().unwrap().1[slot as usize + 1] = self.text(0, row);
        }
        sheet.rows = days.into_iter().map(|(_, line)| Line::Fields(line)).collect();
        // An empty cell of this shape is not told from a quarter that was never recorded.
        for cell in &mut wanted.points[0].cells {
            if *cell == Want::Null(&["Empty"]) {
                *cell = Want::Null(&["Empty", "NotCovered"]);
            }
        }
        sheet
    }

    fn apogee(&self, rows: &[usize], wanted: &mut Wanted) -> Sheet {
        self.without_units(wanted);
        let mut sheet = Sheet::default();
        let key = "Key            Name:Suffix                                Trend Definitions Used";
        sheet.above.push(fields([key]));
        let mut head = vec!["<>Date".to_owned(), "Time".to_owned()];
        for (at, point) in self.original.points.iter().enumerate() {
            let number = at + 1;
            let every = format!("{} minutes", self.original.step_s / 60);
            sheet.above.push(fields([format!("Point_{number}:"), point.name(), String::new(), every]));
            head.push(format!("Point_{number}"));
        }
        sheet.above.push(fields(["Time Interval:".to_owned(), format!("{} Minutes", self.original.step_s / 60)]));
        sheet.above.push(fields([""]));
        sheet.head.push(Line::Fields(head));
        for row in rows {
            let local = self.original.local(self.original.at_ms[*row]);
            let mut line = vec![stamps::date(Dates::Slash, local), local.format("%H:%M:%S").to_string()];
            line.extend((0..self.original.points.len()).map(|at| self.text(at, *row)));
            sheet.rows.push(Line::Fields(line));
        }
        let end = " ******************************** End of Report *********************************";
        sheet.below.push(fields([end]));
        sheet
    }

    fn toa5(&self, rows: &[usize]) -> Sheet {
        let mut sheet = Sheet::default();
        sheet.head.push(fields([
            "TOA5",
            "roof",
            "CR1000X",
            "1234",
            "CR1000X.Std.05",
            "CPU:hvac.CR1X",
            "4711",
            "Table1",
        ]));
        let columns = |first: [&str; 2], of: &dyn Fn(&Point) -> String| {
            let first = first.map(str::to_owned).into_iter();
            Line::Fields(first.chain(self.original.points.iter().map(of)).collect())
        };
        sheet.head.push(columns(["TIMESTAMP", "RECORD"], &Point::name));
        sheet.head.push(columns(["TS", "RN"], &|point| point.unit.unwrap_or_default().to_owned()));
        sheet.head.push(columns(["", ""], &|_| "Smp".to_owned()));
        for (number, row) in rows.iter().enumerate() {
            let local = self.original.local(self.original.at_ms[*row]);
            let mut line = vec![local.format("%Y-%m-%d %H:%M:%S").to_string(), number.to_string()];
            line.extend((0..self.original.points.len()).map(|at| self.text(at, *row)));
            sheet.rows.push(Line::Fields(line));
        }
        sheet
    }
}

/// A short register is told by a name that ends in its unit: this one does not any more.
/// Rows for columns.
fn turned_round(sheet: Sheet) -> Sheet {
    let fields = |line: Line| match line {
        Line::Fields(fields) => fields,
        _ => panic!("a line of such a sheet has fields"),
    };
    let lines: Vec<Vec<String>> = sheet.head.into_iter().chain(sheet.rows).map(fields).collect();
    let turned = |at: usize| Line::Fields(lines.iter().map(|line| line[at].clone()).collect());
    let mut turned: Vec<Line> = (0..lines[0].len()).map(turned).collect();
    let rows = turned.split_off(1);
    Sheet { name: sheet.name, head: turned, rows, ..Sheet::default() }
}

fn no_longer_says_register(want: &mut WantedPoint) {
    if want.kinds == ["Counter"] {
        want.kinds = &["Counter", "Instantaneous"];
    }
}

/// Takes out the times at which no point has a cell.
fn drop_empty_times(wanted: &mut Wanted) {
    let covered = |row: usize| wanted.points.iter().any(|point| point.cells[row] != NOT_COVERED);
    let keep: Vec<bool> = (0..wanted.at_ms.len()).map(covered).collect();
    let mut at = keep.iter();
    wanted.at_ms.retain(|_| *at.next().unwrap());
    for point in &mut wanted.points {
        let mut at = keep.iter();
        point.cells.retain(|_| *at.next().unwrap());
    }
}
