//! Terminals of the tester as a client, simple ones: a command is over before its terminal is there.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::manners::error;

/// Limit of a command's run time.
const MAX_RUN: Duration = Duration::from_secs(30);
/// Bytes of output that are kept.
const MAX_OUTPUT: usize = 64 * 1024;
/// Terminals of a scenario.
const MAX_TERMINALS: usize = 64;

/// The terminals that were made.
#[derive(Debug, Default)]
pub(super) struct Terminals {
    made: usize,
    /// Output and exit of each that was not released.
    open: HashMap<String, (String, Value)>,
}

impl Terminals {
    /// Answers a `terminal/…` request.
    pub(super) async fn serve(&mut self, directory: &Path, method: &str, params: &Value) -> Result<Value, Value> {
        if method == "terminal/create" {
            if self.open.len() >= MAX_TERMINALS {
                return Err(error(-32603, "there are too many terminals"));
            }
            let ran = run(directory, params).await?;
            self.made += 1;
            let id = format!("conformance-terminal-{}", self.made);
            self.open.insert(id.clone(), ran);
            return Ok(json!({ "terminalId": id }));
        }
        let id = params["terminalId"].as_str().unwrap_or_default();
        let Some((output, exit)) = self.open.get(id) else { return Err(error(-32002, "Resource not found")) };
        Ok(match method {
            "terminal/output" => json!({ "output": output, "truncated": false, "exitStatus": exit }),
            "terminal/wait_for_exit" => exit.clone(),
            "terminal/kill" => json!({}),
            "terminal/release" => {
                self.open.remove(id);
                json!({})
            }
            _ => return Err(error(-32601, "Method not found")),
        })
    }
}

async fn run(directory: &Path, params: &Value) -> Result<(String, Value), Value> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let args: Vec<String> = params["args"].as_array().into_iter().flatten().map(text).collect();
    let program = text(&params["command"]);
    // Agents write a whole command line into `command`, too.
    let mut command = match args.is_empty() {
        true => {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(program);
            shell
        }
        false => {
            let mut command = Command::new(program);
            command.args(args);
            command
        }
    };
    for pair in params["env"].as_array().into_iter().flatten() {
        command.env(text(&pair["name"]), text(&pair["value"]));
    }
    command.current_dir(params["cwd"].as_str().map_or(directory, Path::new));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(MAX_RUN, command.output()).await;
    let output = output.map_err(|_| error(-32603, "the command runs too long"))?;
    let output = output.map_err(|failure| error(-32603, &format!("the command does not start: {failure}")))?;
    let mut bytes = output.stdout;
    bytes.extend_from_slice(&output.stderr);
    bytes.truncate(MAX_OUTPUT);
    Ok((String::from_utf8_lossy(&bytes).into_owned(), json!({ "exitCode": output.status.code() })))
}
