//! One meaning of `columns`, `from`, `to` and `every` on every door. Values worked by hand from the twelve rows.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use hvac_frame::parquet_file::ParquetReader;
use serde_json::{Value, json};

use super::{KW, SUPPLY, started};
use crate::helpers::TestApp;

/// 00:30 to 02:00: rows 2 to 7.
const HALF_PAST: &str = "from=2016-10-10T00:30&to=2016-10-10T02:00";

fn arrow_of(bytes: &[u8]) -> (std::collections::HashMap<String, String>, Vec<arrow_array::RecordBatch>) {
    let reader = arrow_ipc::reader::FileReader::try_new(std::io::Cursor::new(bytes.to_vec()), None).unwrap();
    (reader.schema().metadata().clone(), reader.map(|batch| batch.unwrap()).collect())
}

/// The cells of one column of numbers, read from Parquet.
fn parquet_numbers(bytes: &bytes::Bytes, name: &str) -> Vec<Option<f64>> {
    let frame = ParquetReader::open(bytes.clone()).unwrap().read(None).unwrap();
    frame.column(name).unwrap().f64().unwrap().to_vec()
}

#[tokio::test]
async fn a_window_is_the_same_rows_everywhere() {
    let (app, id, _) = started().await;
    let data = format!("/api/data/{{}}?session_id={id}&{HALF_PAST}");
    let get = |route: &str, more: &str| {
        let url = format!("{}{more}", data.replace("{}", route));
        let app = &app;
        async move { app.get(&url).await.expect(200) }
    };
    let preview = get("preview", "&columns=CHWS_T,MMCB_KW&rows=2&offset=3").await;
    assert_eq!(
        (&preview["total_rows"], &preview["preview"]),
        (
            &json!(6),
            &json!([
                {"timestamp": "2016-10-10T01:15:00+08:00", "CHWS_T": 7.0, "MMCB_KW": 42.0},
                {"timestamp": "2016-10-10T01:30:00+08:00", "CHWS_T": 8.0, "MMCB_KW": null},
            ])
        )
    );
    let stats = get("stats", "&columns=MMCB_KW,模式").await;
    assert_eq!((&stats["total_rows"], stats["columns"].as_array().unwrap().len()), (&json!(6), 3));
    let kw = &stats["columns"][1];
    assert_eq!((&kw["count"], &kw["null_count"], &kw["mean"]), (&json!(4), &json!(2), &json!(24.0)));
    assert_eq!(kw["nulls"], json!({}), "which of the reasons of all rows these are is not known");
    assert_eq!(stats["columns"][2]["states"][0], json!({"state": "HEAT", "count": 2}));
    assert_eq!(get("stats", "&column=MMCB_KW").await["mean"], 24.0);
    let series = get("series", "&columns=MMCB_KW").await;
    assert_eq!(series["series"][0]["values"], json!([15.0, 16.0, 23.0, 42.0, null, null]));
    let correlation = get("correlation", "&columns=MMCB_KWH,CHWS_T").await;
    assert_eq!(correlation["pairs"][0][1], 6);

    let file = format!("/api/sessions/{id}/data");
    let csv = app.get(&format!("{file}.csv?columns=CHWS_T,MMCB_KW&{HALF_PAST}")).await.text();
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines.len(), 8, "a header, six rows, and the end of the last");
    assert_eq!((lines[0], lines[1]), ("timestamp,CHWS_T,MMCB_KW", "2016-10-10T00:30:00+08:00,7.0,15.0"));
    let parquet = app.get(&format!("{file}.parquet?columns=CHWS_T,MMCB_KW&{HALF_PAST}")).await;
    assert_eq!(parquet_numbers(&parquet.body, "MMCB_KW"), KW[2..8]);
    assert_eq!(ParquetReader::open(parquet.body.clone()).unwrap().footer().column_names().count(), 3);
    let arrow = app.get(&format!("{file}.arrow?columns=CHWS_T,MMCB_KW&{HALF_PAST}")).await;
    let (_, batches) = arrow_of(&arrow.body);
    let cells: Vec<f64> =
        batches.iter().flat_map(|batch| batch.column(1).as_primitive::<Float64Type>().values().to_vec()).collect();
    assert_eq!(cells, SUPPLY[2..8]);
}

