//! Reports of a run, for people and for programs.

mod counted;
mod json;
mod junit;
mod tap;
mod text;

pub use counted::Report;
pub use json::json;
pub use junit::junit;
pub use tap::tap;
pub use text::text;
