//! A peer of which nothing is heard: it is asked for a sign of life, and given up when none comes.

use tokio::time::Instant;

use crate::config::KeepAlive;

/// Time of the peer's last word, and of the ping that followed it.
#[derive(Debug)]
pub(super) struct Silence {
    limits: KeepAlive,
    heard: Instant,
    pinged: Option<Instant>,
}

/// Action that is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    GiveUp,
}

impl Silence {
    pub(super) fn new(limits: KeepAlive, now: Instant) -> Self {
        Self { limits, heard: now, pinged: None }
    }

    /// Starts the time anew: something has come, or nobody has listened.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
    }

    /// Time to look again.
    pub(super) fn next(&self) -> Instant {
        let ping = self.pinged.unwrap_or(self.heard) + self.limits.ping;
        ping.min(self.heard + self.limits.lost)
    }

    /// The action that is due. Whoever looks far too late was not running, asleep perhaps: then the peer is asked
    /// again.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if now > self.next() + self.limits.ping {
            self.heard(now);
            self.pinged = Some(now);
            return Due::Ping;
        }
        if now >= self.heard + self.limits.lost {
            return Due::GiveUp;
        }
        if now < self.next() {
            return Due::Nothing;
        }
        self.pinged = Some(now);
        Due::Ping
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_silent_peer_is_pinged_again_and_again_and_then_given_up() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut silence = Silence::new(KeepAlive { ping: second * 10, lost: second * 25 }, start);
        let mut at = |seconds| (silence.due(start + second * seconds), silence.next() - start);
        assert_eq!(at(9), (Due::Nothing, second * 10));
        assert_eq!(at(10), (Due::Ping, second * 20));
        assert_eq!(at(20), (Due::Ping, second * 25));
        assert_eq!(at(25), (Due::GiveUp, second * 25));
        assert_eq!(at(40), (Due::Ping, second * 50), "nobody has looked for so long");
        silence.heard(start + second * 24);
        assert_eq!((silence.due(start + second * 25), silence.next() - start), (Due::Nothing, second * 34));
    }
}
