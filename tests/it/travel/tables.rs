//! Parquet and Arrow files as sessions: every value, time, state and unit that they hold, or a refusal that names the
//! column and the way out.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int64Array,
    NullArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::*;

/// 2024-07-01T00:00:00Z.
const JULY_S: i64 = 1_719_792_000;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn parquet(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

async fn send(app: &TestApp, query: &str, bytes: Vec<u8>) -> Response {
    app.request(Method::POST, &format!("/api/sessions/import{query}"), |request| request.body(bytes)).await
}

async fn rows(app: &TestApp, answer: &Value) -> Vec<Value> {
    let id = answer["session_id"].as_str().unwrap();
    let shown = app.get(&format!("/api/data/preview?session_id={id}&rows=100")).await.expect(200);
    shown["preview"].as_array().unwrap_or_else(|| panic!("{shown}")).clone()
}

fn hourly(hours: &[i64]) -> ArrayRef {
    Arc::new(
        TimestampMillisecondArray::from_iter_values(hours.iter().map(|h| (JULY_S + h * 3600) * 1000))
            .with_timezone("UTC"),
    )
}

/// Each kind of column, out of order, with a time that comes twice.
fn mixed() -> RecordBatch {
    let text: DictionaryArray<Int8Type> =
        vec![Some("COOL"), None, Some("HEAT, \"x\""), Some("COOL")].into_iter().collect();
    batch(vec![
        ("when", hourly(&[2, 0, 1, 1])),
        ("whole", Arc::new(Int64Array::from(vec![Some(-3), Some(4), None, Some(9_007_199_254_740_992)]))),
        ("single", Arc::new(Float32Array::from(vec![Some(0.1), Some(1e-7), None, Some(-2.5)]))),
        ("double", Arc::new(Float64Array::from(vec![0.1 + 0.2, f64::NAN, 1e300, 7.25]))),
        (
            "decimal",
            Arc::new(
                Decimal128Array::from(vec![Some(12_345), Some(-5), None, Some(100)])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        ("pump", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
        ("mode", Arc::new(text)),
        ("never", Arc::new(NullArray::new(4))),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_column_is_read_right() {
    let app = TestApp::start().await;
    let mixed = mixed();
    let files = [
        parquet(&mixed, Compression::SNAPPY),
        parquet(&mixed, Compression::LZ4_RAW),
        parquet(&mixed, Compression::GZIP(parquet::basic::GzipLevel::default())),
        parquet(&mixed, Compression::BROTLI(parquet::basic::BrotliLevel::default())),
        arrow(&mixed),
        stream(&mixed),
    ];
    for (number, bytes) in files.into_iter().enumerate() {
        let answer = send(&app, &format!("?name=t{number}&site=S&on_conflict=last"), bytes.clone()).await.expect(201);
        assert_eq!((&answer["versions"], &answer["name"]), (&json!(["parsed-v1"]), &json!(format!("t{number}"))));
        // By hand: sorted by time; of the two rows at 01:00 the later wins, a value beats a null.
        let rows = rows(&app, &answer).await;
        let column = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
        assert_eq!(
            column("timestamp"),
            ["2024-07-01T00:00:00Z", "2024-07-01T01:00:00Z", "2024-07-01T02:00:00Z"]
                .map(|at| json!(at.replace('Z', "+00:00"))),
            "{rows:?}"
        );
        assert_eq!(column("whole"), [json!(4.0), json!(9_007_199_254_740_992.0), json!(-3.0)]);
        assert_eq!(column("single"), [json!(1e-7), json!(-2.5), json!(0.1)]);
        assert_eq!(column("double"), [Value::Null, json!(7.25), json!(0.1 + 0.2)]);
        assert_eq!(column("decimal"), [json!(-0.05), json!(1.0), json!(123.45)]);
        assert_eq!(column("pump"), [json!(0.0), json!(1.0), json!(1.0)]);
        assert_eq!(column("mode"), [Value::Null, json!("COOL"), json!("COOL")]);
        assert_eq!(column("never"), [Value::Null, Value::Null, Value::Null]);
        assert!(!answer["notes"].as_array().unwrap().is_empty(), "{answer}");
        // The bytes that came are kept, and parse again.
        let id = answer["session_id"].as_str().unwrap();
        let raw = app.get(&format!("/api/sessions/{id}/raw/{}", sha256(&bytes))).await;
        assert!(raw.status == 200 && raw.body == bytes);
        send(&app, "", bytes).await.expect_problem(422, "would_lose_readings");
        let request = json!({"session_id": id, "force": true, "on_conflict": "last"});
        let again = app.post("/api/parse", &request).await.expect(200);
        assert_eq!(again["version"], "parsed-v2");
        let data = async |version: &str| app.get(&format!("/api/sessions/{id}/data.csv?version={version}")).await.body;
        assert_eq!(data("parsed-v1").await, data("parsed-v2").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_those_of_the_file() {
    let app = TestApp::start().await;
    let one: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    let two = |at: ArrayRef, name: &str| parquet(&batch(vec![(name, at), ("kw", one.clone())]), Compression::SNAPPY);
    let micro = TimestampMicrosecondArray::from_iter_values([JULY_S * 1_000_000 + 1_999, (JULY_S + 60) * 1_000_000]);
    let nano = TimestampNanosecondArray::from_iter_values([JULY_S * 1_000_000_000, (JULY_S + 60) * 1_000_000_000]);
    let texts = StringArray::from(vec!["2024-07-01 08:00", "2024-07-01 08:01"]);
    let whole = Int64Array::from(vec![JULY_S, JULY_S + 60]);
    let naive =
        TimestampMillisecondArray::from_iter_values([(JULY_S + 8 * 3600) * 1000, (JULY_S + 8 * 3600 + 60) * 1000]);
    let cases: [(&str, Vec<u8>, &str); 6] = [
        // With a zone, that; the site's zone is how they are shown.
        (
            "?timezone=Asia/Taipei",
            two(Arc::new(micro.with_timezone("America/New_York")), "index"),
            "08:00:00.001+08:00",
        ),
        ("?timezone=Asia/Taipei", two(Arc::new(nano.with_timezone("+02:00")), "x"), "08:00:00+08:00"),
        // Without one, the clock of the zone that is stated, else the server's.
        ("?timezone=Asia/Taipei", two(Arc::new(naive.clone()), "x"), "08:00:00+08:00"),
        ("", two(Arc::new(naive), "x"), "08:00:00+00:00"),
        ("?timezone=Asia/Taipei", two(Arc::new(texts), "timestamp"), "08:00:00+08:00"),
        ("?timezone=Asia/Taipei&time_column=epoch", two(Arc::new(whole), "epoch"), "08:00:00+08:00"),
    ];
    for (query, bytes, expected) in cases {
        let answer = send(&app, query, bytes).await.expect(201);
        let rows = rows(&app, &answer).await;
        assert_eq!(rows[0]["timestamp"], format!("2024-07-01T{expected}"), "{query}: {answer}");
        assert_eq!((rows.len(), &rows[1]["kw"]), (2, &json!(2.0)));
    }
    // The hour that a clock shows twice: told apart by order, as in a report.
    let hour = |h: i64| (1_698_537_600 + h * 3600) * 1000;
    let autumn = TimestampMillisecondArray::from_iter_values([1, 2, 2, 3].map(hour));
    let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0]));
    let bytes = arrow(&batch(vec![("t", Arc::new(autumn) as ArrayRef), ("kw", values)]));
    let answer = send(&app, "?timezone=Europe/Berlin", bytes).await.expect(201);
    let shown: Vec<String> =
        rows(&app, &answer).await.iter().map(|row| row["timestamp"].as_str().unwrap()[11..].to_owned()).collect();
    assert_eq!(shown, ["01:00:00+02:00", "02:00:00+02:00", "02:00:00+01:00", "03:00:00+01:00"], "{answer}");
}

/// What this program wrote comes back as it was.
#[tokio::test(flavor = "multi_thread")]
async fn own_files_come_back_with_units_and_states() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = plant(&here).await;
    let path = format!("/api/sessions/{id}/data.parquet?version=parsed");
    let bytes = here.get(&path).await.body.to_vec();
    let part = Part::bytes(bytes.clone()).file_name("plant.parquet");
    let form = Form::new().part("file", part);
    let url = "/api/sessions/import?timezone=Asia/Taipei&site=KMUH";
    let answer = there.request(Method::POST, url, |request| request.multipart(form)).await.expect(201);
    let copy = answer["session_id"].as_str().unwrap().to_owned();
    assert_eq!(answer["name"], "plant");
    let csv = async |app: &TestApp, id: &str| app.get(&format!("/api/sessions/{id}/data.csv?version=parsed")).await;
    let (a, b) = (csv(&here, &id).await, csv(&there, &copy).await);
    assert!(a.status == 200 && a.body == b.body, "{:?} {:?}", a.text().lines().next(), b.text().lines().next());
    let described = async |app: &TestApp, id: &str| {
        let parsed = app.post("/api/parse", &json!({"session_id": id, "dry_run": true})).await.expect(200);
        let details = parsed["column_details"].as_array().unwrap().clone();
        details
            .iter()
            .map(|c| (c["name"].clone(), c["unit"].clone(), c["states"].clone(), c["kind"].clone()))
            .collect::<Vec<_>>()
    };
    let (before, after) = (described(&here, &id).await, described(&there, &copy).await);
    assert_eq!(before, after);
    assert!(before.iter().any(|column| column.1 == "kW") && before.iter().any(|column| column.2.is_array()));
    // The same bytes again make no second session.
    let form = Form::new().part("file", Part::bytes(bytes).file_name("plant.parquet"));
    let again = there.request(Method::POST, url, |request| request.multipart(form)).await.expect(200);
    assert_eq!((&again["session_id"], &again["imported"]), (&json!(copy), &json!(false)));
    // Arrow has the values.
    let bytes = here.get(&format!("/api/sessions/{id}/data.arrow?version=parsed")).await.body.to_vec();
    let arrow = send(&there, "?timezone=Asia/Taipei", bytes).await.expect(201);
    let c = csv(&there, arrow["session_id"].as_str().unwrap()).await;
    assert!(a.body == c.body);
    // A session made of a table travels.
    let whole = bundle(&there, &copy).await;
    let third = TestApp::start().await;
    import(&third, whole.clone()).await.expect(201);
    assert!(bundle(&third, &copy).await == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_reading_is_refused_by_its_name() {
    let app = TestApp::start().await;
    let before = files(&app);
    let at = || hourly(&[0, 1]);
    let number: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    let mut list = ListBuilder::new(Int64Builder::new());
    list.append_value([Some(1)]);
    list.append_value([Some(2)]);
    let list: ArrayRef = Arc::new(list.finish());
    let field = Arc::new(arrow_schema::Field::new("a", arrow_schema::DataType::Float64, true));
    let nested: ArrayRef = Arc::new(StructArray::from(vec![(field, number.clone())]));
    let binary: ArrayRef = Arc::new(BinaryArray::from(vec![b"a".as_slice(), b"b"]));
    let large: ArrayRef = Arc::new(UInt64Array::from(vec![1, u64::MAX]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let cases: Vec<(Vec<(&str, ArrayRef)>, &str, &str, &[&str])> = vec![
        (vec![("t", at()), ("readings", list)], "", "unread_column_type", &["'readings'", "list", "without it"]),
        (vec![("t", at()), ("nested", nested)], "", "unread_column_type", &["'nested'", "struct"]),
        (vec![("t", at()), ("blob", binary)], "", "unread_column_type", &["'blob'", "binary"]),
        (vec![("t", at()), ("big", large)], "", "unread_column_type", &["18446744073709551615", "floating point"]),
        (
            vec![("a", at()), ("b", at()), ("kw", number.clone())],
            "",
            "ambiguous_time_column",
            &["'a', 'b'", "time_column"],
        ),
        (vec![("x", text), ("kw", number.clone())], "", "no_time_column", &["time_column", "'x'"]),
        (vec![("t", at()), ("kw", number.clone())], "?time_column=u", "no_time_column", &["'u'", "'t'"]),
        (vec![("t", at()), ("kw", number.clone())], "?time_column=kw", "no_time_column", &["'kw'", "Float64"]),
        (vec![("t", at())], "", "no_points", &["'t'"]),
    ];
    for (columns, query, code, words) in cases {
        let batch = batch(columns);
        for bytes in [parquet(&batch, Compression::SNAPPY), arrow(&batch)] {
            let problem = send(&app, query, bytes).await.expect_problem(422, code);
            let said = problem["detail"].as_str().unwrap();
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
        }
    }
    // Several columns of times, and one of them named.
    let several = batch(vec![("a", at()), ("b", at()), ("kw", number)]);
    let answer = send(&app, "?time_column=b&name=b", parquet(&several, Compression::SNAPPY)).await.expect(201);
    assert!(answer["notes"].to_string().contains("column 'a' holds times"), "{answer}");
    let id = answer["session_id"].as_str().unwrap();
    assert_eq!(app.delete(&format!("/api/sessions/{id}?purge=true")).await.status, 204);
    // Damaged anywhere: refused, or read as what it says; never a fault of the server.
    let whole = parquet(&mixed(), Compression::SNAPPY);
    let broken = [
        whole[..whole.len() - 9].to_vec(),
        b"PAR1".to_vec(),
        [b"ARROW1".as_slice(), &[0; 100]].concat(),
        vec![0xff; 64],
    ];
    for bytes in broken {
        send(&app, "", bytes).await.expect_problem(422, "broken_table");
    }
    for place in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        let answer = send(&app, "?on_conflict=last", bytes).await;
        assert!([201, 200, 415, 422].contains(&answer.status), "{place}: {}", answer.text());
        if let Some(id) = answer.json()["session_id"].as_str().filter(|_| answer.status == 201) {
            assert_eq!(app.delete(&format!("/api/sessions/{id}?purge=true")).await.status, 204);
        }
    }
    nothing_left(&app, &before, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_reports_for_upload_and_commands_too() {
    let app = TestApp::start().await;
    let bytes = parquet(&mixed(), Compression::SNAPPY);
    let more = b"time,kw\n2024-07-01 05:00,5\n2024-07-01 06:00,6\n".as_slice();
    let id = app.uploaded(&[("t.parquet", &bytes), ("more.csv", more)], &[("timezone", "UTC")]).await;
    let parsed = app.post("/api/parse", &json!({"session_id": id, "accept_loss": true})).await.expect(200);
    assert_eq!(parsed["row_count"], 5, "{parsed}");
    assert_eq!(parsed["files"][0]["encoding"]["value"], "parquet", "{}", parsed["files"]);
    // A text that begins with the same letters is a text.
    for name in ["PAR1_kW", "ARROW1"] {
        let report = format!("{name},time\n1,2024-07-01 05:00\n2,2024-07-01 06:00\n");
        let parsed = app.parsed(&[("p.csv", report.as_bytes())], &[("timezone", "UTC")]).await;
        assert_eq!(parsed["row_count"], 2, "{parsed}");
    }
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("x.parquet"), &bytes).unwrap();
    std::fs::write(folder.path().join("y.arrow"), arrow(&mixed())).unwrap();
    let output =
        Process::command(folder.path(), &["import", "--json", "--site", "S", "--accept-loss", "x.parquet", "y.arrow"])
            .output()
            .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(
        (&answer[0]["imported"], &answer[0]["name"], &answer[1]["versions"]),
        (&json!(true), &json!("x"), &json!(["parsed-v1"]))
    );
}
