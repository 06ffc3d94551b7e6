//! How much is measured.

/// How often and how much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) runs: usize,
    pub(super) updates: u64,
    pub(super) requests: u64,
    pub(super) stamps: u64,
    pub(super) missed: u64,
    /// How often each client loses its connection.
    pub(super) drops: u64,
    pub(super) cancels: u64,
    pub(super) sessions: u64,
    pub(super) clients: u64,
    /// Of the session with a long history, and the clients that attach to it.
    pub(super) turns: u64,
    pub(super) attached: u64,
}

pub(super) const FULL: Effort = Effort {
    runs: 5,
    updates: 100_000,
    requests: 2_000,
    stamps: 500,
    missed: 800_000,
    drops: 50,
    cancels: 300,
    sessions: 1_000,
    clients: 5_000,
    turns: 1_000,
    attached: 200,
};

pub(super) const QUICK: Effort = Effort {
    runs: 1,
    updates: 20_000,
    requests: 500,
    stamps: 100,
    missed: 100_000,
    drops: 10,
    cancels: 50,
    sessions: 100,
    clients: 500,
    turns: 200,
    attached: 50,
};
