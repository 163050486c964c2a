//! How far a parse has come: a bar for a person, now and then a line for a log.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::out::watched;
use crate::sessions::progress::{Progress, Step};

/// Least time between two lines.
const PAUSE: Duration = Duration::from_secs(5);

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
            eprintln!("{doing} {done} of {total} {what}");
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
