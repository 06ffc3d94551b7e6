//! Child processes: talking to them, stopping them, and what they leave behind.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use acp_server::proto::{CloseReason, Event};
use acp_server::transport::child::{ChildSpec, Deadlines, SpawnError};
use acp_server::{Config, start};
use acp_types::RawBuf;
use support::{events, within};

fn sh(script: &str) -> ChildSpec {
    ChildSpec::new("sh").args(["-c", script])
}

#[tokio::test]
async fn messages_go_through_a_child_and_come_back() {
    let (transport, mut child) = ChildSpec::new("cat").spawn().await.unwrap();
    let (outbox, mut heard) = events(start(transport, Config::default()));
    for number in 0..2000 {
        outbox.notify("echo", RawBuf::parse(format!("[{number}]")).unwrap()).await.unwrap();
    }
    for number in 0..2000 {
        let Some(Event::Notification(echo)) = heard.next().await else { panic!("no echo {number}") };
        assert_eq!(echo.params().unwrap().as_str(), format!("[{number}]"));
    }
    let report = within("the exit", child.shutdown(Deadlines::default())).await;
    assert_eq!(report.code, Some(0), "cat ends when its stdin does");
    assert!(matches!(heard.next().await, Some(Event::Closed(CloseReason::Peer))));
}

#[tokio::test]
async fn what_a_child_says_before_it_dies_is_heard() {
    let (transport, child) =
        sh(r#"echo '{"jsonrpc":"2.0","method":"last"}'; echo broken >&2; exit 3"#).spawn().await.unwrap();
    let (_outbox, mut heard) = events(start(transport, Config::default()));
    assert!(matches!(heard.next().await, Some(Event::Notification(_))));
    assert!(matches!(heard.next().await, Some(Event::Closed(_))));
    assert_eq!(within("the exit", child.wait()).await.code, Some(3));
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let error = ChildSpec::new("no-such-program-anywhere").spawn().await.unwrap_err();
    assert!(matches!(error, SpawnError::Program { .. }));
    assert!(error.to_string().contains("no-such-program-anywhere"), "{error}");
}

#[tokio::test]
async fn a_child_that_ignores_everything_is_killed_with_its_group() {
    let (transport, mut child) =
        sh(r#"trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & while :; do sleep 1; done"#)
            .spawn()
            .await
            .unwrap();
    let link = start(transport, Config::default());
    let soon = Duration::from_millis(50);
    let report =
        within("the exit", child.shutdown(Deadlines { stdin_close: soon, term: soon, ..Deadlines::default() })).await;
    assert_eq!((report.code, report.signal), (None, Some(9)));
    drop(link);
}

#[tokio::test]
async fn a_flood_on_stderr_stays_in_bounds_and_blocks_nothing() {
    let (transport, mut child) =
        sh("yes 'noise noise noise noise' | head -c 20000000 >&2; echo the end >&2; cat").spawn().await.unwrap();
    let (outbox, mut heard) = events(start(transport, Config::default()));
    outbox.notify("echo", RawBuf::parse("{}").unwrap()).await.unwrap();
    assert!(matches!(heard.next().await, Some(Event::Notification(_))));
    within("the exit", child.shutdown(Deadlines::default())).await;
    let tail = child.stderr_tail();
    assert_eq!(tail.len(), 64 * 1024);
    assert!(tail.ends_with("the end\n"));
}

#[tokio::test]
async fn captured_output_is_one_stream_in_the_order_of_writing_and_stdin_is_empty() {
    let script = "cat; for i in 1 2 3; do echo out $i; echo err $i >&2; done";
    let (mut output, child) = sh(script).spawn_captured().await.unwrap();
    let mut all = Vec::new();
    let mut piece = [0; 7];
    loop {
        match within("output", output.read(&mut piece)).await.unwrap() {
            0 => break,
            read => all.extend_from_slice(&piece[..read]),
        }
    }
    assert_eq!(String::from_utf8(all).unwrap(), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
    assert_eq!(within("the exit", child.wait()).await.code, Some(0));
}

#[tokio::test]
async fn what_a_child_prints_between_its_messages_is_kept_and_never_answered() {
    // It prints a line for every line that it gets, as a program in debug mode does.
    let script = r#"echo 'My agent 1.0'; while read -r line; do echo "got: $line"; done"#;
    let (transport, mut child) = sh(script).spawn().await.unwrap();
    let (outbox, mut heard) = events(start(transport, Config::default()));
    for number in 0..20 {
        outbox.notify("echo", RawBuf::parse(format!("[{number}]")).unwrap()).await.unwrap();
    }
    outbox.flushed().await.unwrap();
    within("the exit", child.shutdown(Deadlines::default())).await;
    assert!(matches!(heard.next().await, Some(Event::Closed(_))), "noise is no event");
    assert_eq!(child.noise_count(), 21, "the banner, and one line for each message: none was answered");
    assert!(child.noise().ends_with(r#"got: {"jsonrpc":"2.0","method":"echo","params":[19]}"#), "{}", child.noise());
}
