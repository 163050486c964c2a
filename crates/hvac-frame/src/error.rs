//! What can go wrong with a frame: four kinds, for four answers.

use std::error::Error as StdError;
use std::fmt;

type Source = Box<dyn StdError + Send + Sync>;

/// A failure of writing or reading a frame.
#[derive(Debug)]
pub enum FrameError {
    /// What takes the bytes failed: a full disk, most likely.
    Sink(Source),
    /// The bytes are not those of a frame's file: put the file back from a backup.
    Damaged(Source),
    /// The bytes are those of a newer program's file.
    Newer {
        /// The format that it says it is of.
        format: String,
        /// The newest that is read here.
        known: u32,
    },
    /// A broken invariant, of this crate or of whoever calls it: nothing of the column or file can be used.
    Defect(String, Option<Source>),
}

/// The result of what can fail with a frame.
pub type Result<T, E = FrameError> = std::result::Result<T, E>;

impl FrameError {
    /// A broken invariant.
    pub fn defect(what: impl Into<String>) -> Self {
        Self::Defect(what.into(), None)
    }

    /// Bytes that are not what they should be.
    pub fn damaged(source: impl Into<Source>) -> Self {
        Self::Damaged(source.into())
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink(_) => f.write_str("a Parquet file cannot be written: see that its disk has space and is sound"),
            Self::Damaged(_) => f.write_str("a Parquet file is damaged: put it back from a backup"),
            Self::Newer { format, known } => write!(
                f,
                "a Parquet file is of format {format}, and this program ({}) reads those up to {known}: use the newer \
                 program that wrote it",
                env!("CARGO_PKG_VERSION"),
            ),
            Self::Defect(what, _) => write!(f, "{what}: a defect of this program, please report it"),
        }
    }
}

impl StdError for FrameError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Sink(source) | Self::Damaged(source) => Some(&**source),
            Self::Newer { .. } => None,
            Self::Defect(_, source) => source.as_ref().map(|source| &**source as &(dyn StdError + 'static)),
        }
    }
}

/// Foreign failures that only a broken invariant can cause.
pub(crate) trait Doing<T> {
    /// The value, or a defect found while `doing`.
    fn doing(self, doing: &str) -> Result<T>;
}

impl<T, E: StdError + Send + Sync + 'static> Doing<T> for std::result::Result<T, E> {
    fn doing(self, doing: &str) -> Result<T> {
        self.map_err(|error| FrameError::Defect(format!("failed while {doing}"), Some(Box::new(error))))
    }
}
