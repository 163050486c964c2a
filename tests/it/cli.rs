//! The command line, as a user runs it: the real binary in a folder of its own.

use std::io::Write as _;
use std::path::Path;
use std::process::Output;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use serde_json::Value;
use tempfile::TempDir;

use crate::helpers::Process;

/// Two consecutive reports of one meter, as a Siemens system writes them: CRLF, quotes, a leading blank before
/// negatives, loss markers, a footer.
const AUTUMN: &str = concat!(
    "\"Key            Name:Suffix                                Trend Definitions Used\"\r\n",
    "\"Point_1:\",\"MMCB.KW\",\"\",\"15 minutes\"\r\n",
    "\"Point_2:\",\"OAT-1\",\"\",\"15 minutes\"\r\n",
    "\"Time Interval:\",\"15 Minutes\"\r\n",
    "\"Date Range:\",\"2016/10/10 00:00:00 - 2016/10/10 00:30:00\"\r\n",
    "\"Report Timings:\",\"All Hours\"\r\n",
    "\"\"\r\n",
    "\"<>Date\",\"Time\",\"Point_1\",\"Point_2\"\r\n",
    "\"2016/10/10\",\"00:00:00\",\"4583\",\" -0.2\"\r\n",
    "\"2016/10/10\",\"00:15:00\",\"Data Loss\",\"0.1\"\r\n",
    "\"2016/10/10\",\"00:30:00\",\"4601.5\",\"No Data\"\r\n",
    "\" ******************************** End of Report *********************************\"\r\n",
);

fn report(rows: &str) -> String {
    let (head, _) = AUTUMN.split_once("\"2016/10/10\",\"00:00:00\"").unwrap();
    let (_, footer) = AUTUMN.split_once("\"No Data\"\r\n").unwrap();
    format!("{head}{rows}{footer}")
}

struct Ran {
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

impl Ran {
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.text(), self.stderr);
        self
    }

    #[track_caller]
    fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.text(), self.stderr);
        self.stderr
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

fn run(folder: &TempDir, arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } = Process::command(folder.path(), arguments).output().unwrap();
    Ran { code: status.code(), stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A folder with one session of one report.
fn parsed() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    write(&folder.path().join("reports/TR_MMCB.csv"), AUTUMN);
    let arguments = ["parse", "reports/TR_MMCB.csv", "--name", "KMUH autumn", "--site", "KMUH"];
    let ran = run(&folder, &[&arguments[..], &["--timezone", "Asia/Taipei", "--json"]].concat()).ok();
    let id = ran.json()["session_id"].as_str().unwrap().to_owned();
    (folder, id)
}

#[test]
fn reports_become_a_session_that_is_listed_and_shown() {
    let (folder, id) = parsed();
    let listed = run(&folder, &["sessions"]).ok().text();
    let mut lines = listed.lines();
    let header: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["ID", "NAME", "SITE", "STATUS", "ROWS", "COLUMNS", "TIME", "RANGE"]);
    let row = lines.next().unwrap();
    for part in [&id, "KMUH autumn", "KMUH", "parsed", "2016-10-10T00:00:00+08:00 – 2016-10-10T00:30:00+08:00"] {
        assert!(row.contains(part), "{part} in {row}");
    }
    assert!(row.split_whitespace().collect::<Vec<_>>().windows(2).any(|w| w == ["3", "3"]), "3 rows, 3 columns: {row}");
    assert!(lines.next().is_none());

    let page = run(&folder, &["sessions", "list", "--json", "--query", "autumn"]).ok().json();
    assert_eq!((&page["total"], &page["items"][0]["session_id"]), (&1.into(), &id.as_str().into()));
    assert_eq!(run(&folder, &["sessions", "--json", "--site", "elsewhere"]).ok().json()["total"], 0);

    let shown = run(&folder, &["sessions", "show", "KMUH autumn"]).ok().text();
    for part in ["parsed-v1", "TR_MMCB.csv", "apogee", "Asia/Taipei"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert_eq!(run(&folder, &["sessions", "show", &id, "--json"]).ok().json()["versions"][0]["version"], "parsed-v1");

    let rows = run(&folder, &["preview", &id[..13], "--json", "--rows", "2"]).ok().json();
    assert_eq!(rows["preview"][0]["timestamp"], "2016-10-10T00:00:00+08:00");
    assert_eq!((&rows["preview"][0]["MMCB_KW"], &rows["preview"][0]["OAT_1"]), (&4583.0.into(), &(-0.2).into()));
    assert_eq!(rows["preview"][1]["MMCB_KW"], Value::Null);
    assert!(run(&folder, &["preview", &id]).ok().text().contains("3 of 3 rows of parsed-v1"));
    let stats = run(&folder, &["stats", &id, "--column", "MMCB_KW", "--json"]).ok().json();
    assert_eq!((&stats["mean"], &stats["count"]), (&4592.25.into(), &2.into()));
    assert_eq!(stats["nulls"], serde_json::json!({"data_loss": 1}));
    assert!(run(&folder, &["stats", &id]).ok().text().contains("4592.25"));
}

