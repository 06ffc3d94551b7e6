//! The task that owns the link of one agent.

use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::memory::{MemoryReader, MemoryWriter};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::remote_agent::protocol::{Assign, Exited, Frame, Gone, Hello, Stop, Welcome};
use crate::remote_agent::registry::{AgentPlace, DiallerRegistry};
use crate::remote_agent::transport::{IncomingAgent, MessagePump, PumpEvent};

/// Order of the owner of the process.
#[derive(Debug)]
pub(super) enum Order {
    Stop { kill: bool },
    Settle(u64),
    Assign(AgentPlace),
    Leave,
}

/// End of the agent.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) report: String,
    pub(super) stderr: String,
}

/// The life of the agent, as far as its host can tell.
///
/// ```text
///    Here <--- lost / connected ---> Away --- too long ---> Ended
///      +--- exited, or another one came in its place -------->
/// ```
#[derive(Debug)]
pub(super) enum Life {
    /// Its dialler is connected.
    Here,
    /// Its dialler is away. If it stays away until then, the agent counts as gone.
    Away { until: Instant },
    /// The end of the agent. What it has said is handed on before that is told.
    Ended(Ended),
}

/// Owns the link of one agent, over all sockets.
pub(super) struct Task {
    pub(super) pump: MessagePump<MemoryReader, MemoryWriter>,
    /// Number of the last message before the first of this connection.
    pub(super) base: u64,
    pub(super) instance: String,
    pub(super) hello: Hello,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    /// Takes the same dialler on another socket.
    pub(super) sockets: mpsc::Receiver<IncomingAgent>,
    pub(super) exit: watch::Sender<Option<Ended>>,
    /// The frame that it was told first.
    pub(super) begin: Frame,
    /// Stops it; the argument says whether at once.
    pub(super) stopping: Option<bool>,
    /// The place that it was told to serve. It is told again on each socket.
    pub(super) assigned: Option<Assign>,
    pub(super) life: Life,
    pub(super) registry: Arc<DiallerRegistry>,
}

impl Task {
    pub(super) async fn run(mut self) {
        let mut owned = true;
        // What it has said is handed on before its end is told.
        while !matches!(self.life, Life::Ended(_)) || !self.pump.is_idle() {
            let until = if let Life::Away { until } = self.life { Some(until) } else { None };
            tokio::select! {
                event = self.pump.next() => self.pumped(event),
                order = self.orders.recv(), if owned => match order {
                    Some(Order::Stop { kill }) => self.stop(kill),
                    Some(Order::Settle(count)) => self.pump.settle(self.base + count),
                    Some(Order::Assign(place)) => self.assign(place),
                    Some(Order::Leave) => {
                        self.registry.ended(&self.instance);
                        return;
                    }
                    None => {
                        owned = false;
                        self.stop(true);
                    }
                },
                Some(incoming) = self.sockets.recv() => self.connect(incoming),
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => self.lost(),
            }
        }
        self.finish();
    }

    fn pumped(&mut self, event: PumpEvent) {
        match event {
            PumpEvent::Said(messages) => {
                for message in messages {
                    self.pump.say(&message);
                }
            }
            // The connection is closed; what becomes of the agent is an order.
            PumpEvent::Ended => {}
            PumpEvent::Came(frames) => frames.into_iter().for_each(|frame| self.came(frame)),
            PumpEvent::Lost => {
                tracing::info!(instance = self.instance, "the dialler of an agent is away");
                self.away();
            }
        }
    }

    fn came(&mut self, frame: Frame) {
        match frame {
            Frame::Message { message, .. } => self.pump.give(message),
            Frame::Exited(Exited { instance, report, stderr }) if instance == self.instance => {
                self.life = Life::Ended(Ended { report, stderr });
            }
            other => tracing::warn!(?other, "a dialler said what it need not"),
        }
    }

    fn away(&mut self) {
        if !matches!(self.life, Life::Ended(_)) {
            self.life = Life::Away { until: Instant::now() + Duration::from_millis(self.hello.keep_ms) };
        }
    }

    fn lost(&mut self) {
        let report = format!("has been away with its dialler for {} s and counts as ended", self.hello.keep_ms / 1000);
        self.life = Life::Ended(Ended { report, stderr: String::new() });
    }

    fn assign(&mut self, place: AgentPlace) {
        let assign = Assign { session: place.0.clone(), lane: place.1.to_string() };
        self.pump.tell(&Frame::Assign(assign.clone()));
        self.assigned = Some(assign);
        self.registry.serves(&self.instance, place);
    }

    fn stop(&mut self, kill: bool) {
        self.stopping = Some(kill || self.stopping == Some(true));
        self.pump.tell(&Frame::Stop(Stop { instance: self.instance.clone(), kill }));
    }

    /// The dialler is back, or somebody else is in its place.
    fn connect(&mut self, incoming: IncomingAgent) {
        let same = incoming.hello.dialler == self.hello.dialler;
        if !same && self.pump.is_connected() {
            return incoming.refuse("the lane has an agent that another dialler runs; use another lane", true);
        }
        // The first frame of all got lost with its socket.
        let anew = same && incoming.hello.idle && self.pump.end().taken() == 0;
        if !anew && (!same || incoming.hello.idle || incoming.hello.instance.as_ref() != Some(&self.instance)) {
            let report = "is gone: another dialler, or the same one without it, came in its place".to_owned();
            self.pump.disconnect();
            self.life = Life::Ended(Ended { report, stderr: String::new() });
            self.registry.park(incoming);
            return;
        }
        let IncomingAgent { hello, socket } = incoming;
        let welcome = Welcome { instance: self.instance.clone(), received: self.pump.end().taken() };
        let first = if anew { self.begin.clone() } else { Frame::Welcome(welcome) };
        match self.pump.connect(socket, hello.received, Some(&first)) {
            Ok(()) => {
                if matches!(self.life, Life::Away { .. }) {
                    self.life = Life::Here;
                }
                self.hello = hello;
                if let Some(assign) = &self.assigned {
                    self.pump.tell(&Frame::Assign(assign.clone()));
                }
                if let Some(kill) = self.stopping {
                    self.stop(kill);
                }
            }
            Err(broken) => {
                tracing::warn!(%broken, "a dialler came back with something else than it had");
                self.away();
            }
        }
    }

    /// The agent is gone, and with it the connection.
    fn finish(mut self) {
        let refusal = self.registry.ended(&self.instance);
        let gone = Frame::Gone(Gone { instance: self.instance.clone() });
        if let Some(socket) = self.pump.disconnect() {
            match refusal {
                Some(why) => IncomingAgent { hello: self.hello, socket }.refuse(why, true),
                // It comes again, for the next agent.
                None => socket.last(&gone),
            }
        }
        let Self { pump, exit, life, .. } = self;
        // Its transport ends with this.
        drop(pump);
        let ended = if let Life::Ended(ended) = life { Some(ended) } else { None };
        // Whoever held the process may have gone.
        let _ = exit.send(ended);
    }
}
