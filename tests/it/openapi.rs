//! The API document.
