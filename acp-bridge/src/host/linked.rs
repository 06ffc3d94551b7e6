//! An agent at the other end of a link: its process as the host sees it, and the task that owns the link.

use std::sync::Arc;
use std::time::Duration;

use acp_server::proto::{RequestKey, Unfinished};
use acp_server::transport::Transport;
use acp_server::transport::memory::{self, Memory, MemoryReader, MemoryWriter};
use acp_types::RequestId;
use acp_types::method::{Request as _, v1};
use acp_types::record::body::AgentLink;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::links::{Links, Place};
use crate::dial::{Line, Offer, Step};
use crate::link::{Assign, End, Exited, Frame, Gone, Hello, Start, Stop, Welcome};

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
    Assign(Place),
    Leave,
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
    link: AgentLink,
}

/// An agent that an earlier host has started and that is back.
pub(super) struct Resumed {
    pub(super) transport: Memory,
    pub(super) linked: Linked,
    /// What the connection before has left open.
    pub(super) unfinished: Unfinished,
    /// The first id that the agent does not know of an earlier host.
    pub(super) first_request: u64,
    /// The number of its last message that is here already.
    pub(super) base: u64,
    /// The prompt that it has and has not answered.
    pub(super) prompt: Option<RequestKey>,
    /// Its own requests that have no answer, with the number of the message of each.
    pub(super) asked: Vec<(u64, RequestId)>,
}

impl Linked {
    /// Has a dialler start an agent. The connection's transport comes with it; it ends
    /// when the agent has ended, or when its dialler has been away for longer than it says that it keeps the agent.
    pub(super) fn start(offer: Offer, place: Option<Place>, links: &Arc<Links>) -> (Memory, Self) {
        // One that we have started for this goes by the name that we gave it.
        let instance = offer.hello.instance.clone().unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let begin = Frame::Start(Start { instance: instance.clone(), serve: links.serve() });
        Self::run(offer, &begin, End::default(), instance, place, links)
    }

    /// Goes on with an agent that an earlier host has started, of which the log has what it said up to `received`.
    pub(super) fn resume(offer: Offer, place: Place, received: u64, links: &Arc<Links>) -> Resumed {
        let hello = &offer.hello;
        let instance = hello.instance.clone().unwrap_or_default();
        // What was acknowledged left no record if the log does not have it.
        let base = received.max(hello.acknowledged);
        // An answer that is in the log has ended its turn: the prompt of the next one may never have been sent.
        let open = hello.calls.iter().filter(|call| call.answered.is_none_or(|number| number > base));
        let prompt = open
            .filter(|call| call.method == v1::Prompt::METHOD.name)
            .find_map(|call| call.id.as_u64())
            .map(RequestKey);
        let asked = hello.asked.iter().filter(|asked| asked.number <= base);
        let asked: Vec<_> = asked.map(|asked| (asked.number, asked.id.clone())).collect();
        let owed = asked.iter().map(|(_, id)| id.clone()).collect();
        let unfinished = Unfinished::new(prompt.into_iter().collect(), owed);
        let first_request = hello.calls.iter().filter_map(|call| call.id.as_u64()).max().unwrap_or(0) + 1;
        let welcome = Frame::Welcome(Welcome { instance: instance.clone(), received: base });
        let end = End::resume(hello.received, base);
        let (transport, linked) = Self::run(offer, &welcome, end, instance, Some(place), links);
        Resumed { transport, linked, unfinished, first_request, base, prompt, asked }
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
        let link = AgentLink { instance: instance.clone(), keep_ms: hello.keep_ms };
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
            assigned: None,
            ended: None,
            give_up: None,
            links: Arc::clone(links),
        };
        links.spawn(task.run());
        (theirs, Self { orders, exit, link })
    }

    /// Tells the dialler to stop the agent, politely or at once.
    pub(super) fn stop(&self, kill: bool) {
        self.order(Order::Stop { kill });
    }

    /// What it said in its first `count` messages is safe and need not be said again.
    pub(super) fn settle(&self, count: u64) {
        self.order(Order::Settle(count));
    }

    /// How it is found again by another host.
    pub(super) fn link(&self) -> AgentLink {
        self.link.clone()
    }

    /// Tells the dialler what its agent serves from now on.
    pub(super) fn assign(&self, place: &Place) {
        self.order(Order::Assign(place.clone()));
    }

    /// Lets the agent be, for the next host. The link ends here.
    pub(super) fn leave(self) {
        self.order(Order::Leave);
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
    /// What it was told that it serves. It is told again on each socket.
    assigned: Option<Assign>,
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
