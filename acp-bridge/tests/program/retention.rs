//! Retention, deletion and compaction on a running bridge, over the wire.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::client::text;
use crate::support::process::wait_until_gone;
use crate::support::{Bridge, DEADLINE, Options};
use serde_json::{Value, json};

fn run(log: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_acp-bridge"))
        .args(args)
        .args(["--log", &format!("sqlite:{}", log.display())])
        .output()
        .expect("run the command")
}

fn ask(log: &Path, sql: &str) -> i64 {
    let log = rusqlite::Connection::open(log).expect("the log");
    log.query_row(sql, [], |row| row.get(0)).expect("an answer")
}

/// Waits until the log says so.
fn until(log: &Path, what: &str, sql: &str) {
    let deadline = Instant::now() + DEADLINE;
    while ask(log, sql) == 0 {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn params(session: &str, after: u64) -> Value {
    json!({ "sessionId": session, "cwd": "/", "mcpServers": [], "_meta": { "acp-bridge": { "after": after } } })
}

#[test]
fn a_session_stays_below_its_size_live_clients_miss_nothing_and_load_shows_what_is_kept() {
    let options = Options::fault_agent(&[]).arg("--retain-size").arg("64KiB").arg("--retain-every").arg("100ms");
    let bridge = Bridge::start(options);
    let mut one = bridge.client();
    let session = one.new_session();
    let mut live = bridge.client();
    live.resume(&session, Some(0));
    live.caught_up();
    for round in 1..=3 {
        let turn = one.prompt(&session, "count 500 0");
        let (answer, said) = one.turn(turn);
        assert_eq!(answer["result"]["stopReason"], "end_turn");
        live.turn_ended();
        assert_eq!(live.chunks(), said, "round {round}");
        until(&bridge.log, "the trim", "select bytes <= 65536 and oldest > 0 from session");
    }

    let oldest = u64::try_from(ask(&bridge.log, "select oldest from session")).expect("a seq");
    let mut late = bridge.client();
    let error = late.refused("session/resume", &params(&session, oldest - 1));
    assert_eq!((&error["code"], &error["data"]["oldest"]), (&json!(-32602), &json!(oldest)), "{error}");
    late.resume(&session, Some(oldest));
    late.caught_up();
    let kept = late.chunks();
    assert!(kept.iter().all(|(seq, _)| *seq > oldest));
    let mut loader = bridge.client();
    assert!(loader.load(&session)["modes"].is_object());
    let shown = text(&loader.chunks());
    assert_eq!(shown, text(&kept));
    assert!(shown.ends_with("499 500 ") && !shown.contains("1 2 3 "), "{shown}");
    let turn = loader.prompt(&session, "echo and on");
    assert_eq!(text(&loader.turn(turn).1), "and on");
}

#[test]
fn sessions_that_nobody_has_used_for_long_are_deleted_and_others_stay() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let (fresh, old) = (client.new_session(), client.new_session());
    let waits = client.new_session();
    client.prompt(&waits, "wait");
    client.chunk();
    // Their agents ran: to open a session again is to record that they do no more.
    bridge.kill();
    let log = rusqlite::Connection::open(&bridge.log).expect("the log");
    let two_days = "update session set updated_at = updated_at - 172800000000 where id in (?, ?)";
    assert_eq!(log.execute(two_days, [&old, &waits]).expect("an update"), 2);
    drop(log);
    let options = Options::fault_agent(&[]).arg("--delete-idle").arg("1d").arg("--retain-every").arg("50ms");
    let bridge = Bridge::on(&bridge.log, options);
    until(&bridge.log, "the deletion", &format!("select count(*) = 0 from session where id = '{old}'"));
    let listed = bridge.client().call("session/list", &json!({}));
    let left: Vec<_> = listed["sessions"].as_array().expect("a list").iter().map(|s| s["sessionId"].clone()).collect();
    assert_eq!(left, [json!(waits), json!(fresh)], "one has a turn that was open, the other is not old");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_stays_while_a_client_is_there_or_looks_on_however_old_it_is() {
    use acp_types::api::{self, Follow, SessionApiClient};
    let options = Options::fault_agent(&[]).arg("--delete-idle").arg("1s").arg("--retain-every").arg("50ms");
    let bridge = Bridge::start(options);
    let mut client = bridge.client();
    let attached = client.new_session();
    let api = std::sync::Arc::new(api::connect(&format!("http://{}", bridge.address)).await.expect("a bridge"));
    let seen = api.session_create("/".into(), None, None, None, None).await.expect("a session").session;
    let mut follow = Follow::new(std::sync::Arc::clone(&api), seen.clone(), 0);
    follow.next().await.expect("records");
    // Younger than both, and yet the first to go.
    let left = api.session_create("/".into(), None, None, None, None).await.expect("a session").session;
    until(&bridge.log, "the deletion", &format!("select count(*) = 0 from session where id = '{left}'"));
    assert_eq!(ask(&bridge.log, "select count(*) from session"), 2);
    drop(client);
    until(&bridge.log, "the deletion", &format!("select count(*) = 0 from session where id = '{attached}'"));
    assert_eq!(ask(&bridge.log, "select count(*) from session"), 1);
    drop((follow, api));
    until(&bridge.log, "the deletion", &format!("select count(*) = 0 from session where id = '{seen}'"));
}

#[test]
fn the_records_of_a_running_turn_stay_whatever_their_age() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let witness = client.new_session();
    let session = client.new_session();
    let turn = client.prompt(&session, "count 50 0");
    let (_, old) = client.turn(turn);
    assert!(bridge.terminate().success());

    let options = Options::fault_agent(&[]).arg("--retain-age").arg("0s").arg("--retain-every").arg("100ms");
    let bridge = Bridge::on(&bridge.log, options);
    let mut client = bridge.client();
    let last = old.last().expect("a chunk").0;
    // The first pass is at the start.
    until(&bridge.log, "the trim", &format!("select oldest >= {last} from session where id = '{session}'"));
    client.resume(&session, None);
    let waiting = client.prompt(&session, "wait");
    let (seq, _) = client.chunk();
    // A pass goes from the newest session to the oldest: once it has been at this one, it has been at the other.
    client.resume(&witness, None);
    let turn = client.prompt(&witness, "echo x");
    let said = client.turn(turn).1.last().expect("a chunk").0;
    until(&bridge.log, "another pass", &format!("select oldest >= {said} from session where id = '{witness}'"));
    let mut other = bridge.client();
    other.load(&session);
    assert_eq!(other.chunks().first().map(|chunk| chunk.0), Some(seq), "the running turn is there from its beginning");
    client.cancel(&session);
    client.answer(waiting);
    until(
        &bridge.log,
        "the trim of the turn that ended",
        &format!("select oldest >= {seq} from session where id = '{session}'"),
    );
}

#[test]
fn compact_trims_and_gives_space_back_and_a_bridge_that_has_the_log_is_named() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "flood 20000");
    let (_, said) = client.turn(turn);
    let refused = run(&bridge.log, &["compact"]);
    assert_eq!(refused.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(reason.contains(&format!("process {}", bridge.pid())) && reason.contains("stop it"), "{reason}");
    assert!(bridge.terminate().success());

    let compacted = run(&bridge.log, &["compact", "--keep-size", "100KiB", "--json"]);
    assert!(compacted.status.success(), "{}", String::from_utf8_lossy(&compacted.stderr));
    let compacted: Value = serde_json::from_slice(&compacted.stdout).expect("JSON");
    assert_eq!(compacted["trimmedSessions"], 1);
    let size = std::fs::metadata(&bridge.log).expect("the log").len();
    assert_eq!(compacted["after"], json!(size));
    assert!(compacted["before"].as_u64() > Some(10 * size), "{compacted}");
    let again = run(&bridge.log, &["compact"]);
    assert!(String::from_utf8_lossy(&again.stdout).contains(" had "), "{again:?}");

    bridge.restart();
    let mut client = bridge.client();
    client.load(&session);
    let kept = client.chunks();
    assert_eq!(kept.last().map(|chunk| chunk.0), said.last().map(|chunk| chunk.0));
    let turn = client.prompt(&session, "echo on");
    assert_eq!(text(&client.turn(turn).1), "on");
}

#[test]
fn a_deleted_session_is_gone_for_everybody_with_its_agent_and_its_records() {
    let mut bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    let turn = client.prompt(&session, "pid");
    let pid = text(&client.turn(turn).1);
    let running = client.prompt(&session, "wait");
    client.chunk();
    let mut other = bridge.client();
    other.call("session/delete", &json!({ "sessionId": session }));
    // Whoever waited is told.
    assert!(client.answer(running)["id"].is_number());
    let error = other.refused("session/load", &json!({ "sessionId": session, "cwd": "/", "mcpServers": [] }));
    assert_eq!(error["code"], -32002);
    let error = client.refused("session/prompt", &json!({ "sessionId": session, "prompt": [] }));
    assert_eq!(error["code"], -32002);
    until(&bridge.log, "the removal of the records", "select count(*) = 0 from record");
    assert_eq!(ask(&bridge.log, "select count(*) from session"), 0);
    let exported = run(&bridge.log, &["export", &session]);
    assert_eq!(exported.status.code(), Some(1));
    wait_until_gone(&pid);
    bridge.kill();
    bridge.restart();
    assert_eq!(bridge.client().call("session/list", &json!({}))["sessions"], json!([]));
}
