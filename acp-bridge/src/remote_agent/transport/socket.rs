//! A socket of a link as two channels of frames, and the task that carries them over a transport.

use std::collections::VecDeque;
use std::time::Duration;

use acp_server::codec::Input;
use acp_server::proto::CloseReason;
use acp_server::transport::{FrameReader, FrameWriter, Reading, Transport};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::remote_agent::protocol::Frame;

/// Frames on their way in each direction. A few make it cheap; the link has its own bound in bytes.
const CAPACITY: usize = 64;
/// A side that has said nothing for so long says that it is there.
const BEAT: Duration = Duration::from_secs(10);
/// A socket on which nothing came for so long is lost.
const SILENCE: Duration = Duration::from_secs(30);
/// Time limit of the goodbye.
const CLOSE: Duration = Duration::from_secs(2);

/// Bytes that a frame adds to the longest message.
const FRAMING: usize = 64;

/// Bytes of the longest frame where messages have at most `message`.
pub(crate) fn frame_limit(message: usize) -> usize {
    message.saturating_add(FRAMING)
}

/// One socket. Dropping it closes it once what it was given is written.
#[derive(Debug)]
pub(crate) struct Socket {
    incoming: mpsc::Receiver<Bytes>,
    outgoing: mpsc::Sender<Bytes>,
}

/// Event on a socket.
pub(super) enum Exchanged {
    /// Frames have come.
    Came,
    /// The frame was taken.
    Sent,
    /// Returns whether nobody carries frames any more.
    Lost,
}

/// Carries the frames of a [`Socket`].
#[derive(Debug)]
pub(crate) struct Carrier {
    incoming: mpsc::Sender<Bytes>,
    outgoing: mpsc::Receiver<Bytes>,
}

/// A socket and its carrier.
pub(crate) fn pair() -> (Socket, Carrier) {
    let (to_us, incoming) = mpsc::channel(CAPACITY);
    let (outgoing, from_us) = mpsc::channel(CAPACITY);
    (Socket { incoming, outgoing }, Carrier { incoming: to_us, outgoing: from_us })
}

impl Socket {
    /// Takes frames if it listens, or sends the one that is ready; for ever if there is neither. Cancel-safe.
    pub(super) async fn exchange(
        &mut self,
        frames: &mut Vec<Bytes>,
        ready: &mut Option<Bytes>,
        listens: bool,
    ) -> Exchanged {
        tokio::select! {
            biased;
            count = self.incoming.recv_many(frames, CAPACITY), if listens => {
                if count == 0 { Exchanged::Lost } else { Exchanged::Came }
            }
            room = self.outgoing.reserve(), if ready.is_some() => {
                let Ok(room) = room else { return Exchanged::Lost };
                if let Some(frame) = ready.take() {
                    room.send(frame);
                }
                Exchanged::Sent
            }
            else => std::future::pending().await,
        }
    }

    /// The next frame; `None` once the socket is lost. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.incoming.recv().await
    }

    /// Room for a frame, if there is some now.
    pub(super) fn room_now(&self) -> Option<mpsc::Permit<'_, Bytes>> {
        self.outgoing.try_reserve().ok()
    }

    /// Sends a frame when little has been sent before: whether it was taken.
    pub(crate) fn tell(&self, frame: &Frame) -> bool {
        self.outgoing.try_send(frame.encode()).is_ok()
    }

    /// Sends a frame and closes. A peer that reads nothing misses it.
    pub(crate) fn last(self, frame: &Frame) {
        self.tell(frame);
    }

    /// Returns whether nobody carries its frames any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.outgoing.is_closed()
    }
}

