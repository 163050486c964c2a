//! Units as reports write them: in a header (`RH [%]`), in a cell (`25.3 C`), in a logger's units line.
//!
//! Only recognises and spells; converting is not done anywhere in reading, so that a stored number is the
//! number of the report.

/// Spelling in a report (compared without regard to case) and the unit as this program writes it.
const UNITS: [(&str, &str); 91] = [
    ("%", "%"),
    ("%RH", "%"),
    ("% RH", "%"),
    ("pct", "%"),
    ("percent", "%"),
    ("C", "°C"),
    ("°C", "°C"),
    ("ºC", "°C"),
    ("℃", "°C"),
    ("degC", "°C"),
    ("deg C", "°C"),
    ("deg_C", "°C"),
    ("degrees C", "°C"),
    ("degrees celsius", "°C"),
    ("celsius", "°C"),
    ("F", "°F"),
    ("°F", "°F"),
    ("ºF", "°F"),
    ("℉", "°F"),
    ("degF", "°F"),
    ("deg F", "°F"),
    ("deg_F", "°F"),
    ("degrees F", "°F"),
    ("degrees fahrenheit", "°F"),
    ("fahrenheit", "°F"),
    ("K", "K"),
    ("kelvin", "K"),
    ("W", "W"),
    ("watt", "W"),
    ("watts", "W"),
    ("kW", "kW"),
    ("MW", "MW"),
    ("Wh", "Wh"),
    ("kWh", "kWh"),
    ("MWh", "MWh"),
    ("kVA", "kVA"),
    ("kvar", "kvar"),
    ("kJ", "kJ"),
    ("MJ", "MJ"),
    ("GJ", "GJ"),
    ("BTU", "BTU"),
    ("BTU/h", "BTU/h"),
    ("MBH", "MBH"),
    ("RT", "RT"),
    ("TR", "RT"),
    ("ton", "RT"),
    ("tons", "RT"),
    ("kW/RT", "kW/RT"),
    ("kW/ton", "kW/RT"),
    ("A", "A"),
    ("amp", "A"),
    ("amps", "A"),
    ("mA", "mA"),
    ("V", "V"),
    ("volt", "V"),
    ("volts", "V"),
    ("kV", "kV"),
    ("Hz", "Hz"),
    ("rpm", "rpm"),
    ("Pa", "Pa"),
    ("hPa", "hPa"),
    ("kPa", "kPa"),
    ("MPa", "MPa"),
    ("bar", "bar"),
    ("mbar", "mbar"),
    ("psi", "psi"),
    ("psig", "psi"),
    ("inH2O", "inH2O"),
    ("in H2O", "inH2O"),
    ("inWC", "inH2O"),
    ("in/wc", "inH2O"),
    ("GPM", "GPM"),
    ("LPM", "L/min"),
    ("L/min", "L/min"),
    ("L/s", "L/s"),
    ("m3/h", "m³/h"),
    ("m³/h", "m³/h"),
    ("CMH", "m³/h"),
    ("m3/s", "m³/s"),
    ("m³/s", "m³/s"),
    ("CFM", "CFM"),
    ("m/s", "m/s"),
    ("ppm", "ppm"),
    ("ppb", "ppb"),
    ("µg/m³", "µg/m³"),
    ("ug/m3", "µg/m³"),
    ("g/kg", "g/kg"),
    ("kJ/kg", "kJ/kg"),
    ("lx", "lx"),
    ("lux", "lx"),
    ("W/m2", "W/m²"),
];

/// The unit that `text` spells, as this program writes it; none when it is no unit it knows.
#[must_use]
pub fn known(text: &str) -> Option<&'static str> {
    let text = text.trim();
    UNITS.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(text)).map(|(_, unit)| *unit)
}

/// The unit in the brackets at the end of a column's name: `RH [%]`, `Flow (GPM)`.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static str> {
    let name = name.trim_end();
    let (close, open) = match name.chars().next_back()? {
        ']' => (']', '['),
        ')' => (')', '('),
        _ => return None,
    };
    let inner = name.strip_suffix(close)?;
    known(inner.get(inner.rfind(open)? + 1..)?)
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
    }
}
