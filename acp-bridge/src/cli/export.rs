//! `acp-bridge export`.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use acp_types::SessionId;
use anyhow::Context;
use serde_json::json;

use super::{args, offline, output};
use crate::log::SqliteView;
use crate::log::portable::Export;

pub(super) async fn run(args: args::Export) -> anyhow::Result<()> {
    let view = SqliteView::open(offline::file(&args.log)?)?;
    let session = SessionId::from(args.session.as_str());
    let mut export = Export::begin(&view, &session, args.after).await?;
    let Some(path) = &args.output else {
        while let Some(page) = export.next().await? {
            output::bytes(&page)?;
        }
        return Ok(());
    };
    let mut target = Target::create(path)?;
    while let Some(page) = export.next().await? {
        target.write(&page)?;
    }
    let bytes = target.finish()?;
    let header = export.header();
    if args.json {
        let said = json!({
            "event": "exported", "sessionId": session, "records": header.records, "head": header.head,
            "oldest": header.oldest, "bytes": bytes, "file": path,
        });
        return Ok(output::line(&said.to_string())?);
    }
    output::line(&format!("exported {} records of session {session} to {}", header.records, path.display()))?;
    Ok(())
}

/// A file that has its name only once it is complete.
struct Target {
    path: PathBuf,
    partial: PathBuf,
    file: File,
    bytes: u64,
    done: bool,
}

impl Target {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let mut partial = OsString::from(path);
        partial.push(format!(".partial-{}", std::process::id()));
        let partial = PathBuf::from(partial);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It holds a whole conversation.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&partial).with_context(|| format!("cannot write {}", partial.display()))?;
        Ok(Self { path: path.into(), partial, file, bytes: 0, done: false })
    }

    fn write(&mut self, page: &[u8]) -> anyhow::Result<()> {
        self.bytes += page.len() as u64;
        self.file.write_all(page).with_context(|| format!("cannot write {}", self.partial.display()))
    }

    fn finish(mut self) -> anyhow::Result<u64> {
        self.file.sync_all().with_context(|| format!("cannot write {}", self.partial.display()))?;
        std::fs::rename(&self.partial, &self.path).with_context(|| format!("cannot write {}", self.path.display()))?;
        self.done = true;
        Ok(self.bytes)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.done {
            // What is left over of it is of no use, and says so by its name.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}
