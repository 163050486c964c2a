//! `benchmark-persistence`: how long the reference job takes, and what it weighs.
//!
//! For now it only writes the committed samples.

use std::path::Path;
use std::process::ExitCode;

use hvac_analytics::simulation::samples;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [flag, folder] = args.as_slice() else {
        eprintln!("usage: benchmark-persistence --write-samples FOLDER");
        return ExitCode::from(2);
    };
    if flag != "--write-samples" {
        eprintln!("unknown option {flag}; there is --write-samples FOLDER");
        return ExitCode::from(2);
    }
    let trends = samples::trends();
    print!("{}", samples::truth_table(trends.truth()));
    for report in trends {
        if let Err(error) = std::fs::write(Path::new(folder).join(&report.file_name), &report.bytes) {
            eprintln!("{} cannot be written to {folder}: {error}", report.file_name);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
