//! An agent at the other end of a link: its process as the host sees it, and the task that owns the link.

use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::Transport;
use acp_server::transport::memory::{self, Memory, MemoryReader, MemoryWriter};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::links::{Links, Place};
use crate::dial::{Line, Offer, Step};
use crate::link::{End, Exited, Frame, Gone, Hello, Start, Stop, Welcome};

/// Messages between the line and the connection.
const CAPACITY: usize = 64;

/// How long a stop may take: more than a child that does not listen takes at its dialler.
const STOP: Duration = Duration::from_secs(12);

/// Longest message, both ways.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// What the owner of a [`Linked`] wants.
#[derive(Debug)]
enum Order {
    Stop { kill: bool },
    Settle(u64),
}

/// How the agent has ended.
#[derive(Debug, Clone)]
struct Ended {
    report: String,
    stderr: String,
}

/// The process of a linked agent. Dropping it kills the agent, as soon as its dialler can be told.
#[derive(Debug)]
pub(super) struct Linked {
    /// Not bounded: an order is a signal, and the task always takes them.
    orders: mpsc::UnboundedSender<Order>,
    exit: watch::Receiver<Option<Ended>>,
}

impl Linked {
    /// Has a dialler start an agent. The connection's transport comes with it; it ends
    /// when the agent has ended, or when its dialler has been away for longer than it says that it keeps the agent.
    pub(super) fn start(offer: Offer, place: Option<Place>, links: &Arc<Links>) -> (Memory, Self) {
        let instance = uuid::Uuid::now_v7().to_string();
        let begin = Frame::Start(Start { instance: instance.clone(), serve: links.serve() });
        Self::run(offer, &begin, End::default(), instance, place, links)
    }

    fn run(
        offer: Offer,
        begin: &Frame,
        end: End,
        instance: String,
        place: Option<Place>,
        links: &Arc<Links>,
    ) -> (Memory, Self) {
        let (theirs, ours) = memory::pair(CAPACITY);
        let (reader, writer) = ours.split(MAX_MESSAGE);
        let (orders, ordered) = mpsc::unbounded_channel();
        let (exited, exit) = watch::channel(None);
        let sockets = links.runs(&instance, place);
        let Offer { hello, socket } = offer;
        let mut line = Line::new(end, reader, writer);
        let base = line.end().taken();
        if let Err(broken) = line.connect(socket, hello.received, Some(begin)) {
            tracing::warn!(%broken, "a dialler and its host do not fit");
        }
        let task = Task {
            line,
            base,
            instance,
            hello,
            orders: ordered,
            sockets,
            exit: exited,
            stopping: None,
            ended: None,
            give_up: None,
            links: Arc::clone(links),
        };
        links.spawn(task.run());
        (theirs, Self { orders, exit })
    }

    /// Tells the dialler to stop the agent, politely or at once.
    pub(super) fn stop(&self, kill: bool) {
        self.order(Order::Stop { kill });
    }

    /// What it said in its first `count` messages is safe and need not be said again.
    pub(super) fn settle(&self, count: u64) {
        self.order(Order::Settle(count));
    }

    fn order(&self, order: Order) {
        // Nobody takes orders for an agent that has ended.
        let _ = self.orders.send(order);
    }

    /// Stops it politely and says how it ended. While its dialler is away that is not for long, and the dialler hears of
    /// it when it comes back.
    pub(super) async fn shutdown(&mut self) -> String {
        self.stop(false);
        let mut exit = self.exit.clone();
        match timeout(STOP, exit.wait_for(Option::is_some)).await {
            Ok(Ok(ended)) => ended.as_ref().map(|ended| ended.report.clone()).unwrap_or_default(),
            _ => "is away with its dialler and will be stopped when that comes back".to_owned(),
        }
    }

    /// The end of its stderr, once it has ended.
    pub(super) fn stderr_tail(&self) -> String {
        self.exit.borrow().as_ref().map(|ended| ended.stderr.clone()).unwrap_or_default()
    }
}

/// Owns the link of one agent, over all sockets.
struct Task {
    line: Line<MemoryReader, MemoryWriter>,
    /// Number of the last message before the first of this connection.
    base: u64,
    instance: String,
    hello: Hello,
    orders: mpsc::UnboundedReceiver<Order>,
    /// The same dialler on another socket.
    sockets: mpsc::Receiver<Offer>,
    exit: watch::Sender<Option<Ended>>,
    /// It is to stop: whether at once.
    stopping: Option<bool>,
    ended: Option<Ended>,
    /// When the agent counts as gone, while the dialler is away.
    give_up: Option<Instant>,
    links: Arc<Links>,
}

impl Task {
    async fn run(mut self) {
        let mut owned = true;
        // What it has said is handed on before its end is told.
        while self.ended.is_none() || !self.line.is_idle() {
            let give_up = self.give_up;
            tokio::select! {
                step = self.line.step() => self.step(step),
                order = self.orders.recv(), if owned => match order {
                    Some(Order::Stop { kill }) => self.stop(kill),
                    Some(Order::Settle(count)) => self.line.settle(self.base + count),
                    None => {
                        owned = false;
                        self.stop(true);
                    }
                },
                Some(offer) = self.sockets.recv() => self.connect(offer),
                () = sleep_until(give_up.unwrap_or_else(Instant::now)), if give_up.is_some() => self.lost(),
            }
            if self.line.is_idle() {
                self.line.settle(self.line.end().taken());
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
            other => tracing::debug!(?other, "a dialler said what it need not"),
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
        if !same || offer.hello.instance.as_ref() != Some(&self.instance) {
            let report = "is gone: another dialler, or the same one without it, came in its place".to_owned();
            self.line.disconnect();
            self.ended = Some(Ended { report, stderr: String::new() });
            self.links.park(offer);
            return;
        }
        let Offer { hello, socket } = offer;
        let welcome = Welcome { instance: self.instance.clone(), received: self.line.end().taken() };
        match self.line.connect(socket, hello.received, Some(&Frame::Welcome(welcome))) {
            Ok(()) => {
                self.give_up = None;
                self.hello = hello;
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
