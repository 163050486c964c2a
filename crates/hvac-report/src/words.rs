//! What columns are called: times, points, values, verdicts, units, keys, remarks. Trade words of several languages.

use hvac_points::units;

/// Letters and digits of a name, in small letters.
pub(crate) fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

fn is_one_of(name: &str, words: &[&str]) -> bool {
    words.contains(&bare(name).as_str())
}

/// Whether a name is one that columns of time have.
pub(crate) fn names_time(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = [
        "time",
        "date",
        "stamp",
        "zeit",
        "datum",
        "epoch",
        "heure",
        "horodat",
        "fecha",
        "hora",
        "ora",
        "uhr",
        "tijd",
        "day",
        "jour",
        "month",
        "monat",
        "mois",
        "mes",
        "giorno",
        "last_changed",
        "last_updated",
    ];
    let whole = |word: &str| name.split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
    matches!(name.as_str(), "ts" | "dt")
        || words.iter().any(|word| {
            if word.len() < 6
                && !matches!(*word, "time" | "date" | "zeit" | "stamp" | "datum" | "epoch" | "heure" | "fecha")
            {
                whole(word)
            } else {
                name.contains(word)
            }
        })
        || name.contains('時')
        || name.contains('时')
        || name.contains('日')
}

/// A column of intervals.
pub(crate) fn names_interval(name: &str) -> bool {
    is_one_of(name, &["interval", "period", "intervall", "zeitraum", "intervalo", "periode", "période", "時段", "时段"])
}

/// Whether a time's name says that the row was stored, changed or sent then, and not that it was measured.
pub(crate) fn names_bookkeeping(name: &str) -> bool {
    let bare = bare(name);
    ["created", "updated", "modified", "received", "inserted", "stored", "uploaded", "processed"]
        .iter()
        .any(|word| bare.contains(word))
}

/// The beginning of an interval.
pub(crate) fn names_from(name: &str) -> bool {
    let bare = bare(name);
    let whole = [
        "from", "von", "start", "begin", "begins", "starts", "desde", "inicio", "debut", "début", "du", "van", "da",
        "ab", "起", "開始",
    ];
    whole.contains(&bare.as_str())
        || ["start", "from", "begin"].iter().any(|word| bare.starts_with(word) || bare.ends_with(word))
}

/// The end of an interval.
pub(crate) fn names_until(name: &str) -> bool {
    let bare = bare(name);
    let whole = ["to", "until", "till", "bis", "end", "ends", "stop", "hasta", "fin", "au", "tot", "a", "迄", "結束"];
    whole.contains(&bare.as_str())
        || ["end", "stop", "until"].iter().any(|word| bare.starts_with(word) || bare.ends_with(word))
        || bare.ends_with("to")
}

/// Whether a name is that of offsets from UTC and of nothing else.
pub(crate) fn names_offset_from_utc(name: &str) -> bool {
    is_one_of(name, &["utcoffset", "gmtoffset", "tzoffset", "timezoneoffset"])
}

/// Whether a name is that of a column of zones, or of offsets from UTC.
pub(crate) fn names_offset(name: &str) -> bool {
    is_one_of(
        name,
        &["offset", "utcoffset", "gmtoffset", "tz", "timezone", "zone", "tzoffset", "timezoneoffset", "zeitzone"],
    )
}

/// Where the time's name should stand: a word that says that names follow.
pub(crate) fn is_name_label(bare: &str) -> bool {
    [
        "name",
        "point",
        "points",
        "pointname",
        "tag",
        "tagname",
        "item",
        "object",
        "channel",
        "equipment",
        "equip",
        "device",
        "unitname",
        "測點",
        "點位",
    ]
    .contains(&bare)
}

/// Where the time's name should stand: a word that says that this row is no name of points.
pub(crate) fn is_remark_row(bare: &str) -> bool {
    [
        "description",
        "desc",
        "beschreibung",
        "comment",
        "remark",
        "remarks",
        "note",
        "notes",
        "aggregation",
        "function",
        "說明",
        "描述",
        "address",
        "type",
        "id",
    ]
    .contains(&bare)
}

