//! Dates, clocks and zones as reports write them.
