//! Which model a user means, and its document: the one way to a model, for `predict`, `optimize` and the commands.
//!
//! A file's hash is verified when this process first reads it, and again when it looks otherwise (`store::verified`); its
//! document is kept. What does not match is marked and never deleted.

use std::sync::Arc;

use super::name::Reference;
use super::{refused, store};
use crate::error::{Context, Detail, Error, Result, codes};
use crate::state::AppState;
use crate::times::utc;
use hvac_modelling::document::ModelDocument;
use hvac_store::cache::{CacheKey, Kind};
use hvac_store::entity::{Integrity, WorkStatus, trained_model};
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::objects::ObjectBytes;

/// A model that is there, with its document.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its row.
    pub row: trained_model::Model,
    /// Its file, read and verified.
    pub document: Arc<ModelDocument>,
}

impl Found {
    /// `plant:v3`: what to call it in messages and answers.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}:v{}", self.row.name, self.row.version)
    }
}

/// The completed model that a reference means: an id, `name` (its newest completed version), `name:v3`, or
/// `name:production` (an alias).
///
/// # Errors
/// 404 when there is none; 409 when it is not completed (`model_not_ready`), or its file is missing or damaged
/// (`file_missing`, `file_damaged`); 422 for a file of a newer version of this program.
pub async fn find(state: &AppState, reference: &str) -> Result<Found> {
    let row = row(state, reference).await?;
    let document = document(state, &row).await?;
    Ok(Found { row, document })
}

/// The row that a reference means, completed or not; of a name the newest completed one if there is any.
pub(super) async fn row(state: &AppState, reference: &str) -> Result<trained_model::Model> {
    let db = state.store.db.read();
    let found = match Reference::parse(reference) {
        Reference::Id(id) => {
            let (of_id, of_name) =
                (store::seen(db, state.principal(), &id).await?, newest(state, reference.trim()).await?);
            if let (Some(one), Some(other)) = (&of_id, &of_name) {
                let message = format!("'{id}' is the id of one model and the name of another: say NAME:v3");
                return Err(ambiguous(message, &[one, other]));
            }
            of_id.or(of_name)
        }
        Reference::Name(name) => newest(state, &name).await?,
        Reference::Version(name, version) => match store::by_version(db, state.principal(), &name, version).await? {
            None => return Err(no_version(state, &name, &format!("v{version}")).await?),
            found => found,
        },
        Reference::Alias(name, alias) => match store::alias(db, &name, &alias).await? {
            None => return Err(no_version(state, &name, &alias).await?),
            Some(alias) => store::seen(db, state.principal(), &alias.model_id).await?,
        },
    };
    match found {
        Some(row) => Ok(row),
        None => Err(unknown_name(state, reference.trim()).await?),
    }
}

/// The newest completed version of a name, else its newest.
async fn newest(state: &AppState, name: &str) -> Result<Option<trained_model::Model>> {
    let db = state.store.db.read();
    match store::newest_completed(db, state.principal(), name).await? {
        None => Ok(store::named(db, state.principal(), name).await?.into_iter().next()),
        found => Ok(found),
    }
}

/// Several models may be meant: each of them, with what tells it apart.
pub(super) fn ambiguous(message: String, rows: &[&trained_model::Model]) -> Error {
    let told = |row: &trained_model::Model| {
        let site = row.site.as_ref().map(|site| format!(", site {site}")).unwrap_or_default();
        let made = utc(row.created_at);
        format!("{} {}:v{}{site}, made {made}, {}", row.id, row.name, row.version, row.status.as_str())
    };
    rows.iter().take(10).fold(Error::new(codes::AMBIGUOUS_MODEL, message), |error, row| {
        error.with_detail(Detail { message: told(row), ..Detail::default() })
    })
}

