//! Files.
/// Files below one root.
#[derive(Clone)]
pub struct Objects;
