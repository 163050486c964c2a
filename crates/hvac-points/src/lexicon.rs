//! The words of point names and what each says: the file `lexicon.tsv`, and a site's own file of the same form.
//!
//! The vocabulary is one for the whole process, as its language is: [`install`] puts a site's words before the built-in
//! ones once, at the start; whoever reads a name takes [`current`].

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, OnceLock};

use crate::units;

/// The built-in words.
const BUILT_IN: &str = include_str!("lexicon.tsv");

static INSTALLED: OnceLock<Lexicon> = OnceLock::new();
static ALONE: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::parse(BUILT_IN).unwrap_or_default());

/// What words can say, and how the file calls it.
macro_rules! facets {
    ($($facet:ident $name:literal,)*) => {
        /// Something that a word says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Facet {
            $($facet,)*
            Unit(&'static str),
        }

        const FACETS: &[(&str, Facet)] = &[$(($name, Facet::$facet),)*];
    };
}

#[rustfmt::skip]
facets! {
    ChilledWater "chilled-water", CondenserWater "condenser-water", HotWater "hot-water", Water "water",
    OutsideAir "outside-air", OtherAir "other-air", OtherFluid "other-fluid", Supply "supply", Return "return",
    Leaving "leaving", Entering "entering", Chiller "chiller", ChwPump "chw-pump", SecondaryPump "secondary-pump",
    CwPump "cw-pump", Tower "tower", Pump "pump", Secondary "secondary", Plant "plant", Total "total",
    OtherMachine "other-machine", Evaporator "evaporator", Condenser "condenser", Fan "fan",
    Temperature "temperature", WetBulb "wet-bulb", Humidity "humidity", Flow "flow", Pressure "pressure",
    Power "power", Energy "energy", Current "current", Speed "speed", Drive "drive", Load "load",
    KwPerRt "kw-per-rt", Cop "cop", State "state", Share "share", OtherQuantity "other-quantity", Thermal "thermal",
    Heating "heating", SetPoint "set-point", Command "command", Alarm "alarm", Limit "limit",
    Difference "difference", Position "position", Unsure "unsure",
}

impl Facet {
    pub(crate) fn is_water(self) -> bool {
        matches!(self, Self::ChilledWater | Self::CondenserWater | Self::HotWater | Self::Water)
    }

    pub(crate) fn is_machine(self) -> bool {
        let pumps = matches!(self, Self::ChwPump | Self::SecondaryPump | Self::CwPump | Self::Pump);
        pumps || matches!(self, Self::Chiller | Self::Tower | Self::OtherMachine | Self::Fan)
    }

    pub(crate) fn is_part(self) -> bool {
        matches!(self, Self::Evaporator | Self::Condenser)
    }

    pub(crate) fn is_quantity(self) -> bool {
        (Self::Temperature..=Self::OtherQuantity).contains(&self)
    }
}

/// Where in a name a word says what its row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Water(bool),
    Machine(bool),
    Quantity(bool),
    Part,
    Last,
}

const CONDITIONS: [(&str, Condition); 8] = [
    ("water", Condition::Water(true)),
    ("no-water", Condition::Water(false)),
    ("machine", Condition::Machine(true)),
    ("no-machine", Condition::Machine(false)),
    ("quantity", Condition::Quantity(true)),
    ("no-quantity", Condition::Quantity(false)),
    ("part", Condition::Part),
    ("last", Condition::Last),
];

/// One meaning of a word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meaning {
    pub facets: Vec<Facet>,
    /// For people.
    pub says: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

/// A word: in capitals, without the blanks inside of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Word {
    /// Positions (in characters) at which a separator may stand inside of it.
    pub seams: Vec<usize>,
    /// Whether another word may be glued on at its left.
    pub left: bool,
    /// At its right.
    pub right: bool,
    /// In the order of the file.
    pub meanings: Vec<Meaning>,
}

/// The words by their spellings.
///
/// ```
/// use hvac_points::Lexicon;
///
/// let own = "# our words\nKW1\tchilled-water supply temperature\tcold water of house 1";
/// assert!(Lexicon::with(own).is_ok());
/// let wrong = Lexicon::with("KW1\tchilled-beer").unwrap_err().to_string();
/// assert!(wrong.contains("line 1") && wrong.contains("chilled-beer"));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lexicon {
    pub(crate) words: HashMap<String, Word>,
    /// Characters of the longest.
    pub(crate) longest: usize,
    /// The site's own file.
    own: String,
}

/// What is wrong with a line of a lexicon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LexiconError {
    line: usize,
    message: String,
}

impl fmt::Display for LexiconError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for LexiconError {}

