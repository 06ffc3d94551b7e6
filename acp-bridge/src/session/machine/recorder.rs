//! Making records and effects.

use std::sync::Arc;

use acp_types::error::{self, ErrorCode};
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use acp_types::{ErrorObjectOwned, RawBuf};
use serde::Serialize;

use super::super::{CommandId, Effect, Output, Reply};
use super::Machine;

/// One call of the machine: when it is, and what comes of it.
pub(super) struct Step<'a> {
    pub(super) at: u64,
    pub(super) out: &'a mut Output,
}

impl Step<'_> {
    pub(super) fn effect(&mut self, effect: Effect) {
        self.out.effects.push(effect);
    }

    pub(super) fn reply(&mut self, command: CommandId, reply: Result<Reply, ErrorObjectOwned>) {
        self.effect(Effect::Reply { command, reply });
    }

    pub(super) fn refuse(&mut self, command: CommandId, code: ErrorCode, message: impl Into<String>) {
        self.reply(command, Err(error::error(code, message, None)));
    }
}

impl Machine {
    /// Adds a record and folds it into the state.
    pub(super) fn record<T: Serialize>(
        &mut self,
        step: &mut Step<'_>,
        kind: Kind,
        origin: Origin,
        turn: Option<Turn>,
        body: &T,
    ) -> Seq {
        let body =
            RawBuf::encode(body).expect("bodies are structs of strings, numbers and JSON that was parsed before");
        self.record_raw(step, kind, origin, turn, body)
    }

    /// The same for a body that is JSON already.
    pub(super) fn record_raw(
        &mut self,
        step: &mut Step<'_>,
        kind: Kind,
        origin: Origin,
        turn: Option<Turn>,
        body: RawBuf,
    ) -> Seq {
        let seq = self.next_seq();
        let lane = Arc::clone(&self.lane);
        let record = Record { seq, at: step.at, epoch: self.epoch, lane, origin, kind, turn, body };
        // To go on after a failure would put a record into the log with which it can never be opened again; without
        // the machine, the log is as it was. `session_props.rs` is the proof that it does not happen.
        self.state.apply(&record).expect("the machine makes only records that its state allows");
        step.out.records.push(Arc::new(record));
        seq
    }
}
