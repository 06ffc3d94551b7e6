//! Two ends with sockets between them that break wherever a seed says.

use std::collections::VecDeque;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Broken, End};
use crate::remote_agent::protocol::Frame;

/// One direction of a socket.
type Pipe = VecDeque<Bytes>;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The left or right side sends so many messages.
    Send(bool, u8),
    /// One side's frames go onto the socket.
    Write(bool, u8),
    /// One side reads a frame.
    Read(bool, u8),
    /// One side has what it took so far in a safe place.
    Settle(bool),
    /// The socket breaks and both sides know; what is on its way is lost. A new one comes.
    Cut,
    /// The right side restarts: it has what is settled and nothing else.
    Restart,
    /// The last frame that one side has read comes again.
    Again(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let side = any::<bool>();
    let step = prop_oneof![
        4 => (side, 1..5_u8).prop_map(|(side, n)| Step::Send(side, n)),
        4 => (side, 1..7_u8).prop_map(|(side, n)| Step::Write(side, n)),
        4 => (side, 1..7_u8).prop_map(|(side, n)| Step::Read(side, n)),
        3 => side.prop_map(Step::Settle),
        1 => Just(Step::Cut),
        1 => Just(Step::Restart),
        1 => side.prop_map(Step::Again),
    ];
    prop::collection::vec(step, 0..200)
}

/// One side: its end, and what it has been sent and has taken.
#[derive(Default)]
struct Peer {
    end: End,
    sent: u64,
    got: Vec<u64>,
    /// Part of `got` that a restart leaves.
    safe: usize,
    last_read: Option<Bytes>,
}

impl Peer {
    fn read(&mut self, frame: Bytes) {
        match Frame::parse(&frame).expect("a frame that was written") {
            Frame::Message { number, message } => {
                if self.end.take(number).expect("no message is missing") {
                    self.got.push(std::str::from_utf8(&message).unwrap().parse().unwrap());
                }
            }
            Frame::Ack(number) => self.end.acknowledge(number).expect("what was sent"),
            other => panic!("{other:?}"),
        }
        self.last_read = Some(frame);
    }
}

/// The sides, left first, and what is on its way to each.
#[derive(Default)]
struct World {
    peers: [Peer; 2],
    to: [Pipe; 2],
}

impl World {
    fn connect(&mut self) {
        self.to.iter_mut().for_each(VecDeque::clear);
        let taken = [self.peers[0].end.taken(), self.peers[1].end.taken()];
        self.peers[0].end.connected(taken[1]).expect("the right side lacks nothing that is gone");
        self.peers[1].end.connected(taken[0]).expect("the left side lacks nothing that is gone");
        self.peers.iter_mut().for_each(|peer| peer.last_read = None);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send(right, count) => {
                let peer = &mut self.peers[usize::from(right)];
                for _ in 0..count {
                    peer.sent += 1;
                    assert_eq!(peer.end.push(peer.sent.to_string().as_bytes()), peer.sent);
                }
            }
            Step::Write(right, count) => {
                for _ in 0..count {
                    let Some(frame) = self.peers[usize::from(right)].end.next_frame() else { break };
                    self.to[usize::from(!right)].push_back(frame);
                }
            }
            Step::Read(right, count) => {
                for _ in 0..count {
                    let Some(frame) = self.to[usize::from(right)].pop_front() else { break };
                    self.peers[usize::from(right)].read(frame);
                }
            }
            Step::Settle(right) => {
                let peer = &mut self.peers[usize::from(right)];
                peer.end.settle(peer.end.taken());
                peer.safe = peer.got.len();
            }
            Step::Cut => self.connect(),
            Step::Restart => {
                // What it had sent and not been told of is known by what the left side has.
                let has = self.peers[0].end.taken();
                let right = &mut self.peers[1];
                right.got.truncate(right.safe);
                right.end = End::resume(has, right.safe as u64);
                right.sent = has;
                self.connect();
            }
            Step::Again(right) => {
                let peer = &mut self.peers[usize::from(right)];
                if let Some(frame) = peer.last_read.clone() {
                    peer.read(frame);
                }
            }
        }
    }

    /// Until nobody has anything left to say.
    fn finish(&mut self) {
        self.connect();
        loop {
            for right in [false, true] {
                self.step(Step::Settle(right));
                self.step(Step::Write(right, u8::MAX));
            }
            if self.to.iter().all(VecDeque::is_empty) {
                break;
            }
            for right in [false, true] {
                self.step(Step::Read(right, u8::MAX));
            }
        }
    }
}

proptest! {
    #[test]
    fn each_side_gets_everything_once_and_in_order_wherever_sockets_break(steps in steps()) {
        let mut world = World::default();
        world.connect();
        for step in steps {
            world.step(step);
            for peer in &world.peers {
                prop_assert!(peer.got.iter().copied().eq(1..=peer.got.len() as u64));
            }
        }
        world.finish();
        for (at, peer) in world.peers.iter().enumerate() {
            prop_assert_eq!(peer.got.len() as u64, world.peers[1 - at].sent);
            prop_assert_eq!(peer.end.bytes, 0, "nothing is kept that has been acknowledged");
        }
    }
}

#[test]
fn a_side_that_is_not_answered_is_told_to_wait_and_then_to_go_on() {
    let mut end = End::default();
    let message = vec![b'x'; 1024 * 1024];
    while end.has_room() {
        end.push(&message);
    }
    assert_eq!(end.last(), 8);
    end.acknowledge(1).unwrap();
    assert!(end.has_room());
}

#[test]
fn a_peer_that_breaks_the_rules_is_found_out() {
    let mut end = End::default();
    assert_eq!(end.take(2), Err(Broken::Gap { wanted: 1, got: 2 }));
    assert_eq!(end.take(0), Ok(false));
    assert_eq!(end.acknowledge(1), Err(Broken::Beyond { got: 1, last: 0 }));
    assert_eq!(end.connected(1), Err(Broken::Beyond { got: 1, last: 0 }));
    end.push(b"a");
    end.push(b"b");
    end.acknowledge(2).unwrap();
    assert_eq!(end.connected(0), Err(Broken::Forgotten { wanted: 1, oldest: 3 }));
    assert_eq!(end.next_frame(), None, "there is no socket");
}

#[test]
fn only_what_is_safe_is_acknowledged() {
    let mut end = End::default();
    end.connected(0).unwrap();
    assert_eq!(end.take(1), Ok(true));
    assert_eq!(end.next_frame(), None);
    end.settle(5);
    assert_eq!(end.next_frame(), Some(Frame::Ack(1).encode()));
    assert_eq!(end.next_frame(), None);
    end.connected(0).unwrap();
    assert_eq!(end.next_frame(), Some(Frame::Ack(1).encode()), "a new socket hears of it again");
}
