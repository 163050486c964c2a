//! The reports of one job together: each read once ([`read`]), what they hold ([`plan`]), windows of it on one axis ([`window`]), and what is to be
//! said of it once all windows are made ([`describe`]).
//!
//! It stands with the reading of reports, not with frames: it reads again what was not kept, and what it settles are
//! reports' findings (points, units, texts). How the cells of one column come onto the axis knows no report
//! and is [`hvac_frame::align`].

pub mod describe;
pub mod edges;
pub mod loss;
mod naming;
pub mod others;
pub mod plan;
pub mod read;
pub mod shape;
pub mod tables;
pub mod window;
