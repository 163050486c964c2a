//! Parse: raw reports → one published Parquet file and its rows.
//!
//! The order of things: stage the new raw files → reserve the version (of an existing session) → read,
//! merge, write into staging → publish all files → one transaction with every row → `session.json`. What
//! fails before the transaction leaves nothing that a catalogue knows of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::DateTime;
use futures_util::future::OptionFuture;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::build::{self, Built, Target};
use super::intake::{Intake, archive_limits};
use super::overrides::{self, ReadOverride};
use super::progress::Progress;
use super::reading::{Archives, Job};
use super::snapshot::{self, blank};
use super::upload::name_of;
use super::{ParseRequest, Parsed, folders, found, manifest, options, store};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::metric_names;
use crate::state::AppState;
use hvac_frame::column::Warning;
use hvac_report::PARSER_VERSION;
use hvac_report::ReadOptions;
use hvac_report::job::plan::Override;
use hvac_report::job::read::{FileId, FileToRead};
use hvac_store::db::Transaction;
use hvac_store::entity::{Columns, Integrity, Status, VersionState, parsed_dataset, session, source_file};
use hvac_store::frames;
use hvac_store::versions::{self, Held, Owner, Series};
use hvac_store::{new_id, now, paths};

mod answer;
mod files;
mod inputs;
mod recall;
mod stored;

/// What a parse holds for each byte of its reports, about: the bytes, the cells, the pages.
const MEMORY_PER_RAW_BYTE: u64 = 3;

/// Who asks: only HTTP parses become the default session of requests without `session_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The API.
    Http,
    /// The command line.
    Cli,
}

/// Parses server-side files or an uploaded session. Dropped, it goes on nowhere: a caller whose client may
/// go away spawns it.
///
/// # Errors
/// Unknown session (404), a parse of the same session under way (409), unreadable or contradicting
/// reports (415, 422, with file and line): then nothing is stored.
pub async fn parse(state: &AppState, request: ParseRequest, caller: Caller) -> Result<Parsed> {
    let files = folders::of_request(&state.config, &request)?;
    parse_files(state, files, request, caller, &Progress::none()).await
}

/// Parses files of this machine (name for people, path), added to the request's session if it has one.
///
/// # Errors
/// As [`parse`].
pub async fn parse_files(
    state: &AppState,
    files: Vec<(String, PathBuf)>,
    request: ParseRequest,
    caller: Caller,
    progress: &Progress,
) -> Result<Parsed> {
    parse_promised(state, files, request, Promised::default(), caller, progress).await
}

/// Ids that were answered before the parse began.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Promised {
    /// Of the session to make.
    pub new_session_id: Option<String>,
    /// Of the dataset to make, and of the job that makes it.
    pub dataset_id: Option<String>,
}

#[tracing::instrument(level = "debug", name = "parse", skip_all)]
pub(super) async fn parse_promised(
    state: &AppState,
    files: Vec<(String, PathBuf)>,
    request: ParseRequest,
    promised: Promised,
    caller: Caller,
    progress: &Progress,
) -> Result<Parsed> {
    let existing = match &request.session_id {
        Some(id) => Some(store::live_session(state.store.db.read(), state.principal(), id).await?),
        None => None,
    };
    let known = match &existing {
        Some(session) => store::source_files(state.store.db.read(), &session.id).await?,
        None => Vec::new(),
    };
    let session_id = match &existing {
        Some(session) => session.id.clone(),
        None => promised.new_session_id.clone().unwrap_or_else(new_id),
    };
    let mut intake = Intake::new(state, &session_id);
    intake.copy(files, progress).await?;
    progress.go_on()?;
    intake.leave_out(&known.iter().map(|f| (f.sha256.clone(), f.file_name.clone())).collect());
    let rows = intake.rows()?;
    let failing = existing.clone().filter(|_| !request.dry_run);
    let parse = Parse::new(state, request, promised, existing, known, intake, rows)?;
    let raw_bytes = parse.rows.iter().map(|row| row.size_bytes.unsigned_abs()).sum::<u64>();
    let _held = state.memory.parses.wait(raw_bytes.saturating_mul(MEMORY_PER_RAW_BYTE)).await;
    if !parse.is_new {
        // It may have been deleted or purged meanwhile.
        store::live_session(state.store.db.read(), state.principal(), &parse.session.id).await?;
    }
    let result = parse.run(caller, progress).await;
    if let (Err(error), Some(session)) = (&result, failing)
        && error.details.iter().any(|detail| detail.file.is_some())
    {
        mark_failed(state, &session).await;
    }
    result
}

