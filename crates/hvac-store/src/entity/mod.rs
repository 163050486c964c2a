//! The rows of the metadata database, one file a table.
//!
//! Nothing but shapes: queries are in each feature's `store.rs`, the schema itself is in `migration/`.
//! Ids are UUID v7 text ([`super::new_id`]), times UTC cut to milliseconds ([`super::now`]), documents
//! typed where the shape is ours, paths object keys relative to the storage root.
//!
//! `session`, `source_file` and so on are the entities; [`types`] has the words and documents that their
//! columns hold.

pub mod account;
pub mod api_key;
pub mod audit_anchor;
pub mod audit_entry;
pub mod cleaning_job;
pub mod energy_price;
pub mod file_check;
pub mod job;
pub mod job_event;
pub mod link;
pub mod login;
pub mod manifest;
pub mod model_alias;
pub mod optimization_outcome;
pub mod optimization_run;
pub mod parse_report;
pub mod parsed_dataset;
pub mod removal;
pub mod report_override;
pub mod saved_query;
pub mod session;
pub mod share;
pub mod site_override;
pub mod source_file;
pub mod store_identity;
pub mod trained_model;
pub mod types;
pub mod version;

pub use types::{
    AccountKind, AccountRole, ArtefactKind, Columns, FreeMetadata, Integrity, JobEventKind, PointKind, ReportText,
    Status, Tags, VersionState, Warnings, WorkStatus,
};
