//! What the catalogue knows of a session, read as a whole: what its `session.json` says, and what a bundle takes along.

use std::collections::BTreeMap;

use super::{revisions, store};
use crate::error::Result;
use crate::principal::Principal;
use crate::state::AppState;
use hvac_store::entity::{
    FreeMetadata, ReportText, Status, Tags, cleaning_job, energy_price, model_alias, parsed_dataset, report_override,
    session, site_override, source_file, trained_model, version,
};
use hvac_store::{now, versions};
use sea_orm::ConnectionTrait;

/// The rows of one session that its `session.json` is made of, and that a catalogue is made of again: what is large and
/// stands in a file beside it is left out ([`super::document`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The catalogue's when this was read.
    pub revision: i64,
    /// The session.
    pub session: session::Model,
    /// Its raw files.
    pub source_files: Vec<source_file::Model>,
    /// Its parsed datasets, without columns and options where their files tell them.
    pub parsed_datasets: Vec<parsed_dataset::Model>,
    /// By dataset: what a parse found whose file does not tell it.
    pub reports: BTreeMap<String, ReportText>,
    /// Its cleaned versions, likewise.
    pub cleaning_jobs: Vec<cleaning_job::Model>,
    /// Models that were made from its data, likewise.
    pub trained_models: Vec<trained_model::Model>,
    /// Aliases that stand for them.
    pub model_aliases: Vec<model_alias::Model>,
    /// Its version numbers, all of them or those that stand for no version.
    pub versions: Vec<version::Model>,
    /// What users said of its site's points.
    pub site_overrides: Vec<site_override::Model>,
    /// What users said of its site's reports.
    pub report_overrides: Vec<report_override::Model>,
    /// What users said that electricity costs at its site.
    pub energy_price: Option<energy_price::Model>,
}

impl Snapshot {
    /// Of a session of which nothing else is known.
    #[must_use]
    pub fn of(session: session::Model) -> Self {
        Self {
            revision: 0,
            session,
            source_files: Vec::new(),
            parsed_datasets: Vec::new(),
            reports: BTreeMap::new(),
            cleaning_jobs: Vec::new(),
            trained_models: Vec::new(),
            model_aliases: Vec::new(),
            versions: Vec::new(),
            site_overrides: Vec::new(),
            report_overrides: Vec::new(),
            energy_price: None,
        }
    }
}

/// What the catalogue knows now.
///
/// # Errors
/// 404 when there is no such session.
pub async fn of(state: &AppState, session_id: &str) -> Result<Snapshot> {
    read(state.store.db.read(), session_id).await
}

/// What a catalogue knows, by that connection or within that transaction.
///
/// # Errors
/// As [`of`].
pub async fn read(db: &impl ConnectionTrait, session_id: &str) -> Result<Snapshot> {
    // Before the rest: what is committed meanwhile has a later one, and its own writer.
    let revision = revisions::of(db, session_id).await?;
    let session = store::session(db, &Principal::program(), session_id).await?;
    Ok(Snapshot {
        revision,
        site_overrides: site_overrides(db, &session).await?,
        report_overrides: report_overrides(db, &session).await?,
        energy_price: energy_price(db, &session).await?,
        source_files: store::source_files(db, session_id).await?,
        parsed_datasets: store::slim::parsed_datasets(db, session_id).await?,
        reports: store::slim::reports(db, session_id).await?,
        cleaning_jobs: store::slim::completed_cleanings(db, session_id).await?,
        trained_models: store::slim::completed_models(db, session_id).await?,
        model_aliases: store::model_aliases(db, session_id).await?,
        versions: versions::without_version(db, session_id).await?,
        session,
    })
}

async fn site_overrides(db: &impl ConnectionTrait, session: &session::Model) -> Result<Vec<site_override::Model>> {
    match &session.site {
        Some(site) => store::override_rows(db, site).await,
        None => Ok(Vec::new()),
    }
}

async fn report_overrides(db: &impl ConnectionTrait, session: &session::Model) -> Result<Vec<report_override::Model>> {
    match &session.site {
        Some(site) => store::remembered::rows(db, site).await,
        None => Ok(Vec::new()),
    }
}

async fn energy_price(db: &impl ConnectionTrait, session: &session::Model) -> Result<Option<energy_price::Model>> {
    match &session.site {
        Some(site) => store::prices::of(db, site).await,
        None => Ok(None),
    }
}

/// What the catalogue is going to know of a session that nobody else knows yet: the rows of its first parse, all but
/// that of the dataset written already.
///
/// # Errors
/// When the database cannot be read.
pub async fn first(
    txn: &impl ConnectionTrait,
    session: session::Model,
    mut source_files: Vec<source_file::Model>,
    dataset: parsed_dataset::Model,
    version: version::Model,
) -> Result<Snapshot> {
    source_files.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(Snapshot {
        revision: revisions::of(txn, &session.id).await?,
        site_overrides: site_overrides(txn, &session).await?,
        report_overrides: report_overrides(txn, &session).await?,
        energy_price: energy_price(txn, &session).await?,
        source_files,
        parsed_datasets: vec![dataset],
        versions: vec![version],
        ..Snapshot::of(session)
    })
}

/// A session that nothing is known of yet.
pub fn blank(session_id: &str) -> session::Model {
    session::Model {
        id: session_id.to_owned(),
        name: String::new(),
        site: None,
        timezone: None,
        subfolder: None,
        files_count: 0,
        total_rows: 0,
        status: Status::Uploaded,
        metadata: FreeMetadata::default(),
        tags: Tags::default(),
        notes: String::new(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
        parsed_over_http_at: None,
        unconfirmed: false,
        owner_id: None,
    }
}
