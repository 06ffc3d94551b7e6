//! Hooks of the user's configuration: Codex runs none that nobody has trusted.

mod codex;
mod support;

use acp_server::types::RawBuf;
use acp_server::types::v1::SessionUpdate;
use acp_server::{CallError, types::ErrorCode};
use serde_json::{Value, json};
use support::{Stage, soon};

const SCRIPT: &str = "[[prompt]]\nmatch = \"*\"\nreplies = [[{ say = \"hello\" }]]\nrepeat = true\n";

async fn call(stage: &Stage, method: &str, params: Value) -> Result<Value, CallError> {
    let params = RawBuf::encode(&params).expect("JSON");
    let answer = soon("an answer", stage.agent.peer().call_raw(method, params)).await?;
    Ok(serde_json::from_str(answer.raw().as_str()).expect("JSON"))
}

#[tokio::test]
async fn a_hook_that_nobody_has_trusted_is_told_of_and_runs_once_it_is_trusted() {
    let mut stage = Stage::codex(SCRIPT).await;
    let mark = stage.workspace().join("hooked");
    let command = format!("touch {}", mark.display());
    let hooks = json!({ "hooks": { "UserPromptSubmit": [{ "hooks": [{ "type": "command", "command": command }] }] } });
    std::fs::write(stage.home().join(".codex/hooks.json"), hooks.to_string()).expect("write");
    let session = stage.new_session().await;
    stage.turn(&session, "one").await;
    assert!(!mark.exists(), "it ran");
    // This client has no capability at all.
    let thoughts = |stage: &mut Stage| {
        let updates = stage.events.updates();
        updates
            .iter()
            .filter(|update| {
                matches!(update, SessionUpdate::AgentThoughtChunk(chunk)
            if format!("{chunk:?}").contains("hooked"))
            })
            .count()
    };
    assert_eq!(thoughts(&mut stage), 1);

    let cwd = stage.workspace();
    let listed = call(&stage, "_codex/hooks/list", json!({ "cwd": cwd })).await.expect("a list");
    let hook = &listed["hooks"][0];
    assert_eq!((&hook["trustStatus"], &hook["command"]), (&json!("untrusted"), &json!(command)));
    let changed = json!({ "cwd": cwd, "hooks": [{ "key": hook["key"], "currentHash": "sha256:other" }] });
    let refused = call(&stage, "_codex/hooks/trust", changed).await.expect_err("it is another one");
    let CallError::Refused { error, .. } = refused else { panic!("an error of the agent, not {refused}") };
    assert_eq!(error.code(), ErrorCode::INVALID_PARAMS);
    let wanted = json!({ "cwd": cwd, "hooks": [{ "key": hook["key"], "currentHash": hook["currentHash"] }] });
    assert_eq!(call(&stage, "_codex/hooks/trust", wanted).await.expect("trusted"), json!({ "trusted": true }));

    stage.turn(&session, "two").await;
    assert!(mark.exists(), "it did not run");
    assert_eq!(thoughts(&mut stage), 0, "it is told of once");
    let session = stage.new_session().await;
    stage.turn(&session, "three").await;
    assert_eq!(thoughts(&mut stage), 0, "nothing is left to tell of");
    stage.leave().await;
}

#[tokio::test]
async fn hooks_of_what_is_no_directory_are_refused() {
    let stage = Stage::codex(SCRIPT).await;
    for cwd in ["relative", "/nowhere/at/all"] {
        let refused = call(&stage, "_codex/hooks/list", json!({ "cwd": cwd })).await.expect_err("refused");
        assert!(refused.to_string().contains(cwd), "{refused}");
    }
    let unknown = call(&stage, "_codex/nothing", json!({})).await.expect_err("refused");
    let CallError::Refused { error, .. } = unknown else { panic!("an error of the agent, not {unknown}") };
    assert_eq!(error.code(), ErrorCode::METHOD_NOT_FOUND);
    stage.leave().await;
}
