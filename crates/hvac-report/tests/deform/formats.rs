//! The samples of docs/FORMATS.md are read as the document says.
