//! One bus of what happened: work that is done, records that were written, how the service is.
//!
//! A use case publishes after its commit; nothing here asks it to, and nothing here is durable: the catalogue is. An event
//! is written out once, into a ring of the latest that all clients read, each from where it is ([`follower`]). So a slow
//! client costs no memory and keeps nobody waiting: it falls out of the ring. And whoever comes back says where it was,
//! and reads on.
//!
//! Numbers begin at the start's time in microseconds, so they rise over restarts too. Who sees an event goes with it
//! ([`Audience`]).

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::config::Config;
use crate::error::{Error, Result, codes};
use crate::metric_names;
use crate::principal::Role;
use crate::times::utc;
use hvac_store::db::Db;

pub mod filter;
pub mod follower;
pub mod message;
mod readers;

pub use filter::Filter;
pub use follower::{Follower, News};

use readers::Readers;

/// A session has a new parsed version.
pub const SESSION_PARSED: &str = "session_parsed";
/// A session has a new cleaned version.
pub const SESSION_CLEANED: &str = "session_cleaned";
/// A model has a new version.
pub const MODEL_TRAINED: &str = "model_trained";
/// Set-points were recommended.
pub const RECOMMENDATION: &str = "recommendation";
/// A job began, came further or ended.
pub const JOB_PROGRESS: &str = "job_progress";
/// The service is not as it was.
pub const SYSTEM_STATUS: &str = "system_status_update";
/// Something went wrong that nobody waits for.
pub const ERROR_NOTIFICATION: &str = "error_notification";
/// Types that the program itself publishes.
pub const OWN_TYPES: [&str; 7] =
    [SESSION_PARSED, SESSION_CLEANED, MODEL_TRAINED, RECOMMENDATION, JOB_PROGRESS, SYSTEM_STATUS, ERROR_NOTIFICATION];

/// By what clients follow, as labels.
const TRANSPORTS: [&str; 3] = ["websocket", "sse", "graphql"];
/// Why one is cut off, as labels.
const CUTS: [&str; 5] = ["slow", "silent", "not_allowed", "too_many_messages", "failed"];
/// Events that a follower takes at once.
const TAKEN_AT_ONCE: usize = 256;

/// Who sees an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Whoever may do at least that.
    Least(Role),
    /// Whoever sees that session.
    Session(Arc<str>),
    /// Whoever asked for the work, and whoever sees the session that it is about.
    Work {
        /// Whose it is.
        account_id: Option<String>,
        /// What it is about; where neither is known, it is everyone's.
        session_id: Option<Arc<str>>,
    },
}

/// What happened, before it has its number.
#[derive(Debug, Clone)]
pub struct NewEvent {
    kind: Arc<str>,
    audience: Audience,
    session_id: Option<Arc<str>>,
    collection: Option<Arc<str>>,
    data: String,
}

impl NewEvent {
    /// Of that type, for whom, and what is said.
    #[must_use]
    pub fn new(kind: &str, audience: Audience, data: &impl Serialize) -> Self {
        // What cannot be written as JSON is a map with other keys than texts, and nobody has one.
        let data = serde_json::to_string(data).unwrap_or_else(|_| "null".to_owned());
        let session_id = match &audience {
            Audience::Session(id) => Some(Arc::clone(id)),
            Audience::Work { session_id, .. } => session_id.clone(),
            Audience::Least(_) => None,
        };
        Self { kind: kind.into(), audience, session_id, collection: None, data }
    }

    /// Of a session, for whoever sees it.
    #[must_use]
    pub fn of_session(kind: &str, session_id: &str, data: &impl Serialize) -> Self {
        Self::new(kind, Audience::Session(session_id.into()), data)
    }

    /// About that session, whoever sees it.
    #[must_use]
    pub fn about(self, session_id: &str) -> Self {
        Self { session_id: Some(session_id.into()), ..self }
    }

    /// Of a record of that collection.
    #[must_use]
    pub fn of_collection(self, collection: &str) -> Self {
        Self { collection: Some(collection.into()), ..self }
    }
}

/// What happened, written out.
#[derive(Debug)]
pub struct Event {
    /// Its number.
    pub seq: u64,
    /// Its type.
    pub kind: Arc<str>,
    /// The session that it is about.
    pub session_id: Option<Arc<str>>,
    /// The collection that it is about.
    pub collection: Option<Arc<str>>,
    /// Who sees it.
    pub audience: Audience,
    /// As a server-sent event; the document stands in it.
    frame: Bytes,
    document: std::ops::Range<usize>,
}

impl Event {
    fn new(seq: u64, at: DateTime<Utc>, new: NewEvent) -> Self {
        let NewEvent { kind, audience, session_id, collection, data } = new;
        let head = format!("id: {seq}\nevent: {kind}\ndata: ");
        let document = text(&kind, seq, at, &data);
        let range = head.len()..head.len() + document.len();
        let frame = Bytes::from([head.as_str(), &document, "\n\n"].concat());
        Self { seq, kind, session_id, collection, audience, frame, document: range }
    }

    /// `{"type", "seq", "at", "data"}`. Costs no copy.
    #[must_use]
    pub fn document(&self) -> Bytes {
        self.frame.slice(self.document.clone())
    }

    /// As a server-sent event. Costs no copy.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        self.frame.clone()
    }
}

