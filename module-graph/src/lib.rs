//! Which modules of a crate name which, read from its source.
//!
//! The source is parsed and every path in it is resolved as the compiler does it: `use` trees with groups, renames and
//! globs, re-exports and type aliases, paths in expressions, types, patterns, bounds and attributes, and paths among
//! the tokens of macros. Where the compiler would choose by types or by a macro's expansion, all candidates count: the
//! graph may have an edge too many, not one too few.
//!
//! Two things it cannot see: a value that is used without its type being named, and a name that a macro puts together
//! from parts.

mod attributes;
mod circles;
mod edge;
mod error;
mod load;
mod module;
mod public;
mod purity;
mod resolve;
mod rooms;
mod scan;
mod source;
mod syntax;
mod tokens;

pub use edge::{Edge, Import};
pub use error::LoadError;
pub use module::{Literal, Place};
pub use public::public_api;
pub use rooms::{Room, Rooms};
pub use source::Crate;
