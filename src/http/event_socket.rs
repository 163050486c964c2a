//! Events over a WebSocket: messages of the client in, answers and events out, all `{"type", "seq", "at", "data"}`.
//!
//! A message that is wrong gets an answer that says so, and the connection stays. It ends with a reason: the server stops
//! (1001), the client is too slow (1013), may not any more, is silent or sends too much (1008).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::allowance::Allowance;
use super::lasting::{HEARTBEAT, LOOKED_EVERY, LastingCaller};
use super::problem::Result;
use crate::error::{Error, ErrorKind, codes};
use crate::events::message::Message;
use crate::events::{Filter, Follower, News};
use crate::state::AppState;

/// Longest message of a client.
const MESSAGE_BYTES: usize = 16 * 1024;
/// What is read and written at once: a thousand clients hold little.
const BUFFER_BYTES: usize = 4 * 1024;
/// Messages a minute: each may have the latest events sent again.
const MESSAGES_PER_MINUTE: u32 = 120;
/// How long a client may keep us waiting to take what is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to hear why it is cut off.
const LAST_WORD: Duration = Duration::from_secs(1);
/// Heartbeats without any sign of the client until it is taken for gone.
const SILENT_BEATS: u32 = 3;

/// Why a connection ends.
struct End {
    code: u16,
    reason: &'static str,
    words: String,
}

impl End {
    fn new(code: u16, reason: &'static str, words: impl Into<String>) -> Self {
        Self { code, reason, words: words.into() }
    }
}

/// The client is gone, or takes nothing.
struct Gone;

/// Opens one; what the query asks for is subscribed to at once.
pub(super) async fn open(
    state: &AppState,
    asked: Option<(Filter, Option<u64>)>,
    upgrade: WebSocketUpgrade,
    parts: &Parts,
) -> Result<Response> {
    let caller = LastingCaller::of(state, parts, "websocket")?;
    let mut follower = Follower::new(&state.events, Arc::new(state.principal().clone()));
    let mut first = Vec::new();
    if let Some((filter, since)) = asked {
        first = subscribed(&mut follower, filter, since).await?;
    }
    // A shutdown waits until the client has heard of it.
    let task = state.tasks.token();
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES).max_frame_size(MESSAGE_BYTES);
    let upgrade = upgrade.read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let now = Instant::now();
        let messages = Allowance::new(MESSAGES_PER_MINUTE);
        let mut connection = Connection { socket, caller, follower, messages, heard: now, beat: now + HEARTBEAT };
        if connection.send(first).await.is_ok() {
            connection.run().await;
        }
        drop(task);
    }))
}

/// Subscribes, and says so.
async fn subscribed(follower: &mut Follower, filter: Filter, since: Option<u64>) -> crate::error::Result<Vec<String>> {
    let said = json!({"types": filter.types, "collection": filter.collection, "session_id": filter.session_id});
    let gap = follower.subscribe(filter, since).await?;
    let mut answers = vec![follower.answer("subscribed", &said)];
    answers.extend(gap.map(|gap| follower.gap(gap)));
    Ok(answers)
}

struct Connection {
    socket: WebSocket,
    caller: LastingCaller,
    follower: Follower,
    messages: Allowance,
    /// When the client last gave a sign.
    heard: Instant,
    /// When it is next told that we are there.
    beat: Instant,
}

