//! What the demo plays. Each act checks what it shows.

use anyhow::{bail, ensure};
use serde_json::json;

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
    Act { title: "a stop", play: stop },
];

fn prompt(stage: &mut Stage) -> anyhow::Result<()> {
    let mut client = stage.client()?;
    let made = client.request("session/new", json!({ "cwd": std::env::current_dir()?, "mcpServers": [] }))?;
    stage.session = made["sessionId"].as_str().unwrap_or_default().to_owned();
    ensure!(!stage.session.is_empty(), "session/new gave no session id");
    client.prompt(&stage.session, "echo hello from the agent")?;
    let (seq, text) = client.chunk()?;
    let answer = client.result("session/prompt")?;
    ensure!(answer["stopReason"] == "end_turn", "the turn ended as {answer}");
    stage.cursor = seq_of(&answer)?;
    say(&format!("   agent: {text}   (seq {seq}; the turn ended as end_turn)"));
    Ok(())
}

fn cut_and_join(stage: &mut Stage) -> anyhow::Result<()> {
    const N: u64 = 60;
    let mut first = attach(stage, stage.cursor)?;
    first.prompt(&stage.session, &format!("count {N} 25"))?;
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
    ensure!(text(&seen) == numbers(N), "together they saw {}", text(&seen));
    say(&format!("   together: 1 to {N}, none lost, none doubled; the turn ended as completed"));
    Ok(())
}

fn kill_the_bridge(stage: &mut Stage) -> anyhow::Result<()> {
    let before = stage.cursor;
    let mut client = attach(stage, before)?;
    client.prompt(&stage.session, "count 1000 20")?;
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
    client.prompt(&stage.session, "history")?;
    let (_, remembered) = client.chunk()?;
    stage.cursor = seq_of(&client.result("session/prompt")?)?;
    say(&format!("   and the agent, loaded again, remembers {remembered} prompts"));
    Ok(())
}

fn permission(stage: &mut Stage) -> anyhow::Result<()> {
    let mut client = attach(stage, stage.cursor)?;
    client.prompt(&stage.session, "count 10 25")?;
    client.prompt(&stage.session, "ask")?;
    client.chunk()?;
    client.cut()?;
    say(
        "   the client queued a prompt that will ask, and was killed before it did; two seconds pass with nobody there",
    );
    std::thread::sleep(std::time::Duration::from_secs(2));
    let mut client = stage.client()?;
    client.step(&json!({ "permission": "yes" }))?;
    client.step(&json!({ "request": "session/load",
        "params": { "sessionId": stage.session, "cwd": std::env::current_dir()?, "mcpServers": [] } }))?;
    let mut asked = false;
    loop {
        let line = client.next()?;
        asked |= !line["ask"].is_null();
        if let Some((seq, text)) = chunk_of(&line)
            && asked
        {
            ensure!(text == "chosen: yes", "the agent said {text}");
            stage.cursor = seq;
            break;
        }
        if let Some(error) = line.get("error") {
            bail!("session/load: {error}");
        }
    }
    say("   a client that attached after that was asked, answered yes, and the agent went on: chosen: yes");
    Ok(())
}

fn stop(stage: &mut Stage) -> anyhow::Result<()> {
    let mut client = attach(stage, stage.cursor)?;
    client.prompt(&stage.session, "count 1000 20")?;
    client.chunk()?;
    client.step(&json!({ "notify": "session/cancel", "params": { "sessionId": stage.session } }))?;
    let answer = client.result("session/prompt")?;
    ensure!(answer["stopReason"] == "cancelled", "the turn ended as {answer}");
    client.prompt(&stage.session, "echo still here")?;
    let answer = client.result("session/prompt")?;
    ensure!(answer["stopReason"] == "end_turn", "the next turn ended as {answer}");
    say("   the turn ended as cancelled, and the next prompt worked");
    Ok(())
}

/// A client that is attached from a cursor.
fn attach(stage: &Stage, after: u64) -> anyhow::Result<Client> {
    let mut client = stage.client()?;
    client.request(
        "session/resume",
        json!({ "sessionId": stage.session, "cwd": std::env::current_dir()?, "mcpServers": [],
                "_meta": { "acp-bridge": { "after": after } } }),
    )?;
    Ok(client)
}

fn text(chunks: &[(u64, String)]) -> String {
    chunks.iter().map(|(_, text)| text.as_str()).collect()
}

fn numbers(upto: u64) -> String {
    (1..=upto).map(|number| format!("{number} ")).collect()
}
