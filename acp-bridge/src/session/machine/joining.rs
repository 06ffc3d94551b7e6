//! Lanes that join a session and leave it.

use std::sync::Arc;

use acp_types::record::body::LaneLeft;
use acp_types::record::{Kind, Origin, Record};

use super::super::lanes::Lanes;
use super::super::{AgentSource, CommandId, LaneState, Refusal, Reply, State};
use super::lane::Lane;
use super::start_plan;
use super::transition::Transition;

/// Bytes of a lane's name.
const MAX_NAME: usize = 64;

/// Bytes of the name of a launch profile, or of an agent that dials in.
const MAX_PROFILE: usize = 256;

impl Lanes<Lane> {
    /// Starts an agent for a lane of this name.
    pub(super) fn add(
        &mut self,
        cx: &mut Transition<'_>,
        command: CommandId,
        client: Arc<str>,
        name: Arc<str>,
        source: AgentSource,
    ) {
        if let Some(why) = self.why_not(cx, &name, &source) {
            cx.refuse(command, why);
            return;
        }
        let mut lane = Lane::new(Arc::clone(&name));
        let plan = start_plan::first_plan(cx, source.clone());
        lane.begin_to_join(&mut cx.of(&name), command, client, source, plan);
        self.join(name, lane);
    }

    /// The agent of a lane dials in. The lane is made if there is none; the first agent of one that waits for it is started
    /// at once, a later one when it is needed.
    pub(super) fn dial(
        &mut self,
        cx: &mut Transition<'_>,
        command: CommandId,
        client: Arc<str>,
        name: Arc<str>,
        agent: String,
    ) {
        let source = AgentSource::DialsIn(Some(agent));
        let Some(lane) = self.get_mut(&name) else { return self.add(cx, command, client, name, source) };
        if !lane.source(cx.state()).is_some_and(AgentSource::dials_in) {
            cx.refuse(command, Refusal::LaneNotDialled { lane: name.to_string() });
            return;
        }
        let mut cx = cx.of(&name);
        let is_first = cx.logged().is_some_and(LaneState::awaits_first_agent);
        let starts = is_first && !lane.has_agent() && !cx.state().closed();
        match start_plan::plan(&cx, false).filter(|_| starts) {
            Some(plan) => lane.begin_to_join(&mut cx, command, client, source, plan),
            None => cx.reply(command, Ok(Reply::Done)),
        }
    }

    fn why_not(&self, cx: &Transition<'_>, name: &str, source: &AgentSource) -> Option<Refusal> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !plain || name.is_empty() || name.len() > MAX_NAME {
            return Some(Refusal::LaneName { max: MAX_NAME });
        }
        let agent = source.name().unwrap_or_default();
        if agent.is_empty() || agent.len() > MAX_PROFILE {
            let dials_in = source.dials_in();
            let (profile, own) = (Refusal::ProfileName { max: MAX_PROFILE }, Refusal::AgentName { max: MAX_PROFILE });
            return Some(if dials_in { own } else { profile });
        }
        if self.get(name).is_some() {
            return Some(Refusal::LaneExists { lane: name.to_owned() });
        }
        let max = cx.config().max_lanes;
        let full = self.iter().count() >= max;
        full.then_some(Refusal::TooManyLanes { max })
    }

    /// Cancels what a lane runs and queues, stops its agent, and lets it go.
    pub(super) fn remove(&mut self, cx: &mut Transition<'_>, command: CommandId, client: &Arc<str>, name: &str) {
        if name == Record::MAIN_LANE {
            cx.refuse(command, Refusal::MainStays);
            return;
        }
        let Some((lane, mut cx)) = self.named(cx, command, Some(name)) else { return };
        lane.put_to_rest(&mut cx, client, &Refusal::LaneRemoved);
        let left = LaneLeft { reason: Refusal::LaneRemoved.to_string() };
        cx.record(Kind::LaneLeft, Origin::Client(Arc::clone(client)), None, &left);
        cx.reply(command, Ok(Reply::Done));
        self.leave(name);
    }

    /// Lanes whose first agent did not come.
    pub(super) fn forget_unjoined(&mut self, state: &State) {
        self.retain(|lane| lane.is_joining() || state.lane(lane.name()).is_some());
    }
}
