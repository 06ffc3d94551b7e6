//! Updates for clients that take them: plans with ids, cursors, suggestions.

use serde_json::{Value, json};

use super::course::{TurnCourse, TurnStep};
use super::state::Agent;

impl Agent {
    /// Makes a plan with an id, in both ways, and takes it back.
    pub(super) async fn plan_by_id(&self, session: &str) -> TurnStep {
        let id = Self::id("plan");
        let entry = |content: &str, status: &str| json!({ "content": content, "priority": "medium", "status": status });
        for first in ["in_progress", "completed"] {
            let mut entries = json!([entry("Look", first), entry("Leap", "pending")]);
            if first == "completed" && self.breaks.has("PLAN-09") {
                entries = json!([entries[0]]);
            }
            let plan = json!({ "type": "items", "planId": id, "entries": entries });
            self.say(session, json!({ "sessionUpdate": "plan_update", "plan": plan })).await?;
        }
        let path = if self.breaks.has("PLAN-08") { "plan.md" } else { "/tmp/plan.md" };
        let plan = json!({ "type": "markdown", "planId": id, "content": "# Look\n", "path": path });
        self.say(session, json!({ "sessionUpdate": "plan_update", "plan": plan })).await?;
        self.say(session, json!({ "sessionUpdate": "plan_removed", "planId": id })).await?;
        Ok(TurnCourse::On)
    }

    pub(super) fn plans_have_ids(&self) -> bool {
        self.client_has(&["plan"]) || self.breaks.has("PLAN-07")
    }

    /// A cursor behind this message, and what the user may say next.
    pub(super) async fn look_ahead(&self, session: &str, message: &str) -> Result<(), Value> {
        if self.client_has(&["session", "cursors"]) || self.breaks.has("CURSOR-01") {
            let id = Self::id("cursor");
            let anchor =
                |position: &str| json!({ "type": "agent_message", "messageId": message, "position": position });
            let mut first = json!({ "sessionUpdate": "cursor_update", "cursorId": id, "anchor": anchor("after") });
            if self.breaks.has("CURSOR-02") {
                first["anchor"] = Value::Null;
            }
            self.say(session, first).await?;
            let mut later = json!({ "sessionUpdate": "cursor_update", "cursorId": id, "capabilities": {} });
            if self.breaks.has("CURSOR-03") {
                later["anchor"] = anchor("before");
            }
            self.say(session, later).await?;
        }
        if self.client_has(&["session", "promptSuggestions"]) || self.breaks.has("SUGGEST-01") {
            let text = if self.breaks.has("SUGGEST-02") { " " } else { "Thank you." };
            self.tell(session, Self::suggestions(text)).await?;
        }
        Ok(())
    }

    pub(super) fn suggestions(text: &str) -> Value {
        let prompt = json!([{ "type": "text", "text": text }]);
        json!({ "sessionUpdate": "prompt_suggestions_update", "suggestions": [{ "prompt": prompt }] })
    }
}
