//! What a client may ask for with its requests.

use super::{AfterRestart, CancelScope, META_KEY, MainAgent, OnBusy, Unattended};
use crate::record::{Seq, Turn};
use crate::{Raw, RawKind};

/// `_meta["acp-bridge"]` of a client's request. Absent and `null` members are `None`; unknown ones are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestMeta {
    /// `session/resume`, `session/load`: the cursor, that is the seq of the last record the client has.
    pub after: Option<Seq>,
    /// `session/prompt`: a prompt with the same key never runs twice (P6).
    pub key: Option<String>,
    /// `session/prompt`: what to do while a turn runs; `queue` is the default.
    pub on_busy: Option<OnBusy>,
    /// `session/prompt`: what to do if the bridge is started again while it waits; `wait` is the default.
    pub after_restart: Option<AfterRestart>,
    /// `session/cancel`: the turn that is meant; without it, whichever runs.
    pub turn: Option<Turn>,
    /// `session/cancel`: what it is for; `turn` is the default.
    pub scope: Option<CancelScope>,
    /// `session/cancel`: why, for those who read the log.
    pub reason: Option<String>,
    /// `session/new`: what becomes of permission requests while no controller is there.
    pub unattended: Option<Unattended>,
    /// `session/new`: where the agent of `main` comes from; `server` is the default.
    pub agent: Option<MainAgent>,
    /// `session/prompt`: go on although the agent may have forgotten the conversation.
    pub accept_context_loss: Option<bool>,
    /// Requests and notifications that concern an agent: the lane that is meant; without it, `main`.
    pub lane: Option<String>,
    /// `session/resume`, `session/load`: the lanes that are to be seen; without it, all.
    pub lanes: Option<Vec<String>>,
}

/// A member of `_meta["acp-bridge"]` of the wrong type, or a word that it cannot be. The request is answered with "invalid params".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`_meta[\"acp-bridge\"]{member}` is not {expected}: correct it or leave it out")]
#[non_exhaustive]
pub struct MetaError {
    /// The member with its dot; empty for the object itself.
    pub member: &'static str,
    /// The expected value.
    pub expected: &'static str,
}

impl RequestMeta {
    /// Reads it out of a request's params.
    ///
    /// # Errors
    /// When `_meta["acp-bridge"]` or one of the known members is not what it should be.
    pub fn read(params: Raw<'_>) -> Result<Self, MetaError> {
        let Some(ours) = params.path(&["_meta", META_KEY]).filter(|ours| !ours.is_null()) else {
            return Ok(Self::default());
        };
        if ours.kind() != RawKind::Object {
            return Err(MetaError { member: "", expected: "an object" });
        }
        let [after, key, on_busy, after_restart, turn, scope, reason, unattended, accept] = ours.pick([
            "after",
            "key",
            "onBusy",
            "afterRestart",
            "turn",
            "scope",
            "reason",
            "unattended",
            "acceptContextLoss",
        ]);
        let [agent, lane, lanes] = ours.pick(["agent", "lane", "lanes"]);
        Ok(Self {
            after: typed(after, ".after", "a non-negative integer", Raw::as_u64)?,
            key: typed(key, ".key", "a string", text)?,
            on_busy: typed(on_busy, ".onBusy", OnBusy::EXPECTED, word(OnBusy::from_name))?,
            after_restart: typed(
                after_restart,
                ".afterRestart",
                AfterRestart::EXPECTED,
                word(AfterRestart::from_name),
            )?,
            turn: typed(turn, ".turn", "a non-negative integer", Raw::as_u64)?,
            scope: typed(scope, ".scope", CancelScope::EXPECTED, word(CancelScope::from_name))?,
            reason: typed(reason, ".reason", "a string", text)?,
            unattended: typed(unattended, ".unattended", POLICY, word(|policy| policy.parse::<Unattended>().ok()))?,
            agent: typed(agent, ".agent", MainAgent::EXPECTED, word(MainAgent::from_name))?,
            accept_context_loss: typed(accept, ".acceptContextLoss", "a boolean", Raw::as_bool)?,
            lane: typed(lane, ".lane", "a string", text)?,
            lanes: typed(lanes, ".lanes", "an array of strings", texts)?,
        })
    }
}

