//! Each agent, and each environment of one, has a bridge of its own, though `attach` looks at one address first.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::editor::Editor;
use crate::support::example;
use crate::support::started::Started;

/// A user without bridges. Those that are started end with this.
struct User {
    home: tempfile::TempDir,
    /// Where `attach` looks first.
    url: String,
}

impl User {
    fn new() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", free.local_addr().expect("an address"));
        Self { home: tempfile::tempdir().expect("a temporary directory"), url }
    }

    /// An editor that wants the fault agent, with a value of `FLAVOUR`.
    fn editor(&self, flavour: &str, options: &[&str], flags: &[&str]) -> Editor {
        let agent = example("fault_agent");
        let named = ["--url", &self.url, "--env-from-client", "FLAVOUR"];
        let args = [&named, options, &["--", &agent], flags].concat();
        let mut editor = Editor::start_with(self.home.path(), ("FLAVOUR", flavour), &args);
        editor.initialize();
        editor
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acp-bridge"));
        command.args(args).env("XDG_STATE_HOME", self.home.path()).output().expect("run acp-bridge")
    }

    /// What `bridges --json` says, by URL.
    fn bridges(&self) -> Vec<Value> {
        let output = self.run(&["bridges", "--json"]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// The bridges of this user that are known, running or not.
    fn started(&self) -> Vec<Started> {
        let bridges = self.bridges();
        let known = bridges.iter().map(|bridge| (log_of(bridge), text(bridge, "url").replace("http://", "")));
        known.map(|(log, address)| Started::with_log(&log, &address)).collect()
    }

    /// Stops every bridge by its URL.
    fn stop_all(&self) {
        for bridge in self.bridges().iter().filter(|bridge| bridge["running"] == true) {
            let output = self.run(&["stop", "--url", text(bridge, "url")]);
            assert!(output.status.success(), "{output:?}");
            let started = Started::with_log(&log_of(bridge), "");
            assert_eq!(started.pid(), None, "it has ended when the command has");
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        drop(self.started());
        // One that nobody has reached yet has a lock and no note.
        for entry in std::fs::read_dir(self.home.path().join("acp-bridge")).into_iter().flatten().flatten() {
            let path = entry.path();
            if let Some(log) = path.to_str().and_then(|path| path.strip_suffix(".lock")) {
                drop(Started::with_log(Path::new(log), ""));
            }
        }
    }
}

fn text<'a>(bridge: &'a Value, member: &str) -> &'a str {
    bridge[member].as_str().expect("a text")
}

fn log_of(bridge: &Value) -> PathBuf {
    text(bridge, "log").strip_prefix("sqlite:").expect("a file").into()
}

/// The value of `FLAVOUR` that the agent has.
fn flavour(editor: &mut Editor, session: &str) -> String {
    let before = editor.text("agent_message_chunk").len();
    let turn = editor.prompt(session, "variable FLAVOUR");
    assert_eq!(editor.answer(turn)["result"]["stopReason"], "end_turn");
    editor.text("agent_message_chunk").split_off(before)
}

fn listed(editor: &mut Editor) -> Vec<String> {
    let listed = editor.call("session/list", &json!({}));
    let sessions = listed["sessions"].as_array().expect("a list").iter();
    sessions.map(|session| text(session, "sessionId").to_owned()).collect()
}

