//! The time of a row, in UTC: the row's own offset, or the site's zone.

use super::layout::Layout;
use super::{DateOrder, ReadError, Source};
use crate::cells::Occurrences;
use crate::time::{self, Local, Stamp, ZoneClock};

const ORDERS: [DateOrder; 3] = [DateOrder::Ymd, DateOrder::Mdy, DateOrder::Dmy];

/// Reads the times of one file's rows, in their order.
pub struct TimeReader<'r> {
    source: Source<'r>,
    epoch: bool,
    order: DateOrder,
    zone: ZoneClock,
    zone_name: &'static str,
    /// `Date Range:` of the head, local ms.
    range: Option<(i64, i64)>,
    memo: (String, Option<Stamp>),
    /// UTC ms of the row before.
    pub previous: Option<i64>,
    /// Rows whose time is on the site's clock: neither an offset nor an epoch.
    pub local_rows: u64,
    /// Local times that exist twice.
    pub repeated: Occurrences,
    /// Zone abbreviations that were ignored.
    pub abbreviations: Occurrences,
    /// Rows outside the range that the head states.
    pub outside: Occurrences,
}

impl<'r> TimeReader<'r> {
    /// For rows whose dates are in `order`.
    pub fn new(
        source: Source<'r>,
        layout: &Layout,
        order: DateOrder,
        zone: ZoneClock,
        zone_name: &'static str,
    ) -> Self {
        let range = layout.date_range.as_ref().and_then(|(first, last)| {
            // A range that ends at 23:59:59 holds the row of 24:00:00.
            Some((time::stamp(first, order)?.local_ms(), time::stamp(last, order)?.local_ms() + 1000))
        });
        Self {
            source,
            epoch: layout.epoch,
            order,
            zone,
            zone_name,
            range,
            memo: (String::new(), None),
            previous: None,
            local_rows: 0,
            repeated: Occurrences::default(),
            abbreviations: Occurrences::default(),
            outside: Occurrences::default(),
        }
    }

    /// UTC ms of a row; none when it cannot be read. `alone`: the row has no other field.
    pub fn read(&mut self, stamp: &str, clock: Option<&str>, line: u64, alone: bool) -> Result<Option<i64>, ReadError> {
        if self.epoch {
            let at = time::epoch(stamp);
            self.previous = at.or(self.previous);
            return Ok(at);
        }
        if self.memo.0 != stamp || self.memo.1.is_none() {
            let same_day = self.memo.1.and_then(|before| time::same_date(&self.memo.0, &before, stamp));
            self.memo.1 = same_day.or_else(|| time::stamp(stamp, self.order));
            self.memo.0.clear();
            self.memo.0.push_str(stamp);
        }
        let Some(stamped) = self.memo.1 else {
            return if alone { Ok(None) } else { self.other_order(stamp, line) };
        };
        let (clock_ms, offset_s) = match clock {
            None => (stamped.clock_ms, stamped.offset_s),
            Some(text) => match time::clock_only(text) {
                Some((ms, offset_s)) => (ms, offset_s.or(stamped.offset_s)),
                None => return Ok(None),
            },
        };
        if stamped.abbreviation {
            self.abbreviations.add(line);
        }
        let local = i64::from(stamped.day) * time::DAY_MS + clock_ms;
        if self.range.is_some_and(|(first, last)| local < first || local > last) {
            self.outside.add(line);
        }
        let at = match offset_s {
            Some(seconds) => local - i64::from(seconds) * 1000,
            None => {
                self.local_rows += 1;
                match self.zone.utc(local, self.previous) {
                    Local::Once(at) => at,
                    Local::Repeated(at) => {
                        self.repeated.add(line);
                        at
                    }
                    Local::Missing => return Err(self.missing(stamp, clock, line)),
                }
            }
        };
        self.previous = Some(at);
        Ok(Some(at))
    }

    /// A date that reads only in another order than the file's is no bad row: the file is misread.
    fn other_order(&self, stamp: &str, line: u64) -> Result<Option<i64>, ReadError> {
        if ORDERS.iter().all(|order| time::stamp(stamp, *order).is_none()) {
            return Ok(None);
        }
        let words = format!(
            "'{stamp}' is not written {} as the dates of this report are read: export the report again in one order, or name another date_format",
            match self.order {
                DateOrder::Ymd => "year first (ymd)",
                DateOrder::Mdy => "month first (mdy)",
                DateOrder::Dmy => "day first (dmy)",
            }
        );
        Err(self.source.error("mixed_date_orders", Some(line), words))
    }

    fn missing(&self, stamp: &str, clock: Option<&str>, line: u64) -> ReadError {
        let words = format!(
            "the time '{stamp}{}{}' does not exist in {}: the clocks were put forward over it. The report was kept in standard time all year: parse it with a fixed-offset zone such as Etc/GMT-8 (which is UTC+8)",
            if clock.is_some() { " " } else { "" },
            clock.unwrap_or_default(),
            self.zone_name
        );
        self.source.error("nonexistent_local_time", Some(line), words)
    }
}
