//! `acp-harness NAME`: a harness as an agent on our stdin and stdout.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use acp_server::stdio;
use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::args;
use super::exit::{Exit, coded};
use crate::adapter::{self, Options};
use crate::profile::{Adapter, Profile, Profiles};
use crate::{claude, codex, private};

/// Runs a harness that has an adapter. It needs no profile, and so has none in memory.
pub(super) async fn adapter(adapter: Adapter, args: args::Run, mode: Option<String>) -> anyhow::Result<()> {
    if let Some(directory) = &args.record {
        let cannot = || format!("cannot record into {}", directory.display());
        private::directory(directory).with_context(cannot)?;
        for file in private::wide(directory).with_context(cannot)? {
            tracing::warn!("{} holds conversations and is open to others: run `chmod 600` on it", file.display());
        }
    }
    let options = Options { program: args.program, args: args.args, mode, trust_settings: args.trust_settings };
    drive(adapter, options, args.record).await
}

/// Runs any other harness by its name.
pub(super) fn other(profiles: &Profiles, words: &[OsString]) -> anyhow::Result<()> {
    let (name, rest) = words.split_first().context("no harness named")?;
    exec(profiles.get(&name.to_string_lossy())?, rest)
}

async fn drive(adapter: Adapter, options: Options, record: Option<PathBuf>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let transport = stdio()?;
    match adapter {
        Adapter::Codex => adapter::serve(codex::Codex::new(options), transport, record, stop).await,
        Adapter::Claude => adapter::serve(claude::Claude::new(options), transport, record, stop).await,
    }
    Ok(())
}

/// Becomes the harness, which speaks ACP itself, so that nothing of us stays in memory; or the adapter that drives it.
fn exec(profile: &Profile, args: &[OsString]) -> anyhow::Result<()> {
    let Some(program) = profile.locate(None, |name| std::env::var_os(name)) else {
        return Err(coded(Exit::Unavailable, missing(profile, None)));
    };
    let mut command = match profile.adapter {
        None => {
            let mut command = Command::new(&program);
            command.args(&profile.args);
            command
        }
        Some(adapter) => {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg(adapter.name()).arg("--program").arg(&program).arg("--").args(&profile.args);
            command
        }
    };
    let error = command.args(args).envs(&profile.env).exec();
    Err(coded(Exit::Unavailable, format!("cannot start {}: {error}", program.display())))
}

/// Message for somebody who lacks the harness. `given` is the program from the command line.
pub(super) fn missing(profile: &Profile, given: Option<&Path>) -> String {
    let wanted = profile.wanted(given, |name| std::env::var_os(name));
    let install = match &profile.install {
        Some(install) => format!("install it with `{install}`"),
        None => "install it or correct its profile".to_owned(),
    };
    if wanted.components().count() < 2 {
        return format!("{} is not on PATH; {install}", wanted.display());
    }
    let state = if wanted.exists() { "is no program that can be run" } else { "is not there" };
    let origin = match (given, &profile.program_env) {
        (Some(_), _) => "--program",
        (None, Some(variable)) if wanted != profile.program => variable,
        _ => "its profile",
    };
    format!("{} {state}; correct {origin}, or {install}", wanted.display())
}
