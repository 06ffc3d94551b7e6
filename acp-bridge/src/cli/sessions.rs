//! `acp-bridge sessions`.

use acp_types::api::{Session, SessionApiClient};
use acp_types::printable;
use serde::Serialize;

use super::{api, args, output};

/// One line of `--json`: named as in ACP's `session/list`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    session_id: &'a str,
    cwd: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
}

impl<'a> Line<'a> {
    fn of(session: &'a Session) -> Self {
        // No calendar has a time that does not fit.
        let updated = i64::try_from(session.updated_at).ok().and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
        Self {
            session_id: session.session.as_str(),
            cwd: &session.cwd,
            title: session.title.as_deref(),
            updated_at: updated.map(|at| at.to_string()),
        }
    }
}

pub(super) async fn run(args: args::Sessions) -> anyhow::Result<()> {
    let client = api::connect(&args.url.url).await?;
    let mut after = None;
    let mut none = true;
    loop {
        let page = client.session_list(None, after, None).await.map_err(api::failed)?;
        for session in &page.sessions {
            none = false;
            let line = Line::of(session);
            if args.json {
                output::json(&serde_json::to_string(&line)?)?;
            } else {
                let (at, title) = (line.updated_at.unwrap_or_default(), line.title.unwrap_or_default());
                let shown = [line.session_id, &at, line.cwd, title].map(printable::line);
                output::line(&shown.join("  "))?;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if none && !args.json {
        output::line("no sessions yet; start one with `acp-bridge chat` or `acp-bridge send new TEXT`")?;
    }
    Ok(())
}
