//! `session/attach` and `session/detach`: roles, histories, and who else is there.

use acp_types::record::body::Resolved;
use acp_types::record::{Kind, Origin};
use serde_json::{Value, json};

use super::kit::{Kit, Log, raw};
use crate::gateway::Limits;
use crate::gateway::connection::{Effect, EffectOutcome};
use crate::log::LogError;
use crate::session::{Command, Reply};
use crate::view::{Begin, EntryKind, HistoryPolicy, RequestError, Role};

/// A session in which somebody else prompts, the agent says three things and asks one.
fn busy() -> (Log, u64, u64) {
    let mut log = Log::new();
    let turn = log.prompt("other");
    for text in ["a", "b", "c"] {
        log.chunk(turn, text);
    }
    let request = log.ask(Some(turn));
    (log, turn, request)
}

fn observer() -> Value {
    json!({ "role": "observer", "historyPolicy": "none" })
}

#[test]
fn full_history_comes_joined_then_the_answer_then_what_waits_then_live() {
    let (mut log, turn, _) = busy();
    let mut kit = Kit::ready();
    let attachment = kit.attach(7, &json!({}), &log, 0);
    assert!(kit.out().is_empty(), "the answer waits for the history");
    log.chunk(turn, "live");
    kit.connection.records(attachment, log.after(0));
    let out = kit.out();
    let (answer, session) = (out[2].clone(), json!({ "opened": 1 }));
    assert_eq!(
        answer,
        json!({ "id": 7, "result": {
            "sessionId": "s", "clientId": "me", "role": "controller", "historyPolicy": "full", "replayed": 2,
            "connectedClients": [{ "clientId": "me", "role": "controller", "name": "kit", "clientInfo": { "name": "kit" } }],
            "_meta": { "acp-bridge": { "seq": 9, "session": session } },
        } })
    );
    assert_eq!(out[1]["params"]["update"]["content"]["text"], "abc");
    assert_eq!(out[3]["ask"], 1);
    assert_eq!(out[4]["params"]["update"]["content"]["text"], "live");
}

#[test]
fn an_exact_cursor_wins_over_the_policy_and_brings_each_record() {
    let (log, ..) = busy();
    let mut kit = Kit::ready();
    let params = json!({ "historyPolicy": "none", "_meta": { "acp-bridge": { "after": 6 } } });
    let attachment = kit.attach(7, &params, &log, 6);
    kit.connection.records(attachment, log.after(6));
    let out = kit.out();
    assert_eq!((&out[2]["result"]["historyPolicy"], &out[2]["result"]["replayed"]), (&json!("full"), &json!(2)));
    assert_eq!(out[0]["params"]["update"]["content"]["text"], "b");
    assert_eq!(out[1]["params"]["_meta"]["acp-bridge"]["seq"], 8);
    assert_eq!((&out[3]["ask"], out.len()), (&json!(1), 4), "the answer says that what follows is live");
}

#[test]
fn without_history_the_answer_comes_at_once_and_controllers_are_asked_what_waits() {
    for policy in ["pending_only", "none"] {
        for (role, after) in [("controller", &["answer 7", "ask 1"][..]), ("observer", &["answer 7"][..])] {
            let (mut log, turn, _) = busy();
            let mut kit = Kit::ready();
            let head = log.records.len() as u64;
            let params = json!({ "historyPolicy": policy, "role": role, "afterMessageId": "not looked for" });
            let attachment = kit.attach(7, &params, &log, head);
            let out = kit.out();
            assert_eq!((&out[0]["result"]["historyPolicy"], &out[0]["result"]["role"]), (&json!(policy), &json!(role)));
            assert_eq!(out[0]["result"]["replayed"], 0);
            assert_eq!(out.len(), after.len(), "{policy} {role}");
            log.chunk(turn, "live");
            kit.connection.records(attachment, log.after(head));
            assert_eq!(kit.shown(), ["live"]);
        }
    }
}

