//! Why a crate cannot be read.

use std::path::PathBuf;

/// A crate that cannot be read as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// No file of a module is where it should be.
    #[error("the file of module {module} is at none of {tried:?}")]
    Missing {
        /// Path of the module.
        module: String,
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// A file that cannot be parsed.
    #[error("{file}:{line} is no Rust that can be parsed: {message}")]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where it stops to be Rust.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// Source that is brought in by `include!`, which this does not follow.
    #[error("{file}:{line} includes source with include!; make it a module, so that it can be read")]
    Include {
        /// The file.
        file: PathBuf,
        /// The line.
        line: usize,
    },
    /// A file that belongs to no module.
    #[error("{file} belongs to no module that was found; is it declared inside of a macro, or not at all?")]
    LeftOut {
        /// The file.
        file: PathBuf,
    },
}
