//! The binary: hands over to the command line. No logic, and no future of its own: what polls one compiles it.

use std::process::ExitCode;

/// The system's own keeps what a storm of requests took: of 430 MiB it gave back 60, this one all.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    hvac_analytics::cli::main()
}
