//! Zones as reports name them: behind a time, in a column of their own, in a header.
//!
//! An offset says all. An abbreviation says what the site's zone means by it; where the site's zone does not use
//! it, what all the world means by it; `CST` and `IST`, which several parts of the world use, are refused there.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};

use super::scan::{blanks, number, two_digits};

/// A zone that a report names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatedZone {
    /// Seconds east of UTC.
    Offset(i32),
    /// By its name, or its city's.
    Zone(Tz),
    /// `EST`, `MESZ`: means an offset, once the site is known.
    Abbreviation(Abbreviation),
}

/// At most five capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Abbreviation([u8; 5]);

impl Abbreviation {
    fn of(text: &[u8]) -> Option<Self> {
        let mut letters = [0; 5];
        let fits = (2..=5).contains(&text.len()) && text.iter().all(u8::is_ascii_uppercase);
        letters.get_mut(..text.len()).filter(|_| fits)?.copy_from_slice(text);
        Some(Self(letters))
    }

    /// As it is written.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

/// What an abbreviation means at a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Seconds east of UTC.
    Offset(i32),
    /// The clock of a part of the world, summer time and all: `ET`.
    Zone(Tz),
    /// Several parts of the world mean different offsets by it, and the site is in none of them.
    Ambiguous,
    /// No zone has it.
    Unknown,
}

/// Offsets in minutes by abbreviations that a zone's rules do not tell; several where it is ambiguous.
const ABBREVIATIONS: &[(&str, &[i32])] = &[
    ("UTC", &[0]),
    ("GMT", &[0]),
    ("UT", &[0]),
    ("EST", &[-300]),
    ("EDT", &[-240]),
    ("CST", &[-360, 480, -300]),
    ("CDT", &[-300, -240]),
    ("MST", &[-420]),
    ("MDT", &[-360]),
    ("PST", &[-480]),
    ("PDT", &[-420]),
    ("AKST", &[-540]),
    ("AKDT", &[-480]),
    ("HST", &[-600]),
    ("AST", &[-240, 180]),
    ("ADT", &[-180, 240]),
    ("NST", &[-210]),
    ("NDT", &[-150]),
    ("BRT", &[-180]),
    ("ART", &[-180]),
    ("COT", &[-300]),
    ("PET", &[-300]),
    ("WET", &[0]),
    ("WEST", &[60]),
    ("CET", &[60]),
    ("CEST", &[120]),
    ("EET", &[120]),
    ("EEST", &[180]),
    ("BST", &[60, 360]),
    ("IST", &[330, 120, 60]),
    ("MSK", &[180]),
    ("TRT", &[180]),
    ("SAST", &[120]),
    ("EAT", &[180]),
    ("GST", &[240]),
    ("PKT", &[300]),
    ("NPT", &[345]),
    ("ICT", &[420]),
    ("WIB", &[420]),
    ("SGT", &[480]),
    ("MYT", &[480]),
    ("HKT", &[480]),
    ("PHT", &[480]),
    ("AWST", &[480]),
    ("JST", &[540]),
    ("KST", &[540]),
    ("ACST", &[570]),
    ("ACDT", &[630]),
    ("AEST", &[600]),
    ("AEDT", &[660]),
    ("NZST", &[720]),
    ("NZDT", &[780]),
];

/// The same abbreviation in other languages.
const ALIASES: &[(&str, &str)] = &[
    ("MEZ", "CET"),
    ("MESZ", "CEST"),
    ("WEZ", "WET"),
    ("WESZ", "WEST"),
    ("OEZ", "EET"),
    ("OESZ", "EEST"),
    ("HNE", "EST"),
    ("HAE", "EDT"),
];

/// Names of clocks that are put forward and back.
const CLOCKS: &[(&str, Tz)] = &[
    ("ET", Tz::America__New_York),
    ("CT", Tz::America__Chicago),
    ("MT", Tz::America__Denver),
    ("PT", Tz::America__Los_Angeles),
    ("EST/EDT", Tz::America__New_York),
    ("CST/CDT", Tz::America__Chicago),
    ("MST/MDT", Tz::America__Denver),
    ("PST/PDT", Tz::America__Los_Angeles),
    ("GMT/BST", Tz::Europe__London),
    ("WET/WEST", Tz::Europe__Lisbon),
    ("CET/CEST", Tz::Europe__Berlin),
    ("MEZ/MESZ", Tz::Europe__Berlin),
    ("EET/EEST", Tz::Europe__Athens),
    ("AEST/AEDT", Tz::Australia__Sydney),
    ("NZST/NZDT", Tz::Pacific__Auckland),
];

