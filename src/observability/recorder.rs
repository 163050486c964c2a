//! The recorder of this process: what `metrics::counter!` and the like write to, from [`start`] on. A command without a
//! server has none, and counts nothing.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::connections;
use crate::events;
use crate::jobs;
use crate::metric_names::{self, Kind, Metric};

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Makes this process count. Twice is as good as once.
pub fn start() {
    RECORDER.get_or_init(|| {
        let recorder = installed().unwrap_or_else(|error| {
            tracing::error!(%error, "nothing is counted: /metrics will be empty");
            PrometheusBuilder::new().build_recorder().handle()
        });
        metric_names::ALL.iter().for_each(describe);
        // What was never counted is 0, not absent: a rate begins there.
        metric_names::ALL.iter().filter(|metric| metric.labels.is_empty()).for_each(|metric| match metric.kind {
            Kind::Counter => metrics::counter!(metric.name).increment(0),
            Kind::Gauge => metrics::gauge!(metric.name).increment(0),
            Kind::Histogram(_) => drop(metrics::histogram!(metric.name)),
        });
        connections::begin_at_zero();
        jobs::begin_at_zero();
        events::begin_at_zero();
        recorder
    });
}

fn installed() -> Result<PrometheusHandle, BuildError> {
    let buckets = metric_names::ALL.iter().filter_map(|metric| match metric.kind {
        Kind::Histogram(buckets) => Some((metric.name, buckets)),
        Kind::Counter | Kind::Gauge => None,
    });
    let mut builder = PrometheusBuilder::new();
    for (name, buckets) in buckets {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)?;
    }
    builder.install_recorder()
}

fn describe(metric: &Metric) {
    let Metric { name, kind, unit, meaning, .. } = *metric;
    match kind {
        Kind::Counter => metrics::describe_counter!(name, unit, meaning),
        Kind::Gauge => metrics::describe_gauge!(name, unit, meaning),
        Kind::Histogram(_) => metrics::describe_histogram!(name, unit, meaning),
    }
}

/// Puts what histograms were given into their buckets, so that it does not pile up while nobody asks. To be called every
/// few seconds.
pub fn tidy() {
    if let Some(recorder) = RECORDER.get() {
        recorder.run_upkeep();
    }
}

/// All figures in Prometheus' text format; nothing before [`start`].
pub(super) fn render() -> String {
    RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()
}
