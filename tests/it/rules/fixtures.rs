//! The hand-worked pages in `tests/fixtures/clean`: rows with what each must become and its arithmetic beside it.
//!
//! `#!` lines give parameters, zone and columns (name, kind, unit, interval in s, trend definition; `-` for none).
//! A page either marks rows and cells that must be gone in its column `expected`, or has the whole answer
//! behind a line `=>`.

use std::collections::BTreeSet;

use super::*;

struct Page {
    parameters: Parameters,
    zone: Tz,
    columns: Vec<ColumnMeta>,
    rows: Vec<Vec<String>>,
    expected: Option<(Vec<String>, Vec<Vec<String>>)>,
}

fn page(text: &str) -> Page {
    let mut page = Page { parameters: nothing(), zone: Tz::UTC, columns: vec![], rows: vec![], expected: None };
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut header = false;
    for line in text.lines() {
        if let Some(json) = line.strip_prefix("#! parameters ") {
            page.parameters = serde_json::from_str(json).unwrap();
        } else if let Some(zone) = line.strip_prefix("#! zone ") {
            page.zone = zone.parse().unwrap();
        } else if let Some(words) = line.strip_prefix("#! column ") {
            page.columns.push(meta(words));
        } else if line.starts_with('#') {
        } else if line == "=>" {
            page.expected = Some((Vec::new(), Vec::new()));
        } else if let Some((names, rows)) = &mut page.expected {
            if names.is_empty() { *names = cells(line) } else { rows.push(cells(line)) }
        } else if !header {
            let names = cells(line);
            assert!(page.columns.iter().zip(&names[1..]).all(|(c, name)| c.original_name == *name), "{names:?}");
            header = true;
        } else {
            page.rows.push(cells(line));
        }
    }
    page
}

fn meta(words: &str) -> ColumnMeta {
    let mut words = words.splitn(5, ' ');
    let name = words.next().unwrap();
    let kind = serde_json::from_value(words.next().unwrap().into()).unwrap();
    let mut meta = column(name, kind);
    let mut next = || words.next().filter(|word| *word != "-");
    meta.unit = next().map(str::to_owned);
    meta.native_interval_s = next().map(|seconds| seconds.parse().unwrap());
    meta.trend_definition = next().map(str::to_owned);
    meta
}

/// 1 July 2024, at that time of the zone's clock, UTC ms.
fn at(zone: Tz, clock: &str) -> i64 {
    use chrono::TimeZone as _;
    let (hour, minute) = clock.split_once(':').unwrap();
    let time = zone.with_ymd_and_hms(2024, 7, 1, hour.parse().unwrap(), minute.parse().unwrap(), 0);
    time.unwrap().timestamp_millis()
}

impl Page {
    fn clean(&self) -> Cleaned {
        let times: Vec<i64> = self.rows.iter().map(|row| at(self.zone, &row[0])).collect();
        let mut columns = self.columns.clone();
        let cells =
            |index: usize| self.rows.iter().map(move |row| Some(row[index + 1].clone()).filter(|c| !c.is_empty()));
        let values = columns.iter().enumerate().map(|(index, meta)| match meta.kind {
            Kind::Text => Values::Texts(cells(index).collect()),
            _ => Values::Numbers(cells(index).map(|c| c.map(|c| c.parse().unwrap())).collect()),
        });
        let values = values.collect();
        let frame = frame(&times, &mut columns, values);
        let done = cleaned(frame, &columns, self.zone, &self.parameters);
        conserves(&done);
        done
    }

