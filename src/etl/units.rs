//! Units as reports write them.
