//! Requests of ours: prompts that wait, and what is done while nobody is there.

use acp_types::meta::{QUEUE, QUEUE_EDIT, QUEUE_MOVE, QUEUE_WITHDRAW, QueuedPrompt, SESSION_TRUST, SET_POLICY};
use acp_types::{ErrorObjectOwned, RawBuf, RequestId};

use super::params::Params;
use super::{Connection, Then};
use crate::gateway::refusal;
use crate::session::{Command, QueueCommand};

/// Whether a request is served here.
pub(super) fn is_ours(name: &str) -> bool {
    [QUEUE, QUEUE_EDIT, QUEUE_MOVE, QUEUE_WITHDRAW, SESSION_TRUST, SET_POLICY].contains(&name)
}

impl Connection {
    /// Serves such a request.
    pub(super) fn control(&mut self, id: &RequestId, name: &str, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let command = match name {
            QUEUE => Command::Queue(QueueCommand::List),
            QUEUE_EDIT => Command::Queue(QueueCommand::Edit { turn: params.turn("turn")?, prompt: params.content()? }),
            QUEUE_MOVE => {
                let (turn, before) = (params.turn("turn")?, params.optional_turn("before")?);
                Command::Queue(QueueCommand::Move { turn, before })
            }
            QUEUE_WITHDRAW => Command::Queue(QueueCommand::Withdraw { turn: params.turn("turn")? }),
            SESSION_TRUST => Command::Trust,
            SET_POLICY => Command::SetPolicy { unattended: params.policy()? },
            other => return Err(refusal::method_not_found(other)),
        };
        self.submit(Some(session), command, Then::Call { id: id.clone() });
        Ok(())
    }
}

/// The answer to [`QUEUE`].
pub(super) fn listed(queue: &[QueuedPrompt]) -> Result<RawBuf, ErrorObjectOwned> {
    RawBuf::encode(&serde_json::json!({ "queue": queue })).map_err(|error| refusal::internal(error.to_string()))
}
