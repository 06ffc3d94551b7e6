//! `xtask/seen.json`: the minor releases of the schema crate that are newer than ours, and our version when each was
//! seen first.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;

use super::age::{Age, Minor};
use crate::run::root;

/// Below the root of the workspace.
pub(super) const FILE: &str = "xtask/seen.json";

/// Our version at the first sight of each newer minor release.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(BTreeMap<String, String>);

impl Seen {
    pub(super) fn read() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path()).with_context(|| format!("{FILE} cannot be read"))?;
        Ok(Self(serde_json::from_str(&text).with_context(|| format!("{FILE} is not what this command writes"))?))
    }

    pub(super) fn write(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.0)? + "\n";
        std::fs::write(path(), text).with_context(|| format!("{FILE} cannot be written"))
    }

    /// Forgets what we have caught up with, notes the newest release if it is newer than ours, and says how we stand.
    /// `release` is our version, which is that of our next release.
    pub(super) fn note(&mut self, ours: Minor, newest: Minor, release: &str) -> Age {
        self.0.retain(|seen, _| Minor::of(seen).is_ok_and(|seen| seen > ours));
        if newest <= ours {
            return Age::Current;
        }
        self.0.entry(newest.to_string()).or_insert_with(|| release.to_owned());
        match self.0.values().find(|since| *since != release) {
            Some(since) => Age::Late { since: since.clone() },
            None => Age::Waiting,
        }
    }
}

fn path() -> PathBuf {
    root().join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(version: &str) -> Minor {
        Minor::of(version).unwrap()
    }

    #[test]
    fn a_newer_release_may_wait_for_one_release_of_ours() {
        let mut seen = Seen::default();
        assert_eq!(seen.note(minor("1.20.0"), minor("1.20.3"), "0.1.0"), Age::Current);
        assert_eq!(seen, Seen::default());
        assert_eq!(seen.note(minor("1.20.0"), minor("1.21.0"), "0.1.0"), Age::Waiting);
        assert_eq!(seen.note(minor("1.20.0"), minor("1.21.0"), "0.1.0"), Age::Waiting);
        let late = Age::Late { since: "0.1.0".to_owned() };
        assert_eq!(seen.note(minor("1.20.0"), minor("1.21.0"), "0.2.0"), late);
        // A newer one does not make the wait for the older one shorter.
        assert_eq!(seen.note(minor("1.20.0"), minor("1.22.0"), "0.2.0"), late);
    }

    #[test]
    fn what_we_have_caught_up_with_is_forgotten() {
        let mut seen = Seen::default();
        seen.note(minor("1.20.0"), minor("1.21.0"), "0.1.0");
        seen.note(minor("1.20.0"), minor("1.100.0"), "0.1.0");
        assert_eq!(seen.note(minor("1.21.0"), minor("1.100.0"), "0.1.0"), Age::Waiting);
        assert_eq!(seen.0.keys().collect::<Vec<_>>(), ["1.100"]);
        assert_eq!(seen.note(minor("2.0.0"), minor("2.0.1"), "0.2.0"), Age::Current);
        assert_eq!(seen, Seen::default());
    }

    #[test]
    fn what_is_no_version_is_told() {
        assert!(Minor::of("newest").unwrap_err().to_string().contains("newest"));
        assert!(minor("1.9.0") < minor("1.10.0"));
    }
}
