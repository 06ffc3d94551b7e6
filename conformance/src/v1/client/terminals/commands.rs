//! Commands in the terminals of a client.

use serde_json::{Value, json};

use crate::core::history::Call;
use crate::core::probe::{Probe, SESSION, Stop};

/// Quiet windows, at most, in which the output of a command that has ended has to come.
const DRAINS: usize = 5;

/// A terminal with this shell script in it.
pub(super) async fn create(probe: &mut Probe, label: &str, script: &str, more: Value) -> Result<Option<Value>, Stop> {
    let mut params = json!({ "sessionId": SESSION, "command": "/bin/sh", "args": ["-c", script, "sh", "two  words"] });
    if let (Some(params), Value::Object(more)) = (params.as_object_mut(), more) {
        params.extend(more);
    }
    let answer = probe.call(label, "terminal/create", params).await?;
    Ok(answer.ok().map(|result| json!({ "sessionId": SESSION, "terminalId": result["terminalId"] })))
}

/// Runs a script to its end, under the labels `NAME/create`, `NAME/wait`, `NAME/output` and `NAME/release`.
pub(super) async fn run(probe: &mut Probe, name: &str, script: &str, more: Value) -> Result<(), Stop> {
    let Some(terminal) = create(probe, &format!("{name}/create"), script, more).await? else { return Ok(()) };
    // What each is answered with is for the checks to judge.
    let _ = probe.call(&format!("{name}/wait"), "terminal/wait_for_exit", terminal.clone()).await?;
    // The last words of a command may be read after its end.
    for _ in 0..DRAINS {
        let read = probe.call(&format!("{name}/draining"), "terminal/output", terminal.clone()).await?;
        if read.is_ok_and(|read| read["output"].as_str().is_some_and(|output| output.is_empty())) {
            probe.quiet(&format!("{name}/draining")).await?;
        } else {
            break;
        }
    }
    let _ = probe.call(&format!("{name}/output"), "terminal/output", terminal.clone()).await?;
    let _ = probe.call(&format!("{name}/release"), "terminal/release", terminal).await?;
    Ok(())
}

/// The output of a call, with the line ends of a terminal made those of a file.
pub(super) fn output(call: &Call<'_>) -> Option<String> {
    call.result()?["output"].as_str().map(|output| output.replace("\r\n", "\n"))
}
