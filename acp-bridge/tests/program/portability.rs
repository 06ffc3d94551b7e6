//! `export`, `import` and `compact` as processes, beside a running bridge and on logs of every kind.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::bridge::secrets_beside;
use crate::support::client::text;
use crate::support::{Bridge, Client, Options};
use serde_json::{Value, json};

/// Runs the command line on a log.
fn run(log: &Path, args: &[&str]) -> Output {
    command(log, args).stdin(Stdio::null()).output().expect("run the command")
}

fn command(log: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-bridge"));
    command.env("ACP_BRIDGE_SECRETS", secrets_beside(log));
    command.args(args).args(["--log", &format!("sqlite:{}", log.display())]);
    command
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every update of a session from a cursor as it stands on the wire, up to `caught_up`.
fn updates(client: &mut Client, session: &str, after: u64) -> Vec<String> {
    let params =
        json!({ "sessionId": session, "cwd": "/", "mcpServers": [], "_meta": { "acp-bridge": { "after": after } } });
    client.request("session/resume", &params);
    let mut seen = Vec::new();
    loop {
        let message = client.next();
        match message["method"].as_str() {
            Some("session/update") => seen.push(client.wire.last_raw.clone()),
            Some("_acp-bridge/caught_up") => return seen,
            _ => assert!(message["error"].is_null(), "{message}"),
        }
    }
}

#[test]
fn a_session_exported_while_its_turn_runs_goes_on_elsewhere_with_the_turn_interrupted() {
    let here = Bridge::start(Options::fault_agent(&[]));
    let mut client = here.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "count 40 0");
    client.turn(turn);
    client.prompt(&session, "count 100000 1");
    let (first, _) = client.chunk();

    let exported = run(&here.log, &["export", &session]);
    let lines = stdout(&exported);
    let header: Value = serde_json::from_str(lines.lines().next().expect("a header")).expect("JSON");
    let head = header["head"].as_u64().expect("a head");
    assert_eq!((&header["acpBridgeExport"], &header["sessionId"]), (&json!(1), &json!(session)));
    assert!(head >= first);
    assert_eq!(lines.lines().count() as u64, head + 1, "every record up to one head");

    let elsewhere = tempfile::tempdir().expect("a directory");
    let log = elsewhere.path().join("log.db");
    let mut import = command(&log, &["import", "-", "--json"]);
    let mut import = import.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("import");
    import.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("write the export");
    let imported: Value = serde_json::from_str(&stdout(&import.wait_with_output().expect("reap"))).expect("JSON");
    assert_eq!((&imported["sessionId"], &imported["openTurns"]), (&json!(session), &json!(1)));

    let there = Bridge::on(&log, Options::fault_agent(&[]));
    let mut reader = there.client();
    let seen = updates(&mut reader, &session, 0);
    let original = updates(&mut here.client(), &session, 0);
    assert!(seen.len() > 40);
    assert_eq!(seen[..], original[..seen.len()], "byte for byte");

    let ended = rusqlite::Connection::open(&log)
        .and_then(|log| {
            log.query_row("select body from records where kind = 'turn_ended' order by seq desc limit 1", [], |row| {
                row.get::<_, String>(0)
            })
        })
        .expect("the end of the turn");
    assert!(ended.contains("interrupted"), "{ended}");
    let turn = reader.prompt(&session, "echo on we go");
    let (answer, said) = reader.turn(turn);
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(text(&said), "on we go");
}

/// How the session's agents came to serve it, oldest first.
fn starts(log: &Path) -> Vec<String> {
    let log = rusqlite::Connection::open(log).expect("the log");
    let mut bodies =
        log.prepare("select body from records where kind = 'agent_started' order by seq").expect("a query");
    let bodies = bodies.query_map([], |row| row.get::<_, String>(0)).expect("records");
    let start = |body: String| serde_json::from_str::<Value>(&body).expect("JSON")["start"].as_str().map(str::to_owned);
    bodies.map(|body| start(body.expect("a body")).expect("a start")).collect()
}