    /// Every row that is dropped and every cell that is nulled is marked, and no other.
    fn marks(&self, rule: Rule) -> Cleaned {
        let cleaned = self.clean();
        let left: BTreeSet<i64> = times(&cleaned).into_iter().collect();
        let mut kept = 0;
        for row in &self.rows {
            let expected: BTreeSet<&str> = row[self.columns.len() + 1].split_whitespace().collect();
            let mut found = BTreeSet::new();
            if !left.contains(&at(self.zone, &row[0])) {
                found.insert(rule.name().to_owned());
            } else {
                for (index, meta) in self.columns.iter().enumerate() {
                    let cell = numbers(&cleaned, &meta.name)[kept];
                    if cell.is_none() && !row[index + 1].is_empty() {
                        found.insert(format!("{}:{}", rule.name(), meta.name));
                    }
                }
                kept += 1;
            }
            let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(found, expected, "{}: {}", row[0], row.last().unwrap());
        }
        let said: u64 = [&cleaned.report.rows.dropped, &cleaned.report.cells.nulled]
            .iter()
            .filter_map(|h| h.get(&rule))
            .map(|h| h.first)
            .sum();
        let marked = |row: &Vec<String>| row[self.columns.len() + 1].split_whitespace().count() as u64;
        assert_eq!(said, self.rows.iter().map(marked).sum::<u64>());
        // Without filtering the same is found, and nothing is changed.
        let parameters = Parameters { filter_invalid: false, ..self.parameters.clone() };
        let only = Page { parameters, columns: self.columns.clone(), rows: self.rows.clone(), expected: None, ..*self };
        let flagged = only.clean();
        assert_eq!(flagged.report.rows.flagged, cleaned.report.rows.flagged);
        assert_eq!(flagged.report.cells.flagged, cleaned.report.cells.flagged);
        assert_eq!(flagged.events, cleaned.events);
        assert_eq!(flagged.report.rows.cleaned, self.rows.len() as u64);
        cleaned
    }

    /// The frame is the expected one.
    fn becomes(&self) -> Cleaned {
        let cleaned = self.clean();
        let (names, rows) = self.expected.as_ref().unwrap();
        let expected: Vec<i64> = rows.iter().map(|row| at(self.zone, &row[0])).collect();
        assert_eq!(times(&cleaned), expected);
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !["time", "why"].contains(&name.as_str())) {
            let column = cleaned.frame.column(name).unwrap();
            for (row, cells) in rows.iter().enumerate() {
                let (cell, place) = (&cells[index], format!("{name} at {}", cells[0]));
                if let Ok(texts) = column.str() {
                    assert_eq!(texts.get(row).unwrap_or_default(), cell, "{place}");
                    continue;
                }
                match (column.f64().unwrap().get(row), cell.parse::<f64>().ok()) {
                    (Some(ours), Some(theirs)) => {
                        assert!((ours - theirs).abs() < 1e-3, "{place}: {ours}, not {theirs}")
                    }
                    (ours, theirs) => assert_eq!(ours, theirs, "{place}"),
                }
            }
        }
        cleaned
    }
}

fn open(name: &str) -> Page {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clean").join(name);
    page(&std::fs::read_to_string(path).unwrap())
}

#[test]
fn range() {
    let cleaned = open("range.csv").marks(Rule::OutOfRange);
    let event = cleaned.events.iter().find(|e| e.column.as_deref() == Some("CWST")).unwrap();
    assert_eq!((event.detail.as_str(), event.rows), ("40…141, where 41…140 °F is possible", 2));
    let event = cleaned.events.iter().find(|e| e.column.as_deref() == Some("WBT")).unwrap();
    assert!(event.rows == 1 && event.detail.contains("OAT"), "{event:?}");
}

#[test]
fn frozen() {
    let cleaned = open("frozen.csv").marks(Rule::Frozen);
    let words: Vec<&str> = cleaned.events.iter().map(|event| event.detail.as_str()).collect();
    assert_eq!(words, ["23.4 for 1 h 30 min while CHP_1 ran", "12.7 for 1 h 30 min while CH_1 ran"]);
    let rule = cleaned.report.rules.iter().find(|rule| rule.rule == Rule::Frozen).unwrap();
    let left_out: Vec<&str> = rule.left_out.iter().map(|left| left.column.as_str()).collect();
    assert_eq!(left_out, ["CH_1_S", "CHP_1_HZ"]);
}

#[test]
fn spike() {
    let cleaned = open("spike.csv").marks(Rule::Spike);
    assert_eq!(cleaned.events[0].detail, "9, away from its neighbours and back");
}

