//! Local times of a zone to UTC, and the hour that a zone has twice.
//!
//! The two passes of a repeated hour are told apart by the rows around it: time runs on, one step a row.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::clock::DAY_MS;

/// How the rows of a file follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pace {
    /// The last one stands first.
    pub newest_first: bool,
    /// Most of them are so many ms apart, where most are.
    pub step_ms: Option<i64>,
}

/// A local time's place in UTC, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Local {
    /// It exists once.
    Once(i64),
    /// It exists twice.
    Repeated {
        /// The first time.
        first: i64,
        /// The second time.
        second: i64,
    },
    /// The clocks are put forward over it.
    Missing,
}

/// What tells the pass of a time that exists twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// The row before stands in the hour too, or after it: this instant.
    At(i64),
    /// The row before says too little: the rows ahead decide ([`ZoneClock::first_of_run`]).
    Ahead,
}

/// Local times of one zone to UTC, with the offset of the last day kept.
#[derive(Debug, Clone)]
pub(crate) struct ZoneClock {
    zone: Tz,
    pace: Pace,
    day: i64,
    /// Offset of all of `day`, ms; none where it changes within the day.
    offset_ms: Option<i64>,
}

impl ZoneClock {
    /// A clock of `zone` for rows that follow each other at `pace`.
    #[must_use]
    pub(crate) fn new(zone: Tz, pace: Pace) -> Self {
        Self { zone, pace, day: i64::MIN, offset_ms: None }
    }

    /// The zone.
    #[must_use]
    pub(crate) fn zone(&self) -> Tz {
        self.zone
    }

    /// UTC of a local time (ms since 1970-01-01 00:00 local).
    pub(crate) fn utc(&mut self, local_ms: i64) -> Local {
        let day = local_ms.div_euclid(DAY_MS);
        if day != self.day {
            self.day = day;
            self.offset_ms = self.whole_day(day);
        }
        if let Some(offset_ms) = self.offset_ms {
            return Local::Once(local_ms - offset_ms);
        }
        match self.offsets(local_ms) {
            None => Local::Missing,
            Some((first, second)) if first == second => Local::Once(local_ms - first),
            Some((first, second)) => Local::Repeated { first: local_ms - first, second: local_ms - second },
        }
    }

    /// The pass of a time that exists at `first` and at `second`, by the instant of the row before.
    #[must_use]
    pub(crate) fn pass(&self, first: i64, second: i64, previous: Option<i64>) -> Pass {
        let hourly = self.is_hourly(first, second);
        // A row that stands a day off says nothing: another report may begin here.
        let near = previous.filter(|at| (first - DAY_MS..=second + DAY_MS).contains(at));
        match (near, self.pace.newest_first) {
            (Some(at), false) if at > first || at == first && hourly => Pass::At(second),
            (Some(at), false) if at == first || self.is_repeated(at, first, second) => Pass::At(first),
            (Some(at), true) if at < second || at == second && hourly => Pass::At(first),
            (Some(at), true) if at == second || self.is_repeated(at, first, second) => Pass::At(second),
            _ => Pass::Ahead,
        }
    }

    /// The pass of a row with which a run in a repeated hour begins, and whether it is sure: by the local times `rows` of
    /// its series from that row on, and by `previous`, the instant of the row before it.
    ///
    /// Where both passes stand, the run begins with the first one (newest first: the second). Where one stands, it is
    /// the one that leaves no hole to the rows on its other side; where that tells nothing, the first.
    #[must_use]
    pub(crate) fn first_of_run(
        &mut self,
        (first, second): (i64, i64),
        previous: Option<i64>,
        mut rows: impl Iterator<Item = i64>,
    ) -> (i64, bool) {
        let newest_first = self.pace.newest_first;
        let (gap, hourly) = (second - first, self.is_hourly(first, second));
        let Some(mut last) = rows.next() else { return (first, false) };
        let (begin, mut next) = (last, None);
        for local in rows {
            match self.utc(local) {
                Local::Repeated { first: other, .. } if (other - first).abs() < gap * 2 => {
                    let back = if newest_first { local > last } else { local < last };
                    if back || local == last && hourly {
                        return (if newest_first { second } else { first }, true);
                    }
                    last = local;
                }
                Local::Once(at) => {
                    next = Some(at);
                    break;
                }
                _ => break,
            }
        }
        let Some(step) = self.pace.step_ms else { return (first, false) };
        let before = |pass: i64| previous.is_some_and(|at| (pass - at).abs() == step);
        let after = |pass: i64| next.is_some_and(|at| (pass + last - begin - at).abs() == step);
        let joins = |pass| (before(pass), after(pass));
        match (joins(first), joins(second)) {
            ((false, false), (true, _) | (_, true)) => (second, true),
            ((true, _) | (_, true), (false, false)) => (first, true),
            _ => (first, false),
        }
    }

    /// A clock of another zone, for the same rows.
    #[must_use]
    pub(crate) fn of_zone(&self, zone: Tz) -> Self {
        Self::new(zone, self.pace)
    }

    /// Offset from UTC at an instant, ms.
    #[must_use]
    pub(crate) fn offset_ms_at(&self, at: i64) -> i64 {
        let utc = DateTime::from_timestamp_millis(at).unwrap_or_default().naive_utc();
        i64::from(self.zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * 1000
    }

    /// One row a pass: two equal labels are two instants, and no row is said twice.
    #[must_use]
    pub(crate) fn is_hourly(&self, first: i64, second: i64) -> bool {
        self.pace.step_ms == Some(second - first)
    }

    /// Whether an instant lies in the same repeated hour as those two.
    fn is_repeated(&self, at: i64, first: i64, second: i64) -> bool {
        let gap = second - first;
        let local = at + self.offset_ms_at(at);
        (at - first).abs() < gap * 2 && self.offsets(local).is_some_and(|(a, b)| a != b)
    }

    /// Offset from UTC before the clocks are put forward over a local time that does not exist, s.
    #[must_use]
    pub(crate) fn offset_before_gap(&self, local_ms: i64) -> i32 {
        let (_, offset_ms) = self.offsets(local_ms - DAY_MS / 4).unwrap_or_default();
        i32::try_from(offset_ms / 1000).unwrap_or(0)
    }

    fn whole_day(&self, day: i64) -> Option<i64> {
        let (first, last) = (self.offsets(day * DAY_MS)?, self.offsets(day * DAY_MS + DAY_MS - 1)?);
        (first == last && first.0 == first.1).then_some(first.0)
    }

    /// Offsets (ms) of the first and second pass of a local time: equal when it exists once.
    fn offsets(&self, local_ms: i64) -> Option<(i64, i64)> {
        let local = DateTime::from_timestamp_millis(local_ms)?.naive_utc();
        let offset = |offset: <Tz as TimeZone>::Offset| i64::from(offset.fix().local_minus_utc()) * 1000;
        match self.zone.offset_from_local_datetime(&local) {
            chrono::MappedLocalTime::Single(only) => Some((offset(only), offset(only))),
            chrono::MappedLocalTime::Ambiguous(a, b) => Some((offset(a).max(offset(b)), offset(a).min(offset(b)))),
            chrono::MappedLocalTime::None => None,
        }
    }
}
