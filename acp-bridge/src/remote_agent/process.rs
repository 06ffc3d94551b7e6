//! An agent at the other end of a link: its process as the host sees it, and the task that owns the link.

mod task;

use std::sync::Arc;
use std::time::Duration;

use acp_server::proto::{RequestKey, Unfinished};
use acp_server::transport::memory::{self, Memory};
use acp_server::transport::{Noise, Transport};
use acp_types::RequestId;
use acp_types::method::{Request as _, v1};
use acp_types::record::body::AgentLink;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use self::task::{Ended, Life, Order, Task};
use crate::remote_agent::protocol::{End, Frame, Start, Welcome};
use crate::remote_agent::registry::{AgentPlace, DiallerRegistry};
use crate::remote_agent::transport::{IncomingAgent, MessagePump};

/// Messages between the pump and the connection.
const CAPACITY: usize = 64;

/// Time that a stop may take: more than a child that does not listen takes at its dialler.
const STOP: Duration = Duration::from_secs(12);

/// Longest message, both ways.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// The process of a linked agent. Dropping it kills the agent, as soon as its dialler can be told.
#[derive(Debug)]
pub(crate) struct RemoteProcess {
    /// Not bounded: an order is a signal, and the task always takes them.
    orders: mpsc::UnboundedSender<Order>,
    exit: watch::Receiver<Option<Ended>>,
    link: AgentLink,
    noise: Noise,
}

/// An agent that an earlier host has started and that is back.
pub(crate) struct Resumed {
    pub(crate) transport: Memory,
    pub(crate) remote: RemoteProcess,
    /// Requests that the connection before has left open.
    pub(crate) unfinished: Unfinished,
    /// The first id that the agent does not know of an earlier host.
    pub(crate) first_request: u64,
    /// The number of its last message that is here already.
    pub(crate) base: u64,
    /// The prompt that it has and has not answered.
    pub(crate) prompt: Option<RequestKey>,
    /// Its own requests that have no answer, with the number of the message of each.
    pub(crate) asked: Vec<(u64, RequestId)>,
}

impl RemoteProcess {
    /// Has a dialler start an agent. The connection's transport comes with it; it ends
    /// when the agent has ended, or when its dialler has been away for longer than it says that it keeps the agent.
    pub(crate) fn start(
        incoming: IncomingAgent,
        place: Option<AgentPlace>,
        registry: &Arc<DiallerRegistry>,
    ) -> (Memory, Self) {
        // One that we have started for this goes by the name that we gave it.
        let instance = incoming.hello.instance.clone().unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
        let begin = Frame::Start(Start { instance: instance.clone(), serve: registry.serve() });
        Self::run(incoming, begin, End::default(), instance, place, registry)
    }

    /// Goes on with an agent that an earlier host has started, of which the log has what it said up to `received`.
    pub(crate) fn resume(
        incoming: IncomingAgent,
        place: AgentPlace,
        received: u64,
        registry: &Arc<DiallerRegistry>,
    ) -> Resumed {
        let hello = &incoming.hello;
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
        let (transport, remote) = Self::run(incoming, welcome, end, instance, Some(place), registry);
        Resumed { transport, remote, unfinished, first_request, base, prompt, asked }
    }

    fn run(
        incoming: IncomingAgent,
        begin: Frame,
        end: End,
        instance: String,
        place: Option<AgentPlace>,
        registry: &Arc<DiallerRegistry>,
    ) -> (Memory, Self) {
        let (theirs, ours) = memory::pair(CAPACITY);
        let noise = Noise::of(format!("agent {instance} of a dialler"));
        let theirs = theirs.noisy(noise.clone());
        let (reader, writer) = ours.split(MAX_MESSAGE);
        let (orders, ordered) = mpsc::unbounded_channel();
        let (exited, exit) = watch::channel(None);
        let sockets = registry.runs(&instance, place);
        let IncomingAgent { hello, socket } = incoming;
        let link = AgentLink { instance: instance.clone(), keep_ms: hello.keep_ms };
        let mut pump = MessagePump::new(end, reader, writer);
        let base = pump.end().taken();
        let broken = pump.connect(socket, hello.received, Some(&begin)).err();
        let life = broken.map_or(Life::Here, |broken| {
            tracing::warn!(%broken, "a dialler and its host do not fit");
            Life::Away { until: Instant::now() }
        });
        let task = Task {
            pump,
            base,
            instance,
            hello,
            orders: ordered,
            sockets,
            exit: exited,
            begin,
            stopping: None,
            assigned: None,
            life,
            registry: Arc::clone(registry),
        };
        registry.spawn(task.run());
        (theirs, Self { orders, exit, link, noise })
    }

    /// Tells the dialler to stop the agent, politely or at once.
    pub(crate) fn stop(&self, kill: bool) {
        self.order(Order::Stop { kill });
    }

    /// Marks its first `count` messages as safe: they need not be said again.
    pub(crate) fn settle(&self, count: u64) {
        self.order(Order::Settle(count));
    }

    /// Link by which another host finds it again.
    pub(crate) fn link(&self) -> AgentLink {
        self.link.clone()
    }

    /// Tells the dialler what its agent serves from now on.
    pub(crate) fn assign(&self, place: &AgentPlace) {
        self.order(Order::Assign(place.clone()));
    }

    /// Lets the agent be, for the next host. The link ends here.
    pub(crate) fn leave(self) {
        self.order(Order::Leave);
    }

    fn order(&self, order: Order) {
        // Nobody takes orders for an agent that has ended.
        let _ = self.orders.send(order);
    }

    /// Stops it politely and says how it ended. While its dialler is away that is not for long, and the dialler hears of
    /// it when it comes back.
    pub(crate) async fn shutdown(&mut self) -> String {
        self.stop(false);
        let mut exit = self.exit.clone();
        match timeout(STOP, exit.wait_for(Option::is_some)).await {
            Ok(Ok(ended)) => ended.as_ref().map(|ended| ended.report.clone()).unwrap_or_default(),
            _ => "is away with its dialler and will be stopped when that comes back".to_owned(),
        }
    }

    /// The newest lines of its stdout that are no messages.
    pub(crate) fn noise(&self) -> String {
        self.noise.tail()
    }

    /// A number that grows with those lines. Its stderr is at its dialler.
    pub(crate) fn written(&self) -> Box<dyn Fn() -> u64 + Send + Sync> {
        let noise = self.noise.clone();
        Box::new(move || noise.count())
    }

    /// The end of its stderr, once it has ended.
    pub(crate) fn stderr_tail(&self) -> String {
        self.exit.borrow().as_ref().map(|ended| ended.stderr.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