/// A parse whose input is staged and whose options are settled.
struct Parse {
    state: AppState,
    request: ParseRequest,
    promised: Promised,
    /// As it was when the parse began, with what the request says of it.
    session: session::Model,
    said: store::Said,
    is_new: bool,
    /// Raw files, old ones first.
    rows: Vec<source_file::Model>,
    new_rows: usize,
    intake: Intake,
    /// What the request says of how all reports are read.
    of_all: ReadOverride,
    /// What nothing more is said of is read so.
    base: ReadOptions,
    /// What the request says of each file, by its hash.
    said_of: Vec<(String, ReadOverride)>,
    /// Whether that zone was stated, now or before.
    zone_known: bool,
    warnings: Vec<Warning>,
}

impl Parse {
    fn new(
        state: &AppState,
        request: ParseRequest,
        promised: Promised,
        existing: Option<session::Model>,
        known: Vec<source_file::Model>,
        mut intake: Intake,
        new: Vec<source_file::Model>,
    ) -> Result<Self> {
        let is_new = existing.is_none();
        let mut session = existing.unwrap_or_else(|| session::Model {
            owner_id: state.principal().account_id().map(str::to_owned),
            ..blank(intake.session_id())
        });
        let new_rows = new.len();
        let rows: Vec<source_file::Model> = known.into_iter().chain(new).collect();
        if rows.is_empty() {
            return Err(Error::invalid(
                "files",
                codes::NO_FILES,
                "there is no file to parse: upload some, or name server-side files",
            ));
        }
        let mut warnings = std::mem::take(&mut intake.warnings);
        options::check_texts(&request)?;
        let of_all = ReadOverride::of_request(&request)?;
        let zone = options::zone(state, of_all.timezone.as_deref(), &session, &mut warnings)?;
        let given = |text: &Option<String>| text.clone().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        if is_new {
            let names: Vec<&str> = rows.iter().map(|r| r.archive_member.as_deref().unwrap_or(&r.file_name)).collect();
            session.name = name_of(&names);
            session.subfolder = given(&request.subfolder);
        }
        let said = store::Said { name: given(&request.name), site: given(&request.site) };
        session.name = said.name.clone().unwrap_or(session.name);
        session.site = said.site.clone().or(session.site);
        let zone_known = of_all.timezone.is_some() || session.timezone.is_some();
        session.timezone = Some(zone.name().to_owned());
        let base = ReadOptions::of(zone);
        let state = state.clone();
        Ok(Self {
            state,
            request,
            promised,
            session,
            said,
            is_new,
            rows,
            new_rows,
            intake,
            of_all,
            base,
            said_of: Vec::new(),
            zone_known,
            warnings,
        })
    }

    async fn run(mut self, caller: Caller, progress: &Progress) -> Result<Parsed> {
        let db = self.state.store.db.read();
        let remembered = match &self.session.site {
            Some(site) => store::overrides(db, site).await?,
            None => BTreeMap::new(),
        };
        let inputs::Inputs { inputs, duplicates, unreadable } = self.inputs().await?;
        self.warnings.extend(duplicates);
        let ids: Vec<&FileId> = inputs.iter().map(|input| &input.id).collect();
        let said = overrides::of_files(&self.of_all, &self.request.overrides, &ids)?;
        let files = self.files(&ids, &said)?;
        self.said_of = ids.iter().map(|id| id.sha256.clone()).zip(said.iter().cloned()).collect();
        let written_at_ms = inputs.iter().map(|input| input.written_at_ms).collect();
        let job = Job {
            inputs,
            objects: self.state.store.objects.clone(),
            files,
            zone: self.base.zone,
            wants_shapes: false,
            remembered_of: vec![None; said.len()],
            written_at_ms,
            accept_conflicts: self.request.on_conflict.is_some(),
            accept_loss: self.request.accept_loss,
            skip_unreadable: self.request.skip_unreadable,
            unreadable,
            on_conflict: self.request.on_conflict.unwrap_or_default(),
            stated: options::stated(&self.request.columns)?,
            remembered: remembered.clone(),
            encodings: self.state.config.parquet_encodings,
            memory_bytes: self.state.config.parse_memory_bytes,
            archive_limits: archive_limits(&self.state),
            archives: Archives::default(),
        };
        let job = self.recall(job, &said).await?;
        let request_key = self.request_key(&job, &remembered)?;
        if !self.request.force && !self.request.dry_run {
            let within = (!self.is_new || self.promised.new_session_id.is_some()).then_some(self.session.id.as_str());
            let db = self.state.store.db.read();
            if let Some((dataset, session)) =
                store::same_request(db, self.state.principal(), &request_key, within).await?
                && let Some(report) = found::report(&self.state, &dataset).await?
            {
                return self.reuse(dataset, report, session, caller).await;
            }
        }
        if self.request.dry_run {
            let progress = progress.clone();
            let span = tracing::Span::current();
            let building = move || build::build(&job, None, &progress).map(|(built, _)| built);
            let built = tokio::task::spawn_blocking(move || span.in_scope(building));
            let built = built.await.internal("waiting for a dry run")??;
            return Ok(self.answer(built, String::new(), 0, false));
        }
        let held = match self.is_new {
            true => None,
            false => Some(self.hold().await?),
        };
        let version = held.as_ref().map_or(1, |held| held.number.version);
        let parsed = match self.make(job, version, request_key, progress).await {
            Ok((built, dataset)) => self.commit(built, dataset, held.as_ref(), caller).await,
            Err(error) => Err(error),
        };
        if let (Err(_), Some(held)) = (&parsed, held) {
            held.abandon().await;
        }
        parsed
    }

