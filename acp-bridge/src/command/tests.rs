use std::sync::{Arc, Mutex};

use acp_types::RawBuf;
use async_trait::async_trait;
use bytes::Bytes;

use super::{By, Commander, MAX_PAUSE, Order, Unreadable, VERSION, encode_answer};
use crate::log::{CommandId, CommandQueue, LogError, MemberId, MemoryLog, QueueError, QueuedCommand, TakenCommand};
use crate::principal::{Principal, Role, Sessions};
use crate::session::{Command, QueueCommand, Refusal, Reply};
use crate::vault::{MemoryVault, Vault as _, VaultError};

fn by(client: &str) -> By {
    By { principal: Arc::new(Principal::new("ci", Role::Controller, Sessions::only(["s"]))), client: client.into() }
}

fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

/// Sends a command and takes it; its bytes on the way.
async fn round(command: Command) -> String {
    let vault = MemoryVault::new();
    let order = Order::seal(by("client"), command.clone(), &vault).await.unwrap();
    let body = order.encode().unwrap();
    let read = Order::decode(&body).unwrap();
    assert_eq!(read, order);
    assert_eq!(read.open(&vault).await.unwrap(), ("client".into(), command));
    if let Some(secret) = order.secret {
        assert_eq!(vault.take(&secret).await, Err(VaultError::Unknown), "it is taken once");
    }
    String::from_utf8(body.into()).unwrap()
}

fn call(method: &str, params: &str) -> Command {
    Command::Call { lane: None, method: method.into(), params: Some(raw(params)) }
}

