//! Files and commands that a bridge serves to its agent.

use std::path::{Path, PathBuf};

use crate::support::harness::{beside, eventually};
use crate::support::{Bridge, Client, Options, example};
use serde_json::{Value, json};

/// A bridge with an agent that asks for services, and a workspace.
struct Stage {
    bridge: Bridge,
    directory: tempfile::TempDir,
}

impl Stage {
    fn set(args: &[&str]) -> Self {
        Self::with(args, None)
    }

    fn with(args: &[&str], wrapper: Option<Vec<String>>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["work", "outside"] {
            std::fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        std::fs::write(directory.path().join("secret"), SECRET).expect("write the secret");
        std::fs::write(directory.path().join("outside/file"), "not yours").expect("write a file");
        let secret = directory.path().join("secret").display().to_string();
        let options = Options {
            agent: vec![example("service_agent"), "--secret".into(), secret],
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            wrapper,
            listen: None,
        };
        let bridge = Bridge::on(&directory.path().join("log.db"), options);
        Self { bridge, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("work").join(name)
    }

    fn new_session(&self, client: &mut Client) -> String {
        let made = client.call("session/new", &json!({ "cwd": self.path(""), "mcpServers": [] }));
        made["sessionId"].as_str().expect("a session id").to_owned()
    }

    /// A process id that a command has written down.
    fn pid_in(&self, name: &str) -> u32 {
        let path = self.path(name);
        eventually("a process id", || std::fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n')));
        std::fs::read_to_string(&path).expect("read it").trim().parse().expect("a process id")
    }
}

/// Not in any prompt: those are in the log, and are meant to be.
const SECRET: &str = "planted-4d1f8c";

fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

fn read(path: &Path) -> Value {
    json!({ "do": "fs/read_text_file", "with": { "path": path } })
}

fn write(path: &Path, text: &str) -> Value {
    json!({ "do": "fs/write_text_file", "with": { "path": path, "content": text } })
}

fn sh(script: &str) -> Value {
    json!({ "do": "terminal/create", "with": { "command": "sh", "args": ["-c", script] } })
}

fn terminal(what: &str) -> Value {
    json!({ "do": format!("terminal/{what}"), "with": {} })
}

/// A command that writes its process id down, and that of a child which leaves the process group, and goes on.
fn sleeper() -> Value {
    sh("setsid sh -c 'echo $$ > child; exec sleep 600' & echo $$ > parent; sleep 600")
}

/// Prompts with some steps, and gives what the agent was answered.
fn steps(client: &mut Client, session: &str, steps: &Value) -> Vec<Value> {
    let turn = client.prompt(session, &steps.to_string());
    let (answer, chunks) = client.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    chunks.iter().map(|(_, text)| serde_json::from_str(text).expect("JSON")).collect()
}

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap_or_else(|| panic!("no error: {error}"))
}

#[test]
fn an_agent_is_told_what_is_served_whatever_the_client_can() {
    let all = json!({ "fs": { "readTextFile": true, "writeTextFile": true }, "terminal": true });
    for (args, mut wanted) in [
        (&[][..], all),
        (&["--no-host-fs"], json!({ "terminal": true })),
        (&["--no-host-terminal"], json!({ "fs": { "readTextFile": true, "writeTextFile": true } })),
        (&["--client-fs"], json!({})),
    ] {
        wanted["_meta"] = json!({ "terminal_output": true });
        let stage = Stage::set(args);
        let mut client = stage.bridge.client();
        let session = stage.new_session(&mut client);
        assert_eq!(steps(&mut client, &session, &json!([{ "told": 1 }])), [wanted], "{args:?}");
    }
}

#[test]
fn what_is_switched_off_is_refused() {
    let stage = Stage::set(&["--no-host-fs", "--no-host-terminal"]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let said = steps(&mut client, &session, &json!([read(&stage.path("x")), sh("true")]));
    assert!(said.iter().all(|error| error["code"] == -32601), "{said:?}");
}

#[test]
fn files_are_written_and_read_and_what_cannot_be_is_said() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let path = stage.path("new/file");
    let lines = json!({ "do": "fs/read_text_file", "with": { "path": path, "line": 2, "limit": 1 } });
    let said = steps(
        &mut client,
        &session,
        &json!([
            write(&path, "1\nzwei €\n3"),
            read(&path),
            lines,
            read(&stage.path("missing")),
            read(Path::new("new/file"))
        ]),
    );
    assert_eq!(said[0], json!({}));
    assert_eq!(said[1], json!({ "content": "1\nzwei €\n3" }));
    assert_eq!(said[2], json!({ "content": "zwei €\n" }));
    assert_eq!(said[3]["code"], -32002, "{}", said[3]);
    assert_eq!(said[4]["code"], -32602, "{}", said[4]);
}

#[test]
fn nothing_outside_of_the_session_is_touched() {
    let stage = Stage::set(&[]);
    let outside = stage.directory.path().join("outside");
    std::os::unix::fs::symlink(&outside, stage.path("link")).expect("a link");
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let started_outside = json!({ "do": "terminal/create", "with": { "command": "pwd", "cwd": outside } });
    let said = steps(
        &mut client,
        &session,
        &json!([
            read(&stage.path("../outside/file")),
            read(&stage.path("link/file")),
            write(&stage.path("link/new"), "x"),
            write(&outside.join("file"), "x"),
            started_outside,
        ]),
    );
    for error in &said {
        assert!(message(error).contains("leads outside of the session's directories"), "{error}");
        assert!(message(error).contains(&stage.path("").display().to_string()), "{error}");
    }
    assert_eq!(std::fs::read_to_string(outside.join("file")).expect("read"), "not yours");
    assert_eq!(std::fs::read_dir(outside).expect("a directory").count(), 1);
}

#[test]
fn additional_directories_count_too() {
    let stage = Stage::set(&[]);
    let outside = stage.directory.path().join("outside");
    let mut client = stage.bridge.client();
    let params = json!({ "cwd": stage.path(""), "mcpServers": [], "additionalDirectories": [outside] });
    let made = client.call("session/new", &params);
    let session = made["sessionId"].as_str().expect("a session id");
    let said = steps(&mut client, session, &json!([read(&outside.join("file"))]));
    assert_eq!(said, [json!({ "content": "not yours" })]);
}

#[test]
fn everything_works_with_no_client_attached() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let done = stage.path("done");
    client.prompt(
        &session,
        &json!([
            sh("echo > waits; until [ -e go ]; do sleep 0.01; done; echo gone on"),
            terminal("wait_for_exit"),
            terminal("output"),
            write(&done, "done"),
            read(&done)
        ])
        .to_string(),
    );
    eventually("a command", || stage.path("waits").exists());
    drop(client);
    std::fs::write(stage.path("go"), "").expect("write");
    eventually("the file", || done.exists());
    let mut client = stage.bridge.client();
    client.resume(&session, Some(0));
    let chunks = std::iter::from_fn(|| Some(client.chunk().1));
    let last = chunks.into_iter().find(|text| text.contains("content")).expect("the last answer");
    assert_eq!(last, r#"{"content":"done"}"#);
}

#[test]
fn a_command_gets_its_arguments_environment_and_directory_and_gives_its_output_and_exit() {
    let stage = Stage::set(&["--cancel-grace", "10s"]);
    std::fs::create_dir(stage.path("sub")).expect("a directory");
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let script = "pwd; echo \"$1 $VALUE $ACP_BRIDGE_CANCEL_GRACE.\"; echo err >&2; echo out; exit 3";
    let create = json!({ "do": "terminal/create", "with": {
        "command": "sh", "args": ["-c", script, "sh", "one argument"], "cwd": stage.path("sub"),
        "env": [{ "name": "VALUE", "value": "two" }] } });
    let said = steps(&mut client, &session, &json!([create, terminal("wait_for_exit"), terminal("output")]));
    let sub = stage.path("sub").canonicalize().expect("a path");
    assert_eq!(said[1], json!({ "exitCode": 3 }));
    assert_eq!(said[2]["output"], json!(format!("{}\none argument two .\nerr\nout\n", sub.display())));
    assert_eq!(said[2]["truncated"], false);
    assert_eq!(said[2]["exitStatus"], json!({ "exitCode": 3 }));
}

#[test]
fn output_is_cut_at_the_beginning_and_between_characters() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let create = json!({ "do": "terminal/create", "with": {
        "command": "sh", "args": ["-c", "for i in 1 2 3 4 5 6 7 8 9; do printf '€%s' $i; done"], "outputByteLimit": 10 } });
    let said = steps(&mut client, &session, &json!([create, terminal("wait_for_exit"), terminal("output")]));
    assert_eq!(said[2]["output"], "7€8€9");
    assert_eq!(said[2]["truncated"], true);
}

#[test]
fn a_killed_command_can_still_be_asked_and_a_released_one_cannot() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let said = steps(
        &mut client,
        &session,
        &json!([sh("echo begun; echo > begun; sleep 600"), terminal("output"), sh("until [ -e begun ]; do sleep 0.01; done"),
            terminal("wait_for_exit"), { "do": "terminal/kill", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/wait_for_exit", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/output", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/release", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/output", "with": { "terminalId": "acp-bridge-terminal-1" } },
            { "do": "terminal/create", "with": { "command": "no-such-program-anywhere" } }]),
    );
    assert_eq!(said[1]["exitStatus"], json!(null), "it does not wait");
    assert_eq!(said[4], json!({}));
    assert_eq!(said[5], json!({ "signal": "SIGKILL" }));
    assert_eq!(said[6]["output"], "begun\n");
    assert_eq!(said[7], json!({}));
    assert_eq!(said[8]["code"], -32002, "{}", said[8]);
    assert_eq!(said[9]["code"], -32002, "{}", said[9]);
    assert!(message(&said[9]).contains("no-such-program-anywhere"));
}

