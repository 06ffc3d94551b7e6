//! Initialization, and the methods that come with sessions.

use serde_json::{Value, json};

use super::stage;
use crate::core::check::{Check, all, call};
use crate::core::history::{Case, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts;

/// `initialize` as clients of version 2 send it, and as those of a version that is still to come.
pub(super) const INITIALIZE: Scenario = Scenario {
    name: "v2-initialize",
    about: "initializes with version 2, and with versions that do not exist yet, each on a new connection",
    play: |probe| Box::pin(initialize(probe)),
    checks: &[
        Check::new("V2-01", both_say_who_they_are),
        Check::new("INIT-09", a_later_version_is_answered_with_the_latest_known),
    ],
};

async fn initialize(probe: &mut Probe) -> Result<(), Stop> {
    stage::begin(probe).await?;
    for version in [65535, 65534] {
        probe.open().await?;
        // What it is answered with is for the check to judge.
        let _ = probe.call(&format!("version/{version}"), "initialize", stage::introduction(version)).await?;
    }
    Ok(())
}

fn both_say_who_they_are(case: &Case<'_>) -> Outcome {
    let call = call!(case, "initialize");
    let Some(result) = call.result() else { return Outcome::NotExercised(format!("initialize got {}", call.said())) };
    let said = |member: &str| result["info"][member].as_str().is_some_and(|text| !text.is_empty());
    if !said("name") || !said("version") {
        return Outcome::broken("info with name and version", brief(&result["info"]), call.places());
    }
    // The schema lets them be absent; under their name of version 1 they are not.
    let old = result["capabilities"].is_null() && !result["agentCapabilities"].is_null();
    Outcome::pass_if(!old, || {
        Outcome::broken("capabilities", "agentCapabilities, their name in version 1", call.places())
    })
}

fn a_later_version_is_answered_with_the_latest_known(case: &Case<'_>) -> Outcome {
    let mut versions = Vec::new();
    for label in ["version/65535", "version/65534"] {
        let call = call!(case, label);
        match call.result().and_then(|result| result["protocolVersion"].as_u64()) {
            Some(version @ 2..=1000) => versions.push((version, call.places())),
            _ => return Outcome::broken("a result with the latest version that it speaks", call.said(), call.places()),
        }
    }
    let same = versions.windows(2).all(|two| two[0].0 == two[1].0);
    Outcome::pass_if(same, || {
        let places = versions.iter().flat_map(|(_, places)| places.clone()).collect();
        Outcome::broken("the same version both times", format!("{} and {}", versions[0].0, versions[1].0), places)
    })
}

/// Every method that an agent with sessions has.
pub(super) const BASELINE: Scenario = Scenario {
    name: "v2-baseline",
    about: "calls every method that an agent with sessions has",
    play: |probe| Box::pin(baseline(probe)),
    checks: &[Check::new("V2-02", markers_are_objects_and_every_method_is_there)],
};

const METHODS: [&str; 5] = ["new", "list", "prompt", "close", "resume"];

async fn baseline(probe: &mut Probe) -> Result<(), Stop> {
    let session = stage::session(probe).await?;
    let _ = probe.call("list", "session/list", json!({})).await?;
    stage::turn(probe, "prompt", &session, prompts::REPLY).await?;
    let _ = probe.call("close", "session/close", json!({ "sessionId": session })).await?;
    let again = json!({ "sessionId": session, "cwd": probe.directory(), "mcpServers": [] });
    let _ = probe.call("resume", "session/resume", again).await?;
    Ok(())
}

/// Where markers stand, below `capabilities`.
const MARKERS: [&str; 11] = [
    "/session",
    "/session/prompt",
    "/session/prompt/image",
    "/session/prompt/audio",
    "/session/prompt/embeddedContext",
    "/session/mcp",
    "/session/mcp/stdio",
    "/session/mcp/http",
    "/session/delete",
    "/session/additionalDirectories",
    "/auth",
];

fn markers_are_objects_and_every_method_is_there(case: &Case<'_>) -> Outcome {
    let call = call!(case, "initialize");
    let Some(result) = call.result() else { return Outcome::NotExercised(format!("initialize got {}", call.said())) };
    let claimed = |path: &str| result["capabilities"].pointer(path).filter(|marker| !marker.is_null());
    for path in MARKERS {
        if let Some(marker) = claimed(path).filter(|marker| !marker.is_object()) {
            let expected = format!("an object at capabilities{path}, or nothing");
            return Outcome::broken(expected, brief(marker), call.places());
        }
    }
    all(METHODS.map(|label| {
        let call = call!(case, label);
        match call.code() {
            Some(-32601) => {
                let method = call.request.method().unwrap_or_default();
                Outcome::broken(format!("{method}, as `session` is claimed"), call.said(), call.places())
            }
            _ if call.answer.is_none() => Outcome::NotExercised(Value::from(label).to_string() + " was not answered"),
            _ => Outcome::Pass,
        }
    }))
}
