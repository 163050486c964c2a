//! Whether a column's name or unit says an amount – energy, a volume – and whether of an interval. Words only: what
//! the values did, [`crate::kinds`] asks.
//!
//! A register, the amount of an interval and the content of a tank have the same units, so nothing here decides.
//! What is paid or emitted for an amount (`EUR/kWh`), spent on something (`kWh/m2`) or flows (`m3/h`) is none.

/// An amount, by its name or unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NamedAmount<'n> {
    /// The unit as it is written.
    pub(crate) unit: &'n str,
    /// The word that says of which interval each is: `interval`, `hourly`, `per 15 min`.
    pub(crate) interval: Option<&'n str>,
    /// A word that only suggests it, since registers have it too: `today`, `consumption`.
    pub(crate) suggests: Option<&'n str>,
    /// Whether the name says what something holds, rather than what passed.
    pub(crate) held: bool,
}

/// Units of energy, in any case.
const ENERGY: &[&str] =
    &["mwh", "gwh", "kvarh", "mvarh", "kvah", "mvah", "kbtu", "mbtu", "mmbtu", "therm", "therms", "kcal"];
/// Those that are words or initials elsewhere (`WH` is a water heater): see [`is_short`].
const SHORT_ENERGY: &[&str] = &["Wh", "kJ", "MJ", "GJ"];
/// Units of volume, in any case.
const VOLUME: &[&str] = &["m³", "gallon", "gallons", "litre", "litres", "liter", "liters", "ccf", "ft³"];
/// As [`SHORT_ENERGY`]: `M3` is a machine elsewhere.
const SHORT_VOLUME: &[&str] = &["m3", "gal", "ft3"];
/// Units that are so only in brackets.
const BRACKETED: &[&str] = &["l", "j", "rth", "度"];
/// Words that are as good as kWh where no unit says otherwise.
const KWH_IN_WORDS: &[&str] = &["電度", "电度", "用電量", "用电量", "耗電量", "耗电量"];
/// Words of numbers that go with a volume and are none.
const NO_VOLUME: &[&str] = &["temp", "temperature", "speed", "pressure", "flow", "flowrate", "rate", "status", "alarm"];
/// Words of what passes and is counted.
const PASSES: &[&str] = &[
    "energy",
    "consumption",
    "consumed",
    "usage",
    "used",
    "heat",
    "cooling",
    "water",
    "gas",
    "volume",
    "steam",
    "generation",
    "generated",
    "production",
    "produced",
    "import",
    "imported",
    "export",
    "exported",
    "charged",
    "discharged",
    "verbrauch",
    "consommation",
    "consumo",
    "energie",
    "energia",
    "energía",
];
/// Of these, those that no content has.
const PASSES_OUT: &[&str] =
    &["import", "imported", "export", "exported", "charged", "discharged", "generated", "produced"];
/// Words that say of an interval: no register has them.
const INTERVAL: &[&str] = &[
    "interval",
    "delta",
    "diff",
    "difference",
    "increment",
    "incremental",
    "hourly",
    "halfhourly",
    "quarterhourly",
    "timestep",
];
/// Words that registers have as well: what a day has come to so far is one that starts again at midnight.
const SUGGESTS: &[&str] = &[
    "today",
    "daily",
    "day",
    "yesterday",
    "weekly",
    "monthly",
    "consumption",
    "consumed",
    "usage",
    "used",
    "generation",
    "production",
    "verbrauch",
    "consommation",
    "consumo",
];
/// As [`SUGGESTS`], where words are not parted by blanks.
const DAYS_IN_WORDS: &[&str] = &["當日", "当日", "今日", "每日", "日用電量", "日用电量"];
/// Words of what something holds or may hold.
const HELD: &[&str] = &[
    "stored",
    "storage",
    "remaining",
    "capacity",
    "soc",
    "level",
    "tank",
    "inventory",
    "content",
    "balance",
    "limit",
    "setpoint",
    "rated",
    "nominal",
    "available",
];
/// Times that an amount is of.
const TIMES: &[&str] = &[
    "s", "sec", "second", "min", "mins", "minute", "minutes", "h", "hr", "hrs", "hour", "hours", "d", "day", "week",
    "month", "year",
];
/// What amounts are spent on.
const SPENT_ON: &[&str] = &[
    "m2", "m²", "sqm", "ft2", "ft²", "sf", "sqft", "m3", "m³", "t", "ton", "tons", "rt", "rth", "kwh", "person",
    "capita", "unit", "room", "guest",
];
/// What is paid or emitted for them.
const PAID: &[&str] = &[
    "eur", "euro", "usd", "gbp", "cny", "rmb", "twd", "ntd", "nt", "jpy", "ct", "cent", "cents", "p", "kg", "g", "lb",
    "co2", "co2e", "co2eq", "kgco2", "kgco2e", "gco2", "gco2e", "gco2eq", "kgco2eq", "price", "tariff",
];