    /// Reserves the next version of a session that others may know.
    async fn hold(&self) -> Result<Held> {
        let owner = self.promised.dataset_id.as_deref().map_or(Owner::Process, Owner::Job);
        // It may have been deleted or purged since the parse began.
        let allowed = async |txn: &Transaction| {
            store::live_session(txn, self.state.principal(), &self.session.id).await.map(drop)
        };
        let held = versions::hold_parse(&self.state.store.db, &self.session.id, owner, allowed).await?;
        hvac_store::crash::point("parse.reserved");
        Ok(held)
    }

    /// The reports with how each is read.
    fn files(&self, ids: &[&FileId], said: &[ReadOverride]) -> Result<Vec<FileToRead>> {
        let file = |(id, said): (&&FileId, &ReadOverride)| {
            let options = Arc::new(said.onto(&self.base, "")?);
            Ok(FileToRead { id: (*id).clone(), options, recalled: None, prefix_by: self.request.prefix_by })
        };
        ids.iter().zip(said).map(file).collect()
    }

    /// The same bytes, options and program give the same key.
    fn request_key(&self, job: &Job, remembered: &BTreeMap<String, Override>) -> Result<String> {
        let inputs = &job.inputs;
        let sources: BTreeSet<&str> = inputs.iter().map(|input| input.id.sha256.as_str()).collect();
        let names: BTreeSet<&str> = inputs.iter().map(|input| input.id.name.as_str()).collect();
        let of_columns = remembered.iter().map(|(name, o)| format!("{name}: {o:?}"));
        let remembered: Vec<String> = of_columns.chain(Self::recalled_words(job)).collect();
        let asked = self.is_new.then_some((&self.request.name, &self.request.site));
        let request = serde_json::to_vec(&(PARSER_VERSION, sources, names, self.stored_options(), remembered, asked));
        Ok(format!("{:x}", Sha256::digest(request.internal("writing a request's key")?)))
    }

    /// Reads, merges and publishes: the raw files first, then the Parquet file.
    async fn make(
        &mut self,
        job: Job,
        version: i32,
        request_key: String,
        progress: &Progress,
    ) -> Result<(Built, parsed_dataset::Model)> {
        let session_id = self.session.id.clone();
        let dataset_id = self.promised.dataset_id.clone().unwrap_or_else(new_id);
        let writer = self.state.store.objects.stage(&paths::session_dir(&session_id)).await?.into_sync();
        let created_at = now();
        let options = serde_json::to_value(self.stored_options()).internal("writing a parse's options")?;
        let known = [
            (frames::KEY_SESSION_ID, session_id.clone()),
            (frames::KEY_SESSION_NAME, self.session.name.clone()),
            (frames::KEY_SITE, self.session.site.clone().unwrap_or_default()),
            (frames::KEY_DATASET_ID, dataset_id.clone()),
            (frames::KEY_VERSION, format!("parsed-v{version}")),
            (frames::KEY_ZONE, self.base.zone.name().to_owned()),
            (frames::KEY_PARSER_VERSION, PARSER_VERSION.to_owned()),
            (frames::KEY_REQUEST_KEY, request_key.clone()),
            (frames::KEY_OPTIONS, options.to_string()),
            (frames::KEY_CREATED_AT, created_at.to_rfc3339()),
        ];
        let before = self.warnings.clone();
        let describe = move |built: &Built| found::describe_file(built, &known, found::all_warnings(&before, built));
        let reading = progress.clone();
        let work = move || build::build(&job, Some(Target { writer, describe: &describe }), &reading);
        let span = tracing::Span::current();
        let working = tokio::task::spawn_blocking(move || span.in_scope(work));
        let (built, staged) = working.await.internal("waiting for a parse")??;
        let file_path = paths::parsed(&session_id, version);
        let finished = staged.ok_or_else(|| Error::internal("a parse gave no file back"))?.finish().await?;
        progress.go_on()?;
        self.intake.publish().await?;
        // A job holds its number, and its new session's id: what is there is of an attempt that was cut off.
        let published = match self.promised.dataset_id {
            Some(_) => finished.publish_held(&file_path).await?,
            None => finished.publish(&file_path).await?,
        };
        hvac_store::crash::point("parse.published");
        let dataset = parsed_dataset::Model {
            id: dataset_id,
            session_id,
            version,
            file_path: published.path,
            sha256: published.sha256,
            size_bytes: i64::try_from(published.size_bytes).unwrap_or(i64::MAX),
            row_count: i64::try_from(built.row_count).unwrap_or(i64::MAX),
            column_count: i32::try_from(built.columns.len() + 1).unwrap_or(i32::MAX),
            columns: Columns(built.columns.clone()),
            start_at: built.span_ms.and_then(|(first, _)| DateTime::from_timestamp_millis(first)),
            end_at: built.span_ms.and_then(|(_, last)| DateTime::from_timestamp_millis(last)),
            parser_version: PARSER_VERSION.to_owned(),
            request_key,
            options,
            integrity: Integrity::Ok,
            created_at,
        };
        Ok((built, dataset))
    }

