//! Prompts, their answers, and stops.

use acp_types::record::body;
use serde_json::json;

use super::kit::{Kit, Log, raw};
use crate::gateway::Limits;
use crate::gateway::connection::{Effect, EffectOutcome};
use crate::log::LogError;
use crate::session::{Command, Refusal, Reply};

#[test]
fn the_answer_comes_after_the_turns_updates_and_ones_own_words_do_not_come_back() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    log.chunk(turn, "hi");
    kit.prompt(2, turn);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["hi"]);
    let seq = log.end(turn);
    kit.connection.records(attachment, log.after(seq - 1));
    assert_eq!(
        kit.only(),
        json!({ "id": 2, "result": {
            "stopReason": "end_turn",
            "_meta": { "acp-bridge": { "seq": seq, "turn": turn, "outcome": "completed" } },
        } })
    );
}

#[test]
fn other_clients_words_and_ends_of_turns_are_shown() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("other");
    let seq = log.end(turn);
    kit.connection.records(attachment, log.after(0));
    let out = kit.out();
    assert_eq!(out[0]["params"]["update"]["content"]["text"], "other says");
    assert_eq!(
        out[1],
        json!({ "method": "_acp-bridge/turn_ended", "params": {
            "sessionId": "s", "turn": turn, "outcome": "completed", "stopReason": "end_turn",
            "_meta": { "acp-bridge": { "seq": seq, "at": seq, "turn": turn, "lane": "main" } },
        } })
    );
}

#[test]
fn ends_of_turns_carry_errors_and_reasons() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let failed = log.prompt("other");
    log.end_as(failed, &body::Outcome::Failed { error: raw(r#"{"code":1,"message":"m","x":2}"#) });
    let interrupted = log.prompt("other");
    log.end_as(interrupted, &body::Outcome::Interrupted { reason: "gone".into() });
    kit.connection.records(attachment, log.after(0));
    let out = kit.out();
    assert_eq!(out[1]["params"]["error"], json!({ "code": 1, "message": "m", "x": 2 }));
    assert_eq!((&out[3]["params"]["outcome"], &out[3]["params"]["reason"]), (&json!("interrupted"), &json!("gone")));
}

#[test]
fn a_turn_that_ended_before_its_prompt_was_settled_is_answered_at_once() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    log.end(turn);
    kit.request(2, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    kit.connection.records(attachment, log.after(0));
    assert!(kit.out().is_empty(), "it is ours, so nobody needs to be told");
    kit.answer(Ok(Reply::Turn(turn)));
    let answer = kit.only();
    assert_eq!((&answer["id"], &answer["result"]["stopReason"]), (&json!(2), &json!("end_turn")));
}

#[test]
fn a_retry_during_history_is_answered_where_the_turn_ends_in_it() {
    let mut log = Log::new();
    let turn = log.prompt("other");
    log.end(turn);
    log.chunk(turn, "late");
    let mut kit = Kit::ready();
    let (attachment, _) = kit.open(7, "session/resume", Some(0), &log);
    kit.prompt(8, turn);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["answer 7", "other says", "answer 8", "late", "_acp-bridge/caught_up"]);
}

#[test]
fn a_retry_of_a_turn_before_the_cursor_is_answered_when_history_is_over() {
    let mut log = Log::new();
    let turn = log.prompt("other");
    let ended = log.end(turn);
    log.chunk(turn, "late");
    let mut kit = Kit::ready();
    let (attachment, _) = kit.open(7, "session/resume", Some(ended), &log);
    kit.prompt(8, turn);
    kit.connection.records(attachment, log.after(ended));
    assert_eq!(kit.shown(), ["answer 7", "late", "_acp-bridge/caught_up", "answer 8"]);
}

#[test]
fn a_turn_that_is_forgotten_is_an_error_not_an_endless_wait() {
    let mut kit = Kit::ready();
    let (_, _) = kit.open(7, "session/resume", None, &Log::new());
    kit.out();
    kit.prompt(8, 1);
    assert_eq!(kit.only()["error"]["code"], -32603);
}

#[test]
fn several_prompts_may_wait_for_one_turn() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    kit.prompt(2, turn);
    kit.prompt(3, turn);
    log.end(turn);
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.shown(), ["answer 2", "answer 3"]);
}

#[test]
fn key_and_context_loss_reach_the_host_with_the_params_untouched() {
    let mut kit = Kit::ready();
    kit.created("s");
    let params = json!({ "sessionId": "s", "prompt": [], "_meta": { "acp-bridge": { "key": "k", "acceptContextLoss": true, "onBusy": "queue" } } });
    kit.request(2, "session/prompt", &params);
    let (session, command) = kit.command();
    assert_eq!(session, Some("s".into()));
    let expected = Command::prompt(raw(&params.to_string()), Some("k".into()), true);
    assert_eq!(command, expected);
}

