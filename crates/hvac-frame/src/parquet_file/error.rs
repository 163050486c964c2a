//! Failures of the `parquet` crate as ours.

use std::error::Error as StdError;

use parquet::errors::ParquetError;

use crate::error::FrameError;

/// Of writing: the sink's, but for our own, which went through the library's hands.
pub(super) fn write_failed(error: ParquetError) -> FrameError {
    match error {
        ParquetError::External(source) => match source.downcast::<FrameError>() {
            Ok(ours) => *ours,
            Err(source) => FrameError::Sink(Box::new(ParquetError::External(source))),
        },
        error => FrameError::Sink(Box::new(error)),
    }
}

/// A broken invariant, on its way through the library's hands.
pub(super) fn broken(what: &str) -> ParquetError {
    ParquetError::External(Box::new(FrameError::defect(what)))
}

/// Of reading: the bytes are not what they should be.
pub(super) fn read_failed(error: impl StdError + Send + Sync + 'static) -> FrameError {
    FrameError::damaged(error)
}

/// Bytes that do not add up.
pub(super) fn damaged(what: &str) -> FrameError {
    FrameError::damaged(what)
}
