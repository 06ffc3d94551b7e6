//! Answers to requests of clients.

use acp_types::record::body::Outcome;
use acp_types::record::{Seq, Turn};
use acp_types::{RawBuf, SessionId};

use super::history::HistoryPolicy;
use super::member::Roster;
use super::role::Role;
use crate::log::SessionInfo;
use crate::session::{Reply, State};

/// Answer to a request.
#[derive(Debug)]
pub(crate) enum Response<'a> {
    /// Answer to a hello: what the agent said to it.
    Greeted { agent: &'a RawBuf },
    /// Session that is new, or that the client has come to: its modes and options as the agent or the log has them.
    Session(RawBuf),
    /// Answer to an attach.
    Attached(Attached<'a>),
    /// Answer to a detach.
    Detached { session: &'a SessionId },
    /// Answer to a prompt: how its turn ended. `seq` is a cursor behind everything that belongs to the turn, `steered`
    /// the turn that its message went into.
    Turn { turn: Turn, seq: Seq, outcome: &'a Outcome, steered: Option<Turn> },
    /// A page of sessions.
    Sessions(&'a [SessionInfo]),
    /// Look at a session: whether an agent of it is there.
    Status { open: bool },
    /// Lanes of a session.
    Lanes(&'a State),
    /// Reply of the host or of an agent.
    Reply(Reply),
    /// Done, with nothing more to say.
    Done,
}

/// Answer to an attach: `replayed` updates were shown before it, and it is followed by what comes after `seq`.
#[derive(Debug)]
pub(crate) struct Attached<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) client: &'a str,
    pub(crate) role: Role,
    pub(crate) roster: &'a Roster,
    pub(crate) policy: HistoryPolicy,
    pub(crate) replayed: u64,
    pub(crate) seq: Seq,
    /// Result of a load: modes, options and what else the agent said.
    pub(crate) result: &'a RawBuf,
}
