//! Waiting for the end of a turn.

use acp_types::SessionId;
use acp_types::api::Waited;
use acp_types::record::body::Outcome;
use acp_types::record::{Kind, Record, Turn};

use super::{Caller, Invalid, Operation, ServiceError, SessionService};
use crate::log::{Filter, LogError, ReadLimit};

const ONE: ReadLimit = ReadLimit { records: 1, bytes: 0 };

impl SessionService {
    /// Waits for the end of a turn, however long that takes. Cancel-safe.
    pub(crate) async fn wait(&self, caller: &Caller, session: &SessionId, turn: Turn) -> Result<Waited, ServiceError> {
        self.check(caller, Operation::Wait, session)?;
        let failed = |error: LogError| ServiceError::log(session, error);
        let accepted = match self.log.read(session, turn.saturating_sub(1), ONE, Filter::Control).await {
            Ok(records) => {
                records.first().is_some_and(|record| record.seq == turn && record.kind == Kind::PromptQueued)
            }
            Err(LogError::BeyondHead { .. }) => false,
            Err(error) => return Err(failed(error)),
        };
        if !accepted {
            return Err(Invalid::Turn(turn).into());
        }
        // History by its control records, which are few and always kept; then live.
        let mut cursor = turn;
        loop {
            let head = self.info(session).await?.head;
            let read = self.log.read(session, cursor, ReadLimit::default(), Filter::Control).await;
            let records = read.map_err(failed)?;
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
        let mut reader = self.followers.reader(session, cursor).await.map_err(failed)?;
        loop {
            match reader.next(ReadLimit::default()).await {
                Ok(batch) => {
                    if let Some(ended) = batch.records().iter().find_map(|record| ended(record, turn)) {
                        return Ok(ended);
                    }
                }
                // The host ends the turn once it can write again.
                Err(LogError::Unwritable { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

fn ended(record: &Record, turn: Turn) -> Option<Waited> {
    if record.kind != Kind::TurnEnded || record.turn != Some(turn) {
        return None;
    }
    Some(Waited { turn, seq: Some(record.seq), ended: record.decode::<Outcome>().ok() })
}
