//! Staging, publishing, sweeping, and folder and database belonging together: on real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::TryStreamExt;
use sea_orm::{ActiveValue::Set, EntityTrait};
use tempfile::TempDir;

use super::copied::{Syncing, copy_in, publish_all};
use super::entity::{ArtefactKind, FreeMetadata, Status, Tags, VersionState, session, version};
use super::objects::{Object, Objects};
use super::*;
use crate::error::{Error, ErrorKind};

fn objects() -> (TempDir, Objects) {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::open(&folder.path().join("sessions"), "DATA_STORAGE_PATH").unwrap();
    (folder, objects)
}

/// Every file and folder below a root, staging too.
fn everything(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

async fn eventually(holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(holds());
}

// Of "hello, world" as `sha256sum` has it.
const HELLO: &str = "09ca7e4eaa6e8ae9c7d261167129184883644d07dfba7cbfbc4c8a2e08360d5b";

#[tokio::test]
async fn what_is_published_can_be_read_in_every_way() {
    let (_folder, objects) = objects();
    let mut staged = objects.stage("s1/raw").await.unwrap();
    staged.write(Bytes::from_static(b"hello, ")).await.unwrap();
    staged.write(Bytes::from_static(b"world")).await.unwrap();
    let finished = staged.finish().await.unwrap();
    assert_eq!((finished.size_bytes, finished.sha256.as_str()), (12, HELLO));
    assert!(objects.list("").await.unwrap().is_empty(), "not published yet");
    let key = paths::raw("s1", HELLO, "溫度 (1).csv");
    let published = finished.publish(&key).await.unwrap();
    assert_eq!((published.path.as_str(), published.sha256.as_str()), (key.as_str(), HELLO));

    assert_eq!(&*objects.open_bytes(&key).unwrap(), b"hello, world");
    assert_eq!(objects.size(&key).await.unwrap(), 12);
    assert_eq!(objects.sha256(&key).await.unwrap(), HELLO);
    let part: Vec<Bytes> = objects.stream(&key, 3..8).try_collect().await.unwrap();
    assert_eq!(part.concat(), b"lo, w");
    let object = Object { key: key.clone(), size_bytes: 12 };
    assert_eq!(objects.list("s1").await.unwrap(), [object]);
    assert_eq!(everything(objects.root()), ["s1", "s1/raw", key.as_str()]);
}

#[tokio::test]
async fn big_files_stream_in_order() {
    let (_folder, objects) = objects();
    let piece = |i: u32| Bytes::from(i.to_le_bytes().repeat(25_000));
    let mut staged = objects.stage("s1").await.unwrap();
    for i in 0..40 {
        staged.write(piece(i)).await.unwrap();
    }
    staged.finish().await.unwrap().publish("s1/big").await.unwrap();
    let whole: Vec<Bytes> = objects.stream("s1/big", 0..4_000_000).try_collect().await.unwrap();
    assert!(whole.iter().all(|bytes| bytes.len() <= 256 * 1024));
    assert_eq!(whole.concat(), (0..40).map(piece).collect::<Vec<_>>().concat());
    let beyond: Result<Vec<Bytes>> = objects.stream("s1/big", 4_000_000..4_000_010).try_collect().await;
    assert!(beyond.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_can_be_written_without_async() {
    let (_folder, objects) = objects();
    let mut writer = objects.stage("s1").await.unwrap().into_sync();
    let staged = tokio::task::spawn_blocking(move || {
        for _ in 0..30_000 {
            writer.write_all(&[7; 100]).unwrap();
        }
        writer.into_staged().unwrap()
    });
    let finished = staged.await.unwrap().finish().await.unwrap();
    assert_eq!(finished.size_bytes, 3_000_000);
    finished.publish("s1/sync").await.unwrap();
    assert!(objects.open_bytes("s1/sync").unwrap().iter().all(|b| *b == 7));
}

#[tokio::test]
async fn publishing_never_overwrites() {
    let (_folder, objects) = objects();
    for (content, code) in [("first", None), ("second", Some("already_published"))] {
        let mut staged = objects.stage("s1").await.unwrap();
        staged.write(Bytes::from(content)).await.unwrap();
        let published = staged.finish().await.unwrap().publish("s1/parsed-v1.parquet").await;
        assert_eq!(published.err().map(|e| e.code.name), code);
    }
    assert_eq!(&*objects.open_bytes("s1/parsed-v1.parquet").unwrap(), b"first");
    assert_eq!(everything(objects.root()), ["s1", "s1/parsed-v1.parquet"]);
}

#[tokio::test]
async fn publishing_many_takes_what_is_the_same_and_sets_aside_what_is_not() {
    let (folder, objects) = objects();
    let source = folder.path().join("source.csv");
    for (content, aside) in [("first", 0), ("first", 0), ("second", 2)] {
        std::fs::write(&source, content).unwrap();
        let mut files = Vec::new();
        for name in ["a", "b"] {
            let mut piece = Vec::new();
            let copied = copy_in(&objects, "s1", &mut std::fs::File::open(&source).unwrap(), &mut piece);
            let (staged, file) = copied.ok().unwrap();
            Syncing::start(vec![file]).wait().await.unwrap();
            files.push((staged, format!("s1/{name}.csv")));
        }
        let published = publish_all(files).await.unwrap();
        assert_eq!(published.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["s1/a.csv", "s1/b.csv"]);
        assert_eq!(&*objects.open_bytes("s1/b.csv").unwrap(), content.as_bytes());
        assert_eq!(objects.trash_size().unwrap().files, aside);
    }
    let listed: Vec<String> = objects.list("").await.unwrap().into_iter().map(|object| object.key).collect();
    assert_eq!(listed, ["s1/a.csv", "s1/b.csv"]);
    assert_eq!(objects.sweep_staging().unwrap(), 0);
    assert_eq!(objects.trash_size().unwrap().files, 2, "nothing in trash is swept");
}

#[tokio::test]
async fn what_is_dropped_before_it_is_published_leaves_nothing() {
    let (_folder, objects) = objects();
    let mut staged = objects.stage("s1/raw").await.unwrap();
    staged.write(Bytes::from(vec![1; 2_000_000])).await.unwrap();
    drop(staged);
    eventually(|| everything(objects.root()).is_empty()).await;
    let finished = objects.stage("s1/raw").await.unwrap().finish().await.unwrap();
    drop(finished);
    assert!(everything(objects.root()).is_empty());
}

#[tokio::test]
async fn an_empty_file_is_a_file_and_a_small_one_is_replaced_at_once() {
    let (_folder, objects) = objects();
    objects.stage("s1").await.unwrap().finish().await.unwrap().publish("s1/empty").await.unwrap();
    assert!(objects.open_bytes("s1/empty").unwrap().is_empty());
    for content in ["{}", "{\"a\":1}"] {
        objects.put_atomic("s1/session.json", content).await.unwrap();
        assert_eq!(&*objects.open_bytes("s1/session.json").unwrap(), content.as_bytes());
    }
    assert_eq!(everything(objects.root()), ["s1", "s1/empty", "s1/session.json"]);
}

#[tokio::test]
async fn a_missing_file_is_told_without_its_place() {
    let (folder, objects) = objects();
    let secret = folder.path().to_str().unwrap();
    let errors = [
        objects.open_bytes("s1/gone").unwrap_err(),
        objects.size("s1/gone").await.unwrap_err(),
        objects.sha256("s1/gone").await.unwrap_err(),
        objects.stream("s1/gone", 0..1).try_collect::<Vec<_>>().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.code.name), (ErrorKind::Conflict, "file_missing"));
        assert!(error.message.contains("doctor") && !error.message.contains(secret), "{error}");
    }
    for key in ["../x", "s1/../../x", "/etc/passwd", "s1//x"] {
        assert!(objects.open_bytes(key).is_err(), "{key}");
    }
}

#[tokio::test]
async fn a_full_disk_is_known_by_its_cause() {
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let nested = std::io::Error::other(object_store::Error::Generic { store: "x", source: Box::new(full()) });
    for error in [full(), nested] {
        assert_eq!(objects::storage_error("writing", error).code.name, "disk_full");
    }
    let (_folder, objects) = objects();
    assert_eq!(objects.check_free_space(u64::MAX / 2).unwrap_err().kind(), ErrorKind::Unavailable);
    objects.check_free_space(1).unwrap();
}

#[tokio::test]
async fn purging_removes_one_session_and_sweeping_only_leftovers() {
    let (_folder, objects) = objects();
    let sessions = [new_id(), new_id(), new_id()];
    for id in &sessions {
        objects.put_atomic(&paths::session_json(id), "{}").await.unwrap();
    }
    assert_eq!(objects.session_folders().unwrap(), sessions);
    objects.delete_folder(&sessions[1]).await.unwrap();
    objects.delete_folder(&sessions[1]).await.unwrap();
    assert_eq!(objects.session_folders().unwrap(), [sessions[0].clone(), sessions[2].clone()]);
    for wrong in ["", "a/b"] {
        assert!(objects.delete_folder(wrong).await.is_err());
    }
    // What kills leave: an upload of a new session, a rewritten session.json, a purge.
    let before = everything(objects.root());
    let root = objects.root().to_owned();
    let leftover = |path: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
    };
    leftover(&format!("{}/raw/.staging-0", new_id()));
    leftover(&format!("{}/raw/.staging-1#1", sessions[0]));
    leftover(&format!("{}/session.json#1", sessions[0]));
    leftover(".staging-2/raw/a.csv");
    assert_eq!(objects.sweep_staging().unwrap(), 4);
    assert_eq!(everything(objects.root()), before);
}