#[test]
fn exports_bring_every_value_back() {
    let (folder, id) = parsed();
    let csv = run(&folder, &["export", "KMUH autumn", "--format", "csv", "-o", "-"]).ok();
    assert_eq!(
        csv.text(),
        "timestamp,MMCB_KW,OAT_1\r\n\
         2016-10-10T00:00:00+08:00,4583.0,-0.2\r\n\
         2016-10-10T00:15:00+08:00,,0.1\r\n\
         2016-10-10T00:30:00+08:00,4601.5,\r\n"
    );
    run(&folder, &["export", &id, "--output", "out.csv"]).ok();
    assert_eq!(std::fs::read(folder.path().join("out.csv")).unwrap(), csv.stdout, "the name tells the format");

    let ran = run(&folder, &["export", &id]).ok();
    assert!(ran.stderr.contains("KMUH autumn-parsed-v1.parquet"), "{}", ran.stderr);
    let parquet = std::fs::read(folder.path().join("KMUH autumn-parsed-v1.parquet")).unwrap();
    let stored = folder.path().join(format!("data/sessions/{id}/parsed-v1.parquet"));
    assert_eq!(parquet, std::fs::read(&stored).unwrap());
    let again = run(&folder, &["export", &id]).failed(1);
    assert!(again.contains("is there already"), "{again}");

    run(&folder, &["export", &id, "--format", "arrow", "-o", "out.arrow"]).ok();
    let file = std::fs::File::open(folder.path().join("out.arrow")).unwrap();
    let batches: Vec<_> = arrow_ipc::reader::FileReader::try_new(file, None).unwrap().map(Result::unwrap).collect();
    let kw = batches[0].column_by_name("MMCB_KW").unwrap().as_primitive::<Float64Type>().clone();
    assert_eq!((kw.value(0), kw.is_null(1), kw.value(2), kw.len()), (4583.0, true, 4601.5, 3));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
}

/// The quarter-hours 4583, a loss and 4601.5 kW; 00:15 is left out by `to`.
#[test]
fn windows_and_shapes_are_those_of_the_api() {
    let (folder, id) = parsed();
    let part = ["--columns", "MMCB_KW", "--from", "2016-10-10", "--to", "2016-10-10 00:15"];
    let csv = run(&folder, &[&["export", &id, "-f", "csv", "-o", "-"][..], &part].concat()).ok();
    assert_eq!(csv.text(), "timestamp,MMCB_KW\r\n2016-10-10T00:00:00+08:00,4583.0\r\n");
    let ran = run(&folder, &[&["export", &id][..], &part].concat()).ok();
    assert!(ran.stderr.contains("KMUH autumn-parsed-v1-part.parquet: a part of parsed-v1"), "{}", ran.stderr);
    let hours = run(&folder, &["preview", &id, "--every", "1h", "--json"]).ok().json();
    assert_eq!((&hours["total_rows"], &hours["preview"][0]["MMCB_KW"]), (&1.into(), &4592.25.into()));
    let stats = run(&folder, &[&["stats", &id, "--json"][..], &part].concat()).ok().json();
    assert_eq!((&stats["columns"][1]["count"], &stats["columns"][1]["mean"]), (&1.into(), &4583.0.into()));
    let data = |arguments: &[&str]| run(&folder, &[&["data"], arguments].concat());
    let counts = data(&["histogram", &id, "--column", "MMCB_KW", "--bins", "2", "--json"]).ok().json();
    assert_eq!(counts["counts"], serde_json::json!([1, 1]));
    let curve = data(&["duration", &id, "--column", "MMCB_KW", "--points", "10"]).ok().text();
    assert!(curve.contains("4601.5") && curve.contains("1 of 1 h known"), "{curve}");
    let there = data(&["coverage", &id]).ok().text();
    assert!(there.lines().any(|line| line.starts_with("OAT_1") && line.contains("2016-10-10 2.1")), "{there}");
    let hours = data(&["profile", &id, "--columns", "OAT_1", "--by", "hour"]).ok().text();
    assert!(hours.lines().nth(1).is_some_and(|line| line.contains("-0.05")), "{hours}");
    assert!(data(&["series", &id, "--columns", "OAT_1"]).ok().text().contains("2016-10-10T00:15:00+08:00    0.1"));
    let ranks = data(&["correlation", &id, "--method", "spearman", "--json"]).ok().json();
    assert_eq!((&ranks["method"], &ranks["pairs"][0][1]), (&"spearman".into(), &1.into()));
    let refused = data(&["efficiency", &id]).failed(1);
    assert!(refused.contains("no column's name suggests"), "{refused}");
    assert!(data(&["duration", &id, "--column", "OAT"]).failed(1).contains("did you mean OAT_1?"));
    assert!(run(&folder, &["preview", &id, "--every", "2h"]).failed(1).contains("use one of 1m, 5m"));
}

