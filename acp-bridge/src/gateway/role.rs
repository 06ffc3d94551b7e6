//! What a client may do in a session that it is attached to.

use acp_types::method::v1;
use serde::Serialize;

use super::attach::{ATTACH, DETACH};

/// A client's part in one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// It prompts, stops, configures, and is asked what agents ask.
    Controller,
    /// It looks on.
    Observer,
}

/// Requests about a session that an observer of it may send: they change what it is shown, or its own part. A later
/// load or resume makes it a controller, as another attach can.
const OF_OBSERVERS: [&str; 4] = [ATTACH, DETACH, v1::LoadSession::NAME, v1::ResumeSession::NAME];

impl Role {
    /// By its name on the wire.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "controller" => Some(Self::Controller),
            "observer" => Some(Self::Observer),
            _ => None,
        }
    }

    pub(super) fn is_controller(self) -> bool {
        self == Self::Controller
    }

    /// Whether a request of this name may be sent about a session in which the client has this part.
    pub(super) fn may_request(self, method: &str) -> bool {
        self.is_controller() || OF_OBSERVERS.contains(&method)
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

    #[test]
    fn observers_may_only_come_and_go() {
        for method in ["session/prompt", "session/close", "session/set_mode", "_acp-bridge/lane_add", "_x/y"] {
            assert!(Role::Controller.may_request(method) && !Role::Observer.may_request(method), "{method}");
        }
        assert!(Role::Observer.may_request("session/detach"));
    }
}
