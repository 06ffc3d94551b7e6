//! The follower's core on logs made by a seed, and followers on a log.

mod core;
mod follower;
mod story;