fn settings(folder: &Path, database: &str) -> Settings {
    Settings {
        database_url: format!("sqlite://{}/{database}.db?mode=rwc", folder.display()),
        data_storage_path: folder.join("sessions"),
        models_path: folder.join("models"),
        redis_url: None,
        redis_authorities: None,
        cache_max_bytes: 1 << 20,
        cache_ttl: Duration::from_secs(60),
        downloads_max_bytes: 1 << 20,
    }
}

async fn add_session(store: &Store) -> String {
    let id = new_id();
    let row = session::Model {
        id: id.clone(),
        name: "a".to_owned(),
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
    };
    let txn = store.db.begin().await.unwrap();
    session::Entity::insert(session::ActiveModel::from(row)).exec_without_returning(&txn).await.unwrap();
    txn.commit().await.unwrap();
    store.objects.put_atomic(&paths::session_json(&id), "{}").await.unwrap();
    id
}

async fn close(store: Store) {
    store.close().await.unwrap();
}

async fn refusal(settings: &Settings, root: &Path) -> Error {
    let before = everything(root);
    let error = Store::open(settings).await.err().expect("folder and database do not belong together");
    assert_eq!(everything(root), before, "nothing was changed");
    error
}

#[tokio::test]
async fn folder_and_database_are_joined_once_and_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let root: PathBuf = folder.path().join("sessions");
    let store = Store::open(&settings(folder.path(), "a")).await.unwrap();
    let identity = store.identity.clone();
    let session = add_session(&store).await;
    close(store).await;
    let store = Store::open(&settings(folder.path(), "a")).await.unwrap();
    assert_eq!(store.identity, identity);
    close(store).await;

    // An empty database beside a full folder.
    let error = refusal(&settings(folder.path(), "b"), &root).await;
    assert_eq!(error.code.name, "store_empty_database");
    assert!(error.message.contains("DATABASE_URL") && error.message.contains("doctor --rebuild"));

    // Another store's database.
    let other = tempfile::tempdir().unwrap();
    close(Store::open(&settings(other.path(), "a")).await.unwrap()).await;
    std::fs::copy(other.path().join("a.db"), folder.path().join("c.db")).unwrap();
    assert_eq!(refusal(&settings(folder.path(), "c"), &root).await.code.name, "store_mismatch");

    // A rebuild adopts the folder's identity, in a database that holds nothing.
    for database in ["b", "c"] {
        let store = Store::open_for_rebuild(&settings(folder.path(), database)).await.unwrap();
        assert_eq!(store.identity, identity);
        assert_eq!(store.objects.session_folders().unwrap(), std::slice::from_ref(&session));
        close(store).await;
    }

    // The folder without its store.json, and the folder gone.
    std::fs::remove_file(root.join("store.json")).unwrap();
    assert_eq!(refusal(&settings(folder.path(), "a"), &root).await.code.name, "store_unidentified");
    std::fs::rename(&root, folder.path().join("elsewhere")).unwrap();
    let error = Store::open(&settings(folder.path(), "a")).await.err().unwrap();
    assert_eq!(error.code.name, "store_empty_folder");
    assert!(!error.message.contains(folder.path().to_str().unwrap()));
}