/// The text that a client has of a tool call in the end.
fn text_of_call(client: &mut Client) -> String {
    let told = client.kept().filter_map(|m| m["params"]["update"]["content"].as_array());
    let last = told.last().expect("content").clone();
    last.iter().map(|item| item["content"]["text"].as_str().unwrap_or_else(|| panic!("{item}"))).collect()
}

#[test]
fn what_a_terminal_prints_that_a_tool_call_shows_is_told_to_every_client_and_nothing_else_is() {
    for args in [&[][..], &["--keep-agents", "1m"]] {
        let stage = Stage::set(args);
        let mut client = stage.bridge.client();
        let session = stage.new_session(&mut client);
        let shown = json!([{ "type": "terminal", "terminalId": "acp-bridge-terminal-2" }]);
        let prompt = json!([
            sh("echo not shown"),
            terminal("wait_for_exit"),
            sh("echo one; until [ -e go ]; do sleep 0.01; done; echo two"),
            { "say": { "sessionUpdate": "tool_call", "toolCallId": "c", "title": "Run it", "content": shown } },
            terminal("wait_for_exit"),
            terminal("release"),
            { "say": { "sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed" } },
        ]);
        let turn = client.prompt(&session, &prompt.to_string());
        client.wait_for("the first line", |m| m["params"]["update"]["content"][0]["content"]["text"] == "one\n");
        std::fs::write(stage.path("go"), "").expect("write");
        client.turn(turn);
        let mut later = stage.bridge.client();
        later.load(&session);
        for client in [&mut client, &mut later] {
            assert_eq!(text_of_call(client), "one\ntwo\n", "{args:?}");
            assert!(client.kept().all(|m| !m["params"].to_string().contains("\"terminal\"")));
        }
        let log = std::fs::read(&stage.bridge.log).expect("the log");
        let wal = std::fs::read(format!("{}-wal", stage.bridge.log.display())).unwrap_or_default();
        let has = |text: &str| [&log, &wal].iter().any(|bytes| memchr::memmem::find(bytes, text.as_bytes()).is_some());
        assert!(has("one\\n") && !has("not shown\\n"), "{args:?}");
    }
}