#[test]
fn whoever_asks_for_another_agent_or_environment_gets_a_bridge_of_its_own() {
    let user = User::new();
    let (mut one, mut two) = (user.editor("1", &[], &[]), user.editor("2", &[], &[]));
    let mut other = user.editor("1", &[], &["--resume"]);
    let made: Vec<_> = [&mut one, &mut two, &mut other].map(Editor::new_session).into();
    assert_eq!(flavour(&mut one, &made[0]), "1");
    assert_eq!(flavour(&mut two, &made[1]), "2");
    assert_eq!(flavour(&mut other, &made[2]), "1");
    let mut same = user.editor("2", &[], &[]);
    assert_eq!(listed(&mut same), [made[1].as_str()], "the same settings are the same bridge");
    let bridges = user.bridges();
    assert_eq!(bridges.len(), 3, "{bridges:?}");
    for bridge in &bridges {
        assert_eq!((text(bridge, "agent"), &bridge["running"]), ("fault_agent", &json!(true)));
    }
    for editor in [one, two, other, same] {
        assert!(editor.close().success());
    }

    // In another order, so that each address may be another's: sessions are where they were.
    user.stop_all();
    assert!(user.bridges().iter().all(|bridge| bridge["running"] == false));
    let mut other = user.editor("1", &[], &["--resume"]);
    assert_eq!(listed(&mut other), [made[2].as_str()]);
    let mut two = user.editor("2", &[], &[]);
    assert_eq!(listed(&mut two), [made[1].as_str()]);
    let mut one = user.editor("1", &[], &[]);
    assert_eq!(listed(&mut one), [made[0].as_str()]);
    assert_eq!(user.bridges().len(), 3);
    for editor in [one, two, other] {
        assert!(editor.close().success());
    }
    user.stop_all();
}

#[test]
fn an_editor_stays_with_its_own_bridge_when_that_is_killed() {
    let user = User::new();
    let mut one = user.editor("1", &[], &[]);
    one.new_session();
    let mut two = user.editor("2", &[], &[]);
    let session = two.new_session();
    let turn = two.prompt(&session, "count 300 1");
    for _ in 0..20 {
        two.chunk();
    }
    let bridges = user.started();
    bridges.iter().for_each(|bridge| bridge.end("-9"));
    let answer = two.answer(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    let all: String = (1..=300).map(|i| format!("{i} ")).collect();
    assert_eq!(two.text("agent_message_chunk"), all, "0 lost, 0 doubled, in order");
    assert_eq!(flavour(&mut two, &session), "2");
    for editor in [one, two] {
        assert!(editor.close().success());
    }
    drop(bridges);
}

#[test]
fn a_log_that_was_named_is_shared_with_no_other_agent() {
    let user = User::new();
    let log = format!("sqlite:{}", user.home.path().join("log.db").display());
    let named = ["--log", log.as_str()];
    let mut first = user.editor("1", &named, &[]);
    let session = first.new_session();
    let refused = |flavour: &str, flags: &[&str]| {
        let agent = example("fault_agent");
        let options = ["--url", &user.url, "--log", &log, "--env-from-client", "FLAVOUR", "--", &agent];
        let mut editor = Editor::start_with(user.home.path(), ("FLAVOUR", flavour), &[&options, flags].concat());
        let id = editor.request("initialize", &json!({ "protocolVersion": 1 }));
        let error = editor.answer(id)["error"]["message"].to_string();
        for part in ["fault_agent", &user.url, "--log", "acp-bridge stop --url"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert_eq!(editor.exit().code(), Some(3));
    };
    refused("2", &[]);
    refused("1", &["--steer"]);

    let elsewhere = format!("{log}-other");
    let mut other = user.editor("2", &["--log", &elsewhere], &[]);
    let own = other.new_session();
    assert_eq!(flavour(&mut other, &own), "2");
    let mut same = user.editor("1", &named, &[]);
    assert_eq!(listed(&mut same), [session.as_str()]);
    let mut any = Editor::start(user.home.path(), &["--url", &user.url]);
    any.initialize();
    assert_eq!(listed(&mut any), [session.as_str()], "without an agent, the bridge at the URL as it is");
    for editor in [first, other, same, any] {
        assert!(editor.close().success());
    }
    user.stop_all();
}

#[test]
fn a_program_that_is_no_bridge_does_not_keep_an_editor_from_its_agent() {
    let user = User::new();
    let taken = TcpListener::bind(user.url.strip_prefix("http://").expect("a URL")).expect("the port");
    let closer = std::thread::spawn(move || {
        while let Ok((socket, _)) = taken.accept() {
            drop(socket);
        }
    });
    let mut editor = user.editor("1", &[], &[]);
    let session = editor.new_session();
    assert_eq!(flavour(&mut editor, &session), "1");
    assert!(editor.close().success());
    user.stop_all();
    // Its thread ends with the test's process.
    drop(closer);
}
