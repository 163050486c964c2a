//! The shape of a frame. Values worked by hand from the twelve rows, or by pandas and NumPy where that is said.

use serde_json::{Value, json};

use super::started;
use crate::helpers::TestApp;

fn near(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 1e-9, "{value}, not {expected}");
}

/// `numpy.histogram([4, 8, 15, 16, 23, 42], bins="fd")`, and with `bins=3, range=(10, 25)`.
#[tokio::test]
async fn histograms_are_numpys() {
    let (app, id, _) = started().await;
    let url = format!("/api/data/histogram?session_id={id}&column=MMCB_KW");
    let whole = app.get(&url).await;
    let tag = whole.header("etag").to_owned();
    assert_eq!(app.get_with(&url, &[("if-none-match", &tag)]).await.status, 304);
    let whole = whole.expect(200);
    assert_eq!((&whole["edges"], &whole["counts"]), (&json!([4.0, 13.5, 23.0, 32.5, 42.0]), &json!([2, 2, 1, 1])));
    assert_eq!((&whole["rule"], &whole["unit"]), (&json!("freedman_diaconis"), &json!("kW")));
    assert_eq!((&whole["count"], &whole["null_count"]), (&json!(6), &json!(6)));
    assert_eq!(whole["nulls"], json!({"data_loss": 4, "no_data": 2}));
    let some = app.get(&format!("{url}&bins=3&min=10&max=25")).await.expect(200);
    assert_eq!((&some["edges"], &some["counts"]), (&json!([10.0, 15.0, 20.0, 25.0]), &json!([0, 2, 1])));
    assert_eq!((&some["below"], &some["above"]), (&json!(2), &json!(1)));
    let part = app.get(&format!("{url}&to=2016-10-10T00:30")).await.expect(200);
    assert_eq!((&part["count"], &part["nulls"]), (&json!(2), &Value::Null), "reasons of some rows are not known");
    let beyond = app.get(&format!("{url}&min=100")).await.expect(200);
    assert_eq!((&beyond["edges"], &beyond["below"]), (&json!([]), &json!(6)));
    for (query, code) in [
        ("bins=0", "out_of_range"),
        ("bins=1001", "out_of_range"),
        ("min=5&max=5", "bad_edges"),
        ("min=inf", "out_of_range"),
        ("colum=x", "unknown_parameter"),
    ] {
        app.get(&format!("{url}&{query}")).await.expect_problem(422, code);
    }
    let base = format!("/api/data/histogram?session_id={id}");
    app.get(&base).await.expect_problem(422, "bad_columns");
    app.get(&format!("{base}&column=模式")).await.expect_problem(422, "not_numeric");
    app.get(&format!("{base}&column=MMCBKW")).await.expect_problem(422, "unknown_column");
}

/// `DataFrame.groupby(index.hour)` of pandas, in Taipei.
#[tokio::test]
async fn profiles_are_pandas() {
    let (app, id, _) = started().await;
    let url = format!("/api/data/profile?session_id={id}");
    let hours = app.get(&format!("{url}&columns=MMCB_KW,CHWS_T&by=hour")).await.expect(200);
    assert_eq!(hours["groups"], json!((0..24).collect::<Vec<_>>()));
    let kw = &hours["columns"][0];
    for (list, first, second) in [
        ("mean", 10.75, 32.5),
        ("min", 4.0, 23.0),
        ("max", 16.0, 42.0),
        ("p10", 5.2, 24.9),
        ("median", 11.5, 32.5),
        ("p90", 15.7, 40.1),
    ] {
        near(&kw[list][0], first);
        near(&kw[list][1], second);
        assert_eq!((&kw[list][2], kw[list].as_array().unwrap().len()), (&Value::Null, 24), "{list}");
    }
    assert_eq!(kw["count"].as_array().unwrap()[..3], [json!(4), json!(2), json!(0)]);
    near(&hours["columns"][1]["p90"][1], 8.7);
    // 10 October 2016 was a Monday.
    let days = app.get(&format!("{url}&columns=CHWS_T&by=weekday")).await.expect(200);
    assert_eq!(
        (&days["groups"], &days["columns"][0]["count"]),
        (&json!([1, 2, 3, 4, 5, 6, 7]), &json!([12, 0, 0, 0, 0, 0, 0]))
    );
    let months = app.get(&format!("{url}&by=month")).await.expect(200);
    assert_eq!(months["columns"].as_array().unwrap().len(), 3, "texts have no mean");
    assert_eq!(months["columns"][0]["count"][9], 6);
    app.get(&format!("{url}&columns=模式")).await.expect_problem(422, "not_numeric");
    app.get(&format!("{url}&by=year")).await.expect_problem(422, "invalid_field");
}

