//! A lane's agent: started when it is needed, given what clients chose, started again when it is gone.

use std::sync::Arc;

use acp_types::capability::Return;
use acp_types::record::body::{AgentExited, AgentStarted, Choice, Outcome, SessionUpdated};
use acp_types::record::{Kind, Origin};
use acp_types::{Raw, RawBuf};

use super::super::super::state::Claims;
use super::super::super::{AgentSource, CallId, CommandId, LaneState, Refusal, StartPlan, State, door, wire};
use super::super::agent::{DiedRestoring, Stopped};
use super::super::announce::{self, Told};
use super::super::calls::Call;
use super::super::requests::Cause;
use super::super::restore::Restore;
use super::super::start_plan::{self, Joining};
use super::super::transition::Transition;
use super::Lane;

const RESTS: &str = "nobody needed it: no turn, no client and nothing that waits";

/// Start of its agent.
impl Lane {
    /// Sees to it that an agent comes, once.
    pub(super) fn need_agent(&mut self, cx: &mut Transition<'_>, accepts_loss: bool) {
        match self.agent.need(cx, accepts_loss) {
            None => {}
            Some(Ok(plan)) => cx.start_agent(plan),
            Some(Err(why)) => self.start_failed(cx, &why),
        }
    }

    /// Starts its first agent, of which somebody waits to hear.
    pub(in super::super) fn begin_to_join(
        &mut self,
        cx: &mut Transition<'_>,
        command: CommandId,
        client: Arc<str>,
        source: AgentSource,
        plan: StartPlan,
    ) {
        self.agent.begin_to_join(Joining::new(command, client, source));
        cx.start_agent(plan);
    }

    /// The session is made with an agent that has accepted it.
    pub(in super::super) fn begin_with(&mut self, cx: &mut Transition<'_>, started: &AgentStarted) {
        self.agent.begin_with_first();
        self.started(cx, started);
    }

    pub(super) fn started(&mut self, cx: &mut Transition<'_>, started: &AgentStarted) {
        if let Some(starting) = self.agent.started() {
            // Clients have the session already, and know nothing of its agent.
            let is_news = cx.logged().is_some_and(LaneState::awaits_first_agent);
            start_plan::record_start(cx, starting, started);
            if is_news {
                tell(cx, announce::after_restore(cx.logged(), &Claims::default(), &[]));
            }
            self.restore_or_serve(cx);
        }
    }

    /// Tells all who wait: to try once for each would only make them wait. Turns that may run without the agent's
    /// memory get a try of their own if this one was not allowed to lose it.
    pub(super) fn start_failed(&mut self, cx: &mut Transition<'_>, why: &Refusal) {
        let Some(starting) = self.agent.start_failed() else { return };
        if let Some(joining) = starting.joining {
            joining.fail(cx, why);
        }
        self.calls.fail_waiting(cx, why);
        let outcome = Outcome::Failed { error: door::error_object(why) };
        // Those that wait for a client after a restart of the bridge were not to run yet, nor what is behind them.
        for turn in self.queue.to_run(cx) {
            let accepts_loss = cx.state().turn(turn).is_some_and(|info| info.accept_context_loss);
            if starting.accepts_loss || !accepts_loss {
                self.end_turn(cx, turn, Origin::Host, &outcome);
            }
        }
        self.advance(cx);
    }
}

/// Restoring of what clients chose.
impl Lane {
    /// Gives an agent that is there what clients chose, then what waits for it.
    pub(super) fn restore_or_serve(&mut self, cx: &mut Transition<'_>) {
        let deadline = cx.after(cx.config().restore_grace);
        match cx.logged().and_then(|logged| Restore::needed(logged, deadline)) {
            Some(restore) => {
                self.agent.restore(restore);
                self.restore_next(cx);
            }
            None => self.serve(cx),
        }
    }

    fn serve(&mut self, cx: &mut Transition<'_>) {
        self.calls.pass_waiting(cx);
        self.advance(cx);
    }

    /// Sets the next thing, or ends when there is none.
    fn restore_next(&mut self, cx: &mut Transition<'_>) {
        let (Some(restore), Some(logged)) = (self.agent.restoring(), cx.logged()) else { return };
        let Some(made) = restore.next(logged) else { return self.end_restore(cx) };
        let params = wire::with_session(made.params.as_raw(), cx.agent_session());
        let call = cx.call_agent(made.method.clone(), Some(params));
        self.calls.expect(call, Call::Choice(made.clone()));
        restore.asked(call, made);
    }

