//! Words that stand in cells: states in the languages of the trade, and what is written where a value was lost.
//!
//! Nothing is decided here: whether a word is a state or a loss is decided for the whole column ([`crate::kinds`]),
//! by all of its words and numbers. Words are compared without regard to case, and to `-` and `_` for a blank.

use crate::column::NullReason;

/// Words for 0 and 1, in capitals. Pairs of one group are spellings of the same two states, so that a column may mix
/// them; what the trade tells apart (an alarm and a fault, both opposed to normal) are groups of their own. The first
/// group, and in it the first pair, that holds all words of a column is the column's.
const STATES: &[&[(&str, &str)]] = &[
    &[("OFF", "ON")],
    &[("CLOSED", "OPEN"), ("CLOSE", "OPEN"), ("CLOSED", "OPENED"), ("SHUT", "OPEN")],
    &[("FALSE", "TRUE")],
    &[("NO", "YES")],
    &[("STOP", "RUN"), ("STOP", "START"), ("STOPPED", "RUNNING"), ("STOPPED", "STARTED"), ("NOT RUNNING", "RUNNING")],
    &[("NORMAL", "ALARM"), ("NORMAL", "IN ALARM")],
    &[("OK", "FAULT")],
    &[("NORMAL", "FAULT")],
    &[("MANUAL", "AUTO"), ("MANUAL", "AUTOMATIC"), ("MAN", "AUTO"), ("HAND", "AUTO"), ("HAND", "AUTOMATIC")],
    &[("INACTIVE", "ACTIVE")],
    &[("DISABLED", "ENABLED"), ("DISABLE", "ENABLE")],
    &[("UNOCCUPIED", "OCCUPIED"), ("UNOCC", "OCC"), ("NOT OCCUPIED", "OCCUPIED")],
    &[("停止", "運轉"), ("停止", "運行"), ("停止", "啟動"), ("停機", "運轉"), ("停機", "運行"), ("停", "啟")],
    &[("關", "開"), ("關閉", "開啟"), ("關閉", "打開")],
    &[("正常", "異常")],
    &[("OFFLINE", "ONLINE")],
    &[("DISCONNECTED", "CONNECTED"), ("NOT CONNECTED", "CONNECTED")],
    &[("DOWN", "UP")],
    &[("OFF", "RUN"), ("OFF", "RUNNING")],
    &[("STOP", "ON"), ("STOPPED", "ON")],
    &[("STANDBY", "RUN"), ("STANDBY", "RUNNING")],
    &[("IDLE", "RUN"), ("IDLE", "RUNNING")],
    &[("NORMAL", "TRIP"), ("NORMAL", "TRIPPED")],
    &[("OK", "ALARM")],
    &[("OK", "ERROR")],
    &[("OK", "FAIL"), ("OK", "FAILED"), ("OK", "FAILURE")],
    &[("NO ALARM", "ALARM")],
    &[("NO FAULT", "FAULT")],
    &[("CLEAN", "DIRTY")],
    &[("LOCAL", "REMOTE")],
    &[("BAD", "GOOD")],
    &[("INVALID", "VALID")],
    &[("DEENERGIZED", "ENERGIZED"), ("DE ENERGIZED", "ENERGIZED")],
    &[("N", "Y")],
    &[("F", "T")],
    // Chinese, simplified and the words that both have.
    &[("停止", "运转"), ("停止", "运行"), ("停止", "启动"), ("停机", "运行"), ("停", "启")],
    &[("关", "开"), ("关闭", "开启"), ("关闭", "打开")],
    &[("正常", "异常")],
    &[("正常", "故障")],
    &[("正常", "報警"), ("正常", "警報"), ("正常", "告警")],
    &[("正常", "报警"), ("正常", "警报"), ("正常", "告警")],
    &[("正常", "跳脫")],
    &[("手動", "自動")],
    &[("手动", "自动")],
    &[("無", "有")],
    &[("无", "有")],
    &[("否", "是")],
    &[("停用", "啟用")],
    &[("停用", "启用"), ("禁用", "启用")],
    &[("離線", "連線"), ("離線", "在線"), ("離線", "線上")],
    &[("离线", "在线")],
    &[("斷線", "連線")],
    // Japanese and Korean.
    &[("停止", "運転")],
    &[("切", "入")],
    &[("閉", "開")],
    &[("オフ", "オン")],
    &[("꺼짐", "켜짐")],
    &[("정지", "운전"), ("정지", "가동")],
    // German.
    &[("AUS", "EIN"), ("AUS", "AN")],
    &[("ZU", "AUF"), ("GESCHLOSSEN", "OFFEN"), ("GESCHLOSSEN", "GEÖFFNET")],
    &[("NEIN", "JA")],
    &[("FALSCH", "WAHR")],
    &[("HAND", "AUTOMATIK"), ("MANUELL", "AUTOMATIK"), ("MANUELL", "AUTOMATISCH")],
    &[("INAKTIV", "AKTIV")],
    &[("GESPERRT", "FREIGEGEBEN"), ("GESPERRT", "FREIGABE")],
    &[("UNBELEGT", "BELEGT"), ("NICHT BELEGT", "BELEGT")],
    &[("NORMAL", "STÖRUNG")],
    &[("OK", "STÖRUNG")],
    &[("KEINE STÖRUNG", "STÖRUNG")],
    &[("KEIN ALARM", "ALARM")],
    &[("STILLSTAND", "BETRIEB"), ("AUS", "BETRIEB")],
    &[("STOPP", "START"), ("STEHT", "LÄUFT")],
    // French.
    &[("ARRÊT", "MARCHE"), ("ARRET", "MARCHE"), ("ARRÊTÉ", "MARCHE"), ("À L'ARRÊT", "EN MARCHE")],
    &[("FERMÉ", "OUVERT"), ("FERMÉE", "OUVERTE"), ("FERME", "OUVERT")],
    &[("NON", "OUI")],
    &[("FAUX", "VRAI")],
    &[("ÉTEINT", "ALLUMÉ"), ("ETEINT", "ALLUME")],
    &[("INACTIF", "ACTIF"), ("DÉSACTIVÉ", "ACTIVÉ")],
    &[("INOCCUPÉ", "OCCUPÉ")],
    &[("MANUEL", "AUTO"), ("MANUEL", "AUTOMATIQUE")],
    &[("NORMAL", "DÉFAUT")],
    &[("NORMAL", "ALARME")],
    // Spanish and Portuguese.
    &[("APAGADO", "ENCENDIDO"), ("APAGADA", "ENCENDIDA")],
    &[("CERRADO", "ABIERTO"), ("CERRADA", "ABIERTA")],
    &[("PARO", "MARCHA"), ("PARADO", "MARCHA"), ("PARADO", "EN MARCHA"), ("PARADA", "MARCHA")],
    &[("NO", "SÍ"), ("NO", "SI")],
    &[("FALSO", "VERDADERO")],
    &[("INACTIVO", "ACTIVO"), ("DESACTIVADO", "ACTIVADO")],
    &[("DESOCUPADO", "OCUPADO")],
    &[("MANUAL", "AUTOMÁTICO"), ("MANUAL", "AUTOMATICO")],
    &[("NORMAL", "ALARMA")],
    &[("NORMAL", "FALLO"), ("NORMAL", "FALLA")],
    &[("DESLIGADO", "LIGADO")],
    &[("FECHADO", "ABERTO")],
    &[("NÃO", "SIM")],
    // Italian.
    &[("SPENTO", "ACCESO"), ("SPENTA", "ACCESA")],
    &[("CHIUSO", "APERTO"), ("CHIUSA", "APERTA")],
    &[("ARRESTO", "MARCIA"), ("FERMO", "MARCIA"), ("FERMO", "IN MARCIA")],
    &[("NO", "SÌ")],
    &[("FALSO", "VERO")],
    &[("INATTIVO", "ATTIVO")],
    // Russian, Polish, Czech and Turkish.
    &[("ВЫКЛ", "ВКЛ"), ("ВЫКЛЮЧЕН", "ВКЛЮЧЕН"), ("ВЫКЛЮЧЕНО", "ВКЛЮЧЕНО"), ("ОСТАНОВЛЕН", "РАБОТАЕТ")],
    &[("ЗАКРЫТ", "ОТКРЫТ"), ("ЗАКРЫТО", "ОТКРЫТО")],
    &[("НЕТ", "ДА")],
    &[("WYŁ", "WŁ"), ("WYŁĄCZONY", "WŁĄCZONY"), ("WYŁĄCZONE", "WŁĄCZONE")],
    &[("VYPNUTO", "ZAPNUTO"), ("VYP", "ZAP")],
    &[("KAPALI", "AÇIK")],
    // Dutch and the North.
    &[("UIT", "AAN")],
    &[("DICHT", "OPEN"), ("GESLOTEN", "OPEN")],
    &[("NEE", "JA")],
    &[("ONWAAR", "WAAR")],
    &[("AV", "PÅ"), ("FRA", "TIL")],
    &[("STÄNGD", "ÖPPEN"), ("LUKKET", "ÅBEN"), ("LUKKET", "ÅPEN")],
    &[("NEJ", "JA"), ("NEI", "JA")],
    &[("WYŁ", "WŁ"), ("WYŁ.", "WŁ."), ("WYŁĄCZONY", "WŁĄCZONY")],
];

