//! Agents that speak of sessions that are not theirs.

use serde_json::json;

use crate::report::held;
use crate::support::client::kind;
use crate::support::{Bridge, Client, Options};

/// What a client was sent that has the word in it, but for the prompt itself.
fn of_agents(client: &Client) -> Vec<String> {
    let of_agents = client.kept().filter(|message| kind(message) != Some("user_message_chunk"));
    of_agents.map(ToString::to_string).filter(|message| message.contains("foreign")).collect()
}

#[test]
fn what_names_a_session_that_the_agent_does_not_have_is_shown_in_none() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let other = client.new_session();
    let lines = ["\"child\"", &format!("\"{other}\""), &format!("\"{session}\""), "7", "null", "\"x\",\"sessionId\":SESSION"].map(|named| {
        [
            format!(r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":{named},"update":{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"foreign"}}}}}}}}"#),
            format!(r#"{{"jsonrpc":"2.0","method":"_news","params":{{"sessionId":{named},"x":"foreign"}}}}"#),
        ]
        .join("\n")
    });
    let id = client.prompt(&session, &format!("raw {}", lines.join("\n")));
    assert_eq!(client.answer(id)["result"]["stopReason"], "end_turn");
    assert_eq!(of_agents(&client), Vec::<String>::new());
    let mut later = bridge.client();
    for session in [&session, &other] {
        later.load(session);
    }
    assert_eq!(of_agents(&later), Vec::<String>::new());
    held("updates and notifications of a foreign session", "they are shown in no session");
}

#[test]
fn requests_of_a_session_that_the_agent_does_not_have_are_answered_with_an_error() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    for method in ["session/request_permission", "elicitation/create", "_ask", "fs/read_text_file", "terminal/create"] {
        let id = client.prompt(
            &session,
            &format!(
                r#"request {method} {{"sessionId":"child","path":"/etc/hostname","command":"true","options":[]}}"#
            ),
        );
        let (_, chunks) = client.turn(id);
        assert!(chunks[0].1.contains("-32602"), "{method}: {chunks:?}");
        assert!(client.kept().all(|message| message["method"] != method), "no client is asked");
    }
    held("requests of a foreign session", "the agent gets -32602, and no client is asked");
}

#[test]
fn agents_are_told_of_child_sessions_as_acp_has_them_and_in_no_other_way() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = Client::connect(&bridge.address);
    let capabilities = json!({
        "subagents": {},
        "session": { "subagents": {} },
        "_meta": { "vendor": { "nativeSubagentSessions": true, "diffs": true } },
    });
    client.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": capabilities }));
    let session = client.new_session();
    let id = client.prompt(&session, "told");
    let (_, chunks) = client.turn(id);
    let told = chunks[0].1.to_lowercase();
    assert!(told.contains("diffs") && told.matches("subagent").count() == 1, "{chunks:?}");
    held("a client offers to show sessions of subagents in ways of its own", "agents are told of that of ACP alone");
}