/// Names in words, and their abbreviations.
const NAMES: &[(&str, &str)] = &[
    ("coordinated universal time", "UTC"),
    ("universal time", "UTC"),
    ("greenwich mean time", "GMT"),
    ("zulu", "UTC"),
    ("eastern time", "ET"),
    ("central time", "CT"),
    ("mountain time", "MT"),
    ("pacific time", "PT"),
    ("eastern standard time", "EST"),
    ("eastern daylight time", "EDT"),
    ("central european time", "CET"),
    ("central european summer time", "CEST"),
    ("singapore time", "SGT"),
];

/// Reads what stands behind a clock time: nothing (an inner none), or a zone; none when it is something else.
#[expect(clippy::option_option, reason = "no zone and no reading are two things")]
pub(crate) fn behind_clock(text: &[u8]) -> Option<Option<StatedZone>> {
    let rest = blanks(text);
    if rest.is_empty() { Some(None) } else { zone(rest).map(Some) }
}

/// Reads a text that is a zone and nothing else: `+08:00`, `-0500`, `UTC+8`, `EST`, `Z`, `America/New_York`, `New_York`.
#[must_use]
pub(crate) fn stated(text: &str) -> Option<StatedZone> {
    zone(text.trim().as_bytes())
}

fn zone(text: &[u8]) -> Option<StatedZone> {
    if let Some(inner) = in_brackets(text) {
        return zone(inner);
    }
    if let Some((seconds, rest)) = offset(text) {
        return named_behind_offset(blanks(rest)).then_some(StatedZone::Offset(seconds));
    }
    if let Some(letters) = Abbreviation::of(text) {
        return Some(match letters.as_str() {
            "UTC" | "GMT" | "UT" => StatedZone::Offset(0),
            _ => StatedZone::Abbreviation(letters),
        });
    }
    let name = std::str::from_utf8(text).ok()?;
    named(name).map(StatedZone::Zone)
}

fn in_brackets(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'(', inner @ .., b')'] | [b'[', inner @ .., b']'] => Some(blanks(inner)),
        _ => None,
    }
}

/// `Z`, `±hh`, `±hhmm`, `±hh:mm`, `UTC±h`: seconds, and what follows.
fn offset(text: &[u8]) -> Option<(i32, &[u8])> {
    if let [b'Z' | b'z', rest @ ..] = text {
        return (!rest.first().is_some_and(u8::is_ascii_alphabetic)).then_some((0, rest));
    }
    let rest = text.strip_prefix(b"UTC").or_else(|| text.strip_prefix(b"GMT")).map_or(text, blanks);
    let (west, rest) = match rest {
        [b'+', rest @ ..] => (false, rest),
        [b'-', rest @ ..] | [0xE2, 0x88, 0x92, rest @ ..] => (true, rest),
        _ => return None,
    };
    let (value, digits, rest) = number(rest)?;
    let (hours, minutes, rest) = match (digits, rest) {
        (1 | 2, [b':', tail @ ..]) => {
            let (minutes, rest) = two_digits(tail)?;
            (value, minutes, rest)
        }
        (1 | 2, _) => (value, 0, rest),
        (4, _) => (value / 100, value % 100, rest),
        _ => return None,
    };
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    // 2024-05-01 00:00-00:15 is an interval.
    let zone_has = matches!((west, hours, minutes), (_, 0, 0) | (_, 1.., 0 | 30) | (false, _, 30 | 45));
    let is_one = hours <= 18 && zone_has && !rest.first().is_some_and(|b| matches!(b, b':' | b'.' | b','));
    is_one.then_some((if west { -seconds } else { seconds }, rest))
}

/// What may follow an offset and says nothing more: `[America/New_York]`, ` New_York`, ` UTC`, `(台北標準時間)`.
fn named_behind_offset(rest: &[u8]) -> bool {
    if rest.is_empty() || matches!(rest, [b'(', .., b')']) {
        return true;
    }
    let name = in_brackets(rest).unwrap_or(rest);
    name.first().is_some_and(u8::is_ascii_uppercase)
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'-' | b'+'))
}

