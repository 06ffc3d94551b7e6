//! Where a machine comes from: a new session, or the log of one.

use acp_types::record::body::{AgentExited, AgentStarted, Outcome, SessionCreated};
use acp_types::record::{Epoch, Kind, Origin};
use acp_types::{Raw, RawBuf, SessionId, rewrite};

use super::super::redact::{redact, without_redacted_servers};
use super::super::{CommandId, FromAgent, Input, Output, Reply, State};
use super::calls::Calls;
use super::recorder::Step;
use super::requests::{Cause, OpenRequests};
use super::{Agent, Config, Machine, wire};

impl Machine {
    /// A new session in epoch 1, with an agent that has accepted it.
    ///
    /// `params` are those of `session/new` and `initialize` those that the agent was given; `early` is what the agent
    /// has said since. The output creates the session's log: seq 1 is `session_created`, seq 2 `agent_started`. The
    /// values of MCP servers' environment and headers stay in memory, see [`redact`].
    #[must_use]
    pub fn create(
        session: SessionId,
        config: Config,
        now: u64,
        params: &RawBuf,
        initialize: RawBuf,
        started: AgentStarted,
        early: Vec<FromAgent>,
    ) -> (Self, Output) {
        let params = wire::without_our_meta(params.as_raw());
        let cwd = params.as_raw().member("cwd").and_then(Raw::as_string).unwrap_or_default().into_owned();
        let (kept, redacted) = redact(params.as_raw());
        let mut machine = Self::new(session, 1, config, State::default(), params);
        let mut out = Output::default();
        let mut step = Step { at: now, out: &mut out };
        let created = SessionCreated { cwd, params: kept, redacted, initialize };
        machine.record(&mut step, Kind::SessionCreated, Origin::Host, None, &created);
        machine.agent = Agent::Starting { accepts_loss: false };
        machine.started(&mut step, &started);
        for event in early {
            machine.handle(now, Input::Agent(event), &mut out);
        }
        (machine, out)
    }

    /// A session that exists, claimed in `epoch`, from what its log says.
    ///
    /// The output closes what a crash has left open and is to be appended before anything else: a turn that ran is
    /// interrupted, what it asked is resolved, the agent is gone. Queued turns wait until a client attaches, prompts or
    /// cancels. MCP servers whose secrets were lost with the old process are left out of the agent's next start, until
    /// an attach brings them again.
    #[must_use]
    pub fn recover(session: SessionId, epoch: Epoch, state: State, config: Config, now: u64) -> (Self, Output) {
        let start_params = match state.created() {
            Some(created) if created.redacted => without_redacted_servers(created.params.as_raw()),
            Some(created) => created.params.clone(),
            None => Raw::EMPTY_OBJECT.to_owned(),
        };
        let mut machine = Self::new(session, epoch, config, state, start_params);
        machine.paused = machine.state.queue().len() > 0;
        let mut out = Output::default();
        machine.close_what_a_crash_left(&mut Step { at: now, out: &mut out });
        (machine, out)
    }

    fn new(session: SessionId, epoch: Epoch, config: Config, state: State, start_params: RawBuf) -> Self {
        Self {
            session,
            epoch,
            config,
            state,
            agent: Agent::Absent,
            paused: false,
            cancel_deadline: None,
            calls: Calls::default(),
            requests: OpenRequests::default(),
            start_params,
            lane: Self::main_lane(),
            text: String::new(),
            meta: String::new(),
        }
    }

    fn close_what_a_crash_left(&mut self, step: &mut Step<'_>) {
        if self.state.agent_alive() {
            let reason = "the bridge stopped, and the agent with it".to_owned();
            let exited = AgentExited { reason, expected: false };
            self.record(step, Kind::AgentExited, Origin::Host, None, &exited);
        }
        self.resolve_all(step, Cause::RECOVERED);
        if let Some(turn) = self.state.running() {
            let reason = "the bridge stopped while the turn ran; what the agent did after the last record is unknown";
            let outcome = Outcome::Interrupted { reason: reason.to_owned() };
            self.end_turn(step, turn, Origin::Host, &outcome);
        }
    }

    /// A client attaches: what its params say of MCP servers and directories holds for the agent's next start. An empty
    /// list says nothing: a viewer that knows of no servers must not take away those of the client that made the session.
    pub(super) fn attach(&mut self, step: &mut Step<'_>, command: CommandId, params: &RawBuf) {
        for key in ["mcpServers", "additionalDirectories"] {
            if let Some(value) = params.as_raw().member(key).filter(|value| value.elements().next().is_some()) {
                self.start_params = rewrite::set_member(self.start_params.as_raw(), key, value);
            }
        }
        step.reply(command, Ok(Reply::State(self.state.session_result())));
        self.paused = false;
        self.advance(step);
    }
}