#[test]
fn what_is_asked_for_reaches_the_effect_runner() {
    let mut kit = Kit::ready();
    for (params, role, policy, begin) in [
        (json!({}), Role::Controller, HistoryPolicy::Full, Begin::Oldest),
        (json!({ "role": null, "historyPolicy": null }), Role::Controller, HistoryPolicy::Full, Begin::Oldest),
        (json!({ "role": "observer", "historyPolicy": "none" }), Role::Observer, HistoryPolicy::None, Begin::Head),
        (json!({ "historyPolicy": "pending_only" }), Role::Controller, HistoryPolicy::PendingOnly, Begin::Head),
        (json!({ "afterMessageId": "m" }), Role::Controller, HistoryPolicy::Full, Begin::Message("m".into())),
        (
            json!({ "historyPolicy": "after_message", "afterMessageId": "m" }),
            Role::Controller,
            HistoryPolicy::AfterMessage,
            Begin::Message("m".into()),
        ),
        (
            json!({ "afterMessageId": "m", "_meta": { "acp-bridge": { "after": 3 } } }),
            Role::Controller,
            HistoryPolicy::Full,
            Begin::After(3),
        ),
    ] {
        let mut params = params.clone();
        params["sessionId"] = json!("s");
        kit.request(7, "session/attach", &params);
        let Effect::Open { session, coming, id, .. } = kit.effect() else { panic!() };
        let EntryKind::Attach(attach) = &coming.entry else { panic!("{coming:?}") };
        assert_eq!((attach.role, attach.policy, &attach.begin), (role, policy, &begin), "{params}");
        let opened = Err(RequestError::no_session(&session));
        kit.connection.done(EffectOutcome::Opened { session, coming, id, opened });
        assert_eq!(kit.only()["error"]["code"], -32002);
    }
}

#[test]
fn wrong_values_are_refused_by_name() {
    let mut kit = Kit::ready();
    for (params, member) in [
        (json!({ "sessionId": 1 }), "sessionId"),
        (json!({ "sessionId": "s", "role": "owner" }), "role"),
        (json!({ "sessionId": "s", "role": 1 }), "role"),
        (json!({ "sessionId": "s", "historyPolicy": "some" }), "historyPolicy"),
        (json!({ "sessionId": "s", "historyPolicy": [] }), "historyPolicy"),
        (json!({ "sessionId": "s", "historyPolicy": "after_message" }), "afterMessageId"),
        (json!({ "sessionId": "s", "afterMessageId": "" }), "afterMessageId"),
        (json!({ "sessionId": "s", "clientId": "" }), "clientId"),
        (json!({ "sessionId": "s", "clientId": "x".repeat(257) }), "clientId"),
        (json!({ "sessionId": "s", "clientId": {} }), "clientId"),
        (json!({ "sessionId": "s", "clientInfo": "me" }), "clientInfo"),
        (json!({ "sessionId": "s", "clientInfo": { "name": "x".repeat(5000) } }), "clientInfo"),
        (json!({ "sessionId": "s", "_meta": { "acp-bridge": { "after": "1" } } }), "after"),
    ] {
        kit.request(7, "session/attach", &params);
        let error = kit.only()["error"].clone();
        assert_eq!(error["code"], -32602, "{params}");
        assert!(error["message"].as_str().unwrap().contains(&format!("{member}`")), "{error}");
    }
    assert!(kit.effects().is_empty());
}

/// Every way to cut one session into history, records that come while it is shown, and batches: what is shown is the
/// same, nothing lost, nothing twice, and live never before the answer.
#[test]
fn live_records_never_overtake_history_wherever_it_is_cut() {
    let mut log = Log::new();
    let turn = log.prompt("other");
    for text in ["a", "b", "c", "d"] {
        log.chunk(turn, text);
    }
    let request = log.ask(Some(turn));
    log.resolve(request);
    log.end(turn);
    let all = log.records.len();
    for policy in ["full", "cursor", "pending_only", "none"] {
        // The log has this much when the client comes.
        for head in 2..=all {
            // It comes with this cursor.
            let after = match policy {
                "full" => vec![0],
                "cursor" => (0..=head).collect(),
                _ => vec![head],
            };
            for after in after {
                for batch in [1, 2, all] {
                    let mut kit = Kit::ready();
                    let then = Log { records: log.records[..head].to_vec(), lane: None };
                    let params = match policy {
                        "cursor" => json!({ "_meta": { "acp-bridge": { "after": after } } }),
                        policy => json!({ "historyPolicy": policy }),
                    };
                    let attachment = kit.attach(7, &params, &then, after as u64);
                    for records in log.records[after..].chunks(batch) {
                        kit.connection.records(attachment, records);
                    }
                    check_cut(
                        &mut kit,
                        &log,
                        head,
                        after,
                        &format!("{policy} head {head} after {after} batch {batch}"),
                    );
                }
            }
        }
    }
}

