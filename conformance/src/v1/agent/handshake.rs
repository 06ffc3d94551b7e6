//! Initialization.

use serde_json::{Value, json};

use crate::core::check::{Check, all, call, succeeds};
use crate::core::history::{Case, brief};
use crate::core::probe::{Probe, Stop};
use crate::core::scenario::Scenario;
use crate::core::verdict::Outcome;

/// `initialize` as clients send it.
pub(super) const PLAIN: Scenario = Scenario {
    name: "initialize",
    about: "initializes with version 1 and a client that can do nothing",
    play: |probe| Box::pin(plain(probe)),
    checks: &[
        Check::new("INIT-04", the_answer_has_version_and_capabilities),
        Check::new("INIT-05", the_agent_says_who_it_is),
        Check::new("INIT-06", |case| version_is_an_integer(case, "initialize")),
        Check::new("INIT-08", version_one_is_answered_with_one),
        Check::new("AUTH-01", methods_have_distinct_ids_and_names),
    ],
};

async fn plain(probe: &mut Probe) -> Result<(), Stop> {
    probe.begin().await.map(drop)
}

fn the_answer_has_version_and_capabilities(case: &Case<'_>) -> Outcome {
    let call = call!(case, "initialize");
    let Some(result) = call.result() else {
        return Outcome::broken("a result with protocolVersion", call.said(), call.places());
    };
    if !result["protocolVersion"].is_u64() {
        return Outcome::broken("an integer protocolVersion", brief(&result["protocolVersion"]), call.places());
    }
    // AMB-02: the text says MUST, the schema has a default.
    Outcome::pass_if(result["agentCapabilities"].is_object(), || {
        Outcome::doubtful("agentCapabilities", "none", call.places())
    })
}

fn the_agent_says_who_it_is(case: &Case<'_>) -> Outcome {
    let call = call!(case, "initialize");
    let info = call.result().map(|result| &result["agentInfo"]).unwrap_or(&Value::Null);
    let said = |member: &str| info[member].as_str().is_some_and(|text| !text.is_empty());
    Outcome::pass_if(said("name") && said("version"), || {
        Outcome::broken("agentInfo with name and version", brief(info), call.places())
    })
}

fn version_is_an_integer(case: &Case<'_>, label: &str) -> Outcome {
    let call = call!(case, label);
    let Some(result) = call.result() else { return Outcome::NotExercised(call.said()) };
    let version = &result["protocolVersion"];
    Outcome::pass_if(version.as_u64().is_some_and(|version| version <= u64::from(u16::MAX)), || {
        Outcome::broken("an integer from 0 to 65535", brief(version), call.places())
    })
}

fn version_one_is_answered_with_one(case: &Case<'_>) -> Outcome {
    let call = call!(case, "initialize");
    Outcome::pass_if(call.result().is_some_and(|result| result["protocolVersion"] == 1), || {
        Outcome::broken("a result with protocolVersion 1", call.said(), call.places())
    })
}

fn methods_have_distinct_ids_and_names(case: &Case<'_>) -> Outcome {
    let call = call!(case, "initialize");
    let Some(methods) = call.result().and_then(|result| result["authMethods"].as_array()) else {
        return Outcome::NotApplicable("the agent lists no authentication method".to_owned());
    };
    if methods.is_empty() {
        return Outcome::NotApplicable("the agent lists no authentication method".to_owned());
    }
    let named = methods.iter().all(|method| method["id"].is_string() && method["name"].is_string());
    let mut ids: Vec<&str> = methods.iter().filter_map(|method| method["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    Outcome::pass_if(named && ids.len() == methods.len(), || {
        Outcome::broken("methods with distinct ids and a name each", brief(&json!(methods)), call.places())
    })
}

/// Versions that no agent speaks.
pub(super) const VERSIONS: Scenario = Scenario {
    name: "versions",
    about: "asks for versions of the protocol that do not exist, each on a new connection",
    play: |probe| Box::pin(versions(probe)),
    checks: &[Check::new("INIT-09", an_unknown_version_is_answered_with_the_latest_known)],
};

async fn versions(probe: &mut Probe) -> Result<(), Stop> {
    for version in [65535, 65534] {
        probe.open().await?;
        let mut params = probe.introduction();
        params["protocolVersion"] = json!(version);
        // What it is answered with is for the check to judge.
        let _ = probe.call(&format!("version/{version}"), "initialize", params).await?;
    }
    Ok(())
}

