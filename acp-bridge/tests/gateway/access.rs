//! Who may do what: every method of both doors, by every role, in its own session, in one of others, and in none.
#![expect(clippy::unwrap_used, reason = "what the tests share is as much of a test as they are")]

use std::io::{Read as _, Write as _};

use crate::support::{Client, World};
use acp_bridge::gateway::{self, Authenticate, Unauthenticated};
use acp_bridge::service::{Principal, Role, Sessions};
use acp_bridge::session::Command;
use acp_types::api;
use acp_types::method::{Call, Direction, Version};
use serde_json::{Value, json};

/// What a method is about.
#[derive(Clone, Copy, PartialEq)]
enum About {
    /// One session; the client attaches to it first.
    Attached,
    /// One session, attached or not.
    Session,
    /// One session if the client is attached to it, else any agent.
    Agent,
    /// All sessions.
    Every,
    /// None.
    Nothing,
}

struct Row {
    method: &'static str,
    least: Role,
    about: About,
    params: Value,
}

impl Row {
    /// What a principal of this role would need beside it, limited to one session or not; `None` if it may.
    fn lacks(&self, role: Role, limited: bool) -> Option<&'static str> {
        if role < self.least {
            return Some(self.least.as_str());
        }
        (limited && self.about == About::Every).then_some("all sessions")
    }
}

fn row(method: &'static str, least: Role, about: About, params: Value) -> Row {
    Row { method, least, about, params }
}

/// A gateway that takes the principal from the query: `role`, and `session` for one that is limited to it.
fn world() -> World {
    let mut config = gateway::Config::default();
    config.authenticate = Authenticate::by(|head| {
        let query = head.uri.query().unwrap_or_default();
        let named = |key: &str| query.split('&').find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == key));
        let role = match named("role") {
            None => Role::Admin,
            Some((_, name)) => *Role::ALL
                .iter()
                .find(|role| role.as_str() == name)
                .ok_or_else(|| Unauthenticated::because("who are you?"))?,
        };
        let sessions = named("session").map_or(Sessions::All, |(_, session)| Sessions::only([session]));
        Ok(Principal::new(format!("a test's {role}"), role, sessions).into())
    });
    World::with(config)
}

fn connect(world: &World, door: &str, role: Role, session: Option<&str>) -> Client {
    let session = session.map_or(String::new(), |session| format!("&session={session}"));
    let mut client = Client::connect_to(&world.address, &format!("{door}?role={role}{session}"));
    if door == "/acp" {
        client.initialize();
    }
    client
}

fn ask(client: &mut Client, method: &str, params: &Value) -> Value {
    let id = client.request(method, params);
    client.answer(id)
}

/// What an answer says the caller would need.
fn needs(answer: &Value) -> Option<&str> {
    answer["error"]["data"]["acp-bridge"]["needs"].as_str()
}

/// Without its id, and with a session's name taken out.
fn anonymous(answer: &Value, session: &str) -> String {
    let text = json!([answer["result"], answer["error"]]).to_string();
    text.replace(&format!("\"{session}\""), "\"*\"").replace(&format!("session {session}"), "session *")
}

fn naming(params: &Value, key: &str, session: &str) -> Value {
    let mut params = params.clone();
    params[key] = json!(session);
    params
}

/// A client that may not touch a session is told of it what it would be told of none, and naming none tells no more.
fn assert_hidden(client: &mut Client, row: &Row, key: &str, foreign: &str, case: &str) {
    let Row { method, about, params, .. } = row;
    let theirs = ask(client, method, &naming(params, key, foreign));
    let nobodys = ask(client, method, &naming(params, key, "nowhere"));
    assert_eq!(anonymous(&theirs, foreign), anonymous(&nobodys, "nowhere"), "{case}");
    // Over /acp the deletion of a session that is not there succeeds; over /rpc the answer says that it was not.
    let not_there = match *method {
        "session/delete" => true,
        "session_delete" => theirs["result"] == json!({ "deleted": false }),
        _ => false,
    };
    let gone = theirs["error"]["code"] == -32002 || not_there;
    assert!(gone || needs(&theirs).is_some(), "{case}: {theirs}");
    if *about != About::Agent {
        let none = ask(client, method, params);
        assert!(none["error"]["code"] == -32602 || needs(&none).is_some(), "{case}: {none}");
    }
}

