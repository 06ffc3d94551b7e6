//! Reading the few members of a request's params that the gateway needs; the rest passes untouched.

use acp_types::meta::{RequestMeta, Unattended};
use acp_types::record::Turn;
use acp_types::{ErrorObjectOwned, Raw, RawBuf, RawKind, SessionId};

use super::attach::{Attach, MAX_INFO, fits};
use crate::view::history::{Begin, HistoryPolicy};
use crate::view::role::Role;
use crate::view::{refusal, refused};
use crate::log::ListQuery;
use crate::service::validate;

/// Sessions in one answer to `session/list`.
pub(crate) const PAGE: usize = 100;

/// Session ids longer than this name nothing, and would otherwise be repeated in errors.
const MAX_ID: usize = 256;

/// The params of a request or notification.
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

    /// As an object; without params, an empty one.
    pub(crate) fn object(self) -> Result<RawBuf, ErrorObjectOwned> {
        match self.0 {
            None => Ok(Raw::EMPTY_OBJECT.to_owned()),
            Some(params) if params.kind() == RawKind::Object => Ok(params.to_owned()),
            Some(_) => Err(refusal::invalid_params("the params must be an object")),
        }
    }

    /// `sessionId`.
    pub(crate) fn session(self) -> Result<SessionId, ErrorObjectOwned> {
        let id = self.member("sessionId").and_then(Raw::as_string);
        match id {
            Some(id) if id.len() <= MAX_ID => Ok(SessionId::from(&*id)),
            Some(_) => Err(refusal::invalid_params(format!("`sessionId` is longer than {MAX_ID} bytes"))),
            None => Err(refusal::invalid_params("`sessionId` is missing or not a string")),
        }
    }

    /// `_meta["acp-bridge"]`.
    pub(crate) fn meta(self) -> Result<RequestMeta, ErrorObjectOwned> {
        let Some(params) = self.0 else { return Ok(RequestMeta::default()) };
        let meta = RequestMeta::read(params).map_err(|error| refusal::invalid_params(error.to_string()))?;
        validate::key(meta.key.as_deref()).map_err(|why| refused::invalid(&why))?;
        Ok(meta)
    }

    /// Checks what `session/new`, `load` and `resume` need: an absolute `cwd`, and a list of MCP servers if any.
    pub(crate) fn check_workspace(self) -> Result<(), ErrorObjectOwned> {
        validate::workspace(self.0).map_err(|why| refused::invalid(&why))
    }

    /// Checks that `protocolVersion` is a number; which one does not matter, since there is one answer.
    pub(crate) fn check_initialize(self) -> Result<(), ErrorObjectOwned> {
        match self.member("protocolVersion").map(Raw::kind) {
            Some(RawKind::Number) => Ok(()),
            _ => Err(refusal::invalid_params("`protocolVersion` is missing or not a number")),
        }
    }

    /// The query of `session/list`. Its cursor is the id of the last session of the page before.
    pub(crate) fn list_query(self) -> Result<ListQuery, ErrorObjectOwned> {
        let cwd = self.optional_text("cwd")?;
        let after = self.optional_text("cursor")?.map(SessionId::from);
        Ok(ListQuery { cwd, after, limit: PAGE })
    }

    /// What `session/attach` asks for. Our own cursor wins over `historyPolicy`.
    pub(crate) fn attach(self) -> Result<Attach, ErrorObjectOwned> {
        let role = match self.optional_text("role")? {
            None => Role::Controller,
            Some(name) => Role::named(&name)
                .ok_or_else(|| refusal::invalid_params("`role` is neither \"controller\" nor \"observer\""))?,
        };
        let policy = match self.optional_text("historyPolicy")? {
            None => HistoryPolicy::Full,
            Some(name) => HistoryPolicy::named(&name)
                .ok_or_else(|| refusal::invalid_params(format!("`historyPolicy` is not {}", HistoryPolicy::NAMES)))?,
        };
        let message = self.short_text("afterMessageId")?;
        let (policy, begin) = match (self.meta()?.after, policy, message) {
            (Some(after), ..) => (HistoryPolicy::Full, Begin::After(after)),
            (None, HistoryPolicy::Full | HistoryPolicy::AfterMessage, Some(message)) => {
                (policy, Begin::Message(message))
            }
            (None, HistoryPolicy::AfterMessage, None) => {
                return Err(refusal::invalid_params("`afterMessageId` is missing: \"after_message\" needs it"));
            }
            (None, HistoryPolicy::Full, None) => (policy, Begin::Oldest),
            (None, HistoryPolicy::PendingOnly | HistoryPolicy::None, _) => (policy, Begin::Head),
        };
        let info = match self.member("clientInfo").filter(|info| !info.is_null()) {
            Some(info) if !fits(info) => {
                let message = format!("`clientInfo` is not an object of at most {MAX_INFO} bytes");
                return Err(refusal::invalid_params(message));
            }
            info => info.map(Raw::to_owned),
        };
        let client = self.short_text("clientId")?.map(Into::into);
        Ok(Attach { role, client, info, policy, begin })
    }

    /// A name: a string that is not empty and not long, since it is kept and repeated.
    fn short_text(self, key: &str) -> Result<Option<String>, ErrorObjectOwned> {
        let text = self.optional_text(key)?;
        if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > MAX_ID) {
            return Err(refusal::invalid_params(format!("`{key}` is empty or longer than {MAX_ID} bytes")));
        }
        Ok(text)
    }

    /// A turn, named by the seq of its prompt.
    pub(crate) fn turn(self, key: &str) -> Result<Turn, ErrorObjectOwned> {
        let turn = self.optional_turn(key)?;
        turn.ok_or_else(|| refusal::invalid_params(format!("`{key}` is missing: name a turn")))
    }

    /// The same where it may be left out.
    pub(crate) fn optional_turn(self, key: &str) -> Result<Option<Turn>, ErrorObjectOwned> {
        match self.member(key).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => {
                let turn = value.as_u64().map(Some);
                turn.ok_or_else(|| refusal::invalid_params(format!("`{key}` is no turn: it is the seq of a prompt")))
            }
        }
    }

    /// The content blocks of `prompt`.
    pub(crate) fn content(self) -> Result<RawBuf, ErrorObjectOwned> {
        let prompt = self.member("prompt");
        validate::prompt(prompt).map_err(|why| refused::invalid(&why))?;
        Ok(prompt.unwrap_or(Raw::EMPTY_ARRAY).to_owned())
    }

    /// `unattended`, which must be there: a policy, or `null` for that of the server.
    pub(crate) fn policy(self) -> Result<Option<Unattended>, ErrorObjectOwned> {
        match self.member("unattended") {
            Some(value) if value.is_null() => Ok(None),
            Some(value) => {
                let text = value.as_string().unwrap_or_else(|| value.as_str().into());
                validate::policy(&text).map(Some).map_err(|why| refused::invalid(&why))
            }
            None => Err(refusal::invalid_params("`unattended` is missing: name a policy, or null for the server's")),
        }
    }

    /// A member that must be a string.
    pub(crate) fn text(self, key: &str) -> Result<String, ErrorObjectOwned> {
        let text = self.optional_text(key)?;
        text.ok_or_else(|| refusal::invalid_params(format!("`{key}` is missing")))
    }

    fn optional_text(self, key: &str) -> Result<Option<String>, ErrorObjectOwned> {
        match self.member(key).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => match value.as_string() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(refusal::invalid_params(format!("`{key}` is not a string"))),
            },
        }
    }

    fn member(self, key: &str) -> Option<Raw<'a>> {
        self.0?.member(key)
    }
}
