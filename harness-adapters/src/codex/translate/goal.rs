//! `/goal`: what Codex works towards by itself, in turns that nobody prompts.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Translator;
use super::calls::{Purpose, refused};
use crate::codex::wire::{self, Message};
use crate::translate::{Effect, Effects, Timer};

/// Runs while the turn of a goal that was set is awaited.
pub(super) const BEGIN: Timer = Timer(1_000_000_001);
/// How long Codex may take to begin it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A goal, as Codex tells of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Goal {
    #[serde(default)]
    objective: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    tokens_used: u64,
}

/// `thread/goal/updated`, and the answers to `thread/goal/get` and `set`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct GoalEvent {
    #[serde(default)]
    goal: Option<Goal>,
}

impl Goal {
    fn is_active(&self) -> bool {
        self.status == "active"
    }

    fn text(&self) -> String {
        format!("Goal: {}\nState: {}\nTokens used: {}", self.objective, self.status, self.tokens_used)
    }
}

impl Translator {
    /// Does what the words after the command say.
    pub(super) fn goal(&mut self, words: &str, out: &mut Effects) {
        let mut params = json!({ "threadId": self.setup.thread, "origin": "user" });
        let method = match words {
            "" => "thread/goal/get",
            "clear" => "thread/goal/clear",
            "pause" | "resume" => {
                params["status"] = if words == "pause" { "paused" } else { "active" }.into();
                "thread/goal/set"
            }
            objective => {
                params["objective"] = objective.into();
                params["status"] = "active".into();
                "thread/goal/set"
            }
        };
        self.goal_begins = method == "thread/goal/set" && words != "pause";
        self.calls.call(method, &params, Purpose::Goal, out);
    }

    pub(super) fn goal_answered(&mut self, message: &Message, error: Option<&str>, out: &mut Effects) {
        let begins = std::mem::take(&mut self.goal_begins);
        if let Some(error) = error {
            return self.end_turn(Err(refused(error)), out);
        }
        let event: GoalEvent = wire::read(message.result.as_ref(), "thread/goal").unwrap_or_default();
        match event.goal {
            // Codex begins a turn for it by itself: that is the turn of this prompt.
            Some(goal) if begins && goal.is_active() => {
                self.goal_active = true;
                if self.turn.as_ref().is_some_and(|turn| turn.id.is_none()) {
                    out.push(Effect::Arm { timer: BEGIN, after: PATIENCE });
                }
            }
            Some(goal) => {
                self.goal_active = goal.is_active();
                self.say(&goal.text(), out);
            }
            None => {
                self.goal_active = false;
                self.say("There is no goal.", out);
            }
        }
    }

    /// Codex has begun no turn for the goal.
    pub(super) fn goal_waits(&mut self, out: &mut Effects) {
        if self.turn.as_ref().is_some_and(|turn| turn.prompt.is_some() && turn.id.is_none())
            && !self.calls.is_starting()
        {
            self.say("The goal is set.", out);
        }
    }

    pub(super) fn goal_changed(&mut self, event: &GoalEvent) {
        self.goal_active = event.goal.as_ref().is_some_and(Goal::is_active);
    }

    /// Whoever stops a session does not want it to go on by itself.
    pub(super) fn pause_goal(&mut self, out: &mut Effects) {
        if std::mem::take(&mut self.goal_active) {
            let params: Value = json!({ "threadId": self.setup.thread, "origin": "user", "status": "paused" });
            self.calls.call("thread/goal/set", &params, Purpose::Aside, out);
        }
    }
}
