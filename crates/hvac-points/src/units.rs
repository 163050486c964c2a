//! Units as reports write them: in a header (`RH [%]`), in a cell (`25.3 C`), in a logger's units line.
//!
//! Only recognises and spells; converting is not done anywhere in reading, so that a stored number is the
//! number of the report.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Units as this program writes them, each with its other spellings. They are compared as [`compact`] writes them.
const UNITS: &[&[&str]] = &[
    &["%", "%RH", "pct", "percent", "RH%", "%open", "pct RH", "percent RH", "% rel hum"],
    &["°C", "C", "degC", "degrees C", "degrees celsius", "celsius", "deg. celsius", "degree C", "degree celsius"],
    &["°F", "F", "degF", "degrees F", "degrees fahrenheit", "fahrenheit", "degree F", "degree fahrenheit"],
    &["K", "kelvin"],
    &["W", "watt", "watts"],
    &["kW"],
    &["MW"],
    &["Wh"],
    &["kWh"],
    &["MWh"],
    &["kVA"],
    &["kvar"],
    &["kJ"],
    &["MJ"],
    &["GJ"],
    &["BTU"],
    &["BTU/h", "BTU/hr", "BTUH"],
    &["MBH"],
    &["RT", "TR", "ton", "tons", "USRT", "tons of refrigeration"],
    &["kW/RT", "kW/ton"],
    &["A", "amp", "amps", "ampere", "amperes"],
    &["mA"],
    &["V", "volt", "volts"],
    &["kV"],
    &["Hz"],
    &["rpm"],
    &["Pa", "pascal", "pascals"],
    &["hPa"],
    &["kPa"],
    &["MPa"],
    &["bar"],
    &["mbar"],
    &["psi", "psig", "psia"],
    &["inH2O", "inWC", "in/wc", "in.w.g.", "iwc", "inches WC", "inches H2O", "in of water", "\"WC", "\"H2O", "in/wg"],
    &["GPM", "gal/min", "USGPM"],
    &["L/min", "LPM", "l/m"],
    &["L/s", "lps", "l/sec"],
    &["m³/h", "CMH", "m3/hr", "cbm/h"],
    &["m³/s", "m3/sec"],
    &["CFM", "ft3/min"],
    &["m/s", "m/sec"],
    &["ppm"],
    &["ppb"],
    &["µg/m³"],
    &["g/kg"],
    &["kJ/kg"],
    &["lx", "lux"],
    &["W/m²"],
    &["GWh"],
    &["VA"],
    &["MVA"],
    &["var"],
    &["Mvar"],
    &["kVAh"],
    &["kvarh"],
    &["J"],
    &["kBTU"],
    &["MMBTU"],
    &["therm", "therms"],
    &["kBTU/h", "kBTU/hr"],
    &["kcal"],
    &["kcal/h", "kcal/hr"],
    &["Mcal"],
    &["mV"],
    &["ohm", "ohms", "Ω"],
    &["mmH2O", "mmAq", "mm WC"],
    &["inHg"],
    &["mmHg"],
    &["kg/cm²", "kgf/cm2", "kg/cm2G"],
    &["L/h", "l/hr", "lph"],
    &["m³/min"],
    &["m³", "cbm"],
    &["kg/s", "kg/sec"],
    &["kg/h", "kg/hr"],
    &["lb/h", "lb/hr", "lbs/hr"],
    &["ft/min", "fpm"],
    &["km/h"],
    &["mph"],
    &["mg/m³"],
    &["g/m³"],
    &["BTU/lb"],
    &["kWh/m²"],
    &["Wh/m²"],
    &["h", "hr", "hrs", "hour", "hours"],
    &["gal", "gallon", "gallons"],
    &["kg"],
    &["mm"],
    &["cm"],
];

/// Spellings in which the case of a letter is what tells units apart, and single letters, which are names of phases,
/// floors and points as well.
const EXACT: [(&str, &str); 12] = [
    ("mW", "mW"),
    ("A", "A"),
    ("V", "V"),
    ("W", "W"),
    ("J", "J"),
    ("K", "K"),
    ("h", "h"),
    ("C", "°C"),
    ("c", "°C"),
    ("F", "°F"),
    ("f", "°F"),
    ("%", "%"),
];

