//! What the demo plays. Each act checks what it shows.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde_json::{Value, json};

use super::script::{ASK, COUNT, COUNT_ON, HELLO, LOOP, REMEMBER, STILL};
use super::stage::{Client, Stage, chunk_of, seq_of};
use crate::run::say;

pub(super) struct Act {
    pub(super) title: &'static str,
    pub(super) play: fn(&mut Stage) -> anyhow::Result<()>,
}

pub(super) const ACTS: &[Act] = &[
    Act { title: "a prompt", play: prompt },
    Act { title: "a client is cut in mid-stream; a second one goes on at its cursor", play: cut_and_join },
    Act { title: "kill -9 of the bridge in mid-turn", play: kill_the_bridge },
    Act { title: "a permission asked while nobody is attached", play: permission },
    Act { title: "a stop while a command runs", play: stop },
];

/// How long a command may take to show what it does.
const COMMAND: Duration = Duration::from_secs(60);

fn prompt(stage: &mut Stage) -> anyhow::Result<()> {
    let mut client = stage.client()?;
    let made = client.request("session/new", json!({ "cwd": stage.harness.workspace(), "mcpServers": [] }))?;
    stage.session = made["sessionId"].as_str().unwrap_or_default().to_owned();
    ensure!(!stage.session.is_empty(), "session/new gave no session id");
    let (said, answer) = turn(&mut client, &stage.session, HELLO)?;
    stage.cursor = seq_of(&answer)?;
    say(&format!("   Codex: {said}   (the turn ended as end_turn at seq {})", stage.cursor));
    Ok(())
}

fn cut_and_join(stage: &mut Stage) -> anyhow::Result<()> {
    let mut first = attach(stage, stage.cursor)?;
    first.prompt(&stage.session, COUNT)?;
    let mut seen = Vec::new();
    while seen.len() < 10 {
        seen.push(first.chunk()?);
    }
    first.cut()?;
    stage.cursor = seen.last().map_or(0, |(seq, _)| *seq);
    say(&format!("   first client saw  {}… and was killed at seq {}", text(&seen), stage.cursor));
    let mut second = attach(stage, stage.cursor)?;
    let rest = second.until_turn_ended()?;
    say(&format!("   second client saw {}", text(&rest.chunks)));
    ensure!(rest.outcome == "completed", "the turn ended as {}", rest.outcome);
    stage.cursor = rest.seq;
    seen.extend(rest.chunks);
    let together = text(&seen);
    let numbers: String = (1..=60).map(|number| format!("{number} ")).collect();
    // A real model may count in its own way; nothing may be lost or doubled all the same.
    ensure!(!stage.harness.is_scripted() || together == numbers, "together they saw {together}");
    ensure!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0), "the order of the chunks is wrong");
    say("   together they saw all of it, none lost, none doubled; the turn ended as completed");
    Ok(())
}

fn kill_the_bridge(stage: &mut Stage) -> anyhow::Result<()> {
    let before = stage.cursor;
    let mut client = attach(stage, before)?;
    client.prompt(&stage.session, COUNT_ON)?;
    let mut seen = Vec::new();
    while seen.len() < 15 {
        seen.push(client.chunk()?);
    }
    stage.kill_bridge()?;
    // What was on its way to the client counts as shown.
    loop {
        let line = client.next()?;
        if line["closed"] == true {
            break;
        }
        seen.extend(chunk_of(&line));
    }
    say(&format!("   shown before the kill: {}", text(&seen)));
    stage.restart_bridge()?;
    let mut client = attach(stage, before)?;
    let kept = client.until_turn_ended()?;
    ensure!(kept.chunks.starts_with(&seen), "after the restart the log has {}", text(&kept.chunks));
    ensure!(kept.outcome == "interrupted", "the turn ended as {}", kept.outcome);
    say(&format!("   after the restart all {} chunks are there; the turn ended as interrupted", seen.len()));
    let (said, answer) = turn(&mut client, &stage.session, REMEMBER)?;
    stage.cursor = seq_of(&answer)?;
    say(&format!("   and Codex, its thread resumed, goes on: {said}"));
    Ok(())
}

