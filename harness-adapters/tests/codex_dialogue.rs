//! Forms, steering, and sub-agents.

mod codex;
mod support;

use std::collections::BTreeMap;

use acp_server::types::RawBuf;
use acp_server::types::v1::{
    ClientCapabilities, CreateElicitationResponse, ElicitationAcceptAction, ElicitationAction, ElicitationCapabilities,
    ElicitationContentValue, ElicitationFormCapabilities, ElicitationMode, SessionId, SetSessionConfigOptionRequest,
    StopReason, ToolCallStatus,
};
use codex::{Screen, opens};
use serde_json::{Value, json};
use support::{Alive, Harness, Setting, Stage, soon};

const QUESTION: &str = r#"
    [[prompt]]
    match = "which one"
    replies = [[{ question = "Which colour?", header = "Colour", options = ["Red", "Blue"] }], [{ say = "thanks" }]]
"#;

fn forms() -> ClientCapabilities {
    let form = ElicitationCapabilities::new().form(ElicitationFormCapabilities::new());
    ClientCapabilities::new().elicitation(form)
}

async fn plan_mode(stage: &Stage, session: &SessionId) {
    let request = SetSessionConfigOptionRequest::new(session.clone(), "collaboration_mode", "plan");
    stage.agent.set_session_config_option(request).await.expect("plan mode");
}

#[tokio::test]
async fn questions_are_forms() {
    let mut stage = Stage::set(Setting::new(Harness::Codex, QUESTION).capabilities(forms())).await;
    let session = stage.new_session().await;
    plan_mode(&stage, &session).await;
    let prompt = stage.prompt(&session, "which one");
    let form = stage.events.form().await;
    assert!(form.request.message.contains("Which colour?"));
    let ElicitationMode::Form(mode) = &form.request.mode else { panic!("a form") };
    let name =
        mode.requested_schema.properties.keys().find(|name| !name.ends_with("_other")).expect("a question").clone();
    let content = BTreeMap::from([(name, ElicitationContentValue::String("Blue".to_owned()))]);
    let accepted = ElicitationAcceptAction::new().content(content);
    form.answer(CreateElicitationResponse::new(ElicitationAction::Accept(accepted)));
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    let requests = stage.model.requests();
    assert!(requests.last().expect("a request")["body"]["input"].to_string().contains("Blue"));
    stage.leave().await;
}

#[tokio::test]
async fn without_forms_questions_are_declined_and_the_turn_goes_on() {
    let mut stage = Stage::codex(QUESTION).await;
    let session = stage.new_session().await;
    plan_mode(&stage, &session).await;
    assert_eq!(stage.turn(&session, "which one").await.stop_reason, StopReason::EndTurn);
    assert_eq!(stage.screen().messages(), ["thanks"]);
    stage.leave().await;
}

async fn steer(stage: &Stage, session: &SessionId, text: &str) -> Value {
    let params = json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] });
    let params = RawBuf::encode(&params).expect("JSON");
    let answer = stage.agent.peer().call_raw("_session/steering", params);
    let answer = soon("an answer to steering", answer).await.expect("an answer");
    serde_json::from_str::<Value>(answer.raw().as_str()).expect("JSON")["outcome"].clone()
}

#[tokio::test]
async fn steering_goes_into_the_running_turn() {
    let script = r#"
        [[prompt]]
        match = "rather do this"
        replies = [[{ say = "as you like" }]]
        [[prompt]]
        match = "talk forever"
        replies = [[{ endless = "tick ", every_ms = 20 }]]
    "#;
    let mut stage = Stage::codex(script).await;
    let session = stage.new_session().await;
    assert_eq!(steer(&stage, &session, "rather do this").await, "idle");
    let prompt = stage.prompt(&session, "talk forever");
    stage.events.said("tick").await;
    assert_eq!(steer(&stage, &session, "rather do this").await, "injected");
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::EndTurn);
    assert_eq!(stage.screen().messages().last(), Some(&"as you like"));
    stage.leave().await;
}

const AGENTS: &str = r#"
    [[prompt]]
    match = "delegate"
    replies = [[{ agent = "count the files" }], [{ wait_agents = 10000 }], [{ say = "delegated" }]]
    [[prompt]]
    match = "count the files"
    replies = [[{ shell = "echo counted" }], [{ say = "there are three" }]]
    [[prompt]]
    match = "let loose"
    replies = [[{ agent = "run forever" }], [{ endless = "tick ", every_ms = 20 }]]
    [[prompt]]
    match = "run forever"
    replies = [[{ shell = "exec 9>alive; while true; do date >> ticks; sleep 0.1; done", timeout_ms = 120000 }]]
    [[prompt]]
    match = "say hello"
    replies = [[{ say = "hello" }]]
"#;

async fn with_agents() -> Stage {
    // Only models that Codex does not know call sub-agents directly.
    let mut setting = Setting::new(Harness::Codex, AGENTS);
    setting.args.extend(["--", "-c", "model=mock-model"].map(str::to_owned));
    Stage::set(setting).await
}

#[tokio::test]
async fn a_sub_agent_is_a_call_with_its_doings_below_it() {
    let mut stage = with_agents().await;
    let session = stage.new_session().await;
    stage.turn(&session, "delegate").await;
    let updates = stage.events.updates();
    let live = Screen::of(&updates);
    live.assert_closed();
    let title = "Agent: count the files";
    assert_eq!(live.output(title), "there are three");
    assert_eq!(live.call(title).status, ToolCallStatus::Completed);
    assert_eq!(live.output("echo counted"), "counted\n");
    assert_eq!(live.messages(), ["delegated"]);
    let child = updates.iter().find_map(|update| match update {
        acp_server::types::v1::SessionUpdate::ToolCall(call) if call.title == "echo counted" => call.meta.clone(),
        _ => None,
    });
    assert_eq!(child.expect("meta")["parentToolCallId"], *live.call(title).tool_call_id.0);
    stage.leave().await;
}

#[tokio::test]
async fn a_cancel_stops_sub_agents_and_their_commands() {
    let mut stage = with_agents().await;
    let session = stage.new_session().await;
    let mut alive = Alive::new(&stage);
    let prompt = stage.prompt(&session, "let loose");
    let mut updates =
        stage.until(|update| opens(update, "exec 9>alive; while true; do date >> ticks; sleep 0.1; done")).await;
    let ticks = stage.workspace().join("ticks");
    soon("a tick", async {
        while !ticks.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    stage.cancel(&session).await;
    assert_eq!(stage.answer(prompt).await.expect("an answer").stop_reason, StopReason::Cancelled);
    updates.extend(stage.events.updates());
    Screen::of(&updates).assert_closed();
    stage.turn(&session, "say hello").await;
    alive.killed().await;
    stage.leave().await;
}
