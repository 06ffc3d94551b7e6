//! Promises that a run has seen to be broken.

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) promise: &'static str,
    pub(super) how: String,
}

/// All of a run.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Broken>);

impl Findings {
    pub(super) fn broken(&mut self, promise: &'static str, how: impl Into<String>) {
        self.0.push(Broken { promise, how: how.into() });
    }

    pub(super) fn expect(&mut self, holds: bool, promise: &'static str, how: impl FnOnce() -> String) {
        if !holds {
            self.broken(promise, how());
        }
    }
}