#[test]
fn nothing_of_a_released_command_is_left_when_the_agent_hears_of_it() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let both = sh("until [ -s parent ] && [ -s child ]; do sleep 0.01; done");
    let release = json!({ "do": "terminal/release", "with": { "terminalId": "acp-bridge-terminal-1" } });
    steps(&mut client, &session, &json!([sleeper(), both, terminal("wait_for_exit"), release]));
    for name in ["parent", "child"] {
        assert!(!lives(stage.pid_in(name)), "{name} lives on");
    }
}

#[test]
fn an_agent_has_so_many_terminals_and_no_more() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let mut all = vec![json!({ "do": "terminal/create", "with": { "command": "true" } }); 33];
    all.push(terminal("release"));
    all.push(sh("true"));
    let said = steps(&mut client, &session, &json!(all));
    assert!(said[..32].iter().all(|answer| answer["terminalId"].is_string()), "{said:?}");
    assert!(message(&said[32]).contains("32 terminals are open already; release one"), "{said:?}");
    assert!(said[34]["terminalId"].is_string(), "{said:?}");
}

#[test]
fn a_wait_that_is_withdrawn_is_answered_and_the_command_goes_on() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let begin = json!({ "begin": "terminal/wait_for_exit", "with": {} });
    let said = steps(
        &mut client,
        &session,
        &json!([sh("sleep 600"), begin, { "withdraw": 1 }, { "end": 1 }, terminal("output")]),
    );
    assert_eq!(said[1]["code"], -32800, "{said:?}");
    assert_eq!(said[2]["exitStatus"], json!(null));
}

