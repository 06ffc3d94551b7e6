//! The task that owns the link of one agent.

use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::memory::{MemoryReader, MemoryWriter};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::{Ended, Order};
use crate::dial::{Line, Offer, Step};
use crate::host::links::{Links, Place};
use crate::link::{Assign, Exited, Frame, Gone, Hello, Stop, Welcome};

/// Owns the link of one agent, over all sockets.
pub(super) struct Task {
    pub(super) line: Line<MemoryReader, MemoryWriter>,
    /// Number of the last message before the first of this connection.
    pub(super) base: u64,
    pub(super) instance: String,
    pub(super) hello: Hello,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    /// The same dialler on another socket.
    pub(super) sockets: mpsc::Receiver<Offer>,
    pub(super) exit: watch::Sender<Option<Ended>>,
    /// What it was told first.
    pub(super) begin: Frame,
    /// It is to stop: whether at once.
    pub(super) stopping: Option<bool>,
    /// What it was told that it serves. It is told again on each socket.
    pub(super) assigned: Option<Assign>,
    pub(super) ended: Option<Ended>,
    /// When the agent counts as gone, while the dialler is away.
    pub(super) give_up: Option<Instant>,
    pub(super) links: Arc<Links>,
}

impl Task {
    pub(super) async fn run(mut self) {
        let mut owned = true;
        // What it has said is handed on before its end is told.
        while self.ended.is_none() || !self.line.is_idle() {
            let give_up = self.give_up;
            tokio::select! {
                step = self.line.step() => self.step(step),
                order = self.orders.recv(), if owned => match order {
                    Some(Order::Stop { kill }) => self.stop(kill),
                    Some(Order::Settle(count)) => self.line.settle(self.base + count),
                    Some(Order::Assign(place)) => self.assign(place),
                    Some(Order::Leave) => {
                        self.links.ended(&self.instance);
                        return;
                    }
                    None => {
                        owned = false;
                        self.stop(true);
                    }
                },
                Some(offer) = self.sockets.recv() => self.connect(offer),
                () = sleep_until(give_up.unwrap_or_else(Instant::now)), if give_up.is_some() => self.lost(),
            }
        }
        self.finish();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Said(messages) => {
                for message in messages {
                    self.line.say(&message);
                }
            }
            // The connection is closed; what becomes of the agent is an order.
            Step::Ended => {}
            Step::Came(frames) => frames.into_iter().for_each(|frame| self.came(frame)),
            Step::Lost => {
                tracing::info!(instance = self.instance, "the dialler of an agent is away");
                self.away();
            }
        }
    }

    fn came(&mut self, frame: Frame) {
        match frame {
            Frame::Message { message, .. } => self.line.give(message),
            Frame::Exited(Exited { instance, report, stderr }) if instance == self.instance => {
                self.ended = Some(Ended { report, stderr });
            }
            other => tracing::warn!(?other, "a dialler said what it need not"),
        }
    }

    fn away(&mut self) {
        self.give_up = Some(Instant::now() + Duration::from_millis(self.hello.keep_ms));
    }

    fn lost(&mut self) {
        self.give_up = None;
        let report = format!("has been away with its dialler for {} s and counts as ended", self.hello.keep_ms / 1000);
        self.ended = Some(Ended { report, stderr: String::new() });
    }

    fn assign(&mut self, place: Place) {
        let assign = Assign { session: place.0.clone(), lane: place.1.to_string() };
        self.line.tell(&Frame::Assign(assign.clone()));
        self.assigned = Some(assign);
        self.links.serves(&self.instance, place);
    }

    fn stop(&mut self, kill: bool) {
        self.stopping = Some(kill || self.stopping == Some(true));
        self.line.tell(&Frame::Stop(Stop { instance: self.instance.clone(), kill }));
    }

    /// The dialler is back, or somebody else is in its place.
    fn connect(&mut self, offer: Offer) {
        let same = offer.hello.dialler == self.hello.dialler;
        if !same && self.line.is_connected() {
            return offer.refuse("the lane has an agent that another dialler runs; use another lane", true);
        }
        // The first frame of all got lost with its socket.
        let anew = same && offer.hello.idle && self.line.end().taken() == 0;
        if !anew && (!same || offer.hello.idle || offer.hello.instance.as_ref() != Some(&self.instance)) {
            let report = "is gone: another dialler, or the same one without it, came in its place".to_owned();
            self.line.disconnect();
            self.ended = Some(Ended { report, stderr: String::new() });
            self.links.park(offer);
            return;
        }
        let Offer { hello, socket } = offer;
        let welcome = Welcome { instance: self.instance.clone(), received: self.line.end().taken() };
        let first = if anew { self.begin.clone() } else { Frame::Welcome(welcome) };
        match self.line.connect(socket, hello.received, Some(&first)) {
            Ok(()) => {
                self.give_up = None;
                self.hello = hello;
                if let Some(assign) = &self.assigned {
                    self.line.tell(&Frame::Assign(assign.clone()));
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
        let refusal = self.links.ended(&self.instance);
        let gone = Frame::Gone(Gone { instance: self.instance.clone() });
        if let Some(socket) = self.line.disconnect() {
            match refusal {
                Some(why) => Offer { hello: self.hello, socket }.refuse(why, true),
                // It comes again, for the next agent.
                None => socket.last(&gone),
            }
        }
        let Self { line, exit, ended, .. } = self;
        // Its transport ends with this.
        drop(line);
        // Whoever held the process may have gone.
        let _ = exit.send(ended);
    }
}
