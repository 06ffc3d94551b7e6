//! Queue and signals of an engine that lives in one process.

use std::time::Duration;

use acp_types::SessionId;
use async_trait::async_trait;
use bytes::Bytes;

use super::super::hub::Hub;
use super::super::{
    CommandId, CommandQueue, LogError, Member, MemberId, QueueError, QueuedCommand, Renewal, Signals, TakenCommand,
};
use super::Coordination;

/// An engine whose members and readers are all in this process.
pub(in crate::log) trait InProcess: Send + Sync {
    /// Leases and commands.
    fn coordination(&self) -> &Coordination;

    /// The heads that are followed.
    fn hub(&self) -> &Hub;
}

#[async_trait]
impl<L: InProcess> CommandQueue for L {
    async fn submit(&self, command: QueuedCommand) -> Result<Bytes, QueueError> {
        self.coordination().submit(command).await
    }

    async fn take(&self, host: &MemberId) -> Result<Vec<TakenCommand>, LogError> {
        self.coordination().take(host).await
    }

    async fn answer(&self, command: &CommandId, answer: Bytes) -> Result<(), LogError> {
        self.coordination().answer(command, answer);
        Ok(())
    }
}

#[async_trait]
impl<L: InProcess> Signals for L {
    async fn renew(&self, member: &Member, term: Duration) -> Result<Renewal, LogError> {
        self.coordination().renew(member, term)
    }

    async fn leave(&self, member: &MemberId) -> Result<(), LogError> {
        self.coordination().leave(member);
        Ok(())
    }

    async fn is_followed(&self, session: &SessionId) -> Result<bool, LogError> {
        Ok(self.hub().is_followed(session))
    }

    async fn fault(&self, session: &SessionId, reason: &str) {
        self.hub().fault(session, reason);
    }
}