    /// Takes the agent's answer that something was set again, or was not.
    pub(super) fn choice_answered(
        &mut self,
        cx: &mut Transition<'_>,
        call: CallId,
        made: Choice,
        outcome: &Result<RawBuf, RawBuf>,
    ) {
        let Some(restore) = self.agent.restoring().filter(|restore| restore.waits_for(call)) else {
            // It was given up, and clients were told so. If it has worked after all they are told that.
            if let Ok(result) = outcome {
                let updated = announce::chosen(cx.logged(), Some(made), result.as_raw());
                self.record_chosen(cx, Origin::Host, updated);
            }
            return;
        };
        restore.answered(outcome);
        if let Ok(result) = outcome {
            let updated = announce::change_of(cx.logged(), &made, result.as_raw());
            if updated.mode.is_some() || updated.config_options.is_some() {
                cx.record(Kind::SessionUpdated, Origin::Host, None, &updated);
            }
        }
        self.restore_next(cx);
    }

    /// Ends the restoring, when all is set or lost: clients are told what is in force where they know it otherwise, and whoever waits goes on.
    fn end_restore(&mut self, cx: &mut Transition<'_>) {
        let (Some(restore), Some(logged)) = (self.agent.restored(), cx.logged()) else { return };
        let (restored, told) = restore.finish(logged);
        cx.record(Kind::ChoicesRestored, Origin::Host, None, &restored);
        tell(cx, announce::after_restore(cx.logged(), &told, &restored.lost));
        self.serve(cx);
    }

    /// Ends a restoring that the agent has not answered in time: it goes on with what it has.
    pub(super) fn tick_restore(&mut self, cx: &mut Transition<'_>) {
        let seconds = cx.config().restore_grace.as_secs_f64();
        let due = self.agent.restoring().filter(|restore| cx.at() >= restore.deadline());
        let (Some(restore), Some(logged)) = (due, cx.logged()) else { return };
        restore.give_up(logged, &format!("the agent did not answer within {seconds} s when it was to set it again"));
        self.end_restore(cx);
    }

    /// Records that the agent has accepted what a client set, if that has changed something.
    pub(super) fn record_chosen(&mut self, cx: &mut Transition<'_>, origin: Origin, updated: Option<SessionUpdated>) {
        if let Some(updated) = updated {
            cx.record(Kind::SessionUpdated, origin, None, &updated);
            self.announcement.add(&updated, cx.after(cx.config().announce_after));
        }
    }

    /// It has taken the name that a client gave the session. Who has asked learns it from the answer, all others from an
    /// update, unless the agent has told them before.
    pub(super) fn record_title(&mut self, cx: &mut Transition<'_>, client: Arc<str>, result: Raw<'_>) {
        let Some(title) = result.member("title").and_then(Raw::as_string) else { return };
        if let Some(updated) = Told::Title(title).change(cx.state(), &self.name) {
            cx.record(Kind::SessionUpdated, Origin::Client(client), None, &updated);
            tell(cx, announce::titled(cx.state()).into_iter().collect());
        }
    }

    /// Tells all clients what it has not told them.
    pub(super) fn announce(&mut self, cx: &mut Transition<'_>) {
        tell(cx, self.announcement.take(cx.logged()));
    }
}

/// End of its agent.
impl Lane {
    /// Takes in that the agent has gone, which nobody wanted.
    pub(super) fn gone(&mut self, cx: &mut Transition<'_>, reason: &str, why: &str) {
        self.announce(cx);
        let died_restoring = self.agent.gone();
        record_exit(cx, reason, false);
        let restoring = died_restoring.is_some();
        if let Some(DiedRestoring { restore, once_too_often: true }) = died_restoring
            && let Some(logged) = cx.logged()
        {
            let restored = restore.abandon(logged, reason);
            cx.record(Kind::ChoicesRestored, Origin::Host, None, &restored);
            tell(cx, announce::after_loss(&self.name, &restored.lost));
        }
        self.requests.resolve_all(cx, Cause::AGENT_EXITED);
        if let Some(turn) = cx.running() {
            let outcome = if cx.cancel_requested(turn) {
                Outcome::Cancelled { result: None, killed: false }
            } else {
                Outcome::Interrupted { reason: format!("{why}: {reason}") }
            };
            self.end_turn(cx, turn, Origin::Host, &outcome);
        }
        self.fail_open_calls(cx, &format!("it is gone: {reason}"));
        self.advance(cx);
        if restoring && self.calls.any_waiting() {
            self.need_agent(cx, false);
        }
    }

