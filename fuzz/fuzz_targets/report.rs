//! Any bytes as a report: see `src/report.rs`.
#![no_main]

#[path = "../src/report.rs"]
mod report;

libfuzzer_sys::fuzz_target!(|data: &[u8]| report::read(data));
