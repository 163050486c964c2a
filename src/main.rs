//! The binary: parses the command line, starts tracing, calls the use case. No logic.

use std::process::ExitCode;

use clap::Parser;
use hvac_analytics::app::start_log;
use hvac_analytics::cli::{Cli, report};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match cli.config() {
        Ok(config) => config,
        Err(error) => return report(&error),
    };
    start_log(&config);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the system gives no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli.run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}
