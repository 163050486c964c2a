//! Connections of clients, by protocol.

use crate::metric_names;

/// Protocols, as labels.
const PROTOCOLS: [&str; 2] = ["http", "postgresql"];
/// Why a connection is refused, as labels.
const REASONS: [&str; 2] = ["full", "client_full"];

/// A connection that is open until it is dropped.
#[derive(Debug)]
pub struct OpenConnection(&'static str);

impl OpenConnection {
    /// Of that protocol.
    #[must_use]
    pub fn of(protocol: &'static str) -> Self {
        metrics::gauge!(metric_names::CONNECTIONS_OPEN, "protocol" => protocol).increment(1);
        Self(protocol)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        metrics::gauge!(metric_names::CONNECTIONS_OPEN, "protocol" => self.0).decrement(1);
    }
}

/// Counts a connection that was refused, because all are in use (`full`) or its client has as many as it may
/// (`client_full`).
pub fn refused(protocol: &'static str, reason: &'static str) {
    metrics::counter!(metric_names::CONNECTIONS_REFUSED, "protocol" => protocol, "reason" => reason).increment(1);
}

/// Nothing has connected yet.
pub(super) fn begin_at_zero() {
    for protocol in PROTOCOLS {
        metrics::gauge!(metric_names::CONNECTIONS_OPEN, "protocol" => protocol).increment(0);
        for reason in REASONS {
            metrics::counter!(metric_names::CONNECTIONS_REFUSED, "protocol" => protocol, "reason" => reason)
                .increment(0);
        }
    }
}
