//! `acp-harness list` and `acp-harness which`.

use futures_util::future::join_all;
use serde_json::json;

use super::exit::{Exit, coded};
use super::run::missing;
use super::{args, output};
use crate::profile::{Installed, Profile, Profiles};

pub(super) async fn run(profiles: &Profiles, args: &args::List) -> anyhow::Result<()> {
    let found = join_all(profiles.iter().map(async |profile| (profile, look(profile).await))).await;
    for (profile, installed) in found {
        if args.json {
            output::json(&as_json(profile, installed.as_ref()))?;
        } else {
            output::line(&as_text(profile, installed.as_ref()))?;
        }
    }
    Ok(())
}

pub(super) fn which(profiles: &Profiles, args: &args::Which) -> anyhow::Result<()> {
    let profile = profiles.get(&args.name)?;
    let program = profile.locate(None, |name| std::env::var_os(name));
    let program = program.ok_or_else(|| coded(Exit::Unavailable, missing(profile, None)))?;
    if args.json {
        let readable = profile.readable(|name| std::env::var_os(name));
        let readable: Vec<_> = readable.iter().filter_map(|path| path.to_str()).collect();
        output::line(&json!({ "name": profile.name, "program": program.to_str(), "readable": readable }).to_string())?;
        return Ok(());
    }
    output::line(&program.display().to_string())?;
    Ok(())
}

async fn look(profile: &Profile) -> Option<Installed> {
    let program = profile.locate(None, |name| std::env::var_os(name))?;
    Some(profile.installed(program).await)
}

fn as_json(profile: &Profile, installed: Option<&Installed>) -> serde_json::Value {
    json!({
        "name": profile.name,
        "title": profile.title,
        "adapter": profile.adapter.is_some(),
        "installed": installed.is_some(),
        "program": installed.map(|it| it.program.display().to_string()),
        "version": installed.and_then(|it| it.version).map(|version| version.to_string()),
        "minimum": profile.minimum.map(|version| version.to_string()),
        "install": profile.install,
    })
}

fn as_text(profile: &Profile, installed: Option<&Installed>) -> String {
    let how = if profile.adapter.is_some() { "adapter" } else { "speaks ACP" };
    let state = match installed {
        Some(it) => {
            let version = it.version.map_or_else(|| "version unknown".to_owned(), |version| version.to_string());
            let old = match (it.version, profile.minimum) {
                (Some(version), Some(minimum)) if version < minimum => format!(" (too old, {minimum} is needed)"),
                _ => String::new(),
            };
            format!("{version}{old}  {}", it.program.display())
        }
        None => match &profile.install {
            Some(install) => format!("not installed; {install}"),
            None => "not installed".to_owned(),
        },
    };
    format!("{:<10} {how:<11} {state}", profile.name)
}
