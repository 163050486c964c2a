//! A site's own words of point names: `POINT_WORDS`.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::{Client, Process};

const OWN: &str = "# the words of the north plant\n\
                   KWVL\tchilled-water supply temperature\tKaltwasser-Vorlauf\n\
                   KWRL\tchilled-water return temperature\tKaltwasser-Rücklauf\n\
                   CT\tother-machine\tcurrent transformer, no tower here\n";
const REPORT: &str = "timestamp,KWVL,KWRL,CT_1_KW,CHWP_1_HZ\n\
                      2024-07-01 00:00,7.0,12.1,30,48.5\n2024-07-01 00:15,7.2,12.0,31,49\n2024-07-01 00:30,7.1,12.3,33,50\n";

async fn suggested(words: Option<&str>) -> Value {
    let folder = TempDir::new().unwrap();
    if let Some(words) = words {
        std::fs::write(folder.path().join("words.tsv"), words).unwrap();
        std::fs::write(folder.path().join(".env"), "POINT_WORDS=words.tsv\n").unwrap();
    }
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let uploaded = client.upload("plant.csv", REPORT.as_bytes().to_vec()).await.unwrap();
    let id = uploaded["session_id"].as_str().unwrap().to_owned();
    client.post("/api/parse", &json!({"session_id": id})).await.unwrap();
    let (status, body) = client.get(&format!("/api/feature-mapping/suggest?session_id={id}")).await;
    assert_eq!(status, 200);
    assert!(server.terminate().success());
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_site_s_own_words_come_before_the_built_in_ones() {
    let without = suggested(None).await;
    assert_eq!(without["unmapped"], json!(["KWVL", "KWRL"]));
    assert_eq!(without["mapping"]["cooling_tower_cols"], json!(["CT_1_KW"]));
    let with = suggested(Some(OWN)).await;
    assert_eq!(with["mapping"]["chw_temp_cols"], json!(["KWVL", "KWRL"]), "{with}");
    assert_eq!((&with["mapping"]["cooling_tower_cols"], &with["unmapped"]), (&json!([]), &json!(["CT_1_KW"])));
    assert_eq!(with["mapping"]["chw_pump_cols"], json!(["CHWP_1_HZ"]), "the built-in words stay");
    let supply = with["roles"].as_array().unwrap().iter().find(|role| role["role"] == "chw_supply").unwrap();
    assert_eq!(supply["columns"], json!(["KWVL"]));
    assert!(supply["evidence"].as_str().unwrap().contains("KWVL = Kaltwasser-Vorlauf"), "{supply}");
}

#[test]
fn a_file_that_is_none_is_refused_by_its_line() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("words.tsv"), "KWVL\tcold\n").unwrap();
    for (file, says) in [("words.tsv", "line 1: no word can say 'cold'"), ("none.tsv", "cannot be read")] {
        let refused = Process::command(folder.path(), &["serve"]).env("POINT_WORDS", file).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("POINT_WORDS") && said.contains(says), "{said}");
    }
}
