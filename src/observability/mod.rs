//! What can be seen of the service from outside: its figures for Prometheus and as JSON, how it is in short, and the
//! settings that are in force. What happened in it is in the log ([`crate::log`]).
//!
//! Metrics are counted where things happen, under the names of [`crate::metric_names`]; what is known anyway – the sizes of
//! queues, the counts of cache and database – is looked at when somebody asks ([`mod@collect`]). No figure and no label says
//! anything of a user's data: no session, no name, no site.

mod collect;
mod connections;
mod exposition;
pub mod invalidate;
mod process;
mod recorder;
pub mod requests;
pub mod settings;
pub mod status;

pub use connections::{OpenConnection, refused};
pub use exposition::{Bucket, Family, Figures, Sample};
pub use recorder::{start, tidy};

use crate::state::AppState;

/// All figures in Prometheus' text format.
pub async fn scrape(state: &AppState) -> String {
    collect::collect(state).await;
    recorder::render()
}

/// The same as a document.
pub async fn figures(state: &AppState) -> Figures {
    exposition::figures(&scrape(state).await)
}
