//! The I/O of a link, for both of its ends: sockets as channels of frames, and a line between such sockets and a program
//! that speaks ACP. What is sent, kept and sent again is decided by [`crate::link`].
//!
//! A dialler that has connected is an [`Offer`]. Whoever accepts it hands it in at the host's [`AgentDoor`]: it holds a socket, so it
//! never goes through the log.

mod line;
mod socket;
mod stand_in;

pub(crate) use line::{Line, Step};
pub(crate) use socket::{Socket, frame_limit, pair};
pub(crate) use stand_in::{StandIn, stand_in};

use tokio::sync::mpsc;

use crate::link::{Frame, Hello, Refused};

/// Diallers that wait for the host to look at them. More are sent away, and come again.
const WAITING: usize = 64;

/// Where agents that dial in come to a host. A clone leads to the same host.
#[derive(Debug, Clone)]
pub struct AgentDoor(mpsc::Sender<Offer>);

impl AgentDoor {
    /// A door, and the host's side of it.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Offer>) {
        let (sender, offers) = mpsc::channel(WAITING);
        (Self(sender), offers)
    }

    /// Hands a dialler in. One that there is no room for, or no host, is sent away and comes again.
    pub(crate) fn hand_in(&self, offer: Offer) {
        let why = match self.0.try_send(offer) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(offer)) => (offer, "too many diallers wait"),
            Err(mpsc::error::TrySendError::Closed(offer)) => (offer, "no host serves this log"),
        };
        why.0.refuse(why.1, false);
    }
}

/// A dialler that has connected and said hello.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) hello: Hello,
    pub(crate) socket: Socket,
}

impl Offer {
    /// Sends the dialler away.
    pub(crate) fn refuse(self, why: impl Into<String>, is_final: bool) {
        self.socket.last(&Frame::Refused(Refused { why: why.into(), is_final }));
    }
}