/// Spellings that are units also where they only stand at the end of a name, as [`compact`] writes them: not `RT`, which is
/// a return temperature, nor `WH`, a water heater.
const AT_THE_END: &[&str] = &[
    "kw",
    "kwh",
    "mwh",
    "gwh",
    "kva",
    "kvar",
    "kvah",
    "kvarh",
    "mbh",
    "hz",
    "rpm",
    "gpm",
    "lpm",
    "cfm",
    "cmh",
    "ppm",
    "ppb",
    "psi",
    "psig",
    "kpa",
    "hpa",
    "mpa",
    "mbar",
    "lux",
    "degc",
    "degf",
    "btu/h",
    "btu/hr",
    "kbtu",
    "mmbtu",
    "kj",
    "mj",
    "gj",
    "kw/rt",
    "kw/ton",
    "l/s",
    "l/min",
    "l/h",
    "m3",
    "m3/h",
    "m3/s",
    "m/s",
    "inwc",
    "inwg",
    "inh2o",
    "pct",
    "percent",
    "amps",
    "volts",
    "watts",
    "w/m2",
    "kj/kg",
    "g/kg",
    "ug/m3",
    "ft/min",
    "fpm",
    "celsius",
    "fahrenheit",
    "kelvin",
    "%",
    "°c",
    "°f",
    "usrt",
    "kg/s",
    "kg/h",
    "kg/cm2",
    "therms",
    "%rh",
];

/// The same, when they are written just so.
const AT_THE_END_EXACT: [&str; 6] = ["Wh", "Pa", "MW", "kV", "mA", "VA"];

/// Words that name a quantity, with blanks between, and the single letters that are units of it.
const QUANTITIES: [(&str, &str); 5] = [
    ("A", "current currents amp amps ampere amperage strom courant corriente irms 電流 电流"),
    ("V", "volt volts voltage spannung tension tensión vrms 電壓 电压"),
    ("W", "power leistung puissance potencia 功率 電力"),
    ("J", "energy energie énergie energía energia wh kwh mwh 電量 电量 能量"),
    ("CFK", "temp temperature temperatures temperatur température temperatura drybulb wetbulb dewpoint 溫度 温度 水溫"),
];

/// What there are several of, so that a letter behind it says which: `CHWP (C)`, `Phase (A)`.
const OF_SEVERAL: &str = "phase line leg circuit feeder panel meter transformer building block wing floor zone room unit \
    pump pumps chwp cwp chp scp hwp fan chiller ch boiler tower ct ahu vav fcu compressor";

/// Every spelling, compact.
static SPELLINGS: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let spellings = UNITS.iter().filter_map(|row| Some((row, *row.first()?)));
    spellings.flat_map(|(row, unit)| row.iter().map(move |spelling| (compact(spelling), unit))).collect()
});

/// A spelling as spellings are compared: small, without blanks and dots, with plain digits.
fn compact(spelling: &str) -> String {
    let mut compact = String::with_capacity(spelling.len());
    for c in spelling.chars().flat_map(char::to_lowercase) {
        match c {
            ' ' | '.' | '_' | '·' | '\u{a0}' => {}
            'º' | '˚' => compact.push('°'),
            '℃' => compact.push_str("°c"),
            '℉' => compact.push_str("°f"),
            '²' => compact.push('2'),
            '³' => compact.push('3'),
            'µ' | 'μ' => compact.push('u'),
            '㎥' => compact.push_str("m3"),
            '㎡' => compact.push_str("m2"),
            c => compact.push(c),
        }
    }
    compact
}

/// The unit that `text` spells, as this program writes it; none when it is no unit it knows.
#[must_use]
pub fn known(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if let Some((_, unit)) = EXACT.iter().find(|(spelling, _)| *spelling == text) {
        return Some(unit);
    }
    // A single letter is one only as it stands there.
    let compact = if text.len() > 30 { return None } else { compact(text) };
    if compact.chars().count() < 2 && compact.is_ascii() { None } else { SPELLINGS.get(&compact).copied() }
}

/// The unit that a column's name tells: in brackets (`RH [%]`, `Drybulb Temperature [C](Hourly)`), behind a comma
/// (`Temp, °C (LGR S/N: 1000001)`), at the end (`CH1_kW`, `Power - kW`). A single letter is often the name of a phase
/// (`Active energy Wh (A)`): it is a unit only where no other stands before it and the quantity fits.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static str> {
    let mut rest = name.trim();
    // What stands behind a unit in brackets of its own: `(Hourly)`, `(LGR S/N: 1000001)`.
    for _ in 0..4 {
        let Some((before, inside, square)) = last_bracket(rest) else { break };
        match known(inside) {
            Some(unit) if is_letter(inside) => {
                let letter = || fits(inside, before, if square { Place::Square } else { Place::Round }).then_some(unit);
                return of_name(before).or_else(letter);
            }
            Some(unit) => return Some(unit),
            None => {}
        }
        let part = |part: &str| known(part).filter(|_| !is_letter(part.trim()));
        if let Some(unit) = inside.split([',', ';']).find_map(part) {
            return Some(unit);
        }
        rest = before.trim_end();
    }
    if let Some((before, last)) = rest.rsplit_once(',')
        && let Some(unit) = known(last)
        && (!is_letter(last.trim()) || fits(last.trim(), before, Place::Comma))
    {
        return Some(unit);
    }
    at_the_end(rest).or_else(|| in_the_middle(rest))
}