/// A run of letters and digits of a name, what stands before it, and where it ends.
#[derive(Debug, Clone)]
struct Token<'n> {
    text: &'n str,
    lower: String,
    before: &'n str,
    end: usize,
}

impl Token<'_> {
    fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.lower.as_str())
    }

    fn start(&self) -> usize {
        self.end - self.text.len()
    }

    fn is_count(&self) -> bool {
        self.lower.chars().all(|c| c.is_ascii_digit())
    }

    /// The time of `min` and `15min`.
    fn time(&self) -> &str {
        self.lower.trim_start_matches(|c: char| c.is_ascii_digit())
    }
}

/// The amount that a name or a unit says; the name first, since brackets at its end may hold a phase.
pub(crate) fn of<'n>(name: &'n str, unit: Option<&'n str>) -> Option<NamedAmount<'n>> {
    let tokens = tokens(name);
    let in_words = || KWH_IN_WORDS.iter().find(|word| name.contains(**word) && !name.to_lowercase().contains("kw"));
    let (unit, per) = match (found(name, &tokens, false), unit) {
        (Found::Amount(unit, per), _) => (unit, per),
        (Found::Nothing, Some(unit)) => match found(unit, &self::tokens(unit), true) {
            Found::Amount(unit, per) => (unit, per),
            _ => return None,
        },
        (Found::Nothing, None) => (*in_words()?, None),
        (Found::Ratio, _) => return None,
    };
    let word = |words: &[&str]| tokens.iter().find(|token| token.is(words)).map(|token| token.text);
    let suggests = word(SUGGESTS).or_else(|| DAYS_IN_WORDS.iter().find(|word| name.contains(**word)).copied());
    let interval = per.or_else(|| word(INTERVAL)).or_else(|| minutes(name, &tokens));
    let passes = interval.is_some() || suggests.is_some() || tokens.iter().any(|token| token.is(PASSES_OUT));
    Some(NamedAmount { unit, interval, suggests, held: word(HELD).is_some() && !passes })
}

enum Found<'n> {
    /// The unit, and what says of which interval.
    Amount(&'n str, Option<&'n str>),
    /// A rate, a ratio, a price.
    Ratio,
    Nothing,
}

