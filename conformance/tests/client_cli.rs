//! The command line for clients as people and CI use it, against our own mock client as a program.

mod support;

use std::process::Output;

use support::cli::{PROGRAM, stderr, stdout, tool};

/// Tests the mock client, which fails the check `fail` if there is one.
fn test(arguments: &[&str], fail: Option<&str>) -> Output {
    let mut all = vec!["client"];
    all.extend_from_slice(arguments);
    all.extend(["--", PROGRAM, "mock-client"]);
    all.extend(fail.into_iter().flat_map(|id| ["--fail", id]));
    all.push("--");
    tool(&all)
}

#[test]
fn the_agents_command_line_comes_last_or_where_it_is_named_or_in_the_environment() {
    let last = test(&["--select", "INIT-03"], None);
    assert_eq!(last.status.code(), Some(0), "{}{}", stdout(&last), stderr(&last));
    let named = format!("exec {PROGRAM} mock-client -- {{agent}}");
    let named = tool(&["client", "--select", "TRANSPORT-stdio-06", "--", "sh", "-c", &named]);
    assert_eq!(named.status.code(), Some(0), "{}{}", stdout(&named), stderr(&named));
    assert!(stdout(&named).ends_with("\n1 pass\n"), "{}", stdout(&named));
    let variable = format!("eval \"exec {PROGRAM} mock-client -- $ACP_CONFORMANCE_AGENT\"");
    let variable = tool(&["client", "--select", "TRANSPORT-stdio-06", "--", "sh", "-c", &variable]);
    assert_eq!(variable.status.code(), Some(0), "{}{}", stdout(&variable), stderr(&variable));
}

#[test]
fn a_failure_of_a_client_says_what_was_required_what_came_and_how_to_see_it_again() {
    let output = test(&["--select", "PERM-05"], Some("PERM-05"));
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    for part in ["FAIL  PERM-05", "expected  an option that was offered", "\"allow\"", "client --select PERM-05"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn a_client_of_version_two_is_tested_where_it_is_asked_for() {
    let draft = ["--protocol", "2"];
    let run = |asked: &[&str], client: &[&str]| {
        tool(&[&["client"][..], &draft[..], asked, &["--", PROGRAM, "mock-client"][..], client, &["--"][..]].concat())
    };
    let good = run(&[], &draft);
    assert_eq!(good.status.code(), Some(0), "{}{}", stdout(&good), stderr(&good));
    let folder = tempfile::tempdir().expect("a directory");
    let keep = folder.path().to_str().expect("a path");
    let bad = run(&["--select", "V2-21", "--transcripts", keep], &[&draft[..], &["--fail", "V2-21"][..]].concat());
    assert_eq!(bad.status.code(), Some(1), "{}{}", stdout(&bad), stderr(&bad));
    assert!(stdout(&bad).contains("client --protocol 2 --select V2-21"), "{}", stdout(&bad));
    let transcript = folder.path().join("v2-client-servers.jsonl");
    let again = tool(&["replay", "--select", "V2-21", transcript.to_str().expect("a path")]);
    assert_eq!(again.status.code(), Some(1), "{}{}", stdout(&again), stderr(&again));
    let older = run(&["--select", "V2-21"], &[]);
    assert_eq!(older.status.code(), Some(0), "{}{}", stdout(&older), stderr(&older));
    assert!(stdout(&older).contains("it does not speak version 2"), "{}", stdout(&older));
}

#[test]
fn transcripts_of_clients_are_judged_again_as_those_of_clients() {
    let folder = tempfile::tempdir().expect("a directory");
    let keep = folder.path().to_str().expect("a path");
    let output = test(&["--select", "PERM-05", "--transcripts", keep], Some("PERM-05"));
    assert_eq!(output.status.code(), Some(1));
    let transcript = folder.path().join("client-ask.jsonl");
    let again = tool(&["replay", "--select", "PERM-05", transcript.to_str().expect("a path")]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stdout(&again).contains("FAIL  PERM-05"), "{}{}", stdout(&again), stderr(&again));
}

#[test]
fn a_client_that_starts_no_agent_cannot_be_tested() {
    let absent = tool(&["client", "--select", "INIT-03", "--", "acp-conformance-no-such-program"]);
    assert_eq!(absent.status.code(), Some(3), "{}", stderr(&absent));
    let idle = tool(&["client", "--select", "INIT-03", "--", "sh", "-c", "echo told to fail; exit 1"]);
    assert_eq!(idle.status.code(), Some(3), "{}", stdout(&idle));
    let text = stderr(&idle);
    assert!(text.contains("did not start the agent") && text.contains("told to fail"), "{text}");
    assert_eq!(tool(&["client"]).status.code(), Some(2));
    assert_eq!(test(&["--select", "NONSENSE"], None).status.code(), Some(2));
}

#[test]
fn a_client_is_served_where_it_connects() {
    for (listen, id) in [("ws", "WS-03"), ("http", "HTTP-13")] {
        let output =
            tool(&["client", "--listen", listen, "--select", id, "--", PROGRAM, "mock-client", "--url", "{url}"]);
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        assert!(stdout(&output).ends_with("\n1 pass\n"), "{}", stdout(&output));
    }
    let silent = tool(&["client", "--listen", "ws", "--timeout", "500ms", "--", "true", "{url}"]);
    assert_eq!(silent.status.code(), Some(3), "{}{}", stdout(&silent), stderr(&silent));
}