impl Carrier {
    /// Carries frames until either side is gone, or `stop`. Beats are sent and taken here.
    pub(crate) async fn run<T: Transport>(self, transport: T, limit: usize, stop: CancellationToken) {
        let (mut reader, mut writer) = transport.split(limit);
        let Self { incoming, mut outgoing } = self;
        let (mut inputs, mut taken) = (Vec::new(), Vec::new());
        let (mut arrived, mut frames) = (VecDeque::new(), VecDeque::new());
        let (mut heard, mut said) = (Instant::now(), Instant::now());
        let mut ended = false;
        loop {
            let listens = arrived.is_empty();
            if ended && listens {
                break;
            }
            let writes = !frames.is_empty();
            tokio::select! {
                () = stop.cancelled() => break,
                room = incoming.reserve(), if !listens => {
                    let Ok(room) = room else { break };
                    if let Some(frame) = arrived.pop_front() {
                        room.send(frame);
                    }
                    heard = Instant::now();
                }
                written = writer.write(&mut frames), if writes => {
                    if written.is_err() {
                        break;
                    }
                    said = Instant::now();
                }
                count = outgoing.recv_many(&mut taken, CAPACITY), if !writes => {
                    if count == 0 {
                        break;
                    }
                    frames.extend(taken.drain(..));
                }
                read = reader.read(&mut inputs), if listens => {
                    heard = Instant::now();
                    ended = !matches!(read, Ok(Reading::Open));
                    for input in inputs.drain(..) {
                        match input {
                            Input::Frame(frame) if &*frame == b"beat" => {}
                            Input::Frame(frame) => arrived.push_back(frame),
                            // Nobody can go on behind a frame that is missing.
                            Input::Refused(reason) => {
                                tracing::warn!(%reason, "a frame of a link was not taken");
                                ended = true;
                            }
                        }
                    }
                }
                () = sleep_until(said + BEAT), if !writes => frames.push_back(Frame::Beat.encode()),
                () = sleep_until(heard + SILENCE), if listens => {
                    tracing::info!("nothing came on a link's socket for {} s: it is given up", SILENCE.as_secs());
                    break;
                }
            }
        }
        // What was said before the socket was dropped.
        while let Ok(frame) = outgoing.try_recv() {
            frames.push_back(frame);
        }
        let goodbye = async {
            writer.write(&mut frames).await?;
            writer.close(&CloseReason::Local).await
        };
        // A peer that takes no goodbye notices anyway.
        let _ = timeout(CLOSE, goodbye).await;
    }
}

#[cfg(test)]
mod tests {
    use acp_server::transport::memory;
    use tokio_util::sync::CancellationToken;

    use super::{Carrier, Socket, pair};
    use crate::remote_agent::protocol::Frame;

    /// Two sockets that are connected, and what cuts them.
    fn connected() -> (Socket, Socket, CancellationToken) {
        let (left, right) = memory::pair(4);
        let stop = CancellationToken::new();
        let run = |end, carrier: Carrier| drop(tokio::spawn(carrier.run(end, 1024, stop.clone())));
        let (near, carrier) = pair();
        run(left, carrier);
        let (far, carrier) = pair();
        run(right, carrier);
        (near, far, stop)
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_with_nothing_to_say_is_kept_and_one_without_a_peer_is_given_up() {
        let (near, mut far, _stop) = connected();
        tokio::time::sleep(super::SILENCE * 4).await;
        assert!(near.tell(&Frame::Ack(1)));
        assert_eq!(far.next().await, Some(Frame::Ack(1).encode()), "beats are nobody's business");

        let (silent, _held) = memory::pair(4);
        let (mut alone, carrier) = pair();
        tokio::spawn(carrier.run(silent, 1024, CancellationToken::new()));
        assert_eq!(alone.next().await, None);
    }

    #[tokio::test]
    async fn what_was_said_before_the_end_arrives() {
        let (near, mut far, _stop) = connected();
        for number in 1..=20 {
            assert!(near.tell(&Frame::Ack(number)));
        }
        near.last(&Frame::Beat);
        for number in 1..=20 {
            assert_eq!(far.next().await, Some(Frame::Ack(number).encode()));
        }
        assert_eq!(far.next().await, None);
        assert!(far.is_lost());
    }
}
