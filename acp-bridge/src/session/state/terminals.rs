//! Terminals that clients run for agents: what an agent asks about one is for the client that has it.

use std::collections::VecDeque;
use std::sync::Arc;

use acp_types::Raw;
use acp_types::method::v1;
use acp_types::record::body::Resolved;

use super::PendingRequest;

/// Terminals remembered, those that are gone for the tool calls that show them. The oldest that is gone, or else the oldest,
/// is forgotten: what is asked about it then is asked of everybody.
const MAX: usize = 1024;

const CREATE: &str = v1::CreateTerminal::NAME;
const RELEASE: &str = v1::ReleaseTerminal::NAME;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Terminal {
    lane: Arc<str>,
    id: String,
    client: Arc<str>,
    /// It was released, or its agent has ended.
    gone: bool,
}

/// All of them, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terminals(Arc<VecDeque<Terminal>>);

impl Terminals {
    /// A request has its answer, from this client.
    pub(super) fn answered(&mut self, request: &PendingRequest, resolved: &Resolved, client: Option<&Arc<str>>) {
        match &*request.method {
            CREATE => {
                let id = resolved.result.as_ref().and_then(|result| result.as_raw().member("terminalId")?.as_string());
                let (Some(id), Some(client)) = (id, client) else { return };
                let terminals = Arc::make_mut(&mut self.0);
                if terminals.len() >= MAX {
                    let oldest = terminals.iter().position(|terminal| terminal.gone).unwrap_or(0);
                    terminals.remove(oldest);
                }
                let (lane, client) = (Arc::clone(&request.lane), Arc::clone(client));
                terminals.push_back(Terminal { lane, id: id.into_owned(), client, gone: false });
            }
            RELEASE => {
                let named = named_in(request).and_then(|id| self.find(&request.lane, &id));
                if let Some(terminal) = named.and_then(|at| Arc::make_mut(&mut self.0).get_mut(at)) {
                    terminal.gone = true;
                }
            }
            _ => {}
        }
    }

    /// The agent of a lane is gone, and with it all that it could ask about.
    pub(super) fn forget(&mut self, lane: &str) {
        let lives = |terminal: &Terminal| *terminal.lane == *lane && !terminal.gone;
        if self.0.iter().any(lives) {
            for terminal in Arc::make_mut(&mut self.0).iter_mut().filter(|terminal| lives(terminal)) {
                terminal.gone = true;
            }
        }
    }

    /// The client that made a terminal, the last that has this name.
    pub(super) fn maker(&self, lane: &str, id: &str) -> Option<&Arc<str>> {
        let named = self.0.iter().rev().find(|terminal| *terminal.lane == *lane && terminal.id == id);
        named.map(|terminal| &terminal.client)
    }

    /// The client that has the terminal that is asked about.
    pub(super) fn owner(&self, request: &PendingRequest) -> Option<&Arc<str>> {
        if !request.method.starts_with("terminal/") {
            return None;
        }
        let at = self.find(&request.lane, &named_in(request)?)?;
        self.0.get(at).map(|terminal| &terminal.client)
    }

    /// The one that was made last: two clients may have used one name.
    fn find(&self, lane: &str, id: &str) -> Option<usize> {
        self.0.iter().rposition(|terminal| !terminal.gone && *terminal.lane == *lane && terminal.id == id)
    }
}

fn named_in(request: &PendingRequest) -> Option<String> {
    let id = request.params.as_ref()?.as_raw().member("terminalId").and_then(Raw::as_string)?;
    Some(id.into_owned())
}
