//! The dialler: an agent that stays, and a connection to its bridge that comes and goes.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use acp_server::transport::child::ChildSpec;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout};

use super::agent::{Agent, Said};
use super::connect;
use crate::attach::Backoff;
use crate::cli::exit::{Exit, coded};
use crate::host::Allowed;
use crate::remote_agent::protocol::{Frame, Gone, Hello, Start, Stop, Welcome};
use crate::remote_agent::transport::Socket;

/// Time that the end of the agent, and the bridge's word that it has heard of it, have when we are told to stop.
const GOODBYE: Duration = Duration::from_secs(12);

/// A dialler with one agent at most, and one socket at most.
pub(super) struct Dialler {
    /// Our own identity, without what the agent has.
    hello: Hello,
    spec: ChildSpec,
    allowed: Arc<Allowed>,
    url: String,
    address: String,
    agent: Option<Agent>,
    /// A socket on which the bridge has not said yet what it wants.
    socket: Option<Socket>,
    /// The next socket, on its way. There is none while there is a socket.
    dialing: Option<BoxFuture<'static, Result<Socket, String>>>,
    backoff: Backoff,
    give_up: Duration,
    /// True once an agent of ours has had a session.
    serves: bool,
    /// Time since when there has been no bridge. Who has started this by hand sees at once that there is none.
    away: Option<Instant>,
}

/// Event that woke the task.
enum Woken {
    Stop,
    Dialed(Result<Socket, String>),
    Said(Option<Frame>),
    Agent(Said),
    GiveUp,
}

impl Dialler {
    /// A dialler that is about to look for its bridge.
    pub(super) fn new(
        hello: Hello,
        spec: ChildSpec,
        allowed: Allowed,
        url: String,
        address: String,
        give_up: Duration,
    ) -> Self {
        // The bridge that has started this may be gone already.
        let away = hello.once.then(Instant::now);
        Self {
            hello,
            spec,
            allowed: Arc::new(allowed),
            url,
            agent: None,
            socket: None,
            dialing: Some(connect::dial(address.clone(), Duration::ZERO).boxed()),
            address,
            backoff: Backoff::default(),
            give_up,
            serves: false,
            away,
        }
    }

