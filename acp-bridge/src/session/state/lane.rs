//! State of one lane by the log: its agent, and the turns that the agent works on and is still to be given.

use std::sync::Arc;

use acp_types::record::body::{AgentLink, AgentStarted, Choice, LostChoice};
use acp_types::record::{Record, Turn};
use acp_types::{Raw, RawBuf, rewrite};

use super::super::AgentSource;
use super::answers::Answers;
use super::order::TurnOrder;
use super::settings::Settings;

/// Lane: one agent's part of a session. `main` is there from the first record, others join and leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneState {
    name: Arc<str>,
    source: AgentSource,
    /// True if it was there before its first agent.
    before_agent: bool,
    /// True if its agent dialled in where the session was written, and nobody has trusted that.
    dialled_elsewhere: bool,
    /// True if it joined where the session was written, and nobody has trusted it.
    disarmed: bool,
    agent: Option<AgentStarted>,
    agent_alive: bool,
    received: u64,
    answers: Answers,
    settings: Settings,
    turns: TurnOrder,
}

impl Default for LaneState {
    /// `main` before its agent.
    fn default() -> Self {
        Self::new(Record::MAIN_LANE.into())
    }
}

impl LaneState {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            source: AgentSource::default(),
            before_agent: false,
            dialled_elsewhere: false,
            disarmed: false,
            agent: None,
            agent_alive: false,
            received: 0,
            answers: Answers::default(),
            settings: Settings::default(),
            turns: TurnOrder::default(),
        }
    }

    /// A lane that comes to a session.
    pub(super) fn joined(name: Arc<str>, source: AgentSource) -> Self {
        Self { before_agent: source.dials_in(), source, ..Self::new(name) }
    }

    /// The session of this lane, which is `main`, is there.
    pub(super) fn created(&mut self, source: AgentSource) {
        self.before_agent = source.dials_in();
        self.source = source;
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Source of its agent.
    #[must_use]
    pub fn source(&self) -> &AgentSource {
        &self.source
    }

    /// Returns whether it is there before its first agent, which is to dial in, or was to where the session was
    /// written.
    #[must_use]
    pub fn awaits_first_agent(&self) -> bool {
        self.before_agent && self.agent.is_none()
    }

    /// Returns whether the host is not to start its agent: the launch profile was named where the session was written,
    /// and nobody has said that it is to be trusted. Never for `main`, whose agent the host was given.
    #[must_use]
    pub fn disarmed(&self) -> bool {
        self.disarmed
    }

    /// Last start of its agent, whether or not that still runs.
    #[must_use]
    pub fn agent(&self) -> Option<&AgentStarted> {
        self.agent.as_ref()
    }

    /// Returns whether, as far as the log knows, an agent serves the lane.
    #[must_use]
    pub fn agent_alive(&self) -> bool {
        self.agent_alive
    }

    /// The link over which its agent is connected; `None` if it is a child of the bridge, or gone as far as the log knows.
    #[must_use]
    pub fn link(&self) -> Option<&AgentLink> {
        self.agent.as_ref().filter(|_| self.agent_alive)?.link.as_ref()
    }

    /// The number of the last message of its agent that has come of it in the log; `0` before the first, and for an agent
    /// that numbers none.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The answer to what its agent asked in the message of that number, if it was given in the turn that runs. Of a very
    /// great number of answers the first may be forgotten.
    #[must_use]
    pub fn answer_to(&self, position: u64) -> Option<&Result<RawBuf, RawBuf>> {
        self.answers.get(position)
    }

    /// The mode that its agent is in: `currentModeId`. It outlives the agent process.
    #[must_use]
    pub fn mode(&self) -> Option<&str> {
        self.settings.mode()
    }

    /// The `configOptions` of its agent, the whole list: the last that was recorded, or that of the agent's start.
    #[must_use]
    pub fn config_options(&self) -> Option<Raw<'_>> {
        self.settings.config_options()
    }

    /// Choices of clients, the oldest first: the order in which an agent that is started again is given them.
    pub fn choices(&self) -> impl ExactSizeIterator<Item = &Choice> + '_ {
        self.settings.choices()
    }

    /// Returns whether its agent was started again and has not been given yet what clients chose. No prompt goes to it
    /// before.
    #[must_use]
    pub fn is_restoring(&self) -> bool {
        self.settings.claims().is_some() && self.agent_alive
    }

    /// Mode and options: what is in force, chosen and told.
    pub(in super::super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The turn that its agent works on.
    #[must_use]
    pub fn running(&self) -> Option<Turn> {
        self.turns.running()
    }

    /// Accepted turns that its agent has not been given yet, in the order in which it will be.
    pub fn queue(&self) -> impl ExactSizeIterator<Item = Turn> + '_ {
        self.turns.queue()
    }

    /// Turns whose message is on offer to the agent as a part of the running turn, or is one.
    pub fn steered(&self) -> impl ExactSizeIterator<Item = Turn> + '_ {
        self.turns.steered()
    }

    /// The result of `session/load` and `session/resume`: what the agent said at its last start, without its session
    /// id, with the mode and the options as they are now. Everything else is as the agent wrote it.
    #[must_use]
    pub fn session_result(&self) -> RawBuf {
        let Some(agent) = &self.agent else { return Raw::EMPTY_OBJECT.to_owned() };
        let mut result = rewrite::remove_member(agent.state.as_raw(), "sessionId");
        let with_modes = result.as_raw().path(&["modes", "currentModeId"]).is_some();
        if with_modes && let Some(mode) = self.mode().and_then(|mode| RawBuf::encode(mode).ok()) {
            result = rewrite::set_path(result.as_raw(), &["modes", "currentModeId"], mode.as_raw());
        }
        if let Some(options) = self.config_options() {
            result = rewrite::set_member(result.as_raw(), "configOptions", options);
        }
        result
    }

    /// Bytes of what its agent said when it was started, and of its options.
    pub(super) fn weight(&self) -> usize {
        let said = self.agent.as_ref().map_or(0, |agent| agent.initialize.as_str().len() + agent.state.as_str().len());
        said + self.config_options().map_or(0, |options| options.as_str().len())
    }

    pub(super) fn agent_started(&mut self, started: AgentStarted) {
        self.settings.agent_started(&started, self.agent.is_none());
        self.agent = Some(started);
        self.agent_alive = true;
        self.received = 0;
        self.answers = Answers::default();
    }

    /// Forgets what was chosen and who ran where the session was written: here it means nothing. Whoever dialled in as
    /// `main` there does not come here: the host serves `main` with its own agent.
    pub(super) fn disarm(&mut self) {
        if *self.name == *Record::MAIN_LANE && self.source.dials_in() {
            self.dialled_elsewhere = true;
            self.source = AgentSource::Command;
        }
        self.disarmed = self.source.profile().is_some();
        self.settings = Settings::default();
        if let Some(agent) = &mut self.agent {
            agent.link = None;
        }
    }

    pub(super) fn trust(&mut self) {
        self.disarmed = false;
        if std::mem::take(&mut self.dialled_elsewhere) {
            self.source = AgentSource::DialsIn(None);
        }
    }

    pub(super) fn agent_exited(&mut self) {
        self.agent_alive = false;
        self.answers = Answers::default();
    }

    /// Takes in the number of a message. Numbers may come in any order: what an agent said before it was opened is recorded after that.
    pub(super) fn heard(&mut self, position: u64) {
        self.received = self.received.max(position);
    }

    pub(super) fn answered(&mut self, position: u64, answer: Result<RawBuf, RawBuf>) {
        if self.link().is_some() {
            self.answers.add(position, answer);
        }
    }

    /// Changes mode, options or choices. Absent ones stay as they are.
    pub(super) fn updated(&mut self, mode: Option<String>, config_options: Option<RawBuf>, chosen: Option<Choice>) {
        self.settings.updated(mode, config_options, chosen);
    }

    /// The agent has been given what clients chose, or has gone while it was.
    pub(super) fn restored(&mut self, lost: &[LostChoice]) {
        self.settings.restored(lost, self.agent_alive);
    }

    pub(super) fn has_open_turns(&self) -> bool {
        self.turns.any_open()
    }

    /// Turns of the lane in their order, to be put into another one. One starts by [`Self::start`] and ends by
    /// [`Self::end`].
    pub(super) fn turns_mut(&mut self) -> &mut TurnOrder {
        &mut self.turns
    }

    /// Starts a turn, if it was queued here and none runs; returns whether it did.
    pub(super) fn start(&mut self, turn: Turn) -> bool {
        let starts = self.turns.start(turn);
        if starts {
            self.settings.turn_started();
        }
        starts
    }

    /// Ends a turn, wherever it stands.
    pub(super) fn end(&mut self, turn: Turn) {
        if self.turns.end(turn) {
            self.answers = Answers::default();
        }
    }
}
