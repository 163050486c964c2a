//! Accounts: people and services that may ask, and how each shows who it is.