fn check_cut(kit: &mut Kit, log: &Log, head: usize, after: usize, case: &str) {
    let out = kit.out();
    let answer = out.iter().position(|message| message["id"] == 7).unwrap_or_else(|| panic!("{case}: no answer"));
    let seq = |message: &Value| message["params"]["_meta"]["acp-bridge"]["seq"].as_u64();
    let updates = |messages: &[Value]| {
        messages.iter().filter(|message| message["method"] == "session/update").cloned().collect::<Vec<_>>()
    };
    let (before, since) = (updates(&out[..answer]), updates(&out[answer..]));
    assert!(before.iter().all(|update| seq(update).unwrap() <= head as u64), "{case}: live before the answer");
    assert!(since.iter().all(|update| seq(update).unwrap() > head as u64), "{case}: history after the answer");
    assert_eq!(out[answer]["result"]["replayed"], before.len(), "{case}");
    let text = |update: &Value| update["params"]["update"]["content"]["text"].as_str().unwrap_or_default().to_owned();
    let shown: String = before.iter().chain(&since).map(text).collect();
    let wanted: String = log.records[after..]
        .iter()
        .filter(|record| record.kind == Kind::Update)
        .map(|record| {
            let text = record.body.as_raw().path(&["update", "content", "text"]).unwrap();
            text.as_string().unwrap().into_owned()
        })
        .collect();
    assert_eq!(shown, wanted, "{case}");
    // A request that was open when the client came, or came later, is asked and withdrawn; one resolved before is not.
    let count = |what: &str| out.iter().filter(|message| !message[what].is_null()).count();
    let asked = usize::from(head < 11);
    assert_eq!((count("ask"), count("cancel")), (asked, asked), "{case}");
}

#[test]
fn an_observer_is_refused_everything_but_to_come_and_go() {
    let (mut log, turn, _) = busy();
    let mut kit = Kit::ready();
    let head = log.records.len() as u64;
    let attachment = kit.attach(7, &observer(), &log, head);
    kit.out();
    for method in [
        "session/prompt",
        "session/set_mode",
        "session/set_config_option",
        "session/close",
        "session/delete",
        "_acp-bridge/lane_add",
        "_x/y",
        "session/nonesuch",
    ] {
        kit.request(8, method, &json!({ "sessionId": "s", "prompt": [] }));
        let error = kit.only()["error"].clone();
        assert_eq!((&error["code"], &error["data"]["acp-bridge"]["role"]), (&json!(-32600), &json!("observer")));
        assert!(error["message"].as_str().unwrap().contains("controller"), "{error}");
    }
    kit.notify("session/cancel", &json!({ "sessionId": "s" }));
    kit.notify("_x/y", &json!({ "sessionId": "s" }));
    assert!(kit.effects().is_empty() && kit.out().is_empty());
    log.ask(Some(turn));
    log.chunk(turn, "live");
    kit.connection.records(attachment, log.after(head));
    assert_eq!(kit.shown(), ["live"], "it is asked nothing");
    kit.request(9, "session/list", &json!({}));
    assert!(matches!(kit.effect(), Effect::List { .. }), "what is about no session of its own is no matter of roles");
    assert!(kit.attended.is_empty(), "and nobody is there for the host");
}

