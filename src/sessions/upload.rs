//! Upload: bytes stream into staging, and become a session at once or not at all.

use bytes::Bytes;
use futures_util::Stream;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::intake::Intake;
use super::snapshot::blank;
use super::{StoredFile, Uploaded, manifest, options, store};
use crate::audit::{self, Act};
use crate::config;
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;
use hvac_store::entity::{self, session, source_file};
use hvac_store::new_id;

/// An upload under way, of a new session or of more files for one there is. Dropped without [`commit`](Self::commit), it leaves nothing.
pub struct Upload {
    state: AppState,
    session_id: String,
    is_new: bool,
    intake: Intake,
}

/// What the user says of the session.
#[derive(Debug, Clone, Default)]
pub struct UploadFields {
    /// Name for people; made from the files' names when left out.
    pub name: Option<String>,
    /// Site.
    pub site: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
}

impl UploadFields {
    /// Whether each text is short and printable.
    ///
    /// # Errors
    /// 422 naming the one that is not.
    pub fn check(&self) -> Result<()> {
        limits::given_name("name", self.name.as_deref())?;
        limits::given_name("site", self.site.as_deref())
    }
}

impl Upload {
    /// Begins an upload, into the session of that id if one is given.
    ///
    /// # Errors
    /// When the store has no space left; 404 and 409 for a session that is not there or deleted.
    pub async fn begin(state: &AppState, into: Option<&str>) -> Result<Self> {
        state.store.objects.check_free_space(1 << 20)?;
        let session_id = match into {
            Some(id) => store::live_session(state.store.db.read(), state.principal(), id).await?.id,
            None => new_id(),
        };
        let intake = Intake::new(state, &session_id);
        Ok(Self { state: state.clone(), session_id, is_new: into.is_none(), intake })
    }

    /// Streams one file to staging; memory does not grow with it.
    ///
    /// # Errors
    /// When the body breaks off, the upload grows over `MAX_UPLOAD_BYTES`, or the disk is full.
    pub async fn add_file<E>(
        &mut self,
        file_name: &str,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<()>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        limits::path("files", file_name)?;
        self.intake.stream(file_name, body).await
    }

    /// Publishes the files and makes the session, or adds them to it. What the session has already counts once.
    ///
    /// # Errors
    /// When there is no file, or the zone is unknown; 404 and 409 as [`begin`](Self::begin).
    #[tracing::instrument(level = "debug", name = "upload", skip_all)]
    pub async fn commit(mut self, fields: UploadFields) -> Result<Uploaded> {
        fields.check()?;
        let timezone = fields.timezone.filter(|z| !z.trim().is_empty());
        let timezone = timezone.map(|zone| config::timezone("timezone", zone.trim())).transpose()?;
        if self.intake.arrived.is_empty() {
            return Err(Error::invalid(
                "files",
                codes::NO_FILES,
                "the upload has no file: add at least one part with a file name",
            ));
        }
        if !self.is_new {
            let known = store::source_files(self.state.store.db.read(), &self.session_id).await?;
            self.intake.leave_out(&known.into_iter().map(|file| (file.sha256, file.file_name)).collect());
        }
        let rows = self.intake.rows()?;
        let stored = |a: &super::intake::Arrived| StoredFile {
            file_name: a.file_name.clone(),
            size_bytes: a.staged.size_bytes,
            sha256: a.staged.sha256.clone(),
        };
        let files: Vec<StoredFile> = self.intake.arrived.iter().map(stored).collect();
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let (name, site) = (given(fields.name), given(fields.site));
        let timezone = timezone.map(|zone| zone.name().to_owned());
        self.intake.publish().await?;
        let txn = self.state.store.db.begin().await?;
        let status = if self.is_new {
            let names: Vec<&str> = files.iter().map(|f| f.file_name.as_str()).collect();
            let session = session::Model {
                name: name.unwrap_or_else(|| name_of(&names)),
                site,
                timezone,
                files_count: i32::try_from(rows.len()).unwrap_or(i32::MAX),
                owner_id: self.state.principal().account_id().map(str::to_owned),
                ..blank(&self.session_id)
            };
            session::Entity::insert(session.into_active_model().reset_all())
                .exec_without_returning(&txn)
                .await
                .internal("storing a session")?;
            entity::Status::Uploaded
        } else {
            let session = store::live_session(&txn, self.state.principal(), &self.session_id).await?;
            options::zone(&self.state, timezone.as_deref(), &session, &mut Vec::new())?;
            let said = store::Said { name, site };
            store::add_files(&txn, self.state.principal(), &self.session_id, rows.len(), &said, timezone).await?
        };
        insert_files(&txn, &rows).await?;
        let act = Act::on_session("session.upload", &self.session_id);
        let of = serde_json::json!({"files": files.len()});
        audit::note(&txn, self.state.principal(), act.with(of)).await?;
        txn.commit().await.internal("committing an upload")?;
        hvac_store::crash::point("upload.committed");
        manifest::write(&self.state, &self.session_id).await?;
        Ok(Uploaded { session_id: self.session_id, status: status.into(), files, warnings: self.intake.warnings })
    }
}

/// Stores rows of raw files, a few hundred a statement: SQLite bounds the parameters of one.
pub(super) async fn insert_files(txn: &impl sea_orm::ConnectionTrait, rows: &[source_file::Model]) -> Result<()> {
    for some in rows.chunks(500) {
        let rows = some.iter().map(|row| row.clone().into_active_model().reset_all());
        source_file::Entity::insert_many(rows)
            .exec_without_returning(txn)
            .await
            .internal("storing a session's files")?;
    }
    Ok(())
}

/// A name for people from the files' names: `T_161110` or `T_161110 and 3 more`.
pub(super) fn name_of(files: &[&str]) -> String {
    let first = files.first().map_or("session", |name| name.rsplit(['/', '\\']).next().unwrap_or(name));
    let stem = first.rsplit_once('.').map_or(first, |(stem, _)| stem);
    let stem = limits::to_name(stem);
    match files.len() {
        0 | 1 => stem,
        // There is always room for how many.
        n => format!("{} and {} more", stem.chars().take(limits::LONGEST_NAME - 30).collect::<String>(), n - 1),
    }
}
