//! Task that serves one agent.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use acp_server::Outbox;
use acp_types::v1::{
    CreateTerminalRequest, CreateTerminalResponse, ReadTextFileResponse, TerminalId, TerminalOutputResponse,
    WaitForTerminalExitResponse,
};
use acp_types::{Raw, RawBuf, RawError, RequestId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::decode::{Wanted, wanted};
use super::files;
use super::limits::Limits;
use super::lines::Lines;
use super::refusal::Refusal;
use super::roots::{Allowed, Roots};
use super::terminal::Terminal;
use super::{launch, printer};
use crate::session::HOST_TERMINAL;

/// Requests that hold text in memory and are worked on, or whose answer the agent has not taken yet.
const AT_ONCE: usize = 4;

/// Order of the session's task.
#[derive(Debug)]
pub(super) enum Order {
    Serve {
        id: RequestId,
        method: String,
        params: Option<RawBuf>,
    },
    Withdraw(RequestId),
    /// A tool call, by its id as JSON, shows these terminals.
    Show {
        call: RawBuf,
        terminals: Vec<String>,
    },
}

/// Result of one of the tasks below.
#[derive(Debug)]
enum Step {
    /// An answer. Its text may be long: the permit is given back when the agent has taken it.
    Answer { id: RequestId, answer: Answer, permit: Option<OwnedSemaphorePermit> },
    /// A command that runs; the agent may speak of it as soon as it has the answer.
    Started { id: RequestId, started: Result<Terminal, Refusal> },
    /// The agent has an answer, or takes none any more; its request's params had so many bytes.
    Sent(usize),
}

type Answer = Result<RawBuf, Refusal>;

/// A request that has no answer yet.
#[derive(Debug)]
struct Open {
    bytes: usize,
    withdrawn: CancellationToken,
}

#[derive(Debug)]
pub(super) struct Server {
    limits: Limits,
    /// The agent's own id of it.
    session: String,
    outbox: Outbox,
    /// Takes what shown terminals print.
    printed: mpsc::Sender<RawBuf>,
    roots: Arc<Roots>,
    open: HashMap<RequestId, Open>,
    /// Answers that are being sent. The agent may have one before that is known here, and use its id again.
    sending: usize,
    /// Bytes of the params of all that is open or whose answer is being sent.
    bytes: usize,
    heavy: Arc<Semaphore>,
    terminals: HashMap<TerminalId, Terminal>,
    /// Commands that are being started.
    starting: usize,
    last_terminal: u64,
    tasks: JoinSet<Step>,
}

impl Server {
    pub(super) fn new(limits: Limits, session: String, outbox: Outbox, printed: mpsc::Sender<RawBuf>) -> Self {
        Self {
            limits,
            session,
            outbox,
            printed,
            roots: Arc::new(Roots::open(&[], &Allowed::default())),
            open: HashMap::new(),
            sending: 0,
            bytes: 0,
            heavy: Arc::new(Semaphore::new(AT_ONCE)),
            terminals: HashMap::new(),
            starting: 0,
            last_terminal: 0,
            tasks: JoinSet::new(),
        }
    }

    /// Serves in these directories, the working directory first, and in what is allowed beside, until nobody gives orders
    /// any more; then ends every command.
    pub(super) async fn run(
        mut self,
        directories: Vec<PathBuf>,
        allowed: Arc<Allowed>,
        mut orders: mpsc::Receiver<Order>,
    ) {
        match spawn_blocking(move || Roots::open(&directories, &allowed)).await {
            Ok(roots) => self.roots = Arc::new(roots),
            // The runtime goes down.
            Err(_) => return,
        }
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Serve { id, method, params }) => self.serve(id, &method, params.as_ref()),
                    Some(Order::Withdraw(id)) => {
                        if let Some(open) = self.open.get(&id) {
                            open.withdrawn.cancel();
                        }
                    }
                    Some(Order::Show { call, terminals }) => self.show(&call, terminals),
                    None => break,
                },
                Some(step) = self.tasks.join_next() => match step {
                    Ok(step) => self.step(step),
                    Err(error) => tracing::error!(%error, "a service for an agent failed"),
                },
            }
        }
        self.tasks.shutdown().await;
        let mut stopping: JoinSet<()> = self.terminals.into_values().map(Terminal::stop).collect();
        while stopping.join_next().await.is_some() {}
    }

    /// An id that is in use is not looked at twice: an answer to the second could not be told from the first's.
    fn serve(&mut self, id: RequestId, method: &str, params: Option<&RawBuf>) {
        if self.open.contains_key(&id) {
            return;
        }
        let bytes = params.map_or(0, |params| params.as_str().len());
        let others = self.open.len() + self.sending;
        let full = others > 0 && (others >= self.limits.open || self.bytes + bytes > self.limits.open_bytes);
        let refused = full.then_some(Refusal::Busy(others));
        let withdrawn = CancellationToken::new();
        self.open.insert(id.clone(), Open { bytes, withdrawn: withdrawn.clone() });
        self.bytes += bytes;
        let params = params.map_or(Raw::EMPTY_OBJECT, RawBuf::as_raw);
        let wanted = refused.map_or_else(|| wanted(method, params, &self.session), Err);
        match wanted.and_then(|wanted| self.carry_out(&id, wanted, withdrawn)) {
            // A task does it.
            Ok(None) => {}
            Ok(Some(answer)) => self.answer(id, Ok(answer), None),
            Err(refusal) => self.answer(id, Err(refusal), None),
        }
    }

    /// Does what is wanted, or begins to.
    fn carry_out(
        &mut self,
        id: &RequestId,
        wanted: Wanted,
        withdrawn: CancellationToken,
    ) -> Result<Option<RawBuf>, Refusal> {
        let limits = self.limits;
        let done = || Some(Raw::EMPTY_OBJECT.to_owned());
        match wanted {
            Wanted::Read { path, line, limit } => {
                let lines = Lines::new(line, limit, limits.read);
                self.with_files(id, move |roots| {
                    let text = files::read(roots, &path, lines, limits.read)?;
                    Ok(RawBuf::encode(&ReadTextFileResponse::new(text))?)
                });
                Ok(None)
            }
            Wanted::Write { path, text } => {
                self.with_files(id, move |roots| {
                    files::write(roots, &path, &text, limits.write)?;
                    Ok(Raw::EMPTY_OBJECT.to_owned())
                });
                Ok(None)
            }
            Wanted::Create(request) => self.create(id, *request).map(|()| None),
            Wanted::Output(terminal) => {
                let terminal = self.terminal(&terminal)?;
                // In this order: an end that is reported has all of the output with it.
                let exited = terminal.exited();
                let (text, cut) = terminal.output();
                let output = TerminalOutputResponse::new(text, cut).exit_status(exited);
                Ok(Some(RawBuf::encode(&output)?))
            }
            Wanted::Wait(terminal) => {
                let end = self.terminal(&terminal)?.end();
                let id = id.clone();
                self.tasks.spawn(async move {
                    let answer = tokio::select! {
                        biased;
                        exit = end => RawBuf::encode(&WaitForTerminalExitResponse::new(exit)).map_err(Refusal::from),
                        () = withdrawn.cancelled() => Err(Refusal::Withdrawn),
                    };
                    Step::Answer { id, answer, permit: None }
                });
                Ok(None)
            }
            Wanted::Kill(terminal) => {
                self.terminal(&terminal)?.kill();
                Ok(done())
            }
            Wanted::Release(terminal) => {
                let gone = || Refusal::NoTerminal(terminal.to_string());
                let released = self.terminals.remove(&terminal).ok_or_else(gone)?;
                let id = id.clone();
                // Who is told that it is released may count on it.
                self.tasks.spawn(async move {
                    released.stop().await;
                    Step::Answer { id, answer: Ok(Raw::EMPTY_OBJECT.to_owned()), permit: None }
                });
                Ok(None)
            }
        }
    }

    /// Tells what these terminals print.
    fn show(&mut self, call: &RawBuf, terminals: Vec<String>) {
        for id in terminals {
            let Some(terminal) = self.terminals.get_mut(&TerminalId::new(id.clone())) else { continue };
            let (session, call) = (self.session.clone(), call.clone());
            terminal.show(move |text| printer::told(&session, &call, &id, text), self.printed.clone());
        }
    }

    /// Works on files in a thread that may block.
    fn with_files(&mut self, id: &RequestId, work: impl FnOnce(&Roots) -> Answer + Send + 'static) {
        let (id, roots, heavy) = (id.clone(), Arc::clone(&self.roots), Arc::clone(&self.heavy));
        self.tasks.spawn(async move {
            // It is never closed.
            let permit = heavy.acquire_owned().await.ok();
            let answer = spawn_blocking(move || work(&roots)).await.unwrap_or_else(|error| Err(error.into()));
            Step::Answer { id, answer, permit }
        });
    }

    fn create(&mut self, id: &RequestId, request: CreateTerminalRequest) -> Result<(), Refusal> {
        let count = self.terminals.len() + self.starting;
        if count >= self.limits.terminals {
            return Err(Refusal::ManyTerminals(count));
        }
        self.starting += 1;
        let limit = request.output_byte_limit.map_or(self.limits.output, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX).min(self.limits.max_output)
        });
        let (id, roots) = (id.clone(), Arc::clone(&self.roots));
        self.tasks.spawn(async move { Step::Started { id, started: launch::launch(roots, request, limit).await } });
        Ok(())
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Answer { id, answer, permit } => self.answer(id, answer, permit),
            Step::Started { id, started } => {
                self.starting -= 1;
                let answer = started.and_then(|terminal| {
                    self.last_terminal += 1;
                    let name = TerminalId::new(format!("{HOST_TERMINAL}{}", self.last_terminal));
                    let answer = RawBuf::encode(&CreateTerminalResponse::new(name.clone()))?;
                    self.terminals.insert(name, terminal);
                    Ok(answer)
                });
                self.answer(id, answer, None);
            }
            Step::Sent(bytes) => {
                self.sending -= 1;
                self.bytes -= bytes;
            }
        }
    }

    /// Sends an answer when the agent takes it.
    fn answer(&mut self, id: RequestId, answer: Answer, permit: Option<OwnedSemaphorePermit>) {
        let outbox = self.outbox.clone();
        let bytes = self.open.remove(&id).map_or(0, |open| open.bytes);
        self.sending += 1;
        self.tasks.spawn(async move {
            // A connection that has closed is followed by the end of these services.
            let _ = outbox.respond_raw(id, answer.map_err(RawError::from)).await;
            drop(permit);
            Step::Sent(bytes)
        });
    }

    fn terminal(&self, id: &TerminalId) -> Result<&Terminal, Refusal> {
        self.terminals.get(id).ok_or_else(|| Refusal::NoTerminal(id.to_string()))
    }
}

#[cfg(test)]
mod tests;
