//! A secret that can be used once, and is kept nowhere but in this process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::secret;
use crate::error::Result;

/// A secret that can be used once; none until it is offered.
#[derive(Default)]
pub struct OneTime(Mutex<Option<[u8; 32]>>);

impl OneTime {
    fn kept(&self) -> MutexGuard<'_, Option<[u8; 32]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new one, in place of any before.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn offer(&self) -> Result<String> {
        let offered = secret::fresh()?;
        *self.kept() = Some(secret::digest(&offered));
        Ok(offered)
    }

    /// Whether a text is it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        *self.kept() == Some(secret::digest(text))
    }

    /// Ends it.
    pub fn end(&self) {
        *self.kept() = None;
    }
}
