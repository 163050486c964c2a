//! What a set of reports holds together: columns, time axis, windows.
