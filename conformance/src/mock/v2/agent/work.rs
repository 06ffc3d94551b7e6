//! Work that prompts ask for: text, tools, plans.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::state::Agent;
use super::turn::{Stop, TurnCourse, TurnStep};
use crate::mock::answers::lock;
use crate::prompts;

/// Between two numbers of a turn that counts.
const PACE: Duration = Duration::from_millis(5);
/// Between two looks of a command in the background, and how many it takes.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 3000;

impl Agent {
    pub(super) async fn work(self: &Arc<Self>, session: &str, text: &str, stop: &mut Stop) -> TurnStep {
        match text {
            prompts::COUNT => return self.count(session, stop).await,
            prompts::TOUCH => return self.touch(session, stop).await,
            prompts::background::WAIT => return self.wait(session, stop).await,
            prompts::background::COMMAND => self.begin(session).await?,
            prompts::WRITE => self.write(session).await?,
            prompts::TERMINAL => self.terminal(session).await?,
            prompts::PLAN => self.plan(session).await?,
            prompts::children::DELEGATE => self.delegate(session).await?,
            _ => self.chunk(session, "OK").await?,
        }
        Ok(TurnCourse::On)
    }

    async fn count(&self, session: &str, stop: &mut Stop) -> TurnStep {
        for number in 1..=1000 {
            self.chunk(session, &format!("{number} ")).await?;
            tokio::select! {
                biased;
                _ = &mut *stop => return Ok(TurnCourse::Stopped),
                () = tokio::time::sleep(PACE) => {}
            }
            // What waits for its answer until the end has to end.
            if self.breaks.has("V2-05") && number == 20 {
                return Ok(TurnCourse::On);
            }
        }
        Ok(TurnCourse::On)
    }

    fn directory(&self, session: &str) -> String {
        lock(&self.sessions).get(session).map(|session| session.cwd.clone()).unwrap_or_default()
    }

    /// A tool that asks before it makes a file.
    async fn touch(&self, session: &str, stop: &mut Stop) -> TurnStep {
        let call = self.id("call");
        let title = "touch conformance-marker.txt";
        self.call(session, json!({ "toolCallId": call, "title": title, "kind": "execute", "status": "pending" }))
            .await?;
        if !self.breaks.has("V2-09") {
            self.state(session, json!({ "state": "requires_action" })).await?;
        }
        let mut params = json!({
            "sessionId": session,
            "title": "May the file be made?",
            "subject": { "type": "tool_call", "toolCall": { "toolCallId": call } },
            "options": [
                { "optionId": "yes", "name": "Yes", "kind": "allow_once" },
                { "optionId": "no", "name": "No", "kind": "reject_once" },
            ],
        });
        if self.breaks.has("V2-16") {
            params["title"] = Value::Null;
        }
        if self.breaks.has("V2-25/a") {
            params["options"][1]["optionId"] = json!("yes");
        }
        let Some(answer) = self.ask("session/request_permission", params).await? else { return Ok(TurnCourse::On) };
        let outcome = tokio::select! {
            biased;
            _ = &mut *stop => return Ok(TurnCourse::Stopped),
            answer = answer => answer.ok().and_then(Result::ok).unwrap_or_default(),
        };
        let outcome = &outcome["outcome"];
        let allowed = match outcome["outcome"].as_str() {
            Some("selected") if outcome["optionId"] == "no" => false,
            Some("selected") => outcome["optionId"] == "yes" || self.breaks.has("V2-16/b"),
            Some("cancelled") => self.breaks.has("V2-16/c"),
            _ => self.breaks.has("V2-16/a"),
        };
        self.state(session, json!({ "state": "running" })).await?;
        if !allowed {
            self.call(session, json!({ "toolCallId": call, "status": "cancelled" })).await?;
            return Ok(TurnCourse::On);
        }
        self.call(session, json!({ "toolCallId": call, "status": "in_progress" })).await?;
        let made = std::fs::write(Path::new(&self.directory(session)).join(prompts::MARKER), "");
        let status = if made.is_ok() { "completed" } else { "failed" };
        self.call(session, json!({ "toolCallId": call, "status": status })).await?;
        Ok(TurnCourse::On)
    }

    pub(super) async fn call(&self, session: &str, mut update: Value) -> std::io::Result<()> {
        let old = self.breaks.has("V2-13") && !update["title"].is_null();
        update["sessionUpdate"] = json!(if old { "tool_call" } else { "tool_call_update" });
        if self.breaks.has("V2-20") && update["status"] == "completed" {
            update["status"] = json!("done");
        }
        self.say(session, update).await
    }

    async fn write(&self, session: &str) -> std::io::Result<()> {
        let call = self.id("call");
        let path = Path::new(&self.directory(session)).join(prompts::NOTE).display().to_string();
        self.call(
            session,
            json!({ "toolCallId": call, "title": "Write a note", "kind": "edit", "status": "in_progress" }),
        )
        .await?;
        let named = if self.breaks.has("V2-15") { format!("b/{}", prompts::NOTE) } else { path.clone() };
        let patch = format!(
            "diff --git {named} {named}\nnew file mode 100644\n--- /dev/null\n+++ {named}\n@@ -0,0 +1 @@\n+noted\n"
        );
        let written = std::fs::write(&path, "noted\n");
        let diff = json!({
            "type": "diff",
            "changes": [{ "operation": "add", "path": path, "fileType": "text" }],
            "patch": { "format": "git_patch", "text": patch },
        });
        let status = if written.is_ok() { "completed" } else { "failed" };
        self.call(session, json!({ "toolCallId": call, "status": status, "content": [diff] })).await
    }

