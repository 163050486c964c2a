//! Failures: plain lines on standard error; with `--json` also the API's problem document on standard output.

use std::process::ExitCode;

use clap::error::ErrorKind as UsageKind;

use super::out;
use crate::app;
use crate::error::{Code, Error, codes};

/// Codes of wrong usage, which has an exit code of its own.
const USAGE: &[&Code] = &[codes::BAD_SETTING, codes::BAD_USAGE, codes::UNKNOWN_FILE_FORMAT, codes::UNKNOWN_TIMEZONE];

/// How this run answers.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// With JSON.
    pub json: bool,
}

impl Answers {
    /// Prints an error, and says which exit code it is: 1 failed, 2 wrong usage.
    #[must_use]
    pub fn report(self, error: &Error) -> ExitCode {
        out::tell(&out::failure(error));
        self.document(error);
        ExitCode::from(if USAGE.contains(&error.code) { 2 } else { 1 })
    }

    /// The system does not let the program work.
    #[must_use]
    pub fn no_threads(self, error: std::io::Error) -> ExitCode {
        let no_threads = Error::new(codes::NO_THREADS, "the system gives no threads");
        self.report(&no_threads.with_source(error))
    }

    /// Answers what `clap` says: help and version too, which are no failures.
    #[must_use]
    pub fn usage(self, said: &clap::Error) -> ExitCode {
        // Nobody may be there to read it.
        let _ = said.print();
        if !said.use_stderr() || said.kind() == UsageKind::DisplayHelpOnMissingArgumentOrSubcommand && !self.json {
            return ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2));
        }
        let text = said.render().to_string();
        let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let message: Vec<&str> = first.split_whitespace().collect();
        self.document(&Error::new(codes::BAD_USAGE, message.join(" ")));
        ExitCode::from(2)
    }

    /// The problem document, unless standard output has the answer already (`doctor` prints its report and fails).
    fn document(self, error: &Error) {
        if self.json && !out::has_answered() {
            // A failure to tell the failure changes nothing: the exit code says it too.
            let _ = out::print_json(&app::problem(error));
        }
    }
}

/// Whether the arguments ask for JSON, as far as that can be told of ones that cannot be read.
pub fn asks_for_json(arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    arguments.take_while(|argument| argument != "--").any(|argument| argument == "--json")
}
