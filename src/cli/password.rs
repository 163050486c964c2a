//! A password comes from the terminal, which does not show it, or from standard input; never from an argument, which the
//! list of processes shows.

use std::io::{BufRead, IsTerminal, Read};

use super::out::{plain, tell, tell_part};
use crate::error::{Context, Error, Result, codes};

/// Most bytes of a line that are read.
const LONGEST: u64 = 4096;

/// A new password for an account: asked for twice at a terminal, else the first line of standard input.
///
/// # Errors
/// When it cannot be read, or the second answer is another than the first.
pub fn ask(name: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return line();
    }
    let first = hidden(&format!("New password for {}: ", plain(name, false)))?;
    if hidden("Again: ")? != first {
        let message = "the second password is another than the first; nothing was done";
        return Err(Error::new(codes::NOT_CONFIRMED, message));
    }
    Ok(first)
}

fn line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().take(LONGEST).read_line(&mut line).internal("reading a password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn hidden(prompt: &str) -> Result<String> {
    let shown = no_echo::begin()?;
    tell_part(prompt);
    let answer = line();
    drop(shown);
    tell("");
    answer
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod no_echo {
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    use crate::error::{Context, Result};

    /// The terminal as it was; it is so again when this is dropped.
    pub struct Hidden(Termios);

    pub fn begin() -> Result<Hidden> {
        let doing = "asking the terminal to show no password";
        let before = tcgetattr(std::io::stdin()).internal(doing)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden).internal(doing)?;
        Ok(Hidden(before))
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
        }
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
mod no_echo {
    use crate::error::{Error, Result, codes};

    pub fn begin() -> Result<()> {
        let message = "on this system a password cannot be asked for unseen: give it on standard input";
        Err(Error::new(codes::BAD_USAGE, message))
    }
}
