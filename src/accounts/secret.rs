//! Secrets that are shown once and kept as their hash alone: 32 random bytes need no salt and no slow hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A new secret with that beginning, and its fingerprint.
///
/// # Errors
/// When the system has no randomness.
pub fn new(prefix: &str) -> Result<(String, String)> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("the system has no randomness: {error}")))?;
    let secret = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes));
    let fingerprint = fingerprint(&secret);
    Ok((secret, fingerprint))
}

/// What is kept of a secret: its SHA-256, hex.
#[must_use]
pub fn fingerprint(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret))
}
