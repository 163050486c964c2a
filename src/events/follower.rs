//! One client's place in what happens: what it asked for, how far it is, and what comes next for it.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;

use super::{Audience, Behind, Event, Events, Filter, text};
use crate::error::{Error, Result, codes};
use crate::principal::Principal;

/// What a client may ask for at once.
const MOST_SUBSCRIPTIONS: usize = 32;

/// What comes next.
#[derive(Debug)]
pub enum News {
    /// These, in order; none where what happened is not for this client.
    Events(Vec<Arc<Event>>),
    /// The client is so far behind that some of what it asked for is gone.
    TooSlow,
}

/// What a client asked for.
#[derive(Debug)]
struct Subscription {
    filter: Filter,
    /// It gets what comes after this.
    from: u64,
}

/// That some of what a client wants is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// What it had.
    pub since: u64,
    /// It gets what comes after this.
    pub from: u64,
}

/// A client's place.
pub struct Follower {
    events: Events,
    principal: Arc<Principal>,
    latest: watch::Receiver<u64>,
    /// Up to here all was looked at.
    seen: u64,
    /// And before what was given last, up to here.
    before: u64,
    subscriptions: Vec<Subscription>,
}

impl Follower {
    /// Of somebody who has asked for nothing yet.
    #[must_use]
    pub fn new(events: &Events, principal: Arc<Principal>) -> Self {
        let latest = events.0.latest.subscribe();
        let seen = events.latest();
        Self { seen, before: seen, events: events.clone(), principal, latest, subscriptions: Vec::new() }
    }

    /// Who it is by now.
    pub fn is_now(&mut self, principal: Arc<Principal>) {
        self.principal = principal;
    }

    /// Up to where the client has got all that it asked for: where it may go on later.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.seen
    }

    /// What it gave last is given again, as far as the client may still see it.
    pub fn again(&mut self) {
        self.seen = self.before;
    }

    /// How many subscriptions it has.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    /// Asks for more, from now on or from after a number. Says what of it is gone.
    ///
    /// # Errors
    /// 422 for a type or collection that there is not, and for more subscriptions than may be; 404 for a session that is
    /// not seen.
    pub async fn subscribe(&mut self, filter: Filter, since: Option<u64>) -> Result<Option<Gap>> {
        for kind in &filter.types {
            self.events.check_type("types", kind)?;
        }
        if let Some(collection) = &filter.collection {
            self.events.check_collection("collection", collection)?;
        }
        if let Some(id) = &filter.session_id
            && !self.events.0.readers.is_seen(&self.principal, &id.as_str().into()).await?
        {
            let message = format!("session_id: there is no session '{id}'");
            return Err(Error::new(codes::UNKNOWN_SESSION, message));
        }
        if self.subscriptions.len() >= MOST_SUBSCRIPTIONS && !self.subscriptions.iter().any(|one| one.filter == filter)
        {
            let message = format!("There are {MOST_SUBSCRIPTIONS} subscriptions already; unsubscribe from some.");
            return Err(Error::new(codes::TOO_MANY_SUBSCRIPTIONS, message));
        }
        if since.is_some_and(|since| i64::try_from(since).is_err()) {
            let message = format!("since: give a number up to {}: the seq of the last event that was got", i64::MAX);
            return Err(Error::invalid("since", codes::OUT_OF_RANGE, message));
        }
        let latest = self.events.latest();
        let (from, gap) = match since {
            None => (latest, None),
            // A number that is yet to come is of another server, or of a clock that was put back.
            Some(since) if since > latest => (latest, Some(Gap { since, from: latest })),
            Some(since) => match self.events.behind(since) {
                Behind::Next(_) => (since, None),
                Behind::Gone(oldest) => (oldest - 1, Some(Gap { since, from: oldest - 1 })),
            },
        };
        self.subscriptions.retain(|one| one.filter != filter);
        // What was asked for before was got up to here, and is not got twice.
        self.subscriptions.iter_mut().for_each(|one| one.from = one.from.max(self.seen));
        self.seen = if self.subscriptions.is_empty() { from } else { self.seen.min(from) };
        self.subscriptions.push(Subscription { filter, from });
        Ok(gap)
    }

    /// Asks no more for what it asked for by that filter; by none, for anything. Says whether there was such a thing.
    pub fn unsubscribe(&mut self, filter: Option<&Filter>) -> bool {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|one| filter.is_some_and(|filter| one.filter != *filter));
        before != self.subscriptions.len()
    }

    /// What comes next; waits for it. May be given up while it waits: nothing is lost then.
    ///
    /// # Errors
    /// When it cannot be looked up who sees what.
    pub async fn next(&mut self) -> Result<News> {
        loop {
            let latest = *self.latest.borrow_and_update();
            if self.subscriptions.is_empty() {
                self.seen = latest;
            }
            if self.seen < latest {
                return self.take().await;
            }
            if self.latest.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    async fn take(&mut self) -> Result<News> {
        let found = match self.events.behind(self.seen) {
            Behind::Next(found) => found,
            Behind::Gone(_) => return Ok(News::TooSlow),
        };
        let last = found.last().map_or(self.seen, |event| event.seq);
        let mut wanted = Vec::new();
        for event in found {
            let is_asked = |one: &Subscription| one.from < event.seq && one.filter.matches(&event);
            if self.subscriptions.iter().any(is_asked) && self.sees(&event.audience).await? {
                wanted.push(event);
            }
        }
        (self.before, self.seen) = (self.seen, last);
        Ok(News::Events(wanted))
    }

    async fn sees(&self, audience: &Audience) -> Result<bool> {
        self.events.0.readers.sees(&self.principal, audience).await
    }

    /// An answer to this client alone, of the form of an event; its number is the client's position.
    #[must_use]
    pub fn answer(&self, kind: &str, data: &serde_json::Value) -> String {
        text(kind, self.seen, chrono::Utc::now(), &data.to_string())
    }

    /// That some of what it wants is gone.
    #[must_use]
    pub fn gap(&self, gap: Gap) -> String {
        let Gap { since, from } = gap;
        let message = format!(
            "What happened after {since} and up to {from} is not kept any more, or was of another run of the server: read \
             anew what you follow."
        );
        self.answer("gap", &json!({"since": since, "from": from, "message": message}))
    }
}
