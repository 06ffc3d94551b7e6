//! Sub-agents of the real Codex and the real Claude Code behind the bridge, for a client that takes child sessions and for
//! one that does not.

use crate::support::family::Family;
use crate::support::harness::{Stage, eventually};
use crate::support::log::{records, rows, wait_for_records};

/// Two sub-agents at once. One asks for permission; each waits at a gate of its own.
const SCRIPT: &str = r#"
[[prompt]]
match = "delegate"
replies = [
  [{ agent = "count the files" }, { agent = "count the lines" }],
  [{ wait = "parent" }, { say = "They have reported." }],
]
[[prompt]]
match = "count the files"
replies = [
  [{ say = "I count." }, { shell = "touch a1", ask = true }],
  [{ wait = "files" }, { say = "There are three." }],
]
[[prompt]]
match = "count the lines"
replies = [[{ say = "I read." }, { shell = "echo lines" }], [{ wait = "lines" }, { say = "There are nine." }]]
[[prompt]]
match = "go on"
replies = [[{ say = "here" }]]
[[prompt]]
match = "task-notification"
replies = [[{ say = "I see." }]]
repeat = true
"#;

const FILES: &str = "count the files";
const LINES: &str = "count the lines";

/// The two clients: one that takes child sessions and has made the session, and one that does not.
fn clients(stage: &Stage) -> (Family, Family) {
    let with = Family::making(|client| stage.new_session(client), &stage.bridge, true);
    let without = Family::joining(&stage.bridge, with.session(), false);
    (with, without)
}

/// Both children are known by the seq of the record that announced them.
fn assert_ids(stage: &Stage, with: &Family) {
    let rows = rows(&stage.bridge, with.session());
    let updated = rows.iter().filter(|row| row.kind == "child_updated");
    let announced = updated.filter(|row| row.body.contains("\"agentSession\""));
    let ids: Vec<_> = announced.map(|row| format!("{}~{}", with.session(), row.seq)).collect();
    assert_eq!((with.children(), ids.len()), (ids.iter().map(String::as_str).collect(), 2));
}

/// What a client that loads the session is shown.
fn assert_loads(stage: &Stage, with: &Family) {
    let loaded = Family::loading(&stage.bridge, with.session());
    assert_eq!(loaded.children(), with.children());
    for id in with.children().into_iter().chain([with.session()]) {
        assert_eq!((loaded.said(id), loaded.states(id)), (with.said(id), with.states(id)));
    }
}

fn two_at_once(name: &str) {
    let stage = Stage::with_children(name, SCRIPT, &[]);
    let (mut with, mut without) = clients(&stage);
    let session = with.session().to_owned();
    with.client().prompt(&session, "delegate");
    let asker = with.asker();
    with.until("a child with a task", |family| family.find(FILES).is_some());
    assert_eq!(asker, with.child(FILES));
    with.until("a child that waits", |family| family.is(FILES, "requires_action"));
    with.allow();
    stage.model.release("lines");
    with.until("the end of one", |family| family.is(LINES, "end_turn"));
    assert!(with.is(FILES, "running"), "{:?}", with.states(&asker));
    stage.model.release("files");
    with.until("the end of the other", |family| family.is(FILES, "end_turn"));
    stage.model.release("parent");
    assert_eq!((with.turn_ended(), without.turn_ended()), ("completed".into(), "completed".into()));

    let lines = with.child(LINES);
    assert_eq!(with.states(&asker), ["running", "requires_action", "running", "end_turn"]);
    assert_eq!(with.states(&lines), ["running", "end_turn"]);
    assert_eq!(with.said(&asker), "I count.There are three.");
    assert_eq!(with.said(&lines), "I read.There are nine.");
    for client in [&with, &without] {
        assert!(client.said(&session).starts_with("They have reported."), "{}", client.said(&session));
        assert!(client.has_done(&session), "the calls that began them");
        client.assert_as_in_log(&stage.bridge);
    }
    assert_eq!(without.children(), [""; 0]);
    assert_ids(&stage, &with);
    assert_loads(&stage, &with);
}

