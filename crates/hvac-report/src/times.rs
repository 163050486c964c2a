//! The time of a row, in UTC: by the zone that the row names, or its header, or the site's.

use super::calendar;
use super::cells::Occurrences;
use super::dates::{self, Dates};
use super::epoch::{epoch, excel_serial};
use super::layout::{Layout, warning};
use super::passes::{Local, Pass, ZoneClock};
use super::row_time::{Place, RowTime, TimeFields, WrittenTime};
use super::time::{self, DAY_MS, Form, Stamp};
use super::zones::{self, Abbreviation, Meaning, StatedZone};
use super::{DateOrder, ReadError, ReadOptions, Source, words};
use chrono_tz::Tz;
use hvac_frame::column::Warning;

/// Reads the times of one file's rows, in their order.
pub(crate) struct TimeReader<'r> {
    source: Source<'r>,
    text: &'r str,
    layout: &'r Layout,
    form: Form,
    /// Year of the first row, where rows do not say theirs.
    year: Option<i32>,
    site: ZoneClock,
    /// The site's zone was stated for these reports.
    stated: bool,
    /// Clock of another zone that rows or the header name.
    other: Option<ZoneClock>,
    /// `Date Range:` of the head, local ms.
    range: Option<(i64, i64)>,
    memo: (String, Option<Stamp>),
    /// What an abbreviation meant last: it, the day, its meaning.
    meaning: Option<(Abbreviation, i64, Meaning)>,
    /// The offset that did not contradict the stated zone last, and the day.
    agreed: Option<(i32, i64)>,
    /// Times without a year ran on into the next one.
    year_turned: bool,
    /// Width of from–to times, ms; none once they differ.
    width_ms: Option<Option<i64>>,
    /// UTC ms of the row before, for rows of one series.
    pub previous: Option<i64>,
    /// Rows whose time is on the site's clock: neither an offset nor an epoch.
    pub local_rows: u64,
    /// Local times that exist twice, told apart by other rows.
    repeated: Occurrences,
    /// Of them, those that nothing tells apart.
    doubtful: Occurrences,
    /// The zone of the first of them.
    repeated_zone: Option<Tz>,
    /// Rows in an hour that does not exist, which have no reading.
    pub missing: Occurrences,
    /// Zone abbreviations that nobody knows.
    unknown: Occurrences,
    /// Rows outside the range that the head states.
    outside: Occurrences,
}

impl<'r> TimeReader<'r> {
    /// For the rows of `text`, whose shape is `layout` and whose dates are written as `dates` says.
    pub(crate) fn new(
        source: Source<'r>,
        text: &'r str,
        layout: &'r Layout,
        dates: &Dates,
        options: &ReadOptions,
    ) -> Self {
        let range = layout.date_range.as_ref().and_then(|(first, last)| {
            let at = |text| Some(time::stamp(text, dates.form.order)?.local_ms());
            // A range that ends at 23:59:59 holds the row of 24:00:00.
            Some((at(first)?, at(last)? + 1000))
        });
        Self {
            source,
            text,
            layout,
            form: dates.form,
            year: dates.year.as_ref().map(|year| year.value),
            site: ZoneClock::new(options.zone, dates.pace),
            stated: options.zone_stated,
            other: None,
            range,
            memo: (String::new(), None),
            meaning: None,
            agreed: None,
            year_turned: false,
            width_ms: None,
            previous: None,
            local_rows: 0,
            repeated: Occurrences::default(),
            doubtful: Occurrences::default(),
            repeated_zone: None,
            missing: Occurrences::default(),
            unknown: Occurrences::default(),
            outside: Occurrences::default(),
        }
    }

    /// Time of a row of a report of one series: what [`Self::written`] and [`Self::instant`] say, after the row before.
    pub(crate) fn read(&mut self, fields: TimeFields<'_>, place: Place) -> Result<RowTime, ReadError> {
        let Some(written) = self.written(fields, place)? else { return Ok(RowTime::Unreadable) };
        let at = self.instant(written, fields, place, self.previous)?;
        if let RowTime::At(at) = at {
            self.previous = Some(at);
        }
        Ok(at)
    }

