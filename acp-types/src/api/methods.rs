//! The table of methods: what each is for, its params by name, its result. The OpenRPC document is made from it, and a
//! server finds the param that an invalid call is about.

use serde::de::DeserializeOwned;

#[cfg(feature = "schema")]
use super::{
    Accepted, Answered, Created, Deleted, Done, Event, Exported, Head, Lanes, Page, Queue, Records, SessionView,
    Stopping, Waited,
};
use super::{CancelScope, OnBusy};
use crate::meta::MainAgent;
use crate::record::{Seq, Turn};
use crate::{Raw, RawBuf, SessionId};

/// Bounds of every param and result.
#[cfg(feature = "schema")]
pub trait Shape: DeserializeOwned + schemars::JsonSchema {}
#[cfg(feature = "schema")]
impl<T: DeserializeOwned + schemars::JsonSchema> Shape for T {}

/// Bounds of every param and result.
#[cfg(not(feature = "schema"))]
pub trait Shape: DeserializeOwned {}
#[cfg(not(feature = "schema"))]
impl<T: DeserializeOwned> Shape for T {}

#[cfg(feature = "schema")]
pub(super) type Schema = fn(&mut schemars::SchemaGenerator) -> schemars::Schema;

/// One method of the API.
#[derive(Debug)]
#[non_exhaustive]
pub struct Method {
    /// Its name on the wire.
    pub name: &'static str,
    /// Description of the method, one or two sentences.
    pub summary: &'static str,
    /// Its params, by name.
    pub params: &'static [Param],
    /// For a subscription: the method that ends it, and the one of its notifications. WebSocket only.
    pub subscription: Option<(&'static str, &'static str)>,
    /// The result; of a subscription, one notification.
    #[cfg(feature = "schema")]
    pub(super) result: Schema,
}

/// One param of a method.
#[derive(Debug)]
#[non_exhaustive]
pub struct Param {
    /// Its name on the wire.
    pub name: &'static str,
    /// Description of the member.
    pub summary: &'static str,
    /// True if the member is required.
    pub required: bool,
    decode: fn(Raw<'_>) -> serde_json::Result<()>,
    #[cfg(feature = "schema")]
    pub(super) schema: Schema,
}

impl Method {
    /// The method of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name == name)
    }

    /// The first param that is missing or wrong, and a sentence about it; `None` when nothing is wrong with any.
    #[must_use]
    pub fn fault(&self, params: Option<Raw<'_>>) -> Option<(&'static str, String)> {
        let by_position: Option<Vec<_>> =
            params.filter(|params| params.as_str().starts_with('[')).map(|params| params.elements().collect());
        self.params.iter().enumerate().find_map(|(at, param)| {
            let value = match &by_position {
                Some(values) => values.get(at).copied(),
                None => params.and_then(|params| params.member(param.name)),
            };
            param.fault(value).map(|what| (param.name, what))
        })
    }
}

impl Param {
    const fn required<T: Shape>(name: &'static str, summary: &'static str) -> Self {
        Self {
            name,
            summary,
            required: true,
            decode: decode::<T>,
            #[cfg(feature = "schema")]
            schema: schemars::SchemaGenerator::subschema_for::<T>,
        }
    }

    const fn optional<T: Shape>(name: &'static str, summary: &'static str) -> Self {
        Self { required: false, ..Self::required::<T>(name, summary) }
    }

    fn fault(&self, value: Option<Raw<'_>>) -> Option<String> {
        match value.filter(|value| self.required || !value.is_null()) {
            None if self.required => Some(format!("`{}` is missing", self.name)),
            None => None,
            Some(value) => (self.decode)(value).err().map(|error| {
                let error = error.to_string();
                // Line and column are those of the value, which nobody can count in the request.
                let what = error.split(" at line ").next().unwrap_or_default();
                format!("`{}` cannot be read: {what}", self.name)
            }),
        }
    }
}

fn decode<T: DeserializeOwned>(value: Raw<'_>) -> serde_json::Result<()> {
    value.decode::<T>().map(drop)
}

macro_rules! method {
    ($name:literal $(until $end:literal as $note:literal)?, $summary:literal, [$($param:expr),* $(,)?] => $result:ty) => {
        Method {
            name: $name,
            summary: $summary,
            params: &[$($param),*],
            subscription: method!(@subscription $($end $note)?),
            #[cfg(feature = "schema")]
            result: schemars::SchemaGenerator::subschema_for::<$result>,
        }
    };
    (@subscription) => { None };
    (@subscription $end:literal $note:literal) => { Some(($end, $note)) };
}

