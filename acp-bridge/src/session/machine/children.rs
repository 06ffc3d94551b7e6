//! Child sessions of a lane's agent: announced, named as clients know them, stopped, and told as ended with their agent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use acp_types::capability::SUBAGENT_UPDATE;
use acp_types::method::v1;
use acp_types::record::body::{ChildCancelRequested, ChildUpdated};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf, SessionId, rewrite};
use memchr::memmem::Finder;

use super::super::children::{ChildSession, Children, Work, known_of};
use super::super::wire::cut;
use super::super::{Command, Refusal, door, wire};
use super::transition::Transition;

/// Bytes of an agent's own id of a child.
const MAX_ID: usize = 256;

/// Bytes of the reason why an agent has ended that clients are told of each of its children.
const MAX_REASON: usize = 1024;

static ANNOUNCES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"subagent_update\""));
static MESSAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"session_message\""));
static REFERENCE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"session\""));

/// Fault of an announcement, which is then not taken. What the agent says in the name of such a child is not taken either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It names no child.
    NoId,
    /// The child is the session that it would be a child of, or one above.
    OwnParent,
    /// It is another session's child already.
    OtherParent,
    /// There are as many as may be.
    TooMany,
    /// It is deeper than may be.
    TooDeep,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoId => write!(f, "it names no child session, or by more than {MAX_ID} bytes"),
            Self::OwnParent => f.write_str("a session is not its own child"),
            Self::OtherParent => f.write_str("it moves a child session to another parent"),
            Self::TooMany => write!(f, "{} child sessions are at work already", Children::MAX),
            Self::TooDeep => write!(f, "child sessions are nested {} deep already", Children::MAX_DEPTH),
        }
    }
}

/// Looks for a fault in params of a `session/update` of a session that the agent has, if they announce a child or say
/// something of one.
pub(super) fn unfit(cx: &Transition<'_>, params: Raw<'_>) -> Option<Unfit> {
    let update = said_of_child(params)?;
    let Some(named) = named(update) else { return Some(Unfit::NoId) };
    let of = params.member("sessionId").and_then(Raw::as_string).unwrap_or_default();
    if *named == *cx.agent_session() || named == *of {
        return Some(Unfit::OwnParent);
    }
    let parent = cx.child(&of).map(ChildSession::id);
    let children = cx.state().children();
    match cx.child(&named) {
        Some(known) => (known.parent() != parent).then_some(Unfit::OtherParent),
        None if children.depth_below(parent) > Children::MAX_DEPTH => Some(Unfit::TooDeep),
        None => (!children.have_room()).then_some(Unfit::TooMany),
    }
}

/// Takes in what params of a `session/update` say of a child, if they do and it is news.
pub(super) fn take_in(cx: &mut Transition<'_>, turn: Option<Turn>, params: Raw<'_>) {
    let Some(update) = said_of_child(params) else { return };
    let Some(agent_session) = named(update) else { return };
    let changed = known_of(update);
    let updated = match cx.child(&agent_session) {
        Some(known) if !known.is_changed_by(&changed) => return,
        Some(known) => ChildUpdated { session: known.id().clone(), agent_session: None, parent: None, changed },
        None => {
            let of = params.member("sessionId").and_then(Raw::as_string).unwrap_or_default();
            let parent = cx.child(&of).map(|parent| parent.id().clone());
            let session = cx.session().child(cx.state().head() + 1);
            ChildUpdated { session, agent_session: Some(agent_session), parent, changed }
        }
    };
    cx.record(Kind::ChildUpdated, Origin::Agent, turn, &updated);
}