impl Connection {
    /// Until either side ends it.
    async fn run(mut self) {
        let ended = loop {
            match self.turn().await {
                Ok(None) => {}
                Ok(Some(end)) => break end,
                Err(Gone) => return,
            }
        };
        if ended.reason != "stopping" {
            self.caller.cut(ended.reason);
        }
        let frame = CloseFrame { code: ended.code, reason: Utf8Bytes::from(ended.words) };
        let closing = async {
            if self.socket.send(Frame::Close(Some(frame))).await.is_ok() {
                // Until the client has closed its side: what was sent would be lost.
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        let _ = timeout(LAST_WORD, closing).await;
    }

    async fn turn(&mut self) -> Result<Option<End>, Gone> {
        enum What {
            Said(Frame),
            Happened(crate::error::Result<News>),
            Nothing,
        }
        let wake = self.beat.min(Instant::now() + LOOKED_EVERY);
        let what = tokio::select! {
            biased;
            () = self.caller.state().jobs.stopped() => {
                return Ok(Some(End::new(1001, "stopping", "the server stops; come again with since")));
            }
            said = self.socket.recv() => match said {
                Some(Ok(said)) => What::Said(said),
                Some(Err(_)) | None => return Err(Gone),
            },
            news = self.follower.next() => What::Happened(news),
            () = sleep_until(wake) => What::Nothing,
        };
        match self.caller.renewed().await {
            Ok(Some(principal)) => {
                self.follower.is_now(principal);
                if matches!(what, What::Happened(Ok(News::Events(_)))) {
                    self.follower.again();
                    return Ok(None);
                }
            }
            Ok(None) => {}
            Err(error) => return Ok(Some(End::new(1008, "not_allowed", words(&error)))),
        }
        match what {
            What::Said(said) => self.answer(said).await,
            What::Happened(Ok(News::Events(events))) => {
                self.send(events.iter().map(|event| event.document())).await?;
                Ok(None)
            }
            What::Happened(Ok(News::TooSlow)) => {
                Ok(Some(End::new(1013, "slow", "too far behind: come again with since, or ask for less")))
            }
            What::Happened(Err(error)) => {
                tracing::warn!(%error, "a stream ended: who sees what cannot be looked up");
                Ok(Some(End::new(1011, "failed", "the server cannot look up who sees what; come again")))
            }
            What::Nothing => self.beat().await,
        }
    }

    async fn answer(&mut self, said: Frame) -> Result<Option<End>, Gone> {
        self.heard = Instant::now();
        let text = match said {
            Frame::Text(text) => text,
            Frame::Binary(_) => {
                let message = "Messages are texts; this one was binary.";
                let error = Error::new(codes::BROKEN_MESSAGE, message);
                self.send([self.refusal(&error)]).await?;
                return Ok(None);
            }
            Frame::Close(_) => return Err(Gone),
            Frame::Ping(_) | Frame::Pong(_) => return Ok(None),
        };
        if self.messages.take(&()).is_some_and(|standing| standing.wait.is_some()) {
            let words = format!("more than {MESSAGES_PER_MINUTE} messages a minute");
            return Ok(Some(End::new(1008, "too_many_messages", words)));
        }
        let answers = match self.carried_out(&text).await {
            Ok(answers) => answers,
            Err(error) => vec![self.refusal(&error)],
        };
        self.send(answers).await?;
        Ok(None)
    }

    async fn carried_out(&mut self, text: &str) -> crate::error::Result<Vec<String>> {
        match Message::read(text)? {
            Message::Subscribe(filter, since) => subscribed(&mut self.follower, filter, since).await,
            Message::Unsubscribe(filter) => {
                if !self.follower.unsubscribe(filter.as_ref()) && filter.is_some() {
                    let message = "There is no subscription by that filter: name it as it was subscribed to.";
                    return Err(Error::new(codes::NO_SUCH_SUBSCRIPTION, message));
                }
                let left = self.follower.subscriptions();
                Ok(vec![self.follower.answer("unsubscribed", &json!({"subscriptions": left}))])
            }
            Message::Ping => Ok(vec![self.follower.answer("pong", &json!({}))]),
        }
    }

    fn refusal(&self, error: &Error) -> String {
        let field = error.details.first().and_then(|detail| detail.field.clone());
        // What went wrong inside is for the log.
        let message = match error.kind() {
            ErrorKind::Internal => {
                tracing::error!(%error, cause = ?std::error::Error::source(error), "a message could not be answered");
                Value::from("The server failed at this; its log has the cause.")
            }
            _ => Value::from(error.message.as_str()),
        };
        self.follower.answer("error", &json!({"code": error.code.name, "message": message, "field": field}))
    }

    /// Says that we are there and where the client is, and hears whether it is.
    async fn beat(&mut self) -> Result<Option<End>, Gone> {
        let now = Instant::now();
        if now < self.beat {
            return Ok(None);
        }
        self.beat = now + HEARTBEAT;
        if now.duration_since(self.heard) > HEARTBEAT * SILENT_BEATS {
            return Ok(Some(End::new(1008, "silent", "no sign of the client")));
        }
        let document = self.follower.answer("heartbeat", &json!({}));
        self.write([Frame::Ping(Bytes::new()), Frame::Text(document.into())]).await?;
        Ok(None)
    }

    /// Sends documents in order.
    async fn send<D: IntoText>(&mut self, documents: impl IntoIterator<Item = D>) -> Result<(), Gone> {
        let frames = documents.into_iter().filter_map(|document| Some(Frame::Text(document.into_text()?)));
        self.write(frames.collect::<Vec<_>>()).await
    }

    async fn write(&mut self, frames: impl IntoIterator<Item = Frame>) -> Result<(), Gone> {
        let socket = &mut self.socket;
        let writing = async {
            for frame in frames {
                socket.feed(frame).await?;
            }
            socket.flush().await
        };
        match timeout(PATIENCE, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone),
            Err(_) => {
                self.caller.cut("slow");
                Err(Gone)
            }
        }
    }
}

/// A document as a frame has it.
trait IntoText {
    /// None of what is no text, which no document is.
    fn into_text(self) -> Option<Utf8Bytes>;
}

impl IntoText for Bytes {
    fn into_text(self) -> Option<Utf8Bytes> {
        Utf8Bytes::try_from(self).ok()
    }
}

impl IntoText for String {
    fn into_text(self) -> Option<Utf8Bytes> {
        Some(self.into())
    }
}

/// So much of a sentence that it fits into a closing frame.
fn words(error: &Error) -> String {
    const MOST_BYTES: usize = 120;
    let mut words = error.message.clone();
    while words.len() > MOST_BYTES {
        words.pop();
    }
    words
}