fn an_unknown_version_is_answered_with_the_latest_known(case: &Case<'_>) -> Outcome {
    let mut versions = Vec::new();
    for label in ["version/65535", "version/65534"] {
        let call = call!(case, label);
        match call.result().and_then(|result| result["protocolVersion"].as_u64()) {
            Some(version @ 0..=1000) => versions.push((version, call.places())),
            _ => return Outcome::broken("a result with the latest version that it speaks", call.said(), call.places()),
        }
    }
    let same = versions.windows(2).all(|two| two[0].0 == two[1].0);
    Outcome::pass_if(same, || {
        let places = versions.iter().flat_map(|(_, places)| places.clone()).collect();
        Outcome::broken("the same version both times", format!("{} and {}", versions[0].0, versions[1].0), places)
    })
}

/// Clients that say little, or much that nobody knows.
pub(super) const STRANGERS: Scenario = Scenario {
    name: "strangers",
    about: "initializes as clients that claim nothing, or things that nobody knows",
    play: |probe| Box::pin(strangers(probe)),
    checks: &[
        Check::new("INIT-11", |case| succeeds(case, "stranger/bare")),
        Check::new("INIT-12", |case| {
            all(["bare", "empty", "nulls", "all"].map(|kind| succeeds(case, &format!("stranger/{kind}"))))
        }),
        Check::new("INIT-18", |case| succeeds(case, "stranger/unknown")),
        Check::new("AUTH-03", terminals_are_for_who_has_them),
    ],
};

async fn strangers(probe: &mut Probe) -> Result<(), Stop> {
    let everything = json!({
        "fs": { "readTextFile": true, "writeTextFile": true },
        "terminal": true,
        "elicitation": { "form": {}, "url": {} },
        "session": { "notices": {}, "compaction": {}, "configOptions": { "boolean": {} } },
        "auth": { "terminal": true },
    });
    let nulls = json!({ "session": null, "elicitation": null, "_meta": null });
    let unknown = json!({
        "fs": { "readTextFile": false, "writeTextFile": false, "conformance": { "deep": [1] } },
        "conformanceCapability": { "of": "nobody" },
        "_meta": { "conformance/note": [null, { "a": 1.5 }] },
    });
    for (name, capabilities) in [
        ("bare", None),
        ("empty", Some(json!({}))),
        ("nulls", Some(nulls)),
        ("all", Some(everything)),
        ("no-terminal", Some(json!({ "auth": { "terminal": false } }))),
        ("unknown", Some(unknown)),
    ] {
        probe.open().await?;
        let mut params = json!({ "protocolVersion": 1 });
        if let Some(capabilities) = capabilities {
            params["clientCapabilities"] = capabilities;
        }
        if name == "unknown" {
            params["_meta"] = json!({ "conformance/unknown": true });
        }
        // What it is answered with is for the checks to judge.
        let _ = probe.call(&format!("stranger/{name}"), "initialize", params).await?;
    }
    Ok(())
}

/// A login in a terminal is listed only to a client that can open one.
fn terminals_are_for_who_has_them(case: &Case<'_>) -> Outcome {
    let calls = case.calls("stranger/");
    let mut seen = false;
    for call in &calls {
        let claimed = call.request.params().map(|params| &params["clientCapabilities"]["auth"]["terminal"]);
        let (Some(result), false) = (call.result(), claimed == Some(&Value::Bool(true))) else { continue };
        seen = true;
        let listed = result["authMethods"].as_array().into_iter().flatten();
        if let Some(method) = listed.into_iter().find(|method| method["type"] == "terminal") {
            let expected = "no method of type terminal for a client without auth.terminal";
            return Outcome::broken(expected, brief(method), call.places());
        }
    }
    if seen { Outcome::Pass } else { Outcome::NotExercised(case.why_not("stranger/bare")) }
}

/// A client that forgets to initialize.
pub(super) const EARLY: Scenario = Scenario {
    name: "early",
    about: "asks for a session before anything else",
    play: |probe| Box::pin(early(probe)),
    checks: &[Check::new("ERR-08", nothing_comes_before_initialize)],
};

async fn early(probe: &mut Probe) -> Result<(), Stop> {
    probe.open().await?;
    // What it is answered with is for the check to judge.
    probe.call("early", "session/new", probe.new_session()).await.map(drop)
}

/// Version 1 names the code and does not oblige anybody to refuse.
fn nothing_comes_before_initialize(case: &Case<'_>) -> Outcome {
    let call = call!(case, "early");
    match (call.code(), call.answer) {
        (Some(-32600), _) => Outcome::Pass,
        (_, Some(_)) => Outcome::doubtful("an error with code -32600", call.said(), call.places()),
        (_, None) => Outcome::NotExercised(case.why_not("the answer to session/new")),
    }
}
