//! The page, the dashboard and the alert rules: every metric that they name exists, and every metric is on the page.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hvac_analytics::metric_names::{self, Kind, Metric};
use serde_json::Value;

use super::Busy;

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(document(name)).unwrap()
}

const BEGIN: &str = "<!-- The table is made from crates/hvac-store/src/metric_names.rs by `just snapshots`. -->\n";
const END: &str = "<!-- So far the table. -->\n";

/// `INSTA_UPDATE=always` writes it anew, as it does the snapshots.
#[test]
fn the_page_has_the_table_of_metrics() {
    let mut table = "\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n".to_owned();
    for Metric { name, kind, unit, labels, meaning } in metric_names::ALL {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        table += &format!("| `{name}` | {kind} | {} | {} | {meaning} |\n", unit.as_str(), labels.join(", "));
    }
    table.push('\n');
    let page = read("OBSERVABILITY.md");
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(document("OBSERVABILITY.md"), &expected).unwrap();
    }
    assert!(read("OBSERVABILITY.md") == expected, "docs/OBSERVABILITY.md is not the table: run `just snapshots`");
}

/// Whoever adds a metric says what it is, in the manner of the others.
#[test]
fn metrics_are_named_as_prometheus_wants_them() {
    let mut names = BTreeSet::new();
    for Metric { name, kind, unit, meaning, .. } in metric_names::ALL {
        assert!(names.insert(name), "{name} is there twice");
        assert!(name.starts_with("hvac_") || name.starts_with("process_"), "{name}");
        assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
        let unit = unit.as_str();
        assert!(unit == "count" || name.trim_end_matches("_total").ends_with(unit), "{name} is in {unit}");
        assert!(meaning.len() > 20 && meaning.ends_with('.'), "{name}: {meaning}");
    }
}

/// The names of metrics in an expression or a page, without what a histogram adds; and the labels of their selectors.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_name = |word: &&str| word.starts_with("hvac_") || (word.starts_with("process_") && word.len() > 8);
    words.filter(is_name).collect()
}

/// Whether a live answer has a series of that name.
fn is_told(text: &str, name: &str) -> bool {
    text.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
}

/// Each label within braces is one that the metric before them has, or that Prometheus gives.
fn unknown_labels(expression: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    for (at, _) in expression.match_indices('{') {
        let metric = named(&expression[..at]).into_iter().find(|name| expression[..at].ends_with(name));
        let Some(name) = metric else { continue };
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let of = metric_names::ALL.iter().find(|metric| metric.name == name || Some(metric.name) == base).unwrap();
        let within = expression[at + 1..].split('}').next().unwrap();
        for pair in within.split(',') {
            let label = pair.split(['=', '!']).next().unwrap().trim();
            if !of.labels.contains(&label) && !["instance", "job", "le"].contains(&label) {
                unknown.push(format!("{label} of {name}"));
            }
        }
    }
    unknown
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboard_and_alerts_name_metrics_that_are_told() {
    let busy = Busy::start().await;
    busy.scrape().await;
    let told = busy.scrape().await;

    let dashboard: Value = serde_json::from_str(&read("grafana/dashboard.json")).unwrap();
    let mut expressions = Vec::new();
    let panels: Vec<&Value> =
        dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect();
    for panel in &panels {
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()), "{panel}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        expressions.extend(targets.iter().map(|target| target["expr"].as_str().unwrap().to_owned()));
    }
    let ids: BTreeSet<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "ids of panels");
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|v| v["name"].as_str().unwrap()).collect();
    assert_eq!(variables, ["datasource", "instance"]);

    let alerts = read("grafana/alerts.yml");
    let rules = alerts.split("- alert: ").skip(1).map(|rule| {
        let expression = rule.split("expr: ").nth(1).unwrap();
        expression.split("\n        labels:").next().unwrap().split("\n        for:").next().unwrap().to_owned()
    });
    expressions.extend(rules);
    assert!(expressions.len() > 40, "{expressions:?}");

    let mut seen = BTreeSet::new();
    for expression in &expressions {
        let names = named(expression);
        assert!(!names.is_empty() || expression.starts_with("up{"), "{expression}");
        for name in names {
            assert!(is_told(&told, name), "{name} of {expression} is not told");
            seen.insert(
                ["_bucket", "_sum", "_count"].iter().find_map(|s| name.strip_suffix(s)).unwrap_or(name).to_owned(),
            );
        }
        assert_eq!(unknown_labels(expression), Vec::<String>::new(), "{expression}");
    }
    let unused: Vec<&str> = metric_names::ALL.iter().map(|m| m.name).filter(|name| !seen.contains(*name)).collect();
    assert_eq!(unused, Vec::<&str>::new(), "no panel and no alert shows these");
}

/// What is looked for is found, so that the test above can fail.
#[test]
fn names_and_labels_are_found_in_expressions() {
    assert_eq!(named("rate(hvac_a_total{x=\"hvac\"}[5m]) / process_b"), BTreeSet::from(["hvac_a_total", "process_b"]));
    let name = metric_names::CACHE_HITS;
    assert_eq!(
        unknown_labels(&format!("rate({name}{{instance=~\"$instance\",level=\"x\"}}[5m])")),
        Vec::<String>::new()
    );
    assert_eq!(unknown_labels(&format!("{name}{{lvel!=\"x\"}}")), [format!("lvel of {name}")]);
    assert!(is_told("a_total{x=\"1\"} 3\nb 1", "a_total") && is_told("b 1", "b") && !is_told("bb 1", "b"));
}
