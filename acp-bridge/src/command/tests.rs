use acp_types::RawBuf;

use super::{Order, Unreadable, VERSION};
use crate::session::{Command, QueueCommand};

fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

fn round(command: Command) {
    let order = Order::new("client".into(), command);
    let read = Order::decode(&order.encode().unwrap()).unwrap();
    assert_eq!(read, order);
}

#[test]
fn what_a_client_sent_arrives_byte_for_byte() {
    // An unusual number, an unknown member, half a surrogate pair: all of it is the client's.
    let params = raw(r#"{ "prompt" : [{"type":"text","text":"\ud800"}], "n":1e2, "_x":{} }"#);
    round(Command::prompt(params.clone(), Some("key".into()), true));
    round(Command::Call { lane: Some("l".into()), method: "m".into(), params: Some(params.clone()) });
    round(Command::Notify { lane: None, method: "m".into(), params: None });
    round(Command::Answer { request: 7, answer: Err(params.clone()) });
    round(Command::Queue(QueueCommand::Edit { turn: 3, prompt: params }));
    round(Command::cancel(Some(9)));
    round(Command::Close);
}

#[test]
fn a_command_of_another_version_is_refused_with_its_version() {
    let mut value: serde_json::Value =
        serde_json::from_slice(&Order::new("c".into(), Command::Close).encode().unwrap()).unwrap();
    value["version"] = (VERSION + 1).into();
    value["command"] = "teleport".into();
    let refused = Order::decode(value.to_string().as_bytes()).unwrap_err();
    assert!(matches!(refused, Unreadable::Version { found } if found == VERSION + 1), "{refused}");
    assert!(refused.to_string().contains("version 2") && refused.to_string().contains("version 1"), "{refused}");
}

#[test]
fn an_unknown_command_is_refused() {
    let refused = Order::decode(br#"{"version":1,"client":"c","command":"teleport"}"#).unwrap_err();
    assert!(refused.to_string().contains("teleport"), "{refused}");
}

#[test]
fn the_schema_says_what_commands_look_like() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Order)).unwrap() + "\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/commands.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &schema).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, schema, "run `cargo xtask gen` and commit schema/commands.json");
}
