//! The I/O of a link, for both of its ends: sockets as channels of frames, and a line between such sockets and a program
//! that speaks ACP. What is sent, kept and sent again is decided by [`crate::link`].
//!
//! A dialler that has connected is an [`Offer`]. The gateway makes it and the log's bus takes it to the host.

mod line;
mod socket;
mod stand_in;

pub(crate) use line::{Line, Step};
pub(crate) use socket::{Socket, frame_limit, pair};
pub(crate) use stand_in::{StandIn, stand_in};

use crate::link::{Frame, Hello, Refused};

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
