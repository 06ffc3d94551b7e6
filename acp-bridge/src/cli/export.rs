//! `acp-bridge export`.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use acp_types::api::SessionApiClient;
use acp_types::{SessionId, printable};
use anyhow::Context;
use serde_json::json;

use super::{api, args, offline, output};
use crate::archive::{Export, Header};
use crate::log::SqliteView;

pub(super) async fn run(args: args::Export) -> anyhow::Result<()> {
    let mut sink = Sink { path: args.output.as_deref(), target: None };
    let header = match &args.url {
        Some(url) => from_bridge(url, &args, &mut sink).await?,
        None => from_log(&args, &mut sink).await?,
    };
    let Some(target) = sink.target else { return Ok(()) };
    let path = target.path.clone();
    let bytes = target.finish()?;
    let session = &header.session_id;
    if args.json {
        let said = json!({
            "event": "exported", "sessionId": session, "records": header.records, "head": header.head,
            "oldest": header.oldest, "bytes": bytes, "file": path,
        });
        return Ok(output::json(&said.to_string())?);
    }
    let (session, path) = (printable::line(session.as_str()).into_owned(), path.display().to_string());
    output::line(&format!("exported {} records of session {session} to {}", header.records, printable::line(&path)))?;
    Ok(())
}

async fn from_log(args: &args::Export, sink: &mut Sink<'_>) -> anyhow::Result<Header> {
    let view = SqliteView::open(offline::file(&args.log)?)?;
    let mut export = Export::begin(&view, &SessionId::from(args.session.as_str()), args.after).await?;
    while let Some(page) = export.next().await? {
        sink.write(&page)?;
    }
    Ok(export.header().clone())
}

async fn from_bridge(url: &str, args: &args::Export, sink: &mut Sink<'_>) -> anyhow::Result<Header> {
    let client = api::connect(url).await?;
    let session = SessionId::from(args.session.as_str());
    let first = client.session_export(session.clone(), Some(args.after), None).await.map_err(api::failed)?;
    let header = first.lines.lines().next().unwrap_or_default();
    let header = acp_types::json::from_str(header).context("the bridge's export has no header")?;
    let mut page = first;
    loop {
        sink.write(page.lines.as_bytes())?;
        if page.next.is_none() {
            return Ok(header);
        }
        page = client.session_export(session.clone(), None, page.next).await.map_err(api::failed)?;
    }
}

/// Sink for the lines: a file, made when there is something to write, or stdout.
struct Sink<'a> {
    path: Option<&'a Path>,
    target: Option<Target>,
}

impl Sink<'_> {
    fn write(&mut self, page: &[u8]) -> anyhow::Result<()> {
        let Some(path) = self.path else { return Ok(output::json_lines(page)?) };
        let target = match &mut self.target {
            Some(target) => target,
            none => none.insert(Target::create(path)?),
        };
        target.write(page)
    }
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
