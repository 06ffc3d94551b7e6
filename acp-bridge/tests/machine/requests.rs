//! The agent asks, a client answers, and the agent gets one answer (P8).

use crate::support::{Session, raw, responses, value};
use acp_bridge::session::{Command, Config, Effect, FromAgent, Reply, Service, Services};
use acp_types::record::body::Resolved;
use acp_types::record::{Kind, Origin};
use acp_types::{Raw, RawBuf, RequestId};
use serde_json::json;

fn answer(request: u64, text: &str) -> Command {
    Command::Answer { request, answer: Ok(raw(text)) }
}

fn ask(session: &mut Session, id: RequestId, method: &str, params: Option<&str>) -> Vec<Effect> {
    session.agent(FromAgent::Request { id, method: method.into(), params: params.map(raw) })
}

#[test]
fn a_permission_request_is_recorded_as_it_goes_to_clients() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    let seq = session.asks(5, "session/request_permission", r#"{"sessionId":"agent-1","n":1e2,"options":[ ]}"#);
    let record = session.record(seq);
    assert_eq!((&record.kind, record.turn, &record.origin), (&Kind::PermissionRequested, Some(turn), &Origin::Agent));
    let start = format!(r#"{{"sessionId":"s","n":1e2,"options":[ ],"_meta":{{"acp-bridge":{{"seq":{seq},"#);
    assert!(record.body.as_str().starts_with(&start));
    let (pending, request) = session.machine.state().pending().next().unwrap();
    assert_eq!((pending, request.turn, request.is_permission()), (seq, Some(turn), true));
    assert_eq!(request.params.as_ref(), Some(&record.body));
}

#[test]
fn other_requests_keep_method_and_params() {
    let mut session = Session::new();
    let seq = session.asks(1, "_x/ask", r#"{"a":1e2}"#);
    assert_eq!(session.record(seq).kind, Kind::Request);
    assert_eq!(session.record(seq).body.as_str(), r#"{"method":"_x/ask","params":{"a":1e2}}"#);
    let seq = session.asks(2, "elicitation/create", r#"{"sessionId":"agent-1"}"#);
    let request = session.machine.state().pending_request(seq).unwrap();
    assert!(request.params.as_ref().unwrap().as_str().starts_with(r#"{"sessionId":"s","_meta":"#));
    ask(&mut session, 3.into(), "_x/none", None);
    let head = session.head();
    assert_eq!(session.machine.state().pending_request(head).unwrap().params, None);
}

#[test]
fn the_first_answer_counts_and_the_agent_gets_it_as_the_client_gave_it() {
    let mut session = Session::new();
    let (turn, _) = session.running("a");
    let id: RequestId = Raw::parse("\"\\u0061-7\"").unwrap().try_into().unwrap();
    ask(&mut session, id, "session/request_permission", Some("{}"));
    let seq = session.head();
    let (reply, effects) = session.command("c7", answer(seq, r#"{"outcome":{"n":1e2}}"#));
    assert_eq!(reply, Ok(Reply::Answered(true)));
    let [Effect::Respond { id, answer: Ok(given), .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((id.to_string().as_str(), given.as_str()), ("\"\\u0061-7\"", r#"{"outcome":{"n":1e2}}"#));
    let record = session.record(seq + 1);
    assert_eq!((&record.kind, record.turn), (&Kind::PermissionResolved, Some(turn)));
    assert_eq!(record.origin, Origin::Client("c7".into()));
    let resolved: Resolved = record.decode().unwrap();
    assert_eq!((resolved.request, resolved.error, resolved.cause), (seq, None, None));

    let (head, pending) = (session.head(), session.machine.state().pending().count());
    let (reply, effects) = session.command("c8", answer(seq, "{}"));
    assert_eq!((reply, effects.len(), session.head(), pending), (Ok(Reply::Answered(false)), 0, head, 0));
}

#[test]
fn an_error_is_an_answer_too() {
    let mut session = Session::new();
    let seq = session.asks(1, "_x", "{}");
    let error = raw(r#"{"code":-32601,"message":"not here"}"#);
    let command = Command::Answer { request: seq, answer: Err(error) };
    let (_, effects) = session.command("c1", command);
    assert_eq!(responses(&effects)[0].1, Err(json!({ "code": -32601, "message": "not here" })));
    assert_eq!(session.record(seq + 1).kind, Kind::Response);
}

#[test]
fn an_answer_to_what_was_never_asked_does_not_count() {
    let mut session = Session::new();
    let head = session.head();
    for request in [0, 1, head, 999] {
        assert_eq!(session.command("c1", answer(request, "{}")).0, Ok(Reply::Answered(false)));
    }
    assert_eq!(session.head(), head);
}

#[test]
fn a_request_asked_while_nothing_runs_waits_for_a_client() {
    let mut session = Session::new();
    let seq = session.asks_permission(1);
    assert_eq!(session.machine.state().pending_request(seq).unwrap().turn, None);
    assert_eq!(session.command("c1", answer(seq, "{}")).0, Ok(Reply::Answered(true)));
}

#[test]
fn files_and_terminals_are_served_by_the_host_and_leave_no_record() {
    let mut session = Session::new();
    for method in ["fs/read_text_file", "terminal/create"] {
        let head = session.head();
        let effects = ask(&mut session, 9.into(), method, Some(r#"{"env":[{"name":"a","value":"b"}]}"#));
        assert!(matches!(&effects[..], [Effect::Serve { method: served, .. }] if served == method), "{effects:?}");
        assert_eq!(session.head(), head);
    }
    let effects = session.agent(FromAgent::Withdrew(9.into()));
    assert!(matches!(&effects[..], [Effect::Unserve { id, .. }] if *id == RequestId::from(9)), "{effects:?}");
}

#[test]
fn files_and_terminals_that_nobody_serves_are_not_offered() {
    let nobody = Services { files: Service::Nobody, terminals: Service::Nobody };
    // With `Client` the agent was told what the client can, and this one said nothing.
    let client = Services { files: Service::Client, terminals: Service::Client };
    for services in [nobody, client] {
        let mut config = Config::default();
        config.services = services;
        let mut session = Session::with(config, "{}", vec![]);
        for method in ["fs/read_text_file", "terminal/create"] {
            let head = session.head();
            let effects = ask(&mut session, 1.into(), method, Some("{}"));
            let [(_, Err(error))] = &responses(&effects)[..] else { panic!("{effects:?}") };
            assert_eq!(error["code"], -32601);
            assert_eq!(session.head(), head);
        }
    }
}

#[test]
fn a_withdrawn_request_is_resolved_and_answered_as_cancelled() {
    let mut session = Session::new();
    let seq = session.asks_permission(1);
    let effects = session.agent(FromAgent::Withdrew(1.into()));
    assert_eq!(responses(&effects)[0].1.as_ref().unwrap_err()["code"], -32800);
    assert_eq!(value(&session.record(seq + 1).body)["cause"], "withdrawn");
    assert!(responses(&session.agent(FromAgent::Withdrew(1.into()))).is_empty(), "once");
    assert_eq!(session.command("c1", answer(seq, "{}")).0, Ok(Reply::Answered(false)));
}

#[test]
fn an_id_that_is_in_use_is_not_asked_twice_but_may_be_used_again_later() {
    let mut session = Session::new();
    let seq = session.asks_permission(1);
    assert!(ask(&mut session, 1.into(), "_other", None).is_empty());
    assert_eq!(session.head(), seq);
    let (_, effects) = session.command("c1", answer(seq, "{}"));
    assert_eq!(responses(&effects).len(), 1);
    assert_eq!(session.asks_permission(1), seq + 2);
}

#[test]
fn only_so_many_requests_wait_and_the_rest_is_refused() {
    let mut session = Session::new();
    for id in 0..256 {
        session.asks_permission(id);
    }
    let head = session.head();
    let effects = ask(&mut session, 256.into(), "session/request_permission", Some("{}"));
    assert_eq!(responses(&effects)[0].1.as_ref().unwrap_err()["code"], -32603);
    assert_eq!(session.head(), head);

    let mut config = Config::default();
    config.max_pending_bytes = 100;
    let mut session = Session::with(config, "{}", vec![]);
    session.asks(1, "_x", &format!("{{\"large\":\"{}\"}}", "x".repeat(200)));
    assert_eq!(responses(&ask(&mut session, 2.into(), "_x", Some("{}"))).len(), 1, "large ones fill it earlier");
}

#[test]
fn an_agent_that_ends_its_turn_with_requests_open_gets_them_answered() {
    let mut session = Session::new();
    let (_, id) = session.running("a");
    let seq = session.asks_permission(1);
    let effects = session.answered(id, Ok(r#"{"stopReason":"end_turn"}"#));
    assert_eq!(session.kinds(seq), ["permission_resolved", "turn_ended"]);
    assert_eq!(value(&session.record(seq + 1).body)["cause"], "turn_ended");
    assert_eq!(responses(&effects), [("1".into(), Ok(json!({ "outcome": { "outcome": "cancelled" } })))]);
}

#[test]
fn requests_of_an_agent_that_exits_are_resolved_and_nobody_is_told() {
    let mut session = Session::new();
    session.running("a");
    let seq = session.asks_permission(1);
    let effects = session.exits();
    assert_eq!(session.kinds(seq), ["agent_exited", "permission_resolved", "turn_ended"]);
    assert_eq!(value(&session.record(seq + 2).body)["cause"], "agent_exited");
    assert!(responses(&effects).is_empty());
    assert_eq!(session.command("c1", answer(seq, "{}")).0, Ok(Reply::Answered(false)));
}

#[test]
fn what_an_agent_asks_right_after_its_start_is_not_lost() {
    let early = vec![
        FromAgent::Request { id: 1.into(), method: "_x".into(), params: None },
        FromAgent::Request { id: 2.into(), method: "fs/read_text_file".into(), params: Some(RawBuf::default()) },
    ];
    let session = Session::with(Config::default(), "{}", early);
    assert_eq!(session.kinds(2), ["request"]);
    assert!(matches!(&session.effects[..], [Effect::Serve { .. }]), "{:?}", session.effects);
}
