//! Connections: accepted within bounds, ended when their clients stand still, shut down in order.
//!
//! A client that does not get through TLS in time is cut off here, one that sends no request in time by hyper's own timer,
//! one that sends or takes a body too slowly by [`super::pace`]; handlers have their own time-out. So every connection ends.
//! Where there is no room for a new one, the one that has waited longest for a request makes room: whoever opens
//! connections and is silent keeps nobody out.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::client::Peer;
use super::pace::{PacedBody, PacedStream};
use super::problem;
use crate::config::Config;
use crate::observability::{OpenConnection, refused};
use crate::subscriber::subscriber;

/// Longest head of a request, and what is read or written at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// Bytes that wait in the system's buffer until the client can take more.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 128 * 1024;
/// How long accepting rests when the system has no descriptor left.
const ACCEPT_REST: Duration = Duration::from_millis(100);
/// How often at most that is told.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// Clients that are being told that there is no room.
const REFUSED_AT_ONCE: usize = 32;
/// How long one of them may take to hear it.
const REFUSAL_TIME: Duration = Duration::from_secs(1);
/// How long a shutdown leaves a connection on which no request is under way.
const LAST_WORD: Duration = Duration::from_secs(1);

/// All connections of this process, and the bounds they share. Cheap to clone: one for all listeners.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    header_timeout: Duration,
    stall_timeout: Duration,
    most: usize,
    most_per_client: usize,
    begun: Instant,
    next: AtomicU64,
    open: Mutex<HashMap<u64, (IpAddr, Arc<Link>)>>,
    refusing: Arc<Semaphore>,
}

/// What is known of a connection from outside.
struct Link {
    /// Milliseconds since the beginning, counted from 1, when the connection began to wait for a request; 0 while one is
    /// under way.
    waiting_since: AtomicU64,
    /// Whether bytes of an answer wait for the client.
    blocked: Arc<AtomicBool>,
    /// Whether it is a WebSocket by now, on which no requests come.
    is_stream: AtomicBool,
    /// Whether it shall close at once.
    closing: AtomicBool,
    /// Something is to be looked at: `closing`, or the end of the server.
    notice: Notify,
}

impl Link {
    /// None while a request is under way.
    fn waiting_since(&self) -> Option<u64> {
        let since = self.waiting_since.load(Ordering::Relaxed);
        let waits = since > 0 && !self.blocked.load(Ordering::Relaxed) && !self.is_stream.load(Ordering::Relaxed);
        waits.then_some(since)
    }
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// All are in use.
    Full,
    /// The client has as many as it may.
    ClientFull,
}

impl Refusal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ClientFull => "client_full",
        }
    }
}