#[test]
fn a_cancelled_turn_leaves_the_commands_to_the_session_and_closing_it_ends_them() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let turn = client.prompt(&session, &json!([sleeper(), { "rest": 1 }]).to_string());
    let (parent, child) = (stage.pid_in("parent"), stage.pid_in("child"));
    client.cancel(&session);
    assert_eq!(client.turn(turn).0["result"]["stopReason"], "cancelled");
    let said = steps(&mut client, &session, &json!([terminal("output")]));
    assert_eq!(said[0]["exitStatus"], json!(null), "{said:?}");
    assert!(lives(parent) && lives(child));
    client.call("session/close", &json!({ "sessionId": session }));
    eventually("the end of the commands", || !lives(parent) && !lives(child));
}

#[test]
fn no_command_outlives_its_agent() {
    let stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    let both = sh("until [ -s parent ] && [ -s child ]; do sleep 0.01; done");
    let turn = client.prompt(&session, &json!([sleeper(), both, terminal("wait_for_exit"), { "exit": 3 }]).to_string());
    client.turn(turn);
    let (parent, child) = (stage.pid_in("parent"), stage.pid_in("child"));
    eventually("the end of the commands", || !lives(parent) && !lives(child));
    let said = steps(
        &mut client,
        &session,
        &json!([{ "do": "terminal/output", "with": { "terminalId": "acp-bridge-terminal-1" } }]),
    );
    assert_eq!(said[0]["code"], -32002, "the next agent has terminals of its own: {said:?}");
}

#[test]
fn no_command_outlives_the_bridge_however_it_ends() {
    for gently in [false, true] {
        let mut stage = Stage::set(&[]);
        let mut client = stage.bridge.client();
        let session = stage.new_session(&mut client);
        client.prompt(&session, &json!([sleeper(), { "rest": 1 }]).to_string());
        let (parent, child) = (stage.pid_in("parent"), stage.pid_in("child"));
        assert!(lives(parent) && lives(child));
        if gently {
            stage.bridge.terminate();
            assert!(!lives(parent) && !lives(child), "it does not wait for them");
        } else {
            stage.bridge.kill();
        }
        eventually("the end of the commands", || !lives(parent) && !lives(child));
    }
}

