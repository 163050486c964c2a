//! A chiller plant that can be known completely. PURE.
//!
//! It makes what the other rooms are judged by: trend reports for samples and benchmarks, faults whose
//! truth is listed, and a plant whose cheapest set-points can be computed. Weather drives the building's
//! load ([`weather`], [`load`]), an operator picks set-points ([`operator`]), the plant answers with powers,
//! temperatures and flows ([`plant`]), sensors read them badly ([`sensors`]) and a report prints the
//! readings ([`report`]). [`trends`] runs them through time; [`samples`] and [`reference`] are what it is asked for.
//!
//! [`scenario`] is what rules are judged by: one of three [`plants`] whose machines run one by one ([`plant_room`]), read by
//! sensors ([`instruments`]), with [`faults`] whose truth is known.
//!
//! The same seed gives the same bytes. Nothing in here reads a clock, a file or the environment.

pub(crate) mod air;
pub mod chiller;
pub mod faults;
pub mod instruments;
pub mod load;
pub mod measurands;
pub(crate) mod operator;
pub mod optimum;
pub(crate) mod placed;
pub mod plant;
pub mod plant_room;
pub mod plants;
pub(crate) mod random;
pub mod reference;
pub mod report;
pub mod rng;
pub mod samples;
pub mod scenario;
pub mod sensors;
pub mod signals;
pub mod site;
pub(crate) mod tables;
pub mod tower;
pub mod trends;
pub mod weather;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
