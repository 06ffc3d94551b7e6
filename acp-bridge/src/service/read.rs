//! Reading of a log: its state, its records, and those to come.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::{Record, Seq};

use super::follower::{FollowerReader, Snapshot};
use super::{Caller, Operation, ServiceError, SessionService, shown};
use crate::log::{Filter, ReadLimit, SessionInfo};
use crate::session::{LaneState, State};

impl SessionService {
    /// A session and the state that its log comes to.
    pub(crate) async fn get(
        &self,
        caller: &Caller,
        session: &SessionId,
    ) -> Result<(SessionInfo, Snapshot), ServiceError> {
        self.check(caller, Operation::Get, session)?;
        let info = self.info(session).await?;
        Ok((info, self.snapshot(session).await?))
    }

    /// Returns whether a session has an agent that is there.
    pub(crate) async fn is_open(&self, caller: &Caller, session: &SessionId) -> Result<bool, ServiceError> {
        let (_, snapshot) = self.get(caller, session).await?;
        Ok(snapshot.state.lanes().any(LaneState::agent_alive))
    }

    /// The state of a session, for its lanes.
    pub(crate) async fn lanes(&self, caller: &Caller, session: &SessionId) -> Result<Arc<State>, ServiceError> {
        self.check(caller, Operation::Lanes, session)?;
        Ok(self.snapshot(session).await?.state)
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

    /// Records after a cursor, and those to come. They are to be [`shown()`] before they leave.
    pub(crate) async fn follow(
        &self,
        caller: &Caller,
        session: &SessionId,
        after: Seq,
    ) -> Result<FollowerReader, ServiceError> {
        self.check(caller, Operation::Follow, session)?;
        self.followers.reader(session, after).await.map_err(|error| ServiceError::log(session, error))
    }

    /// A session as of now, for whoever has been found to be allowed to look.
    pub(crate) async fn snapshot(&self, session: &SessionId) -> Result<Snapshot, ServiceError> {
        self.followers.snapshot(session).await.map_err(|error| ServiceError::log(session, error))
    }
}
