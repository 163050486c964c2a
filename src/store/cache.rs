//! Cache.
/// Two-level cache.
#[derive(Clone)]
pub struct Cache;