#[test]
fn the_agent_goes_back_to_a_session_exported_from_the_log_and_starts_anew_in_one_exported_from_a_bridge() {
    let here = Bridge::start(Options::fault_agent(&[]));
    let mut client = here.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "echo hello");
    client.turn(turn);
    let directory = tempfile::tempdir().expect("a directory");
    let import = |name: &str, text: &str| {
        let (file, log) = (directory.path().join(name), directory.path().join(format!("{name}.db")));
        std::fs::write(&file, text).expect("write");
        stdout(&run(&log, &["import", file.to_str().expect("UTF-8")]));
        log
    };
    let whole = stdout(&run(&here.log, &["export", &session]));
    let (shown, status) = here.cli(&["export", &session]);
    assert!(status.success() && whole.contains("agentSession") && !shown.contains("agentSession"), "{shown}");
    assert_eq!(whole.lines().count(), shown.lines().count());

    let log = import("whole", &whole);
    let there = Bridge::on(&log, Options::fault_agent(&[]));
    let mut client = there.client();
    client.resume(&session, None);
    let turn = client.prompt(&session, "echo back");
    assert_eq!(text(&client.turn(turn).1), "back");
    assert_eq!(starts(&log), ["new", "load"]);

    let log = import("shown", &shown);
    let there = Bridge::on(&log, Options::fault_agent(&[]));
    let mut client = there.client();
    client.resume(&session, None);
    let turn = client.prompt(&session, "echo back");
    let (answer, _) = client.turn(turn);
    assert!(answer["error"]["message"].as_str().is_some_and(|m| m.contains("acceptContextLoss")), "{answer}");
    assert_eq!(answer["error"]["data"]["acp-bridge"]["contextLost"], true, "{answer}");
    let accepted = client.request(
        "session/prompt",
        &json!({ "sessionId": session, "prompt": [{ "type": "text", "text": "echo anew" }],
                 "_meta": { "acp-bridge": { "acceptContextLoss": true } } }),
    );
    assert_eq!(text(&client.turn(accepted).1), "anew");
    assert_eq!(starts(&log), ["new", "context_lost"]);
}

#[test]
fn a_copy_under_a_new_id_says_the_same_beside_the_original() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    for prompt in ["count 30 0", "title Tidy up", "notify", "echo done"] {
        let turn = client.prompt(&session, prompt);
        client.turn(turn);
    }
    let original = updates(&mut bridge.client(), &session, 0);
    let file = bridge.log.with_file_name("session.jsonl");
    let said = stdout(&run(&bridge.log, &["export", &session, "-o", file.to_str().expect("UTF-8"), "--json"]));
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["bytes"], json!(std::fs::metadata(&file).expect("the export").len()));
    let file = file.to_str().expect("UTF-8").to_owned();
    // A bridge has the log.
    let refused = run(&bridge.log, &["import", &file, "--new-id"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains(&format!("process {}", bridge.pid())), "{}", stderr(&refused));
    assert!(bridge.terminate().success());
    let refused = run(&bridge.log, &["import", &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--new-id"), "{}", stderr(&refused));
    let imported = stdout(&run(&bridge.log, &["import", &file, "--new-id", "--json"]));
    let imported: Value = serde_json::from_str(&imported).expect("JSON");
    let copy = imported["sessionId"].as_str().expect("an id").to_owned();
    assert_ne!(copy, session);

    bridge.restart();
    let mut client = bridge.client();
    let expected: Vec<String> = original.iter().map(|update| update.replace(&session, &copy)).collect();
    assert_eq!(updates(&mut client, &copy, 0), expected);
    assert_eq!(updates(&mut bridge.client(), &session, 0), original);
    let listed = client.call("session/list", &json!({}));
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(2));
    let turn = client.prompt(&copy, "echo in the copy");
    assert_eq!(text(&client.turn(turn).1), "in the copy");
    assert_eq!(updates(&mut bridge.client(), &session, 0), original, "the original is a session of its own");
}

#[test]
fn an_export_that_is_damaged_is_refused_with_its_line_and_leaves_nothing() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "count 20 0");
    client.turn(turn);
    let text = stdout(&run(&bridge.log, &["export", &session]));
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: Vec<&str>| lines.join("\n");
    let directory = tempfile::tempdir().expect("a directory");
    let (log, file) = (directory.path().join("log.db"), directory.path().join("damaged.jsonl"));
    let cases = [
        (joined([&lines[..10], &lines[9..]].concat()), "line 11:"),
        (joined([&lines[..8], &lines[9..]].concat()), "line 9:"),
        (joined([&lines[..5], &[lines[6], lines[5]], &lines[7..]].concat()), "line 6:"),
        (joined([&lines[..6], &["{}"], &lines[7..]].concat()), "line 7:"),
        (joined(lines[..lines.len() - 1].to_vec()), &format!("line {}:", lines.len())),
    ];
    for (text, names) in cases {
        std::fs::write(&file, text).expect("write");
        let refused = run(&log, &["import", file.to_str().expect("UTF-8")]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains(names), "{names} {}", stderr(&refused));
        assert!(refused.stdout.is_empty());
        let left = rusqlite::Connection::open(&log).and_then(|log| {
            log.query_row("select (select count(*) from session) + (select count(*) from record)", [], |row| {
                row.get::<_, i64>(0)
            })
        });
        assert_eq!(left.expect("a log"), 0);
    }
}

