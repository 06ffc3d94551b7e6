//! The host's side of a session: from commands and agent traffic to records and effects.

mod across_lanes;
mod admission;
mod agent;
mod announce;
mod calls;
mod children;
mod config;
mod joining;
mod lane;
mod presence;
mod queue;
mod requests;
mod restore;
mod start_plan;
mod steering;
mod transition;

use std::sync::Arc;

use acp_types::meta::RequestMeta;
use acp_types::record::body::SessionCreated;
use acp_types::record::{Epoch, Kind, Origin};
use acp_types::{Raw, RawBuf, SessionId};

pub use config::Config;

use super::lanes::Lanes;
use super::{AgentSource, FirstAgent, Output, State, mcp, start, wire};
use lane::Lane;
use transition::{Core, Transition};

/// Machine: a session as its host runs it.
///
/// Whoever drives it hands in what happens, appends [`Output::records`] as one batch and, once they are on stable
/// storage, runs [`Output::effects`] in order. If the append fails the machine is dropped and made anew from the log:
/// its state has the records in it already.
///
/// Inputs may be handed in one after the other before anything is appended, but what comes of a start
/// ([`FromAgent::Started`](super::FromAgent::Started), [`FromAgent::StartFailed`](super::FromAgent::StartFailed)) only
/// while no effect waits: one of them might take it back.
///
/// Each lane has an agent of its own with turns, stops and recovery of its own; what the lanes share is the log, the
/// limits and the params of the agents' starts.
///
/// Whatever comes in, in whatever order, it does not panic; what cannot be meant (an answer to nothing, traffic of an
/// agent that was stopped) is dropped. What an agent says in the bridge's name, or of a session that it does not have, is
/// refused: a request with an error, anything else with a warning.
#[derive(Debug)]
pub struct Machine {
    core: Core,
    lanes: Lanes<Lane>,
    idle_since: Option<u64>,
}

/// Creation, recovery and shutdown.
impl Machine {
    /// A new session in epoch 1, with an agent that has accepted it.
    ///
    /// `params` are those of `session/new`. The output creates the session's log: seq 1 is `session_created`, seq 2
    /// `agent_started`. The log gets nothing of MCP servers but their names; all of the params are to be kept elsewhere,
    /// see [`super::Effect::KeepStart`].
    #[must_use]
    pub fn create(session: SessionId, config: Config, now: u64, params: &RawBuf, agent: FirstAgent) -> (Self, Output) {
        let FirstAgent { initialize, started, position, early } = agent;
        let (mut machine, mut out) = Self::begin(session, config, now, params, initialize, AgentSource::Command);
        let (mut cx, lanes) = machine.parts(now, position, &mut out);
        let main = lanes.main_mut();
        main.begin_with(&mut cx, &started);
        for (position, event) in early {
            main.on_agent_event(cx.at_position(position), event);
        }
        machine.idle_since = machine.is_idle().then_some(now);
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
        let (mut cx, _) = machine.parts(now, None, &mut out);
        let dialled = source.dials_in();
        let created = SessionCreated { cwd, params: logged, redacted, initialize, unattended, dialled };
        cx.record(Kind::SessionCreated, Origin::Host, None, &created);
        cx.set_start_params(params);
        (machine, out)
    }

    /// A session that exists, claimed in `epoch`, from what its log says.
    ///
    /// The output closes what a crash has left open and is to be appended before anything else: a turn that ran is
    /// interrupted, what it asked is resolved, the agents are gone. Agents behind a link are not: their turns and requests
    /// stay open, and they are waited for ([`super::Effect::AwaitAgent`]). Queued turns wait until a client attaches, prompts or
    /// cancels; but as many from the head of a lane's queue as were told to run after a restart run at once, in order: one
    /// behind a turn that waits does too. What waited where the session was written elsewhere does not run: it is interrupted.
    ///
    /// `kept` are the params of the last [`super::Effect::KeepStart`] of this host or one before it. Without them
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
        let mut lanes = Lanes::new(Lane::main());
        for logged in state.lanes() {
            // `main` is there.
            lanes.join(Arc::clone(logged.name()), Lane::new(Arc::clone(logged.name())));
        }
        let mut machine = Self { core: Core::new(session, epoch, config, state, kept), lanes, idle_since: None };
        let mut out = Output::default();
        let (mut cx, lanes) = machine.parts(now, None, &mut out);
        let mut goes_on = false;
        for lane in lanes.iter_mut() {
            goes_on |= lane.recover(&mut cx.of(lane.name()));
        }
        if goes_on {
            cx.presence_mut().expect(now);
        }
        (machine, out)
    }

    /// The bridge goes down in good order: running turns end here, since nobody will see how the agents would have
    /// ended them, but for those of agents that run on behind a link, which are left as they are. Queued turns stay for
    /// the next start of the bridge. Nothing may be handed in afterwards.
    pub fn shutdown(&mut self, now: u64, out: &mut Output) {
        let (mut cx, lanes) = self.parts(now, None, out);
        for lane in lanes.iter_mut() {
            lane.shut_down(&mut cx.of(lane.name()));
        }
    }

    /// A call of it, for `main`, and the lanes.
    fn parts<'m>(
        &'m mut self,
        now: u64,
        position: Option<u64>,
        out: &'m mut Output,
    ) -> (Transition<'m>, &'m mut Lanes<Lane>) {
        let main = Arc::clone(self.lanes.main().name());
        (Transition::new(now, position, main, out, &mut self.core), &mut self.lanes)
    }
}

/// Questions about its state.
impl Machine {
    /// The epoch of the records that it makes.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.core.epoch()
    }

    /// Time at which [`Input::Tick`](super::Input::Tick) is due, in microseconds since the Unix epoch.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.lanes.iter().filter_map(Lane::deadline).chain(self.core.presence().deadline()).min()
    }

    /// State of the session, with the records of every output so far.
    #[must_use]
    pub fn state(&self) -> &State {
        self.core.state()
    }

    /// Time, in microseconds since the Unix epoch, since which agents run that nobody needs: no controller is there, no turn runs
    /// or waits, and nobody waits for an answer, of a client or an agent. `None` while that is not so, and without an agent
    /// that can be stopped: one that could not go back to the conversation is kept, and one that dials in is not ours.
    ///
    /// Who looks on is known to the log alone: whoever hands in [`Input::Rest`](super::Input::Rest) asks it before.
    #[must_use]
    pub fn idle_since(&self) -> Option<u64> {
        self.idle_since
    }

    fn is_idle(&self) -> bool {
        let state = self.core.state();
        self.core.presence().is_unattended()
            && self.lanes.iter().all(|lane| lane.is_idle(state))
            && self.lanes.iter().any(|lane| lane.may_rest(state))
            && state.pending().next().is_none()
    }
}
