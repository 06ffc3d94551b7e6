//! Version 1 of ACP.

pub(crate) mod attach;
pub(crate) mod capabilities;
pub(crate) mod offer;
pub(crate) mod operation;
pub(crate) mod params;
pub(crate) mod queue;
pub(crate) mod render;
pub(crate) mod replay;
pub(crate) mod terminals;
