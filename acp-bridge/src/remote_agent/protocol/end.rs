//! An end of a link.

use std::collections::VecDeque;

use bytes::Bytes;

use super::frame::Frame;

/// Bytes that may wait for an acknowledgement before the sender is told to wait. What is sent is told before it is read,
/// so one message more may come on top.
const MAX_HELD: usize = 8 * 1024 * 1024;

/// A peer that does not keep to the rules, or has lost what it had: its socket is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// A message was left out.
    #[error("message {got} came where {wanted} was due")]
    Gap {
        /// The next number.
        wanted: u64,
        /// Number that came.
        got: u64,
    },
    /// Something was acknowledged, or is said to have been received, that was never sent.
    #[error("the peer has message {got}, but the last one sent is {last}")]
    Beyond {
        /// Number that the peer says.
        got: u64,
        /// The last that there is.
        last: u64,
    },
    /// The peer has acknowledged messages that it does not have any more.
    #[error("the peer lacks message {wanted}, which it has acknowledged; the oldest kept is {oldest}")]
    Forgotten {
        /// Number that it lacks.
        wanted: u64,
        /// The oldest that can be sent again.
        oldest: u64,
    },
}

/// One end: what it has sent and the peer may lack, and what it has received.
///
/// Messages are *taken* when they have come, and *settled* when they are safe; only what is settled is acknowledged, and
/// until then the peer keeps it.
#[derive(Debug)]
pub struct End {
    /// Sent and not acknowledged, as frames, oldest first.
    held: VecDeque<Bytes>,
    /// Number of the first of them.
    first: u64,
    bytes: usize,
    /// The last that has been given to the present socket; `None` without a socket.
    sent: Option<u64>,
    taken: u64,
    settled: u64,
    /// The last acknowledgement on the present socket.
    told: Option<u64>,
}

impl Default for End {
    fn default() -> Self {
        Self::resume(0, 0)
    }
}

impl End {
    /// The end of a link that was there before: the peer has what was sent up to `sent`, and up to `taken` is safe here.
    #[must_use]
    pub fn resume(sent: u64, taken: u64) -> Self {
        Self { held: VecDeque::new(), first: sent + 1, bytes: 0, sent: None, taken, settled: taken, told: None }
    }

    /// Returns whether more may be sent; else wait for an acknowledgement.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.bytes < MAX_HELD
    }

    /// Takes a message to send and returns its number. It must be UTF-8, or no socket will carry it.
    pub fn push(&mut self, message: &[u8]) -> u64 {
        let number = self.last() + 1;
        let frame = Frame::message(number, message);
        self.bytes += frame.len();
        self.held.push_back(frame);
        number
    }

    /// The number of the last message that was sent.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first + self.held.len() as u64 - 1
    }

    /// The number of the last message that has been acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.first - 1
    }

    /// The number of the last message that was taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Begins on a new socket, to a peer that has taken everything up to `received`.
    ///
    /// # Errors
    /// When that cannot be: the socket is of no use, and there is none.
    pub fn connected(&mut self, received: u64) -> Result<(), Broken> {
        self.disconnected();
        if received > self.last() {
            return Err(Broken::Beyond { got: received, last: self.last() });
        }
        if received + 1 < self.first {
            return Err(Broken::Forgotten { wanted: received + 1, oldest: self.first });
        }
        self.sent = Some(received);
        Ok(())
    }

    /// The socket is gone. What was on its way may or may not have arrived.
    pub fn disconnected(&mut self) {
        self.sent = None;
        self.told = None;
    }

    /// A message has come. Whether it is new: one that has been taken before is to be dropped.
    ///
    /// # Errors
    /// When one is missing before it.
    pub fn take(&mut self, number: u64) -> Result<bool, Broken> {
        let wanted = self.taken + 1;
        if number > wanted {
            return Err(Broken::Gap { wanted, got: number });
        }
        self.taken = self.taken.max(number);
        Ok(number == wanted)
    }

    /// Marks messages up to this number as safe here.
    pub fn settle(&mut self, number: u64) {
        self.settled = self.settled.max(number.min(self.taken));
    }

    /// The peer has what was sent up to this number, for good.
    ///
    /// # Errors
    /// When that was never sent.
    pub fn acknowledge(&mut self, number: u64) -> Result<(), Broken> {
        if number > self.last() {
            return Err(Broken::Beyond { got: number, last: self.last() });
        }
        while self.first <= number {
            let Some(frame) = self.held.pop_front() else { break };
            self.bytes -= frame.len();
            self.first += 1;
        }
        if let Some(sent) = &mut self.sent {
            *sent = (*sent).max(number);
        }
        Ok(())
    }

    /// The next frame for the present socket, if there is one.
    pub fn next_frame(&mut self) -> Option<Bytes> {
        let sent = self.sent?;
        if self.told.unwrap_or(0) < self.settled {
            self.told = Some(self.settled);
            return Some(Frame::Ack(self.settled).encode());
        }
        // At most as many as are held.
        let at = usize::try_from(sent + 1 - self.first).ok()?;
        let frame = self.held.get(at)?.clone();
        self.sent = Some(sent + 1);
        Some(frame)
    }
}

#[cfg(test)]
mod tests;