    /// The time as it is written; none when it cannot be read.
    pub(crate) fn written(&mut self, fields: TimeFields<'_>, place: Place) -> Result<Option<WrittenTime>, ReadError> {
        let utc = |local_ms| WrittenTime { local_ms, day: 0, zone: Some(StatedZone::Offset(0)), yearless: false };
        if self.layout.epoch {
            return Ok(epoch(fields.stamp).map(utc));
        }
        // A header that stands again has no zone.
        let zoned = fields.offset.map(str::trim).filter(|text| !text.is_empty());
        let offset = match zoned.filter(|text| !words::names_offset(text)) {
            None => None,
            Some(text) => {
                let zone = zones::stated(text);
                if zone.is_none() {
                    let words = format!(
                        "'{text}' in the column of zones is no zone: such a column has +08:00, EST or America/New_York; correct it, or take the column out and state the timezone"
                    );
                    return Err(self.source.error("unknown_zone", Some(place.line), words));
                }
                zone
            }
        };
        let header = self.layout.times.zone;
        if self.layout.times.serial {
            let zone = offset.or(header);
            return Ok(excel_serial(fields.stamp).map(|local_ms| WrittenTime { zone, ..utc(local_ms) }));
        }
        let stamp = fields.stamp;
        if self.memo.0 != stamp || self.memo.1.is_none() {
            let same_day = self.memo.1.and_then(|before| time::same_date(&self.memo.0, &before, stamp));
            self.memo.1 = same_day.filter(|_| !self.form.from_to).or_else(|| time::read(stamp, self.form));
            self.memo.0.clear();
            self.memo.0.push_str(stamp);
        }
        let Some(stamped) = self.memo.1 else {
            return if place.alone { Ok(None) } else { self.unreadable(stamp, place.line) };
        };
        let (clock_ms, zone, width_ms) = match fields.clock {
            None => (stamped.clock_ms, stamped.zone, stamped.width_ms),
            Some(text) => match time::clock_only(text) {
                Some(clock) => (clock.ms, clock.zone.or(stamped.zone), clock.width_ms),
                None => match time::past_midnight(text) {
                    None => return Ok(None),
                    Some(ms) => {
                        self.past_midnight(ms, stamped, fields, place)?;
                        (ms, stamped.zone, None)
                    }
                },
            },
        };
        if width_ms.is_some() {
            self.width_ms = Some(width_ms.filter(|_| self.width_ms.is_none_or(|known| known == width_ms)));
        }
        let local_ms = i64::from(stamped.day) * DAY_MS + clock_ms;
        if self.range.is_some_and(|(first, last)| local_ms < first || local_ms > last) {
            self.outside.add(place.line);
        }
        let zone = zone.or(offset).or(header);
        Ok(Some(WrittenTime { local_ms, day: stamped.day, zone, yearless: self.form.yearless }))
    }

    /// Refuses a clock time beyond 24:00 where the rows that follow do not run on into the next day.
    fn past_midnight(&self, ms: i64, stamp: Stamp, fields: TimeFields<'_>, place: Place) -> Result<(), ReadError> {
        let row = (stamp.day, ms);
        if !self.form.yearless && dates::runs_on(self.text, self.layout, self.form, row, (place.byte, place.line)) {
            return Ok(());
        }
        let words = format!(
            "'{}' is beyond 24:00, and the rows that follow do not say that the day is counted on (the next day's first row must follow within three hours): it may be the hours since something else. Export the report with clock times of the day",
            spelled(fields)
        );
        Err(self.source.error("unread_time_form", Some(place.line), words))
    }

    /// The instant of a time, which `previous` may tell: that of the row before of the same series, UTC ms.
    pub(crate) fn instant(
        &mut self,
        written: WrittenTime,
        fields: TimeFields<'_>,
        place: Place,
        previous: Option<i64>,
    ) -> Result<RowTime, ReadError> {
        let local_ms =
            if written.yearless { self.in_year(written, fields, place, previous)? } else { written.local_ms };
        let seconds = match written.zone {
            None => {
                self.local_rows += 1;
                return Ok(match self.site.utc(local_ms) {
                    Local::Once(at) => RowTime::At(at),
                    local => {
                        let clock = self.site.clone();
                        self.placed(clock, local, local_ms, fields, place, previous)
                    }
                });
            }
            Some(StatedZone::Offset(seconds)) => seconds,
            Some(StatedZone::Zone(zone)) => return self.on_clock_of(zone, local_ms, fields, place, previous),
            Some(StatedZone::Abbreviation(letters)) => match self.meaning_of(letters, local_ms) {
                Meaning::Offset(seconds) => seconds,
                Meaning::Zone(zone) => return self.on_clock_of(zone, local_ms, fields, place, previous),
                Meaning::Unknown if self.stated => {
                    self.unknown.add(place.line);
                    return self.instant(WrittenTime { zone: None, ..written }, fields, place, previous);
                }
                doubt => return Err(self.doubtful_zone(letters, doubt, fields, place)),
            },
        };
        self.agree(seconds, local_ms, fields, place)?;
        Ok(RowTime::At(local_ms - i64::from(seconds) * 1000))
    }

