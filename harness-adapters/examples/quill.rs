//! Quill: a command line that nobody uses, with a protocol that nobody else speaks. It stands for the one that you have.
//!
//! It reads and writes one JSON object per line. It knows a few sentences and needs no model.

use std::collections::VecDeque;
use std::io::{BufRead, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Time between two numbers when it counts slowly.
const SLOWLY: Duration = Duration::from_millis(20);

struct Quill {
    orders: Receiver<Value>,
    /// Orders that came while it was busy.
    later: VecDeque<Value>,
    said: Vec<String>,
    tools: u64,
}

fn main() {
    let (sender, orders) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let Ok(order) = serde_json::from_str(&line) else { continue };
            if sender.send(order).is_err() {
                return;
            }
        }
    });
    let servers = servers();
    let mut quill = Quill { orders, later: VecDeque::new(), said: Vec::new(), tools: 0 };
    while let Some(order) = quill.next() {
        if let ("ask", Some(text)) = (order["do"].as_str().unwrap_or_default(), order["text"].as_str()) {
            let why = quill.answer(text);
            if why != "refused" {
                quill.said.push(text.to_owned());
            }
            say(&json!({ "is": "end", "why": why }));
        }
    }
    for mut server in servers {
        // It may have ended by itself.
        let _ = server.kill().and_then(|()| server.wait());
    }
}

/// Starts the MCP servers that it is told of. It says hello to them and needs none of their tools.
fn servers() -> Vec<Child> {
    let servers = std::env::var("QUILL_MCP_SERVERS").unwrap_or_default();
    let servers: Vec<Value> = serde_json::from_str(&servers).unwrap_or_default();
    servers.iter().filter_map(start).collect()
}

fn start(server: &Value) -> Option<Child> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let each = |name: &str| server[name].as_array().cloned().unwrap_or_default();
    let mut command = Command::new(server["command"].as_str()?);
    command.args(each("args").iter().filter_map(text));
    command.envs(each("env").iter().filter_map(|pair| Some((text(&pair["name"])?, text(&pair["value"])?))));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().ok()?;
    let info = json!({ "name": "quill", "version": "1" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    writeln!(child.stdin.as_mut()?, "{hello}").ok()?;
    Some(child)
}

impl Quill {
    fn next(&mut self) -> Option<Value> {
        self.later.pop_front().or_else(|| self.orders.recv().ok())
    }

    fn answer(&mut self, text: &str) -> &'static str {
        if let Some(word) = between(text, "Reply with the word ", ".") {
            write(word);
        } else if let Some(most) = between(text, "Count as fast as you can, one number at a time, from 1 to ", "") {
            return self.count(most, Duration::ZERO);
        } else if let Some(most) = between(text, "Count from 1 to ", ",") {
            return self.count(most, SLOWLY);
        } else if let Some(command) = between(text, "Run the shell command: ", "") {
            return self.run(command);
        } else if text.starts_with("Repeat what I said") {
            write(&self.said.join("\n"));
        } else if text.contains("refuse") {
            return "refused";
        } else {
            write("I can count, run commands, and repeat what you said.");
        }
        "finished"
    }

    fn count(&mut self, most: &str, pause: Duration) -> &'static str {
        for number in 1..=most.trim_end_matches('.').parse().unwrap_or(10_u64) {
            write(&format!("{number} "));
            match self.orders.recv_timeout(pause) {
                Ok(order) if order["do"] == "stop" => return "stopped",
                Ok(order) => self.later.push_back(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return "stopped",
            }
        }
        "finished"
    }

    fn run(&mut self, command: &str) -> &'static str {
        self.tools += 1;
        let tool = format!("t{}", self.tools);
        say(&json!({ "is": "tool", "tool": tool, "title": command }));
        let allowed = loop {
            let Ok(order) = self.orders.recv() else { return "stopped" };
            match order["do"].as_str().unwrap_or_default() {
                "stop" => return "stopped",
                "allow" if order["tool"] == tool => break true,
                "deny" if order["tool"] == tool => break false,
                _ => self.later.push_back(order),
            }
        };
        if !allowed {
            say(&json!({ "is": "tool_ended", "tool": tool, "ok": false, "output": "not allowed" }));
            write("As you wish.");
            return "finished";
        }
        let ran = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output();
        let (ok, output) = match ran {
            Ok(ran) => (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned()),
            Err(error) => (false, error.to_string()),
        };
        say(&json!({ "is": "tool_ended", "tool": tool, "ok": ok, "output": output }));
        write("Done.");
        "finished"
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    if after.is_empty() { rest.lines().next() } else { rest.split_once(after).map(|(inner, _)| inner) }
}

fn write(text: &str) {
    say(&json!({ "is": "text", "text": text }));
}

fn say(message: &Value) {
    let mut out = std::io::stdout().lock();
    // Without a reader, the end of stdin follows.
    let _ = writeln!(out, "{message}").and_then(|()| out.flush());
}
