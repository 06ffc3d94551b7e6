//! Child sessions: what clients that understand them are told again, and what others are spared. Pure.

use std::sync::LazyLock;

use acp_types::capability::SUBAGENT_UPDATE;
use acp_types::meta::META_KEY;
use acp_types::record::Seq;
use acp_types::{Raw, RawBuf, SessionId, rewrite};
use memchr::memmem::Finder;

use crate::session::{ChildSession, State};
use crate::view::contract::IsAttached;
use crate::view::lanes::LaneFilter;

static REFERENCE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"session\""));

/// The child session that params of an update or a request are about; `None` if they are about the session itself, or
/// about none.
pub(super) fn child_in(session: &SessionId, params: Raw<'_>, state: &State) -> Option<SessionId> {
    if !state.children().ever() {
        return None;
    }
    let named = params.member("sessionId").and_then(Raw::as_string)?;
    (named != session.as_str()).then(|| SessionId::from(&*named))
}

/// The session if it is a child, by its id, of one that the client is attached to.
pub(super) fn child_of_attached(session: SessionId, attached: IsAttached<'_>) -> Option<SessionId> {
    let (parent, _) = session.as_child()?;
    (!attached(&session) && attached(&parent)).then_some(session)
}

/// Params of updates that announce the children which a client cannot have heard of behind `cursor`, parents first, with
/// all that is known of each: those of the lanes that it sees.
pub(super) fn announcements(session: &SessionId, state: &State, lanes: &LaneFilter, cursor: Seq) -> Vec<RawBuf> {
    let earlier = state.children().iter().filter(|child| child.announced() <= cursor && lanes.shows(child.lane()));
    earlier.filter_map(|child| announcement(session, child)).collect()
}

/// Params of the update that announces one of them, with all that is known of it.
pub(super) fn announcement(session: &SessionId, child: &ChildSession) -> Option<RawBuf> {
    let of = RawBuf::encode(child.parent().unwrap_or(session)).ok()?;
    let id = RawBuf::encode(child.id()).ok()?;
    let mut update = format!(r#"{{"sessionUpdate":"{SUBAGENT_UPDATE}","sessionId":{id}"#);
    for (name, value) in child.known().as_raw().members() {
        update.push_str(&format!(",{}:{value}", RawBuf::encode(&*name).ok()?));
    }
    update.push('}');
    // It is no record's, and moves no cursor.
    let (at, lane) = (child.at(), RawBuf::encode(&**child.lane()).ok()?);
    let ours = format!(r#"{{"at":{at},"lane":{lane}}}"#);
    Some(RawBuf::trusted(format!(r#"{{"sessionId":{of},"update":{update},"_meta":{{"{META_KEY}":{ours}}}}}"#)))
}

/// Params without what the content of a tool call refers to; `None` if it refers to no session. `call` is the member that
/// has the tool call.
pub(super) fn without_references(params: Raw<'_>, call: &str) -> Option<RawBuf> {
    REFERENCE.find(params.as_str().as_bytes())?;
    let is_reference = |item: &Raw<'_>| item.member("type").is_some_and(|kind| kind.as_str() == "\"session\"");
    let content = params.path(&[call, "content"])?;
    if !content.elements().any(|item| is_reference(&item)) {
        return None;
    }
    let others: Vec<&str> = content.elements().filter(|item| !is_reference(item)).map(Raw::as_str).collect();
    let others = format!("[{}]", others.join(","));
    Some(rewrite::set_path(params, &[call, "content"], Raw::trusted(&others)))
}

#[cfg(test)]
mod tests {
    use acp_types::Raw;

    use super::without_references;

    #[test]
    fn references_are_taken_out_of_content_and_nothing_else_is() {
        let without = |text: &str| without_references(Raw::parse(text).unwrap(), "update").map(|raw| raw.to_string());
        let (one, other) = (r#"{"type":"session","sessionId":"s~5"}"#, r#"{"type":"content","n":1e2}"#);
        let params = |content: &str| format!(r#"{{"update":{{"sessionUpdate":"tool_call","content":[{content}]}}}}"#);
        assert_eq!(without(&params(&format!("{one}, {other},{one}"))), Some(params(other)));
        assert_eq!(without(&params(one)), Some(params("")));
        for kept in [params(other), params(r#"{"type":"content","x":"session"}"#), r#"{"x":"session"}"#.to_owned()] {
            assert_eq!(without(&kept), None, "{kept}");
        }
    }
}
