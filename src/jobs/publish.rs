//! What is told of jobs on the bus: that one began, came further or ended; and of its failure, what went wrong.

use serde_json::json;

use super::{Job, JobStatus, Jobs};
use crate::events::{self, Audience, NewEvent};

impl Jobs {
    /// Tells how a job stands, once that is committed.
    pub(super) fn publish(&self, job: &Job) {
        let audience = Audience::Work {
            account_id: job.account_id.clone(),
            session_id: job.session_id.as_deref().map(Into::into),
        };
        let failure = job.failure.as_ref();
        let data = json!({
            "job_id": job.id, "kind": job.kind, "session_id": job.session_id, "status": job.status,
            "progress": job.progress, "message": failure.map(|failure| &failure.message).or(job.message.as_ref()),
            "attempts": job.attempts, "error_code": failure.map(|failure| &failure.code),
        });
        let progress = NewEvent::new(events::JOB_PROGRESS, audience.clone(), &data);
        let failure = failure.filter(|_| job.status == JobStatus::Failed).map(|failure| {
            let data = json!({
                "code": failure.code, "message": failure.message, "job_id": job.id, "session_id": job.session_id,
                "request_id": null,
            });
            NewEvent::new(events::ERROR_NOTIFICATION, audience, &data)
        });
        self.events.publish_all([Some(progress), failure].into_iter().flatten());
    }
}