/// Where a word that may stand for a lost value is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Also among states: it says nothing of the equipment.
    AmongStates,
    /// Only among numbers: equipment may well be offline or faulty.
    AmongNumbers,
}

use Lost::{AmongNumbers, AmongStates};
use NullReason::{BadStatus, DataLoss, NoData, UnknownMarker};

/// What is written where a value was lost, in small letters; [`NullReason`] is what it says of the reading. A word
/// that says only that there is none (`No Data`, `n/a`) never comes here: it is a loss in every cell.
const LOSSES: &[(Lost, NullReason, &[&str])] = &[
    (
        AmongStates,
        UnknownMarker,
        &[
            "unknown",
            "undefined",
            "not set",
            "unbekannt",
            "inconnu",
            "desconocido",
            "sconosciuto",
            "onbekend",
            "未知",
            "pt created",
            "point created",
            "no previous value",
        ],
    ),
    (
        AmongStates,
        DataLoss,
        &[
            "comm fail",
            "comm failed",
            "comm failure",
            "comms fail",
            "comms failure",
            "commfail",
            "comm fault",
            "comm error",
            "comm loss",
            "comm lost",
            "com fail",
            "com failure",
            "communication fail",
            "communication failed",
            "communication failure",
            "communication fault",
            "communication error",
            "communication loss",
            "communication lost",
            "communications failure",
            "loss of communication",
            "lost communication",
            "lost comm",
            "no comm",
            "no comms",
            "no communication",
            "no response",
            "no signal",
            "timeout",
            "time out",
            "timed out",
            "i/o timeout",
            "io timeout",
            "not connected",
            "not connect",
            "no connection",
            "device offline",
            "device failure",
            "device not responding",
            "scan off",
            "intf shut",
            "arc off line",
            "archive offline",
            "stale",
            "kommunikationsfehler",
            "kommunikationsausfall",
            "verbindung getrennt",
            "keine verbindung",
            "keine kommunikation",
            "nicht verbunden",
            "défaut de communication",
            "erreur de communication",
            "perte de communication",
            "non connecté",
            "fallo de comunicación",
            "error de comunicación",
            "sin comunicación",
            "sin conexión",
            "errore di comunicazione",
            "斷線",
            "断线",
            "斷訊",
            "通訊異常",
            "通訊失敗",
            "通訊中斷",
            "通訊故障",
            "通訊逾時",
            "通讯异常",
            "通讯失败",
            "通讯中断",
            "通讯故障",
            "通信異常",
            "通信异常",
            "通信中断",
            "通信故障",
            "通信エラー",
            "逾時",
            "超时",
            "未連線",
            "未连接",
        ],
    ),
    (
        AmongStates,
        BadStatus,
        &[
            "unreliable",
            "unreliable other",
            "not reliable",
            "bad",
            "bad input",
            "bad data",
            "bad value",
            "bad quality",
            "bad output",
            "bad sensor",
            "invalid",
            "invalid data",
            "invalid value",
            "no sensor",
            "sensor fail",
            "sensor failed",
            "sensor failure",
            "sensor fault",
            "sensor error",
            "sensor open",
            "sensor short",
            "sensor shorted",
            "sensor not connected",
            "open sensor",
            "shorted sensor",
            "open loop",
            "open circuit",
            "short circuit",
            "shorted loop",
            "wire break",
            "over range",
            "overrange",
            "under range",
            "underrange",
            "out of range",
            "no output",
            "calc failed",
            "calc error",
            "process error",
            "configuration error",
            "config error",
            "configure",
            "i/o error",
            "ungültig",
            "fühlerbruch",
            "fühlerfehler",
            "sensorfehler",
            "drahtbruch",
            "kurzschluss",
            "unplausibel",
            "non fiable",
            "invalide",
            "défaut capteur",
            "défaut sonde",
            "no válido",
            "inválido",
            "no fiable",
            "non valido",
            "無效",
            "无效",
            "感測器異常",
            "感測器故障",
            "传感器故障",
            "传感器异常",
            "讀取失敗",
            "读取失败",
        ],
    ),
    (
        AmongNumbers,
        DataLoss,
        &["offline", "off line", "disconnected", "down", "離線", "离线", "déconnecté", "desconectado"],
    ),
    (
        AmongNumbers,
        BadStatus,
        &[
            "fault",
            "faulted",
            "failed",
            "failure",
            "fail",
            "error",
            "err",
            "disabled",
            "shutdown",
            "out of service",
            "störung",
            "gestört",
            "fehler",
            "fehlerhaft",
            "défaut",
            "erreur",
            "fallo",
            "falla",
            "errore",
            "guasto",
            "storing",
            "fout",
            "異常",
            "异常",
            "故障",
            "錯誤",
            "错误",
        ],
    ),
    (AmongNumbers, NoData, &["空", "leer", "blank", "empty"]),
];

