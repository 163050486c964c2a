//! A chiller plant that can be known completely. PURE.
//!
//! It makes what the other rooms are judged by: trend reports for samples and benchmarks, faults whose
//! truth is listed, and a plant whose cheapest set-points can be computed. Weather drives the building's
//! load ([`weather`], [`load`]), an operator picks set-points ([`operator`]), the plant answers with powers,
//! temperatures and flows ([`plant`]), sensors read them badly ([`sensors`]) and a report prints the
//! readings ([`report`]). [`trends`] runs them through time; [`samples`] and [`reference`] are what it is asked for.
//!
//! The same seed gives the same bytes. Nothing in here reads a clock, a file or the environment.

pub mod chiller;
pub mod load;
pub(crate) mod operator;
pub mod optimum;
pub mod plant;
pub mod reference;
pub mod report;
pub mod rng;
pub mod samples;
pub mod sensors;
pub mod signals;
pub mod site;
pub mod tower;
pub mod trends;
pub mod weather;
