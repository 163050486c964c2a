//! HVAC Analytics.

pub mod config;
pub mod datasets;
pub mod doctor;
pub mod error;
pub mod etl;
pub mod sessions;
pub mod simulation;
pub mod state;
pub mod store;
