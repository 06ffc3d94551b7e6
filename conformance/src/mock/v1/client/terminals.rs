//! Terminals that the client runs.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::process::Command;

use super::state::Client;
use super::terminal::{Faults, Terminal};
use crate::mock::answers::{RpcAnswer, error, invalid, lock, no_method};

/// Output that is kept without a limit in the request, in bytes.
const KEPT: usize = 1024 * 1024;

impl Client {
    pub(super) async fn terminal(&self, method: &str, params: &Value) -> RpcAnswer {
        if method == "terminal/create" {
            return self.create(params).await;
        }
        let id = params["terminalId"].as_str().unwrap_or_default();
        let known = lock(&self.terminals).get(id).cloned();
        let Some(terminal) = known else {
            if self.breaks.has("TERM-18") && method == "terminal/output" && id.starts_with("conformance") {
                return Ok(json!({ "output": "", "truncated": false }));
            }
            let code = if self.breaks.has("ERR-07/a") { -32603 } else { -32002 };
            return Err(error(code, "Resource not found"));
        };
        match method {
            "terminal/output" if self.breaks.has("TERM-10") => {
                let exit = terminal.exit().await;
                Ok(terminal.shown(Some(exit), false))
            }
            "terminal/output" => Ok(terminal.shown(terminal.exited(), self.breaks.has("TERM-09"))),
            "terminal/wait_for_exit" => {
                let mut exit = terminal.exit().await;
                if self.breaks.has("TERM-11") {
                    exit["exitCode"] = json!(0);
                }
                Ok(exit)
            }
            "terminal/kill" if self.breaks.has("TERM-03") => Err(no_method()),
            "terminal/kill" => {
                terminal.kill();
                if self.breaks.has("TERM-12") {
                    terminal.exit().await;
                    lock(&self.terminals).remove(id);
                }
                Ok(json!({}))
            }
            "terminal/release" => {
                if self.breaks.has("TERM-14") {
                    lock(&self.forgotten).push(Arc::clone(&terminal));
                } else {
                    terminal.kill();
                }
                if !self.breaks.has("TERM-15") {
                    lock(&self.terminals).remove(id);
                }
                Ok(json!({}))
            }
            _ => Err(no_method()),
        }
    }

    async fn create(&self, params: &Value) -> RpcAnswer {
        let Some(program) = params["command"].as_str() else { return Err(invalid("command")) };
        let mut command = Command::new(program);
        command.args(params["args"].as_array().into_iter().flatten().filter_map(Value::as_str));
        for pair in params["env"].as_array().into_iter().flatten() {
            let (name, value) = (pair["name"].as_str().unwrap_or_default(), pair["value"].as_str().unwrap_or_default());
            let value = if self.breaks.has("TERM-05") && name.starts_with("CONFORMANCE") { "" } else { value };
            command.env(name, value);
        }
        command.current_dir(params["cwd"].as_str().map_or_else(|| self.directory.clone(), Into::into));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let limit = params["outputByteLimit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(KEPT);
        let faults =
            Faults { keeps_the_beginning: self.breaks.has("TERM-07"), cuts_characters: self.breaks.has("TERM-08") };
        let terminal = Terminal::run(&mut command, limit, faults).map_err(|e| error(-32603, &e.to_string()))?;
        let id = format!("mock-terminal-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let terminal = Arc::new(terminal);
        if self.breaks.has("TERM-04") {
            terminal.exit().await;
        }
        lock(&self.terminals).insert(id.clone(), terminal);
        Ok(json!({ "terminalId": id }))
    }
}
