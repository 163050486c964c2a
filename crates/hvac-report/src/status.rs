//! What a system says of its own reading: `{ok}`, `(Overridden)`, `72.3 fault`, `55.4*`, and a column of statuses.
//!
//! One place decides what such a word means. A reading that its own system calls none (fault, down, stale) is
//! [`Meaning::Bad`]; one that somebody or something has put there, or that is in alarm, is a value all the same. In
//! doubt a value is kept and counted: an estimate is one, so is what OPC calls uncertain, and what a word that is not known
//! may mean. Out of service is bad: the value no longer follows its sensor (BACnet, clause 12).

use std::borrow::Cow;

use hvac_frame::words;

/// What a status says, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Meaning {
    /// All is well.
    Good,
    /// Estimated, uncertain, or marked by what is not explained.
    Doubtful,
    /// In alarm, or beyond a limit of warning.
    Alarm,
    /// Set by a hand or a program, not measured.
    Overridden,
    /// No reading.
    Bad,
}

/// Status words as [`compact`] writes them, with blanks between. Words for a lost value ([`words::lost`]) are bad without
/// being listed; of BACnet its reliability and the status of its logs are.
const WORDS: [(Meaning, &str); 5] = [
    (
        Meaning::Good,
        "ok okay good normal valid validated valueok reliable online real actual act a measured none noerror \
         noerrors nofault nofaultdetected noalarm inservice success active start gut gültig gemessen bon \
         valide réel bueno válido buono valido 正常 良好 有效 實際",
    ),
    (
        Meaning::Doubtful,
        "uncertain questionable doubtful suspect suspicious datasuspect suspectdata unknown estimated estimate est e substituted \
         substitute interpolated extrapolated provisional preliminary simulated lastknown lastknownvalue \
         lastusablevalue hidden outoforder unsicher geschätzt ersatzwert incertain estimé estimado incierto \
         stimato geschat 估計 估计",
    ),
    (
        Meaning::Alarm,
        "alarm inalarm unackedalarm ackedalarm unacked acked offnormal highalarm lowalarm highlimit lowlimit \
         highlimitalarm lowlimitalarm highwarning lowwarning high low hihi lolo highhigh lowlow warning alert \
         outofalarm returntonormal alarme alarma allarme 報警 报警 警報 警报 告警",
    ),
    (
        Meaning::Overridden,
        "overridden override overriden overrode localoverride manualoverride operatoroverride operator forced \
         force manual manually hand inhand modified edited corrected handbetrieb manuell überschrieben \
         übersteuert forcé manuel forzado forzato manuale 手動 手动 強制 强制",
    ),
    (
        Meaning::Bad,
        "null missing nodata novalue dataloss datalost unavailable notavailable notok faulty outofservice \
         notused notinstalled unreliableother multistatefault memberfault monitoredobjectfault lampfailure \
         activationfailure tripped numericoverflow referencedobjectfault proprietary logdisabled bufferpurged \
         loginterrupted timechange timechanged commloss commfail commfailure commerror commfault \
         communicationloss communicationfailure communicationerror communicationfault nocommunication schlecht mauvais malo 無資料",
    ),
];

/// A word as status words are compared: its letters and digits, small.
fn compact(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What one status says: a word, a list of them (the worst counts), a code of OPC, the four flags of BACnet.
/// None for a word that is not known.
pub(crate) fn meaning(status: &str) -> Option<Meaning> {
    let status = status.trim().trim_matches(['{', '}', '(', ')', '[', ']']).trim();
    if let Some(meaning) = code(status).or_else(|| word(status)).or_else(|| flags(status)) {
        return Some(meaning);
    }
    let parts = status.split([',', ';', '|', '/', '+', '&']).map(str::trim).filter(|part| !part.is_empty());
    let meanings = parts.map(|part| code(part).or_else(|| word(part))).collect::<Option<Vec<Meaning>>>()?;
    meanings.into_iter().max()
}

/// What a column of statuses says of a reading. A word that is not known is doubtful; of a list with one, the others
/// still count.
pub(crate) fn said(status: &str) -> Meaning {
    let any_bad = || status.split([',', ';', '|', '+', '&']).any(|part| meaning(part) == Some(Meaning::Bad));
    meaning(status).unwrap_or_else(|| if any_bad() { Meaning::Bad } else { Meaning::Doubtful })
}

/// As [`said`], of a column whose words are qualities of OPC ([`is_opc`]).
pub(crate) fn opc_said(quality: &str) -> Meaning {
    match quality.trim().parse::<u8>() {
        Ok(0..64) => Meaning::Bad,
        _ => said(quality),
    }
}

/// Whether the words of a column of statuses are qualities of OPC, where 0 is bad; elsewhere 0 says that nothing is.
pub(crate) fn is_opc<'a>(mut words: impl Iterator<Item = &'a str>) -> bool {
    words.any(|word| word.trim().parse::<u8>().is_ok_and(|code| code >= 192))
}

