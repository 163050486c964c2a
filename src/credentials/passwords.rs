//! Passwords: Argon2id with the parameters that OWASP gives today, a few at once.
//!
//! Each check takes 19 MiB and some 30 ms of a core on purpose. Two at once bound what a storm of logins may take; the
//! others wait their turn, and who has waited too long is told to come again.

use std::sync::Arc;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::error::{Context, Error, Result, codes};

/// Checks at once.
const AT_ONCE: usize = 2;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Shortest password, in characters.
const SHORTEST: usize = 12;
/// Longest password, in characters.
const LONGEST: usize = 256;
/// KiB, passes and lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Stands in for the hash of who has none: nothing is known to be it, and to look takes as long.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Checks and hashes passwords, as many at once as there are turns.
#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// What is kept of a password, in PHC form.
    ///
    /// # Errors
    /// `passwords_busy`; internal when the system gives no random bytes or no memory.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.in_turn(move || {
            let hash: PasswordHash = argon2()?.hash_password(password.as_bytes()).internal("hashing a password")?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether a password is the one that was hashed. Without a hash it never is, and that is told no sooner.
    ///
    /// # Errors
    /// `passwords_busy`; internal when a hash is none.
    pub async fn matches(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.in_turn(move || {
            let kept = PasswordHash::new(hash.as_deref().unwrap_or(NOBODYS)).internal("reading a password's hash")?;
            Ok(argon2()?.verify_password(password.as_bytes(), &kept).is_ok() && hash.is_some())
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| {
            let message = "More passwords are being checked than can be in time; try again in a moment.";
            Error::new(codes::PASSWORDS_BUSY, message).with_retry_after(5)
        })?;
        let turn = turn.internal("waiting for a turn to check a password")?;
        // The turn ends with the work, also when nobody waits for it any more.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.internal("checking a password")?
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let (memory_kib, passes, lanes) = COST;
    let parameters = Params::new(memory_kib, passes, lanes, None).internal("setting up Argon2")?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

/// Whether a password may be chosen by that account.
///
/// # Errors
/// `weak_password`.
pub fn check(name: &str, password: &str) -> Result<()> {
    let refused = |why: String| Err(Error::invalid("password", codes::WEAK_PASSWORD, format!("password: {why}")));
    let length = password.chars().count();
    if length < SHORTEST {
        return refused(format!("it has {length} characters; give at least {SHORTEST}, a few words for instance"));
    }
    if length > LONGEST {
        return refused(format!("it has {length} characters; at most {LONGEST} are taken"));
    }
    let (name, same) = (name.to_lowercase(), password.to_lowercase());
    if name.contains(&same) || same.replace(&name, "").chars().count() < SHORTEST / 2 {
        return refused("it says little more than the name; choose another".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_matches_and_nobodys_never() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse battery".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("correct horse battery".to_owned()).await.unwrap(), "another salt");
        let matches =
            async |text: &str, hash: Option<&String>| passwords.matches(text.to_owned(), hash.cloned()).await.unwrap();
        assert!(matches("correct horse battery", Some(&hash)).await);
        for wrong in ["", "Correct horse battery", "correct horse battery ", "correct horse batter"] {
            assert!(!matches(wrong, Some(&hash)).await, "{wrong}");
        }
        assert!(!matches("correct horse battery", None).await);
    }

    #[test]
    fn a_password_is_long_and_not_the_name() {
        check("chen", "correct horse battery").unwrap();
        check("chen", "冰水主機的效率一直都很高呢").unwrap();
        check("chen", &"溫".repeat(256)).unwrap();
        for weak in ["", "short", "elevenchars", "CHENCHENCHEN", "chenchenchen12", &"x".repeat(257)] {
            assert_eq!(check("chen", weak).unwrap_err().code, codes::WEAK_PASSWORD, "{weak}");
        }
    }
}