#[test]
fn an_export_for_a_spreadsheet_holds_no_formula() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.csv"), "timestamp,A,S\n2024-07-01 00:00,-1.5,=1+1\n2024-07-01 00:15,2,OFF\n")
        .unwrap();
    run(&folder, &["parse", "a.csv", "--name", "Valves", "--timezone", "UTC"]).ok();
    let export = |more: &[&str]| {
        let arguments: Vec<&str> =
            ["export", "Valves", "--format", "csv", "-o", "-"].iter().chain(more).copied().collect();
        run(&folder, &arguments).ok().text()
    };
    assert!(export(&[]).contains(",-1.5,=1+1\r\n"));
    assert!(export(&["--for", "excel"]).contains(",-1.5,'=1+1\r\n"));
}

#[test]
fn sessions_are_renamed_deleted_restored_and_purged() {
    let (folder, id) = parsed();
    run(&folder, &["sessions", "rename", "KMUH autumn", "KMUH 秋"]).ok();
    assert!(run(&folder, &["sessions"]).ok().text().contains("KMUH 秋"));
    run(&folder, &["sessions", "delete", &id[..18]]).ok();
    assert!(run(&folder, &["sessions"]).ok().text().contains("no sessions"));
    assert!(run(&folder, &["sessions", "--deleted"]).ok().text().contains("KMUH 秋"));
    assert!(run(&folder, &["preview", &id]).failed(1).contains("restore"));
    run(&folder, &["sessions", "restore", "KMUH 秋"]).ok();
    assert_eq!(run(&folder, &["preview", &id, "--json"]).ok().json()["total_rows"], 3);
    run(&folder, &["sessions", "purge", &id, "--yes"]).ok();
    assert!(!folder.path().join("data/sessions").join(&id).exists());
    assert!(run(&folder, &["sessions", "show", &id]).failed(1).contains("no session"));
}

