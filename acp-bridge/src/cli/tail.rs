//! `acp-bridge tail`. It looks on: the session is no less unattended for it.

use acp_types::SessionId;
use acp_types::api::{Event, Follow, FollowError};

use super::exit::{Exit, coded};
use super::show::{self, Form};
use super::{api, args};

pub(super) async fn run(args: args::Tail) -> anyhow::Result<()> {
    let session = SessionId::from(args.session.as_str());
    let mut follow = Follow::new(api::connect(&args.url.url).await?, session.clone(), args.after);
    let form = if args.json { Form::Json } else { Form::Text };
    loop {
        let event = tokio::select! {
            event = follow.next() => event.map_err(failed)?,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        match event {
            Event::Records(records) => {
                for record in records {
                    show::record(&session, &record, form)?;
                }
            }
            Event::CaughtUp(_) if !args.follow => return Ok(()),
            Event::CaughtUp(mark) => show::caught_up(&session, mark.seq, form)?,
            // What the agent does is lost until the log can be written again; then it goes on.
            Event::Fault(fault) => tracing::warn!(reason = fault.reason, "the bridge cannot write the session's log"),
            _ => {}
        }
    }
}

fn failed(error: FollowError) -> anyhow::Error {
    match error {
        FollowError::Client(error) => api::failed(error),
        FollowError::Disconnected { .. } => coded(Exit::Unreachable, error.to_string()),
        FollowError::Closed(closed) if closed.stopping => coded(Exit::Unreachable, closed.message),
        other => other.into(),
    }
}
