//! What a log says: its state, its records, and those to come.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};

use super::{Caller, Operation, ServiceError, SessionService, shown};
use crate::log::{self, Filter, LogError, ReadLimit, SessionInfo, Tail};
use crate::session::State;

/// A session from a cursor on. Its records are to be [`shown`] before they leave.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) tail: Tail,
    /// Where history ends.
    pub(crate) history: Seq,
}

impl SessionService {
    /// A session and the state that its log comes to.
    pub(crate) async fn get(&self, caller: &Caller, session: &SessionId) -> Result<(SessionInfo, State), ServiceError> {
        self.check(caller, Operation::Get, session)?;
        let info = self.info(session).await?;
        let (state, _) = self.fold(session).await?;
        Ok((info, state))
    }

    /// The state of a session, for its lanes.
    pub(crate) async fn lanes(&self, caller: &Caller, session: &SessionId) -> Result<State, ServiceError> {
        self.check(caller, Operation::Lanes, session)?;
        Ok(self.fold(session).await?.0)
    }

    /// Records after a cursor, and where the log ends.
    pub(crate) async fn read(
        &self,
        caller: &Caller,
        session: &SessionId,
        after: Seq,
        limit: ReadLimit,
    ) -> Result<(Vec<Arc<Record>>, Seq), ServiceError> {
        self.check(caller, Operation::Read, session)?;
        let read = self.log.read(session, after, limit, Filter::All).await;
        let records = read.map_err(|error| ServiceError::log(session, error))?;
        let head = self.info(session).await?.head;
        Ok((records.into_iter().map(shown).collect(), head))
    }

    /// Records after a cursor, and those to come.
    pub(crate) async fn follow(
        &self,
        caller: &Caller,
        session: &SessionId,
        after: Seq,
    ) -> Result<Following, ServiceError> {
        self.check(caller, Operation::Follow, session)?;
        let failed = |error| ServiceError::log(session, error);
        let tail = log::tail(Arc::clone(&self.log), session.clone(), after).await.map_err(failed)?;
        let history = self.log.head(session).await.map_err(failed)?.borrow().last;
        Ok(Following { tail, history })
    }

    /// The state as of now, and the oldest cursor that can be read.
    pub(crate) async fn fold(&self, session: &SessionId) -> Result<(State, Seq), ServiceError> {
        // What is committed up to here is in the records that are read below.
        let info = self.info(session).await?;
        let failed = |error| ServiceError::log(session, error);
        let mut state = State::default();
        loop {
            let read = self.log.read(session, state.head(), ReadLimit::default(), Filter::Control).await;
            let records = read.map_err(failed)?;
            if records.is_empty() {
                break;
            }
            for record in &records {
                state.apply(record).map_err(|error| failed(LogError::Corrupt { reason: error.to_string() }))?;
            }
        }
        state.set_head(info.head);
        Ok((state, info.oldest))
    }
}
