//! `acp-bridge chat`: Ctrl-C stops the turn, Ctrl-D detaches and leaves it running.

use acp_server::proto::{Event, RequestKey};
use acp_types::method::v1;
use acp_types::{RawBuf, RequestId, printable};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use super::client::Client;
use super::show::Form;
use super::turn::{self, Progress};
use super::{args, output};

struct Chat {
    client: Client,
    session: String,
    input: Lines<BufReader<Stdin>>,
    turn: Option<RequestKey>,
    /// The permission request that the next line answers, with its option ids.
    asked: Option<(RequestId, Vec<String>)>,
}

pub(super) async fn run(args: args::Chat) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url.url).await?;
    let session = match args.session {
        Some(session) => {
            let resumed = json!({ "sessionId": session, "cwd": args.cwd.clone().unwrap_or(std::env::current_dir()?), "mcpServers": [] });
            client.call(v1::LoadSession::NAME, &resumed).await?;
            session
        }
        None => client.new_session(args.cwd.as_deref()).await?,
    };
    let shown = printable::line(&session);
    output::line(&format!("session {shown} (Ctrl-C stops the turn, Ctrl-D detaches)"))?;
    let input = BufReader::new(tokio::io::stdin()).lines();
    Chat { client, session, input, turn: None, asked: None }.serve().await
}

impl Chat {
    async fn serve(&mut self) -> anyhow::Result<()> {
        ready()?;
        loop {
            tokio::select! {
                event = self.client.next() => self.event(&event?)?,
                line = self.input.next_line() => match line? {
                    Some(line) => self.line(line.trim()).await?,
                    None => {
                        let session = printable::line(&self.session);
                        output::line(&format!("\ndetached; `acp-bridge chat --session {session}` comes back"))?;
                        return Ok(());
                    }
                },
                _ = tokio::signal::ctrl_c() => self.interrupt().await?,
            }
        }
    }

    fn event(&mut self, event: &Event) -> anyhow::Result<()> {
        if let Event::Request(request) = event
            && request.method() == v1::RequestPermission::NAME
        {
            super::show::event(event, Form::Text)?;
            let options = turn::options(request.params().unwrap_or(acp_types::Raw::EMPTY_OBJECT));
            for (number, (_, name, kind)) in options.iter().enumerate() {
                output::line(&super::show::option(number + 1, name, kind))?;
            }
            output::text("answer with a number: ")?;
            self.asked = Some((request.id().clone(), options.into_iter().map(|(id, ..)| id).collect()));
            return Ok(());
        }
        if let (Event::Cancelled { id, .. }, Some((asked, _))) = (event, &self.asked)
            && id == asked
        {
            self.asked = None;
            output::line("[answered elsewhere]")?;
        }
        let Some(turn) = self.turn else {
            super::show::event(event, Form::Text)?;
            return Ok(());
        };
        match turn::progress(event, turn, Form::Text)? {
            Progress::Running => {}
            Progress::Completed => {
                self.turn = None;
                ready()?;
            }
            Progress::Ended(why) => {
                self.turn = None;
                output::line(&format!("[{}]", printable::line(&why.to_string())))?;
                ready()?;
            }
        }
        Ok(())
    }

    async fn line(&mut self, line: &str) -> anyhow::Result<()> {
        if let Some((id, options)) = self.asked.take() {
            let chosen = line.parse::<usize>().ok().and_then(|number| options.get(number.checked_sub(1)?).cloned());
            let Some(option) = chosen else {
                output::text(&format!("answer with a number from 1 to {}: ", options.len()))?;
                self.asked = Some((id, options));
                return Ok(());
            };
            let answer = RawBuf::encode(&json!({ "outcome": { "outcome": "selected", "optionId": option } }))?;
            self.client.outbox.respond(id, Ok(answer)).await?;
            return Ok(());
        }
        if line.is_empty() {
            return Ok(ready()?);
        }
        let key = turn::prompt(&self.client, &self.session, line, &turn::Asked::default()).await?;
        // A second line while a turn runs is queued by the bridge; the answer to the newest one ends the wait.
        self.turn = Some(key);
        Ok(())
    }

    async fn interrupt(&mut self) -> anyhow::Result<()> {
        let params = RawBuf::encode(&json!({ "sessionId": self.session }))?;
        self.client.outbox.notify(v1::Cancel::NAME, params).await?;
        Ok(())
    }
}

fn ready() -> std::io::Result<()> {
    output::text("> ")
}
