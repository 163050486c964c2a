//! One frame on one time axis from the segments of many reports.