/// A zone by its name in the database of zones, or by its city alone, as Project Haystack writes it.
fn named(name: &str) -> Option<Tz> {
    let fits =
        name.len() >= 3 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'/' | b'-' | b'+'));
    if !fits || !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    if name.contains('/') {
        return name.parse().ok();
    }
    let city = |zone: &&Tz| zone.name().rsplit('/').next() == Some(name) && zone.name().contains('/');
    // Etc/GMT+5 is five hours west; GMT+5 in a report is five hours east, and was read as that.
    chrono_tz::TZ_VARIANTS.iter().filter(|zone| !zone.name().starts_with("Etc/")).find(city).copied()
}

/// The zone that a header's text names: `Date Time, GMT-05:00`, `Time (EST)`, `Timestamp [UTC+8]`, `time_utc`.
///
/// Only what is known to be a zone is one: `Time (s)` and `Date (MM/DD/YYYY)` name none.
#[must_use]
pub(crate) fn zone_of_header(header: &str) -> Option<StatedZone> {
    let groups = header.split(['(', ')', '[', ']', '{', '}', ',', ';']).map(str::trim);
    if let Some(zone) = groups.clone().find_map(|group| known(group, header.trim() != group)) {
        return Some(zone);
    }
    let words: Vec<&str> =
        header.split([' ', '(', ')', '[', ']', ',', ';', '\u{a0}']).filter(|w| !w.is_empty()).collect();
    let pairs = words.iter().zip(words.iter().skip(1)).map(|(a, b)| format!("{a} {b}"));
    if let Some(zone) = pairs.clone().find_map(|pair| known(&pair, false)) {
        return Some(zone);
    }
    if let Some(zone) = words.iter().find_map(|word| known(word, false)) {
        return Some(zone);
    }
    let utc = |word: &str| word.eq_ignore_ascii_case("utc") || word.eq_ignore_ascii_case("gmt");
    let camel = ["Utc", "UTC", "GMT"].iter().any(|end| header.trim_end().ends_with(end));
    let named = header.split(|c: char| !c.is_alphanumeric()).any(utc) || camel;
    named.then_some(StatedZone::Offset(0))
}

/// The zone that a row above the header states: `Timezone: UTC+02:00`, `Time Zone:,America/New_York`, `All times are in UTC`.
#[must_use]
pub(crate) fn zone_of_preamble(fields: &[String]) -> Option<StatedZone> {
    const LABELS: [&str; 8] =
        ["time zone", "timezone", "zeitzone", "fuseau", "zona horaria", "時區", "时区", "times are"];
    let is_label = |field: &&String| LABELS.iter().any(|label| field.to_lowercase().contains(label));
    let (at, label) = fields.iter().enumerate().find(|(_, field)| is_label(field))?;
    let behind = label.split_once([':', '=']).map_or("", |(_, behind)| behind.trim());
    let next = fields.get(at + 1).map_or("", |field| field.trim());
    let stated_in =
        |text: &str| known(text, true).or_else(|| named(text).map(StatedZone::Zone)).or_else(|| zone_of_header(text));
    [behind, next, label.as_str()].into_iter().filter(|text| !text.is_empty()).find_map(stated_in)
}

/// A zone that a text is, and nothing else; two letters are one only where they stand `apart`.
fn known(text: &str, apart: bool) -> Option<StatedZone> {
    if let Some((_, zone)) = CLOCKS.iter().find(|(name, _)| *name == text).filter(|(name, _)| apart || name.len() > 2) {
        return Some(StatedZone::Zone(*zone));
    }
    let lower = text.to_ascii_lowercase();
    let text = NAMES.iter().find(|(name, _)| *name == lower).map_or(text, |(_, abbreviation)| abbreviation);
    match stated(text)? {
        StatedZone::Abbreviation(letters) if !is_known(letters, apart) => None,
        // A letter behind a comma is no zone, nor is a city's name in a header.
        StatedZone::Zone(_) if !text.contains('/') => None,
        StatedZone::Offset(_) if text.len() < 2 => None,
        zone => Some(zone),
    }
}

fn is_known(letters: Abbreviation, apart: bool) -> bool {
    let text = letters.as_str();
    let generic = CLOCKS.iter().any(|(name, _)| *name == text);
    ABBREVIATIONS.iter().any(|(name, _)| *name == text)
        || ALIASES.iter().any(|(name, _)| *name == text)
        || generic && apart
}