/// Params of an update or a request with the ids of sessions that they speak of as clients know them; `None` if they
/// speak of none. That of the session that they belong to is set with their place in the log.
pub(super) fn with_our_ids(cx: &Transition<'_>, params: Raw<'_>) -> Option<RawBuf> {
    let text = params.as_str().as_bytes();
    let speaks = ANNOUNCES.find(text).is_some()
        || MESSAGE.find(text).is_some()
        || cx.state().children().ever() && REFERENCE.find(text).is_some();
    if !speaks {
        return None;
    }
    if let Some(call) = params.member("toolCall") {
        return Some(rewrite::set_member(params, "toolCall", with_references(cx, call)?.as_raw()));
    }
    let update = params.member("update")?;
    let kind = update.member("sessionUpdate").and_then(Raw::as_string)?;
    let renamed = match &*kind {
        SUBAGENT_UPDATE => renamed(cx, update, &["sessionId"]),
        "session_message" => renamed(cx, update, &["senderSessionId", "recipientSessionId"]),
        "tool_call" | "tool_call_update" => with_references(cx, update),
        _ => None,
    };
    Some(rewrite::set_member(params, "update", renamed?.as_raw()))
}

/// A tool call whose content refers to sessions.
fn with_references(cx: &Transition<'_>, call: Raw<'_>) -> Option<RawBuf> {
    let content = call.member("content")?;
    let is_reference = |item: Raw<'_>| item.member("type").is_some_and(|kind| kind.as_str() == "\"session\"");
    if !content.elements().any(is_reference) {
        return None;
    }
    let items = content.elements().map(|item| {
        let renamed = is_reference(item).then(|| renamed(cx, item, &["sessionId"])).flatten();
        renamed.unwrap_or_else(|| item.to_owned())
    });
    let items: Vec<RawBuf> = items.collect();
    let items: Vec<&str> = items.iter().map(RawBuf::as_str).collect();
    Some(rewrite::set_member(call, "content", Raw::trusted(&format!("[{}]", items.join(",")))))
}

/// An object with the ids of sessions in some of its members as clients know them. One that the agent has not announced
/// stays as it is.
fn renamed(cx: &Transition<'_>, object: Raw<'_>, keys: &[&str]) -> Option<RawBuf> {
    let mut renamed: Option<RawBuf> = None;
    for key in keys {
        let id = object.member(key).and_then(Raw::as_string).and_then(|id| cx.session_named(&id));
        if let Some(id) = id.and_then(|id| RawBuf::encode(&id).ok()) {
            let so_far = renamed.as_ref().map_or(object, RawBuf::as_raw);
            renamed = Some(rewrite::set_member(so_far, key, id.as_raw()));
        }
    }
    renamed
}

/// Params of a request for files or commands, for the host, which serves a child as its agent's session: they are on one
/// machine. A command that names no directory runs where the child does, if the agent has said where that is.
pub(super) fn served(cx: &Transition<'_>, method: &str, params: RawBuf) -> RawBuf {
    let named = params.as_raw().member("sessionId").and_then(Raw::as_string);
    let Some(child) = named.and_then(|named| cx.child(&named)) else { return params };
    let served = wire::with_session(params.as_raw(), cx.agent_session());
    let has_cwd = served.as_raw().member("cwd").is_some_and(|cwd| !cwd.is_null());
    if method != v1::CreateTerminal::NAME || has_cwd {
        return served;
    }
    match cx.state().children().cwd_of(child) {
        Some(cwd) => rewrite::set_member(served.as_raw(), "cwd", cwd.as_raw()),
        None => served,
    }
}

