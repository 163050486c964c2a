//! The binary: parses the command line, starts tracing, calls the use case. No logic.

// An optimised build looks deeper into futures than this one: it has room that this one must not use.
#![cfg_attr(debug_assertions, recursion_limit = "96")]

use std::process::ExitCode;

use hvac_analytics::cli::Cli;
use hvac_analytics::log;

/// The system's own keeps what a storm of requests took: of 430 MiB it gave back 60, this one all.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let answers = cli.answers();
    let (config, notices) = match cli.config() {
        Ok(found) => found,
        Err(error) => return answers.report(&error),
    };
    if let Err(error) = log::start(&config) {
        return answers.report(&error);
    }
    notices.iter().for_each(|notice| tracing::warn!("{notice}"));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return answers.no_threads(error),
    };
    let ended = match runtime.block_on(cli.run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => answers.report(&error),
    };
    log::stop();
    ended
}