/// What `text` says, a name or a unit alone.
fn found<'n>(text: &'n str, tokens: &[Token<'n>], is_unit: bool) -> Found<'n> {
    let Some((at, is_volume)) = (0..tokens.len()).find_map(|at| Some((at, is_amount(tokens, at, is_unit)?))) else {
        return Found::Nothing;
    };
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    let (Some(token), after, third) = (tokens.get(at), tokens.get(at + 1), tokens.get(at + 2)) else {
        return Found::Nothing;
    };
    let paid = token.before.contains('/') && before.is_some_and(|before| before.is(PAID))
        || token.before.contains(['€', '$', '£', '¥'])
        || before.is_some_and(|before| before.is(&["per"]));
    if paid || tokens.iter().any(|token| token.is(&["price", "tariff"])) {
        return Found::Ratio;
    }
    let between = |token: &&Token<'_>| token.before.trim_matches([' ', ')', ']', '(', '[']) == "/";
    let (by, unit, slash) = match (after.filter(between), after.filter(|after| after.is(&["per"]))) {
        (Some(by), _) => (Some(by), third, true),
        (None, Some(_)) => (third, tokens.get(at + 3), false),
        (None, None) => return Found::Amount(token.text, None),
    };
    let Some(by) = by else { return Found::Amount(token.text, None) };
    let counted = by.lower.starts_with(|c: char| c.is_ascii_digit());
    let end = if by.is_count() {
        unit.filter(|unit| unit.is(TIMES))
    } else {
        Some(by).filter(|by| TIMES.contains(&by.time()))
    };
    match end {
        // `kWh/h` and `m3 per hour` are rates; `kWh per hour` and `m3/15min` are amounts.
        Some(end) if counted || !slash && !is_volume => Found::Amount(token.text, text.get(by.start()..end.end)),
        Some(_) => Found::Ratio,
        None if by.is(&["interval", "period", "quarter", "timestep"]) => Found::Amount(token.text, Some(by.text)),
        None if !slash || by.is(SPENT_ON) => Found::Ratio,
        // A path.
        None => Found::Amount(token.text, None),
    }
}

/// Whether of volume, if the token is a unit of an amount.
fn is_amount(tokens: &[Token<'_>], at: usize, is_unit: bool) -> Option<bool> {
    let token = tokens.get(at)?;
    let bracketed = is_unit || token.before.ends_with(['(', '[']);
    let short = |words| is_short(token, words, bracketed, at + 1 == tokens.len(), tokens.iter().any(|t| t.is(PASSES)));
    if token.lower.contains("kwh") || token.is(ENERGY) {
        return Some(false);
    }
    if tokens.iter().any(|token| token.is(NO_VOLUME)) {
        return None;
    }
    if short(SHORT_ENERGY) || bracketed && token.is(BRACKETED) {
        return Some(false);
    }
    (token.is(VOLUME) || short(SHORT_VOLUME)).then_some(true)
}

/// A short unit is meant in brackets; as it is spelled, at the end of a name or in one that says what is counted;
/// and spelled otherwise (`energy_wh`, `WATER.M3`) where all of that holds. `WATER HEATER WH` is none.
fn is_short(token: &Token<'_>, words: &[&str], bracketed: bool, is_last: bool, passes: bool) -> bool {
    let exact = words.contains(&token.text);
    let spelled = words.iter().any(|word| word.eq_ignore_ascii_case(token.text));
    spelled && (bracketed || exact && (is_last || passes) || is_last && passes && token.text != "WH")
}

/// `15 min`, `30min` anywhere in a name.
fn minutes<'n>(name: &'n str, tokens: &[Token<'n>]) -> Option<&'n str> {
    const MINUTES: &[&str] = &["min", "mins", "minute", "minutes"];
    let joined = tokens.iter().find(|token| token.time() != token.lower && MINUTES.contains(&token.time()));
    let apart = || {
        let pair = tokens.windows(2).find(|pair| matches!(pair, [a, b] if a.is_count() && b.is(MINUTES)))?;
        name.get(pair.first()?.start()..pair.last()?.end)
    };
    joined.map(|token| token.text).or_else(apart)
}

fn tokens(name: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut end) = (Vec::new(), 0);
    while let Some((before, start)) =
        name.get(end..).and_then(|rest| rest.split_at_checked(rest.find(char::is_alphanumeric)?))
    {
        let text = start.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        end += before.len() + text.len();
        tokens.push(Token { text, lower: text.to_lowercase(), before, end });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str) -> Option<&str> {
        of(name, None).map(|amount| amount.unit)
    }

    #[test]
    fn units_of_amounts_are_found_in_names() {
        for (name, expected) in [
            ("MMCB.KWH", "KWH"),
            ("AC:BHP2.KWH", "KWH"),
            ("TotalKWH", "TotalKWH"),
            ("Consumption-Today(kWh)", "kWh"),
            ("Active energy Wh (A)", "Wh"),
            ("active_energy_wh", "wh"),
            ("Heat [MJ]", "MJ"),
            ("Heat meter (gj)", "gj"),
            ("Electricity:Facility [J](Hourly)", "J"),
            ("Water m3", "m3"),
            ("WATER.M3", "M3"),
            ("Gas (m³)", "m³"),
            ("Cold water [L]", "L"),
            ("Gas therms", "therms"),
            ("Domestic water gal", "gal"),
            ("Meters/Main/kWh", "kWh"),
            ("Meters/kWh/Total", "kWh"),
            ("B2用電量", "用電量"),
        ] {
            assert_eq!(unit(name), Some(expected), "{name}");
        }
        assert_eq!(of("Main", Some("MWh")).map(|amount| amount.unit), Some("MWh"));
    }

    #[test]
    fn rates_ratios_prices_and_machines_are_no_amounts() {
        for name in [
            "Flow m3/h",
            "Flow (m³/h)",
            "Water L/s",
            "gal per minute",
            "Water m3 per hour",
            "EUR/kWh",
            "Price [€/kWh]",
            "gCO2eq/kWh",
            "kWh/m2",
            "EUI kWh per m2",
            "kWh/h",
            "Chiller kWh/ton",
            "MMCB.KW",
            "WH-1.S",
            "AHU.M3.T",
            "GAS",
            "MJ-AHU.T",
            "Energy tariff kWh",
            "WATER HEATER WH",
            "HOT WATER PUMP M3 SPEED",
            "耗電量 kW",
            "CHW FLOW (m3)",
        ] {
            assert_eq!(unit(name), None, "{name}");
        }
        assert_eq!(of("Main", Some("kW")), None);
        assert_eq!(of("Main", Some("A")), None);
    }

    #[test]
    fn words_say_of_an_interval_or_only_suggest_it() {
        let said = |name| of(name, None).map(|amount| (amount.interval, amount.suggests));
        assert_eq!(said("kWh per 15 min"), Some((Some("15 min"), None)));
        assert_eq!(said("kWh/15min"), Some((Some("15min"), None)));
        assert_eq!(said("Energy 30 min (kWh)"), Some((Some("30 min"), None)));
        assert_eq!(said("kWh per day"), Some((Some("day"), Some("day"))));
        assert_eq!(said("Interval kWh"), Some((Some("Interval"), None)));
        assert_eq!(said("Electricity:Facility [J](Hourly)"), Some((Some("Hourly"), None)));
        assert_eq!(said("Consumption-Today(kWh)"), Some((None, Some("Consumption"))));
        assert_eq!(said("MAIN.KWH"), Some((None, None)));
    }

    #[test]
    fn what_is_held_has_not_passed() {
        let held = |name| of(name, None).is_some_and(|amount| amount.held);
        assert!(held("Ice tank remaining kWh") && held("Fuel level (L)") && held("Battery SOC kWh"));
        assert!(!held("Tank consumption m3") && !held("Storage discharged energy kWh") && !held("MAIN.KWH"));
    }
}
