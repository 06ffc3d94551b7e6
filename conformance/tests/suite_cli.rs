//! The command line as people and CI use it, against our own mock agent as a program.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use support::cli::{PROGRAM, stderr, stdout, tool};

/// Tests the mock agent, which fails the check `fail` if there is one.
fn test(arguments: &[&str], fail: Option<&str>) -> Output {
    let mut all = vec!["agent"];
    all.extend_from_slice(arguments);
    all.extend(["--", PROGRAM, "mock-agent"]);
    all.extend(fail.into_iter().flat_map(|id| ["--fail", id]));
    tool(&all)
}

#[test]
fn a_good_agent_is_clean() {
    let output = test(&[], None);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).trim_end().ends_with(" pass"), "{}", stdout(&output));
}

#[test]
fn a_failure_says_what_was_required_what_came_and_how_to_see_it_again() {
    let output = test(&["--select", "PROMPT-04"], Some("PROMPT-04"));
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    for part in [
        "FAIL  PROMPT-04",
        "expected  one of end_turn",
        "actual    \"done\"",
        "prompt-turn#stop-reasons",
        "--select PROMPT-04",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn json_junit_and_tap_say_the_same() {
    let run = |format: &str| stdout(&test(&["--select", "PROMPT-04", "--format", format], Some("PROMPT-04")));
    let lines: Vec<serde_json::Value> =
        run("json").lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    assert_eq!((&lines[0]["id"], &lines[0]["verdict"]), (&"PROMPT-04".into(), &"fail".into()));
    assert_eq!((&lines[1]["counts"]["fail"], &lines[1]["clean"]), (&1.into(), &false.into()));
    let junit = run("junit");
    assert!(junit.contains("<failure") && junit.contains("name=\"PROMPT-04\""), "{junit}");
    let tap = run("tap");
    assert!(tap.starts_with("TAP version 13\n1..1\nnot ok 1 - PROMPT-04"), "{tap}");
}

#[test]
fn a_known_failure_is_no_failure_and_a_mended_one_is() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("baseline.toml");
    fs::write(&file, "[expected]\n\"PROMPT-04\" = \"known\"\n").expect("write the baseline");
    let baseline = file.to_str().expect("a path");
    let known = test(&["--select", "PROMPT-04", "--baseline", baseline], Some("PROMPT-04"));
    assert_eq!(known.status.code(), Some(0), "{}", stdout(&known));
    let mended = test(&["--select", "PROMPT-04", "--baseline", baseline], None);
    assert_eq!(mended.status.code(), Some(1));
    assert!(stdout(&mended).contains("PROMPT-04 is in the baseline and does not fail any more"));
}

#[test]
fn transcripts_are_judged_again_without_the_agent() {
    let folder = tempfile::tempdir().expect("a directory");
    let keep = folder.path().to_str().expect("a path");
    let output = test(&["--select", "PROMPT-04", "--transcripts", keep], Some("PROMPT-04"));
    assert_eq!(output.status.code(), Some(1));
    let transcript = folder.path().join("turns.jsonl");
    let again = tool(&["replay", "--select", "PROMPT-04", transcript.to_str().expect("a path")]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stdout(&again).contains("FAIL  PROMPT-04"), "{}", stdout(&again));
    let all = tool(&["replay", transcript.to_str().expect("a path")]);
    assert!(!stdout(&all).contains("CANCEL-06"), "it is about another scenario: {}", stdout(&all));
}

#[test]
fn what_was_not_exercised_fails_where_it_is_required() {
    // Without sessions nothing can be prompted.
    let lax = test(&["--select", "PROMPT-16"], Some("INIT-15"));
    assert_eq!(lax.status.code(), Some(0), "{}", stdout(&lax));
    let reason = "PROMPT-16: the scenario did not get to `turn/1`: session/new was answered with";
    assert!(stdout(&lax).contains("Not exercised") && stdout(&lax).contains(reason), "{}", stdout(&lax));
    let strict = test(&["--select", "PROMPT-16", "--require-exercised"], Some("INIT-15"));
    assert_eq!(strict.status.code(), Some(1));
}

#[test]
fn what_cannot_be_started_or_meant_has_its_own_exit_code() {
    let absent = tool(&["agent", "--", "acp-conformance-no-such-program"]);
    assert_eq!(absent.status.code(), Some(3), "{}", stderr(&absent));
    let silent = tool(&["agent", "--select", "INIT-04", "--", "sh", "-c", "echo told to fail >&2; exit 1"]);
    assert_eq!(silent.status.code(), Some(3));
    assert!(stderr(&silent).contains("told to fail"), "{}", stderr(&silent));
    assert_eq!(tool(&["agent"]).status.code(), Some(2));
    assert_eq!(test(&["--select", "NONSENSE"], None).status.code(), Some(2));
    assert_eq!(test(&["--schema", "0.0"], None).status.code(), Some(2));
    assert_eq!(test(&["--baseline", "/dev/null/file"], None).status.code(), Some(2));
    assert_eq!(test(&["--repeat", "0"], None).status.code(), Some(2));
    let unwritable = ["--select", "PROMPT-04", "--transcripts", "/dev/null/folder"];
    assert_eq!(test(&unwritable, None).status.code(), Some(2));
    assert_eq!(tool(&["replay", "/dev/null/transcript"]).status.code(), Some(2));
}

#[test]
fn list_and_explain_know_the_catalogue() {
    let list = stdout(&tool(&["list", "--select", "CANCEL"]));
    assert_eq!(list.lines().count(), 21);
    assert!(list.contains("* CANCEL-08"));
    let explained = stdout(&tool(&["explain", "CANCEL-08"]));
    assert!(explained.contains("CANCEL-08 MUST") && explained.contains("Checked in: cancel"), "{explained}");
    assert!(explained.contains("not met it is told as fail"), "{explained}");
    let slips =
        [("CANCEL-99", "did you mean CANCEL-01"), ("cancel-08", "did you mean CANCEL-08?"), ("CANCEL", "a family")];
    for (slip, meant) in slips {
        let output = tool(&["explain", slip]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(meant), "{}", stderr(&output));
    }
    let select = test(&["--select", "canc"], None);
    assert!(stderr(&select).contains("did you mean CANCEL-01"), "{}", stderr(&select));
}

/// The first scenario is played to its time limit, and no other.
#[test]
fn a_subject_that_says_nothing_sensible_is_not_asked_twice() {
    let begun = std::time::Instant::now();
    let mute = tool(&["agent", "--timeout", "1s", "--", "sh", "-c", "exec cat 3>&1 >/dev/null"]);
    assert_eq!(mute.status.code(), Some(3));
    assert!(stderr(&mute).contains("`initialize` did not come within 1000 ms"), "{}", stderr(&mute));
    let garbage = tool(&["agent", "--timeout", "1s", "--", "sh", "-c", "echo hello; exec cat 3>&1 >/dev/null"]);
    assert_eq!(garbage.status.code(), Some(1), "{}", stderr(&garbage));
    assert!(stdout(&garbage).contains("FAIL  TRANSPORT-stdio-03"), "{}", stdout(&garbage));
    let gone = tool(&["agent", "--", "sh", "-c", "exit 4"]);
    assert_eq!(gone.status.code(), Some(3), "{}", stderr(&gone));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_recommendation_in_the_baseline_is_known_where_recommendations_count() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("known.toml");
    fs::write(&file, "[expected]\n\"INIT-05\" = \"issue 7\"\n").expect("a baseline");
    let file = file.to_str().expect("a path");
    let run = |more: &[&str]| {
        let all: Vec<&str> = ["--select", "INIT-05", "--baseline", file].iter().chain(more).copied().collect();
        test(&all, Some("INIT-05"))
    };
    let strict = run(&["--strict"]);
    assert_eq!(strict.status.code(), Some(0), "{}", stdout(&strict));
    assert!(stdout(&strict).contains("(in the baseline)"), "{}", stdout(&strict));
    assert_eq!(run(&[]).status.code(), Some(1), "it only warns, so the entry is too much");
    let junit = stdout(&test(&["--select", "INIT-05", "--format", "junit"], Some("INIT-05")));
    assert!(junit.contains("<system-out>warn: ") && junit.contains("failures=\"0\""), "{junit}");
}

#[test]
fn what_does_not_come_to_the_same_each_time_is_flaky_and_fails() {
    let folder = tempfile::tempdir().expect("a directory");
    let been = folder.path().join("been").display().to_string();
    let script =
        "if mkdir \"$1\" 2>/dev/null; then exec \"$0\" mock-agent --fail PROMPT-04; else exec \"$0\" mock-agent; fi";
    let keep = folder.path().join("kept");
    let kept = keep.display().to_string();
    let output = tool(&[
        "agent",
        "--select",
        "PROMPT-04",
        "--repeat",
        "3",
        "--transcripts",
        &kept,
        "--",
        "sh",
        "-c",
        script,
        PROGRAM,
        &been,
    ]);
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("FAIL  PROMPT-04"), "{text}");
    assert!(text.contains("not every run came to the same: 1 fail, 2 pass"), "{text}");
    assert!(keep.join("run-3/turns.jsonl").is_file());
    let output = test(&["--select", "PROMPT-04", "--repeat", "2"], None);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("\n1 pass\n"), "{}", stdout(&output));
}

