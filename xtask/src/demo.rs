//! `cargo xtask demo`: the main job, played with a harness and a client that this project did not write: Codex
//! and the official TypeScript SDK.

mod acts;
mod harness;
mod script;
mod stage;

use std::io::{BufRead, Write};

use anyhow::Context;

use crate::run::{cargo, has, root, say};
use harness::Harness;
use stage::Stage;

/// Plays every act; with `once` without questions.
pub(crate) fn run(once: bool) -> anyhow::Result<()> {
    say("This builds the programs, gets Codex and the official TypeScript SDK from npm, and plays a session.");
    if !has("node") || !has("npm") {
        anyhow::bail!("step `prepare` failed: node and npm are needed (Node 20 or newer)");
    }
    crate::run::build_programs(&mut cargo()).context("step `build` failed")?;
    crate::npm::install(crate::npm::SDK).context("step `get the client` failed")?;
    let directory = directory()?;
    let own = !once && Harness::is_logged_in() && yes("You are logged in to Codex. Play with your own login (y/N)? ")?;
    let harness = if own { Harness::own(directory.path()) } else { Harness::scripted(directory.path()) };
    let harness = harness.context("step `get the agent` failed")?;
    let mut stage = Stage::new(directory, harness).context("step `start the bridge` failed")?;
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
    say("\nAll of it held.");
    if once {
        say("By hand: acp-bridge serve --agent codex, and in another terminal acp-bridge chat.");
        return Ok(());
    }
    let bridge = stage::program()?.display().to_string();
    let url = stage.url();
    say("To go on by hand:");
    say(&format!("  {bridge} chat --url {url}       # Ctrl-C stops, Ctrl-D detaches"));
    say(&format!("  {bridge} sessions --url {url}"));
    say(&format!("  {bridge} tail {} --url {url} --follow", stage.session));
    say(&format!("  sqlite3 {} 'select seq, kind, body from records'", stage.log().display()));
    say(&format!("and on its own: {}", stage.harness.by_hand()));
    pause("\nThe bridge runs until you press Enter. ")
}

/// Directory of all that the demo has. Not in the system's temporary directory, where Codex does not make its helpers.
fn directory() -> anyhow::Result<tempfile::TempDir> {
    let place = root().join("target/demo");
    std::fs::create_dir_all(&place)?;
    Ok(tempfile::tempdir_in(place)?)
}

fn pause(text: &str) -> anyhow::Result<()> {
    answer(text).map(drop)
}

fn yes(question: &str) -> anyhow::Result<bool> {
    Ok(answer(question)?.trim().eq_ignore_ascii_case("y"))
}

fn answer(text: &str) -> anyhow::Result<String> {
    say(text);
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}
