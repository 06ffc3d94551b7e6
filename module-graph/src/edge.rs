//! What a module names.

use crate::Place;

/// One use of a module by another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Edge {
    /// Path of the module that names something, for example `crate::host::driver`.
    pub from: String,
    /// Path of the module that has or re-exports it.
    pub to: String,
    /// Where.
    pub place: Place,
}

/// One use of something outside of the crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Import {
    /// Path of the module that names it.
    pub from: String,
    /// Its full path, for example `std::time::Instant::now`. `core` and `alloc` are written as `std`.
    pub path: String,
    /// Where.
    pub place: Place,
}