impl Lexicon {
    /// The built-in words with a site's own before them.
    ///
    /// # Errors
    /// The first line that is no row of a lexicon, with what would be.
    pub fn with(own: &str) -> Result<Self, LexiconError> {
        let mut lexicon = Self::parse(own)?;
        lexicon.add(BUILT_IN)?;
        own.clone_into(&mut lexicon.own);
        Ok(lexicon)
    }

    fn parse(text: &str) -> Result<Self, LexiconError> {
        let mut lexicon = Self::default();
        lexicon.add(text)?;
        Ok(lexicon)
    }

    fn add(&mut self, text: &str) -> Result<(), LexiconError> {
        for (index, row) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if row.trim().is_empty() || row.starts_with('#') {
                continue;
            }
            self.add_row(row).map_err(|message| LexiconError { line: index + 1, message })?;
        }
        Ok(())
    }

    fn add_row(&mut self, row: &str) -> Result<(), String> {
        let mut cells = row.split('\t').map(str::trim);
        let (Some(spellings), Some(facets)) = (cells.next(), cells.next()) else {
            return Err("a row has spellings, a tab, and what they say".to_owned());
        };
        let says = cells.next().unwrap_or_default();
        let conditions = cells.next().unwrap_or_default();
        let facets = facets.split_whitespace().filter(|name| *name != "-").map(facet).collect::<Result<Vec<_>, _>>()?;
        let known = |name: &str| {
            let found = CONDITIONS.iter().find(|(own, _)| *own == name).map(|(_, condition)| *condition);
            found.ok_or_else(|| format!("'{name}' is no place; use one of {}", list(&CONDITIONS)))
        };
        let conditions = conditions.split_whitespace().map(known).collect::<Result<Vec<_>, _>>()?;
        let meaning = Meaning { facets, says: says.to_owned(), conditions };
        for spelling in spellings.split(',').map(str::trim) {
            let bare = spelling.trim_matches('~').to_uppercase();
            let (mut key, mut seams) = (String::new(), Vec::new());
            for part in bare.split_whitespace() {
                if !key.is_empty() {
                    seams.push(key.chars().count());
                }
                key.push_str(part);
            }
            if key.is_empty() || key.chars().any(|c| !c.is_alphanumeric()) {
                return Err(format!("'{spelling}' is no word: use letters and digits, with a space between parts"));
            }
            self.longest = self.longest.max(key.chars().count());
            let word = self.words.entry(key).or_default();
            word.left |= spelling.starts_with('~');
            word.right |= spelling.ends_with('~');
            word.seams.extend(seams);
            word.meanings.push(meaning.clone());
        }
        Ok(())
    }
}

fn facet(name: &str) -> Result<Facet, String> {
    if let Some(unit) = name.strip_prefix("unit:") {
        return units::known(unit).map(Facet::Unit).ok_or_else(|| format!("'{unit}' is no unit"));
    }
    let found = FACETS.iter().find(|(own, _)| *own == name).map(|(_, facet)| *facet);
    found.ok_or_else(|| format!("no word can say '{name}'; use {} or unit:", list(FACETS)))
}

fn list<T>(named: &[(&str, T)]) -> String {
    named.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Makes `lexicon` the one that names are read by from now on; false when there was one already.
pub fn install(lexicon: Lexicon) -> bool {
    INSTALLED.set(lexicon).is_ok()
}

/// The text of the site's own words, empty without any: what is made by other words is another thing.
#[must_use]
pub fn own_words() -> &'static str {
    &current().own
}

/// The words that names are read by.
pub(crate) fn current() -> &'static Lexicon {
    INSTALLED.get().unwrap_or(&ALONE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_built_in_words_are_well_formed() {
        let lexicon = Lexicon::parse(BUILT_IN).unwrap();
        assert!(lexicon.words.len() > 400, "{}", lexicon.words.len());
        let head: Vec<&str> = BUILT_IN.lines().take_while(|line| line.starts_with('#')).collect();
        for (name, _) in FACETS {
            assert!(head.join(" ").contains(name), "{name} is not described at the head of the file");
        }
    }

    #[test]
    fn a_site_s_words_come_first_and_errors_name_the_line() {
        let lexicon = Lexicon::with("CT\tother-machine\tcurrent transformer").unwrap();
        assert_eq!(lexicon.words["CT"].meanings[0].facets, [Facet::OtherMachine]);
        for (text, says) in [
            ("CHW", "line 1: a row has"),
            ("# words\n\nX\tcold", "line 3: no word can say 'cold'"),
            ("X\twater\tit\twhen", "'when' is no place"),
            ("A-B\twater", "'A-B' is no word"),
            ("X\tunit:furlong", "'furlong' is no unit"),
        ] {
            let error = Lexicon::with(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
