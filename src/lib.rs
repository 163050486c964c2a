//! HVAC Analytics: trend reports of building automation systems in, durable analytics sessions out.
//!
//! ```text
//! main → cli ─┐
//!             ├─► app ─► http ─► sessions, datasets, doctor, … ─► jobs ─► store
//!             └────────────────► the same use cases                       crates/ (pure)
//! ```
//!
//! | room | what lives there |
//! |---|---|
//! | [`config`] | every setting; the only reader of the environment |
//! | [`error`] | what went wrong, without HTTP |
//! | [`times`] | PURE: times as answers have them |
//! | [`limits`] | PURE: how long a text and how far a page of a request may be |
//! | [`log`], [`signals`] | lines on standard error; what the system tells a server |
//! | [`sessions`] | upload, parse, list, rename, delete, restore, purge |
//! | [`datasets`] | preview, statistics, series, quality, export of a stored frame |
//! | [`cleaning`] | a dataset into a cleaned version, its quality events and a report |
//! | [`training`] | a dataset into a versioned model; predictions |
//! | [`findings`] | faults of machines in a stored version, and what they waste |
//! | `graphql` | the catalogue and what happens as a graph (feature `graphql`) |
//! | `query` | SQL over stored sessions (feature `sql`) |
//! | [`storage`] | files that are handed over, in a folder or a bucket |
//! | [`records`] | declared collections of small records: written, listed, recovered, announced |
//! | [`bundles`] | a whole session as one file, and such a file into another store |
//! | [`doctor`] | is every file what it was; the catalogue from the folders alone |
//! | [`events`] | one bus of what happened, and each client's place in it; knows no feature |
//! | [`jobs`] | the durable queue; knows no feature |
//! | [`worker`] | who does the jobs: the one match from a job's kind to its feature |
//! | [`accounts`] | people and services that may ask: keys, logins, tokens, preferences |
//! | [`credentials`] | what shows who somebody is: secrets, passwords, tokens; knows no accounts |
//! | [`audit`] | who did what; only added to |
//! | [`principal`] | PURE: who asks, and what he may see |
//! | [`phrases`] | PURE: what the program's own sentences say, as codes and values |
//! | [`health`] | is the process alive, can it work |
//! | [`observability`] | figures for Prometheus and as JSON, the service in short, the settings in force |
//! | [`metric_names`] | every metric: name, kind, unit, labels, meaning |
//! | [`demo`] | a session from the samples |
//! | [`http`], [`cli`] | the two doors: they translate, nothing else |
//! | `pg` | the door for PostgreSQL's clients (feature `pgwire`) |
//! | [`app`] | the composition root |
//! | [`hvac_store`] | SQLite rows, files behind an object store, the cache |
//! | [`memory`] | how much memory work may hold |
//! | [`guessing`] | who guesses passwords and keys, and is locked out |
//! | [`subscriber`] | PURE: who counts as one client |
//! | [`tls`] | the certificate in force, for all doors |
//! | [`state`] | the handles that features and transport share |
//!
//! What only computes is in crates of its own: [`hvac_report`] reads reports, [`hvac_frame`] holds and stores their
//! columns, [`hvac_cleaning`] judges, resamples and completes a frame, [`hvac_modelling`] learns energy models and finds
//! set-points, both by the words of [`hvac_points`].
//!
//! A request goes `http → use case → store` and never back; which room may use which is written down in
//! `tests/it/tidy.rs`, which fails on any other edge. To follow a request, read `http/<resource>.rs`, then
//! the use case of the same name, then its `store.rs`.

// Futures within futures: an optimised build looks deeper into them than this one.
#![recursion_limit = "256"]
#![allow(unreachable_pub, reason = "a room is private to the program, and `pub` is its door")]

pub mod accounts;
pub mod app;
pub mod audit;
pub mod bundles;
pub mod cleaning;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod datasets;
pub mod demo;
pub mod doctor;
pub mod events;
pub mod findings;
#[cfg(feature = "graphql")]
pub mod graphql;
pub mod guessing;
pub mod health;
pub mod http;
pub mod jobs;
pub mod limits;
pub mod log;
pub mod markup;
pub mod memory;
pub mod observability;
pub mod optimization;
#[cfg(feature = "pgwire")]
pub mod pg;
pub mod phrases;
pub mod principal;
#[cfg(feature = "sql")]
pub mod query;
pub mod records;
pub mod sessions;
pub mod signals;
pub mod state;
pub mod storage;
pub mod subscriber;
pub mod times;
pub mod tls;
pub mod training;
pub mod worker;

pub use hvac_store::{error, metric_names};
