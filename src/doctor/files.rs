//! Every file that the catalogue refers to, of sessions and of models, once.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::error::{Context, Result};
use hvac_store::entity::{Integrity, WorkStatus, cleaning_job, parsed_dataset, source_file, trained_model};
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::paths;

/// How a model file is told from those of sessions.
pub(super) const MODELS: &str = "models/";

/// A file, and what its rows say of it.
#[derive(Debug, Clone)]
pub(super) struct KnownFile {
    pub file: StoredFile,
    pub session_id: String,
    pub integrity: Integrity,
}

/// How a file is told in a report: below the storage folder, or `models/`.
pub(super) fn shown(root: Root, path: &str) -> String {
    match root {
        Root::Sessions => path.to_owned(),
        Root::Models => format!("{MODELS}{path}"),
    }
}

/// By root and key.
pub(super) type KnownFiles = BTreeMap<(Root, String), KnownFile>;

/// All of them.
pub(super) async fn known(db: &impl ConnectionTrait) -> Result<KnownFiles> {
    let mut known = KnownFiles::new();
    let mut add = |root, path: String, session_id, sha256, size_bytes: i64, integrity| {
        let size_bytes = u64::try_from(size_bytes).unwrap_or_default();
        let file = StoredFile { root, path: path.clone(), sha256, size_bytes };
        known.insert((root, path), KnownFile { file, session_id, integrity });
    };
    // Only what is looked at: the rest of these rows is large.
    type Row = (String, String, String, i64, Integrity);
    let sources: Vec<Row> = source_file::Entity::find()
        .select_only()
        .columns([
            source_file::Column::Path,
            source_file::Column::SessionId,
            source_file::Column::Sha256,
            source_file::Column::SizeBytes,
            source_file::Column::Integrity,
        ])
        .into_tuple()
        .all(db)
        .await
        .internal("listing raw files")?;
    let datasets: Vec<Row> = parsed_dataset::Entity::find()
        .select_only()
        .columns([
            parsed_dataset::Column::FilePath,
            parsed_dataset::Column::SessionId,
            parsed_dataset::Column::Sha256,
            parsed_dataset::Column::SizeBytes,
            parsed_dataset::Column::Integrity,
        ])
        .into_tuple()
        .all(db)
        .await
        .internal("listing datasets")?;
    for (path, session_id, sha256, size_bytes, integrity) in sources.into_iter().chain(datasets) {
        add(Root::Sessions, path, session_id, sha256, size_bytes, integrity);
    }
    type Cleaned = (Option<String>, String, Option<String>, Option<i64>, Integrity);
    let cleaned = |columns: [cleaning_job::Column; 5]| {
        let completed = cleaning_job::Entity::find().filter(cleaning_job::Column::Status.eq(WorkStatus::Completed));
        completed.select_only().columns(columns).into_tuple::<Cleaned>().all(db)
    };
    let (path, session) = (cleaning_job::Column::OutputPath, cleaning_job::Column::SessionId);
    let frames =
        [path, session, cleaning_job::Column::Sha256, cleaning_job::Column::SizeBytes, cleaning_job::Column::Integrity];
    let events = [
        path,
        session,
        cleaning_job::Column::EventsSha256,
        cleaning_job::Column::EventsSizeBytes,
        cleaning_job::Column::EventsIntegrity,
    ];
    for (path, session_id, sha256, size_bytes, integrity) in cleaned(frames).await.internal("listing cleanings")? {
        let (Some(path), Some(sha256)) = (path, sha256) else { continue };
        add(Root::Sessions, path, session_id, sha256, size_bytes.unwrap_or_default(), integrity);
    }
    for (path, session_id, sha256, size_bytes, integrity) in cleaned(events).await.internal("listing events")? {
        let (Some(path), Some(sha256)) = (path.as_deref().and_then(paths::events_of_cleaned), sha256) else { continue };
        add(Root::Sessions, path, session_id, sha256, size_bytes.unwrap_or_default(), integrity);
    }
    let models: Vec<Cleaned> = trained_model::Entity::find()
        .select_only()
        .columns([
            trained_model::Column::ModelFilePath,
            trained_model::Column::SessionId,
            trained_model::Column::Sha256,
            trained_model::Column::SizeBytes,
            trained_model::Column::Integrity,
        ])
        .filter(trained_model::Column::Status.eq(WorkStatus::Completed))
        .into_tuple()
        .all(db)
        .await
        .internal("listing models")?;
    for (path, session_id, sha256, size_bytes, integrity) in models {
        let (Some(path), Some(sha256)) = (path, sha256) else { continue };
        add(Root::Models, path, session_id, sha256, size_bytes.unwrap_or_default(), integrity);
    }
    Ok(known)
}