/// The update that says something of a child.
fn said_of_child(params: Raw<'_>) -> Option<Raw<'_>> {
    ANNOUNCES.find(params.as_str().as_bytes())?;
    let update = params.member("update")?;
    let kind = update.member("sessionUpdate").and_then(Raw::as_string)?;
    (kind == SUBAGENT_UPDATE).then_some(update)
}

/// The agent's own id of the child that an update is about.
fn named(update: Raw<'_>) -> Option<String> {
    let id = update.member("sessionId").and_then(Raw::as_string)?;
    (!id.is_empty() && id.len() <= MAX_ID).then(|| id.into_owned())
}

/// The agent of a lane is gone, and the work of its children with it. Nobody can stop any of them.
pub(super) fn end_all(cx: &mut Transition<'_>, reason: &str, expected: bool) {
    let error = door::ended(&format!("the agent is gone: {}", cut(reason, MAX_REASON)));
    let state = match expected {
        true => r#"{"state":"idle","stopReason":"cancelled"}"#.to_owned(),
        false => format!(r#"{{"state":"idle","stopReason":"error","error":{error}}}"#),
    };
    let of_lane = cx.state().children().of_lane(cx.lane()).filter_map(|child| {
        let changed = match (child.work(), child.known().as_raw().member("capabilities").is_some()) {
            (Work::Idle, false) => return None,
            (Work::Idle, true) => r#"{"capabilities":null}"#.to_owned(),
            (_, false) => format!(r#"{{"state":{state}}}"#),
            (_, true) => format!(r#"{{"state":{state},"capabilities":null}}"#),
        };
        Some((child.id().clone(), child.parent().cloned(), RawBuf::trusted(changed)))
    });
    let ended: Vec<_> = of_lane.collect();
    let turn = cx.running();
    for (session, parent, changed) in ended {
        let of = parent.unwrap_or_else(|| cx.session().clone());
        // Strings can always be written.
        let Ok(id) = RawBuf::encode(&session) else { continue };
        let update = rewrite::set_member(changed.as_raw(), "sessionUpdate", Raw::trusted("\"subagent_update\""));
        let update = rewrite::set_member(update.as_raw(), "sessionId", id.as_raw());
        let updated = ChildUpdated { session, agent_session: None, parent: None, changed };
        cx.record(Kind::ChildUpdated, Origin::Host, turn, &updated);
        let params = rewrite::set_member(Raw::EMPTY_OBJECT, "update", update.as_raw());
        cx.record_update_of(&of, Origin::Host, turn, params.as_raw());
    }
}

/// The children of a lane that are to stop, and until when (P5).
#[derive(Debug, Default)]
pub(super) struct ChildStops(BTreeMap<SessionId, u64>);

impl ChildStops {
    /// Time when the first of them is to have stopped.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.0.values().copied().min()
    }

    /// Records that a client wants the work of a child to stop; whether the agent is to be told. Nothing that works,
    /// nothing to stop.
    pub(super) fn ask(
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        child: &SessionId,
        reason: Option<&str>,
    ) -> Result<bool, Refusal> {
        let Some(known) = cx.state().children().get(child) else {
            return Err(Refusal::UnknownChild { session: child.clone() });
        };
        if !known.can_be_cancelled() {
            return Err(Refusal::ChildStays { session: child.clone() });
        }
        if known.work() == Work::Idle || known.is_stopping() || known.agent_session().is_none() {
            return Ok(false);
        }
        let reason = reason.map(|reason| cut(reason, Command::MAX_REASON).to_owned());
        let asked = ChildCancelRequested { session: child.clone(), reason };
        let turn = cx.running();
        cx.record(Kind::ChildCancelRequested, Origin::Client(Arc::clone(client)), turn, &asked);
        Ok(true)
    }

    /// Tells the agent to stop a child. One that works is to stop in time.
    pub(super) fn tell(&mut self, cx: &mut Transition<'_>, method: &str, child: &SessionId) {
        let Some(known) = cx.state().children().get(child) else { return };
        let Some(agent_session) = known.agent_session() else { return };
        let params = wire::session_only(agent_session);
        if known.work() == Work::Active {
            self.0.insert(child.clone(), cx.grace_over());
        }
        cx.notify_agent(method.to_owned(), Some(params));
    }

    /// Children that are to stop, by the log.
    pub(super) fn wanted(cx: &Transition<'_>) -> Vec<SessionId> {
        let stopping = cx.state().children().of_lane(cx.lane()).filter(|child| child.is_stopping());
        stopping.map(|child| child.id().clone()).collect()
    }

    /// The time of some may be over: whether one of them works on, and so does not obey.
    pub(super) fn expire(&mut self, cx: &Transition<'_>) -> bool {
        if self.deadline().is_none_or(|deadline| cx.at() < deadline) {
            return false;
        }
        let works_on = |child: &SessionId| {
            cx.state().children().get(child).is_some_and(|known| known.is_stopping() && known.work() == Work::Active)
        };
        let over = self.0.iter().filter(|(_, deadline)| **deadline <= cx.at());
        let disobeys = over.map(|(child, _)| child).any(works_on);
        self.0.retain(|_, deadline| *deadline > cx.at());
        disobeys
    }

    /// The agent is gone.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