/// A column of points' names.
pub(crate) fn is_point_name(name: &str) -> bool {
    is_one_of(
        name,
        &[
            "point",
            "name",
            "tag",
            "sensor",
            "variable",
            "metric",
            "series",
            "object",
            "signal",
            "channel",
            "item",
            "trend",
            "source",
            "測點",
            "點位",
            "点位",
            "測點名稱",
            "pointname",
            "tagname",
            "sensorname",
            "objectname",
            "sensorid",
            "pointid",
            "tagid",
            "trendname",
            "seriesname",
            "itemname",
            "signalname",
            "variablename",
            "metricname",
            "historyname",
            "objectid",
            "pointpath",
            "objectreference",
            "itemreference",
            "entityid",
            "entity",
            "field",
            "historyid",
            "pointref",
            "pathname",
            "quantity",
            "parameter",
            "measure",
            "datapoint",
            "messpunkt",
            "messstelle",
            "datenpunkt",
            "punto",
            "capteur",
        ],
    )
}

/// A column whose text, with others, tells series apart; or one that only describes. The lower, the sooner it is left out of a
/// name that needs fewer.
pub(crate) fn key_rank(name: &str) -> u8 {
    if is_point_name(name) {
        3
    } else if is_one_of(
        name,
        &[
            "equip",
            "equipment",
            "device",
            "devicename",
            "equipmentname",
            "unitname",
            "asset",
            "meter",
            "meterid",
            "meternumber",
            "meterserial",
            "meterserialnumber",
            "serialnumber",
            "nmi",
            "mpan",
            "mprn",
            "ean",
            "machine",
            "ahu",
            "zone",
            "設備",
        ],
    ) {
        2
    } else if is_remark(name) {
        0
    } else {
        1
    }
}

/// A column that describes: dropped from a name first.
fn is_remark(name: &str) -> bool {
    is_one_of(
        name,
        &[
            "description",
            "comment",
            "remark",
            "note",
            "type",
            "kind",
            "category",
            "class",
            "site",
            "building",
            "location",
            "floor",
            "measurement",
            "friendlyname",
            "displayname",
        ],
    )
}

/// A column that numbers or sorts rows, and tells nothing of a point.
pub(crate) fn is_row_number(name: &str) -> bool {
    name == "#"
        || is_one_of(
            name,
            &[
                "index",
                "rowid",
                "row",
                "rownumber",
                "recordid",
                "record",
                "recordno",
                "seq",
                "sequence",
                "no",
                "nr",
                "priority",
                "result",
                "table",
                "id",
            ],
        )
}

/// Names that say only that the column holds values.
pub(crate) fn is_value_name(name: &str) -> bool {
    let bare = bare(name.split(['(', '[']).next().unwrap_or_default());
    [
        "value",
        "val",
        "values",
        "reading",
        "data",
        "presentvalue",
        "numericvalue",
        "pointvalue",
        "objectvalue",
        "trendvalue",
        "historyvalue",
        "measurement",
        "avg",
        "average",
        "mean",
        "wert",
        "messwert",
        "valeur",
        "valor",
        "valore",
        "waarde",
        "值",
        "數值",
        "数值",
    ]
    .contains(&bare.as_str())
}

/// Beside a column of points' names these are values too.
pub(crate) fn is_value_beside_point(name: &str) -> bool {
    is_value_name(name)
        || is_one_of(name, &["state", "min", "max", "minimum", "maximum", "sum", "last", "status value", "rawvalue"])
}

/// Columns in which a system says what it thinks of a value.
pub(crate) fn is_verdict(name: &str) -> bool {
    is_one_of(
        name,
        &[
            "trendflags",
            "status",
            "quality",
            "flags",
            "flag",
            "reliability",
            "valuestatus",
            "statusflags",
            "qualityflag",
            "qualitycode",
            "qc",
            "valid",
            "validity",
            "qualität",
            "qualite",
            "qualité",
            "calidad",
            "品質",
            "狀態",
        ],
    )
}

