//! Reading the few members of a request's params that the gateway needs; the rest passes untouched.

use acp_types::meta::{RequestMeta, Unattended};
use acp_types::record::Turn;
use acp_types::{Raw, RawBuf, RawKind, SessionId};

use crate::log::ListQuery;
use crate::service::validate;
use crate::view::error::RequestError;
use crate::view::history::{Begin, HistoryPolicy};
use crate::view::lanes::LaneFilter;
use crate::view::request::Attach;
use crate::view::role::Role;

/// Sessions in one answer to `session/list`.
pub(crate) const PAGE: usize = 100;

/// Session ids longer than this name nothing, and would otherwise be repeated in errors.
const MAX_ID: usize = 256;

/// Bytes of `clientInfo`: it is kept while the client is there, and repeated to the others.
const MAX_INFO: usize = 4096;

/// Returns whether a `clientInfo` is one, and small enough to be kept.
pub(super) fn fits(info: Raw<'_>) -> bool {
    info.kind() == RawKind::Object && info.as_str().len() <= MAX_INFO
}

/// Params of a request or notification.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Params<'a>(Option<Raw<'a>>);

impl<'a> Params<'a> {
    pub(crate) fn new(params: Option<Raw<'a>>) -> Self {
        Self(params)
    }

    pub(crate) fn raw(self) -> Option<Raw<'a>> {
        self.0
    }

    pub(crate) fn to_owned(self) -> Option<RawBuf> {
        self.0.map(Raw::to_owned)
    }

    /// Params as an object; without params, an empty one.
    pub(crate) fn object(self) -> Result<RawBuf, RequestError> {
        match self.0 {
            None => Ok(Raw::EMPTY_OBJECT.to_owned()),
            Some(params) if params.kind() == RawKind::Object => Ok(params.to_owned()),
            Some(_) => Err(RequestError::Params("the params must be an object".to_owned())),
        }
    }

    /// Session that they name: `sessionId`.
    pub(crate) fn session(self) -> Result<SessionId, RequestError> {
        let id = self.member("sessionId").and_then(Raw::as_string);
        match id {
            Some(id) if id.len() <= MAX_ID => Ok(SessionId::from(&*id)),
            Some(_) => Err(RequestError::Params(format!("`sessionId` is longer than {MAX_ID} bytes"))),
            None => Err(RequestError::Params("`sessionId` is missing or not a string".to_owned())),
        }
    }

    /// Returns whether there is a `sessionId`, whatever it is.
    pub(crate) fn names_session(self) -> bool {
        self.member("sessionId").is_some_and(|id| !id.is_null())
    }

    /// Reads our part of `_meta`.
    pub(crate) fn meta(self) -> Result<RequestMeta, RequestError> {
        let Some(params) = self.0 else { return Ok(RequestMeta::default()) };
        let meta = RequestMeta::read(params).map_err(|error| RequestError::Params(error.to_string()))?;
        validate::key(meta.key.as_deref())?;
        Ok(meta)
    }

    /// Lanes that the client wants to see: `lanes` of our part of `_meta`. A lane that is not there yet can be named.
    pub(crate) fn lanes(self) -> Result<LaneFilter, RequestError> {
        let lanes = self.meta()?.lanes;
        if lanes.as_ref().is_some_and(|lanes| lanes.len() > LaneFilter::MAX_NAMES) {
            return Err(RequestError::Params(format!(
                "`_meta[\"acp-bridge\"].lanes` has more than {} names: leave it out to see all",
                LaneFilter::MAX_NAMES
            )));
        }
        Ok(LaneFilter::new(lanes))
    }

    /// Checks what `session/new`, `load` and `resume` need: an absolute `cwd`, and a list of MCP servers if any.
    pub(crate) fn check_workspace(self) -> Result<(), RequestError> {
        validate::workspace(self.0).map_err(RequestError::from)
    }

    /// Checks that `protocolVersion` is a number; which one does not matter, since there is one answer.
    pub(crate) fn check_initialize(self) -> Result<(), RequestError> {
        match self.member("protocolVersion").map(Raw::kind) {
            Some(RawKind::Number) => Ok(()),
            _ => Err(RequestError::Params("`protocolVersion` is missing or not a number".to_owned())),
        }
    }

    /// Query of `session/list`. Its cursor is the id of the last session of the page before.
    pub(crate) fn list_query(self) -> Result<ListQuery, RequestError> {
        let cwd = self.optional_text("cwd")?;
        let after = self.optional_text("cursor")?.map(SessionId::from);
        Ok(ListQuery { cwd, after, limit: PAGE })
    }

    /// Wishes of a `session/attach`. Our own cursor wins over `historyPolicy`.
    pub(crate) fn attach(self) -> Result<Attach, RequestError> {
        let role = match self.optional_text("role")? {
            None => Role::Controller,
            Some(name) => Role::named(&name)
                .ok_or_else(|| RequestError::Params("`role` is neither \"controller\" nor \"observer\"".to_owned()))?,
        };
        let policy = match self.optional_text("historyPolicy")? {
            None => HistoryPolicy::Full,
            Some(name) => HistoryPolicy::named(&name)
                .ok_or_else(|| RequestError::Params(format!("`historyPolicy` is not {}", HistoryPolicy::NAMES)))?,
        };
        let message = self.short_text("afterMessageId")?;
        let (policy, begin) = match (self.meta()?.after, policy, message) {
            (Some(after), ..) => (HistoryPolicy::Full, Begin::After(after)),
            (None, HistoryPolicy::Full | HistoryPolicy::AfterMessage, Some(message)) => {
                (policy, Begin::Message(message))
            }
            (None, HistoryPolicy::AfterMessage, None) => {
                return Err(RequestError::Params("`afterMessageId` is missing: \"after_message\" needs it".to_owned()));
            }
            (None, HistoryPolicy::Full, None) => (policy, Begin::Oldest),
            (None, HistoryPolicy::PendingOnly | HistoryPolicy::None, _) => (policy, Begin::Head),
        };
        let info = match self.member("clientInfo").filter(|info| !info.is_null()) {
            Some(info) if !fits(info) => {
                let message = format!("`clientInfo` is not an object of at most {MAX_INFO} bytes");
                return Err(RequestError::Params(message));
            }
            info => info.map(Raw::to_owned),
        };
        let client = self.short_text("clientId")?.map(Into::into);
        Ok(Attach { role, client, info, policy, begin })
    }

    /// Name: a string that is not empty and not long, since it is kept and repeated.
    fn short_text(self, key: &str) -> Result<Option<String>, RequestError> {
        let text = self.optional_text(key)?;
        if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > MAX_ID) {
            return Err(RequestError::Params(format!("`{key}` is empty or longer than {MAX_ID} bytes")));
        }
        Ok(text)
    }

    /// Turn, named by the seq of its prompt.
    pub(crate) fn turn(self, key: &str) -> Result<Turn, RequestError> {
        let turn = self.optional_turn(key)?;
        turn.ok_or_else(|| RequestError::Params(format!("`{key}` is missing: name a turn")))
    }

    /// Turn that may be left out.
    pub(crate) fn optional_turn(self, key: &str) -> Result<Option<Turn>, RequestError> {
        match self.member(key).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => {
                let turn = value.as_u64().map(Some);
                turn.ok_or_else(|| RequestError::Params(format!("`{key}` is no turn: it is the seq of a prompt")))
            }
        }
    }

    /// Content blocks of `prompt`.
    pub(crate) fn content(self) -> Result<RawBuf, RequestError> {
        let prompt = self.member("prompt");
        validate::prompt(prompt)?;
        Ok(prompt.unwrap_or(Raw::EMPTY_ARRAY).to_owned())
    }

    /// Policy `unattended`, which must be there; `null` for that of the server.
    pub(crate) fn policy(self) -> Result<Option<Unattended>, RequestError> {
        match self.member("unattended") {
            Some(value) if value.is_null() => Ok(None),
            Some(value) => {
                let text = value.as_string().unwrap_or_else(|| value.as_str().into());
                validate::policy(&text).map(Some).map_err(RequestError::from)
            }
            None => {
                Err(RequestError::Params("`unattended` is missing: name a policy, or null for the server's".to_owned()))
            }
        }
    }

    /// Member that must be a string.
    pub(crate) fn text(self, key: &str) -> Result<String, RequestError> {
        let text = self.optional_text(key)?;
        text.ok_or_else(|| RequestError::Params(format!("`{key}` is missing")))
    }

    fn optional_text(self, key: &str) -> Result<Option<String>, RequestError> {
        match self.member(key).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => match value.as_string() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(RequestError::Params(format!("`{key}` is not a string"))),
            },
        }
    }

    fn member(self, key: &str) -> Option<Raw<'a>> {
        self.0?.member(key)
    }
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;
    use serde_json::json;

    use super::{LaneFilter, Params};
    use crate::view::error::RequestError;

    fn read(ours: &serde_json::Value) -> Result<LaneFilter, RequestError> {
        let params = RawBuf::encode(&json!({ "sessionId": "s", "_meta": { "acp-bridge": ours } })).unwrap();
        Params::new(Some(params.as_raw())).lanes()
    }

    #[test]
    fn without_a_filter_every_lane_is_shown() {
        let plain = Params::new(None).lanes().unwrap();
        for filter in [plain, read(&json!({ "after": 1 })).unwrap(), LaneFilter::default()] {
            assert!(filter.shows("main") && filter.shows("b"));
        }
    }

    #[test]
    fn a_filter_shows_what_it_names_and_nothing_else() {
        let filter = read(&json!({ "lanes": ["b", "c"] })).unwrap();
        assert!(filter.shows("b") && filter.shows("c") && !filter.shows("main") && !filter.shows("B"));
        assert!(!read(&json!({ "lanes": [] })).unwrap().shows("main"));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for wrong in [json!("b"), json!([1]), json!({ "b": true })] {
            assert!(matches!(read(&json!({ "lanes": wrong })), Err(RequestError::Params(_))));
        }
        let names = |count: usize| (0..count).map(|lane| lane.to_string()).collect::<Vec<_>>();
        assert!(read(&json!({ "lanes": names(LaneFilter::MAX_NAMES) })).is_ok());
        let refused = read(&json!({ "lanes": names(LaneFilter::MAX_NAMES + 1) }));
        assert!(matches!(refused, Err(RequestError::Params(message)) if message.contains("64")));
    }
}
