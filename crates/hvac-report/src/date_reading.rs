//! One way to read all dates of a report, and how the report fares when they are read so.

use std::collections::HashMap;

use super::dates::Dated;
use super::layout::Layout;
use crate::calendar;
use crate::time::{self, Form};

/// From one date to the next of a row a month or more often, read in a wrong order, ms: a year but for a month or so.
const LEAP_MS: i64 = 300 * time::DAY_MS;

/// One way to read all dates, and how it fares.
pub(crate) struct Reading {
    /// The way.
    pub form: Form,
    /// The first date that cannot be read so: its line and its text.
    pub refuted: Option<(u64, String)>,
    /// Rows that stand after an earlier one of their series.
    pub forward: u64,
    /// Rows that stand after a later one of their series.
    pub backward: u64,
    /// Rows of another day than the one before of their series.
    pub new_days: u64,
    /// Of them, those about a year away or more.
    leaps: u64,
    previous: HashMap<String, i64>,
    /// Local ms.
    first: i64,
    last: i64,
    /// The range that the report's head states, local ms; an inner none where it cannot be read so.
    range: Option<Option<(i64, i64)>>,
    /// All dates are a month's first day, and all its last.
    edges: (bool, bool),
}

impl Reading {
    /// Of dates in `form`, before the first one.
    pub(crate) fn new(form: Form, layout: &Layout) -> Self {
        let range = layout.date_range.as_ref().map(|(first, last)| {
            let at = |text: &str| time::stamp(text, form.order).map(|stamp| stamp.local_ms());
            Some((at(first)?, at(last)?))
        });
        Self {
            form,
            refuted: None,
            forward: 0,
            backward: 0,
            new_days: 0,
            leaps: 0,
            previous: HashMap::new(),
            first: i64::MAX,
            last: i64::MIN,
            range,
            edges: (true, true),
        }
    }

    /// The day of a date that can be read so.
    pub(crate) fn see(&mut self, dated: &Dated<'_>) -> Option<i32> {
        let stamp = time::read(&dated.text, self.form)?;
        let clock = time::clock_ms(&dated.clock).unwrap_or(0);
        let at = stamp.local_ms() + clock;
        (self.first, self.last) = (self.first.min(at), self.last.max(at));
        let month = |day: i32| calendar::year_and_month(day).1;
        self.edges.0 &= month(stamp.day) != month(stamp.day.saturating_sub(1));
        self.edges.1 &= month(stamp.day) != month(stamp.day.saturating_add(1));
        if let Some(previous) = self.previous.get_mut(dated.name.as_ref()) {
            self.forward += u64::from(at > *previous);
            self.backward += u64::from(at < *previous);
            let (day, before) = (at.div_euclid(time::DAY_MS), previous.div_euclid(time::DAY_MS));
            self.new_days += u64::from(day != before);
            self.leaps += u64::from((at - *previous).abs() >= LEAP_MS);
            *previous = at;
        } else {
            self.previous.insert(dated.name.clone().into_owned(), at);
        }
        Some(stamp.day)
    }

    /// The report's head states a range.
    pub(crate) fn has_range(&self) -> bool {
        self.range.is_some()
    }

    /// All rows lie in the range that the head states, if it states one.
    pub(crate) fn in_range(&self) -> bool {
        match self.range {
            None => true,
            Some(None) => false,
            Some(Some((first, last))) => self.first >= first && self.last <= last,
        }
    }

    /// No row stands after a later one.
    pub(crate) fn steady(&self) -> bool {
        self.backward == 0
    }

    /// No row stands after an earlier one.
    pub(crate) fn steady_back(&self) -> bool {
        self.forward == 0
    }

    /// At least every other new day is a year away, or more.
    pub(crate) fn leaps(&self) -> bool {
        self.new_days > 0 && self.leaps * 2 >= self.new_days
    }

    /// There are several days, each the first of its month, or each the last.
    pub(crate) fn on_edges_of_months(&self) -> bool {
        self.new_days > 0 && (self.edges.0 || self.edges.1)
    }
}