impl Connections {
    /// None yet, within the bounds of the settings and of the system: half of its descriptors are for files.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let descriptors = descriptors().map_or(usize::MAX, |n| usize::try_from(n / 2).unwrap_or(usize::MAX));
        let most = config.max_connections.min(descriptors).max(1);
        if most < config.max_connections {
            tracing::warn!(most, "the limit of open files allows no more connections at once; raise it (ulimit -n)");
        }
        Self(Arc::new(Inner {
            header_timeout: config.header_timeout,
            stall_timeout: config.stall_timeout,
            most,
            most_per_client: config.max_connections_per_client,
            begun: Instant::now(),
            next: AtomicU64::new(0),
            open: Mutex::default(),
            refusing: Arc::new(Semaphore::new(REFUSED_AT_ONCE)),
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, (IpAddr, Arc<Link>)>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Takes a connection, at the cost of the one that waits longest where there is no room.
    fn admit(&self, peer: IpAddr, per_client: bool) -> Result<Admitted, Refusal> {
        let (client, mut open) = (subscriber(peer), self.open());
        if per_client {
            let of_client = open.values().filter(|(other, _)| *other == client).count();
            if of_client >= self.0.most_per_client && !shed(&mut open, |other| *other == client) {
                return Err(Refusal::ClientFull);
            }
        }
        if open.len() >= self.0.most && !shed(&mut open, |_| true) {
            return Err(Refusal::Full);
        }
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let link = Arc::new(Link {
            waiting_since: AtomicU64::new(self.now()),
            blocked: Arc::default(),
            is_stream: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            notice: Notify::new(),
        });
        open.insert(id, (client, Arc::clone(&link)));
        Ok(Admitted { connections: self.clone(), id, link, _open: OpenConnection::of("http") })
    }
}

/// Closes the connection that has waited longest for a request; false when none waits.
fn shed(open: &mut HashMap<u64, (IpAddr, Arc<Link>)>, of: impl Fn(&IpAddr) -> bool) -> bool {
    let waiting = open.iter().filter(|(_, (client, _))| of(client));
    let longest = waiting.filter_map(|(id, (_, link))| Some((link.waiting_since()?, *id))).min();
    let Some((_, link)) = longest.and_then(|(_, id)| open.remove(&id)) else { return false };
    link.closing.store(true, Ordering::Relaxed);
    link.notice.notify_one();
    true
}

/// A place among the connections, until it is dropped.
struct Admitted {
    connections: Connections,
    id: u64,
    link: Arc<Link>,
    _open: OpenConnection,
}

/// The place of a connection that asks to become a WebSocket: stands in that request.
#[derive(Clone)]
pub struct Place(Arc<Admitted>);

impl Place {
    /// Says whether the connection is a stream, which makes no room for others.
    pub fn is_stream(&self, is_stream: bool) {
        self.0.link.is_stream.store(is_stream, Ordering::Relaxed);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.open().remove(&self.id);
    }
}

/// Serves one listener, by TLS only where there is a certificate, until `stop` is ready and all its requests have ended.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections: Connections,
    tls: Option<TlsAcceptor>,
    stop: impl Future<Output = ()>,
) {
    // A server that only this machine reaches may have all its clients behind one proxy.
    let per_client =
        connections.0.most_per_client > 0 && !listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let (tasks, stopping) = (TaskTracker::new(), Arc::new(AtomicBool::new(false)));
    let mut stop = pin!(stop);
    let mut told: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match connections.admit(peer.ip(), per_client) {
                Ok(place) => {
                    let peer = Peer { address: peer.ip(), secure: tls.is_some() };
                    tasks.spawn(connection(stream, peer, tls.clone(), router.clone(), place, Arc::clone(&stopping)));
                }
                Err(refusal) => {
                    refused("http", refusal.as_str());
                    if let Ok(turn) = Arc::clone(&connections.0.refusing).try_acquire_owned() {
                        let tls = tls.clone();
                        tasks.spawn(async move {
                            let _ = tokio::time::timeout(REFUSAL_TIME, refuse(stream, tls, refusal)).await;
                            drop(turn);
                        });
                    }
                }
            },
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                if told.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
                    told = Some(Instant::now());
                    tracing::error!(%error, "no connection can be accepted; trying on");
                }
                shed(&mut connections.open(), |_| true);
                tokio::select! {
                    () = &mut stop => break,
                    () = tokio::time::sleep(ACCEPT_REST) => {}
                }
            }
        }
    }
    drop(listener);
    stopping.store(true, Ordering::Relaxed);
    for (_, link) in connections.open().values() {
        link.notice.notify_one();
    }
    tasks.close();
    tasks.wait().await;
}