#[test]
fn a_part_is_exported_from_a_cursor_and_a_failed_export_leaves_no_file() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "count 20 0");
    client.turn(turn);
    let part = stdout(&run(&bridge.log, &["export", &session, "--after", "10"]));
    let second: Value = serde_json::from_str(part.lines().nth(1).expect("a record")).expect("JSON");
    assert_eq!(second["seq"], 11);
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("out.jsonl");
    let failed = run(&bridge.log, &["export", "nonesuch", "-o", file.to_str().expect("UTF-8")]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(stderr(&failed).contains("no session nonesuch"), "{}", stderr(&failed));
    let beyond = run(&bridge.log, &["export", &session, "--after", "99999", "-o", file.to_str().expect("UTF-8")]);
    assert!(stderr(&beyond).contains("beyond the end"), "{}", stderr(&beyond));
    assert_eq!(std::fs::read_dir(directory.path()).expect("the directory").count(), 0);
    let log = directory.path().join("none.db");
    assert_eq!(run(&log, &["export", "s"]).status.code(), Some(1));
    assert!(!log.exists());
}

#[test]
fn a_log_of_a_newer_version_is_refused_by_every_command_and_left_as_it_is() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let session = bridge.client().new_session();
    let file = bridge.log.with_file_name("session.jsonl");
    let file = file.to_str().expect("UTF-8").to_owned();
    stdout(&run(&bridge.log, &["export", &session, "-o", &file]));
    assert!(bridge.terminate().success());
    let log = rusqlite::Connection::open(&bridge.log).expect("the log");
    log.pragma_update(None, "user_version", 4711).expect("another version");
    drop(log);
    let before = std::fs::read(&bridge.log).expect("the log");
    let agent = crate::support::example("fault_agent");
    let serve = format!("sqlite:{}", bridge.log.display());
    let serve = Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
        .args(["serve", "--listen", ":0", "--log", &serve, "--", &agent])
        .output()
        .expect("run the command");
    let others: [&[&str]; 4] =
        [&["export", &session], &["import", &file, "--new-id"], &["compact"], &["compact", "--keep-size", "1"]];
    for output in others.map(|args| run(&bridge.log, args)).into_iter().chain([serve]) {
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains("log version 4711") && said.contains("update it"), "{said}");
        assert_eq!(std::fs::read(&bridge.log).expect("the log"), before);
    }
}