    async fn commit(
        self,
        built: Built,
        dataset: parsed_dataset::Model,
        held: Option<&Held>,
        caller: Caller,
    ) -> Result<Parsed> {
        let txn = self.state.store.db.begin().await?;
        // Others may have added some since it began.
        let known = if self.is_new { 0 } else { store::count_files(&txn, &self.session.id).await? };
        let session = session::Model {
            status: Status::Parsed,
            total_rows: dataset.row_count,
            files_count: i32::try_from(known + self.new_rows).unwrap_or(i32::MAX),
            updated_at: dataset.created_at,
            parsed_over_http_at: match caller {
                Caller::Http => Some(dataset.created_at),
                Caller::Cli => self.session.parsed_over_http_at,
            },
            ..self.session.clone()
        };
        if self.is_new {
            session.clone().into_active_model().reset_all().insert(&txn).await.internal("storing a parsed session")?;
        } else {
            store::record_parse(&txn, self.state.principal(), &session, &self.said, caller == Caller::Http).await?;
        }
        let new_files = self.store_files(&txn, &built).await?;
        let version = match held {
            Some(held) => {
                held.publish(&txn).await?;
                None
            }
            None => {
                let number = Series::Parsed(&session.id).number(dataset.version, VersionState::Published);
                Some(versions::book(&txn, number).await?)
            }
        };
        if let Some(site) = &session.site {
            self.remember(&txn, site, &built, &self.said_of).await?;
            for (name, said) in options::stated(&self.request.columns)? {
                let column = built.columns.iter().find(|c| c.original_name == name || c.name == name);
                store::remember(&txn, site, column.map_or(&name, |c| &c.original_name), &said).await?;
            }
        }
        let act = Act::on("session.parse", "dataset", &dataset.id).of_session(&self.session.id);
        audit::note(&txn, self.state.principal(), act).await?;
        let first = match version {
            Some(version) => Some(snapshot::first(&txn, session, new_files, dataset.clone(), version).await?),
            None => None,
        };
        let (dataset_id, version) = (dataset.id.clone(), u32::try_from(dataset.version).unwrap_or_default());
        let event = answer::event(&dataset, &self.session);
        let committing = async {
            parsed_dataset::Entity::insert(dataset.into_active_model().reset_all())
                .exec_without_returning(&txn)
                .await
                .internal("storing a dataset")?;
            hvac_store::crash::point("parse.before_commit");
            txn.commit().await.internal("committing a parse")?;
            hvac_store::crash::point("parse.committed");
            Ok(())
        };
        // What is known of a session that nobody else knows yet is written while its rows are.
        let preparing = OptionFuture::from(first.as_ref().map(|first| manifest::prepare(&self.state, first)));
        let (committed, prepared): (Result<()>, _) = tokio::join!(committing, preparing);
        committed?;
        self.state.events.publish(event);
        metrics::counter!(metric_names::ROWS_PARSED).increment(built.row_count);
        match prepared {
            Some(prepared) => prepared.publish().await?,
            None => manifest::write(&self.state, &self.session.id).await?,
        }
        Ok(self.answer(built, dataset_id, version, false))
    }
}

/// A session without any dataset whose parse failed is `failed`; one with a dataset stays what it was.
async fn mark_failed(state: &AppState, session: &session::Model) {
    if session.status != Status::Uploaded {
        return;
    }
    let marked = async {
        let txn = state.store.db.begin().await?;
        store::mark_failed(&txn, &session.id).await?;
        txn.commit().await.internal("marking a session as failed")
    };
    match marked.await {
        Ok(()) => manifest::write_soon(state, &session.id).await,
        Err(error) => tracing::warn!(%error, session_id = session.id, "a failed session was not marked"),
    }
}