    /// Whether the instant of a series' last row still matters for its next one, at `next` or later: a chunk that begins
    /// between them is read again with it. Of a report with years in its times, those of the day around a repeated hour.
    #[must_use]
    pub(crate) fn still_matters(&self, at: i64) -> bool {
        let offset = |hours: i64| self.site.offset_ms_at(at + hours * 3_600_000);
        let zones = self.other.is_some() || self.layout.times.zone.is_some();
        self.form.yearless || zones || offset(0) != offset(30) || offset(0) != offset(-30)
    }

    /// Seconds from the beginning of a row's interval to its end, where rows name both and all are alike.
    #[must_use]
    pub(crate) fn width_s(&self) -> Option<u32> {
        u32::try_from(self.width_ms.flatten()? / 1000).ok()
    }

    fn on_clock_of(
        &mut self,
        zone: Tz,
        local_ms: i64,
        fields: TimeFields<'_>,
        place: Place,
        previous: Option<i64>,
    ) -> Result<RowTime, ReadError> {
        if zone == self.site.zone() {
            let local = self.site.utc(local_ms);
            return Ok(self.placed(self.site.clone(), local, local_ms, fields, place, previous));
        }
        let mut clock = match self.other.take() {
            Some(clock) if clock.zone() == zone => clock,
            _ => self.site.of_zone(zone),
        };
        let local = clock.utc(local_ms);
        self.other = Some(clock.clone());
        let at = self.placed(clock, local, local_ms, fields, place, previous);
        if let RowTime::At(at) = at {
            let seconds = i32::try_from((local_ms - at) / 1000).unwrap_or(0);
            self.agree(seconds, local_ms, fields, place)?;
        }
        Ok(at)
    }

    /// An instant of a local time that exists once, twice or never.
    fn placed(
        &mut self,
        clock: ZoneClock,
        local: Local,
        local_ms: i64,
        fields: TimeFields<'_>,
        place: Place,
        previous: Option<i64>,
    ) -> RowTime {
        match local {
            Local::Once(at) => RowTime::At(at),
            Local::Repeated { first, second } => {
                self.repeated.add(place.line);
                self.repeated_zone.get_or_insert(clock.zone());
                RowTime::At(match clock.pass(first, second, previous) {
                    Pass::At(at) => at,
                    Pass::Ahead => self.look_ahead(clock, (first, second), place, previous),
                })
            }
            Local::Missing => RowTime::Missing(Box::new(self.nonexistent(&clock, local_ms, fields, place))),
        }
    }

    /// The pass of the first row in a repeated hour: by the rows of its series that follow it.
    fn look_ahead(&mut self, mut clock: ZoneClock, row: (i64, i64), place: Place, previous: Option<i64>) -> i64 {
        let rows = dates::ahead(self.text, self.layout, self.form, row.0, (place.byte, place.line));
        let (at, sure) = clock.first_of_run(row, previous, rows);
        if !sure {
            self.doubtful.add(place.line);
        }
        at
    }

    /// What an abbreviation means about a time.
    fn meaning_of(&mut self, letters: Abbreviation, local_ms: i64) -> Meaning {
        let day = local_ms.div_euclid(DAY_MS);
        match self.meaning {
            Some((known, on, meaning)) if known == letters && on == day => meaning,
            _ => {
                let meaning = zones::meaning(letters, self.site.zone(), local_ms);
                self.meaning = Some((letters, day, meaning));
                meaning
            }
        }
    }

    /// An offset that a report names must be one of the zone that was stated for it, or UTC.
    fn agree(&mut self, seconds: i32, local_ms: i64, fields: TimeFields<'_>, place: Place) -> Result<(), ReadError> {
        let day = local_ms.div_euclid(DAY_MS);
        if !self.stated || seconds == 0 || self.layout.epoch || self.agreed == Some((seconds, day)) {
            return Ok(());
        }
        let zone = self.site.zone();
        if zones::has_offset(zone, seconds, local_ms) {
            self.agreed = Some((seconds, day));
            return Ok(());
        }
        let words = format!(
            "the time '{}' is {} by its own report, and the stated timezone {} never is: state no timezone to read times as the report says, or correct it",
            spelled(fields),
            zones::spell_offset(seconds),
            zone.name()
        );
        Err(self.source.error("zone_contradicted", Some(place.line), words))
    }

    fn doubtful_zone(&self, letters: Abbreviation, doubt: Meaning, fields: TimeFields<'_>, place: Place) -> ReadError {
        let (name, zone) = (letters.as_str(), self.site.zone().name());
        let why = match doubt {
            Meaning::Ambiguous => {
                format!("'{name}' means different zones in different parts of the world, and {zone} has none of them")
            }
            _ => format!("'{name}' is no zone this program knows"),
        };
        let words = format!(
            "the time '{}' names its zone, but {why}: state the timezone of the report, or export it with offsets such as +08:00",
            spelled(fields)
        );
        self.source.error("unknown_zone", Some(place.line), words)
    }

