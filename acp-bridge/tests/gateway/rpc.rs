//! The session API over WebSocket and HTTP, with the generated client: every method and every error.
#![expect(clippy::unwrap_used, reason = "what the tests share is as much of a test as they are")]

use std::sync::Arc;

use crate::support::{World, raw};
use acp_bridge::session::Command;
use acp_types::api::jsonrpsee::core::client::{Client, Error};
use acp_types::api::{self, Details, OnBusy, SessionApiClient};
use acp_types::meta::MainAgent;
use acp_types::record::body::Outcome;
use acp_types::{ErrorObjectOwned, RawBuf, SessionId};
use serde_json::{Value, json};

fn connect(world: &World) -> Arc<Client> {
    let url = format!("http://{}", world.address);
    Arc::new(world.runtime.block_on(api::connect(&url)).expect("a bridge"))
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorObjectOwned {
    match answer {
        Err(Error::Call(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
}

fn prompt_of(text: &str) -> RawBuf {
    RawBuf::encode(&json!([{ "type": "text", "text": text }])).unwrap()
}

/// What one client does from the first call to the last, over either transport.
async fn every_call<C: SessionApiClient + Sync>(client: &C) -> SessionId {
    let created = client.session_create("/tmp".into(), None, None, None, None).await.unwrap();
    let session = created.session;
    assert_eq!(created.result.as_raw().member("sessionId").unwrap().as_string().unwrap(), session.as_str());

    let page = client.session_list(Some("/tmp".into()), None, Some(10)).await.unwrap();
    assert_eq!((&page.sessions[0].session, &*page.sessions[0].cwd), (&session, "/tmp"));
    assert!(client.session_list(Some("/nowhere".into()), None, None).await.unwrap().sessions.is_empty());

    let read = client.session_read(session.clone(), None, Some(2)).await.unwrap();
    assert_eq!((read.records.len(), read.head, read.records[1].seq), (2, 3, 2));
    let read = client.session_read(session.clone(), Some(3), None).await.unwrap();
    assert!(read.records.is_empty());

    let exported = client.session_export(session.clone(), None, None).await.unwrap();
    assert_eq!((exported.lines.lines().count(), exported.next), (4, None), "a header and three records");

    let key = Some("k".to_owned());
    let prompt =
        || client.session_prompt(session.clone(), prompt_of("hi"), key.clone(), Some(OnBusy::Queue), None, None);
    let turn = prompt().await.unwrap().turn;
    assert_eq!(prompt().await.unwrap().turn, turn, "the same key never runs twice");

    let view = client.session_get(session.clone()).await.unwrap();
    assert_eq!((view.running, view.queued.len(), view.info.open_turns), (Some(turn), 0, 1));
    assert!(!view.closed && view.pending.is_empty());
    assert!(view.state.as_raw().path(&["modes", "currentModeId"]).is_some());

    let waited = client.session_wait(session.clone(), turn, Some(0)).await.unwrap();
    assert_eq!((waited.turn, waited.seq, waited.ended), (turn, None, None));
    let (waited, cancelled) = tokio::join!(
        client.session_wait(session.clone(), turn, None),
        client.session_cancel(session.clone(), Some(turn), None, None, None)
    );
    cancelled.unwrap();
    assert!(matches!(waited.unwrap().ended, Some(Outcome::Cancelled { .. })));
    let again = client.session_wait(session.clone(), turn, Some(0)).await.unwrap();
    assert!(again.seq.is_some(), "a turn that ended long ago is no other");

    let selected = raw(r#"{"outcome":"selected","optionId":"a"}"#);
    assert!(client.session_respond(session.clone(), 4, Some(selected), None, None).await.unwrap().counted);
    let echoed = client.session_set_mode(session.clone(), "code".into()).await.unwrap();
    let echoed: Value = serde_json::from_str(echoed.as_str()).unwrap();
    assert_eq!(echoed["method"], "session/set_mode");
    assert_eq!(echoed["params"], json!({ "sessionId": session, "modeId": "code" }));
    let echoed = client.session_set_config(session.clone(), "model".into(), raw("\"big\"")).await.unwrap();
    let echoed: Value = serde_json::from_str(echoed.as_str()).unwrap();
    assert_eq!(echoed["params"], json!({ "sessionId": session, "configId": "model", "value": "big" }));

    let head = client.session_close(session.clone()).await.unwrap().head;
    assert!(client.session_get(session.clone()).await.unwrap().closed);
    assert_eq!(client.session_read(session.clone(), Some(head), None).await.unwrap().records.len(), 0);
    assert!(client.session_delete(session.clone()).await.unwrap().deleted);
    assert!(!client.session_delete(session.clone()).await.unwrap().deleted);

    let document = client.discover().await.unwrap();
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(parsed(document.as_str()) == parsed(api::OPENRPC), "the committed document is served");
    session
}

#[test]
fn every_method_works_over_web_socket() {
    let world = World::start();
    let client = connect(&world);
    world.runtime.block_on(every_call(&*client));
}

#[test]
fn every_method_but_the_subscription_works_over_http() {
    let world = World::start();
    let url = format!("http://{}{}", world.address, api::PATH);
    let client = jsonrpsee_http_client::HttpClientBuilder::default().build(url).unwrap();
    world.runtime.block_on(every_call(&client));
    let message = post(&world, r#"{"jsonrpc":"2.0","id":"x","method":"session_subscribe","params":{"session":"s1"}}"#);
    assert!(message["error"]["message"].as_str().unwrap().contains("needs a WebSocket"), "{message}");
    assert_eq!(message["id"], "x");
}

#[test]
fn what_the_host_gets_is_what_was_asked_for() {
    let world = World::start();
    let client = connect(&world);
    let session = world.runtime.block_on(async {
        let capabilities = raw(r#"{"fs":{"readTextFile":true}}"#);
        let created =
            client.session_create("/w".into(), Some(raw("[{\"name\":\"m\"}]")), Some(capabilities), None, None).await;
        let session = created.unwrap().session;
        client
            .session_prompt(session.clone(), prompt_of("1e2"), Some("k".into()), None, Some("main".into()), Some(true))
            .await
            .unwrap();
        client.session_respond(session.clone(), 9, None, Some(raw("{\"a\":1e2}")), None).await.unwrap();
        client
            .session_respond(session.clone(), 9, None, None, Some(raw("{\"code\":1,\"message\":\"no\"}")))
            .await
            .unwrap();
        session
    });
    let (_, command) = world.command("create", |command| matches!(command, Command::Create { .. }));
    let Command::Create { params, initialize } = command else { panic!() };
    assert_eq!(params.as_str(), r#"{"cwd":"/w","mcpServers":[{"name":"m"}]}"#);
    let initialize: Value = serde_json::from_str(initialize.as_str()).unwrap();
    assert_eq!(initialize["clientCapabilities"], json!({ "fs": { "readTextFile": true } }));
    assert_eq!(initialize["protocolVersion"], 1);
    let (to, command) = world.command("prompt", |command| matches!(command, Command::Prompt { .. }));
    let Command::Prompt { params, key, accept_context_loss, .. } = command else { panic!() };
    assert_eq!((to, key.as_deref(), accept_context_loss), (Some(session.clone()), Some("k"), true));
    assert_eq!(params.as_raw().member("sessionId").unwrap().as_string().unwrap(), session.as_str());
    for wanted in [Ok(raw("{\"a\":1e2}")), Err(raw("{\"code\":1,\"message\":\"no\"}"))] {
        let (_, command) = world.command("answer", |command| matches!(command, Command::Answer { .. }));
        assert_eq!(command, Command::Answer { request: 9, answer: wanted });
    }
    let created = client.session_create("/w".into(), None, None, None, Some(MainAgent::DialsIn));
    world.runtime.block_on(created).unwrap();
    let (_, command) = world.command("create", |command| matches!(command, Command::Create { .. }));
    let Command::Create { params, .. } = command else { panic!() };
    assert_eq!(params.as_str(), r#"{"cwd":"/w","mcpServers":[],"_meta":{"acp-bridge":{"agent":"dials_in"}}}"#);
}

#[test]
fn pending_requests_and_their_answers_show() {
    let world = World::start();
    let client = connect(&world);
    let session = world.runtime.block_on(client.session_create("/w".into(), None, None, None, None)).unwrap().session;
    let request = world.ask(session.as_str(), None);
    let view = world.runtime.block_on(client.session_get(session.clone())).unwrap();
    assert_eq!((view.pending[0].request, &*view.pending[0].method), (request, "session/request_permission"));
    world.resolve(session.as_str(), request);
    assert!(world.runtime.block_on(client.session_get(session)).unwrap().pending.is_empty());
}

#[test]
fn errors_name_what_is_wrong_and_what_would_do() {
    let world = World::start();
    let client = connect(&world);
    world.runtime.block_on(async {
        let session = client.session_create("/w".into(), None, None, None, None).await.unwrap().session;
        let gone = SessionId::from("nonesuch");

        for error in [
            refused(client.session_get(gone.clone()).await),
            refused(client.session_read(gone.clone(), None, None).await),
            refused(client.session_wait(gone.clone(), 1, None).await),
            refused(client.session_cancel(gone.clone(), None, None, None, None).await),
            refused(client.session_subscribe(gone.clone(), None, None).await),
        ] {
            assert_eq!((error.code(), Details::of(&error).session_id), (-32002, Some(gone.clone())), "{error:?}");
        }
        for error in [
            refused(client.session_read(session.clone(), Some(99), None).await),
            refused(client.session_subscribe(session.clone(), Some(99), None).await),
        ] {
            assert_eq!((error.code(), Details::of(&error).latest), (-32602, Some(3)), "{error:?}");
        }
        for (member, error) in [
            ("cwd", refused(client.session_create("w".into(), None, None, None, None).await)),
            ("mcpServers", refused(client.session_create("/w".into(), Some(raw("7")), None, None, None).await)),
            ("after", refused(client.session_list(None, Some(gone.clone()), None).await)),
            ("turn", refused(client.session_wait(session.clone(), 1, None).await)),
            ("turn", refused(client.session_wait(session.clone(), 99, None).await)),
            ("prompt", refused(client.session_prompt(session.clone(), raw("{}"), None, None, None, None).await)),
            (
                "key",
                refused(
                    client.session_prompt(session.clone(), raw("[]"), Some("k".repeat(2000)), None, None, None).await,
                ),
            ),
            ("outcome", refused(client.session_respond(session.clone(), 1, None, None, None).await)),
            ("error", refused(client.session_respond(session.clone(), 1, None, None, Some(raw("1"))).await)),
        ] {
            assert_eq!((error.code(), Details::of(&error).member.as_deref()), (-32602, Some(member)), "{error:?}");
        }
    });
}

#[test]
fn a_cursor_before_the_kept_records_names_the_oldest() {
    use acp_bridge::log::LogWriter;
    let world = World::start();
    let client = connect(&world);
    world.runtime.block_on(async {
        let session = client.session_create("/w".into(), None, None, None, None).await.unwrap().session;
        let oldest = world.log.trim(&session, 3).await.unwrap();
        assert!(oldest > 0);
        for error in [
            refused(client.session_read(session.clone(), Some(0), None).await),
            refused(client.session_subscribe(session.clone(), Some(0), None).await),
        ] {
            assert_eq!((error.code(), Details::of(&error).oldest), (-32602, Some(oldest)), "{error:?}");
        }
    });
}

#[test]
fn every_required_param_that_is_missing_is_named_by_every_method() {
    let world = World::start();
    for method in api::METHODS {
        let Some(first) = method.params.iter().find(|param| param.required) else { continue };
        if method.subscription.is_some() {
            continue;
        }
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method.name, "params": {} });
        let answer = post(&world, &call.to_string());
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        assert_eq!(answer["error"]["data"]["member"], first.name, "{answer}");
    }
}

#[test]
fn what_is_no_call_is_answered_with_its_own_id() {
    let world = World::start();
    let answer = post(&world, r#"{"jsonrpc":"2.0","id":-7,"method":"session_sing"}"#);
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(-7), &json!(-32601)));
    assert_eq!(answer["error"]["data"]["method"], "session_sing");
    assert_eq!(post(&world, "{")["error"]["code"], -32700);
    assert_eq!(post(&world, r#"{"jsonrpc":"2.0","id":1}"#)["error"]["code"], -32600);
    let wrong = r#"{"jsonrpc":"2.0","id":1,"method":"session_wait","params":{"session":"s","turn":"x"}}"#;
    assert_eq!(post(&world, wrong)["error"]["data"]["member"], "turn");
}

#[test]
fn a_batch_is_answered_in_order_and_has_a_limit() {
    let world = World::start();
    let call = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"session_list"}}"#);
    let batch = |count: usize| format!("[{}]", (0..count).map(call).collect::<Vec<_>>().join(","));
    let answers = post(&world, &batch(64));
    let ids: Vec<u64> = answers.as_array().unwrap().iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    assert!(ids.into_iter().eq(0..64));
    for body in [batch(65), "[]".into()] {
        assert_eq!(post(&world, &body)["error"]["code"], -32600);
    }
    assert_eq!(post(&world, "[1")["error"]["code"], -32700);
    assert_eq!(post(&world, "[1]")[0]["error"]["code"], -32600);
}

#[test]
fn what_is_no_call_over_http_is_refused_by_status() {
    let mut config = acp_bridge::gateway::Config::default();
    config.max_message = 1000;
    let world = World::with(config);
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"session_list"}"#;
    let json = "Content-Type: application/json; charset=utf-8\r\n";
    assert_eq!(status(&world, "POST", json, call), 200);
    assert_eq!(status(&world, "POST", "Content-Type: text/plain\r\n", call), 415);
    assert_eq!(status(&world, "POST", "", call), 415);
    assert_eq!(status(&world, "POST", json, &" ".repeat(2000)), 413);
    assert_eq!(status(&world, "POST", json, r#"{"jsonrpc":"2.0","method":"session_list"}"#), 204);
    assert_eq!(status(&world, "GET", "", ""), 405);
    assert_eq!(status(&world, "POST", &format!("{json}Origin: http://evil.example\r\n"), call), 403);
}

fn post(world: &World, body: &str) -> Value {
    let (_, answer) = exchange(world, "POST", "Content-Type: application/json\r\n", body);
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn status(world: &World, method: &str, headers: &str, body: &str) -> u16 {
    exchange(world, method, headers, body).0
}

fn exchange(world: &World, method: &str, headers: &str, body: &str) -> (u16, String) {
    use std::io::{Read, Write};
    let mut socket = world.socket();
    let length = body.len();
    let head = format!(
        "{method} /rpc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    // The server may have refused it by its head.
    let _ = socket.write_all(body.as_bytes());
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}