/// A word as words are compared: in capitals, one blank between its parts.
#[must_use]
pub fn folded(word: &str) -> String {
    let blanks = word.replace(['-', '_'], " ");
    let parts: Vec<&str> = blanks.split_whitespace().collect();
    let folded = parts.join(" ").to_uppercase();
    // A lone dash is no blank.
    if folded.is_empty() { word.trim().to_owned() } else { folded }
}

/// Where and why a word stands for a lost value; none for every other word.
#[must_use]
pub fn lost(word: &str) -> Option<(Lost, NullReason)> {
    // No loss word is longer.
    if word.len() > 40 {
        return None;
    }
    let word = folded(word).to_lowercase();
    let word = word.trim_end_matches(['.', '!']);
    let listed = LOSSES.iter().find(|(_, _, words)| words.contains(&word)).map(|(lost, reason, _)| (*lost, *reason));
    // `Error 5`, `ERR: timeout`.
    let mut behind = ["error", "err"].iter().filter_map(|error| word.strip_prefix(error));
    let numbered = behind.any(|rest| rest.starts_with(|c: char| !c.is_alphabetic()));
    listed.or_else(|| numbered.then_some((AmongNumbers, BadStatus)))
}

/// The words for 0 and 1 that all of `words` ([`folded`]) are spellings of.
pub(crate) fn pair_of(words: &[String]) -> Option<(&'static str, &'static str)> {
    let (first, others) = words.split_first()?;
    let holds = |group: &[(&str, &str)], word: &String| group.iter().any(|(zero, one)| word == zero || word == one);
    let group = STATES.iter().find(|group| holds(group, first) && others.iter().all(|word| holds(group, word)))?;
    let met = |word: &str| words.iter().any(|met| met == word);
    let all = |(zero, one): &&(&str, &str)| words.iter().all(|word| word == zero || word == one);
    let both = |(zero, one): &&(&str, &str)| met(zero) && met(one);
    group.iter().find(all).or_else(|| group.iter().find(both)).or(group.first()).copied()
}