fn cancelled_cut_and_killed(name: &str) {
    let args = ["--keep-agents", "120s", "--cancel-grace", "60s"];
    let mut stage = Stage::with_children(name, SCRIPT, &args);
    let (mut with, mut without) = clients(&stage);
    let session = with.session().to_owned();
    with.client().prompt(&session, "delegate");
    with.until("two children", |family| family.find(FILES).is_some() && family.find(LINES).is_some());

    // Cut before it is asked, or just after.
    with.cut();
    wait_for_records(&stage.bridge, &session, "permission_requested", 1);
    with.reconnect(&stage.bridge);
    let (files, lines) = (with.child(FILES), with.child(LINES));
    assert_eq!(with.asker(), files);

    // Killed while it asks: the question waits for the next bridge.
    stage.bridge.kill();
    stage.bridge.restart();
    with.reconnect(&stage.bridge);
    without.reconnect(&stage.bridge);
    assert_eq!(with.asker(), files);
    assert_eq!(records(&stage.bridge, &session, "permission_requested").len(), 1);
    with.allow();
    with.until("two children at work", |family| family.has_done(&files) && family.has_done(&lines));

    // One child ends while no bridge is there.
    stage.bridge.kill();
    stage.model.release("lines");
    stage.bridge.restart();
    with.reconnect(&stage.bridge);
    without.reconnect(&stage.bridge);
    with.until("the end of one", |family| family.is(LINES, "end_turn"));
    assert!(with.is(FILES, "running"), "{:?}", with.states(&files));
    with.client().cancel(&files);
    with.until("the cancelled one", |family| family.is(FILES, "cancelled"));
    stage.model.release("parent");
    assert_eq!((with.turn_ended(), without.turn_ended()), ("completed".into(), "completed".into()));

    assert_eq!((with.child(FILES), with.child(LINES)), (files.clone(), lines.clone()), "the same ids");
    assert_eq!(with.states(&lines), ["running", "end_turn"]);
    assert_eq!(with.said(&files), "I count.");
    assert_eq!(with.said(&lines), "I read.There are nine.");
    assert!(stage.workspace().join("a1").exists(), "what was allowed is done");
    assert_eq!(records(&stage.bridge, &session, "agent_started").len(), 1, "it is the same agent");
    for client in [&with, &without] {
        assert!(client.said(&session).starts_with("They have reported."), "{}", client.said(&session));
        client.assert_as_in_log(&stage.bridge);
    }
    assert_eq!(without.children(), [""; 0]);
    assert_ids(&stage, &with);
    assert_loads(&stage, &with);
}

fn killed_with_its_agent(name: &str) {
    let mut stage = Stage::with_children(name, SCRIPT, &[]);
    let (mut with, mut without) = clients(&stage);
    let session = with.session().to_owned();
    with.client().prompt(&session, "delegate");
    with.asker();
    with.until("two children", |family| family.find(FILES).is_some() && family.find(LINES).is_some());
    let (files, lines) = (with.child(FILES), with.child(LINES));
    stage.bridge.kill();
    stage.bridge.restart();
    with.reconnect(&stage.bridge);
    without.reconnect(&stage.bridge);
    with.until("the end of both", |family| family.is(FILES, "error") && family.is(LINES, "error"));
    assert_eq!((with.turn_ended(), without.turn_ended()), ("interrupted".into(), "interrupted".into()));
    assert!(with.is_asked_nothing(), "nobody is left who asks");

    with.client().prompt(&session, "go on");
    assert_eq!((with.turn_ended(), without.turn_ended()), ("completed".into(), "completed".into()));
    eventually("an agent that was started again", || records(&stage.bridge, &session, "agent_started").len() == 2);
    assert!(!stage.workspace().join("a1").exists(), "nobody has allowed it");
    assert_eq!((with.child(FILES), with.child(LINES)), (files.clone(), lines.clone()), "the same ids");
    for client in [&with, &without] {
        assert!(client.said(&session).ends_with("here"), "{}", client.said(&session));
        client.assert_as_in_log(&stage.bridge);
    }
    assert_eq!(without.children(), [""; 0]);
    assert_ids(&stage, &with);
    assert_loads(&stage, &with);
}

/// The client that makes a session says for whom its agent works: another that comes later changes nothing.
fn made_by_one_without(name: &str) {
    let stage = Stage::with_children(name, SCRIPT, &[]);
    let mut without = Family::making(|client| stage.new_session(client), &stage.bridge, false);
    let session = without.session().to_owned();
    let mut with = Family::joining(&stage.bridge, &session, true);
    without.client().prompt(&session, "delegate");
    assert_eq!((without.asker(), with.asker()), (session.clone(), session.clone()));
    without.allow();
    for (gate, report) in [("files", "There are three."), ("lines", "There are nine.")] {
        stage.model.release(gate);
        without.until(report, |family| family.shows(&session, report));
    }
    stage.model.release("parent");
    assert_eq!((without.turn_ended(), with.turn_ended()), ("completed".into(), "completed".into()));
    for client in [&without, &with] {
        assert!(client.said(&session).contains("They have reported."), "{}", client.said(&session));
        assert_eq!(client.children(), [""; 0]);
        client.assert_as_in_log(&stage.bridge);
    }
    assert!(records(&stage.bridge, &session, "child_updated").is_empty());
}

macro_rules! through_the_bridge {
    ($($name:ident),*) => {$(
        mod $name {
            #[test]
            fn two_sub_agents_at_once_are_child_sessions_for_one_client_and_calls_for_another() {
                super::two_at_once(stringify!($name));
            }

            #[test]
            fn two_sub_agents_survive_a_cut_and_kill_9_of_the_bridge_and_one_is_cancelled_by_its_id() {
                super::cancelled_cut_and_killed(stringify!($name));
            }

            #[test]
            fn sub_agents_that_end_with_their_bridge_are_told_as_ended_and_the_session_goes_on() {
                super::killed_with_its_agent(stringify!($name));
            }

            #[test]
            fn sub_agents_are_calls_for_all_if_the_client_that_made_the_session_takes_no_child_sessions() {
                super::made_by_one_without(stringify!($name));
            }
        }
    )*};
}

through_the_bridge!(codex, claude);
