//! Members, as the RFD "Multi-Client Session Attach" has them: the answer to an attach, and the kinds of
//! `session/update` that only those who came this way are sent.

use std::borrow::Cow;

use acp_types::meta::reserved::{CLIENT_CONNECTED, CLIENT_DISCONNECTED, PERMISSION_RESOLVED};
use acp_types::meta::{META_KEY, UpdateMeta};
use acp_types::record::body::Resolved;
use acp_types::record::{Record, Seq};
use acp_types::{Raw, RawBuf, SessionId};
use serde::{Serialize, Serializer};

use crate::session::PendingRequest;
use crate::view::history::HistoryPolicy;
use crate::view::member::Member;
use crate::view::response;
use crate::view::role::Role;

/// Client of `connectedClients`, and of an update. The RFD has name and version beside the role; `clientInfo` is the
/// whole of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Peer<'a> {
    client_id: &'a str,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_info: Option<&'a RawBuf>,
}

impl<'a> Peer<'a> {
    fn of(member: &'a Member) -> Self {
        let said = |key| member.info.as_ref()?.as_raw().member(key)?.as_string();
        Self {
            client_id: &member.client,
            role: member.role,
            name: said("name"),
            version: said("version"),
            client_info: member.info.as_ref(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Attached<'a> {
    session_id: &'a SessionId,
    client_id: &'a str,
    role: Role,
    connected_clients: Vec<Peer<'a>>,
    history_policy: HistoryPolicy,
    replayed: u64,
    #[serde(rename = "_meta")]
    meta: Ours<AttachedMeta<'a>>,
}

/// Object `_meta` with our key.
#[derive(Debug)]
struct Ours<T>(T);

impl<T: Serialize> Serialize for Ours<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(META_KEY, &self.0)])
    }
}

#[derive(Debug, Serialize)]
struct AttachedMeta<'a> {
    seq: Seq,
    session: &'a RawBuf,
}

/// Answer to an attach.
pub(super) fn attached(attached: &response::Attached<'_>) -> serde_json::Result<RawBuf> {
    let answer = Attached {
        session_id: attached.session,
        client_id: attached.client,
        role: attached.role,
        connected_clients: attached.roster.iter().map(|member| Peer::of(member)).collect(),
        history_policy: attached.policy,
        replayed: attached.replayed,
        meta: Ours(AttachedMeta { seq: attached.seq, session: attached.result }),
    };
    RawBuf::encode(&answer)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Update<'a, T> {
    session_id: &'a SessionId,
    update: T,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Ours<ResolvedMeta<'a>>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Presence<'a> {
    session_update: &'static str,
    client: Peer<'a>,
}

/// Params of the `session/update` that says that a client has come or gone. It has no seq: it is in no log.
pub(super) fn presence(session: &SessionId, member: &Member, here: bool) -> Option<RawBuf> {
    let session_update = if here { CLIENT_CONNECTED } else { CLIENT_DISCONNECTED };
    let update = Presence { session_update, client: Peer::of(member) };
    RawBuf::encode(&Update { session_id: session, update, meta: None }).ok()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionResolved<'a> {
    session_update: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Raw<'a>>,
    /// Seq of the record that asked.
    request_id: Seq,
    outcome: Raw<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen_option_id: Option<Raw<'a>>,
    /// Client that answered; absent when it was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<ResolvedBy<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ResolvedBy<'a> {
    Member(Peer<'a>),
    #[serde(rename_all = "camelCase")]
    Gone {
        client_id: &'a str,
    },
}

#[derive(Debug, Serialize)]
struct ResolvedMeta<'a> {
    #[serde(flatten)]
    update: UpdateMeta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
}

/// Params of the `session/update` that says how a permission request was answered, and by whom. `by` is the member whose
/// connection the record names, while it is here.
pub(super) fn permission_resolved(
    session: &SessionId,
    record: &Record,
    resolved: &Resolved,
    asked: &PendingRequest,
    by: Option<&Member>,
) -> Option<RawBuf> {
    let outcome = resolved.result.as_ref().and_then(|result| result.as_raw().member("outcome"));
    let outcome = outcome.unwrap_or(Raw::trusted(r#"{"outcome":"cancelled"}"#));
    let resolved_by = match (by, record.origin.client()) {
        (Some(member), _) => Some(ResolvedBy::Member(Peer::of(member))),
        (None, Some(client)) => Some(ResolvedBy::Gone { client_id: client }),
        (None, None) => None,
    };
    let update = PermissionResolved {
        session_update: PERMISSION_RESOLVED,
        tool_call_id: asked.params.as_ref().and_then(|params| params.as_raw().path(&["toolCall", "toolCallId"])),
        request_id: resolved.request,
        outcome,
        chosen_option_id: outcome.member("optionId"),
        resolved_by,
    };
    let place = UpdateMeta { seq: record.seq, at: record.at, turn: record.turn, lane: (&*record.lane).into() };
    let meta = Some(Ours(ResolvedMeta { update: place, cause: resolved.cause.as_deref() }));
    RawBuf::encode(&Update { session_id: session, update, meta }).ok()
}