    /// The grace time may be over. An agent that has ignored the cancel is killed, and one is started again at once,
    /// so that the next prompt does not wait for that.
    pub(super) fn tick_cancel(&mut self, cx: &mut Transition<'_>) {
        let Some(turn) = self.queue.expire(cx) else { return };
        let seconds = cx.config().cancel_grace.as_secs_f64();
        let reason = format!("it did not end the turn within {seconds} s of the cancel and was killed");
        self.announce(cx);
        self.agent.stop();
        record_exit(cx, &reason, true);
        self.requests.resolve_all(cx, Cause::AGENT_EXITED);
        self.end_turn(cx, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: true });
        self.fail_open_calls(cx, &reason);
        cx.stop_agent(true);
        self.advance(cx);
        self.need_agent(cx, false);
    }

    pub(super) fn stop_agent(&mut self, cx: &mut Transition<'_>, reason: &str) {
        let Some(stopped) = self.agent.stop() else { return };
        self.announce(cx);
        cx.stop_agent(false);
        if stopped == Stopped::Agent {
            record_exit(cx, reason, true);
        }
    }

    /// Tells all that wait for the agent that there will be none.
    pub(super) fn fail_calls(&mut self, cx: &mut Transition<'_>, why: &Refusal) {
        self.fail_open_calls(cx, &why.to_string());
        self.calls.fail_waiting(cx, why);
    }

    fn fail_open_calls(&mut self, cx: &mut Transition<'_>, reason: &str) {
        for request in self.calls.fail_open(cx, reason) {
            self.steering_lost(cx, request.turn(), reason);
        }
    }

    /// Stops an agent that nobody needs, if it can be started again. The lane stays, and what is asked of it next does that.
    pub(in super::super) fn rest(&mut self, cx: &mut Transition<'_>) {
        if self.may_rest(cx.state()) {
            self.stop_agent(cx, RESTS);
        }
    }

    /// Returns whether its agent can be stopped and started again: one that could not go back to the conversation is
    /// kept, and one that dials in is not ours.
    pub(in super::super) fn may_rest(&self, state: &State) -> bool {
        let Some(logged) = state.lane(&self.name).filter(|_| self.agent.is_alive()) else { return false };
        let comes_back = logged.agent().is_some_and(|agent| Return::best(agent.initialize.as_raw()).is_some());
        comes_back && !logged.source().dials_in()
    }

    /// Cancels what runs and waits, and stops the agent. Whoever waits for it is told why.
    pub(in super::super) fn put_to_rest(&mut self, cx: &mut Transition<'_>, client: &Arc<str>, why: &Refusal) {
        let running = cx.running();
        if let Some(turn) = running.filter(|&turn| !cx.cancel_requested(turn)) {
            self.ask_to_stop(cx, client, turn, None);
        }
        self.requests.resolve_all(cx, Cause::CANCELLED);
        if let Some(turn) = running {
            self.end_turn(cx, turn, Origin::Host, &Outcome::Cancelled { result: None, killed: false });
        }
        for turn in cx.queued().into_iter().chain(cx.steered()) {
            self.cancel_queued(cx, client, turn, None);
        }
        if let Some(joining) = self.agent.take_joining() {
            joining.fail(cx, why);
        }
        self.fail_calls(cx, why);
        self.stop_agent(cx, &why.to_string());
    }
}

pub(super) fn record_exit(cx: &mut Transition<'_>, reason: &str, expected: bool) {
    let exited = AgentExited { reason: reason.to_owned(), expected };
    cx.record(Kind::AgentExited, Origin::Host, None, &exited);
}

/// Tells all clients something in the bridge's name.
fn tell(cx: &mut Transition<'_>, updates: Vec<RawBuf>) {
    let turn = cx.running();
    for params in updates {
        cx.record_update(Origin::Host, turn, params.as_raw());
    }
}