#[test]
fn secrets_do_not_reach_the_log() {
    let mut stage = Stage::set(&[]);
    let mut client = stage.bridge.client();
    client.call("authenticate", &json!({ "methodId": "key", "_meta": { "token": SECRET } }));
    let servers = json!([
        { "name": "a", "command": "a", "args": [], "env": [{ "name": "KEY", "value": SECRET }] },
        { "type": "http", "name": "b", "url": "http://127.0.0.1:1", "headers": [{ "name": "KEY", "value": SECRET }] },
    ]);
    let made = client.call("session/new", &json!({ "cwd": stage.path(""), "mcpServers": servers }));
    let session = made["sessionId"].as_str().expect("a session id").to_owned();
    let create = json!({ "do": "terminal/create", "with": {
        "command": "sh", "args": ["-c", "printf %s \"$KEY\" > from-env"], "env": [{ "name": "KEY", "value": "$SECRET" }] } });
    let begin = json!({ "begin": "fs/read_text_file", "with": { "path": stage.path("from-env") } });
    let all = json!([create, terminal("wait_for_exit"), write(&stage.path("written"), "$SECRET"), begin]);
    steps(&mut client, &session, &all);
    client.call("session/load", &json!({ "sessionId": session, "cwd": stage.path(""), "mcpServers": servers }));
    for name in ["from-env", "written"] {
        assert_eq!(std::fs::read_to_string(stage.path(name)).expect("read"), SECRET, "the test proves nothing");
    }
    let raw = |name: &str| std::fs::read(stage.directory.path().join(name)).unwrap_or_default();
    let clean = |bytes: &[u8]| !bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    assert!(clean(&raw("log.db")) && clean(&raw("log.db-wal")), "while it runs");
    stage.bridge.terminate();
    let all = raw("log.db");
    assert!(all.windows(8).any(|window| window == b"from-env"), "the test looks at the wrong file");
    assert!(clean(&all) && clean(&raw("log.db-wal")), "afterwards");
}

/// A client with files and terminals of its own.
fn editor(bridge: &Bridge) -> Client {
    let mut client = Client::connect(&bridge.address);
    let can = json!({ "fs": { "readTextFile": true }, "terminal": true });
    client.call("initialize", &json!({ "protocolVersion": 1, "clientCapabilities": can }));
    client
}

