//! The goal of `/goal`, which Codex works towards by itself, in turns that nobody prompts.

use serde::Deserialize;
use serde_json::json;

use super::controls::{Controls, Pending, refused};
use crate::codex::wire::{self, Message};
use crate::failure::Failure;
use crate::translate::Effects;

/// The goal of one session.
#[derive(Debug, Default)]
pub(super) struct Goal {
    /// True while Codex goes on by itself after a turn.
    active: bool,
    /// True while a change is open that may begin a turn.
    begins: bool,
}

/// `thread/goal/updated`, and the answers to `thread/goal/get` and `set`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct GoalEvent {
    #[serde(default)]
    goal: Option<GoalState>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GoalState {
    #[serde(default)]
    objective: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    tokens_used: u64,
}

/// Consequence of Codex's answer for the prompt that asked.
#[derive(Debug)]
pub(super) enum GoalAnswer {
    /// Codex begins a turn for the goal, which is the turn of the prompt.
    Begins,
    /// The prompt is answered with this text.
    Say(String),
    /// The prompt fails.
    Refused(Failure),
}

impl GoalState {
    fn is_active(&self) -> bool {
        self.status == "active"
    }

    fn text(&self) -> String {
        format!("Goal: {}\nState: {}\nTokens used: {}", self.objective, self.status, self.tokens_used)
    }
}

impl Goal {
    /// Shows or changes the goal, as the words after the command say.
    pub(super) fn command(&mut self, words: &str, controls: &mut Controls, out: &mut Effects) {
        let (method, params) = match words {
            "" => ("thread/goal/get", json!({})),
            "clear" => ("thread/goal/clear", json!({})),
            "pause" => ("thread/goal/set", json!({ "status": "paused" })),
            "resume" => ("thread/goal/set", json!({ "status": "active" })),
            objective => ("thread/goal/set", json!({ "objective": objective, "status": "active" })),
        };
        self.begins = method == "thread/goal/set" && words != "pause";
        controls.goal(method, params, Pending::Goal, out);
    }

    /// Codex answers the command.
    pub(super) fn answered(&mut self, message: &Message, error: Option<&str>) -> GoalAnswer {
        let begins = std::mem::take(&mut self.begins);
        if let Some(error) = error {
            return GoalAnswer::Refused(refused(error));
        }
        let event: GoalEvent = wire::read(message.result.as_ref(), "thread/goal").unwrap_or_default();
        self.changed(&event);
        match event.goal {
            Some(goal) if begins && goal.is_active() => GoalAnswer::Begins,
            Some(goal) => GoalAnswer::Say(goal.text()),
            None => GoalAnswer::Say("There is no goal.".to_owned()),
        }
    }

    /// Codex says that the goal changed.
    pub(super) fn changed(&mut self, event: &GoalEvent) {
        self.active = event.goal.as_ref().is_some_and(GoalState::is_active);
    }

    /// Pauses the goal, because a session that is stopped must not go on by itself.
    pub(super) fn pause(&mut self, controls: &mut Controls, out: &mut Effects) {
        if std::mem::take(&mut self.active) {
            controls.goal("thread/goal/set", json!({ "status": "paused" }), Pending::Aside, out);
        }
    }
}
