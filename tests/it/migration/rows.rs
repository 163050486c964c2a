//! One row of each table.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};
use hvac_frame::column::{ColumnMeta, Kind, NullReason, Warning};
use hvac_store::entity::{
    AccountKind, AccountRole, ArtefactKind, Columns, FreeMetadata, Integrity, JobEventKind, PointKind, ReportText,
    Status, Tags, VersionState, Warnings, WorkStatus, account, api_key, audit_anchor, audit_entry, cleaning_job,
    energy_price, file_check, job, job_event, link, login, manifest, model_alias, optimization_outcome,
    optimization_run, parse_report, parsed_dataset, removal, report_override, saved_query, session, share,
    site_override, source_file, store_identity, trained_model, version,
};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait};
use serde_json::json;

fn at(second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, second).unwrap() + chrono::TimeDelta::milliseconds(789)
}

pub fn a_session(id: &str) -> session::Model {
    session::Model {
        id: id.to_owned(),
        name: "KMUH 秋".to_owned(),
        site: Some("KMUH".to_owned()),
        timezone: Some("Asia/Taipei".to_owned()),
        subfolder: None,
        files_count: 1,
        total_rows: 5_952,
        status: Status::Cleaned,
        metadata: FreeMetadata(BTreeMap::from([("note".to_owned(), json!({"by": ["a", 1, null]}))])),
        tags: Tags(vec!["acceptance".to_owned(), "秋".to_owned()]),
        notes: "Chiller 2 was down.\nUntil 12 October.".to_owned(),
        created_at: at(1),
        updated_at: at(2),
        deleted_at: None,
        parsed_over_http_at: Some(at(3)),
        unconfirmed: false,
        owner_id: Some("a1".to_owned()),
    }
}

pub fn a_file(id: &str, session_id: &str) -> source_file::Model {
    source_file::Model {
        id: id.to_owned(),
        session_id: session_id.to_owned(),
        file_name: "a.csv".to_owned(),
        archive_member: None,
        path: "s1/raw/aa-a.csv".to_owned(),
        sha256: "aa".to_owned(),
        size_bytes: i64::MAX,
        format: Some("apogee".to_owned()),
        encoding: Some("Big5".to_owned()),
        row_count: Some(5_952),
        point_count: Some(5),
        first_at: Some(at(0)),
        last_at: Some(at(5)),
        warnings: Warnings(vec![a_warning()]),
        integrity: Integrity::Ok,
        created_at: at(1),
    }
}

fn a_warning() -> Warning {
    Warning {
        code: "time_error".to_owned(),
        file: "a.csv".to_owned(),
        line: Some(212),
        column: Some("AH0202.DT".to_owned()),
        count: 84,
        message: "'TIME (-1)' in 84 cells".to_owned(),
    }
}

pub fn a_dataset(id: &str, session_id: &str, version: i32) -> parsed_dataset::Model {
    let column = ColumnMeta {
        name: "MMCB_KW".to_owned(),
        original_name: "MMCB.KW".to_owned(),
        kind: Kind::Instantaneous,
        kind_evidence: "values".to_owned(),
        unit: Some("kW".to_owned()),
        unit_evidence: None,
        trend_definition: Some("5 minutes".to_owned()),
        native_interval_s: Some(300),
        states: None,
        count: 5_432,
        nulls: BTreeMap::from([(NullReason::DataLoss, 520)]),
        derived: None,
        cleaned: None,
    };
    parsed_dataset::Model {
        id: id.to_owned(),
        session_id: session_id.to_owned(),
        version,
        file_path: "s1/parsed-v1.parquet".to_owned(),
        sha256: "bb".to_owned(),
        size_bytes: 1_000,
        row_count: 5_952,
        column_count: 2,
        columns: Columns(vec![column]),
        start_at: Some(at(0)),
        end_at: Some(at(5)),
        parser_version: "1".to_owned(),
        request_key: "cc".to_owned(),
        options: json!({"on_conflict": "last"}),
        integrity: Integrity::Damaged,
        created_at: at(4),
    }
}

fn a_report(dataset_id: &str) -> parse_report::Model {
    let report = json!({"files": [], "warnings": [a_warning()], "conflicts": 3, "preview": []});
    parse_report::Model { dataset_id: dataset_id.to_owned(), report: ReportText::of(&report).unwrap() }
}

pub fn a_version(id: &str, version: i32, state: VersionState) -> version::Model {
    version::Model {
        id: id.to_owned(),
        session_id: Some("s1".to_owned()),
        model_name: None,
        kind: ArtefactKind::Parsed,
        version,
        state,
        owner: Some("host:1".to_owned()),
        lease_until: Some(at(9)),
        created_at: at(1),
    }
}

/// Inserts a row and reads it back: what went in is what comes out.
macro_rules! round_trip {
    ($db:expr, $entity:ident, $model:expr) => {{
        let model: $entity::Model = $model;
        let row = $entity::ActiveModel::from(model.clone());
        $entity::Entity::insert(row).exec_without_returning($db).await.unwrap();
        assert!($entity::Entity::find().all($db).await.unwrap().contains(&model), "{model:?}");
    }};
}

