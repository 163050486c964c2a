//! On the real chiller plant: December and March, every ten minutes.

use super::*;

/// HVAC.md §6: on the last 20 % of each month, a plain booster reached 4.6 % at 30 minutes (with August included); the
/// mission's target is below 5 %. A random split flatters.
#[tokio::test]
#[ignore = "needs the real reports"]
async fn real_reports_of_a_plant_are_modelled_within_five_percent() {
    let named = std::env::var_os("HVAC_REAL_DATA").map(std::path::PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data")).join("plant");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let app = TestApp::start().await;
    let (december, march) = (read("TableData23_12.csv"), read("TableData24_03.csv"));
    let files = [("TableData23_12.csv", &december[..]), ("TableData24_03.csv", &march[..])];
    let id = app.parsed(&files, &[("timezone", "Asia/Taipei"), ("site", "plant")]).await["session_id"].clone();
    let mapping = json!({
        "chiller_cols": ["RT"], "chw_flow_cols": ["GPM"], "chw_temp_cols": ["CHWS"], "cw_temp_cols": ["CDHI", "CDLO"],
        "environment_cols": ["WBT"], "custom_categories": {"speeds": ["Hz_*"]}, "target_col": "kW_Tot"
    });
    let body = json!({
        "model_name": "plant", "session_id": id, "feature_mapping": mapping, "interval": "30m", "holdout": "each_month"
    });
    let answer = trained(&app, &body).await;
    let metrics = &answer["model"]["metrics"];
    let mape = |scores: &str| metrics[scores]["mape"].as_f64().unwrap();
    assert!(mape("time_ordered") < 5.0, "{metrics}");
    assert!(mape("random_split") < mape("time_ordered"), "{metrics}");
    eprintln!(
        "{}: {:.2} % in time order, {:.2} % by chance",
        answer["model"]["algorithm"],
        mape("time_ordered"),
        mape("random_split")
    );

    let leaking = with(mapping, &json!({"chiller_cols": ["RT", "kW_CHH", "Precent_CH", "kW_RT"]}));
    let answer = trained(&app, &with(body, &json!({"feature_mapping": leaking}))).await;
    for column in ["kW_CHH", "Precent_CH", "kW_RT"] {
        assert!(answer["warnings"].to_string().contains(&format!("{column} is left out")), "{answer}");
    }
    assert_eq!(answer["model"]["metrics"]["time_ordered"], metrics["time_ordered"], "as if nobody had listed them");
}