/// Hours from 00:00 on: four rows, four, two and two. Means of readings, the last of the register and of the texts.
#[tokio::test]
async fn every_puts_rows_into_bins_by_kind_of_point() {
    let (app, id, _) = started().await;
    let preview = app.get(&format!("/api/data/preview?session_id={id}&every=1h")).await.expect(200);
    let row = |hour: &str, kw: Value, kwh: f64, supply: f64, mode: Value| {
        json!({
            "timestamp": format!("2016-10-10T{hour}:00:00+08:00"), "MMCB_KW": kw, "MMCB_KWH": kwh, "CHWS_T": supply,
            "模式": mode,
        })
    };
    let rows = json!([
        row("00", json!(10.75), 1103.0, 7.0, json!("AUTO, \"eco\"")),
        row("01", json!(32.5), 1107.0, 7.75, json!("HEAT")),
        row("02", Value::Null, 1109.0, 7.5, json!("COOL")),
        row("03", Value::Null, 1111.0, 7.0, Value::Null),
    ]);
    assert_eq!((&preview["preview"], &preview["total_rows"]), (&rows, &json!(4)));
    // A part of the bins is that part of all of them; 02:15 is a bin of its own.
    let url = format!("/api/data/preview?session_id={id}&every=1h&from=2016-10-10T01:00&to=2016-10-10T03:00");
    let part = app.get(&url).await.expect(200);
    assert_eq!(part["preview"], json!([rows[1], rows[2]]));
    let offset = app.get(&format!("/api/data/preview?session_id={id}&every=1h&offset=3")).await.expect(200);
    assert_eq!(offset["preview"], json!([rows[3]]));
    let stats = app.get(&format!("/api/data/stats?session_id={id}&every=1h&column=MMCB_KW")).await.expect(200);
    assert_eq!((&stats["mean"], &stats["count"], &stats["null_count"]), (&json!(21.625), &json!(2), &json!(2)));
    let series = app.get(&format!("/api/data/series?session_id={id}&every=1d&columns=CHWS_T")).await.expect(200);
    let mean = SUPPLY.iter().sum::<f64>() / 12.0;
    let value = series["series"][0]["values"][0].as_f64().unwrap();
    assert!((value - mean).abs() < 1e-12, "{value}");
    // Finer than the data: rows stay as they are, and no bin is made up.
    let fine = app.get(&format!("/api/data/series?session_id={id}&every=1m&columns=MMCB_KW")).await.expect(200);
    assert_eq!(fine["series"][0]["values"], json!(KW));

    let parquet = app.get(&format!("/api/sessions/{id}/data.parquet?every=1h")).await;
    assert_eq!(parquet_numbers(&parquet.body, "CHWS_T"), [7.0, 7.75, 7.5, 7.0].map(Some));
    let csv = app.get(&format!("/api/sessions/{id}/data.csv?every=1h&columns=MMCB_KW")).await.text();
    assert!(csv.starts_with("timestamp,MMCB_KW\r\n2016-10-10T00:00:00+08:00,10.75\r\n"), "{csv}");
}

#[tokio::test]
async fn files_say_what_part_they_are() {
    let (app, id, dataset) = started().await;
    let file = format!("/api/sessions/{id}/data");
    let whole = app.get(&format!("{file}.parquet")).await;
    let (said, _) = arrow_of(&app.get(&format!("{file}.arrow")).await.body);
    let columns =
        ParquetReader::open(whole.body.clone()).unwrap().footer().key_value("hvac.columns").unwrap().to_owned();
    assert_eq!(said["hvac.columns"], columns, "all that the stored file says of itself");
    for (form, key_values) in [
        ("arrow", arrow_of(&app.get(&format!("{file}.arrow?every=1h&columns=MMCB_KW")).await.body).0),
        ("parquet", {
            let bytes = app.get(&format!("{file}.parquet?every=1h&columns=MMCB_KW")).await.body;
            let reader = ParquetReader::open(bytes).unwrap();
            reader.footer().key_values().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        }),
    ] {
        let columns: Value = serde_json::from_str(&key_values["hvac.columns"]).unwrap();
        assert_eq!((columns.as_array().unwrap().len(), &columns[0]["unit"]), (1, &json!("kW")), "{form}");
        assert_eq!(columns[0]["cleaned"], json!({"aggregate": "mean", "interval_s": 3600}), "{form}");
        assert!(
            columns[0].get("count").is_none() && columns[0].get("nulls").is_none(),
            "counts are of all rows: {form}"
        );
        let window: Value = serde_json::from_str(&key_values["hvac.window"]).unwrap();
        assert_eq!(
            window,
            json!({
                "all_columns": false, "from": null, "to": null, "every": "1h", "rows": 4,
                "sha256_of_whole": dataset.sha256,
            }),
            "{form}"
        );
    }
}

