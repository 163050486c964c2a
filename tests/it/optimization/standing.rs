//! Machines that stand while others of their kind turn.

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use super::{optimize, train};
use crate::helpers::TestApp;

/// Three weeks of quarter-hours of two fans, of which the second stands in every other row. kW by a formula.
fn two_fans() -> Vec<u8> {
    let mut text = "time,CH_1_RT,WBT,CT_1_HZ,CT_2_HZ,TOTAL_KW\n".to_owned();
    let start = DateTime::parse_from_rfc3339("2024-07-01T00:00:00Z").unwrap();
    for row in 0..2016_u32 {
        let spread = |step: f64| (f64::from(row) * step).fract();
        let (load, wet_bulb) = (180.0 + 180.0 * spread(0.819_172_5), 20.0 + 8.0 * spread(0.671_043_6));
        let hz = 34.0 + 25.0 * spread(0.549_700_5);
        let second = if row % 2 == 0 { hz } else { 0.0 };
        let fans: f64 = [hz, second].iter().map(|hz| 40.0 * (hz / 60.0_f64).powi(3)).sum();
        let air = (hz + second) / 60.0;
        let kw = 60.0 + 0.3 * load + 0.01 * load * (wet_bulb - 24.0) + 0.12 * load / air + fans;
        let at = (start + TimeDelta::minutes(15 * i64::from(row))).format("%Y-%m-%d %H:%M");
        text += &format!("{at},{load:.3},{wet_bulb:.3},{hz:.3},{second:.3},{kw:.4}\n");
    }
    text.into_bytes()
}

/// Whether a machine runs is not asked: one that stands stays as it is, breaks no limit by that, and costs nothing.
#[tokio::test]
async fn a_machine_that_stands_is_left_standing() {
    let app = TestApp::start().await;
    let parsed = app.parsed(&[("fans.csv", &two_fans())], &[("timezone", "UTC"), ("name", "Fans")]).await;
    let mapping = json!({
        "target_col": "TOTAL_KW", "chiller_cols": ["CH_1_RT"], "environment_cols": ["WBT"],
        "cooling_tower_cols": ["CT_1_HZ", "CT_2_HZ"],
    });
    train(&app, parsed["session_id"].as_str().unwrap(), "fans", mapping).await;
    let ask = async |second: Value| {
        let body = json!({
            "model": "fans", "conditions": {"load_rt": 300, "wet_bulb": 25},
            "current": {"CT_1_HZ": 45, "CT_2_HZ": 0}, "variables": [second],
        });
        optimize(&app, body).await
    };
    let same = ask(json!({"name": "CT_2_HZ", "min": 0, "max": 60})).await;
    for second in [
        json!({"name": "CT_2_HZ", "min": 0}),
        json!({"name": "CT_2_HZ"}),
        json!({"name": "CT_2_HZ", "min": 40, "max_change": 5}),
    ] {
        let answer = ask(second).await;
        assert_eq!((&answer["change"], &answer["savings_kw"]), (&json!(false), &json!(0.0)), "{answer}");
        assert_eq!(answer["constraint_violations"], json!([]), "{answer}");
        let fan = &answer["recommendations"][0];
        assert_eq!((&fan["current"], &fan["value"], &fan["savings"]), (&json!(0.0), &json!(0.0), &json!(0.0)), "{fan}");
        assert_eq!(answer["predicted_power"], answer["baseline_power"]);
        assert_eq!(answer["baseline_power"], same["baseline_power"]);
    }
}