/// `{"type", "seq", "at", "data"}`: events and answers alike. `data` is JSON.
fn text(kind: &str, seq: u64, at: DateTime<Utc>, data: &str) -> String {
    let at = utc(at);
    format!(r#"{{"type":{},"seq":{seq},"at":"{at}","data":{data}}}"#, Value::from(kind))
}

/// The latest events.
struct Ring {
    /// The number of the next.
    next: u64,
    bytes: usize,
    events: VecDeque<Arc<Event>>,
}

impl Ring {
    /// The number of the oldest that is there, or will be.
    fn oldest(&self) -> u64 {
        self.events.front().map_or(self.next, |event| event.seq)
    }
}

/// The bus. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<Bus>);

struct Bus {
    ring: RwLock<Ring>,
    /// The number of the latest; wakes followers.
    latest: watch::Sender<u64>,
    most_events: usize,
    most_bytes: usize,
    /// Of collections: name and the type that a write of its records raises.
    declared: RwLock<Arc<[(String, String)]>>,
    readers: Readers,
}

/// What a follower finds behind a number.
enum Behind {
    /// The next ones; none where there is nothing new.
    Next(Vec<Arc<Event>>),
    /// Some of what follows is gone; this is the oldest that is there.
    Gone(u64),
}

impl Events {
    /// With nothing in it.
    #[must_use]
    pub fn new(db: Db, config: &Config) -> Self {
        let next = u64::try_from(Utc::now().timestamp_micros()).unwrap_or(1).max(1);
        Self(Arc::new(Bus {
            ring: RwLock::new(Ring { next, bytes: 0, events: VecDeque::new() }),
            latest: watch::Sender::new(next - 1),
            most_events: config.events_kept,
            most_bytes: config.events_kept_bytes,
            declared: RwLock::new(Arc::from([])),
            readers: Readers::new(db),
        }))
    }

    /// Tells of what happened, after its commit.
    pub fn publish(&self, event: NewEvent) {
        self.publish_all([event]);
    }

    /// Tells of several things, in that order and with one wake.
    pub fn publish_all(&self, events: impl IntoIterator<Item = NewEvent>) {
        let (bus, at) = (&*self.0, Utc::now());
        let latest = {
            let mut ring = bus.ring.write().unwrap_or_else(PoisonError::into_inner);
            for new in events {
                let label = OWN_TYPES.into_iter().find(|own| **own == *new.kind).unwrap_or("record");
                metrics::counter!(metric_names::EVENTS_PUBLISHED, "type" => label).increment(1);
                let event = Arc::new(Event::new(ring.next, at, new));
                ring.next += 1;
                ring.bytes += event.frame.len();
                ring.events.push_back(event);
            }
            // The latest stays, however long it is.
            while ring.events.len() > 1 && (ring.events.len() > bus.most_events || ring.bytes > bus.most_bytes) {
                let Some(oldest) = ring.events.pop_front() else { break };
                ring.bytes -= oldest.frame.len();
            }
            ring.next - 1
        };
        // Whoever published later may have told before.
        bus.latest.send_if_modified(|told| {
            let is_later = latest > *told;
            *told = latest.max(*told);
            is_later
        });
    }

    /// The number of the latest event; before the first, one less than it will have.
    #[must_use]
    pub fn latest(&self) -> u64 {
        *self.0.latest.borrow()
    }

    /// What follows a number.
    fn behind(&self, seq: u64) -> Behind {
        let ring = self.0.ring.read().unwrap_or_else(PoisonError::into_inner);
        let oldest = ring.oldest();
        if seq + 1 < oldest {
            return Behind::Gone(oldest);
        }
        let skipped = usize::try_from(seq + 1 - oldest).unwrap_or(usize::MAX);
        Behind::Next(ring.events.iter().skip(skipped).take(TAKEN_AT_ONCE).cloned().collect())
    }

    /// Sets which collections there are, each with the type that a write of its records raises.
    pub fn declare(&self, collections: Vec<(String, String)>) {
        *self.0.declared.write().unwrap_or_else(PoisonError::into_inner) = collections.into();
    }

    fn declared(&self) -> Arc<[(String, String)]> {
        Arc::clone(&self.0.declared.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there are events of that type.
    ///
    /// # Errors
    /// 422 with the closest name.
    pub fn check_type(&self, field: &str, kind: &str) -> Result<()> {
        let declared = self.declared();
        let known = || OWN_TYPES.into_iter().chain(declared.iter().map(|(_, kind)| kind.as_str()));
        if known().any(|one| one == kind) {
            return Ok(());
        }
        let message = format!("{field}: '{kind}' is no type of event; {}", message::advice(kind, known()));
        Err(Error::invalid(field, codes::UNKNOWN_EVENT_TYPE, message))
    }

    /// Whether there is a collection of that name.
    ///
    /// # Errors
    /// 404 with the closest name.
    pub fn check_collection(&self, field: &str, name: &str) -> Result<()> {
        let declared = self.declared();
        let known = || declared.iter().map(|(collection, _)| collection.as_str());
        if known().any(|one| one == name) {
            return Ok(());
        }
        let message = format!("{field}: '{name}' is no collection; {}", message::advice(name, known()));
        Err(Error::invalid(field, codes::UNKNOWN_COLLECTION, message))
    }
}

/// Nothing has happened, and nobody follows.
pub(crate) fn begin_at_zero() {
    for kind in OWN_TYPES.into_iter().chain(["record"]) {
        metrics::counter!(metric_names::EVENTS_PUBLISHED, "type" => kind).increment(0);
    }
    for transport in TRANSPORTS {
        metrics::gauge!(metric_names::EVENT_STREAMS, "transport" => transport).increment(0);
    }
    for reason in CUTS {
        metrics::counter!(metric_names::EVENT_STREAMS_CUT, "reason" => reason).increment(0);
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}
