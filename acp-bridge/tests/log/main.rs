//! Logs: the contract on every engine, and the SQLite engine.

mod archive;
mod durability;
mod retention;
mod sqlite;
mod suite;
mod support;
mod versions;
