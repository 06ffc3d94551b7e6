//! The requests that are served, by method: what each asks of the service, and how it is read.

use acp_types::meta::{
    LANE_ADD, LANE_REMOVE, LANES, QUEUE, QUEUE_EDIT, QUEUE_MOVE, QUEUE_WITHDRAW, SESSION_TRUST, SET_POLICY, reserved,
};
use acp_types::method::proposed::{ATTACH, DETACH};
use acp_types::method::{self, Call, Direction, Method, Request as _, Scope, Version, v1};

use super::request::{self, Asked};
use crate::service::Operation;
use crate::view::error::RequestError;
use crate::view::request::Request;

/// Begins the names of methods for programs that stand between client and agent; the bridge does not chain.
const PROXY: &str = "proxy/";

type Read = fn(Asked<'_>) -> Result<Request, RequestError>;

/// Requests that the gateway serves. An attach as controller is more than to observe; the service sees which it is.
const SERVED: [(&str, Operation, Read); 19] = [
    (v1::Initialize::METHOD.name, Operation::Describe, request::initialize),
    (v1::NewSession::METHOD.name, Operation::Create, request::new_session),
    (v1::LoadSession::METHOD.name, Operation::Attach, request::load),
    (v1::ResumeSession::METHOD.name, Operation::Attach, request::resume),
    (v1::Prompt::METHOD.name, Operation::Prompt, request::prompt),
    (v1::ListSessions::METHOD.name, Operation::List, request::list),
    (v1::CloseSession::METHOD.name, Operation::Close, request::close),
    (v1::DeleteSession::METHOD.name, Operation::Delete, request::delete),
    (ATTACH, Operation::Observe, request::attach),
    (DETACH, Operation::Leave, request::detach),
    (QUEUE, Operation::Queue, request::queue),
    (QUEUE_EDIT, Operation::EditQueue, request::queue_edit),
    (QUEUE_MOVE, Operation::EditQueue, request::queue_move),
    (QUEUE_WITHDRAW, Operation::EditQueue, request::queue_withdraw),
    (SESSION_TRUST, Operation::Trust, request::trust),
    (SET_POLICY, Operation::SetPolicy, request::set_policy),
    (LANE_ADD, Operation::AddLane, request::lane_add),
    (LANE_REMOVE, Operation::RemoveLane, request::lane_remove),
    (LANES, Operation::Lanes, request::lanes),
];

/// The operation; `None` where nobody serves the request. `named`: it names a session. `attached`: and the client is
/// attached to it, without which an extension is for no session.
pub(super) fn operation(name: &str, named: bool, attached: bool) -> Option<Operation> {
    let served = SERVED.iter().find(|(served, ..)| *served == name).map(|&(_, operation, _)| operation);
    served.or_else(|| {
        if reserved::is_method(name) {
            return None;
        }
        let concerns_session = if method::is_extension(name) {
            attached
        } else {
            match passed_on(name)?.scope {
                Scope::Session => true,
                Scope::SessionOrConnection => named,
                _ => false,
            }
        };
        Some(if concerns_session { Operation::Call } else { Operation::CallAnyAgent })
    })
}

/// Reads a request.
pub(super) fn read(name: &str, asked: Asked<'_>) -> Result<Request, RequestError> {
    if let Some((.., read)) = SERVED.iter().find(|(served, ..)| *served == name) {
        return read(asked);
    }
    let unknown = || RequestError::UnknownMethod(name.to_owned());
    if reserved::is_method(name) {
        return Err(unknown());
    }
    let scope = if method::is_extension(name) { None } else { Some(passed_on(name).ok_or_else(unknown)?.scope) };
    request::pass(asked, name, scope)
}

/// A request of ACP that agents answer and that makes sense through a bridge. A fork's session would be known to the
/// agent only.
fn passed_on(name: &str) -> Option<&'static Method> {
    method::find(name, Call::Request, Version::V1).filter(|method| {
        method.direction != Direction::ToClient
            && method.name != v1::ForkSession::METHOD.name
            && !method.name.starts_with(PROXY)
    })
}

#[cfg(test)]
mod tests {
    use acp_types::method::{Call, Direction, Version};

    use super::operation;
    use crate::service::Operation;

    #[test]
    fn every_request_of_acp_is_an_operation_or_known_to_be_none() {
        let none = ["session/fork", "proxy/initialize", "proxy/successor"];
        for method in Version::V1.methods() {
            if method.call == Call::Request && method.direction != Direction::ToClient {
                assert_eq!(
                    operation(method.name, true, true).is_none(),
                    none.contains(&method.name),
                    "{}",
                    method.name
                );
            }
        }
        assert_eq!((operation("_acp-bridge/x", true, true), operation("session/sing", true, true)), (None, None));
        assert_eq!(operation("_x/y", true, true), Some(Operation::Call));
        assert_eq!(operation("_x/y", true, false), Some(Operation::CallAnyAgent));
        assert_eq!(operation("session/set_mode", false, false), Some(Operation::Call));
        assert_eq!(operation("session/options", true, false), Some(Operation::Call));
        assert_eq!(operation("session/options", false, false), Some(Operation::CallAnyAgent));
        assert_eq!(operation("authenticate", true, true), Some(Operation::CallAnyAgent));
    }
}