fn permission(stage: &mut Stage) -> anyhow::Result<()> {
    let mut client = attach(stage, stage.cursor)?;
    client.step(&json!({ "permission": "hold" }))?;
    client.prompt(&stage.session, ASK)?;
    // Whatever belongs to the turn shows that the prompt has been accepted.
    client.until(|line| !line["ask"].is_null() || !line["update"]["_meta"]["acp-bridge"]["turn"].is_null())?;
    client.cut()?;
    say("   the client sent a prompt that will ask, and was killed; three seconds pass with nobody there");
    std::thread::sleep(Duration::from_secs(3));
    let permitted = stage.harness.workspace().join("permitted.txt");
    ensure!(!permitted.exists(), "the command ran without permission");
    let mut client = stage.client()?;
    client.step(&json!({ "permission": "allow_once" }))?;
    client.step(&json!({ "request": "session/resume", "params": { "sessionId": stage.session,
        "cwd": stage.harness.workspace(), "mcpServers": [], "_meta": { "acp-bridge": { "after": stage.cursor } } } }))?;
    let asked = client.until(|line| !line["ask"].is_null() || !line["error"].is_null())?;
    if let Some(error) = asked.get("error") {
        bail!("session/resume: {error}");
    }
    say(&format!("   a client that attached after that was asked: {}", asked["ask"]["toolCall"]["title"]));
    let ended = client.until(|line| line["notification"] == "_acp-bridge/turn_ended")?;
    ensure!(ended["params"]["outcome"] == "completed", "the turn ended as {}", ended["params"]["outcome"]);
    stage.cursor = seq_of(&ended["params"])?;
    ensure!(permitted.exists(), "the permitted command did not run");
    say("   it allowed it once; the command ran and the turn ended as completed");
    Ok(())
}

fn stop(stage: &mut Stage) -> anyhow::Result<()> {
    let ticks = stage.harness.workspace().join("ticks.txt");
    let size = || std::fs::metadata(&ticks).map_or(0, |meta| meta.len());
    let mut client = attach(stage, stage.cursor)?;
    client.step(&json!({ "permission": "allow_once" }))?;
    client.prompt(&stage.session, LOOP)?;
    let start = Instant::now();
    while size() < 15 {
        ensure!(start.elapsed() < COMMAND, "the command did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    client.step(&json!({ "notify": "session/cancel", "params": { "sessionId": stage.session } }))?;
    let answer = client.result("session/prompt")?;
    ensure!(answer["stopReason"] == "cancelled", "the turn ended as {answer}");
    let then = size();
    std::thread::sleep(Duration::from_secs(1));
    ensure!(size() == then, "the command still runs after the stop");
    say("   the turn ended as cancelled, and the command is gone: its file has stopped growing");
    let (said, _) = turn(&mut client, &stage.session, STILL)?;
    say(&format!("   and the next prompt works: {said}"));
    Ok(())
}

/// A whole turn: what was said, and the answer of the prompt.
fn turn(client: &mut Client, session: &str, prompt: &str) -> anyhow::Result<(String, Value)> {
    client.prompt(session, prompt)?;
    let mut said = Vec::new();
    let answer = client.until(|line| {
        said.extend(chunk_of(line));
        line["method"] == "session/prompt"
    })?;
    if let Some(error) = answer.get("error") {
        bail!("session/prompt: {error}");
    }
    ensure!(answer["result"]["stopReason"] == "end_turn", "the turn ended as {answer}");
    Ok((text(&said), answer["result"].clone()))
}

/// A client that is attached from a cursor.
fn attach(stage: &Stage, after: u64) -> anyhow::Result<Client> {
    let mut client = stage.client()?;
    client.request(
        "session/resume",
        json!({ "sessionId": stage.session, "cwd": stage.harness.workspace(), "mcpServers": [],
                "_meta": { "acp-bridge": { "after": after } } }),
    )?;
    Ok(client)
}

fn text(chunks: &[(u64, String)]) -> String {
    chunks.iter().map(|(_, text)| text.as_str()).collect()
}
