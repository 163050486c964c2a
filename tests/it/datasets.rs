//! Looking at stored frames, through HTTP. The frames are written by hand into the store, so these tests say
//! nothing of parsing; expected values are worked by hand or, where said, computed by NumPy.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hvac_analytics::state::AppState;
use hvac_frame::column::{ColumnMeta, Kind, NullReason};
use hvac_frame::parquet_file::{ColumnType, ParquetWriter};
use hvac_store::entity::{self, Integrity, Status, WorkStatus, cleaning_job, parsed_dataset, session};
use hvac_store::frames;
use hvac_store::staged::Published;
use hvac_store::{new_id, now, paths};
use polars::prelude::*;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};

use crate::helpers::TestApp;

mod exports;
mod shapes;
mod windows;

const MINUTE: i64 = 60_000;
/// 2016-10-10 00:00:00 +08:00.
const START: i64 = 1_476_028_800_000;

/// Minutes of the twelve rows: quarter-hours with an hour's gap after the tenth.
const AT: [i64; 12] = [0, 15, 30, 45, 60, 75, 90, 105, 120, 135, 195, 210];
const KW: [Option<f64>; 12] =
    [Some(4.), Some(8.), Some(15.), Some(16.), Some(23.), Some(42.), None, None, None, None, None, None];
const SUPPLY: [f64; 12] = [7., 7., 7., 7., 7., 7., 8., 9., 8., 7., 7., 7.];
const MODE: [Option<&str>; 12] = [
    Some("COOL"),
    Some("COOL"),
    Some("HEAT"),
    Some("AUTO, \"eco\""),
    Some("COOL"),
    None,
    None,
    Some("HEAT"),
    Some("COOL"),
    None,
    None,
    None,
];

fn meta(name: &str, original_name: &str, kind: Kind, nulls: &[(NullReason, u64)]) -> ColumnMeta {
    let missing: u64 = nulls.iter().map(|(_, count)| count).sum();
    ColumnMeta {
        name: name.to_owned(),
        original_name: original_name.to_owned(),
        kind,
        kind_evidence: "by hand".to_owned(),
        unit: (name == "MMCB_KW").then(|| "kW".to_owned()),
        unit_evidence: None,
        trend_definition: None,
        native_interval_s: None,
        states: None,
        count: 12 - missing,
        nulls: nulls.iter().copied().collect::<BTreeMap<_, _>>(),
        derived: None,
        cleaned: None,
    }
}

fn metas() -> Vec<ColumnMeta> {
    vec![
        meta("MMCB_KW", "MMCB.KW", Kind::Instantaneous, &[(NullReason::DataLoss, 4), (NullReason::NoData, 2)]),
        meta("MMCB_KWH", "MMCB.KWH", Kind::Counter, &[]),
        meta("CHWS_T", "CHWS-T", Kind::Instantaneous, &[]),
        meta("模式", "模式", Kind::Text, &[(NullReason::NotCovered, 5)]),
    ]
}

/// The twelve rows; `offset` is added to the meter, so that versions differ.
fn frame(offset: f64) -> DataFrame {
    let at = Int64Chunked::from_vec("timestamp".into(), AT.iter().map(|m| START + m * MINUTE).collect());
    let at = at.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
    let kwh: Vec<f64> = (0..12).map(|i| offset + 100.0 + f64::from(i)).collect();
    let columns = vec![
        at,
        Column::new("MMCB_KW".into(), KW),
        Column::new("MMCB_KWH".into(), kwh),
        Column::new("CHWS_T".into(), SUPPLY),
        Column::new("模式".into(), MODE),
    ];
    DataFrame::new(12, columns).unwrap()
}