/// A day has 96 quarter-hours: 6, 12, 12 and 7 of them are there.
#[tokio::test]
async fn coverage_is_of_what_is_expected() {
    let (app, id, _) = started().await;
    let url = format!("/api/data/coverage?session_id={id}");
    let days = app.get(&url).await.expect(200);
    assert_eq!((&days["periods"], &days["by"]), (&json!(["2016-10-10"]), &json!("day")));
    let shares: Vec<&Value> = days["points"].as_array().unwrap().iter().map(|point| &point["shares"][0]).collect();
    assert_eq!(shares, [0.0625, 0.125, 0.125, 0.0729]);
    assert_eq!((&days["points"][0]["interval_s"], &days["points"][0]["samples"]), (&json!(900.0), &json!(6)));
    // Three hours have twelve.
    let part = app.get(&format!("{url}&columns=MMCB_KW&from=2016-10-10&to=2016-10-10T03:00")).await.expect(200);
    assert_eq!((&part["points"][0]["shares"], &part["points"][0]["share"]), (&json!([0.5]), &json!(0.5)));
    let week = app.get(&format!("{url}&by=week")).await.expect(200);
    assert_eq!((&week["periods"], &week["points"][1]["share"]), (&json!(["2016-10-10"]), &json!(0.0179)));
    let hourly = app.get(&format!("{url}&every=1h&columns=MMCB_KW")).await.expect(200);
    assert_eq!((&hourly["points"][0]["interval_s"], &hourly["points"][0]["share"]), (&json!(3600.0), &json!(0.0833)));
}

/// Twelve quarter-hours, the one before the gap too: 9 for one, 8 for two, 7 for nine.
#[tokio::test]
async fn duration_curves_fall() {
    let (app, id, _) = started().await;
    let url = format!("/api/data/duration?session_id={id}&column=CHWS_T");
    let curve = app.get(&format!("{url}&points=13")).await.expect(200);
    assert_eq!(curve["values"], json!([9., 9., 8., 8., 7., 7., 7., 7., 7., 7., 7., 7., 7.]));
    assert_eq!((&curve["hours"], &curve["span_hours"]), (&json!(3.0), &json!(3.75)));
    assert_eq!(
        (&curve["shares"][0], &curve["shares"][12], &curve["interval_s"]),
        (&json!(0.0), &json!(1.0), &json!(900.0))
    );
    let none = app.get(&format!("{url}&from=2020-01-01")).await.expect(200);
    assert_eq!((&none["values"], &none["hours"], &none["interval_s"]), (&json!([]), &json!(0.0), &Value::Null));
    app.get(&format!("{url}&points=9")).await.expect_problem(422, "bad_points");
}

/// `DataFrame.corr(method="spearman", min_periods=3)` of pandas; the supply is 7 wherever the power has a value.
#[tokio::test]
async fn correlation_by_ranks_is_pandas() {
    let (app, id, _) = started().await;
    let url = format!("/api/data/correlation?session_id={id}");
    let ranks = app.get(&format!("{url}&method=spearman")).await.expect(200);
    assert_eq!((&ranks["method"], &ranks["columns"]), (&json!("spearman"), &json!(["MMCB_KW", "MMCB_KWH", "CHWS_T"])));
    near(&ranks["matrix"][1][2], 0.248_581_481_011_045_45);
    assert_eq!((&ranks["matrix"][0][1], &ranks["matrix"][0][2]), (&json!(1.0), &Value::Null));
    assert_eq!(ranks["pairs"], json!([[6, 6, 6], [6, 12, 12], [6, 12, 12]]));
    let lines = app.get(&format!("{url}&method=pearson")).await;
    assert_eq!(lines.body, app.get(&url).await.body, "Pearson's is the default");
    assert_ne!(lines.json()["matrix"], ranks["matrix"]);
    app.get(&format!("{url}&method=kendall")).await.expect_problem(422, "invalid_field");
}

