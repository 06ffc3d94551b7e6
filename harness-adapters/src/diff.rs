//! Unified diffs, applied and taken back.
