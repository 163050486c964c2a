//! Records: small structured things that other programs hand over – a work order, a staging event, a translation task.
//!
//! Nobody writes code for a new kind of record: a collection is declared in a file, and the declaration alone makes its
//! routes, its table, its part of the API document and its name in SQL. What is acknowledged is durable: a write is
//! answered after the commit that holds it, in the collection's own table or, where another server keeps it, in the outbox.

pub mod backend;
pub mod collection;
pub mod redis;
pub mod server;
pub mod sql;
pub mod times;