/// The name behind `Status of`, `Quality`, `Q_`: that of the point whose verdict the column is.
fn verdict_before(name: &str) -> Option<&str> {
    let words =
        ["status of ", "status_of_", "quality of ", "quality_of_", "quality ", "quality_", "status ", "status_", "q_"];
    let begins = |word: &&str| name.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    words.iter().find(|word| begins(word)).and_then(|word| name.get(word.len()..)).filter(|stem| !stem.is_empty())
}

/// Whether a column beside a point's name and value says something of one reading, or of its day: none is part of a name.
pub(crate) fn is_annotation(name: &str) -> bool {
    const WORDS: &str = "operator user username author reason cause event eventtype source origin displayvalue formattedvalue \
         formatted valuetext textvalue comment comments note notes remark remarks message severity priority ack \
         acknowledged ackstate alarm alarmtext alarmstate condition mode season tou touperiod tariff rate \
         rateperiod daytype weekday dayofweek gateway firmware firmwareversion version readtype readingtype \
         estimated est isestimated qualitydescription qualitydesc statustext statusdescription eventid recordid 備註 \
         原因 操作者 使用者 事件 季節 時段";
    let bare = bare(name);
    WORDS.split(' ').any(|word| word == bare)
}

/// The point that a column's verdicts are about, when its name is a point's name and such a word: `AHU1_DAT Status`.
pub(crate) fn verdict_of(name: &str) -> Option<&str> {
    let lower = name.to_ascii_lowercase();
    let mut endings = "status quality flags flag reliability qc _q invalid valid validity good bad zustand estado état stato 狀態 状态 状態 品質".split(' ');
    if let Some(stem) = verdict_before(name) {
        return Some(stem);
    }
    // `SAT (Status)`
    let lower = lower.trim_end_matches([')', ']']);
    let name = name.get(..lower.len())?;
    let ending = endings.find(|ending| lower.ends_with(*ending))?;
    let stem = name.get(..name.len() - ending.len())?.trim_end_matches([' ', '_', '-', '.', ':', '/', '(', '[']);
    (!stem.is_empty()).then_some(stem)
}

/// A name without the word that says that its column holds values: `AHU1_DAT Value` → `AHU1_DAT`.
pub(crate) fn without_value(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    for ending in ["value", "reading", "val"] {
        if lower.ends_with(ending)
            && let Some(stem) = name.get(..name.len() - ending.len())
            && stem.ends_with([' ', '_', '-', '.', ':'])
        {
            return stem.trim_end_matches([' ', '_', '-', '.', ':']);
        }
    }
    name
}

/// A point's name without its unit in brackets and without the word that says that its column holds values.
pub(crate) fn stem(name: &str) -> &str {
    let bare = name.split(['[', '(']).next().unwrap_or_default();
    // `DA-T, °F`
    let bare =
        bare.rsplit_once(',').filter(|(_, unit)| units::known(unit.trim()).is_some()).map_or(bare, |(stem, _)| stem);
    let bare = bare.trim_end_matches([' ', '_', '-', '.', ':', ',']);
    without_value(if bare.is_empty() { name } else { bare })
}

/// A column of units.
pub(crate) fn is_unit_name(name: &str) -> bool {
    is_one_of(
        name,
        &[
            "unit",
            "units",
            "uom",
            "einheit",
            "unidad",
            "unité",
            "unite",
            "unitofmeasurement",
            "engunits",
            "單位",
            "单位",
        ],
    )
}

/// A row that sums up: `Total`, `Average`.
pub(crate) fn is_summary(text: &str) -> bool {
    is_one_of(
        text,
        &[
            "total",
            "totals",
            "sum",
            "subtotal",
            "grandtotal",
            "average",
            "avg",
            "mean",
            "min",
            "max",
            "minimum",
            "maximum",
            "summe",
            "gesamt",
            "mittelwert",
            "somme",
            "moyenne",
            "totale",
            "media",
            "suma",
            "totaal",
            "合計",
            "合计",
            "總計",
            "总计",
            "平均",
            "最大",
            "最小",
            "小計",
            "count",
            "stddev",
        ],
    )
}
