//! The method table: every method of ACP v1 (stable and unstable) and of the v2 draft, with the facts that other code
//! needs about it. Nobody else keeps a list of method names.

pub mod proposed;
mod row;
mod table;
pub mod v1;
pub mod v2;

pub use row::{Call, Direction, Method, Notification, Request, Scope, Stability, Version};

impl Version {
    /// Every method of this version.
    #[must_use]
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::V1 => v1::METHODS,
            Self::V2 => v2::METHODS,
        }
    }
}

/// Types of params that may hold credentials.
const CREDENTIALS: [&str; 3] = ["AuthenticateRequest", "LoginAuthRequest", "SetProviderRequest"];

/// Finds a method by name; the request where there is a notification of the same name. `None` for extension methods,
/// which begin with `_`, and for unknown ones.
#[must_use]
pub fn lookup(name: &str, version: Version) -> Option<&'static Method> {
    find(name, Call::Request, version).or_else(|| find(name, Call::Notification, version))
}

/// Finds the request or the notification of that name.
#[must_use]
pub fn find(name: &str, call: Call, version: Version) -> Option<&'static Method> {
    version.methods().iter().find(|method| method.call == call && method.name == name)
}

/// True if a method is outside ACP: its name begins with `_` (ACP v1, "Extensibility").
#[must_use]
pub fn is_extension(name: &str) -> bool {
    name.starts_with('_')
}

/// True if the params of a method of ACP may hold credentials, in any version.
#[must_use]
pub fn carries_credentials(name: &str) -> bool {
    let rows = [Version::V1, Version::V2].into_iter().filter_map(|version| lookup(name, version));
    rows.into_iter().any(|method| CREDENTIALS.contains(&method.params))
}

#[cfg(test)]
mod tests;
