//! What a point of a building-automation system is. PURE.
//!
//! [`identify`] answers which role a point plays, from its name, unit and values, with its confidence and its evidence;
//! [`Reading`] is what its name alone says. The words are those of one file, `lexicon.tsv`, and of a site's own
//! ([`Lexicon`]). [`Quantity`] and [`Unit`] make its numbers comparable, [`units`] spells a unit as reports write it, and
//! [`physics`] has the properties of moist air and water that cleaning, modelling and the simulated plant share.

mod identify;
mod lexicon;
mod measure;
pub mod physics;
mod quantity;
mod reading;
mod spelling;
pub mod units;

pub use identify::{Candidate, Hint, Role, identify, identify_with};
pub use lexicon::{Lexicon, LexiconError, install, own_words};
pub use measure::Measure;
pub use quantity::{Quantity, Unit};
pub use reading::{MachineKind, Medium, Nature, Reading};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
