//! The log: lines on standard error, in the format and with the filter of the settings.
//!
//! No line is worth a request: what standard error does not take (its reader gone or stuck, its terminal closed, its
//! disk full) is left out. Nothing here fails, panics or waits for long.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts the log, which panics are told in too.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log_filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // It would complain of a line that cannot be written, on standard error, and panic when that fails.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Stderr).log_internal_errors(false);
    // A second start (tests in one process) keeps the first log.
    let _ = match config.log_format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Pretty => log.with_ansi(io::stderr().is_terminal()).try_init(),
    };
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
