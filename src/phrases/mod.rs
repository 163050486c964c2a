//! What the program's own sentences say, as a code and values: for pages of another language, and for programs that would
//! branch on what they read.
//!
//! Sentences are stored as they were said: in events, reports and models of years ago. So a code is not put beside each where
//! it is made; a sentence is read by the catalogue of their forms when it is answered, whenever it was made. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The forms of sentences, one a line.
pub const CATALOGUE: &str = include_str!("catalogue.tsv");
/// Sentences within sentences, and no deeper.
const DEEPEST: u8 = 4;
/// What stands between the parts of a sentence that says several things.
const BETWEEN: &str = "; ";

/// What stands between items that each end with something in brackets.
const LISTED: &str = "), ";

/// What a sentence says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Phrase {
    /// What is said, such as `frozen_while`; stable.
    #[schema(example = "frozen_while")]
    pub code: &'static str,
    /// What it is said of, as the sentence has it: a text, or what a sentence within the sentence says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Value>)]
    pub values: BTreeMap<&'static str, Meaning>,
}

/// A sentence, a value of one, or several parts of either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Meaning {
    /// A sentence of the catalogue.
    Phrase(Phrase),
    /// Words, a number or a name.
    Text(String),
    /// One after the other.
    #[schema(value_type = Vec<Value>)]
    Several(Vec<Meaning>),
}

/// An answer, and what the sentences in it say.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Said<T> {
    /// The answer.
    #[serde(flatten)]
    pub answer: T,
    /// Each sentence of this answer that is known, as code and values.
    pub said: BTreeMap<String, Meaning>,
}

impl<T: Serialize> Said<T> {
    /// Reads the sentences of an answer.
    pub fn of(answer: T) -> Self {
        let mut said = BTreeMap::new();
        // What cannot be written is answered as that, by whoever writes it.
        if let Ok(value) = serde_json::to_value(&answer) {
            gather(&value, &mut said);
        }
        Self { answer, said }
    }
}

fn gather(value: &Value, said: &mut BTreeMap<String, Meaning>) {
    match value {
        Value::String(text) if !said.contains_key(text) => {
            if let Some(meaning) = read(text) {
                said.insert(text.clone(), meaning);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, said)),
        Value::Object(fields) => fields.values().for_each(|field| gather(field, said)),
        _ => {}
    }
}

/// What a sentence says; none for one that is not known.
#[must_use]
pub fn read(sentence: &str) -> Option<Meaning> {
    within(sentence, DEEPEST)
}

fn within(sentence: &str, depth: u8) -> Option<Meaning> {
    let whole = |sentence: &str| {
        let possible: BTreeSet<usize> = match &*MARKS {
            Some(marks) => marks.find_overlapping_iter(sentence).map(|mark| mark.pattern().as_usize()).collect(),
            None => (0..FORMS.len()).collect(),
        };
        possible.into_iter().filter_map(|at| FORMS.get(at)).find_map(|form| {
            let mut values = Vec::new();
            fits(&form.parts, sentence, &mut values).then(|| form.said(values, depth))
        })
    };
    if depth == 0 || !sentence.contains(' ') {
        return WHOLE.get(sentence).map(|form| form.said(Vec::new(), 0));
    }
    // A form may have what stands between parts in it, and a value may be several parts: whichever explains all of it.
    let parts = || sentence.strip_suffix('.').unwrap_or(sentence).split(BETWEEN);
    let known: Vec<Option<Meaning>> = parts().map(whole).collect();
    let all = known.len() > 1 && known.iter().all(Option::is_some);
    let of_all = || if all { None } else { whole(sentence) };
    of_all().or_else(|| {
        let some = known.iter().any(Option::is_some);
        let several = known.into_iter().zip(parts());
        let several = several.map(|(known, part)| known.unwrap_or_else(|| Meaning::Text(part.to_owned())));
        some.then(|| Meaning::Several(several.collect()))
    })
}

/// One line of the catalogue.
struct Form {
    code: &'static str,
    text: &'static str,
    parts: Vec<Part>,
}

enum Part {
    Words(&'static str),
    Value { name: &'static str, one_word: bool },
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| CATALOGUE.lines().filter_map(form).collect());
/// The longest words of each form, by its place: most strings of an answer are names and times, in which none of them stand.
/// Without it each form is tried.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let longest = |form: &Form| form.words().max_by_key(|words| words.len()).unwrap_or_default();
    AhoCorasick::new(FORMS.iter().map(longest)).ok()
});
/// Forms by their texts, the first of each.
static WHOLE: LazyLock<HashMap<&str, &Form>> =
    LazyLock::new(|| FORMS.iter().rev().map(|form| (form.text, form)).collect());

/// A line that is none, such as a comment, is no form.
fn form(line: &'static str) -> Option<Form> {
    let (code, text) = line.split_once('\t')?;
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((words, behind)) = rest.split_once('{') {
        if !words.is_empty() {
            parts.push(Part::Words(words));
        }
        let (name, behind) = behind.split_once('}')?;
        let one_word = name.ends_with('#');
        parts.push(Part::Value { name: name.trim_end_matches('#'), one_word });
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Words(rest));
    }
    Some(Form { code, text, parts })
}

/// Whether a text is of this form; the values then, in order.
fn fits<'t>(parts: &[Part], text: &'t str, values: &mut Vec<(&'static str, &'t str)>) -> bool {
    match parts {
        [] => text.is_empty(),
        [Part::Words(words), rest @ ..] => text.strip_prefix(words).is_some_and(|behind| fits(rest, behind, values)),
        [Part::Value { name, one_word }, rest @ ..] => {
            let taken = |value: &str| !(value.is_empty() || *one_word && value.contains(' '));
            let Some(Part::Words(next)) = rest.first() else {
                values.push((name, text));
                return rest.is_empty() && taken(text);
            };
            for (at, _) in text.match_indices(next) {
                let Some((value, behind)) = text.split_at_checked(at) else { continue };
                if *one_word && value.contains(' ') {
                    return false;
                }
                let known = values.len();
                values.push((name, value));
                if taken(value) && fits(rest, behind, values) {
                    return true;
                }
                values.truncate(known);
            }
            false
        }
    }
}

impl Form {
    fn words(&self) -> impl Iterator<Item = &'static str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Words(words) => Some(*words),
            Part::Value { .. } => None,
        })
    }

    fn said(&self, values: Vec<(&'static str, &str)>, depth: u8) -> Meaning {
        let one = |value: &str| {
            let sentence = value.contains(' ').then(|| within(value, depth.saturating_sub(1))).flatten();
            sentence.unwrap_or_else(|| Meaning::Text(value.to_owned()))
        };
        let meaning = |value: &str| match value.rsplit_once(LISTED) {
            None => one(value),
            Some((items, last)) => {
                let items = items.split(LISTED).map(|item| one(&format!("{item})")));
                Meaning::Several(items.chain([one(last)]).collect())
            }
        };
        let values = values.into_iter().map(|(name, value)| (name, meaning(value))).collect();
        Meaning::Phrase(Phrase { code: self.code, values })
    }
}
