//! Waiting for the end of a turn.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::api::Waited;
use acp_types::record::body::Outcome;
use acp_types::record::{Kind, Record, Seq, Turn};

use super::{Caller, Invalid, Operation, ServiceError, SessionService};
use crate::log::{self, Filter, LogError, ReadLimit, SessionLog};

const ONE: ReadLimit = ReadLimit { records: 1, bytes: 0 };

impl SessionService {
    /// Waits for the end of a turn, however long that takes. Cancel-safe.
    pub(crate) async fn wait(&self, caller: &Caller, session: &SessionId, turn: Turn) -> Result<Waited, ServiceError> {
        self.check(caller, Operation::Wait, session)?;
        end_of(&self.log, session, turn).await
    }
}

/// Waits for the `turn_ended` of a turn, however long that takes.
async fn end_of(log: &Arc<dyn SessionLog>, session: &SessionId, turn: Turn) -> Result<Waited, ServiceError> {
    let failed = |error: LogError| ServiceError::log(session, error);
    let accepted = match log.read(session, turn.saturating_sub(1), ONE, Filter::Control).await {
        Ok(records) => records.first().is_some_and(|record| record.seq == turn && record.kind == Kind::PromptQueued),
        Err(LogError::BeyondHead { .. }) => false,
        Err(error) => return Err(failed(error)),
    };
    if !accepted {
        return Err(Invalid::Turn(turn).into());
    }
    // History by its control records, which are few and always kept; then live.
    let mut cursor = turn;
    loop {
        let head = log.head(session).await.map_err(failed)?.borrow().last;
        let records = log.read(session, cursor, ReadLimit::default(), Filter::Control).await.map_err(failed)?;
        if let Some(ended) = records.iter().find_map(|record| ended(record, turn)) {
            return Ok(ended);
        }
        match records.last() {
            Some(last) => cursor = last.seq,
            None => {
                cursor = cursor.max(head);
                break;
            }
        }
    }
    live(log, session, turn, cursor).await
}

async fn live(log: &Arc<dyn SessionLog>, session: &SessionId, turn: Turn, cursor: Seq) -> Result<Waited, ServiceError> {
    let failed = |error: LogError| ServiceError::log(session, error);
    let mut tail = log::tail(Arc::clone(log), session.clone(), cursor).await.map_err(failed)?;
    loop {
        match tail.next(ReadLimit::default()).await {
            Ok(records) => {
                if let Some(ended) = records.iter().find_map(|record| ended(record, turn)) {
                    return Ok(ended);
                }
            }
            // The host ends the turn once it can write again.
            Err(LogError::Unwritable { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

fn ended(record: &Record, turn: Turn) -> Option<Waited> {
    if record.kind != Kind::TurnEnded || record.turn != Some(turn) {
        return None;
    }
    Some(Waited { turn, seq: Some(record.seq), ended: record.decode::<Outcome>().ok() })
}