/// One row in every table, each referring to the ones before.
pub async fn fill(db: &DatabaseConnection) {
    let identity = store_identity::Model { id: 1, store_id: "x".to_owned(), format_version: 1, created_at: at(0) };
    round_trip!(db, store_identity, identity);
    round_trip!(db, session, a_session("s1"));
    round_trip!(db, source_file, a_file("f1", "s1"));
    let over = site_override::Model {
        site: "KMUH".to_owned(),
        original_name: "ZWP-1.F".to_owned(),
        name: None,
        unit: Some("Hz".to_owned()),
        kind: Some(PointKind::Instantaneous),
    };
    round_trip!(db, site_override, over);
    round_trip!(db, version, a_version("v1", 1, VersionState::Published));
    round_trip!(db, parsed_dataset, a_dataset("d1", "s1", 1));
    round_trip!(db, parse_report, a_report("d1"));
    let query = saved_query::Model {
        name: "冰水 by month".to_owned(),
        sql: "SELECT 1".to_owned(),
        description: Some("One".to_owned()),
        session_id: None,
        created_at: at(1),
        updated_at: at(2),
    };
    round_trip!(db, saved_query, query);
    let texts = "INSERT INTO search_texts VALUES (1, 'KMUH 秋'); INSERT INTO search_sessions VALUES (7, 's1'); \
                 INSERT INTO session_texts VALUES (1, 1, 7)";
    db.execute_unprepared(texts).await.unwrap();
    let records = "INSERT INTO collections VALUES ('notes', '{}', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'); \
                   INSERT INTO record_outbox VALUES (1, 'postgres', 'notes', '冰', 'write', 1, 2, '{}', 9, 3); \
                   INSERT INTO record_rejected VALUES (1, 'notes', '冰', 'delete', '{}', 'no', '2026-01-02T03:04:05Z')";
    db.execute_unprepared(records).await.unwrap();
    let account = account::Model {
        id: "a1".to_owned(),
        name: "anna".to_owned(),
        kind: AccountKind::Person,
        role: AccountRole::Operator,
        password_hash: Some("$argon2id$".to_owned()),
        preferences: FreeMetadata(BTreeMap::from([("theme".to_owned(), json!("dark"))])),
        disabled_at: Some(at(3)),
        created_at: at(1),
        updated_at: at(2),
    };
    round_trip!(db, account, account);
    let key = api_key::Model {
        id: "k1".to_owned(),
        account_id: "a1".to_owned(),
        name: "notebook".to_owned(),
        role: AccountRole::Viewer,
        sha256: "00".to_owned(),
        expires_at: Some(at(9)),
        last_used_at: Some(at(2)),
        revoked_at: None,
        created_at: at(1),
    };
    round_trip!(db, api_key, key);
    let login = login::Model {
        id: "l1".to_owned(),
        account_id: "a1".to_owned(),
        sha256: "01".to_owned(),
        address: Some("192.0.2.7".to_owned()),
        user_agent: None,
        created_at: at(1),
        last_used_at: at(2),
        expires_at: at(9),
    };
    round_trip!(db, login, login);
    let link = link::Model {
        id: "n1".to_owned(),
        session_id: "s1".to_owned(),
        account_id: Some("a1".to_owned()),
        sha256: "02".to_owned(),
        note: "for the report".to_owned(),
        expires_at: at(9),
        revoked_at: Some(at(4)),
        created_at: at(1),
    };
    round_trip!(db, link, link);
    let share = share::Model {
        id: "h1".to_owned(),
        session_id: Some("s1".to_owned()),
        site: None,
        account_id: Some("a1".to_owned()),
        created_at: at(1),
    };
    round_trip!(db, share, share);
    let entry = audit_entry::Model {
        seq: 1,
        at: at(1),
        account_id: Some("a1".to_owned()),
        who: "anna".to_owned(),
        via: "key".to_owned(),
        action: "session.delete".to_owned(),
        object_kind: "session".to_owned(),
        object_id: Some("s1".to_owned()),
        session_id: Some("s1".to_owned()),
        result: "done".to_owned(),
        address: None,
        request_id: None,
        detail: String::new(),
        hash: "03".to_owned(),
    };
    round_trip!(db, audit_entry, entry);
    let anchor = audit_anchor::Model { id: 1, seq: 1, hash: "03".to_owned() };
    round_trip!(db, audit_anchor, anchor);
    let job = job::Model {
        id: "j1".to_owned(),
        kind: "clean".to_owned(),
        payload: json!({"session_id": "s1"}),
        status: WorkStatus::Completed,
        attempts: 1,
        progress: 1.0,
        message: None,
        owner: Some("o1".to_owned()),
        lease_until: None,
        created_at: at(1),
        started_at: Some(at(2)),
        finished_at: Some(at(3)),
        run_after: Some(at(4)),
        cancel_requested: true,
        error: None,
        failure: Some(json!({"code": "unknown_column"})),
        account_id: Some("a1".to_owned()),
        session_id: Some("s1".to_owned()),
    };
    round_trip!(db, job, job);
    let event = job_event::Model {
        id: 1,
        job_id: "j1".to_owned(),
        at: at(2),
        event: JobEventKind::Progress,
        status: WorkStatus::Running,
        progress: 0.5,
        message: Some("107 of 214 files read".to_owned()),
    };
    round_trip!(db, job_event, event);
    let cleaning = cleaning_job::Model {
        id: "j1".to_owned(),
        session_id: "s1".to_owned(),
        dataset_id: "d1".to_owned(),
        version: 1,
        parameters: json!({}),
        original_rows: Some(10),
        cleaned_rows: Some(9),
        retention_rate: Some(90.0),
        output_path: Some("s1/cleaned-v1.parquet".to_owned()),
        sha256: Some("dd".to_owned()),
        size_bytes: Some(5),
        request_key: "k1".to_owned(),
        cleaner_version: Some("1".to_owned()),
        column_count: Some(5),
        start_at: None,
        end_at: None,
        events_count: Some(0),
        events_sha256: None,
        events_size_bytes: None,
        events_integrity: Integrity::Ok,
        report: json!({"rules": []}),
        status: WorkStatus::Completed,
        error: None,
        integrity: Integrity::Missing,
        created_at: at(1),
        started_at: None,
        finished_at: None,
    };
    round_trip!(db, cleaning_job, cleaning);
    let model = trained_model::Model {
        id: "m1".to_owned(),
        name: "plant".to_owned(),
        version: 1,
        dataset_id: "d1".to_owned(),
        cleaning_job_id: Some("j1".to_owned()),
        session_id: "s1".to_owned(),
        site: Some("KMUH".to_owned()),
        request_key: "k2".to_owned(),
        options: json!({"interval": "30m"}),
        lineage: json!({"rows": 5_432}),
        feature_count: Some(9),
        size_bytes: Some(12_345),
        trainer_version: Some("1".to_owned()),
        started_at: Some(at(2)),
        algorithm: "gbdt".to_owned(),
        feature_mapping: json!({"chiller_cols": ["CH_1"]}),
        training_metrics: json!({"mape": 2.9}),
        model_file_path: None,
        sha256: None,
        status: WorkStatus::Queued,
        error: None,
        integrity: Integrity::Ok,
        created_at: at(1),
        finished_at: None,
    };
    round_trip!(db, trained_model, model);
    let number = version::Model {
        id: "n1".to_owned(),
        kind: ArtefactKind::Model,
        session_id: None,
        model_name: Some("plant".to_owned()),
        version: 1,
        state: VersionState::Published,
        owner: Some("job m1".to_owned()),
        lease_until: None,
        created_at: at(1),
    };
    round_trip!(db, version, number);
    let alias = model_alias::Model {
        name: "plant".to_owned(),
        alias: "production".to_owned(),
        model_id: "m1".to_owned(),
        updated_at: at(3),
    };
    round_trip!(db, model_alias, alias);
    let run = optimization_run::Model {
        id: "o1".to_owned(),
        model_id: "m1".to_owned(),
        input_data: json!({"RT": 300}),
        method: "grid".to_owned(),
        predicted_power: 250.5,
        baseline_power: None,
        session_id: None,
        savings_kw: 12.5,
        savings_percent: 4.75,
        is_change: true,
        recommendations: json!([]),
        answer: json!({"message": "grid"}),
        local_date: "2026-01-02".to_owned(),
        duration_ms: 71,
        created_at: at(1),
    };
    round_trip!(db, optimization_run, run);
    let outcome = optimization_outcome::Model {
        run_id: "o1".to_owned(),
        revision: 1,
        applied: true,
        applied_at: Some(at(2)),
        applied_until: None,
        session_id: Some("s1".to_owned()),
        note: Some("fans by hand 夜".to_owned()),
        created_at: at(3),
    };
    round_trip!(db, optimization_outcome, outcome);
    let checked =
        file_check::Model { root: "models".to_owned(), path: "KMUH/plant-v1.json".to_owned(), checked_at: at(4) };
    round_trip!(db, file_check, checked);
    let purged = removal::Model { root: "sessions".to_owned(), path: "s0".to_owned(), created_at: at(4) };
    round_trip!(db, removal, purged);
    let read = report_override::Model {
        site: "KMUH".to_owned(),
        shape: "5f".to_owned(),
        file_name: "a.csv".to_owned(),
        options: json!({"date_format": "DMY"}),
        updated_at: at(5),
    };
    round_trip!(db, report_override, read);
    let price =
        energy_price::Model { site: "KMUH".to_owned(), currency: "TWD".to_owned(), per_kwh: 3.5, updated_at: at(5) };
    round_trip!(db, energy_price, price);
    // The session itself, its number, and the alias of its model have changed what `session.json` says.
    let behind = manifest::Entity::find().all(db).await.unwrap();
    assert_eq!((behind.len(), behind[0].session_id.as_str(), behind[0].written), (1, "s1", 0));
    assert!(behind[0].revision > 1_600_000_000_000);
}
