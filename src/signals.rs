//! What the system may tell a server: to stop (SIGINT, SIGTERM), and that its terminal was closed (SIGHUP).

/// Goes on when the terminal is closed: SIGHUP means nothing, for there is nothing to load again yet.
pub fn outlive_terminal() {
    #[cfg(unix)]
    // The first listener replaces what the system would do, for as long as the process lives.
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()));
}

/// Ready at the first SIGINT or SIGTERM from this call on. A second one ends the process at once, with the exit code of a process that
/// the signal killed.
pub fn stop() -> impl Future<Output = ()> + Send + 'static {
    // Now, not when it is first waited for.
    let mut signals = Signals::listen();
    async move {
        signals.next().await;
        tokio::spawn(async move {
            let number = signals.next().await;
            tracing::warn!("a second signal: stopping at once; what was acknowledged is stored, the rest is given up");
            std::process::exit(128 + number);
        });
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    /// The number of the next one.
    async fn next(&mut self) -> i32 {
        use tokio::signal::unix::{Signal, SignalKind};
        async fn told(signal: &mut Option<Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = told(&mut self.interrupt) => SignalKind::interrupt().as_raw_value(),
            () = told(&mut self.terminate) => SignalKind::terminate().as_raw_value(),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    /// The number that Ctrl-C has on other systems.
    async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        2
    }
}