/// What an abbreviation means in reports of a site in `zone`, about the time `local_ms`.
#[must_use]
pub(crate) fn meaning(letters: Abbreviation, zone: Tz, local_ms: i64) -> Meaning {
    let text = letters.as_str();
    let text = ALIASES.iter().find(|(name, _)| *name == text).map_or(text, |(_, means)| means);
    if let Some((seconds, _)) = offsets_near(zone, local_ms).find(|(_, name)| name.as_deref() == Some(text)) {
        return Meaning::Offset(seconds);
    }
    // In Australia EST is what others call AEST.
    let eastern_elsewhere = zone.name().starts_with("Australia/") && matches!(text, "EST" | "EDT" | "WST");
    match ABBREVIATIONS.iter().find(|(name, _)| *name == text) {
        Some((_, [only])) if !eastern_elsewhere => Meaning::Offset(only * 60),
        Some(_) => Meaning::Ambiguous,
        None => {
            CLOCKS.iter().find(|(name, _)| *name == text).map_or(Meaning::Unknown, |(_, zone)| Meaning::Zone(*zone))
        }
    }
}

/// Whether a zone's clocks are so many seconds from UTC at some time of the year around `local_ms`.
#[must_use]
pub(crate) fn has_offset(zone: Tz, seconds: i32, local_ms: i64) -> bool {
    offsets_near(zone, local_ms).any(|(offset, _)| offset == seconds)
}

/// Offsets and abbreviations of a zone in the year around a time.
fn offsets_near(zone: Tz, local_ms: i64) -> impl Iterator<Item = (i32, Option<String>)> {
    const STEP_MS: i64 = 26 * 86_400_000;
    (-7..=7).filter_map(move |step| {
        let at = DateTime::from_timestamp_millis(local_ms + step * STEP_MS)?.naive_utc();
        let offset = zone.offset_from_utc_datetime(&at);
        Some((offset.fix().local_minus_utc(), offset.abbreviation().map(str::to_owned)))
    })
}

/// An offset in words: `UTC+05:45`, `UTC-5`.
#[must_use]
pub(crate) fn spell_offset(seconds: i32) -> String {
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    match minutes % 60 {
        0 => format!("UTC{sign}{}", minutes / 60),
        rest => format!("UTC{sign}{:02}:{rest:02}", minutes / 60),
    }
}

