//! Sessions whose connection is gone.

use serde_json::{Value, json};

use super::routing::{introduced, no_http, request};
use super::turns::{new_session, open, until};
use crate::core::check::{Check, call, needs};
use crate::core::history::Case;
use crate::core::http::{CONNECTION, SESSION, get, post};
use crate::core::probe::{Probe, Stop, prompt_of};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// A new connection after one that was dropped.
pub(super) const RECONNECT: Scenario = Scenario {
    name: "http-reconnect",
    about: "has a turn, drops the streams, and loads the session on a new connection",
    play: |probe| Box::pin(reconnect(probe)),
    checks: &[Check::new("HTTP-20", a_session_outlives_its_connection)],
};

async fn reconnect(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin_http();
    let Some((connection, agent)) = introduced(probe, "initialize").await? else { return Ok(()) };
    if agent["agentCapabilities"]["loadSession"] != true {
        return Ok(());
    }
    let mut main = open(probe, "connection", &[(CONNECTION, &connection)]).await?;
    let session = new_session(probe, "new", &connection, &mut main).await?;
    let ids = [(CONNECTION, connection.as_str()), (SESSION, session.as_str())];
    let mut stream = open(probe, "session", &ids).await?;
    probe
        .exchange("prompt", post(&request("prompt", "session/prompt", prompt_of(&session, prompts::REPLY)), &ids))
        .await?;
    let limit = probe.limits().turn;
    until(probe, "session", &mut stream, limit, |message| message["id"] == "prompt").await;
    drop((main, stream));
    let Some((connection, _)) = introduced(probe, "initialize/again").await? else { return Ok(()) };
    let mut streams = vec![("connection/again", open(probe, "connection/again", &[(CONNECTION, &connection)]).await?)];
    let ids = [(CONNECTION, connection.as_str()), (SESSION, session.as_str())];
    // AMB-18: it may be there before the session is, or only then.
    streams.extend(probe.listen("listen/session/again", get(&ids)).await?.map(|stream| ("session/again", stream)));
    let params = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
    probe.exchange("load", post(&request("load", "session/load", params), &ids)).await?;
    if streams.len() == 1 {
        streams.extend(probe.listen("listen/session/later", get(&ids)).await?.map(|stream| ("session/again", stream)));
    }
    let limit = probe.limits().step;
    while let Some(event) = probe.event_of(&mut streams, limit).await {
        if acp_server::types::json::from_str::<Value>(&event).is_ok_and(|message| message["id"] == "load") {
            break;
        }
    }
    Ok(())
}

fn a_session_outlives_its_connection(case: &Case<'_>) -> Outcome {
    if let Some(outcome) = no_http(case) {
        return outcome;
    }
    needs!(case, "loadSession");
    let prompt = call!(case, "prompt");
    if prompt.result().is_none() {
        return Outcome::NotExercised(format!("there was no turn to come back to, but {}", prompt.said()));
    }
    let load = call!(case, "load");
    Outcome::pass_if(load.result().is_some(), || {
        Outcome::broken("the session on a new connection", load.said(), load.places())
    })
}
