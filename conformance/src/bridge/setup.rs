//! Capabilities and versions.

use serde_json::{Value, json};

use super::{direct, seen};
use crate::core::check::{Check, all, call};
use crate::core::history::{Case, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;
use crate::prompts::{self, far};

/// Capabilities through a bridge.
pub(super) const CAPABILITIES: Scenario = Scenario {
    name: "bridge-capabilities",
    about: "compares what each side claims with what the other is told",
    play: |probe| Box::pin(capabilities(probe)),
    checks: &[Check::new("BRIDGE-07", |case| all([of_the_client(case), of_the_agent(case)]))],
};

/// Versions that the agent does not speak.
pub(super) const VERSIONS: Scenario = Scenario {
    name: "bridge-versions",
    about: "asks for versions that the agent does not speak",
    play: |probe| Box::pin(versions(probe)),
    checks: &[Check::new("BRIDGE-08", |case| all(["version/2", "version/65535"].map(|l| the_agents_version(case, l))))],
};

async fn capabilities(probe: &mut Probe) -> Result<(), Stop> {
    direct::open(probe).await;
    let params = probe.introduction();
    let _ = probe.call("direct/initialize", "initialize", params.clone()).await?;
    probe.open().await?;
    let _ = probe.call("bridge/initialize", "initialize", params).await?;
    let session = probe.session("session").await?;
    let input = probe.path(prompts::INPUT);
    std::fs::write(input, "conformance input\n")?;
    let _ = probe.prompt("echo", &session, far::ECHO).await?;
    let _ = probe.prompt("services", &session, far::SERVICES).await?;
    Ok(())
}

/// The client claims nothing. A bridge that claims a service and serves it itself has not promised too much.
fn of_the_client(case: &Case<'_>) -> Outcome {
    let told = match seen::told(case, "echo") {
        Ok(told) => told,
        Err(outcome) => return outcome,
    };
    let got = told["got"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(introduced) = got.iter().find(|message| message["method"] == "initialize") else {
        return Outcome::NotExercised("the agent does not know how it was initialized".to_owned());
    };
    let claimed = &introduced["params"]["clientCapabilities"];
    let places = || case.call("bridge/initialize").map(|call| call.places()).unwrap_or_default();
    let passes_on = case.received().any(|message| {
        message.method().is_some_and(|method| method.starts_with("fs/") || method.starts_with("terminal/"))
            && message.params().is_some()
            && message.on == case.call("echo").map_or(0, |call| call.request.on)
    });
    if passes_on || !claimed["elicitation"].is_null() {
        let actual = format!("the agent was told {}", brief(claimed));
        return Outcome::broken("no capability, as the client has none", actual, places());
    }
    let (files, terminal) = (claimed["fs"]["readTextFile"] == true, claimed["terminal"] == true);
    if !files && !terminal {
        return Outcome::Pass;
    }
    let services = match seen::told(case, "services") {
        Ok(services) => services,
        Err(outcome) => return outcome,
    };
    let served = |wanted: bool, name: &str| !wanted || !services[name]["result"].is_null();
    if served(files, "read") && served(terminal, "terminal") {
        return Outcome::Info("it serves files or terminals itself and tells the agent so".to_owned());
    }
    let actual = format!("the agent was told {} and got {}", brief(claimed), brief(&services));
    Outcome::broken("no capability that nobody serves", actual, places())
}

/// Kinds of content and transports of MCP servers: only the agent can have them.
fn of_the_agent(case: &Case<'_>) -> Outcome {
    let (direct, bridged) = (call!(case, "direct/initialize"), call!(case, "bridge/initialize"));
    let Some(claimed) = bridged.result().map(|result| &result["agentCapabilities"]) else {
        return Outcome::broken("a result", bridged.said(), bridged.places());
    };
    let own = direct.result().map(|result| &result["agentCapabilities"]).unwrap_or(&Value::Null);
    for group in ["promptCapabilities", "mcpCapabilities"] {
        let Some(members) = claimed[group].as_object() else { continue };
        let wider = members.iter().find(|(name, value)| **value == json!(true) && own[group][name.as_str()] != true);
        if let Some((name, _)) = wider {
            let actual = format!("{group}.{name}");
            return Outcome::broken("only what the agent has", actual, bridged.places());
        }
    }
    Outcome::Pass
}

async fn versions(probe: &mut Probe) -> Result<(), Stop> {
    for version in [2, 65535] {
        probe.open().await?;
        let mut params = probe.introduction();
        params["protocolVersion"] = json!(version);
        let _ = probe.call(&format!("version/{version}"), "initialize", params).await?;
    }
    Ok(())
}

fn the_agents_version(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    Outcome::pass_if(call.result().is_some_and(|result| result["protocolVersion"] == 1), || {
        Outcome::broken("version 1, which is all that the agent speaks", call.said(), call.places())
    })
}