async fn publish(state: &AppState, session_id: &str, key: &str, offset: f64) -> Published {
    let staged = state.store.objects.stage(&paths::session_dir(session_id)).await.unwrap().into_sync();
    let staged = tokio::task::spawn_blocking(move || {
        let types = |kind| if kind == Kind::Text { ColumnType::Text } else { ColumnType::Float64 };
        let schema: Vec<_> = metas().into_iter().map(|meta| (meta.name, types(meta.kind))).collect();
        let mut writer = ParquetWriter::new(staged, &schema).unwrap();
        // In two windows, so that there is more than one row group.
        writer.write_window(&frame(offset).slice(0, 7)).unwrap();
        writer.write_window(&frame(offset).slice(7, 5)).unwrap();
        let columns = serde_json::to_string(&metas()).unwrap();
        writer.finish(vec![(frames::KEY_COLUMNS.to_owned(), columns)]).unwrap().0.into_staged().unwrap()
    });
    staged.await.unwrap().finish().await.unwrap().publish(key).await.unwrap()
}

async fn insert_session(app: &TestApp, parsed_over_http_at: Option<DateTime<Utc>>) -> String {
    let id = new_id();
    let row = session::Model {
        id: id.clone(),
        name: "KMUH autumn".to_owned(),
        site: Some("KMUH".to_owned()),
        timezone: Some("Asia/Taipei".to_owned()),
        subfolder: None,
        files_count: 0,
        total_rows: 12,
        status: Status::Parsed,
        metadata: entity::FreeMetadata::default(),
        tags: Default::default(),
        notes: String::new(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
        parsed_over_http_at,
        unconfirmed: false,
        owner_id: None,
    };
    let transaction = app.state.store.db.begin().await.unwrap();
    session::Entity::insert(row.into_active_model().reset_all()).exec(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    id
}

async fn insert_parsed(app: &TestApp, session_id: &str, version: i32) -> parsed_dataset::Model {
    let published =
        publish(&app.state, session_id, &paths::parsed(session_id, version), f64::from(version) * 1000.0).await;
    let row = parsed_dataset::Model {
        id: new_id(),
        session_id: session_id.to_owned(),
        version,
        file_path: published.path,
        sha256: published.sha256,
        size_bytes: i64::try_from(published.size_bytes).unwrap(),
        row_count: 12,
        column_count: 5,
        columns: entity::Columns(metas()),
        start_at: DateTime::from_timestamp_millis(START),
        end_at: DateTime::from_timestamp_millis(START + 210 * MINUTE),
        parser_version: "by hand".to_owned(),
        request_key: new_id(),
        options: json!({}),
        integrity: Integrity::Ok,
        created_at: now(),
    };
    let transaction = app.state.store.db.begin().await.unwrap();
    row.clone().into_active_model().reset_all().insert(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
    row
}

async fn insert_cleaned(app: &TestApp, dataset: &parsed_dataset::Model, version: i32, status: WorkStatus) {
    let key = paths::cleaned(&dataset.session_id, version);
    let published = publish(&app.state, &dataset.session_id, &key, -f64::from(version)).await;
    let row = cleaning_job::Model {
        id: new_id(),
        session_id: dataset.session_id.clone(),
        dataset_id: dataset.id.clone(),
        version,
        parameters: json!({}),
        original_rows: Some(12),
        cleaned_rows: Some(12),
        retention_rate: Some(100.0),
        output_path: Some(published.path),
        sha256: Some(published.sha256),
        size_bytes: Some(i64::try_from(published.size_bytes).unwrap()),
        request_key: "k1".to_owned(),
        cleaner_version: Some("1".to_owned()),
        column_count: Some(5),
        start_at: None,
        end_at: None,
        events_count: Some(0),
        events_sha256: None,
        events_size_bytes: None,
        events_integrity: Integrity::Ok,
        report: json!({}),
        status,
        error: None,
        integrity: Integrity::Ok,
        created_at: now(),
        started_at: None,
        finished_at: None,
    };
    let transaction = app.state.store.db.begin().await.unwrap();
    row.into_active_model().reset_all().insert(&transaction).await.unwrap();
    transaction.commit().await.unwrap();
}

/// A server with one session of one parsed version.
async fn started() -> (TestApp, String, parsed_dataset::Model) {
    let app = TestApp::start().await;
    let session_id = insert_session(&app, None).await;
    let dataset = insert_parsed(&app, &session_id, 1).await;
    (app, session_id, dataset)
}

#[tokio::test]
async fn preview_shows_the_rows_asked_for() {
    let (app, id, dataset) = started().await;
    let answer = app.get(&format!("/api/data/preview?session_id={id}&rows=2&offset=6")).await;
    assert!(answer.header("etag").starts_with("W/\""), "{}", answer.header("etag"));
    assert_eq!(
        answer.expect(200),
        json!({
            "session_id": id, "dataset_id": dataset.id, "version": "parsed-v1", "version_number": 1,
            "preview": [
                {"timestamp": "2016-10-10T01:30:00+08:00", "MMCB_KW": null, "MMCB_KWH": 1106.0, "CHWS_T": 8.0, "模式": null},
                {"timestamp": "2016-10-10T01:45:00+08:00", "MMCB_KW": null, "MMCB_KWH": 1107.0, "CHWS_T": 9.0, "模式": "HEAT"},
            ],
            "total_rows": 12, "columns": ["timestamp", "MMCB_KW", "MMCB_KWH", "CHWS_T", "模式"], "offset": 6,
        })
    );
    let again = app.get(&format!("/api/data/preview?session_id={id}&rows=2&offset=6")).await;
    assert_eq!(again.body, answer.body, "the cached answer is the same, byte for byte");
    let chosen = app.get(&format!("/api/data/preview?session_id={id}&rows=1&columns=CHWS_T,MMCB_KW")).await.expect(200);
    assert_eq!(chosen["columns"], json!(["timestamp", "CHWS_T", "MMCB_KW"]));
    assert_eq!(chosen["preview"], json!([{"timestamp": "2016-10-10T00:00:00+08:00", "CHWS_T": 7.0, "MMCB_KW": 4.0}]));
    let all = app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200);
    assert_eq!(all["preview"].as_array().unwrap().len(), 12, "50 is the default");
    let behind = app.get(&format!("/api/data/preview?session_id={id}&rows=10000&offset=99999999999")).await.expect(200);
    assert_eq!(behind["preview"], json!([]));
}

#[tokio::test]
async fn preview_refuses_what_it_cannot_mean() {
    let (app, id, _) = started().await;
    for (query, code) in [
        ("rows=0", "bad_rows"),
        ("rows=-1", "bad_rows"),
        ("rows=10001", "bad_rows"),
        ("rows=1000000000", "bad_rows"),
        ("offset=-1", "bad_offset"),
        ("version=newest", "bad_version"),
    ] {
        app.get(&format!("/api/data/preview?session_id={id}&{query}")).await.expect_problem(422, code);
    }
    let problem = app.get(&format!("/api/data/preview?session_id={id}&columns=MMCB_kW")).await;
    let problem = problem.expect_problem(422, "unknown_column");
    assert!(problem["detail"].as_str().unwrap().contains("did you mean MMCB_KW"), "{problem}");
    app.get("/api/data/preview?session_id=0199f6a0-0000-7000-8000-000000000001")
        .await
        .expect_problem(404, "unknown_session");
    app.get("/api/data/preview").await.expect_problem(404, "no_session");
}

/// Expected values of `MMCB_KW` and `CHWS_T` by NumPy 2 (`std(ddof=1)`, `quantile`).
#[tokio::test]
async fn statistics_are_numpys_and_null_for_what_is_no_number() {
    let (app, id, _) = started().await;
    let all = app.get(&format!("/api/data/stats?session_id={id}")).await.expect(200);
    assert_eq!(all["total_rows"], 12);
    let columns = all["columns"].as_array().unwrap();
    let names: Vec<&Value> = columns.iter().map(|column| &column["column"]).collect();
    assert_eq!(names, ["timestamp", "MMCB_KW", "MMCB_KWH", "CHWS_T", "模式"]);
    let near = |value: &Value, expected: f64| assert!((value.as_f64().unwrap() - expected).abs() < 1e-12, "{value}");

    let kw = app.get(&format!("/api/data/stats?session_id={id}&column=MMCB_KW")).await.expect(200);
    assert_eq!((&kw["count"], &kw["null_count"]), (&json!(6), &json!(6)));
    assert_eq!(kw["nulls"], json!({"data_loss": 4, "no_data": 2}));
    assert_eq!(
        (&kw["kind"], &kw["unit"], &kw["original_name"]),
        (&json!("instantaneous"), &json!("kW"), &json!("MMCB.KW"))
    );
    near(&kw["mean"], 18.0);
    near(&kw["median"], 15.5);
    near(&kw["std"], 13.490_737_563_232_042);
    near(&kw["quantiles"]["p95"], 37.25);
    assert_eq!(kw["version"], "parsed-v1");
    let mut same = kw.as_object().unwrap().clone();
    same.retain(|key, _| columns[1].get(key).is_some());
    assert_eq!(Value::Object(same), columns[1], "one column's statistics are those of all");

    near(&columns[3]["mean"], 7.333_333_333_333_333);
    near(&columns[3]["std"], 0.651_338_947_278_929_6);
    near(&columns[3]["quantiles"]["p75"], 7.25);
    for (column, count) in [(&columns[0], 12), (&columns[4], 7)] {
        assert_eq!(column["count"], count);
        for number in ["mean", "median", "min", "max", "std", "sum"] {
            assert_eq!(column[number], Value::Null, "{number}");
        }
    }
    let axis = app.get(&format!("/api/data/stats?session_id={id}&column=timestamp")).await.expect(200);
    assert_eq!((&axis["count"], &axis["mean"], &axis["kind"]), (&json!(12), &Value::Null, &Value::Null));
    let states =
        json!([{"state": "COOL", "count": 4}, {"state": "HEAT", "count": 2}, {"state": "AUTO, \"eco\"", "count": 1}]);
    assert_eq!(columns[4]["states"], states);
    app.get(&format!("/api/data/stats?session_id={id}&column=MMCBKW")).await.expect_problem(422, "unknown_column");
}

#[tokio::test]
async fn series_keep_extremes_and_the_time_asked_for() {
    let (app, id, _) = started().await;
    let url = format!("/api/data/series?session_id={id}");
    let whole = app.get(&format!("{url}&columns=CHWS_T,MMCB_KW")).await.expect(200);
    assert_eq!(whole["series"][0]["values"], json!(SUPPLY));
    assert_eq!(whole["series"][1]["values"], json!(KW));
    assert_eq!(whole["series"][1]["unit"], "kW");
    assert_eq!((&whole["series"][0]["rows"], &whole["series"][0]["downsampled"]), (&json!(12), &json!(false)));

    // Twelve rows to ten points: rows 1–2, 3–5, 6–7 and 8–10 are buckets. The meter only grows, so each
    // gives its first and last row, and row 4 and 9 go; of 8, 9, 7 (row 8 to 10) the supply keeps 8 and 7.
    let thinned = app.get(&format!("{url}&columns=MMCB_KWH,CHWS_T&points=10")).await.expect(200);
    let kept = json!([1100.0, 1101.0, 1102.0, 1103.0, 1105.0, 1106.0, 1107.0, 1108.0, 1110.0, 1111.0]);
    assert_eq!(thinned["series"][0]["values"], kept);
    assert_eq!(thinned["series"][0]["downsampled"], true);
    assert!(thinned["series"][1]["values"].as_array().unwrap().contains(&json!(9.0)), "no extreme is lost");

    let part =
        app.get(&format!("{url}&columns=MMCB_KWH&from=2016-10-10T02:00&to=2016-10-09T19:30:00Z")).await.expect(200);
    assert_eq!(part["series"][0]["values"], json!([1108.0, 1109.0, 1110.0]), "the end is left out");
    assert_eq!(part["series"][0]["timestamps"][2], "2016-10-10T03:15:00+08:00");
    let none = app.get(&format!("{url}&columns=MMCB_KWH&from=2020-01-01")).await.expect(200);
    assert_eq!((&none["series"][0]["values"], &none["series"][0]["rows"]), (&json!([]), &json!(0)));

    for (query, code) in [
        ("", "bad_columns"),
        ("&columns=%E6%A8%A1%E5%BC%8F", "not_numeric"),
        ("&columns=CHWS_T&points=9", "bad_points"),
        ("&columns=CHWS_T&points=20001", "bad_points"),
        ("&columns=CHWS_T&from=yesterday", "bad_time"),
        ("&columns=CHWS_T&from=2016-10-11&to=2016-10-10", "bad_time_range"),
        ("&columns=NOPE", "unknown_column"),
    ] {
        app.get(&format!("{url}{query}")).await.expect_problem(422, code);
    }
}

#[tokio::test]
async fn quality_names_gaps_null_reasons_and_frozen_runs() {
    let (app, id, _) = started().await;
    let quality = app.get(&format!("/api/data/quality?session_id={id}")).await.expect(200);
    assert_eq!((&quality["interval_s"], &quality["gap_count"]), (&json!(900.0), &json!(1)));
    let gap = json!({"after": "2016-10-10T02:15:00+08:00", "before": "2016-10-10T03:15:00+08:00", "seconds": 3600.0});
    assert_eq!(quality["gaps"], json!([gap]));
    let columns = quality["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 4);
    assert_eq!((&columns[0]["completeness"], &columns[0]["longest_null_run"]), (&json!(50.0), &json!(6)));
    assert_eq!(columns[0]["nulls"], json!({"data_loss": 4, "no_data": 2}));
    assert_eq!(columns[3]["longest_null_run"], 3);
    let run = json!({"start_at": "2016-10-10T00:00:00+08:00", "end_at": "2016-10-10T01:15:00+08:00", "value": 7.0, "rows": 6});
    assert_eq!(columns[2]["frozen_runs"], json!([run]));
    assert_eq!(columns[1]["frozen_runs"], json!([]));
}

/// r of `MMCB_KW` and `MMCB_KWH` over the six rows with both, and of `CHWS_T` and `MMCB_KWH`, by NumPy's `corrcoef`.
#[tokio::test]
async fn correlation_is_pairwise() {
    let (app, id, _) = started().await;
    let url = format!("/api/data/correlation?session_id={id}");
    let answer = app.get(&url).await.expect(200);
    assert_eq!(answer["columns"], json!(["MMCB_KW", "MMCB_KWH", "CHWS_T"]), "texts are left out");
    let r = |a: usize, b: usize| answer["matrix"][a][b].as_f64();
    assert!((r(0, 1).unwrap() - 0.935_066_045_065_386_4).abs() < 1e-12);
    assert!((r(2, 1).unwrap() - 0.232_262_898_341_629_1).abs() < 1e-12);
    assert_eq!((r(1, 0), r(1, 1)), (r(0, 1), Some(1.0)));
    assert_eq!(r(0, 2), None, "the supply is constant where the power has values");
    assert_eq!(answer["pairs"], json!([[6, 6, 6], [6, 12, 12], [6, 12, 12]]));
    app.get(&format!("{url}&columns=MMCB_KW")).await.expect_problem(422, "bad_columns");
    app.get(&format!("{url}&columns=MMCB_KW,%E6%A8%A1%E5%BC%8F")).await.expect_problem(422, "not_numeric");
}

#[tokio::test]
async fn versions_mean_what_the_design_says() {
    let (app, id, first) = started().await;
    let version_of = async |query: &str| {
        let answer = app.get(&format!("/api/data/preview?session_id={id}{query}&rows=1")).await;
        let answer = answer.expect(200);
        (answer["version"].as_str().unwrap().to_owned(), answer["preview"][0]["MMCB_KWH"].as_f64().unwrap())
    };
    let is = |version: &str, kwh: f64| (version.to_owned(), kwh);
    insert_cleaned(&app, &first, 1, WorkStatus::Completed).await;
    insert_cleaned(&app, &first, 2, WorkStatus::Failed).await;
    assert_eq!(version_of("").await, is("cleaned-v1", 99.0), "a cleaned version of the newest parsed one comes first");
    assert_eq!(version_of("&version=parsed").await, is("parsed-v1", 1100.0));

    let second = insert_parsed(&app, &id, 2).await;
    assert_eq!(
        version_of("&version=latest").await,
        is("parsed-v2", 2100.0),
        "the old cleaned one is not of the newest"
    );
    assert_eq!(version_of("&version=cleaned").await, is("cleaned-v1", 99.0));
    assert_eq!(version_of("&version=parsed-v1").await, is("parsed-v1", 1100.0));
    assert_eq!(version_of("&version=cleaned-v1").await, is("cleaned-v1", 99.0));
    assert_eq!(version_of(&format!("&version={}", second.id)).await, is("parsed-v2", 2100.0));
    let by_id = app.get(&format!("/api/data/preview?version={}", first.id)).await;
    assert_eq!(by_id.expect(200)["version"], "parsed-v1", "an id needs no session");
    assert_eq!(by_id.header("deprecation"), "");
    for version in ["parsed-v3", "cleaned-v2", "0199f6a0-0000-7000-8000-000000000001"] {
        app.get(&format!("/api/data/preview?session_id={id}&version={version}"))
            .await
            .expect_problem(404, "unknown_version");
    }
    let other = insert_session(&app, None).await;
    app.get(&format!("/api/data/preview?session_id={other}")).await.expect_problem(404, "not_parsed");
    app.get(&format!("/api/data/preview?session_id={other}&version={}", first.id))
        .await
        .expect_problem(404, "unknown_version");
}

#[tokio::test]
async fn without_a_session_the_one_last_parsed_over_http_is_meant() {
    let app = TestApp::start().await;
    let by_cli = insert_session(&app, None).await;
    insert_parsed(&app, &by_cli, 1).await;
    app.get("/api/data/stats").await.expect_problem(404, "no_session");
    app.get("/api/data/stats?session_id=").await.expect_problem(404, "no_session");
    let older = insert_session(&app, Some(now() - chrono::TimeDelta::hours(1))).await;
    let newer = insert_session(&app, Some(now())).await;
    for id in [&older, &newer] {
        insert_parsed(&app, id, 1).await;
    }
    let answer = app.get("/api/data/stats").await;
    assert_eq!(answer.expect(200)["session_id"], newer.as_str());
    assert!(answer.header("warning").contains(&newer) && !answer.header("deprecation").is_empty());
    app.delete(&format!("/api/sessions/{newer}")).await;
    assert_eq!(app.get("/api/data/stats").await.expect(200)["session_id"], older.as_str(), "deleted ones do not count");
    app.get(&format!("/api/data/stats?session_id={newer}")).await.expect_problem(404, "deleted_session");

    let strict = TestApp::start_with(&[("REQUIRE_SESSION_ID", "true")]).await;
    strict.get("/api/data/stats").await.expect_problem(422, "session_id_required");
}

#[tokio::test]
async fn a_file_that_is_not_what_was_published_answers_409_and_stays() {
    let (app, id, dataset) = started().await;
    let path = app.storage().join(&dataset.file_path);
    let published = std::fs::read(&path).unwrap();
    let mut damaged = published.clone();
    damaged[20] ^= 1; // same size, in the middle of a page: only the hash can tell
    std::fs::write(&path, &damaged).unwrap();
    let problem = app.get(&format!("/api/data/preview?session_id={id}")).await.expect_problem(409, "file_damaged");
    assert!(problem["detail"].as_str().unwrap().contains("doctor"), "{problem}");
    assert!(!problem.to_string().contains(&*app.folder.path().to_string_lossy()), "no path of the host: {problem}");
    let row = parsed_dataset::Entity::find_by_id(&dataset.id).one(app.state.store.db.read()).await.unwrap().unwrap();
    assert_eq!(row.integrity, Integrity::Damaged);
    assert_eq!(std::fs::read(&path).unwrap(), damaged, "it is never deleted");
    app.get(&format!("/api/sessions/{id}/data.parquet")).await.expect_problem(409, "file_damaged");

    let second = insert_parsed(&app, &id, 2).await;
    let path = app.storage().join(&second.file_path);
    app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200);
    std::fs::remove_file(&path).unwrap();
    for query in
        ["data/stats?session_id=ID", "sessions/ID/data.csv", "sessions/ID/data.arrow", "sessions/ID/data.parquet"]
    {
        let url = format!("/api/{}", query.replace("ID", &id));
        app.get(&url).await.expect_problem(409, "file_missing");
    }
    let row = parsed_dataset::Entity::find_by_id(&second.id).one(app.state.store.db.read()).await.unwrap().unwrap();
    assert_eq!(row.integrity, Integrity::Missing);
}