/// Quarter-hours of a plant: 0.7, 0.8 and 0.9 kW/RT at 100 RT, 0.6 and 0.5 at 200; a COP of 70, a negative power, half a
/// ton, and a power that is missing.
const PLANT: &str = "\
timestamp,CH_SYS_TOTAL_KW,CH_SYS_RT
2024-07-01 00:00,70,100
2024-07-01 00:15,80,100
2024-07-01 00:30,90,100
2024-07-01 00:45,120,200
2024-07-01 01:00,10,200
2024-07-01 01:15,-5,100
2024-07-01 01:30,3,0.5
2024-07-01 01:45,,100
2024-07-01 02:00,100,200
";

#[tokio::test]
async fn efficiency_is_energy_over_cooling() {
    let app = TestApp::start().await;
    let id = app.parsed(&[("plant.csv", PLANT.as_bytes())], &[("timezone", "Asia/Taipei")]).await["session_id"].clone();
    let url = format!("/api/data/efficiency?session_id={}", id.as_str().unwrap());
    let answer = app.get(&format!("{url}&full_load_rt=250&bins=5")).await.expect(200);
    assert_eq!(answer["rows"], json!({"all": 9, "used": 5, "missing": 1, "no_load": 1, "impossible": 2}));
    // (70 + 80 + 90 + 120 + 100) kW and (3 · 100 + 2 · 200) RT, a quarter of an hour each.
    near(&answer["energy_kwh"], 115.0);
    near(&answer["cooling_rth"], 175.0);
    near(&answer["hours"], 1.25);
    near(&answer["kw_rt"], 115.0 / 175.0);
    near(&answer["cop"], 3.5168 * 175.0 / 115.0);
    let roles: Vec<(&Value, &Value)> =
        answer["roles"].as_array().unwrap().iter().map(|role| (&role["role"], &role["columns"])).collect();
    assert_eq!(roles, [(&json!("load"), &json!(["CH_SYS_RT"])), (&json!("power"), &json!(["CH_SYS_TOTAL_KW"]))]);
    let bins = answer["bins"].as_array().unwrap();
    let counts: Vec<u64> = bins.iter().map(|bin| bin["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [0, 0, 3, 0, 2], "100 RT begins the third fifth of 250");
    for (list, expected) in [("p25", 0.75), ("median", 0.8), ("p75", 0.85), ("kw_rt", 0.8), ("load_from_rt", 100.0)] {
        near(&bins[2][list], expected);
    }
    near(&bins[4]["median"], 0.55);
    let over = app.get(&format!("{url}&full_load_rt=100&bins=1")).await.expect(200);
    assert_eq!((&over["bins"][0]["count"], &over["bins"][1]["part_load_to"]), (&json!(3), &Value::Null));
    assert_eq!(over["bins"][1]["count"], 2, "what is above full load is not lost");
    let told = app.get(&format!("{url}&max_cop=100&min_load_rt=0.1")).await.expect(200);
    assert_eq!(told["rows"], json!({"all": 9, "used": 7, "missing": 1, "no_load": 0, "impossible": 1}));
    assert_eq!(told["full_load_stated"], false);
    for (query, code) in [
        ("bins=0", "out_of_range"),
        ("max_cop=0", "out_of_range"),
        ("full_load_rt=-1", "out_of_range"),
        ("power=NOPE", "unknown_column"),
        ("load=CH_SYS_TOTAL_KW,CH_SYS_TOTAL_KW", "bad_role"),
    ] {
        app.get(&format!("{url}&{query}")).await.expect_problem(422, code);
    }
}

#[tokio::test]
async fn a_frame_without_a_plant_has_no_efficiency() {
    let (app, id, _) = started().await;
    let problem = app.get(&format!("/api/data/efficiency?session_id={id}")).await.expect_problem(422, "missing_role");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .starts_with("power: no column's name suggests an electric power of the whole plant"),
        "{problem}"
    );
}
