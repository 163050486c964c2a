//! What the system knows of this process; on Linux, where it says so in files.

/// What a process takes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    /// Resident memory.
    pub(super) resident_bytes: Option<u64>,
    /// Open descriptors.
    pub(super) open_descriptors: Option<u64>,
    /// Most descriptors.
    pub(super) most_descriptors: Option<u64>,
}

#[cfg(target_os = "linux")]
pub(super) fn taken() -> Taken {
    use rustix::process::{Resource, getrlimit};

    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    // Its own descriptor is among them.
    let open = std::fs::read_dir("/proc/self/fd").map(|entries| entries.count().saturating_sub(1)).ok();
    Taken {
        resident_bytes: resident.map(|kilobytes| kilobytes * 1024),
        open_descriptors: open.and_then(|count| u64::try_from(count).ok()),
        most_descriptors: getrlimit(Resource::Nofile).current,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn taken() -> Taken {
    Taken::default()
}
