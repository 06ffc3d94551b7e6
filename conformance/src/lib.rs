//! Tests and test tools for people who implement ACP.
//!
//! [`model`] is a scripted model server: it drives real harnesses offline, without a key. This crate is no part of any
//! product at run time.

pub mod cli;
pub mod model;