#[test]
fn the_host_knows_whether_a_controller_is_there() {
    let (log, ..) = busy();
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    kit.open(1, "session/load", None, &log);
    kit.open(2, "session/resume", None, &log);
    kit.attach(3, &json!({}), &log, 0);
    assert_eq!(kit.attended, [true], "it was there all the time");
    kit.attach(4, &observer(), &log, head);
    assert_eq!(kit.attended, [true, false]);
    kit.attach(5, &json!({ "historyPolicy": "none" }), &log, head);
    kit.request(6, "session/detach", &json!({ "sessionId": "s" }));
    kit.effects();
    assert_eq!(kit.attended, [true, false, true, false]);
    kit.open(7, "session/resume", None, &log);
    kit.connection.leave();
    kit.effects();
    assert_eq!(kit.attended, [true, false, true, false, true, false]);
}

#[test]
fn a_client_that_goes_while_a_session_is_opened_is_not_there() {
    let (log, ..) = busy();
    let mut kit = Kit::ready();
    kit.request(7, "session/attach", &json!({ "sessionId": "s" }));
    let Effect::Open { session, coming, id, .. } = kit.effect() else { panic!() };
    kit.connection.leave();
    let opened = crate::gateway::connection::Opened { result: raw("{}"), seen: log.seen(), follower: None, after: 0 };
    kit.connection.done(EffectOutcome::Opened { session, coming, id, opened: Ok(Box::new(opened)) });
    assert!(kit.effects().is_empty() && kit.attended.is_empty());
    assert!(kit.other("two", Role::Controller).roster().len() == 1);
}

