//! The last answers that were asked for once.
//!
//! Whoever scrolls asks for every screen once. If all of those were kept, they would drive out what is asked for again
//! and again, and each would be written to memory that no core has had for a while: a fifth of what it costs. So they
//! stay here for a moment, and whoever asks again has them kept.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::CacheKey;

/// Answers at most: they are looked through one by one.
const ANSWERS: usize = 32;
/// Bytes of one at most.
const LONGEST: usize = 256 * 1024;

/// The oldest first.
#[derive(Default)]
pub(super) struct Recent(Mutex<VecDeque<(CacheKey, Bytes)>>);

impl Recent {
    /// Keeps an answer instead of the oldest; gives back one that is too long.
    pub fn put(&self, key: &CacheKey, value: Bytes) -> Option<Bytes> {
        if value.len() > LONGEST {
            return Some(value);
        }
        let mut answers = self.answers();
        let oldest = if answers.len() < ANSWERS { None } else { answers.pop_front() };
        answers.push_back((key.clone(), value));
        drop(answers);
        // Its memory is given back when nobody waits for it.
        drop(oldest);
        None
    }

    /// Empty memory for the next answer: that of the oldest one, if nobody waits for it any more. Giving it back to the
    /// system and taking it anew, page by page, would cost some hundredths of what an answer does.
    pub fn spare(&self) -> Vec<u8> {
        let mut answers = self.answers();
        let oldest = if answers.len() < ANSWERS { None } else { answers.pop_front() };
        drop(answers);
        let Some(Ok(mut memory)) = oldest.map(|(_, value)| value.try_into_mut()) else { return Vec::new() };
        memory.clear();
        memory.into()
    }

    /// Takes an answer out.
    pub fn take(&self, key: &CacheKey) -> Option<Bytes> {
        let mut answers = self.answers();
        let at = answers.iter().position(|(known, _)| known == key)?;
        answers.remove(at).map(|(_, value)| value)
    }

    /// Forgets the answers whose key begins like that.
    pub fn forget(&self, prefix: &str) {
        self.answers().retain(|(key, _)| !key.as_str().starts_with(prefix));
    }

    /// Gives all back.
    pub fn clear(&self) {
        self.answers().clear();
    }

    /// How many there are, and their bytes.
    pub fn size(&self) -> (u64, u64) {
        let answers = self.answers();
        (answers.len() as u64, answers.iter().map(|(_, value)| value.len() as u64).sum())
    }

    fn answers(&self) -> MutexGuard<'_, VecDeque<(CacheKey, Bytes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_an_answer_is_used_again_when_nobody_waits_for_it() {
        let recent = Recent::default();
        let put = |number: usize| {
            let value = Bytes::from(vec![1; 1000]);
            recent.put(&CacheKey::new("aa", &number.to_string()), value.clone());
            value
        };
        let somebody_waits = put(0);
        (1..ANSWERS - 1).for_each(|number| drop(put(number)));
        assert_eq!(recent.spare().capacity(), 0);
        put(ANSWERS);
        assert_eq!(recent.spare().capacity(), 0);
        assert_eq!(somebody_waits.len(), 1000);
        put(ANSWERS + 1);
        let spare = recent.spare();
        assert!(spare.is_empty() && spare.capacity() >= 1000);
        assert_eq!(recent.size().0, ANSWERS as u64 - 1);
    }
}
