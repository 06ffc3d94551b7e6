//! `acp-bridge attach`: an ACP agent on stdin and stdout, for editors. What passes is decided by [`crate::attach`]; here
//! are the two connections.

mod address;
mod bridge;
mod launch;
mod search;
mod side;

use std::pin::Pin;
use std::time::Duration;

use acp_server::proto::Event;
use acp_server::{Inbox, Link};
use acp_types::SessionId;
use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout_at};

use self::bridge::{Dialer, Unreachable};
use self::side::Side;
use super::args;
use super::exit::{Exit, coded};
use crate::attach::{Backoff, Relay};

pub(super) use self::launch::{DETACH, detach, this_program};

/// Time that the editor's last words have to reach the bridge once the editor has gone.
const LEAVE: Duration = Duration::from_secs(5);

/// Serves the editor until it closes stdin or somebody sends TERM. Turns go on.
pub(super) async fn run(args: args::Attach) -> anyhow::Result<()> {
    let dialer = Dialer::new(&args)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stdio = acp_server::stdio().context("attach talks to an editor on stdin and stdout")?;
    let Link { outbox, inbox } = acp_server::start(stdio, acp_server::Config::default());
    let name = format!("attach-{}", uuid::Uuid::now_v7());
    let attach = Attach {
        relay: Relay::new(&name, args.session.map(SessionId::from)),
        editor: Side::new(outbox),
        bridge: None,
        dialing: None,
        backoff: Backoff::default(),
    };
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    attach.serve(inbox, dialer, stop).await
}

struct Attach {
    relay: Relay,
    editor: Side,
    bridge: Option<(Side, Inbox)>,
    /// The next link, on its way. There is none while there is a link.
    dialing: Option<BoxFuture<'static, (Dialer, Result<Link, Unreachable>)>>,
    backoff: Backoff,
}

/// Event that woke the task.
enum Step {
    Stop,
    Written,
    Editor(Option<Vec<Event>>),
    Bridge(Option<Vec<Event>>),
    Dialed(Box<(Dialer, Result<Link, Unreachable>)>),
}

impl Attach {
    async fn serve(mut self, mut editor: Inbox, dialer: Dialer, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::pin!(stop);
        let mut resting = None;
        self.dialing = Some(dialer.dial(Duration::ZERO).boxed());
        loop {
            self.flush();
            let editor_reads = self.editor.is_idle();
            let listens = self.relay.listens() && self.bridge.as_ref().is_none_or(|(side, _)| side.is_idle());
            let step = tokio::select! {
                biased;
                () = &mut stop => Step::Stop,
                () = self.editor.written() => Step::Written,
                step = link(&mut self.bridge, editor_reads) => step,
                dialed = pending(&mut self.dialing) => Step::Dialed(Box::new(dialed)),
                events = editor.next_batch(), if listens => Step::Editor(events),
            };
            match step {
                Step::Written => {}
                Step::Stop | Step::Editor(None) => break,
                Step::Editor(Some(events)) => {
                    let gone = events.iter().any(|event| matches!(event, Event::Closed(_)));
                    events.into_iter().for_each(|event| self.relay.editor(event));
                    if gone {
                        break;
                    }
                }
                Step::Bridge(events) => self.bridge_did(events, &mut resting),
                Step::Dialed(dialed) => {
                    let (dialer, outcome) = *dialed;
                    self.dialing = None;
                    if let Err(message) = self.dialed(dialer, outcome, &mut resting) {
                        self.refuse(&mut editor, &message, stop.as_mut()).await;
                        return Err(coded(Exit::Unreachable, message));
                    }
                }
            }
        }
        self.leave().await;
        Ok(())
    }

    /// Gives either side what the relay has for it, if it can take more.
    fn flush(&mut self) {
        if self.editor.is_idle() {
            self.editor.send(self.relay.take_for_editor());
        }
        if let Some((side, _)) = &mut self.bridge
            && side.is_idle()
        {
            side.send(self.relay.take_for_bridge());
        }
    }

    fn bridge_did(&mut self, events: Option<Vec<Event>>, resting: &mut Option<Dialer>) {
        let mut gone = events.is_none();
        for event in events.into_iter().flatten() {
            if let Event::Closed(reason) = &event {
                tracing::info!(%reason, "the bridge has gone");
                gone = true;
            }
            self.relay.bridge(event);
        }
        if self.relay.is_broken() {
            tracing::warn!("the bridge refuses what it took before: connecting again");
            gone = true;
        } else if self.relay.is_ready() && !gone {
            self.backoff.reset();
        }
        if gone {
            self.bridge = None;
            self.relay.disconnected();
            self.dialing = resting.take().map(|dialer| dialer.dial(self.backoff.next()).boxed());
        }
    }

    /// Takes the link, or tries again. Fails with the reason when there is no use in that.
    fn dialed(
        &mut self,
        mut dialer: Dialer,
        outcome: Result<Link, Unreachable>,
        resting: &mut Option<Dialer>,
    ) -> Result<(), String> {
        match outcome {
            Ok(Link { outbox, inbox }) => {
                tracing::info!("connected to the bridge");
                dialer.was_reached();
                *resting = Some(dialer);
                self.bridge = Some((Side::new(outbox), inbox));
                self.relay.connected();
            }
            Err(Unreachable { message, fatal: true }) => return Err(message),
            Err(Unreachable { message, fatal: false }) => {
                tracing::warn!(reason = message, "the bridge is not to be reached: trying again");
                self.dialing = Some(dialer.dial(self.backoff.next()).boxed());
            }
        }
        Ok(())
    }

    /// There will be no link. An editor shows its user what a request is answered with, so one that has not asked anything
    /// yet is waited for.
    async fn refuse(&mut self, editor: &mut Inbox, message: &str, mut stop: Pin<&mut impl Future<Output = ()>>) {
        let deadline = Instant::now() + LEAVE;
        while !self.relay.is_asked() {
            tracing::info!(reason = message, "there is no bridge: waiting for the editor to ask for it");
            let events = tokio::select! {
                biased;
                () = &mut stop => break,
                events = timeout_at(deadline, editor.next_batch()) => events,
            };
            let Ok(Some(events)) = events else { break };
            let gone = events.iter().any(|event| matches!(event, Event::Closed(_)));
            events.into_iter().for_each(|event| self.relay.editor(event));
            if gone {
                break;
            }
        }
        self.relay.fail(message);
        self.editor.send_all(self.relay.take_for_editor(), Instant::now() + LEAVE).await;
    }

    /// The editor has gone: what it said last still gets to the bridge, if it can.
    async fn leave(mut self) {
        let deadline = Instant::now() + LEAVE;
        if let Some((mut side, _)) = self.bridge.take() {
            side.send_all(self.relay.take_for_bridge(), deadline).await;
            if !self.relay.is_idle() {
                tracing::warn!("the editor has gone before everything that it said could be passed on");
            }
            // A bridge that does not answer the goodbye is left.
            let _ = timeout_at(deadline, side.close()).await;
        }
        self.editor.send_all(self.relay.take_for_editor(), deadline).await;
    }
}

/// Waits for an event on the link, if there is one. The bridge is not read while the editor does not read.
async fn link(bridge: &mut Option<(Side, Inbox)>, editor_reads: bool) -> Step {
    let Some((side, inbox)) = bridge else { return std::future::pending().await };
    tokio::select! {
        biased;
        () = side.written() => Step::Written,
        events = inbox.next_batch(), if editor_reads => Step::Bridge(events),
    }
}

async fn pending<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
