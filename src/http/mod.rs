//! The HTTP door: routes, extractors, answers. TRANSPORT ONLY.
//!
//! One short file a resource: its route, its handler, its part of the API document. A handler turns the
//! request into a use case's arguments and the result into a response; it decides nothing else. Status
//! codes are chosen in `problem.rs` alone, and nothing here knows the stores.

#![allow(unused_qualifications, reason = "utoipa's macros write them")]

pub mod access;
mod allowance;
mod answer;
mod audit;
mod bounds;
mod bundles;
mod cleaning;
pub mod client;
mod conditional;
mod contract;
mod data;
mod declared_document;
mod download;
mod endpoint;
mod event_socket;
mod events;
mod export;
mod extract;
mod files;
mod findings;
mod form;
#[cfg(feature = "graphql")]
mod graphql;
mod health;
mod hosts;
mod jobs;
mod keys;
mod lasting;
mod login;
mod middleware;
mod models;
pub mod openapi;
mod operation;
mod optimize;
mod pace;
mod pairs;
mod parse;
pub mod problem;
#[cfg(feature = "sql")]
mod query;
pub mod rates;
mod raw_files;
mod records;
mod responses;
pub mod router;
pub mod serve;
mod sessions;
mod shape;
mod sharing;
mod sites;
mod storage;
mod system;
mod ui;
mod uploads;
mod users;
