//! The tests that the documentation names: each has to have run and passed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::report::{End, Ran, Report};
use crate::page::{self, ARCHITECTURE, HARNESSES, NamedTest};
use crate::run::{root, say, show};

/// Root files of the programs that hold tests, relative to the workspace, by the programs' file names.
pub(super) type Sources = BTreeMap<String, PathBuf>;

/// Builds the tests that a `cargo test` would run, and says where the source of each program is.
pub(super) fn build(command: &mut Command) -> anyhow::Result<Sources> {
    command.args(["--no-run", "--message-format=json-render-diagnostics"]);
    let shown = show(command);
    say(&format!("$ {shown}"));
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("{shown}: cannot be started"))?;
    if !output.status.success() {
        bail!("{shown}: {}", output.status);
    }
    let root = root();
    let messages = String::from_utf8(output.stdout)?;
    let sources = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    Ok(sources.filter_map(|message| source(&message, &root)).collect())
}

/// The program of a message of cargo, if it is one with tests.
fn source(message: &Value, root: &Path) -> Option<(String, PathBuf)> {
    message["profile"]["test"].as_bool().filter(|test| *test)?;
    let name = Path::new(message["executable"].as_str()?).file_name()?.to_str()?.to_owned();
    let source = Path::new(message["target"]["src_path"].as_str()?);
    Some((name, source.strip_prefix(root).unwrap_or(source).to_owned()))
}

/// Fails when a test that a page names did not run, or did not pass.
pub(super) fn check(report: &Report, sources: &Sources) -> anyhow::Result<()> {
    let mut named = BTreeSet::new();
    for page in [ARCHITECTURE, HARNESSES] {
        named.extend(page::named_tests(page, &page::read(page)?));
    }
    if named.is_empty() {
        bail!("the documentation names no test any more");
    }
    let faults = faults(&named, &report.tests, sources);
    if !faults.is_empty() {
        bail!("the documentation names tests that show nothing:\n  {}", faults.join("\n  "));
    }
    say(&format!("{} tests that the documentation names ran and passed", named.len()));
    Ok(())
}

fn faults(named: &BTreeSet<NamedTest>, ran: &[Ran], sources: &Sources) -> Vec<String> {
    let mut faults = Vec::new();
    for one in named {
        let ends: Vec<End> =
            ran.iter().filter(|ran| is(one, ran, sources.get(&ran.executable))).map(|ran| ran.end).collect();
        let what = if ends.is_empty() {
            "did not run"
        } else if ends.contains(&End::Failed) {
            "failed"
        } else if ends.contains(&End::Ignored) {
            "was ignored"
        } else {
            continue;
        };
        faults.push(format!("{}: {}::{} {what}", one.page, one.file.display(), one.test));
    }
    faults
}

/// Whether a test that ran is the one that is named. A macro may have put it into modules of its own in its file.
fn is(named: &NamedTest, ran: &Ran, source: Option<&PathBuf>) -> bool {
    let Some(modules) = source.and_then(|source| modules(source, &named.file)) else { return false };
    let mut path: Vec<&str> = ran.path.split("::").collect();
    path.pop() == Some(&*named.test) && path.len() >= modules.len() && modules.iter().zip(path).all(|(a, b)| a == b)
}

/// The modules that lead from a program's root file to another file; `None` for one that is not below it.
fn modules(source: &Path, file: &Path) -> Option<Vec<String>> {
    if source.ends_with(file) {
        return Some(Vec::new());
    }
    let below = file.strip_prefix(source.parent()?).ok()?.with_extension("");
    let mut modules: Vec<_> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    modules.pop_if(|last| last == "mod");
    Some(modules)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(file: &str, test: &str) -> NamedTest {
        NamedTest { page: ARCHITECTURE, file: file.into(), test: test.to_owned() }
    }

    fn ran(executable: &str, path: &str, end: End) -> Ran {
        Ran { executable: executable.to_owned(), path: path.to_owned(), end }
    }

    fn faults_of(one: NamedTest, ran: &[Ran]) -> Vec<String> {
        let sources = [
            ("program-1", "bridge/tests/program/main.rs"),
            ("apart-1", "bridge/tests/apart/main.rs"),
            ("rules-1", "bridge/tests/rules.rs"),
            ("rules-2", "types/tests/rules.rs"),
            ("bridge-1", "bridge/src/lib.rs"),
        ];
        let sources = sources.map(|(name, source)| (name.to_owned(), source.into())).into();
        faults(&BTreeSet::from([one]), ran, &sources)
    }

    #[test]
    fn a_test_that_ran_and_passed_is_found_by_its_file() {
        for (file, test, executable, path) in [
            ("bridge/tests/program/queue.rs", "it_waits", "program-1", "queue::it_waits"),
            ("bridge/tests/program/suite/mod.rs", "all", "program-1", "suite::memory::all"),
            ("bridge/tests/rules.rs", "one", "rules-1", "one"),
            ("rules.rs", "one", "rules-2", "one"),
            ("bridge/src/host/sim.rs", "kills", "bridge-1", "host::sim::kills"),
            ("bridge/src/host/sim.rs", "kills", "bridge-1", "host::sim::tests::kills"),
        ] {
            let found = faults_of(named(file, test), &[ran(executable, path, End::Passed)]);
            assert!(found.is_empty(), "{file}: {found:?}");
        }
    }

    #[test]
    fn a_test_of_that_name_somewhere_else_shows_nothing() {
        for (file, executable, path) in [
            ("bridge/tests/program/queue.rs", "program-1", "lanes::it_waits"),
            ("bridge/tests/program/queue.rs", "apart-1", "queue::it_waits"),
            ("bridge/tests/program/queue.rs", "program-1", "queue::it_waits_too"),
            ("bridge/tests/rules.rs", "rules-2", "it_waits"),
            ("bridge/tests/rules.rs", "unknown", "it_waits"),
        ] {
            let found = faults_of(named(file, "it_waits"), &[ran(executable, path, End::Passed)]);
            assert_eq!(found, [format!("{ARCHITECTURE}: {file}::it_waits did not run")]);
        }
    }

    #[test]
    fn a_test_that_is_ignored_or_fails_on_one_engine_shows_nothing() {
        let file = "bridge/tests/program/suite/mod.rs";
        let on_one = ran("program-1", "suite::memory::all", End::Passed);
        for (end, what) in [(End::Ignored, "was ignored"), (End::Failed, "failed")] {
            let found = faults_of(named(file, "all"), &[on_one.clone(), ran("program-1", "suite::disk::all", end)]);
            assert_eq!(found, [format!("{ARCHITECTURE}: {file}::all {what}")]);
        }
    }

    #[test]
    fn programs_with_tests_are_read_from_what_cargo_says() {
        let message = |test| {
            json!({
                "reason": "compiler-artifact", "executable": "/w/target/debug/deps/rules-1",
                "profile": { "test": test }, "target": { "src_path": "/w/bridge/tests/rules.rs" },
            })
        };
        let found = source(&message(true), Path::new("/w"));
        assert_eq!(found, Some(("rules-1".to_owned(), "bridge/tests/rules.rs".into())));
        assert_eq!(source(&message(false), Path::new("/w")), None);
        assert_eq!(source(&json!({ "reason": "build-finished", "success": true }), Path::new("/w")), None);
    }
}
