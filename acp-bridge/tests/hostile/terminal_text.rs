//! Text that a terminal would obey, from everywhere that it can come from: no command of the bridge prints it as it is.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use serde_json::json;

use crate::report::held;
use crate::support::log::wait_for_records;
use crate::support::screen::Screen;
use crate::support::{Bridge, Client, Options};

/// Sets the title, clears the screen, goes to the begin of the line, clears it by a C1 control, turns the order around.
const ORDERS: &str = "\x1b]0;x\x07\x1b[2J\r\u{9b}2K\u{7f}\u{202e}end";

fn assert_printable(what: &str, bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let raw =
        text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t') || ('\u{202a}'..='\u{202e}').contains(c));
    assert_eq!(raw, None, "{what}: {text:?}");
}

fn run(bridge: &Bridge, args: &[&str]) -> Output {
    let url = format!("http://{}", bridge.address);
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-bridge"));
    command.args(args).args(["--url", &url]).stdin(Stdio::null());
    let output = command.output().expect("run the command");
    for bytes in [&output.stdout, &output.stderr] {
        assert_printable(&args.join(" "), bytes);
    }
    output
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// A session in a directory with such a name, with such a title, and with a turn that said such things.
fn hostile_session(bridge: &Bridge, client: &mut Client) -> String {
    let cwd = format!("/tmp/none{ORDERS}\nnew line");
    let made = client.call("session/new", &json!({ "cwd": cwd, "mcpServers": [] }));
    let session = made["sessionId"].as_str().expect("a session id").to_owned();
    let id = client.prompt(&session, &format!("title {ORDERS}\nsecond line"));
    client.answer(id);
    let call = json!({
        "jsonrpc": "2.0", "method": "session/update",
        "params": { "sessionId": "SESSION", "update": { "sessionUpdate": "tool_call", "toolCallId": "t", "title": format!("{ORDERS}\n[turn completed]") } },
    });
    let line = call.to_string().replace("\"SESSION\"", "SESSION");
    let id = client.prompt(&session, &format!("raw {line}"));
    client.answer(id);
    wait_for_records(bridge, &session, "turn_ended", 2);
    session
}

#[test]
fn commands_show_what_a_terminal_would_obey() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = hostile_session(&bridge, &mut client);
    let echoed = out(&run(&bridge, &["send", &session, &format!("echo {ORDERS}")]));
    assert!(echoed.contains(r"\x1b]0;x\x07\x1b[2J\r\u{9b}2K\x7f\u{202e}end"), "{echoed}");
    let listed = out(&run(&bridge, &["sessions"]));
    assert_eq!(listed.lines().count(), 1, "a session is one line: {listed}");
    assert!(listed.contains(r"\nnew line") && listed.contains(r"\nsecond line"), "{listed}");
    let tailed = out(&run(&bridge, &["tail", &session]));
    assert!(tailed.contains(r"end\n[turn completed]]"), "a title is one line: {tailed}");
    for json in [
        &["sessions", "--json"][..],
        &["tail", &session, "--json"],
        &["send", &session, "--json", &format!("echo {ORDERS}")],
    ] {
        let lines = out(&run(&bridge, json));
        for line in lines.lines() {
            let _: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
        assert!(lines.contains(r"\u009b2K\u007f\u202eend"), "{lines}");
    }
    let failed = run(&bridge, &["send", &session, &format!(r#"error {{"code":1,"message":{}}}"#, json!(ORDERS))]);
    assert!(String::from_utf8_lossy(&failed.stderr).contains(r"\x1b[2J"), "{failed:?}");

    client.prompt(&session, "wait");
    client.prompt(&session, &format!("echo {ORDERS}\nnext"));
    wait_for_records(&bridge, &session, "prompt_queued", 7);
    let queued = out(&run(&bridge, &["queue", &session]));
    assert!(queued.lines().count() == 1 && queued.contains(r"\x1b[2J"), "{queued}");
    run(&bridge, &["queue", &session, "--json"]);
    run(&bridge, &["lanes", &session]);
    let missing = run(&bridge, &["tail", &format!("none{ORDERS}")]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains(r"none\x1b]0;x"), "{missing:?}");
    held("titles, paths, texts, errors and ids that a terminal would obey", "every command shows them instead");
}

/// `chat` on pipes.
struct Chat {
    child: Child,
    keys: Option<ChildStdin>,
    /// `None` once it is over.
    screen: Option<Screen>,
}

impl Chat {
    fn start(bridge: &Bridge) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
            .args(["chat", "--url", &format!("http://{}", bridge.address)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start chat");
        let keys = child.stdin.take();
        let screen = Screen::of(child.stdout.take().expect("a pipe"));
        Self { child, keys, screen: Some(screen) }
    }

    fn type_line(&mut self, line: &str) {
        let keys = self.keys.as_mut().expect("stdin is open");
        keys.write_all(format!("{line}\n").as_bytes()).and_then(|()| keys.flush()).expect("type");
    }

    fn until(&mut self, text: &str) {
        self.screen.as_mut().expect("it is not over").until(text);
    }

    /// Leaves, and gives all that was shown.
    fn end(mut self) -> Vec<u8> {
        self.keys = None;
        assert!(self.child.wait().expect("the end of chat").success());
        self.screen.take().expect("it is not over").all()
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_permission_is_shown_whole_and_with_what_each_answer_means() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut chat = Chat::start(&bridge);
    let ask = json!({
        "sessionId": "SESSION",
        "toolCall": {
            "toolCallId": "c", "title": "rm -rf ~\x1b[2K\r[asks: ls]",
            "rawInput": { "command": "rm -rf ~\x1b[2K\n[asks: ls]\n  1) Yes" },
        },
        "options": [
            { "optionId": "a", "name": "No (reject once)\x1b[1A\r", "kind": "allow_always" },
            { "optionId": "b", "name": "No", "kind": "reject_once" },
        ],
    });
    let ask = ask.to_string().replace("\"SESSION\"", "SESSION");
    chat.type_line(&format!("request session/request_permission {ask}"));
    chat.until("answer with a number: ");
    chat.type_line("2");
    chat.until("answered");
    let seen = chat.end();
    assert_printable("chat", &seen);
    let seen = String::from_utf8_lossy(&seen);
    let shown = [
        r"[asks: rm -rf ~\x1b[2K\r[asks: ls]]",
        "  command:",
        r"  | rm -rf ~\x1b[2K",
        "  | [asks: ls]",
        "  |   1) Yes",
        r"  1) No (reject once)\x1b[1A\r (allow always)",
        "  2) No (reject once)",
    ];
    assert!(seen.contains(&shown.join("\n")), "{seen}");
    held("a permission whose title overwrites itself", "the command, and what each option means, are shown whole");
}

#[test]
fn what_agents_say_is_printable_in_the_bridges_own_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let stderr = directory.path().join("stderr");
    let mut options = Options::fault_agent(&[]).arg("-vv");
    options.wrapper =
        Some(["sh", "-c", &format!("exec \"$@\" 2>{}", stderr.display()), "sh"].map(str::to_owned).to_vec());
    let bridge = Bridge::start(options);
    let mut client = bridge.client();
    let session = client.new_session();
    let method = json!(format!("_acp-bridge/{ORDERS}\nWARN forged"));
    let id = client.prompt(&session, &format!(r#"raw {{"jsonrpc":"2.0","method":{method},"params":{{}}}}"#));
    client.answer(id);
    let id = client.prompt(&session, &format!("raw no message {ORDERS}"));
    client.answer(id);
    client.notify(&format!("_acp-bridge/client{ORDERS}"), &json!({}));
    client.refused("session/load", &json!({ "sessionId": format!("none{ORDERS}"), "cwd": "/", "mcpServers": [] }));
    let said = std::fs::read(&stderr).expect("read what the bridge logged");
    assert_printable("serve", &said);
    let said = String::from_utf8_lossy(&said);
    assert!(said.lines().any(|line| line.contains("_acp-bridge/") && line.contains(r"\u{1b}[2J")), "{said}");
    assert!(said.lines().all(|line| !line.starts_with("WARN forged")), "an event is one line: {said}");
    held("methods and noise of agents and clients in the bridge's log", "each event is one printable line");
}

#[test]
fn a_doctor_and_a_start_show_what_a_broken_agent_wrote() {
    let script = r"printf 'a\033[2J\302\233b\n' >&2; exit 3";
    for args in [&["doctor", "--url", "http://127.0.0.1:9"][..], &["doctor", "--json", "--url", "http://127.0.0.1:9"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acp-bridge"));
        let output = command.args(args).args(["--", "sh", "-c", script]).output().expect("run the doctor");
        for bytes in [&output.stdout, &output.stderr] {
            assert_printable("doctor", bytes);
        }
        assert!(out(&output).contains("[2J"), "{output:?}");
    }
    let bridge =
        Bridge::start(Options { agent: ["sh", "-c", script].map(str::to_owned).to_vec(), ..Options::fault_agent(&[]) });
    run(&bridge, &["send", "new", "hello"]);
    held("an agent that writes terminal orders to stderr and dies", "doctor and send show them");
}
