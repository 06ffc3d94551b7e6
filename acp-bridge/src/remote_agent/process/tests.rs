//! An agent's link at the host, with a dialler and a connection that are played by hand.

use std::collections::VecDeque;
use std::sync::Arc;

use acp_server::codec::Input;
use acp_server::transport::memory::{self, Memory, MemoryReader, MemoryWriter};
use acp_server::transport::{FrameReader, FrameWriter, Transport};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::RemoteProcess;
use crate::remote_agent::protocol::{Exited, Frame, Hello, VERSION};
use crate::remote_agent::registry::{AgentPlace, DiallerRegistry};
use crate::remote_agent::transport::{IncomingAgent, pair};
use crate::session::Services;

/// The other end of a socket, or of the connection.
struct Peer {
    reader: MemoryReader,
    writer: MemoryWriter,
    read: VecDeque<Bytes>,
}

impl Peer {
    fn new(end: Memory) -> Self {
        let (reader, writer) = end.split(1024 * 1024);
        Self { reader, writer, read: VecDeque::new() }
    }

    async fn write(&mut self, bytes: impl Into<Bytes>) {
        self.writer.write(&mut VecDeque::from([bytes.into()])).await.unwrap();
    }

    async fn say(&mut self, frame: Frame) {
        self.write(frame.encode()).await;
    }

    /// The next frame; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        let mut inputs = Vec::new();
        while self.read.is_empty() {
            self.reader.read(&mut inputs).await.unwrap();
            if inputs.is_empty() {
                return None;
            }
            self.read.extend(inputs.drain(..).filter_map(|input| match input {
                Input::Frame(frame) => Some(frame),
                Input::Refused(_) => None,
            }));
        }
        self.read.pop_front()
    }

    async fn hears(&mut self) -> Frame {
        Frame::parse(&self.next().await.expect("a frame")).unwrap()
    }
}

fn dials(hello: Hello) -> (IncomingAgent, Peer) {
    let (near, far) = memory::pair(64);
    let (socket, carrier) = pair();
    tokio::spawn(carrier.run(near, 1024 * 1024, CancellationToken::new()));
    (IncomingAgent { hello, socket }, Peer::new(far))
}

fn hello(dialler: &str) -> Hello {
    Hello {
        version: VERSION,
        dialler: dialler.into(),
        session: Some("s".into()),
        lane: Some("far".into()),
        keep_ms: 60_000,
        idle: true,
        ..Hello::default()
    }
}

fn place() -> AgentPlace {
    ("s".into(), "far".into())
}

/// A dialler that is told to start an agent, and what the agent's name is.
async fn started(registry: &Arc<DiallerRegistry>) -> (Peer, Peer, RemoteProcess, String) {
    let (incoming, mut dialler) = dials(hello("d1"));
    let (transport, remote) = RemoteProcess::start(incoming, Some(place()), registry);
    let Frame::Start(start) = dialler.hears().await else { panic!("it is to start") };
    (dialler, Peer::new(transport), remote, start.instance)
}

fn message(number: u64) -> Frame {
    Frame::Message { number, message: Bytes::from(number.to_string()) }
}

#[tokio::test]
async fn what_the_agent_says_is_acknowledged_when_it_is_safe_and_not_before() {
    let registry = DiallerRegistry::new(Services::default());
    let (mut dialler, mut connection, remote, instance) = started(&registry).await;
    for number in 1..=3 {
        dialler.say(message(number)).await;
        assert_eq!(connection.next().await.unwrap(), number.to_string());
    }
    remote.settle(2);
    assert_eq!(dialler.hears().await, Frame::Ack(2));
    // Another socket: nothing is to come again that is here, and what is not safe stays with the dialler.
    drop(dialler);
    let (incoming, mut dialler) = dials(Hello { idle: false, instance: Some(instance), ..hello("d1") });
    registry.arrives(incoming);
    let Frame::Welcome(welcome) = dialler.hears().await else { panic!("it is welcome") };
    assert_eq!(welcome.received, 3);
    assert_eq!(dialler.hears().await, Frame::Ack(2));
}

#[tokio::test]
async fn a_dialler_that_never_heard_that_it_is_to_start_is_told_again() {
    let registry = DiallerRegistry::new(Services::default());
    let (dialler, mut connection, _remote, instance) = started(&registry).await;
    connection.write("initialize").await;
    drop(dialler);
    let (incoming, mut dialler) = dials(hello("d1"));
    registry.arrives(incoming);
    let Frame::Start(start) = dialler.hears().await else { panic!("it is to start") };
    assert_eq!(start.instance, instance);
    assert_eq!(dialler.hears().await, Frame::Message { number: 1, message: Bytes::from_static(b"initialize") });
}

#[tokio::test]
async fn another_dialler_is_refused_until_the_first_is_away() {
    let registry = DiallerRegistry::new(Services::default());
    let (dialler, mut connection, mut remote, _) = started(&registry).await;
    let (incoming, mut other) = dials(hello("d2"));
    registry.arrives(incoming);
    assert!(matches!(other.hears().await, Frame::Refused(refused) if refused.is_final));
    drop(dialler);
    let mut report = String::new();
    while report.is_empty() {
        // The host may not have noticed yet.
        let (incoming, mut other) = dials(hello("d2"));
        registry.arrives(incoming);
        tokio::select! {
            refused = other.hears() => assert!(matches!(refused, Frame::Refused(_))),
            said = connection.next() => {
                assert_eq!(said, None, "the agent is gone");
                report = remote.shutdown().await;
            }
        }
    }
    assert!(report.contains("another dialler"), "{report}");
    assert!(
        registry.take(&place(), std::time::Duration::from_secs(5)).await.is_some(),
        "it waits for an agent to be wanted"
    );
}

#[tokio::test]
async fn the_end_of_the_agent_comes_behind_everything_that_it_said() {
    let registry = DiallerRegistry::new(Services::default());
    let (mut dialler, mut connection, mut remote, instance) = started(&registry).await;
    dialler.say(message(1)).await;
    dialler.say(message(2)).await;
    let (report, stderr) = ("exited with code 3".to_owned(), "why".to_owned());
    dialler.say(Frame::Exited(Exited { instance: instance.clone(), report: report.clone(), stderr })).await;
    assert_eq!(connection.next().await.unwrap(), "1");
    assert_eq!(connection.next().await.unwrap(), "2");
    assert_eq!(connection.next().await, None);
    assert_eq!((remote.shutdown().await, remote.stderr_tail().as_str()), (report, "why"));
    assert!(matches!(dialler.hears().await, Frame::Gone(gone) if gone.instance == instance));
}

#[tokio::test(start_paused = true)]
async fn an_agent_whose_dialler_stays_away_counts_as_gone() {
    let registry = DiallerRegistry::new(Services::default());
    let (dialler, mut connection, mut remote, _) = started(&registry).await;
    drop(dialler);
    assert_eq!(connection.next().await, None);
    assert!(remote.shutdown().await.contains("60 s"));
}

#[tokio::test]
async fn dropping_the_process_kills_the_agent() {
    let registry = DiallerRegistry::new(Services::default());
    let (mut dialler, _connection, remote, instance) = started(&registry).await;
    drop(remote);
    assert!(matches!(dialler.hears().await, Frame::Stop(stop) if stop.kill && stop.instance == instance));
}
