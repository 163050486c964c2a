//! The metadata schema.
