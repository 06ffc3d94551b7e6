//! Commands that agents give as one line, and output without measure.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::report::held;
use crate::services::Stage;
use crate::support::{Bridge, Options};

#[test]
fn a_command_without_arguments_that_names_no_program_runs_through_the_shell() {
    let mut stage = Stage::set(|_| Vec::new());
    for (line, output, code) in [
        ("echo a | cat", "a\n", 0),
        ("printf '%s' \"a  b\" && exit 3", "a  b", 3),
        ("cd / && pwd", "/\n", 0),
        ("X=1; echo $X>there; cat there", "1\n", 0),
        ("echo one\necho two", "one\ntwo\n", 0),
    ] {
        let (said, exit) = stage.run(line);
        assert_eq!((&said["output"], &exit["exitCode"]), (&json!(output), &json!(code)), "{line}");
    }
    let (said, exit) = stage.run("no-such-program-anywhere --flag");
    assert_eq!(exit["exitCode"], 127, "{said}");
    held("terminal/create with a whole line as command", "it runs through the user's shell");
}

#[test]
fn a_program_whose_name_has_blanks_is_no_line() {
    let mut stage = Stage::set(|_| Vec::new());
    let program = stage.path("work/my program");
    std::fs::write(&program, "#!/bin/sh\necho \"$0 $#\"\n").expect("write it");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let (said, _) = stage.run(program.to_str().expect("UTF-8"));
    assert_eq!(said["output"], json!(format!("{} 0\n", program.display())));
    let missing = json!({ "do": "terminal/create", "with": { "command": "echo a", "args": ["b"] } });
    assert_eq!(stage.ask(&[missing])[0]["code"], -32002, "with arguments it is a program's name");
    held("a program with blanks in its name; a line with arguments", "the first runs as it is, the second is refused");
}

#[test]
fn a_command_that_prints_without_end_costs_what_is_kept_of_it() {
    let mut stage = Stage::set(|_| Vec::new());
    let (said, exit) = stage.run("yes | head -c 50000000");
    let output = said["output"].as_str().expect("a text");
    assert!(output.len() <= 1 << 20, "{}", output.len());
    assert_eq!((&said["truncated"], &exit["exitCode"]), (&json!(true), &json!(0)));
    held("a line that prints 50 MB", "1 MiB of its end is kept");
}

#[test]
fn output_without_measure_reaches_a_client_without_terminals_cut_and_with_its_state() {
    let bridge = Bridge::start(Options::fault_agent(&[]));
    let mut client = bridge.client();
    let session = client.new_session();
    // Six times as many bytes on the wire, which is just less than a message may have.
    let turn = client.prompt(&session, "print 2700000");
    assert_eq!(client.turn(turn).0["result"]["stopReason"], "end_turn");
    let last = |client: &mut crate::support::Client| {
        client.wait_for("the end", |m| m["params"]["update"]["status"] == "completed")["params"]["update"].clone()
    };
    let live = last(&mut client);
    client.load(&session);
    for update in [&live, &last(&mut client)] {
        let text = text_of(update);
        assert!(text.contains("bytes of output are left out here]"), "{}", text.len());
        assert!(update.to_string().len() < 200_000);
        assert_eq!(update["_meta"], Value::Null);
    }
    held("3 MB of control characters in one update", "both ends of the text, a mark between them, and the state");
}

fn text_of(update: &Value) -> &str {
    update["content"][0]["content"]["text"].as_str().unwrap_or_else(|| panic!("no text: {update}"))
}