fn acp_rows() -> Vec<Row> {
    use About::{Agent, Attached, Every, Nothing, Session};
    use Role::{Admin, Controller, Observer};
    let workspace = || json!({ "cwd": "/", "mcpServers": [] });
    let prompt = || json!([{ "type": "text", "text": "hi" }]);
    vec![
        row("session/new", Controller, Every, workspace()),
        row("session/list", Observer, Nothing, json!({})),
        row("session/load", Controller, Session, workspace()),
        row("session/resume", Controller, Session, workspace()),
        row("session/attach", Controller, Session, json!({ "role": "controller" })),
        row("session/attach", Observer, Session, json!({ "role": "observer" })),
        row("session/detach", Observer, Attached, json!({})),
        row("session/prompt", Controller, Attached, json!({ "prompt": prompt() })),
        row("session/close", Controller, Session, json!({})),
        row("session/close", Controller, Attached, json!({})),
        row("session/delete", Admin, Session, json!({})),
        row("session/delete", Admin, Attached, json!({})),
        row("session/status", Observer, Session, json!({})),
        row("session/options", Controller, Attached, json!({ "cwd": "/" })),
        row("session/options", Admin, Every, json!({ "cwd": "/" })),
        row("session/set_title", Controller, Attached, json!({ "title": "t" })),
        row("session/set_mode", Controller, Attached, json!({ "modeId": "ask" })),
        row("session/set_config_option", Controller, Attached, json!({ "configId": "c", "value": "v" })),
        row("_acp-bridge/queue", Observer, Attached, json!({})),
        row("_acp-bridge/queue_edit", Controller, Attached, json!({ "turn": 1, "prompt": prompt() })),
        row("_acp-bridge/queue_move", Controller, Attached, json!({ "turn": 1 })),
        row("_acp-bridge/queue_withdraw", Controller, Attached, json!({ "turn": 1 })),
        row("_acp-bridge/set_policy", Controller, Attached, json!({ "unattended": null })),
        row("_acp-bridge/session_trust", Admin, Attached, json!({})),
        row("_acp-bridge/lane_add", Controller, Attached, json!({ "lane": "l", "agent": "a" })),
        row("_acp-bridge/lane_remove", Controller, Attached, json!({ "lane": "l" })),
        row("_acp-bridge/lanes", Observer, Attached, json!({})),
        row("_x/y", Controller, Agent, json!({})),
        row("_x/y", Admin, Every, json!({})),
        row("authenticate", Admin, Every, json!({ "methodId": "m" })),
        row("logout", Admin, Every, json!({})),
        row("auth/status", Admin, Every, json!({})),
        row("providers/list", Admin, Every, json!({})),
        row("providers/set", Admin, Every, json!({})),
        row("providers/disable", Admin, Every, json!({})),
    ]
}

/// Requests of ACP that the bridge does not serve to anybody, and the one that every connection begins with.
const NOT_ASKED: [&str; 6] =
    ["initialize", "session/fork", "session/archive", "session/unarchive", "proxy/initialize", "proxy/successor"];

/// What a session hears of the client that has made it.
const MADE: [Command; 1] = [Command::SetPresence { present: true }];

/// Brings a client to its session as what it may be there.
fn come(client: &mut Client, role: Role, session: &str) {
    if role >= Role::Controller {
        client.load(session);
    } else {
        client.call("session/attach", &json!({ "sessionId": session, "role": "observer" }));
    }
}

