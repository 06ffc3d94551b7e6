//! Launch profiles: what is known about each harness, as data.

mod catalogue;
mod installed;
mod readable;
mod version;

pub use catalogue::{Adapter, Offline, PROFILES, Profile, ProfileError, Profiles, user_file};
pub use installed::{Installed, find};
pub use version::Version;
