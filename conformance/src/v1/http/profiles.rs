//! Profiles of a server at its address: streamable HTTP, WebSockets, and versions of HTTP.

use serde_json::json;

use super::routing::{connect, no_http, place, request};
use crate::core::check::Check;
use crate::core::history::Case;
use crate::core::http::post;
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// The WebSocket at the same address.
pub(super) const UPGRADE: Scenario = Scenario {
    name: "http-upgrade",
    about: "asks for a WebSocket at the same address",
    play: |probe| Box::pin(upgrade(probe)),
    checks: &[Check::new("HTTP-01", one_address_serves_all), Check::new("HTTP-03", post_may_be_left_out)],
};

/// HTTP/2.
pub(super) const VERSION: Scenario = Scenario {
    name: "http-version",
    about: "initializes by HTTP/2 with prior knowledge",
    play: |probe| Box::pin(version(probe)),
    checks: &[Check::new("HTTP-09", http2_is_spoken)],
};

async fn upgrade(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin_http();
    let taken = connect(probe, "initialize").await?.is_some();
    match probe.upgrade().await {
        Ok(()) => probe.note("upgrade", json!("101")),
        Err(stop) => {
            probe.note("upgrade", json!(stop.to_string()));
            if !taken {
                return Err(Stop::Refused(format!("the server takes no POST there, and {stop}")));
            }
        }
    }
    Ok(())
}

async fn version(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin_http();
    if connect(probe, "initialize").await?.is_none() {
        return Ok(());
    }
    let mut ask = post(&request("http2", "initialize", probe.introduction()), &[]);
    ask.http2 = true;
    probe.exchange("http2", ask).await.map(drop)
}

fn one_address_serves_all(case: &Case<'_>) -> Outcome {
    if let Some(outcome) = no_http(case) {
        return outcome;
    }
    match case.note("upgrade") {
        Some(upgrade) => Outcome::pass_if(upgrade == "101", || {
            let actual = upgrade.as_str().unwrap_or_default();
            Outcome::broken("a WebSocket at the address of POST", actual, place(case, "upgrade"))
        }),
        None => Outcome::NotExercised(case.why_not("upgrade")),
    }
}

/// Whoever leaves it out is told so, as what else is asked here does not concern it.
fn post_may_be_left_out(case: &Case<'_>) -> Outcome {
    if case.note("initialize").is_none() {
        return Outcome::NotExercised(case.why_not("initialize"));
    }
    match no_http(case) {
        None => Outcome::Pass,
        Some(_) => Outcome::Info("the server takes no POST, as it may: test it at ws://".to_owned()),
    }
}

/// HTTP/2 is spoken. Support by ALPN, behind TLS, cannot be seen here.
fn http2_is_spoken(case: &Case<'_>) -> Outcome {
    if let Some(outcome) = no_http(case) {
        return outcome;
    }
    let Some(note) = case.note("http2") else { return Outcome::NotExercised(case.why_not("http2")) };
    Outcome::pass_if(note["status"].is_u64(), || {
        Outcome::doubtful("an answer by HTTP/2 with prior knowledge", note.to_string(), place(case, "http2"))
    })
}
