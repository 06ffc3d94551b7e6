//! Programs of the system that tests start.

use anyhow::Context;

use crate::run::{capture, execute, has, program, say};

/// A program and the Debian package that has it.
const TOOLS: &[(&str, &str)] = &[
    ("sqlite3", "sqlite3"),
    ("script", "bsdutils"),
    ("setpriv", "util-linux"),
    ("git", "git"),
    ("chromium", "chromium"),
];

/// Installs with apt what is missing.
pub(super) fn install() -> anyhow::Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|(tool, _)| !has(tool)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    let packages = packages.join(" ");
    say(&format!("missing, to be installed with apt: {packages}"));
    let sudo = capture(program("id").arg("-u"))?.trim() != "0";
    let apt = |arguments: &[&str]| {
        let mut command = if sudo { program("sudo") } else { program("apt-get") };
        if sudo {
            command.arg("apt-get");
        }
        execute(command.args(arguments))
    };
    let mut install = vec!["install", "-y", "-qq"];
    install.extend(missing.iter().map(|(_, package)| package));
    apt(&["update", "-qq"])
        .and_then(|()| apt(&install))
        .with_context(|| format!("cannot be installed: {packages}; install them by hand and run this again"))
}