    /// Serves until it is stopped, sent away or given up.
    pub(super) async fn serve(mut self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::pin!(stop);
        let mut reached = false;
        loop {
            let give_up = self.away.map(|since| since + self.give_up);
            let woken = tokio::select! {
                biased;
                () = &mut stop => Woken::Stop,
                dialed = soon(&mut self.dialing) => Woken::Dialed(dialed),
                frame = said(&mut self.socket) => Woken::Said(frame),
                did = did(&mut self.agent) => Woken::Agent(did),
                () = sleep_until(give_up.unwrap_or_else(Instant::now)), if give_up.is_some() => Woken::GiveUp,
            };
            match woken {
                Woken::Stop => {
                    self.say_goodbye().await;
                    self.leave().await;
                    return Ok(());
                }
                Woken::GiveUp => {
                    self.leave().await;
                    let seconds = self.give_up.as_secs_f64();
                    let message = format!("no bridge answered at {} for {seconds} s: the agent was stopped", self.url);
                    return Err(coded(Exit::Unreachable, message));
                }
                Woken::Dialed(Ok(socket)) => {
                    self.dialing = None;
                    reached = true;
                    self.greet(socket);
                }
                Woken::Dialed(Err(why)) => {
                    if !reached && !self.hello.once {
                        return Err(coded(Exit::Unreachable, format!("no bridge answers at {}: {why}", self.url)));
                    }
                    tracing::info!(url = self.url, why, "no bridge answers; trying again");
                    self.again();
                }
                Woken::Said(None) => self.again(),
                Woken::Said(Some(frame)) => {
                    if self.told(frame).await?.is_over() {
                        return Ok(());
                    }
                }
                Woken::Agent(Said::Lost) => self.again(),
                Woken::Agent(Said::Frames(frames)) => {
                    for frame in frames {
                        if self.told(frame).await?.is_over() {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    /// Sends our identity, and what we have, on a new socket.
    fn greet(&mut self, socket: Socket) {
        let mut hello = Hello { idle: self.agent.is_none(), ..self.hello.clone() };
        if let Some(agent) = &self.agent {
            agent.describe(&mut hello);
        }
        socket.tell(&Frame::Hello(Box::new(hello)));
        self.socket = Some(socket);
        self.away = None;
    }

    /// Dials again: there is no socket.
    fn again(&mut self) {
        self.socket = None;
        self.away.get_or_insert_with(Instant::now);
        self.dialing = Some(connect::dial(self.address.clone(), self.backoff.next()).boxed());
    }

    /// The bridge has said what it wants.
    async fn told(&mut self, frame: Frame) -> anyhow::Result<Next> {
        if matches!(frame, Frame::Start(_) | Frame::Welcome(_) | Frame::Gone(_)) {
            self.backoff.reset();
        }
        match frame {
            Frame::Start(Start { instance, serve }) => {
                self.drop_agent().await;
                let Some(socket) = self.socket.take() else { return Ok(Next::GoOn) };
                tracing::info!(instance, "the bridge wants an agent");
                self.agent = Some(Agent::start(&self.spec, instance, serve, Arc::clone(&self.allowed), socket).await?);
            }
            Frame::Welcome(Welcome { instance, received }) => self.welcomed(&instance, received).await,
            Frame::Stop(Stop { instance, kill }) => {
                if let Some(agent) = self.agent.as_mut().filter(|agent| agent.is(&instance)) {
                    agent.begin_stop(kill);
                }
            }
            Frame::Assign(assign) => {
                self.hello.session = Some(assign.session);
                self.hello.lane = Some(assign.lane);
            }
            Frame::Gone(Gone { instance }) => {
                tracing::info!(instance, "the bridge has let the agent go");
                let agent = self.agent.as_ref().filter(|agent| agent.is(&instance));
                self.serves |= agent.is_some_and(Agent::has_served);
                if let Some(why) = agent.filter(|_| !self.serves).and_then(Agent::why_it_ended) {
                    return Err(coded(Exit::Unreachable, why));
                }
                self.drop_agent().await;
                if self.hello.once {
                    return Ok(Next::Over);
                }
                self.again();
            }
            Frame::Refused(refused) if refused.is_final => {
                self.leave().await;
                return Err(coded(Exit::Failed, refused.why));
            }
            Frame::Refused(refused) => {
                tracing::warn!(why = refused.why, "the bridge does not want the agent now; trying again");
                if let Some(agent) = &mut self.agent {
                    agent.disconnect();
                }
                self.again();
            }
            other => tracing::warn!(?other, "the bridge said what is not understood here"),
        }
        Ok(Next::GoOn)
    }

    /// The agent goes on, on a new socket.
    async fn welcomed(&mut self, instance: &str, received: u64) {
        let Some(agent) = self.agent.as_mut().filter(|agent| agent.is(instance)) else { return };
        let Some(socket) = self.socket.take() else { return };
        if let Err(broken) = agent.connect(socket, received) {
            // Its log is not the one that it was.
            tracing::error!(%broken, "the bridge has lost what it had of the agent, which is stopped");
            self.drop_agent().await;
            self.again();
        }
    }

    /// Stops the agent.
    async fn drop_agent(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.stop().await;
        }
    }

    /// Stops the agent, and has the bridge hear how it ended.
    async fn say_goodbye(&mut self) {
        let Some(agent) = &mut self.agent else { return };
        agent.begin_stop(false);
        if !agent.is_connected() {
            // Nobody is there to be told: the next bridge finds out.
            return;
        }
        let heard = async {
            while let Said::Frames(frames) = agent.next().await {
                if frames.iter().any(|frame| matches!(frame, Frame::Gone(_))) {
                    break;
                }
            }
        };
        // One that does not answer finds out as well.
        let _ = timeout(GOODBYE, heard).await;
    }

    async fn leave(&mut self) {
        self.drop_agent().await;
        self.socket = None;
    }
}

/// Decision to go on or to end.
enum Next {
    GoOn,
    Over,
}

impl Next {
    fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}

async fn soon<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

/// The next frame on a socket that the agent does not have; `None` once it is lost.
async fn said(socket: &mut Option<Socket>) -> Option<Frame> {
    let Some(socket) = socket else { return pending().await };
    let frame = socket.next().await?;
    Frame::parse(&frame).inspect_err(|error| tracing::warn!(%error, "the bridge said what is no frame")).ok()
}

async fn did(agent: &mut Option<Agent>) -> Said {
    match agent {
        Some(agent) => agent.next().await,
        None => pending().await,
    }
}