/// The one client's failure, not ours.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    router: Router,
    place: Admitted,
    stopping: Arc<AtomicBool>,
) {
    let place = Arc::new(place);
    let Inner { header_timeout, stall_timeout, .. } = *place.connections.0;
    let _ = stream.set_nodelay(true);
    let _ = keep_little_unsent(&stream);
    let paced = |stream| PacedStream::new(stream, stall_timeout, Arc::clone(&place.link.blocked));
    let stream = match tls {
        None => Either::Left(paced(stream)),
        Some(tls) => {
            let shaking = tokio::time::timeout(header_timeout, shake_hands(stream, &tls, paced));
            match until_noticed(shaking, &place.link, &stopping).await {
                Some(Ok(Some(stream))) => Either::Right(stream),
                _ => return,
            }
        }
    };
    let io = TokioIo::new(stream);
    let service = service_fn(|request: Request<Incoming>| {
        place.link.waiting_since.store(0, Ordering::Relaxed);
        let mut request = request.map(|body| Body::new(PacedBody::new(body, stall_timeout)));
        request.extensions_mut().insert(peer);
        if request.headers().contains_key(header::UPGRADE) {
            request.extensions_mut().insert(Place(Arc::clone(&place)));
        }
        let answering = router.clone().call(request);
        let (link, connections) = (Arc::clone(&place.link), place.connections.clone());
        async move {
            let response = answering.await?;
            Ok::<_, Infallible>(response.map(|body| AnswerBody { body, link, connections }))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(BUFFER_BYTES);
    let mut http = pin!(http.serve_connection(io, service).with_upgrades());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            ended = http.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke off");
                }
                return;
            }
            () = place.link.notice.notified() => {}
            () = tokio::time::sleep(LAST_WORD), if is_stopping => {
                if place.link.waiting_since().is_some() {
                    return;
                }
            }
        }
        if place.link.closing.load(Ordering::Relaxed) {
            return;
        }
        if stopping.load(Ordering::Relaxed) && !is_stopping {
            is_stopping = true;
            http.as_mut().graceful_shutdown();
        }
    }
}

/// The connection, encrypted; none when its client does not get that far. One that speaks HTTP without TLS is told so.
async fn shake_hands(
    stream: TcpStream,
    tls: &TlsAcceptor,
    paced: impl FnOnce(TcpStream) -> PacedStream,
) -> Option<TlsStream<PacedStream>> {
    // A handshake begins with a byte that is no letter.
    let mut first = [0];
    if stream.peek(&mut first).await.is_ok_and(|n| n > 0) && first.iter().all(u8::is_ascii_alphabetic) {
        let _ = tokio::time::timeout(REFUSAL_TIME, say(stream, &problem::tls_only())).await;
        return None;
    }
    let shaken = tls.accept(paced(stream)).await;
    shaken.inspect_err(|error| tracing::debug!(%error, "a client did not get through TLS")).ok()
}

/// Waits for what comes before the first request; none when the connection is to close meanwhile.
async fn until_noticed<T>(waited: impl Future<Output = T>, link: &Link, stopping: &AtomicBool) -> Option<T> {
    let mut waited = pin!(waited);
    loop {
        tokio::select! {
            biased;
            done = waited.as_mut() => return Some(done),
            () = link.notice.notified() => {}
        }
        if link.closing.load(Ordering::Relaxed) || stopping.load(Ordering::Relaxed) {
            return None;
        }
    }
}

/// Has few bytes wait in the system's buffer for the client: so much memory is not held for each, and [`super::pace`]
/// sees how the client takes them. What is on its way is not counted, so nothing gets slower.
#[cfg(target_os = "linux")]
fn keep_little_unsent(stream: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES)
}

#[cfg(not(target_os = "linux"))]
fn keep_little_unsent(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// A response's body; when it is dropped, sent to its end or not, the connection waits for the next request.
struct AnswerBody {
    body: Body,
    link: Arc<Link>,
    connections: Connections,
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.link.waiting_since.store(self.connections.now(), Ordering::Relaxed);
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Says that there is no room, to whatever was going to be asked.
async fn refuse(stream: TcpStream, tls: Option<TlsAcceptor>, refusal: Refusal) {
    let answer = match refusal {
        Refusal::Full => problem::no_connection_left(),
        Refusal::ClientFull => problem::too_many_connections(),
    };
    match tls {
        None => say(stream, &answer).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                say(stream, &answer).await;
            }
        }
    }
}

/// An answer to whatever is asked, and the end.
async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) {
    let said = stream.write_all(answer).await.is_ok() && stream.shutdown().await.is_ok();
    // A connection closed with unread bytes would lose the answer on its way.
    let mut unread = [0; 1024];
    while said && stream.read(&mut unread).await.is_ok_and(|n| n > 0) {}
}

/// How many files this process may have open, as many as the system lets it.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn descriptors() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// What the system's own tools can still handle.
    const MOST: u64 = 10_240;
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.unwrap_or(MOST).min(MOST);
    if limit.current.is_some_and(|current| current < raised) {
        // Where it may not be raised, it stays.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    }
    getrlimit(Resource::Nofile).current
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn descriptors() -> Option<u64> {
    None
}