const SESSION: Param = Param::required::<SessionId>("session", "The session.");
const AFTER: Param =
    Param::optional::<Seq>("after", "The cursor: seq of the last record you have. Without it, everything.");
const WAITING: Param = Param::required::<Turn>("turn", "Its turn.");

/// Every method, in the order of the documentation.
pub const METHODS: &[Method] = &[
    method!("session_create", "Starts a session, and an agent for it unless that dials in.", [
        Param::required::<String>("cwd", "Working directory, absolute."),
        Param::optional::<RawBuf>("mcpServers", "MCP servers for the agent, as in ACP's `session/new`."),
        Param::optional::<RawBuf>("clientCapabilities", "What the agent may ask of clients, as in ACP's `initialize`. \
            Without it, nothing but permissions."),
        Param::optional::<RawBuf>("clientInfo", "Who asks, as in ACP's `initialize`."),
        Param::optional::<MainAgent>("agent", "Where the agent of `main` comes from. `server`, or absent: the bridge starts \
            it. `dials_in`: it comes by `acp-bridge dial --lane main`; the session has none until then."),
    ] => Created),
    method!("session_list", "Lists sessions, newest first, a page at a time.", [
        Param::optional::<String>("cwd", "Only those with exactly this working directory."),
        Param::optional::<SessionId>("after", "`next` of the page before."),
        Param::optional::<u32>("limit", "Sessions in the page: 100 if absent, 1000 at most."),
    ] => Page),
    method!("session_get", "What a session's log comes to: state, turns, and the requests that wait for an answer.", [
        SESSION,
    ] => SessionView),
    method!("session_read", "Reads records after a cursor. Empty at the head.", [
        SESSION,
        AFTER,
        Param::optional::<u32>("limit", "Records: 1024 if absent and at most. An answer also ends at 512 KiB."),
    ] => Records),
    method!("session_subscribe" until "session_unsubscribe" as "session_event",
        "Follows a session from a cursor: every record after it once and in order, with a mark between history and live.", [
        SESSION,
        AFTER,
        Param::optional::<bool>("attend", "Count as a controller that is there to answer: while the subscription lasts, \
            the policy for times without one decides nothing, and queued prompts go on. `false` if absent."),
    ] => Event),
    method!("session_export", "A session as JSON Lines, for a file that `acp-bridge import` takes: a page at a time, all of \
        them as of the head at the first.", [
        SESSION,
        Param::optional::<Seq>("after", "Only records after this cursor. Such a part cannot be imported. First page only."),
        Param::optional::<String>("page", "`next` of the page before."),
    ] => Exported),
    method!("session_prompt", "Hands in a prompt. Answered when it is accepted and on stable storage; how its turn ends \
        is a record, or see `session_wait`.", [
        SESSION,
        Param::required::<RawBuf>("prompt", "Content blocks, as in ACP's `session/prompt`."),
        Param::optional::<String>("key", "A prompt with the same key never runs twice: send it again after a drop."),
        Param::optional::<OnBusy>("onBusy", "What to do while a turn runs. `queue` if absent."),
        Param::optional::<String>("lane", "The agent that is meant. `main` if absent."),
        Param::optional::<bool>("acceptContextLoss", "Go on although the agent may have forgotten the conversation."),
    ] => Accepted),
    method!("session_wait", "Waits until a turn has ended, or the time is over.", [
        SESSION,
        Param::required::<Turn>("turn", "The turn."),
        Param::optional::<u64>("timeoutMs", "How long: 30,000 if absent, 600,000 at most."),
    ] => Waited),
    method!("session_cancel", "Stops a turn. Stopping an idle session does nothing.", [
        SESSION,
        Param::optional::<Turn>("turn", "This one, running or queued. The running one if absent, else the next."),
        Param::optional::<CancelScope>("scope", "What waits instead, or what runs and what waits. `turn` if absent."),
        Param::optional::<String>("lane", "The agent that is meant. If absent that of the turn, else `main`, and with a \
            `scope` beyond a turn all of them."),
        Param::optional::<String>("reason", "Why, for the log; at most 1 KiB of it are kept."),
    ] => Done),
    method!("queue_list", "The prompts that wait, with their content as it is now.", [SESSION] => Queue),
    method!("queue_edit", "Gives a prompt that waits other content.", [
        SESSION,
        WAITING,
        Param::required::<RawBuf>("prompt", "Content blocks, as in ACP's `session/prompt`."),
    ] => Done),
    method!("queue_move", "Gives a prompt that waits another place in its lane.", [
        SESSION,
        WAITING,
        Param::optional::<Turn>("before", "The turn that it is to be right before. Behind all if absent."),
    ] => Done),
    method!("queue_withdraw", "Cancels a prompt that waits. What has started is not touched.", [
        SESSION,
        WAITING,
    ] => Done),
    method!("session_respond", "Answers a request of the agent, a permission request for one. The first answer counts.", [
        SESSION,
        Param::required::<Seq>("request", "The request, by the seq of its record."),
        Param::optional::<RawBuf>("outcome", "To a permission request: `{\"outcome\":\"selected\",\"optionId\":…}` or \
            `{\"outcome\":\"cancelled\"}`. Exactly one of `outcome`, `result` and `error`."),
        Param::optional::<RawBuf>("result", "To any request: the whole result."),
        Param::optional::<RawBuf>("error", "To any request: a JSON-RPC error object."),
    ] => Answered),
    method!("session_set_mode", "Puts the session in a mode. The result is the agent's own.", [
        SESSION,
        Param::required::<String>("mode", "Id of the mode."),
    ] => RawBuf),
    method!("session_set_config", "Sets one of the session's options. The result is the agent's own.", [
        SESSION,
        Param::required::<String>("option", "Id of the option."),
        Param::required::<RawBuf>("value", "Its value."),
    ] => RawBuf),
    method!("session_set_policy", "Says what becomes of permission requests while no controller is there.", [
        SESSION,
        Param::optional::<String>("unattended", "`wait`, `wait:300s`, `reject`, `allow:read,search` and so on. `null` or \
            absent: as the server was told."),
    ] => Done),
    method!("session_trust", "Puts the lanes and the policy of a session in force that was imported, or whose log somebody \
        else wrote. What waited in it and its MCP servers stay dropped.", [SESSION] => Done),
    method!("session_close", "Stops what runs, and the agent. A later prompt opens the session again.", [
        SESSION,
    ] => Head),
    method!("lane_list", "The agents of a session.", [SESSION] => Lanes),
    method!("lane_add", "Starts one more agent in a session. The result is what it says of its modes and options.", [
        SESSION,
        Param::required::<String>("lane", "Its name: 1 to 64 letters, digits, dots, hyphens and underscores."),
        Param::required::<String>("agent", "A launch profile by name, as `acp-harness list` shows it where the bridge runs."),
    ] => RawBuf),
    method!("lane_remove", "Cancels what a lane runs and queues, and stops its agent. `main` stays.", [
        SESSION,
        Param::required::<String>("lane", "Its name."),
    ] => Done),
    method!("bridge_stop", "Stops the bridge as TERM does: running turns end as `interrupted`, but for those of agents that it \
        keeps.", [] => Stopping),
    method!("session_delete", "Closes a session and deletes its log. There is no way back.", [SESSION] => Deleted),
    method!("rpc.discover", "This document.", [] => RawBuf),
];

#[cfg(test)]
mod tests {
    use super::{METHODS, Method};
    use crate::Raw;

    fn fault(method: &str, params: &str) -> Option<(&'static str, String)> {
        Method::find(method).unwrap().fault(Some(Raw::parse(params).unwrap()))
    }

    #[test]
    fn names_are_used_once() {
        for (at, method) in METHODS.iter().enumerate() {
            assert!(METHODS[at + 1..].iter().all(|other| other.name != method.name), "{}", method.name);
        }
    }

    #[test]
    fn the_member_at_fault_is_found_by_name_and_by_position() {
        assert_eq!(fault("session_wait", r#"{"session":"s","turn":1}"#), None);
        assert_eq!(fault("session_wait", r#"{"session":"s"}"#), Some(("turn", "`turn` is missing".into())));
        assert_eq!(fault("session_wait", r#"["s",1,null]"#), None);
        assert_eq!(fault("session_wait", r#"["s",1,-1]"#).unwrap().0, "timeoutMs");
        let (member, what) = fault("session_prompt", r#"{"session":"s","prompt":[],"onBusy":"dance"}"#).unwrap();
        assert_eq!(member, "onBusy");
        assert!(what.contains("dance") && what.contains("queue") && !what.contains("column"), "{what}");
    }
}
