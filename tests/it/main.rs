//! The one integration binary: every test goes through a door that a user uses.

// Futures of whole servers, one within the other.
#![recursion_limit = "256"]
#![allow(unreachable_pub, reason = "a room of the tests is private to them")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod access;
mod accounts;
mod acknowledged;
mod audit;
mod bad_input;
mod browser;
mod cache;
mod cleaning;
mod cli;
mod codes;
mod connections;
mod contract;
mod corpus;
mod crash;
mod damage;
mod datasets;
mod disk_full;
mod doctor;
mod downloads;
mod events;
mod features;
mod findings;
#[cfg(feature = "graphql")]
mod graphql;
mod helpers;
mod home;
mod hosts;
mod http;
mod interval_totals;
#[cfg(debug_assertions)] // the probe that its tests enqueue is in no release build
mod jobs;
mod limits;
mod logging;
mod manifests;
mod marked;
mod memory;
mod migration;
mod names;
mod new_session;
mod observability;
mod old_store;
mod openapi;
mod optimization;
mod parquet_files;
mod parse;
#[cfg(feature = "pgwire")]
mod pg;
mod phrases;
mod point_words;
mod previews;
#[cfg(feature = "sql")]
mod query;
mod real_reports;
mod records;
mod rules;
mod search;
mod secrets;
mod sessions;
mod setpoints;
mod simulated;
mod spreadsheet;
mod storage;
mod tidy;
mod tls;
mod training;
mod travel;
mod verdict;
mod web;
