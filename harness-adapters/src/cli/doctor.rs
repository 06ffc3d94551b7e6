//! `acp-harness doctor`.

mod turn;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::exit::{Exit, coded};
use super::run::missing;
use super::{args, output};
use crate::adapter::Options;
use crate::codex::Codex;
use crate::profile::{Adapter, Profile, Profiles};

/// Result of a check.
enum Found {
    Good(String),
    Bad(String),
    /// Nothing could be found out, for this reason.
    Unknown(String),
}

pub(super) async fn run(profiles: &Profiles, args: args::Doctor) -> anyhow::Result<()> {
    let profile = profiles.get(&args.name)?;
    let mut report = Report { json: args.json, bad: 0 };
    let Some(program) = profile.locate(args.program.as_deref(), |name| std::env::var_os(name)) else {
        let missing = missing(profile, args.program.as_deref());
        report.say("program", Found::Bad(missing.clone()))?;
        return Err(coded(Exit::Unavailable, format!("{} cannot be run: {missing}", profile.name)));
    };
    report.say("program", Found::Good(program.display().to_string()))?;
    report.say("version", version(profile, &program).await)?;
    report.say("login", login(profile, &program).await)?;
    report.say("turn", turn(profile, program).await)?;
    if report.bad > 0 {
        return Err(coded(Exit::Failed, format!("{} of the checks failed", report.bad)));
    }
    Ok(())
}

async fn version(profile: &Profile, program: &Path) -> Found {
    match (profile.installed(program.to_path_buf()).await.version, profile.minimum) {
        (Some(version), Some(minimum)) if version < minimum => {
            let install = profile.install.as_deref().unwrap_or("its installer");
            Found::Bad(format!("{version} is too old, {minimum} or newer is needed; update it with `{install}`"))
        }
        (Some(version), _) => Found::Good(version.to_string()),
        (None, _) => Found::Unknown("it does not say its version".to_owned()),
    }
}

async fn login(profile: &Profile, program: &Path) -> Found {
    let log_in = profile.log_in.as_deref().unwrap_or("the program");
    let logged_in = match profile.adapter {
        // Its own command does not know that a provider needs no login.
        Some(Adapter::Codex) => {
            let options = Options { program: Some(program.to_owned()), ..Options::default() };
            match Codex::logged_in(&options).await {
                Ok(logged_in) => Some(logged_in),
                Err(failure) => return Found::Unknown(format!("cannot be asked: {failure}")),
            }
        }
        _ => profile.logged_in(program).await,
    };
    match (logged_in, profile.key(|name| std::env::var_os(name))) {
        (Some(true), _) => Found::Good("logged in, or none is needed".to_owned()),
        (Some(false), Some(key)) => {
            Found::Good(format!("no login is stored; a client that authenticates with an API key takes it from {key}"))
        }
        (Some(false), None) => Found::Bad(format!("nobody is logged in; run `{log_in}`, or set the provider's key")),
        (None, _) => {
            Found::Unknown(format!("cannot be asked without a terminal; if a prompt is refused, run `{log_in}`"))
        }
    }
}

async fn turn(profile: &Profile, program: PathBuf) -> Found {
    let Some(offline) = &profile.offline else {
        return Found::Unknown("its profile does not say how to run it against a scripted model".to_owned());
    };
    match turn::run(profile, offline, program).await {
        Ok(said) => Found::Good(said),
        Err(error) => Found::Bad(format!("{error:#}")),
    }
}

struct Report {
    json: bool,
    bad: usize,
}

impl Report {
    fn say(&mut self, check: &str, found: Found) -> std::io::Result<()> {
        let (state, mark, text) = match found {
            Found::Good(text) => ("ok", "ok    ", text),
            Found::Bad(text) => {
                self.bad += 1;
                ("failed", "FAILED", text)
            }
            Found::Unknown(text) => ("unknown", "?     ", text),
        };
        if self.json {
            output::json(&json!({ "check": check, "state": state, "detail": text }))
        } else {
            output::line(&format!("{mark} {check}: {text}"))
        }
    }
}
