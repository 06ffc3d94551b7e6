//! What the agent says to all: `session/update`, and notifications outside ACP.

use acp_types::meta::{META_KEY, UpdateMeta};
use acp_types::record::body::{Extension, SessionUpdated};
use acp_types::record::{Kind, Origin, Seq, Turn};
use acp_types::rewrite::{self, ParamsEdit};
use acp_types::{Raw, RawBuf, RawKind};

use super::Machine;
use super::recorder::Step;

impl Machine {
    /// One `session/update`. Params that are no object name no session and are dropped.
    pub(super) fn update(&mut self, step: &mut Step<'_>, params: Raw<'_>) {
        if params.kind() != RawKind::Object {
            return;
        }
        let turn = self.state.running();
        self.record_update(step, Origin::Agent, turn, params);
        if let Some(updated) = self.news(params) {
            self.record(step, Kind::SessionUpdated, Origin::Agent, turn, &updated);
        }
    }

    /// An `update` record of params that are an object.
    pub(super) fn record_update(
        &mut self,
        step: &mut Step<'_>,
        origin: Origin,
        turn: Option<Turn>,
        params: Raw<'_>,
    ) -> Seq {
        let body = self.for_clients(step, turn, params);
        self.record_raw(step, Kind::Update, origin, turn, body)
    }

    /// Params as clients see them, in the next record: their session id, and where it stands in the log.
    pub(super) fn for_clients(&mut self, step: &Step<'_>, turn: Option<Turn>, params: Raw<'_>) -> RawBuf {
        self.text.clear();
        self.meta.clear();
        let meta = UpdateMeta { seq: self.next_seq(), at: step.at, turn, lane: (&*self.lane).into() };
        meta.push_to(&mut self.meta);
        let meta = Some((META_KEY, Raw::trusted(&self.meta)));
        let edit = ParamsEdit { session_id: Some(self.session.as_str()), meta };
        rewrite::params_into(&mut self.text, params, &edit);
        RawBuf::trusted(self.text.as_str())
    }

    /// A notification that is no `session/update`, for every client. Those of JSON-RPC itself concern one connection.
    pub(super) fn notification(&mut self, step: &mut Step<'_>, method: String, params: Option<RawBuf>) {
        if method.starts_with("$/") {
            return;
        }
        let turn = self.state.running();
        let params = params.map(|params| self.for_clients_if_of_session(step, turn, params));
        self.record(step, Kind::Extension, Origin::Agent, turn, &Extension { method, params });
    }

    /// The same as [`Self::for_clients`] for params that may concern no session: those stay as they are.
    pub(super) fn for_clients_if_of_session(&mut self, step: &Step<'_>, turn: Option<Turn>, params: RawBuf) -> RawBuf {
        if params.as_raw().member("sessionId").is_none() {
            return params;
        }
        self.for_clients(step, turn, params.as_raw())
    }

    /// What an update changes in the session itself.
    fn news(&self, params: Raw<'_>) -> Option<SessionUpdated> {
        let update = params.member("update")?;
        let kind = update.member("sessionUpdate")?.as_string()?;
        match &*kind {
            "session_info_update" => self.new_title(update.member("title")?),
            "current_mode_update" => self.new_mode(&update.member("currentModeId")?.as_string()?),
            "config_option_update" => self.new_options(update.member("configOptions")?),
            _ => None,
        }
    }

    /// `null` clears the title.
    fn new_title(&self, title: Raw<'_>) -> Option<SessionUpdated> {
        let title = if title.is_null() { "".into() } else { title.as_string()? };
        let new = title != self.state.title().unwrap_or_default();
        new.then(|| SessionUpdated { title: Some(title.into_owned()), ..SessionUpdated::default() })
    }

    /// Nothing if the session is in that mode.
    pub(super) fn new_mode(&self, mode: &str) -> Option<SessionUpdated> {
        let new = self.state.mode() != Some(mode);
        new.then(|| SessionUpdated { mode: Some(mode.to_owned()), ..SessionUpdated::default() })
    }

    /// Nothing if these are the options that the session has.
    pub(super) fn new_options(&self, options: Raw<'_>) -> Option<SessionUpdated> {
        let new = options.kind() == RawKind::Array && self.state.config_options() != Some(options);
        new.then(|| SessionUpdated { config_options: Some(options.to_owned()), ..SessionUpdated::default() })
    }
}