#[test]
fn a_refused_prompt_is_answered_with_the_hosts_words() {
    let mut kit = Kit::ready();
    kit.created("s");
    kit.request(2, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    kit.answer(Err(Refusal::QueueFull { queued: 32, max: 32 }));
    let refused = json!({ "code": -32600, "message": Refusal::QueueFull { queued: 32, max: 32 }.to_string(),
        "data": { "acp-bridge": { "maxQueue": 32 } } });
    assert_eq!(kit.only()["error"], refused);
}

#[test]
fn too_many_waiting_prompts_are_refused() {
    let mut kit = Kit::ready_with(Limits { prompts: 2, ..Limits::default() });
    kit.created("s");
    kit.prompt(2, 100);
    kit.request(3, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    kit.request(4, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    let answer = kit.only();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(4), &json!(-32603)));
}

#[test]
fn a_stop_names_the_turn_if_the_client_does() {
    let mut kit = Kit::ready();
    for (meta, turn) in
        [(json!(null), None), (json!({ "acp-bridge": { "turn": 7 } }), Some(7)), (json!({ "acp-bridge": 7 }), None)]
    {
        kit.notify("session/cancel", &json!({ "sessionId": "s", "_meta": meta }));
        assert_eq!(kit.command(), (Some("s".into()), Command::cancel(turn)));
    }
    kit.notify("session/cancel", &json!({}));
    assert!(kit.effects().is_empty() && kit.out().is_empty());
}

#[test]
fn giving_up_on_a_prompt_stops_its_turn_and_the_answer_still_comes() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    kit.prompt(2, turn);
    kit.notify("$/cancel_request", &json!({ "requestId": 2 }));
    assert_eq!(kit.command(), (Some("s".into()), Command::cancel(Some(turn))));
    assert!(kit.out().is_empty());
    log.end_as(turn, &body::Outcome::Cancelled { result: None, killed: false });
    kit.connection.records(attachment, log.after(0));
    assert_eq!(kit.only()["result"]["stopReason"], "cancelled");
}

#[test]
fn giving_up_before_the_turn_is_known_stops_it_once_it_is() {
    let mut kit = Kit::ready();
    kit.created("s");
    kit.request(2, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    let Effect::Submit { then, .. } = kit.effect() else { panic!() };
    kit.notify("$/cancel_request", &json!({ "requestId": 2 }));
    assert!(kit.effects().is_empty());
    kit.connection.done(EffectOutcome::Submitted { then, answer: Ok(Reply::Turn(9)) });
    assert_eq!(kit.command(), (Some("s".into()), Command::cancel(Some(9))));
}

#[test]
fn a_log_that_cannot_be_written_fails_what_waits_and_tells_the_others() {
    let fault = LogError::Unwritable { reason: "no space".into() };
    let mut log = Log::new();
    let turn = log.prompt("me");

    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    kit.prompt(2, turn);
    kit.connection.records(attachment, log.after(0));
    assert!(kit.connection.tail_failed(attachment, fault.clone()));
    let answer = kit.only();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(2), &json!(-32603)));
    assert!(answer["error"]["message"].as_str().unwrap().contains("no space"));

    let mut watching = Kit::ready();
    let (attachment, _) = watching.open(7, "session/resume", None, &log);
    watching.out();
    assert!(watching.connection.tail_failed(attachment, fault.clone()));
    let told = watching.only();
    assert_eq!((&told["params"]["outcome"], &told["params"]["turn"]), (&json!("failed"), &json!(turn)));
    log.chunk(turn, "again");
    watching.connection.records(attachment, log.after(5));
    assert_eq!(watching.shown(), ["again"], "the attachment stays");
}

#[test]
fn a_prompt_that_is_accepted_while_its_log_is_found_to_be_unwritable_is_answered_all_the_same() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    kit.connection.records(attachment, log.after(0));
    kit.connection.tail_failed(attachment, LogError::Unwritable { reason: "disk full".into() });
    kit.out();
    kit.prompt(2, turn);
    let answer = kit.only();
    assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains("disk full")), "{answer}");
    // It is written again.
    log.chunk(turn, "on");
    kit.connection.records(attachment, log.after(5));
    kit.prompt(3, turn);
    log.end(turn);
    kit.connection.records(attachment, log.after(6));
    assert_eq!(kit.shown(), ["on", "answer 3"]);
}
