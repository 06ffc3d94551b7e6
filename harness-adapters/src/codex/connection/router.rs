//! Directory of calls, threads and sessions: where each message of the process goes.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use acp_types::RawBuf;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::head::{About, Head, Started};
use crate::adapter::FromHarness;
use crate::codex::wire;
use crate::failure::{Failure, FailureKind};

/// Messages kept for threads that are not known yet; they come before the answer to whoever opens one.
const EARLY: usize = 64;
/// Beginning of the ids of our own calls. Those of sessions begin with their thread.
const OWN: &str = "adapter";
/// Depth of sub-agents of sub-agents.
const DEPTH: usize = 16;

/// Result of a call.
#[derive(Debug)]
pub(super) enum Reply {
    Result(RawBuf),
    Error(String),
}

/// Result of a login.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Login {
    #[serde(default)]
    pub(crate) login_id: Option<String>,
    #[serde(default)]
    pub(crate) success: bool,
    #[serde(default)]
    pub(crate) error: Option<String>,
}

/// Destination of a message.
#[derive(Debug)]
pub(super) struct Routed {
    pub(super) session: Option<mpsc::Sender<FromHarness>>,
    /// Its id, if it wants an answer.
    pub(super) question: Option<RawBuf>,
    /// Messages of threads that belong to the session, as it turns out now.
    pub(super) after: Vec<Bytes>,
    /// The message that replaces one that cannot be read.
    pub(super) instead: Option<Bytes>,
}

impl Routed {
    fn new(session: Option<mpsc::Sender<FromHarness>>, question: Option<RawBuf>, after: Vec<Bytes>) -> Self {
        Self { session, question, after, instead: None }
    }
}

#[derive(Debug, Default)]
pub(super) struct Router(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    calls: HashMap<u64, oneshot::Sender<Reply>>,
    /// Sessions by thread.
    sessions: HashMap<String, Session>,
    /// The thread that started it, by thread.
    parents: HashMap<String, String>,
    early: VecDeque<(String, Bytes)>,
    /// Files of threads, by thread.
    files: HashMap<String, PathBuf>,
    login: Option<mpsc::Sender<Login>>,
    /// Waiters for the end of a thread, by thread.
    unloading: HashMap<String, oneshot::Sender<()>>,
    /// The mistake in the configuration, as Codex reported it when it started.
    misread: Option<String>,
    ended: Option<Failure>,
}

#[derive(Debug)]
struct Session {
    prefix: String,
    to: mpsc::Sender<FromHarness>,
}

impl Router {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reason of the process's end, if it has ended.
    pub(super) fn ended(&self) -> Option<Failure> {
        self.state().ended.clone()
    }

    /// The mistake in the configuration when the process started.
    pub(super) fn misread(&self) -> Option<String> {
        self.state().misread.clone()
    }

    /// The process is gone: nobody gets an answer any more. Returns the sessions to tell.
    pub(super) fn end(&self, failure: Failure) -> Vec<mpsc::Sender<FromHarness>> {
        let mut state = self.state();
        state.ended = Some(failure);
        state.calls.clear();
        state.login = None;
        state.unloading.clear();
        state.sessions.drain().map(|(_, session)| session.to).collect()
    }

    pub(super) fn expect(&self, number: u64, reply: oneshot::Sender<Reply>) -> Result<(), Failure> {
        let mut state = self.state();
        if let Some(failure) = &state.ended {
            return Err(failure.clone());
        }
        state.calls.insert(number, reply);
        Ok(())
    }

    pub(super) fn forget(&self, number: u64) {
        self.state().calls.remove(&number);
    }

    pub(super) fn logins(&self) -> mpsc::Receiver<Login> {
        let (to, from) = mpsc::channel(4);
        self.state().login = Some(to);
        from
    }

    /// Remembers the file of a thread, or forgets it.
    pub(super) fn stored(&self, thread: &str, file: Option<&PathBuf>) {
        let mut state = self.state();
        match file {
            Some(file) => drop(state.files.insert(thread.to_owned(), file.clone())),
            None => drop(state.files.remove(thread)),
        }
    }

    /// The file of a thread.
    pub(super) fn file(&self, thread: &str) -> Option<PathBuf> {
        self.state().files.get(thread).cloned()
    }

    /// Sends messages of the thread there from now on. Returns those that came before.
    pub(super) fn attach(
        &self,
        thread: &str,
        prefix: &str,
        to: mpsc::Sender<FromHarness>,
    ) -> Result<Vec<Bytes>, Failure> {
        let mut state = self.state();
        if let Some(failure) = &state.ended {
            return Err(failure.clone());
        }
        state.sessions.insert(thread.to_owned(), Session { prefix: prefix.to_owned(), to });
        Ok(state.take_early(thread))
    }

    /// Sessions that nobody listens to any more get nothing more.
    pub(super) fn forget_closed(&self) {
        self.state().sessions.retain(|_, session| !session.to.is_closed());
    }

    /// Undoes [`Self::attach`], unless another session took the thread over. Returns the threads that it started.
    pub(super) fn detach(&self, thread: &str, prefix: &str) -> Vec<String> {
        let mut state = self.state();
        if state.sessions.get(thread).is_none_or(|session| session.prefix != prefix) {
            return Vec::new();
        }
        state.sessions.remove(thread);
        state.files.remove(thread);
        let mut gone = vec![thread.to_owned()];
        let mut at = 0;
        while at < gone.len() {
            let children = state.parents.extract_if(|_, parent| *parent == gone[at]).map(|(child, _)| child);
            let children: Vec<_> = children.collect();
            gone.extend(children);
            at += 1;
        }
        gone.split_off(1)
    }