#[tokio::test]
async fn parts_are_files_as_the_whole_is() {
    let (app, id, _) = started().await;
    let mut tags = vec![app.get(&format!("/api/sessions/{id}/data.parquet")).await.header("etag").to_owned()];
    for form in ["parquet", "arrow", "csv"] {
        for part in [HALF_PAST, "columns=MMCB_KW", "columns=CHWS_T", "every=1h", "from=2016-10-10T00:30"] {
            let url = format!("/api/sessions/{id}/data.{form}?{part}");
            let head = app.head_with(&url, &[]).await;
            let whole = app.get(&url).await;
            let size = whole.body.len().to_string();
            assert_eq!((head.status, head.header("content-length")), (200, size.as_str()), "{url}");
            assert_eq!((head.header("etag"), head.header("accept-ranges")), (whole.header("etag"), "bytes"), "{url}");
            assert_eq!(head.header("content-type"), whole.header("content-type"), "{url}");
            assert!(whole.header("content-disposition").contains("-part."), "{url}");
            let tag = whole.header("etag").to_owned();
            assert_eq!(app.get_with(&url, &[("if-none-match", &tag)]).await.status, 304, "{url}");
            let some = app.get_with(&url, &[("range", "bytes=-8")]).await;
            assert_eq!((some.status, &some.body[..]), (206, &whole.body[whole.body.len() - 8..]), "{url}");
            assert!(!tags.contains(&tag), "{url}");
            tags.push(tag);
        }
    }
    // Another spelling of the same is the same.
    let spelled = app.get(&format!("/api/sessions/{id}/data.csv?from=2016-10-09T16:30:00Z&columns=")).await;
    assert_eq!(spelled.header("etag"), tags.last().unwrap());
    let nothing = app.get(&format!("/api/sessions/{id}/data.parquet?columns=&from=&to=&every=")).await;
    assert_eq!(nothing.header("etag"), tags[0], "what is empty is left out");
}

#[tokio::test]
async fn empty_windows_are_valid_files() {
    let (app, id, _) = started().await;
    for part in ["from=2020-01-01", "from=2020-01-01&every=1h", "to=2000-01-01&columns=MMCB_KW,模式"] {
        let file = |form: &str| format!("/api/sessions/{id}/data.{form}?{part}");
        let csv = app.get(&file("csv")).await.text();
        assert_eq!(csv.matches("\r\n").count(), 1, "{csv}");
        let parquet = app.get(&file("parquet")).await;
        let reader = ParquetReader::open(parquet.body).unwrap();
        let names: Vec<String> = reader.footer().column_names().map(str::to_owned).collect();
        assert_eq!((reader.footer().row_count(), names.join(",")), (0, csv.trim_end().to_owned()), "{part}");
        let (_, batches) = arrow_of(&app.get(&file("arrow")).await.body);
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 0);
        let preview = app.get(&format!("/api/data/preview?session_id={id}&{part}")).await.expect(200);
        assert_eq!((&preview["preview"], &preview["total_rows"]), (&json!([]), &json!(0)));
        let stats = app.get(&format!("/api/data/stats?session_id={id}&{part}")).await.expect(200);
        assert_eq!((&stats["total_rows"], &stats["columns"][1]["count"]), (&json!(0), &json!(0)));
    }
    let times = app.get(&format!("/api/sessions/{id}/data.csv?columns=timestamp")).await.text();
    assert!(times.starts_with("timestamp\r\n2016-10-10T00:00:00+08:00\r\n"), "{times}");
}

async fn refused(app: &TestApp, url: &str, code: &str) -> String {
    app.get(url).await.expect_problem(422, code)["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn windows_that_cannot_be_are_refused_everywhere() {
    let (app, id, _) = started().await;
    let session = format!("/api/sessions/{id}/data");
    let routes = [
        format!("{session}.parquet?"),
        format!("{session}.arrow?"),
        format!("{session}.csv?"),
        format!("/api/data/preview?session_id={id}&"),
        format!("/api/data/stats?session_id={id}&"),
        format!("/api/data/series?session_id={id}&columns=MMCB_KW&"),
        format!("/api/data/correlation?session_id={id}&"),
        format!("/api/data/profile?session_id={id}&"),
        format!("/api/data/coverage?session_id={id}&"),
        format!("/api/data/histogram?session_id={id}&column=MMCB_KW&"),
        format!("/api/data/duration?session_id={id}&column=MMCB_KW&"),
    ];
    for route in &routes {
        for (query, code) in [
            ("from=yesterday", "bad_time"),
            ("from=2016-10-11&to=2016-10-10", "bad_time_range"),
            ("every=7m", "bad_interval"),
            ("evry=1h", "unknown_parameter"),
            ("every=1h&every=1d", "repeated_parameter"),
        ] {
            refused(&app, &format!("{route}{query}"), code).await;
        }
    }
    let every = refused(&app, &format!("{}every=2h", routes[0]), "bad_interval").await;
    assert_eq!(every, "every: '2h' is no interval; use one of 1m, 5m, 10m, 15m, 30m, 1h, 1d");
    for route in &routes[..5] {
        let unknown = refused(&app, &format!("{route}columns=MMCB_kW"), "unknown_column").await;
        assert!(unknown.contains("did you mean MMCB_KW"), "{unknown}");
    }
    refused(&app, &format!("{}column=MMCB_KW&columns=CHWS_T", routes[4]), "bad_columns").await;
}
