//! Where a machine comes from: a new session, or the log of one.

use std::sync::Arc;

use acp_types::meta::RequestMeta;
use acp_types::record::body::{AgentExited, AgentStarted, Outcome, SessionCreated};
use acp_types::record::{Epoch, Kind, Origin};
use acp_types::{Raw, RawBuf, SessionId, rewrite};

use super::super::lanes::Lanes;
use super::super::{AgentSource, CommandId, FirstAgent, LaneState, Output, Reply, State, mcp, start};
use super::lane::{Agent, Lane};
use super::recorder::{Core, Step};
use super::requests::Cause;
use super::{Config, Machine, wire};

impl Machine {
    /// A new session in epoch 1, with an agent that has accepted it.
    ///
    /// `params` are those of `session/new`. The output creates the session's log: seq 1 is `session_created`, seq 2
    /// `agent_started`. The log gets nothing of MCP servers but their names; all of the params are to be kept elsewhere,
    /// see [`super::super::Effect::KeepStart`].
    #[must_use]
    pub fn create(session: SessionId, config: Config, now: u64, params: &RawBuf, agent: FirstAgent) -> (Self, Output) {
        let FirstAgent { initialize, started, position, early } = agent;
        let (mut machine, mut out) = Self::begin(session, config, now, params, initialize, AgentSource::Command);
        let mut step = Step { at: now, position, out: &mut out, core: &mut machine.core };
        let main = machine.lanes.main_mut();
        main.agent = Agent::Starting { accepts_loss: false };
        main.started(&mut step, &started);
        for (position, event) in early {
            step.position = position;
            main.hear(&mut step, event);
        }
        machine.note_use(now);
        (machine, out)
    }

    /// A new session in epoch 1 without an agent: that of `main` dials in, and is given these `initialize` params. What is
    /// asked of it before waits, as for an agent that is started.
    ///
    /// The output creates the session's log, see [`Self::create`]; it has `session_created` alone.
    #[must_use]
    pub fn create_without_agent(
        session: SessionId,
        config: Config,
        now: u64,
        params: &RawBuf,
        initialize: RawBuf,
    ) -> (Self, Output) {
        Self::begin(session, config, now, params, initialize, AgentSource::DialsIn(None))
    }

    fn begin(
        session: SessionId,
        config: Config,
        now: u64,
        params: &RawBuf,
        initialize: RawBuf,
        source: AgentSource,
    ) -> (Self, Output) {
        // The gateway refuses what cannot be read.
        let unattended = RequestMeta::read(params.as_raw()).ok().and_then(|meta| meta.unattended);
        let unattended = unattended.map(|policy| policy.to_string());
        let params = wire::for_agents(params.as_raw());
        let cwd = params.as_raw().member("cwd").and_then(Raw::as_string).unwrap_or_default().into_owned();
        let (logged, redacted) = start::for_log(params.as_raw(), &config.fingerprint_key);
        let initialize =
            mcp::name_definitions(initialize.as_raw(), &config.fingerprint_key, mcp::Of::Client).unwrap_or(initialize);
        let core = Core::new(session, 1, config, State::default(), None);
        let mut machine = Self { core, lanes: Lanes::new(Lane::main()), idle_since: None };
        let mut out = Output::default();
        let mut step = Step { at: now, position: None, out: &mut out, core: &mut machine.core };
        let dialled = source.dials_in();
        let created = SessionCreated { cwd, params: logged, redacted, initialize, unattended, dialled };
        machine.lanes.main_mut().record(&mut step, Kind::SessionCreated, Origin::Host, None, &created);
        step.set_start_params(params);
        (machine, out)
    }

    /// A session that exists, claimed in `epoch`, from what its log says.
    ///
    /// The output closes what a crash has left open and is to be appended before anything else: a turn that ran is
    /// interrupted, what it asked is resolved, the agents are gone. Agents behind a link are not: their turns and requests
    /// stay open, and they are waited for ([`super::super::Effect::AwaitAgent`]). Queued turns wait until a client attaches, prompts or
    /// cancels; but as many from the head of a lane's queue as were told to run after a restart run at once, in order: one
    /// behind a turn that waits does too. What waited where the session was written elsewhere does not run: it is interrupted.
    ///
    /// `kept` are the params of the last [`super::super::Effect::KeepStart`] of this host or one before it. Without them
    /// the agents are started without MCP servers, until an attach brings some: the log's word starts none.
    #[must_use]
    pub fn recover(
        session: SessionId,
        epoch: Epoch,
        state: State,
        config: Config,
        now: u64,
        kept: Option<RawBuf>,
    ) -> (Self, Output) {
        let lanes = lanes_of(&state);
        let mut machine = Self { core: Core::new(session, epoch, config, state, kept), lanes, idle_since: None };
        let mut out = Output::default();
        let mut step = Step { at: now, position: None, out: &mut out, core: &mut machine.core };
        let mut goes_on = false;
        for lane in machine.lanes.iter_mut() {
            goes_on |= lane.close_what_a_crash_left(&mut step);
        }
        if goes_on {
            step.core.attendance.expect(now);
        }
        (machine, out)
    }
}

