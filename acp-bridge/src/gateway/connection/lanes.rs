//! Lanes: agents that a client adds to a session and removes from it, and which there are.

use acp_types::{ErrorObjectOwned, RawBuf, RequestId};

use super::{Connection, Then};
use crate::service::command;
use crate::view::lanes::listed;
use crate::view::refusal;
use crate::view::v1::params::Params;

impl Connection {
    /// `_acp-bridge/lane_add`: answered with the modes and options of the new agent once it serves.
    pub(super) fn lane_add(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let (lane, agent) = (params.text("lane")?, params.text("agent")?);
        self.submit(Some(session), command::lane_add(lane, agent), Then::Call { id: id.clone() });
        Ok(())
    }

    /// `_acp-bridge/lane_remove`.
    pub(super) fn lane_remove(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let lane = params.text("lane")?;
        self.submit(Some(session), command::lane_remove(lane), Then::Call { id: id.clone() });
        Ok(())
    }

    /// `_acp-bridge/lanes`: as the log has them, whatever the client wants to see of them.
    pub(super) fn lanes(&mut self, id: &RequestId, params: Params<'_>) -> Result<(), ErrorObjectOwned> {
        let session = self.attached_session(params)?;
        let Some(attached) = self.attachments.get(&session) else { return Err(refusal::not_attached(&session)) };
        let listed = RawBuf::encode(&listed(attached.state()));
        let listed = listed.map_err(|error| refusal::internal(error.to_string()));
        self.out.respond(id.clone(), listed);
        Ok(())
    }
}