/// `Flow (GPM)`: `Flow `, `GPM`, and whether the brackets are square.
fn last_bracket(name: &str) -> Option<(&str, &str, bool)> {
    let (close, open) = match name.chars().next_back()? {
        ']' => (']', '['),
        ')' => (')', '('),
        _ => return None,
    };
    let (before, inside) = name.strip_suffix(close)?.rsplit_once(open)?;
    Some((before, inside, close == ']'))
}

fn is_letter(spelling: &str) -> bool {
    spelling.len() == 1 && spelling != "%"
}

/// Where a letter stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Square,
    Round,
    Comma,
    End,
}

/// Whether a letter is a unit of the quantity that `name`, before it, says.
fn fits(letter: &str, name: &str, place: Place) -> bool {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    // Long ones are found in compounds too: `Vorlauftemperatur`.
    let says = |word: &str| if word.len() < 6 { words.clone().any(|said| said == word) } else { lower.contains(word) };
    let said: Vec<&str> =
        QUANTITIES.iter().filter(|(_, words)| words.split(' ').any(&says)).map(|(letters, _)| *letters).collect();
    let letter = letter.to_uppercase();
    if said.iter().any(|letters| letters.contains(&letter)) {
        return true;
    }
    let last = lower.trim_end_matches(|c: char| !c.is_alphabetic()).rsplit(|c: char| !c.is_alphanumeric()).next();
    let one_of_several = last.is_some_and(|last| OF_SEVERAL.split(' ').any(|word| word == last));
    said.is_empty()
        && !one_of_several
        && match place {
            Place::Square => true,
            Place::Round => letter != "A",
            Place::Comma => !matches!(letter.as_str(), "A" | "C" | "F"),
            Place::End => false,
        }
}

/// `CH1_kW`, `Power in kW`, `Flow - m³/h`, `Temp deg C`, `RH%`.
fn at_the_end(name: &str) -> Option<&'static str> {
    let apart = [' ', '_', '.', ',', ':', ';', '|', '-'];
    let end_of = |name: &str| name.rfind(apart).map(|at| at + 1);
    let at = end_of(name)?;
    let may_end =
        |spelling: &str| AT_THE_END.contains(&compact(spelling).as_str()) || AT_THE_END_EXACT.contains(&spelling);
    let before =
        |at: usize| name.get(..at).map(|before| before.trim_end_matches(apart)).filter(|before| !before.is_empty());
    let per = |before: &str| before.ends_with('/') || before.to_lowercase().ends_with(" per");
    // `deg C` is two words.
    let two = before(at).and_then(end_of);
    for at in two.into_iter().chain([at]) {
        let (Some(spelling), Some(before)) = (name.get(at..), before(at)) else { continue };
        if may_end(spelling) && !per(before) {
            return known(spelling);
        }
    }
    let (letter, quantity) = (name.get(at..)?, before(at)?);
    let quantity = quantity.get(end_of(quantity).unwrap_or(0)..)?;
    (matches!(letter, "A" | "V" | "W") && fits(letter, quantity, Place::End)).then(|| known(letter)).flatten()
}

