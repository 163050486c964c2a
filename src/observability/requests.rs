//! Requests by route, method and status. The handles of a series are found by the text of its route, so that counting a
//! request allocates nothing.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use crate::metric_names;

/// Methods that are told apart; others, and those that a route does not have, are `OTHER`, for a client may name any.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

const METHOD_NOT_ALLOWED: u16 = 405;

/// Counts requests.
#[derive(Default)]
pub struct RequestMetrics(RwLock<HashMap<Box<str>, Vec<Series>>>);

struct Series {
    method: &'static str,
    status: u16,
    requests: Counter,
    seconds: Histogram,
}

/// A request whose answer is not sent to its end, until it is dropped.
pub struct InFlight(Gauge);

impl InFlight {
    /// One more.
    #[must_use]
    pub fn begin() -> Self {
        let gauge = metrics::gauge!(metric_names::HTTP_REQUESTS_IN_FLIGHT);
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

impl RequestMetrics {
    /// Counts an answer of a route (`-` for none), the head of which took so long.
    pub fn count(&self, route: &str, method: &str, status: u16, took: Duration) {
        let known = METHODS.into_iter().find(|known| *known == method && status != METHOD_NOT_ALLOWED);
        let method = known.unwrap_or("OTHER");
        let counted = |all: &HashMap<Box<str>, Vec<Series>>| {
            let series = all.get(route)?.iter().find(|series| series.method == method && series.status == status)?;
            series.requests.increment(1);
            series.seconds.record(took);
            Some(())
        };
        if counted(&self.0.read().unwrap_or_else(PoisonError::into_inner)).is_some() {
            return;
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been faster: the same names give the same series.
        all.entry(route.into()).or_default().push(Series::of(route, method, status));
        counted(&all);
    }
}

impl Series {
    fn of(route: &str, method: &'static str, status: u16) -> Self {
        let labels = [("route", route.to_owned()), ("method", method.to_owned())];
        let with_status = [&labels[..], &[("status", status.to_string())]].concat();
        Self {
            method,
            status,
            requests: metrics::counter!(metric_names::HTTP_REQUESTS, &with_status),
            seconds: metrics::histogram!(metric_names::HTTP_REQUEST_SECONDS, &labels),
        }
    }
}