#[test]
fn folders_archives_and_more_files_are_parsed() {
    let (folder, id) = parsed();
    let more = report("\"2016/10/10\",\"00:45:00\",\"4610\",\"0.3\"\r\n");
    write(&folder.path().join("more/TR_MMCB_2.csv"), &more);
    write(&folder.path().join("more/notes.pdf"), "no report");
    let parsed = run(&folder, &["parse", "more", "--session", &id, "--json"]).ok().json();
    assert_eq!((&parsed["version"], &parsed["row_count"]), (&"parsed-v2".into(), &4.into()));
    assert_eq!(parsed["session_id"], id.as_str());

    let archive = folder.path().join("reports.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
    for (name, text) in [("a/TR_1.csv", AUTUMN), ("a/TR_2.csv", more.as_str())] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let dry = run(&folder, &["parse", "reports.zip", "--timezone", "Asia/Taipei", "--dry-run", "--json"]).ok().json();
    assert_eq!((&dry["dry_run"], &dry["row_count"]), (&true.into(), &4.into()));
    assert_eq!(run(&folder, &["sessions", "--json"]).ok().json()["total"], 1, "a dry run stores nothing");
    let text = run(&folder, &["parse", "reports.zip", "--timezone", "Asia/Taipei"]).ok().text();
    assert!(text.contains("TR_1.csv") && text.contains("session "), "{text}");

    let said = ["parse", "reports/TR_MMCB.csv", "--timezone", "Asia/Taipei", "--force", "--json"];
    let column = ["--column", "MMCB.KW:unit=kW,kind=counter,name=MAIN_KW"];
    let parsed = run(&folder, &[&said[..], &column].concat()).ok().json();
    let details = parsed["column_details"].as_array().unwrap();
    let main = details.iter().find(|column| column["name"] == "MAIN_KW").unwrap();
    assert_eq!(
        (&main["kind"], &main["unit"], &main["original_name"]),
        (&"counter".into(), &"kW".into(), &"MMCB.KW".into())
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_exit_code() {
    let (folder, id) = parsed();
    let broken = report("\"2016/10/10\",\"00:45:00\",\"4610\",\"0.3\"\r\n");
    write(&folder.path().join("picture.csv"), "\u{89}PNG\r\n\u{1a}\n\0\0\0\rIHDR\0\0");
    write(&folder.path().join("good.csv"), &broken);
    let said = run(&folder, &["parse", "good.csv", "picture.csv", "--timezone", "Asia/Taipei"]).failed(1);
    assert!(said.starts_with("error: ") || said.contains("\nerror: "), "{said}");
    assert!(said.contains("picture.csv"), "{said}");
    assert_eq!(run(&folder, &["sessions", "--json"]).ok().json()["total"], 1, "nothing is half-stored");

    for (arguments, says) in [
        (&["parse", "nowhere.csv"][..], "nowhere.csv: there is no such file"),
        (&["preview", "nobody"], "there is no session 'nobody'"),
        (&["export", "nobody"], "there is no session 'nobody'"),
        (&["stats", &id, "--column", "MMCB_KWX"], "did you mean MMCB_KW?"),
        (&["preview", &id, "--rows", "0"], "rows: 0 is out of range"),
        (&["preview", &id, "--version", "parsed-v7"], "no version parsed-v7"),
        (&["export", &id, "-o", "no/such/folder/x.csv"], "cannot be written"),
    ] {
        let said = run(&folder, arguments).failed(1);
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    for arguments in [
        &["parse"][..],
        &["parse", "x.csv", "--timezone", "Taipei"],
        &["parse", "x.csv", "--column", "MMCB.KW"],
        &["parse", "x.csv", "--on-conflict", "newest"],
        &["export", &id, "--format", "xlsx"],
        &["sessions", "explode"],
        &["--site-timezone", "Mars/Olympus", "sessions"],
        &["--data-storage-path", "s3://bucket/x", "sessions"],
        &["export", &id, "-o", "x.xlsx"],
        &["export", &id, "--format", "csv", "-o", "x.parquet"],
        &["export", &id, "--for", "excel"],
        &["export", &id, "--format", "csv", "--for", "word"],
        &["models", "export", "m", "-o", "x.xlsx"],
        &["fly"],
        &[],
    ] {
        let said = run(&folder, arguments).failed(2);
        assert!(!said.is_empty(), "{arguments:?}");
    }
    assert!(!folder.path().join("s3:").exists() && !folder.path().join("x.xlsx").exists());
    let said = run(&folder, &["export", &id, "-o", "x.xlsx"]).failed(2);
    assert!(said.contains(".parquet") && said.contains(".arrow") && said.contains(".csv"), "{said}");
    run(&folder, &["export", &id, "--format", "csv", "-o", "no_ending"]).ok();
    let ambiguous = run(&folder, &["parse", "good.csv", "--name", "KMUH autumn", "--timezone", "Asia/Taipei"]);
    ambiguous.ok();
    assert!(run(&folder, &["preview", "KMUH autumn"]).failed(1).contains(&id), "both are named");
}

#[test]
fn failures_are_problem_documents_with_json() {
    let (folder, id) = parsed();
    for (arguments, exit, code, status) in [
        (&["preview", "nobody"][..], 1, "unknown_session", 404),
        (&["preview", &id, "--rows", "0"], 1, "bad_rows", 422),
        (&["parse", "nowhere.csv"], 1, "unknown_file", 404),
        (&["sessions", "purge", &id], 1, "not_confirmed", 409),
        (&["export", &id, "-o", "x.xlsx"], 2, "unknown_file_format", 422),
        (&["--port", "http", "sessions"], 2, "bad_setting", 422),
        (&["--site-timezone", "Mars", "sessions"], 2, "unknown_timezone", 422),
        (&["fly"], 2, "bad_usage", 422),
        (&["parse"], 2, "bad_usage", 422),
        (&["sessions", "--page", "many"], 2, "bad_usage", 422),
        (&[], 2, "bad_usage", 422),
    ] {
        let ran = run(&folder, &[arguments, &["--json"]].concat());
        let problem = ran.json();
        let said = ran.failed(exit);
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{arguments:?}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(!detail.is_empty() && !detail.starts_with("error"), "{arguments:?}: {problem}");
        assert!(!said.is_empty(), "people are told as before");
    }
    assert!(run(&folder, &["--help", "--json"]).ok().text().contains("Usage"));
}

#[test]
fn doctor_finds_what_was_changed_and_rebuilds_the_catalogue() {
    let (folder, id) = parsed();
    let healthy = run(&folder, &["doctor", "--json"]).ok().json();
    assert_eq!((&healthy["damaged"], &healthy["orphans"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(healthy["checked"], 2, "the report and the dataset");

    for file in ["data/hvac_analytics.db", "data/hvac_analytics.db-wal", "data/hvac_analytics.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    let rebuilt = run(&folder, &["doctor", "--rebuild", "--json"]).ok().json();
    assert_eq!(rebuilt["damaged"], serde_json::json!([]));
    let page = run(&folder, &["sessions", "--json"]).ok().json();
    assert_eq!(
        (&page["items"][0]["session_id"], &page["items"][0]["name"]),
        (&id.as_str().into(), &"KMUH autumn".into())
    );
    assert_eq!(run(&folder, &["preview", &id, "--json"]).ok().json()["preview"][0]["MMCB_KW"], 4583.0);

    let stored = folder.path().join(format!("data/sessions/{id}/parsed-v1.parquet"));
    let mut bytes = std::fs::read(&stored).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&stored, &bytes).unwrap();
    let sick = run(&folder, &["doctor", "--json"]);
    assert_eq!(sick.code, Some(1));
    assert_eq!(sick.json()["damaged"][0]["integrity"], "damaged");
    assert!(run(&folder, &["doctor"]).failed(1).contains("1 stored file"));
    assert!(run(&folder, &["preview", &id]).failed(1).contains("doctor"));
}

#[test]
fn the_demo_works_from_any_folder_and_is_made_once() {
    let folder = TempDir::new().unwrap();
    let first = run(&folder, &["demo", "--json"]).ok().json();
    assert!(first["row_count"].as_u64().unwrap() > 1000 && first["columns"][0] == "timestamp", "{first}");
    let again = run(&folder, &["demo", "--json"]).ok().json();
    assert_eq!((&again["session_id"], &again["reused"]), (&first["session_id"], &true.into()));
    assert_eq!(run(&folder, &["sessions", "--json"]).ok().json()["total"], 1);
}

#[tokio::test]
async fn a_server_can_begin_with_the_demo() {
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let server = Process::serve(folder.path(), &["--demo"]);
        let page: Value = reqwest::get(server.url("/api/sessions")).await.unwrap().json().await.unwrap();
        assert_eq!((&page["total"], &page["items"][0]["name"]), (&1.into(), &"Demo plant".into()));
        assert!(server.terminate().success());
    }
}

#[tokio::test]
async fn json_is_what_the_api_answers_also_beside_a_server() {
    let (folder, id) = parsed();
    let server = Process::serve(folder.path(), &[]);
    for (arguments, path) in [
        (&["preview", &id, "--rows", "50"][..], format!("/api/data/preview?session_id={id}")),
        (&["stats", &id], format!("/api/data/stats?session_id={id}")),
        (&["stats", &id, "--column", "OAT_1"], format!("/api/data/stats?session_id={id}&column=OAT_1")),
        (&["sessions"], "/api/sessions".to_owned()),
        (&["sessions", "show", &id], format!("/api/sessions/{id}")),
    ] {
        let answer = reqwest::get(server.url(&path)).await.unwrap().bytes().await.unwrap();
        let printed = run(&folder, &[arguments, &["--json"]].concat()).ok();
        assert_eq!(printed.text().trim_end(), String::from_utf8_lossy(&answer), "{path}");
    }
}