    /// Fires when Codex has ended a thread, or is gone itself.
    pub(super) fn unloading(&self, thread: &str) -> oneshot::Receiver<()> {
        let (to, from) = oneshot::channel();
        let mut state = self.state();
        state.unloading.retain(|_, waiting| !waiting.is_closed());
        if state.ended.is_none() {
            state.unloading.insert(thread.to_owned(), to);
        }
        from
    }

    /// Answers a call of ours, or tells where else the message goes. `None` when nothing is left to do.
    pub(super) fn route(&self, line: &Bytes) -> Option<Routed> {
        let Ok(head) = serde_json::from_slice::<Head<'_>>(line) else { return self.unreadable(line) };
        let Some(method) = head.method else { return self.answer(head) };
        let about = head.params.map(About::read).unwrap_or_default();
        let question = head.id.map(|id| RawBuf::trusted(id.get()));
        let mut state = self.state();
        let thread = about.thread_id.as_deref().or(about.thread.as_ref().map(|thread| thread.id.as_str()));
        let Some(thread) = thread else {
            if method == "account/login/completed"
                && let (Some(to), Some(params)) = (&state.login, head.params)
                && let Ok(login) = serde_json::from_str(params.get())
            {
                drop(to.try_send(login));
            }
            if method == "configWarning" || method == "warning" {
                state.warned(head.params);
            }
            return question.map(|id| Routed::new(None, Some(id), Vec::new()));
        };
        if method == "thread/closed"
            && let Some(waiting) = state.unloading.remove(thread)
        {
            // Whoever waited may have given up.
            let _ = waiting.send(());
            return None;
        }
        let after = state.learn(thread, &about);
        if let Some(session) = state.session(thread) {
            return Some(Routed::new(Some(session), question, after));
        }
        if question.is_none() {
            if state.early.len() == EARLY {
                state.early.pop_front();
            }
            let early = (thread.to_owned(), line.clone());
            state.early.push_back(early);
            return None;
        }
        Some(Routed::new(None, question, Vec::new()))
    }

    /// A line that is no message. The session whose thread it names is told, and if it may have ended a turn.
    fn unreadable(&self, line: &Bytes) -> Option<Routed> {
        tracing::warn!(bytes = line.len(), "a line of Codex cannot be read");
        let state = self.state();
        let names = |thread: &&String| memchr::memmem::find(line, thread.as_bytes()).is_some();
        let own = state.sessions.keys().find(names);
        let thread = own.or_else(|| state.parents.keys().find(names))?;
        let ends = own.is_some() && memchr::memmem::find(line, b"turn/completed").is_some();
        let mut routed = Routed::new(Some(state.session(thread)?), None, Vec::new());
        routed.instead = Some(wire::bytes(&wire::unreadable(ends)));
        Some(routed)
    }

    fn answer(&self, head: Head<'_>) -> Option<Routed> {
        let id: String = serde_json::from_str(head.id?.get()).ok()?;
        let (prefix, number) = id.rsplit_once(':')?;
        let mut state = self.state();
        if prefix != OWN {
            let session = state.sessions.values().find(|session| session.prefix == prefix)?.to.clone();
            return Some(Routed::new(Some(session), None, Vec::new()));
        }
        let reply = state.calls.remove(&number.parse().ok()?)?;
        // A call that nobody waits for any more.
        let _ = reply.send(match head.error {
            Some(error) => Reply::Error(error.message),
            None => Reply::Result(RawBuf::trusted(head.result.map_or("null", RawValue::get))),
        });
        None
    }
}

impl State {
    /// Learns the parents of threads. Returns the messages of threads that came before that was known.
    fn learn(&mut self, thread: &str, about: &About<'_>) -> Vec<Bytes> {
        if let Some(Started { id, parent_thread_id: Some(parent) }) = &about.thread {
            self.parents.insert(id.clone(), parent.clone());
        }
        let Some(item) = &about.item else { return Vec::new() };
        let mut after = Vec::new();
        for child in item.receiver_thread_ids.iter().chain(&item.agent_thread_id) {
            if child != thread && !self.sessions.contains_key(child) && !self.parents.contains_key(child) {
                self.parents.insert(child.clone(), thread.to_owned());
                after.extend(self.take_early(child));
            }
        }
        after
    }

    /// A warning that belongs to no session.
    fn warned(&mut self, params: Option<&RawValue>) {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Warning {
            summary: String,
            message: String,
            details: Option<String>,
            path: Option<String>,
        }
        let Warning { summary, message, details, path } =
            params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
        if path.is_some() && details.is_some() {
            tracing::warn!(summary, details, "Codex cannot read its configuration");
            self.misread = details;
        } else {
            tracing::info!(summary, message, "Codex has a warning");
        }
    }

    fn take_early(&mut self, thread: &str) -> Vec<Bytes> {
        let (taken, rest): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.early).into_iter().partition(|(of, _)| of == thread);
        self.early = rest;
        taken.into_iter().map(|(_, line)| line).collect()
    }

    /// The session of a thread or of whoever started it.
    fn session<'a>(&'a self, mut thread: &'a str) -> Option<mpsc::Sender<FromHarness>> {
        for _ in 0..DEPTH {
            if let Some(session) = self.sessions.get(thread) {
                return Some(session.to.clone());
            }
            thread = self.parents.get(thread)?;
        }
        None
    }
}

/// The id of a call of ours.
pub(super) fn own_id(number: u64) -> String {
    format!("{OWN}:{number}")
}

/// There is no answer and nobody knows why.
pub(super) fn gone() -> Failure {
    Failure::new(FailureKind::Harness, "Codex is gone; the next prompt starts it again")
}

#[cfg(test)]
mod tests;
