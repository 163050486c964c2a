//! The different texts of one point, in order of appearance.

use std::collections::HashMap;

/// Below this many entries a list is looked through, above it is looked up.
pub(crate) const SHORT: usize = 8;

/// Different texts with their counts, in order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// All of them.
    pub list: Vec<(String, u64)>,
    index: HashMap<String, usize>,
}

impl Texts {
    /// Where a text stands.
    pub(crate) fn find(&self, text: &str) -> Option<usize> {
        if self.list.len() <= SHORT {
            self.list.iter().position(|(known, _)| known == text)
        } else {
            self.index.get(text).copied()
        }
    }

    /// A further one, of so many cells.
    pub(crate) fn add(&mut self, text: &str, count: u64) -> usize {
        let at = self.list.len();
        self.list.push((text.to_owned(), count));
        if at >= SHORT {
            if at == SHORT {
                self.index = self.list.iter().enumerate().map(|(i, (text, _))| (text.clone(), i)).collect();
            } else {
                self.index.insert(text.to_owned(), at);
            }
        }
        at
    }

    /// One more cell.
    pub(crate) fn count(&mut self, at: usize) {
        if let Some((_, count)) = self.list.get_mut(at) {
            *count += 1;
        }
    }

    /// One cell fewer.
    pub(crate) fn uncount(&mut self, at: usize) {
        if let Some((_, count)) = self.list.get_mut(at) {
            *count = count.saturating_sub(1);
        }
    }
}