/// `Power [kW] chiller 1`, `Temp°C`.
fn in_the_middle(name: &str) -> Option<&'static str> {
    for glued in ["°C", "°F", "ºC", "ºF", "℃", "℉", "%"] {
        if name.len() > glued.len() && name.ends_with(glued) {
            return known(glued);
        }
    }
    let (before, _) = name.rsplit_once(']').or_else(|| name.rsplit_once(')'))?;
    let (_, inside) = before.rsplit_once(['[', '('])?;
    AT_THE_END.contains(&compact(inside).as_str()).then(|| known(inside)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_unit() {
        for (name, unit) in [
            ("RH [%]", Some("%")),
            ("Temperature [°C]", Some("°C")),
            ("Flow (GPM)", Some("GPM")),
            ("Power (kw)", Some("kW")),
            ("Value (ºC)", Some("°C")),
            ("Active energy Wh (A)", Some("Wh")),
            ("Active energy Wh (C)", Some("Wh")),
            ("Reactive power kvar (A)", Some("kvar")),
            ("Voltage V (B)", Some("V")),
            ("Voltage [V] (C)", Some("V")),
            ("Current L1 (A)", Some("A")),
            ("Current (A)", Some("A")),
            ("I1 [A]", Some("A")),
            ("Active power (A)", None),
            ("Active energy (C)", None),
            ("Phase (A)", None),
            ("CHWP (A)", None),
            ("CHWP-2 (C)", None),
            ("Chiller (F)", None),
            ("Phase [C]", None),
            ("AHU1 SAT (C)", Some("°C")),
            ("Vorlauftemperatur (C)", Some("°C")),
            ("OAT (F)", Some("°F")),
            ("CHWST (C)", Some("°C")),
            ("Temp, °C (LGR S/N: 1000001, SEN S/N: 1000001)", Some("°C")),
            ("RH, % (LGR S/N: 1000001, SEN S/N: 1000001)", Some("%")),
            ("Batt, V (LGR S/N: 1000001)", Some("V")),
            ("Abs Pres, psi (LGR S/N: 1)", Some("psi")),
            ("Host Connected (LGR S/N: 1000001)", None),
            ("Building 2, A", None),
            ("Floor, C", None),
            ("#", None),
            ("Environment:Site Outdoor Air Drybulb Temperature [C](Hourly)", Some("°C")),
            ("Electricity:Facility [J](Monthly)", Some("J")),
            ("Zone Mean Air Temperature [C](TimeStep) ", Some("°C")),
            ("System Node Mass Flow Rate [kg/s](Hourly)", Some("kg/s")),
            ("Schedule Value [](Hourly)", None),
            ("Value (°F)", Some("°F")),
            ("Supply temp (deg F)", Some("°F")),
            ("Energy [kWh]", Some("kWh")),
            ("CH1_kW", Some("kW")),
            ("CH_SYS_TOTAL_KW", Some("kW")),
            ("Power in kW", Some("kW")),
            ("Power - kW", Some("kW")),
            ("Supply temp degC", Some("°C")),
            ("Supply temp deg F", Some("°F")),
            ("Flow m³/h", Some("m³/h")),
            ("Static in.w.c.", None),
            ("Static (in.w.c.)", Some("inH2O")),
            ("Power [kW] chiller 1", Some("kW")),
            ("Temp°C", Some("°C")),
            ("Cost per kWh", None),
            ("CHW_RT", None),
            ("AHU_WH", None),
            ("ZWP-1.F", None),
            ("CH-1.S", None),
            ("Zone C", None),
            ("WBT_C", None),
            ("kW_RT", None),
            ("PUMP (NORTH)", None),
            ("TIME (-1)", None),
            ("kW", None),
            ("]", None),
        ] {
            assert_eq!(of_name(name), unit, "{name}");
        }
    }

    #[test]
    fn case_does_not_matter() {
        assert_eq!(known("mw"), Some("MW"));
        assert_eq!(known("KWH"), Some("kWh"));
        assert_eq!(known("degc"), Some("°C"));
        assert_eq!(known("mW"), Some("mW"));
    }

    #[test]
    fn spellings() {
        for (unit, spellings) in [
            ("°C", &["degC", "Deg C", "deg. C", "℃", "° C", "c", "Celsius"][..]),
            ("°F", &["°F", "deg F", "degF", "º F", "F"]),
            ("inH2O", &["in.w.c.", "in. w.c.", "inWC", "in H2O", "IWC", "in.wg"]),
            ("m³/h", &["m3/h", "M3/H", "m³/h", "㎥/h", "m³/hr"]),
            ("W/m²", &["W/m2", "W/m²"]),
            ("%", &["%", "%RH", "% RH", "pct", "RH%"]),
            ("kg/cm²", &["kg/cm2", "kgf/cm²"]),
            ("BTU/h", &["BTU/hr", "Btu/h"]),
            ("J", &["J"]),
            ("L/s", &["L/s", "l/s", "L/sec"]),
        ] {
            for spelling in spellings {
                assert_eq!(known(spelling), Some(unit), "{spelling}");
            }
        }
    }

    #[test]
    fn ordinary_words_and_numbers_are_no_units() {
        for text in [
            "", " ", "1", "12", "#", "#1", "AHU", "TEMP", "min", "max", "avg", "on", "off", "ok", "no", "status", "S",
            "P", "T", "B", "N", "a", "in", "is", "L1", "R", "L", "point", "value", "OA-T", "C1", "1F", "k", ".", "°",
        ] {
            assert_eq!(known(text), None, "{text}");
        }
    }
}
