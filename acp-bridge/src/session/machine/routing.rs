//! Which lane a command is for.

use std::sync::Arc;

use acp_types::meta::CancelScope;
use acp_types::record::{Record, Turn};

use super::super::lanes::Lanes;
use super::super::{AgentSource, Command, CommandId, Effect, Refusal, Reply};
use super::cancel::Stop;
use super::lane::Lane;
use super::prompt::Prompt;
use super::recorder::Step;

impl Lanes<Lane> {
    /// Takes a command in.
    pub(super) fn command(&mut self, step: &mut Step<'_>, id: CommandId, client: Arc<str>, command: Command) {
        match command {
            Command::Attach { params } => self.attach(step, id, &params),
            Command::Prompt { lane, params, key, accept_context_loss, on_busy, after_restart } => {
                if let Some(lane) = self.named(step, id, lane.as_deref()) {
                    let prompt = Prompt { params, key, accept_context_loss, on_busy, after_restart };
                    lane.prompt(step, id, &client, prompt);
                }
            }
            Command::Queue(command) => {
                let reply = self.queue(step, &client, command);
                step.reply(id, reply);
            }
            Command::Attend { present } => {
                self.attend(step, client, present);
                step.reply(id, Ok(Reply::Done));
            }
            Command::SetPolicy { unattended } => {
                self.set_policy(step, client, unattended.as_ref());
                step.reply(id, Ok(Reply::Done));
            }
            Command::Cancel { lane, turn, scope, reason } => {
                let stop = Stop { scope, reason };
                if scope != CancelScope::Turn && lane.is_none() {
                    self.iter_mut().for_each(|lane| lane.stop(step, &client, None, &stop));
                    step.reply(id, Ok(Reply::Done));
                    return;
                }
                let of_turn = turn.filter(|_| lane.is_none()).and_then(|turn| lane_of(step, turn));
                if let Some(lane) = self.named(step, id, lane.or(of_turn).as_deref()) {
                    lane.stop(step, &client, turn, &stop);
                    step.reply(id, Ok(Reply::Done));
                }
            }
            Command::Trust => {
                self.trust(step, client);
                step.reply(id, Ok(Reply::Done));
            }
            Command::Answer { request, answer } => {
                let lane = step.state().pending_request(request).map(|pending| Arc::clone(&pending.lane));
                match lane.and_then(|lane| self.get_mut(&lane)) {
                    Some(lane) => lane.answer(step, id, client, request, answer),
                    None => step.reply(id, Ok(Reply::Answered(false))),
                }
            }
            Command::Call { lane, method, params } => {
                if let Some(lane) = self.named(step, id, lane.as_deref()) {
                    lane.call(step, id, client, method, params);
                }
            }
            Command::Notify { lane, method, params } => {
                if let Some(lane) = self.named(step, id, lane.as_deref()) {
                    lane.notify(step, id, method, params);
                }
            }
            Command::LaneAdd { lane, agent } => {
                self.add(step, id, client, lane, AgentSource::Profile(agent));
            }
            Command::Dial { lane, agent } => self.dial(step, id, client, lane, agent),
            Command::LaneRemove { lane } => self.remove(step, id, &client, &lane),
            Command::Close => {
                self.close(step, &client);
                step.reply(id, Ok(Reply::Done));
            }
            Command::Delete => {
                self.close(step, &client);
                step.effect(Effect::Delete { command: id });
            }
            Command::DeleteIdle { head } => {
                if step.state().head() == head && step.core.attendance.is_unattended() {
                    self.close(step, &client);
                    step.effect(Effect::Delete { command: id });
                } else {
                    step.refuse(id, Refusal::InUse);
                }
            }
            Command::Describe { .. } | Command::Create { .. } => step.refuse(id, Refusal::NeedsNoSession),
        }
    }

    /// The lane that a client named, `main` if it named none. If there is no such lane the command is refused.
    pub(super) fn named(&mut self, step: &mut Step<'_>, id: CommandId, lane: Option<&str>) -> Option<&mut Lane> {
        let lane = lane.unwrap_or(Record::MAIN_LANE);
        let found = self.get_mut(lane).filter(|lane| lane.logged(step.state()).is_some());
        if found.is_none() {
            step.refuse(id, unknown_lane(step, lane));
        }
        found
    }
}

/// The lane of a turn that is open or was not forgotten.
fn lane_of(step: &Step<'_>, turn: Turn) -> Option<Arc<str>> {
    let lane = &step.state().turn(turn)?.lane;
    // The turn of a lane that has left is over: `main` says so as well as any.
    step.state().lane(lane).map(|lane| Arc::clone(lane.name()))
}

/// Says which lane is not there, and which are.
fn unknown_lane(step: &Step<'_>, lane: &str) -> Refusal {
    let lanes = step.state().lanes().map(|lane| lane.name().to_string()).collect();
    Refusal::UnknownLane { lane: lane.to_owned(), lanes }
}
