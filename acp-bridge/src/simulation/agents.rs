//! All agent processes of a run, and how hosts start them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use acp_server::codec::Input;
use acp_server::transport::child::ChildSpec;
use acp_server::transport::memory::{self, Memory, MemoryReader, MemoryWriter};
use acp_server::transport::{FrameReader, FrameWriter, Reading, Transport};
use acp_types::Raw;
use acp_types::record::Record;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;

use super::agent::{Act, AgentProcess, Deeds, Mode, child_in, parse};
use super::dice::Dice;
use super::disk::Disk;
use super::fault::Fault;
use super::process::Process;
use crate::host::{InProcessAgent, Launched, Launcher, Profiles};
use crate::session::Refusal;

/// The program of the agent that may join, in the arguments of its command.
const HELPER: &str = "helper";

/// Messages that a pipe holds.
const PIPE: usize = 4096;

/// The lane that the program serves.
pub(super) const SECOND_LANE: &str = "two";

/// A process and its pipes.
#[derive(Debug)]
struct Running {
    number: u64,
    /// The host whose child it is.
    host: Arc<Process>,
    agent: AgentProcess,
    stdin: MemoryReader,
    stdout: MemoryWriter,
}

/// Something that a host has put into the pipe of an agent.
#[derive(Debug)]
pub(super) enum Arrived {
    /// A prompt; the mode that the agent is in.
    Prompt { lane: Arc<str>, host: u64, mode: Mode },
    /// A stop.
    Stop { lane: Arc<str>, host: u64 },
}

/// All of them.
#[derive(Debug)]
pub(super) struct Agents {
    disk: Arc<Disk>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    started: u64,
    running: Vec<Running>,
    /// Pipes of agents that are dead, which their hosts have not heard.
    unheard: Vec<Running>,
    deeds: BTreeMap<Arc<str>, Deeds>,
}

