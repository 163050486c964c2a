//! The words in a point's name: `Hz_ CHP` is HZ and CHP. Reading a name only ever suggests; whoever uses it
//! says so in the report.

/// Words that name a signal of a machine, not the machine.
const SIGNALS: [&str; 35] = [
    "HZ",
    "KW",
    "KWH",
    "VFD",
    "INV",
    "OUT",
    "OUTPUT",
    "S",
    "SS",
    "STS",
    "STATUS",
    "RUN",
    "RUNNING",
    "ON",
    "ONOFF",
    "F",
    "FREQ",
    "FREQUENCY",
    "SPD",
    "SPEED",
    "RPM",
    "POWER",
    "PWR",
    "W",
    "PCT",
    "PERCENT",
    "PRECENT",
    "A",
    "AMP",
    "AMPS",
    "CMD",
    "FB",
    "FBK",
    "RT",
    "LOAD",
];

/// Words of points that somebody or a controller sets: they may rightly stand still.
const SETTINGS: [&str; 16] = [
    "SP",
    "SET",
    "SETPOINT",
    "STPT",
    "SETPT",
    "CMD",
    "HZ",
    "VFD",
    "FREQ",
    "FREQUENCY",
    "SPD",
    "SPEED",
    "PCT",
    "PERCENT",
    "VLV",
    "DMPR",
];

/// Words that make a name one of the whole plant.
const SYSTEM: [&str; 7] = ["SYS", "SYSTEM", "TOTAL", "TOT", "PLANT", "SITE", "SUM"];

/// The name in capitals, cut at everything that is neither letter nor digit.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    name.to_uppercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// The name in capitals with its words joined by `_`, as patterns expect it.
#[must_use]
pub fn joined(name: &str) -> String {
    words(name).join("_")
}

/// Whether `name` (as of [`joined`]) matches `pattern`, in which `*` stands for anything.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            let mut tails = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            tails.any(|at| tail.get(at..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}

/// Whether one of the words is `word`.
#[must_use]
pub fn has(words: &[String], word: &str) -> bool {
    words.iter().any(|w| w == word)
}

/// Whether the point is one of the whole plant.
#[must_use]
pub fn of_system(words: &[String]) -> bool {
    SYSTEM.iter().any(|word| has(words, word))
}

/// Whether the point is set rather than measured: a set-point, a speed, a position.
#[must_use]
pub fn is_setting(words: &[String]) -> bool {
    SETTINGS.iter().any(|word| has(words, word)) || is_speed(words)
}

/// Whether the name says that the point is a speed: `CHP_VFD_OUT`, `Hz_CT`, `ZWP_1_F`.
#[must_use]
pub fn is_speed(words: &[String]) -> bool {
    let says = ["HZ", "VFD", "FREQ", "FREQUENCY", "SPD", "SPEED", "RPM"].iter().any(|word| has(words, word));
    let fault = ["FAULT", "ALARM", "FLT", "TRIP", "KW", "KWH"].iter().any(|word| has(words, word));
    !fault && (says || (words.len() > 1 && words.last().is_some_and(|word| word == "F")))
}

/// Whether the name says that a point of two states tells whether its machine runs.
#[must_use]
pub fn is_running_state(words: &[String]) -> bool {
    words.last().is_some_and(|last| {
        ["S", "SS", "STS", "STATUS", "RUN", "RUNNING", "ON", "ONOFF", "FBK"].contains(&last.as_str())
    }) || kind_of_machine(words) != MachineKind::Other && machine(words).len() == words.len()
}

/// The machine's own words: the name without the words for its signal. Empty when nothing is left.
#[must_use]
pub fn machine(words: &[String]) -> Vec<String> {
    words.iter().filter(|word| !SIGNALS.contains(&word.as_str())).cloned().collect()
}

/// What a machine is, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MachineKind {
    /// `CH_1`, `CHILLER`.
    Chiller,
    /// `CHP_1`, `CHWP`, and secondary pumps: `SCP`, `ZWP`, `SCHWP`.
    ChwPump,
    /// `CWP`, `CDWP`.
    CwPump,
    /// `CT_1`, `TOWER`.
    Tower,
    /// Anything else.
    Other,
}

/// What the machine is that these words name.
#[must_use]
pub fn kind_of_machine(words: &[String]) -> MachineKind {
    if of_system(words) {
        return MachineKind::Other;
    }
    let stems: Vec<&str> = words.iter().map(|w| w.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    let any = |names: &[&str]| stems.iter().any(|stem| names.contains(stem));
    if any(&["CHP", "CHWP", "PCHWP", "SCHWP", "SCP", "ZWP"]) {
        MachineKind::ChwPump
    } else if any(&["CWP", "CDWP", "CDP"]) {
        MachineKind::CwPump
    } else if any(&["CT", "TOWER", "CTF"]) {
        MachineKind::Tower
    } else if any(&["CH", "CHILLER"]) {
        MachineKind::Chiller
    } else {
        MachineKind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("Hz_ CHP"), ["HZ", "CHP"]);
        assert_eq!(joined("CH-1.S"), "CH_1_S");
        assert_eq!(joined("RH [%]"), "RH");
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("*CHW*ST*", "CHWST", true),
            ("*CHW*ST*", "SITE_CHW_ST_1", true),
            ("CH_*", "CHW_FLOW", false),
            ("RT", "KW_RT", false),
            ("*_RT", "KW_RT", true),
            ("*", "", true),
            ("溫*", "溫度", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn machines_are_what_is_left_of_a_name() {
        for (name, key, kind) in [
            ("CH-1.S", "CH_1", MachineKind::Chiller),
            ("CHP_01_VFD_OUT", "CHP_01", MachineKind::ChwPump),
            ("Hz_ CHP", "CHP", MachineKind::ChwPump),
            ("kW_CT", "CT", MachineKind::Tower),
            ("CWP1.KW", "CWP1", MachineKind::CwPump),
            ("CH.SYS.TOTAL.KW", "CH_SYS_TOTAL", MachineKind::Other),
            ("CHW.FLOW", "CHW_FLOW", MachineKind::Other),
        ] {
            let words = machine(&words(name));
            assert_eq!((words.join("_").as_str(), kind_of_machine(&words)), (key, kind), "{name}");
        }
    }

    #[test]
    fn speeds_and_set_points_are_settings() {
        let all = |name: &str| (is_speed(&words(name)), is_setting(&words(name)));
        assert_eq!(all("ZWP-1.F"), (true, true));
        assert_eq!(all("CWR1.WT.SET"), (false, true));
        assert_eq!(all("CT_FAULT_F"), (false, false));
        assert_eq!(all("CHWST"), (false, false));
    }
}