#[test]
fn steady_state() {
    let cleaned = open("steady_state.csv").marks(Rule::SteadyState);
    assert_eq!(cleaned.events[0].detail, "the load moved by up to 6.7 % of its mean within 15 min");
}

#[test]
fn heat_balance() {
    let cleaned = open("heat_balance.csv").marks(Rule::HeatBalance);
    let balance = cleaned.report.heat_balance.as_ref().unwrap();
    assert_eq!((balance.rows, balance.within), (7, 3));
    let unit = |column: &str| {
        let units = cleaned.report.roles.iter().flat_map(|role| &role.units);
        units.clone().find(|unit| unit.column == column).map(|unit| (unit.unit.clone(), unit.evidence.clone())).unwrap()
    };
    assert_eq!(unit("CHWS"), (
        "°F".to_owned(),
        "no unit is recorded; its median 46.0 can only be °F: in °C a chilled-water temperature would be at 46.0 °C".to_owned()
    ));
    assert_eq!(unit("GPM").1, "'GPM' in its name, and no unit is recorded");
    assert_eq!(unit("RT").1, "'RT' in its name, and no unit is recorded");
    assert!(cleaned.report.plant_balance.is_none(), "no condenser side");
}

#[test]
fn affinity() {
    let cleaned = open("affinity.csv").marks(Rule::Affinity);
    let pumps: Vec<(&str, u64, Option<f64>)> = (cleaned.report.affinity.iter())
        .map(|pump| (pump.power.as_str(), pump.flagged, pump.median.map(|m| (m * 1e7).round() / 1e7)))
        .collect();
    assert_eq!(pumps, [("CHP_1_KW", 2, Some(1.6e-4)), ("CHP_2_KW", 0, None), ("CT_1_KW", 1, Some(2.0e-4))]);
    assert_eq!(cleaned.report.affinity[1].note.as_deref(), Some("it runs in 2 rows: too few to know it"));
}

#[test]
fn equipment() {
    let cleaned = open("equipment.csv").marks(Rule::Equipment);
    let words: Vec<&str> = cleaned.events.iter().map(|event| event.detail.as_str()).collect();
    assert_eq!(
        words,
        ["1000 flow while CHP_1, CHP_2 stood", "60 flow while CHP_1, CHP_2 stood", "CH_1 ran while CT_1 stood"]
    );
}

#[test]
fn counter() {
    let cleaned = open("counter.csv").becomes();
    let counter = &cleaned.report.counters[0];
    assert_eq!((counter.resets, counter.rollovers, counter.spikes), (1, 1, 1));
    assert_eq!((counter.total, counter.across_gaps), (265.0, 50.0));
    let meta = cleaned.columns.iter().find(|meta| meta.name == "MMCB_KWH_consumption").unwrap();
    assert_eq!(
        (meta.unit.as_deref(), meta.derived.as_ref().unwrap().from.clone()),
        (Some("kWh"), vec!["MMCB_KWH".to_owned()])
    );
}

#[test]
fn resample() {
    let cleaned = open("resample.csv").becomes();
    let oat = cleaned.columns.iter().find(|meta| meta.name == "OAT").unwrap();
    assert_eq!(oat.nulls, BTreeMap::from([(NullReason::NotCovered, 2), (NullReason::NoSample, 1)]));
    let aggregate = |name: &str| {
        let meta = cleaned.columns.iter().find(|meta| meta.name == name).unwrap();
        meta.cleaned.as_ref().unwrap().aggregate.clone().unwrap()
    };
    let names = ["CHWST", "FLOW", "CH_1_S", "MMCB_KWH", "MODE", "CH_1_S_on_fraction"];
    assert_eq!(names.map(aggregate), ["mean", "time-weighted mean", "max", "last", "last", "mean"]);
}

#[test]
fn derived_columns() {
    let cleaned = open("derive.csv").becomes();
    let cop = cleaned.columns.iter().find(|meta| meta.name == "cop").unwrap();
    assert_eq!(cop.derived.as_ref().unwrap().from, ["CH_SYS_RT", "CH_SYS_TOTAL_KW"]);
    assert_eq!(cop.nulls, BTreeMap::from([(NullReason::NotDerivable, 1)]));
}
