//! Secrets that the program makes: 32 random bytes, shown once and kept as their SHA-256.
//!
//! So many bits need no slow hash: nobody guesses them, and whoever reads the database cannot use what he reads. To look one
//! up by its hash tells nothing of it by the time that takes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Before a key, so that one that got out is found and told for what it is.
pub const KEY_PREFIX: &str = "hvac_";
/// Characters of a secret.
const LENGTH: usize = 43;
/// What a CSRF token is a keyed hash of.
const CSRF: &[u8] = b"hvac-analytics csrf token";

/// A new secret: 43 letters, digits, `-` and `_`.
///
/// # Errors
/// When the system gives no random bytes.
pub fn fresh() -> Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("the system gives no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A new key.
///
/// # Errors
/// As [`fresh`].
pub fn fresh_key() -> Result<String> {
    Ok(format!("{KEY_PREFIX}{}", fresh()?))
}

/// Whether a text has the form of a secret.
#[must_use]
pub fn is_one(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether a text has the form of a key.
#[must_use]
pub fn is_key(text: &str) -> bool {
    text.strip_prefix(KEY_PREFIX).is_some_and(is_one)
}

/// What is kept of a secret.
#[must_use]
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// A digest as rows have it.
#[must_use]
pub fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The CSRF token of the login with that secret: it follows from the secret, and not the secret from it.
#[must_use]
pub fn csrf_token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(&csrf_key(secret), CSRF))
}

/// Whether a text is that token, in a time that does not depend on the text.
#[must_use]
pub fn is_csrf_token(secret: &str, shown: &str) -> bool {
    let tag = URL_SAFE_NO_PAD.decode(shown).unwrap_or_default();
    hmac::verify(&csrf_key(secret), CSRF, &tag).is_ok()
}

fn csrf_key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_are_new_each_time_and_have_one_form() {
        let (one, other) = (fresh_key().unwrap(), fresh_key().unwrap());
        assert_ne!(one, other);
        assert!(is_key(&one) && is_key(&other));
        let hardly = [one.replacen('_', "-", 1), one.replacen("hvac", "HVAC", 1), format!("{one}A"), format!("{one} ")];
        assert!(hardly.iter().all(|text| !is_key(text)), "{hardly:?}");
    }

    /// FIPS 180-4's example of "abc".
    #[test]
    fn what_is_kept_is_sha_256() {
        let kept = hex(&digest("abc"));
        assert_eq!(kept, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_csrf_token_is_of_one_login() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        let token = csrf_token(&one);
        assert!(is_csrf_token(&one, &token));
        assert!(!is_csrf_token(&other, &token) && !is_csrf_token(&one, "") && !is_csrf_token(&one, &one));
        assert!(!is_csrf_token(&one, token.get(1..).unwrap()) && !token.contains(&one));
    }
}