/// The way out for a report whose rows run on through a missing hour, `seconds` from UTC.
pub(crate) fn standard_time_advice(seconds: i32) -> String {
    let offset = spell_offset(seconds);
    if seconds % 3600 == 0 {
        let name = match seconds / 3600 {
            0 => "Etc/UTC".to_owned(),
            // Their signs are turned round.
            hours => format!("Etc/GMT{:+}", -hours),
        };
        return format!(
            "If the report was kept in standard time, parse it with the timezone {name} (which is {offset})"
        );
    }
    format!(
        "If the report was kept in standard time, it is {offset}, for which there is no Etc/GMT zone: export it with offsets or in UTC"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> i64 {
        chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp_millis()
    }

    fn abbreviation(text: &str) -> Abbreviation {
        Abbreviation::of(text.as_bytes()).unwrap()
    }

    #[test]
    fn headers_name_zones() {
        let hours = |h: i32| Some(StatedZone::Offset(h * 3600));
        let short = |text: &str| Some(StatedZone::Abbreviation(abbreviation(text)));
        for (header, expected) in [
            ("Date Time, GMT-05:00", hours(-5)),
            ("Date Time, GMT+0100", hours(1)),
            ("Date Time, GMT -06:00", hours(-6)),
            ("Time (GMT +01:00)", hours(1)),
            ("Time (EST)", short("EST")),
            ("Date/time UTC", hours(0)),
            ("Date/Time (UTC+05:45)", Some(StatedZone::Offset(20_700))),
            ("Timestamp [UTC+8]", hours(8)),
            ("UTC+8 Time", hours(8)),
            ("Time UTC +8", hours(8)),
            ("Timestamp (UTC−4)", hours(-4)),
            ("Zeit (MEZ)", short("MEZ")),
            ("Zeit MESZ", short("MESZ")),
            ("Time (America/New_York)", Some(StatedZone::Zone(Tz::America__New_York))),
            ("Time America/New_York", Some(StatedZone::Zone(Tz::America__New_York))),
            ("Date-Time (EST/EDT)", Some(StatedZone::Zone(Tz::America__New_York))),
            ("Time (ET)", Some(StatedZone::Zone(Tz::America__New_York))),
            ("Time (Eastern Standard Time)", short("EST")),
            ("timestamp_utc", hours(0)),
            ("TimestampUTC", hours(0)),
            ("measuredAtUtc", hours(0)),
            ("Time (+08:00)", hours(8)),
            ("Time", None),
            ("Date/Time", None),
            ("Date (MM/DD/YYYY)", None),
            ("Time (s)", None),
            ("Time (hh:mm:ss)", None),
            ("Time (local)", None),
            ("TIME STAMP", None),
            ("Timestamp (LTZ)", None),
            ("CT Time", None),
            ("Date Time, Z", None),
            ("Paris time", None),
        ] {
            assert_eq!(zone_of_header(header), expected, "{header}");
        }
    }

    #[test]
    fn zones_behind_clocks() {
        let hours = |h: i32| Some(Some(StatedZone::Offset(h * 3600)));
        for (text, expected) in [
            ("", Some(None)),
            ("Z", hours(0)),
            (" Z UTC", hours(0)),
            (" UTC", hours(0)),
            ("+0100", hours(1)),
            ("+01", hours(1)),
            (" +1:00", hours(1)),
            (" UTC+8", hours(8)),
            (" GMT+0800 (Taipei Standard Time)", hours(8)),
            ("-05:00 New_York", hours(-5)),
            ("-05:00[America/New_York]", hours(-5)),
            (" (+08:00)", hours(8)),
            (" New_York", Some(Some(StatedZone::Zone(Tz::America__New_York)))),
            (" [Europe/Berlin]", Some(Some(StatedZone::Zone(Tz::Europe__Berlin)))),
            (" Europe/Berlin", Some(Some(StatedZone::Zone(Tz::Europe__Berlin)))),
            (" (EST)", Some(Some(StatedZone::Abbreviation(abbreviation("EST"))))),
            (" EST", Some(Some(StatedZone::Abbreviation(abbreviation("EST"))))),
            (" x", None),
            ("x", None),
            (" 5", None),
            (" Nowhere", None),
            ("+123", None),
            ("+08:00:00", None),
        ] {
            assert_eq!(behind_clock(text.as_bytes()), expected, "{text}");
        }
    }

    /// By the rules of each zone: New York EST is UTC-5, Taipei CST UTC+8, Chicago CST UTC-6, Kolkata IST UTC+5:30.
    #[test]
    fn abbreviations_mean_what_the_site_means() {
        let july = at("2024-07-01 12:00");
        for (text, zone, expected) in [
            ("EST", Tz::America__New_York, Meaning::Offset(-18_000)),
            ("EDT", Tz::America__New_York, Meaning::Offset(-14_400)),
            ("CST", Tz::Asia__Taipei, Meaning::Offset(28_800)),
            ("CST", Tz::America__Chicago, Meaning::Offset(-21_600)),
            ("CST", Tz::Europe__Berlin, Meaning::Ambiguous),
            ("MEZ", Tz::Europe__Berlin, Meaning::Offset(3600)),
            ("MESZ", Tz::Europe__Vienna, Meaning::Offset(7200)),
            ("CET", Tz::Asia__Kathmandu, Meaning::Offset(3600)),
            ("BST", Tz::Europe__London, Meaning::Offset(3600)),
            ("BST", Tz::Asia__Dhaka, Meaning::Ambiguous),
            ("IST", Tz::Asia__Kolkata, Meaning::Offset(19_800)),
            ("IST", Tz::Europe__Dublin, Meaning::Offset(3600)),
            ("IST", Tz::Asia__Taipei, Meaning::Ambiguous),
            ("SGT", Tz::Asia__Singapore, Meaning::Offset(28_800)),
            ("EST", Tz::Australia__Sydney, Meaning::Ambiguous),
            ("ET", Tz::Asia__Taipei, Meaning::Zone(Tz::America__New_York)),
            ("XYZ", Tz::Asia__Taipei, Meaning::Unknown),
        ] {
            assert_eq!(meaning(abbreviation(text), zone, july), expected, "{text} in {zone}");
        }
        assert!(has_offset(Tz::America__New_York, -18_000, july));
        assert!(!has_offset(Tz::America__New_York, 3600, july));
    }

    #[test]
    fn offsets_in_words() {
        assert_eq!(spell_offset(-18_000), "UTC-5");
        assert_eq!(spell_offset(20_700), "UTC+05:45");
        assert_eq!(spell_offset(0), "UTC+0");
    }
}
