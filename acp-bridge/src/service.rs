//! What the doors of a gateway have in common.

pub(crate) mod follower;