fn word(word: &str) -> Option<Meaning> {
    // No status word is longer.
    if word.len() > 60 {
        return None;
    }
    match word {
        // Of Siemens point logs.
        "*F*" => return Some(Meaning::Bad),
        "*A*" => return Some(Meaning::Alarm),
        "*O*" => return Some(Meaning::Overridden),
        "-N-" => return Some(Meaning::Good),
        _ if word.chars().all(|c| c == '?' || c == '*' || c == '!') && !word.is_empty() => {
            return Some(Meaning::Doubtful);
        }
        _ if word.chars().any(|c| !c.is_alphanumeric() && !matches!(c, ' ' | '-' | '_' | '/' | '.' | '\'')) => {
            return None;
        }
        _ => {}
    }
    let bare = compact(word);
    if bare.is_empty() {
        return Some(Meaning::Good);
    }
    let holds = |words: &str| words.split(' ').any(|word| word == bare);
    let listed = WORDS.iter().find(|(_, words)| holds(words)).map(|(meaning, _)| *meaning);
    listed.or_else(|| words::lost(word).map(|_| Meaning::Bad))
}

/// Codes of OPC: 192 and above are good (216: overridden), 64 to 127 uncertain, multiples of 4 below 64 bad; of OPC UA
/// the two top bits of four bytes say it.
fn code(text: &str) -> Option<Meaning> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let code = hex.map_or_else(|| text.parse::<u32>().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
    match code {
        0 => Some(Meaning::Good),
        216..220 => Some(Meaning::Overridden),
        192..256 => Some(Meaning::Good),
        64..128 => Some(Meaning::Doubtful),
        1..64 if code % 4 == 0 => Some(Meaning::Bad),
        0x4000_0000..0x8000_0000 => Some(Meaning::Doubtful),
        0x8000_0000.. => Some(Meaning::Bad),
        _ => None,
    }
}

/// The status flags of BACnet: in alarm, fault, overridden, out of service.
fn flags(text: &str) -> Option<Meaning> {
    let flag = |part: &str| match part.trim().to_ascii_lowercase().as_str() {
        "false" | "f" | "0" => Some(false),
        "true" | "t" | "1" => Some(true),
        _ => None,
    };
    let flags =
        text.split([',', ';', ' ']).filter(|part| !part.trim().is_empty()).map(flag).collect::<Option<Vec<_>>>()?;
    let &[alarm, fault, overridden, out_of_service] = flags.as_slice() else { return None };
    Some(match () {
        () if fault || out_of_service => Meaning::Bad,
        () if overridden => Meaning::Overridden,
        () if alarm => Meaning::Alarm,
        () => Meaning::Good,
    })
}

/// A cell's text with its status beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marked<'t> {
    /// The text without it.
    pub core: &'t str,
    /// What it says.
    pub meaning: Meaning,
    /// It stands in braces, which are for nothing else, or says that something was overridden; any other only is a status
    /// beside what is a value.
    pub certain: bool,
}

impl Marked<'_> {
    /// The statuses of the cell whose text that is, in its own words.
    pub(crate) fn status<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match text.split_once(self.core).map(|(before, behind)| (before.trim(), behind.trim())) {
            None => Cow::Borrowed(text),
            Some(("", status) | (status, "")) => Cow::Borrowed(status),
            Some((before, behind)) => Cow::Owned(format!("{before} {behind}")),
        }
    }
}

/// Takes statuses off a cell's text (trimmed): `72.3 °F {ok}`, `On {overridden} @ 8`, `100 % (Overridden)`, `55.4*`,
/// `??? 72.3`. None where there is none, or one in braces that is not known.
pub(crate) fn marked(text: &str) -> Option<Marked<'_>> {
    let mut found = Marked { core: text, meaning: Meaning::Good, certain: false };
    while let Some((core, meaning, certain)) = last(found.core).or_else(|| first(found.core)) {
        found = Marked { core, meaning: meaning?.max(found.meaning), certain: found.certain || certain };
    }
    (found.core.len() < text.len()).then_some(found)
}

/// What is left, what it says (none: unknown), and whether it is certain to be a status.
type Taken<'t> = (&'t str, Option<Meaning>, bool);

/// Takes the last status off.
fn last(text: &str) -> Option<Taken<'_>> {
    // Niagara names the level of a priority behind the braces: `{ok} @ def`.
    let text = match text.rsplit_once('@') {
        Some((before, level)) if before.trim_end().ends_with('}') && level.len() <= 12 => before.trim_end(),
        _ => text,
    };
    if let Some(inside) = text.strip_suffix('}') {
        let (core, inside) = inside.rsplit_once('{')?;
        return Some((core.trim_end(), in_words(inside), true));
    }
    for (open, close) in [('(', ')'), ('[', ']'), ('<', '>')] {
        if let Some(inside) = text.strip_suffix(close) {
            let (core, inside) = inside.rsplit_once(open)?;
            let meaning = in_words(inside).filter(|_| !inside.trim().is_empty())?;
            return Some((core.trim_end(), Some(meaning), compact(inside).starts_with("overrid")));
        }
    }
    let core = text.trim_end_matches(['*', '!', '?', '†', '‡', '^', '#']);
    (core.len() < text.len() && core.contains(char::is_alphanumeric)).then_some((
        core.trim_end(),
        Some(Meaning::Doubtful),
        false,
    ))
}

