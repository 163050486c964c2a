//! What a point of a building-automation system is. PURE.
//!
//! [`units`] spells a unit as reports write it; [`physics`] has the properties of moist air and water that cleaning,
//! modelling and the simulated plant share.

pub mod physics;
pub mod units;