#[test]
fn over_acp_each_role_may_what_the_table_says_and_only_in_its_own_session() {
    let world = world();
    let mut admin = world.client();
    let rows = acp_rows();
    for method in Version::V1.methods() {
        let asked = method.call == Call::Request && method.direction != Direction::ToClient;
        let known = NOT_ASKED.contains(&method.name) || rows.iter().any(|row| row.method == method.name);
        assert!(known || !asked, "{} is in no row", method.name);
    }
    let foreign = admin.new_session();
    for row @ Row { method, about, params, .. } in &rows {
        for role in Role::ALL {
            for limited in [false, true] {
                let own = admin.new_session();
                let case = format!("{method} by {role}, limited: {limited}");
                let mut client = connect(&world, "/acp", role, limited.then_some(&own));
                let concerns_one = !matches!(about, About::Every | About::Nothing);
                if concerns_one && *about != About::Session {
                    come(&mut client, role, &own);
                }
                let params_here = if concerns_one { naming(params, "sessionId", &own) } else { params.clone() };
                let id = client.request(method, &params_here);
                if *method == "session/prompt" && row.lacks(role, limited).is_none() {
                    world.command("prompt", |command| matches!(command, Command::Prompt { .. }));
                    world.end(&own, world.host.last_turn(&own));
                }
                let answer = client.answer(id);
                if let Some(missing) = row.lacks(role, limited) {
                    assert_eq!((&answer["error"]["code"], needs(&answer)), (&json!(-32600), Some(missing)), "{case}");
                } else if role == Role::Observer && matches!(about, About::Attached) && *method != "session/detach" {
                    assert_eq!(
                        answer["error"]["data"]["acp-bridge"],
                        json!({ "role": "observer" }),
                        "{case}: {answer}"
                    );
                } else {
                    assert_eq!(answer["error"], Value::Null, "{case}");
                }
                if limited && concerns_one {
                    let mut client = connect(&world, "/acp", role, Some(&own));
                    assert_hidden(&mut client, row, "sessionId", &foreign, &case);
                }
            }
        }
    }
    assert_eq!(world.host.commands_for(Some(&foreign)), MADE, "nothing else reached the session of others");
    assert_eq!(admin.load(&foreign)["modes"]["currentModeId"], "ask", "and it is there");
}

#[test]
fn over_acp_notifications_are_heard_of_those_who_may_send_them_and_only_in_their_own_session() {
    use Role::{Admin, Controller};
    let world = world();
    let mut admin = world.client();
    let rows = [
        row("session/cancel", Controller, About::Attached, json!({})),
        row("_x/n", Controller, About::Attached, json!({})),
        row("_x/n", Admin, About::Every, json!({})),
        row("mcp/message", Admin, About::Every, json!({})),
        row("proxy/successor", Admin, About::Every, json!({})),
    ];
    for method in Version::V1.methods() {
        let sent = method.call == Call::Notification && method.direction != Direction::ToClient;
        let known = method.name == "$/cancel_request" || rows.iter().any(|row| row.method == method.name);
        assert!(known || !sent, "{} is in no row", method.name);
    }
    let foreign = admin.new_session();
    let counts = |command: &Command| matches!(command, Command::Cancel { .. } | Command::Notify { .. });
    let heard = |session: Option<&str>| {
        let commands = world.host.commands_for(session);
        commands.iter().filter(|command| counts(command)).count()
    };
    for row @ Row { method, about, params, .. } in &rows {
        for role in Role::ALL {
            for limited in [false, true] {
                let own = admin.new_session();
                let case = format!("{method} by {role}, limited: {limited}");
                let target = (*about == About::Attached).then_some(&*own);
                let mut client = connect(&world, "/acp", role, limited.then_some(&own));
                let before = heard(target);
                if let Some(own) = target {
                    come(&mut client, role, own);
                    client.notify(method, &naming(params, "sessionId", own));
                    if limited {
                        client.notify(method, &naming(params, "sessionId", &foreign));
                    }
                } else {
                    client.notify(method, params);
                }
                // What came before the answer has been taken, and what the host has been given before that is done.
                client.call("session/list", &json!({}));
                admin.call("session/new", &json!({ "cwd": "/", "mcpServers": [] }));
                let may = row.lacks(role, limited).is_none();
                assert_eq!(heard(target) - before, usize::from(may), "{case}");
            }
        }
    }
    assert_eq!(world.host.commands_for(Some(&foreign)), MADE);
}