#[tokio::test]
async fn a_database_with_sessions_of_another_store_is_not_rebuilt_over() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for folder in [&one, &two] {
        let store = Store::open(&settings(folder.path(), "a")).await.unwrap();
        add_session(&store).await;
        close(store).await;
    }
    std::fs::copy(one.path().join("a.db"), two.path().join("b.db")).unwrap();
    let error = Store::open_for_rebuild(&settings(two.path(), "b")).await.err().unwrap();
    assert_eq!(error.code.name, "store_mismatch");
}

#[tokio::test]
async fn an_unreadable_or_newer_store_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "a");
    close(Store::open(&settings).await.unwrap()).await;
    let json = folder.path().join("sessions/store.json");
    let text = std::fs::read_to_string(&json).unwrap();
    for (content, code) in [
        ("{".to_owned(), "store_unreadable"),
        (text.replace("\"format_version\": 1", "\"format_version\": 2"), "newer_store"),
    ] {
        std::fs::write(&json, content).unwrap();
        assert_eq!(Store::open(&settings).await.err().unwrap().code.name, code);
    }
}

#[tokio::test]
async fn only_a_process_that_is_alone_tidies_up() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "a");
    let first = Store::open(&settings).await.unwrap();
    assert_eq!(first.recovered, Recovered { alone: true, ..Recovered::default() });
    let session_id = add_session(&first).await;
    let reserved = version::ActiveModel {
        id: Set(new_id()),
        session_id: Set(Some(session_id)),
        model_name: Set(None),
        kind: Set(ArtefactKind::Parsed),
        version: Set(1),
        state: Set(VersionState::Reserved),
        owner: Set(None),
        lease_until: Set(Some(now())),
        created_at: Set(now()),
    };
    let txn = first.db.begin().await.unwrap();
    version::Entity::insert(reserved).exec_without_returning(&txn).await.unwrap();
    txn.commit().await.unwrap();
    std::fs::write(first.objects.root().join(".staging-x"), "half").unwrap();
    let state = |store: &Store| {
        let db = store.db.read().clone();
        async move { version::Entity::find().one(&db).await.unwrap().unwrap().state }
    };

    let second = Store::open(&settings).await.unwrap();
    assert_eq!(second.recovered, Recovered::default(), "the first may still be at it");
    assert_eq!(state(&second).await, VersionState::Reserved);
    assert_eq!(Store::open_for_rebuild(&settings).await.err().unwrap().code.name, "store_in_use");
    drop((first, second));

    let third = Store::open(&settings).await.unwrap();
    assert_eq!(
        third.recovered,
        Recovered { staging_removed: 1, versions_abandoned: 1, jobs_interrupted: 0, alone: true }
    );
    assert_eq!(state(&third).await, VersionState::Abandoned);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_make_a_store_at_once_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "a");
    let opening = (0..6).map(|_| {
        let settings = settings.clone();
        tokio::spawn(async move { Store::open(&settings).await.unwrap() })
    });
    let mut ids = Vec::new();
    for store in opening.collect::<Vec<_>>() {
        ids.push(store.await.unwrap().identity.store_id.clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[test]
fn times_are_cut_to_milliseconds_and_ids_sort_by_creation() {
    assert_eq!(now().timestamp_subsec_nanos() % 1_000_000, 0);
    let ids: Vec<String> = (0..100).map(|_| new_id()).collect();
    assert!(ids.is_sorted());
}

/// 12 MB in one commit are 3 000 pages: the writer's own limit is far off, so whoever brings them over is the reader.
#[tokio::test]
async fn a_long_log_is_brought_into_the_database_beside_the_writer() {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};
    let folder = tempfile::tempdir().unwrap();
    let db =
        db::Db::open(&format!("sqlite://{}?mode=rwc", folder.path().join("catalogue.db").display())).await.unwrap();
    let txn = db.begin().await.unwrap();
    txn.execute_unprepared("CREATE TABLE filler (bytes BLOB)").await.unwrap();
    txn.execute_unprepared("INSERT INTO filler VALUES (zeroblob(12000000))").await.unwrap();
    txn.commit().await.unwrap();
    let asked = || Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(NOOP)");
    let patience = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let row = db.read().query_one_raw(asked()).await.unwrap().unwrap();
        let (in_log, done): (i64, i64) = (row.try_get_by_index(1).unwrap(), row.try_get_by_index(2).unwrap());
        assert!(in_log >= 2_900, "{in_log}");
        if done == in_log {
            break;
        }
        assert!(std::time::Instant::now() < patience, "{done} of {in_log} pages");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    db.close().await.unwrap();
}
