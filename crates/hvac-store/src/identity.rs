//! Folder and database belong together: both know the same `store_id`.
//!
//! [`decide`] is the rule, as data; [`settle`] carries it out inside one transaction. Nothing is ever deleted
//! or overwritten here: where the two do not belong together, the program refuses and says what to do.

use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, PaginatorTrait};
use serde::{Deserialize, Serialize};

use super::db::Db;
use super::entity::{session, store_identity};
use super::objects::Objects;
use super::{new_id, now, paths};
use crate::error::{Code, Context, Error, Result, codes};

/// Layout of the storage folder that this program writes.
pub const FORMAT_VERSION: i32 = 1;

/// What `store.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// UUID v7.
    pub store_id: String,
    /// Layout of the folder.
    pub format_version: i32,
}

/// What one side knows.
#[derive(Debug, Clone, Default)]
struct Side {
    identity: Option<Identity>,
    has_sessions: bool,
}

/// What to do about the two sides.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// Both know this id.
    Agree(String),
    /// Give both this id; the sides that have one already have it.
    Join(String),
    /// Give both a new id.
    Create,
    /// They do not belong together.
    Refuse(&'static Code, &'static str),
}

fn decide(database: &Side, folder: &Side, rebuild: bool) -> Decision {
    match (&database.identity, &folder.identity) {
        (Some(a), Some(b)) if a.store_id == b.store_id => Decision::Agree(a.store_id.clone()),
        (Some(_), Some(b)) if rebuild && !database.has_sessions => Decision::Join(b.store_id.clone()),
        (Some(_), Some(_)) => Decision::Refuse(
            codes::STORE_MISMATCH,
            "The metadata database (DATABASE_URL) and the storage folder (DATA_STORAGE_PATH) belong to different stores. \
             Point both at the same store; or make a catalogue for this folder in a new database: set DATABASE_URL to a \
             file that does not exist and run 'hvac-analytics doctor --rebuild'. Nothing was changed.",
        ),
        (Some(a), None) if !database.has_sessions && !folder.has_sessions => Decision::Join(a.store_id.clone()),
        (Some(a), None) if rebuild => Decision::Join(a.store_id.clone()),
        (Some(_), None) if folder.has_sessions => Decision::Refuse(
            codes::STORE_UNIDENTIFIED,
            "The storage folder (DATA_STORAGE_PATH) has sessions but no store.json, so it cannot be told whether it \
             belongs to this database. Put store.json back from a backup, or run 'hvac-analytics doctor --rebuild'. \
             Nothing was changed.",
        ),
        (Some(_), None) => Decision::Refuse(
            codes::STORE_EMPTY_FOLDER,
            "The metadata database knows sessions, but the storage folder (DATA_STORAGE_PATH) is empty: is the disk \
             mounted, and is it the right folder? Point DATA_STORAGE_PATH at the sessions' folder, or DATABASE_URL at a \
             new file to begin anew. Nothing was changed.",
        ),
        (None, Some(b)) if rebuild || !folder.has_sessions => Decision::Join(b.store_id.clone()),
        (None, None) if rebuild || !folder.has_sessions => Decision::Create,
        (None, _) => Decision::Refuse(
            codes::STORE_EMPTY_DATABASE,
            "The storage folder (DATA_STORAGE_PATH) has sessions, but the metadata database is new and knows none of \
             them. Point DATABASE_URL at the database that belongs to the folder, or restore it from a backup; or make \
             the catalogue anew from the files: 'hvac-analytics doctor --rebuild'. Nothing was lost or changed.",
        ),
    }
}

/// Makes sure that folder and database belong together, joining them when one or both are new.
///
/// # Errors
/// `store_mismatch`, `store_unidentified`, `store_empty_folder`, `store_empty_database`, `newer_store`: each with
/// the ways out.
pub async fn settle(db: &Db, objects: &Objects, rebuild: bool) -> Result<Identity> {
    if db.is_read_only() {
        return match decided(db.read(), objects, rebuild).await?.0 {
            Decision::Agree(store_id) => Ok(Identity { store_id, format_version: FORMAT_VERSION }),
            Decision::Refuse(code, message) => Err(Error::new(code, message)),
            Decision::Join(_) | Decision::Create => {
                Err(super::read_only("database and folder do not know each other yet, which has to be written"))
            }
        };
    }
    let transaction = db.begin().await?;
    let (decision, folder) = decided(&transaction, objects, rebuild).await?;
    let store_id = match decision {
        Decision::Refuse(code, message) => return Err(Error::new(code, message)),
        Decision::Agree(store_id) => return Ok(Identity { store_id, format_version: FORMAT_VERSION }),
        Decision::Join(store_id) => store_id,
        Decision::Create => new_id(),
    };
    let identity = Identity { store_id, format_version: FORMAT_VERSION };
    // The folder first: a crash in between leaves a folder that a new database joins.
    if folder.identity.as_ref() != Some(&identity) {
        let text = serde_json::to_vec_pretty(&identity).internal("writing store.json")?;
        objects.put_atomic(paths::STORE_JSON, text).await?;
    }
    store_identity::Entity::delete_many().exec(&transaction).await.internal("writing the store's identity")?;
    let row = store_identity::ActiveModel {
        id: Set(1),
        store_id: Set(identity.store_id.clone()),
        format_version: Set(identity.format_version),
        created_at: Set(now()),
    };
    store_identity::Entity::insert(row)
        .exec_without_returning(&transaction)
        .await
        .internal("writing the store's identity")?;
    transaction.commit().await.internal("writing the store's identity")?;
    Ok(identity)
}

/// What to do, by what both sides know; and what the folder does.
async fn decided(db: &impl ConnectionTrait, objects: &Objects, rebuild: bool) -> Result<(Decision, Side)> {
    let row = store_identity::Entity::find().one(db).await.internal("reading the store's identity")?;
    let sessions = session::Entity::find().count(db).await.internal("counting sessions")?;
    let database = Side {
        identity: row.map(|r| Identity { store_id: r.store_id, format_version: r.format_version }),
        has_sessions: sessions > 0,
    };
    let folder = Side { identity: read(objects)?, has_sessions: !objects.session_folders()?.is_empty() };
    let newest = [&database, &folder].into_iter().filter_map(|s| s.identity.as_ref()).map(|i| i.format_version).max();
    if let Some(newest) = newest.filter(|version| *version > FORMAT_VERSION) {
        return Err(Error::new(
            codes::NEWER_STORE,
            format!(
                "The storage folder was written by a newer version of this program: it is of format {newest} (store.json), \
                 and this program ({}) knows those up to {FORMAT_VERSION}. Use the newer program. Nothing was changed.",
                env!("CARGO_PKG_VERSION")
            ),
        ));
    }
    Ok((decide(&database, &folder, rebuild), folder))
}

/// `store.json`, if there is one.
pub(super) fn read(objects: &Objects) -> Result<Option<Identity>> {
    let bytes = match objects.open_bytes(paths::STORE_JSON) {
        Ok(bytes) => bytes.to_vec(),
        Err(error) if error.code == codes::FILE_MISSING => return Ok(None),
        Err(error) => return Err(error),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|e| {
        Error::new(
            codes::STORE_UNREADABLE,
            "The file store.json in the storage folder cannot be read: put it back from a backup. Nothing was changed.",
        )
        .with_source(e)
    })
}
