//! `cargo xtask currency`: whether the schema of the protocol that we build on is that of today.
//!
//! A newer minor release of the schema crate may wait for one release of ours, so that nobody has to hold one back for a
//! schema of yesterday. `seen.json` says at which version of ours each newer one was seen first. When our version has
//! moved on since, a release of ours went out without it, the next would be the second, and the command fails.

mod age;
mod registry;
mod seen;
mod surface;

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::run::{root, say};
use age::{Age, Minor};
use registry::{CRATE, PROTOCOLS};
use seen::Seen;
use surface::Surface;

/// Checks; with `save`, writes the schemas of the release that the workspace has to `conformance/schema` first.
pub(crate) fn run(save: bool) -> anyhow::Result<()> {
    let ours = registry::in_use()?;
    if save {
        save_schemas(&ours)?;
    }
    let newest = registry::newest()?;
    let release = registry::own_version()?;
    let mut seen = Seen::read()?;
    let age = seen.note(Minor::of(&ours)?, Minor::of(&newest)?, &release);
    seen.write()?;
    if let Age::Current = age {
        say(&format!("currency: {CRATE} {ours} has the newest minor release"));
        return Ok(());
    }
    say(&format!("{CRATE} is at {newest}, and we build on {ours}. New in it:"));
    for line in news(&ours, &newest)? {
        say(&format!("  {line}"));
    }
    match age {
        Age::Late { since } => bail!(
            "{CRATE} {newest} is newer than our {ours}, which was known at our version {since} already, and {release} \
             would be the second release without it: take it in, run `cargo xtask currency --save`, and give what is \
             new its checks"
        ),
        _ => say(&format!(
            "currency: our next release may go out without it; {} says since when it is known",
            seen::FILE
        )),
    }
    Ok(())
}

/// What the newer release has, and ours does not.
fn news(ours: &str, newest: &str) -> anyhow::Result<Vec<String>> {
    let theirs = registry::schemas(newest)?;
    let mut lines = Vec::new();
    for protocol in PROTOCOLS {
        let old = surfaces(protocol, |name| read(ours, name))?;
        let new = surfaces(protocol, |name| {
            theirs.get(name).cloned().with_context(|| format!("{CRATE} {newest} has no {name}"))
        })?;
        lines.extend(new.news_since(&old).into_iter().map(|line| format!("{protocol}: {line}")));
    }
    Ok(lines)
}

/// The surface of a version of the protocol, from its two schemas.
fn surfaces(protocol: &str, schema: impl Fn(&str) -> anyhow::Result<Value>) -> anyhow::Result<Surface> {
    let stable = schema(&format!("{protocol}/schema.json"))?;
    let unstable = schema(&format!("{protocol}/schema.unstable.json"))?;
    Ok(Surface::of(&stable, &unstable))
}

/// Folder of the schemas of a release.
fn folder(release: &str) -> PathBuf {
    root().join("conformance/schema").join(release)
}

fn read(release: &str, name: &str) -> anyhow::Result<Value> {
    let path = folder(release).join(name);
    let shown = format!("conformance/schema/{release}/{name}");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{shown} cannot be read; `cargo xtask currency --save` writes it"))?;
    serde_json::from_str(&text).with_context(|| format!("{shown} is no JSON"))
}

fn save_schemas(release: &str) -> anyhow::Result<()> {
    for (name, schema) in registry::schemas(release)? {
        let path = folder(release).join(&name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        let text = serde_json::to_string_pretty(&schema)? + "\n";
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        say(&format!("wrote conformance/schema/{release}/{name}"));
    }
    Ok(())
}
