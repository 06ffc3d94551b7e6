//! Tests and test tools for people who implement ACP.