#[test]
fn version_two_is_tested_where_it_is_asked_for() {
    let folder = tempfile::tempdir().expect("a directory");
    let keep = folder.path().to_str().expect("a path");
    let draft = ["--protocol", "2"];
    let run = |asked: &[&str], agent: &[&str]| {
        tool(&[&["agent"][..], &draft[..], asked, &["--", PROGRAM, "mock-agent"][..], agent].concat())
    };
    let output = run(&["--select", "V2-05", "--transcripts", keep], &[&draft[..], &["--fail", "V2-05"][..]].concat());
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("FAIL  V2-05") && text.contains("agent --protocol 2 --select V2-05"), "{text}");
    let transcript = folder.path().join("v2-cancel.jsonl");
    let again = tool(&["replay", "--select", "V2-05", transcript.to_str().expect("a path")]);
    assert_eq!(again.status.code(), Some(1), "{}{}", stdout(&again), stderr(&again));
    assert!(stdout(&again).contains("FAIL  V2-05"), "{}", stdout(&again));
    let good = run(&["--select", "V2-05"], &draft);
    assert_eq!(good.status.code(), Some(0), "{}", stdout(&good));
    assert!(stdout(&good).contains("1 pass"), "{}", stdout(&good));
    let older = run(&["--select", "V2-05", "--require-exercised"], &[]);
    assert_eq!(older.status.code(), Some(0), "{}", stdout(&older));
    assert!(stdout(&older).contains("it does not speak version 2"), "{}", stdout(&older));
    let unasked = test(&["--select", "V2-05"], None);
    assert_eq!(unasked.status.code(), Some(2));
    assert!(stderr(&unasked).contains("--protocol 2"), "{}", stderr(&unasked));
    assert!(stdout(&tool(&["explain", "V2-05"])).contains("Checked in: v2-cancel"));
}

