//! The I/O of a link, for both of its ends: sockets as channels of frames, and the pump between such sockets and a program
//! that speaks ACP. What is sent, kept and sent again is decided by [`crate::remote_agent::protocol`].
//!
//! A dialler that has connected is an [`IncomingAgent`]. Whoever accepts it hands it in at the host's [`AgentDoor`]: it
//! holds a socket, so it never goes through the log.

mod pump;
mod socket;
mod stand_in;

pub(crate) use pump::{MessagePump, PumpEvent};
pub(crate) use socket::{Socket, frame_limit, pair};
pub(crate) use stand_in::{StandIn, stand_in};

use tokio::sync::mpsc;

use crate::remote_agent::protocol::{Frame, Hello, Refused};

/// Diallers that wait for the host to look at them. More are sent away, and come again.
const WAITING: usize = 64;

/// Door through which agents that dial in come to a host. A clone leads to the same host.
#[derive(Debug, Clone)]
pub struct AgentDoor(mpsc::Sender<IncomingAgent>);

impl AgentDoor {
    /// A door, and the host's side of it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<IncomingAgent>) {
        let (sender, incoming) = mpsc::channel(WAITING);
        (Self(sender), incoming)
    }

    /// Hands a dialler in. One that there is no room for, or no host, is sent away and comes again.
    pub(crate) fn hand_in(&self, incoming: IncomingAgent) {
        let (incoming, why) = match self.0.try_send(incoming) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(incoming)) => (incoming, "too many diallers wait"),
            Err(mpsc::error::TrySendError::Closed(incoming)) => (incoming, "no host serves this log"),
        };
        incoming.refuse(why, false);
    }
}

/// A dialler that has connected and said hello.
#[derive(Debug)]
pub(crate) struct IncomingAgent {
    pub(crate) hello: Hello,
    pub(crate) socket: Socket,
}

impl IncomingAgent {
    /// Sends the dialler away.
    pub(crate) fn refuse(self, why: impl Into<String>, is_final: bool) {
        self.socket.last(&Frame::Refused(Refused { why: why.into(), is_final }));
    }
}
