//! Script of the model: what it says. `docs/model.md` is its reference.

mod part;
mod read;
mod types;

pub(super) use part::*;
pub use read::ScriptError;
pub use types::Script;
pub(super) use types::{Api, Reply, Review, Usage};
