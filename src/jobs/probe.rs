//! A job for tests: it takes its steps, leaves marks, and ends as it is told. Not in a release build.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::JobContext;
use crate::error::{Context, Error, Result, codes};
use hvac_store::Store;

/// How a probe ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Well.
    #[default]
    Done,
    /// With an error that stays.
    Invalid,
    /// With an error that may pass.
    Unavailable,
    /// With a panic.
    Panic,
    /// With the process.
    Abort,
}

/// A probe's payload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Probe {
    /// Steps.
    pub steps: u32,
    /// Length of each.
    pub step_ms: u64,
    /// Whether it looks between steps if it should stop.
    pub deaf: bool,
    /// Whether it asks, at the end of its work, if the job is still its own and wanted.
    pub confirms: bool,
    /// How it ends.
    pub ending: Ending,
    /// A file that gets a line at its beginning and one at its end.
    pub marks: Option<PathBuf>,
}

impl Probe {
    /// Does as it says.
    ///
    /// # Errors
    /// As it says.
    pub async fn run(self, store: &Store, context: &JobContext) -> Result<()> {
        self.mark("begin")?;
        for step in 1..=self.steps {
            tokio::time::sleep(Duration::from_millis(self.step_ms)).await;
            if !self.deaf && context.is_cancelled() {
                self.mark("end")?;
                return context.check();
            }
            context.progress(f64::from(step) / f64::from(self.steps), format!("step {step} of {}", self.steps));
        }
        self.mark("end")?;
        if self.confirms {
            let txn = store.db.begin().await?;
            context.confirm(&txn).await?;
            self.mark("confirmed")?;
        }
        match self.ending {
            Ending::Done => Ok(()),
            Ending::Invalid => Err(Error::invalid("ending", codes::PROBE_INVALID, "the probe was told to be invalid")),
            Ending::Unavailable => Err(Error::new(codes::PROBE_UNAVAILABLE, "the probe was told to be unavailable")),
            Ending::Panic => panic!("the probe was told to panic"),
            Ending::Abort => std::process::abort(),
        }
    }

    fn mark(&self, what: &str) -> Result<()> {
        let Some(path) = &self.marks else { return Ok(()) };
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(path).internal("opening the marks")?;
        writeln!(file, "{what} {}", std::process::id()).internal("leaving a mark")
    }
}