/// 0 or 1 for a state's word, in any case and any spelling of the pair's group.
#[must_use]
pub(crate) fn state_value(token: &str, zero: &str, one: &str) -> Option<f64> {
    let word = folded(token);
    let group = STATES.iter().find(|group| group.contains(&(zero, one)));
    let spells = |side: fn(&(&'static str, &'static str)) -> &'static str| {
        group.is_some_and(|group| group.iter().any(|pair| side(pair) == word))
    };
    if word == zero || spells(|(zero, _)| zero) {
        Some(0.0)
    } else if word == one || spells(|(_, one)| one) {
        Some(1.0)
    } else {
        None
    }
}

/// Whether a word is one of two states in any of the languages.
#[must_use]
pub fn is_state(word: &str) -> bool {
    word.len() <= 40 && pair_of(&[folded(word)]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_one_state_of_its_group() {
        for group in STATES {
            for (zero, one) in *group {
                assert!(!group.iter().any(|(_, other)| other == zero), "{zero}");
                assert!(!group.iter().any(|(other, _)| other == one), "{one}");
                assert_eq!((folded(zero).as_str(), folded(one).as_str()), (*zero, *one));
                assert_eq!(state_value(&zero.to_lowercase(), zero, one), Some(0.0), "{zero}");
                assert_eq!(state_value(&one.to_lowercase(), zero, one), Some(1.0), "{one}");
            }
        }
    }

    #[test]
    fn loss_words_are_written_as_they_are_compared() {
        let mut seen = std::collections::BTreeSet::new();
        for (at, reason, words) in LOSSES {
            for word in *words {
                assert!(seen.insert(word), "{word} stands twice");
                assert_eq!(lost(word), Some((*at, *reason)), "{word}");
            }
        }
    }

    #[test]
    fn loss_words_in_any_case() {
        for (word, reason) in [
            ("Unreliable", BadStatus),
            ("COMM FAIL", DataLoss),
            ("Communication Failure", DataLoss),
            ("comm_failure", DataLoss),
            ("No-Sensor", BadStatus),
            ("BAD", BadStatus),
            ("Bad Input", BadStatus),
            ("unknown", UnknownMarker),
            ("Offline", DataLoss),
            ("I/O Timeout", DataLoss),
            ("Störung", BadStatus),
            ("斷線", DataLoss),
            ("異常", BadStatus),
            ("ERROR 5", BadStatus),
            ("Err: 12", BadStatus),
        ] {
            assert_eq!(lost(word).map(|(_, reason)| reason), Some(reason), "{word}");
        }
        for word in ["ON", "Cooling", "AUTO", "Normal", "Unoccupied", "Badger", "Open", "Errand", "x", ""] {
            assert_eq!(lost(word), None, "{word}");
        }
    }
}
