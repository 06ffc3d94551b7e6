//! Clients that lose their connection over and over while an agent writes as fast as it can.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::client::{Client, is_chunk};

/// How a client comes back.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// `session/resume` at its cursor.
    Resume,
    /// `session/attach` at its cursor.
    Attach,
    /// `session/load`: everything from the beginning, chunks joined.
    Load,
}

/// What one client has of the agent's message.
#[derive(Debug, Default)]
struct Seen {
    /// The number of the last chunk.
    last: u64,
    /// Seq of the last record.
    cursor: u64,
    lost: u64,
    doubled: u64,
}

/// One turn of `updates` to `clients` for each way, all of which drop their connection `drops` times.
pub(crate) async fn run(url: &str, updates: u64, clients: u64, drops: u64) -> anyhow::Result<Value> {
    let mut writer = Client::connect(url).await?;
    let session = writer.new_session().await?;
    writer.prompt(&session, &format!("numbered {updates}")).await?;
    let mut tasks = Vec::new();
    for way in [Way::Resume, Way::Attach, Way::Load] {
        for _ in 0..clients {
            let (url, session) = (url.to_owned(), session.clone());
            tasks.push(tokio::spawn(async move { follow(&url, &session, way, updates, drops).await }));
        }
    }
    let writing = tokio::spawn(async move { writer.read_updates(updates).await });
    let (mut lost, mut doubled, mut attached) = (0, 0, 0);
    for task in tasks {
        let (seen, times) = task.await??;
        lost += seen.lost;
        doubled += seen.doubled;
        attached += times;
    }
    writing.await??;
    Ok(json!({ "clients": clients * 3, "attached": attached, "lost": lost, "doubled": doubled }))
}

/// Follows the turn to its end; also how often it attached.
async fn follow(url: &str, session: &str, way: Way, updates: u64, drops: u64) -> anyhow::Result<(Seen, u64)> {
    let mut seen = Seen::default();
    let mut attached = 0;
    // Spread over the turn; a load begins anew each time, so that its share is read again and again.
    let share = updates / (drops + 1);
    for drop in 0..=drops {
        let mut client = Client::connect(url).await?;
        let params = json!({ "sessionId": session, "cwd": "/", "mcpServers": [] });
        let with_cursor = |mut params: Value, after: u64| {
            params["_meta"] = json!({ "acp-bridge": { "after": after } });
            params
        };
        match way {
            Way::Resume => client.request("session/resume", with_cursor(params, seen.cursor)).await?,
            Way::Attach => client.request("session/attach", with_cursor(params, seen.cursor)).await?,
            Way::Load => {
                seen.last = 0;
                client.request("session/load", params).await?
            }
        };
        attached += 1;
        let until = if drop == drops { updates } else { (share * (drop + 1)).max(seen.last + 1) };
        read(&mut client, &mut seen, until).await?;
    }
    ensure!(seen.last == updates, "{way:?} ended at chunk {} of {updates}", seen.last);
    Ok((seen, attached))
}

/// Reads until chunk `until`, and counts what is not the next number.
async fn read(client: &mut Client, seen: &mut Seen, until: u64) -> anyhow::Result<()> {
    while seen.last < until {
        let text = client.read().await?;
        let message: Value = serde_json::from_slice(&text)?;
        if !is_chunk(&text) {
            ensure!(message["error"].is_null(), "refused: {}", message["error"]);
            continue;
        }
        let params = &message["params"];
        seen.cursor = params["_meta"]["acp-bridge"]["seq"].as_u64().context("a seq")?;
        // A load joins chunks; each number ends with a space.
        for number in params["update"]["content"]["text"].as_str().context("a text")?.split_ascii_whitespace() {
            let number: u64 = number.parse()?;
            seen.lost += number.saturating_sub(seen.last + 1);
            seen.doubled += u64::from(number <= seen.last);
            seen.last = seen.last.max(number);
        }
    }
    Ok(())
}
