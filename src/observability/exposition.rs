//! Prometheus' text format, read back into a document: the same figures for who would rather have JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::metric_names::{self, Kind, Metric};

/// Figures of this process and its store.
#[derive(Debug, Serialize, ToSchema)]
pub struct Figures {
    /// By name.
    pub metrics: Vec<Family>,
}

/// A metric: what it is, and its values.
#[derive(Debug, Serialize, ToSchema)]
pub struct Family {
    /// As Prometheus knows it.
    #[schema(example = "hvac_http_requests_total")]
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    #[serde(rename = "type")]
    #[schema(example = "counter")]
    pub kind: &'static str,
    /// Of its values: `count`, `bytes` or `seconds`.
    #[schema(example = "count")]
    pub unit: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// One for each set of labels.
    pub samples: Vec<Sample>,
}

/// A value, or the values that a histogram counted.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Sample {
    /// What it is of.
    pub labels: BTreeMap<String, String>,
    /// Of a counter or gauge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Of a histogram: how many values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<f64>,
    /// Of a histogram: all values together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum: Option<f64>,
    /// Of a histogram: how many values are not above each bound.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Bucket>,
}

/// A bucket of a histogram.
#[derive(Debug, Serialize, ToSchema)]
pub struct Bucket {
    /// Its upper bound; the last one, which has none, is left out: it is `count`.
    pub at_most: f64,
    /// Values that are not above it.
    pub count: f64,
}

/// The figures of a text, by the order of the table of metrics and of labels.
pub(super) fn figures(text: &str) -> Figures {
    let mut found: BTreeMap<&str, BTreeMap<BTreeMap<String, String>, Sample>> = BTreeMap::new();
    for (series, mut labels, value) in text.lines().filter_map(line) {
        let is_of = |metric: &&Metric| {
            let rest = series.strip_prefix(metric.name);
            rest.is_some_and(|rest| match metric.kind {
                Kind::Histogram(_) => ["_bucket", "_sum", "_count"].contains(&rest),
                Kind::Counter | Kind::Gauge => rest.is_empty(),
            })
        };
        let Some(metric) = metric_names::ALL.iter().find(is_of) else { continue };
        let bound = labels.remove("le");
        let sample = found.entry(metric.name).or_default().entry(labels).or_default();
        match (series.strip_prefix(metric.name), bound.and_then(|bound| bound.parse().ok())) {
            (Some("_bucket"), Some(at_most)) if f64::is_finite(at_most) => {
                sample.buckets.push(Bucket { at_most, count: value });
            }
            (Some("_bucket"), _) => {}
            (Some("_count"), _) => sample.count = Some(value),
            (Some("_sum"), _) => sample.sum = Some(value),
            _ => sample.value = Some(value),
        }
    }
    let family = |metric: &Metric| Family {
        name: metric.name,
        kind: match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        },
        unit: metric.unit.as_str(),
        meaning: metric.meaning,
        samples: samples(found.remove(metric.name).unwrap_or_default()),
    };
    Figures { metrics: metric_names::ALL.iter().map(family).collect() }
}

fn samples(of: BTreeMap<BTreeMap<String, String>, Sample>) -> Vec<Sample> {
    of.into_iter().map(|(labels, sample)| Sample { labels, ..sample }).collect()
}

/// Name, labels and value of a line that is no comment.
fn line(line: &str) -> Option<(&str, BTreeMap<String, String>, f64)> {
    let (series, value) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))?;
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let (mut labels, mut left) = (BTreeMap::new(), labels);
    while let Some((label, rest)) = left.split_once("=\"") {
        let (text, behind) = quoted(rest)?;
        labels.insert(label.trim_start_matches(',').to_owned(), text);
        left = behind;
    }
    Some((name, labels, value.parse().ok()?))
}

/// A text up to its closing quotation mark, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut said, mut characters) = (String::new(), text.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((said, text.get(at + 1..)?)),
            '\\' => said.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => said.push(other),
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_name_labels_and_value() {
        let labels = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(line("a_total 3"), Some(("a_total", BTreeMap::new(), 3.0)));
        assert_eq!(
            line("a{b=\"c d\",e=\"f}\\\"\\\\\\n,\"} 0.5"),
            Some(("a", labels(&[("b", "c d"), ("e", "f}\"\\\n,")]), 0.5))
        );
        assert_eq!(line("# HELP a_total What 3"), None);
        assert_eq!(line(""), None);
    }

    #[test]
    fn a_histogram_is_one_sample() {
        let name = metric_names::READ_SECONDS;
        let text = format!(
            "# TYPE {name} histogram\n{name}_bucket{{le=\"0.1\"}} 2\n{name}_bucket{{le=\"+Inf\"}} 3\n{name}_sum 1.5\n{name}_count 3\n"
        );
        let all = figures(&text).metrics;
        let family = all.iter().find(|family| family.name == name).unwrap();
        let [sample] = &family.samples[..] else { panic!("{family:?}") };
        assert_eq!((sample.count, sample.sum, sample.buckets.len()), (Some(3.0), Some(1.5), 1));
        assert!(all.iter().filter(|other| other.name != name).all(|other| other.samples.is_empty()));
    }
}
