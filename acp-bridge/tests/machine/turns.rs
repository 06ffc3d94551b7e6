//! Prompts become turns, one at a time; what the agent says goes into the log.

use crate::support::{Session, agent_started, call, plan, prompt, raw, starts, update, value};
use acp_bridge::session::{Command, Config, Effect, Forgotten, FromAgent, Refusal, Reply, TurnPhase};
use acp_types::record::body::{Extension, Outcome, PromptQueued, Start};
use acp_types::record::{Kind, Origin};
use serde_json::json;

#[test]
fn a_prompt_is_queued_started_shown_to_all_and_given_to_the_agent() {
    let mut session = Session::new();
    let text = r#"{ "sessionId" : "s", "prompt":[{"type":"text","text":"a","n":1e2},{"type":"image","x":[1, 2]}],"_meta":{"theirs":1,"acp-bridge":{"key":"k"}}}"#;
    let head = session.head();
    let command = Command::prompt(raw(text), Some("k".into()), false);
    let (reply, effects) = session.command("c1", command);
    let turn = head + 1;
    assert_eq!(reply, Ok(Reply::Turn(turn)));
    assert_eq!(session.kinds(head), ["prompt_queued", "turn_started", "update", "update"]);

    let queued: PromptQueued = session.record(turn).decode().unwrap();
    assert_eq!((queued.params.as_str(), queued.key.as_deref()), (text, Some("k")));
    assert_eq!(session.record(turn).origin, Origin::Client("c1".into()));
    let shown = session.record(turn + 2);
    assert_eq!((&shown.origin, shown.turn), (&Origin::Client("c1".into()), Some(turn)));
    assert_eq!(
        shown.body.as_str(),
        format!(
            r#"{{"sessionId":"s","update":{{"sessionUpdate":"user_message_chunk","content":{{"type":"text","text":"a","n":1e2}}}},"_meta":{{"acp-bridge":{{"seq":{},"at":{},"turn":{turn},"lane":"main"}}}}}}"#,
            turn + 2,
            session.now
        )
    );
    let Effect::Call { method, params: Some(params), .. } = &effects[0] else { panic!("{effects:?}") };
    assert_eq!(method, "session/prompt");
    assert_eq!(params.as_str(), text.replace("\"s\"", "\"agent-1\"").replace(r#","acp-bridge":{"key":"k"}"#, ""));
}

#[test]
fn what_the_agent_says_is_recorded_with_nothing_changed_but_session_id_and_our_meta() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    let head = session.head();
    session.agent(update(
        r#"{"x":1e2,"sessionId":"agent-1","update":{"sessionUpdate":"later","n":123456789012345678901234567890},"_meta":{"a":[ ]}}"#,
    ));
    let record = session.record(head + 1);
    assert_eq!((&record.kind, &record.origin, record.turn), (&Kind::Update, &Origin::Agent, Some(turn)));
    assert_eq!(
        record.body.as_str(),
        format!(
            r#"{{"x":1e2,"sessionId":"s","update":{{"sessionUpdate":"later","n":123456789012345678901234567890}},"_meta":{{"a":[ ],"acp-bridge":{{"seq":{},"at":{},"turn":{turn},"lane":"main"}}}}}}"#,
            head + 1,
            session.now
        )
    );
}

#[test]
fn an_update_that_is_no_object_is_told_as_lost() {
    let mut session = Session::new();
    let head = session.head();
    for params in ["[]", "1", "null"] {
        session.agent(update(params));
    }
    assert_eq!(session.kinds(head), ["update"; 3]);
    for seq in head + 1..=head + 3 {
        assert!(session.record(seq).body.as_str().contains("A message of the agent is lost"));
    }
}

#[test]
fn a_prompt_without_blocks_is_the_agents_to_refuse() {
    let mut session = Session::new();
    let head = session.head();
    let command = Command::prompt(raw(r#"{"sessionId":"s"}"#), None, false);
    let (_, effects) = session.command("c1", command);
    assert_eq!(session.kinds(head), ["prompt_queued", "turn_started"]);
    assert_eq!(call(&effects).1, "session/prompt");
}

#[test]
fn the_same_key_attaches_to_the_turn_that_it_started_whether_queued_running_or_ended() {
    let mut session = Session::new();
    let (_, blocking) = session.running("first");
    let (reply, _) = session.command("c1", prompt("a", Some("k")));
    let Ok(Reply::Turn(turn)) = reply else { panic!("{reply:?}") };
    let head = session.head();
    let again = |session: &mut Session| session.command("c2", prompt("something else", Some("k")));
    assert_eq!(again(&mut session).0, Ok(Reply::Turn(turn)), "queued");
    assert_eq!(session.head(), head);

    let effects = session.answered(blocking, Ok(r#"{"stopReason":"end_turn"}"#));
    let (id, _, _) = call(&effects);
    let head = session.head();
    let (reply, effects) = again(&mut session);
    assert_eq!((reply, effects.len(), session.head()), (Ok(Reply::Turn(turn)), 0, head), "running");

    session.answered(id, Ok(r#"{"stopReason":"end_turn"}"#));
    let head = session.head();
    let (reply, effects) = again(&mut session);
    assert_eq!((reply, effects.len(), session.head()), (Ok(Reply::Turn(turn)), 0, head), "ended");

    session.crash();
    let head = session.head();
    let (reply, effects) = again(&mut session);
    assert_eq!((reply, effects.len(), session.head()), (Ok(Reply::Turn(turn)), 0, head), "after a restart");
}

#[test]
fn prompts_without_a_key_are_turns_of_their_own() {
    let mut session = Session::new();
    let (one, _) = session.prompt("a");
    let (two, _) = session.prompt("a");
    assert_ne!(one, two);
}

#[test]
fn turns_run_one_at_a_time_in_the_order_of_their_prompts() {
    let mut session = Session::new();
    let (one, first) = session.running("one");
    let (two, effects) = session.prompt("two");
    assert!(effects.is_empty());
    let (three, _) = session.prompt("three");
    let effects = session.answered(first, Ok(r#"{"stopReason":"end_turn"}"#));
    assert_eq!(session.machine.state().main().running(), Some(two));
    session.answered(call(&effects).0, Ok(r#"{"stopReason":"refusal"}"#));
    assert_eq!(session.machine.state().main().running(), Some(three));
    assert!(matches!(session.outcome(one), Some(Outcome::Completed { stop_reason, .. }) if stop_reason == "end_turn"));
    assert!(matches!(session.outcome(two), Some(Outcome::Completed { stop_reason, .. }) if stop_reason == "refusal"));
}

#[test]
fn a_full_queue_refuses_the_next_prompt_and_says_so() {
    let mut session = Session::new();
    session.running("running");
    for n in 0..32 {
        session.prompt(&n.to_string());
    }
    let head = session.head();
    let (reply, effects) = session.command("c1", prompt("one too many", None));
    assert_eq!(reply.unwrap_err(), Refusal::QueueFull { queued: 32, max: 32 });
    assert_eq!((session.head(), effects.len()), (head, 0));
}

#[test]
fn a_queue_of_large_prompts_is_full_earlier() {
    let mut config = Config::default();
    config.max_queue_bytes = 1000;
    let mut session = Session::with(config, "{}", vec![]);
    session.running("running");
    session.prompt(&"x".repeat(2000));
    assert!(session.command("c1", prompt("small", None)).0.is_err(), "the first waits whatever its size, no second");
}

#[test]
fn result_and_error_of_the_agent_are_kept_as_they_came() {
    let mut session = Session::new();
    let (one, id) = session.running("one");
    session.answered(id, Ok(r#"{ "usage":1e2,"stopReason":"max_tokens" }"#));
    let result = raw(r#"{ "usage":1e2,"stopReason":"max_tokens" }"#);
    assert_eq!(session.outcome(one), Some(Outcome::Completed { stop_reason: "max_tokens".into(), result }));
    let (two, id) = session.running("two");
    session.answered(id, Err(r#"{"code":-32000,"message":"log in","extra":1e2}"#));
    let error = raw(r#"{"code":-32000,"message":"log in","extra":1e2}"#);
    assert_eq!(session.outcome(two), Some(Outcome::Failed { error }));
    let (three, id) = session.running("three");
    session.answered(id, Ok("null"));
    assert_eq!(session.outcome(three), Some(Outcome::Completed { stop_reason: "unknown".into(), result: raw("null") }));
}

#[test]
fn a_second_answer_to_a_prompt_is_dropped() {
    let mut session = Session::new();
    let (_, id) = session.running("one");
    session.answered(id, Ok(r#"{"stopReason":"end_turn"}"#));
    let (two, _) = session.running("two");
    let head = session.head();
    assert!(session.answered(id, Ok(r#"{"stopReason":"end_turn"}"#)).is_empty());
    assert_eq!((session.head(), session.machine.state().main().running()), (head, Some(two)));
}

#[test]
fn an_update_after_the_end_of_its_turn_belongs_to_none() {
    let mut session = Session::new();
    let (_, id) = session.running("one");
    session.answered(id, Ok(r#"{"stopReason":"end_turn"}"#));
    session.agent(update(r#"{"sessionId":"agent-1","update":{}}"#));
    let record = session.record(session.head());
    assert_eq!((&record.kind, record.turn), (&Kind::Update, None));
    assert!(!record.body.as_str().contains("turn"));
}

#[test]
fn a_new_session_begins_with_its_making_its_agent_and_what_that_said_early() {
    let early = vec![update(r#"{"sessionId":"agent-1","update":{"sessionUpdate":"available_commands_update"}}"#)];
    let params =
        r#"{"cwd":"/w","mcpServers":[{"name":"m","env":[{"name":"K","value":"SECRET"}]}],"_meta":{"acp-bridge":{}}}"#;
    let mut session = Session::with(Config::default(), params, early);
    assert_eq!(session.kinds(0), ["session_created", "agent_started", "update"]);
    assert!(session.log.iter().all(|record| record.epoch == 1 && !record.body.as_str().contains("SECRET")));
    let created = session.machine.state().created().unwrap();
    assert_eq!((created.cwd.as_str(), created.redacted), ("/w", true));
    assert!(!created.params.as_str().contains("acp-bridge"));
    // The same process still has them.
    session.exits();
    let (_, effects) = session.prompt("a");
    assert!(plan(&effects).params.as_str().contains("SECRET"));
}

#[test]
fn title_mode_and_options_of_updates_are_recorded_once_right_after_them() {
    let mut session = Session::new();
    let cases = [
        (r#"{"sessionUpdate":"session_info_update","title":"T"}"#, json!({ "title": "T" })),
        (r#"{"sessionUpdate":"session_info_update","title":null}"#, json!({ "title": "" })),
        (r#"{"sessionUpdate":"current_mode_update","currentModeId":"auto"}"#, json!({ "mode": "auto" })),
        (r#"{"sessionUpdate":"config_option_update","configOptions":[1]}"#, json!({ "configOptions": [1] })),
    ];
    for (inner, recorded) in cases {
        let params = format!(r#"{{"sessionId":"agent-1","update":{inner}}}"#);
        let head = session.head();
        session.agent(update(&params));
        assert_eq!(session.kinds(head), ["update", "session_updated"], "{inner}");
        assert_eq!(value(&session.record(head + 2).body), recorded);
        session.agent(update(&params));
        assert_eq!(session.kinds(head + 2), ["update"], "{inner} is no news");
    }
    let head = session.head();
    for inner in [
        r#"{"sessionUpdate":"session_info_update","updatedAt":"x"}"#,
        r#"{"sessionUpdate":"session_info_update","title":7}"#,
        r#"{"sessionUpdate":"current_mode_update"}"#,
        r#"{"sessionUpdate":"config_option_update","configOptions":null}"#,
        r#"{"sessionUpdate":"agent_message_chunk","title":"T","currentModeId":"x"}"#,
        "[]",
    ] {
        session.agent(update(&format!(r#"{{"sessionId":"agent-1","update":{inner}}}"#)));
    }
    assert_eq!(session.kinds(head), ["update"; 6]);
}

#[test]
fn other_notifications_are_recorded_for_all_and_those_of_json_rpc_are_not() {
    let mut session = Session::new();
    let head = session.head();
    let mut notify = |method: &str, params: &str| {
        session.agent(FromAgent::Notification { method: method.into(), params: Some(raw(params)) });
    };
    notify("_x/y", r#"{"sessionId":"agent-1","a":1e2}"#);
    notify("_x/z", r#"{"a":1e2}"#);
    notify("$/progress", "{}");
    assert_eq!(session.kinds(head), ["extension", "extension"]);
    let Extension { method, params } = session.record(head + 1).decode().unwrap();
    assert_eq!(method, "_x/y");
    assert!(params.unwrap().as_str().starts_with(r#"{"sessionId":"s","a":1e2,"_meta":{"acp-bridge":{"seq":"#));
    let Extension { params, .. } = session.record(head + 2).decode().unwrap();
    assert_eq!(params.unwrap().as_str(), r#"{"a":1e2}"#);
}

#[test]
fn a_turn_waits_for_the_agent_and_is_queued_until_then() {
    let mut session = Session::new();
    session.exits();
    let (turn, effects) = session.prompt("a");
    assert!(starts(&effects));
    let (_, effects) = session.prompt("b");
    assert!(!starts(&effects), "one start is enough");
    assert_eq!(session.machine.state().main().running(), None);
    assert_eq!(session.machine.state().turn(turn).unwrap().phase, TurnPhase::Queued);
    let head = session.head();
    let effects = session.agent(FromAgent::Started(agent_started(Start::Load)));
    assert_eq!(session.kinds(head), ["agent_started", "turn_started", "update"]);
    assert_eq!(call(&effects).1, "session/prompt");
}

#[test]
fn an_agent_that_cannot_start_fails_all_that_wait_and_the_next_prompt_tries_again() {
    let mut session = Session::new();
    session.exits();
    let (one, _) = session.prompt("a");
    let (two, _) = session.prompt("b");
    let error = Refusal::NotStarted { why: "no such program".into() };
    let effects = session.agent(FromAgent::StartFailed { error });
    assert!(effects.is_empty());
    let error =
        raw(r#"{"code":-32603,"message":"the agent could not be started: no such program; check the agent command"}"#);
    for turn in [one, two] {
        assert_eq!(session.outcome(turn), Some(Outcome::Failed { error: error.clone() }));
    }
    assert!(starts(&session.prompt("c").1));
}

#[test]
fn context_loss_is_accepted_by_the_prompt_or_the_configuration_and_by_nothing_else() {
    let accepting = |accept_context_loss| Command::prompt(raw("{}"), None, accept_context_loss);
    let mut config = Config::default();
    for (configured, accepted) in [(false, false), (false, true), (true, false)] {
        config.accept_context_loss = configured;
        let mut session = Session::with(config.clone(), "{}", vec![]);
        session.exits();
        let (_, effects) = session.command("c1", accepting(accepted));
        assert_eq!(plan(&effects).accept_context_loss, configured || accepted);
    }
}

#[test]
fn a_turn_that_accepts_context_loss_gets_a_start_of_its_own() {
    let mut session = Session::new();
    session.exits();
    let (strict, effects) = session.prompt("a");
    assert!(!plan(&effects).accept_context_loss);
    let command = Command::prompt(raw("{}"), None, true);
    let (reply, _) = session.command("c1", command);
    let Ok(Reply::Turn(lenient)) = reply else { panic!("{reply:?}") };
    let error = Refusal::ContextLost { forgotten: Forgotten::Incapable };
    let effects = session.agent(FromAgent::StartFailed { error: error.clone() });
    assert!(plan(&effects).accept_context_loss);
    assert!(session.outcome(strict).is_some() && session.outcome(lenient).is_none());
    let effects = session.agent(FromAgent::StartFailed { error });
    assert!(session.outcome(lenient).is_some() && !starts(&effects), "and only one");
}
