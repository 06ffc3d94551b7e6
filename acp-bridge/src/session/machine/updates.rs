//! What a lane's agent says to all: `session/update`, and notifications outside ACP.

use acp_types::meta::{META_KEY, UpdateMeta, reserved};
use acp_types::method::{Notification as _, v1};
use acp_types::record::body::{Extension, SessionUpdated};
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use acp_types::rewrite::{self, ParamsEdit};
use acp_types::{Raw, RawBuf, RawKind};

use super::admission::clean;
use super::lane::Lane;
use super::recorder::{Core, Step};

const UPDATE: &str = v1::SessionUpdate::METHOD.name;

impl Lane {
    /// One `session/update`. Params that are no object name no session: nobody can be shown them.
    pub(super) fn update(&mut self, step: &mut Step<'_>, params: Raw<'_>) {
        if params.kind() != RawKind::Object {
            return self.lost_message(step, "the params of a session/update are not an object");
        }
        if let Some(fault) = self.fault(step, UPDATE, Some(params)) {
            return self.warn_of(step, UPDATE, fault);
        }
        let turn = self.running(step);
        self.record_update(step, Origin::Agent, turn, params);
        if let Some(updated) = self.news(step, params) {
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
        // What the bridge says in its own name has its key.
        let body = if origin == Origin::Host {
            self.placed(step, turn, params)
        } else {
            self.for_clients(step, turn, params)
        };
        self.record_raw(step, Kind::Update, origin, turn, body)
    }

    /// Something that the agent said is lost, and every client is told: what they show has a hole.
    pub(super) fn lost_message(&mut self, step: &mut Step<'_>, reason: &str) {
        let turn = self.running(step);
        let notice = serde_json::json!({
            "sessionId": step.core.session,
            "update": {
                "sessionUpdate": "notice",
                "severity": "warning",
                "title": "A message of the agent is lost",
                "description": reason,
            },
        });
        // Strings can always be written.
        if let Ok(params) = RawBuf::encode(&notice) {
            self.record_update(step, Origin::Host, turn, params.as_raw());
        }
    }

    /// Params as clients see them, in the next record: their session id, and where it stands in the log, which nobody
    /// else may say.
    pub(super) fn for_clients(&self, step: &mut Step<'_>, turn: Option<Turn>, params: Raw<'_>) -> RawBuf {
        let clean = reserved::without_our_key(params);
        self.placed(step, turn, clean.as_ref().map_or(params, RawBuf::as_raw))
    }

    /// Params with the session's id as clients know it, and with their place in the log.
    fn placed(&self, step: &mut Step<'_>, turn: Option<Turn>, params: Raw<'_>) -> RawBuf {
        let meta = UpdateMeta { seq: step.next_seq(), at: step.at, turn, lane: (&*self.name).into() };
        let Core { text, meta: meta_text, session, .. } = &mut *step.core;
        text.clear();
        meta_text.clear();
        meta.push_to(meta_text);
        let meta = Some((META_KEY, Raw::trusted(meta_text)));
        let edit = ParamsEdit { session_id: Some(session.as_str()), meta };
        rewrite::params_into(text, params, &edit);
        RawBuf::trusted(text.as_str())
    }

    /// A notification that is no `session/update`, for every client. Those of JSON-RPC itself concern one connection.
    pub(super) fn notification(&mut self, step: &mut Step<'_>, method: String, params: Option<RawBuf>) {
        if method.starts_with("$/") {
            return;
        }
        if let Some(fault) = self.fault(step, &method, params.as_ref().map(RawBuf::as_raw)) {
            return self.warn_of(step, &method, fault);
        }
        let turn = self.running(step);
        let params = params.map(|params| self.for_clients_if_of_session(step, turn, params));
        self.record(step, Kind::Extension, Origin::Agent, turn, &Extension { method, params });
    }

    /// The same as [`Self::for_clients`] for params that may concern no session: to those nothing is added.
    pub(super) fn for_clients_if_of_session(&self, step: &mut Step<'_>, turn: Option<Turn>, params: RawBuf) -> RawBuf {
        if params.as_raw().member("sessionId").is_none() {
            return clean(params);
        }
        self.for_clients(step, turn, params.as_raw())
    }

    /// What an update changes in the session or the lane itself.
    fn news(&mut self, step: &Step<'_>, params: Raw<'_>) -> Option<SessionUpdated> {
        let update = params.member("update")?;
        let kind = update.member("sessionUpdate")?.as_string()?;
        match &*kind {
            "session_info_update" => self.new_title(step, update.member("title")?),
            "current_mode_update" => {
                let mode = update.member("currentModeId")?.as_string()?;
                self.agent_told(Some(&mode), None);
                self.new_mode(step, &mode)
            }
            "config_option_update" => {
                let options = update.member("configOptions")?;
                self.agent_told(None, Some(options));
                self.new_options(step, options)
            }
            _ => None,
        }
    }

    /// `null` clears the title. It is the session's, and what `main` says counts: the agents of other lanes only know
    /// what was asked of them.
    fn new_title(&self, step: &Step<'_>, title: Raw<'_>) -> Option<SessionUpdated> {
        let title = if title.is_null() { "".into() } else { title.as_string()? };
        let new = &*self.name == Record::MAIN_LANE && title != step.state().title().unwrap_or_default();
        new.then(|| SessionUpdated { title: Some(title.into_owned()), ..SessionUpdated::default() })
    }

    /// Nothing if the lane's agent is in that mode.
    pub(super) fn new_mode(&self, step: &Step<'_>, mode: &str) -> Option<SessionUpdated> {
        let new = self.logged(step.state())?.settings().mode_in_force() != Some(mode);
        new.then(|| SessionUpdated { mode: Some(mode.to_owned()), ..SessionUpdated::default() })
    }

    /// Nothing if these are the options that the lane's agent has.
    pub(super) fn new_options(&self, step: &Step<'_>, options: Raw<'_>) -> Option<SessionUpdated> {
        let new = options.kind() == RawKind::Array
            && self.logged(step.state())?.settings().options_in_force() != Some(options);
        new.then(|| SessionUpdated { config_options: Some(options.to_owned()), ..SessionUpdated::default() })
    }
}
