//! How fast a client must be: whoever keeps us waiting for so long, and moves fewer than [`LEAST_BYTES`] in that time,
//! is not waited for any more. Only the time in which we wait counts, not the time in which the client waits for us.

use std::error::Error as StdError;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// What has to come or go within the time for it.
pub const LEAST_BYTES: usize = 16 * 1024;

/// One direction of one connection.
struct Pace {
    limit: Duration,
    left: Duration,
    /// When the present waiting began.
    since: Option<Instant>,
    /// Since `left` was `limit`.
    bytes: usize,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn new(limit: Duration) -> Self {
        Self { limit, left: limit, since: None, bytes: 0, alarm: None }
    }

    /// The client keeps us waiting, now; until when it may.
    fn waits(&mut self, now: Instant) -> Instant {
        *self.since.get_or_insert(now) + self.left
    }

    /// The client keeps us waiting; ready when that has been long enough.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = self.waits(Instant::now());
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if alarm.deadline() != until {
            alarm.as_mut().reset(until);
        }
        alarm.as_mut().poll(cx)
    }

    fn moved(&mut self, bytes: usize) {
        // Most never wait: the clock is not asked for them.
        if self.since.is_some() { self.moved_at(Instant::now(), bytes) } else { self.count(bytes) }
    }

    fn moved_at(&mut self, now: Instant, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(now - since);
        }
        self.count(bytes);
    }

    fn count(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= LEAST_BYTES {
            (self.left, self.bytes) = (self.limit, 0);
        }
    }
}

fn too_slow(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the client {what} too slowly"))
}

/// A connection whose client has to take what it asked for.
pub struct PacedStream {
    stream: TcpStream,
    pace: Pace,
    /// Whether bytes wait for the client.
    blocked: Arc<AtomicBool>,
}

impl PacedStream {
    /// `blocked` is held true while bytes wait for the client.
    pub fn new(stream: TcpStream, limit: Duration, blocked: Arc<AtomicBool>) -> Self {
        Self { stream, pace: Pace::new(limit), blocked }
    }

    fn after(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => {
                self.blocked.store(true, Ordering::Relaxed);
                ready!(self.pace.wait(cx));
                Poll::Ready(Err(too_slow("takes its answer")))
            }
            Poll::Ready(written) => {
                if self.blocked.load(Ordering::Relaxed) {
                    self.blocked.store(false, Ordering::Relaxed);
                }
                self.pace.moved(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
        }
    }
}

impl AsyncRead for PacedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.after(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.after(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A request's body that its client has to send.
pub struct PacedBody<B> {
    body: B,
    pace: Pace,
}

impl<B> PacedBody<B> {
    /// Of one request.
    pub fn new(body: B, limit: Duration) -> Self {
        Self { body, pace: Pace::new(limit) }
    }
}

impl<B> HttpBody for PacedBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                ready!(self.pace.wait(cx));
                Poll::Ready(Some(Err(too_slow("sends its request").into())))
            }
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    self.pace.moved(frame.data_ref().map_or(0, Bytes::len));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    /// Seconds until a client that moves `bytes` every `pause` seconds is given up; none when it never is, in an hour.
    fn given_up_after(bytes: usize, pause: u64) -> Option<u64> {
        let (mut pace, begin) = (Pace::new(LIMIT), Instant::now());
        for at in (0..3600).step_by(usize::try_from(pause).unwrap()) {
            let (now, next) = (begin + Duration::from_secs(at), begin + Duration::from_secs(at + pause));
            let until = pace.waits(now);
            if until <= next {
                return Some((until - begin).as_secs());
            }
            pace.moved_at(next, bytes);
        }
        None
    }

    #[test]
    fn whoever_is_too_slow_is_given_up_in_time() {
        assert_eq!(given_up_after(0, 3600), Some(30), "nothing");
        assert_eq!(given_up_after(1, 10), Some(30), "a byte now and then");
        assert_eq!(given_up_after(LEAST_BYTES / 4, 10), Some(30), "slowly");
        assert_eq!(given_up_after(LEAST_BYTES, 29), None, "just fast enough");
        assert_eq!(given_up_after(1 << 20, 20), None);
    }

    #[test]
    fn the_time_that_the_client_waits_does_not_count() {
        let (mut pace, mut now) = (Pace::new(LIMIT), Instant::now());
        for _ in 0..10 {
            assert!(pace.waits(now) > now + Duration::from_secs(2));
            pace.moved_at(now + Duration::from_secs(2), 100);
            now += Duration::from_secs(600);
        }
    }
}
