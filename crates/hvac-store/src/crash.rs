//! Named points at which a test may kill the process, to prove that a crash there loses nothing.
//!
//! In a release build there is nothing here. Points: `stage.opened`, `stage.written`, `stage.synced`,
//! `publish.renamed`, each migration by its name, and `migrations.committed` in `store`; use cases add their own.

#[cfg(debug_assertions)]
static ARMED: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Makes the process die when it comes to the point of that name. Once a process; no effect in a release build.
pub fn arm(name: &str) {
    #[cfg(debug_assertions)]
    let _ = ARMED.set(name.to_owned());
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// Dies at once, without unwinding or flushing, if this point is armed.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    if ARMED.get().is_some_and(|armed| armed == name) {
        std::process::abort();
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}
