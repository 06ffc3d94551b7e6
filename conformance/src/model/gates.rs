//! Places where a stream stops until somebody outside says go.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// The gates that a script names, and which of them are open. A gate that was opened stays open.
#[derive(Debug)]
pub(super) struct Gates {
    names: BTreeSet<String>,
    open: watch::Sender<BTreeSet<String>>,
}

impl Gates {
    pub(super) fn new(names: BTreeSet<String>) -> Self {
        Self { names, open: watch::Sender::new(BTreeSet::new()) }
    }

    /// The gates that can be released.
    pub(super) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Opens a gate for everybody who waits or will wait; `false` when the script has no such gate.
    pub(super) fn release(&self, name: &str) -> bool {
        let known = self.names.contains(name);
        if known {
            self.open.send_modify(|open| {
                open.insert(name.to_owned());
            });
        }
        known
    }

    /// Returns once the gate is open. Dropping the future loses nothing.
    pub(super) async fn pass(&self, name: &str) {
        // The sender is ours, so it is never closed.
        let _ = self.open.subscribe().wait_for(|open| open.contains(name)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_gate_that_was_released_before_lets_pass_at_once() {
        let gates = Gates::new(BTreeSet::from(["go".to_owned()]));
        assert!(gates.release("go"));
        tokio::time::timeout(std::time::Duration::from_secs(10), gates.pass("go")).await.unwrap();
    }

    #[test]
    fn a_gate_that_no_script_names_cannot_be_released() {
        assert!(!Gates::new(BTreeSet::new()).release("go"));
    }
}
