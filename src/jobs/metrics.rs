//! Jobs that ended, by kind and by what came of them.

use super::{Job, JobKind, JobStatus};
use crate::metric_names;

/// How a job can end.
const ENDS: [JobStatus; 3] = [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled];

/// Counts a job whose end is committed.
pub(super) fn count_end(job: &Job) {
    // A kind of another version of this program is a word of nobody's.
    let kind = JobKind::of(&job.kind).map_or("other", JobKind::as_str);
    metrics::counter!(metric_names::JOBS_ENDED, "kind" => kind, "state" => job.status.as_str()).increment(1);
    if let (Some(started), Some(finished)) = (job.started_at, job.finished_at) {
        let took = (finished - started).to_std().unwrap_or_default();
        metrics::histogram!(metric_names::JOB_SECONDS, "kind" => kind).record(took);
    }
}

/// Nothing has ended yet.
pub(crate) fn begin_at_zero() {
    for kind in JobKind::ALL.iter().map(|kind| kind.as_str()) {
        for end in ENDS {
            metrics::counter!(metric_names::JOBS_ENDED, "kind" => kind, "state" => end.as_str()).increment(0);
        }
        drop(metrics::histogram!(metric_names::JOB_SECONDS, "kind" => kind));
    }
}
