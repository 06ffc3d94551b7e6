//! `cargo xtask demo`: the main job, played with an agent and a client that this project did not write.

mod acts;
mod stage;

use std::io::{BufRead, Write};

use anyhow::Context;

use crate::run::{cargo, execute, has, say};
use stage::Stage;

/// Plays every act; with `once` without questions.
pub(crate) fn run(once: bool) -> anyhow::Result<()> {
    say("This builds acp-bridge, gets a real ACP agent (the official TypeScript SDK from npm) and plays a session.");
    if !has("node") || !has("npm") {
        anyhow::bail!("step `prepare` failed: node and npm are needed (Node 20 or newer)");
    }
    execute(cargo().args(["build", "--quiet", "--package", "acp-bridge"])).context("step `build` failed")?;
    crate::npm::install(crate::npm::SDK).context("step `get the agent` failed")?;
    let mut stage = Stage::new().context("step `start the bridge` failed")?;
    say(&format!("\nThe bridge listens on {}, its log is {}.", stage.url(), stage.log().display()));
    for (number, act) in acts::ACTS.iter().enumerate() {
        if !once {
            pause(&format!("\nEnter for act {}: {} ", number + 1, act.title))?;
        }
        say(&format!("\n{}. {}", number + 1, act.title));
        (act.play)(&mut stage).with_context(|| format!("step {} `{}` failed", number + 1, act.title))?;
    }
    go_on(&stage, once)
}

fn go_on(stage: &Stage, once: bool) -> anyhow::Result<()> {
    let bridge = stage::program()?.display().to_string();
    say("\nAll of it held. To go on by hand:");
    if once {
        say(&format!("  {bridge} serve -- node interop/ts/agent.mjs    # or an agent of your own"));
        say(&format!("  {bridge} chat       # try: count 100 50, ask, tool, hang; Ctrl-C stops, Ctrl-D detaches"));
        return Ok(());
    }
    let url = stage.url();
    say(&format!("  {bridge} chat --url {url}       # try: count 100 50, ask, tool, hang; Ctrl-C stops"));
    say(&format!("  {bridge} sessions --url {url}"));
    say(&format!("  {bridge} tail {} --url {url} --follow", stage.session));
    say(&format!("  sqlite3 {} 'select seq, kind, body from records'", stage.log().display()));
    say(&format!("and with an agent of your own: {bridge} serve -- AGENT CMD"));
    pause("\nThe bridge runs until you press Enter. ")
}

fn pause(text: &str) -> anyhow::Result<()> {
    say(text);
    std::io::stdout().flush()?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}
