//! What a request of a client asks of the service, by its method.

use acp_types::meta::{
    LANE_ADD, LANE_REMOVE, LANES, QUEUE, QUEUE_EDIT, QUEUE_MOVE, QUEUE_WITHDRAW, SESSION_TRUST, SET_POLICY, reserved,
};
use acp_types::method::{self, Call, Direction, Method, Request as _, Scope, Version, v1};

use super::attach::{ATTACH, DETACH};
use crate::service::Operation;

/// Begins the names of methods for programs that stand between client and agent; the bridge does not chain.
const PROXY: &str = "proxy/";

/// Requests that the gateway serves. An attach as controller is more than to observe; the service sees which it is.
const SERVED: [(&str, Operation); 19] = [
    (v1::Initialize::METHOD.name, Operation::Describe),
    (v1::NewSession::METHOD.name, Operation::Create),
    (v1::LoadSession::METHOD.name, Operation::Attach),
    (v1::ResumeSession::METHOD.name, Operation::Attach),
    (v1::Prompt::METHOD.name, Operation::Prompt),
    (v1::ListSessions::METHOD.name, Operation::List),
    (v1::CloseSession::METHOD.name, Operation::Close),
    (v1::DeleteSession::METHOD.name, Operation::Delete),
    (ATTACH, Operation::Observe),
    (DETACH, Operation::Leave),
    (QUEUE, Operation::Queue),
    (QUEUE_EDIT, Operation::EditQueue),
    (QUEUE_MOVE, Operation::EditQueue),
    (QUEUE_WITHDRAW, Operation::EditQueue),
    (SESSION_TRUST, Operation::Trust),
    (SET_POLICY, Operation::SetPolicy),
    (LANE_ADD, Operation::AddLane),
    (LANE_REMOVE, Operation::RemoveLane),
    (LANES, Operation::Lanes),
];

/// The operation; `None` where nobody serves the request. `attached`: it names a session that the client is attached to,
/// without which an extension is for no session.
pub(crate) fn of(name: &str, attached: bool) -> Option<Operation> {
    let served = SERVED.iter().find(|(served, _)| *served == name).map(|&(_, operation)| operation);
    served.or_else(|| {
        if reserved::is_method(name) {
            return None;
        }
        let concerns_session =
            if method::is_extension(name) { attached } else { passed_on(name)?.scope == Scope::Session };
        Some(if concerns_session { Operation::Call } else { Operation::CallAnyAgent })
    })
}

/// A request of ACP that agents answer and that makes sense through a bridge. A fork's session would be known to the
/// agent only.
pub(crate) fn passed_on(name: &str) -> Option<&'static Method> {
    method::find(name, Call::Request, Version::V1).filter(|method| {
        method.direction != Direction::ToClient
            && method.name != v1::ForkSession::METHOD.name
            && !method.name.starts_with(PROXY)
    })
}

#[cfg(test)]
mod tests {
    use acp_types::method::{Call, Direction, Version};

    use super::of;
    use crate::service::Operation;

    #[test]
    fn every_request_of_acp_is_an_operation_or_known_to_be_none() {
        let none = ["session/fork", "proxy/initialize", "proxy/successor"];
        for method in Version::V1.methods() {
            if method.call == Call::Request && method.direction != Direction::ToClient {
                assert_eq!(of(method.name, true).is_none(), none.contains(&method.name), "{}", method.name);
            }
        }
        assert_eq!((of("_acp-bridge/x", true), of("session/sing", true)), (None, None));
        assert_eq!((of("_x/y", true), of("_x/y", false)), (Some(Operation::Call), Some(Operation::CallAnyAgent)));
        assert_eq!(of("session/set_mode", false), Some(Operation::Call));
        assert_eq!(of("authenticate", true), Some(Operation::CallAnyAgent));
    }
}
