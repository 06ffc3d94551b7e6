//! `acp-bridge tail`.

use acp_server::proto::Event;

use super::args;
use super::client::Client;
use super::show::{self, Form};

pub(super) async fn run(args: args::Tail) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url.url).await?;
    client.resume(&args.session, Some(args.after)).await?;
    let form = if args.json { Form::Json } else { Form::Text };
    loop {
        let event = tokio::select! {
            event = client.next() => event?,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        if is_caught_up(&event) && !args.follow {
            return Ok(());
        }
        show::event(&event, form)?;
    }
}

fn is_caught_up(event: &Event) -> bool {
    matches!(event, Event::Notification(notification) if notification.method() == acp_types::meta::CAUGHT_UP)
}