/// `cat` of both directions is the plainest bridge.
#[test]
fn a_bridge_is_tested_with_the_mock_agent_behind_it() {
    let folder = tempfile::tempdir().expect("a directory");
    let keep = folder.path().to_str().expect("a path");
    let output = tool(&["bridge", "--transcripts", keep, "--", "sh", "-c", "{agent} | cat"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("17 pass"), "{}", stdout(&output));
    let transcript = folder.path().join("bridge-ids.jsonl");
    let again = tool(&["replay", "--select", "BRIDGE-02", transcript.to_str().expect("a path")]);
    assert_eq!(again.status.code(), Some(0), "{}", stdout(&again));
    assert!(stdout(&again).contains("2 pass"), "{}", stdout(&again));
    assert_eq!(tool(&["bridge", "--url", "ws://127.0.0.1:1/"]).status.code(), Some(3), "nothing listens there");
    assert_eq!(tool(&["bridge", "--", "cat"]).status.code(), Some(2), "the agent has no place in it");
    let changes = "{agent} | sed -u 's/end_turn/max_tokens/'";
    let output = tool(&["bridge", "--strict", "--select", "BRIDGE-01", "--", "sh", "-c", changes]);
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
}

/// Something listens and is tested by its address; it is ended when the test is.
#[test]
fn an_agent_is_tested_over_websocket_and_http_by_its_address() {
    let mut served = Served(
        Command::new(PROGRAM).args(["mock-agent", "--listen", ":0"]).stdout(Stdio::piped()).spawn().expect("a server"),
    );
    let mut url = String::new();
    BufReader::new(served.0.stdout.take().expect("its stdout")).read_line(&mut url).expect("where it listens");
    let (http, socket) = url.trim().split_once(' ').expect("two addresses");
    let output = tool(&["agent", "--select", "WS", "--select", "PROMPT-05", "--url", socket]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("9 pass"), "{}", stdout(&output));
    let output = tool(&["agent", "--select", "HTTP", "--select", "PROMPT-05", "--url", http]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("21 pass"), "{}", stdout(&output));
    let bench = tool(&["bench", "--updates", "100", "--requests", "10", "--stall", "0s", "--json", "--url", http]);
    assert_eq!(bench.status.code(), Some(0), "{}", stderr(&bench));
    let absent = tool(&["agent", "--url", "ws://127.0.0.1:1/"]);
    assert_eq!(absent.status.code(), Some(3), "{}", stderr(&absent));
    assert_eq!(tool(&["agent", "--url", "wss://localhost/"]).status.code(), Some(2));
}

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_measurement_says_how_fast_and_what_a_stalled_reader_costs() {
    let asked = ["--updates", "3000", "--requests", "50", "--stall", "200ms", "--json"];
    let output = tool(&[&["bench"][..], &asked[..], &["--", PROGRAM, "mock-agent"][..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let figures: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("one JSON object");
    assert_eq!(figures["updates"], 3000, "{figures}");
    assert_eq!(figures["stalled"]["updates"], 3000, "{figures}");
    for measured in ["ready_ms", "session_ms", "round_trip_p50_us", "updates_per_second"] {
        assert!(figures[measured].as_f64().is_some_and(|figure| figure > 0.0), "{measured} in {figures}");
    }
}
