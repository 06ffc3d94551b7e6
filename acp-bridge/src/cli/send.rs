//! `acp-bridge send`.

use super::args;
use super::client::Client;
use super::output;
use super::show::Form;
use super::turn::{self, Asked, Progress};

/// Sends a prompt and shows the turn. Permission requests are left to clients with a person behind them.
pub(super) async fn run(args: args::Send) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url.url).await?;
    let form = if args.json { Form::Json } else { Form::Text };
    let session = if args.session == "new" {
        let session = client.new_session(None).await?;
        if args.json {
            output::json(&serde_json::json!({ "session": session }).to_string())?;
        }
        session
    } else {
        client.resume(&args.session, None).await?;
        args.session
    };
    let asked = Asked {
        key: args.key.as_deref(),
        on_busy: args.on_busy,
        after_restart: args.after_restart,
        lane: args.lane.as_deref(),
    };
    let key = turn::prompt(&client, &session, &args.text, &asked).await?;
    loop {
        let event = client.next().await?;
        match turn::progress(&event, key, form)? {
            Progress::Running => {}
            Progress::Completed => return Ok(()),
            Progress::Ended(why) => return Err(why),
        }
    }
}
