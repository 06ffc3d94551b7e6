//! Commands that concern several lanes of a session, or the session as a whole.

use std::sync::Arc;

use acp_types::meta::{CancelScope, Unattended};
use acp_types::record::body::{SessionClosed, SessionTrusted, SessionUpdated};
use acp_types::record::{Kind, Origin, Turn};
use acp_types::{Raw, RawBuf, rewrite};

use super::super::lanes::Lanes;
use super::super::{CommandId, QueueCommand, Refusal, Reply, State, TurnPhase, start};
use super::lane::Lane;
use super::queue::{self, Stop};
use super::transition::Transition;

impl Lanes<Lane> {
    /// Stops turns of one lane, or of all.
    pub(super) fn cancel(
        &mut self,
        cx: &mut Transition<'_>,
        id: CommandId,
        client: &Arc<str>,
        lane: Option<Arc<str>>,
        turn: Option<Turn>,
        stop: &Stop,
    ) {
        if stop.scope != CancelScope::Turn && lane.is_none() {
            for lane in self.iter_mut() {
                lane.stop(&mut cx.of(lane.name()), client, None, stop);
            }
            cx.reply(id, Ok(Reply::Done));
            return;
        }
        let of_turn = turn.filter(|_| lane.is_none()).and_then(|turn| lane_of(cx.state(), turn));
        if let Some((lane, cx)) = &mut self.named(cx, id, lane.or(of_turn).as_deref()) {
            lane.stop(cx, client, turn, stop);
            cx.reply(id, Ok(Reply::Done));
        }
    }

    /// Looks at what waits in all lanes, or changes one prompt of it.
    pub(super) fn queue(
        &mut self,
        cx: &mut Transition<'_>,
        client: &Arc<str>,
        command: QueueCommand,
    ) -> Result<Reply, Refusal> {
        let turn = match command {
            QueueCommand::List => return Ok(Reply::Queue(queue::list(cx.state()))),
            QueueCommand::Edit { turn, .. } | QueueCommand::Move { turn, .. } | QueueCommand::Withdraw { turn } => turn,
        };
        let lane = self.waiting(cx.state(), turn)?;
        lane.change_queued(&mut cx.of(lane.name()), client, command)?;
        Ok(Reply::Done)
    }

    /// The lane in which a turn waits.
    fn waiting(&mut self, state: &State, turn: Turn) -> Result<&mut Lane, Refusal> {
        let Some(info) = state.turn(turn) else {
            return Err(Refusal::UnknownTurn { turn });
        };
        Err(match &info.phase {
            TurnPhase::Queued => return self.get_mut(&info.lane).ok_or(Refusal::TurnLaneLeft { turn }),
            TurnPhase::Running => Refusal::TurnStarted { turn },
            TurnPhase::Offered(into) | TurnPhase::Joined(into) => Refusal::TurnJoined { turn, into: *into },
            TurnPhase::Ended(outcome) => Refusal::TurnEnded { turn, outcome: outcome.name().to_owned() },
        })
    }

    /// A client attaches: what its params say of MCP servers and directories holds for the agents' next start. An empty
    /// list says nothing: a viewer that knows of no servers must not take away those of the client that made the session.
    ///
    /// But whoever opens a session that is at rest by ACP's own methods, which name `cwd`, names all directories: those
    /// that it does not name are not restored.
    pub(super) fn attach(&mut self, cx: &mut Transition<'_>, command: CommandId, params: &RawBuf) {
        let nobody = cx.state().closed() || cx.presence().is_unattended();
        let rests = nobody && !self.iter().any(Lane::has_agent);
        let opens = rests && params.as_raw().member("cwd").is_some();
        let mut next = cx.start_params().clone();
        for key in ["mcpServers", "additionalDirectories"] {
            let named = params.as_raw().member(key).filter(|value| value.elements().next().is_some());
            let had = next.as_raw().member(key).is_some_and(|value| value.elements().next().is_some());
            if let Some(value) = named {
                next = rewrite::set_member(next.as_raw(), key, value);
            } else if opens && had && key == "additionalDirectories" {
                next = rewrite::set_member(next.as_raw(), key, Raw::trusted("[]"));
            }
        }
        cx.set_start_params(next);
        cx.reply(command, Ok(Reply::State(cx.state().main().session_result())));
        for lane in self.iter_mut() {
            lane.resume(&mut cx.of(lane.name()));
        }
    }

    /// Cancels what runs and waits in every lane, and stops the agents. A session that is closed already stays as it is.
    pub(super) fn close(&mut self, cx: &mut Transition<'_>, client: &Arc<str>) {
        for lane in self.iter_mut() {
            lane.put_to_rest(&mut cx.of(lane.name()), client, &Refusal::SessionClosed);
        }
        self.forget_unjoined(cx.state());
        if !cx.state().closed() {
            let closed = SessionClosed { by: Some(Arc::clone(client)) };
            cx.record(Kind::SessionClosed, Origin::Client(Arc::clone(client)), None, &closed);
        }
    }
}

/// Policy for permission requests.
impl Lanes<Lane> {
    /// A controller has come or gone. While one is there nothing is decided for it.
    pub(super) fn set_presence(&mut self, cx: &mut Transition<'_>, client: Arc<str>, present: bool) {
        if present {
            cx.presence_mut().come(client);
        } else if cx.presence_mut().go(&client) {
            self.apply_policy(cx);
        }
    }

    /// The session has another policy; without one, that of the server. Times to wait begin anew.
    pub(super) fn set_policy(&mut self, cx: &mut Transition<'_>, client: Arc<str>, policy: Option<&Unattended>) {
        if cx.state().unattended() != policy {
            let text = policy.map(Unattended::to_string).unwrap_or_default();
            let updated = SessionUpdated { unattended: Some(text), ..SessionUpdated::default() };
            cx.record(Kind::SessionUpdated, Origin::Client(client), None, &updated);
            self.apply_policy(cx);
        }
    }

    /// A controller trusts what the session says that was written elsewhere. Once is enough.
    pub(super) fn trust(&mut self, cx: &mut Transition<'_>, client: Arc<str>) {
        if cx.state().armed() {
            return;
        }
        let trusted = SessionTrusted { by: Some(Arc::clone(&client)) };
        cx.record(Kind::SessionTrusted, Origin::Client(client), None, &trusted);
        let params = start::with_directories(cx.start_params().as_raw(), cx.state());
        cx.set_start_params(params);
        self.apply_policy(cx);
    }

    /// Rejects what has waited long enough.
    pub(super) fn tick_policy(&mut self, cx: &mut Transition<'_>) {
        let now = cx.at();
        if cx.presence_mut().expire(now) {
            self.apply_policy(cx);
        }
        for request in cx.presence().overdue(now) {
            let lane = cx.state().pending_request(request).map(|pending| Arc::clone(&pending.lane));
            if let Some(lane) = lane.and_then(|lane| self.get_mut(&lane)) {
                lane.reject(&mut cx.of(lane.name()), request);
            }
        }
    }

    fn apply_policy(&mut self, cx: &mut Transition<'_>) {
        for lane in self.iter_mut() {
            lane.apply_policy(&mut cx.of(lane.name()));
        }
    }
}

/// The lane of a turn that is open or was not forgotten.
fn lane_of(state: &State, turn: Turn) -> Option<Arc<str>> {
    let lane = &state.turn(turn)?.lane;
    // The turn of a lane that has left is over: `main` says so as well as any.
    state.lane(lane).map(|lane| Arc::clone(lane.name()))
}