    /// A time without a year, in the year nearest to the row before.
    fn in_year(
        &mut self,
        written: WrittenTime,
        fields: TimeFields<'_>,
        place: Place,
        previous: Option<i64>,
    ) -> Result<i64, ReadError> {
        let Some(first_year) = self.year else { return Ok(written.local_ms) };
        let clock_ms = written.local_ms - i64::from(written.day) * DAY_MS;
        let at = |year| Some(i64::from(calendar::in_year(written.day, year)?) * DAY_MS + clock_ms);
        let found = match previous {
            None if self.year_turned => {
                let words = format!(
                    "the time '{}' has no year, and the year turned in rows above: export the report with years",
                    spelled(fields)
                );
                return Err(self.source.error("missing_year", Some(place.line), words));
            }
            None => at(first_year).map(|local| (first_year, local)),
            Some(previous) => {
                let day = i32::try_from(previous.div_euclid(DAY_MS)).unwrap_or(0);
                let (year, _) = calendar::year_and_month(day);
                let near = (year - 1..=year + 1).filter_map(|year| Some((year, at(year)?)));
                // Half a year at most; 29 February may have none so near.
                let near = near.filter(|(_, local)| (local - previous).abs() <= 190 * DAY_MS);
                near.min_by_key(|(_, local)| (local - previous).abs())
            }
        };
        let Some((year, local_ms)) = found else {
            let words = format!("'{}' is no day of {first_year}: say another year", spelled(fields));
            return Err(self.source.error("missing_year", Some(place.line), words));
        };
        self.year_turned |= year != first_year;
        Ok(local_ms)
    }

    /// A date that reads only in another order than the file's is no bad row: the file is misread.
    fn unreadable(&self, stamp: &str, line: u64) -> Result<Option<WrittenTime>, ReadError> {
        if let Some(form) = time::unread_form(stamp) {
            let words = format!(
                "'{stamp}' is {form}, which this program does not read as a time: export the report with times such as 2024-01-31 13:45"
            );
            return Err(self.source.error("unread_time_form", Some(line), words));
        }
        if time::ORDERS.iter().all(|order| time::read(stamp, Form { order: *order, ..self.form }).is_none()) {
            return Ok(None);
        }
        let words = format!(
            "'{stamp}' is not written {} as the dates of this report are read: export the report again in one order, or name another date_format",
            match self.form.order {
                DateOrder::Ymd => "year first (ymd)",
                DateOrder::Mdy => "month first (mdy)",
                DateOrder::Dmy => "day first (dmy)",
            }
        );
        Err(self.source.error("mixed_date_orders", Some(line), words))
    }

    fn nonexistent(&self, clock: &ZoneClock, local_ms: i64, fields: TimeFields<'_>, place: Place) -> ReadError {
        let words = format!(
            "the time '{}' does not exist in {}: the clocks were put forward over it. {}",
            spelled(fields),
            clock.zone().name(),
            zones::standard_time_advice(clock.offset_before_gap(local_ms))
        );
        self.source.error("nonexistent_local_time", Some(place.line), words)
    }

    /// What a user should know of the times.
    pub(crate) fn warnings(&self, source: Source<'_>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut say = |code: &str, tally: Occurrences, words: String| {
            if tally.count > 0 {
                warnings.push(warning(source, code, Some(tally.line), None, tally.count, words));
            }
        };
        let n = |tally: Occurrences| tally.count;
        let zone = self.site.zone().name();
        let twice = self.repeated_zone.map_or(zone, Tz::name);
        say(
            "repeated_hour",
            self.repeated,
            format!(
                "{} rows lie in the hour that {twice} has twice; its two passes are told apart by the order of the rows",
                n(self.repeated)
            ),
        );
        say(
            "repeated_hour_in_doubt",
            self.doubtful,
            format!(
                "in {} places the hour that {twice} has twice stands once, and no row tells which pass it is: it is read as the first, before the clocks were put back. If the report was kept in standard time it is the second, and all of summer is an hour off: parse it with a fixed zone then",
                n(self.doubtful)
            ),
        );
        say(
            "nonexistent_hour",
            self.missing,
            format!(
                "{} rows lie in the hour over which the clocks of {zone} were put forward; they hold no reading and are dropped",
                n(self.missing)
            ),
        );
        say(
            "zone_abbreviation",
            self.unknown,
            format!(
                "{} times carry a zone abbreviation that is not known and ignored; they are read as {zone}, which was stated",
                n(self.unknown)
            ),
        );
        say(
            "outside_date_range",
            self.outside,
            format!("{} rows lie outside the date range that the report states; they are kept", n(self.outside)),
        );
        warnings
    }
}

fn spelled(fields: TimeFields<'_>) -> String {
    let TimeFields { stamp, clock, offset } = fields;
    [Some(stamp), clock, offset].into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