impl Agents {
    pub(super) fn new(seed: u64, disk: Arc<Disk>) -> Arc<Self> {
        let (dice, running, unheard) = (Dice::new(seed ^ 0xa9e7), Vec::new(), Vec::new());
        let deeds = [Record::MAIN_LANE, SECOND_LANE].map(|lane| (lane.into(), Deeds::default())).into();
        Arc::new(Self { disk, state: Mutex::new(State { dice, started: 0, running, unheard, deeds }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("one thread")
    }

    /// Launcher of a host.
    pub(super) fn launcher(self: &Arc<Self>, host: &Arc<Process>) -> Arc<AgentLauncher> {
        Arc::new(AgentLauncher { agents: Arc::clone(self), host: Arc::clone(host) })
    }

    /// What those of each lane have done.
    pub(super) fn deeds(&self) -> BTreeMap<Arc<str>, Deeds> {
        self.state().deeds.clone()
    }

    pub(super) fn are_idle(&self) -> bool {
        self.state().running.iter().all(|running| running.agent.is_idle())
    }

    /// Returns whether one of a host, in a lane, waits for the answer to a question.
    pub(super) fn wait_for(&self, host: u64, lane: &str, question: &str) -> bool {
        let state = self.state();
        let mut waiting = state.running.iter().filter(|running| running.host.number == host);
        waiting.any(|running| *running.agent.lane == *lane && running.agent.waits_for(question))
    }

    /// Takes what hosts have written out of the pipes.
    pub(super) fn collect(&self) -> Vec<Arrived> {
        let mut arrived = Vec::new();
        let mut state = self.state();
        let mut over = Vec::new();
        for running in &mut state.running {
            let mut inputs = Vec::new();
            while let Some(read) = running.stdin.read(&mut inputs).now_or_never() {
                if !matches!(read, Ok(Reading::Open)) {
                    over.push(running.number);
                    break;
                }
            }
            for input in inputs {
                let Input::Frame(frame) = input else { panic!("{input:?}") };
                arrived.extend(arrive(&self.disk, running, frame));
            }
        }
        // As a program does that has nothing more to read.
        state.running.retain(|running| !over.contains(&running.number));
        arrived
    }

    /// Each does something, or does not. Returns what those were working on that read a stop.
    pub(super) fn act(&self, calm: bool) -> Vec<(Arc<str>, Option<String>)> {
        let mut stopped = Vec::new();
        let mut state = self.state();
        let State { dice, running, deeds, .. } = &mut *state;
        for running in running {
            if !calm && dice.percent(40) || running.host.is_stalled() && calm {
                continue;
            }
            let deeds = deeds.entry(Arc::clone(&running.agent.lane)).or_default();
            match running.agent.act(deeds, dice, calm) {
                Act::Nothing | Act::Reads => {}
                Act::ReadsStop(text) => stopped.push((Arc::clone(&running.agent.lane), text)),
                Act::Writes(frame) => write(&self.disk, running, frame),
            }
        }
        stopped
    }

    /// Kills one that runs.
    pub(super) fn kill_one(&self) -> Option<Arc<str>> {
        let mut state = self.state();
        let count = state.running.len();
        if count == 0 {
            return None;
        }
        let at = state.dice.below(count);
        let running = state.running.remove(at);
        let lane = Arc::clone(&running.agent.lane);
        drop(state);
        if self.disk.goes_wrong(Fault::DeathUnheard, 100) {
            self.state().unheard.push(running);
        }
        Some(lane)
    }

    /// Those of a host die with it.
    pub(super) fn kill_of(&self, host: &Process) {
        self.state().running.retain(|running| running.host.number != host.number);
    }

    fn kill(&self, number: u64) {
        self.state().running.retain(|running| running.number != number);
    }
}

fn arrive(disk: &Disk, running: &mut Running, frame: Bytes) -> Option<Arrived> {
    let message = parse(&frame);
    let method = message.member("method").and_then(Raw::as_string);
    let lane = Arc::clone(&running.agent.lane);
    let (mut times, mut arrived, mut leaks) = (1, None, false);
    match method.as_deref() {
        Some("session/prompt") => {
            arrived = Some(Arrived::Prompt { lane, host: running.host.number, mode: running.agent.mode.clone() });
            times += usize::from(disk.goes_wrong(Fault::PromptTwice, 30));
            leaks = disk.goes_wrong(Fault::StopLeaks, 30);
        }
        Some("session/cancel") if message.member("params").and_then(child_in).is_some() => {}
        Some("session/cancel") if disk.goes_wrong(Fault::StopNotTold, 100) => times = 0,
        Some("session/cancel") => arrived = Some(Arrived::Stop { lane, host: running.host.number }),
        Some("session/set_mode") if disk.goes_wrong(Fault::ChoiceNotGiven, 50) => {
            let id = message.member("id").map_or("null", Raw::as_str);
            write(disk, running, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
            times = 0;
        }
        None => {
            let cancelled = message.path(&["result", "outcome", "outcome"]).and_then(Raw::as_string);
            let cancelled = cancelled.as_deref() == Some("cancelled");
            if cancelled && disk.goes_wrong(Fault::StopAnswersNothing, 100) {
                times = 0;
            }
            // Only questions are answered by hosts.
            times += usize::from(times > 0 && disk.goes_wrong(Fault::AnswerTwice, 30));
        }
        Some(_) => {}
    }
    (0..times).for_each(|_| running.agent.hand(frame.clone()));
    if leaks {
        running.agent.hand(Bytes::from_static(br#"{"jsonrpc":"2.0","method":"session/cancel","params":{}}"#));
    }
    arrived
}

fn write(disk: &Disk, running: &mut Running, mut frame: String) {
    if disk.goes_wrong(Fault::Rewritten, 100) {
        frame = frame.replace("1e2", "100.0");
    }
    if let Some((head, _)) = frame.split_once(r#","error":"#)
        && disk.goes_wrong(Fault::RefusalUnheard, 100)
    {
        frame = format!(r#"{head},"result":{{}}}}"#);
    }
    let mut frames = [Bytes::from(frame)].into();
    // Its host may just have gone.
    let _ = running.stdout.write(&mut frames).now_or_never().expect("a pipe that is big enough");
}

/// Starts the agents of one host.
#[derive(Debug)]
pub(super) struct AgentLauncher {
    agents: Arc<Agents>,
    host: Arc<Process>,
}

#[async_trait]
impl Launcher for AgentLauncher {
    async fn launch(&self, agent: &ChildSpec, _instance: &str) -> Result<Launched, Refusal> {
        self.host.runs().await;
        let mut state = self.agents.state();
        if state.started > 0 && state.dice.percent(3) {
            return Err(Refusal::NotStarted { why: "there is no memory for it".to_owned() });
        }
        let lane = if format!("{agent:?}").contains(HELPER) { SECOND_LANE } else { Record::MAIN_LANE };
        let (lane, host) = (Arc::from(lane), Arc::clone(&self.host));
        let (ours, theirs): (Memory, Memory) = memory::pair(PIPE);
        let (stdin, stdout) = ours.split(usize::MAX);
        state.started += 1;
        let number = state.started;
        let agent = AgentProcess::start(&lane, state.deeds.entry(Arc::clone(&lane)).or_default());
        state.running.push(Running { number, host, agent, stdin, stdout });
        drop(state);
        Ok(Launched::InProcess(theirs, Box::new(AgentHandle { agents: Arc::clone(&self.agents), number })))
    }
}

#[async_trait]
impl Profiles for AgentLauncher {
    async fn agent(&self, _name: &str) -> Result<ChildSpec, Refusal> {
        Ok(ChildSpec::new("agent").arg(HELPER))
    }
}

/// Handle that a host has of a process that it has started.
#[derive(Debug)]
struct AgentHandle {
    agents: Arc<Agents>,
    number: u64,
}

#[async_trait]
impl InProcessAgent for AgentHandle {
    fn kill(&self) {
        self.agents.kill(self.number);
    }

    async fn shutdown(&mut self) -> String {
        self.agents.kill(self.number);
        "was ended".to_owned()
    }
}

impl Drop for AgentHandle {
    fn drop(&mut self) {
        self.agents.kill(self.number);
    }
}