    async fn terminal(&self, session: &str) -> std::io::Result<()> {
        let (call, terminal) = (self.id("call"), self.id("terminal"));
        let cwd = if self.breaks.has("V2-14") { ".".to_owned() } else { self.directory(session) };
        let command = "echo conformance-echo";
        self.say(
            session,
            json!({ "sessionUpdate": "terminal_update", "terminalId": terminal, "command": command, "cwd": cwd }),
        )
        .await?;
        let content = json!([{ "type": "terminal", "terminalId": terminal }]);
        let update = json!({ "toolCallId": call, "title": command, "status": "in_progress", "content": content });
        self.call(session, update).await?;
        let output = json!({
            "sessionUpdate": "terminal_output_chunk", "terminalId": terminal, "data": "Y29uZm9ybWFuY2UtZWNobwo=",
        });
        self.say(session, output).await?;
        let exit = json!({ "exitCode": 0 });
        let ended = json!({ "sessionUpdate": "terminal_update", "terminalId": terminal, "exitStatus": exit });
        self.say(session, ended).await?;
        self.call(session, json!({ "toolCallId": call, "status": "completed" })).await
    }

    async fn plan(&self, session: &str) -> std::io::Result<()> {
        let plan = self.id("plan");
        for first in ["in_progress", "completed"] {
            let entry =
                |content: &str, status: &str| json!({ "content": content, "priority": "medium", "status": status });
            let entries = json!([entry("Look", first), entry("Leap", "pending"), entry("Land", "pending")]);
            let mut content = json!({ "type": "items", "planId": plan, "entries": entries });
            if self.breaks.has("V2-17") {
                content["planId"] = Value::Null;
            }
            self.say(session, json!({ "sessionUpdate": "plan_update", "plan": content })).await?;
        }
        Ok(())
    }

    /// Has a subagent say a word, in a session of its own.
    async fn delegate(&self, session: &str) -> std::io::Result<()> {
        let child = self.id("child");
        let content = json!({ "type": "text", "text": "OK" });
        let says =
            json!({ "sessionUpdate": "agent_message_chunk", "messageId": self.id("message"), "content": content });
        if self.breaks.has("V2-32") {
            self.update(&child, says.clone()).await?;
        }
        let announced =
            |state: Value| json!({ "sessionUpdate": "subagent_update", "sessionId": child, "state": state });
        let own = |mut state: Value| {
            state["sessionUpdate"] = json!("state_update");
            state
        };
        let (running, idle) = (json!({ "state": "running" }), json!({ "state": "idle", "stopReason": "end_turn" }));
        self.say(session, announced(running.clone())).await?;
        self.update(&child, own(running)).await?;
        self.update(&child, says).await?;
        self.update(&child, own(idle.clone())).await?;
        if self.breaks.has("V2-33") {
            return Ok(());
        }
        self.say(session, announced(idle)).await
    }

    /// A tool call that can be stopped, and does nothing else.
    async fn wait(&self, session: &str, stop: &mut Stop) -> TurnStep {
        let call = self.id("call");
        let (sender, ended) = oneshot::channel();
        if let Some(session) = lock(&self.sessions).get_mut(session) {
            session.stoppable = Some((call.clone(), sender));
        }
        let can = json!({ "cancel": {} });
        let update = json!({ "toolCallId": call, "title": "sleep 60", "status": "in_progress", "capabilities": can });
        self.call(session, update).await?;
        let way = tokio::select! {
            biased;
            _ = &mut *stop => TurnCourse::Stopped,
            _ = ended => TurnCourse::On,
        };
        self.call(session, json!({ "toolCallId": call, "status": "cancelled", "capabilities": null })).await?;
        Ok(way)
    }

    /// A command that goes on when the turn is over.
    async fn begin(self: &Arc<Self>, session: &str) -> std::io::Result<()> {
        let terminal = self.id("terminal");
        let directory = self.directory(session);
        let [go, marker] = [prompts::background::GO, prompts::MARKER].map(|name| Path::new(&directory).join(name));
        let update = json!({
            "sessionUpdate": "terminal_update", "terminalId": terminal, "command": "touch, once told to", "cwd": directory,
        });
        self.say(session, update).await?;
        let (agent, of, id) = (Arc::clone(self), session.to_owned(), terminal.clone());
        let command = lock(&self.background).spawn(async move {
            let mut code = 1;
            for _ in 0..LOOKS {
                if go.exists() {
                    code = i32::from(std::fs::write(marker, "").is_err());
                    break;
                }
                tokio::time::sleep(LOOK).await;
            }
            // A client that is gone needs to know nothing.
            let _ = agent.ended(&of, &id, code).await;
        });
        if let Some(session) = lock(&self.sessions).get_mut(session) {
            session.background.push((terminal, command));
        }
        Ok(())
    }

    async fn ended(&self, session: &str, terminal: &str, code: i32) -> std::io::Result<()> {
        let exit = json!({ "exitCode": code });
        self.say(session, json!({ "sessionUpdate": "terminal_update", "terminalId": terminal, "exitStatus": exit }))
            .await?;
        let runs = lock(&self.sessions).get_mut(session).is_some_and(|session| {
            session.background.retain(|(id, _)| id != terminal);
            *session.running.borrow()
        });
        self.state(session, json!({ "state": if runs { "running" } else { "idle" } })).await
    }
}
