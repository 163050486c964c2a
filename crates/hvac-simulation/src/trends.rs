//! A building automation system that prints trend reports: point groups × consecutive ranges of dates.
//!
//! Reports come one by one, each as soon as its last row is known; what is in memory is one open report a
//! group, never the job.

use std::collections::VecDeque;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta};

use super::report;
use super::rng::Rng;
use super::sensors::{Fault, Instrument, Point, random_losses};
use super::site::{Site, SiteSpec};

/// How many days a report covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// So many, counted from the first.
    Days(u32),
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// Points that are printed together.
#[derive(Debug, Clone)]
pub struct Group {
    /// In its reports' names.
    pub name: String,
    /// Its columns.
    pub points: Vec<Point>,
    /// How long its reports are.
    pub span: Span,
}

/// A printed report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// `TR_{site}_{group}_{yymmdd}-{yymmdd}.csv`.
    pub file_name: String,
    /// Rows, without key, header and footer.
    pub rows: u64,
    /// All its bytes.
    pub bytes: Vec<u8>,
}

/// A fault that a report shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The point's name.
    pub point: String,
    /// What is wrong with it, since when, and for how many rows.
    pub fault: Fault,
    /// Local time of the first row concerned.
    pub first_at: NaiveDateTime,
    /// Local time of the last row concerned.
    pub last_at: NaiveDateTime,
}

/// The reports of one site, as an iterator.
pub struct Trends {
    site_name: String,
    spec: SiteSpec,
    site: Site,
    last_day: NaiveDate,
    groups: Vec<OpenGroup>,
    ready: VecDeque<Report>,
    truth: Vec<Truth>,
}

struct OpenGroup {
    name: String,
    span: Span,
    instruments: Vec<Instrument>,
    open: Option<OpenReport>,
}

struct OpenReport {
    from: NaiveDate,
    until: NaiveDate,
    rows: u64,
    bytes: Vec<u8>,
}

impl Trends {
    /// The reports of a site: `faults_of` schedules the faults of each point.
    pub fn new(
        site_name: &str,
        spec: SiteSpec,
        groups: Vec<Group>,
        mut faults_of: impl FnMut(&Point) -> Vec<Fault>,
    ) -> Self {
        let at = |row: u64| {
            let minutes = i64::from(spec.step_minutes).saturating_mul(i64::try_from(row).unwrap_or(i64::MAX));
            TimeDelta::try_minutes(minutes).and_then(|delta| spec.start.checked_add_signed(delta))
        };
        let last_day = at(spec.steps.saturating_sub(1)).unwrap_or(spec.start).date();
        let mut truth = Vec::new();
        let mut open = |group: Group| OpenGroup {
            name: group.name,
            span: group.span,
            instruments: (group.points.into_iter())
                .map(|point| {
                    let faults = faults_of(&point);
                    truth.extend(faults.iter().filter_map(|fault| {
                        let last_row = fault.first_row + fault.rows.saturating_sub(1);
                        let (first_at, last_at) = (at(fault.first_row)?, at(last_row)?);
                        Some(Truth { point: point.name.clone(), fault: *fault, first_at, last_at })
                    }));
                    Instrument::new(point, faults, spec.seed, spec.step_minutes)
                })
                .collect(),
            open: None,
        };
        let groups = groups.into_iter().map(&mut open).collect();
        let site = Site::new(spec);
        Self { site_name: site_name.to_owned(), spec, site, last_day, groups, ready: VecDeque::new(), truth }
    }

    /// Every fault of every point, whether its report has been printed yet or not.
    #[must_use]
    pub fn truth(&self) -> &[Truth] {
        &self.truth
    }
}

/// Losses as real systems have them, for every point alike.
pub(crate) fn usual_losses(seed: u64, rows: u64, every_rows: u64) -> impl FnMut(&Point) -> Vec<Fault> {
    move |point| random_losses(&mut Rng::new(seed, &format!("losses/{}", point.name)), rows, every_rows)
}

impl Iterator for Trends {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        loop {
            if let Some(report) = self.ready.pop_front() {
                return Some(report);
            }
            let Some(moment) = self.site.next() else {
                let site_name = &self.site_name;
                return self.groups.iter_mut().find_map(|group| group.close(site_name));
            };
            let day = moment.at.date();
            for group in &mut self.groups {
                if group.open.as_ref().is_some_and(|open| day > open.until) {
                    self.ready.extend(group.close(&self.site_name));
                }
                let open = group.open.get_or_insert_with(|| {
                    let until = group.span.last_day(day).min(self.last_day);
                    let mut bytes = Vec::new();
                    let points =
                        group.instruments.iter().map(|it| (it.point().name.as_str(), it.point().trend_definition));
                    report::begin(&mut bytes, points, self.spec.step_minutes, day, until);
                    OpenReport { from: day, until, rows: 0, bytes }
                });
                let readings = group.instruments.iter_mut().map(|i| i.read(&moment, self.spec.trains));
                report::row(&mut open.bytes, moment.at, readings);
                open.rows += 1;
            }
        }
    }
}

impl OpenGroup {
    fn close(&mut self, site_name: &str) -> Option<Report> {
        let mut open = self.open.take()?;
        report::end(&mut open.bytes);
        let (from, until) = (open.from.format("%y%m%d"), open.until.format("%y%m%d"));
        let file_name = format!("TR_{site_name}_{}_{from}-{until}.csv", self.name);
        Some(Report { file_name, rows: open.rows, bytes: open.bytes })
    }
}

impl Span {
    /// Last day of the report that starts on `day`.
    fn last_day(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Days(days) => day.checked_add_days(Days::new(u64::from(days.max(1)) - 1)),
            Self::Month => {
                let next = if day.month() == 12 { (day.year() + 1, 1) } else { (day.year(), day.month() + 1) };
                NaiveDate::from_ymd_opt(next.0, next.1, 1).and_then(|first| first.pred_opt())
            }
            Self::Year => NaiveDate::from_ymd_opt(day.year(), 12, 31),
        }
        .unwrap_or(day)
    }
}
