//! What the client is told to do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use acp_server::types::RawBuf;
use acp_server::types::method::{Notification, Request, v1};
use acp_server::{AgentPeer, CallError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::handler::{State, get, print, set};

type Failed = Box<dyn std::error::Error>;

pub(crate) async fn step(state: &Arc<State>, agent: &AgentPeer, step: &Value) -> Result<(), Failed> {
    let params = filled(&step["params"], &get(&state.session))?;
    if let Some(method) = step["request"].as_str() {
        request(state, agent, method, params).await;
    } else if let Some(method) = step["start"].as_str() {
        let (state, agent, method) = (Arc::clone(state), agent.clone(), method.to_owned());
        tokio::spawn(async move { request(&state, &agent, &method, params).await });
    } else if step["notify"] == v1::Cancel::METHOD.name {
        agent.cancel(serde_json::from_value(params)?).await?;
    } else if let Some(method) = step["notify"].as_str() {
        agent.peer().notify_raw(method, RawBuf::encode(&params)?).await?;
    } else if let Some(choice) = step["permission"].as_str() {
        set(&state.permission, choice.to_owned());
    } else if let Some(text) = step["measure"].as_str() {
        measure(state, agent, text, step).await?;
    }
    Ok(())
}

async fn measure(state: &State, agent: &AgentPeer, text: &str, step: &Value) -> Result<(), Failed> {
    let updates = step["updates"].as_u64().unwrap_or(1);
    state.updates.store(0, Ordering::Relaxed);
    state.wanted.store(updates, Ordering::Relaxed);
    state.stall.store(step["stall_ms"].as_u64().unwrap_or(0), Ordering::Relaxed);
    state.measuring.store(true, Ordering::Relaxed);
    let params = json!({ "sessionId": get(&state.session), "prompt": [{ "type": "text", "text": text }] });
    let start = Instant::now();
    agent.prompt(serde_json::from_value(params)?).await?;
    state.reached.notified().await;
    let seconds = start.elapsed().as_secs_f64();
    state.measuring.store(false, Ordering::Relaxed);
    print(&json!({ "measured": {
        "updates": updates, "seconds": seconds, "per_second": updates as f64 / seconds, "text": get(&state.last),
    } }));
    Ok(())
}

async fn request(state: &State, agent: &AgentPeer, method: &str, params: Value) {
    let named = params["sessionId"].clone();
    match call(agent, method, params).await {
        Ok(result) => {
            match method {
                "session/new" => set(&state.session, result["sessionId"].clone()),
                "session/load" | "session/resume" => set(&state.session, named),
                _ => {}
            }
            print(&json!({ "result": result, "method": method }));
        }
        Err(error) => print(&json!({ "error": error, "method": method })),
    }
}

/// Sends a request through the typed calls, so that both sides of the exchange are checked against the types.
async fn call(agent: &AgentPeer, method: &str, params: Value) -> Result<Value, Value> {
    match method {
        "initialize" => typed::<v1::Initialize>(agent, params).await,
        "authenticate" => typed::<v1::Authenticate>(agent, params).await,
        "session/new" => typed::<v1::NewSession>(agent, params).await,
        "session/load" => typed::<v1::LoadSession>(agent, params).await,
        "session/resume" => typed::<v1::ResumeSession>(agent, params).await,
        "session/list" => typed::<v1::ListSessions>(agent, params).await,
        "session/close" => typed::<v1::CloseSession>(agent, params).await,
        "session/delete" => typed::<v1::DeleteSession>(agent, params).await,
        "session/set_mode" => typed::<v1::SetSessionMode>(agent, params).await,
        "session/prompt" => typed::<v1::Prompt>(agent, params).await,
        _ => {
            let params = RawBuf::encode(&params).map_err(shown)?;
            let result = agent.peer().call_raw(method, params).await.map_err(object)?;
            result.raw().decode().map_err(shown)
        }
    }
}

async fn typed<R: Request<Params: DeserializeOwned, Output: Serialize>>(
    agent: &AgentPeer,
    params: Value,
) -> Result<Value, Value> {
    let params: R::Params = serde_json::from_value(params).map_err(shown)?;
    let result = agent.peer().call::<R>(&params).await.map_err(object)?;
    serde_json::to_value(result).map_err(shown)
}

fn shown(wrong: impl std::fmt::Display) -> Value {
    json!({ "code": 0, "message": wrong.to_string() })
}

/// The agent's error as it came, or what happened instead.
fn object(failed: CallError) -> Value {
    match failed {
        CallError::Refused { error, .. } => error.as_raw().decode().unwrap_or_default(),
        other => shown(other),
    }
}

fn filled(params: &Value, session: &Value) -> serde_json::Result<Value> {
    if params.is_null() {
        return Ok(json!({}));
    }
    serde_json::from_str(&params.to_string().replace("\"$session\"", &session.to_string()))
}
