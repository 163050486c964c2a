//! How far a parse or a job has come: a bar for a person, now and then a line for a log.

use std::cell::RefCell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::out::{plain, tell, watched};
use crate::jobs::Job;
use crate::sessions::progress::{Progress, Step};

/// Least time between two lines.
const PAUSE: Duration = Duration::from_secs(5);

/// Bar's length: a job tells how far it is as a share.
const BAR: u64 = 1000;

/// Shows progress on standard error until it is dropped.
pub struct Shown {
    bar: Option<ProgressBar>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What to hand to a use case, and what to keep while it works.
#[must_use]
pub fn show() -> (Progress, Shown) {
    if watched() {
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{msg:>8} [{bar:40}] {human_pos}/{human_len} {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let shown = Shown { bar: Some(bar.clone()) };
        let progress = Progress::new(move |step| {
            let (doing, _, done, total) = words(step);
            bar.set_message(doing);
            bar.set_length(total);
            bar.set_position(done);
        });
        return (progress, shown);
    }
    let last = Mutex::new(Instant::now());
    let progress = Progress::new(move |step| {
        let (doing, what, done, total) = words(step);
        let Ok(mut last) = last.lock() else { return };
        if done == total || last.elapsed() >= PAUSE {
            *last = Instant::now();
            tell(&format!("{doing} {done} of {total} {what}"));
        }
    });
    (progress, Shown { bar: None })
}

fn words(step: Step) -> (&'static str, &'static str, u64, u64) {
    match step {
        Step::Copied(done, total) => ("copied", "files", done, total),
        Step::Read(done, total) => ("read", "files", done, total),
        Step::Wrote(done, total) => ("wrote", "rows", done, total),
    }
}

/// How far the job is, on standard error: a bar for a person, a line a step for a log.
pub struct JobShown {
    bar: Option<ProgressBar>,
    last: RefCell<String>,
}

impl JobShown {
    /// Nothing is shown yet.
    #[must_use]
    pub fn new() -> Self {
        let bar = watched().then(|| {
            let bar = ProgressBar::new(BAR);
            if let Ok(style) = ProgressStyle::with_template("[{bar:40}] {percent:>3} % {elapsed} {msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar
        });
        Self { bar, last: RefCell::default() }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1, of a thousand")]
    /// Shows the job as it stands.
    pub fn show(&self, job: &Job) {
        let doing = job.message.clone().unwrap_or_default();
        if let Some(bar) = &self.bar {
            bar.set_position((job.progress.clamp(0.0, 1.0) * BAR as f64) as u64);
            bar.set_message(plain(&doing, false).into_owned());
        } else if !doing.is_empty() && *self.last.borrow() != doing && !job.has_ended() {
            tell(&doing);
            self.last.replace(doing);
        }
    }
}

impl Drop for JobShown {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