#[tokio::test]
async fn no_secret_is_in_a_command_and_the_host_has_it_byte_for_byte() {
    let plain = raw(r#"{ "protocolVersion":1, "_meta":{"x":1} }"#);
    for odd in [
        r#"{ "cwd" : "/w", "mcpServers":[{"name":"n","env":[{"name":"K","value":"SECRET"}]}] , "n":1e2 }"#,
        r#"{"mcpServers":[{"url":"http://h","headers":[{"name":"K","value":"SECRET\ud800"}]}],"cwd":"/"}"#,
        r#"{"mcpServers":[{"args":["SECRET"]}],"cwd":"/","mcpServers":[{"args":["SECRET 2"]}]}"#,
        r#"{"\u006dcpServers":[{"x":"SECRET"}],"mcpServers":[],"x":[null, 1.0]}"#,
        r#"{"mcpServers":"SECRET"}"#,
        r#"{"cwd":"/","mcpServers":[],"_meta":{"acp-bridge":{"unattended":"wait"},"theirs":{"token":"SECRET"}}}"#,
        r#"{"cwd":"/","deep":[{"mcp_servers":{"a":{"env":{"K":"SECRET"}}}}]}"#,
        "{\"mcpServers\" : [ {\n\t\"env\":\"SECRET\" } ]\r\n}",
    ] {
        let odd = raw(odd);
        for command in [
            Command::Create { params: odd.clone(), initialize: plain.clone() },
            Command::Attach { params: odd.clone() },
        ] {
            let body = round(command).await;
            assert!(!body.contains("SECRET") && body.contains("secret"), "{body}");
        }
    }
    let listing = raw(r#"{"_meta":{"mcpServers":[{"env":"SECRET"}]}, "n":1e2}"#);
    let login = r#"{ "methodId":"key","_meta":{"apiKey":"SECRET"} }"#;
    for command in [
        Command::Describe { initialize: listing.clone() },
        Command::Create { params: listing.clone(), initialize: listing.clone() },
        call("authenticate", login),
        call("auth/login", login),
        call("providers/set", r#"{"headers":{"authorization":"SECRET"}}"#),
        call("_x/login", login),
        call("x/add", r#"{"mcpServers":[{"env":"SECRET"}]}"#),
        Command::Notify { lane: Some("l".into()), method: "_x/login".into(), params: Some(raw(login)) },
    ] {
        let body = round(command).await;
        assert!(!body.contains("SECRET") && body.contains("secret"), "{body}");
    }
}

#[tokio::test]
async fn what_holds_no_secret_needs_no_vault() {
    let plain = raw(r#"{"cwd":"/w","mcpServers":[],"_meta":{"acp-bridge":{"unattended":"wait"}}}"#);
    for command in [
        Command::Create { params: plain.clone(), initialize: raw(r#"{"_meta":{"x":1}}"#) },
        Command::Attach { params: plain },
        Command::Attach { params: raw("[]") },
        call("session/set_mode", r#"{"modeId":"m"}"#),
        Command::Call { lane: None, method: "logout".into(), params: Some(raw("{}")) },
        Command::Call { lane: None, method: "authenticate".into(), params: None },
        Command::Notify { lane: None, method: "_x".into(), params: None },
        Command::prompt(raw(r#"{"prompt":[]}"#), None, false),
    ] {
        let body = round(command).await;
        assert!(!body.contains("secret"), "{body}");
    }
}

#[tokio::test]
async fn what_a_command_has_no_place_for_is_refused() {
    let vault = MemoryVault::new();
    let login = call("authenticate", r#"{"methodId":"k"}"#);
    for kept in [raw(r#"{"initialize":{}}"#), raw("[]"), raw(r#"{"params":{"x":1},"initialize":1}"#)] {
        let mut order = Order::seal(by("c"), login.clone(), &vault).await.unwrap();
        order.secret = Some(vault.keep(kept).await.unwrap());
        assert_eq!(order.open(&vault).await, Err(VaultError::Damaged));
    }
    let mut order = Order::seal(by("c"), Command::Close, &vault).await.unwrap();
    order.secret = Some(vault.keep(raw(r#"{"params":{}}"#)).await.unwrap());
    assert_eq!(order.open(&vault).await, Err(VaultError::Damaged));
}

#[tokio::test]
async fn what_is_left_for_a_host_that_never_comes_does_not_stay() {
    let vault = MemoryVault::new();
    let login = call("authenticate", r#"{"methodId":"k"}"#);
    let answer = super::submit(&MemoryLog::new(), &vault, &"g".into(), by("c"), None, login).await;
    assert!(answer.is_err());
    assert!(format!("{vault:?}").contains("secrets: 0"), "{vault:?}");
}

#[tokio::test]
async fn what_a_client_sent_arrives_byte_for_byte() {
    // An unusual number, an unknown member, half a surrogate pair: all of it is the client's.
    let params = raw(r#"{ "prompt" : [{"type":"text","text":"\ud800"}], "n":1e2, "_x":{} }"#);
    round(Command::prompt(params.clone(), Some("key".into()), true)).await;
    round(Command::Call { lane: Some("l".into()), method: "m".into(), params: Some(params.clone()) }).await;
    round(Command::Notify { lane: None, method: "m".into(), params: None }).await;
    round(Command::Answer { request: 7, answer: Err(params.clone()) }).await;
    round(Command::Queue(QueueCommand::Edit { turn: 3, prompt: params })).await;
    round(Command::cancel(Some(9))).await;
    round(Command::Close).await;
}

#[tokio::test]
async fn a_command_of_another_version_is_refused_with_its_version() {
    let order = Order::seal(by("c"), Command::Close, &MemoryVault::new()).await.unwrap();
    let mut value: serde_json::Value = serde_json::from_slice(&order.encode().unwrap()).unwrap();
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

#[cfg(feature = "schema")]
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

/// A queue that has no room for so many commands, and what it has taken after that.
#[derive(Debug, Default)]
struct Busy {
    refuses: Mutex<Vec<QueueError>>,
    taken: Mutex<Vec<Command>>,
}

impl Busy {
    fn commander(refuses: Vec<QueueError>) -> (Arc<Self>, Commander) {
        let queue = Arc::new(Self { refuses: Mutex::new(refuses), ..Self::default() });
        (Arc::clone(&queue), Commander::new(queue, crate::vault::shared(), "g".into()))
    }

    fn taken(&self) -> Vec<Command> {
        self.taken.lock().unwrap().clone()
    }
}

#[async_trait]
impl CommandQueue for Busy {
    async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError> {
        if let Some(error) = self.refuses.lock().unwrap().pop() {
            return Err(error);
        }
        self.taken.lock().unwrap().push(Order::decode(&command.body).unwrap().command);
        Ok(encode_answer(&Ok(Reply::Done)))
    }

    async fn take(&self, _: &MemberId) -> Result<Vec<TakenCommand>, LogError> {
        std::future::pending().await
    }

    async fn answer(&self, _: &CommandId, _: Bytes) -> Result<(), LogError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_controller_has_gone_is_sent_again_until_there_is_room_for_it() {
    for present in [true, false] {
        let (queue, commander) = Busy::commander(vec![QueueError::Late, QueueError::Full { waiting: 4096 }]);
        let attend = Command::SetPresence { present };
        assert_eq!(commander.submit(by("c"), Some("s".into()), attend.clone()).await, Ok(Reply::Done));
        assert_eq!(queue.taken(), [attend]);
    }
    let (queue, commander) = Busy::commander(vec![QueueError::Full { waiting: 4096 }]);
    let refused = commander.submit(by("c"), Some("s".into()), Command::Close).await;
    assert_eq!(refused, Err(Refusal::HostBusy { max: 4096 }), "whoever sends anything else is told");
    assert_eq!(queue.taken(), []);
}

#[tokio::test(start_paused = true)]
async fn of_a_controller_that_comes_and_goes_only_the_latest_is_sent_again() {
    let (queue, commander) = Busy::commander(vec![QueueError::Full { waiting: 4096 }]);
    let attend = |present| commander.submit(by("c"), Some("s".into()), Command::SetPresence { present });
    let mut came = std::pin::pin!(attend(true));
    assert!(futures_util::FutureExt::now_or_never(&mut came).is_none(), "it waits for room");
    assert_eq!(attend(false).await, Ok(Reply::Done));
    tokio::time::sleep(MAX_PAUSE).await;
    assert_eq!(came.await, Ok(Reply::Done));
    assert_eq!(queue.taken(), [Command::SetPresence { present: false }]);
}

#[tokio::test(start_paused = true)]
async fn controllers_are_announced_again_however_busy_the_host_is_and_not_those_that_went_meanwhile() {
    let (queue, commander) = Busy::commander(Vec::new());
    let attend = |client, present| commander.submit(by(client), Some("s".into()), Command::SetPresence { present });
    attend("1", true).await.unwrap();
    attend("2", true).await.unwrap();
    queue.taken.lock().unwrap().clear();
    queue.refuses.lock().unwrap().push(QueueError::Full { waiting: 4096 });
    let mut again = std::pin::pin!(commander.announce_again());
    assert!(futures_util::FutureExt::now_or_never(&mut again).is_none(), "it waits for room");
    attend("2", false).await.unwrap();
    again.await;
    let told = queue.taken();
    let came = told.iter().filter(|told| **told == Command::SetPresence { present: true }).count();
    assert_eq!(came, 1, "the one that is there, once: {told:?}");
    assert_eq!(told[0], Command::SetPresence { present: false });
}
