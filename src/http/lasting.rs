//! Who opened a stream, for as long as it lasts: a key may be revoked meanwhile, a login end, an account be disabled or
//! may see less.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use super::answer::header_text;
use super::client::Client;
use super::rates::StreamPlace;
use super::serve::Place;
use crate::accounts::{self, Shown};
use crate::error::{Error, Result, codes};
use crate::metric_names;
use crate::principal::{Principal, Via};
use crate::state::AppState;

/// Longest silence of a stream: shorter than the idle limits of common proxies.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked whether whoever follows still may, when nothing happens.
pub const LOOKED_EVERY: Duration = Duration::from_secs(2);
/// How long it may stay unseen that somebody may not, or may less.
const SURE_FOR: Duration = Duration::from_secs(1);

/// Whoever opened a stream, and what it holds. It has no `Debug`: what it shows is secret.
pub struct LastingCaller {
    state: AppState,
    authorization: Option<String>,
    x_api_key: Option<String>,
    cookie: Option<String>,
    is_secure: bool,
    looked: Instant,
    transport: &'static str,
    _place: Option<StreamPlace>,
    /// A WebSocket's connection; it counts as one until this is dropped.
    connection: Option<Place>,
}

impl LastingCaller {
    /// Whoever sends this request.
    ///
    /// # Errors
    /// 429 when it has as many streams as it may.
    pub fn of(state: &AppState, parts: &Parts, transport: &'static str) -> Result<Self> {
        let place = StreamPlace::take(&parts.extensions)?;
        let connection = parts.extensions.get::<Place>().cloned();
        connection.iter().for_each(|place| place.is_stream(true));
        let text = |headers: &HeaderMap, name| header_text(headers, name).map(str::to_owned);
        metrics::gauge!(metric_names::EVENT_STREAMS, "transport" => transport).increment(1);
        Ok(Self {
            state: state.clone(),
            authorization: text(&parts.headers, header::AUTHORIZATION),
            x_api_key: text(&parts.headers, HeaderName::from_static("x-api-key")),
            cookie: text(&parts.headers, header::COOKIE),
            is_secure: parts.extensions.get::<Client>().is_some_and(|client| client.secure),
            looked: Instant::now(),
            transport,
            _place: place,
            connection,
        })
    }

    /// The state, for whoever it is by now.
    #[must_use]
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Who it is by now, if that had to be looked up anew.
    ///
    /// # Errors
    /// `bad_credentials`, `expired_credentials` when it may not any more.
    pub async fn renewed(&mut self) -> Result<Option<Arc<Principal>>> {
        if self.looked.elapsed() < SURE_FOR {
            return Ok(None);
        }
        self.looked = Instant::now();
        let before = self.state.principal();
        if before.via == Via::Nothing {
            return Ok(None);
        }
        let shown = Shown {
            authorization: self.authorization.as_deref(),
            x_api_key: self.x_api_key.as_deref(),
            cookie: self.cookie.as_deref(),
            is_secure: self.is_secure,
            only_looks: true,
            ..Shown::default()
        };
        let found = accounts::authenticate(&self.state, &shown).await?.filter(|now| now.who == before.who);
        let Some(now) = found else {
            return Err(Error::new(codes::EXPIRED_CREDENTIALS, "The login has ended; log in again."));
        };
        let now = Arc::new(Principal { address: before.address, request_id: before.request_id.clone(), ..now });
        self.state = self.state.asked_by(Arc::clone(&now));
        Ok(Some(now))
    }

    /// Counts that the server ended it.
    pub fn cut(&self, reason: &'static str) {
        metrics::counter!(metric_names::EVENT_STREAMS_CUT, "reason" => reason).increment(1);
        tracing::info!(reason, transport = self.transport, who = self.state.principal().name(), "a stream was cut off");
    }
}

impl Drop for LastingCaller {
    fn drop(&mut self) {
        self.connection.iter().for_each(|place| place.is_stream(false));
        metrics::gauge!(metric_names::EVENT_STREAMS, "transport" => self.transport).decrement(1);
    }
}
