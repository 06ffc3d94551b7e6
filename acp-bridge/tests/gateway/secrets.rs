//! What a gateway puts into a log's queue: no secret of a client.

use crate::support::{World, raw};
use acp_bridge::session::Command;
use serde_json::{Value, json};

const SECRET: &str = "obvious-fake-token";

/// A client's params, byte for byte as the stub host got them.
fn params(command: Command) -> String {
    match command {
        Command::Create { params, .. } | Command::Attach { params } => params.as_str().to_owned(),
        Command::Call { params, .. } => params.expect("params").as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_secret_of_a_client_is_in_a_command_and_the_host_gets_every_byte() {
    let world = World::start();
    let mut client = world.client();
    let servers = format!(
        r#"[ {{"name":"a","command":"/x","args":["{SECRET}"],"env":[{{"name":"K","value":"{SECRET} \ud800"}}]}},
            {{"type":"http","name":"b","url":"http://h/","headers":[{{"name":"K","value":"{SECRET}"}}], "n":1e2}} ]"#
    );
    let mut id = 1000;
    let mut send = |method: &str, params: &str| -> Value {
        id += 1;
        client.send_text(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#));
        let answer = client.wait_for("the answer", |message| message["id"] == json!(id));
        assert!(answer["result"].is_object(), "{method}: {answer}");
        answer["result"].clone()
    };
    let new = format!(r#"{{"cwd":"/w", "mcpServers" : {servers},"z":null}}"#);
    let session = send("session/new", &new)["sessionId"].as_str().expect("an id").to_owned();
    let mut sent = vec![("session/new", new)];
    for method in ["session/load", "session/resume", "session/attach"] {
        let params = format!(r#"{{"sessionId":"{session}","cwd":"/w","mcpServers":{servers} }}"#);
        send(method, &params);
        sent.push((method, params));
    }
    for method in ["authenticate", "providers/set", "_x/login"] {
        let params = format!(r#"{{ "methodId":"key", "token":"{SECRET}", "n":1e2 }}"#);
        send(method, &params);
        sent.push((method, params));
    }
    for (name, wanted) in sent {
        let (_, command) = world.command(name, |command| {
            matches!(command, Command::Create { .. } | Command::Attach { .. } | Command::Call { .. })
        });
        // As one line: so messages are passed on.
        assert_eq!(params(command).replace('\n', " "), wanted.replace('\n', " "), "{name}");
        raw(&wanted);
    }
    let commands = world.log.commands();
    assert!(commands.iter().filter(|body| body.contains(r#""secret":""#)).count() >= 7, "{commands:?}");
    for body in commands {
        assert!(!body.contains(SECRET), "{body}");
    }
}
