//! The log: lines on standard error, in the format and with the filter of the settings; and traces, for who asks for them.
//!
//! No line is worth a request: what standard error does not take (its reader gone or stuck, its terminal closed, its
//! disk full) is left out. Nothing here fails, panics or waits for long once it is started.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};

use tracing::{Span, Subscriber, field};
use tracing_subscriber::filter::{FilterExt, FilterFn, LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Config, LogFormat};
use crate::error::Result;

mod collector;
mod json;
mod traces;

pub use traces::{answered, continue_trace};

/// Longest id of a session that a line tells.
const LONGEST_ID: usize = 64;

/// Starts the log, which panics are told in too, and traces if the settings say where they go.
///
/// # Errors
/// When traces cannot be set up.
pub fn start(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // A second start (tests in one process) keeps the first log.
    let _ = match traces::layer(config)? {
        None => tracing_subscriber::registry().with(filter).with(lines(config)).try_init(),
        Some(traces) => {
            let at_most = LevelFilter::DEBUG;
            // A line finds the spans around it only where it sees all of them.
            let filter = filter.or(FilterFn::new(traces::is_our_span).with_max_level_hint(at_most));
            let of_traces = FilterFn::new(traces::belongs).with_max_level_hint(at_most);
            tracing_subscriber::registry()
                .with(lines(config).with_filter(filter))
                .with(traces.with_filter(of_traces))
                .try_init()
        }
    };
    tell_panics();
    Ok(())
}

/// Sends the traces that are left. The last thing a process does.
pub fn stop() {
    traces::stop();
}

/// Lines on standard error in the format of the settings.
fn lines<S>(config: &Config) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    // It would complain of a line that cannot be written, on standard error, and panic when that fails.
    let lines = tracing_subscriber::fmt::layer().with_writer(|| Stderr).log_internal_errors(false);
    match config.log_format {
        LogFormat::Json => lines.fmt_fields(json::fields()).event_format(json::JsonLine::new(&config.instance)).boxed(),
        LogFormat::Pretty => lines.with_ansi(io::stderr().is_terminal()).boxed(),
    }
}

/// The span of a request: every line within it says these. Of the level `error`, so that a warning says which request it is
/// about whatever else is left out.
#[must_use]
pub fn request_span(method: &str, endpoint: &str, request_id: &str, session_id: Option<&str>) -> Span {
    let session_id = session_id.filter(|id| is_id(id));
    tracing::error_span!(
        "request",
        request_id,
        method,
        endpoint,
        session_id,
        user = field::Empty,
        trace_id = field::Empty
    )
}

/// Says in the lines of this request whose it is. To be called within the request's span, where that is found out.
pub fn record_user(user: &str) {
    Span::current().record("user", user);
}

/// Says in the lines of this request which session it is about, if that looks like an id. To be called within the request's
/// span.
pub fn record_session(id: &str) {
    if is_id(id) {
        Span::current().record("session_id", id);
    }
}

fn is_id(text: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.len() <= LONGEST_ID && text.bytes().all(is_of_id)
}

fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let mut text = format!("thread '{}' {panic}\n", thread.name().unwrap_or("unnamed"));
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            text.push_str(&format!("{backtrace}\n"));
        }
        let _ = Stderr.write(text.as_bytes());
    }));
}

/// Standard error, which takes what it can.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut stderr = io::stderr().lock();
        for part in line.chunks(ready::WITHOUT_WAITING) {
            if !ready::takes(&stderr) || stderr.write_all(part).is_err() {
                break;
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether writing would wait: for the reader of a pipe who has stopped reading, for a terminal that was paused.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod ready {
    use std::io::StderrLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// Bytes that a pipe takes at once when it takes any (`PIPE_BUF` on Linux).
    pub const WITHOUT_WAITING: usize = 4096;
    /// How long the reader of a full pipe is waited for, once.
    const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    const NONE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    static STUCK: AtomicBool = AtomicBool::new(false);

    pub fn takes(stderr: &StderrLock<'_>) -> bool {
        let patience = if STUCK.load(Ordering::Relaxed) { NONE } else { PATIENCE };
        let ready = poll(&mut [PollFd::new(stderr, PollFlags::OUT)], Some(&patience));
        STUCK.store(ready == Ok(0), Ordering::Relaxed);
        ready != Ok(0)
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
mod ready {
    pub const WITHOUT_WAITING: usize = usize::MAX;

    pub fn takes(_: &std::io::StderrLock<'_>) -> bool {
        true
    }
}