#[test]
fn detaching_answers_what_waits_withdraws_what_was_asked_and_changes_no_turn() {
    let mut kit = Kit::ready();
    let attachment = kit.created("s");
    let mut log = Log::new();
    let turn = log.prompt("me");
    log.ask(Some(turn));
    kit.prompt(2, turn);
    kit.connection.records(attachment, log.after(0));
    kit.request(3, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    let Effect::Submit { then, .. } = kit.effect() else { panic!() };
    kit.out();
    kit.request(4, "session/detach", &json!({ "sessionId": "s" }));
    let out = kit.out();
    assert_eq!((&out[0]["id"], &out[0]["error"]["code"]), (&json!(2), &json!(-32800)));
    assert_eq!(out[0]["error"]["data"]["acp-bridge"], json!({ "outcome": "detached", "turn": turn }));
    assert_eq!(out[1], json!({ "cancel": 1 }));
    assert_eq!(out[2], json!({ "id": 4, "result": { "sessionId": "s", "status": "detached" } }));
    assert!(matches!(kit.effects()[..], [Effect::Untail { .. }]), "nothing is stopped");
    kit.connection.done(EffectOutcome::Submitted { then, answer: Ok(Reply::Turn(turn)) });
    let late = kit.only();
    assert_eq!((&late["id"], &late["error"]["data"]["acp-bridge"]["turn"]), (&json!(3), &json!(turn)));
    kit.respond(1, &json!({ "outcome": { "outcome": "cancelled" } }));
    log.end(turn);
    kit.connection.records(attachment, log.after(5));
    assert!(kit.out().is_empty() && kit.effects().is_empty());
    kit.request(5, "session/detach", &json!({ "sessionId": "s" }));
    assert_eq!(kit.only()["error"]["code"], -32002);
}

#[test]
fn a_stop_of_a_prompt_that_the_client_then_left_still_stops_it() {
    let mut kit = Kit::ready();
    kit.created("s");
    kit.request(2, "session/prompt", &json!({ "sessionId": "s", "prompt": [] }));
    let Effect::Submit { then, .. } = kit.effect() else { panic!() };
    kit.notify("$/cancel_request", &json!({ "requestId": 2 }));
    kit.connection.leave();
    kit.effects();
    kit.connection.done(EffectOutcome::Submitted { then, answer: Ok(Reply::Turn(9)) });
    assert_eq!(kit.command(), (Some("s".into()), Command::cancel(Some(9))));
}

/// Whatever a client is in the middle of, going answers all it asked for and leaves nothing behind.
#[test]
fn detaching_and_going_are_possible_in_every_state() {
    let (log, ..) = busy();
    for params in [json!({}), json!({ "historyPolicy": "none" }), json!({ "_meta": { "acp-bridge": { "after": 3 } } })]
    {
        for shown in 0..6 {
            for goes in ["detach", "leave", "deleted", "replaced"] {
                let mut kit = Kit::ready();
                let after = match params["historyPolicy"].as_str() {
                    Some(_) => log.records.len() as u64,
                    None => params["_meta"]["acp-bridge"]["after"].as_u64().unwrap_or(0),
                };
                let attachment = kit.attach(7, &params, &log, after);
                let records = log.after(after);
                kit.connection.records(attachment, &records[..shown.min(records.len())]);
                match goes {
                    "detach" => kit.request(8, "session/detach", &json!({ "sessionId": "s" })),
                    "leave" => kit.connection.leave(),
                    "deleted" => {
                        kit.connection.tail_failed(attachment, LogError::NotFound { session: "s".into() });
                    }
                    _ => {
                        kit.attach(9, &json!({ "historyPolicy": "none" }), &log, log.records.len() as u64);
                    }
                }
                let out = kit.out();
                let case = format!("{params} {shown} {goes}: {out:?}");
                let answers = out.iter().filter(|message| message["id"] == 7).count();
                assert!(answers == 1 || goes == "leave", "{case}");
                let count = |what: &str| out.iter().filter(|message| !message[what].is_null()).count();
                match goes {
                    "detach" | "deleted" => assert_eq!(count("ask"), count("cancel"), "{case}"),
                    "replaced" => assert_eq!(count("ask"), count("cancel") + 1, "{case}"),
                    _ => {}
                }
                kit.effects();
                let there = kit.other("two", Role::Observer).roster().len();
                assert_eq!(there, if goes == "replaced" { 2 } else { 1 }, "{case}");
                if goes != "deleted" {
                    assert_eq!(kit.attended.last(), Some(&(goes == "replaced")), "{case}");
                }
            }
        }
    }
}

#[test]
fn those_who_attached_learn_who_comes_and_goes_and_others_do_not() {
    let log = Log::new();
    let mut kit = Kit::ready();
    let info = json!({ "name": "dashboard", "version": "2", "title": "Board" });
    let early = kit.other("early", Role::Controller);
    kit.attach(7, &json!({ "clientId": "board", "clientInfo": info, "historyPolicy": "none" }), &log, 2);
    let answer = kit.only();
    assert_eq!(answer["result"]["clientId"], "board");
    assert_eq!(
        answer["result"]["connectedClients"],
        json!([
            { "clientId": "early", "role": "controller" },
            { "clientId": "board", "role": "controller", "name": "dashboard", "version": "2", "clientInfo": info },
        ])
    );
    let mut plain = Kit::beside(&kit.presence, "plain", Limits::default()).initialized();
    plain.open(1, "session/resume", None, &log);
    assert!(kit.heard());
    let came = kit.only();
    assert_eq!((&came["method"], &came["params"]["sessionId"]), (&json!("session/update"), &json!("s")));
    assert_eq!(
        came["params"]["update"],
        json!({ "sessionUpdate": "client_connected", "client": {
            "clientId": "plain", "role": "controller", "name": "kit", "clientInfo": { "name": "kit" } } })
    );
    assert!(came["params"]["_meta"].is_null(), "it is in no log");
    plain.out();
    drop(early);
    plain.connection.leave();
    assert!(kit.heard() && !plain.heard());
    assert_eq!(kit.shown(), ["client_disconnected early", "client_disconnected plain"]);
    assert!(plain.out().is_empty());
}

#[test]
fn who_comes_while_history_is_shown_is_in_the_answer_and_told_once() {
    let (log, ..) = busy();
    let mut kit = Kit::ready();
    let attachment = kit.attach(7, &json!({}), &log, 0);
    let _two = kit.other("two", Role::Observer);
    kit.heard();
    assert!(kit.out().is_empty());
    kit.connection.records(attachment, log.after(0));
    let _three = kit.other("three", Role::Observer);
    kit.heard();
    let out = kit.out();
    let answer = out.iter().find(|message| message["id"] == 7).unwrap();
    assert_eq!(answer["result"]["connectedClients"].as_array().unwrap().len(), 2);
    assert_eq!(out.last().unwrap()["params"]["update"]["client"]["clientId"], "three");
}

#[test]
fn how_a_permission_was_resolved_and_by_whom_is_told_to_those_who_attached() {
    let (mut log, turn, request) = busy();
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    let attachment = kit.attach(7, &json!({ "historyPolicy": "pending_only" }), &log, head);
    let mut plain = Kit::beside(&kit.presence, "plain", Limits::default()).initialized();
    let (to_plain, _) = plain.open(1, "session/resume", None, &log);
    kit.heard();
    kit.out();
    plain.out();
    let outcome = raw(r#"{"outcome":{"outcome":"selected","optionId":"yes","n":1e2}}"#);
    let resolved = Resolved { request, result: Some(outcome), error: None, cause: None, policy: None };
    log.add(Kind::PermissionResolved, Some(turn), Origin::Client("plain".into()), &resolved);
    kit.connection.records(attachment, log.after(head));
    plain.connection.records(to_plain, log.after(head));
    assert_eq!(plain.shown(), ["cancel 1"], "plain clients see nothing of it");
    let out = kit.out();
    assert_eq!(
        out[0]["params"],
        json!({
            "sessionId": "s",
            "update": {
                "sessionUpdate": "permission_resolved", "toolCallId": "call", "requestId": request,
                "outcome": { "outcome": "selected", "optionId": "yes", "n": 100.0 }, "chosenOptionId": "yes",
                "resolvedBy": { "clientId": "plain", "role": "controller", "name": "kit", "clientInfo": { "name": "kit" } },
            },
            "_meta": { "acp-bridge": { "seq": head + 1, "at": head + 1, "turn": turn, "lane": "main" } },
        })
    );
    assert_eq!(out[1], json!({ "cancel": 1 }));

    let next = log.ask(Some(turn));
    let result = Some(raw(r#"{"outcome":{"outcome":"cancelled"}}"#));
    let cause = Some("cancelled".to_owned());
    let resolved = Resolved { request: next, result, error: None, cause, policy: None };
    log.add(Kind::PermissionResolved, Some(turn), Origin::Host, &resolved);
    kit.connection.records(attachment, log.after(head + 1));
    let update = kit.out().remove(1)["params"].clone();
    assert_eq!(update["update"]["outcome"], json!({ "outcome": "cancelled" }));
    assert!(update["update"]["resolvedBy"].is_null(), "it was no client");
    assert_eq!(update["_meta"]["acp-bridge"]["cause"], "cancelled");
}

#[test]
fn the_later_of_two_with_one_client_id_has_the_session() {
    let (log, turn, _) = busy();
    let head = log.records.len() as u64;
    let params = json!({ "clientId": "phone", "historyPolicy": "none" });
    let mut first = Kit::ready();
    let attachment = first.attach(7, &params, &log, head);
    first.prompt(8, turn);
    first.out();
    let mut second = Kit::beside(&first.presence, "two", Limits::default()).initialized();
    second.attach(7, &params, &log, head);
    assert_eq!(second.out()[0]["result"]["connectedClients"].as_array().unwrap().len(), 1);
    assert!(first.heard());
    let out = first.out();
    assert_eq!((&out[0]["id"], &out[0]["error"]["data"]["clientId"]), (&json!(8), &json!("phone")));
    assert_eq!(out[1], json!({ "cancel": 1 }));
    assert_eq!((&out[2]["method"], &out[2]["params"]["sessionId"]), (&json!("_acp-bridge/detached"), &json!("s")));
    assert!(matches!(first.effects()[..], [Effect::Untail { attachment: gone }] if gone == attachment));
    assert_eq!((&first.attended[..], &second.attended[..]), (&[true, false][..], &[true][..]));
    second.heard();
    assert!(second.out().is_empty(), "it is the same client");
}

#[test]
fn a_controller_that_becomes_an_observer_is_let_off_and_its_answers_count_no_more() {
    let (log, ..) = busy();
    let head = log.records.len() as u64;
    let mut kit = Kit::ready();
    kit.open(1, "session/resume", None, &log);
    assert_eq!(kit.shown(), ["answer 1", "ask 1"]);
    kit.attach(2, &observer(), &log, head);
    assert_eq!(kit.shown(), ["cancel 1", "answer 2"]);
    kit.respond(1, &json!({ "outcome": { "outcome": "cancelled" } }));
    assert!(kit.effects().is_empty());
}