fn rpc_rows() -> Vec<Row> {
    use About::{Every, Nothing, Session};
    use Role::{Admin, Controller, Observer};
    let prompt = || json!([{ "type": "text", "text": "hi" }]);
    vec![
        row("session_create", Controller, Every, json!({ "cwd": "/" })),
        row("session_list", Observer, Nothing, json!({})),
        row("rpc.discover", Observer, Nothing, json!({})),
        row("session_get", Observer, Session, json!({})),
        row("session_read", Observer, Session, json!({})),
        row("session_subscribe", Observer, Session, json!({})),
        row("session_subscribe", Controller, Session, json!({ "attend": true })),
        row("session_export", Observer, Session, json!({})),
        row("session_prompt", Controller, Session, json!({ "prompt": prompt() })),
        row("session_wait", Observer, Session, json!({ "turn": 1 })),
        row("session_cancel", Controller, Session, json!({})),
        row("queue_list", Observer, Session, json!({})),
        row("queue_edit", Controller, Session, json!({ "turn": 1, "prompt": prompt() })),
        row("queue_move", Controller, Session, json!({ "turn": 1 })),
        row("queue_withdraw", Controller, Session, json!({ "turn": 1 })),
        row("session_respond", Controller, Session, json!({ "request": 1, "result": {} })),
        row("session_set_mode", Controller, Session, json!({ "mode": "ask" })),
        row("session_set_config", Controller, Session, json!({ "option": "o", "value": "v" })),
        row("session_set_policy", Controller, Session, json!({})),
        row("session_trust", Admin, Session, json!({})),
        row("session_close", Controller, Session, json!({})),
        row("lane_list", Observer, Session, json!({})),
        row("lane_add", Controller, Session, json!({ "lane": "l", "agent": "a" })),
        row("lane_remove", Controller, Session, json!({ "lane": "l" })),
        row("session_delete", Admin, Session, json!({})),
        row("bridge_stop", Admin, Every, json!({})),
    ]
}

#[test]
fn over_rpc_each_role_may_what_the_table_says_and_only_in_its_own_session() {
    let world = world();
    let mut admin = world.client();
    let rows = rpc_rows();
    for method in api::METHODS {
        assert!(rows.iter().any(|row| row.method == method.name), "{} is in no row", method.name);
    }
    let foreign = admin.new_session();
    for row @ Row { method, about, params, .. } in &rows {
        for role in Role::ALL {
            for limited in [false, true] {
                let own = admin.new_session();
                let case = format!("{method} by {role}, limited: {limited}");
                let mut client = connect(&world, "/rpc", role, limited.then_some(&own));
                let concerns_one = *about == About::Session;
                let params_here = if concerns_one { naming(params, "session", &own) } else { params.clone() };
                let answer = ask(&mut client, method, &params_here);
                if let Some(missing) = row.lacks(role, limited) {
                    assert_eq!((&answer["error"]["code"], needs(&answer)), (&json!(-32600), Some(missing)), "{case}");
                } else {
                    // The host of this test runs no turns, queues nothing and adds no lanes: it may still be refused.
                    let code = answer["error"]["code"].as_i64();
                    assert!(needs(&answer).is_none() && code != Some(-32002), "{case}: {answer}");
                }
                if limited && concerns_one {
                    assert_hidden(&mut client, row, "session", &foreign, &case);
                }
            }
        }
    }
    assert_eq!(world.host.commands_for(Some(&foreign)), MADE, "nothing else reached the session of others");
    assert_eq!(admin.load(&foreign)["modes"]["currentModeId"], "ask", "and it is there");
}

