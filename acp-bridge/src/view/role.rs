//! Role of a client: what it may do in a session that it is attached to.

use serde::Serialize;

use crate::service;

/// Role of a client in one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Controller: it prompts, stops, configures, and is asked what agents ask.
    Controller,
    /// Observer: it looks on.
    Observer,
}

impl From<Role> for service::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Controller => Self::Controller,
            Role::Observer => Self::Observer,
        }
    }
}

impl Role {
    /// Finds a role by its name on the wire.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "controller" => Some(Self::Controller),
            "observer" => Some(Self::Observer),
            _ => None,
        }
    }

    pub(crate) fn is_controller(self) -> bool {
        self == Self::Controller
    }
}

#[cfg(test)]
mod tests {
    use super::Role;

    #[test]
    fn names_are_those_of_the_wire_and_no_others() {
        for role in [Role::Controller, Role::Observer] {
            let name = serde_json::to_value(role).unwrap();
            assert_eq!(Role::named(name.as_str().unwrap()), Some(role));
        }
        assert_eq!(Role::named("Controller"), None);
        assert_eq!(Role::named(""), None);
    }
}