/// Takes the first status off.
fn first(text: &str) -> Option<Taken<'_>> {
    if let Some(inside) = text.strip_prefix('{') {
        let (inside, core) = inside.split_once('}')?;
        return Some((core.trim_start(), in_words(inside), true));
    }
    // Metasys writes the value before, behind these, when the point is unreliable.
    if let Some(core) = text.strip_prefix("???") {
        let core = core.trim_start();
        return core.starts_with(|c: char| c.is_alphanumeric() || c == '-').then_some((
            core,
            Some(Meaning::Bad),
            false,
        ));
    }
    let core = text.strip_prefix('*')?.trim_start();
    core.starts_with(|c: char| c.is_ascii_digit() || c == '-').then_some((core, Some(Meaning::Doubtful), false))
}

/// As [`meaning`], but a number in brackets is none.
fn in_words(status: &str) -> Option<Meaning> {
    if status.trim().bytes().next().is_some_and(|b| b.is_ascii_digit()) { flags(status) } else { meaning(status) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words_are_written_as_they_are_compared() {
        let mut seen = std::collections::BTreeSet::new();
        for (meant, words) in &WORDS {
            for word in words.split_whitespace() {
                assert!(seen.insert(word), "{word} stands twice");
                assert_eq!(meaning(word), Some(*meant), "{word}");
            }
        }
    }

    #[test]
    fn what_systems_say() {
        for (expected, words) in [
            (
                "good",
                &[
                    "ok",
                    "{ok}",
                    "OK",
                    "Good",
                    "Normal",
                    "Value_OK",
                    "192",
                    "0",
                    "",
                    "online",
                    "A",
                    "Actual",
                    "-N-",
                    "no-fault-detected",
                    "{false,false,false,false}",
                    "0 0 0 0",
                    "0x00000000",
                    "{ }",
                ][..],
            ),
            (
                "kept",
                &[
                    "overridden",
                    "{overridden}",
                    "alarm",
                    "{unackedAlarm}",
                    "In Alarm",
                    "manual",
                    "Estimated",
                    "E",
                    "uncertain",
                    "64",
                    "216",
                    "alarm,overridden",
                    "wibble",
                    "true,false,false,false",
                    "0x40000000",
                    "1",
                ],
            ),
            (
                "bad",
                &[
                    "fault",
                    "{down,stale}",
                    "null",
                    "DISABLED",
                    "Bad",
                    "unreliable",
                    "Comm Fail",
                    "no-sensor",
                    "over-range",
                    "under range",
                    "open-loop",
                    "SHORTED_LOOP",
                    "no-output",
                    "unreliable-other",
                    "process-error",
                    "log-disabled",
                    "buffer-purged",
                    "log-interrupted",
                    "time-change",
                    "8",
                    "24",
                    "0x80000000",
                    "2147483648",
                    "overridden,fault",
                    "fault,wibble",
                    "false,true,false,false",
                    "Out Of Service",
                    "I/O Timeout",
                    "Störung",
                    "斷線",
                    "No Data",
                    "*F*",
                ],
            ),
        ] {
            for word in words {
                let becomes = match said(word) {
                    Meaning::Good => "good",
                    Meaning::Doubtful | Meaning::Alarm | Meaning::Overridden => "kept",
                    Meaning::Bad => "bad",
                };
                assert_eq!(becomes, expected, "{word}");
            }
        }
        assert!(is_opc(["192", "0", "192"].into_iter()) && !is_opc(["0", "1"].into_iter()));
        assert_eq!((opc_said("0"), opc_said("192")), (Meaning::Bad, Meaning::Good));
    }

    #[test]
    fn statuses_come_off_a_cell() {
        for (text, core, meaning) in [
            ("72.3 °F {ok}", "72.3 °F", Meaning::Good),
            ("55.4 °F {down,stale}", "55.4 °F", Meaning::Bad),
            ("- {null}", "-", Meaning::Bad),
            ("{null}", "", Meaning::Bad),
            ("On {overridden} @ 8", "On", Meaning::Overridden),
            ("72.3{ok} @ def", "72.3", Meaning::Good),
            ("72.3 {alarm,unackedAlarm}", "72.3", Meaning::Alarm),
            ("100 % (Overridden)", "100 %", Meaning::Overridden),
            ("72.3 [Out Of Service]", "72.3", Meaning::Bad),
            ("55.4*", "55.4", Meaning::Doubtful),
            ("*55.4", "55.4", Meaning::Doubtful),
            ("55.4 ?", "55.4", Meaning::Doubtful),
            ("{ok} 72.3", "72.3", Meaning::Good),
            ("??? 72.3", "72.3", Meaning::Bad),
            ("55.4* {fault}", "55.4", Meaning::Bad),
        ] {
            let found = marked(text).unwrap();
            assert_eq!((found.core, found.meaning), (core, meaning), "{text}");
        }
        for text in
            ["72.3", "On", "72.3 {wibble}", "PUMP (NORTH)", "5 (4)", "---", "***", "TIME (-1)", "{", "}", "()", "a@b"]
        {
            assert_eq!(marked(text), None, "{text}");
        }
    }
}