#[test]
fn lists_leave_out_the_sessions_of_others() {
    let world = world();
    let mut admin = world.client();
    let [one, own, three] = std::array::from_fn(|_| admin.new_session());
    let mut acp = connect(&world, "/acp", Role::Observer, Some(&own));
    let listed = acp.call("session/list", &json!({}));
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed["sessions"][0]["sessionId"], &listed["nextCursor"]), (&json!(own), &Value::Null));
    let mut rpc = connect(&world, "/rpc", Role::Observer, Some(&own));
    let listed = rpc.call("session_list", &json!({}));
    assert_eq!((listed["sessions"].as_array().unwrap().len(), &listed["sessions"][0]["session"]), (1, &json!(own)));
    for cursor in [&one, &three, "nowhere"] {
        assert_eq!(acp.refused("session/list", &json!({ "cursor": cursor }))["code"], -32602, "{cursor}");
        assert_eq!(rpc.refused("session_list", &json!({ "after": cursor }))["code"], -32602, "{cursor}");
    }
    let mut all = connect(&world, "/rpc", Role::Observer, None);
    assert_eq!(all.call("session_list", &json!({}))["sessions"].as_array().unwrap().len(), 3);
}

#[test]
fn an_admin_that_attaches_as_an_observer_is_one_in_that_session() {
    let world = world();
    let mut admin = world.client();
    let (watched, other) = (admin.new_session(), admin.new_session());
    admin.call("session/attach", &json!({ "sessionId": watched, "role": "observer" }));
    for Row { method, about, params, .. } in acp_rows() {
        if matches!(about, About::Every | About::Nothing) || ["session/attach", "session/detach"].contains(&method) {
            continue;
        }
        if ["session/load", "session/resume"].contains(&method) {
            continue;
        }
        let refused = admin.refused(method, &naming(&params, "sessionId", &watched));
        let message = format!(
            "an observer of session {watched} cannot send {method:?}: attach as controller (session/attach) first"
        );
        assert_eq!((&refused["code"], &refused["message"]), (&json!(-32600), &json!(message)));
        assert_eq!(refused["data"], json!({ "acp-bridge": { "role": "observer" } }));
    }
    admin.call("session/close", &json!({ "sessionId": other }));
}

#[test]
fn whoever_is_nobody_gets_in_nowhere() {
    let world = world();
    for path in ["/acp", "/rpc", "/dial", "/served"] {
        let (status, body) = get(&world, &format!("{path}?role=nobody"));
        assert_eq!((status, &*body), (401, "who are you?\n"), "{path}");
    }
    assert_eq!(get(&world, "/healthz?role=nobody").0, 200);
    assert_eq!(get(&world, "/acp?role=observer").0, 426);
    for role in [Role::Observer, Role::Controller] {
        let (status, body) = get(&world, &format!("/dial?role={role}"));
        assert_eq!(status, 403);
        assert!(body.contains("that needs the role admin"), "{body}");
    }
    assert_eq!(get(&world, "/dial?role=admin").0, 426);
}

#[test]
fn a_call_by_post_has_the_principal_of_its_own_request() {
    let world = world();
    let session = world.client().new_session();
    let params = json!({ "session": session });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "session_delete", "params": params }).to_string();
    let head = "Content-Type: application/json\r\n";
    for (query, expected) in [("?role=observer", "admin"), ("?role=controller", "admin")] {
        let (status, body) = exchange(&world, "POST", &format!("/rpc{query}"), head, &call);
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, needs(&answer)), (200, Some(expected)), "{answer}");
    }
    let (_, body) = exchange(&world, "POST", "/rpc", head, &call);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["result"], json!({ "deleted": true }));
}

fn get(world: &World, path: &str) -> (u16, String) {
    exchange(world, "GET", path, "", "")
}

fn exchange(world: &World, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut socket = world.socket();
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n");
    socket.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}
