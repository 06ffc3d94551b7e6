//! What history is shown, and how live records follow on it.

use acp_types::record::Kind;
use serde_json::{Value, json};

use super::busy;
use crate::gateway::connection::tests::kit::{Kit, Log};
use crate::gateway::connection::{Effect, EffectOutcome};
use crate::view::{Begin, EntryKind, HistoryPolicy, RequestError, Role};

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
fn what_is_asked_for_reaches_whoever_opens_the_session() {
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