/// Form of a policy, for an error message.
const POLICY: &str = "a policy such as \"wait\", \"wait:300s\", \"reject\" or \"allow:read,search:reject\"";

fn word<'a, T>(read: impl Fn(&str) -> Option<T>) -> impl Fn(Raw<'a>) -> Option<T> {
    move |raw| read(&raw.as_string()?)
}

fn text(raw: Raw<'_>) -> Option<String> {
    raw.as_string().map(Into::into)
}

fn texts(raw: Raw<'_>) -> Option<Vec<String>> {
    if raw.kind() == RawKind::Array { raw.elements().map(text).collect() } else { None }
}

fn typed<'a, T>(
    raw: Option<Raw<'a>>,
    member: &'static str,
    expected: &'static str,
    read: impl Fn(Raw<'a>) -> Option<T>,
) -> Result<Option<T>, MetaError> {
    match raw.filter(|raw| !raw.is_null()) {
        None => Ok(None),
        Some(raw) => read(raw).map(Some).ok_or(MetaError { member, expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::{AfterRestart, CancelScope, MainAgent, MetaError, OnBusy, RequestMeta};
    use crate::Raw;

    fn read(ours: &str) -> Result<RequestMeta, MetaError> {
        let params = format!(r#"{{"sessionId":"s","_meta":{{"theirs":1,"acp-bridge":{ours}}}}}"#);
        RequestMeta::read(Raw::parse(&params).unwrap())
    }

    #[test]
    fn every_member_is_read_and_unknown_ones_are_ignored() {
        let meta = read(
            r#"{"after":0,"key":"k\u0031","onBusy":"steer","afterRestart":"run","turn":7,"scope":"all","reason":"r",
                "unattended":"reject","agent":"dials_in","acceptContextLoss":false,"lane":"a","lanes":["a","b"],"new":[1]}"#,
        )
        .unwrap();
        let wanted = RequestMeta {
            after: Some(0),
            key: Some("k1".into()),
            on_busy: Some(OnBusy::Steer),
            after_restart: Some(AfterRestart::Run),
            turn: Some(7),
            scope: Some(CancelScope::All),
            reason: Some("r".into()),
            unattended: Some("reject".parse().unwrap()),
            agent: Some(MainAgent::DialsIn),
            accept_context_loss: Some(false),
            lane: Some("a".into()),
            lanes: Some(vec!["a".into(), "b".into()]),
        };
        assert_eq!(meta, wanted);
    }

    #[test]
    fn absent_and_null_mean_nothing_asked_for() {
        for ours in ["null", "{}", r#"{"after":null,"key":null}"#] {
            assert_eq!(read(ours), Ok(RequestMeta::default()), "{ours}");
        }
        for params in ["{}", r#"{"_meta":null}"#, r#"{"_meta":5}"#, r#"{"_meta":{}}"#, "[]"] {
            assert_eq!(RequestMeta::read(Raw::parse(params).unwrap()), Ok(RequestMeta::default()), "{params}");
        }
    }

    #[test]
    fn a_member_of_the_wrong_type_is_named() {
        for (ours, member) in [
            ("[]", ""),
            (r#"{"after":-1}"#, ".after"),
            (r#"{"after":1.5}"#, ".after"),
            (r#"{"after":"1"}"#, ".after"),
            (r#"{"key":1}"#, ".key"),
            (r#"{"onBusy":{}}"#, ".onBusy"),
            (r#"{"onBusy":"later"}"#, ".onBusy"),
            (r#"{"afterRestart":true}"#, ".afterRestart"),
            (r#"{"scope":"everything"}"#, ".scope"),
            (r#"{"reason":[]}"#, ".reason"),
            (r#"{"unattended":"allow:everything"}"#, ".unattended"),
            (r#"{"agent":"none"}"#, ".agent"),
            (r#"{"turn":true}"#, ".turn"),
            (r#"{"acceptContextLoss":"yes"}"#, ".acceptContextLoss"),
            (r#"{"lane":1}"#, ".lane"),
            (r#"{"lanes":"main"}"#, ".lanes"),
            (r#"{"lanes":["main",1]}"#, ".lanes"),
        ] {
            assert_eq!(read(ours).unwrap_err().member, member, "{ours}");
        }
    }
}
