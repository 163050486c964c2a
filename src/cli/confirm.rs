//! What cannot be undone is asked for.

use std::io::IsTerminal;

use super::out::{tell_part, watched};
use crate::error::{Context, Error, Result, codes};

/// Asks a person at a terminal whether to do what is for ever; `yes` has said so already.
///
/// # Errors
/// `not_confirmed` when the answer is another than yes, or when there is nobody to ask.
pub fn confirm(what: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !(watched() && std::io::stdin().is_terminal()) {
        let message = format!("{what} for ever? There is no terminal to ask at: say --yes. Nothing was done");
        return Err(Error::new(codes::NOT_CONFIRMED, message));
    }
    tell_part(&format!("{what} for ever? Type yes: "));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).internal("reading the answer")?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Error::new(codes::NOT_CONFIRMED, "nothing was done")) }
}
