//! The scripts that come with the program, and those in its documentation.

use std::path::Path;

use conformance::model::Script;

#[test]
fn every_example_is_a_script() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if let Err(error) = Script::parse(&text) {
            panic!("{}: {error}", path.display());
        }
        count += 1;
    }
    assert!(count >= 4, "only {count} scripts");
}

#[test]
fn every_script_and_every_part_in_the_documentation_is_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/model.md");
    let text = std::fs::read_to_string(path).unwrap();
    let scripts: Vec<&str> =
        text.split("```toml script\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!scripts.is_empty());
    for script in scripts {
        if let Err(error) = Script::parse(script) {
            panic!("{script}\n{error}");
        }
    }
    // Rows of the tables begin with a part in code.
    let parts: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `{ "))
        .map(|rest| rest.split(" }`").next().unwrap())
        .collect();
    assert!(parts.len() > 20, "{parts:?}");
    for part in parts {
        let script = format!("[[prompt]]\nmatch = \"*\"\nreplies = [[{{ {part} }}]]");
        if let Err(error) = Script::parse(&script) {
            panic!("{part}\n{error}");
        }
    }
}

#[test]
fn every_word_has_an_answer_in_the_script() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/conformance.toml");
    let script = Script::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    for word in conformance::prompts::ALL {
        assert!(script.answers(word), "scripts/conformance.toml has no entry for {word:?}");
    }
}
