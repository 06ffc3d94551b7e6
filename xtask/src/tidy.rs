//! `cargo xtask tidy`: what the structure promises, read from the files.

mod edges;
mod files;
mod promises;

use anyhow::bail;

use crate::run::{capture, program, root, say};

pub(crate) fn run() -> anyhow::Result<()> {
    let tracked = capture(program("git").args(["ls-files"]))?;
    let tracked: Vec<&str> = tracked.lines().filter(|path| root().join(path).is_file()).collect();
    let mut faults = edges::faults()?;
    faults.extend(files::faults(&tracked)?);
    faults.extend(promises::faults(&tracked)?);
    if !faults.is_empty() {
        bail!("the structure is not what it promises:\n  {}", faults.join("\n  "));
    }
    say("tidy: crate edges, files and the promises table are in order");
    Ok(())
}
