//! Columns through encoder and decoder: see `src/columns.rs`.
#![no_main]

#[path = "../src/columns.rs"]
mod columns;

libfuzzer_sys::fuzz_target!(|data: &[u8]| columns::round_trip(data));