#[test]
fn with_client_fs_a_request_waits_for_a_client_that_can() {
    let stage = Stage::set(&["--client-fs"]);
    let mut first = editor(&stage.bridge);
    let session = stage.new_session(&mut first);
    first.prompt(&session, &json!([{ "told": 1 }, read(&stage.path("unsaved"))]).to_string());
    let told = first.chunk().1;
    assert_eq!(told, r#"{"fs":{"readTextFile":true},"terminal":true,"_meta":{"terminal_output":true}}"#);
    first.wait_for("a read", |m| m["method"] == "fs/read_text_file");
    drop(first);

    let mut viewer = stage.bridge.client();
    viewer.resume(&session, Some(0));
    viewer.caught_up();
    let mut second = editor(&stage.bridge);
    second.resume(&session, None);
    let asked = second.wait_for("a read", |m| m["method"] == "fs/read_text_file");
    assert_eq!(asked["params"]["path"], json!(stage.path("unsaved")));
    assert_eq!(asked["params"]["sessionId"], json!(session));
    second.respond(&asked["id"], &json!({ "content": "from the editor" }));
    let wanted = r#"{"content":"from the editor"}"#;
    assert_eq!(second.chunk().1, wanted);
    let seen = viewer.wait_for("the answer", |m| {
        assert!(m["method"] != "fs/read_text_file", "a client without files was asked");
        m["params"]["update"]["content"]["text"] == wanted
    });
    assert!(seen.is_object());
}

#[test]
fn with_client_fs_a_terminal_is_with_the_client_that_made_it() {
    let stage = Stage::set(&["--client-fs"]);
    let (mut first, mut second) = (editor(&stage.bridge), editor(&stage.bridge));
    let session = stage.new_session(&mut first);
    second.resume(&session, None);
    let create = json!({ "do": "terminal/create", "with": { "command": "x" } });
    first.prompt(&session, &json!([create, terminal("output"), terminal("wait_for_exit")]).to_string());
    first.wait_for("a terminal", |m| m["method"] == "terminal/create");
    let asked = second.wait_for("a terminal", |m| m["method"] == "terminal/create");
    second.respond(&asked["id"], &json!({ "terminalId": "of the second" }));
    let asked = second.wait_for("its output", |m| m["method"] == "terminal/output");
    assert_eq!(asked["params"]["terminalId"], "of the second");
    second.respond(&asked["id"], &json!({ "output": "seen", "truncated": false }));
    second.wait_for("its end", |m| m["method"] == "terminal/wait_for_exit");
    drop(second);
    // Nobody has it any more: whoever is there may say so.
    let asked = first.wait_for("its end", |m| {
        assert!(m["method"] != "terminal/output", "the first has no such terminal");
        m["method"] == "terminal/wait_for_exit"
    });
    first.respond(&asked["id"], &json!({ "exitCode": 1 }));
    assert_eq!(
        [first.chunk().1, first.chunk().1, first.chunk().1].map(|text| text.contains("seen")),
        [false, true, false]
    );
}

#[test]
fn the_agent_of_a_lane_that_joined_is_served_as_well() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("profiles.toml");
    let profile = format!("[[profile]]\nname = \"helper\"\nprogram = {:?}\n", example("service_agent"));
    std::fs::write(&file, profile).expect("write the profiles");
    beside("acp-harness", "cargo build -p harness-adapters --bins");
    let wrapper = Some(vec!["env".into(), format!("ACP_HARNESS_PROFILES={}", file.display())]);
    let stage = Stage::with(&[], wrapper);
    let mut client = stage.bridge.client();
    let session = stage.new_session(&mut client);
    client.call("_acp-bridge/lane_add", &json!({ "sessionId": session, "lane": "b", "agent": "helper" }));
    let work = json!([
        write(&stage.path("of-b"), "from b"),
        read(&stage.path("of-b")),
        sh("cat of-b; echo; echo $$ > parent; exec sleep 600"),
        { "rest": 1 },
    ]);
    let meta = json!({ "acp-bridge": { "lane": "b" } });
    let prompt = json!([{ "type": "text", "text": work.to_string() }]);
    let turn = client.request("session/prompt", &json!({ "sessionId": session, "prompt": prompt, "_meta": meta }));
    let pid = stage.pid_in("parent");
    assert_eq!(std::fs::read_to_string(stage.path("of-b")).expect("b has written it"), "from b");
    // The other agent goes on when this one leaves, and this one's commands end with it.
    client.call("_acp-bridge/lane_remove", &json!({ "sessionId": session, "lane": "b" }));
    assert_eq!(client.answer(turn)["result"]["stopReason"], "cancelled");
    eventually("the end of its command", || !lives(pid));
    let said = steps(&mut client, &session, &json!([read(&stage.path("of-b"))]));
    assert_eq!(said.last().expect("an answer")["content"], "from b");
}

#[test]
fn with_client_fs_what_the_client_does_not_offer_is_refused_and_so_is_an_environment() {
    let stage = Stage::set(&["--client-fs"]);
    let mut client = editor(&stage.bridge);
    let session = stage.new_session(&mut client);
    let create =
        json!({ "do": "terminal/create", "with": { "command": "x", "env": [{ "name": "KEY", "value": "$SECRET" }] } });
    let said = steps(&mut client, &session, &json!([write(&stage.path("x"), "x"), create]));
    assert_eq!(said[0]["code"], -32601, "{said:?}");
    assert_eq!(said[1]["code"], -32602, "{said:?}");
    assert!(message(&said[1]).contains("--client-fs"));
}