/// There is no model of that name; the names most like it.
pub(super) async fn unknown_name(state: &AppState, name: &str) -> Result<Error> {
    let mut names: Vec<String> =
        store::briefs(state.store.db.read(), state.principal()).await?.into_iter().map(|b| b.name).collect();
    names.sort_unstable();
    names.dedup();
    let alike = |other: &str| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    names.retain(|other| alike(other) >= 0.75);
    names.sort_by(|a, b| alike(b).total_cmp(&alike(a)));
    names.truncate(3);
    if names.is_empty() {
        return Ok(store::unknown(name));
    }
    let message = format!("there is no model '{name}'; did you mean {}?", names.join(" or "));
    Ok(Error::new(codes::UNKNOWN_MODEL, message))
}

/// The name has no such version or alias; those it has.
async fn no_version(state: &AppState, name: &str, which: &str) -> Result<Error> {
    let db = state.store.db.read();
    let versions = store::named(db, state.principal(), name).await?;
    if versions.is_empty() {
        return unknown_name(state, name).await;
    }
    let mut has: Vec<String> = versions.iter().take(10).map(|row| format!("v{}", row.version)).collect();
    has.extend(store::aliases(db, state.principal(), name).await?);
    let message = format!("model '{name}' has no version or alias '{which}'; it has {}", has.join(", "));
    Ok(Error::new(codes::UNKNOWN_MODEL_VERSION, message))
}

/// The document of a completed model.
///
/// # Errors
/// As [`find`].
pub(super) async fn document(state: &AppState, row: &trained_model::Model) -> Result<Arc<ModelDocument>> {
    let file = file_of(row)?;
    if let Err(integrity) = state.store.verify(&file).await? {
        return Err(unusable(row, integrity));
    }
    let reading = async {
        let bytes = verified(state, row).await?;
        let size_bytes = bytes.len() as u64;
        let reading = tokio::task::spawn_blocking(move || ModelDocument::from_json(&bytes));
        Ok((reading.await.internal("reading a model file")?.map_err(refused)?, size_bytes))
    };
    state.store.cache.get_or_make(&CacheKey::new(Kind::Model, file.sha256, ""), reading).await
}

/// A completed model's file that is not known to be another.
fn file_of(row: &trained_model::Model) -> Result<StoredFile> {
    let label = format!("{}:v{}", row.name, row.version);
    match (row.status, &row.model_file_path, &row.sha256) {
        (WorkStatus::Completed, Some(path), Some(sha256)) if row.integrity == Integrity::Ok => Ok(StoredFile {
            root: Root::Models,
            path: path.clone(),
            sha256: sha256.clone(),
            size_bytes: row.size_bytes.unwrap_or_default().unsigned_abs(),
        }),
        (WorkStatus::Completed, ..) => Err(unusable(row, row.integrity)),
        (WorkStatus::Queued | WorkStatus::Running, ..) => {
            let message = format!("model {label} is still being trained; follow it at GET /api/jobs/{}", row.id);
            Err(Error::new(codes::MODEL_NOT_READY, message))
        }
        (status, ..) => {
            let why = row.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            let message = format!("model {label} was not made, its training is {}{why}", status.as_str());
            Err(Error::new(codes::MODEL_NOT_READY, message))
        }
    }
}

/// The bytes of a completed model's file.
///
/// # Errors
/// As [`find`].
pub(super) async fn verified(state: &AppState, row: &trained_model::Model) -> Result<ObjectBytes> {
    let (store, file) = (state.store.clone(), file_of(row)?);
    let opening = tokio::task::spawn_blocking(move || store.open_verified(&file));
    opening.await.internal("reading a model file")??.map_err(|integrity| unusable(row, integrity))
}

fn unusable(row: &trained_model::Model, integrity: Integrity) -> Error {
    let (code, what) = match integrity {
        Integrity::Missing => (codes::FILE_MISSING, "is missing"),
        _ => (codes::FILE_DAMAGED, "is not what was published"),
    };
    let message = format!(
        "the file of model {}:v{} {what}: bring it back from a backup and run `hvac-analytics doctor`, which says more, \
         or train it again with force",
        row.name, row.version
    );
    Error::new(code, message)
}
