//! Clients: what they ask for, and what is so at once.

use std::sync::Arc;

use acp_bridge::session::{Command, CommandId, Input, QueueCommand};
use acp_types::meta::{AfterRestart, CancelScope, OnBusy};
use acp_types::record::{Kind, Record, Seq, Turn};

use super::World;
use super::checks::is_idle;
use super::material::{LANES, pick, raw};

impl World {
    /// Nothing that anybody waits for is stopped.
    pub(super) fn rest(&mut self) {
        let state = self.machine.state();
        let needed = !state.lanes().all(is_idle) || state.pending().count() > 0;
        let (head, idle) = (state.head(), self.machine.idle_since());
        assert!(!needed || idle.is_none(), "it is needed");
        self.handle(Input::Rest);
        assert_eq!(self.machine.state().head() > head, idle.is_some(), "what is idle is stopped, and nothing else");
        assert_eq!(self.machine.idle_since(), None);
    }

    pub(super) fn command(&mut self, key: Option<u8>, command: Command) {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        self.waiting.insert(id, key);
        match command {
            Command::Attach { .. } => self.came.extend(LANES),
            Command::Prompt { .. } => drop(self.came.insert(self.lane)),
            _ => {}
        }
        self.handle(Input::Command { id, client: format!("c{}", id.0 % 3).into(), command });
    }

    pub(super) fn prompt(&mut self, key: u8, accept_context_loss: bool) {
        let params = raw(r#"{"sessionId":"s","prompt":[{"type":"text","text":"t"},7],"_meta":{"acp-bridge":{}}}"#);
        // Key 0 stands for none.
        let text = (key > 0).then(|| format!("k{key}"));
        let (on_busy, after_restart) = Default::default();
        let lane = self.named();
        let prompt = Command::Prompt { lane, params, key: text, on_busy, after_restart, accept_context_loss };
        self.command(Some(key), prompt);
    }

    pub(super) fn prompt_that(&mut self, key: u8, kind: u8) {
        let params = raw(r#"{"sessionId":"s","prompt":[{"type":"text","text":"t"},7]}"#);
        let text = (key > 0).then(|| format!("k{key}"));
        let on_busy = *pick(OnBusy::ALL, kind).unwrap();
        let after_restart = *pick(AfterRestart::ALL, kind / 4).unwrap();
        let lane = self.named();
        let prompt = Command::Prompt { lane, params, key: text, on_busy, after_restart, accept_context_loss: false };
        self.command(Some(key), prompt);
    }

    /// Without a lane, a turn is found whatever lane it is in.
    pub(super) fn cancel_lane(&mut self, turn: Option<Turn>) {
        let lane = if turn.is_some() { None } else { self.named() };
        self.command(None, Command::Cancel { lane, turn, scope: CancelScope::default(), reason: None });
    }

    /// What waits in the lane that is turned to.
    pub(super) fn queued(&self) -> Vec<Turn> {
        self.machine.state().lane(self.lane).map(|lane| lane.queue().collect()).unwrap_or_default()
    }

    pub(super) fn queue(&mut self, kind: u8, turn: u8) {
        // Now and then one that does not wait, or waits in another lane.
        let waiting = self.queued();
        let turn = pick(&waiting, turn).copied().filter(|_| kind % 8 < 7).unwrap_or(Turn::from(turn));
        let before = pick(&waiting, kind / 4).copied();
        let command = match kind % 4 {
            0 => QueueCommand::List,
            1 => QueueCommand::Edit { turn, prompt: raw(r#"[{"type":"text","text":"edited"}]"#) },
            2 => QueueCommand::Move { turn, before },
            _ => QueueCommand::Withdraw { turn },
        };
        self.command(None, Command::Queue(command));
        let now = self.queued().len();
        // After a withdrawal the next may start.
        assert!(now == waiting.len() || kind % 4 == 3, "a change keeps what waits");
    }

    pub(super) fn cancel(&mut self, turn: Option<u8>) {
        let state = self.machine.state();
        let turns: Vec<Turn> = self.log.iter().filter(|r| r.kind == Kind::PromptQueued).map(|r| r.seq).collect();
        let turn = turn.map(|turn| pick(&turns, turn).copied().unwrap_or(999));
        let idle = state.lanes().all(is_idle);
        let (head, effects) = (state.head(), self.out.effects.len());
        self.cancel_lane(turn);
        if idle {
            assert_eq!(self.machine.state().head(), head, "cancelling an idle session leaves no record");
            assert_eq!(self.out.effects.len(), effects + 1, "and does nothing but reply");
            let may_be_due = self.hold.is_some() || self.open_ended() > 0;
            assert!(self.machine.deadline().is_none() || may_be_due);
        }
    }

    pub(super) fn answer(&mut self, request: u8, error: bool) {
        let pending: Vec<Seq> = self.machine.state().pending().map(|(seq, _)| seq).collect();
        // Now and then to what is not pending, or not any more.
        let request = pick(&pending, request).copied().filter(|_| request % 4 != 3).unwrap_or(Seq::from(request));
        let answer = if error { Err(raw(r#"{"code":1,"message":"m"}"#)) } else { Ok(raw("{}")) };
        self.command(None, Command::Answer { request, answer });
    }

    /// That lane as a client names it: `main` needs no name.
    pub(super) fn named(&self) -> Option<Arc<str>> {
        (self.lane != Record::MAIN_LANE).then(|| self.lane.into())
    }
}