/// The lanes that a log has, each with an agent that is to be started when it is needed.
fn lanes_of(state: &State) -> Lanes<Lane> {
    let mut lanes = Lanes::new(Lane::main());
    for logged in state.lanes() {
        // `main` is there.
        lanes.join(Arc::clone(logged.name()), Lane::new(Arc::clone(logged.name())));
    }
    lanes
}

impl Lane {
    /// Whether its agent, and so its turn, goes on.
    fn close_what_a_crash_left(&mut self, step: &mut Step<'_>) -> bool {
        self.end_what_waited_elsewhere(step);
        self.paused = self.next(step).is_some();
        if self.await_agent(step) {
            return true;
        }
        if self.logged(step.state()).is_some_and(LaneState::agent_alive) {
            let reason = "the bridge stopped, and the agent with it".to_owned();
            let exited = AgentExited { reason, expected: false };
            self.record(step, Kind::AgentExited, Origin::Host, None, &exited);
        }
        self.resolve_all(step, Cause::RECOVERED);
        if let Some(turn) = self.running(step) {
            let reason = "the bridge stopped while the turn ran; what the agent did after the last record is unknown";
            let outcome = Outcome::Interrupted { reason: reason.to_owned() };
            self.end_turn(step, turn, Origin::Host, &outcome);
        }
        for turn in self.steering(step) {
            self.offer_lost(step, turn, "the bridge stopped before it was said");
        }
        self.advance(step);
        false
    }

    /// What was queued where the session was written elsewhere is no prompt of anybody here.
    fn end_what_waited_elsewhere(&mut self, step: &mut Step<'_>) {
        let foreign = self.queued(step).into_iter().filter(|&turn| step.state().is_of_elsewhere(turn));
        for turn in foreign.collect::<Vec<_>>() {
            let reason = "it waited where the session was written, and nothing of that runs here; send it again";
            self.end_turn(step, turn, Origin::Host, &Outcome::Interrupted { reason: reason.to_owned() });
        }
    }

    /// How an agent started, as the log has it: what it repeats of MCP servers only names them.
    pub(super) fn logged_start(step: &Step<'_>, started: &AgentStarted) -> AgentStarted {
        let named = |said: &RawBuf| {
            mcp::name_definitions(said.as_raw(), &step.config().fingerprint_key, mcp::Of::Agent)
                .unwrap_or_else(|| said.clone())
        };
        AgentStarted { initialize: named(&started.initialize), state: named(&started.state), ..started.clone() }
    }
}

impl Lanes<Lane> {
    /// A client attaches: what its params say of MCP servers and directories holds for the agents' next start. An empty
    /// list says nothing: a viewer that knows of no servers must not take away those of the client that made the session.
    ///
    /// But whoever opens a session that is at rest by ACP's own methods, which name `cwd`, names all directories: those
    /// that it does not name are not restored.
    pub(super) fn attach(&mut self, step: &mut Step<'_>, command: CommandId, params: &RawBuf) {
        let nobody = step.state().closed() || step.core.attendance.is_unattended();
        let rests = nobody && self.iter().all(|lane| lane.agent == Agent::Absent);
        let opens = rests && params.as_raw().member("cwd").is_some();
        let mut next = step.start_params().clone();
        for key in ["mcpServers", "additionalDirectories"] {
            let named = params.as_raw().member(key).filter(|value| value.elements().next().is_some());
            let had = next.as_raw().member(key).is_some_and(|value| value.elements().next().is_some());
            if let Some(value) = named {
                next = rewrite::set_member(next.as_raw(), key, value);
            } else if opens && had && key == "additionalDirectories" {
                next = rewrite::set_member(next.as_raw(), key, Raw::trusted("[]"));
            }
        }
        step.set_start_params(next);
        step.reply(command, Ok(Reply::State(step.state().main().session_result())));
        for lane in self.iter_mut() {
            lane.paused = false;
            lane.advance(step);
        }
    }
}
